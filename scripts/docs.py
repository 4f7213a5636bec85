"""Write docs/methods.md and the README's table from the methods, docs/security.md's from the bounds: nothing is written twice.

python scripts/docs.py
"""

import math
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from merger.limits import Limit  # noqa: E402
from merger.limits import table as limits  # noqa: E402
from merger.methods import METHODS, Method  # noqa: E402
from merger.methods.params import Param  # noqa: E402

BEGIN, END = "<!-- methods:begin -->", "<!-- methods:end -->"
LIMITS_BEGIN, LIMITS_END = "<!-- limits:begin -->", "<!-- limits:end -->"
PAGE = ROOT / "docs" / "methods.md"
SECURITY = ROOT / "docs" / "security.md"
README = ROOT / "README.md"
BASE = {
    "required": "needed: its weights are subtracted from each model and added back at the end",
    "optional": "optional",
    "first": "needed: the first of the models",
    "joins": "optional: takes part as one more model",
    "ignored": "takes no part, unless it is listed as a model",
}


def render() -> str:
    """The text of docs/methods.md."""
    head = [
        "# Methods",
        "",
        "Made by `make docs` from the signatures in `merger/methods/`; edit those, not this page.",
        "",
        "Every number may be one value, a list (a curve over the layers, `gradient` in mergekit's words), or a list of",
        "`filter`/`value` rules. What is marked *each* may also be set below a single model.",
    ]
    return "\n".join([*head, *(_section(method) for method in METHODS.values())]) + "\n"


def table() -> str:
    """The README's table of methods."""
    rows = [f"| [`{m.name}`](docs/methods.md#{m.name}) | {m.says} | {_names(m)} | {m.source} |" for m in METHODS.values()]
    return "\n".join(["| method | in plain words | parameters | source |", "|---|---|---|---|", *rows])


def with_table(readme: str) -> str:
    """The README with its table of methods renewed."""
    return re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n{table()}\n{END}", readme, flags=re.DOTALL)


def tested(limit: Limit) -> bool:
    """Whether the test that goes beyond a bound has been written."""
    file, _, function = limit.test.partition("::")
    place = ROOT / "tests" / file
    return place.is_file() and f"def {function}(" in place.read_text(encoding="utf-8")


def bounds(security: str) -> str:
    """docs/security.md with its table of bounds renewed."""
    head = ["| bound | for one | most | test |", "|---|---|---|---|"]
    rows = [
        f"| {limit.holds} | {limit.scope} | {limit:,} {limit.unit} | {f'`{limit.test}`' if tested(limit) else 'none yet'} |"
        for limit in limits().values()
    ]
    text = "\n".join([LIMITS_BEGIN, *head, *rows, LIMITS_END])
    return re.sub(f"{LIMITS_BEGIN}.*{LIMITS_END}", lambda _: text, security, flags=re.DOTALL)


def main() -> None:
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
    README.write_text(with_table(README.read_text(encoding="utf-8")), encoding="utf-8")
    SECURITY.write_text(bounds(SECURITY.read_text(encoding="utf-8")), encoding="utf-8")
    print(f"{len(METHODS)} methods: docs/methods.md, README.md; {len(limits())} bounds: docs/security.md")


def _section(method: Method) -> str:
    lines = [
        "", f"## {method.name}", "", f"*{_sentence(method.says)}* {method.summary}", "",
        f"- **Source:** {method.source}",
        f"- **Models:** {_models(method)}",
        f"- **Base:** {BASE[method.base]}",
    ]  # fmt: skip
    lines[4:4] = [part for note in _notes(method) for part in ("", note)]
    if method.unused:
        lines.append(f"- **Accepted without effect** (as in mergekit): {', '.join(f'`{name}`' for name in method.unused)}")
    if method.params:
        lines += ["", "| parameter | value | default | |", "|---|---|---|---|", *map(_row, method.params)]
    return "\n".join(lines)


def _notes(method: Method) -> list[str]:
    """The docstring's paragraphs on what the method does and where it departs from others, each as one line."""
    parts = [" ".join(part.split()) for part in (method.fn.__doc__ or "").split("\n\n")[1:]]
    return [part for part in parts if part and not part.startswith((">>>", "Source:", "deltas ", "tensors "))]


def _row(param: Param) -> str:
    default = "required" if param.required else f"`{str(param.default).lower()}`"
    value = f"{param}, each" if param.per_model else str(param)
    low, high = param.slider
    if (low, high) != (param.low, param.high) and not math.isinf(low) and not math.isinf(high):
        value += f"; usually {low:g} to {high:g}"
    return f"| `{param.name}` | {value} | {default} | {_sentence(param.help)} |".replace("|  |", "| |")


def _models(method: Method) -> str:
    fewest, most = method.models
    beside = " besides the base" if method.base in ("required", "optional") else ""
    if fewest == most:
        return f"exactly {fewest}{beside}"
    return f"{'any number' if fewest <= 1 else f'{fewest} or more'}{beside}" if most is None else f"{fewest} to {most}{beside}"


def _names(method: Method) -> str:
    return ", ".join(f"`{p.name}`" for p in method.params)


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") or not text else ".")


if __name__ == "__main__":
    main()
