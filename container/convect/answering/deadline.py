"""A moment by which an answer must be ready: set around the work of one thread, looked at before each series."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextvars import ContextVar

from convect.errors import PlatformError

_until: ContextVar[float | None] = ContextVar("until", default=None)


class TimeLimitReached(PlatformError):
    """Work that would not be done before nobody waits for it any more."""

    code = "time_limit"


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let the work of this thread inside the block begin no more series after so many seconds."""
    token = _until.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _until.reset(token)


def check() -> None:
    """Raise TimeLimitReached where the moment has passed; without one, do nothing."""
    until = _until.get()
    if until is not None and time.monotonic() > until:
        remedy = "Send fewer series at a time, use batch transform, or raise SAGEMAKER_MODEL_SERVER_TIMEOUT."
        raise TimeLimitReached("The forecast was not ready in time.", remedy)
