"""Look inside: where the models clash, one part and how the method works on its real numbers; figures of the whole merge."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gradio as gr

from merger.engine.document import reader
from merger.engine.plan import Plan, TensorJob, make_plan
from merger.errors import MergeError
from merger.files.checkpoints import format_bytes
from merger.files.layout import ROLES, Board, role
from merger.inspect import plots
from merger.inspect.analysis import TensorStats, combine
from merger.inspect.explain import Explanation, Look, look
from merger.kernels.devices import Attempt, empty_cache
from merger.ui import words
from merger.ui.desk import Desk, Updates
from merger.ui.events import NEWEST, NOW, QUIET
from merger.ui.inspect import inspect
from merger.ui.lanes import columns, inks, short_names
from merger.ui.service.strip import Strip
from merger.ui.studio import Studio
from merger.ui.words import DOES
from merger.ui.workspace import Workspace, for_statistics

NOTHING = "There is nothing to look into: no part of this recipe's models is merged."

GLASS = ("heat map", "tensors", "facts", "histogram", "stages", "shape")
"""What one tensor draws."""
WHOLE = ("inside words", "sparsity", "cosines", "sizes", "densities")
"""What the whole merge draws."""
Picked = tuple[Any, Any] | None
"""The part that was chosen by hand: a column of the Mixer and a role (None: any), as the browser sent them."""


class Looking:
    """The panel on one desk. It is drawn only while its tab is open."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    # ------------------------------------------------------------------------------------------ view

    def view(self) -> None:
        """Build it where it is called, empty."""
        with gr.Row(equal_height=False):
            with gr.Column(scale=5, min_width=320):
                heat = inspect({}, elem_id="inspect-heat")
                tensors = gr.Radio([], label="Tensor", visible=False, interactive=True, elem_id="inspect-tensors")
                facts = inspect({}, elem_id="inspect-facts")
            with gr.Column(scale=6, min_width=320):
                shape = _plot("The models' directions", 320, elem_id="inspect-shape", visible=False)
                stages = _plot("The method, step by step", 320, elem_id="inspect-stages", visible=False)
                histogram = _plot("How large the changes are", 320, elem_id="inspect-histogram", visible=False)
        picked = gr.State(None)
        self.desk.shows(
            **{"heat map": heat}, tensors=tensors, facts=facts, histogram=histogram, stages=stages, shape=shape, picked=picked
        )
        words = gr.Textbox("", label="Verdict", interactive=False, elem_id="inside-words", lines=3, max_lines=30)
        with gr.Row():
            zeros, alike = _plot("Sparsity by layer", 320), _plot("Cosine between the models' changes", 280)
        with gr.Row():
            size, density = _plot("Size of the changes by layer", 320), _plot("Density by layer", 320)
        self.desk.shows(**{"inside words": words}, sparsity=zeros, cosines=alike, sizes=size, densities=density)

    def wire(self, tab: Any) -> None:
        """Bind its events. tab: where it stands."""
        desk, parts = self.desk, self.desk.parts
        given, drawn = ["work", "tab", "picked", "tensors"], [*WHOLE, *GLASS]
        chosen = desk.bind(parts["mixer"].select, self.pick, ["work", "mixer"], ["picked", "tabs", "tab", *GLASS], **NOW)
        desk.bind(parts["heat map"].select, self.pick_part, ["work", "heat map"], ["picked", *GLASS], **NEWEST)
        opened = desk.bind(tab.select, self.open, ["work", "picked"], ["tab", "heat map"], **NOW)
        for event in (chosen, opened):
            desk.bind(event.then, self.draw, given, drawn, **QUIET)
        desk.later("see inside", self.draw, given, drawn, lambda _, tab, *__: tab == "inside", **QUIET)
        desk.bind(parts["tensors"].input, self.choose_tensor, ["work", "picked", "tensors"], GLASS, **NOW)

    # ------------------------------------------------------------------------------------------ events

    def open(self, work: Workspace, picked: Picked, request: gr.Request | None = None) -> Updates:
        """The tab was opened: the map, which is there at once; the rest follows."""
        try:
            found = _found(self.desk.seen(request).studio, work, *(picked or (None, None)))
        except MergeError:  # told by what follows
            return {"tab": "inside"}
        return {"tab": "inside", **({"heat map": found.map} if found else {})}

    def draw(self, work: Workspace, tab: str, picked: Picked, name: str | None, request: gr.Request | None = None) -> Updates:
        """What the open tab shows of the recipe; of its parts only where none was chosen while this was on its way."""
        if tab != "inside":
            return {}
        studio, visit = self.desk.seen(request).studio, self.desk.visit(request)
        before = visit.look
        late = before is not None and (before[0] != picked or before[1] not in (None, name))
        try:
            drawn = whole(studio, work)
            glass = {} if late else draw(studio, work, *(picked or (None, None)), name)
        except MergeError as error:
            return {**dict.fromkeys(WHOLE), "inside words": str(error)}
        if late:
            visit.look = None  # once: what was chosen may have failed
        elif visit.look == before:
            visit.look = (picked, None)
            return drawn | glass
        return drawn

    def pick(self, work: Workspace, value: Any, request: gr.Request | None = None) -> Updates:
        """A layer of the line under the bars was chosen, or *Look inside*: where the models clash most, there or anywhere."""
        there = value.get("picked") if isinstance(value, dict) else None
        cell = (there.get("column"), None) if isinstance(there, dict) else None
        self.desk.visit(request).look = (cell, None)
        drawn = draw(self.desk.seen(request).studio, work, *(cell or (None, None)))
        return {"picked": cell, "tabs": gr.update(selected="inside"), "tab": "inside", **drawn}

    def pick_part(self, work: Workspace, value: Any, request: gr.Request | None = None) -> Updates:
        """A cell of the map was chosen: its tensors."""
        cell = (value.get("column"), value.get("role")) if isinstance(value, dict) else (None, None)
        self.desk.visit(request).look = (cell, None)
        return {"picked": cell, **draw(self.desk.seen(request).studio, work, *cell)}

    def choose_tensor(self, work: Workspace, picked: Picked, name: str | None, request: gr.Request | None = None) -> Updates:
        """Another tensor of the same cell."""
        self.desk.visit(request).look = (picked, name)
        return draw(self.desk.seen(request).studio, work, *(picked or (None, None)), name)


