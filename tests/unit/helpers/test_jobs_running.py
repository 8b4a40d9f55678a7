"""Sending and waiting: the same calls against the processes, a client like boto3's and one like the SDK's."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import jobs
from helpers.jobs import kinds, running
from helpers.local import LocalClient, LocalRuntimeClient

Build = Callable[..., dict[str, Any]]


def test_train_prints_states_and_the_end_of_the_log(
    client: LocalClient, request_for: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    job = jobs.train(client, request_for("one"), log_lines=2)
    lines = capsys.readouterr().out.splitlines()
    assert job["TrainingJobStatus"] == "Completed"
    assert lines[-3:] == ["Completed", "  | metric: validation:MASE=nan", "  | metric: validation:MASE=0.83"]
    assert len(set(lines)) == len(lines)  # a state is printed once
    assert not any("\r" in line or line.startswith("{") for line in lines)


def test_the_request_is_shown_before_it_is_sent(
    client: LocalClient, request_for: Build, capsys: pytest.CaptureFixture[str]
) -> None:
    request = request_for("one")
    jobs.train(client, request, show_request=True)
    out = capsys.readouterr().out
    assert out.startswith("create_training_job:\n")
    assert json.loads(out.removeprefix("create_training_job:\n").split("\n}\n")[0] + "}") == request


def test_a_failed_job_raises_with_reason_and_log(client: LocalClient, request_for: Build) -> None:
    with pytest.raises(jobs.JobFailed) as caught:
        jobs.train(client, request_for("fails", behave="fail"))
    assert caught.value.reason.startswith("AlgorithmError: UserError [config]")
    assert str(caught.value).endswith("validation:MASE=0.83")
    assert "The end of its log:" in str(caught.value)


def test_the_whole_way(client: LocalClient, request_for: Build, tmp_path: Path) -> None:
    job = jobs.train(client, request_for("one"))
    assert list(jobs.download_artifact(job, tmp_path / "model")) == ["seen.json"]
    forecasts = jobs.download_output(job, tmp_path / "output")["forecasts.csv"]
    assert forecasts.read_text().startswith("item_id")
    model = job["ModelArtifacts"]["S3ModelArtifacts"]
    described = jobs.deploy(client, jobs.endpoint_requests("e", model))
    assert described["EndpointStatus"] == "InService"
    assert jobs.invoke(LocalRuntimeClient(client), "e", {"a": 1}) == '{"A": 1}'
    assert jobs.invoke(LocalRuntimeClient(client), "e", "a,b") == "A,B"
    requests = jobs.transform_requests("t", model, forecasts, tmp_path / "result", content_type="text/csv")
    assert jobs.transform(client, requests)["TransformJobStatus"] == "Completed"
    assert (tmp_path / "result/forecasts.csv.out").read_text().startswith("ITEM_ID")
    assert jobs.delete(client, "e") == ["endpoint", "endpoint_config", "model"]
    assert jobs.delete(client, "e") == []
    assert jobs.delete(client, "t") == ["model"]


def test_a_refused_request_says_code_and_remedy(client: LocalClient, archive: str) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    with pytest.raises(jobs.InvocationFailed) as caught:
        jobs.invoke(LocalRuntimeClient(client), "e", "bad")
    assert str(caught.value) == "422 [data]: No such item. Ask for another."
    assert (caught.value.status, caught.value.code, caught.value.remedy) == (422, "data", "Ask for another.")


def test_an_endpoint_that_cannot_start_raises_with_its_log(client: LocalClient, archive: str) -> None:
    with pytest.raises(jobs.JobFailed, match="the model cannot be read"):
        jobs.deploy(client, jobs.endpoint_requests("e", archive, environment={"BEHAVE": "die"}))


class LikeTheSdk:
    """The SDK's local client: a job runs inside the call, and a bad one raises RuntimeError."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure

    def create_training_job(self, **request: Any) -> None:
        request["InputDataConfig"][0]["DataUri"] = "changed"  # as the SDK does
        if self.failure:
            raise RuntimeError(self.failure)

    def describe_training_job(self, TrainingJobName: str) -> dict[str, str]:
        return {"TrainingJobName": TrainingJobName, "TrainingJobStatus": "Completed"}


