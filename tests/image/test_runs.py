"""`docker run` of the image as SageMaker does it: any user, a root that cannot be written, no network."""

from __future__ import annotations

import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.image.conftest import CONFINED, SAMPLE
from tests.image.engine import ROOT, docker

STOP_S = 25.0
PAYLOAD = (SAMPLE / "payload.json").read_text("utf-8")


def volume(tree: Path) -> list[str]:
    return ["--volume", f"{tree}:/opt/ml"]


def test_train_leaves_a_model_and_forecasts(trained: Path) -> None:
    assert json.loads((trained / "model" / "manifest.json").read_text("utf-8"))
    forecasts = pd.read_csv(trained / "output" / "data" / "forecasts.csv")
    assert len(forecasts) == 5 * 14
    assert not (trained / "output" / "failure").exists()
    assert (trained / "model" / "manifest.json").stat().st_uid == 1000


def test_the_container_and_the_process_make_the_same_forecast(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "input", tmp_path / "input")
    program = [sys.executable, str(ROOT / "container" / "train")]
    subprocess.run(program, env={**os.environ, "SAGEMAKER_BASE_DIR": str(tmp_path)}, check=True, capture_output=True)
    found, expected = (pd.read_csv(base / "output" / "data" / "forecasts.csv") for base in (trained, tmp_path))
    pd.testing.assert_frame_equal(found, expected, rtol=1e-4)


def test_serve_answers_confined_and_with_the_model_read_only(start: Callable[..., Any], trained: Path) -> None:
    model = ["--volume", f"{trained / 'model'}:/opt/ml/model:ro"]
    server = start("serve", *CONFINED, "--user", "1000", *model)
    answer = ask_until_up(server)
    assert len(answer) == 2 * 7
    assert list(answer.columns[:3]) == ["item_id", "timestamp", "mean"]
    assert server.ask("/ping") == ""


def ask_until_up(server: Any) -> pd.DataFrame:
    for _ in range(60):
        if "Booting worker" in server.log():
            break
        time.sleep(0.25)
    return pd.read_csv(io.StringIO(server.ask("/invocations", PAYLOAD)))


@pytest.mark.parametrize("user", ["0", "1000:1000", "54321:54321"])
def test_any_user_can_train(start: Callable[..., Any], tree: Path, user: str) -> None:
    job = start("train", *CONFINED, "--user", user, *volume(tree))
    assert docker("wait", job.name).stdout.strip() == "0", job.log()
    assert (tree / "model" / "manifest.json").is_file()


def test_without_a_word_it_trains(image: str, tree: Path) -> None:
    done = docker("run", "--rm", "--network", "none", *volume(tree), image)
    assert "metric: validation:MASE=" in done.stdout


def test_a_bad_hyperparameter_is_said_in_the_failure_file(start: Callable[..., Any], tree: Path) -> None:
    (tree / "input" / "config" / "hyperparameters.json").write_text('{"horizn": "14"}')
    job = start("train", *CONFINED, "--user", "1000", *volume(tree))
    assert docker("wait", job.name).stdout.strip() == "1"
    said = (tree / "output" / "failure").read_text("utf-8")
    assert said.startswith("UserError [")
    assert "horizon" in said.splitlines()[0]
    assert list((tree / "model").iterdir()) == []


def test_serve_without_a_model_ends_with_one_line(start: Callable[..., Any], tree: Path) -> None:
    server = start("serve", *CONFINED, *volume(tree))
    assert docker("wait", server.name).stdout.strip() != "0"
    assert len(server.log().strip().splitlines()) == 1


def test_sigterm_ends_serve_within_the_thirty_seconds(start: Callable[..., Any], trained: Path) -> None:
    server = start("serve", "--publish", "127.0.0.1::8080", *volume(trained))
    server.wait_for_ping(server.port())
    code, seconds = server.stop()
    assert code == 0
    assert seconds < STOP_S


def test_sigterm_lets_train_leave_a_model(start: Callable[..., Any], tree: Path) -> None:
    data = tree / "input" / "data" / "train"
    shutil.copy(ROOT / "data" / "daily_departures.csv", data / "daily_departures.csv")
    job = start("train", *CONFINED, "--user", "1000", *volume(tree))
    until = time.monotonic() + 60
    while "model " not in job.log() and time.monotonic() < until:
        time.sleep(0.05)
    code, seconds = job.stop()
    assert code == 0, job.log()
    assert seconds < 120
    assert (tree / "model" / "manifest.json").is_file()


def test_serve_listens_where_it_is_told(start: Callable[..., Any], trained: Path) -> None:
    server = start("serve", "--publish", "127.0.0.1::9123", "--env", "SAGEMAKER_BIND_TO_PORT=9123", *volume(trained))
    port = int(docker("port", server.name, "9123").stdout.split()[0].rpartition(":")[2])
    assert server.wait_for_ping(port) < 60


def test_the_local_scripts_run_the_image(image: str, tmp_path: Path, variables: dict[str, str]) -> None:
    scripts = tmp_path / "local_test"
    shutil.copytree(SAMPLE.parent, scripts, ignore=shutil.ignore_patterns("model", "output"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**variables, "IMAGE": image, "PORT": str(port)}
    done = subprocess.run([scripts / "train_local.sh"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"train: Docker answers and has the image '{image}'" in done.stderr
    server = subprocess.Popen([scripts / "serve_local.sh"], env=environment, stderr=subprocess.DEVNULL)
    try:
        answer = predict(scripts / "predict_local.sh", environment)
    finally:
        server.terminate()
        server.wait(40)
    assert len(answer.splitlines()) == 1 + 2 * 7


def predict(script: Path, environment: dict[str, str]) -> str:
    for _ in range(100):
        done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout
        time.sleep(0.2)
    pytest.fail(done.stderr)
