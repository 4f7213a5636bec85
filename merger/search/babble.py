"""Babble: answers that go round in circles, do not end or are not sure of anything, with the likely cause and its cure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from merger.findings import Finding

CIRCLES, OFTEN, UNSURE, LESS = 24, 1 / 3, 0.4, 0.75
"""Characters at an answer's end that must be the same few again and again; the share of answers from which on it is no accident;
the mean certainty below which a model does not know what it says, and that share of its parents' which says the same."""
LONGEST = 96
"""Tokens after which an answer that is still going on counts as one that does not end."""
_PERIODS = 60
_COMMON = frozenset({"too far", "scaled", "stretched", "damaged", "misfits", "unfit", "other words", "stranger", "cancelled"})
_ENDS = frozenset({"other stops", "no template", "owners", "other words"})


@dataclass(frozen=True)
class Heard:
    """An answer that was generated.

    tokens     how many
    ended      it came to its end by itself
    certainty  the geometric mean of its tokens' probabilities, 0 to 1
    """

    prompt: str
    text: str
    tokens: int
    ended: bool
    certainty: float


@dataclass(frozen=True)
class Babble:
    """What is wrong with some answers, in words, and what to do.

    circles, endless  the share of answers that repeat themselves, and that do not end
    certainty         the mean over the answers
    """

    words: str
    fix: str
    circles: float
    endless: float
    certainty: float


def circles(text: str) -> bool:
    """Whether a text ends in the same few characters again and again, or is made of the same few words.

    >>> circles("it is so is so is so is so is so is so"), circles("the cat sat on the mat, and the dog lay by the fire.")
    (True, False)
    """
    text = text.rstrip()
    for period in range(1, min(_PERIODS, len(text) // 4) + 1):
        times = max(4, math.ceil(CIRCLES / period))
        if text.endswith(text[-period:] * times):
            return True
    words = text.split()
    if len(words) < 20:
        return False
    threes = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(threes)) < 0.5 * len(threes)


def babbling(
    heard: Sequence[Heard], findings: Sequence[Finding] = (), parents: Sequence[Heard] = (), merged: bool = True
) -> Babble | None:
    """What is wrong with these answers; None where they are those of a model that knows what it says.

    findings  the recipe's verdict, in which the cause may stand
    parents   what the models that were merged answered: what they do as well is not the merge's fault
    merged    whether it is a merge, whose recipe can be changed
    """
    if not heard:
        return None
    round_, endless, sure = _measured(heard)
    theirs = _measured(parents)[2] if parents else 0.0
    told: list[str] = []
    if round_ >= OFTEN:
        told.append(f"{round_:.0%} of its answers repeat themselves")
    if endless >= OFTEN:
        told.append(f"{endless:.0%} do not end")
    if sure < UNSURE:
        told.append(f"it is hardly sure of any word (mean probability {sure:.2f})")
    elif sure < LESS * theirs:
        told.append(f"it is much less sure of its words than the models it is made of ({sure:.2f}, they {theirs:.2f})")
    if not told:
        return None
    return Babble(f"It babbles: {', '.join(told)}.", _fix(heard, findings, parents, merged), round_, endless, sure)


def _measured(heard: Sequence[Heard]) -> tuple[float, float, float]:
    n = len(heard)
    lasting = sum(not one.ended and one.tokens >= LONGEST for one in heard)
    return sum(circles(one.text) for one in heard) / n, lasting / n, sum(one.certainty for one in heard) / n


def _fix(heard: Sequence[Heard], findings: Sequence[Finding], parents: Sequence[Heard], merged: bool) -> str:
    round_, endless, sure = _measured(heard)
    unsure = sure < max(UNSURE, LESS * _measured(parents)[2] if parents else 0)
    only_endless = endless >= OFTEN and round_ < OFTEN and not unsure
    causes = _ENDS if only_endless else _COMMON
    found = next((f for f in findings if f.level != "note" and f.kind in causes), None)
    if found is not None:
        return f"Likely because {_begun(found.words)} {found.fix}".strip()
    if parents:
        theirs = _measured(parents)
        if theirs[0] >= 0.8 * round_ and theirs[1] >= 0.8 * endless and (theirs[2] < UNSURE or not unsure):
            return "The models that were merged do so as well at these prompts: ask what they were trained for, or choose others."
    if only_endless:
        return (
            "The token that ends an answer is likely lost: take chat_template and tokenizer from the model that ends its answers."
        )
    if not merged:
        return "Let `merger doctor` look at its folder."
    return "Likely it went too far from its base: lower the weights (or lambda), or give it a density."


def _begun(words: str) -> str:
    """A sentence as the second half of another, with its full stop."""
    return words if words.endswith((".", "!", "?")) else f"{words}."


__all__ = ["Babble", "Heard", "babbling", "circles"]
