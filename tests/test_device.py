"""Merging and speaking on a device that is not the CPU: bits, bytes, and what is told when its memory runs out.

The device is pretended (pretended.py); `make gpu` is for a real one.
"""

import gc
import importlib
import itertools
import logging
import re
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pretended
import pytest
import tiny
import torch
from test_kernels import CASES, job, models, needs_compiler, reads, same
from test_lora import make_lora
from torch import Tensor

from merger.chat.sampling import Sampling
from merger.engine import budget, fused
from merger.engine import tensor as making
from merger.engine.arguments import Arguments
from merger.engine.batch import merge
from merger.engine.budget import working_memory
from merger.engine.document import read_source
from merger.engine.plan import Source, TensorJob, make_plan
from merger.engine.session import Parents, Session
from merger.errors import MergeError, OutOfMemory
from merger.inspect.analysis import has_deltas, measure
from merger.inspect.explain import look
from merger.kernels import cpu, devices, gpu
from merger.methods import METHODS
from merger.methods.ops import divided
from merger.recipe import Recipe, load, load_file
from merger.recipe import replace as changed
from merger.search.trials import Runner, Vary, read_probes, spread, sweep
from merger.ui.host import Host, Outlook
from merger.ui.rows import Row
from merger.ui.service.answers import Answers
from merger.ui.service.files import Files
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.workspace import Workspace, opened, start

glass = importlib.import_module("merger.ui.panels.inside")
ROOT = Path(__file__).parent.parent
FAMILY = "presets/family/"
BASE, PIRATE, PLURAL, COUNT = (f"{FAMILY}{name}" for name in ("base", "pirate", "plural", "count"))
ONE = 2_478_080
"""Bytes of a model of the family."""
DEVICE = pretended.NAME
KERNEL = gpu._kernels
"""How Triton is found; without one on the pretended device."""


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def recipe() -> Recipe:
    return load_file(ROOT / "presets/pirate_and_plurals.yaml")


def with_parents(*parents: str) -> Recipe:
    each = ", ".join(f"{{model: {parent}, parameters: {{weight: 0.5}}}}" for parent in parents)
    return load(f"{{merge_method: task_arithmetic, base_model: {BASE}, models: [{each}]}}")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models of two layers: each operation of the pretended device takes Python's time."""
    folder = tmp_path_factory.mktemp("small")
    tiny.make_family(folder, layers=2, width=64, ffn=160, heads=4, kv_heads=2, vocab=200, dtype=torch.bfloat16)
    return folder


def mixed(*parents: str, method: str = "task_arithmetic", each: str = "weight: 0.5") -> Recipe:
    models = ", ".join(f"{{model: {parent}, parameters: {{{each}}}}}" for parent in parents)
    return load(f"{{merge_method: {method}, base_model: base, models: [{models}]}}")


def texts(runner: Runner, asked: Mapping[str, Recipe | str], prompt: str = "plural of box", **more: Any) -> dict[str, str]:
    said = dict.fromkeys(asked, "")
    for one in runner.turns(asked, prompt, **more):
        said[one.key] += one.token.text if one.token else ""
    return said


# ---------------------------------------------------------------------------------------------- the same bits


def test_the_device_refuses_to_be_mixed(device: pretended.Ledger) -> None:
    """A harness that lets everything pass would pass everything."""
    here, there, far = torch.ones(3), torch.ones(3, device=DEVICE), torch.ones(3, device=f"{DEVICE}:1")
    for a, b in ((there, here), (there, far), (here, there)):
        with pytest.raises(RuntimeError, match="same device"):
            a + b
    assert (there + 1).device == torch.device(DEVICE, 0) and (there + torch.tensor(1.0)).tolist() == [2, 2, 2]
    assert device.used == 24 and there.cpu().device.type == "cpu"
    device.capacity = 30
    with pytest.raises(torch.OutOfMemoryError):
        torch.ones(3).to(DEVICE)
    del there, a, b
    torch.ones(3).to(DEVICE)


EVERY = [(name, args) for name in METHODS for args in ([a for m, a in CASES if m == name] or [{}])]


