"""The WSGI application for any server: `gunicorn predictor:app`. It is made when first asked for, not on import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from convect.serving.program import application

if TYPE_CHECKING:
    from flask import Flask


def __getattr__(name: str) -> Flask:
    if name == "app":
        return application()
    raise AttributeError(f"module 'predictor' has no attribute '{name}'")
