"""Vocabularies: whose row each token gets, the tokenizer beside the weights, special ids, chat templates, refusals."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from safetensors.torch import save_file

from merger.engine.batch import merge
from merger.engine.document import open_models, reader
from merger.engine.plan import Plan, make_plan
from merger.engine.session import Parents, Session
from merger.engine.tensor import merge_tensor
from merger.errors import CheckpointError, RecipeError
from merger.recipe import CHAT_TEMPLATES, TokenRow, dump, load
from merger.tokenizer.tokens import read_vocabulary

EMBED, HEAD = "model.embed_tokens.weight", "lm_head.weight"
TOKENS = [*tiny.SPECIAL, *tiny.LETTERS[:21]]
Weights = dict[str, torch.Tensor]
Table = dict[str, torch.Tensor]
"""Token -> row."""


def vocabulary(folder: Path, tokens: Sequence[str], *, special: Sequence[str] = tiny.SPECIAL, rows: int = 0) -> None:
    """Give a tiny model these tokens: rows move with the tokens it has, new ones get numbers of their own."""
    weights = tiny.read_weights(folder)
    size = max(rows, len(tokens))
    for name in (EMBED, HEAD):
        if name in weights:
            fresh = torch.sin(torch.arange(size * weights[name].shape[1], dtype=torch.float64) * len(folder.name + name))
            table = fresh.reshape(size, -1).to(weights[name].dtype)
            for i, token in enumerate(tokens):
                if token in TOKENS:
                    table[i] = weights[name][TOKENS.index(token)]
            weights[name] = table
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    file = folder / "tokenizer.json"
    document = json.loads(file.read_text())
    document["model"]["vocab"] = {t: i for i, t in enumerate(tokens) if t not in special or t in tiny.SPECIAL}
    document["added_tokens"] = [dict(document["added_tokens"][0], id=tokens.index(t), content=t) for t in special if t in tokens]
    file.write_text(json.dumps(document))
    ids = {f"{kind}_token_id": list(tokens).index(t) for kind, t in (("bos", "<s>"), ("eos", "</s>")) if t in tokens}
    for name in ("config.json", "generation_config.json"):
        extra = {"vocab_size": size} if name == "config.json" else {}
        (folder / name).write_text(json.dumps(json.loads((folder / name).read_text()) | ids | extra))


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """base; a: another order, two more tokens; b: without two of them, two of its own, one shared with a."""
    folder = tmp_path / "models"
    tiny.make_family(folder, models=("base", "a", "b"), layers=1)
    vocabulary(folder / "a", [*reversed(TOKENS), "ou", "<x>"], special=(*tiny.SPECIAL, "<x>"))
    own = [t for t in TOKENS if t not in ("h", "d")]
    vocabulary(folder / "b", [*own[10:], *own[:10], "zz", "ou", "<y>", "<x>"], special=(*tiny.SPECIAL, "<y>", "<x>"))
    return folder


def recipe(tokenizer: Any = None, method: str = "task_arithmetic", **top: Any) -> str:
    weights = (0.75, -0.5)
    listed = [{"model": m, "parameters": {"weight": w}} for m, w in zip("ab", weights, strict=True)]
    whole: dict[str, Any] = {"merge_method": method, "models": listed}
    whole |= {"base_model": "base"} if method == "task_arithmetic" else {"parameters": {"normalize": False}}
    return json.dumps(whole | ({"tokenizer": tokenizer} if tokenizer is not None else {}) | top)


def made(text: str, models: Path, out: Path) -> tuple[Weights, Plan, dict[str, int]]:
    """Merge; the tensors, the plan, and the vocabulary as transformers reads it. Live must give the same bits."""
    from transformers import AutoTokenizer

    plan = merge(load(text), out, roots=[models])
    weights = tiny.read_weights(out)
    session = Session(Parents(roots=[models]))
    session.apply(load(text))
    assert all(torch.equal(session.tensors[n], weights[n]) for n in weights) and session.tensors.keys() == weights.keys()
    assert session.apply(load(text)) == ()  # equal jobs are recognised
    return weights, plan, AutoTokenizer.from_pretrained(out).get_vocab()


def tables(models: Path, name: str, *which: str) -> dict[str, Table]:
    """What each model's rows are, by token."""
    found: dict[str, Table] = {}
    for model in which:
        document = json.loads((models / model / "tokenizer.json").read_text())
        ids = document["model"]["vocab"] | {e["content"]: e["id"] for e in document["added_tokens"]}
        rows = tiny.read_weights(models / model)[name].double()
        found[model] = {token: rows[i] for token, i in ids.items() if i < len(rows)}
    return found


