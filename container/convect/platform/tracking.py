"""A job's settings and metrics as one MLflow run, where the job names a tracking server; else nothing.

Speaks MLflow's REST API itself: its client with what SageMaker's server needs beside it (mlflow-skinny, boto3 and
sagemaker-mlflow) brings 48 packages, cloudpickle among them, for five requests.
https://mlflow.org/docs/latest/rest-api.html
"""

from __future__ import annotations

import base64
import json
import math
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from convect.errors import ConvectError, PlatformError
from convect.platform.signing import credentials, signed

_API = "/api/2.0/mlflow/"
_TIMEOUT_S = 30
_COLONS = 5  # in an ARN
_LONGEST_VALUE = 500  # characters of a parameter that every version of MLflow takes
_SERVERS = {  # by kind of SageMaker resource: its host, the service that signs, the header with its ARN
    "mlflow-tracking-server": (
        "{}.experiments.sagemaker.aws",
        "sagemaker-mlflow",
        "x-mlflow-sm-tracking-server-arn",
    ),
    "mlflow-app": ("mlflow.sagemaker.{}.app.aws", "sagemaker", "x-sm-mlflow-app-arn"),
}


@dataclass(frozen=True)
class Tracking:
    """Where a run is logged: `server` is a URL or the ARN of a SageMaker MLflow resource."""

    server: str
    experiment: str
    run: str

    @classmethod
    def of(cls, env: Mapping[str, str]) -> Tracking | None:
        """Return what the job's variables name, None where they name no server."""
        server = env.get("MLFLOW_TRACKING_URI") or env.get("MLFLOW_TRACKING_ARN")
        if not server:
            return None
        job = env.get("TRAINING_JOB_NAME", "")
        return cls(server, env.get("MLFLOW_EXPERIMENT_NAME") or "convect", env.get("MLFLOW_RUN_NAME") or job)


def log_run(env: Mapping[str, str], settings: Mapping[str, object], metrics: Mapping[str, float]) -> None:
    """Log one finished run and say so in a line; where that fails say why in a line. Never raises: a model is there."""
    tracking = Tracking.of(env)
    if tracking is None:
        return
    try:
        run = _log(_Server.of(tracking.server, env), tracking, settings, metrics)
        print(f"MLflow: run {run} of experiment {tracking.experiment!r} is logged.", flush=True)
    except ConvectError as error:
        print(f"MLflow: nothing is logged. {error.message} {error.remedy}".rstrip(), flush=True)
    except Exception as error:  # whatever it is, the model is there, and the job has gone well
        reason = getattr(error, "reason", None) or error
        print(f"MLflow: nothing is logged. The server did not answer as expected: {str(reason)[:200]}.", flush=True)


def _log(server: _Server, tracking: Tracking, settings: Mapping[str, object], metrics: Mapping[str, float]) -> str:
    now = int(time.time() * 1000)
    start = now - int(metrics.get("train:seconds", 0) * 1000)
    asked = {"experiment_id": _experiment(server, tracking.experiment), "start_time": start}
    asked |= {"run_name": tracking.run} if tracking.run else {}
    run = str(server.ask("POST", "runs/create", asked)["run"]["info"]["run_id"])
    values = {name: value for name, value in metrics.items() if math.isfinite(value)}
    texts = {name: _text(value) for name, value in settings.items() if value is not None}
    server.ask(
        "POST",
        "runs/log-batch",
        {
            "run_id": run,
            "metrics": [{"key": key, "value": value, "timestamp": now, "step": 0} for key, value in values.items()],
            "params": [{"key": key, "value": text} for key, text in texts.items()],
        },
    )
    server.ask("POST", "runs/update", {"run_id": run, "status": "FINISHED", "end_time": now})
    return run


def _text(value: object) -> str:
    return (value if isinstance(value, str) else json.dumps(value))[:_LONGEST_VALUE]


def _experiment(server: _Server, name: str) -> str:
    try:
        return _found(server, name)
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
    try:
        return str(server.ask("POST", "experiments/create", {"name": name})["experiment_id"])
    except urllib.error.HTTPError as error:  # another job of the same experiment may have made it in between
        if error.code != 400:
            raise
        return _found(server, name)


def _found(server: _Server, name: str) -> str:
    found = server.ask("GET", f"experiments/get-by-name?experiment_name={quote(name, safe='')}")
    return str(found["experiment"]["experiment_id"])


@dataclass(frozen=True)
class _Server:
    """A tracking server; with an ARN each request is signed."""

    url: str
    env: Mapping[str, str]
    arn: str = ""

    @classmethod
    def of(cls, server: str, env: Mapping[str, str]) -> _Server:
        if urlsplit(server).scheme in ("http", "https"):
            return cls(server.rstrip("/"), env)
        kind = server.split(":")[-1].partition("/")[0]
        if not server.startswith("arn:") or server.count(":") != _COLONS or kind not in _SERVERS:
            message = f"{server[:100]!r} is no http address and no ARN of a SageMaker MLflow resource."
            raise PlatformError(message, "Correct MLFLOW_TRACKING_URI.")
        return cls(f"https://{_SERVERS[kind][0].format(server.split(':')[3])}", env, server)

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Return the answer to a request; raises OSError for any but a good one."""
        url, content = f"{self.url}{_API}{path}", b"" if body is None else json.dumps(body).encode()
        headers = self._headers(method, url, content)
        request = urllib.request.Request(url, content or None, headers, method=method)  # noqa: S310 - see `of`
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310
            found: dict[str, Any] = json.load(answer)
        return found

    def _headers(self, method: str, url: str, body: bytes) -> dict[str, str]:
        headers = {"Content-Type": "application/json"}
        if self.arn:
            _, service, header = _SERVERS[self.arn.split(":")[-1].partition("/")[0]]
            headers[header] = self.arn
            region = self.arn.split(":")[3]
            return signed(method, url, body, headers, credentials(self.env), region, service, datetime.now(UTC))
        if self.env.get("MLFLOW_TRACKING_TOKEN"):
            headers["Authorization"] = f"Bearer {self.env['MLFLOW_TRACKING_TOKEN']}"
        elif self.env.get("MLFLOW_TRACKING_USERNAME"):
            pair = f"{self.env['MLFLOW_TRACKING_USERNAME']}:{self.env.get('MLFLOW_TRACKING_PASSWORD', '')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        return headers
