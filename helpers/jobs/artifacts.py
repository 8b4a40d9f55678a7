"""What a training job leaves behind: its archives fetched, opened and listed."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .storage import fetch


def download_artifact(job: Mapping[str, Any], folder: str | Path) -> dict[str, Path]:
    """Unpack the model archive of a job's description below `folder`; return its files by name.

    Raises:
        FileNotFoundError: the job left no model.
    """
    return unpack(fetch(artifact_uri(job), folder), folder)


def download_output(job: Mapping[str, Any], folder: str | Path) -> dict[str, Path]:
    """Unpack the output archive (forecasts, leaderboard, backtest) below `folder`; return its files by name.

    Raises:
        FileNotFoundError: the job left no model, so there is nothing beside it.
    """
    return unpack(fetch(artifact_uri(job).replace("model.tar.gz", "output.tar.gz"), folder), folder)


def artifact_uri(job: Mapping[str, Any]) -> str:
    """Return where a job left its model."""
    place = job.get("ModelArtifacts", {}).get("S3ModelArtifacts", "")
    if not place:
        raise FileNotFoundError(f"The job {job.get('TrainingJobName', '')} has left no model.")
    return str(place)


def unpack(archive: Path, folder: str | Path) -> dict[str, Path]:
    """Extract a `.tar.gz` below `folder`, refusing members that would leave it; return its files by name.

    Local mode of the SageMaker SDK packs the outputs below `data/`, the platform packs them bare: names are without it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
        members = sorted(member.name for member in tar.getmembers() if member.isfile())
    return {name.removeprefix("./").removeprefix("data/"): Path(folder) / name for name in members}


def tree(folder: str | Path, depth: int = 4) -> str:
    """Return the folders and files below a folder as an indented list, folders first, down to `depth`."""
    return "\n".join(branches(Path(folder), depth))


def branches(folder: Path, depth: int, indent: str = "") -> list[str]:
    """Return the lines of `tree`."""
    lines: list[str] = []
    for path in sorted(folder.iterdir(), key=lambda entry: (entry.is_file(), entry.name)):
        lines.append(indent + path.name + ("/" if path.is_dir() else ""))
        if path.is_dir() and depth > 1:
            lines += branches(path, depth - 1, indent + "    ")
    return lines
