"""What of transformers' insides this package relies on, and what is done where it is not as expected.

Answers are made plainly then, token by token, and tensors go by their own names; one sentence of the log says so. All else that
is asked of transformers stands in its documentation.
"""

import functools
import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from merger.tokenizer import safe

log = logging.getLogger(__name__)
_Rename = Callable[[str, bool], tuple[str, str | None]]


@functools.cache
def as_expected() -> bool:
    """Whether caches and attention are what prefix_cache, attention and batch take for granted; asked at first use."""
    try:
        lacking = _lacking()
    except Exception as error:  # moved, renamed, or with other arguments
        lacking = safe.first_line(error)
    if lacking:
        log.warning("transformers is not as expected (%s): answers are computed plainly, which takes longer.", lacking)
    return not lacking


def _lacking() -> str:
    """What differs; "" where nothing does."""
    import transformers
    from transformers.integrations.sdpa_attention import sdpa_attention_forward
    from transformers.masking_utils import AttentionMaskInterface, sdpa_mask

    cache: Any = transformers.DynamicCache()
    text = torch.arange(24.0).reshape(2, 1, 6, 2)
    for layer in range(2):
        cache.update(text, text + 1, layer)
    kept = cache.layers[0]
    if [type(layer).__name__ for layer in cache.layers] != ["DynamicLayer"] * 2 or not kept.is_initialized:
        return "a cache has other layers"
    if not torch.equal(kept.keys, text) or not torch.equal(kept.values, text + 1):
        return "a layer keeps something else than keys and values"
    cache.crop(-2)
    if not all(torch.equal(layer.keys, text[..., :4, :]) for layer in cache.layers):
        return "a cache that is cut keeps another part"
    cache.batch_select_indices(torch.tensor([1]))
    if not torch.equal(cache.layers[1].values, text[1:, :, :4] + 1):
        return "a cache selects other texts"
    if len(type(cache)().layers):
        return "a new cache is not empty"
    if [*inspect.signature(sdpa_attention_forward).parameters][:7] != _ATTENTION:
        return "attention takes other arguments"
    registers = (transformers.AttentionInterface.register, AttentionMaskInterface.register)
    return "" if all(map(callable, (*registers, sdpa_mask))) else "attention cannot be replaced"


_ATTENTION = ["module", "query", "key", "value", "attention_mask", "dropout", "scaling"]


def renaming(module: Any, held: Mapping[str, Tensor]) -> tuple[Mapping[str, Any], _Rename, Callable[[str], Any]]:
    """How transformers' loader puts tensors together: what fuses them by source pattern, names, and the order of joining.

    The second takes a tensor's name, and whether its kind's own names count; it gives the parameter and the source pattern.
    """
    try:
        from transformers.conversion_mapping import get_model_conversion_mapping
        from transformers.core_model_loading import WeightConverter, WeightRenaming, dot_natural_key, rename_source_key

        mapping = get_model_conversion_mapping(module)
        renamings = [entry for entry in mapping if isinstance(entry, WeightRenaming)]
        converters = [entry for entry in mapping if isinstance(entry, WeightConverter)]
        by_pattern = {pattern: converter for converter in converters for pattern in converter.source_patterns}
        prefix, state = module.base_model_prefix, dict[str, Any](held)

        def rename(name: str, own: bool) -> tuple[str, str | None]:
            return rename_source_key(name, renamings if own else [], converters if own else [], prefix, state)

        if rename_source_key("a.b", [], [], prefix, {"a.b": None}) != ("a.b", None):
            raise ValueError("a name that nothing changes is changed")
        return by_pattern, rename, dot_natural_key
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        _told(safe.first_line(error))
        return {}, lambda name, own: (name, None), str


@functools.cache
def _told(lacking: str) -> None:
    log.warning("transformers is not as expected (%s): tensors go by their own names, so that some kinds do not answer.", lacking)


def kept_types(module: Any) -> Mapping[str, torch.dtype]:
    """The parameters, by pattern, that a half precision model keeps in a type of their own."""
    plan = getattr(module, "_get_dtype_plan", None)
    return plan(module.config.dtype) if plan is not None else {}
