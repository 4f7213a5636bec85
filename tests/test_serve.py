"""`merger serve`: programs talk to a live merge as to OpenAI's models; a changed recipe changes the next answer."""

import contextlib
import itertools
import json
import math
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from merger import limits
from merger.__main__ import main
from merger.chat.conversation import Conversation
from merger.chat.model import ChatModel, Plain, TokenIds
from merger.chat.sampling import Sampling
from merger.cli.serve import Server, listen
from merger.engine.session import Parents
from merger.errors import MergeError
from merger.recipe import load_file
from merger.search.trials import Runner
from merger.serve import app as serving
from merger.serve import patience
from merger.serve.app import App
from merger.serve.door import Door, door
from merger.serve.voices import Voices
from merger.serve.wanted import chat

ROOT = Path(__file__).parent.parent
FAMILY = ROOT / "presets/family"
CLIENT = ROOT / ".cache/openai/bin/python"
RECIPE = f"""
merge_method: task_arithmetic
base_model: {FAMILY / "base"}
models:
  - {{model: {FAMILY / "pirate"}, parameters: {{weight: 0.9}}}}
  - {{model: {FAMILY / "plural"}, parameters: {{weight: 0.8}}}}
"""
BOX = "plural of box"


@dataclass
class Served:
    """An endpoint in this process."""

    file: Path
    told: list[str] = field(default_factory=list)
    key: str = ""

    def __enter__(self) -> "Served":
        self.file.write_text(RECIPE)
        self.runner = Runner(Parents())
        self.voices = Voices(self.file, lambda: load_file(self.file), self.runner, tell=self.told.append)
        self.app = App(self.voices, Door(key=self.key))
        self._socket = listen("127.0.0.1", 0)
        self.port = self._socket.getsockname()[1]
        self._server = Server(self.app)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30, trust_env=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self._server.handle_exit(signal.SIGINT, None)
        self._thread.join(10)
        assert not self._thread.is_alive()
        self._socket.close()

    def chat(self, text: str | list[dict[str, Any]], **more: Any) -> httpx.Response:
        messages = [{"role": "user", "content": text}] if isinstance(text, str) else text
        return self.client.post("/v1/chat/completions", json={"messages": messages, "max_tokens": 40, **more})

    def goes_on(self, prompt: Any, **more: Any) -> httpx.Response:
        return self.client.post("/v1/completions", json={"prompt": prompt, **more})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with Served(tmp_path_factory.mktemp("serve") / "mine.yaml") as one:
        yield one


@pytest.fixture(scope="module")
def runner(served: Served) -> Runner:
    """What speaks on the command line, with models of its own."""
    return Runner(Parents())


def words(runner: Runner, what: Any, prompt: str, limit: int = 40, sampling: Sampling | None = None) -> str:
    """What is said on the command line."""
    said = runner.turns({"": what}, prompt, limit=limit, sampling=sampling or Sampling())
    return "".join(event.token.text for event in said if event.token is not None)


