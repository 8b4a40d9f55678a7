"""A run logged on MLflow's own server, on one that asks who it is, and on none."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
import threading
import time
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from flask import Flask, Response, request
from werkzeug.serving import make_server

from convect.config import Config
from convect.platform import tracking
from convect.platform.spec import METRICS
from convect.platform.tracking import Tracking, log_run

SCORES = {metric.name: float(place) / 7 for place, metric in enumerate(METRICS)}
ARN = "arn:aws:sagemaker:eu-west-1:123456789012:{}/mine"


def serve(app: Any) -> Iterator[str]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """MLflow's own web application over a database of its own."""
    folder: Path = tmp_path_factory.mktemp("mlflow")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("_MLFLOW_SERVER_FILE_STORE", f"sqlite:///{folder}/runs.db")
        patch.setenv("_MLFLOW_SERVER_ARTIFACT_ROOT", str(folder))
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        from mlflow.server import app

        for url in serve(app):
            assert runs(url, "none") == []  # the first question makes the database, which takes its time
            yield url


def runs(url: str, experiment: str) -> list[Any]:
    from mlflow import MlflowClient

    client = MlflowClient(url)
    found = client.get_experiment_by_name(experiment)
    return list(client.search_runs([found.experiment_id])) if found else []


def test_settings_and_metrics_become_a_run(mlflow: str, capsys: pytest.CaptureFixture[str]) -> None:
    env = {"MLFLOW_TRACKING_URI": mlflow, "MLFLOW_EXPERIMENT_NAME": "stores / north", "TRAINING_JOB_NAME": "job-1"}
    config = Config(horizon=7, preset="fast", schema={"target": "sold"})
    before = time.time()
    log_run(env, config.to_dict(), SCORES | {"validation:MASE": float("nan")})
    log_run(env | {"MLFLOW_RUN_NAME": "second"}, config.to_dict(), SCORES)
    second, first = runs(mlflow, "stores / north")
    assert (first.info.run_name, second.info.run_name, first.info.status) == ("job-1", "second", "FINISHED")
    assert first.data.metrics == pytest.approx({k: v for k, v in SCORES.items() if k != "validation:MASE"})
    assert second.data.metrics == pytest.approx(SCORES)
    assert first.data.params["horizon"] == "7"
    assert json.loads(first.data.params["quantiles"]) == list(config.quantiles)
    assert json.loads(first.data.params["schema"]) == {"target": "sold"}
    assert first.info.start_time / 1000 == pytest.approx(before - SCORES["train:seconds"], abs=30)
    out = capsys.readouterr().out
    assert f"MLflow: run {first.info.run_id} of experiment 'stores / north' is logged." in out


