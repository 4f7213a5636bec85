"""The verdict: what a merge will do and what speaks against it, from headers, configs and a few rows, before it runs.

print(verdict(recipe, models, make_plan(recipe, models)))
"""

import contextlib
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from merger.engine.cancelling import cancelling
from merger.engine.document import Planned
from merger.engine.plan import Misfit, Plan, coverage, make_plan
from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import Checkpoint, format_bytes, read_json
from merger.files.layout import role
from merger.findings import Finding, Fix
from merger.inspect.alike import FACTORS, Alike, ByModel, Fixed, alike, by_model, fixed, takes
from merger.inspect.analysis import has_deltas, staged
from merger.inspect.compatibility import configs
from merger.inspect.kinship import Samples, card_base, common, known
from merger.kernels.finite import Count, count
from merger.recipe import Entry, Parameters, Recipe, Setting, document, replace_all, setting_document
from merger.tokenizer.tokens import read_vocabulary, token_rows

State = Literal["fits", "aligned", "skipped", "cropped"]

LONG, FEW = 3.0, 0.005
"""Task vectors added with weights that sum to more than LONG end outside what the layers can work with; a delta of which less
than FEW is kept is as good as gone."""
_MATRICES, _VECTORS, _LONG = 8, 64, 1 << 16
"""What is looked through for damage: rows of so many matrices, and so many vectors of at most so many numbers."""


@dataclass(frozen=True)
class Group:
    """One model in the output's tensors of one role and shape. `numel` counts the parameters of all its `tensors`."""

    role: str
    shape: tuple[int, ...]
    model: str
    state: State
    own: tuple[int, ...] | None
    tensors: int
    numel: int

    @property
    def why(self) -> str:
        """Why it is left out, cut or aligned; "" where it fits."""
        if self.state == "fits":
            return ""
        if self.state == "aligned":
            return "row by row after the output's tokens"
        if self.own is None:
            return "it has no such tensor"
        return f"{_shape(self.own)} against {_shape(self.shape)}"


@dataclass(frozen=True)
class Share:
    """Parameters of the output a model can change (its tensor fits), does change (its weight is not 0, and it differs from
    the base there), keeps after trimming."""

    model: str
    can: int
    does: int
    kept: float


@dataclass(frozen=True)
class Verdict:
    """What a merge will do. `str()` is the report; its first line says the most important in one sentence.

    fidelity  how much of the merged change rounding to the output's type turns into noise, as a share of its norm, from a
              sample; None where nothing is rounded, or it cannot be told
    """

    summary: str
    findings: tuple[Finding, ...]
    groups: tuple[Group, ...]
    shares: tuple[Share, ...]
    numel: int
    can: int
    does: int
    kept: float
    disk: int
    memory: int
    seconds: float
    fidelity: float | None = None

    def __str__(self) -> str:
        return "\n".join([self.summary, *self._models(), *self._tensors(), *self._findings(), self._costs()])

    def _models(self) -> Iterator[str]:
        if not self.shares:
            return
        width = max(len("model"), *(len(s.model) for s in self.shares))
        yield f"\n  {'model':<{width}}  can change  does change  after trimming"
        for s in self.shares:
            parts = (_percent(s.can, self.numel), _percent(s.does, self.numel), _percent(s.kept, self.numel))
            yield f"  {s.model:<{width}}  {parts[0]:>10}  {parts[1]:>11}  {parts[2]:>14}"

    def _tensors(self) -> Iterator[str]:
        if all(g.state == "fits" for g in self.groups):
            return
        yield "\n  tensors that do not fit everywhere"
        for g in self.groups:
            if g.state != "fits":
                what = {"skipped": "left out", "aligned": "aligned"}.get(g.state, f"cut to {g.shape[0]} rows")
                yield f"  {g.role:<6} {g.tensors:>4} × {_shape(g.shape):<14} {_count(g.numel):>8}  {g.model}: {what}, {g.why}"

    def _findings(self) -> Iterator[str]:
        for finding in self.findings:
            yield f"\n  {finding.level}: {finding.words}"
            if finding.fix:
                yield f"    {finding.fix}"

    def _costs(self) -> str:
        time = _duration(self.seconds)
        costs = f"\n  disk {format_bytes(self.disk)}, memory about {format_bytes(self.memory)}, time about {time} on two cores"
        return costs if self.fidelity is None else f"{costs}; rounding costs {self.fidelity:.1%} of the merged change"


def verdict(recipe: Recipe, models: Mapping[str, Checkpoint], plan: Plan) -> Verdict:
    """Judge a plan. Reads headers, configs, tokenizers and a few rows of each model; writes nothing.

    plan     the recipe's own plan
    """
    samples = Samples({reference: models[reference] for reference in recipe.merged})
    still = fixed(plan, samples)
    groups, numel = alike(plan, still), still.numel
    mine = by_model(groups)
    shares = tuple(_shares(recipe, mine))
    can, does, kept = _together(groups)
    fidelity = _fidelity(plan, samples, still)
    findings = [
        *_coverage(recipe, plan, shares, can, numel),
        *_nothing(recipe, plan, shares, mine),
        *_too_far(recipe, groups),
        *_without_effect(recipe, plan, mine, still),
        *_untouched(plan, shares, still),
        *_cancelled(recipe, plan),
        *_damaged(recipe, samples),
        *_ancestors(recipe, samples, plan),
        *_siblings(recipe, samples, plan),
        *_of_models(recipe, models, plan, still),
        *_rounding(recipe, models, plan, fidelity),
        *(Finding("note", remark) for remark in plan.remarks if remark not in coverage(recipe, plan.misfits)),
    ]
    findings.sort(key=lambda finding: ("error", "warning", "note").index(finding.level))
    memory, seconds = takes(groups, {reference: model for reference, model in models.items() if model.afar is not None})
    return Verdict(
        _summary(recipe, plan, findings, shares, numel, can, kept), tuple(findings), _grouped(plan, still), shares,
        numel, can, does, kept, still.nbytes,
        memory, seconds, fidelity,
    )  # fmt: skip


