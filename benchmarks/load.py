"""Twenty people at one page: how long a drag takes to show in the strip, and what they leave behind.

    python benchmarks/load.py [--people 20] [--rounds 3] [--browsers 1] [--waves 1]
    python benchmarks/load.py --asking              as recipes do whose strip only Python can work out

One is a browser (Chromium through playwright); the others send what a page sends and read what it reads, as twenty browsers on
the server's own two cores would measure browsers. A page fetches a sample of the deltas and works the strip out by itself while
its faders move; with --asking every move is a call. Each drags for a second and a half, waits for the answer to a prompt of its
own, thinks for some seconds. Told are p50 and p90 from the hand to the strip in the
browser and of the others' calls when they let go (or move, with --asking), the wait for answers, the longest line that was
shown, whether anybody got another's prompt or answer, and the server's memory.
"""

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import httpx
from playwright.async_api import async_playwright

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))
from benchmarks.drag import PROBE  # noqa: E402

NOUNS = (
    "box", "fox", "robot", "rabbit", "hat", "map", "flag", "ship", "cat", "dog", "tree", "star", "boat", "bird", "fish", "lamp",
    "cup", "door", "king", "road",
)  # fmt: skip


def memory(pid: int) -> float:
    """The process's own memory in MB: what the system cannot take back."""
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in text.splitlines() if line.startswith("RssAnon")).split()[1]) / 1e3


def processor(pid: int) -> float:
    """Seconds of a processor that a process has had: what other programs do meanwhile is not in it."""
    return sum(map(int, Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split()[13:15])) / os.sysconf("SC_CLK_TCK")


async def person(i: int, browser: Any, address: str, rounds: int, asking: bool, found: dict[str, list[Any]]) -> None:
    """One visitor in a browser."""
    rng = random.Random(i)
    context = await browser.new_context(viewport={"width": 1280, "height": 860})
    if asking:  # without a sample the page asks Python
        await context.route("**/component_server*", lambda route: route.abort())
        await context.route("**/component_server/**", lambda route: route.abort())
    await context.add_init_script("localStorage.setItem('merge-explorer-first-visit', '1')")  # no first steps
    page = await context.new_page()
    page.on("pageerror", lambda error: found["errors"].append(str(error)))
    await page.goto(address)
    await page.wait_for_selector(".mixer canvas", timeout=120_000)
    await page.wait_for_timeout(2000)
    await page.evaluate(PROBE)
    own = f"plural of {NOUNS[i % len(NOUNS)]}"
    for turn in range(rounds):
        lane = page.get_by_role("slider", name="pirate weight", exact=True)
        box = await lane.bounding_box()
        assert box is not None
        left, width = box["x"] + 100, box["width"] - 200
        await page.mouse.move(left, box["y"] + 30)
        await page.mouse.down()
        end = time.monotonic() + 1.5
        while time.monotonic() < end:
            await page.mouse.move(left + rng.random() * width, box["y"] + 10 + rng.random() * (box["height"] - 20))
            await asyncio.sleep(0.016)
        await page.mouse.up()
        if turn == 0:
            await page.get_by_role("textbox", name="Prompt").fill(own)
            await page.get_by_role("button", name="Ask", exact=True).click()
        started = time.monotonic()
        while time.monotonic() - started < 180:
            note = await page.locator(".an-note").inner_text() if await page.locator(".an-note").is_visible() else ""
            if "before yours" in note:
                found["line"].append(note)
            state = await page.locator(".rw-row[data-open=true] .rw-merge").get_attribute("data-state")
            asked = await page.locator(".rw-title").inner_text()
            if state in ("done", "cached") and (turn or asked == f"Close up: {own}"):
                break
            await asyncio.sleep(0.1)
        else:
            found["errors"].append(f"{i}: no answer in three minutes")
        found["waits"].append(time.monotonic() - started)
        asked = await page.locator(".rw-title").inner_text()
        said = await page.locator(".rw-row[data-open=true] .rw-answer").inner_text()
        others = [noun for noun in NOUNS if noun != NOUNS[i % len(NOUNS)] and noun in said.split()]
        if asked != f"Close up: {own}" or others:
            found["mixed"].append((i, asked, said))
        await asyncio.sleep(rng.uniform(4, 10))
    found["drags"] += await page.evaluate("window.drag.times")
    found["long"] += await page.evaluate("window.drag.long")
    await context.close()


PROMPT = re.compile(r'prompt\\*": ?\\*"([^"\\]*)')
"""What a stream says was asked: feeds are text in it, whose quotation marks are escaped."""


