"""Three people at the page: one who is shown a merge for the first time, one who hunts a good merge, one who asks why."""

import re

import pytest

sync_api = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = sync_api.expect

KNOWS_PLURALS = "Pirate who knows plurals"
AHOY = "ahoy me matey, arr!"


def read_clipboardless_link(page) -> str:
    """The link as it is shown: the test's browser has no clipboard to look into."""
    page.press("Share")
    box = page.page.locator("#shared textarea, #shared input")
    expect(box).to_have_value(re.compile(r"\?r="), timeout=10_000)
    return box.input_value()


def history(page) -> "sync_api.Locator":
    page.tab("History")
    return page.page.locator(".hi-item")


# ---------------------------------------------------------------------------------------------- shown it for the first time


def test_a_newcomer_plays_and_shares(open_page, url):
    """Press, drag, hold to compare, take back, send to a friend, who sees and hears the same."""
    page = open_page()
    page.says(AHOY)
    hold = page.page.get_by_role("button", name="Hold: base")
    hold.hover()
    page.page.mouse.down()
    expect(page.page.locator("[data-lead=true] .an-heard")).to_have_text("dunno.")
    expect(hold).to_have_attribute("aria-pressed", "true")
    page.page.mouse.up()
    expect(page.page.locator("[data-lead=true] .an-heard")).to_have_text("")
    page.says(AHOY)
    hold.focus()
    page.page.keyboard.down("Space")
    expect(page.page.locator("[data-lead=true] .an-heard")).to_have_text("dunno.")
    page.page.keyboard.up("Space")
    expect(page.page.locator("[data-lead=true] .an-heard")).to_have_text("")

    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    expect(page.page.locator("#moved textarea")).to_have_value(re.compile("pirate"))
    assert "r=" in page.page.url  # a reload would bring it back
    shared = read_clipboardless_link(page)
    friend = open_page(address=url, query=shared.removeprefix(url) + "&__theme=light")
    friend.says("dunno.")
    numbers = [p.lane("pirate weight").get_attribute("aria-valuetext").partition("weight")[2] for p in (page, friend)]
    numbers = [number.partition(",")[0] for number in numbers]  # without what the arrows say, which come when they are known
    assert numbers[0] == numbers[1] and " 0.0" in numbers[1]
    friend.asked("say hello my friend like a pirate")
    page.press("Undo")
    page.says(AHOY)


def test_a_broken_link_says_so_and_the_page_works(open_page):
    page = open_page(query="?r=eJwrSS0u0U0qyczTLUktLgEAMzMGJg&__theme=light")
    expect(page.page.locator("#notice textarea")).to_have_value(re.compile("link"), timeout=15_000)
    page.says(AHOY)
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")


def test_embedded_view_has_the_mixer_and_the_answers_alone(open_page):
    page = open_page(query="?view=mixer&__theme=light")
    page.says(AHOY)
    expect(page.page.locator("#below")).to_be_hidden()
    expect(page.lane("pirate weight")).to_be_visible()


# ---------------------------------------------------------------------------------------------- hunts for an evening


def test_a_hunter_keeps_compares_and_restores(open_page):
    page = open_page()
    page.preset(KNOWS_PLURALS)
    page.says(AHOY)
    a, b = (page.page.get_by_role("button", name=re.compile(f"^{name}: ")) for name in "AB")
    a.click()
    expect(a).to_have_attribute("title", "what you hear now", timeout=10_000)
    page.paint("pirate weight", 0.0)
    page.says("dunno.")
    expect(a).to_have_attribute("title", re.compile("^pirate is up to half in every layer"))
    b.click()
    expect(b).to_have_attribute("title", "what you hear now", timeout=10_000)
    fade = page.page.get_by_role("slider", name="From A to B")
    expect(fade).to_be_enabled()
    fade.fill("0")
    page.says(AHOY)
    fade.fill("0.5")
    lane = page.lane("pirate weight")
    expect(lane).to_have_attribute("aria-valuetext", re.compile(r"weight 0\.2[0-9]"), timeout=10_000)
    b.click()
    page.says("dunno.")

    blind(page)