def text(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    choice = answer.json()["choices"][0]
    return choice["message"]["content"] if "message" in choice else choice["text"]


def chunks(answer: httpx.Response) -> list[dict[str, Any]]:
    """The pieces of a stream, which must end as OpenAI's does."""
    assert answer.status_code == 200 and answer.headers["content-type"].startswith("text/event-stream"), answer.text
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


# ---------------------------------------------------------------------------------------------- answers


def test_same_words_as_the_command_line(served: Served, runner: Runner) -> None:
    recipe = load_file(served.file)
    assert text(served.chat(BOX)) == words(runner, recipe, BOX)
    assert text(served.goes_on("arr", max_tokens=12)) == words(runner, recipe, Plain("arr"), 12)
    parent = str(FAMILY / "pirate")
    assert text(served.chat(BOX, model="pirate")) == words(runner, parent, BOX) != words(runner, recipe, BOX)
    turns = [{"role": "system", "content": "talk"}, {"role": "user", "content": "hello"}, {"role": "assistant", "content": "arr"},
             {"role": "user", "content": BOX}]  # fmt: skip
    assert text(served.chat(turns)) == words(runner, recipe, Conversation.of(turns))
    warm = Sampling(0.8, 7, 0.9, 1.1)
    same = {"temperature": 0.8, "seed": 7, "top_p": 0.9, "repetition_penalty": 1.1}
    assert text(served.chat(BOX, **same)) == words(runner, recipe, BOX, sampling=warm)


def test_one_message_is_a_prompt_as_the_pages() -> None:
    """In passes of another shape a nearly even word can be another: a conversation goes on from what it shares with the last."""
    [prompt] = chat({"messages": [{"role": "system", "content": " "}, {"role": "user", "content": BOX}]}).prompts
    assert prompt == BOX and not isinstance(prompt, Conversation)


def test_parts_of_a_message_and_developers(served: Served) -> None:
    parts = [{"type": "text", "text": "plural "}, {"type": "text", "text": "of box"}]
    assert text(served.chat([{"role": "user", "content": parts}])) == text(served.chat(BOX))
    asked = [[{"role": role, "content": "talk"}, {"role": "user", "content": BOX}] for role in ("developer", "system")]
    assert text(served.chat(asked[0])) == text(served.chat(asked[1]))


def test_a_stream_says_the_same(served: Served) -> None:
    whole = served.chat(BOX, logprobs=True, top_logprobs=2).json()
    said = chunks(served.chat(BOX, logprobs=True, top_logprobs=2, stream=True, stream_options={"include_usage": True}))
    assert said[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {one["object"] for one in said} == {"chat.completion.chunk"} and len({one["id"] for one in said}) == 1
    choices = [choice for one in said for choice in one["choices"]]
    assert "".join(choice["delta"].get("content", "") for choice in choices) == whole["choices"][0]["message"]["content"]
    listed = [entry for choice in choices if choice["logprobs"] for entry in choice["logprobs"]["content"]]
    assert listed == whole["choices"][0]["logprobs"]["content"] and listed
    for entry in listed:  # said because it was the likeliest
        first, second = entry["top_logprobs"]
        assert first["token"] == entry["token"] and first["logprob"] == entry["logprob"] > second["logprob"]
        assert bytes(entry["bytes"]).decode() == entry["token"]
    assert [choice["finish_reason"] for choice in choices if choice["finish_reason"]] == ["stop"]
    assert said[-1]["choices"] == [] and said[-1]["usage"] == whole["usage"]
    assert whole["usage"]["completion_tokens"] == len(listed)
    plain = chunks(served.goes_on([BOX, "arr"], max_tokens=5, stream=True))
    for i, choice in enumerate(served.goes_on([BOX, "arr"], max_tokens=5).json()["choices"]):
        own = [c for one in plain for c in one["choices"] if c["index"] == i]
        assert "".join(c["text"] for c in own) == choice["text"] and own[-1]["finish_reason"] == choice["finish_reason"]


def test_ends(served: Served) -> None:
    whole = text(served.chat(BOX))
    assert len(whole) > 3
    for stop in (whole[2:4], [whole[2:4], "never said"]):
        cut = served.chat(BOX, stop=stop)
        assert text(cut) == whole[: whole.index(whole[2:4])] and cut.json()["choices"][0]["finish_reason"] == "stop"
    short = served.chat(BOX, max_completion_tokens=2).json()
    assert short["choices"][0]["finish_reason"] == "length" and short["usage"]["completion_tokens"] == 2


def test_chance(served: Served) -> None:
    hot = [text(served.goes_on("arr", temperature=2, seed=seed, max_tokens=12)) for seed in (1, 1, 2)]
    assert hot[0] == hot[1] != hot[2]
    assert len({text(served.goes_on("arr", temperature=2, max_tokens=12)) for _ in range(4)}) > 1  # each time another seed
    assert text(served.goes_on("arr", temperature=0.001)) == text(served.goes_on("arr"))


def test_logprobs_and_echo(served: Served, runner: Runner) -> None:
    """As harnesses score: the prompt's tokens with log P, then one more."""
    voice = runner.merged(load_file(served.file))
    ids = voice.encode(Plain(BOX))
    judged = voice.judges(TokenIds.of(ids[:1]), ids[1:])
    [choice] = served.goes_on(BOX, echo=True, logprobs=2, max_tokens=1).json()["choices"]
    told = choice["logprobs"]
    assert choice["text"].startswith(BOX) and len(told["tokens"]) == len(ids) + 1 == len(told["text_offset"])
    assert told["token_logprobs"][0] is None and told["top_logprobs"][0] is None
    assert len(judged) == len(ids) - 1
    for one, logprob, top in zip(judged, told["token_logprobs"][1:-1], told["top_logprobs"][1:-1], strict=True):
        assert math.isclose(math.exp(logprob), one.probability, rel_tol=1e-4)
        assert max(top.values()) == pytest.approx(top[one.best])
    generated = served.goes_on(BOX, logprobs=2, max_tokens=1).json()["choices"][0]["logprobs"]
    assert generated["tokens"] == told["tokens"][-1:]
    assert generated["token_logprobs"][0] == pytest.approx(told["token_logprobs"][-1], abs=1e-4)
    for prompt in (ids, [ids, ids]):
        asked = served.goes_on(prompt, echo=True, logprobs=1, max_tokens=0).json()["choices"]
        assert all(c["logprobs"]["token_logprobs"] == told["token_logprobs"][:-1] and c["text"] == BOX for c in asked)


def test_an_end_is_listed_after_an_echo(served: Served) -> None:
    """Harnesses leave the last token out: where the model ends at once that must not be one of the prompt's."""
    whole = BOX + text(served.goes_on(BOX, max_tokens=30))
    [choice] = served.goes_on(whole, echo=True, logprobs=1, max_tokens=1).json()["choices"]
    [alone] = served.goes_on(whole, echo=True, logprobs=1, max_tokens=0).json()["choices"]
    assert choice["finish_reason"] == "stop" and choice["text"] == whole
    assert choice["logprobs"]["tokens"] == [*alone["logprobs"]["tokens"], ""]
    assert choice["logprobs"]["token_logprobs"][-1] > -0.7  # it is what the model would say


def test_models(served: Served) -> None:
    listed = served.client.get("/v1/models").json()
    assert [model["id"] for model in listed["data"]] == ["mine", "base", "pirate", "plural"]
    assert served.client.get("/v1/models/pirate").json() == listed["data"][2]
    assert served.client.get("/v1/models/nobody").status_code == 404
    assert served.client.get("/health").json() == {"status": "ok"}


# ---------------------------------------------------------------------------------------------- the recipe


def test_a_changed_recipe_changes_the_next_answer(tmp_path: Path, runner: Runner) -> None:
    with Served(tmp_path / "mine.yaml") as own:
        first = own.chat(BOX)
        redone: list[tuple[str, ...]] = []
        apply = own.runner.session.apply
        own.runner.session.apply = lambda *a, **k: redone.append(apply(*a, **k)) or redone[-1]  # type: ignore[method-assign]
        other = RECIPE.replace("weight: 0.8", "weight: 0.0")
        own.file.write_text(other)
        second = own.chat(BOX)
        assert text(second) == words(runner, load_file(own.file), BOX) != text(first)
        assert first.headers["x-merger-recipe"] != second.headers["x-merger-recipe"] == second.json()["system_fingerprint"]
        assert "the next answer" in own.told[-1]
        redone.clear()
        own.file.write_text(other.replace("weight: 0.9", "weight: [0.9, 0.9, 0.9, 0.9, 0.9, 0.3]"))
        assert text(own.chat(BOX)) == words(runner, load_file(own.file), BOX)
        [upper] = filter(None, redone)  # once, and only what differs
        assert 0 < len(upper) < len(own.runner.session.tensors) / 2
        own.file.write_text(other)
        own.chat(BOX)
        own.file.write_text(other + "nonsense: 1\n")
        third = own.chat(BOX)
        assert text(third) == text(second) and "nonsense" in third.headers["x-merger-warning"]
        assert "nonsense" in third.json()["warning"] and "nonsense" in own.told[-1]
        assert "nonsense" in chunks(own.chat(BOX, stream=True))[0]["warning"]
        told = len(own.told)
        own.chat(BOX)
        assert len(own.told) == told  # once
        own.file.write_text(RECIPE.replace(str(FAMILY / "plural"), str(FAMILY / "gone")))
        assert text(own.chat(BOX)) == text(second) and "gone" in own.told[-1]
        own.file.unlink()
        assert text(own.chat(BOX)) == text(second) and "no such file" in own.told[-1]
        own.file.write_text(RECIPE)
        back = own.chat(BOX)
        assert text(back) == text(first) and "warning" not in back.json() and "x-merger-warning" not in back.headers
        own.file.write_text(other)
        for _ in range(100):  # also while nobody asks
            if own.voices.recipe == load_file(own.file):
                break
            time.sleep(0.1)
        assert not own.voices.stale and own.voices.recipe == load_file(own.file)


def test_unwatched(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(RECIPE)
    voices = Voices(file, lambda: load_file(file), Runner(Parents()), watch=False)
    file.write_text("broken")
    voices.refresh()
    assert not voices.stale and not voices.warning


def test_folders_are_not_told_to_other_computers(tmp_path: Path) -> None:
    file = tmp_path / "r.yaml"
    file.write_text(RECIPE)
    told: list[str] = []
    voices = Voices(file, lambda: load_file(file), Runner(Parents()), tell=told.append, frank=False)
    assert [*voices.names] == ["r", "base", "pirate", "plural"]
    file.write_text("broken")
    voices.refresh()
    assert str(tmp_path) in told[0] and voices.warning.endswith("the file as it is now cannot be merged.")


# ---------------------------------------------------------------------------------------------- bad input

USER = {"messages": [{"role": "user", "content": BOX}]}
CHATS: list[tuple[Any, str]] = [
    ([], "a list; it is to be a JSON object"),
    ({}, "`messages` is missing"),
    ({"messages": []}, "the last of the user's"),
    ({"messages": ["hi"]}, "`messages[0]` is a text"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "`messages[0].role` is 'tool'"),
    ({"messages": [{"role": ["x"], "content": "x"}]}, "`messages[0].role` is a list"),
    ({"messages": [{"role": "user"}]}, "`messages[0].content` is null"),
    ({"messages": [{"role": "user", "content": [{"type": "image_url"}]}]}, "only parts of type text"),
    ({"messages": [{"role": "user", "content": "\ud800"}]}, "halves of characters"),
    ({"messages": [{"role": "assistant", "content": "x"}]}, "the last one is to be the user's"),
    ({"messages": [*USER["messages"], {"role": "system", "content": "x"}, *USER["messages"]]}, "comes first"),
    (USER | {"n": 2}, "`n`: a request gets one answer"),
    (USER | {"max_tokens": 0}, "`max_tokens` is 0; write a whole number from 1"),
    (USER | {"max_tokens": 1.5}, "`max_tokens` is 1.5"),
    (USER | {"max_tokens": True}, "`max_tokens` is"),
    (USER | {"temperature": "hot"}, "`temperature` is 'hot'; write a number from 0 to 2"),
    (USER | {"temperature": -1}, "`temperature` is -1"),
    (USER | {"top_p": 1.1}, "`top_p` is 1.1"),
    (USER | {"seed": 1 << 64}, "`seed` is"),
    (USER | {"stop": [""]}, "`stop`"),
    (USER | {"stop": 5}, "`stop`"),
    (USER | {"stream": "yes"}, "`stream` is a text; write true or false"),
    (USER | {"stream_options": 3}, "`stream_options` is a number"),
    (USER | {"top_logprobs": 2}, "wants `logprobs: true`"),
    (USER | {"logprobs": True, "top_logprobs": 20}, "from 0 to 3"),
    (USER | {"tools": [{"type": "function"}]}, "`tools` is not offered here"),
    (USER | {"response_format": {"type": "json_object"}}, "`response_format` is not offered"),
    (USER | {"frequency_penalty": 0.5}, "`frequency_penalty` is not offered"),
    (USER | {"temprature": 1}, "`temprature` is not known here.  Did you mean 'temperature'?"),
    (USER | {"model": 3}, "`model` is a number"),
]  # fmt: skip
TEXTS: list[tuple[Any, str]] = [
    ({}, "`prompt` is missing"),
    ({"prompt": [[]]}, "`prompt`: write a text"),
    ({"prompt": []}, "`prompt`: write a text"),
    ({"prompt": ["x", 3]}, "`prompt`: write a text"),
    ({"prompt": [1, 1 << 40]}, f"the prompt has a token {1 << 40}"),
    ({"prompt": [-1]}, "the prompt has a token -1"),
    ({"prompt": "x " * 3000}, "this model reads at most"),
    ({"prompt": "x", "max_tokens": 0}, "`max_tokens` is 0"),
    ({"prompt": "x", "logprobs": 9}, "`logprobs` is 9; write a whole number from 0 to 3"),
    ({"prompt": "x", "suffix": "y"}, "`suffix` is not offered"),
    ({"prompt": "x", "best_of": 2}, "`best_of` is not offered"),
]  # fmt: skip


def refused(answer: httpx.Response, status: int, sentence: str) -> Mapping[str, Any]:
    """The error, as OpenAI's clients read it."""
    assert answer.status_code == status, answer.text
    assert answer.json().keys() == {"error"} and answer.json()["error"].keys() == {"message", "type", "param", "code"}
    assert sentence in answer.json()["error"]["message"] and "\n" not in answer.json()["error"]["message"], answer.text
    return answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "given", "sentence"),
    [*(("/v1/chat/completions", *each) for each in CHATS), *(("/v1/completions", *each) for each in TEXTS)],
    ids=lambda value: None if isinstance(value, str) else json.dumps(value)[:40],
)
def test_a_wrong_request_is_told_in_one_sentence(served: Served, path: str, given: Any, sentence: str) -> None:
    for more in ({}, {"stream": True}):
        sent = given | more if isinstance(given, dict) and "stream" not in given else given
        refused(served.client.post(path, content=json.dumps(sent)), 400, sentence)


def test_what_is_no_request(served: Served) -> None:
    for body in (b"", b"{", b"[" * 100_000, b'{"max_tokens": NaN}', b"\xff\xfe"):
        refused(served.client.post("/v1/completions", content=body), 400, "cannot be read")
    told = refused(served.chat(BOX, model="pirat"), 404, "Did you mean 'pirate'?")
    assert told["code"] == "model_not_found" and told["param"] == "model"
    refused(served.client.get("/v1/nothing"), 404, "There is nothing at /v1/nothing")
    refused(served.client.post("/v1/recipe", json={}), 404, "There is nothing")
    refused(served.client.get("/v1/completions"), 405, "takes POST")
    refused(served.client.post("/v1/models"), 405, "takes GET")


def test_a_text_without_tokens(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ChatModel, "encode", lambda *_: [])  # the family's tokenizer begins every text with a token
    refused(served.goes_on(""), 400, "the prompt is empty")


def test_harmless_words_are_ignored(served: Served) -> None:
    harmless = {"user": "me", "metadata": {"a": "b"}, "logit_bias": {}, "presence_penalty": 0, "tools": [], "seed": None,
                "response_format": {"type": "text"}, "parallel_tool_calls": True}  # fmt: skip
    assert text(served.chat(BOX, **harmless)) == text(served.chat(BOX))


def test_bounds(served: Served) -> None:
    refused(served.client.post("/v1/completions", content=b" " * (limits.SERVE_BYTES + 1)), 413, "larger than 4,000,000 bytes")
    long = "x" * (limits.SERVE_CHARACTERS + 1)
    refused(served.goes_on(long), 400, "at most 200,000")
    refused(served.goes_on([long[: len(long) // 2 + 1]] * 2), 400, "longer than 200,000")
    refused(served.goes_on([1] * len(long)), 400, "at most 200,000")
    refused(served.chat(long), 400, "at most 200,000")
    turn = {"role": "user", "content": "x" * 500}
    refused(served.chat([turn] * 401), 400, "longer than 200,000")
    refused(served.chat([turn] * (limits.SERVE_MESSAGES + 1)), 400, "at most 500")
    refused(served.goes_on(["x"] * (limits.SERVE_PROMPTS + 1)), 400, "at most 128")
    refused(served.chat(BOX, max_tokens=limits.SERVE_TOKENS + 1), 400, "from 1 to 32768")
    refused(served.chat(BOX, stop=["x"] * (limits.STOP_WORDS + 1)), 400, "at most 8")
    refused(served.chat(BOX, stop="x" * (limits.STOP_CHARACTERS + 1)), 400, "1 to 64 characters")


# ---------------------------------------------------------------------------------------------- who may ask


def test_strangers_are_held_off(served: Served) -> None:
    ask = served.client.get
    refused(ask("/v1/models", headers={"host": "evil.example"}), 421, "does not go by that name")
    refused(ask("/health", headers={"host": "evil.example"}), 421, "does not go by that name")
    assert ask("/v1/models", headers={"host": f"LocalHost:{served.port}"}).status_code == 200
    refused(ask("/v1/models", headers={"origin": "https://evil.example"}), 403, "A website asked")
    refused(ask("/v1/models", headers={"origin": "null"}), 403, "A website asked")
    refused(ask("/v1/models", headers={"sec-fetch-site": "cross-site"}), 403, "A website asked")
    answer = ask("/v1/models", headers={"origin": f"http://127.0.0.1:{served.port}"})
    assert answer.status_code == 200 and not [name for name in answer.headers if name.startswith("access-control")]


def test_the_key(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served.app, "door", Door(key="sésame"))
    told = refused(served.chat(BOX), 401, "wants its key")
    assert told["code"] == "invalid_api_key" and told["type"] == "authentication_error"
    for wrong in ("Bearer no", "sésame", "Bearer", "Basic sésame"):
        refused(served.client.get("/v1/models", headers={b"authorization": wrong.encode()}), 401, "wants its key")
    assert served.client.get("/health").status_code == 200
    for shown in ("Bearer sésame", "bearer  sésame"):
        assert served.client.get("/v1/models", headers={b"authorization": shown.encode()}).status_code == 200


def test_other_computers_need_a_key_or_a_word() -> None:
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org"):
        with pytest.raises(MergeError, match="give a --key, or --open"):
            door(host, "", False)
    assert door("0.0.0.0", "secret", False).numbers and door("example.org", "", True).names >= {"example.org", "localhost"}
    for host in ("127.0.0.1", "localhost", "[::1]", "127.0.0.2"):
        assert not door(host, "", False).numbers


# ---------------------------------------------------------------------------------------------- the line


class Slow:
    """A model that waits before each token until it is let go on, and says how far it came."""

    def __init__(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        self.go, self.tokens, self.ended = threading.Event(), 0, threading.Event()
        turns = served.runner.turns

        def slowly(*given: Any, go_on: Callable[[], bool], **more: Any) -> Iterator[Any]:
            try:
                for event in turns(*given, go_on=go_on, **more):
                    self.tokens += 1
                    while not self.go.wait(0.01) and go_on():
                        pass
                    yield event
            finally:
                self.ended.set()

        monkeypatch.setattr(served.runner, "turns", slowly)


def test_a_full_line_is_told(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Slow(served, monkeypatch)
    monkeypatch.setattr(serving, "SERVE_WAITING", 2)
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(httpx.post(f"http://127.0.0.1:{served.port}/v1/completions", json={"prompt": "arr"}, trust_env=False))

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    while served.app._waiting < 3:
        time.sleep(0.01)
    told = refused(served.goes_on("arr"), 429, "2 requests wait in line already")
    assert told["type"] == "rate_limit_error"
    slow.go.set()
    for thread in asking:
        thread.join(20)
    assert [answer.status_code for answer in answers] == [200] * 3


def test_who_leaves_stops_the_model_and_the_line_goes_on(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    for stream in (True, False):
        slow = Slow(served, monkeypatch)
        with socket.create_connection(("127.0.0.1", served.port)) as leaving:
            body = json.dumps({"prompt": "arr", "max_tokens": 200, "stream": stream}).encode()
            head = f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
            leaving.sendall(head.encode() + body)
            while not slow.tokens:
                time.sleep(0.01)
        assert slow.ended.wait(5) and slow.tokens < 3
        while served.app._waiting:
            time.sleep(0.01)
        monkeypatch.undo()
        assert text(served.goes_on("arr"))


def test_a_slow_request(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "SERVE_BODY_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as slow:
        slow.sendall(b"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        told = slow.recv(4096)
        assert told.startswith(b"HTTP/1.1 408") and b"did not arrive within" in told + slow.recv(4096)


def test_connections_are_bounded(served: Served) -> None:
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(limits.SERVE_CONNECTIONS)]
    try:
        with socket.create_connection(("127.0.0.1", served.port), timeout=5) as more:
            more.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert more.recv(4096).startswith(b"HTTP/1.1 503")
    finally:
        for one in held:
            one.close()
    for _ in range(100):
        if served.client.get("/health").status_code == 200:
            return
        time.sleep(0.02)
    raise AssertionError("it does not recover")


@pytest.mark.parametrize(
    "begun", [b"", b"GET /health HTTP/1.1\r\nHost: loc", b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET"]
)
def test_connections_that_say_nothing_are_closed(begun: bytes, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that there may be, silent, a byte at a time, or after an answer: the next to come is answered soon."""
    monkeypatch.setattr(patience, "SERVE_HEAD_SECONDS", 0.5)
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(limits.SERVE_CONNECTIONS - 1)]
    started = time.monotonic()
    try:
        while time.monotonic() < started + 10:
            for one in held:
                with contextlib.suppress(OSError):  # closed already
                    one.sendall(begun or b"")
            begun = begun and b"x"
            time.sleep(0.1)
            with socket.create_connection(("127.0.0.1", served.port), timeout=5) as other:
                other.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if other.recv(4096).startswith(b"HTTP/1.1 200") and len(served._server.server_state.connections) < 10:
                    return
    finally:
        for one in held:
            one.close()
    raise AssertionError("it stays full")


def test_an_answer_that_nobody_reads_holds_up_nobody(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than all buffers between take: the line goes on when its reader is given up, and not before."""
    monkeypatch.setattr(patience, "SERVE_UNREAD_SECONDS", 1.0)
    small = served._socket.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
    served._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    try:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            deaf.connect(("127.0.0.1", served.port))
            body = json.dumps({"prompt": ["arr"] * 128, "max_tokens": 30, "stream": True, "logprobs": 3}).encode()
            deaf.sendall(
                f"POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
            )
            for _ in range(500):
                if served.app._turn.locked():
                    break
                time.sleep(0.01)
            assert served.app._turn.locked()
            assert text(served.goes_on("arr"))
            assert not served.app._waiting
    finally:
        served._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, small)


def test_no_clock_cuts_an_answer(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = text(served.goes_on("arr"))
    hours = itertools.count(0, 3600)
    monkeypatch.setattr("merger.chat.batch.time", SimpleNamespace(monotonic=lambda: next(hours)))
    assert text(served.goes_on("arr")) == whole


def test_a_mistake_of_ours_is_told(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> Iterator[Any]:
        raise ZeroDivisionError

    monkeypatch.setattr(served.runner, "turns", broken)
    assert refused(served.chat(BOX), 500, "our fault")["type"] == "server_error"


# ---------------------------------------------------------------------------------------------- the command


@pytest.mark.long
def test_the_command_of_the_docs_serves_until_it_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "presets").symlink_to(ROOT / "presets")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    [line] = re.findall(r"^```bash\n(.*)\n```", (ROOT / "docs/serve.md").read_text(encoding="utf-8"), re.MULTILINE)
    command = [sys.executable, *shlex.split(line)[1:], "--port", str(port)]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MERGER_KEY": "sesame", "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:  # fmt: skip
        assert process.stderr is not None
        try:
            lines = [process.stderr.readline() for _ in range(3)]
            assert f"listening at http://127.0.0.1:{port}/v1 for pirate_and_plurals, base, pirate, plural" in lines[1]
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            assert httpx.post(url, json=USER, trust_env=False).status_code == 401
            own = {"authorization": "Bearer sesame"}
            assert text(httpx.post(url, json=USER, headers=own, trust_env=False, timeout=30))
            with pytest.raises(MergeError, match=f"port {port}: address already in use"):
                listen("127.0.0.1", port)
            endless = {"prompt": ["arr"] * 128, "max_tokens": 32_000, "temperature": 2, "stream": True}
            with httpx.stream(
                "POST", url.replace("chat/", ""), json=endless, headers=own, trust_env=False, timeout=30
            ) as stream:  # fmt: skip
                pieces = stream.iter_raw()
                next(pieces)
                process.send_signal(signal.SIGINT)
                assert b"The endpoint is being stopped" in b"".join(pieces)
            assert process.wait(10) == 130 and process.stderr.read() == "Stopped; nothing was written.\n"
        finally:
            process.kill()
    assert [path.name for path in tmp_path.iterdir()] == ["presets"]


def test_what_cannot_be_served_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"
    assert main(["serve", str(file)]) == 1
    assert capsys.readouterr().err == f"RecipeError: {file}: no such file.\n"
    file.write_text(RECIPE)
    assert main(["serve", str(file), "--host", "0.0.0.0"]) == 1
    told = capsys.readouterr().err
    assert told.startswith("MergeError: --host 0.0.0.0: other computers could ask there") and told.count("\n") == 1


def test_it_loads_no_page() -> None:
    code = "import sys, merger.cli.serve; print({'gradio', 'plotly', 'transformers'} & {n.split('.')[0] for n in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "set()\n"


OFFICIAL = """
import sys, openai
client = openai.OpenAI(base_url=sys.argv[1], api_key="none", max_retries=0)
asked = dict(model="mine", messages=[{"role": "user", "content": sys.argv[2]}], max_tokens=40)
whole = client.chat.completions.create(**asked, logprobs=True, top_logprobs=2)
print(whole.choices[0].message.content)
with client.chat.completions.stream(**asked, stream_options={"include_usage": True}) as stream:
    final = stream.until_done().get_final_completion()
print(final.choices[0].message.content)
assert final.usage == whole.usage and whole.choices[0].finish_reason == final.choices[0].finish_reason == "stop"
assert len(whole.choices[0].logprobs.content) == whole.usage.completion_tokens
assert [model.id for model in client.models.list()][0] == "mine" and client.models.retrieve("base").id == "base"
print(client.completions.create(model="mine", prompt=sys.argv[2], max_tokens=40).choices[0].text)
pieces = client.completions.create(model="mine", prompt=[sys.argv[2]], max_tokens=40, stream=True, stop="zzz", seed=3)
print("".join(piece.choices[0].text for piece in pieces))
scored = client.completions.create(model="mine", prompt=sys.argv[2], echo=True, logprobs=1, max_tokens=0).choices[0].logprobs
assert len(scored.tokens) == len(scored.token_logprobs) == len(scored.top_logprobs) == len(scored.text_offset)
for wrong, error in ((dict(model="nobody"), openai.NotFoundError), (dict(n=2), openai.BadRequestError)):
    try:
        client.chat.completions.create(**asked | wrong)
    except error as told:
        assert told.body["message"] and told.type, told
    else:
        raise AssertionError(wrong)
"""


@pytest.mark.skipif(not CLIENT.exists(), reason="no OpenAI client here: `make client` fetches it (70 MB)")
def test_the_official_client(served: Served) -> None:
    done = subprocess.run(
        [CLIENT, "-c", OFFICIAL, f"http://127.0.0.1:{served.port}/v1", BOX],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [text(served.chat(BOX))] * 2 + [text(served.goes_on(BOX, max_tokens=40))] * 2
