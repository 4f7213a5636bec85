"""Recipes as people publish and paste them: they run, and what was read otherwise than written is told."""

from pathlib import Path

import pytest

from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import make_plan
from merger.engine.session import Parents
from merger.errors import RecipeError
from merger.recipe import Recipe, dump, load
from merger.recipe.between import unsliced
from merger.recipe.paste import mended
from merger.ui import Panels, lanes, workspace
from merger.ui.studio import Studio

ROOT = Path(__file__).parent.parent
PIRATE, PLURAL = (f"presets/family/{name}" for name in ("pirate", "plural"))

TWO = "models:\n" + "".join(f"  - {{model: {m}, parameters: {{weight: 0.5, density: 0.5}}}}\n" for m in "ab")
TIES = "merge_method: ties\nbase_model: base\n" + TWO
LINEAR = "merge_method: linear\n" + TWO
PLAIN = "merge_method: linear\nmodels:\n  - model: a\n    parameters: {weight: 1}\n  - model: b\n    parameters: {weight: 2}\n"

# What is written -> the recipe that it is, and what is told of it.
READ = {
    "dtype below parameters": (
        TIES + "parameters: {int8_mask: true, dtype: bfloat16}\n", TIES + "parameters: {int8_mask: true}\n",
        "recipe, line 6: parameters.dtype has no effect below `parameters:`, as in mergekit; "
        "write `dtype:` at the top of the recipe.",
    ),
    "parameters of nobody": (
        TIES + "parameters: {smooth: false, allow_negative_weights: true}\n", TIES + "parameters: {}\n",
        "recipe, line 6: parameters.smooth has no effect, as in mergekit.",
    ),
    "int_space at a model": (
        TIES.replace("{weight: 0.5, density: 0.5}}\n  - {model: b", "{int_space: cs, weight: 0.5, density: 0.5}}\n  - {model: b"),
        TIES, "recipe, line 4: models[0].parameters.int_space has no effect, as in mergekit.",
    ),
    "a mapping of nobody": (
        TIES + "parameters: {adaptive_merge_parameters: {task_weights: {IFEval: 1.9}}}\n", TIES + "parameters: {}\n",
        "recipe, line 6: parameters.adaptive_merge_parameters has no effect, as in mergekit.",
    ),
    "embed_slerp": (
        LINEAR + "embed_slerp: true\n", LINEAR,
        "recipe, line 5: embed_slerp has no effect any more: `tokenizer_source` says how embeddings are matched.",
    ),
    "options of the command": (
        LINEAR + "out_shard_size: 5B\nlazy_unpickle: true\n", LINEAR,
        "recipe, line 5: out_shard_size has no effect: it is an option of the command, not of a recipe.",
    ),
    "a description": (
        LINEAR + "description: my best\n", LINEAR,
        "recipe, line 5: description has no effect: it is for people; a recipe says what is merged.",
    ),
    "random_seed": (LINEAR + "random_seed: 42\n", LINEAR + "seed: 42\n", "recipe, line 5: random_seed is read as `seed`."),
    "residual_weight": (
        "merge_method: passthrough\nslices:\n  - residual_weight: 0.5\n    sources: [{model: a, layer_range: [0, 6]}]\n",
        "merge_method: passthrough\nslices:\n  - sources: [{model: a, layer_range: [0, 6]}]\n",
        "recipe, line 3: slices[0].residual_weight has no effect, as in mergekit.",
    ),
    "revision beside model": (
        "merge_method: passthrough\nslices:\n  - sources:\n    - {model: a, revision: v0, layer_range: [0, 6]}\n",
        "merge_method: passthrough\nslices:\n  - sources:\n    - {model: a@v0, layer_range: [0, 6]}\n",
        "recipe, line 4: read as a@v0; mergekit itself takes the main revision.",
    ),
    "layer_range at a model": (
        LINEAR.replace("model: a,", "model: a, layer_range: [0, 8],"), LINEAR,
        "recipe, line 3: models[0].layer_range has no effect: `models:` merges all layers; for some of them write `slices:`.",
    ),
    "anchors in a key of their own": ("shared:\n  - &w {weight: 1}\n" + PLAIN.replace("{weight: 1}", "*w"), PLAIN, None),
    "an extension nobody uses": ("x-notes: {weight: 1}\n" + PLAIN, PLAIN, None),
    "a template in a document before the last": (
        "name: first\nchat_template: chatml\n" + PLAIN + "---\n" + PLAIN.replace("model: a", "model: first"),
        "name: first\nchat_template: chatml\n" + PLAIN + "---\n" + PLAIN.replace("model: a", "model: first"),
        "recipe, line 2: chat_template has no effect in 'first'; write it in the document that makes the output.",
    ),
    # pasted
    "a code block": ("```yaml\n" + PLAIN + "```\n", PLAIN, "recipe: the fence of a code block was taken off."),
    "a code block in a text": (
        "The following YAML was used:\n\n```yaml\n" + PLAIN + "```\n\nHave fun: yes.", PLAIN,
        "recipe: the fence of a code block was taken off.",
    ),
    "the end of a code block": (PLAIN + "```\n", PLAIN, "recipe: the fence of a code block was taken off."),
    "a code block behind another": (
        "```bash\npip install mergekit\n```\nThen:\n```yaml\n" + PLAIN + "```\n", PLAIN,
        "recipe: the fence of a code block was taken off.",
    ),
    "a code block with a title": (
        '```yaml title="config.yaml"\n' + PLAIN + "```\n", PLAIN, "recipe: the fence of a code block was taken off."
    ),
    "a whole card": (
        "---\nbase_model:\n- a\ntags: [merge]\n---\n# Mine\n\n```yaml\n" + PLAIN + "```\n## Usage\n```python\nx\n```\n",
        PLAIN,
        "recipe: the fence of a code block was taken off.",
    ),
    "a citation": (
        "".join(f"> {line}\n" for line in PLAIN.splitlines()), PLAIN, "recipe: the marks of a citation were taken off."
    ),
    "HTML": (
        PLAIN.replace("model: a", "model: &quot;a&quot;"), PLAIN, "recipe: HTML's names of characters were read as these."
    ),
    "escaped underscores": (
        PLAIN.replace("_", "\\_").replace("model: a", "model: a\\_b"), PLAIN.replace("model: a", "model: a_b"),
        "recipe: escaped underscores were read as plain.",
    ),
    "a Windows path from here": (
        PLAIN.replace("model: a", 'model: ".\\models\\new"'), PLAIN.replace("model: a", "model: '.\\models\\new'"),
        "recipe: backslashes of Windows paths were read as they stand.",
    ),
    "no-break spaces": (
        PLAIN.replace("  ", "\u00a0\u00a0"), PLAIN, "recipe: no-break and other wide spaces were read as spaces."
    ),
    "wide spaces of a Japanese page": (
        PLAIN.replace("    p", "\u3000\u3000\u3000\u3000p"), PLAIN, "recipe: no-break and other wide spaces were read as spaces."
    ),
    "tabs after keys": (PLAIN.replace("method: ", "method:\t").replace("- ", "-\t"), PLAIN, "recipe: tabs were read as spaces."),
    "tabs before keys": (
        "merge_method: linear\nmodels:\n\t- model: a\n\t  parameters: {weight: 1}\n\t- model: b\n\t  parameters: {weight: 2}\n",
        PLAIN, "recipe: tabs were read as spaces.",
    ),
    "invisible characters": (
        "\ufeff" + PLAIN.replace("linear", "linear\u200b"), PLAIN, "recipe: invisible characters were taken out."
    ),
    "typographic quotes": (
        PLAIN.replace("model: a", "model: \u201ca\u201d"), PLAIN, "recipe: typographic quotation marks were read as quotes."
    ),
    "typographic dashes": (PLAIN.replace("- ", "\u2013 "), PLAIN, "recipe: typographic dashes were read as `-`."),
    "wide colons": (
        PLAIN.replace("merge_method: ", "merge_method\uff1a"), PLAIN, "recipe: wide colons were read as `:`."
    ),
    "a Windows path": (
        PLAIN.replace("model: a", 'model: "C:\\Users\\me\\new"'), PLAIN.replace("model: a", "model: 'C:\\Users\\me\\new'"),
        "recipe: backslashes of Windows paths were read as they stand.",
    ),
    "a Windows path of letters that YAML knows": (
        PLAIN.replace("model: a", 'model: "D:\\new\\table"'), PLAIN.replace("model: a", "model: 'D:\\new\\table'"),
        "recipe: backslashes of Windows paths were read as they stand.",
    ),
    "a share of a network": (
        PLAIN.replace("model: a", 'model: "\\\\nas\\models"'), PLAIN.replace("model: a", "model: '\\\\nas\\models'"),
        "recipe: backslashes of Windows paths were read as they stand.",
    ),
    "a Windows path as YAML wants it": (
        PLAIN.replace("model: a", 'model: "C:\\\\new"'), PLAIN.replace("model: a", "model: 'C:\\new'"), None,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("written", "meant", "told"), READ.values(), ids=list(READ))
def test_read_and_told(written: str, meant: str, told: str | None) -> None:
    found = load(written)
    assert found == load(meant)
    assert found.notes[:1] == ((told,) if told else ())
    assert load(dump(found)) == found
    if told:
        assert not load(meant).notes or "document" in told


@pytest.mark.parametrize("name", [n for n, (_, _, told) in READ.items() if (told and "was" in told) or (told and "were" in told)])
def test_what_was_mended_keeps_its_lines_and_is_kept_whole(name: str) -> None:
    """So that an error names the visitor's own line; the visitor's text stays what is written beside the weights."""
    written = READ[name][0].replace("\r\n", "\n")
    assert mended(written)[0].count("\n") == written.count("\n")
    assert mended(mended(written)[0]) == (mended(written)[0], ())


REFUSED = {
    "mergekit-moe": (
        "base_model: a\ngate_mode: cheap_embed\nexperts:\n  - {source_model: a, positive_prompts: [code]}\n",
        "recipe, line 3: this is a recipe for mergekit-moe (it has `experts`), which makes a mixture of experts",
    ),
    "mergekit-evolve": (
        "genome: {models: [a, b], merge_method: ties}\ntasks: [{name: x}]\n",
        "recipe, line 1: this is a recipe for mergekit-evolve (it has `genome`)",
    ),
    "a misspelt key that holds an anchor": (
        "merge_method: linear\nmodels:\n  - {model: a, paramters: &w {weight: 1}}\n  - {model: b, parameters: *w}\n",
        "recipe, line 3: models[0].paramters is not a key of a model.",
    ),
    "a misspelt key at the top that holds an anchor": (
        "paramters: &w {weight: 1}\nmerge_method: linear\nmodels: [{model: a, parameters: *w}]\n",
        "recipe, line 1: paramters is not a key of a merge recipe.",
    ),
    "both seeds": (LINEAR + "seed: 1\nrandom_seed: 2\n", "recipe, line 6: give either `seed:` or `random_seed:`"),
    "two revisions": (
        "merge_method: linear\nmodels: [{model: a@v1, revision: v2, parameters: {weight: 1}}]\n",
        "recipe, line 2: models[0].revision is given twice: a@v1 names one already.",
    ),
    "pasted, and wrong on line 4": ("```\nmerge_method: linear\nmodels:\n  - modle: a\n```\n", "recipe, line 4: models[0].modle"),
    "slerp with a base beside two sources": (
        "merge_method: slerp\nbase_model: base\nparameters: {t: 0.5}\nslices:\n  - sources:\n"
        "    - {model: a, layer_range: [0, 8]}\n    - {model: b, layer_range: [0, 8]}\n",
        "Make one of these the base.",
    ),
}


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(text)
    assert message in str(error.value)


def test_a_text_that_is_a_recipe_is_never_touched() -> None:
    """Also where it holds what would be mended elsewhere: here a token with a no-break space."""
    text = PLAIN + 'tokenizer: {tokens: {"a\u00a0b": {source: a}}}\n'
    found = load(text)
    assert found.tokenizer is not None and found.tokenizer.tokens[0][0] == "a\u00a0b" and not found.notes


# ------------------------------------------------------------------------------------ slices that are whole models


SLICED = """
merge_method: {method}
{base}slices:
  - sources:
      - {{model: {first}, layer_range: [0, {layers}], parameters: {{weight: [0.2, 0.8], density: 0.5}}}}
      - {{model: b, layer_range: [0, {layers}], parameters: {{weight: 0.7}}}}
    parameters: {{density: [{{filter: mlp, value: 0.4}}, {{value: 0.9}}]}}
parameters: {{density: 0.1, t: [0, 1, 0.5]}}
"""


def sliced(layers: int, method: str = "ties", base: str = "base", first: str = "a") -> Recipe:
    return load(SLICED.format(method=method, base=f"base_model: {base}\n" if base else "", first=first, layers=layers))


@pytest.mark.parametrize(("method", "base", "first"), [
    ("ties", "base", "a"), ("slerp", "a", "a"), ("linear", "", "a"), ("task_arithmetic", "base", "base"),
])  # fmt: skip
def test_a_slice_over_all_layers_is_a_models_recipe(method: str, base: str, first: str, family: Path, tmp_path: Path) -> None:
    recipe = sliced(plan_layers(family), method, base, first)
    plain = unsliced(recipe)
    assert plain is not None and plain.models and not plain.slices and load(dump(plain)) == plain
    models = open_models(recipe, [family])
    assert make_plan(plain, models).jobs == make_plan(recipe, models).jobs
    assert any("is read as `models:`" in remark for remark in make_plan(plain, models).remarks)
    merge(recipe, tmp_path / "sliced", roots=[family])
    merge(plain, tmp_path / "plain", roots=[family])
    weights = [(tmp_path / name / "model.safetensors").read_bytes()[-1000:] for name in ("sliced", "plain")]
    assert weights[0] == weights[1]


def plan_layers(family: Path) -> int:
    parents = Parents(roots=[family])
    recipe = load("{merge_method: linear, models: [{model: a, parameters: {weight: 1}}]}")
    return make_plan(recipe, parents.open(recipe)).layout.layers


def test_a_slice_over_some_layers_stays_one(family: Path) -> None:
    layers = plan_layers(family)
    recipe = sliced(layers - 1)
    plain = unsliced(recipe)
    models = open_models(recipe, [family])
    assert plain is not None and make_plan(plain, models).jobs != make_plan(recipe, models).jobs
    text = dump(recipe).replace("[0, 3]", "[1, 3]").replace(f"[0, {layers - 1}]", f"[1, {layers - 1}]")
    assert unsliced(load(text)) is None


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


def test_the_most_copied_yaml_has_bars_on_the_page(studio: Studio) -> None:
    """Slices over all layers, pasted: each model has its lanes, a move keeps the rest, and the page says how it was read."""
    on = Panels(studio)
    first = workspace.start(studio.presets[0], studio.base, studio.parents_of_family)
    layers = studio.plan(first.recipe).layout.layers
    text = SLICED.format(method="ties", base=f"base_model: {studio.base}\n", first=PIRATE, layers=layers)
    text = text.replace("model: b", f"model: {PLURAL}")
    drawn = on.recipe.use_text(first, text, None)
    there = drawn["work"]
    assert not there.recipe.slices and [e.model for e in there.recipe.models] == [PIRATE, PLURAL]
    assert "is read as `models:`" in drawn["moved"]["value"]
    value, board = lanes.describe(studio.plan(there.recipe))
    assert not board["locked"] and any("weight" in path for path in value["lanes"])
    assert studio.plan(there.recipe).jobs == studio.plan(load(text)).jobs
    fewer = load(text.replace(f"[0, {layers}]", f"[0, {layers - 1}]"))
    assert studio.with_bars(fewer) is fewer  # these are a smaller model's layers, not the whole one's


def test_what_was_mended_is_told_on_the_page(studio: Studio) -> None:
    on = Panels(studio)
    first = workspace.start(studio.presets[0], studio.base, studio.parents_of_family)
    drawn = on.recipe.use_text(first, "```yaml\n" + dump(studio.presets[1].recipe) + "```", None)
    assert drawn["work"].recipe == studio.presets[1].recipe
    assert "the fence of a code block was taken off" in drawn["moved"]["value"]
