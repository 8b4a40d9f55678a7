"""Files and functions stay small enough to be read at one sight."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [ROOT / "container" / name for name in ("train", "serve")]
PRODUCT = [*(path for folder in ("container", "helpers", "data") for path in sorted((ROOT / folder).rglob("*.py")))]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

FILE_LINES, TEST_FILE_LINES = 250, 400  # under these; tests of a file with many cases may be longer than the file
MOST_LINES_OF_A_FUNCTION = 60
LONG_FUNCTION_LINES = 30
SHARE_OF_LONG_FUNCTIONS = 0.10


def functions(path: Path) -> dict[str, int]:
    """Lines of each function of a file, from `def` to its last, docstring included."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    defined = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {f"{path.name}:{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in defined}


@pytest.mark.parametrize("path", [*PRODUCT, *PROGRAMS, *TESTS], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_are_short(path: Path) -> None:
    most = TEST_FILE_LINES if path in TESTS else FILE_LINES
    assert len(path.read_text(encoding="utf-8").splitlines()) < most
    assert {name: lines for name, lines in functions(path).items() if lines > MOST_LINES_OF_A_FUNCTION} == {}


def test_nine_functions_in_ten_are_under_thirty_lines() -> None:
    lines = {name: count for path in [*PRODUCT, *PROGRAMS] for name, count in functions(path).items()}
    long = {name: count for name, count in lines.items() if count >= LONG_FUNCTION_LINES}
    assert len(long) <= SHARE_OF_LONG_FUNCTIONS * len(lines), long
