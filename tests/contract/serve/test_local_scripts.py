"""`container/local_test`: the scripts run the programs where there is no image, over a tree with real data."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convect.config import Config

ROOT = Path(__file__).resolve().parents[3]
LOCAL_TEST = ROOT / "container" / "local_test"
TEST_DIR = LOCAL_TEST / "test_dir"
START_S = 60


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The scripts beside the programs, as in `container/`, so that nothing is written into the checkout."""
    for name in ("train", "serve", "convect"):
        (tmp_path / name).symlink_to(ROOT / "container" / name)
    leave_out = shutil.ignore_patterns("model", "output")
    return Path(shutil.copytree(LOCAL_TEST, tmp_path / "local_test", ignore=leave_out))


@pytest.fixture
def variables() -> dict[str, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PORT": str(port), "IMAGE": "no-image-of-this-name"}


def test_train_then_serve_then_predict(copied: Path, variables: dict[str, str]) -> None:
    trained = subprocess.run([copied / "train_local.sh"], env=variables, capture_output=True, text=True, check=False)
    assert trained.returncode == 0, trained.stderr
    assert "train: no Docker engine with the image 'no-image-of-this-name', so " in trained.stderr
    assert (copied / "test_dir" / "model" / "manifest.json").is_file()
    assert (copied / "test_dir" / "output" / "data" / "forecasts.csv").is_file()
    with (copied / "log").open("wb") as log:
        server = subprocess.Popen([copied / "serve_local.sh"], env=variables, stdout=log, stderr=log)
    try:
        answers = predictions(copied, variables, server)
    finally:
        server.terminate()
        server.wait(30)
    assert [len(answer.splitlines()) for answer in answers] == [1 + 2 * 7, 1 + 14]
    assert answers[0].startswith("item_id,timestamp,mean,0.1,0.5,0.9\nEWR/UA,2014-01-01,")
    assert "\nLGA/US,2014-01-14," in answers[1]


def predictions(copied: Path, variables: dict[str, str], server: subprocess.Popen[bytes]) -> list[str]:
    """What predict_local.sh prints for each payload, asked until the server is up."""
    until = time.monotonic() + START_S
    answers = []
    for arguments in ([], [copied / "test_dir" / "payload.csv", "text/csv"]):
        while True:
            command = [copied / "predict_local.sh", *arguments]
            done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                break
            assert server.poll() is None
            assert time.monotonic() < until, done.stderr
            time.sleep(0.1)
        answers.append(done.stdout)
    return answers


@pytest.mark.parametrize(
    ("script", "ports"), [("train_local.sh", []), ("serve_local.sh", ["--publish", "{PORT}:8080"])]
)
def test_with_docker_and_the_image_the_image_runs(
    copied: Path, variables: dict[str, str], tmp_path: Path, script: str, ports: list[str]
) -> None:
    docker = tmp_path / "bin" / "docker"  # stands for an engine that has every image
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\n[ "$1" = run ] || exit 0\nprintf "%s\\n" "$@"\n')
    docker.chmod(0o755)
    with_docker = {**variables, "PATH": f"{docker.parent}{os.pathsep}{variables['PATH']}", "IMAGE": "convect:1"}
    done = subprocess.run([copied / script], env=with_docker, capture_output=True, text=True, check=True)
    program = script.partition("_")[0]
    mount = ["--user", f"{os.getuid()}:{os.getgid()}", "--volume", f"{copied / 'test_dir'}:/opt/ml"]
    opened = [port.format(**variables) for port in ports]
    assert done.stdout.splitlines() == ["run", "--rm", "--init", *mount, *opened, "convect:1", program]
    assert f"{program}: Docker answers and has the image 'convect:1', so the image runs." in done.stderr


def test_a_refused_request_is_shown_and_fails(copied: Path, variables: dict[str, str]) -> None:
    done = subprocess.run([copied / "predict_local.sh"], env=variables, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "curl" in done.stderr


def test_the_tree_is_what_the_platform_would_write() -> None:
    config = TEST_DIR / "input" / "config"
    parameters = json.loads((config / "hyperparameters.json").read_text())
    assert all(isinstance(value, str) for value in parameters.values())
    assert Config.from_hyperparameters(parameters).horizon == 14
    channels = json.loads((config / "inputdataconfig.json").read_text())
    assert [path.name for path in (TEST_DIR / "input" / "data").iterdir()] == list(channels)
    hosts = json.loads((config / "resourceconfig.json").read_text())
    assert hosts["current_host"] in hosts["hosts"]


@pytest.mark.parametrize("name", ["input/data/train/daily_departures.csv", "payload.csv"])
def test_the_rows_are_real(name: str) -> None:
    all_rows = set((ROOT / "data" / "daily_departures.csv").read_text().splitlines())
    rows = (TEST_DIR / name).read_text().splitlines()
    assert rows[0] == "item_id,timestamp,target"
    assert set(rows) <= all_rows


def test_what_the_scripts_leave_is_ignored_by_git() -> None:
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    for name in ("model", "output"):
        assert f"container/local_test/test_dir/{name}/" in ignored
