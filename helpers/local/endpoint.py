"""One endpoint: `serve` over an unpacked model, until it is deleted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .files import last_lines
from .job import Job
from .programs import STARTUP_TIMEOUT_S
from .transform import SERVER_GRACE_S, start_server

REASON_CHARACTERS = 1024


def run_endpoint(endpoint: Job, serve: Path, model: dict[str, Any], variant: dict[str, Any]) -> None:
    """Start the server and wait for its first good `/ping`; the end is in the endpoint's state."""
    timeout_s = variant.get("ContainerStartupHealthCheckTimeoutInSeconds", STARTUP_TIMEOUT_S)
    try:
        server = start_server(serve, endpoint, model, {})
        server.wait_ready(timeout_s, endpoint.stop.is_set)
        endpoint.set(EndpointStatus="InService")
    except Exception as error:
        if endpoint.program:  # not ready in time, or deleted meanwhile
            endpoint.program.stop(SERVER_GRACE_S)
        fail(endpoint, str(error))


def notice_death(endpoint: Job) -> None:
    """Set an endpoint that was in service to `Failed` if its server has exited."""
    if endpoint.state["EndpointStatus"] == "InService" and not (endpoint.program and endpoint.program.running):
        fail(endpoint, "the server exited")


def fail(endpoint: Job, cause: str) -> None:
    """Set an endpoint to `Failed`, with the cause and the last lines of its log."""
    log = "\n".join(last_lines(endpoint.log))
    room = REASON_CHARACTERS - len(cause) - 100
    reason = f"The primary container did not pass the ping health check: {cause}. Last lines of its log:\n{log[-room:]}"
    endpoint.set(EndpointStatus="Failed", FailureReason=reason)
