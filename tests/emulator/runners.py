"""The two ways a job runs: `docker run` of the real image, or, said aloud, its programs as processes.

Docker is driven through its command line: it honours the user's context, DOCKER_HOST and stored logins as the helpers
do, and `docker run` in the foreground is a process with an exit code and an output, which is all that is needed of
both runners.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

PROGRAMS = Path(__file__).resolve().parents[2] / "container"
# A container sees none of the shell's variables, so a process sees only what any program needs to start.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "TZ", "LD_LIBRARY_PATH", "SYSTEMROOT", "VIRTUAL_ENV")
OPT_ML = "/opt/ml/"
PORT = 8080
KILL_S = 10.0  # for the engine itself, beyond a container's grace


@dataclass(frozen=True)
class Launch:
    """One container to start: `program` is `train` or `serve`, `root` its `/opt/ml` on this machine.

    A processing job has no program, but an entrypoint of its own.
    """

    name: str
    image: str
    program: str
    root: Path
    environment: Mapping[str, str]
    hostname: str = "algo-1"
    network: str = ""
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    mounts: Mapping[str, Path] = field(default_factory=dict)  # folders outside /opt/ml
    memory_mb: int = 0  # serverless: a limit, and nothing but /tmp can be written


class Program(Protocol):
    """A container, or what stands for it."""

    process: subprocess.Popen[bytes]
    address: tuple[str, int] | None  # of its server

    def stop(self, grace_s: float) -> int: ...


class Runner(Protocol):
    """Where programs run."""

    name: str
    says: str  # what a user must know about it

    def has(self, image: str) -> bool | None: ...  # None: it cannot tell
    def hosts(self, count: int) -> list[str]: ...  # names for a training job's hosts, by which they find each other
    def start(self, launch: Launch) -> Program: ...
    def open_network(self, name: str, *, isolated: bool) -> None: ...
    def close_network(self, name: str) -> None: ...
    def remove(self, folder: Path, image: str) -> None: ...
    def close(self) -> None: ...


def moved(word: str, root: Path) -> str:
    """A path below `/opt/ml`, as a process finds it, which has no root of its own; any other word as it is."""
    return f"{root}/{word.removeprefix(OPT_ML)}" if word.startswith(OPT_ML) else word


def command(launch: Launch, programs: Path) -> list[str]:
    """What a process is started with; of an entrypoint's own words, `python` is this one."""
    if launch.program:
        return [sys.executable, str(programs / launch.program), *launch.arguments]
    first, *rest = [moved(word, launch.root) for word in (*launch.entrypoint, *launch.arguments)]
    return [sys.executable if first in ("python", "python3") else first, *rest]


class ProcessProgram:
    """A program of the container as a process of this machine, with all that it starts."""

    def __init__(self, launch: Launch, programs: Path) -> None:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        given = {
            name: value if launch.program else moved(value, launch.root) for name, value in launch.environment.items()
        }
        variables = {**inherited, "PYTHONUNBUFFERED": "1", **given, "SAGEMAKER_BASE_DIR": str(launch.root)}
        self.address = ("127.0.0.1", free_port()) if launch.program == "serve" else None
        if self.address:
            variables["SAGEMAKER_BIND_TO_PORT"] = str(self.address[1])
        self.process = subprocess.Popen(
            command(launch, programs),
            cwd=launch.root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def stop(self, grace_s: float) -> int:
        """SIGTERM, then after `grace_s` SIGKILL, to the program and all it started; return the exit code."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(grace_s)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        return code if code >= 0 else 128 - code  # killed by signal n: 128 + n, as Docker says


class Processes:
    """Runs `train` and `serve` of a folder as processes; the image's name only stands for it."""

    name = "processes"
    says = "no container: train and serve of this checkout run as processes, whatever image a request names"

    def __init__(self, programs: Path = PROGRAMS) -> None:
        self.programs = programs
        self._started: list[ProcessProgram] = []
        self._networks = itertools.count(random.randrange(1 << 15))

    def has(self, image: str) -> bool | None:
        return None

    def hosts(self, count: int) -> list[str]:
        """Several hosts are called by addresses of this machine, each job's in a network of its own."""
        if count == 1:
            return ["algo-1"]
        high, low = divmod(next(self._networks) % (1 << 15), 250)
        return [f"127.{high + 1}.{low + 1}.{number}" for number in range(1, count + 1)]

    def start(self, launch: Launch) -> Program:
        program = ProcessProgram(launch, self.programs)
        self._started.append(program)
        return program

    def open_network(self, name: str, *, isolated: bool) -> None:
        """All processes share this machine's network."""

    def close_network(self, name: str) -> None:
        """There is none."""

    def remove(self, folder: Path, image: str) -> None:
        shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """End by force what its job has not ended."""
        for program in self._started:
            program.stop(0)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
