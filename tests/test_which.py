"""Which models, on the page: unfolded in Find it compares the desk's models, and a press puts a pair into the mix."""

import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect


@pytest.mark.long
def test_a_pair_worth_merging_is_merged(open_page):
    page = open_page()
    page.tab("Find")
    page.page.get_by_role("button", name="Which models").click()
    picture = page.page.locator("#which-models .js-plotly-plot")
    expect(picture).to_contain_text("How alike the models' changes are", timeout=20_000)
    expect(page.page.locator("#kin-words textarea")).to_have_value(re.compile("All come from this base"))
    worth = page.page.locator("#worth-merging")
    expect(worth.get_by_role("radio")).to_have_count(9)
    first = worth.get_by_role("radio").first
    expect(first).to_contain_text("times as far")
    first.click()
    expect(page.lane("story weight")).to_be_visible(timeout=10_000)
    expect(page.lane("plural weight")).to_have_count(0)
    page.press("Undo")
    expect(page.lane("plural weight")).to_be_visible(timeout=10_000)