UNION = [*TOKENS, "ou", "zz", "<x>", "<y>"]  # regular tokens of a, of b, then added ones


# ------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize("name", [EMBED, HEAD])
@pytest.mark.long
def test_union_follows_the_rules(name: str, models: Path, tmp_path: Path) -> None:
    weights, _, ids = made(recipe({"source": "union"}), models, tmp_path / "out")
    assert sorted(ids, key=ids.__getitem__) == UNION and sorted(ids.values()) == list(range(len(UNION)))
    own = tables(models, name, "base", "a", "b")
    for token, i in ids.items():
        owners = [m for m in own if token in own[m]]
        if len(owners) > 1 and "base" not in owners:
            fill = sum(own[m][token] for m in owners) / len(owners)
        else:
            fill = own["base" if "base" in owners else owners[0]][token]
        base, a, b = (own[m].get(token, fill) for m in ("base", "a", "b"))
        assert torch.allclose(weights[name][i].double(), base + 0.75 * (a - base) - 0.5 * (b - base), atol=1e-6), token
    assert len(weights[name]) == len(UNION)


@pytest.mark.long
def test_without_a_base_the_mean_of_the_owners(models: Path, tmp_path: Path) -> None:
    vocabulary(models / "a", ["h", "</s>", "<s>", "<unk>", "<c>"], special=(*tiny.SPECIAL, "<c>"))
    models_of = json.loads(recipe({"source": "union"}, "linear"))
    models_of["models"].append({"model": "base", "parameters": {"weight": 0.25}})
    weights, plan, ids = made(json.dumps(models_of), models, tmp_path / "out")
    own = tables(models, EMBED, "a", "b", "base")
    assert plan.config_source == "a" and sorted(ids, key=ids.__getitem__)[:5] == ["h", "</s>", "<s>", "<unk>", "<c>"]
    for token, i in ids.items():
        owners = [own[m][token] for m in own if token in own[m]]
        rows = [own[m].get(token, sum(owners) / len(owners)) for m in own]  # type: ignore[arg-type]
        assert torch.allclose(weights[EMBED][i].double(), 0.75 * rows[0] - 0.5 * rows[1] + 0.25 * rows[2], atol=1e-6), token


@pytest.mark.parametrize("source", ["base", "union"])
@pytest.mark.parametrize("method", ["task_arithmetic", "ties", "dare_ties"])
def test_a_permuted_donor_merges_as_the_donor(method: str, source: str, tmp_path: Path) -> None:
    for folder in ("plain", "moved"):
        tiny.make_family(tmp_path / folder, models=("base", "a", "b"), layers=1)
    vocabulary(tmp_path / "moved/a", [*TOKENS[11:], *TOKENS[:11]])
    text = recipe(method="task_arithmetic").replace("task_arithmetic", method)
    merge(load(text), tmp_path / "out", roots=[tmp_path / "plain"])
    expected = tiny.read_weights(tmp_path / "out")
    merge(load(text), tmp_path / "wrong", roots=[tmp_path / "moved"])
    assert not torch.equal(tiny.read_weights(tmp_path / "wrong")[EMBED], expected[EMBED])
    text = json.dumps(json.loads(text) | {"tokenizer_source": source})
    weights, _, _ = made(text, tmp_path / "moved", tmp_path / "right")
    assert all(torch.equal(weights[n], expected[n]) for n in expected)
    assert (tmp_path / "right/tokenizer.json").read_bytes() == (tmp_path / "plain/base/tokenizer.json").read_bytes()
    jobs = make_plan(load(text), open_models(load(text), [tmp_path / "plain"])).jobs  # nothing to move: nothing is gathered
    assert all(s.vocab is None for job in jobs for s in job.sources)


