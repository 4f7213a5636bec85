"""TensorStats -> plotly figures, and nothing else. Every figure carries its conclusion in words as its title."""

from collections.abc import Callable, Sequence

import plotly.graph_objects as go

from merger.analysis import TensorStats, combine

# One ramp that reads in grey and in both themes; one colour per model slot, the same as in the Mixer.
RAMP = [[0.0, "#f1f3f5"], [0.5, "#f08c4a"], [1.0, "#a63a00"]]
SLOTS = ("#e8590c", "#1971c2", "#2f9e44", "#9c36b5", "#0c8599", "#c2255c", "#8f6a00", "#5c677d")
_ORDER = ("q", "k", "v", "qkv", "o", "gate", "up", "down", "router", "norm", "other")


def conflict_map(stats: Sequence[TensorStats]) -> go.Figure:
    """Sign conflict by layer (across) and role (down), in percent of the weights."""
    layers = sorted({s.layer for s in stats if s.layer is not None})
    roles = [r for r in _ORDER if any(s.role == r and s.layer is not None for s in stats)]
    cells = [[combine([s for s in stats if s.layer == layer and s.role == role], "") for layer in layers] for role in roles]
    figure = go.Figure(
        go.Heatmap(
            z=[[None if c is None else 100 * c.conflict for c in row] for row in cells],
            x=[layer + 1 for layer in layers], y=roles, colorscale=RAMP, zmin=0, zmax=50,
            colorbar={"title": "%", "thickness": 10}, xgap=1, ygap=1,
            hovertemplate="layer %{x}, %{y}<br>%{z:.1f}% of the weights are pulled both ways<extra></extra>",
        )
    )  # fmt: skip
    whole = combine(stats, "")
    before = "" if whole is None else f" ({whole.conflict:.0%} now, {whole.conflict_before:.0%} before trimming)"
    figure.update_yaxes(autorange="reversed")
    return _finished(figure, f"Where the models pull in opposite directions{before}", "layer", "")


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
    table = [[0.0 if whole is None else whole.cosine(i, j) for j in range(n)] for i in range(n)]
    shown = [[_plain(name) for name in names]] * 2
    figure = go.Figure(
        go.Heatmap(
            z=table, x=shown[0], y=shown[1], zmin=-1, zmax=1, xgap=2, ygap=2, showscale=False,
            colorscale=[[0, "#364fc7"], [0.5, "#f1f3f5"], [1, "#a63a00"]],
            text=[[f"{v:.2f}" for v in row] for row in table], texttemplate="%{text}",
            hovertemplate="%{y} and %{x}: %{z:.3f}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_yaxes(autorange="reversed")
    return _finished(figure, "How alike the models' changes are (cosine)", "", "")


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


def _plain(name: str) -> str:
    """plotly reads a little HTML in labels; names are text."""
    return name.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _finished(figure: go.Figure, title: str, x: str, y: str) -> go.Figure:
    figure.update_layout(
        title={"text": title, "font": {"size": 14}}, xaxis_title=x, yaxis_title=y, height=320,
        margin={"l": 50, "r": 10, "t": 50, "b": 40}, paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)",
        font={"color": "#868e96"}, legend={"orientation": "h", "y": -0.25},
    )  # fmt: skip
    figure.update_xaxes(gridcolor="rgba(134,142,150,.25)", zeroline=False)
    figure.update_yaxes(gridcolor="rgba(134,142,150,.25)", zeroline=False)
    return figure
