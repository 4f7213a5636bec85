"""What the page asks beside answers, on a device that is not the CPU: slopes, and a device without float64."""

from pathlib import Path

import pretended
import pytest
import tiny
import torch
from test_slopes import examples, recipe

from merger.chat.sampling import Sampling
from merger.engine.session import Parents
from merger.search.slopes import Mix
from merger.search.trials import Runner, read_probes, score
from merger.ui.host import Host
from merger.ui.rows import Row
from merger.ui.service.improve import Improving
from merger.ui.studio import Studio
from merger.ui.workspace import start

ROOT = Path(__file__).parent.parent


@pytest.fixture
def small(tmp_path: Path) -> Path:
    tiny.make_family(tmp_path, layers=2)
    return tmp_path


@pytest.mark.parametrize("name", ["ties", "slerp", "consensus_ta"])
@pytest.mark.long
def test_slopes_are_the_cpus(name: str, device: pretended.Ledger, small: Path) -> None:
    """Which way each bar helps, layer by layer, as far as a backward pass has one order: attention's goes another way there."""
    found = []
    for place in ("cpu", pretended.NAME):
        mix = Mix(Runner(Parents(place, [small])), recipe(name))
        one = mix.slopes(examples(vocabulary=20))
        found.append((one.table, mix.hear(examples(vocabulary=20))))
        assert {t.device.type for t in mix.runner.session.tensors.values()} == {place}
    (here, heard), (there, heard_there) = found
    assert here.abs().max() > 0.1 and torch.allclose(here, there, rtol=1e-4, atol=1e-5)
    assert {k: h.loss for k, h in heard.items()} == pytest.approx({k: h.loss for k, h in heard_there.items()}, rel=1e-5)


def test_voices_and_judging_need_no_float64(small: Path) -> None:
    """What an Apple GPU lacks stops some merges only (test_why_mps_is_refused): answers, judging and scores are the CPU's."""
    told = []
    for place in ("cpu", pretended.NAME):
        with pretended.device(float64=False):
            runner = Runner(Parents(place, [small]))
            said = [
                "".join(one.token.text for one in runner.turns({"a": "a"}, "abba", limit=8, sampling=how) if one.token)
                for how in (Sampling(), Sampling(0.8, 3))
            ]
            judged = runner.parent("b").judges("abba", [4, 5, 6])
            told.append((said, judged, score(runner.parent("b"), read_probes("ab => ba")).shares))
    assert told[0] == told[1] and all(told[0][0])


def test_the_page_improves_there(device: pretended.Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Arrows over the bars, and a step along them: the page's own call, with its second merged model on the device."""
    monkeypatch.chdir(ROOT)
    found = []
    for place in ("cpu", pretended.NAME):
        studio = Studio(ROOT / "presets", place, Host(accelerator="cuda", gpu_memory=1 << 40, memory=1 << 40))
        work = start(studio.presets[0], studio.base)
        ways = Improving(studio).ways(work.recipe, (Row("r1", "plural of box"),), ["weight"], lambda: True)
        assert ways is not None
        found.append(ways.shown)
        assert ways.step([]) != work.recipe
    assert found[0] == found[1] and any(one["way"] for one in found[0].values())
    assert device.peak > 4 * 2_478_080
