"""Studio: what all visitors of one process share. Parents, one merged model, speakers, caches. No gradio here.

There is one merged model per process, not per visitor: each answer first patches it to the visitor's recipe, layer by
layer, under a lock. Memory does not grow with visitors, and a small change costs milliseconds.
"""

import logging
import shutil
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import merger.ui.lanes as lanes
from merger.analysis import SAMPLES, Sketch, TensorStats, combine
from merger.checkpoints import Checkpoint
from merger.errors import Cancelled, MergeError
from merger.evaluate import Speaker, Token, speaker, take_turns
from merger.live import Parents, Session
from merger.merge import Step, merge, spoken
from merger.plan import Plan, plan
from merger.recipe import Recipe, dump
from merger.ui.state import Preset, Workspace, for_statistics, read_presets
from merger.verdict import Verdict, verdict

log = logging.getLogger(__name__)

ANSWER_TOKENS = 160
FLUSH_SECONDS = 0.05
MAX_ARCHIVE = 4 << 30
ROLES = ("q", "k", "v", "qkv", "o", "gate", "up", "down", "router", "norm", "embed", "head", "other")
Feed = dict[str, Any]


@dataclass
class Visit:
    """One browser's place in time: a newer run makes an older answer stop itself."""

    run: int = 0
    stopped: int = -1

    def current(self, run: int) -> bool:
        return run == self.run and run > self.stopped


@dataclass(frozen=True)
class Heard:
    """A finished answer: its tokens, and for each the key of the parent that would have said the same (or None)."""

    tokens: tuple[Token, ...]
    agree: tuple[str | None, ...]