def _plot(label: str, width: int, **kwargs: Any) -> gr.Plot:
    return gr.Plot(label=label, show_label=False, min_width=width, **kwargs)


def whole(studio: Studio, work: Workspace) -> Updates:
    """The verdict in words and the figures for a workspace."""
    words = f"{studio.verdict(work.recipe)}\n\nThe figures are estimated from a sample of every tensor."
    drawn: Updates = {**dict.fromkeys(WHOLE), "inside words": words}
    _, stats = Strip(studio).statistics(for_statistics(work))
    if not stats:
        return drawn
    names = list(short_names(stats[0].models).values())
    return drawn | {
        "sparsity": plots.sparsity_by_layer(stats, names), "cosines": plots.cosines(stats, names),
        "sizes": plots.size_by_layer(stats, names), "densities": plots.density_by_layer(stats, names),
    }  # fmt: skip


def draw(studio: Studio, work: Workspace, column: Any, row: Any, name: str | None = None) -> Updates:
    """Updates of GLASS: the map, and under it `name`, else where the models clash most in this part.

    column, row  an index of `lanes.columns`, a role; None, and what there is not, means any. Hostile, as all that browsers send
    """
    try:
        return _drawn(studio, work, column, row, name)
    except MergeError as error:
        return _empty(str(error))


def _empty(text: str) -> Updates:
    hidden = gr.update(value=None, visible=False)
    return {**dict.fromkeys(GLASS, hidden), "heat map": {}, "tensors": hidden | {"choices": []}, "facts": {"empty": text}}


@dataclass(frozen=True)
class Found:
    """Where to look. compared: the plan on deltas from the base; where, what: column (in words), role; among: all there."""

    compared: Plan
    map: dict[str, Any]
    where: str
    what: str
    tensor: str
    among: list[str]


def _found(studio: Studio, work: Workspace, column: Any, row: Any, name: str | None = None) -> Found | None:
    told = for_statistics(work)
    compared = make_plan(told, studio.parents.open(told, studio.access))
    stats = Strip(studio).statistics(told, compared)[1]
    grid = columns(compared)
    parts = [(i, role(n), n) for i, c in enumerate(grid.columns) for n in c.names]
    asked = [p for p in parts if p[0] == column and type(column) is int]
    here = [p for p in asked if p[1] == row] or asked or parts
    if not here:
        return None
    by_name = {s.name: s for s in stats}
    where, what, chosen = next((p for p in here if p[2] == name), None) or max(here, key=lambda p: _heat_of(by_name.get(p[2])))
    among = [n for i, r, n in parts if (i, r) == (where, what)]
    shown = {"heat": _heat(grid, parts, by_name), "at": [where, what]}
    return Found(compared, shown, grid.columns[where].label, what, chosen, among)


