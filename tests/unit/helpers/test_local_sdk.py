"""The SDK's local mode made whole: updates, serverless and asynchronous endpoints, deletions that can be seen."""

from __future__ import annotations

import io
import socket
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import jobs
from helpers.local import SdkClient, SdkRuntime, sdk
from helpers.local.files import path_of


class LikeTheSdk:
    """What the SDK's local client does with endpoints: starts inside the call, and forgets nothing."""

    def __init__(self, *, healthy: bool = True) -> None:
        self.healthy, self.calls, self.models = healthy, list[str](), list[str]()
        self.configs: dict[str, Any] = {}

    def create_training_job(self, **request: Any) -> None:
        assert "EnableNetworkIsolation" not in request
        self.calls.append("train")

    def create_model(self, ModelName: str, PrimaryContainer: dict[str, Any], ExecutionRoleArn: str) -> None:
        self.models.append(ModelName)

    def describe_model(self, ModelName: str) -> None:
        if ModelName not in self.models:
            raise sdk.missing("DescribeModel", "model", ModelName)

    def delete_model(self, ModelName: str) -> None:
        self.models.remove(ModelName)

    def create_endpoint_config(self, EndpointConfigName: str, ProductionVariants: list[dict[str, Any]]) -> None:
        assert ProductionVariants[0]["InstanceType"] == "local"
        assert ProductionVariants[0]["InitialInstanceCount"] == 1
        self.configs[EndpointConfigName] = ProductionVariants

    def delete_endpoint_config(self, EndpointConfigName: str) -> None:
        del self.configs[EndpointConfigName]

    def create_endpoint(self, EndpointName: str, EndpointConfigName: str) -> None:
        self.calls.append(f"start {EndpointName} {EndpointConfigName}")
        if not self.healthy:
            raise RuntimeError("Giving up, endpoint didn't launch correctly")
        self.config = EndpointConfigName

    def describe_endpoint(self, EndpointName: str) -> dict[str, str]:
        return {"EndpointStatus": "InService", "EndpointConfigName": self.config}

    def delete_endpoint(self, EndpointName: str) -> None:
        self.calls.append(f"stop {EndpointName}")


class Answering:
    """The SDK's local runtime: an error is an answer like any other."""

    def invoke_endpoint(
        self, Body: bytes, EndpointName: str, ContentType: str = "", Accept: str = ""
    ) -> dict[str, Any]:
        status = 422 if Body == b"bad" else 200
        return {"Body": io.BytesIO(Body.upper()), "ResponseMetadata": {"HTTPStatusCode": status}}


@pytest.fixture(autouse=True)
def free_port(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "listens", lambda _: False)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=""))  # no Docker


def requests(name: str = "e", **changes: Any) -> dict[str, dict[str, Any]]:
    return jobs.endpoint_requests(name, "file:///m.tar.gz", security=jobs.Security(isolated=True), **changes)


def test_an_endpoint_comes_is_updated_and_goes() -> None:
    inner = LikeTheSdk()
    client = SdkClient(inner)
    assert jobs.deploy(client, requests())["EndpointStatus"] == "InService"
    assert jobs.update(client, jobs.update_requests("e", requests("newer")))["EndpointConfigName"] == "newer"
    assert inner.calls == ["start e e", "stop e", "start e newer"]  # one port: the old one stops first
    assert jobs.delete(client, "e", "newer") == ["endpoint", "endpoint_config", "model", "endpoint_config", "model"]
    assert jobs.delete(client, "e", "newer") == []
    assert inner.calls[-1] == "stop e"
    assert inner.models == list(inner.configs) == []


def test_an_endpoint_that_does_not_come_up_is_stopped_and_leaves_nothing() -> None:
    inner = LikeTheSdk(healthy=False)
    with pytest.raises(jobs.JobFailed, match="didn't launch correctly"):
        jobs.deploy(SdkClient(inner), requests())
    assert inner.calls == ["start e e", "stop e"]
    assert inner.models == list(inner.configs) == []


def test_a_port_that_is_taken_is_named_before_anything_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "listens", lambda port: port == 8080)
    inner = LikeTheSdk()
    with pytest.raises(jobs.JobFailed, match=r"Port 8080.* is taken.*Stop what listens on that port"):
        jobs.deploy(SdkClient(inner), requests())
    assert inner.calls == []


def test_a_port_is_asked_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert not sdk.listens(port)
        taken.listen()
        assert sdk.listens(port)


def test_serverless_is_one_container() -> None:
    client = SdkClient(LikeTheSdk())
    jobs.deploy(client, requests(serverless={"MemorySizeInMB": 1024, "MaxConcurrency": 1}))
    assert jobs.delete(client, "e") == ["endpoint", "endpoint_config", "model"]


def test_an_asynchronous_endpoint_answers_by_a_file(tmp_path: Path) -> None:
    client = SdkClient(LikeTheSdk())
    jobs.deploy(client, requests(asynchronous=tmp_path / "place"))
    (tmp_path / "q").write_text("abc")
    runtime = SdkRuntime(Answering(), client)
    assert jobs.invoke_file(runtime, "e", (tmp_path / "q").as_uri()) == "ABC"
    (tmp_path / "q").write_text("bad")
    with pytest.raises(jobs.InvocationFailed, match="BAD"):
        jobs.invoke_file(runtime, "e", (tmp_path / "q").as_uri())


