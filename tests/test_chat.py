"""Chat and the manner of answering: how tokens are chosen, where an answer ends, conversations, and the chat on the page."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from test_rows import first, heard, together
from transformers import RepetitionPenaltyLogitsProcessor, TopPLogitsWarper

from merger.chat.batch import generate_batch, interleave
from merger.chat.conversation import Conversation, as_text, asked
from merger.chat.model import ChatModel, Plain, Token
from merger.chat.sampling import GREEDY, Sampling, Until, cut_at, repeats
from merger.errors import MergeError
from merger.limits import CHAT_CHARACTERS, CHAT_TURNS, LENGTH_TOKENS, PROMPT_CHARACTERS, STOP_CHARACTERS, STOP_WORDS
from merger.tokenizer import templates
from merger.ui import Panels, rows, talk
from merger.ui.panels.answers import manner
from merger.ui.rows import Row
from merger.ui.service import answers
from merger.ui.service.answers import Answers
from merger.ui.service.feeds import Answer, Feeds
from merger.ui.studio import Manner, Studio, Visit

ROOT = Path(__file__).parent.parent
PIRATE, STORY = (f"presets/family/{name}" for name in ("pirate", "story"))
TALE = "tell me a story about a dog"
VARIED = Sampling(1.2, 3, top_p=0.9, penalty=1.2)
AGAIN = re.compile(r"again\\*\":1")
"""Of what a browser sends: parts send text, whose quotation marks are escaped."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
REFUSES = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}" + CHATML
IGNORES = "{% for m in messages %}{% if m.role != 'system' %}{{ m.role }}: {{ m.content }}\n{% endif %}{% endfor %}"


@pytest.fixture(scope="module")
def studio() -> Studio:
    return Studio(ROOT / "presets")


@pytest.fixture
def story(studio: Studio) -> ChatModel:
    who = studio.voices.parent(STORY)
    who._last = None
    return who


def said(who: ChatModel, prompt: str, limit: int = 40, sampling: Sampling = GREEDY) -> tuple[str, bool]:
    """A whole answer, and whether it was cut off."""
    words, tokens = "", who.tokens(prompt, limit, sampling)
    while True:
        try:
            words += next(tokens).text
        except StopIteration as end:
            return words, end.value


def messages(*turns: str, system: str = "") -> list[dict[str, str]]:
    """A conversation of these words, user and assistant in turn."""
    begin = [{"role": "system", "content": system}] if system else []
    return begin + [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(turns)]


# ---------------------------------------------------------------------------------------- how tokens are chosen


@pytest.mark.parametrize("top_p", [0.05, 0.5, 0.9])
def test_top_p_and_the_penalty_are_those_of_transformers(top_p: float) -> None:
    """The same tokens, drawn from the same chance, as its own processors leave."""
    chance = torch.Generator().manual_seed(7)
    given = [3, 5, 5, 90]
    for seed in range(20):
        logits = 3 * torch.randn(200, generator=chance)
        left = RepetitionPenaltyLogitsProcessor(1.4)(torch.tensor([given]), logits[None].clone()) / 0.8
        left = TopPLogitsWarper(top_p)(torch.tensor([given]), left)
        wanted = int(torch.multinomial(left.softmax(-1), 1, generator=torch.Generator().manual_seed(seed)))
        assert Sampling(0.8, seed, top_p, 1.4).chooser(given)(logits) == wanted


def test_what_is_greedy_with_a_penalty_is_still_the_likeliest() -> None:
    choose = Sampling(penalty=2.0).chooser([1])
    logits = torch.tensor([1.0, 3.0, 1.4, -1.0])
    assert [choose(logits) for _ in range(3)] == [1, 1, 1]  # 3 / 2 is still more than 1.4
    choose = Sampling(penalty=4.0).chooser([1])
    assert [choose(logits) for _ in range(3)] == [2, 0, 1]  # then 0.75 of token 1 is more than 0.35 and 0.25
    assert Sampling(penalty=4.0).chooser([0])(torch.tensor([-1.0, -1.2])) == 1  # below nothing it is taken times as far
    assert not Sampling(penalty=1.1).greedy and not Sampling(0.1).greedy and Sampling(seed=9).greedy


