"""What the documents say by way of names, numbers and files is what the code has.

The parts of README.md between markers are generated: `make readme` writes them, and these tests compare.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from flask.testing import FlaskClient

from bench import hosts, results_table
from convect import config
from convect.artifact import Artifact
from convect.platform import spec
from convect.platform.opt_ml import BASE_VARIABLE
from convect.reading import migration
from convect.serving.server import make_app
from convect.serving.settings import Settings
from tests.contract import error_table
from tests.contract.dialect_examples import EXAMPLES

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "bench" / "results"
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    *(ROOT / name for name in ("CONTRIBUTING.md", "CHANGELOG.md", "container/README.md", "data/README.md")),
]
UPDATE = bool(os.environ.get("UPDATE_README"))
NUMBER = re.compile(r"\b\d+\.\d+\b")
ANSWER_TOLERANCE = 0.02  # another processor may round otherwise, and a tree then split elsewhere


def part(name: str, document: Path = README) -> str:
    """What stands between the two markers of a generated part."""
    found = re.search(rf"<!-- {name}:begin -->\n(.*?)\n?<!-- {name}:end -->", document.read_text("utf-8"), re.DOTALL)
    assert found, f"{document.name} has no part marked {name}"
    return found[1]


def update(name: str, text: str, document: Path = README) -> None:
    if UPDATE:
        begin, end = f"<!-- {name}:begin -->\n", f"\n<!-- {name}:end -->"
        changed = document.read_text("utf-8").replace(begin + part(name, document) + end, begin + text + end)
        document.write_text(changed, "utf-8")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    """The server over a model that container/train makes of the sample tree."""
    tree = tmp_path_factory.mktemp("readme") / "ml"
    shutil.copytree(ROOT / "container" / "local_test" / "test_dir" / "input", tree / "input")
    program = [sys.executable, str(ROOT / "container" / "train")]
    subprocess.run(program, env={**os.environ, BASE_VARIABLE: str(tree)}, check=True, capture_output=True)
    return make_app(lambda: Artifact.load(tree / "model"), Settings()).test_client()


@pytest.fixture(scope="module")
def answer(client: FlaskClient) -> str:
    """The answer to the README's request."""
    response = client.post("/invocations", data=fenced("request", "json"), content_type="application/json")
    assert response.status_code == 200, response.text
    return response.text.strip()


def fenced(name: str, kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)\n```", part(name), re.DOTALL)
    assert found, f"The part {name} of README.md has no {kind} block"
    return found[1]


DECLARED = {
    "hyperparameters": config.markdown_table,
    "channels": spec.channel_table,
    "metrics": spec.metric_table,
    "migration": migration.markdown_table,
    "accuracy": lambda: results_table.readme_table(results_table.read(RESULTS, "accuracy")),
    "server": lambda: results_table.server_table(results_table.read(RESULTS, "serving")),
}


@pytest.mark.parametrize("name", DECLARED)
def test_the_tables_are_the_declared_ones(name: str) -> None:
    update(name, DECLARED[name]())
    assert part(name) == DECLARED[name]()


def test_every_error_code_has_its_remedy() -> None:
    document = ROOT / "container" / "README.md"
    update("errors", error_table.markdown_table(), document)
    assert part("errors", document) == error_table.markdown_table()


@pytest.mark.parametrize(
    ("name", "told"),
    [("hosts", hosts.markdown), ("growth", lambda: results_table.growth_table(results_table.read(RESULTS, "growth")))],
)
def test_the_benchmark_tells_what_was_measured(name: str, told: Callable[[], str]) -> None:
    document = ROOT / "bench" / "README.md"
    update(name, told(), document)
    assert part(name, document) == told()


def test_the_request_uses_every_key() -> None:
    assert set(json.loads(fenced("request", "json"))) == {"schema", "config", "freq", "data"}


def test_the_answer_is_what_the_server_answers(answer: str) -> None:
    update("answer", f"```csv\n{answer}\n```")
    shown, found = (pd.read_csv(io.StringIO(text)) for text in (fenced("answer", "csv"), answer))
    pd.testing.assert_frame_equal(shown, found, rtol=ANSWER_TOLERANCE)


def test_the_dialects_are_answered_as_is_shown(client: FlaskClient) -> None:
    rows = ["| who speaks so | a request | its answer |", "|---|---|---|"]
    for example in EXAMPLES:
        response = client.post("/invocations", data=example.request, content_type=example.content_type)
        assert response.status_code == 200, response.text
        rows.append(example.row(response.text))
    update("dialects", "\n".join(rows))
    shown, found = part("dialects"), "\n".join(rows)
    assert NUMBER.sub("#", shown) == NUMBER.sub("#", found)
    numbers = [[float(number) for number in NUMBER.findall(text)] for text in (shown, found)]
    assert numbers[0] == pytest.approx(numbers[1], rel=ANSWER_TOLERANCE, abs=0.1)


def test_the_papermill_example_sets_names_that_the_notebook_has() -> None:
    command = re.search(r"bin/papermill .*?```", README.read_text("utf-8"), re.DOTALL)
    assert command
    cells = json.loads((ROOT / "notebooks" / "00_quickstart.ipynb").read_text("utf-8"))["cells"]
    (cell,) = (cell for cell in cells if "parameters" in cell["metadata"].get("tags", []))
    known = set(re.findall(r"^(\w+) =", "".join(cell["source"]), re.MULTILINE))
    asked = set(re.findall(r"-p (\w+) ", command[0]))
    assert asked
    assert asked <= known


def test_the_pictures_are_small() -> None:
    pictures = re.findall(r"!\[.+?\]\((.+?)\)", README.read_text("utf-8"))
    assert pictures == ["notebooks/images/report.png", "notebooks/images/quickstart.png"]
    assert max((ROOT / picture).stat().st_size for picture in pictures) <= 250_000


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_make_targets_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE)) <= targets
