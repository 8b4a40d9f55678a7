"""The life of the server's process: how it starts, why it refuses to, how it ends."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

CONTAINER = Path(__file__).resolve().parents[3] / "container"
DRAIN_S = 30  # what the platform grants between SIGTERM and SIGKILL
JSON = {"Content-Type": "application/json"}


def refused_start(base: Path, **variables: str) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, str(CONTAINER / "serve")],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": "1", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == ""
    return done.returncode, done.stderr.splitlines()


def test_no_model_ends_the_process_with_one_line(tmp_path: Path) -> None:
    code, lines = refused_start(tmp_path)
    assert code == 1
    assert lines == [
        "PlatformError [platform]: There is no manifest.json in the model directory."
        " Give the model.tar.gz that training wrote."
    ]


def test_a_damaged_model_ends_the_process_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "manifest.json").write_text("{")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    code, lines = refused_start(tmp_path, TMPDIR=str(scratch))
    assert code == 1
    assert len(lines) == 1
    assert list(scratch.iterdir()) == []


def test_a_setting_that_cannot_be_used_ends_the_process_with_one_line(tmp_path: Path) -> None:
    code, lines = refused_start(tmp_path, MODEL_SERVER_WORKERS="many")
    assert code == 1
    assert lines == ["UserError [config]: MODEL_SERVER_WORKERS is 'many'. Set it to a whole number from 1 to 1,024."]


def test_a_model_that_loads_but_cannot_forecast_ends_the_process(trained: Any, tmp_path: Path) -> None:
    shutil.copytree(trained[0] / "model", tmp_path / "model")
    broken = (
        "import sys; from convect import pipeline\n"
        "def forecast(*_): raise ValueError('no forecast')\n"
        "pipeline.forecast = forecast\n"
        "from convect.serving.program import main; sys.exit(main())"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    done = subprocess.run(
        [sys.executable, "-c", broken],
        env={
            **os.environ,
            "PYTHONPATH": str(CONTAINER),
            "SAGEMAKER_BASE_DIR": str(tmp_path),
            "SAGEMAKER_BIND_TO_PORT": port,
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "The model cannot forecast: ValueError at " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_model_directory_is_only_read(trained: Any, serving: Any, tmp_path: Path) -> None:
    shutil.copytree(trained[0], tmp_path / "ml")
    before = sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "ml").rglob("*"))
    with serving(tmp_path / "ml", tmp_path / "log") as server:
        assert server.ask("POST", "/invocations", "{}", JSON)[0] == 200
    assert sorted((path.name, path.stat().st_mtime_ns) for path in (tmp_path / "ml").rglob("*")) == before


def test_batch_transform_is_told_how_to_send(trained: Any, serving: Any, tmp_path: Path) -> None:
    variables = {"SAGEMAKER_BATCH": "True", "SAGEMAKER_MAX_PAYLOAD_IN_MB": "6", "MODEL_SERVER_WORKERS": "1"}
    with serving(trained[0], tmp_path / "log", **variables) as server:
        status, body, _ = server.ask("GET", "/execution-parameters")
    assert status == 200
    assert json.loads(body) == {"MaxConcurrentTransforms": 1, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}


def test_the_application_is_served_by_any_server(trained: Any, serving: Any, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gunicorn", "--pythonpath", str(CONTAINER), "--bind", "127.0.0.1:{port}"]
    with serving(trained[0], tmp_path / "log", [*command, "predictor:app"]) as server:
        assert server.ask("POST", "/invocations", "{}", JSON)[0] == 200


def test_a_body_that_stops_arriving_is_408(trained: Any, serving: Any, tmp_path: Path) -> None:
    variables = {"SAGEMAKER_MODEL_SERVER_TIMEOUT": "2", "MODEL_SERVER_WORKERS": "1"}
    with serving(trained[0], tmp_path / "log", **variables) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
            line.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
            assert line.recv(1000).startswith(b"HTTP/1.1 408 ")
        assert server.ask("POST", "/invocations", "{}", JSON)[0] == 200


def test_ping_is_answered_while_workers_forecast(trained: Any, serving: Any, history: Any, tmp_path: Path) -> None:
    with serving(trained[0], tmp_path / "log", MODEL_SERVER_WORKERS="1") as server:
        bodies = [history(f"{number}-{copy}", 30, 60) for number in range(2) for copy in range(20)]
        text = bodies[0].to_csv(index=False) + "".join(body.to_csv(index=False, header=False) for body in bodies[1:])
        asked = [threading.Thread(target=server.invoke, args=(text, {"Content-Type": "text/csv"})) for _ in range(2)]
        for thread in asked:
            thread.start()
        slowest_s = 0.0
        while any(thread.is_alive() for thread in asked):
            started = time.monotonic()
            assert server.ask("GET", "/ping")[0] == 200
            slowest_s = max(slowest_s, time.monotonic() - started)
        assert slowest_s < 2


def test_sigterm_lets_a_request_in_hand_be_answered(trained: Any, serving: Any, tmp_path: Path) -> None:
    with serving(trained[0], tmp_path / "log") as server:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", "2")
        connection.endheaders(b"{")
        time.sleep(0.3)  # until a worker has it in hand
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        connection.send(b"}")
        answer = connection.getresponse()
        assert answer.status == 200
        assert answer.read().startswith(b"item_id,timestamp,mean,")
        connection.close()
        assert server.process.wait(DRAIN_S) == 0
        assert time.monotonic() - started < DRAIN_S
        with pytest.raises(OSError, match="refused"):
            server.ask("GET", "/ping")


def test_sigterm_waits_for_no_idle_connection(trained: Any, serving: Any, tmp_path: Path) -> None:
    with serving(trained[0], tmp_path / "log") as server:
        kept = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=20) for _ in range(4)]
        for connection in kept:
            connection.request("GET", "/ping")
            assert connection.getresponse().read() == b""
        mute = socket.create_connection(("127.0.0.1", server.port))
        time.sleep(6)  # longer than a worker's thread waits for its first byte
        started = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(DRAIN_S) == 0
        assert time.monotonic() - started < 10  # of the 25 that it may take
        for line in (*(connection.sock for connection in kept), mute):
            assert line.recv(1) == b""
            line.close()