class Studio:
    """Answers for everybody, one at a time; statistics and plans for everybody at once."""

    def __init__(self, presets: Path, device: str = "cpu") -> None:
        root = presets.parent
        self.parents = Parents(device, roots=(Path(), root))
        self.presets: list[Preset] = read_presets(presets)
        self.base = str((presets / "family" / "base").relative_to(root))
        folders = sorted(config.parent for config in (presets / "family").glob("*/config.json"))
        self.family = tuple(str(folder.relative_to(root)) for folder in folders)
        self._session = Session(self.parents)
        self._lock = threading.Lock()
        self._merged: tuple[int, object, Speaker] | None = None
        self._speakers: dict[str, Speaker] = {}
        self._heard: OrderedDict[tuple[str, str], Heard] = OrderedDict()
        self._sketches: dict[frozenset[str], Sketch] = {}
        self._visits: dict[str, Visit] = {}

    # ------------------------------------------------------------------------------------------ visitors

    def visit(self, session: str | None) -> Visit:
        """The visit of a browser session."""
        return self._visits.setdefault(session or "", Visit())

    def leave(self, session: str | None) -> None:
        """Forget a browser session; its answer, if one is being written, stops."""
        visit = self._visits.pop(session or "", None)
        if visit is not None:
            visit.run += 1

    # ------------------------------------------------------------------------------------------ numbers

    def plan(self, recipe: Recipe) -> Plan:
        """The plan of a recipe; MergeError when its models do not fit."""
        return plan(recipe, self.parents.open(recipe))

    def statistics(self, recipe: Recipe) -> tuple[Plan, list[TensorStats]]:
        """Estimated statistics of every tensor, from a sketch that stays in memory."""
        models = self.parents.open(recipe)
        decided = plan(recipe, models)
        key = frozenset(models)
        if key not in self._sketches:
            if len(self._sketches) > 8:
                self._sketches.clear()
            self._sketches[key] = Sketch(models)
        return decided, list(self._sketches[key].measure(decided.jobs, decided.layout))

    def verdict(self, recipe: Recipe) -> Verdict:
        """What the headers say about a recipe before anything is merged."""
        models = self.parents.open(recipe)
        return verdict(recipe, models, plan(recipe, models))

    def strip(self, work: Workspace) -> dict[str, Any]:
        """The Mixer's `stats`: sign conflict by role and column, a sentence, and a remark for every lane."""
        decided, stats = self.statistics(for_statistics(work))
        grid = lanes.columns(decided)
        by_cell: dict[tuple[str, int], list[TensorStats]] = {}
        for s in stats:
            by_cell.setdefault((s.role, grid.of[s.name]), []).append(s)
        rows = [
            {"label": role, "values": [_conflict(by_cell.get((role, c))) for c in range(len(grid.columns))]}
            for role in ROLES if any((role, c) in by_cell for c in range(len(grid.columns)))
        ]  # fmt: skip
        whole = combine(stats, "all")
        sampled = whole is not None and any(s.facts.numel >= SAMPLES for s in stats)
        return {
            "rows": rows,
            "summary": _summary(whole, work.recipe),
            "note": f"estimated from {SAMPLES:,} weights of each tensor" if sampled else "",
            "lanes": _remarks(whole, decided) if decided.recipe == work.recipe else {},
        }

    # ------------------------------------------------------------------------------------------ answers

    def columns(self, work: Workspace) -> list[dict[str, Any]]:
        """Who answers: the merge first, then the base, then the parents in the mix."""
        names = lanes.short_names([work.base, *work.chosen])
        return [
            {"key": "merge", "name": "your merge", "slot": None, "lead": True},
            {"key": work.base, "name": names[work.base], "slot": None},
            *({"key": m, "name": names[m], "slot": i} for i, m in enumerate(work.chosen)),
        ]

    def answer(self, work: Workspace, prompt: str, visit: Visit) -> Iterator[Feed]:
        """Merge, then stream everybody's answer as feeds for the panel. Ends by itself when a newer run begins.

        Errors of the recipe or the models become part of the feed; nothing is raised.
        """
        run = visit.run
        feeds = _Feeds(run, prompt, ["merge", work.base, *work.chosen])
        try:
            with self._lock:
                if visit.current(run):
                    yield from self._answer(work, prompt, lambda: visit.current(run), feeds)
        except Cancelled:  # a newer run began, or Stop was pressed, while the tensors were merged
            pass
        except MergeError as error:
            yield feeds.failed(str(error))
        except Exception:
            log.exception("answering failed")
            yield feeds.failed("Something went wrong here, and it is our fault; the server's log has the details.")
        if run == visit.run and visit.stopped >= run:
            yield feeds.stopped()

    def _answer(self, work: Workspace, prompt: str, go_on: Callable[[], bool], feeds: "_Feeds") -> Iterator[Feed]:
        if not prompt.strip():
            raise MergeError("Write a prompt first: a question or a task for the models.")
        keys = {"merge": dump(work.recipe), **{m: m for m in (work.base, *work.chosen)}}
        known = {k: self._heard[name, prompt] for k, name in keys.items() if (name, prompt) in self._heard}
        yield feeds.start(known)
        silent = {k for k in keys if k not in known}
        if not silent:
            return
        speakers: dict[str, Speaker] = {}
        if "merge" in silent:
            speakers["merge"] = self._merge(work.recipe, go_on)
        speakers |= {k: self._parent(k) for k in silent - {"merge"}}
        said: dict[str, list[Token]] = {k: [] for k in speakers}
        flushed = time.monotonic()
        for word in take_turns(speakers, prompt, limit=ANSWER_TOKENS, go_on=go_on):
            if word.token is None:
                self._remember(keys[word.key], prompt, Heard(tuple(said[word.key]), (None,) * len(said[word.key])))
                feeds.finished(word.key)
            else:
                said[word.key].append(word.token)
                feeds.add(word.key, word.token)
            if time.monotonic() - flushed > FLUSH_SECONDS:
                yield feeds.flush()
                flushed = time.monotonic()
        if "merge" in speakers and go_on():
            heard = self._agreement(work, prompt, tuple(said["merge"]))
            self._remember(keys["merge"], prompt, heard)
            feeds.replace("merge", heard)
        if go_on():
            yield feeds.flush()

    def _agreement(self, work: Workspace, prompt: str, tokens: tuple[Token, ...]) -> Heard:
        """For each token of the merge, the parent that would most surely have said it, where the base would not."""
        ids = [t.id for t in tokens]
        base = self._parent(work.base).agrees(prompt, ids)
        by = {m: self._parent(m).agrees(prompt, ids) for m in work.chosen}
        best = [max(by, key=lambda m: by[m][i], default=None) for i in range(len(ids))]
        return Heard(
            tokens, tuple(m if m is not None and by[m][i] > 0 and base[i] == 0 else None for i, m in enumerate(best))
        )

    def _remember(self, name: str, prompt: str, heard: Heard) -> None:
        self._heard[name, prompt] = heard
        self._heard.move_to_end((name, prompt))
        while len(self._heard) > 1000:
            self._heard.popitem(last=False)

    def _merge(self, recipe: Recipe, go_on: Callable[[], bool]) -> Speaker:
        self._session.apply(recipe, cancelled=lambda: not go_on())
        decided = self._session.plan
        assert decided is not None
        models = self.parents.open(recipe)
        words = (decided.donor, decided.tokens, decided.chat_template)
        if self._merged is None or self._merged[:2] != (self._session.generation, words):
            with spoken(decided, models) as folder:
                voice = speaker(folder, decided.config, self._session.tensors)
            self._merged = (self._session.generation, words, voice)
        return self._merged[2]

    def _parent(self, reference: str) -> Speaker:
        if reference not in self._speakers:
            model: Checkpoint = self.parents.model(reference)
            tensors = {name: model.read(name).to(self.parents.device) for name in model.tensors}
            self._speakers[reference] = speaker(model.folder, model.config, tensors)
        return self._speakers[reference]

    # ------------------------------------------------------------------------------------------ files

    def archive(self, recipe: Recipe, progress: Callable[[Step], None]) -> Path:
        """The merged model as a zip of the folder that the command line writes. MergeError when it is too large for that."""
        need = self.plan(recipe).nbytes
        if need > MAX_ARCHIVE:
            raise MergeError(f"The merged model has {need:,} bytes, too many for a browser; copy the recipe and merge at home.")
        place = Path(tempfile.mkdtemp(prefix="merge-"))
        try:
            merge(recipe, place / "merged-model", device=str(self.parents.device), roots=self.parents.roots, progress=progress)
            return Path(shutil.make_archive(str(place / "merged-model"), "zip", place, "merged-model"))
        finally:
            shutil.rmtree(place / "merged-model", ignore_errors=True)


