"""Sentences for people: what a move changed, what a verdict means and how to mend it, why a token was said, what a method does.

Pure, and plain text: no markup, names as they are. Field terms stand where they are taught, plain words elsewhere.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeGuard

from merger.files.layout import ATTENTION, Board, Column, role
from merger.findings import Finding, Level
from merger.inspect.explain import Explanation, Look, Spectrum, Stage
from merger.inspect.verdict import Verdict
from merger.methods import METHODS
from merger.methods.law import DROPPED, KEPT, NO_LAW, RULES, Law
from merger.methods.params import Param, Scalar
from merger.recipe import Recipe, Setting
from merger.recipe.between import effective

DOES = {
    "q": ("looks for", "queries"), "k": ("is found by", "keys"), "v": ("hands over", "values"),
    "qkv": ("looks, is found, hands over", "queries, keys and values"), "kv": ("is found, hands over", "keys and values"),
    "o": ("mixes", "output of the attention"), "mixer": ("passes on", "what stands in attention's place"),
    "gate": ("gate", "gate of the MLP"), "up": ("widens", "MLP, up"), "down": ("narrows", "MLP, down"),
    "experts": ("experts", "the experts' MLPs"), "shared": ("for all", "the shared expert"), "router": ("chooses", "router"),
    "norm": ("scales", "norms"), "embed": ("reads", "embeddings"), "head": ("writes", "output head"), "other": ("other", "other"),
}  # fmt: skip
"""What each of `layout.ROLES` does, in plain words and in the field's."""
Names = Mapping[str, str]
"""Model reference -> the short name the page shows."""

MINUS = "\N{MINUS SIGN}"


def number(value: float) -> str:
    """A weight of a tensor with its sign, three digits.

    >>> number(0.01234), number(-3e-7), number(0.0)
    ('+0.0123', '−3e-07', '0')
    """
    if value == 0:
        return "0"
    text = f"{abs(value):.3g}"
    return f"{'+' if value > 0 else MINUS}{text}"


def plain(value: float) -> str:
    """A weight of a tensor, four digits.

    >>> plain(-0.25)
    '−0.25'
    """
    return f"{value:.4g}".replace("-", MINUS, 1) if value < 0 else f"{value:.4g}"


def percent(share: float) -> str:
    """
    >>> percent(0.3), percent(0.004), percent(0.00004), percent(1)
    ('30 %', '0.4 %', 'below 0.01 %', '100 %')
    """
    value = 100 * share
    if 0 < value < 0.01:
        return "below 0.01 %"
    return f"{value:.0f} %" if value >= 10 or value == round(value) else f"{value:.2g} %"


def listed(words: Sequence[str], end: str = "and") -> str:
    """
    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {end} {words[-1]}" if words else ""


# ---------------------------------------------------------------------------------------------- what the last move changed

_FRACTIONS = {0.5: "half", 1 / 3: "a third", 2 / 3: "two thirds", 0.25: "a quarter", 0.75: "three quarters", 0.2: "a fifth"}
Values = tuple[tuple[Scalar, ...], ...]
"""A parameter's values: per column of the Mixer one for each tensor there."""


def changed(before: Recipe, after: Recipe, names: Names, board: Board) -> str:
    """What a move changed, in one or two plain sentences; "" when nothing did.

    names  references to short names; board: the Mixer's columns
    """
    if before == after:
        return ""
    if before.slices or after.slices or before.modules or after.modules or before.earlier != after.earlier:
        return "The recipe is another one now."
    sentences: list[str] = []
    if before.merge_method != after.merge_method:
        sentences.append(f"the method is {after.merge_method} now: {after.method.says}")
    sentences += _members(before, after, names)
    if not sentences:
        sentences += _numbers(before, after, names, board)
    sentences += _switches(before, after, names)
    if not sentences:
        return ""
    rest = f", and {len(sentences) - 2} more changes" if len(sentences) > 3 else ""
    text = "; ".join(sentences if len(sentences) == 3 else sentences[:2]) + rest
    return f"{text[0].upper() if sentences[0].startswith(('the ', 'all ', 'a ')) else text[0]}{text[1:]}."


