"""What people without a mouse, or without eyes, meet: axe's rules for WCAG 2.2 A and AA, and how often Tab has to be pressed."""

from typing import Any

import pytest

from tests.browsing import ROOT

expect = pytest.importorskip("playwright.sync_api").expect
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
RUN = """async () => {
  const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
  // the editor's colours are made darker by a filter, which axe does not see
  const found = await axe.run({ include: [['body']], exclude: [['.cm-content']] }, { runOnly: { type: 'tag', values: tags } });
  const told = ({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.failureSummary}`);
  return found.violations.flatMap(told);
}"""
MOST = 30
pytestmark = pytest.mark.browser


def faults(page: Any) -> list[str]:
    if not page.page.evaluate("'axe' in window"):
        page.page.add_script_tag(path=str(AXE))
    return page.page.evaluate(RUN)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Any, theme: str) -> None:
    if not AXE.is_file():
        pytest.skip("no axe-core: make js")
    page = open_page(height=860, query=f"?__theme={theme}", first=theme == "light")
    page.page.wait_for_timeout(1500)
    found = {"first": faults(page)}
    page.page.locator("body").evaluate("() => localStorage.setItem('merge-explorer-first-visit', '1')")
    for box in ("models", "method", "start", "save", "more"):
        page.box(box)
        found[box] = faults(page)
    page.page.keyboard.press("Escape")
    for drawer in ("Find", "Inside", "Recipe", "History", "Other models", "Publish"):
        page.tab(drawer)
        page.page.wait_for_timeout(1200)
        # gradio's own sign of a figure that is still being made has a name and no role
        expect(page.page.locator("#below [aria-label='Empty value']:visible")).to_have_count(0, timeout=30_000)
        found[drawer] = faults(page)
    assert not {place: wrong for place, wrong in found.items() if wrong}


def test_few_stops_on_the_first_screen(open_page: Any) -> None:
    """Lanes, rows and lists are one stop each; Tab comes around, so nothing holds the focus."""
    page = open_page(height=860)
    page.says("ahoy me matey, arr!")
    page.page.evaluate("document.activeElement.blur()")
    seen: list[str] = []
    for _ in range(80):
        page.page.keyboard.press("Tab")
        name = page.page.evaluate(
            "(() => { const a = document.activeElement; return a === document.body ? '' "
            ": `${a.tagName} ${a.getAttribute('aria-label') ?? a.textContent ?? ''}`.slice(0, 60); })()"
        )
        if not name or name in seen[:1]:
            break
        seen.append(name)
    assert 10 < len(seen) <= MOST, seen