def test_answers_of_many_prompts_at_once_are_those_of_each_alone(story: ChatModel) -> None:
    prompts = [TALE, "tell me a story about a robot", "count from 7 to 12", "hi"]
    for how in (VARIED, Sampling(penalty=1.5), Sampling(0.9, 1, stops=(" the", "arr"))):
        alone = []
        for prompt in prompts:
            story._last = None
            alone.append(said(story, prompt, 24, how)[0])
        assert [text.strip() for text in generate_batch(story, prompts, 24, 3, sampling=how)] == [t.strip() for t in alone]
    assert len(set(alone)) > 1


# ---------------------------------------------------------------------------------------- where an answer ends


def through(words: Sequence[str], pieces: Sequence[str]) -> tuple[list[str], list[list[str]], bool]:
    """What comes through of some tokens: in all, after each, and whether a stop word ended it."""
    until, steps = Until(words), list[list[str]]()
    for i, piece in enumerate(pieces):
        steps.append([token.text for token in until.take(Token(i, piece, 1.0, ()))])
        if until.ended:
            break
    rest = [token.text for token in until.rest()]
    return [text for step in [*steps, rest] for text in step], steps, until.ended


@pytest.mark.parametrize(
    ("words", "pieces", "left"),
    [
        (["END"], ["a ", "E", "N", "D", " b"], ["a "]),  # over three tokens
        (["END"], ["a E", "ND b"], ["a "]),  # out of one, into the next
        (["END"], ["a ", "E", "N", "d"], ["a ", "E", "N", "d"]),  # it only began like it
        (["aab"], ["a", "a", "a", "b", "c"], ["a"]),  # it begins anew inside its own beginning
        (["\n\n", "you:"], ["hi", "\n", "yo", "u", ":", "x"], ["hi", "\n"]),  # the first that is there
        (["xEND", "END"], ["ax", "EN", "D"], ["a"]),  # the one that begins first
        (["END"], ["END"], []),
        ([], ["a", "b"], ["a", "b"]),
    ],
)  # fmt: skip
def test_stop_words_are_found_across_tokens(words: list[str], pieces: list[str], left: list[str]) -> None:
    told, steps, ended = through(words, pieces)
    assert told == left and ended == ("".join(left) != "".join(pieces))
    shown = ["".join(text for step in steps[: i + 1] for text in step) for i in range(len(steps))]
    assert all("".join(left).startswith(text) for text in shown)  # nothing was shown that had to be taken back


def test_what_cannot_be_a_stop_word_is_not_held_back() -> None:
    assert through(["END"], ["a", "b", "cE", "x"])[1] == [["a"], ["b"], [], ["cE", "x"]]


def test_an_answer_ends_before_a_stop_word(story: ChatModel) -> None:
    whole, _ = said(story, TALE, 80)
    word = whole.split()[3]
    assert said(story, TALE, 80, Sampling(stops=(word[1:],))) == (whole[: whole.index(word[1:])], False)
    assert cut_at(whole, [word[1:]]) == whole[: whole.index(word[1:])]


@pytest.mark.parametrize("how", [GREEDY, VARIED, Sampling(1.0, 5, stops=("zzz",))])
@pytest.mark.long
def test_a_longer_answer_goes_on_with_the_shorter_one(story: ChatModel, how: Sampling) -> None:
    story._last = None
    whole, cut = said(story, TALE, 60, how)
    story._last = None
    short, was_cut = said(story, TALE, 6, how)
    assert was_cut and whole.startswith(short) and len(short) < len(whole)
    assert said(story, TALE, 60, how) == (whole, cut)  # from what was kept of the shorter one
    assert said(story, TALE, 6, how) == (short, True)
    hot = replace(how, temperature=4.0, seed=8)
    drawn = said(story, TALE, 60, hot)
    story._last = None
    assert said(story, TALE, 60, hot) == drawn != (whole, cut)  # in another manner it is no draft


