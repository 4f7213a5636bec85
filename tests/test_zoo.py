"""A sample of the types that `make zoo` tries: merged four ways, loaded by transformers, heard before and after moves."""

import re
from pathlib import Path

import pytest
import transformers
import zoo

from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.files.layout import board, layout
from merger.recipe import load

# Plain, mixtures, latent attention, state spaces, hybrids, sliding windows, what sees, and what is copied rather than bound.
SAMPLE = (
    "llama", "mixtral", "qwen3_moe", "deepseek_v3", "gpt_oss", "gemma2", "gemma3", "gemma3n_text", "mamba2", "falcon_h1",
    "gpt_neox", "llava", "qwen2_vl", "jamba", "lfm2", "lfm2_moe", "glm4_moe", "granitemoe", "llama4", "phi3", "rwkv",
    "recurrent_gemma", "qwen3_5", "qwen3_next", "ernie4_5_vl_moe", "opt", "bart",
)  # fmt: skip
# The stack of layers 0, 1, 1, 2 is refused where a layer's kind goes by its number alone: what is said then.
REFUSED = {"jamba": "transformers could not load the output as it is planned, a jamba: missing "}


@pytest.fixture(autouse=True)
def quiet() -> None:
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()


@pytest.mark.parametrize("kind", SAMPLE)
@pytest.mark.long
def test_a_type_is_merged_loaded_and_heard(kind: str, tmp_path: Path) -> None:
    seen = zoo.examine(kind, tmp_path)
    wrong = {name: why for name, why in seen.steps.items() if why}
    assert set(seen.steps) == set(zoo.STEPS)
    assert wrong.keys() == ({"stack"} if kind in REFUSED else set()), wrong
    assert wrong.get("stack", "").startswith(REFUSED.get(kind, ""))
    recipe = load(zoo.RECIPES["ties"].replace("@", str(tmp_path)))
    plan = make_plan(recipe, open_models(recipe))
    columns = board([job.name for job in plan.jobs], plan.layout).columns
    assert sum(column.kind == "layer" for column in columns) == 4  # the text's; the towers have two


@pytest.mark.long
def test_the_oracle_tells_a_wrong_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A zoo that finds everything right would be no test."""
    real = zoo.chat_model

    def shifted(*args: object) -> object:
        who = real(*args)  # type: ignore[arg-type]
        who.module.get_output_embeddings().weight.data = who.module.get_output_embeddings().weight.data.roll(1, 0)
        return who

    monkeypatch.setattr(zoo, "chat_model", shifted)
    seen = zoo.examine("llama", tmp_path)
    assert re.match(r"says \[.*\], transformers \[", seen.steps["speaks"]) and not seen.good
    assert zoo._row(seen).split(" | ")[6:8] == ["✗", "–"]


def test_a_type_that_cannot_be_built_is_told_with_the_reason() -> None:
    (seen,) = zoo.watch(["evolla"])
    assert not seen.good and "cannot be built tiny" in zoo._row(seen)


def test_the_page_has_every_type_of_this_transformers() -> None:
    text = zoo.PAGE.read_text(encoding="utf-8")
    if f"type of transformers {transformers.__version__}," not in text:
        pytest.skip("the page was written with another transformers: `make zoo`")
    assert tuple(re.findall(r"^\| `([^`]+)`", text, re.M)) == zoo.kinds()
    spoken = [row for row in text.splitlines() if row.startswith("| `") and row.split(" | ")[6:8] == ["✓", "✓"]]
    assert f"and {len(spoken)} speak" in " ".join(text.split()) and len(spoken) > 200


def test_layouts_count_the_layers_of_the_text() -> None:
    numels = {f"vision_tower.layers.{i}.w": 10_000 for i in range(9)} | {f"language_model.layers.{i}.w": 1 for i in range(3)}
    assert layout(numels).layers == 3
