"""Which tensors the output has: the base's, without a base those of all models; whatever a donor has more or less, and wherever
it is listed."""

import itertools
import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

import merger.engine.plan as planning
from merger.engine.batch import merge
from merger.engine.document import open_models
from merger.engine.plan import Plan, make_plan
from merger.engine.session import Parents, Session
from merger.errors import CheckpointError, MergeError, RecipeError
from merger.files.checkpoints import open_checkpoint
from merger.recipe import load, tolerant

INV, DOWN, NORM, EMBED = "self_attn.rotary_emb.inv_freq", "mlp.down_proj.weight", "model.norm.weight", "model.embed_tokens.weight"
LAYER = "model.layers.1."
Change = Callable[[dict[str, torch.Tensor]], Mapping[str, torch.Tensor]]


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Models of one name are other models in the next test."""
    planning._FRAMES.clear()
    yield
    planning._FRAMES.clear()


def rewrite(folder: Path, change: Change) -> None:
    save_file(dict(change(tiny.read_weights(folder))), folder / "model.safetensors", {"format": "pt"})


def without(*names: str) -> Change:
    return lambda tensors: {n: t for n, t in tensors.items() if n not in names}


def extra(**tensors: torch.Tensor) -> Change:
    return lambda known: known | {name.replace("__", "."): t for name, t in tensors.items()}


def settle(folder: Path, **config: Any) -> None:
    known = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(known | config))


# ---------------------------------------------------------------------------------------------- every order, every form


@dataclass(frozen=True)
class Form:
    """A way to write a recipe for some donors: its text, and whether the base gives the names."""

    based: bool
    write: Callable[[tuple[str, ...]], str]


def listed(names: tuple[str, ...], layers: str = "") -> str:
    return ", ".join(f"{{model: {name}, parameters: {{weight: 0.5}}{layers}}}" for name in names)


def sliced(names: tuple[str, ...], first: int, last: int) -> str:
    return f"{{sources: [{listed(names, f', layer_range: [{first}, {last}]')}]}}"


FORMS: dict[str, Form] = {
    "models": Form(True, lambda m: f"{{merge_method: ties, base_model: base, models: [{listed(m)}]}}"),
    "base listed first": Form(True, lambda m: f"{{merge_method: ties, base_model: base, models: [base, {listed(m)}]}}"),
    "base listed last": Form(True, lambda m: f"{{merge_method: ties, base_model: base, models: [{listed(m)}, base]}}"),
    "linear onto a base": Form(True, lambda m: f"{{merge_method: linear, base_model: base, models: [{listed(m)}]}}"),
    "no base": Form(False, lambda m: f"{{merge_method: linear, models: [{listed(m)}]}}"),
    "slices": Form(
        True, lambda m: f"{{merge_method: ties, base_model: base, slices: [{sliced(m, 0, 2)}, {sliced(m, 1, 3)}]}}"
    ),
    "slices with the base": Form(
        True, lambda m: f"{{merge_method: ties, base_model: base, slices: [{sliced((*m, 'base'), 0, 3)}]}}"
    ),
    "slices without a base": Form(False, lambda m: f"{{merge_method: linear, slices: [{sliced(m, 0, 3)}]}}"),
    "modules": Form(True, lambda m: f"{{merge_method: ties, base_model: base, modules: {{default: {{models: [{listed(m)}]}}}}}}"),
    "documents": Form(
        True,
        lambda m: f"{{name: sum, merge_method: task_arithmetic, base_model: base, models: [{listed(m[:2])}]}}\n---\n"
        f"{{merge_method: ties, base_model: base, models: [{listed(('sum', *m[2:]))}]}}",
    ),
    "tokens": Form(
        True, lambda m: f"{{merge_method: ties, base_model: base, tokenizer_source: union, models: [{listed(m)}]}}"
    ),
}  # fmt: skip
DONORS = ("a", "b", "c")


def outcome(text: str, root: Path, policy: Any = "refuse") -> frozenset[str] | str:
    """The names of the output's tensors, or "refused"."""
    recipe = tolerant(load(text), policy)
    try:
        return frozenset(make_plan(recipe, open_models(recipe, [root])).names)
    except CheckpointError as error:
        assert "not in every model" in str(error), error
        return "refused"