def test_an_experiment_that_another_job_makes_at_the_same_time_is_found(
    mlflow: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ask, said = tracking._Server.ask, []

    def late(self: Any, method: str, path: str, body: Any = None) -> dict[str, Any]:
        if path.startswith("experiments/get-by-name") and not said:
            said.append(path)  # the first question is asked before the other job makes the experiment
            with contextlib.suppress(HTTPError):
                return ask(self, method, path, body)
            ask(self, "POST", "experiments/create", {"name": "shared"})
            raise HTTPError(path, 404, "not there yet", Message(), None)
        return ask(self, method, path, body)

    monkeypatch.setattr(tracking._Server, "ask", late)
    log_run({"MLFLOW_TRACKING_URI": mlflow, "MLFLOW_EXPERIMENT_NAME": "shared"}, {}, SCORES)
    assert "of experiment 'shared' is logged." in capsys.readouterr().out
    assert len(runs(mlflow, "shared")) == 1


def test_without_a_server_nothing_is_said_or_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*_: object, **__: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(tracking.urllib.request, "urlopen", ask)
    log_run({"TRAINING_JOB_NAME": "job-1", "MLFLOW_EXPERIMENT_NAME": "x"}, {}, SCORES)
    log_run({"MLFLOW_TRACKING_URI": ARN.format("mlflow-app")}, {}, SCORES)  # network isolation: no credentials
    assert capsys.readouterr().out == (
        "MLflow: nothing is logged. The container has no AWS credentials. Run the job without network isolation.\n"
    )


@pytest.mark.parametrize(
    "uri", ["sqlite:///runs.db", "/tmp/runs", "arn:aws:s3:::bucket", "arn:mlflow-app/x", "databricks", "file:/x"]
)
def test_a_server_that_is_none(uri: str, capsys: pytest.CaptureFixture[str]) -> None:
    log_run({"MLFLOW_TRACKING_URI": uri}, {}, SCORES)
    assert capsys.readouterr().out == (
        f"MLflow: nothing is logged. '{uri}' is no http address and no ARN of a SageMaker MLflow resource."
        " Correct MLFLOW_TRACKING_URI.\n"
    )


def test_a_server_that_does_not_answer(capsys: pytest.CaptureFixture[str]) -> None:
    log_run({"MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}, {}, SCORES)
    assert capsys.readouterr().out.startswith("MLflow: nothing is logged. The server did not answer as expected: ")


ANSWERS = {
    "experiments/get-by-name": {"experiment": {"experiment_id": "3"}},
    "runs/create": {"run": {"info": {"run_id": "r1"}}},
    "runs/log-batch": {},
    "runs/update": {},
}


@pytest.fixture
def asked() -> list[Any]:
    return []


@pytest.fixture
def imitation(asked: list[Any]) -> Iterator[str]:
    """A server that notes who asks; the experiment `broken` gets what is no JSON."""
    app = Flask("imitation")

    @app.route("/api/2.0/mlflow/<path:path>", methods=["GET", "POST"])
    def answer(path: str) -> Response:
        asked.append((path, dict(request.headers)))
        if request.args.get("experiment_name") == "broken":
            return Response("<html>")
        return Response(json.dumps(ANSWERS[path]), mimetype="application/json")

    yield from serve(app)


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({}, None),
        ({"MLFLOW_TRACKING_TOKEN": "abc"}, "Bearer abc"),
        ({"MLFLOW_TRACKING_USERNAME": "u", "MLFLOW_TRACKING_PASSWORD": "p"}, "Basic dTpw"),
    ],
)
def test_who_asks(imitation: str, asked: list[Any], env: dict[str, str], expected: str | None) -> None:
    log_run({"MLFLOW_TRACKING_URI": f"{imitation}/", **env}, {}, SCORES)
    assert [path for path, _ in asked] == list(ANSWERS)
    assert {headers.get("Authorization") for _, headers in asked} == {expected}


@pytest.mark.parametrize(
    ("kind", "host", "service", "header"),
    [
        ("mlflow-tracking-server", "https://eu-west-1.experiments.sagemaker.aws", "sagemaker-mlflow",
         "X-Mlflow-Sm-Tracking-Server-Arn"),
        ("mlflow-app", "https://mlflow.sagemaker.eu-west-1.app.aws", "sagemaker", "X-Sm-Mlflow-App-Arn"),
    ],
)  # fmt: skip
def test_an_arn_is_asked_with_a_signature(
    imitation: str, asked: list[Any], monkeypatch: pytest.MonkeyPatch, kind: str, host: str, service: str, header: str
) -> None:
    real = tracking.urllib.request.Request

    def local(url: str, *rest: Any, **named: Any) -> Any:
        assert url.startswith(f"{host}/api/2.0/mlflow/")
        return real(url.replace(host, imitation), *rest, **named)

    monkeypatch.setattr(tracking.urllib.request, "Request", local)
    env = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "s", "AWS_SESSION_TOKEN": "t"}
    log_run({"MLFLOW_TRACKING_ARN": ARN.format(kind), **env}, {}, SCORES)
    assert [path for path, _ in asked] == list(ANSWERS)
    for _, headers in asked:
        assert f"/eu-west-1/{service}/aws4_request" in headers["Authorization"]
        assert (headers[header], headers["X-Amz-Security-Token"]) == (ARN.format(kind), "t")


@pytest.mark.parametrize("error", [http.client.IncompleteRead(b""), IndexError("x"), TimeoutError()])
def test_no_error_at_all_ends_the_job(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def ask(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(tracking.urllib.request, "urlopen", ask)
    log_run({"MLFLOW_TRACKING_URI": "http://x"}, {}, SCORES)
    assert capsys.readouterr().out.startswith("MLflow: nothing is logged. The server did not answer as expected: ")


def test_an_answer_that_is_no_mlflow_s(imitation: str, capsys: pytest.CaptureFixture[str]) -> None:
    log_run({"MLFLOW_TRACKING_URI": imitation, "MLFLOW_EXPERIMENT_NAME": "broken"}, {}, SCORES)
    assert capsys.readouterr().out.startswith("MLflow: nothing is logged. The server did not answer as expected: ")


def test_the_names_when_none_are_given() -> None:
    assert Tracking.of({"MLFLOW_TRACKING_URI": "http://x"}) == Tracking("http://x", "convect", "")
    assert Tracking.of({}) is None
