"""Send the engine and the page what nobody should send, for some minutes: it answers or refuses in a sentence, never more.

    python scripts/fuzz.py 300                       all kinds, five minutes
    python scripts/fuzz.py 60 --only pickles --seed 7
    python scripts/fuzz.py --again .cache/fuzz/pickles-1a2b3c4d

Every input gives a result, or a MergeError of one sentence, within SECONDS and BYTES; no file outside of its folder is opened.
An input that does not is saved below .cache/fuzz, with what went wrong. Each kind runs in a process of its own, so that an input
that kills it is there afterwards, too.
"""

import argparse
import contextlib
import copy
import hashlib
import io
import json
import math
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from merger.chat.load import chat_model  # noqa: E402
from merger.engine.batch import merge  # noqa: E402
from merger.engine.document import open_models  # noqa: E402
from merger.engine.plan import make_plan  # noqa: E402
from merger.errors import MergeError  # noqa: E402
from merger.files.checkpoints import Checkpoint, open_checkpoint  # noqa: E402
from merger.hub import references as hub  # noqa: E402
from merger.hub import store  # noqa: E402
from merger.hub.access import Access  # noqa: E402
from merger.inspect.verdict import verdict  # noqa: E402
from merger.recipe import dump, load  # noqa: E402
from merger.regular import cache_root  # noqa: E402
from merger.tokenizer import safe, templates, tokens  # noqa: E402

SECONDS = 20
"""The most that one input may take of a processor; on a busy machine, or where it waits, six times as long by the clock."""
BYTES = 1_500_000_000
"""The most by which one input may let this process grow."""
SAVED = ROOT / ".cache" / "fuzz"
FAMILY = ROOT / "presets" / "family"

Files = dict[str, bytes]
"""One input: files of a folder."""


class Found(Exception):
    """An input that breaks the promise."""


class Slow(BaseException):
    """An input took too long; no Exception, so that nobody takes it for one of a stranger's."""


# ---------------------------------------------------------------------------------------------- mutations


def nasty(rng: random.Random) -> Any:
    """A value that nobody expects; names the planted file, too."""
    deep: Any = "deep"
    for _ in range(rng.choice([3, 60, 200])):
        deep = [deep]
    return rng.choice([
        None, True, False, 0, -1, 1, 7, 2**31, 2**63, 2**64, -(10**30), 10**400, 0.5, -0.0, 1e308, math.nan, -math.inf, "", " ",
        "\0", "\ud800", "x" * 5000, "../secret.txt", "../../../../etc/passwd", "file:///etc/passwd", "C:\\x", "owner/name",
        "{% for i in range(99999999) %}{{ i }}{% endfor %}", "{{ ''.__class__.__mro__ }}", "${7*7}",
        "!!python/object/apply:os.system", "1_000", "1e999", "~", "nan", "true", [], {}, [[]], [None], {"": None},
        {"a": {"b": []}}, deep, [0] * 3000, b"\xff\xfe",
        *map(str, range(3)),
    ])  # fmt: skip


def nodes(tree: Any) -> list[tuple[Any, Any]]:
    """Every place of a tree of lists and tables: (the list or table, its key)."""
    found, waiting = [], [tree]
    while waiting:
        one = waiting.pop()
        inside = list(one.items() if isinstance(one, dict) else enumerate(one)) if isinstance(one, (dict, list)) else []
        found += [(one, key) for key, _ in inside]
        waiting += [value for _, value in inside][:200]
    return found


