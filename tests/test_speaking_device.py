"""A device that models are heard and judged on, and not merged on, as it has no float64 (mps): the CPU merges for it.

The device is pretended (pretended.py) and refuses float64; no Apple GPU has seen any of this.
"""

import gc
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pretended
import pytest
import tiny
import torch
from logs import ours
from test_device import mixed, texts
from test_kernels import same
from test_lora import make_lora
from test_slopes import examples

from merger.__main__ import main
from merger.engine.batch import merge
from merger.engine.plan import Source
from merger.engine.session import Parents, Session
from merger.errors import MergeError, OutOfMemory
from merger.hub.lora import Adapted
from merger.kernels import devices
from merger.recipe import Recipe
from merger.recipe import replace as changed
from merger.search.slopes import Mix
from merger.search.streaming import StreamRunner
from merger.search.trials import Runner, Vary, read_probes, sweep
from merger.ui.host import Host
from merger.ui.service.answers import Answers
from merger.ui.studio import Manner, Studio, Visit
from merger.ui.workspace import start

ROOT = Path(__file__).parent.parent
DEVICE = pretended.NAME
RECIPE = ROOT / "presets/pirate_and_plurals.yaml"


@pytest.fixture
def speaker() -> Iterator[pretended.Ledger]:
    with pretended.device(float64=False, merges=False) as ledger:
        yield ledger


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    tiny.make_family(folder, layers=2, width=64, ffn=160, heads=4, kv_heads=2, vocab=200, dtype=torch.bfloat16)
    make_lora(folder / "lora", {"model.layers.0.self_attn.q_proj": (64, 64)})
    return folder


def mix(method: str = "ties", each: str = "weight: 0.6, density: 0.5") -> Recipe:
    return mixed("a", "b", method=method, each=each)


def both(small: Path) -> tuple[Runner, Runner]:
    return Runner(Parents("cpu", [small])), Runner(Parents(DEVICE, [small]))


def test_what_is_asked_for_and_what_merges(speaker: pretended.Ledger) -> None:
    assert devices.pick_device(DEVICE) == torch.device("cpu")
    assert devices.speaking_device(f"{DEVICE}:1") == torch.device(DEVICE, 1)
    with pytest.raises(MergeError, match=f"--device {DEVICE}:2: this machine has {DEVICE}:0 to {DEVICE}:1"):
        devices.speaking_device(f"{DEVICE}:2")
    assert devices.speaking_device("cpu") == devices.pick_device("cpu") == torch.device("cpu")
    assert devices.best_device() in ("cpu", "cuda")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="there is an Apple GPU here")
def test_mps_is_refused_where_there_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    for pick in (devices.pick_device, devices.speaking_device):
        with pytest.raises(
            MergeError, match=r"^--device mps: this machine or this torch build has no Apple GPU; use --device cpu\.$"
        ):
            pick("mps")
    assert devices.pick_device("mps", elsewhere=True) == torch.device("cpu")
    assert main(["merge", str(RECIPE), "out", "--device", "mps"]) == 1
    assert "has no Apple GPU; use --device cpu." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("method", "each"),
    [("ties", "weight: 0.6, density: 0.5"), ("karcher", "weight: 0.5"), ("della", "weight: 0.6, density: 0.5"),
     ("iso_c", "weight: 0.5"), ("model_stock", "weight: 1")],
)  # fmt: skip
def test_the_merge_is_the_cpus_and_lies_there_once(method: str, each: str, small: Path, speaker: pretended.Ledger) -> None:
    """In the same memory after a move: a voice around it sees the change. Its parents are not there."""
    here, there = Session(Parents("cpu", [small])), Session(Parents(DEVICE, [small]))
    one = mixed("a", "b", method=method, each=each)
    for recipe in (one, changed(one, "models[1].parameters.weight", 0.3), one):
        before = {name: t.inner.data_ptr() for name, t in there.tensors.items()}  # type: ignore[attr-defined]
        here.apply(recipe)
        there.apply(recipe)
        assert {t.device for t in there.tensors.values()} == {torch.device(DEVICE, 0)}
        assert all(same(t.cpu(), here.tensors[n]) for n, t in there.tensors.items())
        assert there.plan is not None and speaker.used == there.plan.nbytes
        assert all(t.inner.data_ptr() == before.get(n, t.inner.data_ptr()) for n, t in there.tensors.items())  # type: ignore[attr-defined]
    assert speaker.peak == speaker.used and there.parents.read(Source("a", "model.norm.weight")).device.type == "cpu"


def test_voices_and_judging_are_the_cpus(small: Path, speaker: pretended.Ledger) -> None:
    here, there = both(small)
    asked = {"merge": mix(), "a": "a", "lora": "base+lora"}
    told = texts(here, asked, "abba", limit=12)
    assert told == texts(there, asked, "abba", limit=12) and all(told.values())
    moved = changed(mix(), "models[1].parameters.weight", 0.3)
    assert texts(here, {"merge": moved}, "abba", limit=12) == texts(there, {"merge": moved}, "abba", limit=12)
    probes = read_probes("ab => ba\nabba => baab")
    assert list(here.marks(["a", "base"], probes)) == list(there.marks(["a", "base"], probes))
    judged = [runner.parent("b").judges("abba", [40, 41, 42]) for runner in (here, there)]
    assert judged[0] == judged[1]
    points = [sweep(mix(), [Vary("models[0].parameters.weight", (0.1, 0.9))], runner, probes) for runner in (here, there)]
    first, second = ([(t.point, t.scores, t.answers, t.note) for t in point] for point in points)
    assert first == second and len(first) == 2 and not any(note for *_, note in first)
    assert repr(there.__reduce__()[1][0]) == repr(DEVICE)  # another process hears on it, too


