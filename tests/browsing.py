"""Pages in a real browser, for the tests that use the explorer as people do: fixtures `browser`, `url` and `open_page`."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
CHROMIUM = os.environ.get("CHROMIUM") or next(
    (p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None
)

# Each new context opens a window, and a window the two pages that its address bar would fold out, which nobody sees: 1.4 s of
# processor time a test. A list given here replaces Playwright's own, which therefore stands in it.
NOT_WANTED = (
    "WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay", "MediaRouter", "PaintHolding", "ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin", "OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch",
)  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api")
    sync_api.expect.set_options(timeout=15_000)  # instead of 5: beside another worker an answer of the family may take that long
    with sync_api.sync_playwright() as play:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", f"--disable-features={','.join(NOT_WANTED)}"]
        chrome = play.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chrome
        chrome.close()


def serve(presets: Path) -> tuple[str, Any]:
    """The page in this process, on another folder of presets."""
    from merger.ui import LAUNCH, build_app

    demo = build_app(presets)
    _, url, _ = demo.launch(**LAUNCH, prevent_thread_lock=True, quiet=True, server_name="127.0.0.1")
    return url, demo


@contextlib.contextmanager
def app(environment: Mapping[str, str]) -> Iterator[str]:
    """app.py in a process of its own, as `make run` starts it; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    own = {**environment, "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=own, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(600):
            assert process.poll() is None, "app.py ended by itself"
            try:
                urllib.request.urlopen(address, timeout=5).close()
                break
            except OSError:
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """The page at home."""
    with app(os.environ) as address:
        yield address


SEEN = "try { localStorage.setItem('merge-explorer-first-visit', '1') } catch { /* a page without an address */ }"
"""For `add_init_script`: the browser has seen the page before, so that no first steps begin."""


def _expect(what: Any) -> Any:
    from playwright.sync_api import expect

    return expect(what)


@dataclass
class Page:
    """A browser page with the words our users (and screen readers) know."""

    page: Any
    complaints: list[str] = field(default_factory=list)

    def answer(self, model: str = "your merge") -> Any:
        return self.page.get_by_role("region", name=f"Answer of {model}", exact=True).locator(".an-text")

    def says(self, text: str | re.Pattern[str], model: str = "your merge") -> None:
        """In the open row, and close up, which an open drawer covers."""
        if model == "your merge":
            _expect(self.page.locator(".rw-row[data-open=true] .rw-answer")).to_have_text(text, timeout=20_000)
            if self.page.locator("#below [role=tab][aria-selected=true]:visible").all_text_contents():
                return
        _expect(self.answer(model)).to_have_text(text, timeout=20_000)

    def lane(self, name: str) -> Any:
        return self.page.get_by_role("slider", name=name, exact=True)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def tab(self, name: str) -> None:
        """Open a drawer; "Close" closes it."""
        if name == "Other models":
            return self.choose("models", "Other models…")
        if name == "Publish":
            return self.choose("save", "Publish to the Hub…")
        tab = self.page.get_by_role("tab", name=name, exact=True)
        if name == "Close":
            if tab.is_visible():  # else none is open
                tab.click()
            return _expect(tab).to_be_hidden()
        if tab.get_attribute("aria-selected") != "true":  # a second press closes it
            tab.click()
        _expect(tab).to_have_attribute("aria-selected", "true")
        return None

    def box(self, key: str) -> Any:
        """What a chooser of the head line opens: models, method, start, save, more. It is open then."""
        box = self.page.locator(f"#pop-{key}")
        if not box.is_visible():
            self.page.locator(f".head [data-pop={key}]").click()
        _expect(box).to_be_visible()
        return box

    def choose(self, key: str, label: str) -> None:
        """An entry of one of those."""
        entry = (
            self.box(key)
            .locator(".ch-entry")
            .filter(has=self.page.locator(".ch-label", has_text=re.compile(f"^{re.escape(label)}$")))
        )
        entry.first.click()
        _expect(self.page.locator(f"#pop-{key}")).to_be_hidden()

    def method(self, name: str) -> None:
        """A merge method, by its YAML name."""
        self.box("method").locator(".ch-entry").filter(
            has=self.page.locator(".ch-term", has_text=re.compile(f"^{name}$"))
        ).click()

    @property
    def chosen(self) -> dict[str, str]:
        """What the head line says is chosen, by chooser."""
        found = self.page.locator(".head .hd-chooser").all()
        return {str(box.get_attribute("data-pop")): box.locator(".hd-value").inner_text() for box in found}

    def value(self, key: str) -> Any:
        """Where it says so."""
        return self.page.locator(f".head [data-pop={key}] .hd-value")

    @property
    def field(self) -> Any:
        """The field to ask in."""
        return self.page.get_by_role("textbox", name="Prompt", exact=True)

    def ask(self, prompt: str) -> None:
        """Add a row, or open the one that asks this; everybody answers it, close up."""
        self.field.fill(prompt)
        self.press("Ask")
        self.asked(prompt)

    def asked(self, prompt: str) -> None:
        """Which row is close up."""
        _expect(self.page.locator(".rw-title")).to_have_text(f"Close up: {prompt}", timeout=15_000)

    def row(self, number: int) -> Any:
        """A row of the table, from 1 on."""
        return self.page.locator(".rw-row").nth(number - 1)

    def preset(self, name: str) -> None:
        self.choose("start", name)
        self.page.wait_for_timeout(400)  # the Mixer takes the preset's numbers before anybody can reach it

    def paint(self, lane: str, level: float, start: float = 0.0, end: float = 1.0) -> None:
        """Drag across a lane at a height, from one share of its width to another; clear of the ramp handles."""
        box = self.lane(lane).bounding_box()
        assert box is not None
        y = box["y"] + 8 + (box["height"] - 16) * (1 - level)
        left, width = box["x"] + 100, box["width"] - 200
        self.page.mouse.move(left + start * width, y)
        self.page.mouse.down()
        self.page.mouse.move(left + end * width, y, steps=15)
        self.page.mouse.up()


@pytest.fixture
def open_page(browser, url) -> Iterator[object]:
    from playwright import sync_api

    opened: list[Page] = []
    contexts = []

    def visit(
        width: int = 1280, height: int = 900, address: str = url, query: str = "?__theme=light", first: bool = False
    ) -> Page:
        """first: in a browser that has never seen the page."""
        context = browser.new_context(viewport={"width": width, "height": height}, accept_downloads=True)
        if not first:
            context.add_init_script(SEEN)
        contexts.append(context)
        page = Page(context.new_page())
        opened.append(page)
        page.page.on("console", lambda m: page.complaints.append(m.text) if m.type == "error" else None)
        page.page.on("pageerror", lambda e: page.complaints.append(str(e)))
        page.page.on(
            "request",
            lambda r: None if r.url.startswith((address, "data:", "blob:")) else page.complaints.append(f"asked {r.url}"),
        )
        page.page.goto(address + query)
        page.page.wait_for_selector(".mixer .mx-track canvas", timeout=30_000)
        with contextlib.suppress(sync_api.TimeoutError):  # what is pressed before the page's first events are through may be lost
            page.page.wait_for_selector("#announcer", state="attached", timeout=15_000)  # made by the page's first event
            page.page.wait_for_timeout(300)
        return page

    yield visit
    for page in opened:
        assert page.complaints == [], page.complaints
    for context in contexts:
        context.close()


# Of all that a selector finds: its rectangle, and whether all of it is seen: in the viewport and in every box around it.
IN_VIEW = """(selector) => [...document.querySelectorAll(selector)].filter((node) => node.getClientRects().length).map((node) => {
  const { left, top, right, bottom } = node.getBoundingClientRect();
  let [l, t, r, b] = [0, 0, innerWidth, innerHeight];
  for (let box = node.parentElement; box; box = box.parentElement) {
    if (getComputedStyle(box).overflow === 'visible') continue;
    const edge = box.getBoundingClientRect();
    [l, t, r, b] = [Math.max(l, edge.left), Math.max(t, edge.top), Math.min(r, edge.right), Math.min(b, edge.bottom)];
  }
  const whole = left >= l - 1 && top >= t - 1 && right <= r + 1 && bottom <= b + 1 && right > left && bottom > top;
  const on = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return [[left, top, right, bottom].map(Math.round), whole && node.contains(on)];
})"""


def seen(page: Page, selector: str) -> list[tuple[list[int], bool]]:
    """Rectangles of all that a selector finds, and whether all of each is seen."""
    return [(box, whole) for box, whole in page.page.evaluate(IN_VIEW, selector)]