def changed(rng: random.Random, tree: Any) -> Any:
    """A tree with some of its places replaced, taken out, doubled, renamed or put elsewhere."""
    try:
        tree = copy.deepcopy(tree)
    except RecursionError:
        return nasty(rng)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        places = nodes(tree)
        if not places:
            return nasty(rng)
        where, key = rng.choice(places)
        how = rng.randrange(7)
        if how == 0:
            where[key] = nasty(rng)
        elif how == 1:
            del where[key]
        elif how == 2:
            other, its = rng.choice(places)
            where[key] = copy.deepcopy(other[its]) if len(nodes(other)) < 500 else None
        elif how == 3 and isinstance(where, dict):
            where[str(nasty(rng))[:200]] = where.pop(key)
        elif how == 4 and isinstance(where, list):
            where.extend(copy.deepcopy(where[:50]))
        elif isinstance(where[key], (int, float)) and not isinstance(where[key], bool):
            number = where[key]
            where[key] = rng.choice([-number, number + 1, number * 10 ** rng.randrange(12), str(number), [number]])
        elif isinstance(where[key], str):
            where[key] = rng.choice([where[key][:-1], where[key] * 3, where[key].upper(), [where[key]], {"value": where[key]}])
        else:
            where[key] = nasty(rng)
    return tree


def text_changed(rng: random.Random, text: str) -> str:
    """A text with lines lost, doubled, moved further in, and words replaced by others of it or by what nobody expects."""
    lines = text.splitlines()
    for _ in range(rng.choice([1, 1, 2, 5])):
        if not lines:
            break
        at, how = rng.randrange(len(lines)), rng.randrange(8)
        if how == 0:
            del lines[at]
        elif how == 1:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif how == 2:
            lines[at] = " " * rng.randrange(5) + lines[at]
        elif how == 3:
            lines[at] += rng.choice(["\t", " &a", " *a", " !!x", " |", " >", ":", "[", "}", " # x", "\0", "%", "---", "<<: *a"])
        elif how == 4:
            odd = ["---", "...", "a: &a [*a]", "x: " + "[" * 200, "? y", "%YAML 9.9", "- " * 300, "\ufeff"]
            lines.insert(at, rng.choice(odd))
        else:
            words = lines[at].split(" ")
            others = rng.choice(lines).split(" ")
            value = nasty(rng)
            words[rng.randrange(len(words))] = rng.choice(others) if rng.random() < 0.5 else str(value)[:6000]
            lines[at] = " ".join(words)
    return "\n".join(lines) + "\n"


def bytes_changed(rng: random.Random, raw: bytes, letters: bytes = b"") -> bytes:
    """Bytes with some of them changed, lost or cut off; letters: those that mean something."""
    made = bytearray(raw)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(made) or 1)
        made[at : at + rng.randrange(3)] = bytes([rng.choice([*letters, 0, 255, rng.randrange(256)])])
    return bytes(made[: rng.randrange(len(made) + 1)] if rng.random() < 0.15 else made)


def as_json(value: Any) -> bytes:
    """JSON of whatever a mutation made."""
    return json.dumps(value, default=lambda raw: raw.decode("latin-1")).encode()


# ---------------------------------------------------------------------------------------------- kinds


class Kind:
    """One kind of input: makes them and tries them. `place`: a folder of its own, with models `base`, `a`, `b` beside."""

    name = ""

    def __init__(self, place: Path) -> None:
        self.place = place

    def make(self, rng: random.Random) -> Files:
        """An input."""
        raise NotImplementedError

    def run(self, folder: Path) -> None:
        """Try the input that lies in a folder. Any error but a MergeError is a find."""
        raise NotImplementedError