def test_the_sdk_s_local_mode_is_waited_for(request_for: Build, capsys: pytest.CaptureFixture[str]) -> None:
    request = request_for("one")
    assert jobs.train(LikeTheSdk(), request)["TrainingJobStatus"] == "Completed"
    assert "DataUri" not in request["InputDataConfig"][0]
    assert capsys.readouterr().out == "Completed\n"
    with pytest.raises(jobs.JobFailed, match="exited with code: 1"):
        jobs.train(LikeTheSdk("Process exited with code: 1"), request)


def test_an_error_that_the_sdk_s_local_mode_hands_over_is_raised() -> None:
    answer = {"Body": io.BytesIO(b'{"code": "data", "message": "m", "remedy": "r"}')}
    answer["ResponseMetadata"] = {"HTTPStatusCode": 422}  # type: ignore[assignment]
    with pytest.raises(jobs.InvocationFailed, match=r"422 \[data\]: m r"):
        jobs.invoke(SimpleNamespace(invoke_endpoint=lambda **_: answer), "e", b"")


def test_other_errors_of_an_invocation_pass_through() -> None:
    def refuse(**_: Any) -> None:
        raise KeyError("no credentials")

    with pytest.raises(KeyError, match="no credentials"):
        jobs.invoke(SimpleNamespace(invoke_endpoint=refuse), "e", b"")


class ServiceError(Exception):
    def __init__(self, code: str, message: str) -> None:
        self.response = {"Error": {"Code": code, "Message": message}}


@pytest.mark.parametrize(
    ("code", "message", "gone"),
    [
        ("ValidationException", 'Could not find endpoint "arn:aws:…".', True),
        ("ResourceNotFound", "", True),
        ("ValidationException", "Cannot update in-progress endpoint", False),
        ("AccessDeniedException", "not authorised", False),
    ],
)
def test_only_what_is_not_there_is_no_error_to_delete(code: str, message: str, gone: bool) -> None:
    def refuse(**_: Any) -> None:
        raise ServiceError(code, message)

    client = SimpleNamespace(
        describe_endpoint=refuse, delete_endpoint=refuse, delete_endpoint_config=refuse, delete_model=refuse
    )
    if gone:
        assert jobs.delete(client, "e") == []
    else:
        with pytest.raises(ServiceError):
            jobs.delete(client, "e")


def test_a_long_job_shows_that_it_lives(
    request_for: Build, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter(range(0, 1000, 20))
    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda _: None))
    states = iter(["InProgress"] * 5 + ["Completed"])
    client = LikeTheSdk()
    client.describe_training_job = lambda **_: {"TrainingJobStatus": next(states)}  # type: ignore[method-assign]
    jobs.train(client, request_for("one"))
    assert capsys.readouterr().out.splitlines() == ["InProgress", "InProgress, 100 s", "Completed"]


def test_the_log_on_aws_is_read_from_cloudwatch(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def streams(**query: Any) -> dict[str, Any]:
        asked.append(query)
        return {"logStreams": [{"logStreamName": "one/algo-1"}]}

    logs = SimpleNamespace(
        describe_log_streams=streams,
        get_log_events=lambda **_: {"events": [{"message": "a"}, {"message": "b"}]},
        exceptions=SimpleNamespace(ClientError=ServiceError),
    )
    monkeypatch.setitem(__import__("sys").modules, "boto3", SimpleNamespace(client=lambda *_, **__: logs))
    client = SimpleNamespace(meta=SimpleNamespace(region_name="eu-west-1"))
    assert kinds.log_of(client, kinds.TRAINING, "one") == ["a", "b"]
    assert asked == [{"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": "one/"}]
    kinds.log_of(client, kinds.ENDPOINT, "one")
    assert asked[1] == {"logGroupName": "/aws/sagemaker/Endpoints/one"}
