"""A Ray cluster, where there is one: the only place that knows its package."""

import contextlib
import importlib
import re
import socket
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from merger.errors import MergeError

KNOCK = 5.0
"""Seconds for a cluster to answer at its address."""
LOOK = 0.2
"""Seconds between two looks whether to go on."""
_ADDRESS = re.compile(r"auto|local|(ray://)?(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}")


@dataclass(frozen=True)
class Machine:
    """What one machine of a cluster gives to tasks; memory in bytes."""

    cpus: float
    memory: float
    gpus: float

    def takes(self, cpus: int, memory: int, gpus: int) -> int:
        """How many tasks of this size run there at a time."""
        rooms = [self.cpus // max(1, cpus), self.memory // memory if memory else self.cpus]
        return int(min([*rooms, self.gpus // gpus] if gpus else rooms))


def installed(address: str) -> Any:
    """Ray. MergeError where it is missing, or the address is none; nobody is asked for anything yet."""
    if not _ADDRESS.fullmatch(address):
        raise MergeError(
            f"--ray {address}: is no address of a cluster; write auto (the default), local, host:6379 or ray://host:10001.\n"
            "  A recipe and a folder come before --ray."
        )
    try:
        return importlib.import_module("ray")
    except ImportError:
        raise MergeError("--ray needs Ray, which is not installed here: pip install 'merge-explorer[ray]'.") from None


@contextlib.contextmanager
def connected(address: str, workers: int | None = None) -> Generator[Any]:
    """Ray's package, connected to a cluster. MergeError where it is missing, or no cluster answers.

    address  auto (the cluster this machine is part of), local (this machine alone), host:port, ray://host:port
    workers  of `local`: so many processors; None: all
    """
    package = installed(address)
    begun = not package.is_initialized()
    if begun:
        _knock(address)
        where = {"address": address} | ({"num_cpus": workers} if address == "local" else {})
        try:
            package.init(
                **where, include_dashboard=False if address == "local" else None, log_to_driver=False, logging_level="ERROR"
            )
        except Exception as error:  # ConnectionError, ValueError, RuntimeError, whatever it meets on the way
            raise MergeError(f"--ray {address}: no cluster answers there ({str(error).splitlines()[0][:120]}).") from None
    try:
        yield package
    finally:
        if begun:
            package.shutdown()


def _knock(address: str) -> None:
    """MergeError where nobody listens: Ray itself would wait for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host:
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), KNOCK).close()
    except (OSError, ValueError, OverflowError) as error:
        raise MergeError(f"--ray {address}: no cluster answers there ({error}).") from None


def machines(package: Any) -> list[Machine]:
    """The machines that are there now."""
    alive = [node["Resources"] for node in package.nodes() if node["Alive"]]
    return [Machine(own.get("CPU", 0.0), own.get("memory", 0.0), own.get("GPU", 0.0)) for own in alive]


__all__ = ["LOOK", "Machine", "connected", "machines"]
