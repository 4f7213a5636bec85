"""What of a text may be kept and used again: asked of each kind of model itself, on made-up tokens."""

import contextlib
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from merger.chat import internals
from merger.chat.forward import Forward
from merger.chat.prefix_cache import PrefixCache, silent

PROBED: dict[tuple[str, int], "Probe"] = {}
CHUNK = 32
"""How many tokens of a draft are checked in one pass: a change is found before all of a long answer has been computed."""


@dataclass(frozen=True)
class Probe:
    """What a kind of model is like.

    plain  its cache can be cut to any length: sliding windows and states of other kinds cannot
    masks  padding can be masked: all it keeps of a text are keys and values, and its tokens' places are counted without it
    step   with how many rows a token must be computed to have the bits it has among the many of a check: 2, or 0 for no few
    wraps  its layers give tuples
    by     how it goes on token by token: from what it keeps of the text (cache); as transformers' own generate does, where
           that needs more than the tokens (steps); or over the whole text again, where not even that runs (whole)

    A matrix product adds in an order that depends on its shape, not on the numbers in it. On a CPU in bfloat16 that order is
    the same for all numbers of rows but one, so that two rows are computed for each token, the second to no end.
    """

    plain: bool = False
    masks: bool = False
    step: int = 0
    wraps: bool = False
    by: Literal["cache", "steps", "whole"] = "cache"


def probed(forward: Forward) -> Probe:
    """Asked of the model itself the first time that one of its kind speaks."""
    key = (forward.kind, torch.get_num_threads())
    if key not in PROBED:
        with forward.keeping():
            PROBED[key] = _probe(forward)
    return PROBED[key]


def go_lower(forward: Forward) -> bool:
    """Go on with this kind of model by the next way that asks less of it; false where there is none."""
    others: dict[str, Literal["steps", "whole"]] = {"cache": "steps", "steps": "whole"}
    way = others.get(probed(forward).by)
    if way is not None:
        PROBED[forward.kind, torch.get_num_threads()] = Probe(by=way)
    return way is not None


@torch.inference_mode()
def _probe(forward: Forward) -> Probe:
    """By the lowest two layers and the head, on made-up tokens; whatever a kind of model cannot do is not done with it."""
    chance = torch.Generator().manual_seed(0)
    size = int(forward.module.get_input_embeddings().weight.shape[0])
    prompt, answer = torch.randint(size, (2, CHUNK), generator=chance).tolist()
    prompt = prompt[: max(1, forward.length - CHUNK)]
    wraps: list[bool] = []
    with forward.lock, contextlib.ExitStack() as stack:
        for layer in forward.layers[:2]:
            stack.callback(layer.register_forward_hook(lambda _, __, out: wraps.append(isinstance(out, tuple))).remove)
        with contextlib.suppress(Exception):  # told below
            forward.whole(prompt[:2], 1)
        if wraps:
            for layer in forward.layers[2:]:
                stack.enter_context(silent(layer, None, lambda: wraps[-1]))
            try:
                if _goes_on(forward, prompt, answer[:2]) == "cache":
                    reused = internals.as_expected()
                    return _probe_cache(forward, prompt, answer, wraps[-1]) if reused else Probe(wraps=wraps[-1])
            except Exception:  # of what it keeps of a text nothing is known
                return Probe()
    with forward.lock:  # it needs more than its lowest layers
        return Probe(by=_goes_on(forward, prompt, answer[:2]))


def _goes_on(forward: Forward, prompt: list[int], answer: list[int]) -> Literal["cache", "steps", "whole"]:
    """The quickest way to go on token by token that says what transformers' generate would."""
    try:
        ids = list(prompt)
        steps, theirs = forward.steps(ids, len(answer)), []
        for token in answer:
            theirs.append(next(steps)[0])
            ids.append(token)
    except Exception:  # its generate needs more than a text, or does not run
        theirs = []
    try:
        cache, ours = None, []
        for fresh in (prompt, *([token] for token in answer[:-1])):
            out = forward.call(fresh, cache, 1)
            cache = getattr(out, forward.keeps)
            ours.append(out.logits[0, -1])
    except Exception:  # it keeps something else of a text, or must be told more
        return "steps" if theirs else "whole"
    wanted = theirs or [forward.whole([*prompt, *answer[:i]], 1)[0] for i in range(len(answer))]
    bound = 64 * torch.finfo(wanted[0].dtype).eps
    near = [float((a - b).abs().max()) <= bound * max(1, float(b.abs().max())) for a, b in zip(ours, wanted, strict=True)]
    return "cache" if all(near) else "steps" if theirs else "whole"


