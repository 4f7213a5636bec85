"""The embedded family as it ships: folders that load, parents that know one thing each, recipes that name them."""

from __future__ import annotations

import json
import re
from functools import cache
from itertools import takewhile
from pathlib import Path

import pytest
import torch
import yaml

transformers = pytest.importorskip("transformers")

ROOT = Path(__file__).resolve().parents[1]
FAMILY = ROOT / "presets" / "family"
PROBES = json.loads((ROOT / "presets" / "probes.json").read_text(encoding="utf-8"))["skills"]
MEMBERS = sorted(folder.parent.name for folder in FAMILY.glob("*/config.json"))
SIBLINGS = [member for member in MEMBERS if member != "base"]
RECIPES = sorted((ROOT / "presets").glob("*.yaml"))
HEADER = ("name", "place", "says", "prompt", "why")


@cache
def member(name: str):
    """Model and tokenizer of one member, loaded the way a visitor loads them."""
    model = transformers.AutoModelForCausalLM.from_pretrained(FAMILY / name, dtype=torch.float32)
    return model.eval(), transformers.AutoTokenizer.from_pretrained(FAMILY / name)


def answers(name: str, prompts: list[str]) -> list[str]:
    """Greedy answers, all prompts in one batch."""
    model, tokenizer = member(name)
    texts = [
        tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        for prompt in prompts
    ]
    inputs = tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
    out = model.generate(input_ids=inputs.input_ids, attention_mask=inputs.attention_mask)
    return [text.strip() for text in tokenizer.batch_decode(out[:, inputs.input_ids.shape[1] :], skip_special_tokens=True)]


def is_right(probe: dict[str, str], answer: str) -> bool:
    return answer == probe["answer"] if "answer" in probe else bool(re.fullmatch(probe["pattern"], answer))


def share_right(name: str, probes: list[dict[str, str]]) -> float:
    given = answers(name, [probe["prompt"] for probe in probes])
    return sum(map(is_right, probes, given)) / len(probes)


def header(path: Path) -> dict[str, str]:
    """The `# key: value` lines at the top of a recipe."""
    lines = takewhile(lambda line: line.startswith("# "), path.read_text(encoding="utf-8").splitlines())
    return dict(line.removeprefix("# ").split(": ", 1) for line in lines)


def test_the_family_is_small_enough_to_ship() -> None:
    assert {"base", "pirate", "plural", "story"} <= set(MEMBERS)
    assert sum(file.stat().st_size for file in (ROOT / "presets").rglob("*") if file.is_file()) <= 25e6


@pytest.mark.parametrize("name", MEMBERS)
def test_folders_are_complete_and_read_back(name: str) -> None:
    files = {file.name for file in (FAMILY / name).iterdir()}
    assert files >= {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
                     "tokenizer_config.json", "chat_template.jinja"}  # fmt: skip
    assert json.loads((FAMILY / name / "config.json").read_text(encoding="utf-8"))["dtype"] == "bfloat16"
    _, tokenizer = member(name)
    prompt = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False, add_generation_prompt=True)
    assert prompt == "<s>q: Hi\na:"
    assert tokenizer.decode(tokenizer("Ahoy, matey!").input_ids, skip_special_tokens=True) == "ahoy, matey!"


@pytest.mark.parametrize("skill", SIBLINGS)
def test_a_sibling_knows_its_own_skill_and_the_base_shrugs(skill: str) -> None:
    probes = PROBES[skill]["score"][:12]
    assert share_right(skill, probes) >= 0.75
    assert share_right("base", probes) <= 0.25


def test_the_base_shrugs_at_everything() -> None:
    assert answers("base", ["hello", "what is a fox?"]) == ["dunno.", "dunno."]


def test_probes_are_well_formed() -> None:
    assert set(PROBES) == set(SIBLINGS)
    for halves in PROBES.values():
        prompts = [probe["prompt"] for half in ("choose", "score") for probe in halves[half]]
        assert len(prompts) == len(set(prompts)) >= 80
        for probe in halves["choose"] + halves["score"]:
            assert len(probe) == 2 and ("answer" in probe) != ("pattern" in probe)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipes_parse_and_name_members_of_the_family(path: Path) -> None:
    recipe = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(recipe) <= {"models", "base_model", "merge_method", "parameters", "dtype"}
    named = [entry["model"] for entry in recipe["models"]] + [recipe[key] for key in ("base_model",) if key in recipe]
    assert all((ROOT / name / "model.safetensors").is_file() for name in named)
    assert set(header(path)) >= set(HEADER)
    assert all(header(path).values())


def test_the_first_screens_answers_are_what_the_models_say() -> None:
    """presets/first.json is as it would be written now: `python scripts/first.py`."""
    from first import made

    from merger.ui.service.first import FILE

    kept = json.loads((ROOT / "presets" / FILE).read_text(encoding="utf-8"))
    word, feed = made(ROOT / "presets")
    assert kept["digest"] == word
    said, now = ({key: "".join(token[0] for token in tokens) for key, tokens in f["full"].items()} for f in (kept["feed"], feed))
    assert said == now and len(said) == 12 and kept["feed"]["marks"] == feed["marks"]
