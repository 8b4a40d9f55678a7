"""A training job as the platform lays it out, and `container/train` over it."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

PROGRAM = Path(__file__).resolve().parents[2] / "container" / "train"
LONGEST_S = 120


@dataclass
class Job:
    """A tree as the platform lays it out, and the program over it."""

    base: Path

    def put(self, channel: str, name: str, content: bytes) -> None:
        path = self.base / "input" / "data" / channel / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def configure(self, hyperparameters: Mapping[str, Any] | str, *channels: str) -> None:
        folder = self.base / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        text = hyperparameters if isinstance(hyperparameters, str) else json.dumps(hyperparameters)
        (folder / "hyperparameters.json").write_text(text)
        given = {name: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"} for name in channels}
        (folder / "inputdataconfig.json").write_text(json.dumps(given))

    def start(self, code: str = "") -> subprocess.Popen[str]:
        """Start the program, or this code in its place."""
        (self.base / "model").mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(self.base), "PYTHONHASHSEED": "random"}
        environment.pop("PYTHONPATH", None)
        return subprocess.Popen(
            [sys.executable, *(["-c", code] if code else [str(PROGRAM), "train"])],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, str, str]:
        return finished(self.start())

    @property
    def written(self) -> list[str]:
        """All files below model/, hidden ones too."""
        return sorted(str(path.relative_to(self.base / "model")) for path in (self.base / "model").rglob("*"))

    @property
    def outputs(self) -> list[str]:
        return sorted(path.name for path in (self.base / "output" / "data").rglob("*"))

    @property
    def failure(self) -> Path:
        return self.base / "output" / "failure"

    def csv(self, name: str) -> pd.DataFrame:
        path = self.base / "output" / "data" / name
        return pd.DataFrame(pd.read_csv(path, converters={"item_id": str}, float_precision="round_trip"))


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()
