"""The web application over a model that is a stand-in."""

from __future__ import annotations

import functools
import io
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from convect.answering import deadline
from convect.answering.request import Forecast, ForecastRequest
from convect.errors import AlgorithmError, DataError, PlatformError
from convect.serving import memory
from convect.serving.server import make_app
from convect.serving.settings import Settings

SECRET = "item-4711"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
MakeApp = Callable[..., Flask]


@pytest.fixture
def app_of(artifact: Any, forecaster: Any) -> MakeApp:
    def make(settings: Settings | None = None, forecast: Any = forecaster, load: Any = lambda: artifact) -> Flask:
        return make_app(load, settings or Settings(), forecast)

    return make


@pytest.fixture
def raising(forecaster: Any) -> Callable[[Exception], Any]:
    """Forecasters that prove themselves and then fail."""

    def forecast(error: Exception, artifact: Any, request: ForecastRequest) -> Forecast:
        if request.horizon == 1:
            proof: Forecast = forecaster(artifact, request)
            return proof
        raise error

    return lambda error: functools.partial(forecast, error)


def test_nothing_is_loaded_before_it_is_asked_for(app_of: MakeApp, artifact: Any) -> None:
    loads: list[int] = []

    def load() -> Any:
        loads.append(1)
        return artifact

    client = app_of(load=load).test_client()
    assert not loads
    answers = [client.get("/ping") for _ in range(3)]
    assert [(answer.status_code, answer.data) for answer in answers] == [(200, b"")] * 3
    assert len(loads) == 1


def test_ping_is_503_while_another_thread_loads(app_of: MakeApp, artifact: Any) -> None:
    started, go_on = threading.Event(), threading.Event()

    def load() -> Any:
        started.set()
        go_on.wait(10)
        return artifact

    app = app_of(load=load)
    first: list[int] = []
    thread = threading.Thread(target=lambda: first.append(app.test_client().get("/ping").status_code))
    thread.start()
    assert started.wait(10)
    waiting = app.test_client().get("/ping")
    refused = app.test_client().post("/invocations", data="{}")
    go_on.set()
    thread.join(10)
    assert (waiting.status_code, refused.status_code, first) == (503, 503, [200])
    assert waiting.json == {"code": "not_ready", "message": "The model is loading.", "remedy": "Ask again in a moment."}
    assert app.test_client().get("/ping").status_code == 200


def test_ping_is_not_200_where_the_model_loads_but_cannot_forecast(app_of: MakeApp) -> None:
    def broken(*_: Any) -> Forecast:
        raise AlgorithmError("No forecast.")

    assert app_of(forecast=broken).test_client().get("/ping").status_code == 500


def test_a_model_that_cannot_be_loaded_is_asked_for_again(app_of: MakeApp, artifact: Any) -> None:
    outcomes: list[Any] = [PlatformError("No model.", "Train."), artifact]

    def load() -> Any:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    client = app_of(load=load).test_client()
    assert [client.get("/ping").status_code for _ in range(2)] == [503, 200]


def test_an_invocation_says_which_history_was_used(app_of: MakeApp) -> None:
    answer = app_of().test_client().post("/invocations", data="{}", headers={ATTRIBUTES: "trace=1; b"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["X-Convect-History"] == "trained=2"
    assert answer.headers["X-Convect-Fallbacks"] == "1"
    assert answer.headers[ATTRIBUTES] == "trace=1; b"
    assert answer.text.splitlines()[1] == "a,2024-01-01,1.5,"


def test_a_body_as_curl_sends_it_unless_told_otherwise(app_of: MakeApp) -> None:
    answer = app_of().test_client().post("/invocations", data="{}", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 200


@pytest.mark.parametrize("attributes", ["", "a" * 1025, "é", "tab\there"])
def test_attributes_that_the_platform_would_refuse_are_not_echoed(app_of: MakeApp, attributes: str) -> None:
    answer = app_of().test_client().get("/ping", headers={ATTRIBUTES: attributes})
    assert ATTRIBUTES not in answer.headers


def test_the_default_form_of_the_answer_is_a_setting(app_of: MakeApp) -> None:
    client = app_of(Settings(default_accept="application/json")).test_client()
    assert client.post("/invocations", data="{}").is_json
    assert not client.post("/invocations", data="{}", headers={"Accept": "text/csv"}).is_json


def test_ids_of_the_trained_column_are_text(app_of: MakeApp) -> None:
    body = "item_id,timestamp,target\n1.10,2024-01-01,3\n"
    answer = app_of().test_client().post("/invocations", data=body, content_type="text/csv")
    assert answer.text.splitlines()[1].startswith("1.10,")


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"data": "{"}, 400, "request"),
        ({"data": "a", "content_type": "image/png"}, 415, "unsupported_media_type"),
        ({"data": "{}", "headers": {"Content-Encoding": "gzip"}}, 415, "unsupported_media_type"),
        ({"data": "{}", "headers": {"Accept": "image/png"}}, 406, "not_acceptable"),
        ({"data": b" " * 2 * 1024 * 1024 + b"{}"}, 413, "payload_too_large"),
        ({"data": "a,b\n", "content_type": "text/csv"}, 422, "data"),
        ({"path": "/nowhere"}, 404, "not_found"),
        ({"path": "/invocations", "method": "GET"}, 405, "method_not_allowed"),
        ({"path": "/ping", "method": "POST"}, 405, "method_not_allowed"),
    ],
)
def test_every_error_is_json(app_of: MakeApp, options: dict[str, Any], status: int, code: str) -> None:
    client = app_of(Settings(max_payload_mb=1)).test_client()
    answer = client.open(**{"path": "/invocations", "method": "POST", **options})
    assert answer.status_code == status
    assert answer.is_json
    assert answer.json is not None
    assert set(answer.json) == {"code", "message", "remedy"}
    assert answer.json["code"] == code
    assert answer.json["message"]
    assert answer.json["remedy"]


