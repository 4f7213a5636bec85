"""The picture on a card: what it shows is what the plan does, and whatever a name holds stands as text."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from merger.engine.batch import merge
from merger.engine.companions import given
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.hub.picture import FILE, ROWS, Strip, svg
from merger.recipe import load

SVG = "{http://www.w3.org/2000/svg}"


def strips(text: str, family: Path) -> tuple[str, dict[str, list[float]]]:
    recipe = load(text)
    title, found = given(make_plan(recipe, open_models(recipe, [family])))
    return title, {one.name: [round(n, 4) for n in one.numbers] for one in found}


def texts(drawn: str) -> list[str]:
    return [e.text or "" for e in ET.fromstring(drawn).iter(f"{SVG}text")]


@pytest.mark.parametrize(
    ("text", "title", "numbers"),
    [
        (
            "{merge_method: task_arithmetic, base_model: base, models: [{model: a, parameters: {weight: [0, 1]}}, "
            "{model: b, parameters: {weight: [{filter: mlp, value: 0.5}, {value: 0.5}]}}]}",
            "The weight of each model in each layer",
            {"a": [0, 0.3333, 0.6667, 1], "b": [0.5] * 4},
        ),
        (
            "{merge_method: slerp, base_model: base, models: [{model: base}, {model: a}], parameters: {t: [0.25, 0.75]}}",
            "How far each layer goes from the first model to the second",
            {"t": [0.25, 0.4167, 0.5833, 0.75]},
        ),
        (
            "{merge_method: passthrough, slices: [{sources: [{model: a, layer_range: [0, 1]}]}, "
            "{sources: [{model: b, layer_range: [1, 2]}]}]}",
            "Which models each layer comes from",
            {"a": [1, 0], "b": [0, 1]},
        ),
    ],
)  # fmt: skip
def test_it_shows_what_the_plan_does(text: str, title: str, numbers: dict[str, list[float]], family: Path) -> None:
    assert strips(text, family) == (title, numbers)


def test_names_are_text() -> None:
    names = [f"x/{'long-' * 9}{i}<script>alert(1)</script>&amp;\"'\x07\ud800" for i in range(8)]
    drawn = svg([Strip(name, tuple(i / 80 - 0.2 for i in range(80))) for name in names], 'a <b title="')
    root = ET.fromstring(drawn.encode())
    assert {e.tag.removeprefix(SVG) for e in root.iter()} == {"svg", "title", "desc", "style", "rect", "text", "path"}
    assert "<script" not in drawn and not re.search(r"\son\w+=|href", drawn) and len(drawn) < 30_000
    assert (
        len({label for label in texts(drawn) if re.match(r"\d: ", label)}) == 8
    )  # told apart, though their beginnings and ends are one
    assert "layer 80" in texts(drawn) and texts(drawn).count("-0.2 to 0.788") == 8


def test_a_bar_is_as_high_as_its_number() -> None:
    drawn = svg([Strip("a", (0.5, 0.0, -1.0, float("nan")))], "t")
    (path,) = [e.attrib["d"] for e in ET.fromstring(drawn).iter(f"{SVG}path") if e.attrib["class"] == "s0"]
    assert re.findall(r"v(-?[\d.]+)h", path) == ["-13", "26"]  # of 26 for the largest; what is nothing, or no number, has none


def test_more_models_than_are_drawn_are_counted() -> None:
    drawn = svg([Strip(f"m{i}", (1.0,)) for i in range(ROWS + 5)], "t")
    assert "and 5 more models" in texts(drawn) and f"m{ROWS}" not in texts(drawn)
    assert ET.fromstring(svg([], "nothing")) is not None


def test_dark_and_light(family: Path, tmp_path: Path) -> None:
    """It lies beside the card, which shows it; every colour is another on a dark page."""
    merge(
        load("{merge_method: linear, models: [{model: a}, {model: b}], parameters: {weight: 0.5}}"),
        tmp_path / "o",
        roots=[family],
    )
    drawn = (tmp_path / "o" / FILE).read_text(encoding="utf-8")
    assert f"![The weight of each model in each layer]({FILE})" in (tmp_path / "o" / "README.md").read_text()
    light, dark = re.split(r"@media \(prefers-color-scheme:dark\)", drawn)
    for name in (".page", "text", ".s0", ".s1"):
        one, other = (re.search(rf"(?<![\w.]){re.escape(name)}{{(fill:[^}}]+)}}", side) for side in (light, dark))
        assert one and other and one[1] != other[1], name
