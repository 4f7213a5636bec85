"""What a request to the endpoint asks for: its JSON read strictly, each mistake told in one sentence."""

import json
import math
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from merger.chat.conversation import Conversation
from merger.chat.model import Plain, TokenIds
from merger.chat.sampling import Sampling
from merger.errors import MergeError, nearest
from merger.limits import (
    SERVE_CHARACTERS,
    SERVE_MESSAGES,
    SERVE_PROMPTS,
    SERVE_TOKENS,
    STOP_CHARACTERS,
    STOP_WORDS,
)

TOP = 3
"""The likeliest tokens beside each that was said: as many as a model's answers keep."""
_UNLESS_ASKED = 16
"""Tokens of a completion of which nothing is said, as OpenAI has it; a chat's answer goes on until the model ends it."""
_COLD = 0.01
"""Below this temperature it is always the likeliest token: dividing by less makes no numbers."""


class Refused(MergeError):
    """A request that is not answered, in OpenAI's words.

    status  of HTTP
    param   which part of the request is wrong
    """

    def __init__(self, message: str, param: str | None = None, status: int = 400, code: str | None = None) -> None:
        super().__init__(message)
        self.param, self.status, self.code = param, status, code


@dataclass(frozen=True)
class Wanted:
    """One request.

    model     who is to answer; "": the merge
    prompts   of a chat one, of a completion one or more; each gets an answer
    limit     tokens of an answer
    usage     whether a stream is to end with the tokens that were read and said
    logprobs  whether each token comes with its log P and the `top` likeliest beside it
    echo      whether a completion begins with its prompt
    """

    chat: bool
    model: str
    prompts: tuple[str, ...]
    limit: int
    sampling: Sampling
    stream: bool = False
    usage: bool = False
    logprobs: bool = False
    top: int = 0
    echo: bool = False


_EITHER = (
    "model", "stream", "stream_options", "temperature", "top_p", "seed", "stop", "n", "max_tokens", "logprobs",
    "repetition_penalty",
)  # fmt: skip
_CHAT = (*_EITHER, "messages", "max_completion_tokens", "top_logprobs")
_TEXT = (*_EITHER, "prompt", "echo")
_HARMLESS = (
    "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
    "parallel_tool_calls",
)  # fmt: skip
"""What changes no answer."""
_IDLE: Mapping[str, tuple[object, ...]] = {
    "presence_penalty": (0,), "frequency_penalty": (0,), "logit_bias": ({},), "tools": ([],), "functions": ([],),
    "tool_choice": ("none", "auto"), "function_call": ("none", "auto"), "response_format": ({"type": "text"},), "suffix": ("",),
    "best_of": (1,), "top_k": (0, -1), "min_p": (0,), "modalities": (["text"],), "reasoning_effort": ("none",),
}  # fmt: skip
"""What this endpoint does not have, with the values that ask for nothing."""


def read_body(body: bytes) -> dict[str, Any]:
    """A request's JSON object; Refused where it is none."""
    try:
        given: object = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused("The request cannot be read: it is to be a JSON object.") from None
    if not isinstance(given, dict):
        raise Refused(f"The request is {_kind(given)}; it is to be a JSON object.")
    return given


def _no_number(text: str) -> float:
    raise ValueError(text)


def chat(given: Mapping[str, Any]) -> Wanted:
    """What is asked of /v1/chat/completions."""
    asked = _Asked(given, _CHAT)
    listed = asked.has("logprobs") and asked.flag("logprobs")
    top = asked.whole("top_logprobs", 0, TOP, 0)
    if top and not listed:
        raise Refused("`top_logprobs` wants `logprobs: true` with it.", "top_logprobs")
    limit = asked.whole("max_completion_tokens", 1, SERVE_TOKENS, asked.whole("max_tokens", 1, SERVE_TOKENS, SERVE_TOKENS))
    return Wanted(
        True, asked.words("model"), (_conversation(asked.value("messages")),), limit, asked.sampling(), asked.flag("stream"),
        asked.usage(), listed, top,
    )  # fmt: skip


def completion(given: Mapping[str, Any]) -> Wanted:
    """What is asked of /v1/completions."""
    asked = _Asked(given, _TEXT)
    listed = asked.has("logprobs") and given["logprobs"] is not False
    echo = asked.flag("echo")
    top = asked.whole("logprobs", 0, TOP, 0) if listed and given["logprobs"] is not True else 0
    limit = asked.whole("max_tokens", 0 if echo else 1, SERVE_TOKENS, _UNLESS_ASKED)
    return Wanted(
        False, asked.words("model"), _prompts(asked.value("prompt")), limit, asked.sampling(), asked.flag("stream"),
        asked.usage(), listed, top, echo,
    )  # fmt: skip