def test_the_recipes_word_for_a_token(models: Path, tmp_path: Path) -> None:
    tokens = {
        "<x>": {"source": {"kind": "zero"}},
        "ou": {"source": "b"},
        "<y>": {"source": {"kind": "model_token", "model": "a", "token": "e"}},
        "e": {"source": "a", "force": True},
        "t": {"source": {"kind": "zero"}, "force": True},
        "a": {"source": "b"},  # everyone has it: no effect without force
        "<new>": {"source": {"kind": "model_token", "model": "base", "token_id": 4}},
        "<none>": {"source": {"kind": "zero"}},
    }
    weights, plan, ids = made(recipe({"source": "union", "tokens": tokens}), models, tmp_path / "out")
    own = tables(models, EMBED, "base", "a", "b")
    assert sorted(ids, key=ids.__getitem__) == [*UNION, "<new>", "<none>"]

    def is_merge_of(token: str, base: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> bool:
        return torch.allclose(weights[EMBED][ids[token]].double(), base + 0.75 * (a - base) - 0.5 * (b - base), atol=1e-6)

    zero = torch.zeros(8, dtype=torch.float64)
    assert is_merge_of("<x>", zero, own["a"]["<x>"], own["b"]["<x>"])
    assert is_merge_of("ou", own["b"]["ou"], own["a"]["ou"], own["b"]["ou"])
    assert is_merge_of("<y>", own["a"]["e"], own["a"]["e"], own["b"]["<y>"])
    assert is_merge_of("e", *[own["a"]["e"]] * 3)
    assert is_merge_of("t", zero, zero, zero) and is_merge_of("<none>", zero, zero, zero)
    assert is_merge_of("a", *(own[m]["a"] for m in ("base", "a", "b")))
    assert is_merge_of("<new>", *[own["base"][TOKENS[4]]] * 3)
    assert not any("start as zeros" in remark for remark in plan.remarks)


def test_padding_rows_are_the_mean(models: Path, tmp_path: Path) -> None:
    weights, _, ids = made(recipe({"source": "union", "pad_to_multiple_of": 16}), models, tmp_path / "out")
    real, rows = len(UNION), weights[EMBED]
    assert len(ids) == real and rows.shape == (32, 8) and weights[HEAD].shape == (32, 8)
    assert torch.allclose(rows[real:].double(), rows[:real].double().mean(0).expand(32 - real, -1), atol=1e-6)
    assert json.loads((tmp_path / "out/config.json").read_text())["vocab_size"] == 32
    weights, _, _ = made(recipe({"source": "base", "pad_to_multiple_of": 8}), models, tmp_path / "even")
    assert len(weights[EMBED]) == 24  # already a multiple


def test_shared_padding_stays_and_moves_by_number(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "m", models=("base", "a", "b"), layers=1)
    for model in ("base", "a", "b"):
        vocabulary(tmp_path / "m" / model, TOKENS if model != "a" else [*TOKENS[5:], *TOKENS[:5]], rows=32)
    weights, _, ids = made(recipe({"source": "base"}), tmp_path / "m", tmp_path / "out")
    base, a, b = (tiny.read_weights(tmp_path / "m" / m)[EMBED] for m in ("base", "a", "b"))
    assert len(ids) == 24 and len(weights[EMBED]) == 32
    expected = base + 0.75 * (a - base) - 0.5 * (b - base)
    assert torch.allclose(weights[EMBED][24:], expected[24:], atol=1e-6)


def test_tokens_without_a_row_are_left_out(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "m", models=("base", "a", "b"), layers=1)
    document = json.loads((tmp_path / "m/base/tokenizer.json").read_text())
    document["added_tokens"].append(dict(document["added_tokens"][0], id=24, content="<pad>"))
    (tmp_path / "m/base/tokenizer.json").write_text(json.dumps(document))
    weights, plan, ids = made(recipe({"source": "base"}), tmp_path / "m", tmp_path / "out")
    assert "<pad>" not in ids and len(ids) == len(weights[EMBED]) == 24
    said = "base: 1 tokens have no row in its embeddings and are left out, for example '<pad>'."
    assert said in plan.remarks


def test_numbers_without_a_token_keep_their_place(models: Path, tmp_path: Path) -> None:
    file = models / "base/tokenizer.json"
    document = json.loads(file.read_text())
    del document["model"]["vocab"][TOKENS[20]]
    file.write_text(json.dumps(document))
    weights, _, ids = made(recipe({"source": "union"}), models, tmp_path / "out")
    own = tables(models, EMBED, "base", "a", "b")
    assert sorted(ids.values()) == [i for i in range(29) if i != 20] and len(weights[EMBED]) == 29
    assert torch.equal(weights[EMBED][ids["<y>"]].double(), own["b"]["<y>"])
    assert torch.equal(weights[EMBED][20], tiny.read_weights(models / "base")[EMBED][20])
    fill = (own["a"][TOKENS[20]] + own["b"][TOKENS[20]]) / 2
    expected = fill + 0.75 * (own["a"][TOKENS[20]] - fill) - 0.5 * (own["b"][TOKENS[20]] - fill)
    assert torch.allclose(weights[EMBED][ids[TOKENS[20]]].double(), expected, atol=1e-6)


def test_a_token_of_nobody_is_zero_and_said(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "m", models=("base", "a", "b", "c"), layers=1)
    vocabulary(tmp_path / "m/c", [*TOKENS, "<only>"], special=(*tiny.SPECIAL, "<only>"))
    weights, plan, ids = made(recipe(tokenizer_source="c"), tmp_path / "m", tmp_path / "out")
    assert not weights[EMBED][ids["<only>"]].any() and len(weights[HEAD]) == 25
    assert "1 tokens have no row in any model and start as zeros, for example '<only>'." in plan.remarks


def test_tied_heads_and_half_precision(tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "m", models=("base", "a", "b"), layers=1, tied=True, dtype=torch.bfloat16)
    vocabulary(tmp_path / "m/b", [*TOKENS[3:], *TOKENS[:3], "<y>"], special=(*tiny.SPECIAL, "<y>"))
    weights, _, ids = made(recipe({"source": "union"}), tmp_path / "m", tmp_path / "out")
    assert HEAD not in weights and weights[EMBED].dtype == torch.bfloat16
    own = tables(tmp_path / "m", EMBED, "base", "a", "b")
    assert torch.equal(weights[EMBED][ids["<y>"]].double(), own["b"]["<y>"])


def test_order_of_jobs_does_not_matter(models: Path) -> None:
    made_of = load(recipe({"source": "union", "pad_to_multiple_of": 8}))
    opened = open_models(made_of, [models])
    jobs = make_plan(made_of, opened).jobs
    one = {job.name: merge_tensor(job, reader(opened)) for job in jobs}
    assert all(torch.equal(merge_tensor(job, reader(opened)), one[job.name]) for job in reversed(jobs))
    assert len(set(jobs)) == len(jobs) and set(make_plan(made_of, open_models(made_of, [models])).jobs) == set(jobs)
    forced: list[Any] = [{"e": {"source": {"kind": "model_token", "model": "a", "token_id": i}, "force": True}} for i in (3, 4)]
    one_way, other = (make_plan(load(recipe({"source": "union", "tokens": tokens})), opened).jobs for tokens in forced)
    assert [j.name for j, k in zip(one_way, other, strict=True) if j != k] == [EMBED, HEAD]


def test_force_among_equal_vocabularies(family: Path, tmp_path: Path) -> None:
    tokens = {"e": {"source": {"kind": "zero"}, "force": True}}
    weights, _, ids = made(recipe({"source": "base", "tokens": tokens}), family, tmp_path / "out")
    merge(load(recipe()), tmp_path / "plain", roots=[family])
    plain = tiny.read_weights(tmp_path / "plain")[EMBED]
    plain[ids["e"]] = 0
    assert torch.equal(weights[EMBED], plain)


# ------------------------------------------------------------------------------------ files


def test_another_models_tokenizer_brings_its_special_ids(models: Path, tmp_path: Path) -> None:
    config = json.loads((models / "base/config.json").read_text()) | {"pad_token_id": 0, "eos_token_id": [2, 1]}
    (models / "base/config.json").write_text(json.dumps(config))
    weights, _, ids = made(recipe(tokenizer_source="a"), models, tmp_path / "out")
    config = json.loads((tmp_path / "out/config.json").read_text())
    generation = json.loads((tmp_path / "out/generation_config.json").read_text())
    assert config["vocab_size"] == len(weights[EMBED]) == 26
    for values in (config, generation):
        assert (values["bos_token_id"], values["eos_token_id"]) == (ids["<s>"], ids["</s>"]) == (22, 21)
    assert config["pad_token_id"] == ids["<unk>"]  # a says nothing of it: the base's, as a numbers it
    assert generation["do_sample"] is False


def test_the_model_loads_and_speaks(models: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    merge(load(recipe({"source": "union", "pad_to_multiple_of": 8})), tmp_path / "out", roots=[models])
    model, tokenizer = AutoModelForCausalLM.from_pretrained(tmp_path / "out"), AutoTokenizer.from_pretrained(tmp_path / "out")
    asked = tokenizer("he<x>ou</s>", return_tensors="pt", return_token_type_ids=False)
    expected = [TOKENS.index("h"), TOKENS.index("e"), UNION.index("<x>"), UNION.index("ou"), 2]
    assert asked["input_ids"][0].tolist() == expected
    assert model(**asked).logits.shape == (1, 5, 32)
    assert "<x>" in tokenizer.all_special_tokens or tokenizer.decode([UNION.index("<x>")], skip_special_tokens=True) == ""


def test_unigram_vocabularies_are_read(tmp_path: Path) -> None:
    model = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["e", -1.0], ["t", -2.0]]}
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": [{"id": 3, "content": "<p>"}]}))
    found = read_vocabulary(tmp_path)
    assert found and found.ids == {"<unk>": 0, "e": 1, "t": 2, "<p>": 3} and list(found.added) == ["<p>"]