class Recipes(Kind):
    """Recipes: those of the presets, of people, and of every shape, with their models; read, planned, judged, some merged."""

    name = "recipes"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        from test_nothing_lost import SHAPES
        from test_recipes_of_people import READ

        self.texts = [file.read_text() for file in sorted((ROOT / "presets").glob("*.yaml"))]
        self.texts += [one[0] for one in READ.values()] + list(SHAPES.values())
        names = [*(f"presets/family/{folder.name}" for folder in FAMILY.iterdir() if folder.is_dir()), "a", "b", "base"]
        self.access = Access(folders=frozenset(names))

    def make(self, rng: random.Random) -> Files:
        text = rng.choice(self.texts)
        if rng.random() < 0.4:
            import yaml

            with contextlib.suppress(yaml.YAMLError, RecursionError):
                tree = [changed(rng, one) for one in yaml.safe_load_all(text)]
                return {"recipe.yaml": b"\n---\n".join(as_json(one) for one in tree)}
        return {"recipe.yaml": text_changed(rng, text).encode("utf-8", "surrogatepass")}

    def run(self, folder: Path) -> None:
        try:
            text = (folder / "recipe.yaml").read_bytes().decode()
        except UnicodeDecodeError:
            return
        recipe = load(text)
        assert load(dump(recipe)) == recipe, "the recipe is another one when it is written and read again"
        self.access.check(*recipe.opened)
        models = open_models(recipe, (self.place, ROOT), self._opened)
        plan = make_plan(recipe, models)
        str(verdict(recipe, models, plan))
        if plan.nbytes < 200_000:
            merge(recipe, folder / "out", roots=(self.place, ROOT), opener=self._opened, workers=1)

    def _opened(self, reference: str, roots: Any) -> Checkpoint:
        self.access.check(reference)
        return hub.open_reference(reference, roots)


class Headers(Kind):
    """safetensors files with another header, length or data."""

    name = "headers"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        raw = (place / "a" / "model.safetensors").read_bytes()
        size = int.from_bytes(raw[:8], "little")
        self.header, self.data = json.loads(raw[8 : 8 + size]), raw[8 + size :]

    def make(self, rng: random.Random) -> Files:
        header = as_json(changed(rng, self.header))
        if rng.random() < 0.3:
            header = bytes_changed(rng, as_json(self.header), b'{}[]",:0123456789')
        size = rng.choice([len(header)] * 8 + [0, len(header) - 1, 2**63, rng.randrange(99999)])
        data = self.data[: rng.choice([len(self.data)] * 5 + [0, rng.randrange(len(self.data))])]
        return {"model.safetensors": size.to_bytes(8, "little") + header + data}

    def run(self, folder: Path) -> None:
        for name in ("config.json", "tokenizer.json"):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(self.place / "a" / name, folder)
        read_all(folder)
        text = f"{{merge_method: linear, models: [{{model: m, parameters: {{weight: 1}}}}, {{model: '{self.place / 'b'}', "
        recipe = load(text + "parameters: {weight: 1}}]}")
        models = {"m": open_checkpoint("m", folder), recipe.opened[1]: open_checkpoint("b", self.place / "b")}
        make_plan(recipe, models)


class Pickles(Headers):
    """.bin files: the pickle in them and the archive around it."""

    name = "pickles"

    def __init__(self, place: Path) -> None:
        Kind.__init__(self, place)
        import torch
        from safetensors.torch import load_file

        packed = io.BytesIO()
        torch.save(dict(list(load_file(place / "a" / "model.safetensors").items())[:6]), packed)
        self.raw = packed.getvalue()

    def make(self, rng: random.Random) -> Files:
        if rng.random() < 0.3:
            return {"pytorch_model.bin": bytes_changed(rng, self.raw)}
        made = io.BytesIO()
        with (
            warnings.catch_warnings(action="ignore"), zipfile.ZipFile(io.BytesIO(self.raw)) as old,
            zipfile.ZipFile(made, "w") as new,
        ):  # fmt: skip
            for info in old.infolist():
                data = old.read(info)
                if info.filename.endswith("data.pkl"):
                    data = bytes_changed(rng, data, b".}()tRQsuqhKXc\x85\x86\x87\x93\x94\x80")
                elif rng.random() < 0.1:
                    data = bytes_changed(rng, data)
                new.writestr(info.filename if rng.random() < 0.95 else repr(nasty(rng))[:60], data)
        return {"pytorch_model.bin": made.getvalue()}

    def run(self, folder: Path) -> None:
        shutil.copy(self.place / "a" / "config.json", folder)
        read_all(folder)


