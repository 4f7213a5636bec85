"""Answers as OpenAI's clients read them: whole, and in the pieces of a stream."""

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from merger.serve.voices import Begun, Chance, Done, Piece
from merger.serve.wanted import Refused, Wanted


@dataclass
class Shape:
    """One answer in the making: what is said goes in, JSON comes out."""

    wanted: Wanted
    begun: Begun
    _texts: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    _chances: dict[int, list[Chance]] = field(default_factory=dict[int, list[Chance]])
    _ends: dict[int, Done] = field(default_factory=dict[int, Done])
    _lengths: dict[int, int] = field(default_factory=dict[int, int])

    def __post_init__(self) -> None:
        kind, short = ("chat.completion", "chatcmpl") if self.wanted.chat else ("text_completion", "cmpl")
        self._head = {
            "id": f"{short}-{secrets.token_hex(12)}", "object": kind, "created": int(time.time()), "model": self.begun.model,
            "system_fingerprint": self.begun.recipe,
        }  # fmt: skip
        if self.begun.warning:
            self._head["warning"] = self.begun.warning

    def take(self, said: Piece | Done) -> None:
        """Something that was said."""
        if isinstance(said, Done):
            self._ends[said.index] = said
            return
        self._texts.setdefault(said.index, []).append(said.text)
        self._chances.setdefault(said.index, []).extend(said.chances)

    @property
    def usage(self) -> dict[str, int]:
        """The tokens that were read and said."""
        said = sum(end.tokens for end in self._ends.values())
        read = self.begun.prompt_tokens
        return {"prompt_tokens": read, "completion_tokens": said, "total_tokens": read + said}

    def whole(self) -> dict[str, Any]:
        """The answer, when all was said."""
        choices: list[dict[str, Any]] = []
        for i in sorted(self._ends):
            text, chances = "".join(self._texts.get(i, ())), self._chances.get(i, [])
            own = {"message": {"role": "assistant", "content": text, "refusal": None}} if self.wanted.chat else {"text": text}
            choices.append({"index": i, **own, "logprobs": self._logprobs(chances, 0), "finish_reason": self._ends[i].why})
        return {**self._head, "choices": choices, "usage": self.usage}

    def chunks(self, said: Piece | Done) -> Iterator[dict[str, Any]]:
        """The same in pieces."""
        self.take(said)
        i = said.index
        if i not in self._lengths:
            self._lengths[i] = 0
            if self.wanted.chat:
                yield self._chunk(i, {"delta": {"role": "assistant", "content": ""}})
        if isinstance(said, Done):
            yield self._chunk(i, {"delta": {}} if self.wanted.chat else {"text": ""}, said.why)
            return
        if said.text or said.chances:
            at = self._lengths[i]
            self._lengths[i] += sum(len(chance.text) for chance in said.chances)
            own: dict[str, Any] = {"delta": {"content": said.text}} if self.wanted.chat else {"text": said.text}
            yield self._chunk(i, own | {"logprobs": self._logprobs(said.chances, at)})

    def last(self) -> dict[str, Any]:
        """The piece that tells the tokens, where it was asked for."""
        return {**self._chunk_head, "choices": [], "usage": self.usage}

    @property
    def _chunk_head(self) -> dict[str, Any]:
        return self._head | ({"object": "chat.completion.chunk"} if self.wanted.chat else {})

    def _chunk(self, index: int, own: dict[str, Any], why: str | None = None) -> dict[str, Any]:
        usage = {"usage": None} if self.wanted.usage else {}
        return {**self._chunk_head, "choices": [{"index": index, "logprobs": None, **own, "finish_reason": why}], **usage}

    def _logprobs(self, chances: Sequence[Chance], at: int) -> dict[str, Any] | None:
        """Tokens with their log P; at: how many characters of them came before."""
        if not self.wanted.logprobs:
            return None
        if self.wanted.chat:
            return {"content": [{**_entry(c.text, c.logprob), "top_logprobs": [_entry(*t) for t in c.top]} for c in chances]}
        offsets: list[int] = []
        for chance in chances:
            offsets.append(at)
            at += len(chance.text)
        return {
            "tokens": [c.text for c in chances], "token_logprobs": [c.logprob for c in chances],
            "top_logprobs": [None if c.logprob is None else dict(reversed(c.top)) for c in chances] if self.wanted.top else None,
            "text_offset": offsets,
        }  # fmt: skip


def _entry(text: str, logprob: float | None) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode("utf-8", "replace"))}


def told(error: Refused) -> dict[str, Any]:
    """An error in OpenAI's shape."""
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(error.status, "server_error" if error.status >= 500 else "invalid_request_error")
    return {"error": {"message": str(error), "type": kind, "param": error.param, "code": error.code}}


def event(value: dict[str, Any]) -> bytes:
    """A piece of a stream."""
    return b"data: " + json.dumps(value).encode("ascii") + b"\n\n"


END = b"data: [DONE]\n\n"

__all__ = ["END", "Shape", "event", "told"]
