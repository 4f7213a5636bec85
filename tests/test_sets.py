"""A set of questions as rows that can be changed, in a browser: what is asked, what is right, how it is compared; its name."""

import json
from pathlib import Path
from typing import Any

import pytest

gr = pytest.importorskip("gradio")

from merger.search.questions import Question, parse_questions  # noqa: E402  (after the skip)

EVIL = "<img src=x onerror=window.hacked=1>"
KEPT = "Object.fromEntries(JSON.parse(localStorage.getItem('merge-explorer-questions') ?? '[]'))"


def test_a_set_is_changed_in_rows(open_page: Any, tmp_path: Path) -> None:
    from playwright.sync_api import expect

    page = open_page(1440, 900)
    page.tab("Find")
    lines = [f"{EVIL} => boxes", "plural of fox", *(f"plural of word{i} => words" for i in range(60))]
    (tmp_path / "own.txt").write_text("\n".join(["# name: Mine", "[first]", *lines]))
    page.page.locator("#judge-open").locator("xpath=ancestor-or-self::*[input][1]//input[@type='file']").set_input_files(
        str(tmp_path / "own.txt")
    )
    chosen, judged = page.page.get_by_label("Questions", exact=True), page.page.locator("#judged")
    expect(chosen).to_have_value("own Mine", timeout=20_000)
    judged.get_by_role("button", name="Change").click()
    field = lambda what, row: judged.get_by_label(f"{what} {row}", exact=True)  # noqa: E731
    expect(field("Prompt", 1)).to_have_value(EVIL)
    expect(field("Match", 2)).to_have_value("parent")
    expect(judged.locator("tr")).to_have_count(50)
    expect(judged).to_contain_text("The first 50 of 62 are shown; the others stay.")
    field("Match", 2).select_option("choice")
    field("Answer", 2).fill("foxes")
    keep = judged.get_by_role("button", name="Keep")
    keep.click()
    expect(judged.get_by_role("status").first).to_contain_text("has 1 choices; 2 to 32 different ones, please")
    field("Answer", 2).fill("foxes | foxen")
    field("Prompt", 3).fill("")
    judged.get_by_label("Name of the set").fill("Other <b>")
    judged.get_by_role("button", name="One more").click()
    field("Prompt", 51).fill("plural of hat")
    field("Answer", 51).fill("hat")
    field("Match", 51).select_option("within")
    keep.click()
    expect(chosen).to_have_value("own Other <b>", timeout=20_000)
    kept = page.page.evaluate(KEPT)
    assert list(kept) == ["Other <b>"] and json.loads(kept["Other <b>"])["name"] == "Other <b>"
    found = parse_questions(kept["Other <b>"], "x.json").questions
    assert found[0] == Question(EVIL, "boxes", "exact", "first") and len(found) == 62
    assert found[1] == Question("plural of fox", "foxes", "choice", "first", ("foxen", "foxes"))
    assert found[2].prompt == "plural of word1" and found[-1].prompt == "plural of word59"
    assert Question("plural of hat", "hat", "within") in found and page.page.evaluate("window.hacked") is None
