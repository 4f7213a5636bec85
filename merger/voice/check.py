"""Whether llama.cpp says what transformers says: asked before a kind of model is heard, on as many layers as memory has room for.

Some architectures are turned into its files without a complaint, and speak nonsense there.
"""

import gc
import logging
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from merger.chat.load import chat_model
from merger.engine.companions import tokenizer_folder
from merger.engine.plan import Plan, make_plan
from merger.engine.session import Session
from merger.errors import Cancelled, MergeError
from merger.hub.access import Access
from merger.methods import METHODS
from merger.recipe import Recipe, dump, load
from merger.voice.session import GgufSession

ROOM = 4_000_000_000
"""The most bytes that a check takes; and a third of what is free."""
TYPES = {"float32": 4, "bfloat16": 2}
"""What transformers computes in, the better where it fits, and bytes of a weight; llama.cpp, asked after it, takes no more."""
APART = {("float32", 16): 0.02, ("bfloat16", 16): 0.06, ("float32", 8): 0.1, ("bfloat16", 8): 0.1}
"""How far the logits may be apart, as a share of their size, by bits; seen in float32 were 0.003 and 0.06 where all was right."""
_TOKENS = 24
UNCHECKED = "not checked"
log = logging.getLogger(__name__)


def checked(session: GgufSession, recipe: Recipe, access: Access | None, go_on: Callable[[], bool]) -> str:
    """On how much of a merge's kind of model both say the same, for people. MergeError where they do not.

    It is asked once for each kind of model. Where nothing can be compared that is told: "not checked", and why.
    """
    plan = make_plan(recipe, session.parents.open(recipe, access))
    kind = repr((sorted(plan.config.items()), plan.config_source))
    if kind not in session.checks:
        session.checks[kind] = _compared(session, recipe, plan, access, go_on)
        if session.checks[kind].startswith(UNCHECKED):
            log.warning("What llama.cpp says of this merge is %s.", session.checks[kind])
    return session.checks[kind]


class Differs(MergeError):
    """llama.cpp says something else than transformers."""


def _compared(session: GgufSession, recipe: Recipe, plan: Plan, access: Access | None, go_on: Callable[[], bool]) -> str:
    room, layers = session.room(), plan.layout.layers
    least = min(ROOM, room // 3 if room is not None else ROOM)
    each = ((dtype, fitting_layers(plan, least, nbytes)) for dtype, nbytes in TYPES.items())
    dtype, count = next(((dtype, count) for dtype, count in each if count), ("", 0))
    if not count:
        return f"{UNCHECKED}: no layer of it fits beside what is there"
    part = lowest(recipe, count, dtype)
    try:
        make_plan(part, session.parents.open(part, access))
    except MergeError as error:
        return f"{UNCHECKED}: its lowest layers are no model ({str(error).splitlines()[0]})"
    wanted, ids = _transformers(session, part, access, go_on)  # first: what it refuses does not reach llama.cpp
    gc.collect()  # a module is held by circles; llama.cpp is to have its room
    try:
        ours, bits = _llama(session, part, access, go_on, ids)
    except Cancelled:
        raise
    except MergeError as error:
        raise Differs(f"This merge cannot be heard through llama.cpp: {error}") from None
    apart = distance(ours, wanted)
    if not apart <= APART[dtype, bits]:
        raise Differs(
            "llama.cpp says something else than transformers with this kind of model (their logits are "
            f"{apart:.0%} apart), so it is not heard through it; it can be merged to files."
        )
    return f"checked against transformers on {'all' if count == layers else f'{count} of'} {layers} layers"


def fitting_layers(plan: Plan, room: int, nbytes: int) -> int:
    """How many of the lowest layers, with all that is in none, fit into so much room; 0: none. nbytes: of a weight."""
    sizes = [0] * max(1, plan.layout.layers)
    rest = 0
    for job in plan.jobs:
        layer = plan.layout.layer(job.name)
        if layer is None:
            rest += nbytes * job.numel
        else:
            sizes[layer] += nbytes * job.numel
    count = 0
    for size in sizes:
        rest += size
        if rest > room:
            break
        count += 1
    return count


def lowest(recipe: Recipe, count: int, dtype: str) -> Recipe:
    """The recipe whose merge is so many of the lowest layers of another's, in this type."""
    name = "what is checked"
    copied = next(method.name for method in METHODS.values() if method.law.copies)
    slices = f"slices: [{{sources: [{{model: {name}, layer_range: [0, {count}]}}]}}]"
    return load(f"{dump(replace(recipe, name=name))}\n---\nmerge_method: {copied}\n{slices}\ndtype: {dtype}\n")


def _llama(
    session: GgufSession, part: Recipe, access: Access | None, go_on: Callable[[], bool], ids: list[int]
) -> tuple[Tensor, int]:
    """What llama.cpp says after each of these tokens, and in how many bits."""
    own = GgufSession(session.parents, session.wanted, threads=session.threads, mapped=session.mapped, room=session.room)
    try:
        own.apply(part, cancelled=lambda: not go_on(), access=access)
        assert own.loaded is not None
        return own.loaded.read(ids, len(ids), go_on), own.bits
    finally:
        own.release()


@torch.inference_mode()
def _transformers(
    session: GgufSession, part: Recipe, access: Access | None, go_on: Callable[[], bool]
) -> tuple[Tensor, list[int]]:
    """What transformers says after each of some tokens, and which they are."""
    own = Session(session.parents)
    own.apply(part, cancelled=lambda: not go_on(), access=access)
    assert own.plan is not None
    with tokenizer_folder(own.plan, own.models) as folder:
        voice = chat_model(folder, own.plan.config, own.tensors)
    ids = torch.randint(voice.forward.known, (_TOKENS,), generator=torch.Generator().manual_seed(0)).tolist()
    ids = ids[: max(1, voice.length)]
    return voice.forward.whole(ids, len(ids)).float(), ids


def distance(ours: Tensor, theirs: Tensor) -> float:
    """How far logits (rows, vocabulary) are apart, as a share of their size about their mean."""
    width = min(ours.shape[-1], theirs.shape[-1])  # one of them may be padded
    a, b = (x[:, :width] - x[:, :width].mean(-1, keepdim=True) for x in (ours, theirs))
    return float((a - b).norm() / b.norm().clamp_min(1e-30))


__all__ = ["APART", "TYPES", "UNCHECKED", "Differs", "checked", "distance", "fitting_layers", "lowest"]
