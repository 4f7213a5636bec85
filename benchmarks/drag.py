"""From the hand to the strip: how long a drag over the Mixer takes to show in the strip, and what it costs the browser.

    python benchmarks/drag.py                            # 3 models x 32 and x 80 layers, invented numbers
    python benchmarks/drag.py --models .cache/smollm     # also the real page on a folder with base and its fine-tunes

A hand (Chromium through playwright, a move each 20 to 50 ms) paints for some seconds. Timed is from when the browser got the
pointer's last move to the frame in which the strip is drawn from it: p50 and p90 in milliseconds, where the page works the strip
out by itself, and where it asks Python (each message then, to its answer). Also: the longest and the number of main-thread
tasks over 50 ms while dragging, and how long Python took for what came in.
"""

import argparse
import base64
import functools
import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import torch
from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from merger.ui.mixer import mixer
from merger.ui.page import Page as Served

TENSORS = 7  # of each layer

# In the page: `sent` is when the pointer had moved last before a message left, `answered` when its answer came. One message
# is under way at a time (always_last), so an answer belongs to the message before it. Without messages, the strip is drawn
# from the move before.
PROBE = """() => {
  const drag = window.drag = { times: [], long: [], sent: 0 };
  let moved = 0, sent = 0, answered = 0, drawn = 0;
  addEventListener('pointermove', (event) => { moved = event.timeStamp; }, true);
  const fetch_ = window.fetch;
  window.fetch = async (...args) => {
    const live = typeof args[1]?.body === 'string' && args[1].body.includes('lanes');
    if (!live) return fetch_(...args);
    drag.sent += 1;
    const at = moved;
    const answer = await fetch_(...args);
    [sent, answered] = [at, performance.now()];
    return answer;
  };
  const g = document.querySelector('.mx-strip-canvas').getContext('2d');
  const clear = g.clearRect;
  g.clearRect = (...box) => {
    if (answered) { drag.times.push(performance.now() - sent); answered = 0; }
    else if (!drag.sent && moved > drawn) drag.times.push(performance.now() - (drawn = moved));
    return clear.apply(g, box);
  };
  new PerformanceObserver((list) => drag.long.push(...list.getEntries().map((entry) => entry.duration)))
    .observe({ type: 'longtask' });
}"""


def synthetic(layers: int, models: int = 3, *, follows: bool) -> tuple[gr.Blocks, list[float]]:
    """A page with one Mixer and Python's times, ms. It follows TIES on invented deltas by itself, or asks Python, whose numbers
    come from the lanes themselves, as many as a real strip has."""
    names = ["pirate", "plural", "rhyme", "story"][:models]
    columns = [{"label": "embeddings", "kind": "embed", "layer": None}]
    columns += [{"label": f"layer {i + 1} of {layers}", "kind": "layer", "layer": i} for i in range(layers)]
    columns += [{"label": "final norm", "kind": "norm", "layer": None}]
    rows = [
        {"path": f"models[{slot}].parameters.{p}", "model": name, "param": p, "slot": slot, "low": -9, "high": 9, "view": [0, 1],
         "step": 0.01, "default": 0.5, "name": f"{name} {p}", "note": ""}
        for p in ("weight", "density") for slot, name in enumerate(names)
    ]  # fmt: skip
    params = [{"name": p, "label": p, "help": ""} for p in ("weight", "density")]
    board: dict[str, Any] = {"columns": columns, "params": params, "lanes": rows}
    value: dict[str, Any] = {"lanes": {row["path"]: [0.5] * len(columns) for row in rows}, "seq": 0}
    took: list[float] = []
    places = [[c + 1, 0, _samples(layers, models), r, c] for c in range(layers) for r in range(TENSORS)]
    deltas = torch.randn(models * sum(n for _, _, n, _, _ in places), generator=torch.Generator().manual_seed(0))
    sample = {
        "layers": [0, *range(1, layers + 1), 0], "models": models, "tensors": places,
        "data": base64.b64encode(deltas.bfloat16().float().numpy().tobytes()).decode(),
    }  # fmt: skip
    if follows:
        paths = [{p: f"models[{slot}].parameters.{p}" for p in ("weight", "density")} for slot in range(models)]
        board["law"] = {"trim": "largest", "vote": True, "rescale": False, "models": paths, "sketch": "invented"}

    def strip(value: dict[str, Any]) -> dict[str, Any]:
        numbers = list(value["lanes"].values())[:models]
        each = [sum(column) / models for column in zip(*numbers, strict=True)]
        return {
            "floor": [round(x - 0.5, 4) for x in each], "summary": f"{sum(each) / len(each):.1%} more than chance", "note": "",
            "lanes": {path: f"gives {sum(x):.1f}" for path, x in value["lanes"].items()},
        }  # fmt: skip

    def live(value: dict[str, Any]) -> Any:
        start = time.perf_counter()
        stats = json.dumps(strip(value))
        took.append(1e3 * (time.perf_counter() - start))
        return gr.update(stats=stats)

    with Served() as demo:
        mix = mixer(value, board, strip(value), lambda _: sample)
        mix.input(live, mix, mix, queue=False, trigger_mode="always_last", show_progress="hidden", api_visibility="private")
    return demo, took


