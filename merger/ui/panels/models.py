"""Pick any models: search the Hub, paste a name or an address, name a folder, or take a set that is known to fit.

The shelf is a base and its fine-tunes, names only. What they are, whether they fit and whether they can be heard here is told
before anything is downloaded.
"""

import contextlib
import json
import logging
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from merger.engine.budget import available, need
from merger.engine.plan import make_plan
from merger.engine.session import Parents
from merger.errors import OUR_FAULT, Cancelled, CheckpointError, MergeError
from merger.files.checkpoints import Checkpoint, format_bytes
from merger.files.prefixes import aligned
from merger.findings import Fix
from merger.hub import remote, smollm2, store
from merger.hub.access import Access
from merger.hub.card import licence
from merger.hub.references import bring, from_text, open_here, parse_reference
from merger.hub.store import Fetched
from merger.hub.wire import Token
from merger.inspect.verdict import verdict, ways_out
from merger.methods import PLAIN
from merger.recipe import Recipe, replace_all
from merger.recipe import load as load_recipe
from merger.search.llama import copy_of
from merger.ui.background import Background, Ended
from merger.ui.bars import Bar, State, bars, shown
from merger.ui.events import NOW, QUIET
from merger.ui.families import SMOLLM2, Family
from merger.ui.grants import Grants
from merger.ui.host import Host, Outlook
from merger.ui.lanes import short_names
from merger.ui.parts import Parts, Updates, say, status
from merger.ui.service.afar import Silent, soon
from merger.ui.words import refusal_words, verdict_words

log = logging.getLogger(__name__)

MAX_PARENTS = 8
MAX_TEXT = 400
TELL_SECONDS = 0.25
ASK: dict[str, Any] = {"concurrency_id": "hub", "concurrency_limit": 4, **QUIET}
"""Events that wait for the Hub."""
FETCH: dict[str, Any] = {"concurrency_id": "fetch", "concurrency_limit": 2, **QUIET}
JUDGED = ("pick base", "pick parents", "pick verdict", "pick outlook", "pick fetch")
"""What a look at the shelf tells."""
FETCHED = ("pick bars", "pick notice", "pick fetch", "pick cancel")
"""What a download tells."""
MARKS = {"error": "✗ ", "warning": "! ", "note": "· "}


class Place(Protocol):
    """What is asked of the studio."""

    host: Host
    parents: Parents
    grants: Grants
    families: tuple[Family, ...]

    def close_unused(self, heard_only: bool = False) -> None: ...


@dataclass(frozen=True)
class Trio:
    """Models that are known to belong together, or, for one, not to; see presets/trios.json. nbytes: of all of them, about."""

    name: str
    says: str
    base: str
    parents: tuple[str, ...]
    nbytes: int
    gated: bool

    @property
    def label(self) -> str:
        """Its line in the list."""
        return f"{self.name} · {format_bytes(self.nbytes)}{' · gated' if self.gated else ''}"


def read_trios(file: Path) -> tuple[Trio, ...]:
    """The sets of presets/trios.json."""
    return tuple(
        Trio(
            one["name"], one["says"], one["base"], tuple(one["parents"]), sum(m["bytes"] for m in one["models"].values()),
            any(m["gated"] for m in one["models"].values()),
        )
        for one in json.loads(file.read_text(encoding="utf-8"))["trios"]
    )  # fmt: skip


Shelf = tuple[str, ...]
"""The base's name first ("" while there is none), then the models that shall be mixed into it."""


@dataclass(frozen=True)
class Seen:
    """A model on the shelf. missing: bytes still to be fetched; model: None where it cannot be looked into from here."""

    reference: str
    nbytes: int = 0
    missing: int = 0
    licence: str | None = None
    model: Checkpoint | None = None
    error: str = ""

    @property
    def words(self) -> str:
        """One line about it."""
        if self.error:
            return f"{self.reference}: cannot be used"
        here = "here" if not self.missing else "to be downloaded"
        if 0 < self.missing < self.nbytes * 0.99:
            here = f"{format_bytes(self.missing)} still to be downloaded"
        return f"{self.reference} · {format_bytes(self.nbytes)} · {self.licence or 'no licence named'} · {here}"


