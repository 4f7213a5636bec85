"""TensorStats and explanations -> plotly figures, and nothing else. Every figure carries its conclusion in words as its title."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from merger.files.layout import ROLES
from merger.inspect.analysis import TensorStats, combine
from merger.inspect.explain import Arc, Explanation, Histogram, Spectrum, Stage
from merger.looks import SLOTS, colour, faded

# One ramp that reads in grey and in both themes.
RAMP = [[0.0, colour("ramp-low")], [0.5, colour("ramp-middle")], [1.0, colour("ramp-high")]]
AGREE = [[0.0, colour("ramp-against")], [0.5, colour("ramp-low")], [1.0, colour("ramp-high")]]
_ORDER = tuple(role for role in ROLES if role not in ("embed", "head"))


def _ruled(figure: go.Figure) -> Any:
    """The figure, to draw lines across: its own types take whole numbers only."""
    return figure


def sparsity_by_layer(stats: Sequence[TensorStats], names: Sequence[str]) -> go.Figure:
    """Which share of each model's changes is exactly zero in each layer, and, dashed, what the method's trim or lot keeps."""
    zero = _lines(stats, names, lambda s, i: 100 * (1 - s.facts.changed[i] / max(1, s.facts.numel)), "", "%")
    kept = _lines(stats, [f"{name}, kept" for name in names], lambda s, i: 100 * s.density[i], "", "%")
    for line in _ruled(kept).data:
        line.line.dash, line.marker.symbol = "longdash", "circle-open"
        zero.add_trace(line)
    return _finished(zero, "Changes that are exactly zero, and those that stay, in percent", "layer", "%")


def size_by_layer(stats: Sequence[TensorStats], names: Sequence[str]) -> go.Figure:
    """How much each model changed each layer: norm of its delta relative to the base's, in percent."""
    return _lines(stats, names, lambda s, i: 100 * s.size[i], "How much each model changed the base, in percent", "%")


def density_by_layer(stats: Sequence[TensorStats], names: Sequence[str]) -> go.Figure:
    """Which share of its weights each model takes part with in each layer, in percent (effective density)."""
    return _lines(stats, names, lambda s, i: 100 * s.effective[i], "How many weights each model decides, in percent", "%")


def cosines(stats: Sequence[TensorStats], names: Sequence[str]) -> go.Figure:
    """Cosine between every two models' deltas: 1 the same direction, 0 unrelated, -1 opposite."""
    whole = combine(stats, "")
    n = len(names)
    return likeness([[0.0 if whole is None else whole.cosine(i, j) for j in range(n)] for i in range(n)], names)


