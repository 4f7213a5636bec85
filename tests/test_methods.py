"""Laws that hold for every registered method, one golden row by hand for each, and the words in merger.methods.ops."""

import doctest
import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from conftest import as_text, donors, rich_recipe, sample, tensors_in
from torch import Tensor

from merger import recipe
from merger.engine.arguments import Arguments
from merger.engine.plan import Source, TensorJob
from merger.engine.tensor import merge_tensor
from merger.errors import RecipeError
from merger.methods import METHODS, Method, ops
from merger.methods.ops import Draws, drop_random, elect_sign, keep_largest, restore_scale
from merger.methods.params import Param

SHAPES = [(), (7,), (5, 6), (0,), (3, 0)]
every_method = pytest.mark.parametrize("method", METHODS.values(), ids=list(METHODS))
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)
every_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])


def numbers(method: Method, plain: bool) -> dict[str, Any]:
    """Arguments by parameter: the defaults (plain), or something else for all of them."""
    n = tensors_in(method)
    args: dict[str, Any] = {}
    for p in method.params:
        if plain:
            value: Any = sample(p, 0.5) if p.default is None else p.default
            args[p.name] = (value,) * n if p.per_model else value
        else:
            args[p.name] = tuple(sample(p, 0.35 + 0.1 * i) for i in range(n)) if p.per_model else sample(p, 0.6)
    return args


def run(method: Method, base: Tensor, models: Sequence[Tensor], args: dict[str, Any], seed: int = 0) -> Tensor:
    """Merge tensors in memory as the engine does; the result has the dtype the inputs are stored in."""
    held = {"base": base} | {str(i): model for i, model in enumerate(models)}
    sources = tuple(Source(str(i), "t") for i in range(len(models)))
    if method.base == "first":
        sources = (Source("base", "t"), *sources)
    if method.base == "joins":
        sources = (*sources, Source("base", "t"))
    job = TensorJob(
        "t", sources, None if method.base == "ignored" else Source("base", "t"), method.name, Arguments(args),
        tuple(base.shape), torch.float32, base.dtype, seed,
    )  # fmt: skip
    return merge_tensor(job, lambda source: held[source.model])


def inputs(method: Method, shape: tuple[int, ...], dtype: torch.dtype) -> tuple[Tensor, list[Tensor]]:
    draw = torch.Generator().manual_seed(1)
    base = torch.randn(shape, generator=draw).to(dtype)
    return base, [(base + 0.3 * torch.randn(shape, generator=draw)).to(dtype) for _ in range(donors(method))]