class _Feeds:
    """Builds the panel's feeds: what was said since the last one, numbered."""

    def __init__(self, run: int, prompt: str, keys: list[str]) -> None:
        self._run, self._prompt, self._keys = run, prompt, keys
        self._seq = 0
        self._new: list[list[Any]] = []
        self._ended: list[str] = []
        self._full: dict[str, list[list[Any]]] = {}
        self._all: dict[str, list[list[Any]]] = {key: [] for key in keys}
        self._open = list(keys)

    def start(self, known: Mapping[str, Heard]) -> Feed:
        self._full = {k: [_shown(t, p) for t, p in zip(h.tokens, h.agree, strict=True)] for k, h in known.items()}
        self._ended = list(known)
        self._open = [k for k in self._keys if k not in known]
        state = {k: "cached" if k in known else "busy" for k in self._keys}
        return self._feed(start=True, prompt=self._prompt, state=state)

    def add(self, key: str, token: Token) -> None:
        self._all[key].append(_shown(token, None))
        self._new.append([key, *_shown(token, None)])

    def finished(self, key: str) -> None:
        self._ended.append(key)
        self._open.remove(key)
        self._full[key] = self._all[key]

    def replace(self, key: str, heard: Heard) -> None:
        self._full[key] = [_shown(t, p) for t, p in zip(heard.tokens, heard.agree, strict=True)]

    def flush(self) -> Feed:
        return self._feed(state=dict.fromkeys(self._ended, "done"))

    def stopped(self) -> Feed:
        return self._feed(state=dict.fromkeys(self._open, "stopped"))

    def failed(self, message: str) -> Feed:
        state = dict.fromkeys(self._open, "failed")
        return self._feed(start=self._seq == 0, prompt=self._prompt, error={"merge": message}, state=state)

    def _feed(self, **more: Any) -> Feed:
        self._seq += 1
        feed: Feed = {
            "run": self._run, "seq": self._seq, "add": self._new, "full": self._full, "done": self._ended, **more,
        }  # fmt: skip
        self._new, self._full, self._ended = [], {}, []
        return feed


def _shown(token: Token, parent: str | None) -> list[Any]:
    others = [[text, round(p, 4)] for text, p in token.others]
    return [token.text, round(token.probability, 4), others, parent]


def _conflict(cell: list[TensorStats] | None) -> float | None:
    whole = combine(cell or [], "")
    return None if whole is None else round(whole.conflict, 4)


def _summary(whole: TensorStats | None, recipe: Recipe) -> str:
    if whole is None:
        return "Choose models to see where they disagree."
    if len(whole.models) < 2:
        return "One model alone: nothing to disagree with."
    if recipe.method.takes != "deltas":
        return f"{whole.conflict:.0%} of the weights are pulled both ways; {recipe.merge_method} holds no vote"
    return f"{whole.conflict:.0%} of the weights are pulled both ways"


def _remarks(whole: TensorStats | None, decided: Plan) -> dict[str, str]:
    if whole is None:
        return {}
    index = {entry.model: i for i, entry in enumerate(decided.recipe.models)}
    remarks: dict[str, str] = {}
    for i, model in enumerate(whole.models):
        text = f"keeps {whole.density[i]:.0%} of its changes, gives {whole.share[i]:.0%} of the result"
        for param in decided.recipe.method.params:
            remarks[f"models[{index[model]}].parameters.{param.name}"] = text
    return remarks


__all__ = ["ANSWER_TOKENS", "Heard", "Studio", "Visit"]
