"""Modules are built as transformers builds them, and no other thread's numbers are of the model's type meanwhile."""

import copy
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import zoo
from torch import nn

from merger.chat.building import building
from merger.engine.session import Parents
from merger.search.trials import Runner

FAMILY = Path(__file__).parent.parent / "presets/family"


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


TYPES = (
    "float8_e4m3fn", "int8", "complex64", "float64", "float16", "Tensor", "nn", "normal", "nonsense", "", 7, None, ["bfloat16"],
    {"": 1},
)  # fmt: skip


@pytest.mark.parametrize("key", ["dtype", "torch_dtype"])
def test_the_type_a_stranger_writes_changes_nothing(key: str, tmp_path: Path) -> None:
    """A config may name any type, or anything: the tensors' own decides, and torch is afterwards what it was."""
    before = torch.get_default_dtype(), torch.normal, torch.Tensor, nn.Module.register_parameter
    truth = said(FAMILY, "pirate")
    for i, wrong in enumerate(TYPES):
        shutil.copytree(FAMILY / "pirate", tmp_path / f"{i}")
        told = json.loads((tmp_path / f"{i}" / "config.json").read_text(encoding="utf-8"))
        told = {name: value for name, value in told.items() if not name.endswith("dtype")} | {key: wrong}
        (tmp_path / f"{i}" / "config.json").write_text(json.dumps(told), encoding="utf-8")
        assert said(tmp_path, f"{i}") == truth != "", wrong
        assert (torch.get_default_dtype(), torch.normal, torch.Tensor, nn.Module.register_parameter) == before, wrong


def said(folder: Path, name: str) -> str:
    voice = Runner(Parents("cpu", [folder])).parent(name)
    return "".join(token.text for token in voice.tokens("say hello my friend like a pirate", 12))


def test_two_that_build_at_once_leave_torch_as_it_was() -> None:
    """One of them without `building`, by what it found in transformers while the other was inside; and it ends later."""
    import transformers.modeling_utils as theirs

    before = torch.get_default_dtype, torch.normal
    first, second, left = (threading.Event() for _ in range(3))

    def inside() -> None:
        with building(), theirs.local_torch_dtype(torch.bfloat16, "Model"):
            first.set()
            second.wait(0.5)
        left.set()

    def beside() -> None:
        first.wait(10)
        with theirs.local_torch_dtype(torch.float16, "Model"):
            second.set()
            left.wait(10)

    threads = [threading.Thread(target=inside), threading.Thread(target=beside)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (torch.get_default_dtype, torch.normal) == before
