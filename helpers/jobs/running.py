"""Train, transform, deploy, invoke, delete: show a request, send it, and wait with the job's log.

The client is any with boto3's method names: boto3's own, the SageMaker SDK's local one, or `helpers.local`.
"""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import copy
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .requests import Request, show

REMOTE_POLL_S, LOCAL_POLL_S, HEARTBEAT_S = 5.0, 0.2, 60.0
LOG_LINES = 12
LOG_EVENTS = 200  # read of a log stream on AWS


class Kind(NamedTuple):
    """How one kind of job or endpoint is described, and where AWS keeps its log."""

    describe: str
    name: str
    status: str
    log_group: str


TRAINING = Kind("describe_training_job", "TrainingJobName", "TrainingJobStatus", "/aws/sagemaker/TrainingJobs")
TRANSFORM = Kind("describe_transform_job", "TransformJobName", "TransformJobStatus", "/aws/sagemaker/TransformJobs")
ENDPOINT = Kind("describe_endpoint", "EndpointName", "EndpointStatus", "/aws/sagemaker/Endpoints/{name}")
UNFINISHED = ("InProgress", "Stopping", "Creating", "Updating", "SystemUpdating", "RollingBack")


class JobFailed(RuntimeError):
    """A job or an endpoint ended badly; the message has the failure reason and the end of its log."""

    def __init__(self, name: str, reason: str, log: Sequence[str] = ()) -> None:
        self.name, self.reason, self.log = name, reason, list(log)
        tail = "\n".join(["", "The end of its log:", *log]) if log else ""
        super().__init__(f"{name}: {reason}{tail}")


class InvocationFailed(RuntimeError):
    """An endpoint refused a request: its status, and the code, message and remedy of its answer."""

    def __init__(self, status: int, body: str) -> None:
        self.status, self.body = status, body
        try:
            answer = dict(json.loads(body))
        except (ValueError, TypeError):
            answer = {"message": body}
        self.code, self.remedy = answer.get("code", ""), answer.get("remedy", "")
        super().__init__(f"{status} [{self.code}]: {answer.get('message', '')} {self.remedy}".strip())


def train(client: Any, request: Request, *, show_request: bool = False, log_lines: int = LOG_LINES) -> Request:
    """Run a training job to its end and return its description; a job that was stopped is returned, too.

    Raises:
        JobFailed: the job failed; the message has the reason that the program gave.
    """
    send_all(client, {"create_training_job": request}, show_request)
    return wait(client, TRAINING, request["TrainingJobName"], log_lines)


def transform(
    client: Any, requests: Mapping[str, Request], *, show_request: bool = False, log_lines: int = LOG_LINES
) -> Request:
    """Make the model and run the batch transform job of `transform_requests` to its end; return its description.

    Raises:
        JobFailed: a file could not be transformed; the files that could are kept.
    """
    send_all(client, requests, show_request)
    return wait(client, TRANSFORM, requests["create_transform_job"]["TransformJobName"], log_lines)


def deploy(client: Any, requests: Mapping[str, Request], *, show_request: bool = False, log_lines: int = 0) -> Request:
    """Make the model, the configuration and the endpoint of `endpoint_requests`; return once it is in service.

    Raises:
        JobFailed: the server did not start; the message has the end of its log.
    """
    send_all(client, requests, show_request)
    return wait(client, ENDPOINT, requests["create_endpoint"]["EndpointName"], log_lines)


def send_all(client: Any, requests: Mapping[str, Request], show_request: bool) -> None:
    """Call each method with its dictionary; the SDK's local mode runs the job inside the call, and may raise."""
    for method, request in requests.items():
        if show_request:
            print(f"{method}:")
            show(request)
        try:
            getattr(client, method)(**copy.deepcopy(request))
        except RuntimeError as error:
            raise JobFailed(method, str(error)) from error