def _members(before: Recipe, after: Recipe, names: Names) -> Iterator[str]:
    old, new = [e.model for e in before.models], [e.model for e in after.models]
    came, left = [_name(m, names) for m in new if m not in old], [_name(m, names) for m in old if m not in new]
    if came:
        yield f"{listed(came)} {'joins' if len(came) == 1 else 'join'} the mix"
    if left:
        yield f"{listed(left)} {'is' if len(left) == 1 else 'are'} out of the mix"
    if before.base_model != after.base_model:
        yield f"the base is {_name(after.base_model, names)} now" if after.base_model else "there is no base any more"


def _numbers(before: Recipe, after: Recipe, names: Names, board: Board) -> Iterator[str]:
    """Changes of the method's numbers, the leading model first."""
    moves: dict[tuple[str, str, str], list[str]] = {}
    weights: list[tuple[str, Values, Values]] = []
    old = {e.model: e for e in before.models}
    for param in after.method.params:
        for entry in after.models if param.per_model else [None]:
            if entry is not None and (entry.model == after.base_model and after.method.takes == "deltas"):
                continue
            earlier = effective(before, param, None, old.get(entry.model) if entry else None)
            setting = effective(after, param, None, entry)
            if setting == earlier and param.name != "weight":
                continue
            mine, now = (_values(param.name, each, board) for each in (earlier, setting))
            who = _name(entry.model, names) if entry else ""
            if param.name == "weight" and entry is not None:
                weights.append((who, mine, now))
            if mine != now:
                moves.setdefault((param.name, *_move(param, mine, now, board)), []).append(who)
    lead = _leads(weights, board)
    if lead:
        yield lead
    for (param_name, what, where), who in moves.items():
        param = next(p for p in after.method.params if p.name == param_name)
        every = len(who) > 2 and len(who) == sum(e.model != after.base_model for e in after.models)
        yield _sentence(param, "all models" if every else listed(who) if who[0] else "", what, where, len(who) > 1)


@lru_cache(maxsize=32)
def _values(param: str, setting: Setting, board: Board) -> Values:
    """Kept, as what a move ends at is where the next one begins. param: of which, as True and 1 are equal."""
    layers = sum(c.kind == "layer" for c in board.columns)
    patterns = [pattern for pattern, _ in setting.rules if pattern is not None]

    def at(column: Column) -> tuple[Scalar, ...]:
        layer, span = column.layer or 0, layers if column.layer is not None else 0
        if not patterns and column.names:
            number = setting.at(column.names[0], layer, span)
            return (0.0 if number is None else number,) * len(column.names)
        numbers: dict[tuple[bool, ...], Scalar] = {}  # the same for all tensors in whose names the same filters are
        each: list[Scalar] = []
        for name in column.names:
            key = tuple([pattern in name for pattern in patterns])
            if key not in numbers:
                number = setting.at(name, layer, span)
                numbers[key] = 0.0 if number is None else number
            each.append(numbers[key])
        return tuple(each)

    return tuple(at(column) for column in board.columns)


def _move(param: Param, before: Values, after: Values, board: Board) -> tuple[str, str]:
    """How a number went and where: ("falls from 0.6 to 0.2", "in layers 3 to 5")."""
    touched = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    where = _where(touched, board) + _part(before, after, touched, board)
    pairs = {(a, b) for i in touched for a, b in zip(before[i], after[i], strict=True) if a != b}
    if len(pairs) == 1:
        return _from_to(param, *pairs.pop()), where
    numbers = {(a, b) for a, b in pairs if _is_number(a) and _is_number(b)}
    if len(numbers) < len(pairs):
        return "is set anew", where
    ends = {b for _, b in numbers}
    up, down = all(b > a for a, b in numbers), all(b < a for a, b in numbers)
    verb = "rises" if up else "falls" if down else "changes"
    if len(ends) == 1:
        return f"{verb} to {_shown(param, ends.pop())}", where
    low, high = min(ends), max(ends)
    return f"{verb} to between {_shown(param, low)} and {_shown(param, high)}", where


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _from_to(param: Param, before: Scalar, after: Scalar) -> str:
    if isinstance(after, bool) and isinstance(before, bool):
        return "is on now" if after else "is off now"
    if not (_is_number(before) and _is_number(after)):
        return f"is {str(after).lower()} now, it was {str(before).lower()}"
    assert not isinstance(before, str) and not isinstance(after, str)
    if param.name == "weight":
        if after == 0:
            return "is silent now"
        if before == 0:
            return f"comes in at {_amount(after)}"
        if after == 1:
            return f"is {'up' if after > before else 'down'} to its full change"
        return f"is {'up' if after > before else 'down'} to {_amount(after)}"
    verb = "rises" if after > before else "falls"
    return f"{verb} from {_shown(param, before)} to {_shown(param, after)}"


