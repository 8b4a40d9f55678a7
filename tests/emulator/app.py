"""The one door: SageMaker's calls to the emulator, ECR's corrected on their way, everything else to moto."""

from __future__ import annotations

import io
import json
import re
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Request, Response

from . import api, invocations
from .ecr import Registry
from .errors import ServiceError
from .service import Service

DEFAULT_REGION = "us-east-1"
SIGNED_FOR = re.compile(r"Credential=[^/]+/\d+/([a-z0-9-]+)/")
INVOCATION = re.compile(r"/endpoints/([^/]+)/((?:async-)?invocations)")
JSON = "application/x-amz-json-1.1"
ECR = "AmazonEC2ContainerRegistry"
IMAGE_QUERIES = ("DescribeImages", "ListImages", "BatchGetImage", "DescribeImageScanFindings")
Environ = dict[str, Any]
Start = Callable[..., Any]


class App:
    """A WSGI application; `services` are the regions asked so far."""

    def __init__(self, make_service: Callable[[str], Service], registry: Registry | None) -> None:
        self._make_service, self._registry = make_service, registry
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._lock = threading.Lock()
        self.services: dict[str, Service] = {}

    def service(self, region: str = DEFAULT_REGION) -> Service:
        with self._lock:
            if region not in self.services:
                self.services[region] = self._make_service(region)
            return self.services[region]

    def __call__(self, environ: Environ, start: Start) -> Iterable[bytes]:
        request = Request(environ)
        target = request.headers.get("X-Amz-Target", "")
        signed = SIGNED_FOR.search(request.headers.get("Authorization", ""))
        region = signed[1] if signed else DEFAULT_REGION
        called = INVOCATION.fullmatch(request.path)
        if called:
            work = invocations.invoke if called[2] == "invocations" else invocations.invoke_async
            return answered(lambda: invoked(work, self.service(region), called[1], request))(environ, start)
        operation = target.removeprefix("SageMaker.")
        if operation != target and not api.KEPT_BY_MOTO.fullmatch(operation):
            return answered(lambda: self._call(region, operation, request))(environ, start)
        if target.startswith(ECR) and self._registry:
            return self._corrected(self._registry, region, request, environ)(environ, start)
        return self._moto(environ, start)  # type: ignore[no-any-return]

    def _call(self, region: str, operation: str, request: Request) -> Response:
        answer = api.call(self.service(region), operation, json.loads(request.get_data() or b"{}"))
        return Response(json.dumps(answer), content_type=JSON)

    def _corrected(self, registry: Registry, region: str, request: Request, environ: Environ) -> Response:
        """Moto's answer with the registry's address, and knowing the images that the registry holds."""
        body = request.get_data()
        asked = json.loads(body or b"{}")
        if request.headers["X-Amz-Target"].partition(".")[2] in IMAGE_QUERIES and "repositoryName" in asked:
            registry.tell(self.service(region).ecr, asked["repositoryName"])
        answer = Response.from_app(self._moto, {**environ, "wsgi.input": io.BytesIO(body)})
        answer.set_data(registry.rewrite(answer.get_data(), region))
        return answer


def invoked(work: Callable[..., invocations.Reply], service: Service, name: str, request: Request) -> Response:
    status, body, headers = work(service, name, request.headers, request.get_data())
    return Response(body, status=status, headers=headers)


def answered(work: Callable[[], Response]) -> Response:
    """Do the work; turn what it raises into AWS's form of an error."""
    try:
        return work()
    except ServiceError as error:
        headers = {"x-amzn-errortype": error.code}
        return Response(json.dumps(error.body), status=error.status, content_type=JSON, headers=headers)
    except Exception as error:
        traceback.print_exc()
        told = {"__type": "InternalFailure", "message": f"The emulator failed: {error!r}"}
        return Response(json.dumps(told), status=500, content_type=JSON)