class _Asked:
    """A request's values, each read with its bounds. null is as good as nothing."""

    def __init__(self, given: Mapping[str, Any], known: tuple[str, ...]) -> None:
        self._given = given
        for name, value in given.items():
            if name in known or name in _HARMLESS or value is None:
                continue
            if name not in _IDLE:
                raise Refused(f"`{name[:60]}` is not known here.{nearest(name, known)}", name[:60])
            if not any(type(value) is not bool and value == idle for idle in _IDLE[name]):
                raise Refused(f"`{name}` is not offered here: leave it out.", name)
        if self.whole("n", 1, 128, 1) != 1:
            raise Refused("`n`: a request gets one answer; ask again for another.", "n")

    def has(self, name: str) -> bool:
        """Whether something is said of it."""
        return self._given.get(name) is not None

    def value(self, name: str) -> object:
        """A value that must be there."""
        if not self.has(name):
            raise Refused(f"`{name}` is missing.", name)
        return self._given[name]

    def words(self, name: str) -> str:
        """A text; "" without one."""
        value = self._given.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise Refused(f"`{name}` is {_kind(value)}; write a text.", name)
        return value

    def flag(self, name: str) -> bool:
        """true or false; false without one."""
        value = self._given.get(name)
        if value is not None and not isinstance(value, bool):
            raise Refused(f"`{name}` is {_kind(value)}; write true or false.", name)
        return bool(value)

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        """A whole number within bounds."""
        value = self._given.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1 or not low <= value <= high:
            raise Refused(f"`{name}` is {_shown(value)}; write a whole number from {low} to {high}.", name)
        return int(value)

    def number(self, name: str, low: float, high: float, default: float) -> float:
        """A number within bounds."""
        value = self._given.get(name)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise Refused(f"`{name}` is {_shown(value)}; write a number from {low:g} to {high:g}.", name)
        return float(value)

    def sampling(self) -> Sampling:
        """How tokens are chosen. Without a temperature the likeliest, as on the page; without a seed by chance."""
        temperature = self.number("temperature", 0, 2, 0)
        seed = self.whole("seed", -(1 << 63), (1 << 63) - 1, secrets.randbits(62))
        return Sampling(
            temperature if temperature >= _COLD else 0.0, seed if temperature >= _COLD else 0, self.number("top_p", 0, 1, 1),
            self.number("repetition_penalty", 1, 2, 1), self._stops(),
        )  # fmt: skip

    def _stops(self) -> tuple[str, ...]:
        value = self._given.get("stop")
        stops = [] if value is None else value if isinstance(value, list) else [value]
        if len(stops) > STOP_WORDS:
            raise Refused(f"`stop` has {len(stops)} words; at most {STOP_WORDS}, please.", "stop")
        for stop in stops:
            if not isinstance(stop, str) or not 0 < len(stop) <= STOP_CHARACTERS:
                raise Refused(f"`stop`: write texts of 1 to {STOP_CHARACTERS} characters; got {_shown(stop)}.", "stop")
        return tuple(stops)

    def usage(self) -> bool:
        """Whether a stream is to tell its tokens."""
        options = self._given.get("stream_options")
        if options is not None and not isinstance(options, dict):
            raise Refused(f"`stream_options` is {_kind(options)}; write an object.", "stream_options")
        return bool((options or {}).get("include_usage"))


# ---------------------------------------------------------------------------------------------- prompts


def _prompts(value: object) -> tuple[str, ...]:
    """A prompt, or several; each a text or token ids."""
    if isinstance(value, str):
        return (Plain(_text(value, "prompt")),)
    if not isinstance(value, list) or not value:
        raise Refused("`prompt`: write a text, token ids, or a list of these.", "prompt")
    if _ids(value):
        return (_tokens(value),)
    if len(value) > SERVE_PROMPTS:
        raise Refused(f"`prompt` has {len(value)} prompts; at most {SERVE_PROMPTS} in a request, please.", "prompt")
    if sum(len(one) for one in value if isinstance(one, str | list)) > SERVE_CHARACTERS:
        raise Refused(f"`prompt`: its prompts are longer than {SERVE_CHARACTERS:,} characters or tokens together.", "prompt")
    made: list[str] = []
    for one in value:
        if isinstance(one, str):
            made.append(Plain(_text(one, "prompt")))
        elif isinstance(one, list) and _ids(one):
            made.append(_tokens(one))
        else:
            raise Refused("`prompt`: write a text, token ids, or a list of these.", "prompt")
    return tuple(made)