def _amount(value: float) -> str:
    return next((word for share, word in _FRACTIONS.items() if abs(value - share) < 0.004), f"{value:.3g}")


def _shown(param: Param, value: Scalar) -> str:
    if isinstance(value, (bool, str)):
        return str(value).lower()
    return percent(value) if param.name in ("density", "gamma", "select_topk") else f"{value:.3g}"


def _sentence(param: Param, who: str, what: str, where: str, several: bool) -> str:
    said = where == "everywhere" and (not param.per_model or "silent" in what)  # there is nowhere else
    place = f" {where}" if where and not said else ""
    if param.name == "weight" and who:
        many = what.replace("is ", "are ", 1).replace("comes", "come", 1).replace("its full change", "their full changes")
        many = many.replace("falls", "fall", 1).replace("rises", "rise", 1).replace("changes", "change", 1)
        return f"{who} {many if several else what}{place}"
    if param.name == "density" and who:
        return f"the kept part of {who} {what}{place}"
    label = param.name if param.kind in ("bool", "choice") else f"the {(param.label or param.name).lower()}"
    return f"{label}{f' of {who}' if who else ''} {what}{place}"


def _where(touched: Sequence[int], board: Board) -> str:
    """
    >>> columns = tuple(Column(str(i), "layer", i, ()) for i in range(9))
    >>> _where([2, 3, 4, 6], Board(columns)), _where(list(range(9)), Board(columns))
    ('in layers 3 to 5 and 7', 'everywhere')
    """
    if len(touched) == len(board.columns):
        return "everywhere"
    layers = [i for i, c in enumerate(board.columns) if c.kind == "layer"]
    inside = [board.columns[i].layer or 0 for i in touched if i in set(layers)]
    places = ["in every layer" if len(inside) == len(layers) else f"in {_layers(inside)}"] if inside else []
    places += [f"in the {board.columns[i].label}" for i in touched if board.columns[i].kind != "layer"]
    return listed(places)


def _layers(numbers: Sequence[int]) -> str:
    """Layers from 0 as people count them, runs together."""
    runs: list[list[int]] = []
    for layer in sorted(numbers):
        if runs and layer == runs[-1][-1] + 1:
            runs[-1].append(layer)
        else:
            runs.append([layer])
    if len(runs) > 4:
        return f"{len(numbers)} layers"
    runs = [part for run in runs for part in ([[i] for i in run] if len(run) == 2 else [run])]
    words = [f"{r[0] + 1} to {r[-1] + 1}" if len(r) > 1 else f"{r[0] + 1}" for r in runs]
    return f"layer{'s' if len(numbers) > 1 else ''} {listed(words)}"


def _part(before: Values, after: Values, touched: Sequence[int], board: Board) -> str:
    """Whether only attention, or only the rest of each layer, was touched."""
    moved: set[bool] = set()
    still: set[bool] = set()
    for i in touched:
        if board.columns[i].kind != "layer":
            continue
        for name, a, b in zip(board.columns[i].names, before[i], after[i], strict=True):
            (moved if a != b else still).add(role(name) in ATTENTION)
    if moved == {True} and still == {False}:
        return ", attention only"
    return ", outside attention" if moved == {False} and still == {True} else ""


def _leads(weights: Sequence[tuple[str, Values, Values]], board: Board) -> str:
    """Which model has the largest weight where another had it before; "" where nobody took over."""
    if len(weights) < 2:
        return ""
    won: dict[str, list[int]] = {}
    for i, column in enumerate(board.columns):
        if not column.names:
            continue
        old = _leader([(who, _mean(before[i])) for who, before, _ in weights])
        new = _leader([(who, _mean(after[i])) for who, _, after in weights])
        if new is not None and new != old:
            won.setdefault(new, []).append(i)
    if not won:
        return ""
    who, where = max(won.items(), key=lambda pair: len(pair[1]))
    place = _where(where, board).removeprefix("in ")
    return f"{who} now leads {place}"