def test_only_those_who_speak_lie_there(small: Path, speaker: pretended.Ledger) -> None:
    parents = Parents(DEVICE, [small])
    voices, searcher = Runner(parents), Runner(parents)
    one = parents.model("a").nbytes
    voices.merged(mix())
    assert one <= speaker.used < 1.1 * one
    voices.parent("a")
    searcher.parent("a")  # the same copy
    assert 2 * one <= speaker.used < 2.1 * one
    assert parents.read(Source("a", "model.norm.weight")).device.type == "cpu"  # a merge does not fetch it from there
    tensors = parents.tensors("base+lora")
    assert (
        isinstance(parents.model("base+lora"), Adapted)
        and tensors["model.layers.0.self_attn.q_proj.weight"].dtype == torch.bfloat16
    )
    assert 3 * one <= speaker.used < 3.1 * one and all(t.device.type == DEVICE for t in tensors.values())
    here, there = Session(Parents("cpu", [small])), Session(parents)
    for session in (here, there):
        session.apply(mixed("a", "base+lora"))  # merged as it is in float32, not as it is heard
    assert all(same(t.cpu(), here.tensors[n]) for n, t in there.tensors.items())
    del tensors, session, there
    parents.close("base+lora")
    for runner in (voices, searcher):
        runner.release()
    gc.collect()
    assert speaker.used == 0


def test_slopes_are_those_of_a_device_that_merges(small: Path) -> None:
    """The gradients come from the device, what a bar moves from the CPU: the same numbers as where both come from the device."""
    found: list[torch.Tensor] = []
    for merges in (True, False):
        with pretended.device(float64=merges, merges=merges):
            runner = Runner(Parents(DEVICE, [small]))
            found.append(Mix(runner, mix("task_arithmetic", "weight: 0.6")).slopes(examples(2, 100)).table)
    assert torch.equal(*found) and found[0].all()


def test_layer_by_layer_it_is_heard_there(small: Path, speaker: pretended.Ledger) -> None:
    said = []
    for place in ("cpu", DEVICE):
        runner = StreamRunner(Parents(place, [small]))
        said.append([runner.merged(mix()).judges("abba", [40, 41]), runner.parent("a").judges("abba", [40, 41])])
    assert said[0] == said[1] and speaker.peak


def test_the_page_answers(speaker: pretended.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said: list[dict[str, str]] = []
    for place in ("cpu", DEVICE):
        studio = Studio(ROOT / "presets", place, Host(memory=1 << 40))
        work = start(studio.presets[0], studio.base)
        assert studio.outlook(work.recipe).kind == "live"
        told: dict[str, str] = {}
        for feed in Answers(studio).answer(work, "plural of box", Visit(), Manner(length=8)):
            assert not feed.get("error")
            told |= {key: "".join(str(t[0]) for t in tokens) for key, tokens in feed["full"].items()}
        said.append(told)
    assert said[0] == said[1] and said[0]["merge"] and speaker.used


@pytest.mark.long
def test_memory_of_the_device_runs_out(small: Path, speaker: pretended.Ledger) -> None:
    """What can be made again goes; then it is told, of this device, and the next fits."""
    runner = Runner(Parents(DEVICE, [small]))
    one = runner.parents.model("a").nbytes
    runner.parent("a")
    speaker.capacity = int(1.5 * one)
    runner.merged(mix())
    assert speaker.refused and speaker.used < 1.1 * one
    runner.release()
    speaker.capacity = one // 2
    with pytest.raises(OutOfMemory, match=r"The GPU's memory \(pretended\) ran out"):
        runner.merged(mix("linear", "weight: 0.5"))
    speaker.capacity = None
    runner.merged(mix("linear", "weight: 0.5"))


def test_float64_is_told(small: Path, speaker: pretended.Ledger) -> None:
    wide = replace(mix(), out_dtype="float64")
    with pytest.raises(
        MergeError, match=r"^\S+\.weight is in float64, which pretended does not have; use --device cpu, or write"
    ):
        Session(Parents(DEVICE, [small])).apply(wide)


def test_files_are_merged_by_the_cpu_and_it_says_so(
    small: Path, speaker: pretended.Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    merge(mix(), tmp_path / "cpu", roots=[small])
    assert not ours(caplog)
    with caplog.at_level(logging.WARNING):
        merge(mix(), tmp_path / "there", device=DEVICE, roots=[small])
    assert [r.message for r in caplog.records if r.name == "merger.engine.batch"] == [
        f"--device {DEVICE}: the CPU merges, as Apple's GPUs have no float64; the files are those of every machine."
    ]
    assert not speaker.peak
    for file in (tmp_path / "cpu").glob("*.safetensors"):
        assert file.read_bytes() == (tmp_path / "there" / file.name).read_bytes()
