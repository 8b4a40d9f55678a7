"""LocalClient replaces a server while it serves, answers asynchronous requests by files, and takes serverless ones."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from helpers import jobs
from helpers.local import ClientError, LocalClient, LocalRuntimeClient
from tests.unit.helpers.waiting import until


@pytest.fixture
def runtime(client: LocalClient) -> LocalRuntimeClient:
    return LocalRuntimeClient(client)


def newer(archive: str, **environment: str) -> dict[str, dict[str, Any]]:
    return jobs.update_requests("e", jobs.endpoint_requests("newer", archive, environment=environment))


def test_no_request_is_lost_while_an_endpoint_is_updated(
    client: LocalClient, runtime: LocalRuntimeClient, archive: str
) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    before = client.registry.of("Endpoint")[0].program
    answers: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            answers.append(jobs.invoke(runtime, "e", "a"))

    asking = threading.Thread(target=ask)
    asking.start()
    described = jobs.update(client, newer(archive, BEHAVE="headers"))
    until(lambda: before is not None and not before.running)  # the old server is ended
    until(lambda: answers[-1] != "A")
    done.set()
    asking.join()
    assert described["EndpointConfigName"] == "newer"
    assert set(answers) == {"A", "Aapplication/json text/csv"}
    assert answers.index("Aapplication/json text/csv") > 0
    assert jobs.delete(client, "e", "newer") == ["endpoint", "endpoint_config", "model", "endpoint_config", "model"]


def test_an_update_that_fails_leaves_the_endpoint_as_it_was(
    client: LocalClient, runtime: LocalRuntimeClient, archive: str
) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    with pytest.raises(jobs.JobFailed, match="the model cannot be read"):
        jobs.update(client, newer(archive, BEHAVE="die"))
    assert jobs.invoke(runtime, "e", "a") == "A"
    assert client.describe_endpoint(EndpointName="e")["EndpointConfigName"] == "e"
    assert [model.name for model in client.registry.of("Model")] == ["e"]  # what the update had made is gone


def test_the_probe_is_called_while_the_update_runs(
    client: LocalClient, runtime: LocalRuntimeClient, archive: str
) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    seen: list[str] = []
    jobs.update(client, newer(archive), probe=lambda: seen.append(jobs.invoke(runtime, "e", "a")))
    assert seen
    assert set(seen) == {"A"}


def test_an_endpoint_in_the_making_is_not_updated(client: LocalClient, archive: str) -> None:
    requests = jobs.endpoint_requests("e", archive, environment={"BEHAVE": "never"})
    jobs.send_all(client, requests)
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        client.update_endpoint(EndpointName="e", EndpointConfigName="e")


def test_deleting_while_updating_ends_both_servers(client: LocalClient, archive: str) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    jobs.send_all(client, newer(archive, BEHAVE="never"))
    endpoint = client.registry.of("Endpoint")[0]
    until(lambda: endpoint.coming)
    programs = [endpoint.program, endpoint.coming]
    client.delete_endpoint(EndpointName="e")
    until(lambda: not any(program and program.running for program in programs))


def test_an_asynchronous_endpoint_answers_by_a_file(
    client: LocalClient, runtime: LocalRuntimeClient, archive: str, tmp_path: Path
) -> None:
    requests = jobs.endpoint_requests("e", archive, asynchronous=tmp_path / "place")
    jobs.deploy(client, requests)
    (tmp_path / "question").write_text("abc")
    assert jobs.invoke_file(runtime, "e", (tmp_path / "question").as_uri()) == "ABC"
    (tmp_path / "question").write_text("bad")
    with pytest.raises(jobs.InvocationFailed, match=r"Ask for another\."):
        jobs.invoke_file(runtime, "e", (tmp_path / "question").as_uri())
    names = [path.relative_to(tmp_path / "place").parts[0] for path in (tmp_path / "place").rglob("*.out")]
    assert sorted(names) == ["answers", "failures"]
    with pytest.raises(ClientError, match="takes InvokeEndpointAsync only"):
        runtime.invoke_endpoint(EndpointName="e", Body=b"x")
    with pytest.raises(ClientError, match="There is no file"):
        runtime.invoke_endpoint_async(EndpointName="e", InputLocation=(tmp_path / "none").as_uri())


def test_an_answer_that_does_not_come_is_told_of(tmp_path: Path) -> None:
    class Silent:
        def invoke_endpoint_async(self, **_: Any) -> dict[str, str]:
            return {"OutputLocation": (tmp_path / "never").as_uri()}

    with pytest.raises(jobs.InvocationFailed, match=r"No answer at file:.*never within 0\.1 s"):
        jobs.invoke_file(Silent(), "e", "file:///x", timeout_s=0.1)


def test_a_persistent_endpoint_does_not_take_files(
    client: LocalClient, runtime: LocalRuntimeClient, archive: str, tmp_path: Path
) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    (tmp_path / "q").write_text("a")
    with pytest.raises(ClientError, match="takes InvokeEndpoint only"):
        runtime.invoke_endpoint_async(EndpointName="e", InputLocation=(tmp_path / "q").as_uri())


def test_a_serverless_endpoint_serves_as_any_other(
    client: LocalClient, runtime: LocalRuntimeClient, archive: str
) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive, serverless={"MemorySizeInMB": 1024, "MaxConcurrency": 1}))
    assert jobs.invoke(runtime, "e", "a") == "A"