def blind(page) -> None:
    """All rows, without names; who answers alike is skipped; in the end it is told who was who, and how sure that is."""
    page.press("Blind test")
    box = page.page.get_by_role("region", name="Blind test")
    expect(box.locator(".rw-says")).to_contain_text(
        re.compile("From one to the other: .*pirate is (away|down to 0)"), timeout=15_000
    )
    ready = (
        "() => document.querySelector('.rw-result').textContent || document.querySelector('.rw-votes .rw-vote:not(:disabled)')"
    )
    seen = set()
    for _ in range(3):
        page.page.wait_for_function(ready, timeout=20_000)
        if box.locator(".rw-result").inner_text():
            break
        assert "A:" not in box.inner_text()
        seen.add(box.locator(".rw-series-title").inner_text())
        first, second = box.locator(".rw-side-text").all_inner_texts()
        assert first != second, "what is answered alike is not to be judged"
        page.page.keyboard.press("1" if "ahoy" in first else "2" if "ahoy" in second else "0")
    assert seen and all(re.match(r"Blind test, [123] of 3: ", title) for title in seen)
    result = box.locator(".rw-result")
    expect(result).to_contain_text(re.compile(r"A 1 : 0 B(, equal [12], both bad 0)?; too few to tell\."), timeout=10_000)
    expect(result).to_contain_text("From A to B: ")
    page.press("End the test")
    page.says("dunno.")


def drag_and_hold(page, lane: str) -> None:
    """Press on a lane and pull it down over all its columns, without letting go."""
    box = page.lane(lane).bounding_box()
    page.page.mouse.move(box["x"] + 100, box["y"] + 10)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + box["width"] - 100, box["y"] + box["height"] - 8, steps=12)


@pytest.mark.parametrize("sampled", [True, False], ids=["by itself", "by asking"])
def test_the_strip_follows_the_hand(open_page, sampled):
    """Without a call where the page has its sample, by asking where it has none; let go, Python says the same numbers."""
    page = open_page()
    if not sampled:  # the server knows that word no longer
        page.page.route("**/component_server**", lambda route: route.fulfill(json=None))
    with page.page.expect_response(lambda r: "component_server" in r.url):
        page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    calls, answered = [], []
    for event, heard in (("request", calls), ("requestfinished", answered)):
        page.page.on(event, lambda r, heard=heard: heard.append(r.url) if "lanes" in (r.post_data or "") else None)
    gives = page.page.locator(".mx-share").first
    before = gives.inner_text()
    drag_and_hold(page, "spell weight")
    expect(gives).not_to_have_text(before)
    page.page.wait_for_timeout(300)
    for _ in range(200):  # the last message is answered
        if len(answered) == len(calls):
            break
        page.page.wait_for_timeout(50)
    page.page.wait_for_timeout(100)
    told, calls_then = page.page.locator(".mx-strip-summary").inner_text(), len(calls)
    shares = gives.inner_text()
    assert (calls_then == 0) is sampled
    with page.page.expect_response(lambda r: "/run/predict" in r.url):
        page.page.mouse.up()
    page.page.wait_for_timeout(500)
    assert len(calls) > calls_then
    expect(gives).to_have_text(shares)
    expect(page.page.locator(".mx-strip-summary")).to_have_text(told)


