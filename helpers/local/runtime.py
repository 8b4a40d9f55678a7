"""`LocalRuntimeClient`: invocations of the endpoints that a `LocalClient` serves."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import io
from types import SimpleNamespace
from typing import Any

from .checks import check
from .client import LocalClient
from .errors import ClientError, ModelError, model_error, refused
from .programs import Server

INVOCATION_TIMEOUT_S = 60.0
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
        server = self._server(request["EndpointName"])
        headers = {header: request[key] for key, header in HEADERS.items() if key in request}
        body = request["Body"]
        sent = body.encode("utf-8") if isinstance(body, str) else bytes(body)
        answer = server.ask("POST", "/invocations", sent, headers, timeout_s=INVOCATION_TIMEOUT_S)
        if not 200 <= answer.status < 300:
            raise model_error(answer.status, answer.body)
        return {
            "Body": io.BytesIO(answer.body),
            "ContentType": answer.headers.get("content-type", ""),
            "InvokedProductionVariant": "AllTraffic",
            "CustomAttributes": answer.headers.get("x-amzn-sagemaker-custom-attributes", ""),
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }

    def _server(self, name: str) -> Server:
        known = {endpoint.name: endpoint for endpoint in self.client.registry.of("Endpoint")}
        endpoint = known.get(name)
        if endpoint is None or endpoint.state["EndpointStatus"] != "InService":
            raise refused("InvokeEndpoint", f"Endpoint {name} of account local not found.", "ValidationError")
        if not isinstance(endpoint.program, Server):
            raise TypeError(f"the endpoint {name!r} has no server")
        return endpoint.program
