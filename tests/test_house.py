"""The house rules: who may import whom, what a headless merge loads, fresh docs."""

import ast
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

import merger
from merger.methods import METHODS

ROOT = Path(__file__).parent.parent
# Downwards only: a package imports from the rows above it. `cli` imports `ui` for one command, `ui` never `cli`.
ORDER = (
    "errors findings hosts inside limits looks regular", "methods", "recipe kernels", "files", "tokenizer", "gguf", "hub",
    "engine", "inspect chat export", "voice", "search", "ui serve", "cli", "__main__ app",
)  # fmt: skip
RANK = {name: row for row, names in enumerate(ORDER) for name in names.split()}
# Package -> the only places that may import it: what their path begins with.
ONLY = {
    "gradio": ("ui", "app"), "plotly": ("inspect.plots",), "yaml": ("recipe",), "huggingface_hub": ("hub",),
    "transformers": ("chat", "tokenizer.safe", "engine.loadable", "cli.doctor", "hub.smollm2", "gguf.reading"),
    "jinja2": ("tokenizer.renderer",), "fsspec": ("files.stores",), "s3fs": ("files.stores",),
    "uvicorn": ("cli.serve", "serve.patience"),
}  # fmt: skip
NO_TORCH = (
    "__main__", "app", "errors", "findings", "inside", "limits", "regular", "recipe", "files.texts", "files.heads",
    "files.layout", "methods.params", "tokenizer.renderer", "tokenizer.templates",
    "tokenizer.patterns", "tokenizer.rehearsal", "engine.arguments", "engine.stacks", "ui",
)  # fmt: skip
SOURCES = sorted([*(ROOT / "merger").rglob("*.py"), *ROOT.glob("app.py")])


def module(path: Path) -> str:
    """merger/methods/deltas.py -> methods.deltas, merger/ui/__init__.py -> ui, app.py -> app."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    inside = parts[1:] if parts[0] == "merger" else parts
    return ".".join(inside[:-1] if inside[-1] == "__init__" and len(inside) > 1 else inside)


def within(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every imported module with its line, wherever the import stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: absolute imports, please"
            assert node.module is not None
            if node.module == "merger":
                yield from ((f"merger.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield node.module, node.lineno


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_downwards(path: Path) -> None:
    own, wrong = module(path), []
    package = own.partition(".")[0]
    if own == "__init__":  # the public names, from anywhere in the engine
        allowed = [name for name in RANK if name not in ("ui", "cli", "app", "__main__")]
    else:
        assert package in RANK, f"{package} is not in the order of imports; add it to ORDER and to the design"
        allowed = [name for name in RANK if RANK[name] < RANK[package] or name == package]
        if RANK[package] == 0:  # the ground: types and bounds that know each other
            allowed += ORDER[0].split()
    for name, line in imports(path):
        top, _, rest = name.partition(".")
        if top == "merger" and rest:
            target = rest.split(".")[0]
            if target in RANK and target not in allowed:
                wrong.append(f"line {line}: {own} imports {target}")
            elif target not in RANK:
                wrong.append(f"line {line}: {name} is not a module")
        elif top in ONLY and (not within(own, ONLY[top]) or own == "ui.workspace"):
            wrong.append(f"line {line}: {top} belongs to {ONLY[top]}")
        elif top == "torch" and within(own, NO_TORCH):
            wrong.append(f"line {line}: no tensor code in {own}")
    assert not wrong


def strings(tree: ast.AST) -> Iterator[ast.Constant]:
    """The strings of a module that are no docstrings."""
    written = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in written:
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_methods_name_stands_in_methods_only(path: Path) -> None:
    """A fact about a method is in its law (merger/methods/law.py), so that a new method needs no edit elsewhere."""
    if not within(module(path), ["methods"]):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        assert [f"line {node.lineno}: {node.value}" for node in strings(tree) if node.value in METHODS] == []


def by_position(tree: ast.AST) -> Iterator[int]:
    """Lines of functions whose lists or tuples of anything would be drawn in an order that stands elsewhere too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.returns is not None:
            returned = ast.unparse(node.returns).removeprefix("Iterator[").rstrip("]")
            if returned.startswith(("list[Any", "tuple[Any", "Sequence[Any")):
                yield node.lineno


@pytest.mark.parametrize(
    "path", [*sorted((ROOT / "merger/ui/panels").glob("*.py")), ROOT / "merger/ui/app.py"], ids=lambda p: p.name
)
def test_events_draw_by_name(path: Path) -> None:
    """So that a widget is added, moved or taken away in one place (merger/ui/parts.py)."""
    assert not list(by_position(ast.parse(path.read_text(encoding="utf-8"))))


def test_the_rules_see_something() -> None:
    """A parser that finds nothing would pass everything."""
    found = {(module(path), name.split(".")[0]) for path in SOURCES for name, _ in imports(path)}
    seen = {("recipe.parse", "yaml"), ("hub.wire", "huggingface_hub"), ("engine.tensor", "torch"), ("methods.ops", "torch")}
    assert seen <= found
    assert list(
        by_position(ast.parse("def f() -> list[Any]: ...\ndef g() -> Iterator[tuple[Any, Any]]: ...\ndef h() -> Any: ..."))
    ) == [1, 2]


def test_public_names_resolve() -> None:
    for name in merger.__all__:
        assert getattr(merger, name) is not None
    importlib.import_module("merger.engine.batch")
    assert callable(merger.merge)  # the function, not the module of the same name
    with pytest.raises(AttributeError):
        _ = merger.mergee


HEADLESS = """
import json, sys
from merger.__main__ import main
code = main(["merge", sys.argv[1], sys.argv[2], "--quiet"])
print(json.dumps([code, sorted({name.split(".")[0] for name in sys.modules})]))
"""


def test_a_headless_merge_loads_no_page(family: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"{{merge_method: linear, models: [{family / 'a'}, {family / 'b'}], parameters: {{weight: 1}}}}")
    done = subprocess.run(
        [sys.executable, "-c", HEADLESS, str(recipe), str(tmp_path / "out")], capture_output=True, text=True, check=True, cwd=ROOT
    )
    code, loaded = json.loads(done.stdout.splitlines()[-1])
    assert code == 0 and (tmp_path / "out/model.safetensors").is_file()
    assert not {"gradio", "plotly", "transformers", "huggingface_hub", "peft", "safetensors"} & set(loaded)
    assert "torch" in loaded


def test_the_console_refuses_in_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "merger", "merge", str(tmp_path / "none.yaml"), str(tmp_path / "out")],
        capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"RecipeError: {tmp_path / 'none.yaml'}: no such file.\n")


@pytest.mark.skipif(not (ROOT / "scripts/docs.py").exists(), reason="scripts/docs.py is not written yet")
def test_docs_are_fresh() -> None:
    docs = importlib.import_module("docs")
    assert (ROOT / "docs/methods.md").read_text(encoding="utf-8") == docs.render(), "run `make docs`"