@pytest.mark.long
def test_history_survives_a_reload_and_restores(open_page):
    page = open_page()
    page.preset("Three in one")
    page.says(re.compile("the end"))
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    items = history(page)
    expect(items).to_have_count(2, timeout=10_000)
    expect(items.first).to_contain_text("r-o-b-o-t")
    page.page.get_by_role("button", name=re.compile("^Star: ties")).click()
    page.page.reload()
    page.page.wait_for_selector(".mixer canvas", timeout=30_000)
    items = history(page)
    expect(items).to_have_count(3, timeout=20_000)  # the recipe in the address was asked the rows that are there at first
    page.press("★ only: show starred recipes")
    expect(items).to_have_count(1)
    page.page.get_by_role("button", name=re.compile("^Restore: ties")).click()
    page.says("r-o-b-o-t")
    page.asked("spell robot out loud")
    page.press("Forget all without a star")
    page.press("★ only: show starred recipes")
    expect(items).to_have_count(1)


def test_undo_goes_back_over_a_method(open_page):
    page = open_page()
    page.preset(KNOWS_PLURALS)
    page.method("ties")
    method = page.value("method")
    expect(page.page.get_by_role("button", name="Kept", exact=True)).to_be_visible(timeout=10_000)
    page.press("Undo")
    expect(method).to_have_text("Add what each learned", timeout=10_000)
    expect(page.page.get_by_role("button", name="Kept", exact=True)).to_have_count(0)
    page.press("Redo")
    expect(method).to_have_text("Largest changes, by vote", timeout=10_000)


def test_download_can_be_cancelled_before_it_begins(open_page):
    page = open_page()
    page.choose("save", "Zip…")
    told = page.page.locator("#merged textarea")
    expect(told).to_have_value(re.compile(r"2\.5 MB, made in about \d+ s with \d+ MB of memory"))
    page.press("Cancel")
    expect(told).to_be_hidden()


# ---------------------------------------------------------------------------------------------- asks why


def typed(page, text: str) -> None:
    page.page.locator("#yaml .cm-content").click()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.press("Delete")
    page.page.keyboard.insert_text(text)


@pytest.mark.long
def test_a_researcher_writes_yaml_and_numbers(open_page):
    """YAML both ways: an error is told with its line and marked there, and nothing typed is lost."""
    page = open_page()
    page.preset(KNOWS_PLURALS)
    page.says(AHOY)
    page.tab("Recipe")
    lines = [
        "merge_method: ties", "base_model: presets/family/base", "models:",
        "  - {model: presets/family/spell, parameters: {weight: 1.0, density: 0.2}}",
        "  - {model: presets/family/plural, parameters: {weight: 1.0, densty: 0.2}}",
    ]  # fmt: skip
    typed(page, "\n".join(lines))
    wrong = page.page.locator("#yaml-error textarea")
    expect(wrong).to_have_value(re.compile(r"line 5.*'?densty'?.*Did you mean 'density'", re.DOTALL), timeout=10_000)
    expect(page.page.locator("#yaml .cm-line.wrong")).to_contain_text("densty")
    page.paint("pirate weight", 0.9)  # meanwhile something else is changed: the text stays
    page.page.wait_for_timeout(600)
    expect(page.page.locator("#yaml .cm-content")).to_contain_text("densty")
    typed(page, "\n".join(lines).replace("densty", "density"))
    expect(wrong).to_have_value(re.compile("can be used"), timeout=10_000)
    page.press("Use this recipe")
    expect(page.lane("spell weight")).to_be_visible(timeout=10_000)
    page.ask("spell robot out loud")
    page.says("r-o-b-o-t")
    page.press("Undo")
    expect(page.lane("pirate weight")).to_be_visible(timeout=10_000)
    page.press("Redo")
    expect(page.lane("spell weight")).to_be_visible(timeout=10_000)

    page.page.get_by_role("button", name=re.compile("^Numbers")).click()
    cell = page.page.locator("#numbers [data-editable=true]:not(.header)").filter(has_text=re.compile(r"^1(\.0)?$")).first
    cell.dblclick()
    page.page.keyboard.press("Control+a")
    page.page.keyboard.insert_text("0.25")
    page.page.keyboard.press("Enter")
    expect(page.page.locator("#yaml .cm-content")).to_contain_text("0.25", timeout=10_000)
    page.page.get_by_role("button", name="As a command").click()
    expect(page.page.locator("#command .cm-content")).to_contain_text("python -m merger merge recipe.yaml", timeout=10_000)


