"""The design's list of what a browser must show, as far as no other file holds it: one page is opened once for many checks."""

from typing import Any

import pytest
from browsing import Page

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect
FOCUSED = "(document.activeElement.getAttribute('aria-label') || document.activeElement.textContent || '').slice(0, 80)"


def focused(page: Page) -> str:
    return page.page.evaluate(FOCUSED)


def test_keys_and_names(open_page: Any) -> None:
    """Every key of the page as a whole, the skip link, headings and landmarks, the menu of what is about the page."""
    page = open_page(1280, 860)
    page.says("ahoy me matey, arr!")
    keys, body = page.page.keyboard, page.page
    body.evaluate("document.activeElement.blur()")
    keys.press("Tab")
    assert focused(page) == "To the answers"
    keys.press("Enter")
    assert focused(page) == "say hello my friend like a pirate"

    headings = body.evaluate("[...document.querySelectorAll('h1, h2')].map((h) => [h.tagName, h.textContent])")
    assert headings[0] == ["H1", "Merge explorer"] and [text for tag, text in headings if tag == "H1"] == ["Merge explorer"]
    assert {"Models", "Answers"} <= {text for tag, text in headings if tag == "H2"}
    for role, name in (("banner", "Head"), ("region", "Models"), ("region", "Answers"), ("navigation", "Drawers")):
        assert body.get_by_role(role, name=name, exact=True).count() == 1, name

    places = []
    for _ in range(4):  # from the answers on, and around
        keys.press("F6")
        places.append(body.evaluate("document.activeElement.closest('#top, #painting, #hearing, #below').id"))
    assert places == ["below", "top", "painting", "hearing"]
    keys.press("Shift+F6")
    assert body.evaluate("document.activeElement.closest('#painting') !== null")

    for number, name in enumerate(("Find", "Inside", "Recipe", "History"), 1):
        keys.press(f"Alt+{number}")
        expect(body.get_by_role("tab", name=name, exact=True)).to_have_attribute("aria-selected", "true")
        assert body.get_by_role("heading", name=name, exact=True, level=2).count() == 1
    keys.press("/")
    assert focused(page) == "Prompt"
    page.row(1).locator(".rw-words").focus()
    keys.press("Escape")  # the drawer first
    expect(body.get_by_role("tab", name="Close", exact=True)).to_be_hidden()
    assert focused(page) == "History"  # the focus is where it was opened

    page.press("Chat")
    expect(body.locator(".chat")).to_be_visible()
    page.row(1).locator(".rw-words").focus()
    keys.press("?")
    listed = body.get_by_role("dialog", name="Keys")
    expect(listed).to_contain_text("F6 next part")
    keys.press("Escape")  # what floats, then the chat
    expect(listed).to_be_hidden()
    expect(body.locator(".chat")).to_be_visible()
    page.row(1).locator(".rw-words").focus()
    keys.press("Escape")
    expect(body.locator(".chat")).to_be_hidden()

    words = page.answer().locator("xpath=..")
    words.focus()
    keys.press("ArrowRight")
    expect(body.locator(".an-tip")).to_be_visible()
    keys.press("r")
    expect(body.get_by_role("status").filter(has_text="The same words: variety is 0")).to_be_visible()
    words.focus()
    body.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    keys.press("c")
    assert body.evaluate("window.copied") == "ahoy me matey, arr!"


def test_appearance_is_kept_and_the_first_steps_come_again(open_page: Any) -> None:
    page = open_page(1280, 860, query="")
    dark = "document.body.classList.contains('dark')"
    page.box("more").get_by_role("radio", name="Dark").check()
    page.page.wait_for_function(dark)
    page.page.reload()
    page.page.wait_for_function(dark)
    more = page.box("more")
    expect(more.get_by_role("radio", name="Dark")).to_be_checked()
    more.get_by_role("radio", name="Light").check()
    page.page.wait_for_function(f"!{dark}")
    more.get_by_role("button", name="Keys", exact=True).click()
    expect(page.page.get_by_role("dialog", name="Keys")).to_be_visible()
    more = page.box("more")
    more.get_by_role("button", name="Play the first steps again").click()
    expect(page.page.locator(".coach")).to_contain_text("Try it. Drag pirate down to nothing")
    expect(page.page.locator("#pop-more")).to_be_hidden()
    expect(page.page.locator(".rw-right")).to_have_text("1 of 3 right", timeout=15_000)


def test_marks_and_lines_are_told_apart_without_colour(open_page: Any) -> None:
    """Right and wrong differ in filling and sign; same and other in sign; each model's line under words in its kind."""
    page = open_page(1280, 860)
    page.says("ahoy me matey, arr!")
    marks = page.page.evaluate(
        """() => ['true', 'false'].map((right) => { const node = document.querySelector(`.rw-merge [data-right=${right}]`);
        const { backgroundColor, boxShadow } = getComputedStyle(node);
        return [node.textContent, backgroundColor === 'rgba(0, 0, 0, 0)', boxShadow !== 'none']; })"""
    )
    assert marks == [["✓", False, False], ["✗", True, True]]
    signs = page.page.locator(".rw-row .rw-sign").all_inner_texts()
    assert {"=", "≠"} <= set(signs)
    styles = page.page.evaluate(
        """() => { const box = document.querySelector('.answers .an-text'); return ['0', '1', '2', '3', 'all'].map((line) => {
        const node = box.appendChild(Object.assign(document.createElement('span'), { className: 'an-token' }));
        node.dataset.line = line; const { textDecorationStyle, textDecorationThickness } = getComputedStyle(node);
        node.remove(); return `${textDecorationStyle} ${textDecorationThickness}`; }); }"""
    )
    assert len(set(styles)) == 5, styles
