"""`.bin` checkpoints: the same bits as torch.load, nothing run, and one readable error for everything else."""

import collections
import json
import os
import pickle
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merger.engine.batch import merge
from merger.errors import CheckpointError, MergeError
from merger.files.checkpoints import Checkpoint, open_checkpoint
from merger.files.pickles import read_places
from merger.recipe import load

BIN = "pytorch_model.bin"
RECIPE = "{merge_method: linear, models: [a, b], parameters: {weight: 1}}"


def save(folder: Path, content: Any, name: str = BIN, **options: Any) -> Path:
    folder.mkdir(exist_ok=True)
    torch.save(content, folder / name, **options)
    return folder / name


def repack(file: Path, change: Callable[[str, bytes], bytes | None], **options: Any) -> None:
    """Write the archive again, with `change` applied to each member; None leaves it out."""
    with zipfile.ZipFile(file) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(file, "w", **options) as new:
        for name, data in members.items():
            changed = change(name, data)
            if changed is not None:
                new.writestr(name, changed)


def with_pickle(file: Path, pickled: bytes) -> None:
    repack(file, lambda name, data: pickled if name.endswith("data.pkl") else data)


def refused(file: Path) -> str:
    with pytest.raises(CheckpointError) as error:
        read_places(file)
    return str(error.value).replace(str(file), "{file}")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return save(tmp_path, {"w": torch.arange(6.0).reshape(2, 3)})


# ------------------------------------------------------------------------------------ what is read


def test_every_kind_of_tensor_reads_as_torch_reads_it(tmp_path: Path) -> None:
    shared = torch.randn(4, 6)
    content: dict[str, torch.Tensor] = collections.OrderedDict(
        plain=torch.randn(3, 4), parameter=torch.nn.Parameter(torch.randn(5)), transposed=torch.randn(3, 4).T,
        part=shared[1:3], column=shared[:, 2], tied=shared, scalar=torch.tensor(2.5), empty=torch.empty(0, 3),
        one_row=torch.randn(4, 1).T, **{
            str(dtype): torch.arange(5).to(dtype)
            for dtype in (torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8,
                          torch.uint8, torch.bool, torch.uint16, torch.uint32, torch.uint64, torch.float8_e4m3fn)
        },
    )  # fmt: skip
    content._metadata = collections.OrderedDict(version=1)  # type: ignore[attr-defined]
    save(tmp_path, content)
    model = open_checkpoint("m", tmp_path)
    assert list(model.tensors) == list(content)
    for name, tensor in content.items():
        read = model.read(name)
        assert (read.dtype, read.shape) == (tensor.dtype, tensor.shape)
        assert bits(read) == bits(tensor), name
        if tensor.dim():
            assert bits(model.read(name, slice(1, 3))) == bits(tensor[1:3]), name


def bits(tensor: torch.Tensor) -> bytes:
    return bytes(tensor.detach().contiguous().flatten().view(torch.uint8).tolist())


def test_reading_copies_nothing_and_leaves_the_file(file: Path) -> None:
    before = file.read_bytes()
    model = open_checkpoint("m", file.parent)
    model.read("w").fill_(7)  # a private mapping
    assert file.read_bytes() == before
    assert model.tensors["w"].file == file


@pytest.mark.parametrize("sharded", [False, True])
def test_a_merge_of_bins_is_the_merge_of_safetensors(sharded: bool, tmp_path: Path) -> None:
    tiny.make_family(tmp_path / "in", models=("a", "b"), layers=2)
    merge(load(RECIPE), tmp_path / "expected", roots=[tmp_path / "in"])
    for name in "ab":
        folder = tmp_path / "in" / name
        tensors = tiny.read_weights(folder)
        (folder / "model.safetensors").unlink()
        save(folder, {"step": 3}, "training_args.bin")  # no weights, and never opened
        if not sharded:
            save(folder, tensors)
            continue
        weight_map = {n: f"pytorch_model-0000{1 + i % 2}-of-00002.bin" for i, n in enumerate(tensors)}
        for shard in set(weight_map.values()):
            save(folder, {n: t for n, t in tensors.items() if weight_map[n] == shard}, shard)
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
    merge(load(RECIPE), tmp_path / "out", roots=[tmp_path / "in"])
    expected, out = tiny.read_weights(tmp_path / "expected"), tiny.read_weights(tmp_path / "out")
    assert expected.keys() == out.keys()
    assert all(torch.equal(out[n], t) for n, t in expected.items())


