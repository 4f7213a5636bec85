"""Attention that gives each token the same bits whatever is computed beside it."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from merger.chat import internals

_BY_ROWS = "merger_by_rows"


def attend_by_rows(module: Any) -> None:
    """Let attention over what is kept, and the head, give each token the same bits whatever is computed beside it.

    torch's own attention sums in blocks that depend on the number of queries and keys. And a slice as transformers hands it
    to the head makes torch copy all of the head's weights, which takes as long as all layers of a small model.
    """
    head = module.get_output_embeddings()
    if head is not None:
        head.register_forward_pre_hook(lambda _, args: (args[0].clone(memory_format=torch.contiguous_format), *args[1:]))
    if not internals.as_expected() or module.config._attn_implementation != "sdpa" or not module._can_set_attn_implementation():
        return
    from transformers import AttentionInterface
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    def attend(
        part: nn.Module, query: Tensor, key: Tensor, value: Tensor, attention_mask: Tensor | None, dropout: float = 0.0,
        scaling: float | None = None, **other: Any,
    ) -> tuple[Tensor, Tensor | None]:  # fmt: skip
        whole = attention_mask is None and query.shape[2] > 1  # a text from its start: the same shapes whenever it is read
        if whole or any(other.get(k) is not None for k in ("position_bias", "is_causal", "softcap")):
            return sdpa_attention_forward(part, query, key, value, attention_mask, dropout, scaling, **other)
        batch, heads, tokens, width = query.shape
        groups = key.shape[1]
        seen = (1, *query.shape[:1]), (1, heads), (1, tokens), (key.shape[2],)
        if heads % groups or (attention_mask is not None and not _within(attention_mask, seen)):
            return sdpa_attention_forward(part, query, key, value, attention_mask, dropout, scaling, **other)
        asked = (query * (width**-0.5 if scaling is None else scaling)).reshape(batch, groups, -1, width)
        scores = (asked @ key.transpose(2, 3)).float().view(batch, groups, heads // groups, tokens, -1)
        if attention_mask is not None:
            least = torch.finfo(scores.dtype).min  # not -inf: a row of padding sees nothing, and must stay a number
            alike = attention_mask.shape[1] == 1
            mask = attention_mask[:, :, None] if alike else attention_mask.unflatten(1, (groups, heads // groups))
            scores = scores.masked_fill(~mask, least) if mask.dtype == torch.bool else scores + mask
        shares = scores.softmax(-1).to(query.dtype).view(batch, groups, -1, key.shape[2])
        return (shares @ value).view(batch, heads, tokens, -1).transpose(1, 2).contiguous(), None

    AttentionInterface.register(_BY_ROWS, attend)
    AttentionMaskInterface.register(_BY_ROWS, sdpa_mask)
    module.set_attn_implementation(_BY_ROWS)


def _within(mask: Tensor, sizes: Sequence[Sequence[int]]) -> bool:
    """Whether a mask has one of the sizes named in each of its dimensions."""
    return mask.dim() == len(sizes) and all(n in some for n, some in zip(mask.shape, sizes, strict=True))