def test_what_local_mode_has_no_notion_of_is_not_handed_on() -> None:
    inner = LikeTheSdk()
    request = jobs.training_request("n", {}, "file:///out", security=jobs.Security(isolated=True))
    SdkClient(inner).create_training_job(**request)
    assert inner.calls == ["train"]


def test_a_channel_of_one_file_does_not_bring_the_files_beside_it(tmp_path: Path) -> None:
    """The SDK's local mode brings the folder in which the file lies."""
    for name in ("table.csv", "README.md", "folder/part.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    seen: dict[str, list[str]] = {}

    def train(**request: Any) -> None:
        for channel in request["InputDataConfig"]:
            folder = path_of(channel["DataSource"]["S3DataSource"]["S3Uri"])
            seen[channel["ChannelName"]] = [path.read_text() for path in folder.iterdir()]

    inner = LikeTheSdk()
    inner.create_training_job = train  # type: ignore[method-assign]
    channels = {"train": tmp_path / "table.csv", "related": tmp_path / "folder"}
    SdkClient(inner).create_training_job(**jobs.training_request("n", channels, tmp_path / "out"))
    assert seen == {"train": ["table.csv"], "related": ["folder/part.csv"]}


def test_nothing_is_invented_that_the_sdk_has_not() -> None:
    client = SdkClient(LikeTheSdk())
    assert not hasattr(client, "meta")  # by which the helpers tell the clients apart
    assert not hasattr(client, "opt_ml")
    assert client.log("any") == ""


def test_an_error_is_no_answer_of_a_transform_job(tmp_path: Path) -> None:
    """The SDK's local mode writes what the server answers, whatever its status, and the job is Completed."""
    for name in ("bad", "good"):
        (tmp_path / "in").mkdir(exist_ok=True)
        (tmp_path / "in" / name).write_text(name)
    inner = LikeTheSdk()
    client = SdkClient(inner)
    runtime = SdkRuntime(Answering(), client)

    def transform(**request: Any) -> None:
        for path in sorted((tmp_path / "in").iterdir()):
            answer = runtime.invoke_endpoint(path.read_bytes(), "", "text/csv", "text/csv")
            (tmp_path / "out").mkdir(exist_ok=True)
            (tmp_path / "out" / f"{path.name}.out").write_bytes(answer["Body"].read())

    inner.create_transform_job = transform  # type: ignore[attr-defined]
    inner.describe_transform_job = lambda _: {"TransformJobStatus": "Completed"}  # type: ignore[attr-defined]
    made = jobs.transform_requests(
        "t", "file:///m.tar.gz", tmp_path / "in", tmp_path / "out", content_type="text/csv", security=jobs.Security()
    )
    with pytest.raises(jobs.JobFailed, match="bad: the model server answered 422: BAD"):
        jobs.transform(client, made)
    bad, good = jobs.records(client, "t", str(tmp_path / "in"), str(tmp_path / "out"))
    assert (bad.answer, bad.error) == (None, "the model server answered 422: BAD")
    assert (good.answer, good.error) == ("GOOD", "")
    (tmp_path / "in/bad").unlink()
    assert (
        jobs.transform(client, {"create_transform_job": made["create_transform_job"]})["TransformJobStatus"]
        == "Completed"
    )


class Docker:
    """Docker's client: `ps` gives the ids of each call in turn, `rm` is noted."""

    def __init__(self, *listings: str) -> None:
        self.listings, self.asked, self.removed = iter(listings), list[list[str]](), list[list[str]]()

    def run(self, command: list[str], **_: Any) -> SimpleNamespace:
        if command[1] == "rm":
            self.removed.append(command[3:])
            return SimpleNamespace(stdout="")
        self.asked.append(command)
        return SimpleNamespace(stdout=next(self.listings))


def test_only_the_containers_of_this_job_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker("a\n", "a\nb\n")  # "a" was there before
    monkeypatch.setattr(subprocess, "run", docker.run)
    SdkClient(LikeTheSdk()).create_training_job(**jobs.training_request("n", {}, "file:///out", image="mine"))
    assert docker.removed == [["b"]]
    assert all("ancestor=mine" in command for command in docker.asked)
    assert "status=exited" in docker.asked[1]  # what runs may be another's


def test_after_an_error_what_runs_still_is_removed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker("", "b\n")
    monkeypatch.setattr(subprocess, "run", docker.run)
    with pytest.raises(jobs.JobFailed):
        jobs.deploy(SdkClient(LikeTheSdk(healthy=False)), requests())
    assert docker.removed == [["b"]]
    assert "status=exited" not in docker.asked[1]


def test_what_serves_when_the_interpreter_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    docker = Docker("", "server\n")
    monkeypatch.setattr(subprocess, "run", docker.run)
    client = SdkClient(LikeTheSdk())
    jobs.deploy(client, requests())
    client.close()
    client.close()
    assert docker.removed == [["server"]]