def test_the_end_says_whether_it_was_cut(story: ChatModel) -> None:
    ends = [event.cut for limit in (3, 200) for event in interleave({"a": story}, TALE, limit=limit) if event.token is None]
    assert ends == [True, False]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ha " * 20, True), ("a dog. " + "the dog ran to the dog ran to " * 3, True), ("字字" * 30, True), ("." * 50, True),
        ("one two three four five six seven eight nine ten eleven twelve", False), ("no no no", False), ("", False),

        ("here is a text with another beginning, which is long: " + "twice over, twice, no more. " * 2, False),
        ("the dog ran. " * 2 + "the cat sat on the mat and was happy ever after.", False), ("x" * 39, False),
        ("the sea and the sea and the sea and then the ship came home again to us", False),
    ],
)  # fmt: skip
def test_repeating_is_noticed(text: str, wanted: bool) -> None:
    assert repeats(text) is wanted


# ---------------------------------------------------------------------------------------- conversations and templates


def test_a_system_prompt_without_a_place_leads_the_first_words() -> None:
    whole = Conversation.of(messages("hi", "ho", "hu", system="be brief"))
    plain = asked(CHATML, whole, {})
    assert plain.text.startswith("<|im_start|>system\nbe brief<|im_end|>") and not plain.folded
    for template in (REFUSES, IGNORES):
        found = asked(template, whole, {})
        assert found.folded and "user\nbe brief\n\nhi" in found.text.replace("user: ", "user\n") and "hu" in found.text
    with pytest.raises(MergeError, match="it refuses this conversation: never"):
        asked("{{ raise_exception('never') }}", whole, {})
    assert asked(CHATML, "hi", {}).text == templates.asked(CHATML, "hi", {})


def test_a_template_that_is_too_much_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def stopped(template: str, *_: Any, **__: Any) -> str:
        tried.append(template)
        raise templates.Stopped("too much")

    monkeypatch.setattr(templates, "render", stopped)
    with pytest.raises(templates.Stopped):
        asked(CHATML, Conversation.of(messages("hi", system="be brief")), {})
    assert len(tried) == 1


def test_nothing_of_a_conversation_is_kept_where_templates_are_rendered() -> None:
    secret = "a secret that nobody else says"
    asked(CHATML, Conversation.of(messages(secret)), {})
    assert not any(secret in str(kept) for kept in templates._rendering._kept.values())
    templates.asked(CHATML, secret, {})
    assert any(secret in str(kept) for kept in templates._rendering._kept.values())


