"""What the page's events do: a pure edit of the workspace, or one call of the studio, and what to redraw."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

import merger.ui.state as state
from merger.engine.batch import Step
from merger.errors import MergeError, NonFiniteError, RecipeError
from merger.files.checkpoints import in_words
from merger.hub.card import Answer
from merger.limits import PROMPT_CHARACTERS
from merger.recipe import Recipe, dump, replace_all
from merger.recipe.moves import blend, crossfade
from merger.regular import read_text
from merger.ui import controls, lanes
from merger.ui.background import Ended
from merger.ui.detail import draw
from merger.ui.guard import token_of
from merger.ui.inspect import draw as look
from merger.ui.scratch import scratch
from merger.ui.state import Workspace
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.words import Remark, changed, refusal_words, verdict_words

log = logging.getLogger(__name__)

Updates = list[Any]
Picked = tuple[Any, Any] | None
"""The strip cell that was chosen: column and row, as the browser sent them."""
FIXES = 2
"""Buttons for what the verdict can mend, and for the ways out of a refusal."""
WAYS = slice(15, 15 + FIXES)
"""The latter's place in what `redraw` draws."""
TYPED, TICK = (3, 10), 14
"""There too: the YAML and the seed, which a refusal leaves as they were typed; and what an edit that went through sets."""
BELOW = 11
"""Components below the fold that are drawn only while their tab is open: numbers, words, four figures, five of one tensor."""