def wait(client: Any, kind: Kind, name: str, log_lines: int) -> Request:
    """Return the description of a job or endpoint once it is finished, printing each state it enters."""
    started = printed = time.monotonic()
    before = ""
    while True:
        description: Request = getattr(client, kind.describe)(**{kind.name: name})
        status = str(description[kind.status])
        state = " · ".join(dict.fromkeys([status, str(description.get("SecondaryStatus", status))]))
        now = time.monotonic()
        if state != before or now - printed > HEARTBEAT_S:
            print(state if state != before else f"{state}, {now - started:.0f} s", flush=True)
            before, printed = state, now
        if status not in UNFINISHED:
            return finished(client, kind, name, description, log_lines)
        time.sleep(LOCAL_POLL_S if hasattr(client, "log") else REMOTE_POLL_S)


def finished(client: Any, kind: Kind, name: str, description: Request, log_lines: int) -> Request:
    """Print the end of the log and return the description; raise JobFailed where the status is `Failed`."""
    failed = description[kind.status] == "Failed"
    wanted = max(log_lines, LOG_LINES if failed else 0)
    lines = log_of(client, kind, name)[-wanted:] if wanted else []
    if failed:
        raise JobFailed(name, description.get("FailureReason", "no reason was given"), lines)
    for line in lines:
        print(f"  | {line}")
    return description


def log_of(client: Any, kind: Kind, name: str) -> list[str]:
    """Return what a job printed, from this machine or from CloudWatch; the SDK's local mode has printed it itself."""
    if hasattr(client, "log"):
        return str(client.log(name)).splitlines()
    if not hasattr(client, "meta"):
        return []
    import boto3

    logs = boto3.client("logs", region_name=client.meta.region_name)
    group = kind.log_group.format(name=name)
    prefix = {} if kind is ENDPOINT else {"logStreamNamePrefix": f"{name}/"}
    try:
        streams = logs.describe_log_streams(logGroupName=group, **prefix)["logStreams"]
        pages = [
            logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=LOG_EVENTS)["events"]
            for stream in streams
        ]
    except logs.exceptions.ClientError as error:
        return [f"(the log cannot be read: {error})"]
    return [event["message"] for page in pages for event in page]


def invoke(
    runtime: Any, name: str, payload: object, *, content_type: str = "application/json", accept: str = "text/csv"
) -> str:
    """Return an endpoint's answer as text; `payload` is sent as it is if text or bytes, else as JSON.

    Raises:
        InvocationFailed: the endpoint refused the request; the message has the code and the remedy.
    """
    body = payload if isinstance(payload, str | bytes) else json.dumps(payload)
    try:
        answer = runtime.invoke_endpoint(EndpointName=name, Body=body, ContentType=content_type, Accept=accept)
    except Exception as error:
        response = getattr(error, "response", {})
        if "OriginalStatusCode" not in response:
            raise
        raise InvocationFailed(response["OriginalStatusCode"], response["OriginalMessage"]) from error
    text = answer["Body"].read().decode("utf-8")
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode") or 200
    if status >= 400:  # the SDK's local mode hands an error over as an answer
        raise InvocationFailed(status, text)
    return str(text)


def delete(client: Any, name: str) -> list[str]:
    """Delete the endpoint, its configuration and the model of a name; return what there was to delete.

    It may be called twice, and on a name of which only some exist.
    """
    steps = {"endpoint": "EndpointName", "endpoint_config": "EndpointConfigName", "model": "ModelName"}
    return [noun for noun, key in steps.items() if delete_one(client, f"delete_{noun}", {key: name})]


def delete_one(client: Any, method: str, request: Request) -> bool:
    """Call one delete method and return whether there was anything to delete."""
    try:
        getattr(client, method)(**request)
    except Exception as error:
        told = getattr(error, "response", {}).get("Error", {})
        if told.get("Code") == "ResourceNotFound" or "could not find" in told.get("Message", "").lower():
            return False
        raise
    return True
