"""Shared by the tests: a tiny family of models, recipes that use every parameter, skips for what a machine lacks."""

import contextlib
import gc
import json
import logging
import os
import shutil
import signal
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pretended
import pytest
import slipcover
import tiny
import torch
from browsing import browser, open_page, url  # noqa: F401  (fixtures for every test)

from merger.methods import Method
from merger.methods.params import Param

pretended.register()  # here, as any file's backward pass may be a process's first

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell leaves it to what runs in the background; tests send it
    with contextlib.suppress(ValueError):  # not this process's main thread
        signal.signal(signal.SIGINT, signal.default_int_handler)

# a page of an earlier test may still be asking the Hub, again and again where there is none: what it logs is no other test's
logging.getLogger("huggingface_hub").propagate = False

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


# Begun first where tests run in several processes, so that none of them is waited for at the end.
LONG = (
    "test_smollm.py", "test_desk.py", "test_instrument.py", "test_safe.py", "test_strangers.py", "test_smollm2.py",
    "test_evaluate.py", "test_docs.py", "test_device.py", "test_access.py", "test_explore.py", "test_journey.py",
    "test_loadable.py", "test_examples.py", "test_study.py", "test_contributing.py",
)  # fmt: skip

# Their journeys in the browser are among the long tests, which `make check` leaves out; others see the same page in less time.
JOURNEYS = (
    "test_desk.py", "test_instrument.py", "test_people.py", "test_access.py", "test_chat.py", "test_explore.py",
    "test_waiting.py", "test_must_stay.py", "test_numbers.py", "test_sets.py",
)  # fmt: skip

# What goes by the clock, or by other processes, is tried a second time, and a journey in the browser a third: on a busy machine a
# press may come before the page is ready for it. What fails then fails; "rerun" in the report says where it happened.
TIMED = (
    "test_templates.py", "test_zerogpu.py", "test_bounds_of_visitors.py", "test_bounds_of_sessions.py", "test_bounds_of_disk.py",
    "test_luck.py", "test_rehearsal.py", "test_loadable.py", "test_output.py", "test_background.py", "test_strangers.py",
    "test_docs.py", "test_wheel.py", "test_fuzz.py", "test_serve.py", "test_ray.py", "test_ray_merge.py", "test_scale.py",
    "test_ranges.py",
)  # fmt: skip


@pytest.hookimpl(tryfirst=True)  # before -m chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
    chromium = os.environ.get("CHROMIUM") or os.environ.get("PLAYWRIGHT_CHROMIUM") or any(map(shutil.which, BROWSERS))
    missing = {
        "gpu": None if torch.cuda.is_available() else "no CUDA device here",
        "browser": None if chromium else "no Chromium here",
    }
    for item in items:
        journey = "browser" in getattr(item, "fixturenames", ())
        if journey and item.path.name in JOURNEYS:
            item.add_marker(pytest.mark.long)
        again = 2 if journey else 1 if item.path.name in TIMED else 0
        if again:
            item.add_marker(pytest.mark.flaky(reruns=again))
        for mark, reason in missing.items():
            if reason and item.get_closest_marker(mark):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Nobody looks for garbage while all modules are read: their objects stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """What is there by now stays: searches for garbage, of which tests and program ask hundreds, pass over it."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Before pytest's closing line: with COVERAGE=1 the lines of merger/ that no test has run in its own processes; and what was
    tried again, with where it failed, which the report otherwise forgets, also where a later try failed for another reason."""
    folder = os.environ.get("SLIPCOVER_COVERAGE_DIR")
    if folder and "PYTEST_XDIST_WORKER" not in os.environ and terminalreporter.config.getoption("numprocesses", None):
        merged = json.loads((Path(folder) / "merged.json").read_text(encoding="utf-8"))
        shutil.rmtree(folder)
        terminalreporter.section("lines of merger/ that no test runs")
        slipcover.print_coverage(merged, missing_width=100, skip_covered=True)
    if again := terminalreporter.stats.get("rerun"):
        terminalreporter.section("tried again")
        for report in again:
            crash = getattr(report.longrepr, "reprcrash", None)
            entries = getattr(getattr(report.longrepr, "reprtraceback", None), "reprentries", ())
            places = [entry.reprfileloc for entry in reversed(entries) if getattr(entry, "reprfileloc", None)]
            lines = [f"{place.path}:{place.lineno}" for place in places]
            terminalreporter.line(f"{report.nodeid}, {report.when}: {' < '.join(lines)}")
            said = (crash.message if crash else report.longreprtext).splitlines()
            terminalreporter.line(textwrap.indent("\n".join(said[:6]), "    "))


