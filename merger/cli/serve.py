"""`merger serve`: the live merge as an endpoint that programs for OpenAI's talk to. No folder is written."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn

from merger.engine.session import Parents
from merger.errors import MergeError
from merger.hosts import name_of
from merger.kernels.devices import best_device
from merger.limits import SERVE_CONNECTIONS
from merger.recipe import Recipe
from merger.search.llama import runner_for
from merger.serve.app import App
from merger.serve.door import door, loopback
from merger.serve.patience import Patient
from merger.serve.voices import Voices


@dataclass(frozen=True)
class Served:
    """What the command line asks for. anybody: without a key, wherever it listens; voice, threads: see `runner_for`."""

    file: Path
    read: Callable[[], Recipe]
    host: str = "127.0.0.1"
    port: int = 8000
    device: str = "cpu"
    watch: bool = True
    key: str = ""
    anybody: bool = False
    voice: str = "auto"
    threads: int = 1


class Server(uvicorn.Server):
    """uvicorn, which at the first Ctrl-C ends what is being said."""

    def __init__(self, app: App) -> None:
        config = uvicorn.Config(
            app, log_level="warning", access_log=False, lifespan="on", ws="none", server_header=False, proxy_headers=False,
            http=Patient, limit_concurrency=SERVE_CONNECTIONS, timeout_graceful_shutdown=5, timeout_keep_alive=30,
        )  # fmt: skip
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end."""
        self._app.stop()
        super().handle_exit(sig, frame)


def listen(host: str, port: int) -> socket.socket:
    """A socket that waits for connections. MergeError where nobody can listen."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)[0]
        made = socket.socket(family, kind, protocol)
        try:
            if os.name == "posix":  # elsewhere this would let two listen at one port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(address)
            made.listen(SERVE_CONNECTIONS)
        except OSError:
            made.close()
            raise
    except (OSError, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise MergeError(f"nobody can listen at {host}, port {port}: {reason}. Name another --host or --port.") from None
    return made


def run(asked: Served, tell: Callable[[str], None] = lambda what: print(what, file=sys.stderr, flush=True)) -> int:
    """The command: serves until it is stopped; 130 then. MergeError before it begins, where the recipe cannot be heard."""
    guarded = door(asked.host, asked.key, asked.anybody)
    with listen(asked.host, asked.port) as waiting:
        try:
            started = time.monotonic()
            tell(f"merging {asked.file.name} ...")
            parents = Parents(best_device() if asked.device == "auto" else asked.device)
            runner = runner_for(parents, asked.read(), asked.voice, asked.threads, tell)
            voices = Voices(asked.file, asked.read, runner, asked.watch, tell, loopback(name_of(asked.host)))
            merged = f"merged in {time.monotonic() - started:.1f} s"
            host = f"[{asked.host.strip('[]')}]" if ":" in asked.host else asked.host
            tell(f"{merged}; listening at http://{host}:{waiting.getsockname()[1]}/v1 for {', '.join(voices.names)}")
            tell(f"A change of {asked.file.name} changes the next answer. Ctrl-C ends." if asked.watch else "Ctrl-C ends.")
            Server(App(voices, guarded)).run(sockets=[waiting])
        except KeyboardInterrupt:  # uvicorn raises the signal again when all is closed
            pass
    tell("Stopped; nothing was written.")
    return 128 + signal.SIGINT


__all__ = ["Served", "Server", "listen", "run"]
