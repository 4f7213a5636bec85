"""What the world does to a merge: damaged files, full disks, kills. One readable error each, and nothing left on disk."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tiny
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from test_recipe import EXAMPLES, TIES

from merger.engine.batch import merge
from merger.errors import Cancelled, CheckpointError, MergeError
from merger.files.checkpoints import Slot, parse_size, read_header, shards
from merger.recipe import dump, load

RECIPE = "{merge_method: linear, models: [a, b], parameters: {weight: 1}}"
FILE = "model.safetensors"
ROOT = Path(__file__).parent.parent


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """Two small models of this test's own, to damage."""
    folder = tmp_path / "in"
    tiny.make_family(folder, models=("a", "b"), layers=2)
    return folder


def refused(models: Path, recipe: str = RECIPE, out: Path | None = None, **options: Any) -> str:
    """The error's text with the folder as {in}; checks that the merge left nothing behind."""
    before = sorted(models.parent.rglob("*"))
    with pytest.raises(MergeError) as error:
        merge(load(recipe), out or models.parent / "out", roots=[models], **options)
    assert sorted(models.parent.rglob("*")) == before
    return str(error.value).replace(str(models), "{in}").replace(str(models.parent), "{tmp}")


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = tiny.read_weights(folder)
    change(tensors)
    save_file(tensors, folder / FILE)


def with_header(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Rewrite a file's header and keep its data."""
    raw = (folder / FILE).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    (folder / FILE).write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + length :])


# ------------------------------------------------------------------------------------ models

NORM = "model.norm.weight"  # 8 float32 numbers
HEADS = "  Merge the model's 16-bit version, or use `passthrough` without scale, dtype and out_dtype."


def only_bin(folder: Path) -> None:
    (folder / FILE).rename(folder / "pytorch_model.bin")


def truncate(folder: Path, size: int) -> None:
    os.truncate(folder / FILE, size)


def index(folder: Path, files: dict[str, Any]) -> None:
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}))


