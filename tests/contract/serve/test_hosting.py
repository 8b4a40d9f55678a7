"""What an endpoint's platform asks of the process besides forecasts: counts, several models, streams, time limits."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}
ANSWERED = re.compile(r'convect_requests_total\{route="/invocations",status="200"\} (\d+)')


def workers(server: Any) -> list[int]:
    listing = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in listing.split()]


def answered(server: Any) -> int:
    found = ANSWERED.search(server.ask("GET", "/metrics")[1].decode())
    return int(found.group(1)) if found else 0


def test_counts_are_of_all_workers_and_outlive_them(trained: Any, serving: Any, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    with serving(trained[0], tmp_path / "log", TMPDIR=str(scratch)) as server:
        for _ in range(20):
            assert server.ask("POST", "/invocations", "{}", JSON)[0] == 200
        assert answered(server) == 20
        before = workers(server)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + 30
        while set(workers(server)) & set(before) or len(workers(server)) < 2:
            assert time.monotonic() < until
            time.sleep(0.05)
        assert server.ask("POST", "/invocations", "{}", JSON)[0] == 200
        assert answered(server) == 21
        files = [path.name for path in scratch.rglob("*.db")]
        assert not [name for name in files for pid in before if f"_{pid}." in name]
    assert list(scratch.rglob("*.db")) == []


def test_a_model_loaded_by_one_worker_is_served_by_all(trained: Any, serving: Any, tmp_path: Path) -> None:
    folder = tmp_path / "ml" / "models" / "one" / "model"
    shutil.copytree(trained[0] / "model", folder)
    loading = json.dumps({"model_name": "one", "url": str(folder)})
    with serving(tmp_path / "ml", tmp_path / "log", SAGEMAKER_MULTI_MODEL="true") as server:
        assert server.ask("POST", "/models", loading, JSON)[0] == 200
        for _ in range(20):  # each on a connection of its own, so that both workers answer some
            assert server.ask("POST", "/models/one/invoke", "{}", JSON)[0] == 200
        assert server.ask("POST", "/models", loading, JSON)[0] == 409
        os.kill(workers(server)[0], signal.SIGKILL)
        listed = json.loads(server.ask("GET", "/models")[1])
        assert listed == {"models": [{"modelName": "one", "modelUrl": str(folder)}]}
        assert server.ask("DELETE", "/models/one")[0] == 200
        for _ in range(20):
            assert server.ask("POST", "/models/one/invoke", "{}", JSON)[0] == 404
        assert server.ask("POST", "/models", loading, JSON)[0] == 200


def test_an_answer_is_streamed_one_series_a_line(served: Any) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)
    connection.request("POST", "/invocations", "{}", {**JSON, "Accept": "application/jsonlines"})
    answer = connection.getresponse()
    lines = answer.read().split(b"\n")
    connection.close()
    assert answer.headers["Transfer-Encoding"] == "chunked"
    assert answer.headers["Content-Type"] == "application/jsonlines"
    assert [json.loads(line)["item_id"] for line in lines] == ["007", "=cmd()", "c"]


def test_a_long_forecast_is_given_up_and_the_worker_lives(
    trained: Any, serving: Any, history: Any, tmp_path: Path
) -> None:
    body = pd.concat([history(f"new-{number}", 30 + number, 60) for number in range(1500)]).to_csv(index=False)
    with serving(trained[0], tmp_path / "log", MODEL_SERVER_TIMEOUT="1") as server:
        before = workers(server)
        status, answer, _ = server.ask("POST", "/invocations", body, CSV)
        assert (status, json.loads(answer)["code"]) == (503, "time_limit")
        assert server.ask("POST", "/invocations", "{}", JSON)[0] == 200
        assert set(before) <= set(workers(server))


@pytest.mark.parametrize("level", ["debug", "error"])
def test_the_log_level_is_the_environments(trained: Any, serving: Any, tmp_path: Path, level: str) -> None:
    log = tmp_path / "log"
    with serving(trained[0], log, SAGEMAKER_CONTAINER_LOG_LEVEL=level) as server:
        headers = {**JSON, "X-Amzn-SageMaker-Inference-Id": "id-4711"}
        assert server.ask("POST", "/invocations", "{}", headers)[0] == 200
    assert ("inference_id=id-4711" in log.read_text()) == (level == "debug")
