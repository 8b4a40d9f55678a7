"""The SageMaker SDK's local mode with what it leaves out, so that the cells that run on AWS run over it as well.

It serves on one port, one endpoint at a time, knows no updates, no serverless and no asynchronous endpoints, forgets
nothing that is deleted, takes the errors of a batch transform job for answers, and leaves its stopped containers lying
about. Each of these is made good here by the means it has: an update stops the old server before the new one starts, so
there is a gap; a serverless endpoint is a container like any other.
"""

# ruff: noqa: ANN401 - the SDK's clients are of no type of ours, and need not be installed

from __future__ import annotations

import atexit
import io
import shutil
import socket
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any

from .containers import cleared, containers, remove
from .errors import refused
from .files import path_of
from .programs import Answer
from .runtime import write

PORT = 8080  # unless its settings say another
NOT_TAKEN = ("EnableNetworkIsolation", "VpcConfig", "InputDataConfig")  # local mode has no notion of the first two


class SdkClient:
    """The SDK's local client, with endpoints that can be updated, deleted and found to be gone."""

    def __init__(self, client: Any, port: int = PORT) -> None:
        self._client, self._port = client, port
        self.images: dict[str, str] = {}  # of models
        self.configs: dict[str, dict[str, Any]] = {}
        self.serving: dict[str, str] = {}  # endpoints, each with the name of its configuration
        self.servers: dict[str, set[str]] = {}  # and with its containers
        self.refused: list[tuple[int, bytes]] = []  # answers to batches that were errors
        self.failures: dict[str, list[str]] = {}  # of transform jobs, a line for each file
        atexit.register(self.close)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_training_job(self, **request: Any) -> None:
        """Run a training job to its end; a channel of one file holds that file, and not its neighbours as well."""
        image = request["AlgorithmSpecification"]["TrainingImage"]
        with cleared(image), tempfile.TemporaryDirectory() as folder:
            channels = [staged(channel, Path(folder)) for channel in request.get("InputDataConfig", [])]
            self._client.create_training_job(**taken(request), InputDataConfig=channels)

    def create_transform_job(self, **request: Any) -> None:
        """Run a batch transform job to its end; a file that was refused has no answer, and the job has failed."""
        self.refused.clear()
        with cleared(self.images[request["ModelName"]]):
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
        self.images[request["ModelName"]] = request["PrimaryContainer"]["Image"]
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
        if listens(self._port):
            raise RuntimeError(f"Port {self._port}, which local mode serves on, is taken: address already in use.")
        image = self.images[self.configs[EndpointConfigName]["ProductionVariants"][0]["ModelName"]]
        before = containers(image)
        try:
            self._client.create_endpoint(EndpointName, EndpointConfigName)
        except BaseException:
            self._client.delete_endpoint(EndpointName)
            remove(containers(image) - before)
            raise
        self.serving[EndpointName] = EndpointConfigName
        self.servers[EndpointName] = containers(image) - before

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

    def close(self) -> None:
        """Stop the containers of all endpoints; the interpreter calls this at its end."""
        for name in list(self.servers):
            remove(self.servers.pop(name))


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


def staged(channel: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a channel with a file of this machine alone in a folder: local mode would bring the files beside it."""
    source = channel["DataSource"]["S3DataSource"]
    path = path_of(source["S3Uri"]) if source["S3Uri"].startswith("file:") else None
    if path is None or not path.is_file():
        return channel
    alone = folder / channel["ChannelName"] / path.name
    alone.parent.mkdir()
    shutil.copyfile(path, alone)
    return {**channel, "DataSource": {"S3DataSource": {**source, "S3Uri": alone.parent.as_uri()}}}


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