@pytest.mark.parametrize(("method", "args"), EVERY, ids=[name for name, _ in EVERY])
def test_every_method_has_the_bits_of_the_cpu(method: str, args: dict[str, object]) -> None:
    """By the one function there is, also where the device rounds as CUDA does: that of methods with a compiled law."""
    held, todo = _sample(method, args, (37, 101), torch.bfloat16)
    for source, out in itertools.product((torch.bfloat16, torch.float32), repeat=2):
        own = {name: tensor.to(source) for name, tensor in held.items()}
        now = replace(todo, out=out)
        truth = making.merge_tensor(now, reads(own))
        for watch in (None, lambda stage, value: None):
            with pretended.device(cuda=METHODS[method].law.compiled):
                there = {name: tensor.to(DEVICE) for name, tensor in own.items()}
                into = torch.empty(now.shape, dtype=out, device=DEVICE)
                made = making.merge_tensor(now, reads(there), DEVICE, watch, known=None if watch else fused.Known(), into=into)
                assert made is into and same(made.cpu(), truth), (source, out, watch)


def test_the_device_rounds_as_cuda_does() -> None:
    """A harness that rounds as the CPU would find nothing."""
    x = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    with pretended.device(cuda=True):
        there = x.to(DEVICE)
        assert not torch.equal((there / 3).cpu(), x / 3) and torch.equal(divided(there, 3).cpu(), divided(x, 3))
        assert not torch.equal(there.sub(there.roll(1), alpha=0.3).cpu(), x - 0.3 * x.roll(1))
        assert float(there.sum()) != float(x.sum()) and torch.equal((there * 0.3).cpu(), x * 0.3)
    assert torch.equal(divided(x, 3), x / 3)


def _sample(
    method: str, args: dict[str, object], shape: tuple[int, ...], out: torch.dtype
) -> tuple[dict[str, Tensor], TensorJob]:
    fewest, most = METHODS[method].models
    n = max(fewest, min(2, most or 2))
    todo = job(method, n, shape, args, out)
    given = dict(todo.args)
    for param in METHODS[method].params:
        key = param.name
        if param.per_model and not isinstance(given.get(key), tuple):
            given[key] = (0.6 if param.default is None else param.default,) * len(todo.sources)
    return models(n, shape, out), replace(todo, args=Arguments(given))


def test_sessions_voices_and_the_glass_are_the_cpus(device: pretended.Ledger, small: Path) -> None:
    here, there = Runner(Parents("cpu", [small])), Runner(Parents(DEVICE, [small]))
    mix = mixed("a", "b", method="ties", each="weight: 0.6, density: 0.5")
    asked = {"merge": mix, "base": "base", "a": "a"}
    told = texts(here, asked, "abba", limit=12)
    assert told == texts(there, asked, "abba", limit=12) == texts(there, asked, "abba", limit=12) and all(told.values())
    drawn = [texts(runner, asked, "abba", limit=6, sampling=Sampling(0.8, 3)) for runner in (here, there)]
    assert drawn[0] == drawn[1] != told
    moved = changed(mix, "models[1].parameters.weight", 0.3)
    assert texts(here, {"merge": moved}, "abba", limit=12) == texts(there, {"merge": moved}, "abba", limit=12)
    assert all(same(t.cpu(), here.session.tensors[n]) for n, t in there.session.tensors.items())
    judged = [r.parent("b").judges("abba", [40, 41, 42]) for r in (here, there)]
    assert judged[0] == judged[1]
    plan = make_plan(mix, there.parents.open(mix))
    for name in ("model.layers.1.self_attn.q_proj.weight", "model.layers.1.input_layernorm.weight"):
        one = plan.job(name)
        assert has_deltas(one)
        pair = [(look(one, r.parents.read, plan.layout, device=r.parents.device),
                 measure(one, r.parents.read, plan.layout, r.parents.device)) for r in (here, there)]  # fmt: skip
        assert pair[0] == pair[1]


# ---------------------------------------------------------------------------------------------- which device


def test_devices_are_named_in_words(device: pretended.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MergeError, match=r"--device cuda:1: .* no CUDA device; use --device cpu"):
        devices.pick_device("cuda:1")
    assert devices.pick_device(f"{DEVICE}:1") == torch.device(DEVICE, 1)
    with pytest.raises(MergeError, match=f"--device {DEVICE}:2: this machine has {DEVICE}:0 to {DEVICE}:1"):
        devices.pick_device(f"{DEVICE}:2")
    for name in ("xpu", "a gpu"):
        with pytest.raises(MergeError, match="write cpu, cuda or mps"):
            devices.pick_device(name)
    assert devices.gpu_memory("cpu") == 0 == devices.gpu_memory("cuda")


