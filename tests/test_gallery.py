"""docs/gallery.md says what the models say: the toys' part is said again here; SmolLM2's is as it was when it was written."""

import re
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from merger.recipe import load
from merger.ui import workspace
from merger.ui.studio import Studio

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
import gallery  # noqa: E402


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets", "cpu")


BABBLE = "Too much of both"
"""Whose merge is torn between many tokens: which comes first is the processor's rounding (with AVX-512 another than without)."""
MERGED = re.compile(r"^\| \*\*the merge\*\* \| .*$", re.MULTILINE)


@pytest.mark.long
def test_the_toys_still_say_it(studio: Studio) -> None:
    text = gallery.FILE.read_text(encoding="utf-8")
    toys, presets = next(iter(gallery.families(studio)))
    assert len(presets) == len(gallery.TOYS) == 6 and text.startswith(gallery.HEAD)
    for preset in presets:
        said = "\n".join(gallery.entry(studio, toys, preset))
        if preset.name == BABBLE:
            assert not re.search(r"\*\*(ahoy|boxes\*)", said)  # babble it is
            assert MERGED.sub("", said) in MERGED.sub("", text), f"{preset.name}: python scripts/gallery.py"
        else:
            assert said in text, f"{preset.name}: python scripts/gallery.py"


def test_ten_links_open_the_recipes(studio: Studio) -> None:
    found = re.findall(r"^## \[(.+)\]\((.+)\)$", gallery.FILE.read_text(encoding="utf-8"), re.MULTILINE)
    presets = {preset.name: preset for family in reversed(studio.families) for preset in family.presets}
    presets |= {preset.name: preset for preset in studio.families[1].presets}  # the Hub's base
    assert len(found) == len(dict(found)) == 10
    for name, address in found:
        asked = parse_qs(urlsplit(address).query)
        assert load(workspace.from_link(asked["r"][0])) == load(gallery.dump(presets[name].recipe)), name
        assert asked["p"] == [presets[name].prompt]