def fp8(folder: Path) -> None:
    rewrite(folder, lambda t: t.update({NORM: t[NORM].to(torch.float8_e4m3fn)}))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing folder": (shutil.rmtree, "b: no such folder, and no Hub id (owner/name, or owner/name@revision).\n"
        "  As a folder: {in} holds no folder 'b'."),
    "a file": (lambda b: (shutil.rmtree(b), b.write_text("x")),
        "b: no such folder, and no Hub id (owner/name, or owner/name@revision).\n"
        "  As a folder: {in} holds no folder 'b'."),
    "no weights": (lambda b: (b / FILE).unlink(), "b: the folder {in}/b holds no .safetensors files and no pytorch_model.bin."),
    "only .bin": (only_bin, "{in}/b/pytorch_model.bin: not a PyTorch file, or its beginning is damaged (8336 bytes)."),
    "truncated": (lambda b: truncate(b, 8000),
        "{in}/b/model.safetensors: truncated: model.layers.1.self_attn.q_proj.weight ends at "
                  "byte 8176, the file has 8000.\n  Download the file again."),
    "empty": (lambda b: truncate(b, 0),
        "{in}/b/model.safetensors: not a safetensors file, or its beginning is damaged (0 bytes)."),
    "seven bytes": (lambda b: truncate(b, 7),
        "{in}/b/model.safetensors: not a safetensors file, or its beginning is damaged (7 bytes)."),
    "page of a website": (lambda b: (b / FILE).write_text("<html>Not found</html>"),
                          "{in}/b/model.safetensors: not a safetensors file, or its beginning is damaged (22 bytes)."),
    "pointer of git lfs": (lambda b: (b / FILE).write_text("version https://git-lfs.github.com/spec/v1\n"),
                           "{in}/b/model.safetensors: not a safetensors file, or its beginning is damaged (43 bytes)."),
    "random header": (lambda b: (b / FILE).write_bytes((64).to_bytes(8, "little") + bytes(range(150, 250))),
                      "{in}/b/model.safetensors: its header is damaged; download the file again."),
    "header of a list": (lambda b: (b / FILE).write_bytes((2).to_bytes(8, "little") + b"[]"),
                         "{in}/b/model.safetensors: its header is no table of tensors."),
    "no tensors": (lambda b: (b / FILE).write_bytes((2).to_bytes(8, "little") + b"{}"),
        "{in}/b: its safetensors files hold no tensors."),
    "offsets beyond the file": (lambda b: with_header(b, lambda h: h[NORM].update(data_offsets=[10**9, 10**9 + 32])),
                                "{in}/b/model.safetensors: truncated: model.norm.weight ends at byte {end}, the file has {size}."
                                "\n  Download the file again."),
    "offsets backwards": (lambda b: with_header(b, lambda h: h[NORM].update(data_offsets=[32, 0])),
                          "{in}/b/model.safetensors: model.norm.weight needs 32 bytes, its header gives it -32."),
    "negative offsets": (lambda b: with_header(b, lambda h: h[NORM].update(data_offsets=[-32, 0])),
                         "{in}/b/model.safetensors: the header's entry for 'model.norm.weight' is damaged."),
    "three offsets": (lambda b: with_header(b, lambda h: h[NORM].update(data_offsets=[0, 16, 32])),
                      "{in}/b/model.safetensors: the header's entry for 'model.norm.weight' is damaged."),
    "wrong shape": (lambda b: with_header(b, lambda h: h[NORM].update(shape=[9])),
                    "{in}/b/model.safetensors: model.norm.weight needs 36 bytes, its header gives it 32."),
    "shape of words": (lambda b: with_header(b, lambda h: h[NORM].update(shape=["8"])),
                       "{in}/b/model.safetensors: the header's entry for 'model.norm.weight' is damaged."),
    "unknown dtype": (lambda b: with_header(b, lambda h: h[NORM].update(dtype="F23")), "{in}/b/model.safetensors: "
                      "model.norm.weight is stored as 'F23', a type of numbers that is not known here.\n  Take the model in a "
                      "16-bit type, or a newer version of this program."),
    "list of dtypes": (lambda b: with_header(b, lambda h: h[NORM].update(dtype=["F32"])),
                       "{in}/b/model.safetensors: the header's entry for 'model.norm.weight' is damaged."),
    "missing tensor": (lambda b: rewrite(b, lambda t: t.pop(NORM)), "model.norm.weight: not in every model.\n  [0]   a  (8,)\n"
                       "  [1]   b  missing\n  These models do not share one architecture; merge fine-tunes of one base, "
                       "or leave a model out of the tensors that do not fit: --allow-crimes."),
    "other shape": (lambda b: rewrite(b, lambda t: t.update({NORM: torch.ones(9)})), "model.norm.weight: shapes differ.\n"
                    "  [0]   a  (8,)\n  [1]   b  (9,)\n  Only fine-tunes of one base have the same shapes everywhere, "
                    "or leave a model out of the tensors that do not fit: --allow-crimes."),
    "other vocabulary": (lambda b: rewrite(b, lambda t: [t.update({n: torch.ones(25, 8)}) for n in ("lm_head.weight",
        "model.embed_tokens.weight")]),
                         "model.embed_tokens.weight: shapes differ.\n  [0]   a  (24, 8)\n  [1]   b  (25, 8)\n"
                         "  The same is true of 1 more tensors.\n  Their vocabularies differ: match rows by token with "
                         "`tokenizer_source: union` (or `base`), cut them to the rows that all have: "
                         "--unsafe-truncate-embeddings,\n"
                         "  or cut and leave out whatever does not fit the base: --allow-crimes."),
    "other layers": (lambda b: tiny.make_family(b.parent, models=("b",), layers=3),
        "the models have different numbers of layers.\n"
                     "  a  2 layers\n  b  3 layers\n  Use `slices:` with a layer_range for each model, or models of one size."),
    "index of missing files": (lambda b: index(b, {"x": "model-1.safetensors", "y": FILE, "z": "model-3.safetensors"}),
                               "{in}/b: 2 of 3 files are missing, the first is model-1.safetensors.\n"
                               "  The download is incomplete; download the model again."),
    "index outside": (lambda b: index(b, {"x": "../a/model.safetensors"}),
                      "{in}/b/model.safetensors.index.json: names a file outside the model's folder."),
    "index absolute": (lambda b: index(b, {"x": "/etc/passwd"}),
        "{in}/b/model.safetensors.index.json: names a file outside the model's folder."),
    "index parent": (lambda b: index(b, {"x": ".."}), "{in}/b: 1 of 1 files are missing, the first is ...\n"
                     "  The download is incomplete; download the model again."),
    "index of numbers": (lambda b: index(b, {"x": 3}),
        "{in}/b/model.safetensors.index.json: `weight_map` must map tensor names to files."),
    "index no JSON": (lambda b: (b / "model.safetensors.index.json").write_text("{"),
        "{in}/b/model.safetensors.index.json: this is not JSON."),
    "tensor in two files": (lambda b: shutil.copy(b / FILE,
        b / "extra.safetensors") and (b / FILE).rename(b / "first.safetensors"),
                            "{in}/b/first.safetensors: lm_head.weight is also in extra.safetensors; one of the files is left "
                            "over."),
    "config no JSON": (lambda b: (b / "config.json").write_text("{'a': 1}"), "{in}/b/config.json: this is not JSON."),
    "config a list": (lambda b: (b / "config.json").write_text("[]"), "{in}/b/config.json: must hold a JSON object."),
    "weights are a folder": (lambda b: ((b / FILE).unlink(), (b / FILE).mkdir()),
        "{in}/b/model.safetensors: cannot be read: Is a directory."),
    "8-bit floats": (fp8, "model.norm.weight: stored in 8-bit floating point, whose scales lie elsewhere; it can only be copied "
        "as it is.\n" + HEADS),
}  # fmt: skip


