"""The command and the context: what they say at the start, and that nothing is left at the end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.emulator import Limits, docker, running
from tests.emulator.conftest import Desk
from tests.emulator.server import NoEngine

ROOT = Path(__file__).resolve().parents[2]
START_S = 60


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of this test alone."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def descendants() -> set[int]:
    """The processes that this one has started, and theirs."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    found = {os.getpid()}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {os.getpid()}


@pytest.fixture
def command(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str], str]]:
    """The command, started; its variables and all it has said until it waits."""
    options = ["--runner", "processes", "--port", str(free_port())]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.emulator", *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    timer = threading.Timer(START_S, process.kill)
    timer.start()
    lines: list[str] = []
    while process.stdout and not (lines and lines[-1].startswith("Ctrl-C")):
        line = process.stdout.readline()
        assert line, "".join(lines)
        lines.append(line)
    said = "".join(lines)
    exported = [line.removeprefix("export ").strip() for line in lines if line.startswith("export ")]
    yield process, dict(line.split("=", 1) for line in exported), said
    timer.cancel()
    process.kill()
    process.wait()


def test_the_command_says_how_to_use_it_and_leaves_nothing(command: Any, tmp_path: Path) -> None:
    process, variables, said = command
    assert "the container contract is real, the service is not" in said
    assert "Runs jobs as processes: no container" in said
    names = {"AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"}
    assert names <= set(variables)
    session = boto3.Session("x", "x", region_name=variables["AWS_DEFAULT_REGION"])
    s3 = session.client("s3", endpoint_url=variables["AWS_ENDPOINT_URL"])
    buckets = [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]
    assert f"bucket  {buckets[0]}\n" in said
    assert list(tmp_path.iterdir())
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(variables["AWS_ENDPOINT_URL"], timeout=2)


def test_a_port_that_is_taken_is_said_in_one_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        options = ["--runner", "processes", "--port", str(port)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.emulator", *options], cwd=ROOT, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"Port {port} of 127.0.0.1 cannot be used: ")
    assert "Traceback" not in done.stderr


def test_leaving_ends_jobs_and_endpoints_and_removes_all(programs: Path, place: Path) -> None:
    processes = descendants()
    limits = Limits(train_grace_s=1, serve_grace_s=1, poll_s=0.02)
    with running("processes", programs=programs, limits=limits) as emulator:
        desk = Desk(emulator)
        job = desk.training(HyperParameters={"do": "ignore"})
        desk.sagemaker.create_training_job(**job)
        variant = {
            "VariantName": "A",
            "ModelName": desk.model(),
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
        }
        desk.sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
        desk.sagemaker.create_endpoint(EndpointName="endpoint", EndpointConfigName="config")
        desk.until("endpoint", lambda one: one["EndpointStatus"] == "InService", "endpoint")
        assert len(descendants() - processes) == 2
        url = emulator.url
        assert list(place.iterdir())
    assert descendants() - processes == set()
    assert list(place.iterdir()) == []
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(url, timeout=2)


def test_an_error_inside_leaves_nothing_either(programs: Path, place: Path) -> None:
    with pytest.raises(ZeroDivisionError), running("processes", programs=programs):
        raise ZeroDivisionError
    assert list(place.iterdir()) == []


def test_what_one_remembers_the_next_does_not(programs: Path) -> None:
    for _ in range(2):
        with running("processes", programs=programs) as emulator:
            assert emulator.client("s3").list_objects_v2(Bucket=emulator.bucket)["KeyCount"] == 0
            emulator.client("s3").put_object(Bucket=emulator.bucket, Key="x", Body=b"")


def test_docker_that_is_wanted_and_absent_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "engine_answers", lambda: False)
    with pytest.raises(NoEngine, match="No Docker engine answers"), running("docker"):
        pytest.fail("it runs")
    with running("auto") as emulator:
        assert emulator.runner.name == "processes"


def test_two_at_once_are_refused(programs: Path) -> None:
    with running("processes", programs=programs):  # noqa: SIM117 - the outer one must be running
        with pytest.raises(RuntimeError, match="One emulator at a time"), running("processes", programs=programs):
            pytest.fail("it runs")