def _ids(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(i, int) and not isinstance(i, bool) for i in value)


def _tokens(ids: list[int]) -> TokenIds:
    if len(ids) > SERVE_CHARACTERS:
        raise Refused(f"`prompt` has {len(ids):,} tokens; at most {SERVE_CHARACTERS:,}, please.", "prompt")
    return TokenIds.of(ids)


def _text(text: str, where: str) -> str:
    """A text that can be read."""
    if len(text) > SERVE_CHARACTERS:
        raise Refused(f"`{where}` has {len(text):,} characters; at most {SERVE_CHARACTERS:,}, please.", where)
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refused(f"`{where}` is no text: it has halves of characters.", where) from None
    return text


def _conversation(value: object) -> str:
    """Messages as a prompt. One of the user's alone is a prompt as the page's: the same words come back."""
    if not isinstance(value, list) or not value:
        raise Refused("`messages`: write a list of messages, the last of the user's.", "messages")
    if len(value) > SERVE_MESSAGES:
        raise Refused(f"`messages` has {len(value)} messages; at most {SERVE_MESSAGES}, please.", "messages")
    read = [_message(one, f"messages[{i}]") for i, one in enumerate(value)]
    if sum(len(content) for _, content in read) > SERVE_CHARACTERS:
        raise Refused(f"`messages` are longer than {SERVE_CHARACTERS:,} characters together.", "messages")
    leading = next((i for i, (role, _) in enumerate(read) if role != "system"), len(read))
    late = next((i for i, (role, _) in enumerate(read) if role == "system" and i > leading), None)
    if late is not None:
        raise Refused(f"`messages[{late}]`: what the system says comes first.", f"messages[{late}]")
    if read[-1][0] != "user":
        raise Refused("`messages`: the last one is to be the user's.", "messages")
    system = "\n\n".join(content for _, content in read[:leading])
    turns = [("system", system)] * bool(system.strip()) + read[leading:]
    if len(turns) == 1:
        return turns[0][1]
    return Conversation.of([{"role": role, "content": content} for role, content in turns])


def _message(value: object, where: str) -> tuple[str, str]:
    """Who says what."""
    if not isinstance(value, dict):
        raise Refused(f"`{where}` is {_kind(value)}; write an object with `role` and `content`.", where)
    role = {"developer": "system"}.get(str(value.get("role")), value.get("role"))
    if role not in ("system", "user", "assistant"):
        raise Refused(f"`{where}.role` is {_shown(role)}; write system, user or assistant.", f"{where}.role")
    if value.get("tool_calls") or value.get("function_call"):
        raise Refused(f"`{where}`: tools are not offered here.", where)
    content = value.get("content")
    if content is None and role == "assistant":
        content = ""
    if isinstance(content, list):
        content = "".join(_part(part, f"{where}.content") for part in content)
    if not isinstance(content, str):
        raise Refused(f"`{where}.content` is {_kind(content)}; write a text.", f"{where}.content")
    return role, _text(content, f"{where}.content")


def _part(part: object, where: str) -> str:
    if isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("text"), str):
        return part["text"]
    raise Refused(f"`{where}`: only parts of type text can be read here.", where)


def _kind(value: object) -> str:
    """What a value of JSON is."""
    kinds: tuple[tuple[Any, str], ...] = (
        (type(None), "null"), (bool, "true or false"), ((int, float), "a number"), (str, "a text"), (list, "a list")
    )  # fmt: skip
    return next((name for kind, name in kinds if isinstance(value, kind)), "an object")


def _shown(value: object) -> str:
    """A value, short."""
    if isinstance(value, float) and not math.isfinite(value):
        return "not finite"
    return (
        repr(value)[:40] if isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 1 << 64) else _kind(value)
    )


READERS: Mapping[str, Callable[[Mapping[str, Any]], Wanted]] = {"/v1/chat/completions": chat, "/v1/completions": completion}
"""Who reads what is sent to which address."""

__all__ = ["READERS", "TOP", "Refused", "Wanted", "chat", "completion", "read_body"]