def _drawn(studio: Studio, work: Workspace, column: Any, row: Any, name: str | None) -> Updates:
    found = _found(studio, work, column, row, name)
    if found is None:
        return _empty(NOTHING)
    seen = seen_of(studio, studio.plan(work.recipe), found.compared, found.tensor)
    names = short_names([work.base, *work.chosen])
    slots = inks([*work.shelf, *work.chosen])
    among = found.among
    return {
        "heat map": found.map,
        "tensors": gr.update(choices=[(_short(n, among), n) for n in among], value=found.tensor, visible=len(among) > 1),
        "facts": facts(seen, names, slots, f"{found.where}, {DOES[found.what][0]}"),
        **_figures(seen, names, slots),
    }


SURE = 32
"""Fewer positions where two models meet say nothing about their signs."""


def _heat_of(stats: TensorStats | None) -> tuple[float, float]:
    """How contested a tensor is, then how much it was changed."""
    if stats is None:
        return (-1.0, 0.0)
    beyond = stats.contest.beyond if stats.contest.met >= SURE else None
    return (-1.0 if beyond is None else beyond, max(stats.size))


def _heat(grid: Board, parts: list[tuple[int, str, str]], by_name: Mapping[str, TensorStats]) -> dict[str, Any]:
    """Against chance, by part (down) and column (across): null where nothing meets."""
    cells: dict[tuple[str, int], list[TensorStats]] = {}
    modules: dict[str, dict[str, None]] = {}
    for i, what, name in parts:
        modules.setdefault(what, {})[_module(name)] = None
        if name in by_name:
            cells.setdefault((what, i), []).append(by_name[name])
    shown = {key: combine(group, "") for key, group in cells.items()}
    values = {key: whole.contest.beyond for key, whole in shown.items() if whole is not None}
    rows = [
        {
            "role": what, "label": DOES[what][0], "tip": f"{DOES[what][1]}: {', '.join(list(modules[what])[:4])}",
            "values": [None if (x := values.get((what, i))) is None else round(x, 4) for i in range(len(grid.columns))],
        }
        for what in ROLES if what in modules
    ]  # fmt: skip
    heads = [
        str(c.layer + 1) if c.layer is not None else {"embed": "in", "head": "out"}.get(c.kind, c.kind) for c in grid.columns
    ]
    return {"rows": rows, "columns": heads, "names": [c.label for c in grid.columns]}


def _module(name: str) -> str:
    """A tensor's module: q_proj.

    >>> _module("model.layers.0.self_attn.q_proj.weight")
    'q_proj'
    """
    parts = name.split(".")
    return parts[-2] if len(parts) > 1 else name


def seen_of(studio: Studio, plan: Plan, compared: Plan, name: str) -> Look:
    """One tensor under the recipe; what its models changed from the family's base where the method knows no base."""
    parents = studio.parents
    models = {
        name: m for p in (compared, plan) for name, m in parents.open(p.recipe, studio.access).items()
    }  # hold what earlier documents make
    own: dict[str, TensorJob] = {job.name: job for job in plan.jobs}
    against = next((job for job in compared.jobs if job.name == name), None)
    job = own.get(name) or against
    if job is None:
        raise MergeError(f"{name} is not in this merge.")
    attempt = Attempt()
    with attempt:
        return look(job, parents.reader(models), plan.layout, against=against, device=parents.device)
    parents.release()
    empty_cache(parents.device)  # a tensor and its base always fit beside, on the CPU
    return look(job, reader(models), plan.layout, against=against)


def _short(name: str, among: list[str]) -> str:
    """A tensor's name without what all of them begin with.

    >>> _short("model.layers.0.a.weight", ["model.layers.0.a.weight", "model.layers.0.b.weight"])
    'a.weight'
    """
    parts = [n.split(".") for n in among]
    same = 0
    while len(among) > 1 and all(len(p) > same + 1 and p[same] == parts[0][same] for p in parts):
        same += 1
    return ".".join(name.split(".")[same:])


# ---------------------------------------------------------------------------------------------- facts


def facts(seen: Look, names: words.Names, slots: Mapping[str, int], title: str) -> dict[str, Any]:
    """The value of the facts panel: everything as text, for eyes and for screen readers; see the top of inspect.js."""
    stats = seen.stats
    explained = seen.explained
    return {
        "title": title,
        "sentence": words.look_words(seen, names),
        "note": words.sampled_words(seen),
        "facts": _facts(seen),
        "models": _models(seen, stats, names, slots) if stats is not None else None,
        "cosines": _cosines(stats, names) if stats is not None and len(stats.models) > 1 else None,
        "method": {"name": explained.method or "copy", "sentences": words.method_words(explained, names)},
        "steps": _steps(explained, names) if explained.at else None,
    }  # fmt: skip


