"""Judge: how good a merge is, in memory, question by question, so that it can be compared with its parents.

judge = Judge(Runner(Parents()), read_questions(Path("mine.txt")), shipped_texts(), recipe.merged)
merged, base = judge.measure(recipe), judge.measure(recipe.base_model)
print(words(compare(merged.figures["right", "all"], base.figures["right", "all"])))
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor

from merger.chat.batch import generate_ids
from merger.chat.model import ChatModel, Plain, reading
from merger.errors import MergeError
from merger.hub.access import Access
from merger.inside import inside, presets
from merger.limits import JUDGED_CHARACTERS
from merger.recipe import Recipe, dump
from merger.regular import read_text
from merger.search import babble
from merger.search.babble import Heard
from merger.search.choices import choices
from merger.search.choices import heard as heard_choices
from merger.search.figures import ALL, Figure, Key, Kind, by_skill
from merger.search.likelihood import Example, Pass, examples, floats, integers, logprobs, passes
from merger.search.matching import judged
from merger.search.questions import Question, QuestionSet, plain
from merger.search.trials import Runner

LONGEST = 160
"""Tokens of an answer in which words or a pattern are looked for."""
TOLD = 48
"""Tokens of a parent's own answer that others are compared with."""
_SAMPLE = 6
"""Answers that are heard in full, whatever is asked, to notice babble."""
_PIECE = 600
"""Characters of a piece of text; each is read alone."""
_BLOCK = 120
"""Characters of which the bits are told from chance together."""
_ROWS = 64


@dataclass(frozen=True)
class Text:
    """A text whose bits per byte are measured, in pieces."""

    name: str
    pieces: tuple[str, ...]


@dataclass(frozen=True)
class Progress:
    """How far a model is: what is worked on, and the share of all of it that is done, 0 to 1."""

    what: str
    share: float


@dataclass(frozen=True)
class Measured:
    """A model's figures by kind and skill, text or parent; answers to each question (None: not generated); what was heard."""

    figures: Mapping[Key, Figure]
    right: tuple[bool | None, ...]
    heard: tuple[Heard, ...] = ()
    bits: int = 0
    """Of a weight, where llama.cpp was asked; 0: the model in memory."""


@dataclass(frozen=True)
class _Said:
    """A parent's own answers, as token ids. prompts: the prompts' ids, by which another vocabulary is known."""

    prompts: tuple[tuple[int, ...], ...]
    answers: tuple[tuple[tuple[int, ...], bool], ...]


def _silent(_: Progress) -> None:
    """Nobody wants to know."""


def _always() -> bool:
    return True


@dataclass
class Judge:
    """Measures models by one set of questions and some texts; what was measured of models as they are is remembered.

    parents  whose own answers the others are compared with
    samples  whether a few answers are heard in full whatever is asked, to notice babble
    longest  tokens of an answer in which words or a pattern are looked for
    """

    runner: Runner
    questions: QuestionSet | None = None
    texts: Sequence[Text] = ()
    parents: Sequence[str] = ()
    access: Access | None = None
    samples: bool = True
    longest: int = LONGEST
    _known: dict[tuple[str, int], Measured] = field(default_factory=dict[tuple[str, int], Measured])
    _said: dict[tuple[str, int], _Said] = field(default_factory=dict[tuple[str, int], _Said])

    def measure(
        self, what: Recipe | str, *, progress: Callable[[Progress], None] = _silent, go_on: Callable[[], bool] = _always
    ) -> Measured:
        """The figures of a merge, or of a model as it is. Cancelled when `go_on`, asked before every pass, says no."""
        key = self._key(what)
        if key not in self._known:
            asked: list[Recipe | str] = [what, *self.parents]
            found = self.runner.within(
                lambda: _Measuring(self, self.model(what, go_on), progress, go_on).all(), asked, access=self.access
            )
            self.runner.parents.check(what.opened if isinstance(what, Recipe) else [what])
            self._known[key] = found
        return self._known[key]

    def known(self, what: Recipe | str) -> Measured | None:
        """What was measured already of this very recipe, or model, whose files are as they were then."""
        return self._known.get(self._key(what))

    def _key(self, what: Recipe | str) -> tuple[str, int]:
        name = what if isinstance(what, str) else "recipe " + hashlib.sha256(dump(what).encode()).hexdigest()
        self.runner.parents.renew(what.opened if isinstance(what, Recipe) else [what])
        return name, self.runner.parents.generation

    def model(self, what: Recipe | str, go_on: Callable[[], bool] = _always) -> ChatModel:
        """The model of a merge, or of a reference."""
        if isinstance(what, str):
            return self.runner.parent(what, self.access)
        return self.runner.merged(what, go_on, self.access)

    def own_answers(self, parent: str, go_on: Callable[[], bool] = _always) -> _Said:
        """What a parent says itself to the prompts, as the ids of its tokens: text encoded again may be others."""
        key = self._key(parent)
        if key not in self._said:
            model, prompts = self.model(parent, go_on), self.prompts
            found = generate_ids(model, prompts, TOLD, go_on=go_on)
            self._said[key] = _Said(
                tuple(tuple(model.encode(p)) for p in prompts), tuple((tuple(ids), ended) for ids, ended in found)
            )
        return self._said[key]

    @property
    def prompts(self) -> list[str]:
        """The prompts as models are asked them; each once."""
        asked = {q.prompt: q for q in self.questions.questions} if self.questions is not None else {}
        return [self.prompt(q) for q in asked.values()]

    def prompt(self, question: Question) -> str:
        """A question's prompt as models are asked it: in their chat template, or as a text to go on with."""
        return Plain(question.prompt) if self.questions is not None and self.questions.plain else question.prompt


