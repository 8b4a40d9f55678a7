"""A function of `helpers` or of a notebook can be pasted elsewhere: it uses nothing but its arguments, its imports,
its siblings and UPPER_CASE constants of the same file."""

from __future__ import annotations

import ast
import builtins
import json
import re
import symtable
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
INLINE = {"listcomp", "setcomp", "dictcomp", "genexpr", "lambda"}  # outside a function they are part of the cell
CONSTANT = re.compile(r"_?[A-Z][A-Z0-9_]*")


def allowed(tree: ast.Module) -> set[str]:
    """Names that a function may use without having been given them."""
    names = set(dir(builtins))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            stored = [name for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
            names |= {name.id for name in stored if CONSTANT.fullmatch(name.id)}
    return names


def scopes(table: symtable.SymbolTable, owner: str = "") -> Iterator[tuple[str, symtable.SymbolTable]]:
    """Yield each function's table with the name of the outermost function or class that holds it."""
    for child in table.get_children():
        name = owner or child.get_name()
        if name in INLINE:
            continue
        if child.get_type() == "function":
            yield name, child
        yield from scopes(child, name)


def defaults(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield (function, name) for the names in default values, which belong to the scope around the function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
                yield from ((node.name, name.id) for name in ast.walk(default) if isinstance(name, ast.Name))


def borrowed(source: str) -> dict[str, set[str]]:
    """Return, by function, the names it takes from where it stands; empty when every function is copyable."""
    tree = ast.parse(source)
    used = [
        (owner, symbol.get_name())
        for owner, table in scopes(symtable.symtable(source, "source", "exec"))
        for symbol in table.get_symbols()
        if symbol.is_global()
    ]
    found: dict[str, set[str]] = {}
    for owner, name in [*used, *defaults(tree)]:
        if name not in allowed(tree):
            found.setdefault(owner, set()).add(name)
    return found


def code(notebook: Path) -> str:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


@pytest.mark.parametrize("path", sorted((ROOT / "helpers").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_functions_of_helpers_are_copyable(path: Path) -> None:
    assert borrowed(path.read_text(encoding="utf-8")) == {}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_the_functions_of_notebooks_are_copyable(path: Path) -> None:
    assert borrowed(code(path)) == {}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f(a):\n    return a + value", {"f": {"value"}}),
        ("value = 1\ndef f(a):\n    return a + value", {"f": {"value"}}),
        ("value = 1\ndef f(a, b=value):\n    return a + b", {"f": {"value"}}),
        ("def f(a):\n    return [x + value for x in a]", {"f": {"value"}}),
        ("def f(a):\n    def g():\n        return value\n    return g", {"f": {"value"}}),
        ("class C:\n    def m(self):\n        return value", {"C": {"value"}}),
        ("value = 1\ndef f():\n    global value\n    value = 2", {"f": {"value"}}),
        ("value = 1\nx = {a: value for a in []}\ny = sorted(x, key=lambda a: value)", {}),
        ("import os\nVALUE = 1\ndef g(): ...\ndef f(a, b=VALUE):\n    return g(os, a, b, VALUE, len)", {}),
        ("from __future__ import annotations\nimport x\ndef f(a: x.Y) -> x.Z:\n    return [a for a in a]", {}),
    ],
)
def test_the_check_itself(source: str, found: dict[str, set[str]]) -> None:
    assert borrowed(source) == found