class Player:
    """A visitor without a browser: sends what the page would send, and reads the answers' stream."""

    def __init__(self, i: int, address: str, config: dict[str, Any], client: httpx.AsyncClient, wave: int = 0) -> None:
        """wave: another visitor with other moves, as the same moves of the same bars have been answered before."""
        self.rng, self.own, self.client = random.Random(f"{wave} {i}"), f"plural of {NOUNS[i % len(NOUNS)]}", client
        self.others = [noun for k, noun in enumerate(NOUNS) if k != i % len(NOUNS)]
        self.api, self.session = f"{address}gradio_api", f"player{i}x{self.rng.getrandbits(32)}"
        places = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
        self.mixer, tick = places["mixer"], places["tick"]
        self.value = next(c["props"]["value"] for c in config["components"] if c["id"] == self.mixer)
        self.calls = {  # gradio numbers functions of the same name
            (t[0], t[1], re.sub(r"_\d+$", "", str(d["api_name"]))): d["id"] for d in config["dependencies"] for t in d["targets"]
        }
        board = next(c["props"]["props"]["board"] for c in config["components"] if c["id"] == self.mixer)
        self.word = json.loads(board)["law"]["sketch"]
        rows = next(c["props"]["props"]["board"] for c in config["components"] if c["id"] == places["answers"])
        self.known = {self.own, *re.findall(PROMPT, rows)}  # those that everybody begins with come with who answers
        self.drag_fn, self.release_fn = self.calls[self.mixer, "input", "drag"], self.calls[self.mixer, "release", "release"]
        self.answer_fn, self.after_fn = (
            self.calls[places["stroke"], "change", "answer_again"],
            self.calls[tick, "change", "after_edit"],
        )
        self.after_given = next(len(d["inputs"]) for d in config["dependencies"] if d["id"] == self.after_fn)

    def move(self) -> dict[str, Any]:
        """The bars as a hand has moved them on: one layer of one model at a time."""
        lanes = {path: list(numbers) for path, numbers in self.value["lanes"].items()}
        numbers = lanes[self.rng.choice(list(lanes))]
        numbers[self.rng.randrange(len(numbers))] = round(self.rng.random(), 2)
        self.value = {**self.value, "lanes": lanes, "seq": self.value["seq"] + 1, "move": "edit"}
        return self.value

    async def now(self, fn: int, data: list[Any]) -> list[Any]:
        """A call that gradio does not queue."""
        body = {"data": data, "fn_index": fn, "session_hash": self.session, "event_data": None, "trigger_id": self.mixer}
        answer = await self.client.post(f"{self.api}/run/predict", json=body)
        answer.raise_for_status()
        return answer.json()["data"]

    async def answered(self, tick: str, found: dict[str, list[Any]]) -> None:
        """Ask, and read until the answer is whole; note the line and whatever is not one's own."""
        rows = {"rows": [{"id": "r1", "prompt": self.own}], "open": "r1"}
        asked = time.monotonic()
        data = [None, rows, None, tick]
        body = {"data": data, "fn_index": self.answer_fn, "session_hash": self.session, "event_data": None, "trigger_id": 0}
        event = (await self.client.post(f"{self.api}/queue/join", json=body)).json()["event_id"]
        stream = self.client.stream("GET", f"{self.api}/queue/data", params={"session_hash": self.session}, timeout=200)
        async with stream as lines:
            async for line in lines.aiter_lines():
                message = json.loads(line[5:]) if line.startswith("data:") else {}
                found["line"] += re.findall(r"\d+ answers are before yours|One answer is before yours", line)
                found["prompts"] += (told := re.findall(PROMPT, line))
                for prompt in told:
                    if prompt not in self.known:
                        found["mixed"].append((self.own, prompt))
                if message.get("event_id") == event and message.get("msg") == "process_completed":
                    found["served"].append((asked, time.monotonic()))
                    found["errors"] += [] if message.get("success") else [str(message)[:200]]
                    return

    async def fetch(self) -> None:
        """The sample that a page needs to follow its faders."""
        body = {"data": self.word, "component_id": self.mixer, "fn_name": "sample_of", "session_hash": self.session}
        answer = await self.client.post(f"{self.api}/component_server", json=body)
        answer.raise_for_status()
        assert answer.json()["data"]

    async def play(self, rounds: int, asking: bool, found: dict[str, list[Any]]) -> None:
        """Drag, let go, read, think."""
        await asyncio.sleep(self.rng.uniform(0, 8))
        if not asking:
            await self.fetch()
        for _ in range(rounds):
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                sent = time.monotonic()
                if asking:
                    await self.now(self.drag_fn, [None, self.move()])
                    found["calls"].append((time.monotonic() - sent) * 1e3)
                await asyncio.sleep(max(0.0, 0.04 - (time.monotonic() - sent)))
            await self.let_go(found)
            await asyncio.sleep(self.rng.uniform(4, 10))

    async def let_go(self, found: dict[str, list[Any]]) -> None:
        """Let go of a bar, and wait for the answer."""
        released = time.monotonic()
        tick = (await self.now(self.release_fn, [None, self.move(), None]))[-1]
        found["let go"].append((time.monotonic() - released) * 1e3)
        await asyncio.gather(self.answered(str(tick), found), self.now(self.after_fn, [None] * self.after_given))
        found["waits"].append(time.monotonic() - released)