class _Measuring:
    """One model at work."""

    def __init__(self, judge: Judge, model: ChatModel, progress: Callable[[Progress], None], go_on: Callable[[], bool]) -> None:
        self.judge, self.model, self.go_on = judge, model, go_on
        self._progress = progress
        self.asked: QuestionSet = judge.questions or QuestionSet("", ())
        self._steps = ["answers", *judge.parents, *(text.name for text in judge.texts)]

    def _tell(self, what: str) -> None:
        self._progress(Progress(what, self._steps.index(what) / len(self._steps)))

    def all(self) -> Measured:
        """Every figure."""
        self._tell("answers")
        right, nll, heard = self._answers()
        figures = {**self._shares(right), **self._nll(nll)}
        for parent in self.judge.parents if self.asked.questions else ():
            self._tell(parent)
            figures |= self._beside(parent)
        for text in self.judge.texts:
            self._tell(text.name)
            figures["bits", text.name] = bits(self.model, text, self.go_on)
        return Measured(figures, tuple(right), tuple(heard), self.model.bits)

    def _answers(self) -> tuple[list[bool | None], list[float | None], list[Heard]]:
        """For each question whether it was answered right and -log P of the wanted answer; and what was generated."""
        questions = self.asked.questions
        right: list[bool | None] = [None] * len(questions)
        nll: list[float | None] = [None] * len(questions)
        heard: list[Heard] = []
        exact = [i for i, q in enumerate(questions) if q.match == "exact"]
        found = judge_exact(
            self.model, [self.judge.prompt(questions[i]) for i in exact], [questions[i].answer for i in exact], self.go_on,
            self._lead(exact),
        )  # fmt: skip
        for i, (is_right, loss) in zip(exact, found, strict=True):
            right[i], nll[i] = is_right, loss
        for i, is_right, loss in self._choices():
            right[i], nll[i] = is_right, loss
        open_ = [i for i, q in enumerate(questions) if q.match in ("within", "pattern")]
        heard += hear(self.model, [self.judge.prompt(questions[i]) for i in open_], self.judge.longest, self.go_on)
        wanted = [(questions[i].answer, questions[i].match) for i in open_]
        for i, is_right in zip(open_, judged(wanted, [h.text for h in heard]), strict=True):
            right[i] = is_right
        if not self.judge.samples:
            return right, nll, heard
        rest = [p for p in self.judge.prompts if p not in {h.prompt for h in heard}][: max(0, _SAMPLE - len(heard))]
        heard += hear(self.model, rest, babble.LONGEST, self.go_on)
        return right, nll, heard

    def _lead(self, some: Sequence[int]) -> str | None:
        """What stands between prompt and answer: a blank in a text to go on with; else as the model likes it, None."""
        return " " if self.asked.plain and some else None

    def _choices(self) -> list[tuple[int, bool, float]]:
        """(question, right, -log P of the right choice) of those with choices.

        The likeliest whole choice is the answer; of equals the first, as lm-eval has it.
        """
        questions = [(i, q) for i, q in enumerate(self.asked.questions) if q.match == "choice"]
        asked = choices(self.model, [q for _, q in questions], self.asked.plain)
        found = heard_choices(self.model, asked, self.go_on)
        return [(i, one.right(likely), -likely[one.at]) for (i, _), one, likely in zip(questions, asked, found, strict=True)]

    def _shares(self, right: Sequence[bool | None]) -> dict[Key, Figure]:
        """The share of right answers by skill, and the mean of the skills, in which each counts the same."""
        known = [(q.skill, is_right) for q, is_right in zip(self.asked.questions, right, strict=True) if is_right is not None]
        return by_skill("right", [(skill, float(is_right)) for skill, is_right in known])

    def _nll(self, nll: Sequence[float | None]) -> dict[Key, Figure]:
        return by_skill("nll", [(q.skill, v) for q, v in zip(self.asked.questions, nll, strict=True) if v is not None])

    def _beside(self, parent: str) -> dict[Key, Figure]:
        """How near this model is to a parent on the parent's own answers; nothing where their tokens are others."""
        said = self.judge.own_answers(parent, self.go_on)
        beside = self.judge.runner.parent(parent, self.judge.access)
        prompts = self.judge.prompts
        if _size(beside) != _size(self.model) or any(
            tuple(self.model.encode(p)) != ids for p, ids in zip(prompts, said.prompts, strict=True)
        ):
            return {}
        asked = [
            Example(ids, answer, ended and bool(beside.stops))
            for ids, (answer, ended) in zip(said.prompts, said.answers, strict=True)
            if answer or (ended and beside.stops)
        ]
        if not asked:
            return {}
        kl, agree, same, nll = ([0.0] * len(asked) for _ in range(4))
        batch = 16 if beside.probed.masks and self.model.probed.masks else 1
        own = passes(self.model, asked, batch, go_on=self.go_on)
        theirs = own if beside is self.model else passes(beside, asked, batch, go_on=self.go_on)
        for b in own:
            _compared(b if beside is self.model else next(theirs), b, kl, agree, same, nll)
        if beside is self.model:
            same = [1.0] * len(asked)  # many tokens at once can round otherwise than one
        ones = (1.0,) * len(asked)
        made: tuple[tuple[Kind, list[float]], ...] = (("kl", kl), ("agree", agree), ("same", same))
        figures: dict[Key, Figure] = {(kind, parent): Figure(kind, parent, tuple(v), ones) for kind, v in made}
        key: Key = ("nll", f"what {parent} says")
        figures[key] = Figure(*key, tuple(nll), ones)
        return figures


