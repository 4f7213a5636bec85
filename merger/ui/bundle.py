"""The scripts of the page's parts: JavaScript from `web/`, made into one text each by `npm run build`, and read as it is.

gradio runs a part's script once per mount (`js_on_load`). It comes with the page: no file of ours is served for it.
"""

import json
from functools import cache
from pathlib import Path

BUILT = Path(__file__).parent / "web" / "built"
STYLE = BUILT / "page.css"
"""The page around the parts, and every colour as a custom property."""


def bundle(part: str) -> str:
    """The script of a part, its style inside; without its first line, which says what it was built of."""
    return (BUILT / f"{part}.js").read_text(encoding="utf-8").partition("\n")[2]


@cache
def of_page(function: str) -> str:
    """A function of web/page/page.js, for an event's `js=`."""
    return json.loads((BUILT / "page.json").read_text(encoding="utf-8"))[function]