def test_a_model_without_a_template_goes_on_with_the_text(story: ChatModel, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Conversation.of(messages("Once", " upon a time.", "Then", system="A tale."))
    assert as_text(whole) == "A tale.\n\nOnce upon a time.\n\nThen"
    with_template = story.encode(whole)
    monkeypatch.setattr(story.tokenizer, "chat_template", None)
    assert story.encode(whole) == story.encode(Plain(as_text(whole))) != with_template


def test_a_second_turn_does_not_pay_for_the_first(story: ChatModel, monkeypatch: pytest.MonkeyPatch) -> None:
    begin = Conversation.of(messages(TALE))
    answer, _ = said(story, begin, 30)
    second = Conversation.of(messages(TALE, answer.strip(), "tell me a story about a cat"))
    story._last = None
    alone = said(story, second, 30)
    story._last = None
    said(story, begin, 30)
    computed: list[int] = []
    call = type(story.forward).call

    def counted(self: Any, fresh: list[int], *more: Any) -> Any:
        computed.append(len(fresh))
        return call(self, fresh, *more)

    monkeypatch.setattr(type(story.forward), "call", counted)

    assert said(story, second, 30) == alone
    assert computed[0] < len(story.encode(second)) - len(story.encode(begin)) - 10  # only what is new, filled up
    story._last = None
    prompts = TALE, f"{TALE} and a cat"
    for prompt in prompts:  # rows are always computed from their start
        computed.clear()
        said(story, prompt, 4)
        assert computed[0] == len(story.encode(prompt))


def test_what_was_written_to_is_not_taken_over(story: ChatModel) -> None:
    begin, second = Conversation.of(messages(TALE)), Conversation.of(messages(TALE, "a dog.", TALE))
    weight = next(p for name, p in story.module.named_parameters() if name.endswith("layers.3.mlp.down_proj.weight"))
    held = weight.detach().clone()
    try:
        said(story, begin, 20)
        with torch.no_grad():
            weight.mul_(0.5)
        mixed = said(story, second, 20)
        story._last = None
        assert said(story, second, 20) == mixed
    finally:
        with torch.no_grad():
            weight.copy_(held)


# ---------------------------------------------------------------------------------------- what a browser sends


def test_a_manner_is_bounded() -> None:
    assert manner(0, 5, False) == Manner()
    how = manner(9, 4, True, 10**9, 0.5, 99, "a\n\n b\na\r\n")
    assert (how.length, how.top_p, how.penalty, how.stops) == (LENGTH_TOKENS, 0.5, 10, ("a", " b"))
    assert manner(-3, 0, False, -5, 0, 0).sampling == GREEDY and manner(-3, 0, False, -5).length == 1
    assert manner(0, 0, False, None, None, None, "").length == Manner().length
    assert replace(Manner(), length=900).longer(2).length == 1800 and Manner().longer(10**6).length == LENGTH_TOKENS
    assert manner(0, 0, False, stops="\ud800").stops == ("?",)
    for stops in ("\n".join(map(str, range(STOP_WORDS + 1))), "x" * (STOP_CHARACTERS + 1)):
        with pytest.raises(MergeError, match="at most"):
            manner(0, 0, False, stops=stops)


def turn(user: Any = "hi", **answers: Any) -> dict[str, Any]:
    return {"user": user, "said": answers}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        *((odd, "no conversation") for odd in (None, 7, "hi", [], {}, {"turns": []}, {"turns": {}}, {"turns": ["hi"]})),
        *(({"turns": [odd]}, "no conversation") for odd in ({}, turn(7), turn(None), turn("a", merge=7))),
        ({"turns": [{"user": "a", "said": []}]}, "no conversation"),
        ({"turns": [turn()], "system": ["x"]}, "no conversation"),
        ({"turns": [turn()], "system": "x" * (PROMPT_CHARACTERS + 1)}, "The system prompt has 2,001 characters"),
        ({"turns": [turn("x" * (PROMPT_CHARACTERS + 1)), turn()]}, "Turn 1 has 2,001 characters; at most 2,000"),
        ({"turns": [turn()] * (CHAT_TURNS + 1)}, "has 51 turns; at most 50"),
        ({"turns": [turn("a", merge="x" * CHAT_CHARACTERS), turn()]}, "has 32,003 characters; at most 32,000"),
        ({"turns": [turn("a", **{str(i): "" for i in range(CHAT_TURNS + 1)})]}, "no conversation"),
        ({"turns": [turn(" \n")]}, "Say something first"),
    ],
)  # fmt: skip
def test_hostile_conversations(value: Any, words: str) -> None:
    with pytest.raises(MergeError, match=words):
        talk.read(value)


def test_what_is_odd_beside_the_words_is_left_out() -> None:
    odd = talk.read({"turns": [turn("\ud83d")], "who": [7, "merge", None], "times": -3, "again": True, "role": "system"})
    assert odd == talk.Talk("", (talk.Turn("?", {}),), ("merge",), 1, 0)
    assert talk.read({"turns": [turn()], "who": "merge", "times": 10**9, "again": 2**40}).times == 1


def test_each_model_has_its_own_conversation() -> None:
    turns = [turn("a", merge="m1", x="x1"), turn("b"), turn("c", merge="m3"), turn("d")]
    found = talk.read({"turns": turns, "system": "s"})
    assert found.messages("x") == messages("a", "x1", "b\n\nc", "m3", "d", system="s")
    assert found.messages("merge") == found.messages("new") == messages("a", "m1", "b\n\nc", "m3", "d", system="s")
    assert [one["role"] for one in found.messages("merge")] == ["system", "user", "assistant", "user", "assistant", "user"]


