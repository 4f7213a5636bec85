"""YAML text as plain values, and where each of them stands: no tags, no unbounded aliases, every complaint with its line."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Protocol, TypeAlias

import yaml

from merger.errors import RecipeError, nearest
from merger.limits import DOCUMENTS, RECIPE_VALUES
from merger.methods import METHODS

MAX_TEXT = 1 << 20
Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"
"""What a recipe's YAML is made of."""


@dataclass(frozen=True)
class About:
    """What is known of a document beside its values.

    lines    path -> line
    anchors  keys at the top whose value, or a part of it, is used elsewhere by an alias
    notes    what is told of it, filled while it is read
    """

    lines: dict[str, int] = field(default_factory=dict[str, int])
    anchors: set[str] = field(default_factory=set[str])
    notes: list[str] = field(default_factory=list[str])


@dataclass(frozen=True)
class Place:
    """A value in the document together with where it is, so that every complaint can say so."""

    value: Plain
    path: str
    source: str
    about: About

    def fail(self, message: str, at: str | None = None) -> RecipeError:
        line = self.about.lines.get(self.path if at is None else at)
        where = f"{self.source}, line {line}: " if line else f"{self.source}: "
        return RecipeError(where + message)

    def wrong(self, what: str) -> RecipeError:
        return self.fail(f"{self.path or 'the recipe'} {what}; got {shown(self.value)}.")

    def note(self, text: str) -> None:
        """Remember something to tell of this value."""
        line = self.about.lines.get(self.path)
        self.about.notes.append(f"{self.source}, line {line}: {text}" if line else f"{self.source}: {text}")

    def mapping(
        self, what: str, keys: tuple[str, ...], idle: Mapping[str, str] | None = None, also: tuple[str, ...] = ()
    ) -> dict[str, "Place"]:
        """This mapping's entries; unknown keys are refused with the nearest known one.

        idle  keys that people write and that do nothing, with what to say of each
        also  other spellings, which are read and not offered
        """
        if not isinstance(self.value, dict):
            raise self.wrong(f"must be {what}")
        for key in self.value:
            if key not in keys and key not in also:
                path = self._join(key)
                if self._holds_anchors(key, keys):
                    continue
                if idle is not None and key in idle:
                    self.child(key).note(f"{path} has no effect{idle[key]}.")
                    continue
                misplaced = "parameters" in keys and any(m.param(key) for m in METHODS.values())
                hint = "  Indent it below `parameters:`." if misplaced else nearest(key, keys)
                raise self.fail(f"{path} is not a key of {what}.\n  Known here: {', '.join(keys)}.{hint}", at=path)
        return {key: self.child(key) for key, value in self.value.items() if value is not None and (key in keys or key in also)}

    def _holds_anchors(self, key: str, keys: tuple[str, ...]) -> bool:
        """Whether an unknown key at the top only keeps what is used elsewhere, and is no slip of the pen."""
        if self.path or get_close_matches(key, keys, n=1, cutoff=0.85):
            return False
        return key in self.about.anchors or key.startswith(("x-", ".", "_"))

    def child(self, key: str) -> "Place":
        assert isinstance(self.value, dict)
        return Place(self.value[key], self._join(key), self.source, self.about)

    def _join(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def items(self, what: str) -> list["Place"]:
        if not isinstance(self.value, list) or not self.value:
            raise self.wrong(f"must be {what}")
        return [Place(v, f"{self.path}[{i}]", self.source, self.about) for i, v in enumerate(self.value)]

    def text(self, what: str = "text") -> str:
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.wrong(f"must be {what}")
        return self.value

    def one_of(self, choices: tuple[str, ...]) -> str:
        if self.value not in choices:
            hint = nearest(self.value, choices) if isinstance(self.value, str) else ""
            raise self.fail(f"{self.path} must be one of {', '.join(choices)}; got {shown(self.value)}.{hint}")
        return self.value


def shown(value: Plain) -> str:
    """What was given, for an error."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list" if len(value) > 6 or any(isinstance(v, (dict, list)) for v in value) else str(value)
    text = str(value)
    return repr(text if len(text) < 60 else text[:57] + "...") if isinstance(value, str) else text[:60]


# ---------------------------------------------------------------------------------------------- YAML


_MERGE_KEY = "tag:yaml.org,2002:merge"
_DEPTH = 32
"""Levels of lists and mappings within each other."""


class _Loader(Protocol):
    """What is used of yaml.SafeLoader, which has no types of its own."""

    def check_node(self) -> bool: ...
    def get_node(self) -> yaml.Node | None: ...
    def construct_object(self, node: yaml.Node) -> object: ...
    def dispose(self) -> None: ...


def parse(text: str, source: str) -> list[tuple[Plain, About]]:
    """YAML text to plain dicts and lists for each document, with the line of every path; no tags, no unbounded aliases."""
    loader, nodes = _composed(text, source)
    try:
        values = _Values(loader, source)
        return [values.document(node) for node in nodes or [None]]
    finally:
        loader.dispose()


def _composed(text: str, source: str) -> tuple[_Loader, list[yaml.Node | None]]:
    """Each document as YAML's nodes."""
    nodes: list[yaml.Node | None] = []
    try:
        loader: _Loader = yaml.SafeLoader(text)
        while loader.check_node():
            nodes.append(loader.get_node())
            if len(nodes) > DOCUMENTS:
                raise RecipeError(f"{source}: has more than {DOCUMENTS} documents; split it into several files.")
    except RecursionError:
        raise RecipeError(f"{source}: nested too deeply to be a recipe.") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise RecipeError(f"{source}{where}: this is not YAML: {problem}.") from None
    return loader, nodes


class _Values:
    """Nodes as plain values, counted over all documents of a text: aliases repeat what they stand for."""

    def __init__(self, loader: _Loader, source: str) -> None:
        self._loader = loader
        self._source = source
        self._about = About()
        self._paths: dict[int, list[str]] = {}  # of each node, by its identity
        self._count = self._length = 0

    def document(self, node: yaml.Node | None) -> tuple[Plain, About]:
        """A document's value, and where its parts stand."""
        self._about = about = About()
        self._paths.clear()
        value = self._plain(node, "", 0)
        # of several places of one node, the first is where its anchor stands
        repeated = (paths[0] for paths in self._paths.values() if len(paths) > 1)
        about.anchors.update(re.split(r"[.\[]", path, maxsplit=1)[0] for path in repeated)
        return value, about

    def _plain(self, node: yaml.Node | None, path: str, depth: int) -> Plain:
        self._check(path, depth)
        if node is None:
            return None
        self._about.lines.setdefault(path, node.start_mark.line + 1)
        self._paths.setdefault(id(node), []).append(path)
        if isinstance(node, yaml.SequenceNode):
            return [self._plain(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        return self._scalar(node, path)

    def _check(self, path: str, depth: int) -> None:
        """Count one more value, and refuse what would fill the memory."""
        self._count, self._length = self._count + 1, self._length + len(path)
        if depth > _DEPTH:
            words = f"nested more than {_DEPTH} levels deep, what `*` repeats included; recipes need about ten."
            raise RecipeError(f"{self._source}: {words}")
        most = 200 * RECIPE_VALUES
        if self._count > RECIPE_VALUES or self._length > most:
            what = f"{RECIPE_VALUES:,} values" if self._count > RECIPE_VALUES else f"{most:,} characters of keys"
            raise RecipeError(
                f"{self._source}: holds more than {what}, what `*` repeats included; that is the most a recipe may have."
            )

    def _scalar(self, node: yaml.Node, path: str) -> Plain:
        text = str(node.value)
        if not node.tag.startswith("tag:yaml.org,2002:") or node.tag.endswith(("binary", "timestamp")):
            return text
        try:
            if len(text) > 100 and node.tag.endswith((":int", ":float")):  # 1:59:59:... takes the square of its length
                raise ValueError
            value = self._loader.construct_object(node)
            if not isinstance(value, (bool, int, float, str, type(None))):  # `!!seq` and the like before a word
                raise ValueError
            str(value).encode()  # refuses half a surrogate pair and whole numbers of thousands of digits
            return value
        except (yaml.YAMLError, ValueError, ArithmeticError, LookupError):
            raise self._at(node, f"{path or 'the recipe'} is not a plain value.") from None

    def _mapping(self, node: yaml.MappingNode, path: str, depth: int) -> dict[str, Plain]:
        own: dict[str, Plain] = {}
        merged: dict[str, Plain] = {}  # from `<<: *defaults`; this mapping's own keys win, wherever they stand
        for key_node, value_node in sorted(node.value, key=_after_merges):
            if not isinstance(key_node, yaml.ScalarNode):
                raise self._at(key_node, "a key must be a word.")
            if key_node.tag == _MERGE_KEY:
                value = self._plain(value_node, path, depth + 1)
                for part in value if isinstance(value, list) else [value]:
                    if not isinstance(part, dict):
                        raise self._at(key_node, "`<<` takes a mapping, or a list of mappings.")
                    merged = part | merged
                continue
            key = str(key_node.value)
            inner = f"{path}.{key}" if path else key
            lines = self._about.lines
            if key in own:
                raise self._at(key_node, f"{inner} is given twice (first on line {lines[inner]}).")
            lines[inner] = key_node.start_mark.line + 1
            own[key] = self._plain(value_node, inner, depth + 1)
        return merged | own

    def _at(self, node: yaml.Node, problem: str) -> RecipeError:
        return RecipeError(f"{self._source}, line {node.start_mark.line + 1}: {problem}")


def _after_merges(pair: tuple[yaml.Node, yaml.Node]) -> bool:
    """The order of a mapping's pairs: what is merged into it comes first."""
    return pair[0].tag != _MERGE_KEY