class Picking:
    """The panel on one studio. A visitor's token is handed through each call and kept nowhere."""

    def __init__(self, studio: Place) -> None:
        self.studio = studio
        self._looks: dict[str, int] = {}
        self._coming: list[tuple[int, tuple[Path, ...]]] = []
        """(bytes, folders) of downloads under way."""
        self._lock = threading.Lock()
        self._downloads = Background("a download", TELL_SECONDS)

    # ------------------------------------------------------------------------------ view

    def view(self, page: Parts, trios: Sequence[Trio]) -> None:
        """Build it where it is called. `pick shelf`: names only, never a token."""
        folder = "" if self.studio.host.hosted else ", or a folder of this computer"
        second = self.second()
        with gr.Column(elem_id="pick"):
            family = gr.Button(second, elem_id="pick-family", visible=bool(second))
            trio = gr.Dropdown(
                [(one.label, one.name) for one in trios], value=None, label="Models known to belong together", interactive=True,
                info="Or put your own together below.", elem_id="pick-trio", visible=bool(trios),
            )  # fmt: skip
            with gr.Row(elem_id="pick-ask"):
                query = gr.Textbox(
                    "", label=f"Search the Hub, or paste a model's name or address{folder}", max_lines=1, max_length=MAX_TEXT,
                    placeholder="smollm2", interactive=True, scale=5, min_width=220, elem_id="pick-query",
                )  # fmt: skip
                look = gr.Button("Search", scale=0, min_width=100)
            listed = gr.Radio([], value=None, label="Found", interactive=True, visible=False, elem_id="pick-found")
            with gr.Row(visible=False, elem_id="pick-take") as taking:
                as_base = gr.Button("Take as base", scale=0, min_width=190)
                add = gr.Button("Add to the mix", scale=0, min_width=190)
            with gr.Row(elem_id="pick-wrong"):
                notice = status("pick-notice", "What went wrong")
                again = gr.Button("Try again", scale=0, min_width=120, visible=False)
            base = gr.Textbox("none yet", label="Base", interactive=False, lines=1, max_lines=4, elem_id="pick-base")
            parents = gr.CheckboxGroup(
                [], value=[], label="To mix into it", info="Take a tick away to leave a model out.", interactive=True,
                visible=False, elem_id="pick-parents",
            )  # fmt: skip
            kin = gr.Dropdown(
                [], value=None, label="Fine-tunes of this base on the Hub", info="Choose one to add it.", interactive=True,
                visible=False, elem_id="pick-kin",
            )  # fmt: skip
            verdict = status("pick-verdict", "Whether they fit")
            outlook = status("pick-outlook", "What this machine can do with them")
            with gr.Row(elem_id="pick-fetch"):
                fetch = gr.Button("Download", variant="primary", scale=0, min_width=290, interactive=False)
                cancel = gr.Button("Cancel", scale=0, min_width=100, visible=False)
            progress = bars(elem_id="pick-bars")
        named = {
            "family": family, "trio": trio, "query": query, "look": look, "listed": listed, "taking": taking, "as base": as_base,
            "add": add, "notice": notice, "again": again, "base": base, "parents": parents, "kin": kin,
            "verdict": verdict, "outlook": outlook,
            "fetch": fetch, "cancel": cancel, "bars": progress, "shelf": gr.State(("",)),
        }  # fmt: skip
        page.shows(**{f"pick {name}": part for name, part in named.items()})

    def wire(self, page: Parts, trios: Sequence[Trio], load: Callable[..., Updates], drawn: Sequence[str]) -> None:
        """Bind its events. load(work, base, parents, changes, request) gives updates of `drawn`; a MergeError of it is told."""
        known = {one.name: one for one in trios}

        def choose(name: str | None) -> Updates:
            one = known.get(name or "")
            if one is None:
                return {}
            return {"pick shelf": (one.base, *one.parents), "pick notice": say(""), "pick trio": gr.update(info=one.says)}

        def fetch(shelf: Shelf, work: Any, request: gr.Request, token: gr.OAuthToken | None) -> Iterator[Updates]:
            def loaded(changes: Mapping[str, Any]) -> Updates:
                return load(work, shelf[0], list(shelf[1:]), changes, request)

            yield from self.fetch(shelf, request.session_hash, self._token(token), loaded)

        parts, put, many = page.parts, ["pick shelf", "pick notice"], {"trigger_mode": "multiple", **ASK}

        def looked_at(edit: Any) -> None:  # not on the shelf's own change event: after an event without a queue it is not fired
            page.bind(edit.then, self.judge, ["pick shelf"], JUDGED, **many)
            page.bind(edit.then, self.kin, ["pick shelf"], ["pick kin"], **many)

        asked = partial(gr.on, [parts["pick query"].submit, *(parts[f"pick {name}"].click for name in ("look", "again"))])
        page.bind(asked, self.search, ["pick query"], ["pick listed", "pick taking", "pick notice", "pick again"], **ASK)
        looked_at(page.bind(parts["pick trio"].input, choose, ["pick trio"], [*put, "pick trio"], **NOW))
        looked_at(page.bind(parts["pick as base"].click, self.as_base, ["pick shelf", "pick listed"], put, **NOW))
        looked_at(page.bind(parts["pick add"].click, self.add, ["pick shelf", "pick listed"], put, **NOW))
        looked_at(page.bind(parts["pick kin"].input, self.add, ["pick shelf", "pick kin"], put, **NOW))
        looked_at(page.bind(parts["pick parents"].input, self.tick, ["pick shelf", "pick parents"], put, **NOW))
        page.bind(parts["pick cancel"].click, self.cancel, [], [], **NOW)
        chosen = page.bind(parts["pick family"].click, lambda: {"pick shelf": self.second_shelf()}, [], ["pick shelf"], **NOW)
        page.bind(chosen.then, self.judge, ["pick shelf"], JUDGED, **many)
        told = dict.fromkeys((*FETCHED, *drawn))
        once = {"trigger_mode": "once", **FETCH}
        fetched = page.bind(chosen.then, fetch, ["pick shelf", "work"], tuple(told), **once)
        page.bind(fetched.then, lambda: {"pick family": self.second()}, [], ["pick family"], **NOW)
        page.bind(parts["pick fetch"].click, fetch, ["pick shelf", "work"], tuple(told), **once)

    # ------------------------------------------------------------------------------ find

    def search(self, text: str, request: gr.Request, token: gr.OAuthToken | None) -> Updates:
        """List what was typed: a model's name, address or folder; else words to search for."""
        own = self._token(token)
        try:
            reference = self.reference(text)
            if reference is not None:
                listed = [(soon(partial(self._about, reference, own)), reference)]
            else:
                listed = [(_line(one, one.id), one.id) for one in soon(partial(remote.search, text, own)) if not one.quantized]
            if not listed:
                raise MergeError("Nothing found. Try fewer words, or paste a model's name as it stands above its page.")
        except MergeError as error:
            return {"pick notice": say(str(error)), "pick again": gr.update(visible=isinstance(error, Silent))}
        one = listed[0][1] if len(listed) == 1 else None
        models = gr.update(choices=listed, value=one, visible=True)
        shown, none = gr.update(visible=True), gr.update(visible=False)
        return {"pick listed": models, "pick taking": shown, "pick notice": say(""), "pick again": none}

    def reference(self, text: str) -> str | None:
        """The model that a text names; None where it is words to search for. MergeError where it may not be opened here.

        A folder counts only where the page is on one's own computer.
        """
        words = (text or "").strip()[: MAX_TEXT + 1]
        if not words:
            raise MergeError("Type what to search for, or paste a model's name.")
        host = self.studio.host
        if words in host.family:
            return words
        parts = parse_reference(words, self.studio.parents.roots) if "+" in words and "://" not in words else (words,)
        if self._folder(parts[0]):
            return words
        if len(parts) > 1:
            return "+".join(from_text(part) for part in parts)
        if "/" not in words and "\\" not in words:
            return None
        if not host.hosted and words.startswith(("/", "~", ".")):
            raise MergeError(f"{words}: no such folder on this computer.")
        return from_text(words)

    def _folder(self, text: str) -> bool:
        """Whether a text names a folder of this computer; a hosted page looks for none."""
        if self.studio.host.hosted:
            return False
        try:
            return any((root / Path(text).expanduser()).is_dir() for root in self.studio.parents.roots)
        except (OSError, ValueError, RuntimeError):  # a null byte, too long, no such user
            return False

    def _about(self, reference: str, token: Token) -> str:
        """One line about a model that was named."""
        name = parse_reference(reference, self.studio.parents.roots)[0]
        if reference in self.studio.host.family or self._folder(name):
            model = self.studio.parents.model(reference, self._access(token))
            named = model.config.get("architectures")
            first = str(named[0])[:80] if isinstance(named, list) and named else "no architecture named"
            return f"{reference} · {first} · {format_bytes(model.nbytes)} · {licence(model.folder) or 'no licence named'}"
        return _line(remote.about(name, token), reference)

    # ------------------------------------------------------------------------------ the shelf

    def as_base(self, shelf: Shelf, chosen: str | None) -> Updates:
        """This model becomes the base."""
        return self._put(shelf, lambda: (self._taken(chosen), *[m for m in shelf[1:] if m != self._taken(chosen)]))

    def add(self, shelf: Shelf, chosen: str | None) -> Updates:
        """This model is to be mixed in."""

        def added() -> Shelf:
            model = self._taken(chosen)
            if model == shelf[0]:
                raise MergeError(f"{model} is the base already; choose another model to mix into it.")
            if len(shelf) > MAX_PARENTS and model not in shelf:
                raise MergeError(f"At most {MAX_PARENTS} models are mixed at once; leave one out first.")
            return tuple(dict.fromkeys((*shelf, model)))

        return self._put(shelf, added)

    def _taken(self, chosen: str | None) -> str:
        reference = self.reference(chosen) if chosen else None  # it comes from a browser: read like what is typed
        if reference is None:
            raise MergeError("Choose a model from the list first.")
        return reference

    def _put(self, shelf: Shelf, change: Callable[[], Shelf]) -> Updates:
        try:
            return {"pick shelf": change(), "pick notice": say("")}
        except MergeError as error:
            return {"pick shelf": shelf, "pick notice": say(str(error))}

    def tick(self, shelf: Shelf, ticked: Sequence[str]) -> Updates:
        """Only these stay in the mix."""
        return {"pick shelf": (shelf[0], *[model for model in shelf[1:] if model in ticked])}

    def kin(self, shelf: Shelf, request: gr.Request, token: gr.OAuthToken | None) -> Updates:
        """Fine-tunes of the base that are not on the shelf yet; nothing where the Hub knows none, or cannot be asked."""
        base = shelf[0]
        try:
            listed = remote.relatives(base, self._token(token)) if base and store.is_hub_id(base) else ()
        except MergeError:  # a suggestion only; the verdict says what is wrong with the Hub
            listed = ()
        choices = [(_line(one, one.id), one.id) for one in listed if one.id not in shelf]
        return {"pick kin": gr.update(choices=choices, value=None, visible=bool(choices))}

    # ------------------------------------------------------------------------------ before the download

    def judge(self, shelf: Shelf, request: gr.Request, token: gr.OAuthToken | None) -> Iterator[Updates]:
        """Look at the shelf's models from afar."""
        name = request.session_hash or ""
        self._looks[name] = look = self._looks.get(name, 0) + 1

        def old() -> bool:
            return self._looks.get(name) != look

        yield self._told(shelf, (), "Looking at their configs and headers…" if any(shelf) else "", "", None)
        if not any(shelf):
            return
        try:
            seen = self.look(shelf, self._token(token), old)
            if not old():
                yield self._judged(shelf, seen)
        except Cancelled:
            return
        except Exception:
            log.exception("looking at a shelf failed")
            yield self._told(shelf, (), OUR_FAULT, "", None)

    def _judged(self, shelf: Shelf, seen: Sequence[Seen]) -> Updates:
        errors = [one.error for one in seen if one.error]
        if errors:
            return self._told(shelf, seen, "\n".join(f"✗ {error}" for error in errors), "", None)
        messages = [] if shelf[0] else ["Choose the base: the model that the others were made from."]
        messages += [] if len(shelf) > 1 else ["Choose at least one fine-tune of the base to mix into it."]
        if messages:
            return self._told(shelf, seen, "\n".join(messages), "", None)
        blind = [one.reference for one in seen if one.model is None]
        merged, way = seen[0].nbytes, None
        if blind:
            words = [f"· {one}: holds only .bin files, so whether it fits is told after the download." for one in blind]
        else:
            words, merged, way = fits(shelf, {one.reference: one.model for one in seen if one.model is not None})
        outlook = self._outlook(seen, merged)
        missing = sum(one.missing for one in seen)
        button = f"Download {format_bytes(missing)} and use them" if missing else "Use these models"
        button += f"; {way.label[:1].lower()}{way.label[1:]}" if way is not None else ""
        button = "" if outlook.kind == "refused" else button
        return self._told(shelf, seen, "\n".join(words), outlook.words, button)

    def _outlook(self, seen: Sequence[Seen], merged: int) -> Outlook:
        """What can be done here with models of which only the headers are known."""
        host, device = self.studio.host, self.studio.parents.device
        computing = free = None
        streamed = 0
        if host.accelerator != "cpu":
            have = available(device) if host.accelerator == "cuda" else None
            free = have and have[1]
            what = need(None, {one.reference: one.model for one in seen if one.model is not None}, device)
            computing, streamed = what.beside, merged + max(what.spoken, what.sources)
        found = host.outlook([one.nbytes for one in seen], merged, computing or 0, free, streamed)
        models = {one.reference: one.model for one in seen if one.model is not None}
        base = seen[0].reference
        if found.kind == "export" and base in models:  # a merge takes what its base takes
            with contextlib.suppress(MergeError):
                return host.otherwise(found, make_plan(copy_of(base), {base: models[base]}), models)
        return found

    def _told(self, shelf: Shelf, seen: Sequence[Seen], verdict: str, outlook: str, button: str | None) -> Updates:
        words = {one.reference: one.words for one in seen}
        choices = [(words.get(model, model), model) for model in shelf[1:]]
        return {
            "pick base": words.get(shelf[0], shelf[0]) or "none yet",
            "pick parents": gr.update(choices=choices, value=list(shelf[1:]), visible=bool(choices)),
            "pick verdict": say(verdict), "pick outlook": say(outlook),
            "pick fetch": gr.update(value=button or "Download", interactive=bool(button)),
        }  # fmt: skip

    def look(self, shelf: Shelf, token: Token, cancelled: Callable[[], bool]) -> tuple[Seen, ...]:
        """Each model of the shelf, from its folder or a few kilobytes of it on the Hub, or what is wrong with it."""
        with ThreadPoolExecutor(3) as pool:
            seen = list(pool.map(lambda model: self._seen(model, token, cancelled), [m for m in shelf if m]))
        coming = set[str]()
        for i, one in enumerate(seen):  # several LoRAs may stand on one model, which comes once
            name = parse_reference(one.reference, self.studio.parents.roots, self._access(token).folders)[0]
            if one.missing and name in coming:
                seen[i] = replace(one, missing=0)
            coming.add(name)
        return tuple(seen)

    def _seen(self, reference: str, token: Token, cancelled: Callable[[], bool]) -> Seen:
        host, roots, access = self.studio.host, self.studio.parents.roots, self._access(token)
        try:
            if not access.refusal(reference) and remote.is_here(reference, roots):
                model = open_here(reference, roots, access.folders)
                return Seen(reference, model.nbytes, 0, licence(model.folder), model)
            try:
                model = remote.peek(
                    reference, token, cancelled, only_safetensors=host.hosted, roots=roots, folders=access.folders
                )
            except Cancelled:
                raise
            except CheckpointError:
                blind = None if host.hosted else self._blind(reference, token, cancelled)
                if blind is None:
                    raise
                return blind
            missing = model.download if isinstance(model, remote.Remote) else model.nbytes
            card = model.hub if isinstance(model, remote.Remote) else None
            said = (card.licence if card else None) or licence(model.folder)
            return Seen(reference, model.nbytes, missing, said, model)
        except Cancelled:
            raise
        except MergeError as error:
            return Seen(reference, error=str(error))

    @staticmethod
    def _blind(reference: str, token: Token, cancelled: Callable[[], bool]) -> Seen | None:
        """A model of .bin files only, which have no header to look at from afar."""
        try:
            listing = store.listing(parse_reference(reference)[0], token, cancelled)
            files = store.weights(listing)
        except CheckpointError:
            return None
        if not all(file.name.endswith(".bin") for file in files):
            return None
        missing = sum(file.size - store.begun(listing, file) for file in files)
        return Seen(reference, sum(file.size for file in files), missing, remote.hub_model(listing.info).licence)

    # ------------------------------------------------------------------------------ the download

    def fetch(
        self, shelf: Shelf, session: str | None, token: Token, loaded: Callable[[Mapping[str, Any]], Updates]
    ) -> Iterator[Updates]:
        """Bring the shelf's models here, then the page to them.

        loaded  takes the changes to a recipe of these models that the button told of; what it gives is drawn

        Leaving the page stops it, as Cancel does; what has arrived is kept, and goes on next time.
        """
        job = _Job()
        yield _progress("busy", job, "", cancel=gr.update(visible=True), fetch=gr.update(interactive=False))
        over = {"cancel": gr.update(visible=False), "fetch": gr.update(interactive=True)}
        for message in self._downloads.run(session, lambda work: self._bring(shelf, token, job, work.stopped)):
            if not isinstance(message, Ended):
                yield _progress("busy", job)
            elif message.error is None:
                try:
                    drawn = loaded(message.value or {})
                    again = {"fetch": gr.update(value="Use these models", interactive=True)}
                    yield drawn | _progress("done", job, "", **over | again)
                except MergeError as error:
                    yield _progress("done", job, str(error), **over)
            else:
                words = "Stopped. What has arrived is kept; press Download to go on." if message.cancelled else message.words
                yield _progress("stopped", job, words, **over)

    def _bring(self, shelf: Shelf, token: Token, job: "_Job", stopped: Callable[[], bool]) -> Mapping[str, Any]:
        """Fetch all that is missing: the changes that let the models fit."""
        host, changes = self.studio.host, dict[str, Any]()
        if not shelf[0] or len(shelf) < 2:
            raise MergeError("Choose a base and at least one fine-tune of it first.")
        if shelf[0] == smollm2.BASE:
            smollm2.made()
        seen = self.look(shelf, token, stopped)
        if any(one.error for one in seen):
            raise MergeError("\n".join(one.error for one in seen if one.error))
        models = {one.reference: one.model for one in seen if one.model is not None}
        if len(models) == len(seen) and (way := next(ways_out(_plain(shelf), models), None)) is not None:
            changes = dict(way.changes)
        outlook = self._outlook(seen, seen[0].nbytes)
        if outlook.kind == "refused":
            raise MergeError(outlook.words)
        job.expect({one.reference: (one.nbytes, one.missing) for one in seen})
        here = [one.model.folder for one in seen if one.model is not None]
        with self._room(sum(one.missing for one in seen), here):
            for one in seen:
                for part in parse_reference(one.reference, self.studio.parents.roots, self._access(token).folders):
                    if part in host.family or self._folder(part):  # also what is made of a package
                        continue
                    job.begin(one.reference)
                    bring(part, token, job.report, stopped, **host.download_options())
                    if isinstance(token, str) and store.restricted(part):  # the Hub has just said that this sign-in may have it
                        self.studio.grants.add(token, store.split(part)[0])
                job.finished(one.reference)
        return changes

    @contextlib.contextmanager
    def _room(self, missing: int, here: Sequence[Path]) -> Generator[None]:
        """Room in the cache for so many bytes, as long as they come. MergeError where models in use leave none.

        here  folders of the models that come
        """
        host = self.studio.host
        if not (host.hosted and host.disk and missing):
            yield
            return
        coming = (missing, tuple(here))
        with self._lock:
            limit = host.disk - missing - sum(nbytes for nbytes, _ in self._coming)
            awaited = {folder for _, folders in (*self._coming, coming) for folder in folders}
            for heard_only in (False, True):
                self.studio.close_unused(heard_only)
                replace(host, disk=max(1, limit)).tidy({*self.studio.parents.folders, *awaited})
                if store.size() <= limit:
                    break
            else:
                raise MergeError(
                    f"Models that other visitors use right now fill the {format_bytes(host.disk)} "
                    "that this page has for models.\n"
                    "Try again in half an hour, or take smaller ones."
                )
            self._coming.append(coming)
        try:
            yield
        finally:
            with self._lock:
                self._coming.remove(coming)

    # ------------------------------------------------------------------------------ the second family

    def second(self) -> str:
        """What is written on its button: what it is, and what pressing it fetches; "" where it does not come along."""
        family = next((one for one in self.studio.families if one.name == SMOLLM2), None)
        if family is None:
            return ""
        here = smollm2.base() or smollm2.packed()
        fetched = "" if here else f" · downloads {format_bytes(smollm2.NBYTES)}"
        return f"{family.title} · {len(family.parents)} tunes{fetched}"

    def second_shelf(self) -> Shelf:
        """Its models: on the base that is here, else on the one that is in the package, else on the Hub's."""
        base = smollm2.base() or (smollm2.BASE if smollm2.packed() else smollm2.HUB)
        return smollm2.references(base)

    def cancel(self, request: gr.Request) -> None:
        """Stop this visitor's download."""
        self._downloads.stop(request.session_hash)

    def leave(self, session: str | None) -> None:
        """A session has left: its download and its looks end."""
        self._downloads.stop(session)
        self._looks.pop(session or "", None)

    def _token(self, token: gr.OAuthToken | None) -> Token:
        return self.studio.host.token(token.token if token is not None else None)

    def _access(self, token: Token) -> Access:
        return self.studio.host.access(self.studio.grants.of(token if isinstance(token, str) else None))


