"""Which models: how alike the changes of all models on the desk are, and which are worth merging. Nothing is merged for it."""

import gradio as gr

import merger.ui.workspace as workspace
from merger.errors import MergeError
from merger.inspect import plots
from merger.inspect.shelf import Shelf, look
from merger.limits import SHELF
from merger.ui.desk import Desk, Updates
from merger.ui.events import NOW, QUIET
from merger.ui.head import Choice, choices, chosen, listed
from merger.ui.lanes import short_names
from merger.ui.workspace import Workspace

PROPOSED = 6
"""So many pairs, and half as many triples, are offered."""
DRAWN = ("kin words", "kin picture", "worth merging", "kin of")
ALONE = "One model has nobody to be compared with: choose more under Models."


class Relating:
    """The panel on one desk. It reads a few rows of each model when it is unfolded, and again where other models came."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def view(self) -> None:
        """Build it where it is called, folded."""
        with gr.Accordion("Which models", open=False, elem_id="which-models") as which:
            words = gr.Textbox(
                "", show_label=False, container=False, interactive=False, lines=1, max_lines=8, elem_id="kin-words"
            )
            with gr.Row(equal_height=False):
                picture = gr.Plot(label="How alike the models' changes are", show_label=False, min_width=300, scale=2)
                with gr.Column(min_width=300, scale=3):
                    worth = choices(listed("Worth merging", []), elem_id="worth-merging")
        self.desk.shows(**{"which models": which, "kin words": words, "kin picture": picture, "worth merging": worth})
        self.desk.shows(**{"kin of": gr.State(())})

    def wire(self) -> None:
        """Bind its events."""
        desk, parts = self.desk, self.desk.parts
        desk.bind(parts["which models"].expand, self.open, ["work"], DRAWN, **QUIET)
        desk.bind(parts["which models"].collapse, lambda: {"kin of": ()}, [], ["kin of"], **QUIET)
        desk.later("see kin", self.follow, ["work", "kin of"], DRAWN, self.behind, **QUIET)
        desk.bind(parts["worth merging"].select, self.merge_these, ["work", "worth merging"], desk.drawn, **NOW)

    # ------------------------------------------------------------------------------------------ events

    def open(self, work: Workspace, request: gr.Request) -> Updates:
        """Compare the desk's models."""
        try:
            return self._told(work, self._look(work, request))
        except MergeError as error:
            return {
                "kin words": str(error), "kin picture": None, "worth merging": gr.update(board=listed("Worth merging", [])),
                "kin of": _models(work),
            }  # fmt: skip

    @staticmethod
    def behind(work: Workspace, shown: tuple[str, ...]) -> bool:
        """Whether it is unfolded, and other models came."""
        return bool(shown) and tuple(shown) != _models(work)

    def follow(self, work: Workspace, shown: tuple[str, ...], request: gr.Request) -> Updates:
        """After an edit that brought other models."""
        return self.open(work, request) if self.behind(work, shown) else {}

    def merge_these(self, work: Workspace, value: object, request: gr.Request) -> Updates:
        """Merge these: the models of a proposal take the others' place in the mix."""
        key = chosen(value)
        models = key.split("\n") if key else []

        def edit() -> Workspace:
            if len(models) < 2 or not set(models) <= set(work.shelf):
                raise MergeError("These models are not on the desk any more.")
            return workspace.with_models(work, models)

        return self.desk.edited(work, edit, request)

    # ------------------------------------------------------------------------------------------ what is shown

    def _look(self, work: Workspace, request: gr.Request | None) -> Shelf:
        studio = self.desk.seen(request).studio
        models = _models(work)
        if len(models) < 3:
            raise MergeError(ALONE)
        if len(models) > SHELF:
            raise MergeError(f"{len(models)} models are more than {SHELF:,}, as many as are compared at once.")
        return look({reference: studio.parents.model(reference, studio.access) for reference in models}, work.base)

    def _told(self, work: Workspace, found: Shelf) -> Updates:
        names = short_names([work.base, *work.shelf])
        tunes = [book.reference for book in found.books if book.role == "fine-tune"]
        odd = [
            f"{names[book.reference]}: {book.role}; {book.why}" for book in found.books if book.role not in ("base", "fine-tune")
        ]
        told = (
            "\n".join([*odd, *found.notes]) or "All come from this base. Estimated from a few rows of each; nothing was merged."
        )
        table = [[1.0 if a == b else found.likeness[frozenset((a, b))].cosine for b in tunes] for a in tunes]
        offered = [
            (title, [
                Choice("\n".join(one.models), " + ".join(names[model] for model in one.models), _sentence(one.why))
                for one in proposals
            ])
            for title, proposals in (
                ("Two: the least disturbance first", found.pairs[:PROPOSED]),
                ("Three", found.triples[: PROPOSED // 2]),
            )
        ]  # fmt: skip
        return {
            "kin words": told, "worth merging": gr.update(board=listed("Worth merging", offered)), "kin of": _models(work),
            "kin picture": plots.likeness(table, [names[model] for model in tunes]) if len(tunes) > 1 else None,
        }  # fmt: skip


def _models(work: Workspace) -> tuple[str, ...]:
    return (work.base, *work.shelf)


def _sentence(why: str) -> str:
    return f"{why[:1].upper()}{why[1:]}."


__all__ = ["Relating"]
