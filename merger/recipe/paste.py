"""What web pages, chats and word processors do to YAML that is copied out of them, undone line by line.

Only used on a text that is no recipe as it stands; a text that is one is never touched.
"""

import re
from collections.abc import Callable

_SPACES = dict.fromkeys([0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000], " ")
_NOTHING = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u200f"), "")
_QUOTES = {ord(c): '"' for c in "\u201c\u201d\u201e\u201f\u00ab\u00bb"} | {ord(c): "'" for c in "\u2018\u2019\u201a\u201b"}
_FENCE = re.compile(r"\s*(`{3,}|~{3,})\s*([^`~]*)")
_RECIPE_LINE = re.compile(r"[\s>]*-?\s*(merge_method|merge\\_method|experts|genome)\s*[:\uff1a]")
_DOUBLE_QUOTED = re.compile(r'"((?:[A-Za-z]:\\|\\\\|\.{1,2}\\|~\\|%\w+%\\)[^"\n]*)"')
_ENTITIES = {"&quot;": '"', "&#34;": '"', "&#39;": "'", "&#x27;": "'", "&apos;": "'", "&nbsp;": " ", "&lt;": "<", "&gt;": ">",
             "&amp;": "&"}  # fmt: skip
_KEY = r"[\w.\-]+"


def clothed(word: str) -> bool:
    """Whether a word wears marks that are not its own: typographic quotes, wide or invisible characters at its ends."""
    odd = {*_SPACES, *_NOTHING, *_QUOTES}
    return bool(word) and (ord(word[0]) in odd or ord(word[-1]) in odd)


def mended(text: str) -> tuple[str, tuple[str, ...]]:
    """The text as it was probably meant, with as many lines, and what was changed, in words.

    >>> mended("merge_method:\\tlinear")
    ('merge_method: linear', ('tabs were read as spaces',))
    """
    messages: list[str] = []
    for change, what in _CHANGES:
        changed = change(text)
        if changed != text:
            messages.append(what)
            text = changed
    return text, tuple(messages)


def _plain_lines(text: str) -> str:
    return re.sub("\r\n|\r|\x85|\u2028", "\n", text)


def _without_fence(text: str) -> str:
    """What is between the fences of the code block that holds a recipe, else of the first, in its own lines.

    A fence that is never closed ends with the text.
    """
    lines = text.split("\n")
    fences = [i for i, line in enumerate(lines) if _FENCE.fullmatch(line)]
    if not fences:
        return text
    blocks = [(a, b) for a, b in zip(fences[::2], [*fences[1::2], len(lines)], strict=False)]
    start, stop = next((b for b in blocks if any(map(_RECIPE_LINE.match, lines[b[0] + 1 : b[1]]))), blocks[0])
    if len(fences) == 1 and any(line.strip() for line in lines[: fences[0]]):  # only the closing one was copied
        start, stop = -1, fences[0]
    return "\n".join(line if start < i < stop else "" for i, line in enumerate(lines))


def _unquoted(text: str) -> str:
    """Without the marks of a citation, where every line has one."""
    lines = text.split("\n")
    if not all(line.startswith(">") for line in lines if line.strip()):
        return text
    return "\n".join(re.sub(r"^(?:> ?)+", "", line) for line in lines)


def _plain_entities(text: str) -> str:
    return re.sub("|".join(_ENTITIES), lambda m: _ENTITIES[m[0]], text)


def _unescaped(text: str) -> str:
    """Underscores that chats and editors escape, where they did it to a key."""
    return re.sub(r"(?<=\w)\\_", "_", text) if re.search(r"(?m)^[\s-]*[a-z]+\\_[\\\w]+[ \t]*:", text) else text


def _plain_spaces(text: str) -> str:
    return text.translate(_SPACES)


def _without_invisible(text: str) -> str:
    return text.translate(_NOTHING)


def _straight_quotes(text: str) -> str:
    """Quotation marks that stand where YAML's do: at the beginning and the end of a value."""
    marks = "".join(map(chr, _QUOTES))
    return re.sub(
        rf"(?m)((?:^|[:\-\[,{{])[ \t]*)[{marks}]([^{marks}\n]*)[{marks}](?=[ \t]*(?:$|[,\]}}:#]))",
        lambda m: f"{m[1]}'{m[2]}'" if "'" not in m[2] else m[0], text,
    )  # fmt: skip


def _without_tabs(text: str) -> str:
    """A tab is two spaces where lines begin, and one elsewhere; not inside of quotes."""

    def spaced(line: str) -> str:
        rest = line.lstrip(" \t")
        indent = line[: len(line) - len(rest)].replace("\t", "  ")
        parts = re.split(r"""("(?:[^"\\]|\\.)*"|'[^']*')""", rest)
        return indent + "".join(part if i % 2 else part.replace("\t", " ") for i, part in enumerate(parts))

    return "\n".join(spaced(line) if "\t" in line else line for line in text.split("\n"))


def _dashes(text: str) -> str:
    """List items that begin with a typographic dash or a bullet."""
    return re.sub(r"(?m)^([ \t]*)[\u2010-\u2015\u2212\u2022\u25cf](?=[ \t])", r"\1-", text)


def _colons(text: str) -> str:
    """The wide colon of a Chinese or Japanese keyboard after a key."""
    return re.sub(rf"(?m)^([ \t]*(?:-[ \t]+)?{_KEY})\uff1a[ \t]*", r"\1: ", text)


def _windows_paths(text: str) -> str:
    r"""Folders such as "C:\models\a" in double quotes, in which YAML reads \m as a letter of its own."""

    def single(match: re.Match[str]) -> str:
        path = match[1]
        escaped = len(re.sub(r"\\\\", "", path)) < len(path) and "\\" not in re.sub(r"\\\\", "", path)
        return match[0] if escaped or "'" in path else f"'{path}'"

    return _DOUBLE_QUOTED.sub(single, text)


_CHANGES: tuple[tuple[Callable[[str], str], str], ...] = (
    (_plain_lines, "line ends were made plain"),
    (_without_invisible, "invisible characters were taken out"),
    (_unquoted, "the marks of a citation were taken off"),
    (_without_fence, "the fence of a code block was taken off"),
    (_plain_entities, "HTML's names of characters were read as these"),
    (_unescaped, "escaped underscores were read as plain"),
    (_plain_spaces, "no-break and other wide spaces were read as spaces"),
    (_straight_quotes, "typographic quotation marks were read as quotes"),
    (_dashes, "typographic dashes were read as `-`"),
    (_colons, "wide colons were read as `:`"),
    (_without_tabs, "tabs were read as spaces"),
    (_windows_paths, "backslashes of Windows paths were read as they stand"),
)


__all__ = ["clothed", "mended"]
