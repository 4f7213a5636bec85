"""What strangers' text, objects and models did to what reads object stores, writes cards and publishes, until it was mended."""

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
import tiny
import yaml

from merger.__main__ import main
from merger.errors import InputChanged, MergeError
from merger.export.modelfile import modelfile, turns
from merger.files import stores
from merger.hub.afar import open_anywhere
from merger.hub.card import Example, with_answers
from merger.hub.figures import CardFigure, with_figures

SECRET = "sEcReT"
WITH_KEYS = (
    f"s3://AKIA:{SECRET}@b/m", f"s3://AKIA:{SECRET}/x@b/m", f"s3://AKIA:x/{SECRET}@b/m", f"s3://AKIA:{SECRET}+y@b/m",
    f"s3://AKIA:{'x' * 400}{SECRET}@b/m", f"S3://AKIA:{SECRET}@b/m", f"s3:/AKIA:{SECRET}@b/m", f"s3://AKIA:{SECRET}@b/m+",
    f"a/b+s3://AKIA:{SECRET}@b/m", f"http://u:{SECRET}@h/m", f"https://h/m?X-Amz-Signature={SECRET}", f"s3://b/m?sig=x+{SECRET}",
)  # fmt: skip
CARD = "---\ntags:\n  - merge\n---\n\n# A merged model\n\n## Recipe\n\n```yaml\nx: 1\n```\n"
FIGURE = CardFigure("share right", "accuracy", 0.5, "2 right", 4, "rows")


def said(*words: str) -> str:
    """All that a command says."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out), contextlib.suppress(SystemExit):
        main([*words])
    return out.getvalue()


@pytest.mark.parametrize("address", WITH_KEYS)
def test_no_key_of_an_address_is_repeated(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys hold slashes and plus signs, and are longer than what is shown; commands that take no address name it, too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    quoted = json.dumps(address)
    for head in (f"base_model: {quoted}", f"dtype: {quoted}", f"tokenizer: {{source: {quoted}}}"):
        Path("r.yaml").write_text(
            f"merge_method: linear\nmodels: [{{model: {quoted}, parameters: {{weight: 1}}}}]\n{head}\n", encoding="utf-8"
        )
        words = said("merge", "r.yaml", "out", "--dry-run")
        assert "Error: " in words and SECRET not in words
    for command in (("inspect", address), ("kin", address), ("publish", address, "me/x"), ("merge", "r.yaml", address)):
        words = said(*command)
        assert "rror: " in words and SECRET not in words, command


def test_headings_in_answers_are_no_headings_of_the_card() -> None:
    """A prompt that says `## Figures` took the end of its block with it, and one that says `## Recipe` got the figures."""
    heard = (
        Example("a\n## Figures\nb", (("this model", "c\n```\n## Recipe\nd"),)),
        Example("~~~\n## Recipe", (("x", "````\n## Figures\n`````"),)),
    )
    answered = with_answers(CARD, heard)
    once = with_figures(answered, [FIGURE], {"torch": "2"}, "x")
    section = once.index("\n## Figures\n\n| | |")
    assert once[section:].count("\n## Recipe\n") == 1 and once.endswith("```yaml\nx: 1\n```\n")
    body = answered.split("---\n", 2)[2]
    assert once.split("---\n", 2)[2][: body.index("\n## Recipe\n\n```yaml")] == body[: body.index("\n## Recipe\n\n```yaml")]
    assert with_figures(once, [FIGURE], {"torch": "2"}, "x") == once, "measured again, it stands there once"


@pytest.mark.parametrize("sign", ["\x7f", "\x80", "\x85", "\u2028", "\ufeff", "\ufffe", "\U000e0001", 'é\U0001f600"\\'])
def test_a_cards_head_is_yaml_whatever_a_set_of_questions_is_called(sign: str) -> None:
    figure = CardFigure(f"share{sign}right", "accuracy", 0.5, "", 4, f"a{sign}b")
    head = with_figures(CARD, [figure], {}, "x").split("---\n")[1]
    (result,) = yaml.safe_load(head)["model-index"][0]["results"]
    assert result["dataset"]["name"] == f"a{sign}b" and result["metrics"][0]["name"] == f"share{sign}right"


def chatml(rules: str) -> str:
    return (
        f"{{% if messages[0].role != 'system' %}}<|s|>{rules}<|e|>{{% endif %}}{{% for m in messages %}}<|{{{{ m.role }}}}|>"
        "{{ m.content }}<|e|>{% endfor %}<|assistant|>"
    )


def test_a_template_says_nothing_in_ollamas_own_language() -> None:
    """What a model's template says by itself stands in the Modelfile, where double braces and three quotes mean something."""
    plain = "{% for m in messages %}<|{{ m.role }}|>@{{ m.content }}<|e|>{% endfor %}<|assistant|>@"
    assert turns(plain.replace("@", ""), {}) is not None
    for said in ("{{ '{{ .System }}' }}", '{{ \'"""\' }}'):
        assert turns(plain.replace("@", said), {}) is None
        assert 'TEMPLATE """' not in modelfile(Path("x.gguf"), plain.replace("@", said), {})