# What one donor has less or more than the others -> whether it is a misfit with a base, and without one.
ODDITIES: dict[str, tuple[Change, bool, bool]] = {
    "lacks a matrix": (without(LAYER + DOWN), True, True),
    "lacks a norm": (without(NORM), True, True),
    "lacks the embeddings": (without(EMBED), True, True),
    "has a bias more": (extra(**{(LAYER + "self_attn.q_proj.bias").replace(".", "__"): torch.ones(8)}), False, True),
    "has a value head": (extra(v_head__weight=torch.ones(1, 8)), False, True),
    "has inv_freq": (extra(**{(LAYER + INV).replace(".", "__"): torch.ones(2)}), False, False),
    "has position_ids": (extra(model__position_ids=torch.arange(9)[None]), False, False),
    "has a mask": (extra(**{(LAYER + "attn.bias").replace(".", "__"): torch.ones(1, 1, 4, 4, dtype=torch.uint8)}), False, False),
    "has masked_bias": (extra(**{(LAYER + "attn.masked_bias").replace(".", "__"): torch.tensor(-1e4)}), False, False),
}  # fmt: skip


@pytest.mark.parametrize("oddity", ODDITIES)
@pytest.mark.long
def test_the_order_of_the_donors_decides_nothing(oddity: str, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", *DONORS), layers=3)
    change, with_base, alone = ODDITIES[oddity]
    rewrite(tmp_path / "b", change)
    base, own = ({*tiny.read_weights(tmp_path / model)} for model in ("base", "b"))
    for name, form in FORMS.items():
        if oddity == "lacks the embeddings" and name == "tokens":
            continue  # no tensor of that model has rows to match
        orders = list(itertools.permutations(DONORS))
        found = {outcome(form.write(order), tmp_path) for order in orders}
        assert len(found) == 1, name
        assert (found == {"refused"}) is (with_base if form.based else alone), name
        skipped = {outcome(form.write(order), tmp_path, "skip") for order in orders[::2]}
        assert len(skipped) == 1, name
        names = {*next(iter(skipped))}
        assert names >= base | own if not form.based else names == base or name == "slices", name


def test_random_oddities_in_random_order(tmp_path: Path) -> None:
    """Several at once: refused exactly where a donor lacks a tensor of the base, and what is written is the base's."""
    dice = random.Random(0)
    seen = set[bool]()
    for k in range(30):
        root = tmp_path / str(k)
        tiny.make_family(root, models=("base", *DONORS), layers=3)
        names = [*tiny.read_weights(root / "base")]
        lacks = False
        for model in ("base", *DONORS):
            gone = dice.sample(names, dice.choice((0, 0, 0, 1, 2)) if model != "base" else 0)
            more = {f"model.layers.{dice.randrange(3)}.{INV}": torch.ones(2)} if dice.random() < 0.5 else {}
            if model != "base" and dice.random() < 0.3:
                more[f"model.layers.{dice.randrange(3)}.extra.weight"] = torch.ones(2)
            rewrite(root / model, lambda t, gone=gone, more=more: {n: x for n, x in t.items() if n not in gone} | more)
            lacks = lacks or bool(gone)
        order = dice.sample(DONORS, 3)
        text = f"{{merge_method: ties, base_model: base, models: [{listed(tuple(order))}]}}"
        found = outcome(text, root)
        assert (found == "refused") is lacks, (k, order)
        seen.add(lacks)
        assert outcome(text, root, "skip") == frozenset(tiny.read_weights(root / "base"))
    assert seen == {True, False}


# ---------------------------------------------------------------------------------------------- numbers


def test_a_donor_that_lacks_a_tensor_is_left_out_of_it_alone(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=3)
    rewrite(tmp_path / "in/a", without(LAYER + DOWN))
    text = f"{{merge_method: task_arithmetic, base_model: base, models: [{listed(('a', 'b'))}]}}"
    with pytest.raises(CheckpointError) as error:
        merge(load(text), tmp_path / "out", roots=[tmp_path / "in"])
    assert str(error.value) == (
        f"{LAYER}{DOWN}: not in every model.\n  base  base  (8, 16)\n  [0]   a     missing\n  [1]   b     (8, 16)\n"
        "  These models do not share one architecture; merge fine-tunes of one base, or leave a model out of the tensors that "
        "do not fit: --allow-crimes."
    )
    merge(tolerant(load(text), "skip"), tmp_path / "out", roots=[tmp_path / "in"])
    made, base, a, b = (tiny.read_weights(f) for f in (tmp_path / "out", *(tmp_path / "in" / m for m in ("base", "a", "b"))))
    assert made.keys() == base.keys()
    torch.testing.assert_close(made[LAYER + DOWN], base[LAYER + DOWN] + 0.5 * (b[LAYER + DOWN] - base[LAYER + DOWN]))
    torch.testing.assert_close(made[NORM], base[NORM] + 0.5 * (a[NORM] - base[NORM]) + 0.5 * (b[NORM] - base[NORM]))


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_what_the_base_has_not_is_left_out_and_told(order: tuple[str, ...], tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=3)
    rewrite(tmp_path / "in/a", extra(v_head__weight=torch.ones(1, 8), v_head__bias=torch.ones(1)))
    text = f"{{merge_method: ties, base_model: base, models: [{listed(order)}]}}"
    plan = merge(load(text), tmp_path / "out", roots=[tmp_path / "in"])
    assert tiny.read_weights(tmp_path / "out").keys() == tiny.read_weights(tmp_path / "in/base").keys()
    assert plan.remarks == ("a: 2 tensors that the base base has not are left out, for example v_head.bias.",)


def test_extra_tensors_of_layers_that_a_stack_takes_are_told(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=4)
    rewrite(tmp_path / "a", lambda t: t | {f"model.layers.{i}.self_attn.q_proj.bias": torch.ones(8) for i in (0, 3)})
    text = f"{{merge_method: ties, base_model: base, slices: [{sliced(('a', 'base'), 2, 4)}]}}"
    recipe = load(text)
    told = make_plan(recipe, open_models(recipe, [tmp_path])).remarks
    assert "a: 1 tensors that the base base has not are left out, for example model.layers.3.self_attn.q_proj.bias." in told


def test_buffers_are_the_bases_as_they_are_stored(tmp_path: Path) -> None:
    """No rounding, no mean: inv_freq of a Llama in 8 bits of precision would move its positions."""
    tiny.make_family(tmp_path / "in", models=("base", "a", "b"), layers=2)
    name, ids = "model.layers.0." + INV, "model.position_ids"
    for i, model in enumerate(("base", "a", "b")):
        rewrite(tmp_path / "in" / model, lambda t, i=i: t | {name: torch.full((2,), 1.01 + i), ids: torch.arange(4 + i)[None]})
    plan = merge(load(f"{{merge_method: ties, base_model: base, dtype: bfloat16, models: [{listed(('a', 'b'))}]}}"),
                    tmp_path / "out", roots=[tmp_path / "in"])  # fmt: skip
    made = tiny.read_weights(tmp_path / "out")
    assert made[name].dtype == torch.float32 and torch.equal(made[name], torch.full((2,), 1.01))
    assert made[ids].tolist() == [[0, 1, 2, 3]] and made[NORM].dtype == torch.bfloat16
    assert not plan.misfits and not plan.remarks
    session = Session(Parents(roots=[tmp_path / "in"]))
    session.apply(plan.recipe)
    assert all(torch.equal(session.tensors[n], t) for n, t in made.items())


def test_without_a_base_a_buffer_comes_from_the_first_that_has_it(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("a", "b"), layers=2)
    name = "model.layers.0." + INV
    rewrite(tmp_path / "b", lambda t: t | {name: torch.full((2,), 3.0)})
    recipe = load(f"{{merge_method: linear, models: [{listed(('a', 'b'))}]}}")
    job = make_plan(recipe, open_models(recipe, [tmp_path])).job(name)
    assert [s.model for s in job.sources] == ["b"] and job.method is None


@pytest.mark.parametrize("name", ["model.layers.0.attention.bias", "model.layers.0.self_attn.bias", "model.attn.bias"])
def test_biases_with_a_buffers_name_are_merged(name: str, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("base", "a"), layers=2)
    for model in ("base", "a"):
        rewrite(tmp_path / model, lambda t, model=model: t | {name: torch.full((8,), 1.0 if model == "a" else 0.0)})
    recipe = load("{merge_method: task_arithmetic, base_model: base, models: [{model: a, parameters: {weight: 0.5}}]}")
    models = open_models(recipe, [tmp_path])
    assert make_plan(recipe, models).job(name).method == "task_arithmetic"
    rewrite(tmp_path / "a", without(name))
    assert outcome(f"{{merge_method: ties, base_model: base, models: [{listed(('a',))}]}}", tmp_path) == "refused"


def test_a_slice_beyond_a_base_that_is_not_listed(tmp_path: Path) -> None:
    """The base gives the same layers as the first model; where it has none, nothing may vanish."""
    tiny.make_family(tmp_path, models=("base",), layers=2)
    tiny.make_family(tmp_path / "x", models=("base", "a"), layers=4)
    recipe = load(f"{{merge_method: ties, base_model: base, slices: [{sliced(('a',), 0, 4)}]}}")
    with pytest.raises(RecipeError) as error:
        make_plan(recipe, open_models(recipe, [tmp_path, tmp_path / "x"]))
    assert str(error.value) == (
        "recipe: layer_range [0, 4] needs the same layers of the base base, and ends after its last layer; it has 2, so at most "
        "[.., 2]."
    )


# ---------------------------------------------------------------------------------------------- heads


def make_tied(folder: Path, *models: str) -> None:
    tiny.make_family(folder, models=models, layers=2, tied=True)


def decided_for(text: str, root: Path) -> Plan:
    recipe = load(text)
    return make_plan(recipe, open_models(recipe, [root]))


@pytest.mark.parametrize("nested", [False, True])
def test_a_head_that_was_trained_apart_is_kept_whatever_the_config_says(nested: bool, tmp_path: Path) -> None:
    make_tied(tmp_path / "in", "m")
    rewrite(tmp_path / "in/m", lambda t: t | {"lm_head.weight": t[EMBED] * 2})
    if nested:
        known = json.loads((tmp_path / "in/m/config.json").read_text())
        del known["tie_word_embeddings"]
        settle(tmp_path / "in/m", text_config=known | {"tie_word_embeddings": True})
        text = json.loads((tmp_path / "in/m/config.json").read_text())
        del text["tie_word_embeddings"]
        (tmp_path / "in/m/config.json").write_text(json.dumps(text | {"model_type": "unheard-of"}))
    plan = merge(load("{merge_method: passthrough, models: [m]}"), tmp_path / "out", roots=[tmp_path / "in"])
    made, config = tiny.read_weights(tmp_path / "out"), json.loads((tmp_path / "out/config.json").read_text())
    assert torch.equal(made["lm_head.weight"], made[EMBED] * 2) and config["tie_word_embeddings"] is False
    assert not nested or config["text_config"]["tie_word_embeddings"] is False
    assert plan.remarks[0] == (
        "m: its config.json ties the head to the embeddings, its file holds another: the output keeps that."
    )


def test_a_head_that_is_the_embeddings_again_is_left_out(tmp_path: Path) -> None:
    make_tied(tmp_path, "base", "a")
    for name in ("base", "a"):
        rewrite(tmp_path / name, lambda t: t | {"lm_head.weight": t[EMBED].clone()})
    plan = decided_for(f"{{merge_method: ties, base_model: base, models: [{listed(('a',))}]}}", tmp_path)
    assert "lm_head.weight" not in plan.names and not plan.remarks and plan.config["tie_word_embeddings"] is True


def test_a_donors_own_head_unties_where_the_base_is_tied(tmp_path: Path) -> None:
    make_tied(tmp_path / "in", "base", "a", "b")
    rewrite(tmp_path / "in/b", lambda t: t | {"lm_head.weight": t[EMBED] + 1})
    for order in (("a", "b"), ("b", "a")):
        text = f"{{merge_method: task_arithmetic, base_model: base, models: [{listed(order)}]}}"
        merge(load(text), tmp_path / "".join(order), roots=[tmp_path / "in"])
        made, base, a, b = (
            tiny.read_weights(f) for f in (tmp_path / "".join(order), *(tmp_path / "in" / m for m in ("base", "a", "b")))
        )
        wanted = base[EMBED] + 0.5 * (a[EMBED] - base[EMBED]) + 0.5 * (b["lm_head.weight"] - base[EMBED])
        torch.testing.assert_close(made["lm_head.weight"], wanted)
        assert json.loads((tmp_path / "".join(order) / "config.json").read_text())["tie_word_embeddings"] is False


def test_a_config_that_says_nothing_is_told_where_only_some_have_a_head(tmp_path: Path) -> None:
    """Gemma's config.json leaves the key out, and means tied."""
    make_tied(tmp_path, "base", "a")
    for name in ("base", "a"):
        known = json.loads((tmp_path / name / "config.json").read_text())
        del known["tie_word_embeddings"]
        (tmp_path / name / "config.json").write_text(json.dumps(known))
    text = f"{{merge_method: ties, base_model: base, models: [{listed(('a',))}]}}"
    assert "tie_word_embeddings" not in decided_for(text, tmp_path).config
    rewrite(tmp_path / "a", lambda t: t | {"lm_head.weight": t[EMBED] + 1})
    planning._FRAMES.clear()
    assert decided_for(text, tmp_path).config["tie_word_embeddings"] is False


# ---------------------------------------------------------------------------------------------- files


def shard(folder: Path, where: Mapping[str, int], doubled: Mapping[str, torch.Tensor]) -> None:
    """Two files; `doubled` are in the second too, with other numbers."""
    tensors = tiny.read_weights(folder)
    (folder / "model.safetensors").unlink()
    files = [{n: t for n, t in tensors.items() if where.get(n, 0) == i} for i in (0, 1)]
    for i, own in enumerate((files[0], files[1] | doubled)):
        save_file(own, folder / f"model-0000{i + 1}-of-00002.safetensors", {"format": "pt"})
    table = {n: f"model-0000{where.get(n, 0) + 1}-of-00002.safetensors" for n in tensors}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": table}))


@pytest.mark.parametrize("at", [0, 1])
def test_the_index_says_which_file_counts(at: int, tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("m",), layers=2)
    tensors = tiny.read_weights(tmp_path / "m")
    tensors["model.norm.weight"][0] = 7.5
    save_file(tensors, tmp_path / "m/model.safetensors", {"format": "pt"})
    if at == 0:
        shard(tmp_path / "m", {n: int("layers.1" in n) for n in tensors}, {NORM: torch.zeros(8)})
    else:
        shard(tmp_path / "m", {n: int(n == NORM) for n in tensors}, {})
        first = tmp_path / "m/model-00001-of-00002.safetensors"
        save_file({n: t for n, t in tensors.items() if n != NORM} | {NORM: torch.zeros(8)}, first, {"format": "pt"})
    assert float(open_checkpoint("m", tmp_path / "m").read(NORM)[0]) == 7.5


def test_a_tensor_that_no_file_holds(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("m",), layers=2, shards=2)
    file = tmp_path / "m/model.safetensors.index.json"
    table = json.loads(file.read_text())
    table["weight_map"] |= {f"model.layers.0.{INV}": "model-00001-of-00002.safetensors"}  # as many old indexes say
    file.write_text(json.dumps(table))
    assert len(open_checkpoint("m", tmp_path / "m").tensors) == len(table["weight_map"]) - 1
    table["weight_map"]["model.layers.2.mlp.up_proj.weight"] = "model-00001-of-00002.safetensors"
    file.write_text(json.dumps(table))
    with pytest.raises(MergeError) as error:
        open_checkpoint("m", tmp_path / "m")
    assert str(error.value) == (
        f"{tmp_path}/m: its index says that 'model.layers.2.mlp.up_proj.weight' is in model-00001-of-00002.safetensors, and no "
        "file holds it; download the model again."
    )


@pytest.mark.parametrize(
    ("twice", "once"),
    [("encoder.embed_tokens.weight", "shared.weight"), ("decoder.embed_tokens.weight", "shared.weight"),
     ("shared.weight", "encoder.embed_tokens.weight"),
     ("cls.predictions.decoder.weight", "bert.embeddings.word_embeddings.weight"),
     ("cls.predictions.decoder.bias", "cls.predictions.bias")],
)  # fmt: skip
def test_what_one_file_holds_twice_and_another_once(twice: str, once: str, tmp_path: Path) -> None:
    """T5 and BERT, as older and newer versions of transformers save them."""
    tiny.make_family(tmp_path / "in", models=("base", "a"), layers=2)
    rewrite(tmp_path / "in/base", lambda t: t | {once: torch.ones(4, 8), twice: torch.ones(4, 8)})
    rewrite(tmp_path / "in/a", lambda t: t | {once: torch.full((4, 8), 3.0)})
    merge(load(f"{{merge_method: task_arithmetic, base_model: base, models: [{listed(('a',))}]}}"), tmp_path / "out",
          roots=[tmp_path / "in"])  # fmt: skip
    made = tiny.read_weights(tmp_path / "out")
    assert made[twice].tolist() == made[once].tolist() == [[2.0] * 8] * 4