def _size(model: ChatModel) -> int:
    return model.forward.words


def _compared(theirs: Pass, own: Pass, kl: list[float], agree: list[float], same: list[float], nll: list[float]) -> None:
    """Fill in what two models' logits at the same tokens say of each example: means over its tokens, and sums of -log P."""
    counts = own.each(torch.ones_like(own.rows, dtype=torch.float32))
    starts = range(0, len(own.logits), _ROWS)  # some rows at a time: a softmax of all would take as much memory as they
    apart = torch.cat([_kl(theirs.logits[i : i + _ROWS], own.logits[i : i + _ROWS]) for i in starts])
    means = own.each(apart) / counts
    alike = own.each((theirs.best() == own.best()).float()) / counts
    missed = own.each((~own.hits()).float())
    likely = own.each(own.logprobs())
    for at, place in enumerate(own.places):
        kl[place], agree[place] = max(0.0, float(means[at])), float(alike[at])
        same[place], nll[place] = float(missed[at] == 0), -float(likely[at])


def _kl(theirs: Tensor, own: Tensor) -> Tensor:
    """KL(theirs, own) of each row of logits (rows, vocabulary), in nats, (rows,)."""
    p, q = theirs.log_softmax(-1), own.log_softmax(-1)
    return torch.where(p.exp() > 0, p.exp() * (p - q), torch.zeros_like(p)).sum(-1)


# ---------------------------------------------------------------------------------------------- answers


@torch.no_grad()
def judge_exact(
    model: ChatModel,
    prompts: Sequence[str],
    answers: Sequence[str],
    go_on: Callable[[], bool] = _always,
    blank: str | None = None,
) -> list[tuple[bool, float]]:
    """Whether the greedy answer to each prompt is the wanted one, and -log P of the wanted one with its end, in nats.

    In one pass over prompt and answer: the first token that the model would rather say tells. Where it could still come to the
    same text (another case, other blanks, other tokens of the same letters) the answer is generated.
    """
    asked = examples(model, prompts, answers, blank=blank)
    found: list[tuple[bool, float]] = [(False, math.inf)] * len(asked)
    unsure: list[int] = []
    for one in passes(model, asked, go_on=go_on):
        likely = floats(one.each(one.logprobs()))
        hits, best, rows = integers(one.hits()), integers(one.best()), integers(one.rows)
        for at, place in enumerate(one.places):
            own = [j for j, row in enumerate(rows) if row == at]
            miss = next((j - own[0] for j in own if not hits[j]), None)
            said = None if miss is None else best[own[0] + miss]
            is_right = asked[place].ends if miss is None else _could_be(model, asked[place], answers[place], miss, said)
            if is_right is None:
                unsure.append(place)
            found[place] = is_right is True, -likely[at]
    most = 8 + max((len(asked[i].wanted) for i in unsure), default=0)
    for i, (ids, ended) in zip(unsure, generate_ids(model, [prompts[i] for i in unsure], most, go_on=go_on), strict=True):
        found[i] = ended and plain(_text(model, ids)) == plain(answers[i]), found[i][1]
    return found


