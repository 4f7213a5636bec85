"""transformers whose insides are not what this package relies on: answers come plainly, the same words, and it is told once."""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from transformers import conversion_mapping, core_model_loading
from transformers.integrations import sdpa_attention

from merger.chat import internals, reuse
from merger.chat.batch import generate_batch
from merger.chat.load import chat_model
from merger.chat.model import ChatModel
from merger.files.checkpoints import open_checkpoint

FOLDER = Path(__file__).parent.parent / "presets/family/pirate"
PROMPTS = ["Where is the ship?", "hello there"]


@pytest.fixture(autouse=True)
def asked_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(reuse, "PROBED", {})
    yield
    forget()


def forget() -> None:
    """As in a process that has not asked yet."""
    reuse.PROBED.clear()
    internals.as_expected.cache_clear()
    internals._told.cache_clear()


def voice() -> ChatModel:
    model = open_checkpoint("pirate", FOLDER)
    return chat_model(FOLDER, model.config, {name: model.read(name).clone() for name in model.tensors})


def ids(who: ChatModel, prompt: str = PROMPTS[0]) -> list[int]:
    return [token.id for token in who.tokens(prompt, 12)]


def generated(who: ChatModel, prompt: str) -> list[int]:
    """What transformers' own generate says."""
    given = torch.tensor([who.encode(prompt)])
    model = transformers.AutoModelForCausalLM.from_pretrained(FOLDER, dtype=who.module.dtype)
    stops = sorted(who.stops)
    out = model.generate(given, max_new_tokens=12, do_sample=False, eos_token_id=stops, pad_token_id=0)[
        0, given.shape[1] :
    ].tolist()
    return out[: next((i for i, token in enumerate(out) if token in who.stops), len(out))]


def no_crop(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(transformers.cache_utils.Cache, "crop")


def crop_to_a_length(patch: pytest.MonkeyPatch) -> None:
    crop = transformers.cache_utils.Cache.crop
    patch.setattr(transformers.cache_utils.Cache, "crop", lambda self, n: crop(self, n - 1))


def other_layers(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(transformers.cache_utils, "DynamicLayer", type("GrowingLayer", (transformers.cache_utils.DynamicLayer,), {}))


def no_selection(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(transformers.cache_utils.Cache, "batch_select_indices")


def other_attention(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sdpa_attention, "sdpa_attention_forward", lambda module, states, mask: None)


def no_masks(patch: pytest.MonkeyPatch) -> None:
    patch.delattr("transformers.masking_utils.sdpa_mask")


def test_the_installed_transformers_is_as_expected() -> None:
    assert internals.as_expected() and voice().probed.plain


@pytest.mark.parametrize("change", [no_crop, crop_to_a_length, other_layers, no_selection, other_attention, no_masks])
def test_answers_come_plainly(
    change: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    expected = [generated(voice(), prompt) for prompt in PROMPTS]
    change(monkeypatch)
    forget()
    with caplog.at_level(logging.WARNING, "merger"):
        who = voice()
        assert [ids(who, prompt) for prompt in PROMPTS] == expected and all(expected)
        assert ids(who) == expected[0], "again, with nothing kept"
        assert ids(voice()) == expected[0]
    assert not who.probed.plain and not who.probed.masks and who.module.config._attn_implementation == "sdpa"
    said = [record.getMessage() for record in caplog.records if record.name == internals.__name__]
    assert len(said) == 1 and said[0].startswith("transformers is not as expected (") and said[0].endswith("takes longer.")
    assert len(who.judges(PROMPTS[0], expected[0])) == len(expected[0])
    assert generate_batch(who, PROMPTS, 12) == [who.tokenizer.decode(one, skip_special_tokens=True) for one in expected]


@pytest.mark.parametrize("gone", ["get_model_conversion_mapping", "rename_source_key", "changed"])
def test_tensors_go_by_their_own_names(gone: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    expected = ids(voice())
    if gone == "changed":
        name: Any = lambda key, *_: (f"{key}.new", None)  # noqa: E731
        monkeypatch.setattr(core_model_loading, "rename_source_key", name)
    else:
        monkeypatch.delattr(conversion_mapping if gone.startswith("get") else core_model_loading, gone)
    forget()
    with caplog.at_level(logging.WARNING, "merger"):
        assert ids(voice()) == ids(voice()) == expected
    assert sum("tensors go by their own names" in record.getMessage() for record in caplog.records) == 1


def test_no_types_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = ids(voice())
    monkeypatch.delattr(transformers.PreTrainedModel, "_get_dtype_plan")
    assert ids(voice()) == expected