class Indexes(Headers):
    """Indexes of a model in several files."""

    name = "indexes"

    def __init__(self, place: Path) -> None:
        Kind.__init__(self, place)
        self.shards = {file.name: file.read_bytes() for file in sorted((place / "c").glob("*.safetensors"))}
        self.index = json.loads((place / "c" / "model.safetensors.index.json").read_text())

    def make(self, rng: random.Random) -> Files:
        index = as_json(changed(rng, self.index)) if rng.random() < 0.8 else bytes_changed(rng, as_json(self.index), b'{}",:')
        shards = {name: raw for name, raw in self.shards.items() if rng.random() < 0.95}
        return {"model.safetensors.index.json": index, **shards}


class Companions(Kind):
    """What lies beside the weights: config, tokenizer, chat template, generation config; all that is made of them is made."""

    name = "companions"
    files = ("config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json")

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        self.model = FAMILY / "pirate"
        self.said = {name: json.loads((self.model / name).read_text()) for name in self.files if (self.model / name).exists()}
        self.template = tokens.chat_template_of(self.model) or ""
        self._heard(self.model)  # transformers is imported now, not while the first input's time runs

    def make(self, rng: random.Random) -> Files:
        made: Files = {}
        for name in rng.sample(sorted(self.said), rng.choice([1, 1, 2])):
            tree = changed(rng, self.said[name])
            if name == "tokenizer_config.json" and rng.random() < 0.4 and isinstance(tree, dict):
                from hostile import KEYS

                tree |= {key: nasty(rng) for key in rng.sample(KEYS, 3)} | {"vocab_file": str(self.place / "secret.txt")}
            made[name] = as_json(tree) if rng.random() < 0.85 else bytes_changed(rng, as_json(self.said[name]), b'{}[]",:')
        if rng.random() < 0.3:
            changed_template = text_changed(rng, self.template.replace("%}", "%}\n"))
            made["chat_template.jinja"] = changed_template.encode("utf-8", "surrogatepass")
        return made

    def run(self, folder: Path) -> None:
        for file in self.model.iterdir():
            if file.is_file() and not (folder / file.name).exists():
                shutil.copy(file, folder)
        each(
            lambda: tokens.read_vocabulary(folder), lambda: tokens.chat_template_kind(folder), lambda: safe.stop_ids(folder),
            lambda: safe.named_tokens(folder), lambda: templates.asked(tokens.chat_template_of(folder) or "", "hi", {}),
            lambda: tokens.check_companions(folder), lambda: self._heard(folder),
        )  # fmt: skip
        if sum((folder / "config.json").read_bytes()) % 4 == 0:  # a merge asks transformers about its output, in another process
            self._merged(folder)

    def _heard(self, folder: Path) -> None:
        model = open_checkpoint("m", folder)
        voice = chat_model(folder, model.config, {name: model.read(name) for name in model.tensors})
        list(voice.tokens("hi", 2))

    def _merged(self, folder: Path) -> None:
        other = FAMILY / "plural"
        union = "{merge_method: linear, tokenizer_source: union, parameters: {weight: 1}, models: [m, o]}"
        opened = {"m": folder, "o": other}
        recipe = load(union)
        out = folder.parent / "out"
        merge(recipe, out, opener=lambda reference, _: open_checkpoint(reference, opened[reference]), workers=1)
        shutil.rmtree(out)


class Endpoints(Kind):
    """The events and endpoints of a hosted page, over HTTP, by a stranger; as tests/test_strangers.py, with other values."""

    name = "endpoints"

    def __init__(self, place: Path) -> None:
        super().__init__(place)
        from test_strangers import WATCH, hostile, page

        self.stack = contextlib.ExitStack()
        (place / "page").mkdir()
        self.page = self.stack.enter_context(page(True, place / "page"))
        store.download("tiny/count", None)  # with its first request the Hub's library fetches a list of its own
        self.watch, self.hostile = WATCH, hostile(self.page)
        WATCH.free, WATCH.shut = [str(self.page.temporary)], [str(self.page.outside), str(Path.cwd() / "docs")]

    def make(self, rng: random.Random) -> Files:
        event = rng.choice(self.page.events)
        usual = [self.page.parts[i]["props"].get("value") for i in event["inputs"]]
        data = [self._value(rng, one) for one in usual]
        return {"call.json": as_json({"event": event["id"], "data": data if rng.random() < 0.95 else changed(rng, data)})}

    def _value(self, rng: random.Random, usual: Any) -> Any:
        if rng.random() < 0.4:
            return usual
        return rng.choice([lambda: nasty(rng), lambda: rng.choice(self.hostile), lambda: changed(rng, [usual])])()

    def run(self, folder: Path) -> None:
        from test_strangers import check

        said = json.loads((folder / "call.json").read_text())
        event = next(one for one in self.page.events if one["id"] == said["event"])
        self.watch.seen.clear()
        self.watch.on = True
        try:
            check(self.page.call(event, said["data"]), event["api_name"], self.page)
        finally:
            self.watch.on = False
        assert not self.watch.seen, self.watch.seen


