"""A model that was really trained, and `container/serve` over it as the platform runs it: a process and a port."""

from __future__ import annotations

import http.client
import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.config import Config
from convect.pipeline import TrainResult

CONTAINER = Path(__file__).resolve().parents[3] / "container"
START_S = 60
HORIZON = 7
SCHEMA = {"item_id": "sku", "timestamp": "day", "target": "sold", "known_covariates": ["price"]}


def history(item: str, level: float, days: int, start: str = "2024-01-01") -> pd.DataFrame:
    """One series with a week's rhythm; price is known for every day."""
    day = np.arange(days)
    sold = level + 3 * np.sin(2 * np.pi * day / 7)
    price = 10.0 + day % 3
    return pd.DataFrame({"sku": item, "day": pd.date_range(start, periods=days), "sold": sold, "price": price})


@dataclass
class Served:
    """A running server; `ask` sends one request on a connection of its own."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    def ask(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes, http.client.HTTPMessage]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, headers or {})  # type: ignore[arg-type]
            answer = connection.getresponse()
            return answer.status, answer.read(), answer.headers
        finally:
            connection.close()

    def invoke(self, body: object, headers: dict[str, str]) -> tuple[pd.DataFrame, http.client.HTTPMessage]:
        status, answer, received = self.ask("POST", "/invocations", body, headers)
        assert status == 200, answer
        return pd.read_csv(io.BytesIO(answer), dtype={"item_id": str}, parse_dates=["timestamp"]), received


def environment(base: Path, **variables: str) -> dict[str, str]:
    platform = {name: value for name, value in os.environ.items() if not name.startswith(("SAGEMAKER", "MODEL_SERVER"))}
    return {**platform, "SAGEMAKER_BASE_DIR": str(base), **variables}


@contextmanager
def serving(base: Path, log: Path, command: list[str] | None = None, **variables: str) -> Iterator[Served]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    variables = {"SAGEMAKER_BIND_TO_PORT": str(port), "MODEL_SERVER_WORKERS": "2", **variables}
    line = [part.format(port=port) for part in command or [sys.executable, str(CONTAINER / "serve")]]
    with log.open("wb") as stream:
        process = subprocess.Popen(line, env=environment(base, **variables), stdout=stream, stderr=stream)
    served = Served(port, process, log)
    try:
        wait_for_ping(served)
        yield served
    finally:
        process.terminate()
        process.wait(30)


def wait_for_ping(served: Served) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and served.process.poll() is None:
        try:
            if served.ask("GET", "/ping")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    pytest.fail(f"no answer to /ping: {served.log.read_text()}")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainResult]:
    base = tmp_path_factory.mktemp("opt_ml")
    frame = pd.concat([history("007", 20, 90), history("=cmd()", 40, 90), history("c", 60, 90)])
    result = pipeline.train(frame, Config(horizon=HORIZON, preset="fast", schema=SCHEMA), progress=lambda _: None)
    result.artifact.save(base / "model")
    return base, result


@pytest.fixture(scope="module")
def served(trained: tuple[Path, TrainResult], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(trained[0], tmp_path_factory.mktemp("log") / "log", SAGEMAKER_MAX_PAYLOAD_IN_MB="1") as server:
        yield server


@pytest.fixture(name="history")
def history_fixture() -> Callable[..., pd.DataFrame]:
    return history


@pytest.fixture(name="serving", scope="session")
def serving_fixture() -> Callable[..., AbstractContextManager[Served]]:
    return serving