def _mean(values: Sequence[Scalar]) -> float:
    if values and not isinstance(values[0], str) and values.count(values[0]) == len(values):
        return float(values[0])
    numbers = [float(v) for v in values if not isinstance(v, str)]
    return math.fsum(numbers) / len(numbers) if numbers else 0.0


def _leader(weights: Sequence[tuple[str, float]]) -> str | None:
    """Who has the largest weight, by itself."""
    top = max(weight for _, weight in weights)
    first = [who for who, weight in weights if weight == top]
    return first[0] if len(first) == 1 else None


def _switches(before: Recipe, after: Recipe, names: Names) -> Iterator[str]:
    """What is not a number of the method."""
    for key, word in (("dtype", "number type"), ("out_dtype", "number type of the output"), ("chat_template", "chat template")):
        if getattr(before, key) != getattr(after, key):
            value = getattr(after, key)
            yield f"the {word} is {value} now" if value is not None and len(str(value)) < 40 else f"the {word} is another one now"
    if before.vocabulary != after.vocabulary:
        yield "words are matched by what they say now" if after.vocabulary else "words are no longer matched"
    if before.on_mismatch != after.on_mismatch:
        yield {
            "skip": "parts that do not fit are left out", "crop": "word tables are cut to the rows that all have",
            "crop+skip": "longer word tables are cut to the base's, other parts that do not fit are left out",
            "refuse": "parts that do not fit are refused",
        }[after.on_mismatch]  # fmt: skip
    if before.seed != after.seed:
        yield "the dice are thrown anew"


def _name(reference: str | None, names: Names) -> str:
    return names.get(reference or "", reference or "")


# ---------------------------------------------------------------------------------------------- the verdict


@dataclass(frozen=True)
class Remark:
    """A sentence of the verdict in plain words, with its fix as an edit where there is one.

    fix_label  what the button says; "" without a fix
    changes    for recipe.replace_all
    """

    text: str
    level: Level
    fix_label: str = ""
    changes: Mapping[str, Any] = field(default_factory=dict[str, Any])


def verdict_words(verdict: Verdict, names: Names | None = None) -> list[Remark]:
    """The verdict in plain words, worst first; what is fine is said too when nothing is wrong."""
    remarks = [_remark(finding, names or {}) for finding in verdict.findings]
    if not any(remark.level != "note" for remark in remarks):
        remarks.insert(0, Remark(_fine(verdict), "note"))
    return remarks


def _fine(verdict: Verdict) -> str:
    share = verdict.kept / verdict.numel if verdict.numel else 0.0
    return f"Nothing speaks against this merge. It can change {percent(share)} of the weights."


def _remark(finding: Finding, names: Names) -> Remark:
    who = _name(finding.model, names)
    n = finding.figures
    sentences = {
        "copy": lambda: f"Nothing is mixed in: what you hear is {who} itself.",
        "misfits": lambda: f"{n[0]:.0f} of {n[1]:.0f} parts do not fit all models and stay as they are in the base.",
        "unfit": lambda: f"{who} has another build than the base: no part of it can be mixed in.",
        "silent": lambda: f"{who} is in the mix but has no say: its share is 0 everywhere.",
        "hardly": lambda: f"Only {percent(n[0])} of what {who} learned is kept: too little to hear.",
        "too far": lambda: f"The changes are added {n[0]:.3g} times over. That usually ends in babble.",
        "scaled": lambda: f"The shares add up to {n[0]:.3g} instead of 1: the whole model is {n[0]:.3g} times as loud.",
        "lone weight": lambda: f"How much of {who} you take makes no difference: it is alone, and shares are made to sum to 1.",
        "untrimmed": lambda: f"Every change of {who} is kept; nothing is trimmed.",
        "lost rule": lambda: "A rule of the recipe is never used.",
        "same": lambda: f"{who} is the same model as the base: it has nothing to add.",
        "stranger": lambda: f"{who} does not come from this base. Their difference means nothing; the mix will probably babble.",
        "other words": lambda: f"{who} n its words in another way: {n[0]:,.0f} of {n[1]:,.0f} mean something else.",
        "more words": lambda: f"{who} knows words the base does not ({n[0]:,.0f}); they are not merged.",
        "narrow": lambda: "The output's number type is too narrow: large n overflow, small ones vanish.",
        "rounded": lambda: "The output is rounded more coarsely than the models; small changes are lost.",
        "damaged": lambda: f"{who} has n that are none, or infinite: it is damaged, and the merge is, too.",
        "cancelled": lambda: "The shares cancel each other out: making them sum to 1 has no meaning here.",
        "positions": lambda: f"{who} counts positions in another way than the base; its attention will be misled.",
    }  # fmt: skip
    sentence = sentences.get(finding.kind)
    text = sentence() if sentence is not None else _capital(finding.words)
    fix = finding.mend
    if fix is None:
        return Remark(text, finding.level)
    return Remark(text, finding.level, fix.label, fix.changes)


