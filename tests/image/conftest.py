"""The image, run as SageMaker runs it: a tree in the place of /opt/ml, and one word."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.image.engine import LABEL, ROOT, docker
from tests.image.fixtures import engine, image

__all__ = ["engine", "image"]

SAMPLE = ROOT / "container" / "local_test" / "test_dir"
# As hosted without a server: nothing but /tmp can be written, and there is no way out.
CONFINED = ("--read-only", "--tmpfs", "/tmp", "--network", "none")
ASK = """
import sys, urllib.request
request = urllib.request.Request("http://127.0.0.1:8080" + sys.argv[1], sys.stdin.buffer.read() or None)
request.add_header("Content-Type", "application/json")
print(urllib.request.urlopen(request, timeout=60).read().decode(), end="")
"""
START_S = 60


@dataclass(frozen=True)
class Container:
    """A container in the background."""

    name: str
    started: float

    def wait_for_ping(self, port: int) -> float:
        """Return the seconds from `docker run` to the first 200."""
        while time.monotonic() < self.started + START_S:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
                connection.request("GET", "/ping")
                if connection.getresponse().status == 200:
                    return time.monotonic() - self.started
            assert self.running(), self.log()
            time.sleep(0.02)
        pytest.fail(f"no answer to /ping: {self.log()}")

    def running(self) -> bool:
        return docker("inspect", self.name, "--format", "{{.State.Running}}").stdout.strip() == "true"

    def log(self) -> str:
        done = docker("logs", self.name)
        return done.stdout + done.stderr

    def port(self) -> int:
        return int(docker("port", self.name, "8080").stdout.split()[0].rpartition(":")[2])

    def ask(self, path: str, body: str = "") -> str:
        """Send a request from inside, since a container without a network cannot be asked from outside."""
        code = f'printf %s "$1" | python -c \'{ASK}\' "$0"'
        return docker("exec", self.name, "sh", "-c", code, path, body).stdout

    def stop(self, signal: str = "TERM") -> tuple[int, float]:
        """Send a signal and wait; return the exit code and the seconds it took."""
        before = time.monotonic()
        docker("kill", "--signal", signal, self.name)
        code = int(docker("wait", self.name).stdout)
        return code, time.monotonic() - before


@pytest.fixture
def start(image: str) -> Iterator[Callable[..., Container]]:
    """A function that starts a container of the image; what it starts is removed with the test."""
    names: list[str] = []

    def run(program: str, *options: str) -> Container:
        started = time.monotonic()
        names.append(docker("run", "--detach", "--label", LABEL, *options, image, program).stdout.strip())
        return Container(names[-1], started)

    yield run
    if names:
        docker("rm", "--force", "--volumes", *names)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The sample's /opt/ml, which any user may write to."""
    return open_tree(tmp_path / "ml")


def open_tree(base: Path) -> Path:
    shutil.copytree(SAMPLE / "input", base / "input")
    for name in ("", "model", "output"):
        (base / name).mkdir(exist_ok=True)
        (base / name).chmod(0o777)
    return base


@pytest.fixture(scope="session")
def trained(image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree with the model that the image trained, as user 1000 and confined."""
    base = open_tree(tmp_path_factory.mktemp("trained") / "ml")
    options = ["--rm", "--label", LABEL, *CONFINED, "--user", "1000", "--volume", f"{base}:/opt/ml"]
    docker("run", *options, image, "train")
    return base


@pytest.fixture
def variables() -> dict[str, str]:
    """The environment without what would lead the programs elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SAGEMAKER", "AWS_", "IMAGE"))}