@pytest.mark.parametrize("limit_mb", [1, 0])
def test_a_chunked_body_is_read_whole_or_refused_and_never_cut(app_of: MakeApp, limit_mb: int) -> None:
    body = b'{"config": {"horizon": 3}}' + b" " * 3 * 1024 * 1024
    options: dict[str, Any] = {"input_stream": io.BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
    client = app_of(Settings(max_payload_mb=limit_mb)).test_client()
    answer = client.post("/invocations", content_type="application/json", **options)
    assert answer.status_code == (413 if limit_mb else 200)


def test_a_body_shorter_than_announced_is_refused(app_of: MakeApp) -> None:
    overrides = {"wsgi.input_terminated": True, "CONTENT_LENGTH": "3"}
    options: dict[str, Any] = {"input_stream": io.BytesIO(b"{}"), "environ_overrides": overrides}
    answer = app_of().test_client().post("/invocations", **options)
    assert answer.status_code == 400
    assert answer.json is not None
    assert "shorter than its Content-Length" in answer.json["message"]


def test_a_body_that_breaks_off_is_the_callers_error(app_of: MakeApp) -> None:
    class Broken(io.BytesIO):
        def read(self, *_: Any) -> bytes:
            raise OSError("chunk")

    options: dict[str, Any] = {"input_stream": Broken(), "environ_overrides": {"wsgi.input_terminated": True}}
    assert app_of().test_client().post("/invocations", **options).status_code == 400


def test_an_unknown_error_is_500_and_its_message_is_nowhere(app_of: MakeApp, raising: Any, caplog: Any) -> None:
    client = app_of(forecast=raising(KeyError(SECRET))).test_client()
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/invocations", json={"config": {"item_ids": [SECRET]}})
    assert answer.status_code == 500
    assert answer.json is not None
    assert set(answer.json) == {"code", "message", "remedy", "request_id"}
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text
    assert answer.json["request_id"] in caplog.text
    assert "KeyError at " in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("error", "status"),
    [(DataError(f"Series {SECRET} is empty.", "Drop it."), 422), (AlgorithmError(f"Series {SECRET} failed."), 500)],
)
def test_a_known_error_is_told_to_the_caller_and_not_to_the_log(
    app_of: MakeApp, raising: Any, caplog: Any, error: Exception, status: int
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = app_of(forecast=raising(error)).test_client().post("/invocations", data="{}")
    assert answer.status_code == status
    assert answer.json is not None
    assert SECRET in answer.json["message"]
    assert ("request_id" in answer.json) == (status >= 500)
    assert SECRET not in caplog.text
    assert str(status) in caplog.text


def test_execution_parameters(app_of: MakeApp) -> None:
    answer = app_of(Settings(workers=4)).test_client().get("/execution-parameters")
    assert answer.json == {"MaxConcurrentTransforms": 4, "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 25}


def test_the_inference_id_is_in_the_log_without_what_could_forge_a_line(app_of: MakeApp, caplog: Any) -> None:
    client = app_of().test_client()
    with caplog.at_level(logging.INFO):
        client.post("/invocations", data="{}", headers={"X-Amzn-SageMaker-Inference-Id": "order 7\tERROR ü" + "x" * 99})
        client.post("/invocations", data="{", headers={"X-Amzn-SageMaker-Inference-Id": "id-8"})
        client.post("/invocations", data="{}")
    answered, refused, without = (record.getMessage() for record in caplog.records)
    assert answered.endswith(" inference_id=order7ERROR" + "x" * 53)
    assert refused.endswith(" inference_id=id-8")
    assert "inference_id" not in without


def test_a_forecast_that_takes_too_long_is_given_up(app_of: MakeApp, forecaster: Any) -> None:
    def slow(artifact: Any, request: ForecastRequest) -> Forecast:
        if request.horizon != 1:
            time.sleep(0.95)
            deadline.check()
        answer: Forecast = forecaster(artifact, request)
        return answer

    answer = app_of(Settings(timeout_s=1), slow).test_client().post("/invocations", data="{}")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["code"] == "time_limit"


def test_what_was_asked_and_answered_is_counted(app_of: MakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    client = app_of().test_client()
    for body in ("{}", "{}", "{"):
        client.post("/invocations", data=body)
    client.get("/secret-4711")
    text = client.get("/metrics").text
    assert 'convect_requests_total{route="/invocations",status="200"} 2.0' in text
    assert 'convect_requests_total{route="/invocations",status="400"} 1.0' in text
    assert 'convect_requests_total{route="unknown address",status="404"} 1.0' in text
    assert 'convect_request_seconds_count{route="/invocations"} 3.0' in text
    assert 'convect_errors_total{error_class="UserError"} 2.0' in text
    assert 'convect_series_forecast_total{history="trained"} 4.0' in text
    assert "convect_fallbacks_total 2.0" in text
    assert "4711" not in text


@pytest.mark.parametrize(("size", "given_back"), [(memory.LARGE_BYTES, [1]), (10, [])])
def test_memory_is_given_back_when_the_answer_to_a_large_request_is_sent(
    app_of: MakeApp, monkeypatch: pytest.MonkeyPatch, size: int, given_back: list[int]
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(memory, "give_back", lambda: calls.append(1))
    answer = app_of().test_client().post("/invocations", data=b"{}".ljust(size))
    assert answer.status_code == 200
    assert calls == []
    answer.close()
    assert calls == given_back


def test_giving_back_leaves_what_is_used() -> None:
    kept = list(range(100_000))
    memory.give_back()
    assert sum(kept) == 4_999_950_000