@pytest.mark.parametrize(
    "second",
    [
        "merge_method: slerp\nbase_model: FIRST\nmodels: [{model: FIRST}, {model: base}]\nparameters: {t: 0.3}\n"
        "tokenizer_source: union\n",
        "merge_method: linear\nmodels: [{model: a, parameters: {weight: 1}}, {model: FIRST, parameters: {weight: 1}}]\n"
        "tokenizer_source: FIRST\n",
        "merge_method: passthrough\nmodels: [{model: FIRST}]\n",
    ],
    ids=["in both", "its tokenizer is named", "in the first only"],
)
def test_a_document_in_between_builds_a_tokenizer(second: str, models: Path, tmp_path: Path) -> None:
    """As the steps one by one: rows of an earlier merge are matched by its tokens, live too."""
    first = recipe(tokenizer={"source": "union"})
    merge(load(first), tmp_path / "FIRST", roots=[models])
    merge(load(second), tmp_path / "steps", roots=[tmp_path, models])
    expected = tiny.read_weights(tmp_path / "steps")
    (tmp_path / "FIRST").rename(tmp_path / "gone")
    both = load("name: FIRST\n" + dump(load(first)) + "---\n" + second)
    merge(both, tmp_path / "out", roots=[models])
    found = tiny.read_weights(tmp_path / "out")
    assert found.keys() == expected.keys() and all(torch.equal(found[n], expected[n]) for n in expected)
    for name in ("config.json", "tokenizer.json"):
        assert (tmp_path / "out" / name).read_text() == (tmp_path / "steps" / name).read_text()
    session = Session(Parents(roots=[models]))
    session.apply(both)
    assert all(torch.equal(session.tensors[n], expected[n]) for n in expected)