def _summary(
    recipe: Recipe, plan: Plan, findings: Sequence[Finding], shares: Sequence[Share], numel: int, can: int, kept: float
) -> str:
    onto = f" onto {plan.config_source}" if recipe.base_model else ""
    models = f"{len(shares)} model{'s' if len(shares) != 1 else ''}"
    idle = sum(1 for s in shares if not s.does)
    parts = [f"{_percent(can, numel)} of {_count(numel)} parameters can change, {_percent(kept, numel)} do"]
    if idle:
        few = f"{idle} of {models} contribute{'s' if idle == 1 else ''} nothing"
        parts.append("no model contributes" if idle == len(shares) else few)
    for level in ("error", "warning"):
        count = sum(1 for f in findings if f.level == level)
        if count:
            parts.append(f"{count} {level}{'s' if count != 1 else ''}")
    return f"{recipe.merge_method} of {models}{onto}: {'; '.join(parts)}."


# ---------------------------------------------------------------------------------------------- who changes what


def _shares(recipe: Recipe, mine: ByModel) -> Iterator[Share]:
    for reference in recipe.merged:
        own = mine.get(reference, ())
        acting = [(group, i) for group, i in own if i in group.acting]
        can = sum(group.numel for group, _ in own)
        does = sum((group.numel * group.alters[i] for group, i in acting), 0.0)
        if can or reference != recipe.base_model:
            yield Share(reference, can, round(does), sum((group.numel * group.keeps[i] for group, i in acting), 0.0))


def _together(groups: Sequence[Alike]) -> tuple[int, int, float]:
    """Parameters that some model can change, does change, and changes after trimming (models trim independently)."""
    can = 0
    does = kept = 0.0
    for group in groups:
        can += group.numel if group.job.donors else 0
        does += group.numel * group.changes[0]
        kept += group.numel * group.changes[1]
    return can, round(does), kept


def _untouched(plan: Plan, shares: Sequence[Share], still: Fixed) -> Iterator[Finding]:
    """Models that were trained in a few layers only, or in none: what a weight there does not do."""
    layers, numel = plan.layout.layers, still.numel
    for share in shares:
        touched = still.touched.get(share.model, frozenset())
        count = len(touched - {None})
        if share.can and touched and count < layers:
            where = f"none of the {layers} layers" if not count else f"{count} of {layers} layers"
            yield Finding(
                "note", f"{share.model} differs from the base in {where}{'; only outside of them' if not count else ''}, "
                f"{_percent(share.does, numel)} of the parameters in all: its weights elsewhere change nothing.",
                kind="untouched", model=share.model, figures=(count, layers),
            )  # fmt: skip


def _grouped(plan: Plan, still: Fixed) -> tuple[Group, ...]:
    """The same of every plan that was moved from it."""
    if "groups" not in still.cache:
        still.cache["groups"] = tuple(_groups(plan))
    return still.cache["groups"]


def _groups(plan: Plan) -> Iterator[Group]:
    """Role × shape × model, in the order of the output."""
    misfits = {(m.name, m.model): m for m in plan.misfits}
    counts: dict[tuple[str, tuple[int, ...], str, State, tuple[int, ...] | None], int] = {}
    for job in plan.jobs:
        found_in = {s.model: s for _, s in job.donors}
        for model in plan.recipe.merged:
            misfit, source = misfits.get((job.name, model)), found_in.get(model)
            if source is None and misfit is None:
                continue
            aligned = source is not None and source.vocab is not None
            state: State = "aligned" if aligned else "fits" if misfit is None else "cropped" if misfit.cropped else "skipped"
            key = (role(job.name), job.shape, model, state, misfit.shape if misfit else job.shape)
            counts[key] = counts.get(key, 0) + 1
    for (kind, shape, model, state, given), tensors in counts.items():
        yield Group(kind, shape, model, state, given, tensors, tensors * math.prod(shape))


def _coverage(recipe: Recipe, plan: Plan, shares: Sequence[Share], can: int, numel: int) -> Iterator[Finding]:
    if plan.recipe.base_model and not any(s.does for s in shares):
        fix = "Give a model a weight." if can else "Merge fine-tunes of one base; list at least one model besides it."
        yield Finding(
            "error", f"no model changes anything: the output is a copy of {plan.config_source}.", fix,
            kind="copy", model=plan.config_source, mend=_awake(recipe, plan, None, "Give every model a part") if can else None,
        )  # fmt: skip
    left = [m for m in plan.misfits if not m.cropped]
    if left and can:
        count, size = len({m.name for m in left}), sum({m.name: m.numel for m in left}.values())
        strangers = {m.model for m in left}
        yield Finding(
            "warning", f"{count} of {len(plan.jobs)} tensors, {_count(size)} parameters, do not fit every model; "
            f"{_percent(can, numel)} of the parameters can change, {_percent(numel - can, numel)} stay as in "
            f"{plan.config_source}.",
            "Merge fine-tunes of one base: the same shapes everywhere.",
            kind="misfits", figures=(count, len(plan.jobs)),
            mend=_matched(recipe, left) or _without(recipe, strangers, "Take out what does not fit"),
        )  # fmt: skip


