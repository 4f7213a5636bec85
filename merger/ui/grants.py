"""Which gated or private models a visitor may use: those brought with the visitor's own sign-in. No gradio here.

They belong to the sign-in, not to a browser's session: whoever only knows a session's name has none of them.
"""

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from merger.limits import GRANT_SECONDS, GRANTED_MODELS, GRANTS


class Grants:
    """Names of models (owner/name) by the digest of a sign-in's token; the token itself is kept nowhere."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: OrderedDict[bytes, dict[str, float]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, token: str, name: str) -> None:
        """The Hub has let this sign-in have this model."""
        with self._lock:
            own = self._until.setdefault(_digest(token), {})
            own.pop(name, None)
            own[name] = self._clock() + GRANT_SECONDS
            while len(own) > GRANTED_MODELS:
                del own[next(iter(own))]
            self._until.move_to_end(_digest(token))
            while len(self._until) > GRANTS:
                self._until.popitem(last=False)

    def of(self, token: str | None) -> frozenset[str]:
        """What a sign-in has brought, and not too long ago."""
        if not token:
            return frozenset()
        with self._lock:
            now = self._clock()
            return frozenset(name for name, until in self._until.get(_digest(token), {}).items() if until > now)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


__all__ = ["Grants"]