def _facts(seen: Look) -> list[list[str]]:
    stats = seen.stats
    rows = [
        ["shape", " × ".join(map(str, seen.shape)) or "one number"], ["weights", f"{seen.numel:,}"],
        ["written as", f"{_dtype(seen.out)}, {format_bytes(seen.nbytes)}"],
    ]  # fmt: skip
    if stats is None:
        return rows
    rows.append(["pulled both ways", words.percent(stats.conflict_before)])
    if seen.own:
        rows.append(["… where they vote", words.percent(stats.conflict)])
    if stats.contest.met:
        against, chance = (words.percent(x / stats.contest.met) for x in stats.contest[:2])
        rows.append(["pull against each other", f"{against}, chance {chance}"])
    return [*rows, ["moved by the merge", f"{words.percent(stats.moved)} of the base's norm"]]


def _models(seen: Look, stats: TensorStats, names: words.Names, slots: Mapping[str, int]) -> dict[str, Any]:
    stored = dict(seen.stored)
    own = ["kept", "takes part", "share of result"] if seen.own else []
    head = ["model", "stored as", "norm of its change", "changed", *own]
    shares = dict(zip(seen.explained.models, seen.explained.numbers.get("share", ()), strict=False))
    if shares and not seen.own:
        head.append("weight in the mix")
    rows: list[list[str]] = []
    for i, model in enumerate(stats.models):
        changed = stats.facts.changed[i] / max(1, stats.facts.numel)
        cells = [names.get(model, model), _dtype(stored[model]) if model in stored else "", words.percent(stats.size[i])]
        cells.append(words.percent(changed))
        if seen.own:
            cells += [words.percent(stats.density[i]), words.percent(stats.effective[i]), words.percent(stats.share[i])]
        elif shares:
            cells.append(f"{shares[model]:.3g}" if model in shares else "")
        rows.append(cells)
    return {"head": head, "rows": rows, "slots": [slots.get(m) for m in stats.models]}


def _cosines(stats: TensorStats, names: words.Names) -> dict[str, Any]:
    n = len(stats.models)
    shown = [names.get(m, m) for m in stats.models]
    return {"names": shown, "rows": [[f"{stats.cosine(i, j):.2f}".replace("-", words.MINUS) for j in range(n)] for i in range(n)]}


def _steps(explained: Explanation, names: words.Names) -> dict[str, Any]:
    """What the picture of the stages shows, as a table: a row for each position, a column for each bar."""
    who = [names.get(m, m) for m in explained.models]
    head = ["", "where"]
    cells = [[str(j + 1), words.place(at)] for j, at in enumerate(explained.at)]
    for stage in explained.stages:
        title = words.stage_title(stage, explained, names).partition(":")[0]
        labels = ["before", "after"] if stage.name == "result" else [""] if len(stage.rows) == 1 else who
        for label, row, out in zip(labels, stage.rows, stage.out, strict=True):
            head.append(f"{title} · {label}" if label else title)
            for j, (value, gone) in enumerate(zip(row, out, strict=True)):
                shown = words.plain(value) if stage.name in ("base", "result", "chance", "importance") else words.number(value)
                cells[j].append(f"({shown})" if gone else shown)
    return {"head": head, "rows": cells, "note": "In brackets: takes no part any more."}


def _dtype(dtype: object) -> str:
    return str(dtype).removeprefix("torch.")


# ---------------------------------------------------------------------------------------------- figures


def _figures(seen: Look, names: words.Names, slots: Mapping[str, int]) -> Updates:
    """Histogram, stages, and the arc or the spectrum; hidden where there is nothing to draw."""
    explained = seen.explained
    shown: dict[str, Any] = dict.fromkeys(("histogram", "stages", "shape"))
    if seen.histogram is not None and seen.stats is not None:
        models = seen.stats.models
        title = f"How large the changes are{'; kept in colour' if seen.own else ''}"
        shown["histogram"] = plots.delta_histograms(
            seen.histogram, [names.get(m, m) for m in models], [slots.get(m) for m in models], title
        )
    who, own = [names.get(m, m) for m in explained.models], [slots.get(m) for m in explained.models]
    if explained.at and explained.method is not None:
        titles = [f"{i}. {words.stage_title(stage, explained, names)}" for i, stage in enumerate(explained.stages, 1)]
        shown["stages"] = plots.stages(explained, titles, who, own, f"{explained.method}, step by step")
    if explained.arc is not None:
        shown["shape"] = plots.arc(explained.arc, who, own, f"The models as arrows, {explained.arc.degrees:.3g}° apart")
    elif explained.spectrum is not None:
        shown["shape"] = plots.spectrum(explained.spectrum, who, own, "Strength of the directions, before and after")
    return {name: gr.update(value=figure, visible=figure is not None) for name, figure in shown.items()}