def _matched(recipe: Recipe, misfits: Iterable[Misfit]) -> Fix | None:
    """Match rows by token, where only the vocabularies' tensors do not fit."""
    if recipe.vocabulary is not None or not all(token_rows(m.name) and m.shape is not None for m in misfits):
        return None
    return Fix("Match words by what they say", {"tokenizer_source": "union"})


def _without(recipe: Recipe, models: Iterable[str], label: str) -> Fix | None:
    """The recipe's list of models without these; None where the rest is no recipe."""
    gone = set(models)
    rest = [entry for entry in recipe.models if entry.model not in gone]
    fewest = max(1, recipe.method.models[0])
    others = [entry for entry in rest if entry.model != recipe.base_model] if recipe.method.takes == "deltas" else rest
    if not recipe.models or len(rest) == len(recipe.models) or len(others) < fewest or recipe.base_model in gone:
        return None
    kept = [entry for entry, mine in zip(document(recipe)["models"], recipe.models, strict=True) if mine.model not in gone]
    return Fix(label, {"models": kept})


def ways_out(recipe: Recipe, models: Mapping[str, Checkpoint]) -> Iterator[Fix]:
    """With what a recipe that is refused can be planned, the gentlest first: each was tried, and something is merged.

    Reads headers and tokenizers. Nothing for a recipe that is not refused.
    """
    with contextlib.suppress(MergeError):
        make_plan(recipe, models)
        return
    for fix in (
        Fix("Match words by what they say", {"tokenizer_source": "union"}),
        Fix("Leave out the parts that do not fit", {"on_mismatch": "skip"}),
        Fix("Cut the word tables to what all have", {"on_mismatch": "crop"}),
    ):
        if fix.changes.get("on_mismatch") == "crop" and not _same_words(recipe, models):
            continue
        with contextlib.suppress(MergeError):
            mended = replace_all(recipe, fix.changes)
            if mended != recipe and any(job.donors for job in make_plan(mended, models).jobs):
                yield fix


def _same_words(recipe: Recipe, models: Mapping[str, Checkpoint]) -> bool:
    """Whether a number that several models have a token for means the same one in all: else cutting rows would mix words."""
    known: dict[int, str] = {}
    alike = all(known.setdefault(i, token) == token for r in recipe.merged for i, token in tokens_of(models[r].words).items())
    return alike and bool(known)


_AWAKE: dict[str, float] = {"weight": 0.5, "density": 0.5, "lambda": 1.0, "t": 0.5}
_PER_MODEL = ("weight", "density")


def _awake(recipe: Recipe, plan: Plan, model: str | None, label: str) -> Fix | None:
    """Every factor that is 0 all over a model's tensors (None: any model's) set to what is common; None if nothing is."""
    changes: dict[str, Any] = {}
    for reference, listed in _entries(recipe).items():
        if reference == recipe.base_model or (model is not None and reference != model):
            continue
        for name in _zeros(plan, reference):
            if name in _PER_MODEL:
                changes |= {f"{place}.parameters.{name}": _AWAKE[name] for place, _ in listed}
            elif not recipe.slices and not recipe.modules:
                changes[f"parameters.{name}"] = _AWAKE[name]
    return Fix(label, changes) if changes else None


def _zeros(plan: Plan, model: str) -> list[str]:
    """Factors of this model that are 0 in every tensor it fits."""
    own = [(job, k) for job in plan.jobs for k, s in job.donors if s.model == model]
    return [name for name in FACTORS if own and all(j.args.at(name, k) == 0 for j, k in own)]


def _nothing(recipe: Recipe, plan: Plan, shares: Sequence[Share], mine: ByModel) -> Iterator[Finding]:
    """Models that contribute nothing, or next to nothing, and why."""
    for share in shares:
        if share.does:
            if share.can and share.kept < FEW * share.does:
                yield _hardly(recipe, share)
            continue
        if any(i in group.acting for group, i in mine.get(share.model, ())):
            continue  # it equals the base: told where they are compared
        place, entry = (_entries(recipe).get(share.model) or [("", None)])[0]
        missed = [m for m in plan.misfits if m.model == share.model and not m.cropped]
        gone = _without(recipe, [share.model], "Take it out")
        if not share.can:
            yield Finding(
                "warning", f"{share.model} contributes nothing: none of its tensors fits.", "Leave it out.",
                kind="unfit", model=share.model, mend=gone,
            )  # fmt: skip
        elif entry is not None and (wanted := _weighted(entry, recipe, plan, missed)):
            roles = ", ".join(dict.fromkeys(role(m.name) for m in wanted))
            yield Finding(
                "warning", f"{share.model} contributes nothing: its weight is 0 wherever it fits, and where its weight is not 0 "
                f"({roles}) its tensors do not fit.",
                "Name a base that it was fine-tuned from, or leave it out.",
                kind="unfit", model=share.model, mend=gone,
            )  # fmt: skip
        else:
            zero = next(iter(_zeros(plan, share.model)), "t")
            path = f"{place}.parameters.weight" if place and zero == "weight" else ""
            yield Finding(
                "warning", f"{share.model} contributes nothing: its {zero} is 0 everywhere.",
                f"Give it a {zero}, or leave it out.", path, 0.5 if path else None,
                kind="silent", model=share.model, mend=_awake(recipe, plan, share.model, "Give it a part") or gone,
            )  # fmt: skip


