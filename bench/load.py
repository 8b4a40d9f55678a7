"""Load by wrk, the field's own generator: what is sent is a list of requests, what comes back one line of numbers."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("load.lua")
TIMEOUT_S = 60  # the platform waits no longer


@dataclass(frozen=True)
class Request:
    """One POST."""

    path: str
    content_type: str
    accept: str
    body: bytes


@dataclass(frozen=True)
class Found:
    """What wrk saw: `requests` were answered, `status` of them with 400 or more; the other errors had no answer."""

    requests: int
    seconds: float
    connect: int
    read: int
    write: int
    status: int
    timeout: int
    p50_ms: float
    p99_ms: float
    max_ms: float

    @property
    def row(self) -> dict[str, object]:
        """The columns of a result."""
        return {**asdict(self), "requests_per_s": self.requests / self.seconds}


class Load:
    """wrk at work on one port: `with Load(...) as load: ...; load.found()`."""

    def __init__(self, port: int, requests: Sequence[Request], folder: Path, clients: int, seconds: int) -> None:
        """Write the requests into `folder` and start. Raises SystemExit, with a word, where wrk is not installed."""
        wrk = shutil.which("wrk")
        if wrk is None:
            sys.exit("The load comes from wrk, which is not installed: apt-get install wrk, or brew install wrk.")
        command = [wrk, "-t1", f"-c{clients}", f"-d{seconds}s", f"--timeout={TIMEOUT_S}s", "-s", str(SCRIPT)]
        command += [f"http://127.0.0.1:{port}", "--", str(_written(requests, folder))]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def running(self) -> bool:
        """Whether the time is not over."""
        return self._process.poll() is None

    def found(self) -> Found:
        """Wait for the end and return what was seen. Raises RuntimeError where wrk failed."""
        _, told = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"wrk ended with {self._process.returncode}: {told.strip()}")
        return Found(**json.loads(told.strip().splitlines()[-1]))

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        if self.running():
            self._process.terminate()
            self._process.wait()


def _written(requests: Sequence[Request], folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, one in enumerate(requests):
        body = folder / f"body-{number}"
        body.write_bytes(one.body)
        lines.append("\t".join([one.path, one.content_type, one.accept, str(body)]))
    listing = folder / "requests.tsv"
    listing.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return listing
