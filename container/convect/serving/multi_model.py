"""The addresses of a multi-model endpoint: load, list, unload and invoke models by name."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask, Response, jsonify, request

from convect.errors import RequestError
from convect.serving.body import read_body
from convect.serving.models import Models, model_name
from convect.serving.registry import Entry
from convect.serving.service import Service
from convect.serving.settings import MEGABYTE, Settings
from convect.serving.strict_json import parse

PAGE_MODELS = 100  # listed at a time unless `limit` says another number
_MOST_LISTED = 1000


def register(app: Flask, models: Models, settings: Settings, invoke: Callable[[Service], Response]) -> None:
    """Add the addresses below /models; `invoke` answers the current request by a service."""

    @app.before_request
    def sweep() -> None:
        models.sweep()

    @app.post("/models")
    def load() -> Response:
        asked = _document(read_body(request, MEGABYTE, settings.timeout_s))
        models.load(asked["model_name"], asked["url"])
        return jsonify({})

    @app.get("/models")
    def listed() -> Response:
        entries, following = models.page(request.args.get("next_page_token", ""), _limit())
        page: dict[str, object] = {"models": [_told(entry) for entry in entries]}
        return jsonify(page | ({"nextPageToken": following} if following else {}))

    @app.get("/models/<name>")
    def described(name: str) -> Response:
        return jsonify(_told(models.find(model_name(name))))

    @app.delete("/models/<name>")
    def unload(name: str) -> Response:
        models.unload(model_name(name))
        return jsonify({})

    @app.post("/models/<name>/invoke")
    def invoked(name: str) -> Response:
        return invoke(models.service(model_name(name)))


def _document(body: bytes) -> dict[str, object]:
    try:
        document = parse(body.decode())
    except UnicodeDecodeError:
        document = None
    if not isinstance(document, dict) or not {"model_name", "url"} <= set(document):
        raise RequestError("The body does not name a model.", 'Send {"model_name": "...", "url": "..."}.')
    return document


def _limit() -> int:
    text = request.args.get("limit", str(PAGE_MODELS))
    if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= _MOST_LISTED):
        raise RequestError("The limit is no number of models.", f"Send a whole number from 1 to {_MOST_LISTED:,}.")
    return int(text)


def _told(entry: Entry) -> dict[str, str]:
    return {"modelName": entry.name, "modelUrl": entry.url}