def fits(shelf: Shelf, models: Mapping[str, Checkpoint]) -> tuple[list[str], int, Fix | None]:
    """What speaks for and against a plain merge of these models, worst first, and the bytes it will have.

    Models that do not fit are judged as they can be merged all the same, with what that takes.
    """
    try:
        recipe, refused, way = _plain(shelf), list[str](), None
        models = aligned(recipe, models)
        try:
            plan = make_plan(recipe, models)
        except CheckpointError as error:
            way = next(ways_out(recipe, models), None)
            if way is None:
                raise
            if "on_mismatch" not in way.changes:  # of what is left out the verdict tells
                refused = [f"{MARKS['warning']}{refusal_words(str(error))}"]
            recipe = replace_all(recipe, way.changes)
            plan = make_plan(recipe, models)
        remarks = verdict_words(verdict(recipe, models, plan), short_names(shelf))
    except MergeError as error:
        text = refusal_words(str(error))
        return [f"{MARKS['error']}{text[:1].upper()}{text[1:]}"], models[shelf[0]].nbytes, None
    return [*refused, *(f"{MARKS[remark.level]}{remark.text}" for remark in remarks)], plan.nbytes, way


def _plain(shelf: Shelf) -> Recipe:
    """A plain sum of all parents' changes."""
    weight = round(1 / (len(shelf) - 1), 3)
    parts = [{"model": model, "parameters": {"weight": weight}} for model in shelf[1:]]
    return load_recipe(json.dumps({"merge_method": PLAIN, "base_model": shelf[0], "models": parts}))


