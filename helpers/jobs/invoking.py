"""Questions to an endpoint: at once, or by files in S3, and what is said where it refuses."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import json
import time
from typing import Any

from .storage import read_text

POLL_S = 0.5
FILE_TIMEOUT_S = 900.0  # an asynchronous endpoint may take a quarter of an hour


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


def invoke_file(
    runtime: Any,
    name: str,
    uri: str,
    *,
    content_type: str = "application/json",
    accept: str = "text/csv",
    timeout_s: float = FILE_TIMEOUT_S,
) -> str:
    """Ask an asynchronous endpoint about the file at a URI, wait for the file with its answer, and return that.

    Raises:
        InvocationFailed: the endpoint wrote a failure instead, or (status 0) nothing in time.
    """
    told = runtime.invoke_endpoint_async(EndpointName=name, InputLocation=uri, ContentType=content_type, Accept=accept)
    limit = time.monotonic() + timeout_s
    while time.monotonic() < limit:
        answer = read_text(told["OutputLocation"])
        if answer is not None:
            return answer
        failure = read_text(told["FailureLocation"]) if told.get("FailureLocation") else None
        if failure is not None:
            raise InvocationFailed(400, failure)
        time.sleep(POLL_S)
    raise InvocationFailed(0, f"No answer at {told['OutputLocation']} within {timeout_s:g} s.")
