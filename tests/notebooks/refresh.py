"""Execute the notebooks and store them clean: `python -m tests.notebooks.refresh [notebooks/00_quickstart.ipynb …]`.

What is stored is what a reader needs: text, code and outputs. What would differ on another machine or at another time
is left out (execution counts, metadata, folders, names with the time in them), and a sha256 of the code cells is
stored, by which `test_shape.py` finds outputs that are older than their code.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
HASH = "code_sha256"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_TIMEOUT_S = 600
COLOURS = 96
NO_ENGINE = "tcp://127.0.0.1:9"  # where nothing listens: what is stored is what most readers will see
# What an output may say that is true of one run only, and what is stored in its place.
ONE_RUN = (
    (re.compile(re.escape(str(ROOT))), "/…"),
    (re.compile(r"/\S*?/sagemaker-local-\w+"), "/…/sagemaker-local"),
    (re.compile(r"-\d{8}-\d{6}-[0-9a-f]{4}\b"), "-DATE-TIME-ID"),
)


def code_hash(notebook: NotebookNode) -> str:
    """Return the sha256 of the code cells, in order."""
    sources = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def execute(path: Path) -> NotebookNode:
    """Return a notebook after a run in its own folder, as nbmake and Jupyter run it on a machine without Docker."""
    os.environ["DOCKER_HOST"] = NO_ENGINE
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=CELL_TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(path.parent)}}
    )
    return client.execute()


def clean(notebook: NotebookNode) -> NotebookNode:
    """Remove from an executed notebook, in place, all that is true of one run only; set the hash; return it."""
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number:02}"
        cell["metadata"] = NotebookNode({"tags": cell["metadata"]["tags"]} if "tags" in cell["metadata"] else {})
        if cell["cell_type"] == "code":
            cell["execution_count"] = None
            cell["outputs"] = merged([cleaned(output) for output in cell["outputs"]])
    notebook["metadata"] = NotebookNode(
        {"kernelspec": KERNEL, "language_info": {"name": "python"}, HASH: code_hash(notebook)}
    )
    return notebook


def cleaned(output: NotebookNode) -> NotebookNode:
    """Return an output without counts and metadata, and with its text free of what is true of one run only."""
    if "execution_count" in output:
        output["execution_count"] = None
    if "metadata" in output:
        output["metadata"] = NotebookNode()
    if "text" in output:
        output["text"] = neutral(output["text"])
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/"):
            output["data"][kind] = neutral(content)
        elif kind == "image/png":
            output["data"][kind] = small(content)
    return output


def small(png: str) -> str:
    """Return a picture, as base64, in a palette of colours: a third of the size, and the same to the eye."""
    shrunk = io.BytesIO()
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.quantize(COLOURS).save(shrunk, "PNG", optimize=True)
    return base64.b64encode(shrunk.getvalue()).decode()


def neutral(text: str) -> str:
    """Return a text in which what is true of one run only is replaced."""
    for pattern, stand_in in ONE_RUN:
        text = pattern.sub(stand_in, text)
    return text


def merged(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Return outputs with the pieces of one stream joined, which arrive as the timing has it."""
    joined: list[NotebookNode] = []
    for output in outputs:
        if joined and "name" in output and output["name"] == joined[-1].get("name"):
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    return joined


def main(paths: list[str]) -> None:
    """Execute and store the notebooks named, or all."""
    for path in map(Path, paths or sorted(str(path) for path in NOTEBOOKS.glob("*.ipynb"))):
        notebook = clean(execute(path.resolve()))
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(sys.argv[1:])
