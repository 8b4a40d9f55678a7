"""The web application: SageMaker's addresses over `wire` and `Service`; owns no model and no global state."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace

from flask import Flask, Response, jsonify, request
from werkzeug.exceptions import HTTPException

from convect import pipeline
from convect.artifact import Artifact
from convect.errors import ConvectError
from convect.request import Forecast, ForecastRequest
from convect.serving import answers, wire
from convect.serving.body import drop_rest, read_body
from convect.serving.service import Forecaster, Service
from convect.serving.settings import Settings

_REMEDIES = {
    404: "Use /ping, /invocations or /execution-parameters.",
    405: "Use POST for /invocations and GET for the others.",
}


def make_app(
    load_artifact: Callable[[], Artifact], settings: Settings, forecast: Forecaster = pipeline.forecast
) -> Flask:
    """Return the WSGI application; nothing is loaded until it is asked for, or `app.extensions["convect"].load()`."""
    app = Flask("convect", static_folder=None)
    service = app.extensions["convect"] = Service(load_artifact, forecast)

    @app.get("/ping")
    def ping() -> Response:
        service.check()
        return Response(mimetype="text/plain")

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        return jsonify(settings.execution_parameters)

    @app.post("/invocations")
    def invocations() -> Response:
        started = time.perf_counter()
        wire.negotiate(request.headers.get("Accept"))  # before the work, not after it
        service.check()
        asked = _asked(service, settings)
        answer = service.forecast(asked)
        response = _response(answer, asked, settings.default_accept)
        app.logger.info("/invocations 200 %.3f s, %d series", time.perf_counter() - started, len(answer.origin))
        return response

    @app.after_request
    def echo(response: Response) -> Response:
        drop_rest(request)
        response.headers.update(answers.attribute_headers(request.headers.get(answers.ATTRIBUTES)))
        return response

    _register_errors(app)
    return app


def _asked(service: Service, settings: Settings) -> ForecastRequest:
    body = read_body(request, settings.max_payload_bytes, settings.timeout_s)
    asked = wire.decode(
        body,
        request.headers.get("Content-Type"),
        settings.limits,
        service.text_columns(),
        batch=settings.batch,
        lines_config=settings.inference_config,
    )
    return replace(asked, series_limit_s=settings.series_limit_s or None)


def _response(answer: Forecast, asked: ForecastRequest, default: str) -> Response:
    body, content_type = wire.encode(answer, request.headers.get("Accept"), default, asked)
    return Response(body, content_type=content_type, headers=answers.origin_headers(answer.origin))


def _register_errors(app: Flask) -> None:
    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        request_id = uuid.uuid4().hex if answers.is_fault(error) else None
        status = error.status if isinstance(error, ConvectError) else 500
        if request_id:
            app.logger.error("%s %s request_id=%s %s", _address(), status, request_id, answers.trace(error))
        else:
            app.logger.info("%s %s code=%s", _address(), status, getattr(error, "code", ""))
        return _answer(status, answers.error_body(error, request_id))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        code = re.sub(r"\W+", "_", error.name).lower()
        remedy = _REMEDIES.get(status, "Correct the request.")
        response = _answer(status, {"code": code, "message": f"{error.name}.", "remedy": remedy})
        response.headers.extend([header for header in error.get_headers() if header[0] == "Allow"])
        return response


def _answer(status: int, body: dict[str, str]) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def _address() -> str:
    # Only addresses that exist are logged: the rest of a path is the caller's text.
    return request.url_rule.rule if request.url_rule else "unknown address"
