"""The studio under ZeroGPU's own package `spaces`, in a process of its own: `python tests/zero_page.py build|ask|moved`.

SPACES_SOURCE names a folder with the package (or it is installed), ZERO_MODE a file that tells the imitated platform what to
do (test_zerogpu.py serves it). There is no GPU: the package is told that CUDA is there, and the worker computes on its CPU.
What happened is printed as JSON, a line each.
"""

import json
import multiprocessing
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), *filter(None, [os.environ.get("SPACES_SOURCE", "")])]

import torch  # noqa: E402

torch.version.cuda = "12.8"
torch._C._cuda_init = lambda: None
torch.cuda._is_in_bad_fork = bool  # type: ignore[assignment]

import spaces.zero.torch as there  # type: ignore[import-not-found]  # noqa: E402

from merger import ui  # noqa: E402
from merger.engine import session  # noqa: E402
from merger.engine.session import Parents  # noqa: E402
from merger.engine.tensor import merge_tensor  # noqa: E402
from merger.recipe import replace  # noqa: E402
from merger.search.trials import Runner  # noqa: E402
from merger.ui import host, studio  # noqa: E402
from merger.ui.panels import answers as beforehand  # noqa: E402
from merger.ui.service.answers import Answers  # noqa: E402
from merger.ui.workspace import Workspace, opened, start  # noqa: E402

there.init = lambda uuid: None
there.move = lambda callback=None: None
host.gpu_tokens.__defaults__ = (160, (), 0.0, 0, 1.0, 1.0, (), "cpu")


def platform(mode: str) -> None:
    Path(os.environ["ZERO_MODE"]).write_text(mode)


def tell(name: str, **what: Any) -> None:
    print(json.dumps({"step": name, **what}), flush=True)


def ask(page: studio.Studio, work: Workspace, prompt: str, stop_after: float | None = None) -> dict[str, Any]:
    """What was said, and the errors; stopped after so many seconds."""
    visit = studio.Visit()
    if stop_after is not None:
        threading.Timer(stop_after, lambda: setattr(visit, "stopped", visit.run)).start()
    began = time.monotonic()
    feeds = list(Answers(page).answer(work, prompt, visit))
    said = {k: "".join(word[0] for word in tokens) for feed in feeds for k, tokens in feed["full"].items()}
    errors = [message for feed in feeds for message in feed.get("error", {}).values()]
    states = feeds[-1].get("state", {})
    tokens = [[word[0], round(word[1], 3)] for feed in feeds for word in feed["full"].get("merge", ())]
    return {"said": said, "tokens": tokens, "errors": errors, "seconds": time.monotonic() - began, "states": states}


def moved() -> None:
    """One worker for all: bars that move, another visitor's recipe, a call that is stopped while it merges, one that fails."""
    page, prompt = studio.Studio(ui.PRESETS, "cuda"), "plural of box"
    works = [start(preset, page.base) for preset in page.presets[:2]]
    recipe = works[0].recipe
    works += [opened(works[0], replace(recipe, f"models[{i}].parameters.weight", 0.1)) for i in range(len(recipe.models))]
    platform("ok")

    def told(i: int) -> None:
        said = ask(page, works[i], prompt)
        page.answered.clear()
        alone = Runner(Parents("cpu", page.parents.roots))  # who has seen none of the calls
        spoken = alone.turns({"merge": works[i].recipe}, prompt, limit=len(said["tokens"]))
        truth = [[word.token.text, round(word.token.probability, 3)] for word in spoken if word.token]
        workers = sorted(worker.pid or 0 for worker in multiprocessing.active_children())
        tell(f"told {len(order)}", **said, truth=truth, workers=workers)
        order.append(i)

    order: list[int] = []
    for i in (0, 2, 1):
        told(i)
    Path(os.environ["ZERO_MODE"] + ".slow").touch()  # merging takes its time in the worker
    tell("stopped", **ask(page, works[3], prompt, 1.0))
    Path(os.environ["ZERO_MODE"] + ".slow").unlink()
    time.sleep(2)  # its worker is free again
    told(3)
    Path(os.environ["ZERO_MODE"] + ".fails").touch()
    tell("failed", **ask(page, works[2], prompt))
    Path(os.environ["ZERO_MODE"] + ".fails").unlink()
    told(0)
    told(2)


def merging(*args: Any, **more: Any) -> Any:
    """As merge_tensor; slow, or failing after some tensors, where a file says so."""
    mode = os.environ["ZERO_MODE"]
    count[0] += 1
    if Path(mode + ".slow").exists():
        time.sleep(0.2)
    if Path(mode + ".fails").exists() and count[0] % 7 == 0:
        raise KeyError("no such thing")
    return merge_tensor(*args, **more)


count = [0]
session.merge_tensor = merging


def main(which: str) -> None:
    if which == "build":
        seen: list[dict[str, Any]] = []
        answer = Answers.ask_all

        def watched(self: Answers, *args: Any, **more: Any) -> Any:
            for feed in answer(self, *args, **more):
                seen.append(feed)
                yield feed

        beforehand.made_before = lambda *_: None  # as where other presets are brought: this process makes the first answers
        Answers.ask_all = watched  # type: ignore[method-assign]
        ui.build_app()
        tell(
            "build",
            errors=[f["error"] for f in seen if "error" in f],
            said=sorted(k.partition("/")[2] for f in seen for k in f["full"]),
        )
        return
    page = studio.Studio(ui.PRESETS, "cuda")
    work = start(page.presets[0], page.base)
    Answers(page).first_answers(work, page.presets[0].rows[:1], "r1")
    for mode, prompt in (("ok", "plural of box"), ("ok", "plural of cat"), ("fresh", "plural of dog")):
        platform(mode)
        tell(prompt, **ask(page, work, prompt))
    platform("ok")
    tell("long", **ask(page, work, "x " * 3000))
    for mode in ("quota", "nogpu", "broken", "queue"):
        platform(mode)
        tell(mode, **ask(page, work, f"plural of {mode}"))
    platform("slow")  # the platform lets wait for three seconds; Stop is pressed after half of one
    tell("stop", **ask(page, work, "plural of fox", 0.5))
    time.sleep(4)
    platform("ok")
    tell("after", **ask(page, work, "plural of fox"))


if __name__ == "__main__":
    moved() if sys.argv[1] == "moved" else main(sys.argv[1])
    for worker in multiprocessing.active_children():
        worker.kill()
    os._exit(0)  # threads of the platform's package wait for their workers
