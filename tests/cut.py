"""Merges and live sessions whose inputs are cut, overwritten or replaced at chosen moments; test_luck.py runs this as a process
of its own, because without a guard the signal of a lost page ends the process.

    python tests/cut.py merges FOLDER | session FOLDER | page FOLDER | foreign FOLDER

Prints a JSON object of what happened.
"""

import contextlib
import json
import mmap
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

import torch  # noqa: E402
from safetensors.torch import save_file  # noqa: E402

from merger.engine import document  # noqa: E402
from merger.engine import session as live  # noqa: E402
from merger.engine.batch import merge  # noqa: E402
from merger.engine.session import Parents, Session  # noqa: E402
from merger.errors import MergeError  # noqa: E402
from merger.recipe import load  # noqa: E402
from merger.ui.service.answers import Answers  # noqa: E402
from merger.ui.service.strip import Strip  # noqa: E402

SHAPE = (90, 1024)
METHODS = ("ties", "linear", "slerp", "dare_ties", "della", "model_stock", "breadcrumbs", "pcb", "passthrough")


def make(folder: Path, seed: int) -> Path:
    """A model of four tensors of 370 kB, so that a cut falls into the middle of one."""
    g = torch.Generator().manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {f"model.layers.{i}.mlp.up_proj.weight": torch.randn(SHAPE, generator=g) for i in range(4)}
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    (folder / "config.json").write_text('{"model_type": "llama", "num_hidden_layers": 4}')
    return folder / "model.safetensors"


def recipe(method: str) -> str:
    """A recipe of two or three of the models; `base` is read by all."""
    if method == "passthrough":
        return "{merge_method: passthrough, models: [{model: one}]}"
    if method == "slerp":
        return "{merge_method: slerp, base_model: base, models: [{model: one}], parameters: {t: 0.5}}"
    models = "[{model: one, parameters: {weight: 0.5, density: 0.5}}, {model: two, parameters: {weight: 0.5, density: 0.5}}]"
    return f"{{merge_method: {method}, base_model: base, models: {models}}}"


@contextlib.contextmanager
def after_reading(number: int, model: str, act: Callable[[], object]) -> Iterator[None]:
    """Act when this model's n-th tensor has been mapped and nothing of it been touched: the pass over it comes next."""
    real, count, lock = document.read_source, [0], threading.Lock()

    def acting(models: Any, source: Any) -> Any:
        found = real(models, source)
        with lock:
            count[0] += source.model == model
            now = count[0] == number and source.model == model
        if now:
            act()
        return found

    document.read_source = live.read_source = acting
    try:
        yield
    finally:
        document.read_source = live.read_source = real


