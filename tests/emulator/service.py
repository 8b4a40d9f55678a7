"""What every operation is handed: the region's resources, S3 and logs, the runner, the limits, and its threads."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from .logs import Log
from .registry import Registry
from .runners import Runner
from .storage import Storage

ACCOUNT = "123456789012"  # moto's
CREDENTIALS = {"aws_access_key_id": "emulator", "aws_secret_access_key": "emulator"}
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Limits:
    """AWS's numbers; the tests make some of them smaller, so as not to wait."""

    train_grace_s: float = 120  # between SIGTERM and SIGKILL of a training program
    serve_grace_s: float = 30  # the same of a model server
    startup_s: float = 480  # until a server answers /ping
    invocation_s: float = 60  # for one answer of an endpoint
    payload_bytes: int = 25 * MEGABYTE  # of a request to an endpoint
    serverless_payload_bytes: int = 4 * MEGABYTE
    checkpoint_sync_s: float = 2
    poll_s: float = 0.1


class Service:
    """SageMaker in one region."""

    def __init__(self, region: str, url: str, runner: Runner, limits: Limits, root: Path) -> None:
        self.region, self.url, self.runner, self.limits, self.root = region, url, runner, limits, root
        self.registry = Registry(region, ACCOUNT)
        self.storage, self.ecr, self.iam = Storage(self.client("s3")), self.client("ecr"), self.client("iam")
        self._logs = self.client("logs")
        self._threads: list[threading.Thread] = []

    def client(self, name: str) -> Any:
        session = boto3.Session(region_name=self.region, **CREDENTIALS)
        return session.client(name, endpoint_url=self.url, config=Config(retries={"max_attempts": 0}))

    def log(self, group: str, stream: str) -> Log:
        """Open a log stream, which first says where the program really runs."""
        log = Log(self._logs, group, stream)
        if self.runner.name != "docker":
            log.write([f"[emulator] {self.runner.says}"])
        return log

    @contextlib.contextmanager
    def folder(self, image: str) -> Iterator[Path]:
        """A folder for the time of a job; what a container leaves there is removed as well."""
        folder = Path(tempfile.mkdtemp(dir=self.root))
        try:
            yield folder
        finally:
            self.runner.remove(folder, image)

    def background(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, daemon=True)
        self._threads = [other for other in self._threads if other.is_alive()] + [thread]
        thread.start()
        return thread

    def close(self, timeout_s: float = 60) -> None:
        """Ask everything to stop, and wait for it."""
        for resource in self.registry.all():
            resource.stop.set()
            for server in resource.parts.get("servers", []):
                self.background(functools.partial(server.stop, 2))
        limit = time.monotonic() + timeout_s
        for thread in self._threads:
            thread.join(max(0.1, limit - time.monotonic()))