def _could_be(model: ChatModel, one: Example, answer: str, miss: int, said: int | None) -> bool | None:
    """Whether an answer that leaves the wanted one at its token `miss`, and says `said` there, is right; None: it may be."""
    ended = said in model.stops
    given = [*one.wanted[:miss], *([said] if said is not None and not ended else [])]
    text = plain(_text(model, given).rstrip("\ufffd"))
    if ended:
        return text == plain(answer)
    return None if plain(answer).startswith(text) else False


def _text(model: ChatModel, ids: Sequence[int]) -> str:
    with reading():
        return str(model.tokenizer.decode(list(ids), skip_special_tokens=True))


@torch.no_grad()
def hear(model: ChatModel, prompts: Sequence[str], limit: int, go_on: Callable[[], bool] = _always) -> list[Heard]:
    """Greedy answers of at most `limit` tokens, and how sure the model was of them."""
    said = generate_ids(model, prompts, limit, go_on=go_on)
    asked = [Example(tuple(model.encode(p)), tuple(ids), False) for p, (ids, _) in zip(prompts, said, strict=True)]
    likely = floats(logprobs(model, asked, go_on=go_on))
    return [
        Heard(str(p), _text(model, ids).rstrip("\ufffd").strip(), len(ids), ended, math.exp(total / len(ids)) if ids else 1.0)
        for p, (ids, ended), total in zip(prompts, said, likely, strict=True)
    ]


# ---------------------------------------------------------------------------------------------- texts


def shipped_texts() -> tuple[Text, ...]:
    """Four short texts that come with the program: prose, code, mathematics, chat."""
    folder = presets() / "texts"
    return tuple(Text(name, pieces((folder / f"{name}.txt").read_text(encoding="utf-8"))) for name in KINDS)


KINDS = ("prose", "code", "mathematics", "chat")


def own_text(file: Path) -> Text:
    """A text of one's own. MergeError where it is none, or too long."""
    try:
        text = read_text(inside(file))
    except (OSError, UnicodeDecodeError) as error:
        raise MergeError(f"{file}: cannot be read as a text: {getattr(error, 'strerror', None) or 'not text'}.") from None
    if len(text) > JUDGED_CHARACTERS:
        raise MergeError(f"{file}: has {len(text):,} characters; of a text at most {JUDGED_CHARACTERS:,} are measured.")
    if not text.strip():
        raise MergeError(f"{file}: is empty; write a text whose bits per byte are to be measured.")
    return Text(file.name, pieces(text))


def pieces(text: str) -> tuple[str, ...]:
    """A text in pieces of at most 600 characters, cut between paragraphs or lines where that is possible.

    >>> pieces("one\\n\\ntwo"), [len(piece) for piece in pieces("x" * 700)]
    (('one\\n\\ntwo',), [600, 100])
    """
    found: list[str] = []
    rest = text.strip("\n")
    while len(rest) > _PIECE:
        cut = next((at for mark in ("\n\n", "\n", " ") if (at := rest.rfind(mark, _PIECE // 3, _PIECE)) > 0), _PIECE)
        found.append(rest[:cut])
        rest = rest[cut:].lstrip("\n")
    return tuple(piece for piece in (*found, rest) if piece.strip())


@torch.no_grad()
def bits(model: ChatModel, text: Text, go_on: Callable[[], bool] = _always) -> Figure:
    """Bits per byte of a text: -log2 P of each piece, read after the token with which texts begin, over its bytes in UTF-8.

    The parts are those of blocks of about 120 characters: that many can be told from chance in a short text.
    """
    begin = getattr(model.tokenizer, "bos_token_id", None)
    begin = min(model.stops, default=None) if begin is None else begin
    asked: list[Example] = []
    blocks: list[list[int]] = []
    sizes: list[float] = []
    for piece in text.pieces:
        ids, many = model.plain(piece), -(-len(piece) // _BLOCK)
        own = [len(sizes) + i * many // len(ids) for i in range(len(ids))]
        sizes += [len(piece.encode()) / many] * many
        for start in range(0, len(ids), model.length - 1):
            part = tuple(ids[start : start + model.length - 1])
            asked.append(Example((begin,), part, False) if begin is not None else Example(part[:1], part[1:], False))
            blocks.append(own[start : start + len(part)][len(part) - len(asked[-1].wanted) :])
    spent = [0.0] * len(sizes)
    for one in passes(model, asked, go_on=go_on):
        of = [block for place in one.places for block in blocks[place]]
        for block, value in zip(of, floats(one.logprobs()), strict=True):
            spent[block] -= value / math.log(2)
    return Figure("bits", text.name, tuple(spent), tuple(sizes))


__all__ = [
    "ALL", "Judge", "Key", "Measured", "Progress", "Text", "bits", "hear", "judge_exact", "own_text", "pieces",
    "shipped_texts",
]  # fmt: skip