def nothing() -> dict[str, list[Any]]:
    """What is found, before anybody has come."""
    return {name: [] for name in ("drags", "calls", "let go", "waits", "served", "line", "mixed", "prompts", "errors", "long")}


async def in_turn(address: str, people: int, rounds: int, wave: int = 0) -> dict[str, list[Any]]:
    """As many visitors, of whom each lets go and reads the answer before the next does: nobody waits for anybody."""
    found = nothing()
    async with httpx.AsyncClient(timeout=120) as client:
        config = (await client.get(f"{address}config")).json()
        players = [Player(i, address, config, client, wave) for i in range(people)]
        for player in players:
            await player.fetch()
        for _ in range(rounds):
            for player in players:
                await player.let_go(found)
    return found


async def everybody(
    address: str, people: int, browsers: int, rounds: int, asking: bool, pid: int, wave: int = 0
) -> tuple[dict[str, list[Any]], float]:
    """All of them at once, some in a browser. What was found, and the most memory the server had."""
    found = nothing()
    most = 0.0
    limits = httpx.Limits(max_connections=None)
    async with async_playwright() as play, httpx.AsyncClient(timeout=120, limits=limits) as client:
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        config = (await client.get(f"{address}config")).json()
        players = [Player(i, address, config, client, wave) for i in range(browsers, people)]
        tasks = [asyncio.create_task(person(i, browser, address, rounds, asking, found)) for i in range(browsers)]
        tasks += [asyncio.create_task(player.play(rounds, asking, found)) for player in players]
        while not all(task.done() for task in tasks):
            most = max(most, memory(pid))
            await asyncio.sleep(0.5)
        found["errors"] += [repr(task.exception()) for task in tasks if task.exception()]
        await browser.close()
    return found, most


def serve() -> tuple[subprocess.Popen[bytes], str]:
    """app.py in a process of its own, as it runs where many come."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"HOSTED": "1", "GRADIO_SERVER_PORT": str(port), "GRADIO_SERVER_NAME": "127.0.0.1"}
    app = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    for _ in range(600):
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return app, address
        except OSError:
            time.sleep(0.2)
    raise SystemExit("app.py does not answer")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--browsers", type=int, default=1, help="how many of them are browsers")
    parser.add_argument("--waves", type=int, default=1, help="so often as many others come: what they leave behind")
    parser.add_argument("--asking", action="store_true", help="every move asks Python for the strip")
    options = parser.parse_args()
    app, address = serve()
    try:
        asyncio.run(everybody(address, 1, 1, 1, options.asking, app.pid, -1))  # warm
        time.sleep(2)
        before = memory(app.pid)
        started, busy = time.monotonic(), processor(app.pid)
        found, most = asyncio.run(
            everybody(address, options.people, options.browsers, options.rounds, options.asking, app.pid)
        )  # fmt: skip
        took, busy = time.monotonic() - started, processor(app.pid) - busy
        time.sleep(5)
        after = [memory(app.pid)]
        for wave in range(1, options.waves):
            asyncio.run(everybody(address, options.people, 0, options.rounds, options.asking, app.pid, wave))
            time.sleep(5)
            after.append(memory(app.pid))
    finally:
        app.terminate()
        app.wait(20)
    drags, waits = sorted(found["drags"]), sorted(found["waits"])
    at = lambda values, share: values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")  # noqa: E731
    print(f"{options.people} people, {options.rounds} rounds each, {took:.0f} s, on {os.cpu_count()} cores that they share")
    print(f"server            {busy:.1f} s of a processor, {1e3 * busy / options.people / options.rounds:.0f} ms a round")
    print(f"hand to strip     p50 {at(drags, 0.5):.0f} ms, p90 {at(drags, 0.9):.0f} ms, {len(drags)} frames")
    for name, calls in (("the others' moves", sorted(found["calls"])), ("letting go", sorted(found["let go"]))):
        if calls:
            print(f"{name:17} p50 {at(calls, 0.5):.0f} ms, p90 {at(calls, 0.9):.0f} ms, {len(calls)} calls")
    print(f"wait for answers  p50 {at(waits, 0.5):.1f} s, p90 {at(waits, 0.9):.1f} s, longest {at(waits, 1):.1f} s")
    print(f"line              shown {len(found['line'])} times; {max(found['line'], default='never', key=len)}")
    print(f"browser           {len(found['long'])} tasks over 50 ms, the longest {max(found['long'], default=0):.0f} ms")
    print(f"memory            {before:.0f} MB before, {most:.0f} MB at most, after: {', '.join(f'{m:.0f} MB' for m in after)}")
    print(f"seen another's    {found['mixed'][:5] or 'never'}, of {len(found['prompts'])} prompts that were told")
    print(f"errors            {sorted(set(found['errors'])) or 'none'}")


if __name__ == "__main__":
    main()