# ---------------------------------------------------------------------------------------------- stores


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Any]:
    """A store in memory with one model."""
    tiny.make_family(tmp_path, models=("base",), layers=1)
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    for file in tmp_path.glob("base/*"):
        fs.pipe_file(f"/models/base/{file.name}", file.read_bytes())
    yield fs
    fs.store.clear()


def test_no_more_than_was_listed_is_taken_into_memory(memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file beside the weights that has grown since, or whose listed size is not its own."""
    asked: list[tuple[str, Any, Any]] = []
    real = type(memory).cat_file

    def cat_file(self: Any, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        asked.append((path, start, end))
        if path.endswith("/config.json"):
            memory.store["/models/base/config.json"].seek(0, 2)
            memory.store["/models/base/config.json"].write(b" " * 1000)
        return real(self, path, start, end, **more)

    monkeypatch.setattr(type(memory), "cat_file", cat_file)
    memory.pipe_file("/models/base/NOTICE", b"")
    with pytest.raises(InputChanged, match=r"config\.json: was changed while it was being read"):
        open_anywhere("memory://models/base")
    sizes = {name: len(file.getvalue()) for name, file in memory.store.items()}
    assert asked and all(end is not None and end <= sizes[f"/{path.partition('://')[2]}"] + 1 for path, _, end in asked)
    assert all(end < sizes["/models/base/config.json"] for path, _, end in asked if path.endswith("/config.json"))


@pytest.mark.parametrize(
    "listed", [[{"type": "file", "name": "/models/base/a", "size": -5}], {"a": 1}, [{"type": "file"}], [None]]
)
def test_a_listing_that_is_none(listed: Any, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy's page, or a package that is broken: one sentence, no traceback."""
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(type(memory), "ls", lambda *_, **__: listed)
    with pytest.raises(MergeError, match=r"^memory://models/base: cannot be read: the store"):
        open_anywhere("memory://models/base")
    monkeypatch.undo()
    monkeypatch.setattr(stores, "FIRST_WAIT", 0.0)
    monkeypatch.setattr(type(memory), "cat_file", lambda *_, **__: None)
    with pytest.raises(MergeError, match="cannot be read: the store"):
        open_anywhere("memory://models/base")


def test_hidden_and_refused(memory: Any) -> None:
    for address in WITH_KEYS:
        assert SECRET not in stores.hidden(address) and SECRET not in stores.refusal(address)


# ---------------------------------------------------------------------------------------------- the page


def test_the_pages_folder_is_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a path `s3://bucket/x` is `s3:/bucket/x`, which was refused with the words to write what had been written."""
    pytest.importorskip("gradio")
    from merger.ui.service.files import Files

    studio: Any = None
    for address in ("s3://bucket/x", "memory://x", "gs:/x", "hf://a/b"):
        with pytest.raises(MergeError, match="is made in a folder of this machine"):
            Files(studio).write(studio, address, lambda step: None)
    with pytest.raises(MergeError, match="write the path alone"):
        Files(studio).write(studio, "file:///x", lambda step: None)


@pytest.mark.parametrize("home", [True, False])
def test_a_recipe_on_the_page_opens_no_address(home: bool, memory: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever an address stands in what a visitor sends, nobody is asked, and one sentence says that none is opened here."""
    pytest.importorskip("gradio")
    from merger.recipe import load
    from merger.ui import PRESETS
    from merger.ui import workspace as workspaces
    from merger.ui.host import Host
    from merger.ui.service.answers import Answers
    from merger.ui.service.files import Files
    from merger.ui.service.strip import Strip
    from merger.ui.studio import Studio, Visit

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the page has asked a store")

    for name in ("opened", "Folder.files", "Folder.upload"):
        monkeypatch.setattr(f"merger.files.stores.{name}", never)
    monkeypatch.setattr(type(memory), "ls", never)
    monkeypatch.setattr(type(memory), "open", never)
    studio = Studio(PRESETS) if home else Studio(PRESETS, host=Host(hosted=True))
    family, own = studio.base, "merge_method: linear\nmodels: [{{model: {}, parameters: {{weight: 1}}}}]\n"
    for address in (
        "memory://models/base",
        "s3://b/m",
        "hf://a/b",
        "file:///etc",
        "http://127.0.0.1/m",
        f"{family}+memory://models/base",
    ):
        for text in (
            own.format(address), own.format(family) + f"base_model: {address}\n",
            own.format(family) + f"tokenizer: {{source: {address}}}\n",
        ):  # fmt: skip
            try:
                recipe = load(text)
            except MergeError:
                continue
            work = workspaces.opened(workspaces.start(studio.presets[0], studio.base), recipe)
            for do in (
                lambda: studio.plan(recipe), lambda: Strip(studio).figures(recipe), lambda: Files(studio).archive(recipe, print),  # noqa: B023
            ):  # fmt: skip
                with pytest.raises(MergeError, match=r"is an address|models from the Hub only|tokenizer"):
                    do()
            *_, last = Answers(studio).answer(work, "hello", Visit())
            assert "error" in last and "our fault" not in str(last["error"])