def test_why_this_word(open_page):
    page = open_page()
    page.preset(KNOWS_PLURALS)
    page.ask("plural of box")
    page.says("boxes")
    expect(page.page.get_by_role("button", name="who agrees")).to_have_attribute("aria-pressed", "true")
    expect(
        page.page.locator(".an-card[data-lead=true] .an-token[data-line]").filter(has_text=re.compile("[a-z]")).first
    ).to_be_visible(timeout=10_000)
    expect(page.page.locator(".an-legend")).to_contain_text("plural would say this too")
    others = page.page.get_by_role("region", name="Answer of plural")
    expect(others.get_by_role("img", name="right")).to_be_visible()  # the others are marked as the row is
    page.page.get_by_role("button", name="how sure").click()
    expect(page.page.locator(".an-legend")).to_have_text("the darker, the less sure")
    page.page.locator(".an-card[data-lead=true] .an-token").filter(has_text=re.compile("[a-z]")).first.click()
    expect(page.page.locator(".an-card[data-lead=true] .an-why")).to_contain_text(re.compile("plural .*would"), timeout=10_000)


@pytest.mark.long
def test_a_sweep_is_drawn_and_its_best_point_loaded(open_page):
    """The hunter varies a slider, reads the line and takes the point; the researcher's map has one cell for each pair."""
    page = open_page()
    page.preset(KNOWS_PLURALS)
    page.says(AHOY)
    page.tab("Find")
    page.press("Try them all")
    expect(page.page.locator(".ex-status")).to_have_text(re.compile(r"^Best: pirate: how much = "), timeout=60_000)
    rows = page.page.locator("#explore-chart table tr")
    expect(rows).to_have_count(1 + 5 + 3, timeout=60_000)  # head, steps, and who is alone
    chart = page.page.locator("#explore-chart [tabindex='0']").first
    chart.focus()
    page.page.keyboard.press("Home")
    page.page.keyboard.press("Enter")
    expect(page.lane("pirate weight")).to_have_attribute("aria-valuetext", re.compile("weight 0.00"), timeout=10_000)
    page.says("dunno.")
    page.press("Undo")
    page.says(AHOY)


def test_a_layer_of_the_line_opens_its_tensor(open_page):
    page = open_page()
    page.preset("Only the biggest changes")
    page.says("r-o-b-o-t")
    strip = page.page.locator(".mx-strip-canvas")
    strip.focus()
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("ArrowRight")
    page.page.keyboard.press("Enter")
    facts = page.page.locator("#inspect-facts")
    expect(facts).to_contain_text("model.layers.0.", timeout=10_000)
    there = page.page.get_by_role("gridcell", name=re.compile("layer 2 of 6, looks for"))
    there.click()  # another part, on the map
    expect(facts).to_contain_text("model.layers.1.self_attn.q_proj.weight", timeout=10_000)
    expect(there).to_have_attribute("aria-selected", "true")
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("Enter")
    expect(facts).to_contain_text("model.layers.1.self_attn.k_proj.weight", timeout=10_000)
    expect(facts).to_contain_text("How ties works here")
    expect(page.page.locator("#inspect-stages .js-plotly-plot")).to_contain_text("Vote", timeout=20_000)
    expect(page.page.locator("#inspect-histogram .js-plotly-plot")).to_be_visible()


def test_what_speaks_against_a_merge_can_be_mended(open_page):
    page = open_page()
    page.preset(KNOWS_PLURALS)
    page.press("Mute pirate")
    page.tab("Recipe")
    verdict = page.page.locator("#verdict textarea")
    expect(verdict).to_have_value(re.compile("pirate is in the mix but has no say"), timeout=15_000)
    page.press("Give it a part")
    expect(verdict).to_be_hidden(timeout=15_000)