def test_why_mps_does_not_merge() -> None:
    """A device without float64 fails in the middle of a merge; see test_speaking_device.py."""
    with pretended.device(float64=False), pytest.raises(TypeError, match="float64"):
        Session(Parents(DEVICE)).apply(load(_sliced("karcher")))


def _sliced(method: str) -> str:
    return f"{{merge_method: {method}, models: [{{model: {PIRATE}}}, {{model: {PLURAL}}}]}}"


@needs_compiler
def test_launches_go_to_the_tensors_device(device: pretended.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton launches on the current device; cuda:1 is not that because a tensor lies there."""
    went: list[int] = []

    def launch(kernel: Any, what: Any, out: Any, tensors: Any, base: Any, first: int) -> None:
        went.append(pretended.Module().current_device())
        cpu.combine(what, out.inner, [x.inner for x in tensors], base if base is None else base.inner, first)

    monkeypatch.setattr(gpu, "_kernels", object)
    monkeypatch.setattr(gpu, "_launch", launch)
    held, todo = _sample("linear", {}, (8, 8), torch.float32)
    for name in (DEVICE, f"{DEVICE}:1"):
        there = {k: t.to(name) for k, t in held.items()}
        made = making.merge_tensor(todo, reads(there), name)
        assert made.device.index == (0 if name == DEVICE else 1)
    assert went == [0, 1] and pretended.Module().current_device() == 0
    session = Session(Parents(f"{DEVICE}:1"))
    session.apply(with_parents(PIRATE))
    assert {t.device.index for t in session.tensors.values()} == {1} == set(went[2:])


@pytest.mark.parametrize("fault", ["import", "compile", "memory", "old"])
def test_where_triton_fails_torch_merges(
    fault: str, device: pretended.Ledger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever fails when it is imported or compiles is told once; memory that runs out is not its fault."""
    monkeypatch.setattr(gpu, "_failed", [])
    monkeypatch.setattr(gpu, "_kernels", KERNEL)
    KERNEL.cache_clear()
    triton = types.ModuleType("merger.kernels.triton")
    wrong = {"compile": RuntimeError("Failed to find C compiler.\nmore"), "memory": torch.OutOfMemoryError("CUDA out of memory")}

    class Kernel:
        def __getitem__(self, grid: Any) -> Callable[..., None]:
            def launched(*args: Any, **more: Any) -> None:
                raise wrong[fault]

            return launched

    if fault == "import":  # Triton is there, and its library is not
        broken = types.ModuleType("triton")
        broken.__version__ = "3.6.0"  # type: ignore[attr-defined]
        missing = {"jit": OSError("libcuda.so.1: no such file")}
        broken.__getattr__ = lambda name: (_ for _ in ()).throw(missing.get(name) or AttributeError(name))  # type: ignore[method-assign]
        monkeypatch.setitem(sys.modules, "triton", broken)
        monkeypatch.setitem(sys.modules, "triton.language", types.ModuleType("triton.language"))
        monkeypatch.delitem(sys.modules, "merger.kernels.triton", raising=False)
        monkeypatch.delattr("merger.kernels.triton", raising=False)
    else:
        for name in ("merged", "counted", "summed", "dotted"):
            setattr(triton, name, Kernel())
        triton.VERSION = (3, 4) if fault == "old" else (3, 6)  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "merger.kernels.triton", triton)
        monkeypatch.setattr("merger.kernels.triton", triton, raising=False)
    held, todo = _sample("ties", {"weight": (0.6, 0.4), "density": (0.3, 0.7)}, (40, 50), torch.bfloat16)
    there = {k: t.to(DEVICE) for k, t in held.items()}
    try:
        if fault == "memory":
            with pytest.raises(torch.OutOfMemoryError):
                making.merge_tensor(todo, reads(there), DEVICE)
            assert not gpu._failed
            return
        with caplog.at_level(logging.WARNING, "merger.kernels.gpu"):
            for _ in range(3):
                assert same(making.merge_tensor(todo, reads(there), DEVICE).cpu(), making.merge_tensor(todo, reads(held)))
        assert len(caplog.records) == 1 and "Triton does not work here" in caplog.text
        why = {"compile": "C compiler", "import": "libcuda", "old": "before 3.6 its division"}
        assert why[fault] in caplog.text and "more" not in caplog.messages[0]
    finally:
        KERNEL.cache_clear()


