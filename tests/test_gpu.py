"""On a real GPU: the CPU's bits, what is held there, and what is told when it runs out. Skipped where there is none.

What the pretended device (test_device.py) cannot show: CUDA's rounding, Triton's kernels as they run, the allocator, streams.
"""

import gc
import itertools
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from logs import ours
from safetensors.torch import save_file
from test_device import EVERY, FAMILY, PIRATE, PLURAL, ROOT, _sample, mixed, recipe, texts
from test_kernels import models, reads, same

from merger.__main__ import main
from merger.chat.sampling import Sampling
from merger.engine import budget, fused, proving
from merger.engine import tensor as making
from merger.engine.budget import working_memory
from merger.engine.plan import make_plan
from merger.engine.session import Parents, Session
from merger.errors import OutOfMemory
from merger.kernels import devices, gpu
from merger.methods import METHODS
from merger.methods.ops import GROUP
from merger.recipe import Recipe
from merger.recipe import replace as changed
from merger.search.slopes import Mix, said
from merger.search.trials import Runner, Vary, read_probes, sweep
from merger.ui.host import Host
from merger.ui.service.answers import Answers
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.workspace import Workspace, start

pytestmark = pytest.mark.gpu
CARD = "cuda:0"
LIBRARIES = 80 << 20
"""Bytes that CUDA's libraries take through torch's allocator and keep, at most."""

LOOKING: list[tuple[str, dict[str, object]]] = [
    ("ties", {"density": (0.3, 0.7)}), ("breadcrumbs", {"density": (0.4, 0.7), "gamma": (0.05, 0.3)}), ("model_stock", {}),
    ("dare_linear", {"density": (0.3, 0.6)}), ("della", {"density": (0.4, 0.7)}), ("slerp", {"t": 0.3}),
]  # fmt: skip
"""Methods that look at whole tensors first, each in its own way."""


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing lies on the card when a test begins, and its kernels are trusted when it ends."""
    monkeypatch.chdir(ROOT)
    _emptied()
    yield
    assert not gpu._failed


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of 60 million parameters: what CUDA's libraries take for themselves is small beside them."""
    folder, draw = tmp_path_factory.mktemp("large"), torch.Generator().manual_seed(0)
    shapes = tiny.tensor_shapes(4, 1024, 2816, 8, 4, 200, False)
    base = {name: torch.randn(shape, generator=draw) / 32 for name, shape in shapes.items()}
    for name, path in tiny.make_family(folder, layers=4, heads=8, kv_heads=4, vocab=200).items():
        config = json.loads((path / "config.json").read_text())
        config |= {"hidden_size": 1024, "intermediate_size": 2816, "head_dim": 128, "torch_dtype": "bfloat16"}
        (path / "config.json").write_text(json.dumps(config))
        change = 0.0 if name == "base" else 0.003
        tensors = {key: (x + change * torch.randn(x.shape, generator=draw)).bfloat16() for key, x in base.items()}
        save_file(tensors, path / "model.safetensors", {"format": "pt"})
    return folder


def _emptied() -> int:
    """Bytes that tensors still take."""
    gc.collect()
    torch.cuda.synchronize()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "_kernels", lambda: None)


# ---------------------------------------------------------------------------------------------- the same bits