# ------------------------------------------------------------------------------------ chat templates

TALK = [{"role": "system", "content": "S"}, {"role": "user", "content": "U"}, {"role": "assistant", "content": "A"},
        {"role": "user", "content": "V"}]  # fmt: skip
SAID = {
    "alpaca": "S\n\n### Instruction:\nU\n\n### Response:\nA\n\n### Instruction:\nV\n\n### Response:\n",
    "chatml": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nU<|im_end|>\n<|im_start|>assistant\nA<|im_end|>\n"
              "<|im_start|>user\nV<|im_end|>\n<|im_start|>assistant\n",
    "exaone": "[|system|]S[|endofturn|]\n[|user|]U\n[|assistant|]A[|endofturn|]\n[|user|]V\n[|assistant|]",
    "llama3": "<s>" + "".join(
        f"<|start_header_id|>{role}<|end_header_id|>\n\n{said}"
        for role, said in [("system", "S<|eot_id|>"), ("user", "U<|eot_id|>"), ("assistant", "A<|eot_id|>"),
                           ("user", "V<|eot_id|>"), ("assistant", "")]
    ),
    "mistral": "<s>[INST] S\n\nU [/INST] A</s>[INST] V [/INST]",
}  # fmt: skip


@pytest.mark.parametrize("name", CHAT_TEMPLATES)
def test_built_in_chat_templates(name: str, family: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    merge(load(recipe(chat_template=name)), tmp_path / "out", roots=[family])
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert tokenizer.apply_chat_template(TALK, tokenize=False, add_generation_prompt=True) == SAID[name]


def test_chat_template_auto_is_the_most_common(models: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    settings = json.loads((models / "base/tokenizer_config.json").read_text())
    (models / "base/tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": "{{ 'base' }}"}))
    text = recipe(chat_template="auto")
    merge(load(text), tmp_path / "one", roots=[_plain(shutil.copytree(models, tmp_path / "m"))])
    assert AutoTokenizer.from_pretrained(tmp_path / "one").apply_chat_template(TALK, tokenize=False) == "base"
    named = [{"name": "tool_use", "template": "{{ 1 }}"}, {"name": "default", "template": "{{ 'most' }}"}]
    (models / "a/tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": named}))
    (models / "b/chat_template.jinja").write_text("{{ 'most' }}")
    merge(load(recipe({"source": "union"}, chat_template="auto")), tmp_path / "two", roots=[models])
    assert AutoTokenizer.from_pretrained(tmp_path / "two").apply_chat_template(TALK, tokenize=False) == "most"
    assert "chat_template" not in json.loads((tmp_path / "two/tokenizer_config.json").read_text())
    literal = "{{ messages[0].content }}!"
    merge(load(recipe({"source": "base"}, chat_template=literal)), tmp_path / "three", roots=[models])
    assert AutoTokenizer.from_pretrained(tmp_path / "three").apply_chat_template(TALK, tokenize=False) == "S!"