class _Job:
    """A download under way: what is known of each file, told by the threads that fetch."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sizes: dict[str, tuple[int, int]] = {}
        self._done: dict[str, int] = {}
        self._files: dict[str, tuple[int, int]] = {}
        self._now = ""

    def expect(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        """Bytes of each model, and how many of them are missing."""
        with self._lock:
            self._sizes = dict(sizes)
            self._done = {name: size - missing for name, (size, missing) in sizes.items()}

    def begin(self, reference: str) -> None:
        """This model comes now."""
        with self._lock:
            self._now, self._files = reference, {}

    def report(self, fetched: Fetched) -> None:
        """Some bytes of a file have come."""
        with self._lock:
            self._files[fetched.file] = (fetched.done, fetched.size)
            self._done[self._now] = max(self._done[self._now], min(fetched.all_done, self._sizes[self._now][0]))

    def finished(self, reference: str) -> None:
        """All of this model is here."""
        with self._lock:
            self._done[reference] = self._sizes[reference][0]

    def shown(self, state: State) -> Any:
        """The bars: all of it, then the files of the model that is coming now."""
        with self._lock:
            size, done = sum(n for n, _ in self._sizes.values()), sum(self._done.values())
            number = list(self._sizes).index(self._now) + 1 if self._now in self._sizes else 1
            words = f"{format_bytes(done)} of {format_bytes(size)}" if size else "asking the Hub"
            coming = f"{self._now} ({number} of {len(self._sizes)})" if self._now else "Download"
            name = "All models are here" if state == "done" else coming
            files: list[Bar] = [
                (file, at, of, f"{format_bytes(at)} of {format_bytes(of)}")
                for file, (at, of) in sorted(self._files.items()) if state != "done"
            ]  # fmt: skip
            return gr.update(data=shown(state, (name, done, size, words), files))


def _progress(state: State, job: _Job, words: str | None = None, **more: Any) -> Updates:
    """How a download stands. words: what is said about it, None for what was said last."""
    told = {"bars": job.shown(state), **more} | ({} if words is None else {"notice": say(words)})
    return {f"pick {name}": update for name, update in told.items()}


def _line(one: remote.HubModel, name: str) -> str:
    words = [
        name, one.architecture or "no architecture named", format_bytes(one.nbytes) if one.nbytes else "size unknown",
        one.licence or "no licence named", f"{_count(one.downloads)} downloads",
        *(["private"] if one.private else ["gated"] if one.gated else []),
    ]  # fmt: skip
    return " · ".join(words)


def _count(n: int | None) -> str:
    """
    >>> _count(1_234_567), _count(999), _count(None)
    ('1.2M', '999', '?')
    """
    if n is None:
        return "?"
    return f"{n / 1e6:.1f}M" if n >= 1e6 else f"{n / 1e3:.1f}k" if n >= 1000 else str(n)


__all__ = ["Picking", "Seen", "Shelf", "Trio", "fits", "read_trios"]
