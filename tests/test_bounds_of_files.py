"""What a stranger's small files may hold: JSON, headers, indexes, pickles, cards, LoRAs, documents; each told in a sentence."""

from __future__ import annotations

import contextlib
import json
import time
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from hub_standin import Hub
from safetensors.torch import save, save_file

from merger.errors import CheckpointError, MergeError, RecipeError
from merger.files import checkpoints, pickles
from merger.files import texts as files
from merger.files.checkpoints import INDEX, open_checkpoint
from merger.files.pickles import read_places
from merger.hub import lora, remote
from merger.hub.card import licence
from merger.hub.lora import adapt
from merger.limits import (
    AFAR_BYTES,
    AFAR_TENSORS,
    CARD_BYTES,
    DOCUMENTS,
    JSON_DEPTH,
    JSON_VALUES,
    NAME_CHARACTERS,
    PATTERN_STEPS,
    READS,
    SHARDS,
    TENSORS,
)
from merger.recipe import dump, load, tolerant

WEIGHTS = "model.safetensors"


def said(call: Callable[[], Any], kind: type[MergeError] = CheckpointError) -> str:
    with pytest.raises(kind) as error:
        call()
    return str(error.value)


@contextlib.contextmanager
def at_most(nbytes: int) -> Iterator[None]:
    """What is done inside holds no more memory at any time: it is refused before it is read."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < nbytes, f"{peak:,} bytes"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tiny.make_family(tmp_path, models=("base",), layers=1)["base"]


# ---------------------------------------------------------------------------------------------- JSON


def test_a_large_json_file(model: Path) -> None:
    with (model / "config.json").open("r+b") as file:
        file.truncate(10_000_001)
    assert (
        said(lambda: open_checkpoint("m", model))
        == f"{model}/config.json: 10000001 bytes is too large for a JSON file of a model."
    )


def test_many_small_values(model: Path) -> None:
    (model / "config.json").write_text('{"a": [' + "0," * JSON_VALUES + "0]}")
    too_many = f"{model}/config.json: its JSON holds more than 500,000 values; no model needs that."
    with at_most(6_000_000):
        assert said(lambda: open_checkpoint("m", model)) == too_many


@pytest.mark.parametrize(
    "text",
    ['{"a":' * 500 + "1" + "}" * 500, '{"a": ' + "[" * 40 + "]" * 40 + "}", '{"a": [1, {"b": ' + "[" * 31 + "]" * 31 + "}]}"],
)
def test_deep_json(text: str, model: Path) -> None:
    (model / "config.json").write_text(text)
    assert said(lambda: open_checkpoint("m", model)) == (
        f"{model}/config.json: its JSON is nested more than {JSON_DEPTH} levels deep; no model needs that."
    )


@pytest.mark.parametrize("text", ["[" * 10**6, '{"a":' * 10**5, '{"a": ' + "[" * 10**6 + "]" * 10**6 + "}"])
def test_json_too_deep_to_be_read(text: str, model: Path) -> None:
    (model / "config.json").write_text(text)
    message = said(lambda: open_checkpoint("m", model))
    assert message.startswith(f"{model}/config.json: its JSON ") and ("too deeply" in message or "more than 500,000" in message)


def test_json_as_deep_as_it_may_be(model: Path) -> None:
    (model / "config.json").write_text('{"a": ' + "[" * (JSON_DEPTH - 1) + "1" + "]" * (JSON_DEPTH - 1) + "}")
    assert open_checkpoint("m", model).config["a"]


def test_long_numbers(model: Path) -> None:
    for digits in ("1" * 66, "-" + "1" * 5000, "1" * 10**6):
        (model / "config.json").write_text('{"a": ' + digits + "}")
        assert (
            said(lambda: open_checkpoint("m", model)) == f"{model}/config.json: its JSON holds a number of more than 64 digits."
        )
    (model / "config.json").write_text('{"model_max_length": 1000000000000000019884624838656, "digits": "' + "1" * 100 + '"}')
    assert open_checkpoint("m", model).config["model_max_length"] > 10**29


def test_text_that_is_none(model: Path) -> None:
    (model / "config.json").write_bytes(b'{"a": "\xff"}')
    assert said(lambda: open_checkpoint("m", model)) == f"{model}/config.json: this is not JSON."
    (model / "config.json").unlink()
    (model / "config.json").mkdir()
    assert said(lambda: files.read_json(model / "config.json")).startswith(f"{model}/config.json: ")


# ---------------------------------------------------------------------------------------------- headers and indexes


def header(entries: dict[str, Any], size: int = 0) -> bytes:
    text = json.dumps(entries, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "little") + text + b"\0" * size


def many(count: int, first: int = 0) -> dict[str, Any]:
    return {f"t{i}": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]} for i in range(first, first + count)}


def test_headers_here(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = model / WEIGHTS
    file.write_bytes(b'{"a":{},' * 10)
    text = b"{" + b",".join(b'"%d":{}' % i for i in range(TENSORS + 2)) + b"}"
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    with at_most(20_000_000):
        assert said(lambda: open_checkpoint("m", model)) == f"{file}: names more than 250,000 tensors; no model has so many."
    text = b'{"a":{"dtype":"U8","shape":[' + b"1," * (24 * TENSORS) + b'1],"data_offsets":[0,1]}}'
    file.write_bytes(len(text).to_bytes(8, "little") + text)
    assert said(lambda: open_checkpoint("m", model)) == f"{file}: its header holds more numbers than its tensors can need."
    name = "n" * (NAME_CHARACTERS + 1)
    file.write_bytes(header({name: {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}}))
    assert (
        said(lambda: open_checkpoint("m", model)) == f"{file}: '{'n' * 80}' is not the name of a tensor; the header is damaged."
    )
    with file.open("wb") as out:
        out.write((100_000_001).to_bytes(8, "little"))
        out.truncate(100_000_100)
    assert "not a safetensors file" in said(lambda: open_checkpoint("m", model))
    monkeypatch.setattr(checkpoints, "TENSORS", 30)
    file.unlink()
    for i in range(4):
        (model / f"model-{i}.safetensors").write_bytes(header(many(10, 10 * i)))
    assert said(lambda: open_checkpoint("m", model)) == f"{model}: names more than 30 tensors; no model has so many."


INDEXES: dict[str, tuple[Any, str]] = {
    "absolute": ({"a": "/etc/passwd"}, "names a file outside the model's folder."),
    "above": ({"a": "../x.safetensors"}, "names a file outside the model's folder."),
    "windows": ({"a": "..\\x.safetensors"}, "names a file outside the model's folder."),
    "nul": ({"a": "x\0.safetensors"}, "'x\\x00.safetensors' is not the name of a weight file."),
    "line": ({"a": "x\n.safetensors"}, "'x\\n.safetensors' is not the name of a weight file."),
    "surrogate": ({"a": "\ud800"}, "'\\ud800' is not the name of a weight file."),
    "long": ({"a": "x" * 5_000_000}, f"'{'x' * 40}' is not the name of a weight file."),
    "many files": ({f"t{i}": f"{i}.safetensors" for i in range(SHARDS + 1)}, "names 2,001 files; no model has more than 2,000."),
    "many tensors": (
        {f"t{i}": "x.safetensors" for i in range(TENSORS + 1)},
        "names more than 250,000 tensors; no model has so many.",
    ),
    "a million": ({f"t{i}": "x" for i in range(1_000_000)}, "its JSON holds more than 500,000 values; no model needs that."),
    "numbers": ({"a": 3}, "`weight_map` must map tensor names to files."),
    "a list": (["a"], "`weight_map` must map tensor names to files."),
}


@pytest.mark.parametrize(("table", "message"), INDEXES.values(), ids=list(INDEXES))
def test_absurd_indexes(table: Any, message: str, model: Path) -> None:
    (model / INDEX).write_text(json.dumps({"weight_map": table}))
    assert said(lambda: open_checkpoint("m", model)) == f"{model / INDEX}: {message}"


def test_an_index_of_nothing(model: Path) -> None:
    """It names no file, of which to say that it holds no tensors."""
    (model / INDEX).write_text(json.dumps({"weight_map": {}}))
    assert said(lambda: open_checkpoint("m", model)) == f"{model / INDEX}: `weight_map` must map tensor names to files."


def test_an_index_too_large(model: Path) -> None:
    with (model / INDEX).open("wb") as file:
        file.truncate(50_000_001)
    assert (
        said(lambda: open_checkpoint("m", model)) == f"{model / INDEX}: 50000001 bytes is too large for a JSON file of a model."
    )


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with Hub() as standin:
        monkeypatch.setenv("HF_ENDPOINT", standin.url)
        yield standin


def test_headers_from_afar(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("evil/many", {"config.json": b"{}", WEIGHTS: header(many(AFAR_TENSORS + 2))})
    too_many = "names more than 100,000 tensors; too many to look into from afar; download the model first."
    with at_most(70_000_000):  # its bytes, here and on their way, and not its tensors
        assert said(lambda: remote.peek("evil/many", False)) == f"evil/many: {WEIGHTS}: {too_many}"
    hub.add("evil/large", {"config.json": b"{}", WEIGHTS: (AFAR_BYTES + 1).to_bytes(8, "little") + b" " * (AFAR_BYTES + 10)})
    assert "its header claims 25,000,001 bytes; no model needs more than 25,000,000 in all." in said(
        lambda: remote.peek("evil/large", False)
    )
    monkeypatch.setattr(remote, "AFAR_BYTES", 5000)
    hub.add("evil/parts", {"config.json": b"{}", **{f"{i}.safetensors": header(many(40, 40 * i)) for i in range(4)}})
    assert "no model needs more than 5,000 in all." in said(lambda: remote.peek("evil/parts", False))
    monkeypatch.setattr(remote, "AFAR_BYTES", AFAR_BYTES)
    monkeypatch.setattr(checkpoints, "AFAR_TENSORS", 100)
    assert said(lambda: remote.peek("evil/parts", False)).startswith("evil/parts: names more than 100 tensors; too many to look")
    monkeypatch.setattr(checkpoints, "AFAR_TENSORS", 160)
    assert len(remote.peek("evil/parts", False).tensors) == 160


# ---------------------------------------------------------------------------------------------- pickles


def archive(file: Path, pickled: bytes, storages: int = 0) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as made:
        made.writestr("m/data.pkl", pickled)
        for i in range(storages):
            made.writestr(f"m/data/{i}", b"")
    return file


ENDLESS = "its pickle goes on and on; a table of so few tensors is not so long."
PICKLES: dict[str, tuple[bytes, str]] = {
    "tuples in tuples": (b"\x80\x02)" + b"\x85" * 1_000_000 + b".", ENDLESS),
    "lists in lists": (b"\x80\x02" + b"]" * 1_000_000 + b"a" * 999_999 + b".", ENDLESS),
    "tables in tables": (b"\x80\x02" + b"}X\x01\x00\x00\x00a" * 1_000_000 + b".", ENDLESS),
    "marks": (b"\x80\x02" + b"(" * 1_000_000, ENDLESS),
    "numbers": (b"\x80\x02]" + b"(" + b"K\x01" * 20_000_000 + b"e.", ENDLESS),
    "memory": (b"\x80\x02" + b"".join(b"]r" + i.to_bytes(4, "little") for i in range(1_000_000)), ENDLESS),
    "a long number": (
        b"\x80\x02}U\x01aI" + b"1" * 5000 + b"\ns.",
        "its pickle is damaged (ValueError); download the file again.",
    ),
    "a long name": (
        b"\x80\x02}X" + (2000).to_bytes(4, "little") + b"n" * 2000 + b"}s.",
        f"'{'n' * 40}'... is not the name of a tensor.",
    ),
}


@pytest.mark.parametrize(("pickled", "message"), PICKLES.values(), ids=list(PICKLES))
def test_pickles_of_strangers(pickled: bytes, message: str, tmp_path: Path) -> None:
    file = archive(tmp_path / "pytorch_model.bin", pickled)
    began = time.process_time()
    assert said(lambda: read_places(file)) == f"{file}: {message}"
    assert time.process_time() - began < 5


def test_archives_of_a_million_members(tmp_path: Path) -> None:
    file = archive(tmp_path / "pytorch_model.bin", b"\x80\x02}.")
    raw = bytearray(file.read_bytes())
    end = raw.rindex(b"PK\5\6")
    raw[end + 10 : end + 12] = (0xFFFF).to_bytes(2, "little")
    file.write_bytes(bytes(raw))
    assert "a damaged zip archive (its directory ends early)" in said(lambda: read_places(file))
    assert pickles.TENSORS == TENSORS


def test_usual_pickles_are_read(tmp_path: Path) -> None:
    """Thousands of tensors, each with a storage of its own; and as many that share one."""
    for table in (
        {f"layer.{i}.weight": torch.zeros(2) for i in range(3000)},
        dict(zip(map(str, range(9000)), torch.zeros(9000, 2), strict=True)),
    ):
        torch.save(table, tmp_path / "pytorch_model.bin")
        assert len(read_places(tmp_path / "pytorch_model.bin")) == len(table)


# ---------------------------------------------------------------------------------------------- cards, LoRAs


CARDS: dict[str, tuple[bytes, str | None]] = {
    "blank lines": (b"---\n" + b"\n" * 10**7 + b"license: mit\n", None),
    "aliases": (
        b"---\na0: &a0 [x,x]\n"
        + b"".join(b"a%d: &a%d [*a%d,*a%d]\n" % (i, i, i - 1, i - 1) for i in range(1, 60))
        + b"license: mit\n---\n",
        "mit",
    ),
    "one line": (b"---\nlicense: " + b"m" * 10**7 + b"\n---\n", None),
    "dashes": (b"---" * 10**6, None),
    "not text": (b"---\nlicense: mit\xff\n---\n", "mit\ufffd"),
    "spaces": (b"---\n" + b" " * 10**6 + b"\n---\n", None),
}


@pytest.mark.parametrize(("text", "found"), CARDS.values(), ids=list(CARDS))
def test_cards(text: bytes, found: str | None, tmp_path: Path) -> None:
    assert CARD_BYTES < 10**6
    (tmp_path / "README.md").write_bytes(text)
    began = time.process_time()
    assert licence(tmp_path) == found
    (tmp_path / "README.md").unlink()
    (tmp_path / "LICENSE").write_bytes(text)
    assert (licence(tmp_path) or "").startswith("see its LICENSE: ")
    assert time.process_time() - began < 1


def test_patterns_of_a_lora(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert lora.PATTERN_STEPS == PATTERN_STEPS
    monkeypatch.setattr(lora, "PATTERN_STEPS", 10_000_000)
    folder = tmp_path / "lora"
    folder.mkdir()
    target = "model.layers.0.self_attn.q_proj"
    rows, columns = open_checkpoint("m", model).tensors[f"{target}.weight"].shape
    prefix = f"base_model.model.{target}"
    save_file(
        {f"{prefix}.lora_A.weight": torch.zeros(1, columns), f"{prefix}.lora_B.weight": torch.zeros(rows, 1)},
        folder / "adapter_model.safetensors",
    )
    config: dict[str, Any] = {"r": 1, "lora_alpha": 1, "rank_pattern": {}}
    for patterns, fine in (({f"q.*{i}.*x": 2 for i in range(50)}, True), ({f"{i}.*q.*x": 2 for i in range(9000)}, False)):
        (folder / "adapter_config.json").write_text(json.dumps(config | {"rank_pattern": patterns}))
        if fine:
            assert adapt(open_checkpoint("m", model), [("lora", folder)]).reference == "m+lora"
        else:
            assert said(lambda: adapt(open_checkpoint("m", model), [("lora", folder)])) == (
                "lora: the 9000 patterns of its adapter_config.json would take too long to match; "
                "write the modules' names in `rank_pattern` and `alpha_pattern` instead."
            )
    (folder / "adapter_config.json").write_text("[" * 10**5)
    assert "nested too deeply" in said(lambda: adapt(open_checkpoint("m", model), [("lora", folder)]))


# ---------------------------------------------------------------------------------------------- documents


def chain(count: int, each: Callable[[int], list[str]] = lambda i: [f"d{i - 1}" if i else "x"]) -> str:
    """Documents of which each is made from earlier ones."""
    texts = [
        (f"name: d{i}\n" if i < count - 1 else "")
        + "merge_method: linear\nmodels:\n- {model: base, parameters: {weight: 1}}\n"
        + "".join(f"- {{model: {m}, parameters: {{weight: 1}}}}\n" for m in dict.fromkeys(each(i)))
        for i in range(count)
    ]
    return "---\n".join(texts)


def test_chained_documents() -> None:
    began = time.process_time()
    assert (
        said(lambda: load(chain(1000)), RecipeError)
        == f"recipe: has more than {DOCUMENTS} documents; split it into several files."
    )
    recipe = load(chain(DOCUMENTS))
    again = load(dump(recipe))
    assert recipe == again and hash(recipe) == hash(again) and recipe.digest == again.digest
    assert recipe != load(chain(DOCUMENTS - 1)) and len({recipe, again, tolerant(recipe, "crop")}) == 2
    assert [len(one.earlier) for one in tolerant(recipe, "crop").earlier] == list(range(DOCUMENTS - 1))
    assert load(dump(tolerant(recipe, "skip"))) == tolerant(recipe, "skip") and repr(recipe)
    twice = said(lambda: load(chain(30, lambda i: [f"d{i - 1}", f"d{i - 2}"] if i > 1 else ["x"])), RecipeError)
    assert (
        "'d12' needs models 1,163 times for each tensor, through the documents it is made from; at most 1,000." in twice
        and READS == 1000
    )
    assert time.process_time() - began < 10  # what doubles with each document would take years


def test_documents_count_in_what_they_are() -> None:
    """Equality, hash and digest see every word of every document, and the order of none."""
    text = chain(4)
    recipe = load(text)
    for change in (text.replace("x,", "y,"), text.replace("weight: 1}}\n- {model: d1", "weight: 2}}\n- {model: d1")):
        other = load(change)
        assert other != recipe and hash(other) != hash(recipe) and other.digest != recipe.digest
    assert recipe != "recipe" and load(text + "# a note\n") == recipe


def test_files_are_saved_as_they_were(model: Path) -> None:
    """Nothing above is in the way of a usual model."""
    assert len(open_checkpoint("m", model).tensors) == len(tiny.read_weights(model))
    assert save({"a": torch.zeros(1)})