@pytest.mark.parametrize(("damage", "message"), DAMAGE.values(), ids=list(DAMAGE))
def test_damaged_models(damage: Callable[[Path], object], message: str, models: Path) -> None:
    damage(models / "b")
    if "{end}" in message:
        raw = (models / "b" / FILE).read_bytes()
        end = 8 + int.from_bytes(raw[:8], "little") + 10**9 + 32
        message = message.replace("{end}", str(end)).replace("{size}", str(len(raw)))
    assert refused(models) == message


def test_a_layer_range_beyond_the_model(models: Path) -> None:
    text = "{merge_method: linear, parameters: {weight: 1}, slices: [{sources: [{model: a, layer_range: [1, 3]}]}]}"
    assert refused(models, text) == "recipe: layer_range [1, 3] of a ends after its last layer; it has 2, so at most [.., 2]."


def test_a_parameter_that_no_rule_sets(models: Path) -> None:
    text = "{merge_method: linear, models: [a, {model: b, parameters: {weight: [{filter: mlp, value: 1}]}}]}"
    assert refused(models, text) == (
        "recipe: 'linear' needs `weight` for a, and none is set for model.embed_tokens.weight.\n"
        "  Add `parameters: {weight: 0.5}` to that model, or a last rule without a filter."
    )


# ------------------------------------------------------------------------------------ the output folder


def test_output_not_empty(models: Path) -> None:
    out = models.parent / "out"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    assert refused(models) == "{tmp}/out: the folder is not empty; name a new one, or empty it first."
    assert (out / "notes.txt").read_text() == "mine"


def test_output_is_a_file_or_inside_one(models: Path) -> None:
    out = models.parent / "out"
    out.write_text("mine")
    assert refused(models) == "{tmp}/out: is not a folder; name a new folder."
    assert refused(models, out=out / "deeper") == "{tmp}/out: cannot be written: File exists."
    out.unlink()
    out.symlink_to(models)
    assert refused(models) == "{tmp}/out: is not a folder; name a new folder."


def test_an_empty_output_folder_is_used(models: Path) -> None:
    out = models.parent / "out"
    out.mkdir()
    merge(load(RECIPE), out, roots=[models])
    assert (out / FILE).is_file()


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_parent_is_read_only(models: Path) -> None:
    parent = models.parent / "locked"
    parent.mkdir(mode=0o555)
    assert refused(models, out=parent / "out") == "{tmp}/locked/out.partial: cannot be written: Permission denied."


def test_no_room(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(models)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=1000))
    assert refused(models) == (
        "{tmp}/out: the merge needs 16,783,520 bytes, {tmp} has 1,000 free. Free some, or write elsewhere."
    )