def _hardly(recipe: Recipe, share: Share) -> Finding:
    """A density so low that nothing is left of a model."""
    kept = share.kept / share.does
    places = [place for place, _ in _entries(recipe).get(share.model, [])]
    return Finding(
        "warning", f"{share.model} contributes next to nothing: {100 * kept:.2g} % of its changes are kept.",
        "Raise its density, for example to 0.2.",
        f"{places[0]}.parameters.density" if len(places) == 1 else "", 0.2 if len(places) == 1 else None,
        kind="hardly", model=share.model, figures=(kept,),
        mend=Fix("Keep a fifth of its changes", {f"{place}.parameters.density": 0.2 for place in places}) if places else None,
    )  # fmt: skip


def _too_far(recipe: Recipe, groups: Sequence[Alike]) -> Iterator[Finding]:
    """Weights that add up to a step much longer than any of the models took, or to whole models several times over."""
    if not recipe.method.adds:
        return  # shares, or directions of their own strength
    whole_models = recipe.method.takes == "tensors"
    whole = far = 0.0
    for group in groups:
        job = group.job
        donors = job.donors
        if not donors or "weight" not in job.args:
            continue
        args, size = job.args, group.numel
        weights = [job.args.one("weight", i) for i, _ in donors]
        if whole_models:
            weights = [job.args.one("weight", i) for i in range(len(job.sources))]
            reach = 1.0 if args.get("normalize") is True else math.fsum(weights)
        else:
            shares = 1.0 if args.get("normalize") is True else math.fsum(abs(w) for w in weights)
            reach = abs(args.number("lambda")) * shares
        whole += size
        far += size * reach
    reach = far / whole if whole else 1.0
    if whole_models and abs(reach - 1) > 0.2:
        yield Finding(
            "warning", f"the weights of whole models sum to {reach:.3g}, so the output's numbers are {reach:.3g} times as large.",
            "Write `normalize: true`.", "parameters.normalize", True,
            kind="scaled", figures=(reach,), mend=Fix("Make them shares of one", _everywhere(recipe, "normalize", True)),
        )  # fmt: skip
    elif not whole_models and reach > LONG:
        strength = next((g.job.args.number("lambda") for g in groups if "lambda" in g.job.args), None)
        calm = None if strength is None else round(strength / reach, 3 if abs(strength / reach) < 0.1 else 2)
        able = bool(calm) and not recipe.slices and not recipe.modules
        yield Finding(
            "warning", f"the deltas are added {reach:.3g} times over (lambda times the sum of the weights); beyond about "
            f"{LONG:g} merges usually babble.",
            f"Write `lambda: {calm:g}`, or lower the weights." if calm else "Lower the weights.",
            "parameters.lambda" if able else "", calm if able else None,
            kind="too far", figures=(reach,),
            mend=Fix(f"Turn the strength down to {calm:g}", {"parameters.lambda": calm}) if able else None,
        )  # fmt: skip


def _cancelled(recipe: Recipe, plan: Plan) -> Iterator[Finding]:
    """Weights whose sum `normalize` divides by, and that nearly add up to nothing: the worst of them."""
    worst = min(cancelling(plan), key=lambda worst: worst.share, default=None)
    if worst is None:
        return
    yield Finding(
        "warning", worst.words, worst.fix, f"parameters.{worst.switch}" if worst.switch else "", False if worst.switch else None,
        kind="cancelled", figures=(worst.share, worst.tensors),
        mend=Fix("Take the weights as they are", _everywhere(recipe, worst.switch, False)) if worst.switch else None,
    )  # fmt: skip


def _damaged(recipe: Recipe, samples: Samples) -> Iterator[Finding]:
    """Models with a NaN or an infinity in a vector or in a few rows of a matrix; the merge looks at all numbers."""

    def look(reference: str) -> tuple[str, Count] | None:
        for name, tensor in _looked_at(reference, samples):
            of = count([tensor], tensor.shape)
            if of.odd and "mask" not in name.rpartition(".")[2]:
                return name, of
        return None

    for reference in filter(samples.here, recipe.merged):
        with contextlib.suppress(CheckpointError):
            damage = known(("damaged", samples.stamps[reference]), lambda reference=reference: look(reference))
            if damage is not None:
                name, of = damage
                yield Finding(
                    "warning", f"{reference} has {of} in what was seen of {name}: it is damaged, and the merge ends there.",
                    "Get its file again, or leave it out; --allow-nonfinite merges it all the same.",
                    kind="damaged", model=reference, figures=(of.odd,), mend=_without(recipe, [reference], "Take it out"),
                )  # fmt: skip


