"""`LocalRuntimeClient`: invocations of the endpoints that a `LocalClient` serves."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import io
import threading
import uuid
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from .checks import check
from .client import LocalClient
from .errors import ClientError, ModelError, model_error, refused
from .files import path_of
from .programs import Answer, Server

INVOCATION_TIMEOUT_S = 60.0
ASYNC_TIMEOUT_S = 900.0
HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
}


class LocalRuntimeClient:
    """The `sagemaker-runtime` client of the endpoints of a `LocalClient`."""

    exceptions = SimpleNamespace(ClientError=ClientError, ModelError=ModelError)

    def __init__(self, client: LocalClient) -> None:
        self.client = client

    def invoke_endpoint(self, **request: Any) -> dict[str, Any]:
        """Send one request to an endpoint; raise ModelError where its server answers anything but 2xx."""
        check("InvokeEndpoint", request)
        server = self._server("InvokeEndpoint", request["EndpointName"], asynchronous=False)
        body = request["Body"]
        sent = body.encode("utf-8") if isinstance(body, str) else bytes(body)
        answer = server.ask("POST", "/invocations", sent, headers_of(request), timeout_s=INVOCATION_TIMEOUT_S)
        if not 200 <= answer.status < 300:
            raise model_error(answer.status, answer.body)
        return {
            "Body": io.BytesIO(answer.body),
            "ContentType": answer.headers.get("content-type", ""),
            "InvokedProductionVariant": "AllTraffic",
            "CustomAttributes": answer.headers.get("x-amzn-sagemaker-custom-attributes", ""),
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }

    def invoke_endpoint_async(self, **request: Any) -> dict[str, Any]:
        """Send a file to an asynchronous endpoint; as on AWS the call returns at once, and a file follows."""
        check("InvokeEndpointAsync", request)
        server = self._server("InvokeEndpointAsync", request["EndpointName"], asynchronous=True)
        source = path_of(request["InputLocation"])
        if not source.is_file():
            raise refused("InvokeEndpointAsync", f"There is no file {request['InputLocation']}.", "ValidationError")
        identity = str(request.get("InferenceId", uuid.uuid4()))
        output, failure = self._places(request["EndpointName"], identity)
        timeout_s = float(request.get("InvocationTimeoutSeconds", ASYNC_TIMEOUT_S))

        def work() -> None:
            answer = server.ask("POST", "/invocations", source.read_bytes(), headers_of(request), timeout_s=timeout_s)
            write(answer, output, failure)

        threading.Thread(target=work, daemon=True).start()
        told = {"OutputLocation": output.as_uri(), "FailureLocation": failure.as_uri()}
        return {"InferenceId": identity, **told, "ResponseMetadata": {"HTTPStatusCode": 202}}

    def _config(self, endpoint: str) -> dict[str, Any]:
        """The configuration of an endpoint, or nothing where it was deleted while the endpoint serves."""
        name = self.client.describe_endpoint(EndpointName=endpoint)["EndpointConfigName"]
        try:
            return self.client.describe_endpoint_config(EndpointConfigName=name)
        except ClientError:
            return {}

    def _places(self, endpoint: str, identity: str) -> tuple[Path, Path]:
        output = self._config(endpoint)["AsyncInferenceConfig"]["OutputConfig"]
        answers = path_of(output["S3OutputPath"])
        failures = path_of(output.get("S3FailurePath", output["S3OutputPath"]))
        return answers / f"{identity}.out", failures / f"{identity}-error.out"

    def _server(self, operation: str, name: str, *, asynchronous: bool) -> Server:
        known = {endpoint.name: endpoint for endpoint in self.client.registry.of("Endpoint")}
        endpoint = known.get(name)
        if endpoint is None or endpoint.state["EndpointStatus"] not in ("InService", "Updating"):
            raise refused(operation, f"Endpoint {name} of account local not found.", "ValidationError")
        if ("AsyncInferenceConfig" in self._config(name)) != asynchronous:
            right = "InvokeEndpoint" if asynchronous else "InvokeEndpointAsync"
            raise refused(operation, f"Endpoint {name} takes {right} only.", "ValidationError")
        if not isinstance(endpoint.program, Server):
            raise TypeError(f"the endpoint {name!r} has no server")
        return endpoint.program


def headers_of(request: dict[str, Any]) -> dict[str, str]:
    """Return the headers that a request hands to the server."""
    return {header: request[key] for key, header in HEADERS.items() if key in request}


def write(answer: Answer, output: Path, failure: Path) -> None:
    """Write the answer of an asynchronous request, or its failure, whole or not at all."""
    target = output if 200 <= answer.status < 300 else failure
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f"{target.name}.part")
    partial.write_bytes(answer.body)
    partial.replace(target)
