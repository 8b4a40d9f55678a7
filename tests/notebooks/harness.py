"""Run a notebook as a job runs it: by papermill, with other parameters; what papermill only warns of is an error."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import papermill

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = ROOT / "notebooks"
CELL_TIMEOUT_S = 600


def parameters_of(path: Path) -> dict[str, str]:
    """Return the parameters a notebook declares, by name, with their defaults as text.

    Raises ValueError for a notebook without a cell tagged `parameters`.
    """
    declared = papermill.inspect_notebook(str(path))
    if not declared:
        raise ValueError(f"{path.name} has no cell tagged 'parameters'")
    return {name: str(described["default"]) for name, described in declared.items()}


def run(path: Path, output: Path, parameters: Mapping[str, object]) -> None:
    """Run a notebook in the notebooks' folder and write the executed copy.

    Raises ValueError for a parameter that the notebook does not declare, papermill's error for a cell that fails.
    """
    unknown = sorted(set(parameters) - set(parameters_of(path)))
    if unknown:
        raise ValueError(f"{path.name} has no parameter {', '.join(unknown)}; it has {', '.join(parameters_of(path))}")
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"  # the kernel of this environment, not one of the user's
    papermill.execute_notebook(
        str(path),
        str(output),
        parameters=dict(parameters),
        cwd=str(NOTEBOOKS),
        kernel_name="python3",
        progress_bar=False,
        execution_timeout=CELL_TIMEOUT_S,
    )
