"""The SageMaker SDK's local mode with what it leaves out, so that the cells that run on AWS run over it as well.

It serves on one port, one endpoint at a time, knows no updates, no serverless and no asynchronous endpoints, forgets
nothing that is deleted, takes the errors of a batch transform job for answers, and leaves its stopped containers lying
about. Each of these is made good here by the means it has: an update stops the old server before the new one starts, so
there is a gap; a serverless endpoint is a container like any other.
"""

# ruff: noqa: ANN401 - the SDK's clients are of no type of ours, and need not be installed

from __future__ import annotations

import contextlib
import io
import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import refused
from .files import path_of
from .programs import Answer
from .runtime import write

PORT = 8080  # of every server that the SDK's local mode starts
NAMED = "name=algo-[0-9]+-"  # how it calls its containers
NOT_TAKEN = ("EnableNetworkIsolation", "VpcConfig")  # of a request: its local mode has nothing to apply them to


class SdkClient:
    """The SDK's local client, with endpoints that can be updated, deleted and found to be gone."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.configs: dict[str, dict[str, Any]] = {}
        self.serving: dict[str, str] = {}  # endpoints, each with the name of its configuration
        self.servers: dict[str, set[str]] = {}  # and with its containers
        self.refused: list[tuple[int, bytes]] = []  # answers to batches that were errors
        self.failures: dict[str, list[str]] = {}  # of transform jobs, a line for each file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_training_job(self, **request: Any) -> None:
        """Run a training job to its end."""
        with cleared():
            self._client.create_training_job(**taken(request))

    def create_transform_job(self, **request: Any) -> None:
        """Run a batch transform job to its end; a file that was refused has no answer, and the job has failed."""
        self.refused.clear()
        with cleared():
            self._client.create_transform_job(**request)
        place = request["TransformOutput"]["S3OutputPath"]
        self.failures[request["TransformJobName"]] = spoiled(path_of(place), self.refused) if self.refused else []

    def describe_transform_job(self, TransformJobName: str) -> dict[str, Any]:
        """Describe a batch transform job."""
        described = dict(self._client.describe_transform_job(TransformJobName))
        failures = self.failures.get(TransformJobName)
        bad = {"TransformJobStatus": "Failed", "FailureReason": f"ClientError: {failures[0]}"} if failures else {}
        return {**described, **bad}

    def log(self, name: str) -> str:
        """Return what this client adds to what the containers have printed already: the files that were refused."""
        return "\n".join(f"[sagemaker logs]: {line}" for line in self.failures.get(name, []))

    def create_model(self, **request: Any) -> None:
        """Record a model."""
        self._client.create_model(**taken(request))

    def create_endpoint_config(self, **request: Any) -> None:
        """Record a configuration; a serverless variant is given one container."""
        name = request["EndpointConfigName"]
        variants = [
            {"InstanceType": "local", "InitialInstanceCount": 1, **one} for one in request["ProductionVariants"]
        ]
        self.configs[name] = request
        self._client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants)

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:
        """Forget a configuration."""
        if self.configs.pop(EndpointConfigName, None) is None:
            raise missing("DeleteEndpointConfig", "endpoint-config", EndpointConfigName)
        self._client.delete_endpoint_config(EndpointConfigName)

    def delete_model(self, ModelName: str) -> None:
        """Forget a model."""
        self._client.describe_model(ModelName)  # which says where there is none
        self._client.delete_model(ModelName)

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:
        """Start a container and wait for it; where it does not come up, it is stopped.

        Raises:
            RuntimeError: something else listens on the port, or the container is not healthy in time.
        """
        if listens(PORT):
            raise RuntimeError(f"Port {PORT}, which local mode serves on, is taken: address already in use.")
        before = containers()
        try:
            self._client.create_endpoint(EndpointName, EndpointConfigName)
        except BaseException:
            self._client.delete_endpoint(EndpointName)
            remove(containers("exited") - before)
            raise
        self.serving[EndpointName] = EndpointConfigName
        self.servers[EndpointName] = containers() - before

    def update_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:
        """Stop an endpoint's container and start another; there is a gap between them."""
        self.delete_endpoint(EndpointName)
        self.create_endpoint(EndpointName, EndpointConfigName)

    def describe_endpoint(self, EndpointName: str) -> dict[str, Any]:
        """Describe an endpoint that serves."""
        if EndpointName not in self.serving:
            raise missing("DescribeEndpoint", "endpoint", EndpointName)
        return dict(self._client.describe_endpoint(EndpointName))

    def delete_endpoint(self, EndpointName: str) -> None:
        """Stop an endpoint's container."""
        if self.serving.pop(EndpointName, None) is None:
            raise missing("DeleteEndpoint", "endpoint", EndpointName)
        self._client.delete_endpoint(EndpointName)
        remove(self.servers.pop(EndpointName, set()))


