"""Half-precision products where a processor has none of its own: right to one rounding, the same bits beside any others."""

import contextlib
import threading
from collections.abc import Iterator

import pytest
import torch
from torch import nn

from merger.chat import forward, products
from merger.chat.forward import Forward
from merger.chat.products import multiply_in_float32, slow

HALVES = [torch.bfloat16, torch.float16]
SHAPES = [(48, 96), (1000, 1100), (2048, 700), (7, 3)]
"""Inputs and outputs of a layer; the second and third take several pieces, the last of them not whole."""


@pytest.fixture
def slowly(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A processor without."""
    monkeypatch.setattr(products, "slow", lambda dtype: dtype in HALVES)
    yield


def layer(shape: tuple[int, int], dtype: torch.dtype, bias: bool = True) -> nn.Linear:
    torch.manual_seed(3)
    made = nn.Linear(*shape, bias=bias, dtype=torch.float32).to(dtype)
    multiply_in_float32(made)
    return made


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_product_is_rounded_once(shape: tuple[int, int], dtype: torch.dtype) -> None:
    made = layer(shape, dtype)
    given = torch.randn(3, 7, shape[0]).to(dtype)
    with torch.inference_mode():
        found = made(given)
    wanted = nn.functional.linear(given.double(), made.weight.double(), made.bias.double())
    sums = nn.functional.linear(given.double().abs(), made.weight.double().abs(), made.bias.double().abs())
    assert found.dtype == dtype and found.shape == wanted.shape
    bound = torch.finfo(dtype).eps / 2 * wanted.abs() * 1.001 + torch.finfo(torch.float32).eps * shape[0] * sums
    assert bool(((found.double() - wanted).abs() <= bound).all())


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_each_row_has_the_same_bits_beside_any_others(shape: tuple[int, int], dtype: torch.dtype) -> None:
    """What checking a guessed answer rests on, see merger/chat/reuse.py."""
    made, given = layer(shape, dtype, bias=False), torch.randn(40, shape[0]).to(dtype)
    with torch.inference_mode():
        whole = made(given)
        for rows in (2, 3, 5, 8, 13, 24, 39):
            for first in (0,) if shape[0] % 4 else (0, 1, 6, 40 - rows):
                assert torch.equal(made(given[first : first + rows]), whole[first : first + rows]), (first, rows)


@pytest.mark.usefixtures("slowly")
@pytest.mark.parametrize("shape", SHAPES[:3], ids=str)
def test_gradients_are_those_of_the_plain_product(shape: tuple[int, int]) -> None:
    made, given = layer(shape, torch.bfloat16), torch.randn(2, 5, shape[0]).bfloat16().requires_grad_()
    slope = torch.randn(2, 5, shape[1]).bfloat16()
    made(given).backward(slope)
    assert given.grad is not None and made.weight.grad is not None and made.bias.grad is not None
    exact, wide = nn.Linear(*shape, dtype=torch.float64), given.detach().double().requires_grad_()
    exact.load_state_dict({name: value.double() for name, value in made.state_dict().items()})
    exact(wide).backward(slope.double())
    for one, other in ((given.grad, wide.grad), (made.weight.grad, exact.weight.grad), (made.bias.grad, exact.bias.grad)):
        assert other is not None and one.dtype == torch.bfloat16
        assert float((one.double() - other).abs().max()) <= 2**-7 * float(other.abs().max())


@pytest.mark.usefixtures("slowly")
def test_what_is_kept_for_the_way_back_is_no_second_copy_of_the_weights() -> None:
    made, kept = layer((1000, 1100), torch.bfloat16), list[torch.Tensor]()

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        made(torch.randn(6, 1000).bfloat16())
    assert kept and all(tensor.dtype == torch.bfloat16 for tensor in kept if tensor.dim() == 2)


@pytest.mark.usefixtures("slowly")
def test_one_row_other_types_and_layers_of_other_kinds_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "product", lambda *_: pytest.fail("it was multiplied in float32"))

    class Own(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            return super().forward(input) + 1

    own = Own(8, 8, dtype=torch.bfloat16)
    multiply_in_float32(own)
    assert "forward" not in vars(own)
    own(torch.ones(4, 8, dtype=torch.bfloat16))
    layer((8, 8), torch.float32)(torch.ones(4, 8))
    layer((8, 8), torch.bfloat16)(torch.ones(1, 1, 8, dtype=torch.bfloat16))


def test_where_torch_has_such_products_they_are_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this processor is: float32 never is slow, and half precision is as torch says."""
    assert not slow(torch.float32) and not slow(torch.float64)
    assert slow(torch.bfloat16) != torch.ops.mkldnn._is_mkldnn_bf16_supported()
    monkeypatch.setattr(products, "slow", lambda dtype: False)
    monkeypatch.setattr(products, "product", lambda *_: pytest.fail("it was multiplied in float32"))
    made, given = layer((48, 96), torch.bfloat16), torch.randn(9, 48).bfloat16()
    assert torch.equal(made(given), nn.functional.linear(given, made.weight, made.bias))


@pytest.mark.skipif(forward.threads_of_openmp() is None, reason="no OpenMP here")
@pytest.mark.parametrize(("tokens", "threads"), [(3, 1), (4000, 2)])
def test_a_small_pass_wakes_no_other_thread(tokens: int, threads: int) -> None:
    """Beside others' work it would wait for it many times as long as it computes. Afterwards all is as before."""

    class Counts(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(64, 128))
            self.device = torch.device("cpu")
            self.seen: list[int] = []

        def forward(self, input_ids: torch.Tensor, use_cache: bool, past_key_values: object) -> None:
            self.seen.append(torch.get_num_threads())
            if tokens == 3:
                raise KeyboardInterrupt

    def ask() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            Forward(module, 10).call([1] * tokens, None, 1)
        after.append(torch.get_num_threads())

    before, module, after = torch.get_num_threads(), Counts(), list[int]()
    torch.set_num_threads(2)
    try:
        ask()
        other = threading.Thread(target=ask)
        other.start()
        other.join()
    finally:
        torch.set_num_threads(before)
    assert module.seen == [threads, threads] and after == [2, 2]