def test_the_length_of_a_row_is_bounded() -> None:
    one = {"id": "a", "prompt": "hi"}
    read = [rows.read({"rows": [{**one, "times": times}]}).rows[0].times for times in (2, 0, -1, "9", None, 10**9, 1.5)]
    assert read == [2, 1, 1, 1, 1, 1, 1] and "times" not in Row("a", "hi", times=3).shown


# ---------------------------------------------------------------------------------------- the page's answers


def converse(studio: Studio, visit: Visit, how: Manner | None = None, **value: Any) -> Iterator[dict[str, Any]]:
    visit.talking.run += 1
    return Answers(studio).converse(first(studio), talk.read(value), visit.talking, how or Manner())


def test_a_conversation_is_answered_and_forgotten(studio: Studio) -> None:
    before, visit = dict(studio.answered), Visit()
    feeds = list(converse(studio, visit, turns=[turn("plural of box")], who=["merge", PIRATE, "presets/family/count", "x"]))
    assert set(heard(feeds)) == {"merge", PIRATE} and heard(feeds)["merge"] == "boxes"  # count is not on the desk
    assert dict(studio.answered) == before and not any(feed.get("prompt") for feed in feeds) and "told" not in feeds[-1]
    folded = list(converse(studio, visit, turns=[turn("plural of box")], system="Be brief."))
    assert together(folded, "told") == {"merge": answers.FOLDED}
    plain = list(converse(studio, visit, Manner(plain=True), turns=[turn("plural of box")]))
    assert heard(plain)["merge"] != "boxes" and dict(studio.answered) == before


def test_a_conversation_goes_on_where_it_was_cut(studio: Studio) -> None:
    visit, how = Visit(), Manner(length=3)
    feeds = [list(converse(studio, visit, how, turns=[turn(TALE)], who=["x"], times=times)) for times in (1, 2)]
    short, longer = (heard(one)["merge"] for one in feeds)
    assert longer.startswith(short) and len(longer) > len(short)
    assert [key for feed in feeds[0] for key in feed["cut"]] == ["merge"]


def test_a_stroke_ends_what_the_chat_is_saying(studio: Studio) -> None:
    visit = Visit()
    feeds = converse(studio, visit, turns=[turn(TALE)])
    states = next(feeds)["state"]
    visit.moves_on()
    states |= together(list(feeds), "state")
    assert states == {"merge": "stopped"} and not visit.talking.current(visit.talking.run)
    again = list(converse(studio, visit, turns=[turn("plural of box")]))
    assert heard(again) == {"merge": "boxes"}


def test_what_the_chat_says_ends_with_its_visitor(studio: Studio) -> None:
    visit = studio.visit("a visitor")
    feeds = converse(studio, visit, turns=[turn(TALE)])
    next(feeds)
    studio.leave("a visitor")
    assert not heard(list(feeds)).get("merge")


def test_what_is_wrong_with_a_conversation_is_told_in_it(studio: Studio) -> None:
    long = "x y z " * 300
    errors = together(list(converse(studio, Visit(), turns=[turn(long)])), "error")
    assert list(errors) == ["merge"] and "this model reads at most" in errors["merge"]


def test_a_row_that_was_gone_on_with_is_longer(studio: Studio) -> None:
    studio.answered.clear()
    row, work, how = Row("a", "tell me a story about a robot", "x", "within"), first(studio), Manner(plain=True, length=3)
    feeds = [list(Answers(studio).ask_all(work, [one], "a", Visit(), how)) for one in (row, replace(row, times=3))]
    short, longer = (heard(one)["a/merge"] for one in feeds)
    assert longer.startswith(short) and len(longer) > len(short) and "a/merge" in [k for f in feeds[0] for k in f["cut"]]
    known = next(iter(Answers(studio).ask_all(work, [row], "a", Visit(), how)))
    assert "a/merge" in known["cut"] and known["state"]["a/merge"] == "cached"  # also from memory it says so