KINDS: Mapping[str, type[Kind]] = {k.name: k for k in (Recipes, Headers, Pickles, Indexes, Companions, Endpoints)}


def read_all(folder: Path) -> None:
    """Open a model and read every tensor: none is larger than the files."""
    model = open_checkpoint("m", folder)
    size = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
    for name in model.tensors:
        assert model.read(name).nbytes <= size, f"{name!r} is larger than its file"


def each(*acts: Callable[[], object]) -> None:
    """Do all of it, whatever is refused; the last refusal is raised."""
    refused: MergeError | None = None
    for act in acts:
        try:
            act()
        except MergeError as error:
            sentence(error)
            refused = error
    if refused is not None:
        raise refused


# ---------------------------------------------------------------------------------------------- trying


class Opened:
    """What this process opens while it is on, outside of where an input may be read: an audit hook stays for good."""

    def __init__(self) -> None:
        self.inside: tuple[str, ...] = ()
        self.seen: list[str] = []
        sys.addaudithook(self)

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and self.inside and isinstance(args[0], (str, bytes)):
            path = os.path.normpath(Path.cwd() / os.fsdecode(args[0]))
            if "secret.txt" in path or not path.startswith((*self.inside, "/memory.")):  # the last is a cgroup's
                self.seen.append(path)


_opened = Opened()


def sentence(error: MergeError) -> None:
    """Found where a refusal is none for people."""
    words = str(error)
    if len(words.split()) < 3 or len(words) > 20_000 or "Traceback" in words or " object at 0x" in words:
        raise Found(f"{type(error).__name__} of no sentence: {words[:500]!r}")


def peak() -> int:
    """The most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def bounded(folder: Path) -> Iterator[None]:
    """Time, memory and files of one input. Found where it goes beyond."""

    def late(*_: Any) -> None:
        raise Slow

    before = peak()
    own = (ROOT, ROOT.resolve(), sys.prefix, os.path.realpath(sys.prefix), sys.base_prefix, cache_root())
    _opened.seen.clear()
    own = (*own, tempfile.gettempdir(), folder.parents[1])
    _opened.inside = (*map(str, own), "/usr/", "/proc/", "/sys/", "/dev/null", "/dev/urandom")
    timers = ((signal.SIGPROF, signal.ITIMER_PROF, SECONDS), (signal.SIGALRM, signal.ITIMER_REAL, 6 * SECONDS))
    old = [signal.signal(number, late) for number, *_ in timers]
    for _, timer, seconds in timers:
        signal.setitimer(timer, seconds)
    try:
        yield
    except Slow:
        raise Found(f"takes more than {SECONDS} seconds") from None
    finally:
        for (number, timer, _), before_it in zip(timers, old, strict=True):
            signal.setitimer(timer, 0)
            signal.signal(number, before_it)
        _opened.inside = ()
    grown = peak() - before
    if grown > BYTES:
        raise Found(f"takes {grown:,} bytes of memory")
    if _opened.seen:
        raise Found(f"opens {_opened.seen}")


def attempt(kind: Kind, files: Files, folder: Path) -> tuple[str, str]:
    """Try one input. (how it ended: "result", or the name of the refusal; what is wrong with that, if anything)."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, raw in files.items():
        (folder / name).write_bytes(raw)
    try:
        with bounded(folder):
            kind.run(folder)
    except MergeError as error:
        try:
            sentence(error)
        except Found as found:
            return "found", str(found)
        return type(error).__name__, ""
    except Found as error:
        return "found", str(error)
    except Exception:
        return "found", traceback.format_exc()
    return "result", ""