def refusal_words(error: str) -> str:
    """A merge that was refused because models do not fit, in plain words. error: the refusal's words."""
    first = error.split("\n", 1)[0]
    if "vocabularies differ" in error:
        return "The models know different words, so their word tables have different sizes."
    if "--allow-crimes" in error:
        return "The models are not built alike: some parts have other sizes."
    return first


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:] if " " in text.split("_")[0] else text


# ---------------------------------------------------------------------------------------------- why this token


class Opinion(Protocol):
    """What one model thinks of a token (Judged): its probability there, rank (1: it says it too), its own best token."""

    @property
    def probability(self) -> float: ...
    @property
    def rank(self) -> int: ...
    @property
    def best(self) -> str: ...


def why_token(opinions: Mapping[str, Opinion], base: str | None = None) -> str:
    """One sentence on a token of the merge: who would say it too, and what the base would say.

    opinions  short name -> that model's opinion, the base among them; base: its name
    """
    parents = {name: o for name, o in opinions.items() if name != base}
    own = opinions.get(base) if base is not None else None
    says = {name: o for name, o in parents.items() if o.rank == 1}
    tail = "" if own is None or base is None else f"{base} would say {quoted(own.best)} here" if own.rank != 1 else ""
    if says:
        who = listed([f"{name} ({percent(round(o.probability, 2))})" for name, o in _surest(says)])
        alone = next(iter(says)) if len(says) == 1 else ""
        if own is not None and own.rank == 1 and len(says) == len(parents):
            return f"Everyone would say this: {who}, and {base} too."
        head = f"{who} would say this too"
        if alone:
            head = f"{alone} would say this too ({percent(round(says[alone].probability, 2))})"
        if own is not None and own.rank == 1:
            others = [f"{name} would say {quoted(o.best)}" for name, o in parents.items() if o.rank != 1]
            return f"{head}, and so would {base}; {listed(others)}." if others else f"{head}, and so would {base}."
        return f"{head}; {tail}." if tail else f"{head}."
    if own is not None and own.rank == 1:
        others = [f"{name} would say {quoted(o.best)}" for name, o in parents.items()]
        return f"Only {base} would say this; {listed(others)}." if others else f"{base} would say this too."
    near = min(parents.items(), key=lambda pair: (pair[1].rank, -pair[1].probability), default=None)
    if near is None:
        return f"{tail}." if tail else ""
    name, opinion = near
    place = {2: "second", 3: "third"}.get(opinion.rank)
    closest = (
        f"{name} has it {place} ({percent(round(opinion.probability, 3))}), after {quoted(opinion.best)}" if place
        else f"nearest is {name}, which would say {quoted(opinion.best)}"
    )  # fmt: skip
    return f"Nobody alone would say this, the mix does; {closest}{f'; {tail}' if tail else ''}."


def _surest(opinions: Mapping[str, Opinion]) -> list[tuple[str, Opinion]]:
    return sorted(opinions.items(), key=lambda pair: -pair[1].probability)


def quoted(token: str) -> str:
    """A token in quotes, blanks and line ends made visible.

    >>> quoted(" a"), quoted("\\n"), quoted("")
    ('“␣a”', '“⏎”', 'the end')
    """
    if token == "":
        return "the end"
    shown = token.replace("\n", "⏎").replace("\t", "⇥")
    shown = f"␣{shown[1:]}" if shown.startswith(" ") else shown
    shown = f"{shown[:-1]}␣" if len(shown) > 1 and shown.endswith(" ") else shown
    return f"“{shown[:40]}{'…' if len(shown) > 40 else ''}”"


