"""The container's programs as processes: started, waited for, asked and stopped."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# A container sees none of the shell's variables, so a process sees only what any program needs to start.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
STARTUP_TIMEOUT_S = 480.0  # SageMaker gives a container eight minutes to answer /ping
PING_TIMEOUT_S = 2.0
POLL_S = 0.1


class Answer(NamedTuple):
    """One HTTP answer of the model server."""

    status: int
    body: bytes
    headers: Mapping[str, str]  # names in lower case


class NotReady(Exception):
    """The model server exited, or did not answer /ping in time."""


class Program:
    """One program of the container, or a whole command, over its own `/opt/ml`, with its output in a log file."""

    def __init__(self, program: Path | Sequence[str], base: Path, log: Path, environment: Mapping[str, str]) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        variables = {**inherited, "PYTHONUNBUFFERED": "1", **environment, "SAGEMAKER_BASE_DIR": str(base)}
        self.log = log
        with log.open("ab") as sink:
            self.process = subprocess.Popen(
                [sys.executable, str(program)] if isinstance(program, Path) else program,
                cwd=base,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether the program has not exited."""
        return self.process.poll() is None

    def stop(self, grace_s: float) -> int:
        """SIGTERM, then after `grace_s` SIGKILL, to the program and all it started; return the exit code."""
        if self.running:
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait()


class Server(Program):
    """`serve` on a free port of this machine."""

    def __init__(self, program: Path, base: Path, log: Path, environment: Mapping[str, str]) -> None:
        self.port = free_port()
        super().__init__(program, base, log, {**environment, "SAGEMAKER_BIND_TO_PORT": str(self.port)})

    def wait_ready(self, timeout_s: float, stopped: Callable[[], bool]) -> None:
        """Return once `/ping` answers 200; raise NotReady if the program exits, is stopped or takes too long."""
        limit = time.monotonic() + timeout_s
        while time.monotonic() < limit and not stopped():
            if not self.running:
                raise NotReady(f"the server exited with code {self.process.returncode}")
            if self.ask("GET", "/ping", timeout_s=PING_TIMEOUT_S).status == 200:
                return
            time.sleep(POLL_S)
        raise NotReady(f"/ping did not answer 200 within {timeout_s:.0f} s")

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None, *, timeout_s: float
    ) -> Answer:
        """Send one request and return the answer; status 0 stands for no answer at all."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout_s)
        try:
            connection.request(method, path, body or None, dict(headers or {}))
            response = connection.getresponse()
            lowered = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, response.read(), lowered)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, f"no answer within {timeout_s:g} s: {type(error).__name__}".encode(), {})
        finally:
            connection.close()


def free_port() -> int:
    """Return a TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