def test_safetensors_are_preferred(tmp_path: Path) -> None:
    tiny.make_family(tmp_path, models=("a",), layers=1)
    (tmp_path / "a" / BIN).write_bytes(b"never opened")
    assert len(open_checkpoint("a", tmp_path / "a").tensors) == 12


# ------------------------------------------------------------------------------------ what is refused


class Evil:
    def __init__(self, call: Any, *args: Any) -> None:
        self.reduced = (call, args)

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    ("call", "name"), [(os.system, f"{os.name}.system"), (eval, "builtins.eval"), (torch.load, "torch.serialization.load")]
)
def test_code_in_a_pickle_is_refused_and_not_run(protocol: int, call: Any, name: str, file: Path) -> None:
    trap = file.with_name("trap")
    with_pickle(file, pickle.dumps({"w": Evil(call, f"touch {trap}")}, protocol=protocol))
    if protocol < 3:
        name = name.replace("builtins", "__builtin__")
    assert refused(file) == (
        f"{{file}}: its pickle asks to run {name}, which weights never need; refused, nothing was run.\n"
        "  Get the safetensors version."
    )
    assert not trap.exists()


def opcodes(text: bytes) -> Callable[[Path], None]:
    return lambda file: with_pickle(file, b"\x80\x02" + text + b".")


