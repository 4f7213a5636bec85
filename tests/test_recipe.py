"""Recipes: what loads, what it means, and the exact words of every refusal."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from merger import recipe
from merger.errors import RecipeError
from merger.methods import METHODS
from merger.recipe import MAX_TEXT, Entry, Recipe, Setting, Slice, constant, dump, load, replace, tolerant
from merger.recipe.paste import clothed

ALL = ", ".join(METHODS)
TOP = (
    "models, slices, modules, merge_method, base_model, parameters, dtype, out_dtype, tokenizer, tokenizer_source, "
    "chat_template, seed, on_mismatch, name"
)

LINEAR = "merge_method: linear\nmodels:\n  - model: a\n    parameters:\n      weight: 1\n"
SLERP = "merge_method: slerp\nbase_model: base\nmodels:\n  - model: a\nparameters:\n  t: 0.5\n"
TIES = """\
merge_method: ties
base_model: base
models:
  - model: a
    parameters:
      weight: 0.5
  - model: b
    parameters:
      weight: 0.5
"""

EXAMPLES = {
    "a soup": """
        models:
          - model: org/first-7b
            parameters: {weight: 1.0}
          - model: org/second-7b@main
            parameters: {weight: 0.3}
        merge_method: linear
        dtype: float16
        """,
    "names only": "merge_method: linear\nparameters: {weight: 1}\nmodels: [org/x, org/y, ./folder]\n",
    "slerp over slices": """
        slices:
          - sources:
              - model: org/base-7b
                layer_range: [0, 32]
              - model: org/tuned-7b
                layer_range: [0, 32]
        merge_method: slerp
        base_model: org/base-7b
        parameters:
          t:
            - filter: self_attn
              value: [0, 0.5, 0.3, 0.7, 1]
            - filter: mlp
              value: [1, 0.5, 0.7, 0.3, 0]
            - value: 0.5   # the rest
        dtype: bfloat16
        """,
    "ties with gradients": """
        models:
          - model: org/base        # no parameters necessary
          - model: org/math
            parameters:
              density: [1, 0.7, 0.1]
              weight: 1.0
          - model: org/chat
            parameters:
              density: 0.33
              weight:
                - filter: mlp
                  value: 0.5
                - value: 0
        merge_method: ties
        base_model: org/base
        parameters:
          normalize: true
          int8_mask: 1.0
        dtype: float16
        """,
    "dare with anchors": """
        models:
          - model: one
            parameters: &shared {weight: 0.5, density: 5e-1}
          - model: two
            parameters: *shared
          - model: three
            parameters: {<<: *shared, weight: 1e-3}
        base_model: base
        merge_method: dare_ties
        out_dtype: bf16
        chat_template: auto
        tokenizer_source: base
        seed: 42
        """,
    "one filter": "merge_method: linear\nmodels:\n  - model: a\n    parameters: {weight: {filter: '*', value: 2}}\n",
    "unused keys": "merge_method: task_arithmetic\nbase_model: b\nmodels:\n- model: a\n  parameters: {weight: 1, density: 0.3}\n",
}


@pytest.mark.parametrize("text", EXAMPLES.values(), ids=list(EXAMPLES))
def test_recipes_as_people_write_them(text: str) -> None:
    loaded = load(text)
    assert load(dump(loaded)) == loaded
    assert hash(load(dump(loaded))) == hash(loaded)
    assert dump(load(dump(loaded))) == dump(loaded)


def test_what_was_read() -> None:
    loaded = load(EXAMPLES["dare with anchors"])
    assert loaded.references == ("base", "one", "two", "three")
    assert (loaded.out_dtype, loaded.seed, loaded.chat_template, loaded.tokenizer_source) == ("bfloat16", 42, "auto", "base")
    assert dict(loaded.models[1].parameters) == {"weight": constant(0.5), "density": constant(0.5)}
    assert dict(loaded.models[2].parameters) == {"weight": constant(0.001), "density": constant(0.5)}  # 1e-3 is a number
    loaded = load(EXAMPLES["slerp over slices"])
    assert [e.layer_range for e in loaded.slices[0].sources] == [(0, 32), (0, 32)]
    assert dict(loaded.parameters)["t"].rules == (
        ("self_attn", (0.0, 0.5, 0.3, 0.7, 1.0)), ("mlp", (1.0, 0.5, 0.7, 0.3, 0.0)), (None, 0.5),
    )  # fmt: skip


# ------------------------------------------------------------------------------------ round trip

_number = st.floats(-10, 10) | st.integers(-10, 10).map(float)
_text = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12)
_words = _text.filter(lambda word: word.strip() and not clothed(word))


def _setting(value: st.SearchStrategy[Any]) -> st.SearchStrategy[Setting]:
    one = value | st.lists(value, min_size=1, max_size=5).map(tuple)
    return one.map(constant) | st.lists(
        st.tuples(st.none() | _words.filter(lambda w: w != "*"), one), min_size=1, max_size=3
    ).map(lambda rules: Setting(tuple(rules)))


_share = st.floats(0, 1)
_own = st.fixed_dictionaries({}, optional={"weight": _setting(_number), "density": _setting(_share)}).map(
    lambda d: tuple(d.items())
)
_shared = st.fixed_dictionaries(
    {}, optional={"lambda": _setting(_number), "normalize": _setting(st.booleans()), "weight": _setting(_number),
                  "rescale": _setting(st.sampled_from([True, False, "inverse"]))},
).map(lambda d: tuple(d.items()))  # fmt: skip
_dtypes = st.none() | st.sampled_from(["float32", "float16", "bfloat16", "float64"])
_names = st.lists(_words, min_size=1, max_size=4, unique=True)

_templates = st.sampled_from(["auto", "chatml", "mistral"]) | _words.map(lambda w: "{" + w)


@st.composite
def _entries(draw: st.DrawFn, ranges: bool) -> tuple[Entry, ...]:
    layers = draw(st.integers(1, 9))
    found = []
    for name in draw(_names):
        start = draw(st.integers(0, 50))
        found.append(Entry(name, draw(_own), (start, start + layers) if ranges else None))
    return tuple(found)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    sliced = draw(st.booleans())
    slices = st.builds(Slice, _entries(True), _shared, st.none() | _words)
    return Recipe(
        draw(st.sampled_from(["ties", "dare_ties", "dare_linear"])),
        models=() if sliced else draw(_entries(False)),
        slices=tuple(draw(st.lists(slices, min_size=1, max_size=3))) if sliced else (),
        base_model=draw(_words), parameters=draw(_shared), dtype=draw(_dtypes), out_dtype=draw(_dtypes),
        tokenizer_source=draw(st.none() | _words), chat_template=draw(st.none() | _templates),
        seed=draw(st.integers(0, 2**63 - 1)),
    )  # fmt: skip


@settings(max_examples=150, deadline=None, derandomize=True)
@given(recipes())
def test_what_is_written_is_read_again(made: Recipe) -> None:
    assert load(dump(made)) == made


# ------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize("n", [1, 2, 3, 7, 32, 80])
def test_a_curve_of_n_anchors_over_n_layers_is_the_anchors(n: int) -> None:
    anchors = tuple(math.sin(i) for i in range(n))
    assert tuple(constant(anchors).at("w", i, n) for i in range(n)) == anchors


@pytest.mark.parametrize(
    ("anchors", "layers", "expected"),
    [
        ((0.0, 1.0), 5, [0, 0.25, 0.5, 0.75, 1]),
        ((0.0, 1.0, 0.0), 4, [0, 2 / 3, 2 / 3, 0]),
        ((0.0, 3.0, 5.0, 7.0, 8.0), 3, [0, 5, 8]),  # longer than the model: layers 0, 2 and 4 of it
        ((0.0, 3.0, 5.0, 7.0), 3, [0, 4, 7]),
        ((0.3, 0.7), 1, [0.7]),  # mergekit puts a single layer at the end
        ((True, False), 3, [True, True, False]),  # booleans do not mix
    ],
)
def test_curves(anchors: tuple[float, ...], layers: int, expected: list[float]) -> None:
    assert [constant(anchors).at("w", i, layers) for i in range(layers)] == pytest.approx(expected, abs=1e-15)
    assert constant(anchors).at("lm_head.weight", 0, 0) == anchors[0]  # outside the layers: the first


def test_the_first_filter_found_in_the_name_wins() -> None:
    rules = "[{filter: q_proj, value: 1}, {filter: self_attn, value: 2}, {filter: '*', value: 3}]"
    setting = dict(load(SLERP.replace("0.5", rules)).parameters)["t"]
    names = ("self_attn.q_proj", "self_attn.k_proj", "mlp.up_proj")
    assert [setting.at(f"layers.0.{n}.weight", 0, 1) for n in names] == [1, 2, 3]
    assert Setting((("mlp", 1.0),)).at("self_attn", 0, 1) is None
    assert Setting((("layers.1.", 1.0),)).at("layers.11.w", 11, 12) is None
    assert Setting(((".*", 1.0),)).at("anything", 0, 1) is None  # plain text, no pattern


def test_precedence_is_source_slice_recipe() -> None:
    loaded = load(
        "{merge_method: linear, parameters: {weight: 1}, slices: [{parameters: {weight: 2}, sources: "
        "[{model: a, layer_range: [0, 1], parameters: {weight: 3}}]}]}"
    )
    part = loaded.slices[0]
    found = [dict(scope)["weight"].at("w", 0, 1) for scope in recipe.scopes(loaded, part, part.sources[0])]
    assert found == [3, 2, 1]


# ------------------------------------------------------------------------------------ replace


@pytest.mark.parametrize(
    ("path", "value", "line"),
    [
        ("models[1].parameters.weight", 0.25, "      weight: 0.25"),
        ("models[1].parameters.density", [0.1, 0.9], "      density: [0.1, 0.9]"),
        ("parameters.lambda", 2, "  lambda: 2.0"),
        ("parameters.normalize", False, "  normalize: false"),
        ("seed", 7, "seed: 7"),
        ("models[0].model", "other/model", "  - model: other/model"),
        ("merge_method", "dare_ties", "merge_method: dare_ties"),
        ("models[0].parameters.weight", [{"filter": "mlp", "value": 1}], "        - filter: mlp"),
    ],
)
def test_replace(path: str, value: Any, line: str) -> None:
    before = load(TIES)
    after = replace(before, path, value)
    assert line in dump(after).splitlines() and line not in dump(before).splitlines()
    assert before == load(TIES)


def test_replace_by_nothing_removes() -> None:
    assert replace(replace(load(TIES), "parameters.lambda", 2), "parameters.lambda", None) == load(TIES)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("models[2].parameters.weight", 1, "recipe: models[2].parameters.weight: there is no models[2] in this recipe."),
        ("models[9]", "x", "recipe: models[9]: there is no models[9] in this recipe."),
        ("models.weight", 1, "recipe: models.weight: models is not a mapping."),
        ("merge_method.x", 1, "recipe: merge_method.x: merge_method is not a mapping."),
        ("seed[0]", 1, "recipe: seed[0]: there is no seed[0] in this recipe."),
        ("models[x]", 1, "recipe: 'models[x]' is not a path; write for example models[1].parameters.weight."),
        ("", 1, "recipe: '' is not a path; write for example models[1].parameters.weight."),
        ("parameters.", 1, "recipe: 'parameters.' is not a path; write for example models[1].parameters.weight."),
        ("parameters.lambda", "much", "recipe: parameters.lambda must be a number from -100 to 100; got 'much'."),
        ("parameters.lambda", float("nan"), "recipe: parameters.lambda must be a number from -100 to 100; got nan."),
        ("merge_method", None, f"recipe: `merge_method` is missing.\n  One of: {ALL}."),
        ("parameters.lamda", 1, "recipe: parameters.lamda is not a parameter of 'ties'.\n"
         "  ties takes: weight, density, lambda, normalize, rescale, lines.  Did you mean 'lambda'?"),
    ],
)  # fmt: skip
def test_replace_refuses(path: str, value: Any, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        replace(load(TIES), path, value)
    assert str(error.value) == message


# ------------------------------------------------------------------------------------ refusals

_NOT = "this is not a merge recipe.\n  A recipe is YAML with `merge_method:` and `models:`; got"
_RANGE = "must be [first, end) with 0 <= first < end, for example [0, 16]; got"
_LARGE = "recipe: holds more than 50,000 values, what `*` repeats included; that is the most a recipe may have."
_DEEP = "recipe: nested more than 32 levels deep, what `*` repeats included; recipes need about ten."
_T = "recipe, line 6: parameters.t must be a number from -10 to 10; got"


def bomb(merge: bool) -> str:
    """Each line names the one before nine times: 9**9 values in a few hundred bytes."""
    head = ["<<: [&a {x: 1}", *(f"&{n} {{<<: [{', '.join([f'*{m}'] * 9)}]}}" for m, n in pairwise("abcdefghi"))]
    if merge:
        return ", ".join(head) + "]\n"
    lines = ["a: &a [x]", *(f"{n}: &{n} [{', '.join([f'*{m}'] * 9)}]" for m, n in pairwise("abcdefghi"))]
    return "\n".join(lines)


def slices(text: str) -> str:
    return f"merge_method: linear\nslices: [{{{text}}}]"


REFUSED: dict[str, tuple[str, str]] = {
    # not YAML, or not a recipe
    "not YAML": ("a: [1,\nb: }", "recipe, line 2, column 4: this is not YAML: expected the node content, but found '}'."),
    "tab": ("models:\n\t- a\n\t  b: [", "recipe, line 3, column 6: this is not YAML: mapping values are not allowed here."),
    "zero byte": ("a: \0", "recipe: this is not YAML: special characters are not allowed."),
    "bad second document": (LINEAR + "---\n[",
        "recipe, line 7, column 2: this is not YAML: expected the node content, but found '<stream end>'."),
    "unknown alias": ("merge_method: *x", "recipe, line 1, column 15: this is not YAML: found undefined alias 'x'."),
    "empty": ("", f"recipe: {_NOT} nothing."),
    "words": ("just words", f"recipe, line 1: {_NOT} 'just words'."),
    "list": ("\n- a\n- b", f"recipe, line 2: {_NOT} ['a', 'b']."),
    "number": ("42", f"recipe, line 1: {_NOT} 42."),
    "tag": ("merge_method: !!python/object:os.system x", "recipe, line 1: merge_method is not a plain value."),
    "bad int": (SLERP.replace("0.5", "!!int ''"), "recipe, line 6: parameters.t is not a plain value."),
    "bad bool": ("merge_method: !!bool x", "recipe, line 1: merge_method is not a plain value."),
    "half a surrogate pair": ('merge_method: "\\ud800"', "recipe, line 1: merge_method is not a plain value."),
    "list as key": ("? [a]\n: b", "recipe, line 1: a key must be a word."),
    "merge of a number": ("<<: 3", "recipe, line 1: `<<` takes a mapping, or a list of mappings."),
    # too much
    "aliases": (bomb(merge=False), _LARGE),
    "merged aliases": (bomb(merge=True), _LARGE),
    "alias of itself": ("&a [*a]", _DEEP),
    "merge of itself": ("&a {<<: *a}", _DEEP),
    "deep": ("[" * 100 + "]" * 100, _DEEP),
    "very deep": ("[" * 5000, "recipe: nested too deeply to be a recipe."),
    "huge": ("#" * (MAX_TEXT + 1), "recipe: the recipe is larger than 1 MB; this is no merge recipe."),
    "long curve": (SLERP.replace("0.5", str([0.5] * 4097)),
                   "recipe, line 6: parameters.t lists 4097 values; a curve over the layers has at most 4096."),
    # keys
    "unknown key": (LINEAR + "colour: red", f"recipe, line 6: colour is not a key of a merge recipe.\n  Known here: {TOP}."),
    "misspelt key": (LINEAR.replace("merge_method", "merge_metod"), "recipe, line 1: merge_metod is not a key of a merge "
                     f"recipe.\n  Known here: {TOP}.  Did you mean 'merge_method'?"),
    "misspelt key of a model": (LINEAR.replace("parameters", "paramters"), "recipe, line 4: models[0].paramters is not a key "
                                "of a model.\n  Known here: model, parameters.  Did you mean 'parameters'?"),
    "misspelt parameter": (TIES.replace("weight", "wieght", 1), "recipe, line 6: models[0].parameters.wieght is not a parameter "
                           "of 'ties'.\n  ties takes: weight, density, lambda, normalize, rescale, lines.  "
                           "Did you mean 'weight'?"),
    "mis-indented weight": (LINEAR.replace("      weight", "    weight"), "recipe, line 5: models[0].weight is not a key of a "
                            "model.\n  Known here: model, parameters.  Indent it below `parameters:`."),
    "weight at the top": (LINEAR + "weight: 1", "recipe, line 6: weight is not a key of a merge recipe.\n"
                          f"  Known here: {TOP}.  Indent it below `parameters:`."),
    "misspelt rule": (SLERP.replace("0.5", "[{filtr: mlp, value: 1}]"), "recipe, line 6: parameters.t[0].filtr is not a key of "
                      "a rule.\n  Known here: filter, value.  Did you mean 'filter'?"),
    "key twice": (LINEAR + "merge_method: ties", "recipe, line 6: merge_method is given twice (first on line 1)."),
    "inner key twice": (LINEAR + "      weight: 2",
                        "recipe, line 6: models[0].parameters.weight is given twice (first on line 5)."),
    # values
    "above": (SLERP.replace("0.5", "11"), f"{_T} 11."),
    "below": (SLERP.replace("0.5", "-10.5"), f"{_T} -10.5."),
    "nan": (SLERP.replace("0.5", ".nan"), f"{_T} nan."),
    "inf": (SLERP.replace("0.5", "-.inf"), f"{_T} -inf."),
    "word": (SLERP.replace("0.5", "half"), f"{_T} 'half'."),
    "nothing in a list": (SLERP.replace("0.5", "[0.5, null]"),
        "recipe, line 6: parameters.t[1] must be a number from -10 to 10; got nothing."),
    "list in a list": (SLERP.replace("0.5", "[0.5, [1]]"),
        "recipe, line 6: parameters.t[1] must be a number from -10 to 10; got [1]."),
    "density": (TIES + "      density: 1.5",
        "recipe, line 10: models[1].parameters.density must be a number from 0 to 1; got 1.5."),
    "unused, still no nan": (LINEAR + "      int8_mask: .nan",
        "recipe, line 6: models[0].parameters.int8_mask must be a number; got nan."),
    "bool": (TIES + "parameters: {normalize: maybe}",
        "recipe, line 10: parameters.normalize must be true or false; got 'maybe'."),
    "choice": (TIES + "parameters: {rescale: often}",
               "recipe, line 10: parameters.rescale must be true or false or inverse; got 'often'."),
    "parameters as a list": (LINEAR.split("    parameters")[0] + "    parameters: [1]", "recipe, line 4: models[0].parameters "
                             "must hold parameters, for example `weight: 0.5`, indented below it; got [1]."),
    "rule without value": (SLERP.replace("0.5", "[{filter: mlp}]"),
                           "recipe, line 6: parameters.t[0].value is missing: a number, or a list of numbers over the layers."),
    "number among rules": (SLERP.replace("0.5", "[{filter: mlp, value: 1}, 0.5]"), "recipe, line 6: parameters.t[1] mixes a "
                           "bare number with rules: write {value: ..} for all of them; got 0.5."),
    "filter of a number": (SLERP.replace("0.5", "[{filter: 3, value: 1}]"), "recipe, line 6: parameters.t[0].filter must be "
                           "part of a tensor's name, for example mlp; got 3."),
    "dtype": (LINEAR + "dtype: float8", "recipe, line 6: dtype must be one of float32, float16, bfloat16, float64; got 'float8'."
              "  Did you mean 'float64'?"),
    "list of dtypes": (LINEAR + "dtype: [float32]",
                       "recipe, line 6: dtype must be one of float32, float16, bfloat16, float64; got ['float32']."),
    "out_dtype": (LINEAR + "out_dtype: bfloat61", "recipe, line 6: out_dtype must be one of float32, float16, bfloat16, "
                  "float64; got 'bfloat61'.  Did you mean 'bfloat16'?"),
    "seed": (LINEAR + "seed: -1", "recipe, line 6: seed must be a whole number from 0 to 9223372036854775807; got -1."),
    "seed of 8000 digits": (LINEAR + "seed: 0x" + "f" * 8000, "recipe, line 6: seed is not a plain value."),
    # models
    "no method": ("models: [a]", f"recipe, line 1: `merge_method` is missing.\n  One of: {ALL}."),
    "unknown method": ("merge_method: lineer\nmodels: [a]",
                       f"recipe, line 1: merge_method must be one of {ALL}; got 'lineer'.  Did you mean 'linear'?"),
    "no base": (TIES.replace("base_model: base\n", ""), "recipe, line 1: 'ties' needs `base_model`, the model the others were "
                "fine-tuned from.\n  Add `base_model: <folder or Hub id>`."),
    "no base of slerp": (SLERP.replace("base_model: base\n", ""),
                         "recipe, line 1: 'slerp' needs `base_model`, the model at t = 0.\n"
                         "  Add `base_model: <folder or Hub id>`."),
    "no models": ("merge_method: linear",
        "recipe, line 1: give one of `models:`, `slices:` and `modules:`: which models to merge."),
    "models and slices": (LINEAR + "slices: []",
        "recipe, line 1: give one of `models:`, `slices:` and `modules:`: which models to merge."),
    "models empty": ("merge_method: linear\nmodels: []", "recipe, line 2: models must be a list of models; got []."),
    "models a word": ("merge_method: linear\nmodels: a", "recipe, line 2: models must be a list of models; got 'a'."),
    "model twice": ("merge_method: linear\nmodels: [a, b, a]",
        "recipe, line 2: models[2] repeats models[0] (a); list each model once."),
    "model without a name": ("merge_method: linear\nmodels: [{parameters: {weight: 1}}]",
                             "recipe, line 2: models[0].model is missing: a folder or a Hub id."),
    "model on two lines": ('merge_method: linear\nmodels: ["a\\nb"]',
                           "recipe, line 2: models[0] must be a folder or a Hub id, on one line; got 'a\\nb'."),
    "slerp of three": (SLERP.replace("- model: a", "- model: a\n  - model: b"),
        "recipe, line 3: 'slerp' takes exactly 2 models; models gives 3.\n"
        "  It goes from `base_model` to one other: base and these are 3. Make one of these the base."),
    "slerp of one": (SLERP.replace("model: a", "model: base"), "recipe, line 3: 'slerp' takes exactly 2 models; models gives 1."),
    # slices
    "slice without sources": (slices("parameters: {}"),
        "recipe, line 2: slices[0].sources is missing: a list of models with a layer_range."),
    "slice without range": (slices("sources: [{model: a}]"),
                            "recipe, line 2: slices[0].sources[0].layer_range is missing: [first, end), for example [0, 16]."),
    "empty range": (slices("sources: [{model: a, layer_range: [2, 2]}]"),
        f"recipe, line 2: slices[0].sources[0].layer_range {_RANGE} [2, 2]."),
    "negative range": (slices("sources: [{model: a, layer_range: [-1, 2]}]"),
        f"recipe, line 2: slices[0].sources[0].layer_range {_RANGE} [-1, 2]."),
    "range of one number": (slices("sources: [{model: a, layer_range: 3}]"),
        f"recipe, line 2: slices[0].sources[0].layer_range {_RANGE} 3."),
    "unequal ranges": (slices("sources: [{model: a, layer_range: [0, 2]}, {model: b, layer_range: [0, 3]}]"),
                       "recipe, line 2: slices[0].sources take different numbers of layers: a [0, 2], b [0, 3].\n"
                       "  All sources of a slice give the same number; the end of layer_range is not included."),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(text)
    assert str(error.value) == message


def test_what_is_done_about_misfits_is_part_of_the_recipe() -> None:
    plain = load(TIES)
    assert plain.on_mismatch == "refuse" and "on_mismatch" not in dump(plain)
    skip = replace(plain, "on_mismatch", "skip")
    assert load(dump(skip)) == skip != plain and "\non_mismatch: skip\n" in dump(skip) and skip.digest != plain.digest
    both = replace(plain, "on_mismatch", "crop+skip")
    assert load(dump(both)) == both and "\non_mismatch: crop+skip\n" in dump(both)
    wrong = r"on_mismatch must be one of refuse, crop, skip, crop\+skip; got 'skp'\.  Did you mean 'skip'\?"
    with pytest.raises(RecipeError, match=wrong):
        replace(plain, "on_mismatch", "skp")
    two = load(f"name: first\n{TIES}\n---\n{{merge_method: linear, models: [{{model: first, parameters: {{weight: 1}}}}]}}")
    assert [one.on_mismatch for one in (*two.earlier, two)] == ["refuse"] * 2
    both = tolerant(two, "crop")
    assert [one.on_mismatch for one in (*both.earlier, both)] == ["crop"] * 2 and load(dump(both)) == both


def test_recipe_files(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(TIES + "seed: x")
    cases = [
        (file, f"{file}, line 10: seed must be a whole number from 0 to 9223372036854775807; got 'x'."),
        (tmp_path / "none.yaml", f"{tmp_path / 'none.yaml'}: no such file."),
        (tmp_path, f"{tmp_path}: this is a folder; name the recipe's YAML file."),
    ]
    for path, message in cases:
        with pytest.raises(RecipeError) as error:
            recipe.load_file(path)
        assert str(error.value) == message
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="this is not a text file; a recipe is YAML in UTF-8"):
        recipe.load_file(file)
