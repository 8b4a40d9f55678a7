"""The web application: SageMaker's addresses over `wire` and `Service`; owns no model and no global state."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from itertools import chain

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

from convect import pipeline
from convect.answering.request import Forecast, ForecastRequest
from convect.artifact import Artifact
from convect.errors import ConvectError, UserError
from convect.serving import answers, media, memory, multi_model, stream, wire
from convect.serving.body import drop_rest, read_body
from convect.serving.metrics import Metrics
from convect.serving.models import Models
from convect.serving.service import Forecaster, Service
from convect.serving.settings import Settings

REMEDIES = {
    404: "Use /ping, /invocations, /execution-parameters or /metrics; a multi-model server has /models instead.",
    405: "Use POST for /invocations and GET for the others.",
}


def make_app(
    load_artifact: Callable[[], Artifact],
    settings: Settings,
    forecast: Forecaster = pipeline.forecast,
    models: Models | None = None,
) -> Flask:
    """Return the WSGI application; nothing is loaded until it is asked for, or `app.extensions["convect"].load()`.

    With `models` it answers /models instead of /invocations, and is ready without a model.
    """
    app = Flask("convect", static_folder=None)
    service = app.extensions["convect"] = Service(load_artifact, forecast)
    app.extensions["models"] = models
    metrics = Metrics()
    invocations = Invocations(app, settings, metrics)

    @app.get("/ping")
    def ping() -> Response:
        if models is None:
            service.check()
        return Response(mimetype="text/plain")

    @app.get("/execution-parameters")
    def execution_parameters() -> Response:
        return jsonify(settings.execution_parameters)

    @app.get("/metrics")
    def scrape() -> Response:
        text, content_type = metrics.text()
        return Response(text, content_type=content_type)

    if models is None:
        app.post("/invocations", endpoint="invocations")(lambda: invocations.answer(service))
    else:
        multi_model.register(app, models, settings, invocations.answer)
    _register_counts(app, metrics)
    _register_errors(app, metrics)
    return app


class Invocations:
    """Answers requests for forecasts: read, decoded, forecast in time, counted, written in the form that is liked."""

    def __init__(self, app: Flask, settings: Settings, metrics: Metrics) -> None:
        self._log = app.logger
        self._settings = settings
        self._metrics = metrics

    def answer(self, service: Service) -> Response:
        """Answer the request that Flask has in hand by a service; raises what the request or forecasting raises."""
        wire.negotiate(request.headers.get("Accept"))  # before the work, not after it
        service.check()
        asked = _asked(service, self._settings)
        if stream.fits(asked, _form(asked, self._settings.default_accept)):
            return self._streamed(service, asked)
        answer = service.forecast(asked, self._settings.answer_s - (time.perf_counter() - g.started))
        response = _response(answer, asked, self._settings.default_accept)
        self._count(answer)
        return response

    def _streamed(self, service: Service, asked: ForecastRequest) -> Response:
        until = g.started + self._settings.answer_s

        def forecast(part: ForecastRequest) -> Forecast:
            answer = service.forecast(part, until - time.perf_counter())
            self._count(answer)
            return answer

        texts = stream.lines(asked, service.items(), forecast)
        first = next(texts)  # what is wrong with the request is found before the answer has a status
        return Response(stream.guarded(chain([first], texts), self._broken_off), mimetype=media.JSON_LINES)

    def _broken_off(self, error: Exception) -> dict[str, str]:
        request_id = uuid.uuid4().hex
        self._metrics.failed(answers.error_class(error))
        self._log.error("an answer broke off request_id=%s %s", request_id, answers.trace(error))
        return answers.error_body(error, request_id)

    def _count(self, answer: Forecast) -> None:
        self._metrics.forecast(answer.origins["history"].tolist(), int(answer.origins["fallback"].sum()))


def _asked(service: Service, settings: Settings) -> ForecastRequest:
    body = read_body(request, settings.max_payload_bytes, settings.timeout_s)
    g.received = len(body)
    asked = wire.decode(
        body,
        request.headers.get("Content-Type"),
        settings.limits,
        service.text_columns(),
        batch=settings.batch,
        lines_config=settings.inference_config,
    )
    return replace(asked, series_limit_s=settings.series_limit_s or None)


def _form(asked: ForecastRequest, default: str) -> str:
    return wire.negotiate(request.headers.get("Accept"), default or wire.FORMS[asked.wording.dialect])


def _response(answer: Forecast, asked: ForecastRequest, default: str) -> Response:
    body, content_type = wire.encode(answer, request.headers.get("Accept"), default, asked)
    return Response(body, content_type=content_type, headers=answers.origin_headers(answer.origins))


def _register_counts(app: Flask, metrics: Metrics) -> None:
    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        drop_rest(request)
        response.headers.update(answers.attribute_headers(request.headers.get(answers.ATTRIBUTES)))
        seconds = time.perf_counter() - g.started
        metrics.answered(_address(), response.status_code, seconds)
        if g.get("received", 0) >= memory.LARGE_BYTES:
            response.call_on_close(memory.give_back)
        if request.method == "POST" and response.status_code < 400:
            told = answers.inference_id(request.headers.get(answers.INFERENCE_ID))
            app.logger.info("%s %s %.3f s%s", _address(), response.status_code, seconds, told)
        return response


def _register_errors(app: Flask, metrics: Metrics) -> None:
    @app.errorhandler(Exception)
    def failed(error: Exception) -> Response:
        request_id = uuid.uuid4().hex if answers.is_fault(error) else None
        status = error.status if isinstance(error, ConvectError) else 500
        metrics.failed(answers.error_class(error))
        told = answers.inference_id(request.headers.get(answers.INFERENCE_ID))
        if request_id:
            app.logger.error("%s %s request_id=%s%s %s", _address(), status, request_id, told, answers.trace(error))
        else:
            app.logger.info("%s %s code=%s%s", _address(), status, getattr(error, "code", ""), told)
        return _answer(status, answers.error_body(error, request_id))

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        status = error.code or 500
        metrics.failed(UserError.who)
        code = re.sub(r"\W+", "_", error.name).lower()
        remedy = REMEDIES.get(status, "Correct the request.")
        response = _answer(status, {"code": code, "message": f"{error.name}.", "remedy": remedy})
        response.headers.extend([header for header in error.get_headers() if header[0] == "Allow"])
        return response


def _answer(status: int, body: dict[str, str]) -> Response:
    response = jsonify(body)
    response.status_code = status
    return response


def _address() -> str:
    # Only addresses that exist are logged and counted: the rest of a path is the caller's text.
    return request.url_rule.rule if request.url_rule else "unknown address"
