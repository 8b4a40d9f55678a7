"""The notebooks keep to their form: one promise, literal parameters, short cells, clean outputs as new as the code."""

from __future__ import annotations

import ast
import re
import statistics
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.notebooks.refresh import HASH, KERNEL, NOTEBOOKS, ONE_RUN, clean, code_hash

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
MOST_KILOBYTES = 200
MEDIAN_LINES, NINETY_PERCENT_LINES, MOST_LINES = 4, 12, 25
PRIVATE = {
    "a path of one machine": re.compile(r"(?<![\w.…])/(?:home|root|Users|tmp|work|var|usr)/"),
    "an account": re.compile(r"(?<![.\d])(?!0{12})\d{12}\b"),
    "a time of day": re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\.\d"),
    "an address": re.compile(r"\b(?!127\.0\.0\.1)\d{1,3}(?:\.\d{1,3}){3}\b"),
}
COMPUTED = re.compile(r"\d\.\d|\d ?%")  # prose gives no results: a cell prints or asserts them


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request: pytest.FixtureRequest) -> Path:
    return request.param


@pytest.fixture
def notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def texts(notebook: NotebookNode) -> list[str]:
    """All text of the outputs."""
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    parts = [value for output in outputs for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return [output["text"] for output in outputs if "text" in output] + parts


def test_there_are_notebooks() -> None:
    assert [path.stem[:2] for path in PATHS[:6]] == ["00", "01", "02", "03", "04", "05"]
    assert all(re.match(r"\d\d[a-z]?_[a-z_]+$", path.stem) for path in PATHS)


def test_it_opens_with_a_promise(notebook: NotebookNode) -> None:
    lines = notebook["cells"][0]["source"].splitlines()
    assert lines[0].startswith("# ")
    promises = [line for line in lines if line.startswith("> ")]
    assert len(promises) == 1
    assert promises[0].endswith(".")
    at = lines.index("You will get")
    assert [line for line in lines[at + 1 :] if line.startswith("* ")]
    assert [line for line in lines[at + 1 :] if line.startswith("You need: ")]


def test_parameters_are_one_cell_of_literals(notebook: NotebookNode) -> None:
    (tagged,) = [cell for cell in code_cells(notebook) if "parameters" in cell["metadata"].get("tags", [])]
    assert tagged is code_cells(notebook)[0]
    statements = ast.parse(tagged["source"]).body
    assert statements
    for statement in statements:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        assert ast.unparse(target).isupper()
        ast.literal_eval(statement.value)


def test_cells_are_short(notebook: NotebookNode) -> None:
    lengths = [len(cell["source"].splitlines()) for cell in code_cells(notebook)]
    assert statistics.median(lengths) <= MEDIAN_LINES
    assert sum(length <= NINETY_PERCENT_LINES for length in lengths) >= 0.9 * len(lengths)
    assert max(lengths) <= MOST_LINES


def test_each_cell_is_introduced_and_each_figure_discussed(notebook: NotebookNode) -> None:
    kinds = [cell["cell_type"] for cell in notebook["cells"]]
    for number, cell in enumerate(notebook["cells"]):
        imports = cell["source"].startswith(("import ", "from "))
        if cell["cell_type"] == "code" and not imports:
            assert kinds[number - 1] == "markdown", cell["source"]
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", [])):
            assert kinds[number + 1] == "markdown", cell["source"]


def test_prose_gives_no_results(notebook: NotebookNode) -> None:
    prose = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    assert not [found.group() for text in prose for found in [COMPUTED.search(text)] if found]


def test_a_claim_is_checked_and_an_error_is_shown(notebook: NotebookNode) -> None:
    sources = [cell["source"] for cell in code_cells(notebook)]
    assert any(line.startswith("assert ") for source in sources for line in source.splitlines())
    assert any(source.startswith("try:") or "\ntry:" in source for source in sources)


def test_it_is_stored_clean(path: Path, notebook: NotebookNode) -> None:
    again = clean(nbformat.read(path, as_version=4))
    for output in (output for cell in code_cells(again) for output in cell["outputs"]):
        output.get("data", {}).pop("image/png", None)
    for output in (output for cell in code_cells(notebook) for output in cell["outputs"]):
        output.get("data", {}).pop("image/png", None)
    assert notebook == again
    assert notebook["metadata"]["kernelspec"] == KERNEL
    nbformat.validate(notebook)


def test_it_is_small(path: Path) -> None:
    assert path.stat().st_size <= MOST_KILOBYTES * 1000


def test_its_outputs_are_there_and_as_new_as_its_code(notebook: NotebookNode) -> None:
    assert notebook["metadata"][HASH] == code_hash(notebook), "run python -m tests.notebooks.refresh"
    assert sum(bool(cell["outputs"]) for cell in code_cells(notebook)) >= len(code_cells(notebook)) / 2
    draws = any("plots." in cell["source"] for cell in code_cells(notebook))
    drawn = any("image/png" in output.get("data", {}) for cell in code_cells(notebook) for output in cell["outputs"])
    assert drawn == draws


def test_its_outputs_are_free_of_errors_and_warnings(notebook: NotebookNode) -> None:
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    assert not [output for output in outputs if output["output_type"] == "error" or output.get("name") == "stderr"]


@pytest.mark.parametrize("kind", PRIVATE)
def test_its_outputs_say_nothing_of_the_machine(notebook: NotebookNode, kind: str) -> None:
    assert not [found.group() for text in texts(notebook) for found in [PRIVATE[kind].search(text)] if found]


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (f"file://{NOTEBOOKS.parent}/build/x", "file:///…/build/x"),
        ("/tmp/sagemaker-local-ab12_x/training-job", "/…/sagemaker-local/training-job"),
        ("quickstart-20260102-030405-0a1b: Completed", "quickstart-DATE-TIME-ID: Completed"),
    ],
)
def test_what_is_true_of_one_run_only_is_not_stored(text: str, stored: str) -> None:
    for pattern, stand_in in ONE_RUN:
        text = pattern.sub(stand_in, text)
    assert text == stored


def test_the_hash_follows_the_code_and_nothing_else(notebook: NotebookNode) -> None:
    before = code_hash(notebook)
    notebook["cells"][0]["source"] += " more prose"
    assert code_hash(notebook) == before
    code_cells(notebook)[0]["source"] += " "
    assert code_hash(notebook) != before


def test_the_command_of_the_tests_runs_every_notebook() -> None:
    makefile = (NOTEBOOKS.parent / "Makefile").read_text()
    (command,) = re.findall(r"^test:.*\n\t(.*)$", makefile, flags=re.M)
    assert "--nbmake" in command
    assert "notebooks" in command.split()
