"""Look inside: plotly figures of the merge's statistics by layer, role and model."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from merger.inspect import plots
from merger.ui.lanes import short_names
from merger.ui.state import Workspace, for_statistics
from merger.ui.studio import Studio


@dataclass(frozen=True)
class Detail:
    """The tab's components; they are drawn only while it is open."""

    figures: list[gr.Plot]
    words: gr.Textbox


def detail() -> Detail:
    """Build the figures, empty."""
    words = gr.Textbox("", label="Verdict", interactive=False, elem_id="inside-words", lines=3, max_lines=30)
    with gr.Row():
        conflict = gr.Plot(label="Conflict by layer and role", show_label=False, min_width=320)
        alike = gr.Plot(label="Cosine between the models' changes", show_label=False, min_width=280)
    with gr.Row():
        size = gr.Plot(label="Size of the changes by layer", show_label=False, min_width=320)
        density = gr.Plot(label="Density by layer", show_label=False, min_width=320)
    return Detail([conflict, alike, size, density], words)


def draw(studio: Studio, work: Workspace) -> list[Any]:
    """The verdict in words and the figures for a workspace."""
    words = f"{studio.verdict(work.recipe)}\n\nThe figures are estimated from a sample of every tensor."
    _, stats = studio.statistics(for_statistics(work))
    if not stats:
        return [words, None, None, None, None]
    names = list(short_names(stats[0].models).values())
    return [
        words, plots.conflict_map(stats), plots.cosines(stats, names), plots.size_by_layer(stats, names),
        plots.density_by_layer(stats, names),
    ]  # fmt: skip
