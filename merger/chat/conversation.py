"""Conversations: several turns as one prompt, in a model's chat template or, where it has none, as a text to go on with."""

import json
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from merger.errors import MergeError
from merger.tokenizer import templates

Message = Mapping[str, str]
"""{"role": "system", "user" or "assistant", "content": its words}."""


class Conversation(str):
    """A prompt of several turns, which ends with what the user says; as a string, the JSON text of its messages.

    >>> Conversation.of([{"role": "user", "content": "hi"}]).messages
    [{'role': 'user', 'content': 'hi'}]
    """

    __slots__ = ()

    @classmethod
    def of(cls, messages: Sequence[Message]) -> "Conversation":
        """A conversation of these messages."""
        return cls(json.dumps([{"role": m["role"], "content": m["content"]} for m in messages], ensure_ascii=False))

    @property
    def messages(self) -> list[dict[str, str]]:
        """Its messages."""
        return json.loads(self)


class Asked(NamedTuple):
    """A prompt as a model reads it. folded: the template has no place for the system prompt, which leads the first words."""

    text: str
    folded: bool = False


def asked(template: str, prompt: str, tokens: Mapping[str, str], origin: str = "the chat template") -> Asked:
    """A prompt or a conversation in a chat template, see templates.render. Of a conversation nothing is kept."""
    if not isinstance(prompt, Conversation):
        return Asked(templates.asked(template, prompt, tokens, origin))
    messages = prompt.messages
    first, *rest = messages
    if first["role"] != "system":
        return Asked(templates.render(template, messages, tokens, origin, keep=False))
    try:
        text = templates.render(template, messages, tokens, origin, keep=False)
        if first["content"].strip() in text:
            return Asked(text)
    except templates.Stopped:
        raise
    except MergeError:  # it refuses a system prompt; or whatever it refuses, it does so below once more
        pass
    leading = {"role": rest[0]["role"], "content": f"{first['content']}\n\n{rest[0]['content']}"}
    return Asked(templates.render(template, [leading, *rest[1:]], tokens, origin, keep=False), folded=True)


def as_text(prompt: Conversation) -> str:
    """A conversation without a template: each turn a passage, and an answer goes on where its question ends.

    >>> turns = [{"role": r, "content": c} for r, c in (("user", "Once"), ("assistant", " upon"), ("user", "Then"))]
    >>> as_text(Conversation.of(turns))
    'Once upon\\n\\nThen'
    """
    text = ""
    for message in prompt.messages:
        between = "\n\n" if text and message["role"] != "assistant" else ""
        text += between + message["content"]
    return text


__all__ = ["Asked", "Conversation", "Message", "as_text", "asked"]