# ---------------------------------------------------------------------------------------------- bytes


def test_one_copy_of_each_parent(device: pretended.Ledger, small: Path) -> None:
    """Session, voices and the searcher share what lies on the device: base, three parents and a merge, and the texts."""
    parents, names = Parents(DEVICE, [small]), ("base", "a", "b", "c")
    mix, one = mixed("a", "b", "c"), parents.model("base").nbytes
    voices, searcher = Runner(parents), Runner(parents)
    texts(voices, {"merge": mix, **{m: m for m in names}}, "abba", limit=8)
    kept = sum(t.nbytes for group in _heard(voices) for t in group)
    assert 5 * one <= device.used <= 1.05 * 5 * one + kept and kept < one / 2
    list(searcher.marks(["a"], read_probes("ab => ba")))
    searcher.merged(mix)
    assert device.used <= 1.05 * 6 * one + kept  # a sweep has a merge of its own
    mine = voices.parent("a").module.state_dict()["model.norm.weight"]
    assert mine.inner.data_ptr() == parents.read(Source("a", "model.norm.weight")).inner.data_ptr()  # type: ignore[attr-defined]
    for place in (voices, searcher):
        place.release()
    del mine
    gc.collect()
    assert device.used == 0


def _heard(runner: Runner) -> Iterator[list[Tensor]]:
    """What voices keep of texts."""
    assert runner._merged is not None
    for voice in (runner._merged[2], *runner._speakers.values()):
        last = voice._last
        assert last is not None
        yield [t for layer in last.cache.layers for t in (layer.keys, layer.values)]
        yield [t for states in last._states.values() for t in states]


def test_on_a_cpu_voices_take_the_files_memory() -> None:
    parents = Parents()
    one, two = Runner(parents), Runner(parents)
    for name, tensor in one.parent(PIRATE).module.named_parameters():
        assert tensor.data_ptr() == parents.read(Source(PIRATE, name)).data_ptr()
        assert tensor.data_ptr() == two.parent(PIRATE).module.get_parameter(name).data_ptr()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("place", ["cpu", DEVICE])
def test_a_lora_is_applied_once_for_all_voices(dtype: torch.dtype, place: str, tmp_path: Path, device: pretended.Ledger) -> None:
    """It is spoken in the dtype on the disk, and merged in float32 or better."""
    tiny.make_family(tmp_path, models=("base", "a"), layers=2, dtype=dtype)
    make_lora(tmp_path / "l", {"model.layers.0.self_attn.q_proj": (8, 8)})
    parents, name = Parents(place, [tmp_path]), "model.layers.0.self_attn.q_proj.weight"
    one, two = Runner(parents), Runner(parents)
    said = [texts(runner, {"x": "base+l"}, "abc", limit=4) for runner in (one, two)]
    assert said[0] == said[1] and said[0]["x"]
    held = [runner.parent("base+l").module.get_parameter(name) for runner in (one, two)]
    assert {t.dtype for t in held} == {dtype}
    pointers = {(t.inner if place == DEVICE else t).data_ptr() for t in held}  # type: ignore[attr-defined]
    assert len(pointers) == 1
    wide = parents.read(Source("base+l", name))
    assert wide.dtype == torch.float32 and torch.equal(wide.to(dtype).cpu(), held[0].detach().cpu())
    parents.close("base+l")
    assert not parents._resident