def _looked_at(reference: str, samples: Samples) -> Iterator[tuple[str, Tensor]]:
    """Vectors of a model as they are, and rows of some matrices; none of a document, which is judged by itself."""
    model = samples.models[reference]
    names = [name for name, stored in model.tensors.items() if stored.dtype.is_floating_point and stored.dtype.itemsize > 1]
    if isinstance(model, Planned):
        return
    vectors = [name for name in names if len(model.tensors[name].shape) == 1 and model.tensors[name].numel <= _LONG]
    yield from ((name, model.read(name, slice(0, model.tensors[name].numel))) for name in vectors[:_VECTORS])
    matrices = [name for name in names if len(model.tensors[name].shape) > 1]
    for k in range(min(_MATRICES, len(matrices))):
        name = matrices[k * len(matrices) // min(_MATRICES, len(matrices))]
        yield name, samples.rows(reference, name)


def _everywhere(recipe: Recipe, name: str, value: Any) -> dict[str, Any]:
    """A shared parameter set in the recipe and wherever a slice or a module has its own."""
    paths = [f"slices[{i}].parameters.{name}" for i, s in enumerate(recipe.slices) if name in dict(s.parameters)]
    paths += [f"modules.{m.name}.parameters.{name}" for m in recipe.modules if name in dict(m.parameters)]
    return dict.fromkeys([f"parameters.{name}", *paths], value)


def _weighted(entry: Entry, recipe: Recipe, plan: Plan, missed: Iterable[Misfit]) -> list[Misfit]:
    """Of the tensors where a model does not fit those for which its weight is not zero."""
    setting = next((s for scope in (entry.parameters, recipe.parameters) for name, s in scope if name == "weight"), None)
    layers = plan.layout.layers
    return [m for m in missed if setting is None or setting.at(m.name, plan.layout.layer(m.name) or 0, layers) != 0]


# ---------------------------------------------------------------------------------------------- without effect


def _entries(recipe: Recipe) -> dict[str, list[tuple[str, Entry]]]:
    """Where each model is listed: model -> (path, entry) in models, slices and modules."""
    entries: dict[str, list[tuple[str, Entry]]] = {}
    for above, part in zip([f"modules.{m.name}." for m in recipe.modules] or [""], recipe.parts, strict=True):
        listed = [(f"{above}models[{i}]", e) for i, e in enumerate(part.models)]
        listed += [(f"{above}slices[{i}].sources[{j}]", e) for i, s in enumerate(part.slices) for j, e in enumerate(s.sources)]
        for path, entry in listed:
            entries.setdefault(entry.model, []).append((path, entry))
    return entries


def _without_effect(recipe: Recipe, plan: Plan, mine: ByModel, still: Fixed) -> Iterator[Finding]:
    for model, listed in _entries(recipe).items():
        active = [(group, k) for group, k in mine.get(model, ()) if k in group.acting]
        if not active or model == recipe.base_model:
            continue
        place = listed[0][0] if len(listed) == 1 else ""
        alone = [
            group for group, _ in active
            if group.job.args.at("normalize", 0) is True and len(group.acting) == 1
        ]  # fmt: skip
        weights = sorted({group.job.args.one("weight", k) for group, k in active if "weight" in group.job.args})
        if len(alone) == len(active) and weights and weights != [1.0]:
            weighs = f"{weights[0]:g}" if len(weights) == 1 else f"{weights[0]:g} to {weights[-1]:g}"
            yield Finding(
                "warning", f"the weight {weighs} of {model} has no effect: `normalize` divides by it again, because no other "
                "model takes part in its tensors; its values replace the base's outright.",
                "Write `normalize: false` for the weight to count.", "parameters.normalize", False,
                kind="lone weight", model=model, figures=(weights[0], weights[-1]),
                mend=Fix("Let the weight count", _everywhere(recipe, "normalize", False)),
            )  # fmt: skip
        densities = [group.job.args.one("density", k) if "density" in group.job.args else None for group, k in active]
        if all(d is not None and d >= 1 for d in densities) and recipe.method.param("density") is not None:
            what = "nothing is dropped" if recipe.method.law.drawn else "nothing is trimmed"
            yield Finding(
                "note", f"the density of {model} is 1: {what}.",
                "Write a density below 1, for example 0.5.",
                f"{place}.parameters.density" if place else "", 0.5 if place else None,
                kind="untrimmed", model=model,
                mend=Fix("Keep the larger half of its changes", {f"{p}.parameters.density": 0.5 for p, _ in listed}),
            )  # fmt: skip
    yield from _filters(recipe, plan, still)


def _filters(recipe: Recipe, plan: Plan, still: Fixed) -> Iterator[Finding]:
    """Filters found in no tensor's name, and rules that are never reached."""
    scopes: list[tuple[str, Parameters]] = [("parameters", recipe.parameters)]
    scopes += [(f"modules.{m.name}.parameters", m.parameters) for m in recipe.modules]
    for above, part in zip([f"modules.{m.name}." for m in recipe.modules] or [""], recipe.parts, strict=True):
        scopes += [(f"{above}slices[{i}].parameters", s.parameters) for i, s in enumerate(part.slices)]
    scopes += [(f"{path}.parameters", e.parameters) for listed in _entries(recipe).values() for path, e in listed]
    filtered = any(pattern is not None for _, scope in scopes for _, setting in scope for pattern, _ in setting.rules)
    if filtered and "names" not in still.cache:
        still.cache["names"] = list(dict.fromkeys(n for job in plan.jobs for n in (job.name, *(s.name for s in job.sources))))
    names: list[str] = still.cache["names"] if filtered else []
    for where, scope in scopes:
        for name, setting in scope:
            for pattern, _ in setting.rules:
                if pattern is not None and pattern != "*" and not any(pattern in n for n in names):
                    yield Finding(
                        "warning", f"{where}.{name}: the filter {pattern!r} is in no tensor's name, so its value is never used.",
                        f"A filter is a part of a name such as {names[0]}." if names else "",
                        kind="lost rule", mend=_rules(recipe, f"{where}.{name}", [r for r in setting.rules if r[0] != pattern]),
                    )  # fmt: skip
            reached = _last_reached(setting)
            if reached + 1 < len(setting.rules):
                yield Finding(
                    "warning", f"{where}.{name}: the rules after the {_ordinal(reached + 1)} are never reached, because that one "
                    "has no filter.",
                    "Put the rule without a filter last.",
                    kind="lost rule", mend=_rules(recipe, f"{where}.{name}", setting.rules[: reached + 1]),
                )  # fmt: skip


def _rules(recipe: Recipe, path: str, rules: Sequence[tuple[str | None, Any]]) -> Fix | None:
    """A setting with these rules alone. None where none is left, or where the place belongs to an earlier scope."""
    return Fix("Drop the rule that does nothing", {path: setting_document(Setting(tuple(rules)))}) if rules else None


def _last_reached(setting: Setting) -> int:
    return next((k for k, (pattern, _) in enumerate(setting.rules) if pattern in (None, "*")), len(setting.rules) - 1)


# ---------------------------------------------------------------------------------------------- ancestry


def _ancestors(recipe: Recipe, samples: Samples, plan: Plan) -> Iterator[Finding]:
    """Whether the models come from the base, as far as a few rows can tell."""
    strangers: list[str] = []
    for reference in recipe.merged:
        if reference == plan.config_source:
            continue
        try:
            kin = samples.kin(plan.config_source, reference)
        except CheckpointError:  # its weights are on the Hub still, too slow to look into from here
            words = f"whether {reference} comes from {plan.config_source} can be told once both are on this machine."
            yield Finding("note", words)
            continue
        if kin is None:
            continue
        if kin.distance == 0 and recipe.method.takes == "deltas":
            words = f"{reference} equals {plan.config_source} in every sampled row: there is no delta."
            yield Finding(
                "warning", words, "Leave it out.", kind="same", model=reference, mend=_without(recipe, [reference], "Take it out")
            )
        if kin.related:
            continue
        strangers.append(reference)
        base = recipe.base_model is not None
        better = _better_base(recipe, samples, reference, plan.config_source)
        fix = Fix("Use its relative as the base", {better[1]: better[2]}) if len(better) > 1 else None
        yield Finding(
            "warning",
            f"{plan.config_source} is not the ancestor of {reference}: in sampled rows they differ by {kin.distance:.2f} of "
            f"its norm, with a cosine of {kin.cosine:.2f} (a fine-tune: below 0.1, above 0.99). "
            f"{'Their difference is no task vector; the' if base else 'The'} merge will probably write gibberish.",
            *better, kind="stranger", model=reference, figures=(kin.distance, kin.cosine),
            mend=fix or _without(recipe, [reference], "Take it out"),
        )  # fmt: skip


def _better_base(recipe: Recipe, samples: Samples, reference: str, config_source: str) -> tuple[str, str, str] | tuple[str]:
    """The model that its card names as its base; else the listed model nearest to it, if it is a relative."""
    named = card_base(samples.models[reference].folder)
    if named and named != config_source:
        return f"Its card says that it was fine-tuned from {named}: name that as `base_model`.", "base_model", named
    near: list[tuple[float, str]] = []
    for other in recipe.merged:
        if other not in (reference, config_source):
            kin = samples.kin(other, reference)
            if kin is not None and kin.related:
                near.append((kin.distance, other))
    if not near:
        return ("Name the model it was fine-tuned from as `base_model`.",)
    distance, other = min(near)
    return (
        f"{other} is its relative (they differ by {distance:.2f}): name it, or the model both come from, as `base_model`.",
        "base_model", other,
    )  # fmt: skip


def _siblings(recipe: Recipe, samples: Samples, plan: Plan) -> Iterator[Finding]:
    """Whether the base is no ancestor but one fine-tune of several: then all deltas hold its own change, turned round."""
    base = recipe.base_model
    others = [r for r in recipe.merged if r != base]
    if base is None or recipe.method.takes != "deltas":
        return
    own = card_base(samples.models[base].folder)
    cards = {r: card_base(samples.models[r].folder) for r in others}
    same = [r for r, card in cards.items() if own and card == own]
    proposed = own or next((card for card in cards.values() if card), "")
    whose = proposed or "the model that all of them were fine-tuned from"
    fix = f"Name {whose} as `base_model`."
    edit = ("base_model", proposed) if proposed else ("", None)
    mend = Fix("Use the base that the cards name", {"base_model": proposed}) if proposed else None
    try:
        relatives = [r for r in others if (kin := samples.kin(base, r)) is not None and kin.related and kin.distance > 0]
        alike = common(samples, base, relatives) if len(relatives) > 1 else None
    except CheckpointError:
        alike = None
    if alike is not None:
        yield Finding(
            "warning", f"the changes of {' and '.join(others) if len(others) < 3 else f'all {len(others)} models'} from "
            f"{base} have much "
            f"in common (a cosine of {alike:.2f}; of unlike training below 0.1): {base} looks like their "
            f"sibling, not their "
            "base, and the merge takes its own training away; or all were trained on much the same.", fix, *edit,
            kind="sibling", model=base, figures=(alike,), mend=mend,
        )  # fmt: skip
    elif same:
        yield Finding(
            "warning", f"{base} is no base of {same[0]}: their cards say that both were fine-tuned from {own}.", fix, *edit,
            kind="sibling", model=base, mend=mend,
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------- vocabulary


def _vocabularies(recipe: Recipe, models: Mapping[str, Checkpoint], plan: Plan) -> Iterator[Finding]:
    """Ids that mean other tokens than in the config source's tokenizer."""
    mine = tokens_of(models[plan.config_source].words)
    for reference in recipe.merged:
        if reference == plan.config_source or not mine:
            continue
        other = tokens_of(models[reference].words)
        if not other:
            continue
        differ = [i for i in sorted(mine.keys() & other.keys()) if mine[i] != other[i]]
        extra = [other[i] for i in sorted(other.keys() - mine.keys())]
        if differ:
            i = differ[0]
            yield Finding(
                "note" if recipe.vocabulary else "warning",
                f"{len(differ):,} of {len(mine.keys() & other.keys()):,} token ids mean another token in {reference} than in "
                f"{plan.config_source}, the first is {i}: {other[i]!r} against {mine[i]!r}"
                f"{'; rows are matched by token.' if recipe.vocabulary else '.'}",
                *(() if recipe.vocabulary else (
                    "Write `tokenizer_source: union` to line the embeddings up by token.", "tokenizer_source", "union")),
                kind="other words" if not recipe.vocabulary else "remark", model=reference,
                figures=(len(differ), len(mine.keys() & other.keys())),
                mend=None if recipe.vocabulary else Fix("Match words by what they say", {"tokenizer_source": "union"}),
            )  # fmt: skip
        if extra:
            shown = ", ".join(repr(t) for t in extra[:6]) + (", ..." if len(extra) > 6 else "")
            count = f"{len(extra):,} token{'s' if len(extra) != 1 else ''}"
            rest = "." if recipe.vocabulary else "; their rows are not merged."
            yield Finding(
                "note",
                f"{reference} has {count} more than {plan.config_source}: {shown}{rest}",
                kind="more words" if not recipe.vocabulary else "remark",
                model=reference,
                figures=(len(extra),),
                mend=None if recipe.vocabulary else Fix("Merge those words too", {"tokenizer_source": "union"}),
            )


def tokens_of(folder: Path) -> dict[int, str]:
    """Token id -> token of a model's folder; {} when it holds no tokenizer that can be read."""
    try:
        vocabulary = read_vocabulary(folder)
    except CheckpointError:
        vocabulary = None
    if vocabulary is not None:
        return {i: token for token, i in vocabulary.ids.items()}
    try:
        tokens = _by_id(read_json(folder / "vocab.json", required=False))
        return tokens | _by_id(read_json(folder / "added_tokens.json", required=False)) if tokens else {}
    except CheckpointError:
        return {}


def _by_id(vocab: Mapping[str, Any]) -> dict[int, str]:
    return {i: str(token) for token, i in vocab.items() if isinstance(i, int)}


# ---------------------------------------------------------------------------------------------- dtypes, words and costs


def _of_models(recipe: Recipe, models: Mapping[str, Checkpoint], plan: Plan, still: Fixed) -> tuple[Finding, ...]:
    """What does not depend on the recipe's numbers: the same of every plan moved from this one, while no file changes."""
    folders = sorted({folder for model in recipe.merged for folder in (models[model].folder, models[model].words)})
    files = tuple(stamp for folder in folders for stamp in _small_files(folder))
    if still.cache.get("small files") != files:
        origin, templated = _origin(plan), plan.chat_template is not None
        still.cache["of models"] = (
            *_vocabularies(recipe, models, plan), *_owners(plan),
            *configs(recipe.merged, plan.config_source, origin, models, _apart(plan), templated), *_dtypes(recipe, models, plan),
        )  # fmt: skip
        still.cache["small files"] = files
    return still.cache["of models"]


def _small_files(folder: Path) -> Iterator[tuple[str, int, int]]:
    """Name, time and size of what stands beside the weights: config, tokenizer, chat template."""
    with contextlib.suppress(OSError), os.scandir(folder) as found:
        for file in sorted(found, key=lambda file: file.name):
            if file.name.endswith((".json", ".jinja", ".model", ".txt")):
                seen = file.stat()
                yield f"{folder}/{file.name}", seen.st_mtime_ns, seen.st_size


def _apart(plan: Plan) -> set[str]:
    """Models whose attention does not fit: their numbers of heads are told with the misfits."""
    return {m.model for m in plan.misfits if role(m.name) in ("q", "k", "qkv")}


def _origin(plan: Plan) -> str:
    """The model whose tokenizer the output takes."""
    return plan.tokens.origin if plan.tokens is not None else plan.config_source


def _owners(plan: Plan) -> Iterator[Finding]:
    """Where the rows of a vocabulary of several come from."""
    if plan.tokens is None or len(plan.tokens.models) < 2:
        return
    rows = {model: set(vocabulary.ids) for model, vocabulary in plan.tokens.models.items()}
    tokens = [key for key in plan.tokens.keys if isinstance(key, str)]
    owners: dict[tuple[str, ...], int] = {}
    for token in tokens:
        who = tuple(model for model, ids in rows.items() if token in ids)
        owners[who] = owners.get(who, 0) + 1
    everyone = owners.pop(tuple(rows), 0)
    if not owners:
        return
    parts = [
        f"{n:,} from {' and '.join(who) if who else 'nobody (zeros)'}" for who, n in sorted(owners.items(), key=lambda o: -o[1])
    ]
    more = f" and {len(parts) - 4} more groups" if len(parts) > 4 else ""
    yield Finding(
        "note", f"of {len(tokens):,} tokens every model has {everyone:,}; the rows of the others are "
        f"{', '.join(parts[:4])}{more}.",
        kind="owners", figures=(everyone, len(tokens)),
    )  # fmt: skip


_ROUNDED: dict[tuple[object, ...], tuple[float, float]] = {}
"""What was found before, by job and files."""


def _rounded(plan: Plan) -> tuple[int, ...]:
    """The places of a few matrices by which the loss of rounding is told, spread over the model."""
    places = [
        i for i, job in enumerate(plan.jobs) if has_deltas(job) and len(job.shape) == 2 and torch.finfo(job.out).bits < 32
        and all(s.vocab is None and s.rows is None and not s.made for s in (*job.sources, *([job.base] if job.base else [])))
    ] if plan.recipe.method.takes == "deltas" else []  # fmt: skip
    return tuple(places[:: max(1, len(places) // 4)][:4])


def _fidelity(plan: Plan, samples: Samples, still: Fixed) -> float | None:
    """How far rounding to the output's type is from the merged change, relative to it, in a few rows of a few matrices."""
    places = still.cache.get("rounded")
    if places is None:
        places = still.cache["rounded"] = _rounded(plan)
    jobs = [plan.jobs[i] for i in places] if samples.here(*plan.recipe.merged) else []
    if len(_ROUNDED) > 10_000:
        _ROUNDED.clear()
    lost = whole = 0.0
    files = tuple(samples.stamps.values())
    for job in jobs:
        key = (job, *files)
        if key not in _ROUNDED:
            count = max(1, min(job.shape[0], 4096 // max(1, job.shape[1])))
            rows = slice((job.shape[0] - count) // 2, (job.shape[0] - count) // 2 + count)
            try:
                made = staged(job, lambda s, rows=rows: samples.models[s.key].read(s.name, rows))
            except MergeError:  # on the Hub still, or nothing such a method can do with a part
                return None
            error = made.merged.to(job.out).to(made.merged.dtype) - made.merged
            _ROUNDED[key] = float(error.double().square().sum()), float((made.merged - made.base).double().square().sum())
        lost, whole = lost + _ROUNDED[key][0], whole + _ROUNDED[key][1]
    return math.sqrt(lost / whole) if whole > 0 and math.isfinite(lost + whole) else None


def _rounding(recipe: Recipe, models: Mapping[str, Checkpoint], plan: Plan, fidelity: float | None) -> Iterator[Finding]:
    """Small changes that the output's type cannot hold."""
    if fidelity is None or fidelity < 0.1:
        return
    out = max(plan.jobs, key=lambda job: job.slot.nbytes).out
    yield Finding(
        "warning" if fidelity > 0.5 else "note",
        f"rounding to {_dtype(out)} costs {fidelity:.0%} of the merged change, which is small beside the weights.",
        "Write `out_dtype: float32` to keep it.", "out_dtype", "float32",
        kind="coarse", figures=(fidelity,), mend=Fix("Write float32", {"out_dtype": "float32"}),
    )  # fmt: skip


def _dtypes(recipe: Recipe, models: Mapping[str, Checkpoint], plan: Plan) -> Iterator[Finding]:
    """What is lost when the output is rounded to another type than the models are stored in."""
    wanted = recipe.out_dtype or recipe.dtype
    if wanted is None:
        return
    out = getattr(torch, wanted)
    largest, bits = torch.finfo(out).max, -math.log2(torch.finfo(out).eps)
    key = "out_dtype" if recipe.out_dtype else "dtype"
    stored = {
        reference: max(kinds, key=lambda dtype: torch.finfo(dtype).bits) for reference in recipe.merged
        if (kinds := {t.dtype for t in models[reference].tensors.values() if t.dtype.is_floating_point and t.dtype.itemsize > 1})
    }  # fmt: skip
    wider = {r: d for r, d in stored.items() if torch.finfo(d).max > 2 * largest}
    finer = {r: d for r, d in stored.items() if torch.finfo(d).eps < torch.finfo(out).eps and r not in wider}
    if wider:
        better = "bfloat16" if set(wider.values()) == {torch.bfloat16} else "float32"
        yield Finding(
            "warning", f"{_stored(wider)}; the output in {wanted} ends at {largest:,.0f} and loses numbers below 6e-8.",
            f"Write `{key}: {better}`, or leave `{key}` out.", key, better,
            kind="narrow", mend=Fix(f"Write {better}", {key: better}),
        )  # fmt: skip
    if finer:
        better = _dtype(max(finer.values(), key=lambda dtype: torch.finfo(dtype).bits))
        yield Finding(
            "note",
            f"{_stored(finer)}; the output in {wanted} keeps {bits + 1:.0f} binary digits, which rounds small changes away.",
            f"Write `{key}: {better}` to keep them.", key, better,
            kind="rounded", mend=Fix(f"Write {better}", {key: better}),
        )  # fmt: skip


def _stored(kinds: Mapping[str, torch.dtype]) -> str:
    by: dict[torch.dtype, list[str]] = {}
    for reference, dtype in kinds.items():
        by.setdefault(dtype, []).append(reference)
    messages: list[str] = []
    for dtype, names in by.items():
        who = " and ".join(names) if len(names) < 3 else f"{len(names)} models"
        messages.append(f"{who} {'is' if len(names) == 1 else 'are'} stored in {_dtype(dtype)}")
    return ", ".join(messages)


def _dtype(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _percent(part: float, whole: int) -> str:
    """
    >>> _percent(1, 3), _percent(0, 3), _percent(3, 3), _percent(1, 100_000)
    ('33.3 %', '0 %', '100 %', 'below 0.1 %')
    """
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "below 0.1 %"
    return f"{share:.0f} %" if share in (0, 100) else f"{min(share, 99.9):.1f} %"


def _count(numel: int) -> str:
    """
    >>> _count(950), _count(65_000), _count(1_336_200_000)
    ('950', '65.0k', '1336.2M')
    """
    return f"{numel / 1e6:.1f}M" if numel >= 10**6 else f"{numel / 1e3:.1f}k" if numel >= 10**4 else f"{numel:,}"


def _shape(shape: tuple[int, ...]) -> str:
    return "×".join(str(n) for n in shape) or "one number"


def _ordinal(n: int) -> str:
    return {1: "first", 2: "second", 3: "third"}.get(n, f"{n}th")


def _duration(seconds: float) -> str:
    """
    >>> _duration(0.2), _duration(42), _duration(700)
    ('1 s', '42 s', '12 min')
    """
    return f"{max(1, round(seconds))} s" if seconds < 120 else f"{round(seconds / 60)} min"