class Callbacks:
    """The page's callbacks on one studio. `widgets`: the method's controls, by parameter name.

    An event that opens models takes the request it comes with and works on `seen(request)`: the studio as that visitor sees it.
    """

    def __init__(self, studio: Studio, widgets: dict[str, controls.Widget]) -> None:
        self.studio = studio
        self.widgets = widgets

    def seen(self, request: gr.Request | None) -> "Callbacks":
        """These callbacks with the access of whoever asks."""
        return Callbacks(self.studio.seen_by(token_of(request)), self.widgets)

    # ------------------------------------------------------------------------------------------ drawing

    # Everything that is drawn from the recipe, in the order of the page's `drawn` list: workspace, notice, mixer, yaml, preset,
    # says, moved, link, method, models, seed, answers, slots, fade, tick, the ways out of a refusal, then the controls.

    def redraw(self, work: Workspace, moved: str = "", run: int | None = None) -> Updates:
        """Draw the whole page from a workspace. run: of the answer that shall follow, if one shall."""
        decided = self.studio.plan(work.recipe)
        value, board = lanes.describe(decided, split=work.split)
        board |= _steps(work) | {"law": self.studio.law(work, decided), "turn": len(work.past) if run is None else run}
        mix = gr.update(value=value, board=_text(board), stats=_text(self.studio.strip(work)))
        names = lanes.short_names([work.base, *work.shelf])
        return [
            work, gr.update(value="", visible=False), mix, dump(work.recipe), work.preset or None, self.says(work),
            gr.update(value=moved, visible=bool(moved)), self.link(work), work.recipe.merge_method,
            gr.update(choices=[(names[m], m) for m in work.shelf], value=list(work.chosen)), work.recipe.seed,
            {"columns": self.studio.columns(work)}, _slots(work), gr.update(interactive=None not in work.slots),
            gr.skip() if run is None else str(run), *_buttons(()), *controls.show(decided, self.widgets),
        ]  # fmt: skip

    def says(self, work: Workspace) -> str:
        """The preset's sentence, and whether the recipe is still the preset's."""
        preset = next((p for p in self.studio.presets if p.name == work.preset), None)
        if preset is None:
            return "Your own recipe."
        return preset.says if preset.recipe == work.recipe else f"{preset.says} *Edited.*"

    def link(self, work: Workspace) -> str:
        """What stands behind `?r=` in the page's address; nothing for an untouched preset, or one too long for a link."""
        preset = next((p for p in self.studio.presets if p.name == work.preset), None)
        if preset is not None and preset is self.studio.presets[0] and preset.recipe == work.recipe:
            return ""
        try:
            return state.link(work.recipe)
        except MergeError:
            return ""

    def moved(self, before: Workspace, after: Workspace) -> str:
        """What the last move changed, in words: of a text that came from outside, what was read otherwise than written.

        "" where the models are others now.
        """
        notes = " ".join(after.recipe.notes) if after.recipe.text != before.recipe.text else ""
        if before.shelf != after.shelf:
            return notes
        names = lanes.short_names([after.base, *after.shelf])
        return notes or changed(before.recipe, after.recipe, names, lanes.columns(self.studio.plan(after.recipe)))

    def judge(self, work: Workspace, request: gr.Request | None = None) -> tuple[Any, ...]:
        """What speaks against the recipe, in plain words, and a button for each fix; nothing where nothing does."""
        try:
            found = self.seen(request).remarks(work)
        except MergeError as error:
            found = [Remark(refusal_words(str(error)), "error")]
        told = [remark.text for remark in found if remark.level != "note"]
        words = gr.update(value="\n".join(told), visible=bool(told))
        ways = _buttons(()) if work.refused is None else [gr.skip()] * FIXES
        return words, *_buttons([remark.fix_label for remark in _mended(found)]), *ways

    def remarks(self, work: Workspace) -> list[Remark]:
        """The verdict's sentences; MergeError where the models do not fit at all."""
        return verdict_words(self.studio.verdict(work.recipe), lanes.short_names([work.base, *work.shelf]))

    def fix(self, number: int) -> Callable[[Workspace, gr.Request], Updates]:
        """Apply the fix behind a button."""

        def fixed(work: Workspace, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                mended = _mended(self.seen(request).remarks(work))
                if number >= len(mended):
                    raise MergeError("This is mended already.")
                return state.opened(work, replace_all(work.recipe, mended[number].changes))

            return self.edited(work, edit, request)

        return fixed

    def way_out(self, number: int) -> Callable[[Workspace, gr.Request], Updates]:
        """The recipe that was refused, with what lets its models fit."""

        def taken(work: Workspace, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                ways = self.seen(request).studio.ways_out(work.refused) if work.refused is not None else []
                if work.refused is None or number >= len(ways):
                    raise MergeError("There is nothing to mend any more.")
                return state.opened(work, replace_all(work.refused, ways[number].changes))

            return self.edited(work, edit, request)

        return taken

    def edited(self, work: Workspace, edit: Callable[[], Workspace], request: gr.Request | None) -> Updates:
        """Make an edit and redraw; a refused edit leaves everything as it is and says why."""
        on = self.seen(request)
        wanted: Recipe | None = None
        try:
            now = state.stepped(work, edit())
            wanted = now.recipe
            on.studio.check(now.recipe)
            now = state.with_recipe(now, on.studio.with_bars(now.recipe))
            on.hold(now, request)
            return on.redraw(now, on.moved(work, now), on.next_run(request))
        except MergeError as error:
            return on.refused(work, error, wanted)

    def refused(self, work: Workspace, error: MergeError, wanted: Recipe | None = None) -> Updates:
        """Everything as it is, also what was typed, and why. wanted: the recipe that was refused."""
        ways = self.studio.ways_out(wanted) if wanted is not None else []
        kept = replace(work, refused=wanted if ways else None)
        try:
            undone = self.redraw(kept)
        except MergeError:  # this visitor may not use its models any more: signed out, or it is too long ago
            undone = [kept, *[gr.skip()] * (self.drawn - 1)]
        undone[1] = gr.update(value=str(error), visible=True)
        undone[WAYS] = _buttons([way.label for way in ways])
        for place in TYPED:
            undone[place] = gr.skip()
        return undone

    def visit(self, request: gr.Request | None) -> Visit:
        """The visit of the browser that asks."""
        visit = self.studio.visit(request.session_hash if request else None)
        visit.address = self.studio.address(request)
        return visit

    def hold(self, work: Workspace, request: gr.Request | None) -> None:
        """Note which models this visitor's recipes need."""
        visit = self.visit(request)
        visit.using, visit.hearing = _models(work), frozenset({work.base, *work.shelf, *work.recipe.opened})

    # ------------------------------------------------------------------------------------------ edits

    def arrive(self, work: Workspace, request: gr.Request) -> tuple[Any, ...]:
        """The page was opened: with a link's recipe, if it has one."""
        asked = dict(request.query_params)
        packed, prompt = asked.get("r", ""), asked.get("p", "")[:PROMPT_CHARACTERS]
        if not packed:
            return *[gr.skip()] * self.drawn, (prompt or gr.skip())
        found = self.edited(work, lambda: state.with_text(work, state.from_link(packed), "link"), request)
        return *found, (prompt or gr.skip())

    @property
    def drawn(self) -> int:
        """How many components `redraw` draws."""
        return 15 + FIXES + len(self.widgets)

    def choose_preset(self, work: Workspace, name: str, request: gr.Request) -> tuple[Any, ...]:
        """A preset was pressed: its recipe and its prompt."""
        preset, shelf = next((p for p in self.studio.presets if p.name == name), None), self.studio.parents_of_family
        if preset is None:
            raise MergeError("There is no such preset.")
        found = self.edited(work, lambda: state.with_preset(work, preset, self.studio.base, shelf), request)
        return *found, preset.prompt if _went_through(found) else gr.skip()

    def choose_method(self, work: Workspace, name: str, request: gr.Request) -> Updates:
        """Another merge method on the same models."""
        return self.edited(work, lambda: state.with_method(work, name), request)

    def choose_models(self, work: Workspace, models: list[str], request: gr.Request) -> Updates:
        """Other parents in the mix; only those on the shelf are taken."""
        return self.edited(work, lambda: state.with_models(work, models), request)

    def load_family(
        self, work: Workspace, base: str, parents: list[str], changes: Mapping[str, Any], request: gr.Request
    ) -> Updates:
        """Other models altogether: a base and its fine-tunes, which are here already. MergeError where they do not fit.

        changes: what lets them fit, as the visitor was told before
        """
        family = state.with_family(work, base, parents)
        now, on = state.stepped(work, state.with_recipe(family, replace_all(family.recipe, changes))), self.seen(request)
        on.studio.check(now.recipe)
        on.hold(now, request)
        return on.redraw(now, run=on.next_run(request))

    def choose_seed(self, work: Workspace, seed: float | None, request: gr.Request) -> Updates:
        """The seed of the random methods' masks."""
        return self.edited(work, lambda: state.with_control(work, "seed", int(seed or 0)), request)

    def control(self, name: str) -> Callable[[Workspace, Any, gr.Request], Updates]:
        """The callback of one control."""

        def changed(work: Workspace, value: Any, request: gr.Request) -> Updates:
            written = controls.read(name, value, work.recipe.merge_method)
            return self.edited(work, lambda: state.with_control(work, f"parameters.{name}", written), request)

        return changed

    def undo(self, work: Workspace, request: gr.Request) -> Updates:
        """One step back, also over methods, models, presets and pasted recipes."""
        return self._stepped(work, state.undone(work), request)

    def redo(self, work: Workspace, request: gr.Request) -> Updates:
        """And on again."""
        return self._stepped(work, state.redone(work), request)

    def _stepped(self, work: Workspace, now: Workspace, request: gr.Request) -> Updates:
        on = self.seen(request)
        try:
            return on.redraw(now, on.moved(work, now), on.next_run(request))
        except MergeError as error:
            return on.refused(work, error)

    def next_run(self, request: gr.Request | None) -> int:
        """Older answers of this visitor stop themselves."""
        visit = self.visit(request)
        visit.run += 1
        return visit.run

    def split(self, work: Workspace, value: Any, request: gr.Request) -> Updates:
        """Weight lanes for attention and MLP apart, or together again; the recipe stays what it is."""
        on = self.seen(request)
        try:
            return on.redraw(replace(work, split=bool(value.get("split")) if isinstance(value, dict) else None))
        except MergeError as error:
            return on.refused(work, error)

    def drag(self, work: Workspace, value: dict[str, Any], request: gr.Request | None = None) -> Any:
        """While a fader moves: statistics only."""
        studio = self.seen(request).studio
        try:
            now = state.with_recipe(work, lanes.painted(studio.plan(work.recipe), _lanes(value)))
            return gr.update(stats=_text(studio.strip(now)))
        except MergeError as error:
            return gr.update(stats=_text({"rows": [], "summary": str(error), "note": "", "lanes": {}}))

    def release(self, work: Workspace, value: dict[str, Any], drafted: bool, request: gr.Request) -> tuple[Any, ...]:
        """A fader was let go: it becomes the recipe. The Mixer keeps its own value; only what depends on it is drawn.

        drafted: somebody is writing YAML, which is left alone
        """
        on = self.seen(request)
        try:
            recipe = lanes.painted(on.studio.plan(work.recipe), _lanes(value))
            back = isinstance(value, dict) and value.get("move") in ("undo", "redo")
            now = state.stepped(work, state.with_recipe(work, recipe), painted=back)
            on.studio.check(now.recipe)
            followed = isinstance(value, dict) and value.get("followed") is True  # the page has drawn the strip of these bars
            stats = _text(({"kept": True} if followed else on.studio.strip(now)) | _steps(now) | {"seq": value.get("seq")})
            said = on.moved(work, now)
        except MergeError as error:
            return work, gr.update(value=str(error), visible=True), *[gr.skip()] * 6
        text = gr.skip() if drafted else dump(now.recipe)
        # the same numbers again are no move: gradio sends an event twice when several came at once
        moved = gr.update(value=said, visible=bool(said)) if now.recipe != work.recipe else gr.skip()
        return (
            now, gr.update(value="", visible=False), gr.update(stats=stats), text, self.says(now), moved, self.link(now),
            str(self.next_run(request)),
        )  # fmt: skip

    def sample(self, word: object, request: gr.Request) -> dict[str, Any] | None:
        """What a law's `sketch` stands for, so that the browser follows a drag by itself."""
        return self.seen(request).studio.sample(word)

    # ------------------------------------------------------------------------------------------ recipe as text

    def check(self, work: Workspace, text: str, request: gr.Request) -> tuple[bool, Any]:
        """While YAML is typed: whether it is another than the page's, and what is wrong with it, and where."""
        if text == dump(work.recipe):
            return False, gr.update(value="", visible=False)
        try:
            found = state.with_text(work, text)
            self.seen(request).studio.check(found.recipe)
        except MergeError as error:
            return True, gr.update(value=str(error), visible=True)
        return True, gr.update(value="A recipe that can be used. Press “Use this recipe”.", visible=True)

    def use_text(self, work: Workspace, text: str, request: gr.Request) -> Updates:
        """The typed or pasted YAML becomes the recipe; refused, it stays where it is with the reason."""
        return self.edited(work, lambda: state.with_text(work, text), request)

    def use_file(self, work: Workspace, path: str | None, request: gr.Request) -> Updates:
        """A YAML file was dropped or chosen."""

        def read() -> Workspace:
            try:
                text = read_text(Path(path or ""))
            except (OSError, UnicodeDecodeError):
                raise MergeError("This file is not text; drop a recipe in YAML.") from None
            finally:
                scratch().used(path)
            return state.with_text(work, text, "file")

        return self.edited(work, read, request)

    def use_entry(self, work: Workspace, value: Any, request: gr.Request) -> tuple[Any, ...]:
        """What is asked of an entry of the history: back to it, or keep it as A or B."""
        text = str(value.get("yaml", "")) if isinstance(value, dict) else ""
        if not isinstance(value, dict) or value.get("act") != "slot":
            prompt = str(value.get("prompt", ""))[:PROMPT_CHARACTERS] if isinstance(value, dict) else ""
            found = self.edited(work, lambda: state.with_text(work, text, "history"), request)
            return *found, prompt if prompt and _went_through(found) else gr.skip()

        def keep() -> Workspace:
            there = state.kept_as(state.with_text(work, text, "history"), 1 if value.get("slot") == 1 else 0)
            self.seen(request).studio.check(there.recipe)
            return replace(work, slots=there.slots)

        return *self.edited(work, keep, request), gr.skip()

    def use_point(self, work: Workspace, text: str, request: gr.Request) -> Updates:
        """A point of a sweep was chosen."""
        return self.edited(work, lambda: state.with_text(work, text, "sweep"), request)

    def numbers(self, work: Workspace) -> Any:
        """The recipe as a table: a row per lane, a column per layer."""
        decided = self.studio.plan(work.recipe)
        value, board = lanes.describe(decided, split=work.split)
        headers = ["lane", *(c["label"] for c in board["columns"])]
        rows = [[lane["name"], *value["lanes"][lane["path"]]] for lane in board["lanes"]]
        return gr.update(value={"headers": headers, "data": rows})

    def use_numbers(self, work: Workspace, table: Any, request: gr.Request) -> Updates:
        """Numbers were typed into the table."""

        def read() -> Workspace:
            decided = self.seen(request).studio.plan(work.recipe)
            _, board = lanes.describe(decided, split=work.split)
            rows = table.values.tolist()
            if len(rows) != len(board["lanes"]):
                raise MergeError("The table has one row for each lane; rows can be changed, not added or taken out.")
            wanted = {lane["path"]: [_number(x) for x in row[1:]] for lane, row in zip(board["lanes"], rows, strict=True)}
            return state.with_recipe(work, lanes.painted(decided, wanted))

        return self.edited(work, read, request)

    def drafted(self, work: Workspace, text: str) -> tuple[bool, Any]:
        """After a text was taken, or refused: whether what is written is still another, and then why."""
        same = text == dump(work.recipe)
        return not same, gr.update(value="", visible=False) if same else gr.skip()

    def revert(self, work: Workspace) -> tuple[bool, Any, Any]:
        """Leave what was typed, and show the recipe that is heard."""
        return False, dump(work.recipe), gr.update(value="", visible=False)

    # ------------------------------------------------------------------------------------------ A and B

    def keep(self, slot: int) -> Callable[[Workspace], tuple[Any, ...]]:
        """Keep the recipe as A or B."""

        def kept(work: Workspace) -> tuple[Any, ...]:
            now = state.kept_as(work, slot)
            return now, _slots(now), gr.update(interactive=None not in now.slots)

        return kept

    def hear(self, slot: int) -> Callable[[Workspace, gr.Request], Updates]:
        """Go to the recipe kept as A or B."""

        def heard(work: Workspace, request: gr.Request) -> Updates:
            def edit() -> Workspace:
                recipe = work.slots[slot]
                if recipe is None:
                    raise MergeError(f"Nothing is kept as {'AB'[slot]} yet: press “Keep as {'AB'[slot]}” first.")
                return state.opened(work, recipe)

            return self.edited(work, edit, request)

        return heard

    def fade(self, work: Workspace, t: float, request: gr.Request) -> Updates:
        """Somewhere between A and B: between their numbers, or where they have none in common, between what they make."""

        def edit() -> Workspace:
            a, b = _both(work)
            names = [job.name for job in self.seen(request).studio.plan(a).jobs]
            try:
                return state.opened(work, crossfade(a, b, t, names))
            except RecipeError:
                return state.opened(work, blend(a, b, t))

        return self.edited(work, edit, request)

    def blind(
        self, work: Workspace, prompt: str, heat: float, seed: float | None, plain: bool, request: gr.Request
    ) -> Iterator[Any]:
        """A blind test between A and B."""
        visit = self.visit(request)
        self.next_run(request)
        try:
            visit.ballot = self.studio.ballot(_both(work))
        except MergeError as error:
            yield gr.update(feed={"run": visit.run, "seq": 1, "error": {"": str(error)}})
            return
        columns = [{"key": key, "name": name, "slot": None} for key, name in (("one", "First"), ("two", "Second"))]
        yield gr.update(value={"columns": columns, "blind": visit.ballot.id})
        studio = self.seen(request).studio
        for feed in studio.compare(visit.ballot, (prompt or "")[:PROMPT_CHARACTERS], visit, _manner(heat, seed, plain)):
            yield gr.update(feed=feed)

    def vote(self, value: Any, request: gr.Request) -> Any:
        """A vote was given: now the names are told."""
        visit = self.visit(request)
        vote = value.get("vote") if isinstance(value, dict) else None
        if visit.ballot is None or vote not in ("one", "two", "tie", "bad"):
            return gr.skip()
        told = {k: {"id": r.digest, "name": visit.ballot.names[k]} for k, r in visit.ballot.recipes.items()}
        visit.ballot = None
        return gr.update(feed={"run": visit.run, "reveal": told, "vote": vote})

    # ------------------------------------------------------------------------------------------ answers

    def bump(self, request: gr.Request) -> str:
        """A new question makes older answers stop themselves."""
        return str(self.next_run(request))

    def stop(self, request: gr.Request) -> None:
        """Stop the answers that are being written."""
        visit = self.visit(request)
        visit.stopped = visit.run

    def answer(
        self, work: Workspace, prompt: str, heat: float, seed: float | None, plain: bool, asked_in: str, request: gr.Request
    ) -> Iterator[tuple[Any, Any]]:
        """Stream everybody's answer; at its end the recipe goes into the history.

        asked_in: the run it belongs to; nothing is said where the visitor has gone on already
        """
        visit = self.visit(request)
        if asked_in != str(visit.run):
            yield gr.skip(), gr.skip()
            return
        if visit.ballot is not None:  # the blind test is over: the usual columns again
            visit.ballot = None
        asked, manner, on = (prompt or "")[:PROMPT_CHARACTERS], _manner(heat, seed, plain), self.seen(request)
        yield gr.update(value={"columns": on.studio.columns(work)}), gr.skip()
        for feed in on.studio.answer(work, asked, visit, manner):
            yield gr.update(feed=feed), gr.skip()
        heard = on.studio.heard(work.recipe, asked, manner)
        if heard is not None:  # also where the visitor has moved on: it was said to the end
            yield gr.skip(), gr.update(entry=_text(on._entry(work, asked, heard)))

    def answer_again(
        self, work: Workspace, prompt: str, heat: float, seed: float | None, plain: bool, asked_in: str, wanted: bool,
        request: gr.Request,
    ) -> Iterator[tuple[Any, Any]]:  # fmt: skip
        """The same after an edit, if the visitor wants that."""
        if wanted:
            yield from self.answer(work, prompt, heat, seed, plain, asked_in, request)
        else:
            run, note = self.visit(request).run, "The recipe has changed since this answer; press Ask."
            yield gr.update(feed={"run": run, "seq": 1, "note": note}), gr.skip()

    def _entry(self, work: Workspace, prompt: str, answer: str) -> dict[str, Any]:
        decided = self.studio.plan(work.recipe)
        rows = lanes.lanes(decided)
        first = [lane for lane in rows if lane.param.name == rows[0].param.name] if rows else []
        shown, _ = lanes.values(decided, first, lanes.columns(decided))
        slots = {lane.path: i for i, lane in enumerate(first)}
        curves = [{"slot": slots[lane.path] if lane.model is not None else None, "numbers": shown[lane.path]} for lane in first]
        title = f"{work.recipe.merge_method}: {', '.join(lanes.short_names(work.chosen).values())}"
        return {"yaml": dump(work.recipe), "title": title, "lanes": curves, "prompt": prompt, "answer": answer}

    # ------------------------------------------------------------------------------------------ below the fold

    def below(self, work: Workspace, tab: str, picked: Picked, name: str | None, request: gr.Request | None = None) -> Updates:
        """What the open tab shows of the recipe; the others are not drawn."""
        skipped, on = [gr.skip()] * BELOW, self.seen(request)
        try:
            if tab == "recipe":
                return [on.numbers(work), *skipped[1:]]
            if tab != "inside":
                return skipped
            glass = look(on.studio, work, *picked, name) if picked else skipped[6:]
            return [gr.skip(), *draw(on.studio, work), *glass]
        except MergeError as error:
            return [gr.skip(), str(error), None, None, None, None, *skipped[6:]]

    def pick(self, work: Workspace, value: Any, request: gr.Request | None = None) -> tuple[Any, ...]:
        """A cell of the strip was chosen: its tensors, under the glass."""
        found = value.get("picked") if isinstance(value, dict) else None
        cell = (found.get("column"), found.get("row")) if isinstance(found, dict) else None
        if cell is None:
            return None, gr.skip(), gr.skip(), *[gr.skip()] * 5
        return cell, gr.update(selected="inside"), "inside", *look(self.seen(request).studio, work, *cell)

    def choose_tensor(self, work: Workspace, picked: Picked, name: str | None, request: gr.Request | None = None) -> Updates:
        """Another tensor of the same cell."""
        return look(self.seen(request).studio, work, *picked, name) if picked else [gr.skip()] * 5

    # ------------------------------------------------------------------------------------------ taking it home

    def share(self, work: Workspace, prompt: str) -> str:
        """The link's query: the recipe, and the prompt that shows it. MergeError where it is too long for a link."""
        from urllib.parse import urlencode

        return urlencode({"r": state.link(work.recipe), **({"p": prompt[:PROMPT_CHARACTERS]} if prompt else {})})

    def command(self, work: Workspace) -> str:
        """The merge as lines for a shell."""
        return state.command(work.recipe)

    def size(self, work: Workspace, request: gr.Request | None = None) -> Any:
        """How large the download is and how long it takes, before it is made."""
        try:
            found = self.seen(request).studio.verdict(work.recipe)
            words = (
                f"The merged model: {in_words(found.disk)}, made in about {_seconds(found.seconds)} "
                f"with {in_words(found.memory)} of memory."
            )
        except MergeError as error:
            words = str(error)
        return gr.update(value=words, visible=True)

    def download(self, work: Workspace, request: gr.Request, allow: bool = False) -> Iterator[tuple[Any, Any, Any]]:
        """Merge to files and offer the zip: (the status line, the file, the button that goes on with numbers not finite)."""
        studio = self.seen(request).studio
        owner = (request.session_hash or "") if request else ""
        yield from self._made(request, lambda step, stop: studio.archive(work.recipe, step, stop, owner, allow_nonfinite=allow))

    def write(self, work: Workspace, folder: str, request: gr.Request, allow: bool = False) -> Iterator[tuple[Any, Any, Any]]:
        """Merge straight into a folder of this computer: for models too large for a browser."""
        yield from self._made(
            request, lambda step, stop: self.studio.write(work.recipe, folder, step, stop, allow_nonfinite=allow)
        )

    def download_anyway(self, work: Workspace, request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        """`download` after its sentence on numbers that are not finite."""
        yield from self.download(work, request, allow=True)

    def write_anyway(self, work: Workspace, folder: str, request: gr.Request) -> Iterator[tuple[Any, Any, Any]]:
        """`write` after the same."""
        yield from self.write(work, folder, request, allow=True)

    def _made(
        self, request: gr.Request, make: Callable[[Callable[[Step], None], Callable[[], bool]], Path]
    ) -> Iterator[tuple[Any, Any, Any]]:
        """A merge to files: (the status line, the file, the button that goes on with numbers that are not finite)."""
        session = request.session_hash if request else None
        yield gr.update(value="Merging…", visible=True), gr.skip(), gr.update(visible=False)
        for told in self.studio.merging.run(session, lambda work: make(work.tell, work.stopped), self._drop):
            if isinstance(told, Ended):
                yield self._told_of(told)
            elif told:
                yield gr.update(value=_progress(told[-1])), gr.skip(), gr.skip()

    @staticmethod
    def _told_of(ended: Ended[Path]) -> tuple[Any, Any, Any]:
        """How a merge ended: in words, as a file to fetch, and whether to offer to go on with numbers that are not finite."""
        words, file, go_on, made = ended.words, gr.skip(), gr.update(visible=isinstance(ended.error, NonFiniteError)), ended.value
        if ended.cancelled or (made is not None and not made.exists()):
            words = "Cancelled; nothing was kept."
        elif made is not None and made.is_dir():
            words = f"Written to {made}."
        elif made is not None:
            words, file = f"{made.name}: {in_words(made.stat().st_size)}.", gr.update(value=str(made))
        return gr.update(value=words, visible=True), file, go_on

    def _drop(self, made: Path) -> None:
        """Delete the zip that nobody waits for any more."""
        if made.suffix == ".zip":
            self.studio.forget(made)

    def merge_to(
        self, work: Workspace, folder: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool],
        request: gr.Request | None = None, allow_nonfinite: bool = False,
    ) -> None:  # fmt: skip
        """The merge as a model's folder, to be published."""
        studio = self.seen(request).studio
        studio.write(work.recipe, str(folder), progress, cancelled, allow_nonfinite=allow_nonfinite)

    def answers(self, work: Workspace, prompt: str, request: gr.Request | None = None) -> tuple[Answer, ...]:
        """What the merge and its parents answered to a prompt, for the model's card; nothing where not all have."""
        names, studio = {"merge": "this model", **lanes.short_names([work.base, *work.chosen])}, self.seen(request).studio
        said = {names[key]: studio.heard(what, prompt) for key, what in studio.asked(work).items()}
        told = tuple((who, text) for who, text in said.items() if text is not None)
        return (Answer(prompt, told),) if len(told) == len(said) else ()

    def address(self, work: Workspace, prompt: str) -> str:
        """A link that opens this recipe on this Space; "" where there is none."""
        try:
            return f"{self.studio.host.address}?{self.share(work, prompt)}" if self.studio.host.address else ""
        except MergeError:  # too long for a link
            return ""

    def cancel(self, request: gr.Request) -> None:
        """Stop the merge to files."""
        self.studio.merging.stop(request.session_hash)


def _went_through(drawn: Updates) -> bool:
    """Whether what `edited` gives is an edit, not a refusal."""
    return isinstance(drawn[TICK], str)


def _text(prop: Mapping[str, Any]) -> str:
    """A prop as JSON text: gradio copies a dict leaf by leaf at every update, a text at once."""
    return json.dumps(prop)


def _mended(found: Sequence[Remark]) -> list[Remark]:
    """Remarks worth a button: a real fault, with a fix that is an edit of the recipe."""
    return [r for r in found if r.level != "note" and r.fix_label and r.changes]


def _buttons(labels: Sequence[str]) -> list[Any]:
    """Updates of FIXES buttons: these are shown, the rest hidden."""
    shown = [gr.update(value=label, visible=True) for label in labels[:FIXES]]
    return [*shown, *[gr.update(visible=False)] * (FIXES - len(shown))]


def _steps(work: Workspace) -> dict[str, bool]:
    """Whether the page can go back and on, for the Mixer's buttons."""
    return {"can_undo": bool(work.past), "can_redo": bool(work.future)}


def _lanes(value: Any) -> dict[str, Any]:
    found = value.get("lanes") if isinstance(value, dict) else None
    if not isinstance(found, dict):
        raise MergeError("the Mixer sent no lanes; reload the page.")
    return found


def _number(x: Any) -> Any:
    """A table's cell: a number where it is one."""
    try:
        return float(x)
    except (TypeError, ValueError):
        return x


def _manner(heat: float, seed: float | None, plain: bool) -> Manner:
    return Manner(float(heat or 0), int(seed or 0) if heat else 0, bool(plain))


def _models(work: Workspace) -> frozenset[str]:
    """What must stay open for a visitor: the shelf, and what the kept recipes name."""
    kept = [*work.slots, *(moment.recipe for moment in (*work.past, *work.future))]
    return frozenset({work.base, *work.shelf, *work.recipe.opened, *(m for r in kept if r is not None for m in r.opened)})


def _both(work: Workspace) -> tuple[Recipe, Recipe]:
    a, b = work.slots
    if a is None or b is None:
        missing = " and ".join("AB"[i] for i, r in enumerate(work.slots) if r is None)
        raise MergeError(f"Keep a recipe as {missing} first.")
    return a, b


def _slots(work: Workspace) -> str:
    def said(recipe: Recipe | None) -> str:
        if recipe is None:
            return "empty"
        here = ", what you hear now" if recipe == work.recipe else ""
        return f"{recipe.merge_method} of {', '.join(lanes.short_names(recipe.merged).values())}{here}"

    return f"A: {said(work.slots[0])}\nB: {said(work.slots[1])}"


def _progress(step: Any) -> str:
    return f"{step.tensors} of {step.of_tensors} tensors, {in_words(step.nbytes)} of {in_words(step.of_nbytes)}"


def _seconds(seconds: float) -> str:
    return f"{max(1, round(seconds))} s" if seconds < 90 else f"{round(seconds / 60)} min"
