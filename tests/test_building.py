"""Modules are built as transformers builds them, and no other thread's numbers are of the model's type meanwhile."""

import copy
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import zoo
from torch import nn

from merger.chat.building import building


@pytest.mark.long
def test_every_kind_is_built_as_transformers_does() -> None:
    """Types of all parameters, types and bits of all buffers."""
    seen, dtype = 0, torch.bfloat16
    for kind in zoo.kinds():
        try:
            config = zoo.config(kind)
            config.dtype = dtype
            made = zoo.model_class(config)
            theirs = made._from_config(copy.deepcopy(config))
        except Exception:  # one that transformers itself does not make so small
            continue
        with building():
            ours = made._from_config(copy.deepcopy(config))
        types = [{n: p.dtype for n, p in model.named_parameters()} for model in (ours, theirs)]
        assert {name: types[0].get(name) for name in types[1]} == types[1], kind  # ours are tied later: there are more
        buffers = [dict(model.named_buffers()) for model in (ours, theirs)]
        assert buffers[0].keys() == buffers[1].keys()
        for name, own in buffers[0].items():
            other = buffers[1][name]
            assert own.dtype == other.dtype and torch.equal(own.nan_to_num(), other.nan_to_num()), (kind, name)
        assert ours.config.dtype == theirs.config.dtype == dtype and torch.get_default_dtype() == torch.float32
        seen += 1
    assert seen > 100


class Waiting(nn.Module):
    """A part of a module that is being built while another thread looks."""

    def __init__(self, looked: threading.Event, built: threading.Event) -> None:
        super().__init__()
        built.set()
        assert looked.wait(30)
        self.own = nn.Linear(3, 4)
        self.register_buffer("third", torch.tensor([1 / 3]))
        self.register_buffer("halves", torch.arange(4) / 2)


def test_other_threads_make_numbers_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A merge, or a score, that another thread computes while transformers builds a model in half precision."""
    looked, built, found = threading.Event(), threading.Event(), list[torch.dtype]()
    config = zoo.config("llama")
    config.dtype = torch.bfloat16
    made = zoo.model_class(config)
    first = made.__init__

    def begun(self: Any, *given: Any, **more: Any) -> None:
        first(self, *given, **more)
        self.waiting = Waiting(looked, built)

    monkeypatch.setattr(made, "__init__", begun)

    def numbers() -> Iterator[torch.dtype]:
        yield from (torch.zeros(2).dtype, torch.tensor([0.1]).dtype, (torch.arange(3) / 2).dtype, torch.get_default_dtype())

    def watch() -> None:
        assert built.wait(30)
        found.extend(numbers())
        looked.set()

    other = threading.Thread(target=watch)
    other.start()
    with building():
        module = made._from_config(config)
    other.join()
    assert found == [torch.float32] * 4
    waiting = module.waiting
    assert {waiting.own.weight.dtype, waiting.third.dtype, waiting.halves.dtype} == {torch.bfloat16}
    assert waiting.own.weight.is_meta and not waiting.third.is_meta