# ---------------------------------------------------------------------------------------------- how a method works


def stage_title(stage: Stage, explained: Explanation, names: Names) -> str:
    """What is drawn in one step, as the title of its picture."""
    zero, law = _name(explained.against, names), _law(explained)
    return {
        "base": f"The weights of {zero}", "deltas": "Changes: what each model learned", "models": f"The models, seen from {zero}",
        "chance": "Chance to stay", "kept": law.teach.kept or KEPT[law.trim], "rescaled": law.teach.rescaled,
        "weighted": "Weigh: times how much of each", "elected": "Vote: the heavier sign wins",
        "agreeing": law.teach.agreeing, "importance": "How much each change stands out", "taken": "Weigh: times its share",
        "average": "The plain average", "merged": "Merged change", "result": "Result: before (hollow) and after",
    }[stage.name]  # fmt: skip


def method_words(explained: Explanation, names: Names) -> list[str]:
    """Two or three sentences on what the method did to this tensor, with its real numbers."""
    if not explained.at:
        return ["None of the models changed this tensor, so there is nothing to merge: it stays as it is."]
    if explained.method is None:
        return [f"This tensor is copied from {_name(explained.models[0], names)} as it is."]
    sentences = [_rule(explained, names)]
    spot = _spot(explained)
    if spot is not None and explained.stage("deltas") is not None:
        sentences.append(_at(explained, spot, names))
    elif spot is not None:
        sentences.append(_moved_at(explained, spot, names))
    return sentences


def _law(explained: Explanation) -> Law:
    return METHODS[explained.method].law if explained.method is not None else NO_LAW


def _rule(explained: Explanation, names: Names) -> str:
    """The method's own sentences: its law's, with the pieces in braces filled in; else what it says in the menu."""
    law = _law(explained)
    if law.combine in ("step", "arc") and len(explained.models) == 1:
        return "One model alone is taken as it is."
    rule = law.teach.rule or (RULES[law.trim] if law.combine == "sum" else "")
    try:
        return rule.format_map(_Pieces(explained, names)).strip() if rule else _capital_first(_says(explained))
    except _Nothing:
        return law.teach.otherwise or _capital_first(_says(explained))


def _says(explained: Explanation) -> str:
    return f"{METHODS[explained.method or ''].says}."


class _Nothing(Exception):
    """A piece of a sentence that has nothing to tell of this tensor."""


class _Pieces(Mapping[str, object]):
    """What may stand in braces in a method's sentence: the pieces below, else the explanation's numbers by their names."""

    def __init__(self, explained: Explanation, names: Names) -> None:
        self.explained, self.zero = explained, _name(explained.against, names)
        self.who = [_name(m, names) for m in explained.models]
        n = len(self.who)
        self.each_of = {k: v if len(v) == n else v * n for k, v in explained.numbers.items() if len(v) in (1, n)}

    def __iter__(self) -> Iterator[str]:
        return iter((*PIECES, *self.explained.numbers))

    def __len__(self) -> int:
        return len([*self])

    def __getitem__(self, piece: str) -> object:
        if piece in PIECES:
            return PIECES[piece](self)
        if piece not in self.explained.numbers:
            raise _Nothing(piece)
        return self.explained.numbers[piece][0]

    def each(self, number: str) -> Sequence[float]:
        """A number of each model. _Nothing where there is none."""
        if number not in self.each_of:
            raise _Nothing(number)
        return self.each_of[number]

    @property
    def spectrum(self) -> Spectrum:
        spectrum = self.explained.spectrum
        if spectrum is None or not spectrum.merged:
            raise _Nothing("spectrum")
        return spectrum

    def odds(self, sign: int) -> list[float]:
        """Chances to stay at the ends of a row."""
        return [d + sign * e for d, e in zip(self.each("density"), self.each("epsilon"), strict=True)]