@pytest.mark.parametrize("call", ["pwrite", "posix_fallocate"])
def test_disk_full_midway(call: str, models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = getattr(os, call), 0

    def full(*args: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    monkeypatch.setattr(os, call, full)
    usage = shutil.disk_usage(models)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=20_000_000))
    message = refused(models, shard_size="2KB")
    assert message.startswith("{tmp}/out.partial/model-0000")
    assert "cannot be written: No space left on device (20,000,000 bytes free)." in message
    if sys.platform == "linux":  # a file that stays open keeps its space although it is deleted
        assert len([fd for fd in Path("/proc/self/fd").iterdir() if "out.partial" in os.path.realpath(fd)]) == 0


def test_cancelled_midway(models: Path) -> None:
    steps: list[object] = []
    with pytest.raises(Cancelled) as error:
        merge(load(RECIPE), models.parent / "out", roots=[models], progress=steps.append, cancelled=lambda: len(steps) == 4)
    assert str(error.value) == f"stopped after 4 of 21 tensors; nothing was written to {models.parent / 'out'}."
    assert sorted(models.parent.iterdir()) == [models]


def test_a_bug_midway_leaves_nothing(models: Path) -> None:
    def broken(step: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        merge(load(RECIPE), models.parent / "out", roots=[models], progress=broken)
    assert sorted(models.parent.iterdir()) == [models]


SLOW = """
import sys, time
from pathlib import Path
from merger.engine.batch import merge
from merger.recipe import load
def wait(step):
    if step.tensors == 5:
        print("midway", flush=True)
        time.sleep(120)
merge(load(sys.argv[1]), sys.argv[2], roots=[Path(sys.argv[3])], progress=wait)
"""


@pytest.fixture
def slow_merge(models: Path) -> Any:
    """Another process that merges into `out` and waits in the middle."""
    process = subprocess.Popen(
        [sys.executable,
            "-c", SLOW, RECIPE, str(models.parent / "out"), str(models)], stdout=subprocess.PIPE, cwd=ROOT, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "midway\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_two_merges_into_one_folder_and_a_kill(slow_merge: subprocess.Popen[str], models: Path) -> None:
    out, partial = models.parent / "out", models.parent / "out.partial"
    assert refused(models) == "{tmp}/out.partial: another merge is writing there; wait for it, or name another folder."
    slow_merge.send_signal(signal.SIGKILL)
    slow_merge.wait()
    assert partial.is_dir() and not out.exists()
    assert not (partial / "config.json").exists()  # nothing that looks like a model
    merge(load(RECIPE), out, roots=[models])
    assert not partial.exists()
    fresh = models.parent / "fresh"
    merge(load(RECIPE), fresh, roots=[models])
    assert {p.name: p.read_bytes() for p in out.iterdir()} == {p.name: p.read_bytes() for p in fresh.iterdir()}


def test_an_interrupted_command_can_be_continued(models: Path) -> None:
    """Ctrl-C reaches the merge as an exception: what is written stays for the next call, and does not look like a model."""
    code = SLOW.replace("merge(load", "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\nmerge(load")
    out = models.parent / "out"
    with subprocess.Popen(
        [sys.executable, "-c", code, RECIPE, str(out), str(models)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stdout.readline() == "midway\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) != 0
    partial = models.parent / "out.partial"
    assert sorted(models.parent.iterdir()) == [models, partial]
    assert sorted(p.name for p in partial.iterdir()) == [".journal", ".lock", "model.safetensors"]


# ------------------------------------------------------------------------------------ sizes and shards


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5GB", (5 * 10**9, False)),
        ("1B", (10**9, True)),
        ("500M", (500_000_000, True)),
        ("1.5kb", (1500, False)),
        ("42", (42, True)),
    ],
)
def test_shard_sizes(text: str, expected: tuple[int, bool]) -> None:
    assert parse_size(text) == expected


@pytest.mark.parametrize("text", ["", "B", "GB", "-1GB", "0", "1TB", "five", "inf", "nan", "1e999"])
def test_bad_shard_sizes(text: str) -> None:
    with pytest.raises(MergeError) as error:
        parse_size(text)
    assert str(error.value) == f"{text!r} is not a shard size; write 5GB (bytes) or 1B (parameters)."


def test_shards_split_in_order() -> None:
    slots = [Slot(str(n), (n,), torch.float32) for n in (5, 5, 30, 1, 9, 1)]
    assert [[s.shape[0] for s in f] for f in shards(slots, 40)] == [[5, 5], [30], [1, 9], [1]]
    assert [[s.shape[0] for s in f] for f in shards(slots, 10, count_parameters=True)] == [[5, 5], [30], [1, 9], [1]]


# ------------------------------------------------------------------------------------ fuzz: only MergeError comes out

fuzz = settings(max_examples=200, deadline=None, derandomize=True)
YAML = st.text(st.sampled_from(list("{}[]:,-&*?|>!%@#'\"\\<~ \n\tab01.e_")), max_size=60)
FRAGMENTS = [
    "[",
    "{",
    "}",
    "]",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "!!float ",
    ".nan",
    "- ",
    "\n",
    "  ",
    "null",
    "1e9",
    "\\ud800",
    "?",
    "%",
]


def only_merge_errors(act: Callable[[], object]) -> None:
    try:
        act()
    except MergeError as error:
        assert str(error) and "Traceback" not in str(error)


@fuzz
@given(st.text(max_size=80) | YAML)
def test_any_text_as_a_recipe(text: str) -> None:
    only_merge_errors(lambda: load(text))


@fuzz
@given(st.sampled_from([*EXAMPLES.values(), TIES]), st.randoms(use_true_random=False))
def test_mutated_recipes(text: str, rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice([*FRAGMENTS, chr(rng.randrange(0xD800)), ""]) + text[at + rng.randrange(3) :]

    def act() -> None:
        made = load(text)
        assert load(dump(made)) == made

    only_merge_errors(act)


@pytest.fixture(scope="module")
def header_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("header") / "x.safetensors"
    save_file({"a": torch.zeros(2, 3), "b": torch.zeros(4, dtype=torch.int64), "c": torch.tensor(1.0)}, path)
    return path


@fuzz
@given(data=st.binary(max_size=200), honest_length=st.booleans())
def test_any_bytes_as_a_header(data: bytes, honest_length: bool, header_file: Path) -> None:
    path = header_file.with_name("any.safetensors")
    path.write_bytes(len(data).to_bytes(8, "little") + data if honest_length else data)
    only_merge_errors(lambda: read_header(path))


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.sampled_from(["F32", "I64", "F8_E4M3"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["dtype", "shape", "data_offsets"]), inner),
    max_leaves=6,
)


@fuzz
@given(entry=_values | st.fixed_dictionaries({"dtype": _values, "shape": _values, "data_offsets": _values}))
def test_any_json_as_a_header(entry: Any, header_file: Path) -> None:
    path = header_file.with_name("json.safetensors")
    text = json.dumps({"a": entry}).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(64))
    only_merge_errors(lambda: read_header(path))


@fuzz
@given(rng=st.randoms(use_true_random=False))
def test_mutated_headers(rng: random.Random, header_file: Path) -> None:
    raw = bytearray(header_file.read_bytes())
    for _ in range(rng.randint(1, 6)):
        raw[rng.randrange(min(len(raw), 250))] = rng.choice(b'0123456789[]{}",:-F') if rng.random() < 0.7 else rng.randrange(256)
    path = header_file.with_name("mutated.safetensors")
    path.write_bytes(raw[: rng.choice([len(raw), rng.randrange(len(raw))])])

    def act() -> None:
        for stored in read_header(path).values():
            assert stored.offset + stored.nbytes <= path.stat().st_size

    only_merge_errors(act)


def test_the_fuzzers_reach_past_the_first_check(header_file: Path) -> None:
    assert set(read_header(header_file)) == {"a", "b", "c"}
    with pytest.raises(CheckpointError):
        read_header(header_file.with_name("absent"))
    started = time.monotonic()
    with pytest.raises(MergeError):
        load("[" * 200_000)
    assert time.monotonic() - started < 20


@pytest.mark.parametrize("place", [".", "..", "/"])
def test_the_current_folder_is_no_output(place: str, family: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = load("merge_method: linear\nmodels: [a, b]\nparameters: {weight: 1}\n")
    with pytest.raises(MergeError, match="is the folder you are in, or above it; name a new folder"):
        merge(recipe, place, roots=[family])
    assert not list(tmp_path.iterdir())