def _plain(folder: Path) -> Path:
    """Without tokenizer keys all models need the base's rows."""
    kept = (folder / "base/tokenizer_config.json").read_text()
    tiny.make_family(folder, models=("base", "a", "b"), layers=1)
    (folder / "base/tokenizer_config.json").write_text(kept)
    return folder


# ------------------------------------------------------------------------------------ recipes


def test_what_was_read() -> None:
    tokens = {"yes": {"source": {"kind": "model_token", "model": "a", "token": "<<"}, "force": True}, "<<": {"source": "b"},
              "\n": {"source": {"kind": "zero"}},
              "~": {"source": {"kind": "model_token", "model": "base", "token_id": 0}}}  # fmt: skip
    read = load(recipe({"tokens": tokens, "pad_to_multiple_of": 64}))
    assert read.tokenizer is not None and read.vocabulary is read.tokenizer
    assert (read.tokenizer.source, read.tokenizer.pad_to_multiple_of) == ("union", 64)
    assert dict(read.tokenizer.tokens) == {
        "yes": TokenRow("model_token", "a", "<<", None, True), "<<": TokenRow("model", "b"), "\n": TokenRow("zero"),
        "~": TokenRow("model_token", "base", None, 0),
    }  # fmt: skip
    assert load(dump(read)) == read and hash(load(dump(read))) == hash(read) and dump(load(dump(read))) == dump(read)
    assert load(recipe(tokenizer_source="c")).references == ("base", "a", "b", "c")
    assert load(recipe(tokenizer_source="c")).merged == ("base", "a", "b")


