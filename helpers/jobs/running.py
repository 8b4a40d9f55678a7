"""Train, transform, deploy, update: show a request, send it, and wait with the job's log.

The client is any with boto3's method names: boto3's own, the SageMaker SDK's local one, or `helpers.local`.
"""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import contextlib
import copy
import time
from collections.abc import Callable, Mapping
from typing import Any

from .deleting import NOUNS, delete_one
from .kinds import ENDPOINT, PROCESSING, TRAINING, TRANSFORM, JobFailed, Kind, log_of
from .requests import Request
from .showing import show

REMOTE_POLL_S, LOCAL_POLL_S, HEARTBEAT_S = 5.0, 0.2, 60.0
NEAR = ("127.0.0.1", "localhost")  # an emulator need not be spared
LOG_LINES = 12
ENDPOINT_TIMEOUT_S = 3600.0  # AWS itself gives up after an hour
UNFINISHED = ("InProgress", "Stopping", "Creating", "Updating", "SystemUpdating", "RollingBack")


def train(client: Any, request: Request, *, show_request: bool = False, log_lines: int = LOG_LINES) -> Request:
    """Run a training job to its end and return its description; a job that was stopped is returned, too.

    An interruption (the notebook's stop button) stops the job as well.

    Raises:
        JobFailed: the job was refused or failed; the message has the reason, the remedy, and the end of its log.
    """
    send_all(client, {"create_training_job": request}, show_request)
    return wait(client, TRAINING, request["TrainingJobName"], log_lines)


def transform(
    client: Any, requests: Mapping[str, Request], *, show_request: bool = False, log_lines: int = LOG_LINES
) -> Request:
    """Make the model and run the batch transform job of `transform_requests` to its end; return its description.

    Raises:
        JobFailed: it was refused, or a file could not be transformed; the files that could are kept.
    """
    send_all(client, requests, show_request)
    return wait(client, TRANSFORM, requests["create_transform_job"]["TransformJobName"], log_lines)


def process(client: Any, request: Request, *, show_request: bool = False, log_lines: int = LOG_LINES) -> Request:
    """Run the processing job of `processing_request` to its end and return its description.

    Raises:
        JobFailed: the job was refused or failed; the message has the reason and the end of its log.
    """
    send_all(client, {"create_processing_job": request}, show_request)
    return wait(client, PROCESSING, request["ProcessingJobName"], log_lines)


def deploy(client: Any, requests: Mapping[str, Request], *, show_request: bool = False, log_lines: int = 0) -> Request:
    """Make the model, the configuration and the endpoint of `endpoint_requests`; return once it is in service.

    Raises:
        JobFailed: it was refused, or the server did not start; the message has the end of its log. Nothing is left.
    """
    name = requests["create_endpoint"]["EndpointName"]
    send_all(client, requests, show_request)
    with undone(client, name, requests):
        return wait(client, ENDPOINT, name, log_lines, timeout_s=ENDPOINT_TIMEOUT_S)


def update(
    client: Any,
    requests: Mapping[str, Request],
    *,
    probe: Callable[[], object] | None = None,
    show_request: bool = False,
) -> Request:
    """Bring another configuration to an endpoint that goes on serving; return once it has it.

    `probe` is called at each look at the state: let it ask the endpoint, and it shows that no request is lost.

    Raises:
        JobFailed: it was refused, or the new server did not start; the endpoint serves as before.
    """
    request = requests["update_endpoint"]
    send_all(client, requests, show_request)
    described = wait(client, ENDPOINT, request["EndpointName"], 0, timeout_s=ENDPOINT_TIMEOUT_S, probe=probe)
    if described.get("EndpointConfigName") != request["EndpointConfigName"]:
        log = log_of(client, ENDPOINT, request["EndpointName"])[-LOG_LINES:]
        remove_made(client, requests)
        raise JobFailed(request["EndpointName"], described.get("FailureReason", "the update was rolled back"), log)
    return described


def send_all(client: Any, requests: Mapping[str, Request], show_request: bool = False) -> dict[str, Any]:
    """Call each method with its dictionary, return the answers; what was made before one is refused is deleted again.

    The SDK's local mode runs the job inside the call, and may raise.
    """
    answers = {}
    for method, request in requests.items():
        if show_request:
            print(f"{method}:")
            show(request)
        try:
            answers[method] = getattr(client, method)(**copy.deepcopy(request))
        except Exception as error:
            if not (isinstance(error, RuntimeError | OSError | ValueError) or is_of_service(error)):
                raise
            before = list(requests)[: list(requests).index(method)]
            remove_made(client, {name: requests[name] for name in before})
            raise JobFailed(method, str(error)) from error
    return answers


def is_of_service(error: Exception) -> bool:
    """Return whether an error is an answer of the service, or of botocore on the way to it."""
    return hasattr(error, "response") or type(error).__module__.startswith("botocore")


def remove_made(client: Any, requests: Mapping[str, Request]) -> None:
    """Delete what the `create_…` requests have made, the last first; what cannot be deleted is left."""
    for method, request in reversed(list(requests.items())):
        noun = method.removeprefix("create_")
        if noun in NOUNS:
            with contextlib.suppress(Exception):
                delete_one(client, noun, request[NOUNS[noun]])


@contextlib.contextmanager
def undone(client: Any, name: str, requests: Mapping[str, Request]) -> Any:
    """Delete an endpoint with all that was made for it where it fails or the wait for it is interrupted."""
    try:
        yield
    except (JobFailed, KeyboardInterrupt):
        print(f"Deleting {name} with its configuration and model.")
        remove_made(client, requests)
        raise


def wait(
    client: Any,
    kind: Kind,
    name: str,
    log_lines: int,
    *,
    timeout_s: float = float("inf"),
    probe: Callable[[], object] | None = None,
) -> Request:
    """Return the description of a job or endpoint once it is finished, printing each state it enters."""
    started = printed = time.monotonic()
    before = ""
    while True:
        description = look(client, kind, name)
        status = str(description[kind.status])
        state = " · ".join(dict.fromkeys([status, str(description.get("SecondaryStatus", status))]))
        now = time.monotonic()
        if state != before or now - printed > HEARTBEAT_S:
            print(state if state != before else f"{state}, {now - started:.0f} s", flush=True)
            before, printed = state, now
        if status not in UNFINISHED:
            return finished(client, kind, name, description, log_lines)
        if now - started > timeout_s:
            raise JobFailed(name, f"still {status} after {timeout_s:.0f} s", log_of(client, kind, name)[-LOG_LINES:])
        if probe:
            probe()
        pause(client, kind, name)


def look(client: Any, kind: Kind, name: str) -> Request:
    """Return the description of a job or endpoint."""
    described: Request = getattr(client, kind.describe)(**{kind.name: name})
    return described


def pause(client: Any, kind: Kind, name: str) -> None:
    """Wait until the next look; where that is interrupted, a job is stopped, so that it costs nothing more."""
    try:
        time.sleep(LOCAL_POLL_S if is_near(client) else REMOTE_POLL_S)
    except KeyboardInterrupt:
        if kind is not ENDPOINT:
            getattr(client, kind.stop)(**{kind.name: name})
            print(f"Interrupted: {name} is asked to stop.")
        raise


def is_near(client: Any) -> bool:
    """Return whether a client's answers come from this machine."""
    address = str(getattr(getattr(client, "meta", None), "endpoint_url", ""))
    return hasattr(client, "log") or any(host in address for host in NEAR)


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
