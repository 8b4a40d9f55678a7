"""Which part may know which: the sentences of the README's tree, made facts."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONTAINER = ROOT / "container"
CONVECT = CONTAINER / "convect"
PROGRAMS = [CONTAINER / name for name in ("train", "serve", "predictor.py")]
CODE = [*sorted(CONVECT.rglob("*.py")), *PROGRAMS]
HELPERS = sorted((ROOT / "helpers").rglob("*.py"))

OUTSIDE_THE_IMAGE = {"boto3", "botocore", "data", "helpers", "notebooks", "sagemaker", "tests"}
WEB = {"flask", "gunicorn", "werkzeug"}
MOST_LINES_OF_A_PROGRAM = 25
HELPER_MAY_USE = {"account": {"local"}}  # in one function: the client for a machine without Docker
CODE_IN_DATA = {"cPickle", "cloudpickle", "dill", "joblib", "marshal", "pickle", "shelve"}

IMPORT_ALL_OF_CONVECT = """
import importlib, pkgutil, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"sagemaker", "boto3", "botocore", "flask", "werkzeug", "gunicorn"}:
            raise ImportError(name + " is blocked")

sys.meta_path.insert(0, Blocked())
sys.path.insert(0, sys.argv[1])
import convect
names = [module.name for module in pkgutil.walk_packages(convect.__path__, "convect.", onerror=print)]
for name in names:
    if name.removeprefix("convect.serving.") not in ("server", "multi_model", "worker"):
        importlib.import_module(name)
print(len(names))
"""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> set[str]:
    """Full dotted names of all that a file imports from outside its own package, also inside functions."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def strings(path: Path) -> list[str]:
    """All texts in a file's code; what stands in docstrings is said, not used."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said]
    return [node.value for node in constants if isinstance(node.value, str)]


def deepest_relative_import(path: Path) -> int:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return max((node.level for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)), default=0)


def tops(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_the_container_imports_nothing_from_outside_itself(path: Path) -> None:
    assert not tops(path) & OUTSIDE_THE_IMAGE


@pytest.mark.parametrize("path", [*sorted(CONVECT.rglob("*.py")), CONTAINER / "train"], ids=name_of)
def test_only_serving_knows_the_web(path: Path) -> None:
    if CONVECT / "serving" not in path.parents:
        assert not tops(path) & WEB


@pytest.mark.parametrize("path", sorted(CONVECT.rglob("*.py")), ids=name_of)
def test_only_platform_knows_opt_ml(path: Path) -> None:
    if CONVECT / "platform" not in path.parents:
        assert not [text for text in strings(path) if "/opt/ml" in text]


@pytest.mark.parametrize("path", sorted(CONVECT.rglob("*.py")), ids=name_of)
def test_the_engine_knows_neither_platform_nor_serving(path: Path) -> None:
    if not {CONVECT / "platform", CONVECT / "serving"} & set(path.parents):
        assert not any(name.startswith(("convect.platform", "convect.serving")) for name in imports(path))


@pytest.mark.parametrize("path", HELPERS, ids=name_of)
def test_a_helper_knows_neither_convect_nor_another_helper(path: Path) -> None:
    own = path.relative_to(ROOT / "helpers").parts[0].removesuffix(".py")
    others = {name.split(".")[1] for name in imports(path) if name.startswith("helpers.")} - {own}
    assert "convect" not in tops(path)
    assert others <= HELPER_MAY_USE.get(own, set())
    assert deepest_relative_import(path) < len(path.relative_to(ROOT / "helpers").parts)


@pytest.mark.parametrize("path", PROGRAMS, ids=name_of)
def test_a_program_holds_no_logic(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= MOST_LINES_OF_A_PROGRAM
    logic = (ast.For, ast.While, ast.Try, ast.ClassDef, ast.comprehension)
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, logic)]


def test_convect_imports_with_sagemaker_boto3_and_flask_blocked() -> None:
    command = [sys.executable, "-c", IMPORT_ALL_OF_CONVECT, str(CONTAINER)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == len(list(CONVECT.rglob("*.py"))) - 1  # every file but convect/__init__.py itself


def sources() -> Iterator[tuple[str, str]]:
    """Name and Python text of every file of the repository, the cells of notebooks among them."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.ipynb"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    for path in [*(ROOT / name for name in names), CONTAINER / "train", CONTAINER / "serve"]:
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            yield path.name, "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        elif path.exists():  # a file may be deleted and not yet committed
            yield name_of(path), path.read_text(encoding="utf-8")


def code_from_data(source: str) -> list[str]:
    """What in a source turns data into running code: pickle and its kin, `eval`, `exec`."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name.split(".")[0] in CODE_IN_DATA]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in CODE_IN_DATA:
            found.append(str(node.module))
        elif isinstance(node, ast.Attribute) and node.attr in ("read_pickle", "to_pickle"):
            found.append(node.attr)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
            found.append(node.func.id)
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            found += ["allow_pickle"] * (getattr(node.value, "value", True) is not False)
    return found


def test_no_file_turns_data_into_code() -> None:
    assert {name: found for name, source in sources() if (found := code_from_data(source))} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "frame.to_pickle(path)",
        "np.load(f, allow_pickle=True)",
        "eval(text)",
    ],
)
def test_what_turns_data_into_code_is_found(source: str) -> None:
    assert code_from_data(source)
    assert not code_from_data(f"text = {source!r}\nnp.load(f, allow_pickle=False)")