def save(kind: str, files: Files, why: str) -> Path:
    """Keep an input below SAVED, with what went wrong."""
    digest = hashlib.sha256(b"\0".join(files.values())).hexdigest()[:8]
    place = SAVED / f"{kind}-{digest}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name, raw in files.items():
        (place / name).write_bytes(raw)
    (place / "why.txt").write_text(why, encoding="utf-8")
    return place


def models(place: Path) -> None:
    """Tiny models a, b and base, c in several files, and a file that nobody may read."""
    import tiny

    tiny.make_family(place, models=("base", "a", "b"), layers=2)
    tiny.make_family(place / "many", models=("c",), layers=2, shards=3)
    shutil.move(place / "many" / "c", place / "c")
    (place / "secret.txt").write_text("TOPSECRETKEYLINE\n")


def fuzz(name: str, seed: int, seconds: float, most: int = 10**9) -> tuple[dict[str, int], list[Path]]:
    """Try inputs of a kind for so long, or so many: (how many ended how, where those that broke the promise are kept)."""
    ended: dict[str, int] = {}
    kept: list[Path] = []
    rng = random.Random(f"{name} {seed}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        place = Path(made)
        models(place)
        kind = KINDS[name](place)
        until = time.monotonic() + seconds
        with getattr(kind, "stack", contextlib.nullcontext()):
            while time.monotonic() < until and sum(ended.values()) < most:
                files = kind.make(rng)
                running = save(f"{name}-running", files, "the process ended while this was tried")
                how, why = attempt(kind, files, place / "input" / "model")
                shutil.rmtree(running)
                ended[how] = ended.get(how, 0) + 1
                if why:
                    kept.append(save(name, files, why))
    return ended, kept


def again(folder: Path) -> int:
    """Try a saved input once more and say how it ends."""
    files = {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "why.txt"}
    with tempfile.TemporaryDirectory(prefix="fuzz-") as made:
        models(Path(made))
        kind = KINDS[folder.name.partition("-")[0]](Path(made))
        with getattr(kind, "stack", contextlib.nullcontext()):
            how, why = attempt(kind, files, Path(made) / "input" / "model")
    print(how, why)
    return int(bool(why))


def main() -> int:
    """All kinds, or some, each in a process of its own for its share of the time."""
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("seconds", nargs="?", type=float, default=180, help="for all kinds together (default: 180)")
    ask.add_argument("--seed", type=int, default=None, help="of an earlier run, to see the same inputs again")
    ask.add_argument("--only", nargs="+", choices=[*KINDS], default=[*KINDS])
    ask.add_argument("--again", type=Path, help="a saved input")
    ask.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    given = ask.parse_args()
    if given.again:
        return again(given.again)
    seed = random.SystemRandom().randrange(10**6) if given.seed is None else given.seed
    if given.here:
        ended, kept = fuzz(given.only[0], seed, given.seconds)
        print(f"{given.only[0]}: {sum(ended.values()):,} inputs: {', '.join(f'{n:,} {how}' for how, n in sorted(ended.items()))}")
        for place in kept:
            print(f"  {place}: {(place / 'why.txt').read_text().strip().splitlines()[-1][:200]}")
        return int(bool(kept))
    print(f"seed {seed}", flush=True)
    failed = 0
    for name in given.only:
        command = [sys.executable, __file__, str(given.seconds / len(given.only)), "--seed", str(seed), "--only", name, "--here"]
        code = subprocess.run(command, cwd=ROOT, check=False).returncode
        failed += code != 0
        if code not in (0, 1):
            print(f"{name}: the process ended with {code}; the input is in {SAVED}/{name}-running-…")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
