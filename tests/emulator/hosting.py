"""A model and its server: checked, unpacked, started, asked and stopped; for endpoints and batch transform alike."""

from __future__ import annotations

import contextlib
import http.client
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from .errors import JobError, invalid, not_emulated
from .logs import Log
from .registry import MODEL
from .rules import check_image, check_role
from .runners import Launch, Program
from .service import Service

PING_S = 2.0
REPLY_CHARACTERS = 1024


class Answer(NamedTuple):
    """One HTTP answer of a model server; status 0 stands for none at all."""

    status: int
    body: bytes
    headers: Mapping[str, str]  # names in lower case

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300


def create_model(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModel, of one container."""
    if "PrimaryContainer" not in request and len(request.get("Containers", [])) == 1:
        request["PrimaryContainer"] = request["Containers"][0]
    container = request.get("PrimaryContainer")
    if container is None or container.get("Mode", "SingleModel") != "SingleModel" or "ModelPackageName" in container:
        raise not_emulated("A model of several containers, of several models or of a model package")
    check_role(service, request.get("ExecutionRoleArn", ""))
    image = container.get("Image", "")
    refusal = f'Using non-ECR image "{image}" without Vpc repository access mode is not supported.'
    check_image(service, image, request["ExecutionRoleArn"], refusal)
    uri = model_uri(container)
    if uri and not (service.storage.keys(uri) if uri.endswith("/") else service.storage.has(uri)):
        raise invalid(f"Could not find model data at {uri}.")
    return {"ModelArn": service.registry.make(MODEL, request).arn}


def model_uri(container: dict[str, Any]) -> str:
    """Where the model's data are: an archive, or, ending in a slash, a prefix of bare files."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    return str(source.get("S3Uri", container.get("ModelDataUrl", "")))


class ModelServer:
    """`serve` over a model's files, in one container."""

    def __init__(
        self, service: Service, model: dict[str, Any], name: str, log: Log, environment: Mapping[str, str] | None = None
    ) -> None:
        self._service, self._name, self._log = service, name, log
        self._container = model["PrimaryContainer"]
        self._environment = {**self._container.get("Environment", {}), **(environment or {})}
        self._root = Path(tempfile.mkdtemp(dir=service.root))
        self._program: Program | None = None
        self._address: tuple[str, int] | None = None
        self._asked, self._idle = 0, threading.Condition()

    def start(self, memory_mb: int = 0) -> None:
        """Bring the model's files and start the program."""
        folder, uri = self._root / "model", model_uri(self._container)
        folder.mkdir()
        if uri.endswith("/"):
            self._service.storage.fetch(self._service.storage.sources({"S3Uri": uri}), folder)
        elif uri:
            self._service.storage.unpack(uri, folder)
        launch = Launch(
            self._name, self._container["Image"], "serve", self._root, self._environment, memory_mb=memory_mb
        )
        self._program = self._service.runner.start(launch)
        if self._program.process.stdout:
            self._log.follow(self._program.process.stdout)

    def note(self, line: str) -> None:
        """Write a line of the platform's own into the server's log."""
        self._log.write([line])

    def wait_ready(self, stopped: Callable[[], bool], timeout_s: float | None = None) -> None:
        """Return once `/ping` answers 200; raise JobError if the program exits, is stopped or takes too long."""
        limit = time.monotonic() + (timeout_s or self._service.limits.startup_s)
        while time.monotonic() < limit and not stopped():
            if self._program is None or self._program.process.poll() is not None:
                raise JobError("it exited")
            self._address = self._program.address
            if self._address and self.ask("GET", "/ping", timeout_s=PING_S).status == 200:
                return
            time.sleep(self._service.limits.poll_s)
        raise JobError("it did not answer in time")

    def ask(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        timeout_s: float,
        chunked: bool = False,
    ) -> Answer:
        """Send one request and return the answer; `chunked` is how a batch without a payload limit is sent."""
        if self._address is None:
            return Answer(0, b"the server is not up", {})
        connection = http.client.HTTPConnection(*self._address, timeout=timeout_s)
        sent = {**(headers or {}), **({"Transfer-Encoding": "chunked"} if chunked else {})}
        try:
            content = iter([body]) if chunked else body or None
            connection.request(method, path, content, sent, encode_chunked=chunked)
            response = connection.getresponse()
            return Answer(
                response.status, response.read(), {name.lower(): value for name, value in response.getheaders()}
            )
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, f"no answer within {timeout_s:g} s: {type(error).__name__}".encode(), {})
        finally:
            connection.close()

    def enter(self) -> None:
        """Say that a request is coming, so that the server is not ended before it is answered."""
        with self._idle:
            self._asked += 1

    def leave(self) -> None:
        with self._idle:
            self._asked -= 1
            self._idle.notify_all()

    def drain(self) -> None:
        """Wait until the requests on their way are answered."""
        with self._idle:
            self._idle.wait_for(lambda: not self._asked, self._service.limits.invocation_s)

    def stop(self, grace_s: float | None = None) -> None:
        """SIGTERM, then SIGKILL; remove the model's files. May be called twice."""
        if self._program:
            self._program.stop(self._service.limits.serve_grace_s if grace_s is None else grace_s)
            self._log.join()
        with contextlib.suppress(OSError):
            self._service.runner.remove(self._root, self._container["Image"])
