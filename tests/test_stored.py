"""What visitors keep of the version before (0.1.0) still opens: links in messages and bookmarks, histories in browsers."""

import json
import re
from typing import Any

import pytest

from merger.recipe import constant, dump, load
from merger.ui import workspace

LINK = (
    "eNqdUNtOwzAMfc9X-APWrtuYkPIrCFVe667RnCZKXFD5epxqQlDBHsibfY5zLhN6sjAiD8ZTulLrScbQWxDMtxaTk1E3rjMXzAqGnthCTJRJ8n5A73jZF8is"
    "ULYGoILfadElFFICQMSkukJpPSjvndx1FAsvTd3soKmP5x0c6ubV_KQy-kuPVglnU1XV1rOj_B-ja_yHvu5TuRkcK8GC5_i1BXhDnqn4On2j3pea41EtPCfkP"
    "-R7mrKTpXz8tGmqqQ-bcqaQPLL7UMkBWaP2ssQycEA5HY2EG00KpzaHOXWKrIVkIu3u2YSp9S57lG60kG8umk_yyqnv"
)
"""`?r=` of two documents with a curve, rules, an integer seed and a policy."""
ENTRY = {
    "id": 2871490733, "star": True, "time": 1763900000000,
    "yaml": "merge_method: ties\nbase_model: presets/family/base\nmodels:\n  - model: presets/family/plural\n    parameters:\n"
    "      weight: 1.0\n      density: 0.2\n  - model: presets/family/spell\n    parameters:\n      weight: 1.0\n"
    "      density: 0.2\nparameters:\n  normalize: true\ndtype: bfloat16\n",
    "title": "ties: plural, spell", "prompt": "spell robot out loud", "answer": "r-o-b-o-t",
    "lanes": [{"slot": 0, "numbers": [1.0] * 8}, {"slot": 1, "numbers": [1.0] * 8}],
}  # fmt: skip
"""An entry of the browser's list, under the key `merge-explorer-history`."""


def test_a_link_of_the_version_before_says_the_same() -> None:
    recipe = load(workspace.from_link(LINK))
    assert workspace.link(recipe) == LINK
    [half] = recipe.earlier
    pirate, plural = half.models[0], recipe.models[1]
    assert (half.name, half.merge_method, recipe.merge_method) == ("half", "task_arithmetic", "ties")
    assert pirate.parameters == (("weight", constant((0.0, 0.25, 1.0))),)
    assert dict(recipe.models[0].parameters)["weight"].rules == (("mlp", 0.3), (None, 1.0))
    assert dict(plural.parameters) == {"density": constant(0.4), "weight": constant(0.1)}
    assert (recipe.parameters, recipe.dtype) == ((("normalize", constant(False)),), "float32")
    assert (recipe.seed, recipe.on_mismatch, recipe.tokenizer_source) == (7, "skip", "base")


def test_the_yaml_of_a_stored_recipe_is_what_is_written_today() -> None:
    """The list tells entries apart by their YAML: written otherwise, every recipe tried again would stand there twice."""
    assert dump(load(str(ENTRY["yaml"]))) == ENTRY["yaml"]


@pytest.mark.browser
@pytest.mark.long
def test_a_history_of_the_version_before_is_shown_and_restored(open_page: Any) -> None:
    expect = pytest.importorskip("playwright.sync_api").expect
    page = open_page()
    page.page.evaluate("text => localStorage.setItem('merge-explorer-history', text)", json.dumps([ENTRY]))
    page.page.reload()
    page.page.wait_for_selector(".mixer canvas", timeout=30_000)
    page.says(re.compile("arr"))  # the start's own answer is in the list too
    page.tab("History")
    page.press("★ only: show starred recipes")
    expect(page.page.locator(".hi-item")).to_have_count(1)
    expect(page.page.locator(".hi-item")).to_contain_text("r-o-b-o-t")
    page.page.get_by_role("button", name=re.compile("^Restore: ties")).click()
    page.says("r-o-b-o-t")
    page.asked("spell robot out loud")