TEXT = "merge_method: linear\nparameters: {weight: 1}\nmodels: [alpha, beta]\n"
_T = "recipe, line 4: tokenizer"
_X = "tokenizer.tokens.<x>"
REFUSED = {
    "both": ("tokenizer: {}\ntokenizer_source: base", "recipe, line 5: give either `tokenizer:` or `tokenizer_source:`, its "
             "older form."),
    "a word": ("tokenizer: union", f"{_T} must be a tokenizer; got 'union'."),
    "misspelt": ("tokenizer: {sorce: union}", f"{_T}.sorce is not a key of a tokenizer.\n  Known here: source, tokens, "
                 "pad_to_multiple_of.  Did you mean 'source'?"),
    "source": ("tokenizer: {source: 3}", f"{_T}.source must be union, base or a model; got 3."),
    "older source": ("tokenizer_source: [a]", "recipe, line 4: tokenizer_source must be union, base or a model; got ['a']."),
    "pad": ("tokenizer: {pad_to_multiple_of: 0}", f"{_T}.pad_to_multiple_of must be a whole number from 1 to 1048576; got 0."),
    "tokens": ("tokenizer: {tokens: [a]}", f"{_T}.tokens must map tokens to their source, for example "
               "`<pad>: {source: {kind: zero}}`; got ['a']."),
    "empty token": ("tokenizer: {tokens: {'': {source: alpha}}}", f"{_T}.tokens names an empty token, or one longer than "
                    "65536 letters."),
    "token alone": ("tokenizer: {tokens: {<x>: alpha}}", f"recipe, line 4: {_X} must be a token; got 'alpha'."),
    "no source": ("tokenizer: {tokens: {<x>: {force: true}}}", f"recipe, line 4: {_X}.source is missing: a model, "
                  "{kind: zero}, or {kind: model_token, model, token}."),
    "force": ("tokenizer: {tokens: {<x>: {source: alpha, force: 2}}}",
              f"recipe, line 4: {_X}.force must be true or false; got 2."),
    "kind": ("tokenizer: {tokens: {<x>: {source: {kind: zeros}}}}", f"recipe, line 4: {_X}.source.kind must be one of zero, "
             "model_token; got 'zeros'.  Did you mean 'zero'?"),
    "no kind": ("tokenizer: {tokens: {<x>: {source: {token: alpha}}}}", f"recipe, line 4: {_X}.source.kind is missing: zero or "
                "model_token."),
    "zero of a model": ("tokenizer: {tokens: {<x>: {source: {kind: zero, model: alpha}}}}",
                        f"recipe, line 4: {_X}.source.model is not a key of a token's source.\n  Known here: kind."),
    "no model": ("tokenizer: {tokens: {<x>: {source: {kind: model_token, token: e}}}}",
                 f"recipe, line 4: {_X}.source.model is missing: the model whose token it is."),
    "two tokens": ("tokenizer: {tokens: {<x>: {source: {kind: model_token, model: alpha, token: e, token_id: 1}}}}",
                   f"recipe, line 4: {_X}.source needs either `token` or `token_id`, the token of alpha."),
    "a number": ("tokenizer: {tokens: {<x>: {source: {kind: model_token, model: alpha, token: 3}}}}",
                 f"recipe, line 4: {_X}.source.token must be a token's text, in quotes; got 3."),
    "stranger": ("tokenizer:\n  tokens:\n    <x>: {source: alhpa}",
                 f"recipe, line 6: {_X}.source must be a model of this recipe: "
                 "alpha, beta; got 'alhpa'.  Did you mean 'alpha'?"),
    "stranger's token": ("tokenizer: {tokens: {<x>: {source: {kind: model_token, model: z, token: e}}}}",
                         f"recipe, line 4: {_X}.source.model must be a model of this recipe: alpha, beta; got 'z'."),
    "template": ("chat_template: chatlm", "recipe, line 4: chat_template must be one of auto, alpaca, chatml, exaone, llama3, "
                 "mistral, or a Jinja template (with braces); got 'chatlm'.  Did you mean 'chatml'?"),
    "template of a number": ("chat_template: 3", "recipe, line 4: chat_template must be auto, alpaca, chatml, exaone, llama3, "
                             "mistral, or a Jinja template; got 3."),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refused(text: str, message: str) -> None:
    with pytest.raises(RecipeError) as error:
        load(TEXT + text)
    assert str(error.value) == message


TELL = "tokenizer.tokens: '<x>' takes its row from"
LOST = {
    "no such token": ({"source": "base", "force": True}, f"{TELL} base, which has no such token."),
    "no such name": ({"source": {"kind": "model_token", "model": "base", "token": "<unc>"}},
                     f"{TELL} base, which has no token '<unc>'.  Did you mean '<unk>'?"),
    "no such number": ({"source": {"kind": "model_token", "model": "b", "token_id": 26}},
                       f"{TELL} b, which has 26 rows, none with the number 26."),
}  # fmt: skip


@pytest.mark.parametrize(("row", "message"), LOST.values(), ids=list(LOST))
def test_a_row_that_is_not_there(row: dict[str, Any], message: str, models: Path) -> None:
    wanted = load(recipe({"source": "union", "tokens": {"<x>": row}}))
    with pytest.raises(CheckpointError) as error:
        make_plan(wanted, open_models(wanted, [models]))
    assert str(error.value) == message


def test_tokenizers_that_cannot_be_read(models: Path, tmp_path: Path) -> None:
    wanted = load(recipe({"source": "union"}))
    file = models / "b/tokenizer.json"
    odd = f"{file}: the tokenizer's vocabulary is damaged, or of a kind that is not known here."
    for content, message in [
        ("{", f"{file}: this is not JSON."), ("[]", f"{file}: must hold a JSON object."), ("{}", odd),
        ('{"model": {"vocab": {"a": -1}}}', odd), ('{"model": {"vocab": {"a": "b"}}}', odd), ('{"model": {"vocab": 3}}', odd),
        ('{"model": {"vocab": [["a", 0], 3]}}', odd), ('{"model": {"vocab": {"a": 0}}, "added_tokens": [{"id": 0}]}', odd),
        ('{"model": {"vocab": {"a": 0}}, "added_tokens": 3}', odd), ('{"model": {"vocab": [[["a"], 0]]}}', odd),
    ]:  # fmt: skip
        file.write_text(content)
        with pytest.raises(CheckpointError) as error:
            make_plan(wanted, open_models(wanted, [models]))
        assert str(error.value) == message
    file.unlink()
    plan = make_plan(wanted, open_models(wanted, [models]))
    assert "b: holds no tokenizer; its tokens are taken to be those of base." in plan.remarks
    (models / "base/tokenizer.json").unlink()
    with pytest.raises(CheckpointError) as error:
        make_plan(wanted, open_models(wanted, [models]))
    assert str(error.value) == (
        f"{models / 'base'}: holds no tokenizer (tokenizer.json), and the recipe matches tokens by name.\n"
        "  Add the model's tokenizer files to its folder, or take the `tokenizer` keys out of the recipe."
    )