@pytest.mark.parametrize("triton", [True, False], ids=["kernels", "functions"])
@pytest.mark.parametrize(("method", "args"), EVERY, ids=[name for name, _ in EVERY])
def test_every_method_has_the_bits_of_the_cpu(
    method: str, args: dict[str, object], triton: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of shapes that fill words and blocks and that do not, by the kernels and by the method's function.

    Methods without a compiled law go through matrix products and decompositions, of which CUDA has its own: near, not equal.
    """
    if not triton:
        _without_triton(monkeypatch)
    for shape, source, out in itertools.product(
        [(37, 101), (96, 1024)], (torch.bfloat16, torch.float16, torch.float32), (torch.bfloat16, torch.float32)
    ):
        held, todo = _sample(method, args, shape, torch.bfloat16)
        own = {name: tensor.to(source) for name, tensor in held.items()}
        now = replace(todo, out=out)
        truth = making.merge_tensor(now, reads(own))
        there = {name: tensor.to(CARD) for name, tensor in own.items()}
        into = torch.empty(now.shape, dtype=out, device=CARD)
        made = making.merge_tensor(now, reads(there), CARD, known=fused.Known(), into=into)
        assert made is into
        if METHODS[method].law.compiled:
            assert same(made.cpu(), truth), (shape, source, out)
        else:
            assert (made.cpu().float() - truth.float()).norm() <= 1e-3 * truth.float().norm(), (shape, source, out)


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_tensors_that_begin_anywhere(offset: int) -> None:
    """16 bytes are read at once only where all begin where that is possible."""
    for method in ("ties", "dare_ties", "linear", "model_stock"):
        held, todo = _sample(method, {}, (41, 133), torch.bfloat16)
        there = {}
        for name, tensor in held.items():
            room = torch.empty(tensor.numel() + offset, dtype=tensor.dtype, device=CARD)
            room[offset:] = tensor.flatten().to(CARD)
            there[name] = room[offset:].view(tensor.shape)
        assert same(making.merge_tensor(todo, reads(there), CARD).cpu(), making.merge_tensor(todo, reads(held)))


def test_a_tensor_of_an_embeddings_size() -> None:
    """50 million elements: many programs count into the same tables, and sums have more groups than one program adds."""
    shape = (49152, 1024)
    held = models(2, shape, torch.bfloat16)
    there = {name: tensor.to(CARD) for name, tensor in held.items()}
    for method, args in LOOKING:
        _, todo = _sample(method, args, (3,), torch.bfloat16)
        todo = replace(todo, shape=shape)
        assert same(making.merge_tensor(todo, reads(there), CARD).cpu(), making.merge_tensor(todo, reads(held))), method
    assert held["m0"].numel() > 1000 * GROUP


def test_the_same_bits_each_time() -> None:
    """Programs come in any order; what they find does not depend on it."""
    shape = (4096, 2048)
    there = {name: tensor.to(CARD) for name, tensor in models(2, shape, torch.bfloat16).items()}
    for method, args in LOOKING:
        _, todo = _sample(method, args, (3,), torch.float32)
        todo = replace(todo, shape=shape)
        first = making.merge_tensor(todo, reads(there), CARD).clone()
        assert all(same(making.merge_tensor(todo, reads(there), CARD).cpu(), first.cpu()) for _ in range(20))


def test_kernels_are_proven_and_warmed(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proving, "_proven", set())
    names = [m.name for m in METHODS.values() if proving._has_kernels(m)]
    with caplog.at_level(logging.WARNING):
        proving.prove(torch.device(CARD), names)
        proving.warm(torch.device(CARD))
        for thread in threading.enumerate():
            if thread.name == "kernels":
                thread.join(60)
    assert gpu.available() and not ours(caplog) and {name for _, name, _ in proving._proven} == set(names) and len(names) > 10
    assert {count for _, _, count in proving._proven} >= {2, 3, 4}


def test_wrong_kernels_are_found_out(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """One number off by a little in a thousandth of what is written."""
    monkeypatch.setattr(proving, "_proven", set())
    monkeypatch.setattr(gpu, "_failed", [])
    launch = gpu._launch

    def off(kernels: object, what: object, out: torch.Tensor, *more: object) -> None:
        launch(kernels, what, out, *more)  # type: ignore[arg-type]
        out.view(-1)[::1000] *= 1.01

    monkeypatch.setattr(gpu, "_launch", off)
    with caplog.at_level(logging.WARNING):
        proving.prove(torch.device(CARD))
    assert "were not the CPU's" in caplog.text and not gpu.available()
    monkeypatch.undo()
    gpu._kernels.cache_clear()
    assert gpu.available()


# ---------------------------------------------------------------------------------------------- sessions, voices, files


def test_a_session_is_the_cpus_while_bars_move(large: Path) -> None:
    here, there = Session(Parents("cpu", [large])), Session(Parents(CARD, [large]))
    start = mixed("a", "b", "c", method="ties", each="weight: 0.5, density: 0.5")
    for n, value in enumerate((0.5, 0.31, 0.77)):
        rule = [{"filter": ".layers.1.", "value": value}, {"value": 0.5}] if n < 2 else value
        now = changed(start, "models[1].parameters.density", rule)
        before = {name: t.data_ptr() for name, t in there.tensors.items()}
        here.apply(now)
        there.apply(now)
        assert {t.device for t in there.tensors.values()} == {torch.device(CARD)}
        assert all(same(t.cpu(), here.tensors[name]) for name, t in there.tensors.items())
        assert all(t.data_ptr() == before.get(name, t.data_ptr()) for name, t in there.tensors.items())


def test_two_sessions_at_once(large: Path) -> None:
    """Threads share the parents and the device's streams."""
    parents, truth = Parents(CARD, [large]), Session(Parents("cpu", [large]))
    asked = [mixed("a", "b", method=m, each="weight: 0.6, density: 0.4") for m in ("ties", "dare_ties", "della", "breadcrumbs")]
    found: dict[int, dict[str, torch.Tensor]] = {}

    def work(i: int, one: Recipe) -> None:
        session = Session(parents)
        session.apply(one)
        found[i] = {name: t.cpu() for name, t in session.tensors.items()}

    threads = [threading.Thread(target=work, args=pair) for pair in enumerate(asked)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, one in enumerate(asked):
        truth.apply(one)
        assert all(same(found[i][name], t) for name, t in truth.tensors.items())


def test_voices_say_what_the_cpus_say() -> None:
    """A trained model is sure of its words: what rounding changes does not change them."""
    here, there = Runner(Parents()), Runner(Parents(CARD))
    asked: dict[str, Recipe | str] = {"merge": recipe(), "base": f"{FAMILY}base", "pirate": PIRATE, "plural": PLURAL}
    for prompt in ("plural of box", "hello", "spell dog"):
        told = texts(here, asked, prompt, limit=24)
        assert told == texts(there, asked, prompt, limit=24) == texts(there, asked, prompt, limit=24) and any(told.values())
    one = texts(there, {"merge": recipe()}, "tell me a story about a dog", limit=24, sampling=Sampling(0.8, 3))
    assert one == texts(there, {"merge": recipe()}, "tell me a story about a dog", limit=24, sampling=Sampling(0.8, 3))
    judged = [r.parent(PLURAL).judges("plural of box", [40, 41, 42]) for r in (here, there)]
    assert [one.rank for one in judged[0]] == [one.rank for one in judged[1]] and len(judged[0]) == 3


def test_scores_and_slopes_are_near_the_cpus() -> None:
    here, there = Runner(Parents()), Runner(Parents(CARD))
    probes = read_probes("plural of box => boxes\nplural of city => cities")
    vary = [Vary("models[0].parameters.weight", (0.1, 0.9))]
    first, second = (list(sweep(recipe(), vary, runner, probes)) for runner in (here, there))
    assert [t.answers for t in first] == [t.answers for t in second] and len(first) == 2
    for mine, theirs in zip(first, second, strict=True):
        assert theirs.scores == pytest.approx(mine.scores, rel=2e-2, abs=2e-3)
    tables = []
    for runner in (here, there):
        mix = Mix(runner, changed(recipe(), "dtype", "float32"), ["weight"])
        tables.append(mix.slopes({"plural": said(here.parent(PLURAL), ["plural of box", "plural of city"])}).table)
    assert (tables[0] - tables[1]).norm() <= 1e-2 * tables[0].norm() and tables[0].any()


@pytest.mark.parametrize("method", ["ties", "dare_ties", "karcher", "model_stock"])
def test_files_are_the_cpus(method: str, large: Path, tmp_path: Path) -> None:
    each = ", ".join(f"{{model: {large / name}, parameters: {{weight: {weight}}}}}" for name, weight in (("a", 0.6), ("b", 0.4)))
    text = f"{{merge_method: {method}, base_model: {large / 'base'}, models: [{each}], dtype: bfloat16}}"
    (tmp_path / "recipe.yaml").write_text(text)
    for place in ("cpu", "cuda", "auto"):
        assert main(["merge", str(tmp_path / "recipe.yaml"), str(tmp_path / place), "--device", place]) == 0
    files = sorted(p.name for p in (tmp_path / "cpu").glob("*.safetensors"))
    assert files and all(
        (tmp_path / "cpu" / f).read_bytes() == (tmp_path / p / f).read_bytes() for f in files for p in ("cuda", "auto")
    )


# ---------------------------------------------------------------------------------------------- bytes


def test_a_tensor_takes_no_more_than_is_reckoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """By kernels and by functions; the allocator gives whole blocks of 512 bytes."""
    wrong = []
    for triton in (True, False):
        with monkeypatch.context() as patch:
            if not triton:
                _without_triton(patch)
            for method, args in EVERY:
                held, todo = _sample(method, args, (1024, 1400), torch.bfloat16)
                there = {name: tensor.to(CARD) for name, tensor in held.items()}
                into = torch.empty(todo.shape, dtype=todo.out, device=CARD)
                # once before: libraries take room of their own
                making.merge_tensor(todo, reads(there), CARD, known=fused.Known(), into=into)
                torch.cuda.synchronize()
                torch.cuda.reset_peak_memory_stats()
                before = torch.cuda.memory_allocated()
                making.merge_tensor(todo, reads(there), CARD, known=fused.Known(), into=into)
                took, told = torch.cuda.max_memory_allocated() - before, working_memory(todo, CARD)
                if took > told:
                    wrong.append((method, triton, took, told))
                del there, into
    assert not wrong


def test_the_outlook_is_what_the_card_then_holds(large: Path) -> None:
    mix, names = mixed("a", "b"), ("base", "a", "b")
    runner = Runner(Parents(CARD, [large]))
    found = {**{m: runner.parents.model(m) for m in names}, **runner.parents.open(mix)}
    what = budget.need(make_plan(mix, found), found, runner.parents.device, 64)
    before = _emptied()
    for prompt in ("abba" * 10, "acca" * 10):
        texts(runner, {"merge": mix, **{m: m for m in names}}, prompt)
    held = torch.cuda.max_memory_allocated() - before
    assert held <= what.total + LIBRARIES and what.total < 1.3 * held + LIBRARIES
    runner.release()
    del runner
    assert _emptied() - before <= LIBRARIES


STREAMED = """
import sys
from pathlib import Path
sys.path.insert(0, "tests")
import torch
from test_device import mixed, same
from merger.engine.session import Parents, Session
from merger.recipe import replace as changed
here, there = (Session(Parents(place, [Path(sys.argv[1])])) for place in ("cpu", "cuda:0"))
there.parents.streams = True
mix, before = mixed("a", "b", method="ties", each="weight: 0.5, density: 0.5"), torch.cuda.memory_allocated()
for now in (mix, changed(mix, "models[1].parameters.weight", 0.3)):
    here.apply(now)
    there.apply(now)
    assert all(same(t.cpu(), here.tensors[name]) for name, t in there.tensors.items())
one = there.parents.model("a")
assert not there.parents._resident and all(t.is_pinned() for t in there.parents._waiting.values())
print(one.nbytes, max(t.nbytes for t in one.tensors.values()), torch.cuda.max_memory_allocated() - before)
"""


def test_the_merge_alone_lies_on_the_card(large: Path) -> None:
    """Its models wait in memory that the system does not move, and go there tensor by tensor.

    In a process of its own: where a device is pretended, torch asks that one for such memory.
    """
    done = subprocess.run([sys.executable, "-c", STREAMED, str(large)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    one, largest, took = map(int, done.stdout.split())
    assert took < 1.05 * one + 2 * 2 * largest + gpu.searching(largest // 2, 2, False)


# ---------------------------------------------------------------------------------------------- the page's calls


def studio() -> tuple[Studio, Workspace]:
    made = Studio(ROOT / "presets", CARD, Host(accelerator="cuda", gpu_memory=devices.gpu_memory(), memory=64 << 30))
    return made, start(made.presets[0], made.base)


def ask(made: Studio, work: Workspace, prompt: str) -> tuple[dict[str, str], list[str]]:
    said: dict[str, str] = {}
    errors: list[str] = []
    for feed in Answers(made).answer(work, prompt, Visit(), Manner(length=24)):
        said |= {key: "".join(str(t[0]) for t in tokens) for key, tokens in feed["full"].items()}
        errors += feed.get("error", {}).values()
    return said, errors


def test_the_page_answers() -> None:
    made, work = studio()
    assert made.outlook(work.recipe).kind == "live"
    said, errors = ask(made, work, "plural of box")
    assert not errors and said["merge"].strip() == "boxes" and len(said) == 4


def test_a_full_card_is_told_in_a_sentence(large: Path) -> None:
    """Torch is given 200 MB of it: less than the models take. Afterwards it goes on."""
    runner, mix = Runner(Parents(CARD, [large])), mixed("a", "b")
    torch.cuda.set_per_process_memory_fraction((200 << 20) / torch.cuda.mem_get_info()[1])
    try:
        with pytest.raises(OutOfMemory) as told:
            texts(runner, {"merge": mix, "a": "a", "b": "b"}, "abba", limit=4)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert re.search(r"memory \(cuda.*\) ran out: .* are free\. ", str(told.value)), told.value
    assert texts(runner, {"merge": mix}, "abba", limit=4)["merge"]
