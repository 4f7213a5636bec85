"""Write presets/first.json: the answers that the page shows before it has loaded a model."""

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from merger.ui.service.answers import Answers  # noqa: E402
from merger.ui.service.feeds import Feed  # noqa: E402
from merger.ui.service.first import FILE, digest  # noqa: E402
from merger.ui.studio import Studio  # noqa: E402
from merger.ui.workspace import start  # noqa: E402


def made(presets: Path) -> tuple[str, Feed]:
    """The digest and the feed, made now."""
    studio = Studio(presets)
    work, rows = start(studio.presets[0], studio.base, studio.parents_of_family), studio.presets[0].rows
    return digest(studio, work, rows), Answers(studio).first_answers(work, rows, rows[0].id)


if __name__ == "__main__":
    word, feed = made(ROOT / "presets")
    text = json.dumps({"digest": word, "feed": feed}, ensure_ascii=False, indent=None, separators=(",", ":"))
    (ROOT / "presets" / FILE).write_text(text + "\n", encoding="utf-8")