@every_dtype
@every_shape
@every_method
def test_models_equal_to_the_base_change_nothing(method: Method, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    base, models = inputs(method, shape, dtype)
    merged = run(method, base, [base] * len(models), numbers(method, plain=True))
    assert merged.shape == base.shape
    # Float32 arithmetic is exact to far below half a step of bfloat16.
    torch.testing.assert_close(merged, base, rtol=1e-6 if dtype == torch.float32 else 0, atol=0)


@every_dtype
@every_shape
@every_method
def test_shape_is_kept_and_inputs_are_untouched(method: Method, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    base, models = inputs(method, shape, dtype)
    before = [t.clone() for t in (base, *models)]
    merged = run(method, base, models, numbers(method, plain=False))
    assert (merged.shape, merged.dtype) == (base.shape, dtype)
    assert all(torch.equal(x, y) for x, y in zip(before, (base, *models), strict=True))
    assert merged.isfinite().all()
    if merged.numel():
        assert merged.untyped_storage().data_ptr() not in {t.untyped_storage().data_ptr() for t in (base, *models)}


@every_dtype
@every_shape
@every_method
def test_finite_on_zeros_and_on_identical_models(method: Method, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    base, models = inputs(method, shape, dtype)
    n, zeros = len(models), torch.zeros(shape, dtype=dtype)
    for args in (numbers(method, plain=True), numbers(method, plain=False)):
        for first, others in ((zeros, [zeros] * n), (zeros, models), (base, [zeros] * n), (base, [models[0]] * n)):
            assert run(method, first, others, args).isfinite().all()


@every_dtype
@pytest.mark.parametrize("shape", [(7,), (5, 6)], ids=str)
@pytest.mark.parametrize("method", [m for m in METHODS.values() if m.symmetric], ids=lambda m: m.name)
def test_order_does_not_matter_where_the_method_says_so(method: Method, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    base, models = inputs(method, shape, dtype)
    args = numbers(method, plain=False)
    last = len(models)  # a base that joins stays the last of all
    turned = {k: (*v[1:last], v[0], *v[last:]) if isinstance(v, tuple) else v for k, v in args.items()}
    one, other = run(method, base, models, args), run(method, base, [*models[1:], models[0]], turned)
    torch.testing.assert_close(one, other, rtol=2**-7 if dtype == torch.bfloat16 else 1e-6, atol=1e-6)


@every_method
def test_deterministic_and_apart_from_the_global_generator(method: Method) -> None:
    base, models = inputs(method, (40, 30), torch.float32)
    args = numbers(method, plain=False)
    torch.manual_seed(1)
    one, state = run(method, base, models, args, seed=5), torch.get_rng_state()
    torch.manual_seed(1)
    assert torch.equal(state, torch.get_rng_state())
    torch.manual_seed(2)
    assert torch.equal(one, run(method, base, models, args, seed=5))


@every_method
def test_docstring_has_a_doctest_and_a_source(method: Method) -> None:
    text = method.fn.__doc__ or ""
    assert doctest.DocTestParser().get_examples(text)
    assert "Source: " in text and method.source.split(",")[0] in text
    assert method.summary.endswith(".") and method.says


# ------------------------------------------------------------------------------------ parameters, through recipes

EVERY_PARAM = [pytest.param(m, p, id=f"{m.name}-{p.name}") for m in METHODS.values() for p in m.params]


def with_value(method: Method, param: Param, value: Any) -> tuple[str, str]:
    """A recipe that sets one parameter, and the value's path."""
    document = rich_recipe(method)
    holder = document["models"][0]["parameters"] if param.per_model else document["parameters"]
    holder[param.name] = value
    return as_text(document), f"models[0].parameters.{param.name}" if param.per_model else f"parameters.{param.name}"


def good_values(param: Param) -> list[Any]:
    ends = [end for end in (param.low, param.high) if math.isfinite(end)] if param.kind in ("float", "int") else []
    return [*ends, *param.choices, *([True, False] if param.kind == "bool" else []), sample(param, 0.5)] + (
        [] if param.default is None else [param.default]
    )


def bad_values(param: Param) -> list[tuple[Any, str]]:
    """(value, how the message shows it)"""
    if param.kind in ("bool", "choice"):
        return [("often", "'often'"), (7, "7"), (0.5, "0.5")]
    bad: list[tuple[Any, str]] = [("half", "'half'"), ("nan", "'nan'"), ("-inf", "'-inf'"), (True, "true")]
    bad += [(end, str(end)) for end in (param.low - 1, param.high + 1) if math.isfinite(end)]
    return bad + ([(sample(param, 0.5) + 0.5, str(sample(param, 0.5) + 0.5))] if param.kind == "int" else [])


@pytest.mark.parametrize(("method", "param"), EVERY_PARAM)
def test_parameter_accepts_its_bounds_and_its_default(method: Method, param: Param) -> None:
    for value in good_values(param):
        text, path = with_value(method, param, value)
        loaded = recipe.load(text)
        scope = loaded.models[0].parameters if path.startswith("models") else loaded.parameters
        assert dict(scope)[param.name].at("anything", 0, 0) == value


@pytest.mark.parametrize(("method", "param"), EVERY_PARAM)
def test_parameter_refuses_what_is_beyond(method: Method, param: Param) -> None:
    for value, shown in bad_values(param):
        text, path = with_value(method, param, value)
        with pytest.raises(RecipeError) as error:
            recipe.load(text)
        assert str(error.value) == f"recipe, line 1: {path} must be {param}; got {shown}."


# ------------------------------------------------------------------------------------ by hand

A, B = [[4.0, -1.0], [2.0, 0.0]], [[2.0, 3.0], [-6.0, 1.0]]
NEXT = [[3.0, 0.0], [0.0, 0.0]], [[0.0, 4.0], [0.0, 0.0]]  # at a right angle
HALF3 = math.sqrt(3) / 2


class HandDraws:
    """Two masks written down: at density 0.5 the first model keeps 4 and 2, the second 3 and -6."""

    def uniform(self, like: Tensor, model: int | None = None) -> Tensor:
        assert model is not None
        return torch.tensor([[[0.1, 0.6], [0.4, 0.9]], [[0.7, 0.2], [0.3, 0.8]]][model])


HAND: dict[str, list[tuple[Any, dict[str, Any], list[list[float]]]]] = {
    "linear": [
        ((A, B), {"weight": [1, 3]}, [[2.5, 2.0], [-4.0, 0.75]]),  # (A + 3B) / 4
        ((A, B), {"weight": [1, 3], "normalize": False}, [[10.0, 8.0], [-16.0, 3.0]]),  # A + 3B
        ((A, B), {"weight": [1, -1]}, [[2.0, -4.0], [8.0, -1.0]]),  # weights of sum 0 divide nothing
    ],
    "slerp": [
        (NEXT, {"t": 1 / 3}, [[3 * HALF3, 4 * 0.5], [0.0, 0.0]]),  # sin 60 and sin 30 degrees, over sin 90
        (NEXT, {"t": 0.0}, [[3.0, 0.0], [0.0, 0.0]]),
        (NEXT, {"t": 1.0}, [[0.0, 4.0], [0.0, 0.0]]),
        ((A, [[8.0, -2.0], [4.0, 0.0]]), {"t": 0.25}, [[5.0, -1.25], [2.5, 0.0]]),  # parallel, A to 2A: a straight line
    ],
    "task_arithmetic": [
        ((A, B), {"weight": [0.5, 1], "lambda_": 2}, [[8.0, 5.0], [-10.0, 2.0]]),  # 2 (A/2 + B)
        ((A, B), {"weight": [1, 3], "normalize": True}, [[2.5, 2.0], [-4.0, 0.75]]),
    ],
    "ties": [
        # A + 2B: 4+4, -1+6, 2-12, 0+2: signs + + - +. Agree: both (8 over 1+2), B, B (not A's 2), B (0 never agrees).
        ((A, B), {"weight": [1, 2]}, [[8 / 3, 3.0], [-6.0, 1.0]]),
        ((A, B), {"weight": [1, 2], "normalize": False, "lambda_": 0.5}, [[4.0, 3.0], [-6.0, 1.0]]),
        # The two largest of each: 4 and 2, 3 and -6; where 2 meets -6, minus wins.
        ((A, B), {"weight": 1, "density": 0.5}, [[4.0, 3.0], [-6.0, 0.0]]),
        ((A, B), {"weight": 1, "density": [0.5, 0.0]}, [[4.0, 0.0], [2.0, 0.0]]),
        # |A| 7 of which 6 are kept, |B| 12 of which 9: times 7/6 and 4/3.
        ((A, B), {"weight": 1, "density": 0.5, "rescale": True}, [[14 / 3, 4.0], [-8.0, 0.0]]),
        # 1 * 4 + 2 * -2 = 0 elects +.
        (([[4.0, 0.0], [0.0, 0.0]], [[-2.0, 0.0], [0.0, 0.0]]), {"weight": [1, 2]}, [[4.0, 0.0], [0.0, 0.0]]),
    ],
    "dare_linear": [
        ((A, B), {"weight": 1, "density": 0.5}, [[14 / 3, 4.0], [7 / 3 - 8, 0.0]]),  # kept times 7/6 and 4/3, as above
        ((A, B), {"weight": 1, "density": 0.5, "rescale": "inverse"}, [[8.0, 6.0], [-8.0, 0.0]]),  # kept over 0.5
        ((A, B), {"weight": [1, 2], "density": 0.5, "rescale": False, "lambda_": 0.5}, [[2.0, 3.0], [-5.0, 0.0]]),
        ((A, B), {"weight": [1, 3], "density": [0.5, 1], "normalize": True, "rescale": False}, [[2.5, 2.25], [-4.0, 0.75]]),
    ],
    "dare_ties": [
        ((A, B), {"weight": 1, "density": 0.5, "rescale": "inverse"}, [[8.0, 6.0], [-12.0, 0.0]]),  # 4 - 12: only -12 agrees
        ((A, B), {"weight": [1, 3], "density": 0.5, "rescale": False, "normalize": True}, [[4.0, 3.0], [-6.0, 0.0]]),
    ],
    "passthrough": [((A,), {}, A), ((A,), {"scale": 0.5}, [[2.0, -0.5], [1.0, 0.0]])],
    "nearswap": [((A, B), {"t": 2}, [[2.0, 1.0], [0.0, 1.0]])],  # differences -2, 4, -8, 1
    # Both rows have one softmax, so importances are as 1, 1, 6, 4: the cut is 1 + 1.5 (4 - 1).
    "arcee_fusion": [(([[0.0, 0.0]] * 2, [[1.0, -1.0], [6.0, 4.0]]), {}, [[0.0, 0.0], [6.0, 0.0]])],
    "nuslerp": [
        (NEXT, {"weight": [2, 1]}, [[3 * HALF3, 4 * 0.5], [0.0, 0.0]]),  # as slerp, a third of the way
        (NEXT, {"weight": [2, 1], "nuslerp_flatten": False}, [[3 * HALF3, 4 * 0.5], [0.0, 0.0]]),
        (NEXT, {"weight": [1, -1]}, [[3 * math.sqrt(0.5), 4 * math.sqrt(0.5)], [0.0, 0.0]]),  # weights of sum 0: half way
        # Columns (3, 4) and (4, -3), at a right angle; (0, 1) and (0, 2), parallel: a straight line.
        (
            ([[3.0, 0.0], [4.0, 1.0]], [[4.0, 0.0], [-3.0, 2.0]]),
            {"weight": [2, 1], "nuslerp_flatten": False, "nuslerp_row_wise": True},
            [[3 * HALF3 + 2, 0.0], [4 * HALF3 - 1.5, 4 / 3]],
        ),
    ],
    "multislerp": [
        (NEXT, {"weight": 1}, [[3.5 * math.sqrt(0.5)] * 2, [0.0, 0.0]]),  # 45 degrees, mean length 3.5
        (NEXT, {"weight": 1, "normalize_weights": False}, [[7 * math.sqrt(0.5)] * 2, [0.0, 0.0]]),
        (NEXT, {"weight": [1, 0]}, [[3.0, 0.0], [0.0, 0.0]]),
        ((A,), {"weight": 0.5}, A),
        (([[4.0, 0.0], [0.0, 0.0]], [[-1.0, 0.0], [0.0, 0.0]]), {"weight": 1}, [[1.5, 0.0], [0.0, 0.0]]),  # opposite: the mean
    ],
    "karcher": [(NEXT, {}, [[3.5 * math.sqrt(0.5)] * 2, [0.0, 0.0]])],
    "model_stock": [
        (NEXT, {}, [[0.0, 0.0], [0.0, 0.0]]),  # a right angle: no step
        ((A, [[8.0, -2.0], [4.0, 0.0]]), {}, [[6.0, -1.5], [3.0, 0.0]]),  # parallel: the mean
        (([[1.0, 0.0]] * 2, [[0.5, HALF3]] * 2), {}, [[0.5, HALF3 / 3]] * 2),  # 60 degrees: 2/3 of the mean
        (([[1.0, 0.0], [2.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]]), {"filter_wise": True}, [[0.0, 0.0], [2.0, 0.0]]),
    ],
    # In each row the larger is kept with 0.7, the smaller with 0.3: the draws keep 4 and 2, 3 and -6.
    "della": [
        ((A, B), {"weight": 1, "density": 0.5, "epsilon": 0.2}, [[14 / 3, 4.0], [-8.0, 0.0]]),
        ((A, B), {"weight": 1, "density": 0.5, "epsilon": 0.2, "rescale": "inverse"}, [[4 / 0.7, 3 / 0.7], [-6 / 0.7, 0.0]]),
        (
            (A, B),
            {"weight": [1, 3], "density": 0.5, "epsilon": 0.2, "rescale": False, "normalize": False},
            [[4.0, 9.0], [-18.0, 0.0]],
        ),
    ],
    "della_linear": [
        ((A, B), {"weight": 1, "density": 0.5, "epsilon": 0.2}, [[14 / 3, 4.0], [7 / 3 - 8, 0.0]]),
        ((A, B), {"weight": 1, "density": 0.5, "epsilon": 0.2, "rescale": "inverse"}, [[4 / 0.7, 3 / 0.7], [-4 / 0.7, 0.0]]),
    ],
    # Without 4 and -6, the next two: -1 and 2, 2 and 3.
    "breadcrumbs": [
        ((A, B), {"weight": 1, "density": 0.5, "gamma": 0.25}, [[2.0, 2.0], [2.0, 0.0]]),
        ((A, B), {"weight": [1, 3], "density": 0.5, "gamma": 0.25, "normalize": True}, [[1.5, 2.0], [0.5, 0.0]]),
    ],
    "breadcrumbs_ties": [((A, B), {"weight": 1, "density": 0.5, "gamma": 0.25}, [[2.0, 3.0], [2.0, 0.0]])],
    "sce": [
        ((A, B), {}, [[(21 * 4 + 50 * 2) / 71, 3.0], [-6.0, 1.0]]),  # squares of A 21, of B 50
        ((A, B), {"select_topk": 0.5}, [[0.0, 3.0], [-6.0, 0.0]]),  # most varied: -1 and 3, 2 and -6
    ],
    "ram": [((A, B), {}, [[3.0, 1.0], [-2.0, 1.0]]), ((A, B), {"epsilon": 1}, [[3.0, 3.0], [-2.0, 0.0]])],
    "ramplus_tl": [((A, B), {}, [[3.0, 1.0], [-2.0, 1.02]]), ((A, B), {"r": 0.5, "alpha": 4}, [[3.0, 1.0], [-2.0, 2.5]])],
    "consensus_ta": [
        ((A, B), {"weight": 1}, [[6.0, 0.0], [0.0, 0.0]]),  # 1 is not above 0.4 * 3, nor 2 above 0.4 * 6
        ((A, B), {"weight": 1, "tall_lambda": 0.3}, [[6.0, 2.0], [-4.0, 0.0]]),
        ((A, B), {"weight": 1, "k": 1, "lambda_": 0.5}, [[3.0, 1.0], [-2.0, 0.5]]),
    ],
    # A's best two scores are those of 4 and 0, B's of -6 and 3; the best weighs 1, the one at the cut 0. The largest magnitudes,
    # 4 and 6, are clamped to the next, 2 and 3.
    "pcb": [((A, B), {"weight": [1, 0.5], "density": 0.5}, [[2.0, 0.0], [-1.5, 0.0]])],
    "tsv_merge": [
        (([[3.0, 0.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, 2.0]]), {"weight": 1}, [[3.0, 0.0], [0.0, 2.0]]),
        (([[3.0, 0.0], [0.0, 1.0]], [[2.0, 0.0], [0.0, 1.0]]), {"weight": 1}, [[2.5, 0.0], [0.0, 0.0]]),  # one direction, shared
    ],
    "iso_c": [
        (([[3.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 1.0]]), {"weight": 1}, [[2.0, 0.0], [0.0, 2.0]]),
        (([[3.0, 0.0], [0.0, 0.0]], [[1.0, 0.0], [0.0, 0.0]]), {"weight": 1}, [[4.0, 0.0], [0.0, 0.0]]),  # has one direction
    ],
    # One row in common: TIES on it.
    "knots": [(([[4.0, -1.0], [0.0, 0.0]], [[2.0, 3.0], [0.0, 0.0]]), {"weight": 1}, [[3.0, 3.0], [0.0, 0.0]])],
}  # fmt: skip


def test_every_method_has_a_row_by_hand() -> None:
    assert not METHODS.keys() - HAND.keys(), "add a 2x2 row, worked out on paper, to HAND"


@pytest.mark.parametrize(
    ("name", "tensors", "args", "expected"), [(name, *row) for name, rows in HAND.items() for row in rows if name in METHODS]
)
def test_golden_rows_by_hand(name: str, tensors: Any, args: dict[str, Any], expected: list[list[float]]) -> None:
    method = METHODS[name]
    given = {"draws": HandDraws()} if "draws" in method.given else {}
    merged = method.fn(torch.tensor(tensors), **args, **given)
    torch.testing.assert_close(merged, torch.tensor(expected), rtol=3e-7, atol=1e-6)


# ------------------------------------------------------------------------------------ ops

N = 1 << 20


def plain_hash(draws: Draws, index: int, model: int) -> float:
    """One number of the generator in whole-number Python, from its description alone."""
    mask = 0xFFFFFFFF
    digest = ops.hashlib.blake2b(f"mask|{draws.seed}|{draws.name}|{model}".encode(), digest_size=8).digest()
    x = (index + int.from_bytes(digest[:4], "little")) & mask
    x = (x ^ x >> 16) * 0x7FEB352D & mask
    x = ((x ^ x >> 15) + int.from_bytes(digest[4:], "little") + (index >> 32) * 0x9E3779B9) * 0x846CA68B & mask
    return ((x ^ x >> 16) >> 8) / 2**24


def test_draws_are_a_function_of_the_index_alone() -> None:
    draws = Draws(3, "model.layers.0.w")
    many = draws.uniform(torch.empty(3 * (1 << 18) + 5), 1)
    for i in (0, 1, 2, (1 << 18) - 1, 1 << 18, (1 << 18) + 1, len(many) - 1):  # across the blocks it is made in
        assert many[i] == plain_hash(draws, i, 1)
    assert torch.equal(draws.uniform(torch.empty(7, 3), 1).flatten(), many[:21])
    assert torch.equal(draws.uniform(torch.empty(21, dtype=torch.bfloat16, device="cpu"), 1), many[:21])


@pytest.mark.gpu
def test_draws_are_the_same_on_a_gpu() -> None:
    draws = Draws(3, "w")
    assert torch.equal(draws.uniform(torch.empty(300_000), 1), draws.uniform(torch.empty(300_000, device="cuda"), 1).cpu())


def test_draws_are_uniform() -> None:
    u = Draws(0, "w").uniform(torch.empty(N), 0).double()
    assert u.min() >= 0 and u.max() < 1
    assert abs(u.mean() - 0.5) < 4 / math.sqrt(12 * N)
    counts = torch.histc(u, 256, 0, 1)
    assert ((counts - N / 256) ** 2 / (N / 256)).sum() < 255 + 4 * math.sqrt(2 * 255)  # chi squared


def test_draws_are_independent() -> None:
    like = torch.empty(N)
    u = Draws(0, "w").uniform(like, 0)
    others = {
        "model": Draws(0, "w").uniform(like, 1), "name": Draws(0, "v").uniform(like, 0), "seed": Draws(1, "w").uniform(like, 0),
        "ties": Draws(0, "w").uniform(like), "next": u.roll(1), "row below": u.roll(1024),
    }  # fmt: skip
    for what, other in others.items():
        r = torch.corrcoef(torch.stack([u, other]))[0, 1]
        assert abs(r) < 4 / math.sqrt(N), what


@pytest.mark.parametrize("density", [0.05, 0.3, 0.9])
def test_drop_random_keeps_the_share_and_is_nested(density: float) -> None:
    delta, draws = torch.ones(N), Draws(7, "w")
    kept = drop_random(delta, density, 2, draws)
    assert abs(kept.mean() - density) < 4 * math.sqrt(density * (1 - density) / N)
    assert not (kept.bool() & ~drop_random(delta, density + 0.05, 2, draws).bool()).any()
    assert not torch.equal(kept, drop_random(delta, density, 1, draws))


def test_drop_random_at_the_ends() -> None:
    delta = torch.tensor([1.0, -2.0])
    assert torch.equal(drop_random(delta, 1, 0, Draws()), delta)
    assert torch.equal(drop_random(delta, 0, 0, Draws()), torch.zeros(2))


@pytest.mark.parametrize("density", [0.0001, 0.1, 0.25, 0.5, 0.999])
def test_keep_largest_keeps_exactly_k(density: float) -> None:
    order = torch.randperm(1003, generator=torch.Generator().manual_seed(0)) + 1.0
    delta = order * (1 - 2 * (order % 2))
    k = max(1, int(density * 1003))
    kept = keep_largest(delta, density, Draws())
    assert kept.count_nonzero() == k
    assert torch.equal(kept, delta * (order > 1003 - k))


def test_keep_largest_at_the_ends() -> None:
    delta = torch.tensor([3.0, -1.0])
    assert keep_largest(delta, 1.0, Draws()).tolist() == [3.0, -1.0]
    assert keep_largest(delta, 0.0, Draws()).tolist() == [0.0, 0.0]
    assert keep_largest(torch.tensor(2.0), 0.01, Draws()).item() == 2.0


def test_keep_largest_with_ties_is_exact_in_expectation_nested_and_favours_no_part() -> None:
    draw = torch.Generator().manual_seed(0)
    delta = torch.randint(-3, 4, (400, 50), generator=draw).float()  # five sevenths share the two middle magnitudes
    n, counts, halves = delta.numel(), [], []
    for name in range(60):
        masks = [keep_largest(delta, d, Draws(0, str(name))).bool() for d in (0.1, 0.4, 0.6)]
        assert not (masks[0] & ~masks[1]).any() and not (masks[1] & ~masks[2]).any()
        counts.append([int(m.sum()) for m in masks])
        halves.append(int(masks[1][:200].sum()) / int(masks[1].sum()))
    for share, density in zip(torch.tensor(counts).double().mean(0) / n, (0.1, 0.4, 0.6), strict=True):
        assert abs(share - density) < 4 * 0.5 / math.sqrt(2 / 7 * n * 60)  # drawn from the 2/7 of equal magnitude
    assert abs(sum(halves) / 60 - float((delta.abs() >= 2)[:200].sum() / (delta.abs() >= 2).sum())) < 0.005


def test_elect_sign_counts_a_tie_as_plus() -> None:
    weighted = torch.tensor([[1.0, -1.0, 2.0, 0.0], [-1.0, -1.0, -3.0, 0.0]])
    assert elect_sign(weighted).tolist() == [1, -1, -1, 1]


def test_restore_scale() -> None:
    delta, kept = torch.tensor([3.0, -1.0, 4.0]), torch.tensor([3.0, 0.0, 0.0])
    assert restore_scale(kept, delta, 0.5, True).tolist() == [8.0, 0.0, 0.0]  # the L1 norm of delta
    assert restore_scale(kept, delta, 0.5, "inverse").tolist() == [6.0, 0.0, 0.0]
    assert restore_scale(kept, delta, 0.5, False).tolist() == [3.0, 0.0, 0.0]
    assert restore_scale(torch.zeros(3), delta, 0.5, True).tolist() == [0.0, 0.0, 0.0]


def test_sums_do_not_depend_on_threads() -> None:
    x = torch.randn(5_000_011, generator=torch.Generator().manual_seed(0))
    threads = torch.get_num_threads()
    try:
        found = []
        for n in (1, 2, 5):
            torch.set_num_threads(n)
            found.append((float(ops.total(x)), float(ops.dot(x, x))))
    finally:
        torch.set_num_threads(threads)
    assert len(set(found)) == 1
    assert found[0][0] == pytest.approx(math.fsum(x.tolist()), rel=1e-12)


def test_per_model_numbers() -> None:
    assert ops.per_model(0.5, 3) == [0.5] * 3
    assert ops.column([1.0, 2.0], torch.zeros(2, 3, 4)).shape == (2, 1, 1)
    with pytest.raises(ValueError, match="2 values for 3 models"):
        ops.per_model([1, 2], 3)