def tensor(offset: int, shape: str, stride: str, numel: int = 6, key: str = "0") -> Callable[[Path], None]:
    """A pickle in the readable protocol 0: {'w': a tensor of the file's one storage of six float32 numbers}."""
    text = (
        (f"(dS'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'{key}'\nS'cpu'\nI{numel}\nt").encode()
        + b"Q"
        + f"I{offset}\n({shape}t({stride}tI00\n(dts".encode()
    )
    # `s` sets the item, after REDUCE.
    return lambda file: with_pickle(file, text[:-1] + b"Rs.")


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "INST": (opcodes(b"(ios\nsystem\n"), "{file}: its pickle asks to run os.system, which weights never need; refused, "
             "nothing was run.\n  Get the safetensors version."),
    "odd name": (opcodes(b"cos\nsys\x1btem\n"), "{file}: its pickle asks to run 'os.sys\\x1btem', which weights never need; "
                 "refused, nothing was run.\n  Get the safetensors version."),
    "extension": (opcodes(b"\x82\x01"), "{file}: its pickle uses EXT1, which no table of tensors needs; refused."),
    "new object": (opcodes(b"ccollections\nOrderedDict\n)\x81"),
                   "{file}: its pickle uses NEWOBJ, which no table of tensors needs; refused."),
    "memo": (opcodes(b"}r\xff\xff\xff\xff0"), "{file}: its pickle uses POP, which no table of tensors needs; refused."),
    "stack": (opcodes(b"h\x05"), "{file}: its pickle is damaged (KeyError); download the file again."),
    "cut": (lambda f: with_pickle(f, b"\x80\x02}q\x00"), "{file}: its pickle is damaged (ValueError); download the file again."),
    "call of a table": (opcodes(b"})R"), "{file}: its pickle is damaged (TypeError); download the file again."),
    "deep key": (opcodes(b"})" + b"\x85" * 300_000 + b"}s"),
                 "{file}: its pickle is damaged (TypeError); download the file again."),
    "beyond": (tensor(0, "I3\nI3\n", "I3\nI1\n"), "{file}: a tensor of shape (3, 3) reaches beyond its storage of 24 bytes."),
    "offset beyond": (tensor(1, "I2\nI3\n", "I3\nI1\n"),
                      "{file}: a tensor of shape (2, 3) reaches beyond its storage of 24 bytes."),
    "stride beyond": (tensor(0, "I2\nI2\n", "I5\nI1\n"),
                      "{file}: a tensor of shape (2, 2) reaches beyond its storage of 24 bytes."),
    "expanded": (tensor(0, "I99999\nI99999\n", "I0\nI0\n"),
                 "{file}: a tensor of shape (99999, 99999) reaches beyond its storage of 24 bytes."),
    "negative offset": (tensor(-1, "I2\n", "I1\n"), "{file}: its pickle is damaged (ValueError); download the file again."),
    "negative stride": (tensor(5, "I2\n", "I-1\n"), "{file}: its pickle is damaged (ValueError); download the file again."),
    "fewer strides": (tensor(0, "I2\nI3\n", "I1\n"), "{file}: its pickle is damaged (ValueError); download the file again."),
    "storage too small": (tensor(0, "I2\n", "I1\n", numel=7), "{file}: the storage '0' needs 28 bytes, the file gives it 24."),
    "no such storage": (tensor(0, "I2\n", "I1\n", key="../x"),
                        "{file}: its pickle names the storage '../x', which is not in the file."),
    "list": (lambda f: save(f.parent, [torch.ones(2)]), "{file}: holds no table of tensors."),
    "training": (lambda f: save(f.parent, {"model": {"w": torch.ones(2)}, "step": 3}),
                 "{file}: is no plain table of tensors: 'model' is a table.\n"
                 "  A training checkpoint, perhaps; save the model alone, or get its safetensors version."),
    "number": (lambda f: save(f.parent, {"step": 3}),
               "{file}: is no plain table of tensors: 'step' is a int.\n"
               "  A training checkpoint, perhaps; save the model alone, or get its safetensors version."),
    "numbered": (lambda f: save(f.parent, {3: torch.ones(2)}), "{file}: is no plain table of tensors: a name in it is a number."),
    "legacy": (lambda f: save(f.parent, {"w": torch.ones(2)}, _use_new_zipfile_serialization=False),
               "{file}: written by torch.save before PyTorch 1.6, in a format that cannot be read without running it.\n"
               "  Get the safetensors version, or load it with torch.load(..., weights_only=True) and save it again."),
    "a pickle": (lambda f: f.write_bytes(b"\x80\x04}."),
                 "{file}: not a PyTorch file, or its beginning is damaged (4 bytes)."),
    "empty": (lambda f: f.write_bytes(b""), "{file}: not a PyTorch file, or its beginning is damaged (0 bytes)."),
    "truncated": (lambda f: os.truncate(f, 500),
                  "{file}: a damaged zip archive (no directory at its end: truncated); download the file again."),
    "compressed": (lambda f: repack(f, lambda name, data: data, compression=zipfile.ZIP_DEFLATED),
                   "{file}: 'pytorch_model/data.pkl' in it is compressed, which torch.save never does.\n"
                   "  Get the safetensors version."),
    "encrypted": (lambda f: f.write_bytes(encrypted(f.read_bytes())),
                  "{file}: 'pytorch_model/data.pkl' in it is encrypted, which is not supported."),
    "another zip": (lambda f: repack(f, lambda name, data: None if name.endswith("data.pkl") else data),
                    "{file}: a zip archive, but no PyTorch checkpoint (no data.pkl in it)."),
    "big-endian": (lambda f: repack(f, lambda name, data: b"big" if name.endswith("byteorder") else data),
                   "{file}: its numbers are stored big-endian, which is not supported."),
    "folder": (lambda f: (f.unlink(), f.mkdir()), "{file}: cannot be read: Is a directory."),
    "absent": (lambda f: f.unlink(), "{file}: cannot be read: No such file or directory."),
}  # fmt: skip


