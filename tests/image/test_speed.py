"""How long the image takes, against limits that grow where the machine is busy with something else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.image.conftest import open_tree
from tests.image.engine import LABEL, ROOT, docker

PING_S = 4.0
TRAIN_SHARE, TRAIN_S = 1.15, 1.0  # against the same run as processes; the second is for making the container
TRIES = 3


def busy() -> float:
    """How many times as long a program may take, because others want the same cores; 1 on a quiet machine."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_the_first_ping_is_answered_soon(start: Callable[..., Any], trained: Path) -> None:
    seconds = []
    for _ in range(TRIES):
        server = start("serve", "--publish", "127.0.0.1::8080", "--volume", f"{trained}:/opt/ml")
        seconds.append(server.wait_for_ping(server.port()))
        server.stop("KILL")
    print(f"first answer to /ping after {min(seconds):.2f} s")
    assert min(seconds) < PING_S * busy(), seconds


@pytest.fixture
def daily(tmp_path: Path) -> Path:
    """The whole of the daily data as a job."""
    tree = open_tree(tmp_path / "ml")
    shutil.copy(ROOT / "data" / "daily_departures.csv", tree / "input" / "data" / "train" / "daily_departures.csv")
    return tree


def test_a_container_trains_as_fast_as_the_processes(image: str, daily: Path) -> None:
    contained = ["docker", "run", "--rm", "--label", LABEL, "--volume", f"{daily}:/opt/ml", image, "train"]
    processes = [sys.executable, str(ROOT / "container" / "train")]
    seconds: dict[str, list[float]] = {"container": [], "processes": []}
    for _ in range(TRIES):
        seconds["container"].append(timed(contained))
        seconds["processes"].append(timed(processes, SAGEMAKER_BASE_DIR=str(daily)))
    best = {name: min(found) for name, found in seconds.items()}
    print(f"training: {best['container']:.1f} s in a container, {best['processes']:.1f} s as processes")
    assert best["container"] < (best["processes"] * TRAIN_SHARE + TRAIN_S) * busy(), seconds


def timed(command: list[str], **variables: str) -> float:
    before = time.monotonic()
    subprocess.run(command, env={**os.environ, **variables}, check=True, capture_output=True)
    return time.monotonic() - before


def test_the_image_is_small(image: str) -> None:
    size = int(docker("image", "inspect", image, "--format", "{{.Size}}").stdout)
    print(docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", image).stdout)
    assert size <= 900_000_000
