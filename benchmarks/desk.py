"""The whole page under a hand: a drag to its picture with all rows shown, and a release to the first row's new answer.

    python benchmarks/desk.py [--strokes 12] [--seconds 5]

Drags: 3 models x 32 and x 80 layers, made for it (width 64), with eight rows on the desk, all answered; from when the browser
got the pointer's move to the frame in which the strip is drawn from it, p50 and p90 in milliseconds, and the longest task.
Releases: the embedded family; from the pointer's release to when the first row's cell says that it is done, beside what the
answer itself took (from the first question to the last word of it, in the server's own process), and what lies between the two.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path[:0] = [str(Path(__file__).resolve().parent.parent), str(Path(__file__).resolve().parent.parent / "tests")]
import tiny  # noqa: E402

from benchmarks.drag import PROBE, paint, quantiles  # noqa: E402
from merger.ui import LAUNCH, PRESETS, build_app  # noqa: E402
from merger.ui.service.answers import Answers  # noqa: E402

ROWS = [f"plural of {word}" for word in ("box", "fox", "cat", "dog", "hat", "map", "cup", "star")]
SEEN = "localStorage.setItem('merge-explorer-first-visit', '1')"

# The time from a release to the moment the first row's cell is done, in the page.
RELEASED = """() => {
  const cell = () => document.querySelector('.rw-row .rw-merge');
  let at = 0, begun = false;
  window.waits = [];
  addEventListener('pointerup', () => { [at, begun] = [performance.now(), false]; }, true);
  new MutationObserver(() => {
    const { state } = cell().dataset;
    if (['waiting', 'busy'].includes(state)) begun = true;
    if (at && begun && state === 'done') { window.waits.push(performance.now() - at); at = 0; }
  }).observe(document.querySelector('.rw-table'), { subtree: true, childList: true, attributes: true });
}"""


def made(folder: Path, layers: int) -> Path:
    """A folder of presets with a family of three made for it, whose one preset brings eight rows."""
    place = folder / f"trial{layers}"
    family = tiny.make_family(
        place / "family", models=("base", "one", "two", "three"), layers=layers, width=64, ffn=128, vocab=512
    )  # fmt: skip
    names = [name for name in family if name != "base"]
    entries = ", ".join(f"{{model: {place.name}/family/{name}, parameters: {{weight: 0.5, density: 0.5}}}}" for name in names)
    head = "# name: All\n# says: All of them.\n# prompt: hello\n" + "".join(f"# row: {row}\n" for row in ROWS)
    text = f"{head}merge_method: ties\nbase_model: {place.name}/family/base\nmodels: [{entries}]\n"
    (place / "all.yaml").write_text(text, encoding="utf-8")
    return place


def opened(browser: Any, presets: Path) -> tuple[Any, Page]:
    """The page on a folder of presets, served by this process."""
    demo = build_app(presets)
    demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.add_init_script(SEEN)
    page.goto(demo.local_url)
    page.wait_for_selector(".mixer .mx-track canvas", timeout=60_000)
    page.wait_for_timeout(3000)
    return demo, page


def rested(page: Page, seconds: float = 120.0) -> None:
    """Until the server has done nothing for a second: the answers of the last release would be measured, too."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy = time.process_time()
        page.wait_for_timeout(1000)
        if time.process_time() - busy < 0.1:
            return


def drags(browser: Any, folder: Path, layers: int, seconds: float) -> None:
    """One line: a hand that paints."""
    demo, page = opened(browser, made(folder, layers))
    try:
        assert page.locator(".rw-row").count() == len(ROWS)
        paint(page, 1)
        rested(page)
        page.evaluate(PROBE)
        busy = time.process_time()
        paint(page, seconds)
        busy = time.process_time() - busy
        page.wait_for_timeout(500)
        found = page.evaluate("window.drag")
    finally:
        page.close()
        demo.close()
    p50, p90 = quantiles(found["times"])
    print(f"3 x {layers}, {len(ROWS)} rows: drag to picture p50 {p50:.1f} ms, p90 {p90:.1f} ms, {len(found['times'])} frames; "
          f"longest task {max(found['long'], default=0):.0f} ms; the server computed {busy:.1f} s", flush=True)  # fmt: skip


def releases(browser: Any, strokes: int) -> None:
    """One line: strokes on the family, each of another height."""
    took: list[float] = []
    ask = Answers.ask_all

    def timed(self: Answers, work: Any, rows: Any, first: str, *more: Any, **named: Any) -> Iterator[Any]:
        start = time.perf_counter()
        for feed in ask(self, work, rows, first, *more, **named):
            if f"{first}/merge" in feed["done"] and not feed.get("start"):
                took.append(1e3 * (time.perf_counter() - start))
            yield feed

    Answers.ask_all = timed  # type: ignore[method-assign]
    demo, page = opened(browser, PRESETS)
    try:
        box = page.locator(".mx-pad").first.bounding_box()
        assert box is not None

        def stroke(level: float) -> None:
            page.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + (1 - level) * box["height"])
            page.mouse.down()
            page.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + (1 - level) * box["height"], steps=8)
            page.mouse.up()
            page.wait_for_timeout(3500)

        stroke(0.6)  # what is loaded and asked once only
        page.evaluate(RELEASED)
        took.clear()
        for i in range(strokes):
            stroke(0.15 + 0.7 * i / strokes)
        waits = page.evaluate("window.waits")
    finally:
        page.close()
        demo.close()
        Answers.ask_all = ask  # type: ignore[method-assign]
    between = [wait - answer for wait, answer in zip(waits, took, strict=False)] if len(waits) == len(took) else []
    print(f"family: release to the first row's answer p50 {statistics.median(waits):.0f} ms, of which the answer "
          f"{statistics.median(took):.0f} ms; between p50 {statistics.median(between or [-1]):.0f} ms, most "
          f"{max(between, default=-1):.0f} ms, of {len(waits)} strokes", flush=True)  # fmt: skip


def main() -> None:
    """Three lines, and what else the machine was doing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strokes", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long a hand paints")
    asked = parser.parse_args()
    chromium = os.environ.get("PLAYWRIGHT_CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for layers in (32, 80):
            drags(browser, Path(folder), layers, asked.seconds)
        releases(browser, asked.strokes)
        browser.close()
    print(json.dumps({"load": os.getloadavg()[0], "processors": os.cpu_count()}))


if __name__ == "__main__":
    main()
