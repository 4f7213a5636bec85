"""See inside: plotly figures of the merge's statistics by layer, role and model."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from merger import plots
from merger.ui.lanes import short_names
from merger.ui.state import Workspace, for_statistics
from merger.ui.studio import Studio


@dataclass(frozen=True)
class Detail:
    """The panel's components: opened reveals the figures, which are drawn only while it is open."""

    panel: gr.Accordion
    figures: list[gr.Plot]
    words: gr.Textbox


def detail() -> Detail:
    """Build the panel, closed."""
    with gr.Accordion("See inside", open=False) as panel:
        words = gr.Textbox("", show_label=False, container=False, interactive=False, elem_id="inside-words", lines=1)
        with gr.Row():
            conflict = gr.Plot(label="Conflict by layer and role", show_label=False, min_width=320)
            alike = gr.Plot(label="Cosine between the models' changes", show_label=False, min_width=280)
        with gr.Row():
            size = gr.Plot(label="Size of the changes by layer", show_label=False, min_width=320)
            density = gr.Plot(label="Density by layer", show_label=False, min_width=320)
    return Detail(panel, [conflict, alike, size, density], words)


def draw(studio: Studio, work: Workspace) -> list[Any]:
    """The words and the figures for a workspace."""
    _, stats = studio.statistics(for_statistics(work))
    if not stats:
        return ["Nothing to show yet: choose at least one model besides the base.", None, None, None, None]
    names = list(short_names(stats[0].models).values())
    return [
        "Estimated from a sample of every tensor; `python -m merger inspect recipe.yaml --exact` measures all of it.",
        plots.conflict_map(stats), plots.cosines(stats, names), plots.size_by_layer(stats, names),
        plots.density_by_layer(stats, names),
    ]  # fmt: skip
