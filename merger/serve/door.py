"""Who may ask: names this endpoint goes by, other websites, the key. Only those on this computer, unless told."""

import hmac
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from merger.errors import MergeError
from merger.hosts import name_of, numeric
from merger.serve.wanted import Refused

_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True)
class Door:
    """What requests are held to.

    names    host names the endpoint answers to, without ports: a website's name that was pointed at this computer is none
    numbers  whether any address in numbers will do, too: it listens at all of this computer's
    key      what must be shown; "": nothing
    """

    names: frozenset[str] = _HERE
    numbers: bool = False
    key: str = ""

    def check(self, headers: Mapping[str, Sequence[str]], key: bool = True) -> None:
        """Refused where somebody may not ask. Of a header that is given twice, every value counts; key: whether it is needed."""
        for host in headers.get("host", ()):
            name = name_of(host)
            if name not in self.names and not (self.numbers and numeric(name)):
                raise Refused("This endpoint does not go by that name: ask it as it was started, or as localhost.", None, 421)
        own = {value.lower() for value in headers.get("host", ())}
        origins = headers.get("origin", ())
        if any(not _same(origin, own) for origin in origins) or set(headers.get("sec-fetch-site", ())) - {"same-origin", "none"}:
            raise Refused("A website asked for this through somebody's browser; only programs may ask here.", None, 403)
        if key and self.key and not self._shown(headers.get("authorization", ())):
            raise Refused("This endpoint wants its key: send `Authorization: Bearer KEY`.", None, 401, "invalid_api_key")

    def _shown(self, given: Sequence[str]) -> bool:
        keys = [match[1] for value in given if (match := re.fullmatch(r"(?i:bearer) +(.+)", value.strip()))]
        return len(keys) == 1 and hmac.compare_digest(keys[0].encode("latin-1"), self.key.encode())  # as headers were read


def _same(origin: str, hosts: set[str]) -> bool:
    return origin.lower().removeprefix("https://").removeprefix("http://") in hosts


def door(host: str, key: str, anybody: bool) -> Door:
    """The door of an endpoint that listens at a host. MergeError where others could come in and nothing holds them off."""
    name = name_of(host)
    if not loopback(name) and not key and not anybody:
        raise MergeError(
            f"--host {host}: other computers could ask there, and nothing holds them off; give a --key, or --open for everybody."
        )
    everywhere = numeric(name) and ip_address(name).is_unspecified
    return Door(_HERE | ({socket.gethostname().lower()} if everywhere else {name}), everywhere, key)


def loopback(name: str) -> bool:
    """Whether only this computer can reach a host."""
    return name == "localhost" or (numeric(name) and ip_address(name).is_loopback)


__all__ = ["Door", "door", "loopback"]
