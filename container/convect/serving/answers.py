"""What every answer shares: where a forecast came from, errors as plain words, a log without customer data."""

from __future__ import annotations

import re
import traceback
from collections import Counter

import numpy as np

from convect.answering.request import Columns
from convect.errors import AlgorithmError, ConvectError, PlatformError

ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"


def origin_headers(origin: Columns) -> dict[str, str]:
    """Say how many series were forecast from which history ("request=2, trained=33"), and how many by a fallback."""
    counts = Counter(origin["history"].tolist())
    history = ", ".join(f"{name}={counts[name]}" for name in sorted(counts))
    return {"X-Convect-History": history, "X-Convect-Fallbacks": str(int(np.sum(origin["fallback"])))}


def attribute_headers(attributes: str | None) -> dict[str, str]:
    """Give the caller's custom attributes back, which the platform does not do by itself; drop what it would refuse."""
    return {ATTRIBUTES: attributes} if re.fullmatch(r"[\x20-\x7e]{1,1024}", attributes or "") and attributes else {}


def inference_id(given: str | None) -> str:
    """Return " inference_id=…" for the log, "" without one; only characters that an id needs, so no log is forged."""
    kept = re.sub(r"[^A-Za-z0-9_.:-]", "", given or "")[:64]
    return f" inference_id={kept}" if kept else ""


def error_class(error: Exception) -> str:
    """Return the class of an error by who must act; what is not one of ours is the product's fault."""
    return error.who if isinstance(error, ConvectError) else AlgorithmError.who


def error_body(error: Exception, request_id: str | None) -> dict[str, str]:
    """Return `code`, `message` and `remedy`, and `request_id` where the log has more; no word of an unknown error."""
    if isinstance(error, ConvectError):
        body = {"code": error.code, "message": error.message, "remedy": error.remedy}
    else:
        body = {"code": "internal", "message": "The forecast failed.", "remedy": "Report the request id."}
    return {**body, "request_id": request_id} if request_id else body


def is_fault(error: Exception) -> bool:
    """Whether it is for us or the operator to act, so that the log must say more than a status."""
    if isinstance(error, PlatformError):
        return error.code not in ("not_ready", "no_memory")  # the platform asks again by itself
    return isinstance(error, AlgorithmError) or not isinstance(error, ConvectError)


def trace(error: BaseException) -> str:
    """Return on one line the class of an error, of its causes, and the places they passed; not their messages.

    The message of an error may repeat what it stumbled over, and that is the customer's data.
    """
    places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ or error.__context__
    return f"{type(error).__name__} at {' > '.join(places)}" + (f" after {trace(cause)}" if cause else "")
