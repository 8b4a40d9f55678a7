"""The product as a job runs it: the program `container/train` over a folder laid out as /opt/ml."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from bench.measure import Cost, run

TRAIN = Path(__file__).resolve().parents[1] / "container" / "train"


def train(base: Path, hyperparameters: Mapping[str, object], python: str = sys.executable) -> Cost:
    """Train on the tables in `base/input/data/train` and return the cost; RuntimeError says how it failed."""
    settings = {name: value if isinstance(value, str) else json.dumps(value) for name, value in hyperparameters.items()}
    write_json(base / "input/config/hyperparameters.json", settings)
    write_json(base / "input/config/inputdataconfig.json", {"train": {"TrainingInputMode": "File"}})
    log = base / "train.log"
    cost = run([python, str(TRAIN)], log, {"SAGEMAKER_BASE_DIR": str(base)})
    if cost.exit_code:
        raise RuntimeError(f"container/train ended with {cost.exit_code}: {last_words(log)}")
    return cost


def write_json(path: Path, content: object) -> None:
    """Write JSON, and the folder around it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def last_words(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log in one."""
    return " | ".join(log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-lines:])