def test_an_answer_that_repeats_itself_is_not_right() -> None:
    row = Row("a", "p", "ha", "within")
    word = Token(1, "ha ", 0.5, ())
    feed = Feeds(1, "p", ["a/merge"], {"a/merge": row}).start({"a/merge": Answer.plain([word] * 30)})
    assert (feed["repeats"], feed["marks"]) == (["a/merge"], {"a/merge": False})
    feed = Feeds(1, "p", ["a/merge"], {"a/merge": row}).start({"a/merge": Answer.plain([word])})
    assert (feed["repeats"], feed["marks"]) == ([], {"a/merge": True})


def test_other_words_are_the_next_seed_and_some_variety(studio: Studio) -> None:
    panel = Panels(studio).answers
    none, some = panel.retry(0, 4, None), panel.retry(0.5, 4, None)  # type: ignore[arg-type]
    assert (none["heat"], none["draw seed"], some["heat"], some["draw seed"]) == (0.7, 4, 0.5, 5)


# ---------------------------------------------------------------------------------------- on the page


def expect(what: Any) -> Any:
    from playwright.sync_api import expect

    return expect(what)


def opened(page: Any) -> Any:
    """Open the chat; its field."""
    page.page.locator(".rw-closehead").get_by_role("button", name="Chat", exact=True).click()
    field = page.page.get_by_role("textbox", name="Say something", exact=True)
    expect(field).to_be_focused()
    return field


def answer(page: Any, number: int, model: str = "Your merge") -> Any:
    return page.page.get_by_role("group", name=f"{model}, turn {number}", exact=True)


def set_field(page: Any, label: str, value: str) -> None:
    page.page.get_by_role("spinbutton", name=re.compile(label)).fill(value)
    page.page.keyboard.press("Tab")


@pytest.mark.browser
def test_a_conversation_in_the_browser(open_page: Any) -> None:
    """Two turns, with a parent beside the merge; what was said is changed and sent again; Esc gives the focus back."""
    page = open_page(1280, 860)
    field = opened(page)
    field.fill("plural of")
    field.press("Shift+Enter")
    assert field.input_value() == "plural of\n" and page.page.locator(".ch-turn").count() == 0
    field.fill("plural of box")
    field.press("Enter")
    expect(answer(page, 1).locator(".ch-text")).to_have_text("boxes", timeout=20_000)
    assert field.input_value() == "" and "cut off" not in answer(page, 1).inner_text()
    page.page.get_by_role("checkbox", name="pirate", exact=True).check()
    page.page.get_by_text("System prompt").click()
    page.page.get_by_role("textbox", name="System prompt").fill("You are kind.")
    field.fill("plural of fox")
    page.press("Send")
    for model in ("Your merge", "pirate"):
        expect(answer(page, 2, model).get_by_role("button", name="Copy")).to_be_visible(timeout=20_000)
    expect(page.page.locator(".ch-told")).to_have_text(f"Your merge, pirate: {answers.FOLDED}.")
    both = [answer(page, 2, model).bounding_box() for model in ("Your merge", "pirate")]
    assert both[0]["y"] == both[1]["y"] and both[0]["x"] < both[1]["x"]
    assert page.page.evaluate("document.documentElement.scrollHeight <= innerHeight")
    for cell in page.page.locator(".rw-row .rw-answer").all():  # the rows stay in view
        expect(cell).to_be_in_viewport(ratio=1)
    page.press("Edit turn 1")
    page.page.get_by_role("textbox", name="Turn 1").fill("plural of cat")
    page.page.keyboard.press("Enter")
    expect(answer(page, 1).locator(".ch-text")).not_to_have_text("boxes")
    expect(answer(page, 1, "pirate").get_by_role("button", name="Copy")).to_be_visible(timeout=20_000)
    assert page.page.locator(".ch-turn").count() == 1 and page.page.locator(".ch-words").all_inner_texts() == ["plural of cat"]
    field.focus()
    page.page.keyboard.press("Escape")
    expect(page.page.locator(".chat")).to_be_hidden()
    expect(page.page.locator(".rw-closehead").get_by_role("button", name="Chat", exact=True)).to_be_focused()
    opened(page)
    page.press("Start over")
    expect(page.page.locator(".ch-turn")).to_have_count(0)