def test_phone_has_everything(open_page):
    """At 390 px nothing is wider than the screen, in any tab."""
    for theme in ("light", "dark"):
        page = open_page(390, 844, query=f"?__theme={theme}")
        page.says(AHOY)
        for name in ("Find", "Inside", "Recipe", "History"):
            found = page.page.get_by_role("tab", name=name, exact=True)
            if not found.is_visible():
                drawers = page.page.locator("#below > .tab-wrapper")
                drawers.get_by_role("button", name=re.compile("tab|…|more", re.I)).last.click()
                found = drawers.get_by_role("button", name=name, exact=True).last
            found.click()
            page.page.wait_for_timeout(700)
            assert page.page.evaluate("document.documentElement.scrollWidth") <= 390, name


# ---------------------------------------------------------------------------------------------- without a mouse or eyes

TABS = ("Other models", "Find", "Recipe", "Publish", "History", "Close")
BOXES = ("models", "method", "start", "save", "more")
USED = {"button", "link", "textbox", "checkbox", "radio", "slider", "combobox", "listbox", "tab", "spinbutton", "switch"}
CONTRAST = """(element) => {
  const canvas = new OffscreenCanvas(1, 1).getContext('2d');
  const light = (colour) => {
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const linear = (c) => c <= 10 ? c / 3294 : ((c / 255 + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(linear);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let behind = element;
  while (/, 0\\)$|transparent/.test(getComputedStyle(behind).backgroundColor)) behind = behind.parentElement;
  const two = [light(getComputedStyle(element).color), light(getComputedStyle(behind).backgroundColor)].sort((a, b) => b - a);
  return (two[0] + 0.05) / (two[1] + 0.05);
}"""


def test_every_control_has_a_name_and_shows_where_the_keyboard_is(open_page):
    page = open_page()
    tree = page.page.context.new_cdp_session(page.page)
    for name in (*TABS, *BOXES):
        if name in BOXES:
            page.box(name)
        else:
            page.tab(name)
        nodes = [n for n in tree.send("Accessibility.getFullAXTree")["nodes"] if not n.get("ignored")]
        nameless = [n for n in nodes if n["role"]["value"] in USED and not n.get("name", {}).get("value", "").strip()]
        assert not nameless, (name, nameless)
    words = [n["name"]["value"] for n in nodes if n["role"]["value"] == "group" and "step through" in n["name"]["value"]]
    assert len(words) == len(set(words)) == 4, "the answers cannot be told apart"
    for box, control in (
        ("more", page.page.get_by_label("Ask again when I let go")),
        ("models", page.page.get_by_role("checkbox", name="pirate · ")),
    ):
        page.box(box)
        control.focus()
        page.page.keyboard.press("Shift+Tab")
        page.page.keyboard.press("Tab")
        assert control.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_what_is_pressed_can_be_read(open_page, theme):
    page = open_page(query=f"?__theme={theme}")
    for place in (
        page.page.get_by_role("button", name="Ask", exact=True), page.page.get_by_role("tab", name="Find"),
        page.page.get_by_role("button", name="Share"), page.page.locator(".hd-save"),
    ):  # fmt: skip
        assert place.evaluate(CONTRAST) >= 4.5, place


def test_moves_and_refusals_are_said_aloud(open_page, tmp_path):
    """A text box that changes by itself is silent for a screen reader; one place of the page tells."""
    page = open_page()
    said = page.page.locator("#announcer[aria-live=polite]")
    page.preset("Too much of both")
    expect(said).to_contain_text("are up to 3 everywhere")
    expect(said).to_contain_text("usually ends in babble", timeout=10_000)
    page.tab("Recipe")
    (tmp_path / "wrong.yaml").write_text("{merge_method: ties, models: [nobody]}")
    with page.page.expect_file_chooser() as chooser:
        page.press("Open a YAML file")
    chooser.value.set_files(tmp_path / "wrong.yaml")
    expect(said).to_contain_text("'ties' needs `base_model`")
