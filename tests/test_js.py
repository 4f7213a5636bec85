"""The page's JavaScript: what is served is what the sources say, with node or without; colours have one home; tools pass."""

import hashlib
import json
import re
import shutil
import subprocess
from pathlib import Path

import laws
import pytest
from browsing import ROOT

from merger import looks
from merger.inspect import plots
from merger.ui.bundle import BUILT, STYLE, bundle

WEB = BUILT.parent
PARTS = ("bars", "chat", "choices", "coach", "dock", "explore", "head", "history", "improve", "inspect", "mixer", "rows", "stack")
MADE = re.compile(r"""(?:// |/\* |{"": ")npm run build: ([0-9a-f]{16}) of ([^*"]+?)(?: \*/|",)?""")
HEX = re.compile(r"(?<![\w&])#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b")


def sources(made: str) -> tuple[str, list[str]]:
    """The digest and the sources that a built file's first line names."""
    found = MADE.fullmatch(made.splitlines()[0])
    assert found is not None, made.splitlines()[0]
    return found[1], found[2].split()


def digest(names: list[str]) -> str:
    """As scripts/build_js.mjs makes it."""
    whole = hashlib.sha256()
    for name in names:
        whole.update(f"{name}\n{(WEB / name).read_text(encoding='utf-8')}\n".encode())
    return whole.hexdigest()[:16]


@pytest.mark.parametrize(
    "path", [*(BUILT / f"{part}.js" for part in PARTS), STYLE, BUILT / "page.json"], ids=lambda path: path.name
)
def test_what_is_served_is_of_these_sources(path: Path) -> None:
    """No node is needed for this: who edits a source and forgets `npm run build` hears it everywhere."""
    said, names = sources(path.read_text(encoding="utf-8"))
    assert digest(names) == said, f"{path.name} is not of its sources any more: npm run build"


def test_every_source_is_in_something() -> None:
    used = {name for path in BUILT.iterdir() for name in sources(path.read_text(encoding="utf-8"))[1]}
    there = {path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.is_file() and path.parent != BUILT}
    types = {"css.d.ts", "answers/kinds.js", "law/kinds.js", "mixer/kinds.js", "rows/kinds.js"}  # some hold nothing but types
    assert used <= there and there - used <= types
    assert {path.name for path in BUILT.iterdir()} == {*(f"{part}.js" for part in PARTS), STYLE.name, "page.json"}


@pytest.mark.parametrize("part", PARTS)
def test_names_enter_as_text_and_nothing_is_evaluated(part: str) -> None:
    """Names of models and words of answers are hostile; eslint asks the same of the sources."""
    script = re.sub(r"/\*.*?\*/", "", bundle(part), flags=re.DOTALL)
    assert "textContent" in script
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function", "import("):
        assert not re.search(rf"(?<!\w){re.escape(word)}", script), word


def test_colours_stand_in_one_file() -> None:
    """Everything else asks for them by name: style sheets `var(--me-...)`, JavaScript and Python `colour("...")`."""
    files = [path for path in (ROOT / "merger").rglob("*") if path.suffix in (".py", ".js", ".css", ".html")]
    assert len(files) > 100
    wrong = {
        f"{path.relative_to(ROOT)}:{i}: {line.strip()}"
        for path in files if path.parent != BUILT
        for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if HEX.search(line.partition(">>>")[0])
        and not line.lstrip().startswith("'#")  # what a doctest prints
    }  # fmt: skip
    assert not wrong
    assert HEX.search("color: #fff;") and HEX.search('"#7048e8"') and not HEX.search("&#39; #yaml #stage")


def test_every_colour_is_asked_for() -> None:
    named = set(json.loads(looks.FILE.read_text(encoding="utf-8"))["colours"])
    files = [path for path in (ROOT / "merger").rglob("*") if path.suffix in (".py", ".js", ".css") and path.parent != BUILT]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    asked = set(re.findall(r"var\(--me-([\w-]+)\)|colour\(['\"]([\w-]+)['\"]", text))
    used = {name for pair in asked for name in pair if name}
    assert named <= used, named - used
    assert {name for name in used if not name.startswith("slot-")} <= named


def test_plotly_has_the_faders_colours() -> None:
    given = json.loads(looks.FILE.read_text(encoding="utf-8"))
    assert [plots.slot_colour(i) for i in range(9)] == [*(light for light, _ in given["slots"]), given["slots"][0][0]]
    assert plots.slot_colour(None) == given["colours"]["grey"] and given["colours"]["lead"][0] == plots.LEAD
    assert all(light != dark and HEX.fullmatch(light) and HEX.fullmatch(dark) for light, dark in given["slots"])


def test_the_golden_law_is_the_engines() -> None:
    """What `node --test` holds the page's arithmetic to; numbers of torch may differ in their last bits elsewhere."""
    there, here = json.loads(laws.GOLDEN.read_text(encoding="utf-8")), json.loads(laws.written(laws.golden()))
    assert {key: there[key] for key in ("sample", "percents")} == {key: here[key] for key in ("sample", "percents")}
    assert [case["name"] for case in there["cases"]] == [case["name"] for case in here["cases"]]
    for old, new in zip(there["cases"], here["cases"], strict=True):
        assert old == new, f"{old['name']}: python tests/laws.py"


def node() -> str:
    """npm, where node is new enough and its tools are installed."""
    npm, there = shutil.which("npm"), shutil.which("node")
    if npm is None or there is None or not (ROOT / "node_modules").is_dir():
        pytest.skip("no node, or no node_modules: make js")
    version = subprocess.run([there, "--version"], capture_output=True, text=True, check=True).stdout
    if int(version.removeprefix("v").partition(".")[0]) < 20:
        pytest.skip(f"node {version.strip()} is older than 20")
    return npm


def test_building_again_changes_nothing() -> None:
    done = subprocess.run([node(), "run", "--silent", "build:check"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_tools_are_pinned() -> None:
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    assert package["private"] is True and "dependencies" not in package
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", version) for version in package["devDependencies"].values())
    assert lock["packages"][""]["devDependencies"] == package["devDependencies"]


def test_the_page_brings_little() -> None:
    """All scripts and styles of ours, as they are sent: a phone has to read them."""
    scripts = [bundle(path.stem) for path in BUILT.glob("*.js")]
    assert len(scripts) == len(list(BUILT.iterdir())) - 2 and all(len(script) > 1000 for script in scripts)
    others = (BUILT / "page.css").stat().st_size + (BUILT / "page.json").stat().st_size
    assert sum(len(script.encode()) for script in scripts) + others < 250_000
