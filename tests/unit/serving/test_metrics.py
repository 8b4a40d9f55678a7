"""What is counted, over threads of one process and over processes that come and go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from convect.serving import metrics
from convect.serving.metrics import Metrics

CONTAINER = Path(__file__).resolve().parents[3] / "container"
THREE_WORKERS = """
import os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from convect.serving import metrics
folder = metrics.share(os.environ)
counted = metrics.Metrics()

def worker():
    if (pid := os.fork()) == 0:
        counted.answered("/ping", 200, 0.02)
        counted.forecast(["trained", "trained", "unseen"], 1)
        counted.failed("UserError")
        os._exit(0)
    os.waitpid(pid, 0)
    return pid

dead = [worker(), worker()]
for pid in dead:
    metrics.fold(folder, pid)
worker()
print(sum(not path.stem.endswith("_0") for path in folder.glob("*.db")))
print(counted.text()[0].decode())
"""


def samples(text: str) -> dict[str, float]:
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Metrics:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    return Metrics()


def test_answers_errors_series_and_fallbacks_are_counted(alone: Metrics) -> None:
    alone.answered("/invocations", 200, 0.2)
    alone.answered("/invocations", 400, 0.001)
    alone.failed("UserError")
    alone.forecast(["trained", "unseen", "trained"], 1)
    text, content_type = alone.text()
    found = samples(text.decode())
    assert content_type.startswith("text/plain; version=0.0.4")
    assert found['convect_requests_total{route="/invocations",status="200"}'] == 1
    assert found['convect_requests_total{route="/invocations",status="400"}'] == 1
    assert found['convect_request_seconds_count{route="/invocations"}'] == 2
    assert found['convect_request_seconds_bucket{le="0.1",route="/invocations"}'] == 1
    assert found['convect_errors_total{error_class="UserError"}'] == 1
    assert found['convect_series_forecast_total{history="trained"}'] == 2
    assert found["convect_fallbacks_total"] == 1


def test_the_counts_of_the_dead_are_kept_and_their_files_are_not(tmp_path: Path) -> None:
    environment: dict[str, Any] = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    command = [sys.executable, "-c", THREE_WORKERS, str(CONTAINER)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    own_files, _, text = done.stdout.partition("\n")
    found = samples(text)
    assert found['convect_requests_total{route="/ping",status="200"}'] == 3
    assert found['convect_request_seconds_bucket{le="0.025",route="/ping"}'] == 3
    assert found['convect_series_forecast_total{history="trained"}'] == 6
    assert found["convect_fallbacks_total"] == 3
    assert int(own_files) == 3  # the master's counter file, and two of the one worker that was not folded


def test_the_folder_that_was_made_is_removed_and_one_that_was_given_is_not(tmp_path: Path) -> None:
    environment: dict[str, str] = {}
    made = metrics.share(environment)
    assert made.is_dir()
    assert metrics.share(environment) == made
    metrics.forget(environment)
    assert not made.exists()
    metrics.forget({"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)})
    metrics.forget({})
    assert tmp_path.is_dir()