@pytest.fixture
def device() -> Iterator[pretended.Ledger]:
    """The pretended GPU, with nothing of an earlier test on it."""
    gc.collect()
    with pretended.device() as ledger:
        yield ledger


@pytest.fixture(scope="session")
def family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with base, a, b and c in float32. Read only: tests that damage a model make their own."""
    folder = tmp_path_factory.mktemp("family")
    tiny.make_family(folder)
    return folder


@pytest.fixture(scope="session")
def half_family(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same in bfloat16, whose deltas lie on a coarse grid."""
    folder = tmp_path_factory.mktemp("half")
    tiny.make_family(folder, dtype=torch.bfloat16)
    return folder


@pytest.fixture
def recipe_file(tmp_path: Path) -> Callable[[str], Path]:
    """Write a recipe's text to a file of this test."""

    def write(text: str) -> Path:
        path = tmp_path / "recipe.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def donors(method: Method) -> int:
    """How many models besides the base the generic tests give a method."""
    fewest, most = method.models
    n = max(fewest, 3 if most is None else min(3, most))
    return n - 1 if method.base == "first" else n


def tensors_in(method: Method) -> int:
    """With the base where it is one of the tensors that are merged."""
    return donors(method) + (method.base in ("first", "joins"))


def sample(param: Param, share: float) -> Any:
    """A value of a parameter that is not its default: `share` of its slider's range for numbers."""
    if param.kind == "bool":
        return not param.default
    if param.kind == "choice":
        return next(c for c in reversed(param.choices) if c != param.default)
    low, high = (end if abs(end) != float("inf") else 1.0 for end in param.slider)
    value = low + share * (high - low) / (5 if param.name == "epsilon" else 1)  # an epsilon stays small beside a density
    return max(int(param.low), round(value)) if param.kind == "int" else round(value, 4)


def rich_recipe(method: Method, **top: Any) -> dict[str, Any]:
    """A recipe of this method that sets every parameter, with curves and filters wherever the grammar allows."""

    def curve(param: Param, share: float) -> Any:
        return [sample(param, share), sample(param, min(1, share + 0.3)), sample(param, share / 2)]

    def shared(param: Param) -> Any:
        if param.kind in ("bool", "choice"):
            return sample(param, 0)
        return [{"filter": "mlp", "value": curve(param, 0.5)}, {"filter": "norm", "value": sample(param, 0.7)},
                {"value": sample(param, 0.4)}]  # fmt: skip

    def own(param: Param, i: int) -> Any:
        if param.kind in ("bool", "choice"):
            return sample(param, 0)
        rules = [{"filter": "self_attn", "value": curve(param, 0.6)}, {"value": sample(param, 0.35)}]
        return (rules, curve(param, 0.3), sample(param, 0.55))[i % 3]

    each = [p for p in method.params if p.per_model]
    names = [*"abc"[: donors(method)], *(["base"] if method.base == "joins" else [])]
    models = [{"model": name, "parameters": {p.name: own(p, i) for p in each}} for i, name in enumerate(names)]
    parameters = {p.name: shared(p) for p in method.params if not p.per_model}
    recipe = {"merge_method": method.name, "models": models, "parameters": parameters}
    return recipe | ({} if method.base == "ignored" else {"base_model": "base"}) | top


def as_text(recipe: dict[str, Any]) -> str:
    """A recipe as text; JSON is YAML."""
    return json.dumps(recipe)