def test_two_threads_upload_a_tensor_once(device: pretended.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    parents = Parents(DEVICE)
    sources = [Source(PIRATE, name) for name in parents.model(PIRATE).tensors]
    meet, got = threading.Barrier(4), list[list[Tensor]]()
    read = read_source

    def slowly(models: Any, source: Source) -> Tensor:
        time.sleep(0.002)
        return read(models, source)

    monkeypatch.setattr("merger.engine.session.read_source", slowly)

    def work() -> None:
        meet.wait()
        got.append([parents.read(source) for source in sources])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(len({id(t) for t in same_tensor}) == 1 for same_tensor in zip(*got, strict=True))
    assert device.peak <= 1.05 * ONE


def test_letting_go_keeps_what_somebody_holds(device: pretended.Ledger, small: Path) -> None:
    parents = Parents(DEVICE, [small])
    voice = Runner(parents)
    voice.parent("a")
    parents.tensors("b")
    parents.release()
    assert device.used < 1.05 * parents.model("a").nbytes
    held = voice._held["a"]["model.norm.weight"]
    assert parents.read(Source("a", "model.norm.weight")) is held


DOCUMENTS = """name: first
merge_method: ties
base_model: base
models:
- {model: a, parameters: {weight: %s, density: 0.4}}
- {model: b, parameters: {weight: 0.5, density: 0.4}}
---
merge_method: ties
base_model: base
models:
- {model: first, parameters: {weight: 0.5, density: 0.7}}
- {model: c, parameters: {weight: 0.5, density: 0.7}}
"""


@pytest.mark.parametrize("place", ["cpu", DEVICE])
def test_a_documents_model_goes_with_its_recipe(place: str, device: pretended.Ledger, small: Path) -> None:
    """A slider of an earlier document makes another model at each step: none of them stays, nor what was measured of it."""
    parents = Parents(place, [small])
    session, other = Session(parents), Session(parents)
    other.apply(load(DOCUMENTS % 0.9))
    used, known = [], []
    for i in range(4):
        session.apply(load(DOCUMENTS % (0.1 * (i + 1))))
        used.append(device.used)
        known.append((len(parents.known.cuts), len(parents.known.ladders or ()), len(session._passing.cuts)))
    gc.collect()  # what runs under coverage is held by a circle
    assert len(set(used)) == 1 and len(set(known)) == 1 and len(parents._made) <= 2 and len(parents.opened) == 4
    assert place == "cpu" or used[0] < 6.2 * parents.model("a").nbytes  # four parents and two merges
    fresh = Session(Parents("cpu", [small]))
    fresh.apply(load(DOCUMENTS % 0.4))
    assert all(same(session.tensors[n].cpu(), t) for n, t in fresh.tensors.items())
    moved = changed(load(DOCUMENTS % 0.9), "models[1].parameters.weight", 0.25)
    other.apply(moved)  # its own is still there
    fresh.apply(moved)
    assert all(same(other.tensors[n].cpu(), t) for n, t in fresh.tensors.items())


@pytest.mark.parametrize("place", [pytest.param("cpu", marks=needs_compiler), DEVICE])
def test_models_that_are_closed_leave_nothing(place: str, device: pretended.Ledger, small: Path) -> None:
    session = Session(Parents(place, [small]))
    session.apply(mixed("a", "b", method="model_stock", each=""))
    session.apply(mixed("a", "b", method="ties", each="weight: 0.5, density: 0.5"))
    session.apply(mixed("a", "b", method="dare_linear", each="weight: 0.5, density: 0.5"))
    known = session.parents.known
    assert place == DEVICE or (known.dots and known.cuts)
    for reference in session.parents.opened:
        session.parents.close(reference)
    assert not (known.cuts or known.ladders or known.lengths or known.dots or session.parents._resident)


# ---------------------------------------------------------------------------------------------- what is needed


def test_a_tensor_takes_no_more_than_is_reckoned(device: pretended.Ledger) -> None:
    """By its method's function, which needs all of it."""
    for method, args in EVERY:
        held, todo = _sample(method, args, (512, 700), torch.bfloat16)
        there = {name: tensor.to(DEVICE) for name, tensor in held.items()}
        into = torch.empty(todo.shape, dtype=todo.out, device=DEVICE)
        device.reset_peak()
        before = device.used
        making.merge_tensor(todo, reads(there), DEVICE, known=fused.Known(), into=into)
        took = device.peak - before
        assert took <= working_memory(todo, DEVICE), method
        assert working_memory(todo, DEVICE) <= max(6 << 20, 5 * took), method


@pytest.mark.long
def test_the_outlook_counts_what_is_held(device: pretended.Ledger, small: Path) -> None:
    """Reckoned from headers: not less than the device then holds, and not much more."""
    mix, names = mixed("a", "b"), ("base", "a", "b", "c")
    runner = Runner(Parents(DEVICE, [small]))
    found = {**{m: runner.parents.model(m) for m in names}, **runner.parents.open(mix)}
    runner.session.apply(mix)
    device.reset_peak()
    for prompt in ("abba" * 10, "acca" * 10):
        texts(runner, {"merge": mix, **{m: m for m in names}}, prompt)
    what = budget.need(make_plan(mix, found), found, runner.parents.device, 64)
    held = device.peak - 5 * runner.parents.model("a").nbytes
    assert set(what.models.values()) == {runner.parents.model("a").nbytes} == {what.merged} and len(what.models) == 4
    assert held <= what.texts < 2 * held
    assert budget.need(make_plan(mix, found), found, runner.parents.device, 16).texts < what.texts / 3
    assert budget.need(make_plan(mix, found), found, runner.parents.device, 9999).texts == what.texts  # they read no more than 64


def test_what_would_fit() -> None:
    def said(free: int, *sizes: int) -> str:
        return budget.fitting(budget.Need({str(i): n for i, n in enumerate(sizes)}, 100, 10, 20), free)

    assert said(1000, 100, 100) == "Another program may have taken memory meanwhile; try again."
    assert said(400, 100, 100, 100) == "2 of these models and their merge would fit."
    assert said(200, 100, 100, 100) == "Models of up to 45 bytes each would fit."
    assert said(10, 100) == "Smaller models would fit, or a shorter text."


@pytest.mark.parametrize(("free", "kind"), [(20_000_000_000, "export"), (40_000_000_000, "live"), (None, "export")])
def test_free_memory_decides_on_a_gpu(free: int | None, kind: str) -> None:
    place = Host(memory=16_000_000_000, accelerator="cuda", gpu_memory=24_000_000_000)
    found = place.outlook([7_000_000_000] * 3, 7_000_000_000, 3_000_000_000, free)
    assert found.kind == kind and "computing 3.0 GB" in found.words
    words = Host(memory=64 << 30).outlook([7_000_000_000] * 3, 7_000_000_000).words
    assert words.startswith("Live: 3 models and their merge take 28")


# ---------------------------------------------------------------------------------------------- out of memory


def test_what_counts_as_out_of_memory() -> None:
    yes = (torch.OutOfMemoryError("x"), MemoryError(), RuntimeError("CUDA error: out of memory"),
           RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
           RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory"))  # fmt: skip
    no = (RuntimeError("size mismatch"), ValueError("out of memory"), OutOfMemory("told already"), None)
    assert all(map(devices.out_of_memory, yes)) and not any(map(devices.out_of_memory, no))


def studio_on_device() -> tuple[Studio, Workspace]:
    studio = Studio(ROOT / "presets", DEVICE, Host(accelerator="cuda", gpu_memory=1 << 40, memory=1 << 40))
    return studio, start(studio.presets[0], studio.base)


def ask(studio: Studio, work: Workspace, prompt: str) -> tuple[dict[str, str], list[str]]:
    """What everybody said, and the errors."""
    said: dict[str, str] = {}
    errors: list[str] = []
    for feed in Answers(studio).answer(work, prompt, Visit()):
        said |= {key: "".join(str(t[0]) for t in tokens) for key, tokens in feed["full"].items()}
        errors += feed.get("error", {}).values()
    return said, errors


@pytest.fixture
def unforeseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The outlook lets everything through: what happens when it was wrong? Answers are short, for time."""
    for call in (Answers.answer, Answers.compare):
        monkeypatch.setattr(call, "__defaults__", (Manner(length=12),))
    monkeypatch.setattr(Host, "outlook", lambda *_: Outlook("live", ""))


TOLD = r"The GPU's memory \(pretended\) ran out: .* together [\d.]+ [kMG]B; [\d.]+ [kMG]B are free\. .*would fit"


@pytest.mark.long
def test_an_answer_lets_go_of_old_models_and_is_given(device: pretended.Ledger, unforeseen: None) -> None:
    """Other models' voices are in the way: they go, and nobody hears of it."""
    studio, work = studio_on_device()
    truth = ask(studio, work, "plural of box")[0]
    studio.parents.tensors(COUNT)
    studio.searcher.parent(f"{FAMILY}spell")
    studio.searcher.merged(recipe())
    device.capacity = int(5 * ONE + 1.5e6)
    refused = device.refused
    said, errors = ask(studio, work, "plural of cat")
    assert not errors and said["merge"].strip() == "cats" and device.refused > refused and device.emptied
    assert ask(studio, work, "plural of box") == (truth, [])


@pytest.mark.long
def test_an_answer_that_never_fits_says_what_would(device: pretended.Ledger, unforeseen: None) -> None:
    studio, work = studio_on_device()
    device.capacity = int(3.9 * ONE)
    _, errors = ask(studio, work, "plural of box")
    assert len(errors) == 1 and "our fault" not in errors[0]
    assert re.match(TOLD, errors[0]), errors[0]
    gc.collect()
    assert device.used < 1000
    said, errors = ask(studio, opened(work, with_parents(PIRATE)), "say hello my friend like a pirate")
    assert not errors and said["merge"]
    device.capacity = None
    assert not ask(studio, work, "plural of box")[1]


@pytest.mark.long
def test_memory_that_runs_out_in_the_middle_of_an_answer(device: pretended.Ledger, unforeseen: None) -> None:
    """The words that were said are not said again, and are not lost."""
    studio, work = studio_on_device()
    truth = ask(studio, work, "tell me a story about a dog")[0]
    for voice in (studio.voices, studio.searcher):
        voice.release()
    studio.answered.clear()
    feeds = Answers(studio).answer(work, "tell me a story about a dog", Visit())
    added: list[list[Any]] = []
    said: dict[str, str] = {}
    for feed in feeds:
        added += feed["add"]
        said |= {key: "".join(str(t[0]) for t in tokens) for key, tokens in feed["full"].items()}
        assert "error" not in feed
        if len(added) > 4 and device.capacity is None:
            studio.parents.tensors(COUNT)  # somebody else's
            device.capacity = device.used + 1000
    assert device.refused and said == truth
    for key in said:
        assert "".join(t[1] for t in added if t[0] == key) == truth[key]


ROWS = (Row("r1", "plural of box"),)


def test_a_blind_test_out_of_memory(device: pretended.Ledger, unforeseen: None) -> None:
    studio, _ = studio_on_device()
    pair = (with_parents(PIRATE, PLURAL, COUNT), with_parents(PIRATE))
    device.capacity = int(3.5 * ONE)
    errors = [
        e for feed in Answers(studio).compare(Answers(studio).ballot(pair, ROWS), Visit()) for e in feed.get("error", {}).values()
    ]
    assert len(errors) == 1 and re.match(TOLD, errors[0])
    pair = (with_parents(PIRATE), with_parents(PLURAL))
    feeds = list(Answers(studio).compare(Answers(studio).ballot(pair, ROWS), Visit()))
    assert not any("error" in feed for feed in feeds) and {k for feed in feeds for k in feed["full"]} == {"r1/one", "r1/two"}


def test_a_session_out_of_memory(device: pretended.Ledger, small: Path) -> None:
    """Another recipe takes the place of what is there; one that is too large says so and leaves room."""
    session, fresh = Session(Parents(DEVICE, [small])), Session(Parents("cpu", [small]))
    device.capacity = int(3.9 * session.parents.model("a").nbytes)
    session.apply(mixed("a"))
    session.apply(mixed("b"))
    assert device.refused and device.emptied
    fresh.apply(mixed("b"))
    assert all(same(t.cpu(), fresh.tensors[n]) for n, t in session.tensors.items())
    with pytest.raises(OutOfMemory, match=TOLD):
        session.apply(mixed("a", "b", "c"))
    assert not session.tensors
    session.apply(mixed("c"))
    fresh.apply(mixed("c"))
    assert all(same(t.cpu(), fresh.tensors[n]) for n, t in session.tensors.items())


@pytest.mark.long
def test_a_sweep_out_of_memory(device: pretended.Ledger) -> None:
    """It takes the place of the voices; points that do not fit have a note, and the next sweep runs."""
    studio, _ = studio_on_device()
    texts(studio.voices, {"merge": recipe(), BASE: BASE, PIRATE: PIRATE})
    probes, vary = read_probes("plural of box => boxes"), Vary("models[0].parameters.weight", spread(0, 1, 2))
    device.capacity = int(5.9 * ONE)
    trials = list(sweep(with_parents(PIRATE, PLURAL, COUNT), [vary], studio.searcher, probes))
    assert not any(t.note for t in trials) and len(trials) == 2 and device.refused and not studio.voices._speakers
    device.capacity = int(3.6 * ONE)
    trials = list(sweep(with_parents(PIRATE, PLURAL, COUNT), [vary], studio.searcher, probes))
    assert all(re.match(TOLD, t.note) for t in trials) and len(trials) == 2
    trials = list(sweep(with_parents(PIRATE), [vary], studio.searcher, probes))
    assert [t.note for t in trials] == ["", ""]
    assert dict(studio.searcher.marks([PIRATE], probes))[PIRATE] == {"answers": 0.0}


def test_looking_inside_out_of_memory(device: pretended.Ledger) -> None:
    """One tensor and its models fit the CPU's memory always."""
    studio, work = studio_on_device()
    plan, name = studio.plan(work.recipe), "model.layers.1.mlp.down_proj.weight"
    truth = glass.seen_of(studio, plan, plan, name)
    device.capacity = device.used + 10_000
    assert glass.seen_of(studio, plan, plan, name) == truth and device.refused
    device.capacity = 10_000
    assert glass.seen_of(studio, plan, plan, name) == truth and device.used < 10_000


def test_a_merge_to_files_out_of_memory(device: pretended.Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretended.Module, "is_available", lambda _: True)
    file = ROOT / "presets/pirate_and_plurals.yaml"
    merge(load_file(file), tmp_path / "cpu")
    merge(load_file(file), tmp_path / "device", device=DEVICE)
    truth = tiny.read_weights(tmp_path / "cpu")
    assert all(same(t, truth[n]) for n, t in tiny.read_weights(tmp_path / "device").items())
    device.capacity = 100_000
    with pytest.raises(OutOfMemory) as told:
        merge(load_file(file), tmp_path / "small", device=DEVICE)
    assert re.search(
        r"--device pretended: \S+ \(\d+, \d+\) takes about [\d.]+ [kM]B of its memory while it is merged, and [\d.]+ kB are "
        r"free\.\n  Use --device cpu", str(told.value)
    ), told.value  # fmt: skip
    assert not (tmp_path / "small").exists()
    studio, work = studio_on_device()
    assert Files(studio).write(work.recipe, str(tmp_path / "page"), lambda step: None).is_dir()  # the page goes on by itself
    device.capacity = None
    merge(load_file(file), tmp_path / "small", device=DEVICE)


def test_a_merge_goes_on_where_memory_ran_out(device: pretended.Ledger, small: Path, tmp_path: Path) -> None:
    """As where the disk is full: another program has taken the GPU's memory, and the same command goes on later."""
    mix, steps = mixed("a", "b"), list[int]()

    def full(step: Any) -> None:
        device.capacity = 1 if step.tensors >= 5 else None  # some of the next are made already

    with pytest.raises(OutOfMemory, match=r"[5-8] finished tensors are kept in .*the same command goes on from there"):
        merge(mix, tmp_path / "out", device=DEVICE, roots=[small], progress=full)
    device.capacity = None
    merge(mix, tmp_path / "out", device=DEVICE, roots=[small], progress=lambda step: steps.append(step.tensors))
    merge(mix, tmp_path / "truth", roots=[small])
    assert steps[0] in (6, 7, 8, 9)
    truth = tiny.read_weights(tmp_path / "truth")
    assert all(same(t, truth[n]) for n, t in tiny.read_weights(tmp_path / "out").items())


def test_a_session_of_the_cpu_out_of_memory(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The passes say MemoryError there; torch says it in words."""
    session, tried = Session(Parents("cpu", [small])), list[str]()
    session.apply(mixed("a"))

    def fails(job: TensorJob, *_: Any, **__: Any) -> Tensor:
        tried.append(job.name)
        raise MemoryError if len(tried) == 1 else RuntimeError("DefaultCPUAllocator: can't allocate memory")

    with monkeypatch.context() as patched:
        patched.setattr("merger.engine.session.merge_tensor", fails)
        with pytest.raises(OutOfMemory, match=r"This machine's memory ran out: 3 models take 672 kB, .* are free\."):
            session.apply(mixed("a", "b"))
    assert len(tried) == 2 and not session.tensors
    session.apply(mixed("a", "b"))


def test_the_outlook_of_a_full_gpu(device: pretended.Ledger) -> None:
    studio, work = studio_on_device()
    assert studio.outlook(work.recipe).kind == "live"
    device.capacity = int(0.9 * ONE)  # not even the merge alone
    found = studio.outlook(work.recipe, (BASE,))
    assert found.kind == "export" and "and computing" in found.words
    _, errors = ask(studio, work, "plural of box")
    assert errors and errors[0].startswith("To files only: ")
    assert device.refused == 0