def said(act: Callable[[], object]) -> str:
    """What a refusal says; "" where there is none."""
    try:
        act()
    except MergeError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def merges(folder: Path) -> dict[str, Any]:
    """Each method, cut at several moments, then mended and called again."""
    found: dict[str, Any] = {}
    files = {name: make(folder / name, seed) for seed, name in enumerate(("base", "one", "two"))}
    whole, state = files["one"].read_bytes(), files["one"].stat()

    def mend() -> None:
        files["one"].write_bytes(whole)
        os.utime(files["one"], ns=(state.st_atime_ns, state.st_mtime_ns))

    for method in METHODS:
        out, fresh = folder / f"out-{method}", folder / f"fresh-{method}"
        merge(load(recipe(method)), fresh, roots=[folder], card=False)
        for number, length in ((1, len(whole) // 8 + 100), (3, 4000), (4, len(whole) - 5000)):
            with after_reading(number, "one", lambda length=length: os.truncate(files["one"], length)):
                text = said(lambda: merge(load(recipe(method)), out, roots=[folder], card=False, workers=1))  # noqa: B023
            partial = out.with_name(out.name + ".partial")
            journal = partial / ".journal"
            kept = sum(not line.startswith("\t") for line in journal.read_text().splitlines()) - 1 if journal.exists() else 0
            appeared = out.exists()
            mend()
            merge(load(recipe(method)), out, roots=[folder], card=False)
            found[f"{method} {number} {length}"] = {
                "said": text, "kept": kept, "appeared": appeared, "same": contents(out) == contents(fresh),
            }  # fmt: skip
            shutil.rmtree(out)
    return found


def session(folder: Path) -> dict[str, Any]:
    """A live session whose parent is cut, mended, then overwritten; and one whose parent is cut before it is first read."""
    found: dict[str, Any] = {}
    files = {name: make(folder / name, seed) for seed, name in enumerate(("base", "one", "two"))}
    whole = files["one"].read_bytes()
    parents = Parents(roots=[folder])
    live = Session(parents)
    live.apply(load(recipe("ties")))

    def same(text: str) -> bool:
        """Whether memory holds what a merge of the files as they are now gives."""
        fresh = Session(Parents(roots=[folder]))
        fresh.apply(load(text))
        return all(torch.equal(fresh.tensors[n], t) for n, t in live.tensors.items()) and len(live.done) == 4

    moved = recipe("ties").replace("0.5}", "0.3}")
    with after_reading(2, "one", lambda: os.truncate(files["one"], 4000)):
        found["cut"] = said(lambda: live.apply(load(moved)))
    found["cut, again"] = said(lambda: live.apply(load(moved)))
    files["one"].write_bytes(whole)
    found["mended"] = said(lambda: live.apply(load(moved)))
    found["mended, same"] = same(moved)
    files["one"].write_bytes(files["two"].read_bytes())
    found["overwritten"] = said(lambda: live.apply(load(moved)))
    found["overwritten, same"] = same(moved)
    two = Session(parents)
    parents.open(load(recipe("linear")))
    os.truncate(files["two"], 5000)
    found["cut before"] = said(lambda: two.apply(load(recipe("linear"))))
    return found


def page(folder: Path) -> dict[str, Any]:
    """The page, with the handler of the kernels and then with Python's: importing transformers takes seconds."""
    shutil.copytree(ROOT / "presets", folder / "presets")
    os.chdir(folder)
    found = {"kernels": _page(folder)}
    os.environ["MERGER_KERNELS"] = "off"
    return found | {"torch": _page(folder)}


def _page(folder: Path) -> dict[str, Any]:
    """The page's studio on a family of its own: an answer, one while a parent is cut, one when it is mended."""
    from merger.ui import workspace
    from merger.ui.studio import Studio

    studio = Studio(folder / "presets")
    pirate = "presets/family/pirate"
    work = workspace.with_models(workspace.start(studio.presets[0], studio.base, studio.parents_of_family), (pirate,))
    file = folder / pirate / "model.safetensors"
    whole = file.read_bytes()

    def ask(prompt: str, cut: bool = False) -> dict[str, Any]:
        visit = studio.visit("one")
        visit.run += 1
        words, error = 0, None
        for feed in Answers(studio).answer(work, prompt, visit):
            words += len(feed["add"])
            error = feed.get("error", error)
            if cut and words:
                os.truncate(file, 4000)
                cut = False
        return {"words": words, "error": error, "heard": Answers(studio).heard(pirate, prompt)}

    found = {"whole": ask("hello"), "cut": ask("how are you", cut=True), "after the cut": ask("how are you")}
    file.write_bytes(whole)
    return {**found, "mended": ask("how are you"), "strip": bool(Strip(studio).strip(work)["floor"])}


def foreign(folder: Path) -> dict[str, Any]:
    """A lost page of a mapping that is not ours: the process ends, as it would have without us."""
    file = make(folder / "one", 1)
    parents = Parents(roots=[folder])
    assert parents.model("one").read("model.layers.0.mlp.up_proj.weight").sum().isfinite()
    with file.open("rb") as handle:
        other = mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ)
    os.truncate(file, 4000)
    print("touching", flush=True)
    return {"read": other[1 << 20]}


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](Path(sys.argv[2]))))