def likeness(table: Sequence[Sequence[float]], names: Sequence[str]) -> go.Figure:
    """A table of such cosines, as many rows and columns as names."""
    shown = [[_plain(name) for name in names]] * 2
    figure = go.Figure(
        go.Heatmap(
            z=table, x=shown[0], y=shown[1], zmin=-1, zmax=1, xgap=2, ygap=2, showscale=False,
            colorscale=AGREE,
            text=[[f"{v:.2f}" for v in row] for row in table], texttemplate="%{text}",
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    return _finished(figure, "How alike the models' changes are (cosine)", "", "")


def front(points: Sequence[tuple[float, float, str]], best: Collection[int], axes: tuple[str, str]) -> go.Figure:
    """Trials of a search by two of its skills, less is better in both; `best`: which of them nothing beats in every skill."""
    figure = go.Figure()
    for told, name, fill, size in ((False, "others", GREY, 7), (True, "nothing beats these", LEAD, 11)):
        own = sorted(point for i, point in enumerate(points) if (i in best) == told)
        figure.add_trace(
            go.Scatter(
                x=[x for x, _, _ in own], y=[y for _, y, _ in own], name=name, mode="markers",
                text=[_plain(words) for _, _, words in own], hovertemplate="%{text}<extra></extra>",
                marker={"size": size, "color": fill, "symbol": "circle" if told else "circle-open"},
            )
        )  # fmt: skip
    return _finished(
        figure, "Every trial by two skills: less is better", f"{_plain(axes[0])}: −log P", f"{_plain(axes[1])}: −log P"
    )


def _lines(
    stats: Sequence[TensorStats], names: Sequence[str], value: Callable[[TensorStats, int], float], title: str, unit: str
) -> go.Figure:
    layers = sorted({s.layer for s in stats if s.layer is not None})
    rows = [combine([s for s in stats if s.layer == layer], "") for layer in layers]
    figure = go.Figure()
    for i, name in enumerate(names):
        line = {"color": SLOTS[i % len(SLOTS)], "dash": ("solid", "dash", "dot")[i % 3]}
        heights = [value(row, i) for row in rows if row is not None]
        figure.add_trace(
            go.Scatter(x=[layer + 1 for layer in layers], y=heights, name=_plain(name), mode="lines+markers", line=line)
        )
    figure.update_yaxes(rangemode="tozero")
    return _finished(figure, title, "layer", unit)


# ---------------------------------------------------------------------------------------------- one tensor

GREY = colour("grey")
LEAD = colour("lead")
_GONE = faded(GREY, 0.55)


def slot_colour(slot: int | None) -> str:
    """The colour of a model's slot; grey for the base."""
    return GREY if slot is None else SLOTS[slot % len(SLOTS)]


Slots = Sequence[int | None]


def delta_histograms(histogram: Histogram, names: Sequence[str], slots: Slots, title: str) -> go.Figure:
    """A histogram for each model on one axis, counts in logs: all deltas grey, those kept in colour, the cut as dashed lines."""
    n = len(histogram.counts)
    figure = _panels(n, [_plain(name) for name in names], n * 95 + 100)
    middles = [(a + b) / 2 for a, b in zip(histogram.edges[:-1], histogram.edges[1:], strict=True)]
    for i, (every, kept, cut) in enumerate(zip(histogram.counts, histogram.kept, histogram.cuts, strict=True), 1):
        for heights, fill, word in ((every, _GONE, "changes"), (kept, slot_colour(slots[i - 1]), "kept")):
            figure.add_trace(
                go.Bar(
                    x=middles, y=[h or None for h in heights], marker={"color": fill, "line": {"width": 0}}, showlegend=False,
                    hovertemplate=f"%{{y:,}} {word} about %{{x:.3g}}<extra>{_plain(names[i - 1])}</extra>",
                ),
                row=i, col=1,
            )  # fmt: skip
        for x in _cut_lines(cut.low, cut.high, histogram.edges[-1]) if cut else ():
            _ruled(figure).add_vline(x=x, line={"color": GREY, "width": 1.5, "dash": "dash"}, row=i, col=1)
        if cut is not None and math.isfinite(cut.low):
            words = f"cut {cut.low:.3g}" + (f" to {cut.high:.3g}" if math.isfinite(cut.high) else "")
            figure.add_annotation(
                text=words, x=cut.low, y=1, yref=f"y{i if i > 1 else ''} domain", xanchor="left", yanchor="top", showarrow=False,
                font={"size": 10}, row=i, col=1,
            )  # fmt: skip
    figure.update_layout(barmode="overlay", bargap=0)
    figure.update_yaxes(type="log", dtick=2, exponentformat="power")
    figure.update_xaxes(tickformat=".2g", nticks=6)
    figure.update_xaxes(title_text="change of a weight", row=n, col=1)
    return _headed(figure, title)


def _cut_lines(low: float, high: float, reach: float) -> list[float]:
    ends = [e for e in (low, high) if math.isfinite(e) and e <= reach]
    return [x for e in ends for x in (-e, e)]


_SAME = ("deltas", "kept", "rescaled", "weighted", "elected", "agreeing", "merged", "average", "models", "taken")


def stages(explained: Explanation, titles: Sequence[str], names: Sequence[str], slots: Slots, title: str) -> go.Figure:
    """A method step by step at the chosen positions: bars for each model, hatched grey where a change takes no part any more.

    titles  of the stages, in order
    """
    shown = explained.stages
    figure = _panels(len(shown), [_plain(t) for t in titles], len(shown) * 88 + 90)
    x = [str(i + 1) for i in range(len(explained.at))]
    reach = max((abs(v) for s in shown if s.name in _SAME for row in s.rows for v in row), default=0.0) * 1.08 or 1.0
    for i, stage in enumerate(shown, 1):
        if stage.name in ("base", "result"):
            _values(figure, i, stage, x)
        else:
            _bars(figure, i, stage, x, names, slots)
        if stage.name in _SAME:
            figure.update_yaxes(range=[-reach, reach], nticks=5, row=i, col=1)
    lines = {"importance": ("line", (1,)), "models": ("reach", (1, -1))}
    for i, stage in enumerate(shown, 1):
        name, signs = lines.get(stage.name, ("", ()))
        for value in explained.numbers.get(name, ()):
            for sign in signs:
                if stage.name != "models" or value < reach:
                    line = {"color": GREY, "dash": "dash"}
                    _ruled(figure).add_hline(y=sign * value, line=line, row=i, col=1)
    figure.update_layout(barmode="group", bargap=0.3)
    figure.update_xaxes(type="category")
    figure.update_xaxes(title_text="position", row=len(shown), col=1)
    figure.update_yaxes(tickformat=".2~g")
    for i, stage in enumerate(shown, 1):
        if stage.name == "chance":
            figure.update_yaxes(range=[0, 1.05], tickformat=".0%", nticks=3, row=i, col=1)
        if stage.name == "importance":
            figure.update_yaxes(tickformat=".0e", nticks=4, row=i, col=1)
    return _headed(figure, title)


def _bars(figure: go.Figure, i: int, stage: Stage, x: Sequence[str], names: Sequence[str], slots: Slots) -> None:
    alone = len(stage.rows) == 1 and stage.name in ("merged", "average", "elected", "importance")
    for k, (row, out) in enumerate(zip(stage.rows, stage.out, strict=True)):
        fill, who = (LEAD, "the merge") if alone else (slot_colour(slots[k]), _plain(names[k]))
        figure.add_trace(
            go.Bar(
                x=list(x), y=list(row), showlegend=False, name=who,
                marker={
                    "color": [_GONE if gone else fill for gone in out],
                    "pattern": {"shape": ["/" if gone else "" for gone in out], "fgcolor": GREY, "size": 5}, "line": {"width": 0},
                },
                text=[("+" if v >= 0 else "−") if stage.name == "elected" else "" for v in row], textposition="outside",
                customdata=["takes no part" if gone else "" for gone in out],
                hovertemplate=f"%{{y:.4g}} %{{customdata}}<extra>{who}</extra>",
            ),
            row=i, col=1,
        )  # fmt: skip


def _values(figure: go.Figure, i: int, stage: Stage, x: Sequence[str]) -> None:
    """Weights as they are: before as hollow rings, after as filled diamonds."""
    looks = ((GREY, "circle-open", "before"), (LEAD, "diamond", "after"))
    for (fill, symbol, word), row in zip(looks, stage.rows, strict=False):
        figure.add_trace(
            go.Scatter(
                x=list(x), y=list(row), mode="markers", showlegend=False,
                marker={"color": fill, "symbol": symbol, "size": 9, "line": {"color": fill, "width": 1.5}},
                hovertemplate=f"%{{y:.4g}} {word}<extra></extra>",
            ),
            row=i, col=1,
        )  # fmt: skip


def arc(arc: Arc, names: Sequence[str], slots: Slots, title: str) -> go.Figure:
    """The models as arrows in their plane, true to scale; where the angle is small, the ends once more, stretched."""
    close = arc.degrees < 25
    if close:
        heads = ["From the origin, true to scale", "The ends, close up and stretched"]
        figure = make_subplots(rows=2, cols=1, subplot_titles=heads, row_heights=[0.38, 0.62], vertical_spacing=0.16)
    else:
        figure = make_subplots(rows=1, cols=1)
    for row in range(1, 3 if close else 2):
        for k, (x, y) in enumerate(arc.points):
            figure.add_trace(
                go.Scatter(
                    x=[0, x], y=[0, y], mode="lines+markers", name=_plain(names[k]),
                    line={"color": slot_colour(slots[k]), "width": 2},
                    marker={"symbol": "circle", "size": [0, 10]}, showlegend=row == 1,
                ),
                row=row, col=1,
            )  # fmt: skip
        if len(arc.points) == 2:
            for xs, ys, dash, word in ((*_arc_points(arc), "solid", "arc"), (*zip(*arc.points, strict=True), "dot", "line")):
                line = {"color": GREY, "dash": dash, "width": 1.5}
                figure.add_trace(go.Scatter(x=xs, y=ys, mode="lines", line=line, name=word, showlegend=row == 1), row=row, col=1)
        ends = ((arc.straight, "x", GREY, "straight"), (arc.result, "diamond", LEAD, "the merge"))
        for (x, y), symbol, fill, word in ends:
            marker = {"symbol": symbol, "size": 11, "color": fill}
            trace = go.Scatter(x=[x], y=[y], mode="markers", marker=marker, name=word, showlegend=row == 1)
            figure.add_trace(trace, row=row, col=1)
    _finished(figure, title, "", "")
    figure.update_layout(height=440 if close else 380, legend={"orientation": "h", "y": -0.1})
    figure.update_yaxes(scaleanchor="x", scaleratio=1, row=1, col=1)
    if close:
        xs, ys = zip(*arc.points, arc.result, arc.straight, *(zip(*_arc_points(arc), strict=True)), strict=True)
        figure.update_xaxes(range=_around(xs), row=2, col=1)
        figure.update_yaxes(range=_around(ys), row=2, col=1)
        figure.update_annotations(font_size=12)
    return figure


def _arc_points(arc: Arc) -> tuple[list[float], list[float]]:
    """Along the arc from the first point to the second; its length goes evenly from one to the other's."""
    (ax, ay), (bx, by) = arc.points[0], arc.points[1]
    turn, start = math.atan2(by, bx) - math.atan2(ay, ax), math.atan2(ay, ax)
    steps = [i / 48 for i in range(49)]
    a, b, total = math.hypot(ax, ay), math.hypot(bx, by), abs(turn)
    if total < 1e-6:
        return [ax + t * (bx - ax) for t in steps], [ay + t * (by - ay) for t in steps]
    points = [
        ((a * math.sin((1 - t) * total), start), (b * math.sin(t * total), start + turn)) for t in steps
    ]  # fmt: skip
    xs = [sum(length * math.cos(angle) for length, angle in p) / math.sin(total) for p in points]
    ys = [sum(length * math.sin(angle) for length, angle in p) / math.sin(total) for p in points]
    return xs, ys


def _around(values: Sequence[float]) -> list[float]:
    low, high = min(values), max(values)
    room = 0.12 * (high - low) or abs(high) * 0.1 or 1.0
    return [low - room, high + room]


def spectrum(spectrum: Spectrum, names: Sequence[str], slots: Slots, title: str) -> go.Figure:
    """Singular values by rank: of each model's weighted change, of their sum, and of what the method makes of it."""
    figure = go.Figure()
    rows = [
        (_plain(name), values, slot_colour(slot), "dot") for name, values, slot in zip(names, spectrum.models, slots, strict=True)
    ]
    for name, values, fill, dash in [
        *rows,
        ("added up", spectrum.added, GREY, "dash"),
        ("merged", spectrum.merged, LEAD, "solid"),
    ]:
        line = {"color": fill, "dash": dash, "width": 3 if name == "merged" else 2}
        x = list(range(1, len(values) + 1))
        figure.add_trace(go.Scatter(x=x, y=list(values), mode="lines+markers", name=name, line=line, marker={"size": 4}))
    figure.update_yaxes(rangemode="tozero")
    return _finished(figure, title, "direction, strongest first", "strength")


def _panels(count: int, titles: Sequence[str], height: int) -> go.Figure:
    """Small multiples, one below the other, with one axis."""
    gap = min(0.12, 30 / height) if count > 1 else 0
    figure = make_subplots(rows=count, cols=1, shared_xaxes=True, subplot_titles=list(titles), vertical_spacing=gap)
    _finished(figure, "", "", "")
    figure.update_layout(height=height)
    figure.update_annotations(x=0, xanchor="left", font={"size": 12})
    return figure


def _headed(figure: go.Figure, title: str) -> go.Figure:
    figure.update_layout(title={"text": _plain(title), "font": {"size": 14}}, margin={"l": 52, "r": 8, "t": 64, "b": 40})
    return figure


def _plain(name: str) -> str:
    """plotly reads a little HTML in labels; names are text."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _finished(figure: go.Figure, title: str, x: str, y: str) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 14}}, xaxis_title=x, yaxis_title=y, height=320,
        margin={"l": 50, "r": 10, "t": 50, "b": 40}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"color": GREY}, legend={"orientation": "h", "y": -0.25},
    )  # fmt: skip
    figure.update_xaxes(gridcolor=faded(GREY, 0.25), zeroline=False)
    figure.update_yaxes(gridcolor=faded(GREY, 0.25), zeroline=False)
    return figure