class SdkRuntime:
    """The SDK's local runtime client, which here answers asynchronous requests, too, and notes what is refused."""

    def __init__(self, runtime: Any, client: SdkClient) -> None:
        self._runtime, self._client = runtime, client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runtime, name)

    def invoke_endpoint(self, Body: Any, EndpointName: str, *places: Any, **named: Any) -> dict[str, Any]:
        """Send a request; an error is an answer with its status, as the SDK gives it."""
        answer: dict[str, Any] = self._runtime.invoke_endpoint(Body, EndpointName, *places, **named)
        status = answer["ResponseMetadata"]["HTTPStatusCode"] or 200
        if status >= 400:
            body = answer["Body"].read()
            self._client.refused.append((status, body))
            answer["Body"] = io.BytesIO(body)
        return answer

    def invoke_endpoint_async(
        self, EndpointName: str, InputLocation: str, ContentType: str = "", Accept: str = ""
    ) -> dict[str, Any]:
        """Send a file to an endpoint; the call returns at once, and a file follows."""
        config = self._client.configs[self._client.serving[EndpointName]]
        output = config["AsyncInferenceConfig"]["OutputConfig"]
        identity = str(uuid.uuid4())
        answers, failures = (path_of(output[key]) for key in ("S3OutputPath", "S3FailurePath"))
        places = answers / f"{identity}.out", failures / f"{identity}-error.out"
        headers = {"ContentType": ContentType, "Accept": Accept}

        def work() -> None:
            body = path_of(InputLocation).read_bytes()
            told = self._runtime.invoke_endpoint(body, EndpointName, **headers)
            write(Answer(told["ResponseMetadata"]["HTTPStatusCode"] or 200, told["Body"].read(), {}), *places)

        threading.Thread(target=work, daemon=True).start()
        return {"InferenceId": identity, "OutputLocation": places[0].as_uri(), "FailureLocation": places[1].as_uri()}


@contextlib.contextmanager
def cleared() -> Iterator[None]:
    """Remove the containers that come up meanwhile, once they have ended."""
    before = containers()
    try:
        yield
    finally:
        remove(containers("exited") - before)


def spoiled(output: Path, refused: list[tuple[int, bytes]]) -> list[str]:
    """Remove the files of an output in which an error stands for an answer; return a line for each."""
    lines = []
    for path in sorted(output.rglob("*.out")):
        content = path.read_bytes()
        for status, body in refused:
            if body in content:
                told = body.decode("utf-8", errors="replace")
                lines.append(
                    f"{path.relative_to(output).as_posix()[: -len('.out')]}: the model server answered {status}: {told}"
                )
                path.unlink()
                break
    return lines


def containers(status: str = "") -> set[str]:
    """Return the ids of the containers of local mode, or of those in a state."""
    wanted = ["--filter", NAMED, *(["--filter", f"status={status}"] if status else [])]
    done = subprocess.run(["docker", "ps", "--all", "--quiet", *wanted], capture_output=True, text=True, check=False)
    return set(done.stdout.split())


def remove(ids: set[str]) -> None:
    """Remove containers, those that run still as well."""
    if ids:
        subprocess.run(["docker", "rm", "--force", *sorted(ids)], capture_output=True, check=False)


def taken(request: dict[str, Any]) -> dict[str, Any]:
    """Return a request without what local mode would refuse."""
    return {key: value for key, value in request.items() if key not in NOT_TAKEN}


def missing(operation: str, kind: str, name: str) -> Exception:
    """Return the service's error for what is not there."""
    return refused(operation, f'Could not find {kind} "{name}".')


def listens(port: int) -> bool:
    """Return whether something listens on a port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
