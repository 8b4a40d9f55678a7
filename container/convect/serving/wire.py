"""Bytes to requests and forecasts to bytes: pure functions, without a port, a clock or a model."""

from __future__ import annotations

from convect.serving.decode import decode
from convect.serving.encode import FORMS, encode
from convect.serving.media import negotiate

__all__ = ["FORMS", "decode", "encode", "negotiate"]
