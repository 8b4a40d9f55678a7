"""The servers that are measured, each as a process on a free port, ours over a model that was really trained."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.measure import family_mb, process_table
from bench.product import last_words

SERVE = Path(__file__).resolve().parents[1] / "container" / "serve"
START_S = 120
DRAIN_S = 30  # what the platform grants between SIGTERM and SIGKILL


@dataclass(frozen=True)
class Hosted:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    start_s: float
    log: Path

    def ask(self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> bytes:
        """Send one request and return the body of the answer. Raises RuntimeError for any status but 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {content[:200]!r}")
        return content

    def worker_pids(self) -> list[int]:
        """The processes below the one that was started."""
        rows = [list(map(int, line.split())) for line in process_table().splitlines()]
        return [pid for pid, parent, _ in rows if parent == self.process.pid]

    def resident_mb(self) -> float:
        """What all its processes hold, memory that two share counted twice."""
        return sum(family_mb(process_table(), self.process.pid))


@contextmanager
def hosted(command: Sequence[str], port: int, log: Path, variables: Mapping[str, str]) -> Iterator[Hosted]:
    """Start a server, wait until it answers `/ping`, and stop it with SIGTERM at the end of the block."""
    log.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command), stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **variables}
        )
    try:
        _wait(port, process, log)
        yield Hosted(port, process, time.monotonic() - started, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(DRAIN_S)


@contextmanager
def ours(base: Path, log: Path, python: str = sys.executable, **variables: str) -> Iterator[Hosted]:
    """Start `container/serve` over a folder laid out as /opt/ml."""
    port = free_port()
    platform = {"SAGEMAKER_BASE_DIR": str(base), "SAGEMAKER_BIND_TO_PORT": str(port), **variables}
    with hosted([python, str(SERVE)], port, log, platform) as server:
        yield server


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until and process.poll() is None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/ping")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        time.sleep(0.01)
    raise RuntimeError(f"no answer to /ping: {last_words(log)}")
