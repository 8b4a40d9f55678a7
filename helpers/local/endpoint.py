"""One endpoint: `serve` over an unpacked model, replaced while it serves, until it is deleted."""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Any

from .files import last_lines
from .job import Job
from .programs import STARTUP_TIMEOUT_S, Server
from .transform import SERVER_GRACE_S, start_server

REASON_CHARACTERS = 1024
DRAIN_S = 1.0  # until requests that had chosen the old server have reached it
TIMEOUT = "ContainerStartupHealthCheckTimeoutInSeconds"


def run_endpoint(endpoint: Job, serve: Path, model: dict[str, Any], variant: dict[str, Any]) -> None:
    """Start the server and wait for its first good `/ping`; the end is in the endpoint's state."""
    try:
        server = endpoint.program = start_server(serve, endpoint, model, {})
        server.wait_ready(variant.get(TIMEOUT, STARTUP_TIMEOUT_S), endpoint.stop.is_set)
        endpoint.set(EndpointStatus="InService")
    except Exception as error:
        if endpoint.program:  # not ready in time, or deleted meanwhile
            endpoint.program.stop(SERVER_GRACE_S)
        endpoint.set(EndpointStatus="Failed", FailureReason=reason(endpoint, str(error)))


def run_update(endpoint: Job, serve: Path, model: dict[str, Any], variant: dict[str, Any], config: str) -> None:
    """Start another server beside the one that serves and swap them once it is ready; else all stays as it was."""
    before, base = endpoint.program, endpoint.folder / f"opt-ml-{secrets.token_hex(4)}"
    try:
        server: Server = start_server(serve, endpoint, model, {}, base)
        endpoint.coming = server
        server.wait_ready(variant.get(TIMEOUT, STARTUP_TIMEOUT_S), endpoint.stop.is_set)
    except Exception as error:
        if endpoint.coming:
            endpoint.coming.stop(SERVER_GRACE_S)
        endpoint.coming = None
        endpoint.set(EndpointStatus="InService", FailureReason=reason(endpoint, str(error)))
        return
    endpoint.program, endpoint.coming = server, None
    endpoint.set(EndpointStatus="InService", EndpointConfigName=config)
    if before:
        time.sleep(DRAIN_S)
        before.stop(SERVER_GRACE_S)


def notice_death(endpoint: Job) -> None:
    """Set an endpoint that was in service to `Failed` if its server has exited."""
    if endpoint.state["EndpointStatus"] == "InService" and not (endpoint.program and endpoint.program.running):
        endpoint.set(EndpointStatus="Failed", FailureReason=reason(endpoint, "the server exited"))


def reason(endpoint: Job, cause: str) -> str:
    """Return the platform's sentence with the cause and the last lines of the log."""
    log = "\n".join(last_lines(endpoint.log))
    room = REASON_CHARACTERS - len(cause) - 100
    return f"The primary container did not pass the ping health check: {cause}. Last lines of its log:\n{log[-room:]}"