def _samples(layers: int, models: int) -> int:
    """As many as analysis.samples_for takes of such models."""
    return next((n for n in (2048, 1024) if 4 * n * models * layers * TENSORS <= 4_500_000), 512)


def real(folder: Path) -> tuple[gr.Blocks, list[float]]:
    """The page itself on base and its fine-tunes, with one preset that mixes all of them."""
    from merger.ui import build_app
    from merger.ui.panels.mixer import Mixing

    place = Path(tempfile.mkdtemp(prefix="drag-")) / "trial"
    (place / "family").mkdir(parents=True)
    found = sorted(p.parent.resolve() for p in folder.glob("*/config.json"))
    for model in found:
        (place / "family" / model.name).symlink_to(model)
    names = [m.name for m in found if m.name != "base"]
    entries = ", ".join(f"{{model: trial/family/{n}, parameters: {{weight: 0.5, density: 0.5}}}}" for n in names)
    head = "# name: All\n# says: All of them.\n# prompt: Say hello.\n"
    (place / "all.yaml").write_text(f"{head}merge_method: ties\nbase_model: trial/family/base\nmodels: [{entries}]\n")
    took: list[float] = []
    drag = Mixing.drag

    def timed(self: Mixing, *args: Any) -> Any:
        start = time.perf_counter()
        try:
            return drag(self, *args)
        finally:
            took.append(1e3 * (time.perf_counter() - start))

    functools.update_wrapper(timed, drag)  # gradio counts the arguments
    Mixing.drag = timed  # type: ignore[method-assign]
    return build_app(place), took


def paint(page: Page, seconds: float) -> None:
    """One hand, up and down across the first lane, for so long; when it moves has nothing to do with when the screen is drawn.

    A move is answered when it was drawn: the next one sent at once would wait for a whole frame each time.
    """
    pad = page.locator(".mx-pad").first
    pad.scroll_into_view_if_needed()
    box = pad.bounding_box()
    assert box is not None
    draw = random.Random(1)
    page.mouse.move(box["x"] + 0.1 * box["width"], box["y"] + box["height"] / 2)
    page.mouse.down()
    end = time.monotonic() + seconds
    x, way = 0.1, 1
    while time.monotonic() < end:
        time.sleep(draw.uniform(0.004, 0.036))  # two frames and less
        x += way * 0.012
        if not 0.08 < x < 0.92:
            way = -way
        page.mouse.move(box["x"] + x * box["width"], box["y"] + draw.uniform(0.15, 0.85) * box["height"])
    page.mouse.up()


def measure(page: Page, name: str, build: Callable[[], tuple[gr.Blocks, list[float]]], seconds: float) -> None:
    """Print one line for one page."""
    demo, took = build()
    demo.launch(prevent_thread_lock=True, quiet=True, run_history=False, server_name="127.0.0.1")
    try:
        assert demo.local_url is not None
        page.goto(demo.local_url)
        page.wait_for_selector(".mx-pad")
        paint(page, 1)  # warm: the first message opens the connection
        page.wait_for_timeout(2000)
        took.clear()
        page.evaluate(PROBE)
        paint(page, seconds)
        page.wait_for_timeout(500)
        found = page.evaluate("window.drag")
    finally:
        demo.close()
    (p50, p90), python, long = quantiles(found["times"]), quantiles(took or [0, 0]), found["long"]
    print(
        f"{name:20} drag to strip p50 {p50:5.1f} p90 {p90:5.1f} ms   {found['sent'] / seconds:4.1f} messages/s   "
        f"Python p50 {python[0]:5.1f} p90 {python[1]:5.1f} ms   tasks > 50 ms: {len(long)}, most {max(long, default=0):.0f} ms",
        flush=True,
    )


def quantiles(times: list[float]) -> tuple[float, float]:
    """(p50, p90)."""
    cuts = statistics.quantiles(times, n=10)
    return statistics.median(times), cuts[8]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, help="a folder with `base` and fine-tunes of it: measure the real page too")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long the hand paints")
    args = parser.parse_args()
    chromium = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for layers in (32, 80):
            for follows in (True, False):
                page = browser.new_page(viewport={"width": 1280, "height": 860})
                how = "by itself" if follows else "by Python"
                measure(page, f"3 x {layers} {how}", lambda n=layers, f=follows: synthetic(n, follows=f), args.seconds)
                page.close()
        if args.models:
            page = browser.new_page(viewport={"width": 1280, "height": 860})
            measure(page, f"page on {args.models.name}", lambda: real(args.models), args.seconds)
        browser.close()


if __name__ == "__main__":
    main()
