"""Publish the merge as a repository on the Hub: whose, under which name, who may see it, what the parents' licences ask.

The merge is written into a temporary folder and sent from there. After a failure the folder stays, and a repeat begins with the
sending; after success, or when the browser is gone, it is deleted.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from merger.engine.batch import Step
from merger.engine.session import Parents
from merger.errors import Cancelled, CheckpointError, MergeError, NonFiniteError
from merger.files.checkpoints import format_bytes
from merger.gguf.process import missing
from merger.hub import push
from merger.hub.card import Example, Parent, licence
from merger.hub.collecting import checked, collect, collections_of
from merger.hub.figures import CardFigure
from merger.hub.push import Sent
from merger.hub.wire import Token, logged_in
from merger.recipe import Recipe, dump
from merger.ui.background import Background, Ended
from merger.ui.background import Work as Doing
from merger.ui.bars import Bar, State, bars, shown
from merger.ui.events import NOW, QUIET
from merger.ui.grants import Grants
from merger.ui.host import Host
from merger.ui.lanes import short_names
from merger.ui.parts import Parts, Updates, say, status
from merger.ui.scratch import scratch

log = logging.getLogger(__name__)

TELL_SECONDS = 0.25
PRIVATE, PUBLIC = "private", "public"
ASK: dict[str, Any] = {"concurrency_id": "hub", "concurrency_limit": 4, **QUIET}
SEND: dict[str, Any] = {"concurrency_id": "publish", "concurrency_limit": 2, **QUIET}
SIGN_IN = "Sign in with Hugging Face above; then the merge can be published under your name."
NO_SIGN_IN = "This page offers no sign-in. Download the merge and publish it with `hf upload` from your own computer."
LOG_IN = "Sign in on this computer first: run hf auth login with a token that may write, then open this tab again."

ANYWAY = "Merge all the same"
"""The button that goes on where numbers are not finite."""
MergeTo = Callable[..., Any]
"""merge_to(work, folder, progress, cancelled): write the merge of a workspace into a folder that does not exist yet. With
allow_nonfinite=True where the visitor has allowed numbers that are not finite."""
ExportTo = Callable[[Any, Path, Callable[[Step], None], Callable[[], bool]], Any]
"""export_to(work, file, progress, cancelled): write the merge of a workspace as a GGUF file of kind GGUF."""
GGUF = "q8_0"
NO_COLLECTION = ("none", "")
Answers = Callable[[Any, str, gr.Request], Sequence[Example]]
"""answers(work, prompt, request): what the merge and its parents answered, as far as the visitor may hear it."""
Figures = Callable[[Any, Any, gr.Request], Sequence[CardFigure]]
"""figures(work, rows, request): what was judged of the merge of this very recipe."""
LOOKED = tuple(f"publish {name}" for name in ("who", "owner", "name", "collection", "terms", "confirm", "send", "notice"))
"""What `Publishing.look` tells."""
FORM = tuple(f"publish {name}" for name in ("owner", "name", "seen by", "confirm", "answers", "replace", "gguf", "collection"))
"""What is published is asked of these, in the order of `Publishing.publish`."""
SENT = tuple(f"publish {name}" for name in ("bars", "notice", "send", "cancel", "anyway", "page"))
"""What publishing tells."""


class Place(Protocol):
    """What is asked of the studio."""

    host: Host
    parents: Parents
    grants: Grants


class Work(Protocol):
    """What is asked of a workspace."""

    @property
    def recipe(self) -> Recipe: ...


@dataclass
class _Kept:
    """A merge on its way to the Hub: in `place`, which is ours to delete."""

    recipe: str
    place: Path
    whole: bool = False
    busy: bool = False

    @property
    def folder(self) -> Path:
        """The merged model."""
        return self.place / "merged-model"

    def delete(self) -> None:
        scratch().delete(self.place)


class Publishing:
    """The panel on one studio. A visitor's token is handed through each call and kept nowhere."""

    def __init__(self, studio: Place) -> None:
        self.studio = studio
        self._kept: dict[str, _Kept] = {}
        self._sendings = Background("publishing", TELL_SECONDS)
        self._lock = threading.Lock()

    # ------------------------------------------------------------------------------ view

    def view(self, page: Parts) -> None:
        """Build it where it is called; without a sign-in where the page has none."""
        with gr.Column(elem_id="publish"):
            if self.studio.host.oauth:
                gr.LoginButton("Sign in with Hugging Face", size="sm", elem_id="publish-login")
            who = status("publish-who", "Sign-in")
            with gr.Row():
                owner = gr.Dropdown(
                    [], value=None, label="Owner", interactive=True, min_width=160, scale=2, elem_id="publish-owner",
                    visible=False,
                )  # fmt: skip
                name = gr.Textbox(
                    "", label="Name of the repository", interactive=True, max_lines=1, max_length=96, min_width=220, scale=4,
                    elem_id="publish-name",
                )  # fmt: skip
                seen_by = gr.Radio(
                    [("only you", PRIVATE), ("everybody", PUBLIC)], value=PRIVATE, label="Who can see it", interactive=True,
                    min_width=200, scale=3, elem_id="publish-seen-by",
                )  # fmt: skip
            terms = status("publish-terms", "What the models' licences ask")
            confirm = gr.Checkbox(False, label="Its owners allow me to publish this", interactive=True, visible=False)
            answers = gr.Checkbox(
                True, label="Put the answers to the current prompt on its page, and what was judged of it", interactive=True
            )
            replace = gr.Checkbox(False, label="If the repository exists, put the merge over what is in it", interactive=True)
            gguf = gr.Checkbox(
                False, label="Put a GGUF file of 8 bits beside it, for Ollama, LM Studio and llama.cpp", interactive=True,
                visible=not missing(),
            )  # fmt: skip
            collection = gr.Dropdown(
                [NO_COLLECTION], value="", label="Collection", interactive=True, allow_custom_value=True, visible=False,
                info="Put it into one of yours, or write the title of a new one", elem_id="publish-collection",
            )  # fmt: skip
            with gr.Row():
                send = gr.Button("Merge and publish", variant="primary", scale=0, min_width=200, interactive=False)
                cancel = gr.Button("Cancel", scale=0, min_width=100, visible=False)
            progress = bars(elem_id="publish-bars")
            notice = status("publish-notice", "Publishing")
            address = gr.Button(
                "Open its page on the Hub", link="", link_target="_blank", scale=0, min_width=200, visible=False,
                elem_id="publish-page",
            )  # fmt: skip
            anyway = gr.Button(ANYWAY, scale=0, min_width=200, visible=False, elem_id="publish-anyway")
        named = {
            "who": who, "owner": owner, "name": name, "seen by": seen_by, "terms": terms, "confirm": confirm, "answers": answers,
            "replace": replace, "gguf": gguf, "send": send, "cancel": cancel, "bars": progress, "notice": notice, "page": address,
            "anyway": anyway, "collection": collection,
        }  # fmt: skip
        page.shows(**{f"publish {name}": part for name, part in named.items()})

    def wire(
        self, page: Parts, merge_to: Callable[..., Any], answers: Answers, link: Callable[[Any, str], str], opened: Sequence[Any],
        export_to: Callable[..., Any], figures: Figures = lambda *_: (), facts: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Bind its events.

        merge_to, export_to  as MergeTo and ExportTo, with the visitor's request last
        link                 link(work, prompt): an address that opens this recipe again, "" for none
        figures, facts       as Figures; and what it was measured with
        opened               events after which the panel is looked at anew (its tab is chosen, signed in)
        """

        def sending(allow: bool) -> Callable[..., Iterator[Updates]]:
            def send(
                work: Any, prompt: Any, owner: str | None, name: str, seen_by: str, confirmed: bool, noted: bool, replace: bool,
                gguf: bool, collection: Any, request: gr.Request, token: gr.OAuthToken | None,
            ) -> Iterator[Updates]:  # fmt: skip
                def made(work: Any, folder: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool]) -> Any:
                    return merge_to(work, folder, progress, cancelled, request, allow)

                def exported(
                    work: Any, file: Path, progress: Callable[[Step], None], cancelled: Callable[[], bool]
                ) -> None:  # fmt: skip
                    export_to(work, file, progress, cancelled, request)

                yield from self.publish(
                    work, request.session_hash, self._token(token), made, lambda: answers(work, prompt, request),
                    link(work, prompt), owner, name, seen_by, confirmed, noted, replace,
                    exported if gguf is True else None, collection if isinstance(collection, str) else "",
                    lambda: figures(work, prompt, request), facts or {},
                )  # fmt: skip

            return send

        looking = partial(gr.on, list(opened))
        page.bind(looking, self.look, ["work", "publish name"], LOOKED, trigger_mode="multiple", **ASK)
        for button, allow in (("publish send", False), ("publish anyway", True)):
            page.bind(page.parts[button].click, sending(allow), ["work", "answers", *FORM], SENT, trigger_mode="once", **SEND)
        page.bind(page.parts["publish cancel"].click, self.cancel, [], [], **NOW)

    # ------------------------------------------------------------------------------ before

    def look(self, work: Work, name: str, request: gr.Request, token: gr.OAuthToken | None) -> Updates:
        """Who would publish, and what the licences ask."""
        own = self._token(token)
        try:
            asked = self.terms(work, own)
        except MergeError as error:
            return _named(send=gr.update(interactive=False), notice=say(str(error)))
        licences = "\n".join(filter(None, (f"Licence: {asked.words}", asked.confirm)))
        drawn = _named(terms=say(licences), confirm=gr.update(visible=bool(asked.confirm)))
        if not (name or "").strip():
            drawn |= _named(name=suggested(work.recipe))
        nobody = _named(owner=gr.update(visible=False), collection=gr.update(visible=False), send=gr.update(interactive=False))
        lacking = self._missing(own)
        if lacking:
            return drawn | nobody | _named(who=say(lacking), notice=say(""))
        try:
            owners = push.whoami(own)
        except MergeError as error:
            return drawn | nobody | _named(notice=say(str(error)))
        first = owners[0] if owners else None
        return drawn | _named(
            who=say(f"Signed in as {first}." if first else "This sign-in has no account."),
            owner=gr.update(choices=list(owners), value=first, visible=bool(owners)),
            collection=gr.update(choices=[NO_COLLECTION, *self._collections(owners, own)], visible=bool(owners)),
            send=gr.update(interactive=bool(owners)), notice=say(""),
        )  # fmt: skip

    @staticmethod
    def _collections(owners: Sequence[str], token: Token) -> list[tuple[str, str]]:
        """Those that can be chosen; a new one can be named where the Hub does not tell them."""
        try:
            return collections_of(owners, token)
        except MergeError:
            return []

    def _missing(self, token: Token) -> str:
        """What to do before anything can be published; "" when signed in."""
        host = self.studio.host
        if isinstance(token, str) or (token is None and logged_in()):
            return ""
        return (SIGN_IN if host.oauth else NO_SIGN_IN) if host.hosted else LOG_IN

    def terms(self, work: Work, token: Token) -> push.Terms:
        """What the licences of the recipe's models ask. MergeError when this visitor may not use one of them."""
        access = self.studio.host.access(self.studio.grants.of(token if isinstance(token, str) else None))
        models = [self.studio.parents.model(reference, access) for reference in work.recipe.opened]
        pieces = {piece.reference: piece for model in models for piece in model.pieces}
        return push.terms([Parent(one.reference, None, licence(one.folder), ()) for one in pieces.values()])

    # ------------------------------------------------------------------------------ publish

    def publish(
        self, work: Work, session: str | None, token: Token, merge_to: MergeTo, said: Callable[[], Sequence[Example]], link: str,
        owner: str | None, name: str, seen_by: str, confirmed: bool, with_answers: bool, replace: bool,
        export_to: ExportTo | None = None, collection: str = "", judged: Callable[[], Sequence[CardFigure]] = tuple,
        facts: Mapping[str, str] | None = None,
    ) -> Iterator[Updates]:  # fmt: skip
        """Merge, then send, then put it into a collection that is named. export_to: where a GGUF file is wanted beside it."""
        job, more = _Job(), list[str]()

        def send(doing: Doing) -> str:
            lacking = self._missing(token)
            if lacking:
                raise MergeError(lacking)
            repo = push.repo_id(owner or "", (name or "").strip())
            wanted = checked(collection)
            asked = self.terms(work, token)
            if asked.confirm and not confirmed:
                raise MergeError(f"{asked.confirm} Say so by the tick below the licences.")
            answers, figures = (said(), judged()) if with_answers else ((), ())
            file = None if export_to is None else f"{repo.partition('/')[2]}-{GGUF}.gguf"
            kept, address = self._merged(work, session, merge_to, job, doing.stopped, file, export_to), ""
            try:
                address = push.push(
                    kept.folder, repo, token, private=seen_by != PUBLIC, replace=replace, answers=answers, link=link,
                    figures=figures, facts=facts,
                    progress=job.sent, cancelled=doing.stopped,
                )  # fmt: skip
            finally:
                self._let_go(session, kept, address != "")
            if wanted:
                more.append(_collected(repo, wanted, token, seen_by != PUBLIC, doing.stopped))
            return address

        gone, able = gr.update(visible=False), gr.update(visible=True)
        yield _named(
            bars=job.shown("busy"), notice=say(""), send=gr.update(interactive=False), cancel=able, anyway=gone, page=gone
        )
        over = {"send": gr.update(interactive=True), "cancel": gone}
        for message in self._sendings.run(session, send):
            if not isinstance(message, Ended):
                yield _named(bars=job.shown("busy"))
            elif message.error is None:
                page = gr.update(link=message.value, visible=True)
                yield _named(bars=job.shown("done"), notice=say(f"Published: {message.value}{''.join(more)}"), page=page, **over)
            else:
                kept = "" if self._kept.get(session or "") is None else " The merge is kept for another try."
                words = message.words + (kept if isinstance(message.error, (Cancelled, CheckpointError)) else "")
                anyway = able if isinstance(message.error, NonFiniteError) else gone
                yield _named(bars=job.shown("stopped"), notice=say(words), anyway=anyway, page=gone, **over)

    def _merged(
        self, work: Work, session: str | None, merge_to: MergeTo, job: "_Job", stopped: Callable[[], bool],
        file: str | None, export_to: ExportTo | None,
    ) -> _Kept:  # fmt: skip
        """The folder of this recipe's merge: the one that is kept from a try before, or a new one. Hand it to `_let_go`.

        file  of the GGUF file beside it, None for none
        """
        recipe = dump(work.recipe) + (f"# {file}" if file else "")
        with self._lock:
            kept = self._kept.get(session or "")
            if kept is not None and kept.busy:
                raise MergeError("A merge of yours is being published already; cancel it first.")
            if kept is not None and (kept.recipe != recipe or not kept.whole):
                kept.delete()
                kept = None
            if kept is None:
                kept = self._kept[session or ""] = _Kept(recipe, scratch().make(session or ""))
            kept.busy = True
        if not kept.whole:
            try:
                if file and export_to is not None:  # first: what the converter does not know it says at once
                    export_to(work, kept.place / file, partial(job.step, name="Making the GGUF file"), stopped)
                merge_to(work, kept.folder, job.step, stopped)
                if file:
                    (kept.place / file).rename(kept.folder / file)
                kept.whole = True
            except BaseException:
                self._let_go(session, kept, True)
                raise
        return kept

    def _let_go(self, session: str | None, kept: _Kept, delete: bool) -> None:
        """Nobody reads this folder any more. It goes if it is not needed again, or its visitor has left meanwhile."""
        with self._lock:
            kept.busy = False
            if self._kept.get(session or "") is not kept:
                kept.delete()
            elif delete:
                del self._kept[session or ""]
                kept.delete()

    def cancel(self, request: gr.Request) -> None:
        """Stop this visitor's merge, or its sending."""
        self._sendings.stop(request.session_hash)

    def leave(self, session: str | None) -> None:
        """A session has left: the work stops, and its folder is deleted."""
        self._sendings.stop(session)
        with self._lock:
            kept = self._kept.pop(session or "", None)
            if kept is not None and not kept.busy:  # else by the thread that works in it
                kept.delete()

    def _token(self, token: gr.OAuthToken | None) -> Token:
        return self.studio.host.token(token.token if token is not None else None)


def _collected(repo: str, wanted: str, token: Token, private: bool, stopped: Callable[[], bool]) -> str:
    """What came of putting a published model into a collection, in a sentence: nothing that goes wrong undoes the publishing."""
    try:
        return f"\nIt is in the collection {collect(repo, wanted, token, private=private, cancelled=stopped)}"
    except Cancelled:
        why = "you stopped it"
    except MergeError as error:
        why = str(error).removeprefix(f"{wanted}: ").rstrip(".")
    return f"\nIt is not in the collection: {why}. On its page on the Hub it can be added to one by hand."


def suggested(recipe: Recipe) -> str:
    """A name for the repository, after the models that take part.

    >>> from merger.recipe import load
    >>> suggested(load("{merge_method: linear, models: [{model: a/one}, {model: b/Two}], parameters: {weight: 1}}"))
    'one-Two-linear'
    """
    names = short_names([m for m in recipe.merged if m != recipe.base_model][:3]).values()
    words = "-".join([*(name.rsplit("/", 1)[-1] for name in names), recipe.merge_method])
    return re.sub(r"[^A-Za-z0-9._]+|_{2,}|\.{2,}", "-", words).strip("-._")[:90].rstrip("-._") or "merged-model"


def _named(**updates: Any) -> Updates:
    """Updates by the parts' names, which begin with the panel's."""
    return {f"publish {name}": update for name, update in updates.items()}


class _Job:
    """A merge on its way: made, then read for its digests, then sent."""

    def __init__(self) -> None:
        self._merging: Bar | None = None
        self._sending: Bar | None = None

    def step(self, step: Step, name: str = "Merging") -> None:
        """A tensor was merged."""
        words = f"{step.tensors} of {step.of_tensors} tensors, {format_bytes(step.nbytes)} of {format_bytes(step.of_nbytes)}"
        self._merging = (name, step.nbytes, step.of_nbytes, words)

    def sent(self, sent: Sent) -> None:
        """Bytes were sent."""
        name = {"reading": "Reading what is to be sent", "sending": "Sending", "publishing": "Publishing"}[sent.phase]
        words = (
            f"{format_bytes(sent.done)} of {format_bytes(sent.size)}"
            if sent.phase != "publishing"
            else "one commit with all files"
        )
        self._sending = (name, sent.done, sent.size, words)

    def shown(self, state: State) -> Any:
        """The bars."""
        if state == "done":
            return gr.update(data=shown("done", ("Published", 1, 1, "")))
        whole = self._sending or self._merging or ("Merging", 0, 0, "begins")
        return gr.update(data=shown(state, whole))


__all__ = ["Publishing", "suggested"]