def _probe_cache(forward: Forward, prompt: list[int], answer: list[int], wrapped: bool) -> Probe:
    """What its cache allows, and how many rows give the bits of many: every module's output is compared."""
    made: list[Tensor] = []

    def keep(module: nn.Module, args: Any, output: Any) -> None:
        made.extend(t[0] for t in (output if isinstance(output, tuple) else (output,)) if isinstance(t, Tensor))

    def outputs(fresh: list[int], cache: Any) -> tuple[list[Tensor], Any]:
        made.clear()
        out = forward.call(fresh, cache, len(fresh))
        return [*made, out.logits[0]], getattr(out, forward.keeps)

    begun = PrefixCache(prompt, ())
    begun.cache = outputs(prompt, None)[1]
    kept = {type(layer).__name__ for layer in getattr(begun.cache, "layers", [None])}
    plain, masks = kept == {"DynamicLayer"}, kept <= {"DynamicLayer", "DynamicSlidingWindowLayer"}
    masks = masks and _may_be_padded(forward, prompt)
    plain = plain and len(begun.cache.layers) == len(forward.layers) and _stands_alone(forward, prompt)
    if not plain or not forward.layers or forward.length < 2 * CHUNK:
        return Probe(plain, masks, 0, wrapped)
    with contextlib.ExitStack() as stack:
        for part in (m for layer in forward.layers[:2] for m in layer.modules()):
            stack.callback(part.register_forward_hook(keep).remove)
        many, begun.cache = outputs(answer, begun.cache)
        for place, rows in ((0, 8), (0, 16), (0, 24), *((i, 2) for i in range(0, CHUNK - 1, 2))):
            few, _ = outputs(answer[place : place + rows], begun.until(CHUNK + place))
            if any(not torch.equal(a, b[place : place + rows]) for a, b in zip(few, many, strict=True)):
                return Probe(plain, masks, 0, wrapped)
    return Probe(plain, masks, 2, wrapped)


def _may_be_padded(forward: Forward, prompt: list[int]) -> bool:
    """Whether a text says the same behind padding: some count places from the start of the row, whatever is masked."""
    if len(prompt) < 2:
        return False
    try:
        alone, behind = _two_steps(forward, prompt, 0), _two_steps(forward, prompt, 5)
    except Exception:  # it takes no mask
        return False
    bound = max(1e-3, 8 * torch.finfo(next(forward.module.parameters()).dtype).eps)
    return all(float((a - b).norm()) <= bound * float(a.norm()) for a, b in zip(alone, behind, strict=True))


def _two_steps(forward: Forward, prompt: list[int], padding: int) -> list[Tensor]:
    """What is said before a prompt's last token and after it, with so much padding in front of the prompt."""
    fresh, real, extra = forward.padded([prompt[:-1]], len(prompt) - 1 + padding)
    logits, cache = list[Tensor](), None
    for _ in range(2):
        out = forward.module(input_ids=fresh, attention_mask=real, use_cache=True, **{forward.keeps: cache}, **extra)
        cache = getattr(out, forward.keeps)
        logits.append(out.logits[0, -1].float())
        fresh, real = fresh.new_tensor([prompt[-1:]]), torch.cat([real, real.new_ones(1, 1)], 1)
        if "position_ids" in extra:
            extra["position_ids"] = extra["position_ids"][:, -1:] + 1
    return logits


def _stands_alone(forward: Forward, prompt: list[int]) -> bool:
    """Whether a layer takes from those below it nothing but one state for each token, (1, tokens, width)."""
    made: list[Any] = []
    with contextlib.ExitStack() as stack:
        for layer in forward.layers[:2]:
            stack.callback(layer.register_forward_hook(lambda _, __, out: made.append(out)).remove)
        forward.call(prompt, None, 1)
    first = [out[0] if isinstance(out, tuple) and len(out) else out for out in made]
    return all(isinstance(t, Tensor) and t.dim() == 3 and t.shape[:2] == (1, len(prompt)) for t in first)
