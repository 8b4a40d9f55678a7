"""The whole body of a request, never more than allowed and never waited for longer than allowed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from convect.errors import PayloadTooLarge, RequestError, UnsupportedMediaType
from convect.serving.settings import MEGABYTE

if TYPE_CHECKING:
    from flask import Request


_DROP_BYTES, _DROP_S = 128 * MEGABYTE, 2.0


class RequestTimeout(RequestError):
    """A body that took the caller too long to send."""

    code = "request_timeout"
    status = 408


def read_body(request: Request, max_bytes: int | None, timeout_s: float) -> bytes:
    """Return the body, sent whole or in chunks; `max_bytes` None reads any length.

    Raises PayloadTooLarge, UnsupportedMediaType for a packed body, RequestTimeout for one that is not there in time,
    RequestError for one that ends early.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(f"The content encoding '{encoding[:40]}' is not read.", "Send the body unpacked.")
    announced = request.content_length or 0
    if max_bytes is not None and announced > max_bytes:
        raise _too_large(max_bytes)
    body = _read(request, max_bytes, timeout_s)
    if len(body) < announced:
        raise RequestError("The body is shorter than its Content-Length.", "Send all of it.")
    return body


def drop_rest(request: Request) -> None:
    """Read what nobody read of the body, and forget it; to be called before an answer is sent.

    Else gunicorn reads it afterwards, and may read the beginning of the next request on that connection with it, which
    then waits for an answer until the caller gives up. A body that is long in coming is left.
    """
    line, until = request.environ.get("gunicorn.socket"), time.monotonic() + _DROP_S
    left = _DROP_BYTES
    try:
        while left > 0 and (part := _part(request, line, until)):
            left -= len(part)
    except RequestError:
        return  # the connection is lost or too slow, and gunicorn closes it
    finally:
        if line is not None:
            line.settimeout(None)


def _read(request: Request, max_bytes: int | None, timeout_s: float) -> bytes:
    # Flask's own limit cuts a chunked body off at it without a word, and a part would be forecast for the whole.
    parts: list[bytes] = []
    length, until = 0, time.monotonic() + timeout_s
    line = request.environ.get("gunicorn.socket")
    try:
        while part := _part(request, line, until):
            parts.append(part)
            length += len(part)
            if max_bytes is not None and length > max_bytes:
                raise _too_large(max_bytes)
    finally:
        if line is not None:
            line.settimeout(None)
    return b"".join(parts)


def _part(request: Request, line: Any, until: float) -> bytes:  # noqa: ANN401 - a socket, or none in tests
    left_s = until - time.monotonic()
    try:
        if line is not None:
            line.settimeout(max(left_s, 0.001))
        if left_s > 0:
            return request.stream.read(MEGABYTE)
    except TimeoutError:
        pass
    except Exception:  # whatever the web server says of broken chunks or a lost line, the caller's sending ended early
        raise RequestError("The body could not be read to its end.", "Send it again.") from None
    raise RequestTimeout("The body was not sent in time.", "Send it faster, or fewer series at a time.")


def _too_large(max_bytes: int) -> PayloadTooLarge:
    found = f"The body is larger than {max_bytes // MEGABYTE} MB."
    return PayloadTooLarge(found, "Send fewer series at a time, or raise SAGEMAKER_MAX_PAYLOAD_IN_MB (0: no limit).")