@pytest.mark.browser
def test_the_chat_after_a_stroke_and_other_words(open_page: Any) -> None:
    page = open_page(1280, 860)
    field = opened(page)
    field.fill("plural of box")
    field.press("Enter")
    text, state = (answer(page, 1).locator(name) for name in (".ch-text", ".ch-state"))
    expect(text).to_have_text("boxes", timeout=20_000)
    page.paint("plural weight", 0)
    expect(state).to_have_text("said before your last stroke")
    expect(text).to_have_text("boxes")
    page.press("Answer again from here")
    expect(text).to_have_text("dunno.", timeout=20_000)
    expect(state).not_to_have_text(re.compile("before"))
    sent: list[str] = []
    page.page.on("request", lambda one: sent.append(one.post_data or ""))
    again = answer(page, 1).get_by_role("button", name="Again")
    again.click()
    expect(page.page.locator(".ch-note")).to_have_text("The same words: variety is 0. Set 0.7")
    assert not any(AGAIN.search(data) for data in sent)
    page.press("Set 0.7")
    expect(page.page.locator(".ch-head .ch-facts")).to_have_text("up to 160 tokens · variety 0.7")
    again.click()
    expect(again).to_be_visible(timeout=20_000)
    assert any(AGAIN.search(data) for data in sent)


@pytest.mark.browser
def test_the_chat_stops(open_page: Any) -> None:
    page = open_page(1280, 860)
    page.box("more")
    page.page.get_by_label("Go on with the text").check()  # long answers
    page.page.keyboard.press("Escape")
    field = opened(page)
    for name in ("base", "pirate", "plural"):
        page.page.get_by_role("checkbox", name=name, exact=True).check()
    field.fill("tell me a story about")
    field.press("Enter")
    page.page.locator(".ch-line").get_by_role("button", name="Stop").click()
    expect(answer(page, 1, "plural").locator(".ch-state")).to_have_text("stopped", timeout=20_000)
    expect(page.page.locator(".ch-line").get_by_role("button", name="Stop")).to_be_hidden()
    page.page.locator(".ch-line").get_by_role("button", name="Send")
    field.fill("one more")
    field.press("Enter")
    expect(answer(page, 2).get_by_role("button", name="Copy")).to_be_visible(timeout=20_000)


@pytest.mark.browser
def test_a_cut_row_goes_on_and_is_copied_and_drawn_anew(open_page: Any) -> None:
    page = open_page(1280, 860)
    page.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.box("more")
    page.page.get_by_label("Go on with the text").check()
    set_field(page, "Length of the answers", "16")
    page.page.keyboard.press("Escape")
    page.ask("the dog")
    state = page.page.locator(".rw-row[data-open=true] .rw-state")
    expect(state).to_have_text("cut off at 16 tokens Go on", timeout=20_000)
    words = page.page.locator(".rw-row[data-open=true] .rw-answer")
    short = words.inner_text()
    page.page.locator(".rw-closehead").get_by_role("button", name="Go on").click()
    expect(state).not_to_have_text(re.compile("at 16 tokens"), timeout=20_000)
    expect(words).to_have_text(re.compile(re.escape(short) + ".+"))
    page.page.locator(".rw-closehead").get_by_role("button", name="Copy").click()
    expect(page.page.locator(".rw-closehead").get_by_role("button", name="Copied")).to_be_visible()
    assert page.page.evaluate("navigator.clipboard.readText()") == words.text_content()
    again = page.page.locator(".rw-closehead").get_by_role("button", name="Again")
    again.click()
    expect(page.page.locator(".rw-note")).to_have_text("The same words: variety is 0. Set 0.7")
    whole = words.inner_text()
    page.press("Set 0.7")
    expect(words).not_to_have_text(whole, timeout=20_000)
    drawn = words.inner_text()
    again.click()
    expect(words).not_to_have_text(drawn, timeout=20_000)
    for place in (".rw-answer", ".rw-words", ".an-text", ".rw-title"):
        assert page.page.locator(place).first.get_attribute("dir") == "auto"