def encrypted(raw: bytes) -> bytes:
    at = raw.index(b"PK\1\2") + 8
    return raw[:at] + bytes([raw[at] | 1]) + raw[at + 1 :]


@pytest.mark.parametrize(("damage", "message"), REFUSED.values(), ids=list(REFUSED))
def test_refusals(damage: Callable[[Path], object], message: str, file: Path) -> None:
    damage(file)
    assert refused(file) == message


def test_the_damaged_tensors_start_from_a_good_one(file: Path) -> None:
    tensor(1, "I2\nI2\n", "I3\nI1\n")(file)
    assert open_checkpoint("m", file.parent).read("w").tolist() == [[1, 2], [4, 5]]


def test_a_member_beyond_the_end(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    at = next(i for i in range(len(raw)) if raw[i : i + 4] == b"PK\1\2" and b"data/0" in raw[i + 46 : i + 80])
    raw[at + 20 : at + 28] = (99_999).to_bytes(4, "little") * 2
    file.write_bytes(raw)
    message = refused(file)
    assert message.startswith("{file}: truncated: 'pytorch_model/data/0' in it ends at byte 1")
    assert message.endswith(f", the file has {len(raw)}.\n  Download the file again.")


def test_an_empty_table(tmp_path: Path) -> None:
    save(tmp_path, {})
    with pytest.raises(CheckpointError) as error:
        open_checkpoint("m", tmp_path)
    assert str(error.value) == f"{tmp_path}: its bin files hold no tensors."


# ------------------------------------------------------------------------------------ fuzz

fuzz = settings(max_examples=300, deadline=None, derandomize=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tensors = collections.OrderedDict(a=torch.ones(2, 3), b=torch.ones(4, 2).bfloat16().T, c=torch.arange(3))
    return save(tmp_path_factory.mktemp("bin"), tensors)


def only_merge_errors(path: Path) -> None:
    try:
        model = open_checkpoint("m", path.parent)
        places = read_places(path)
    except MergeError as error:
        assert str(error) and "Traceback" not in str(error)
        return
    size = path.stat().st_size
    for name in places:
        assert isinstance(model, Checkpoint)
        assert model.read(name).numel() * model.tensors[name].dtype.itemsize <= size


@fuzz
@given(rng=st.randoms(use_true_random=False))
def test_mutated_files(rng: random.Random, whole: Path) -> None:
    folder = whole.parent / "mutated"
    folder.mkdir(exist_ok=True)
    raw = bytearray(whole.read_bytes())
    for _ in range(rng.randint(1, 6)):
        raw[rng.randrange(len(raw))] = rng.choice([0, 255, rng.randrange(256)])
    (folder / BIN).write_bytes(raw[: rng.choice([len(raw), len(raw), rng.randrange(len(raw))])])
    only_merge_errors(folder / BIN)


@fuzz
@given(rng=st.randoms(use_true_random=False), noise=st.binary(max_size=40))
def test_mutated_pickles(rng: random.Random, noise: bytes, whole: Path) -> None:
    folder = whole.parent / "pickled"
    folder.mkdir(exist_ok=True)
    shutil.copy(whole, folder / BIN)

    def change(name: str, data: bytes) -> bytes:
        if not name.endswith("data.pkl"):
            return data
        if rng.random() < 0.2:
            return noise
        raw = bytearray(data)
        for _ in range(rng.randint(1, 4)):
            at = rng.randrange(len(raw))
            raw[at : at + rng.randrange(3)] = bytes([rng.choice([*b".}()tRQsuqhKXc\x85\x86\x87\x93\x94", rng.randrange(256)])])
        return bytes(raw)

    repack(folder / BIN, change)
    only_merge_errors(folder / BIN)


def test_the_fuzzers_start_from_a_good_file(whole: Path) -> None:
    assert list(read_places(whole)) == ["a", "b", "c"]