PIECES: dict[str, Callable[[_Pieces], object]] = {
    "first": lambda have: have.who[0],
    "zero": lambda have: have.zero,
    "n": lambda have: len(have.who),
    "shares": lambda have: _parts(have.each("share"), have.who),
    "scaled": lambda have: "as it is" if have.each("share")[0] == 1 else f"times {have.each('share')[0]:g}",
    "times": lambda have: _times(have.each("weight"), have.who),
    "trimmed": lambda have: _trim_words(have.explained, have.who, have.each_of),
    "chances": lambda have: _chances(have.each("density"), have.who),
    "rescaled": lambda have: _rescaled(have.each_of, have.who),
    "lowest": lambda have: percent(min(have.odds(-1))),
    "highest": lambda have: percent(max(have.odds(1))),
    "best": lambda have: percent(max(have.each("density"))),
    "selected": lambda have: _selected(have.each("select_topk")[0]),
    "arc": lambda have: _arc_words(have.explained, have.who),
    "apart": lambda have: f"{math.degrees(math.acos(max(-1.0, min(1.0, have.each('cosine')[0])))):.3g}°",
    "way": lambda have: percent(have.each("step")[0]),
    "before": lambda have: f"{have.spectrum.added[0]:.3g}",
    "after": lambda have: f"{have.spectrum.merged[0]:.3g}",
}


def _capital_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def _parts(shares: Sequence[float], who: Sequence[str]) -> str:
    return listed([f"{percent(s)} of {name}" for s, name in zip(shares, who, strict=True)])


def _times(weights: Sequence[float], who: Sequence[str]) -> str:
    return listed([f"{w:.3g} times {name}" for w, name in zip(weights, who, strict=True)])


def _chances(densities: Sequence[float], who: Sequence[str]) -> str:
    if len(set(densities)) == 1:
        return f"each with a chance of {percent(densities[0])}"
    return listed([f"{percent(d)} of {name}" for d, name in zip(densities, who, strict=True)])


def _rescaled(each: Mapping[str, Sequence[float]], who: Sequence[str]) -> str:
    scales = each.get("scale", (1.0,))
    if all(abs(s - 1) < 1e-3 for s in scales):
        return ""
    if max(scales) - min(scales) < 0.05 * max(scales):
        return f"What stays is enlarged {scales[0]:.3g} times, so that the whole is as large as before."
    return f"What stays is enlarged: {listed([f'{name} {s:.3g} times' for s, name in zip(scales, who, strict=True)])}."


def _trim_words(explained: Explanation, who: Sequence[str], each: Mapping[str, Sequence[float]]) -> str:
    if "cut" not in each:
        return "Nothing is trimmed: every change goes into the vote." if explained.stage("elected") else "Nothing is trimmed."
    parts: list[str] = []
    for name, density, low, high in zip(who, each["density"], each["cut"], each["top"], strict=True):
        if density >= 1:
            parts.append(f"all of {name}")
        elif math.isinf(low):
            parts.append(f"nothing of {name}")
        elif math.isinf(high):
            parts.append(f"of {name} those from {low:.3g} up ({percent(density)})")
        else:
            parts.append(f"of {name} those from {low:.3g} to {high:.3g} ({percent(density)})")
    if _law(explained).trim == "largest":
        return f"Only the larger changes stay: {listed(parts)}."
    return f"The smallest and the very largest changes go; what stays: {listed(parts)}."


def _selected(share: float) -> str:
    return "Every position counts" if share >= 1 else f"Only the {percent(share)} where the models differ most count"


def _arc_words(explained: Explanation, who: Sequence[str]) -> str:
    arc = explained.arc
    if arc is None or "share" not in explained.numbers:
        raise _Nothing("arc")
    what = "changes" if arc.deltas else "weights"
    length, straight = math.hypot(*arc.result), math.hypot(*arc.straight)
    t = explained.numbers.get("t")
    way = f", {t[0]:g} of the way from {who[0]} to {who[1]}," if t is not None and len(who) == 2 else ""
    same = abs(length - straight) <= 5e-4 * length
    most = "are" if len(who) == 2 else "are up to"
    return (
        f"As arrows, the {what} of {listed(list(who))} {most} {arc.degrees:.3g}° apart. On the arc{way} the merge is "
        f"{length:.4g} long; on a straight line it would be {'the same' if same else f'{straight:.4g}'}."
    )


def _spot(explained: Explanation) -> int | None:
    """The position that tells most: where a vote is lost, else where one is dropped and another stays, else the first."""
    for name in ("agreeing", "kept", "importance"):
        stage = explained.stage(name)
        if stage is None:
            continue
        for j in range(len(explained.at)):
            gone = [row[j] for row in stage.out]
            if any(gone) and (not all(gone) or len(gone) == 1):
                return j
    return 0 if explained.at else None


def _at(explained: Explanation, j: int, names: Names) -> str:
    """One position, told through the stages."""
    who = [_name(m, names) for m in explained.models]
    deltas = explained.stage("deltas")
    assert deltas is not None
    wants = [f"{name} wants {number(row[j])}" if i == 0 else f"{name} {number(row[j])}"
             for i, (name, row) in enumerate(zip(who, deltas.rows, strict=True))]  # fmt: skip
    sentences = [f"At {place(explained.at[j])} {', '.join(wants)}"]
    kept, elected, agreeing = explained.stage("kept"), explained.stage("elected"), explained.stage("agreeing")
    gone = [i for i, out in enumerate(kept.out) if out[j]] if kept else []
    law = _law(explained)
    if gone:
        verb = "is" if len(gone) == 1 else "are"
        sentences.append(f"{listed([who[i] for i in gone])} {verb} {law.teach.dropped or DROPPED[law.trim]}")
    if elected is not None and not elected.out[0][j]:
        sign = "+" if elected.rows[0][j] >= 0 else MINUS
        outside = agreeing.out if agreeing else ()
        lost = [who[i] for i, out in enumerate(outside) if out[j] and i not in gone and deltas.rows[i][j] != 0]
        vote = f"the vote goes to {sign}"
        sentences.append(f"{vote}; {listed(lost)} {'sits' if len(lost) == 1 else 'sit'} this one out" if lost else vote)
    merged, result = explained.stage("merged"), explained.stage("result")
    assert merged is not None and result is not None
    head = f"{sentences[0]}: {'; '.join(sentences[1:])}." if len(sentences) > 1 else f"{sentences[0]}."
    return f"{head} The merge takes {number(merged.rows[0][j])}: {plain(result.rows[0][j])} becomes {plain(result.rows[1][j])}."


def _moved_at(explained: Explanation, j: int, names: Names) -> str:
    models, result = explained.stage("models"), explained.stage("result")
    assert models is not None and result is not None
    start = result.rows[0][j]
    values = [(m, start + row[j]) for m, row in zip(explained.models, models.rows, strict=True)]
    if explained.against not in explained.models and METHODS[explained.method or ""].base == "first":
        values.insert(0, (explained.against or "", start))
    listing = listed([f"{_name(m, names)} has {plain(v)}" for m, v in values])
    return f"At {place(explained.at[j])} {listing}; the merge has {plain(result.rows[1][j])}."


def place(index: Sequence[int]) -> str:
    """
    >>> place((3, 17)), place((4,)), place(())
    ('row 4, column 18', 'place 5', 'the only place')
    """
    if not index:
        return "the only place"
    if len(index) == 2:
        return f"row {index[0] + 1}, column {index[1] + 1}"
    return f"place {', '.join(str(i + 1) for i in index)}"


# ---------------------------------------------------------------------------------------------- the tensor in words


def look_words(seen: Look, names: Names) -> str:
    """A tensor's numbers in one sentence: the figures' conclusion, and what a screen reader says first."""
    shape = " × ".join(str(n) for n in seen.shape) or "one number"
    stats = seen.stats
    head = f"{seen.name}, {shape}, {seen.numel:,} weights."
    if stats is None or not any(stats.facts.changed):
        return f"{head} No model changed it."
    if len(stats.models) == 1:
        return f"{head} {_name(stats.models[0], names)} moved it by {percent(stats.size[0])} of its size."
    before = f"The models pull {percent(stats.conflict_before)} of the weights both ways"
    after = f", {percent(stats.conflict)} after trimming" if seen.own and stats.conflict != stats.conflict_before else ""
    return f"{head} {before}{after}."


def sampled_words(seen: Look) -> str:
    """What was not looked at; "" for a whole tensor."""
    which = _ordinal(seen.every)
    return "" if seen.every == 1 else f"Worked out on every {which} row of this large tensor; the merge itself uses all."


def _ordinal(n: int) -> str:
    return {2: "second", 3: "third"}.get(n, f"{n}th")


__all__ = [
    "PIECES", "Names", "Opinion", "Remark", "changed", "look_words", "method_words", "number", "percent", "place", "quoted",
    "refusal_words", "sampled_words", "stage_title", "verdict_words", "why_token",
]  # fmt: skip
