"""Whatever goes wrong, nothing is left that costs money, and what is said helps."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from helpers import jobs
from helpers.jobs import deleting, running
from helpers.local import LocalClient, LocalRuntimeClient

Build = Callable[..., dict[str, Any]]


def there(client: LocalClient) -> list[str]:
    """Names of all endpoints, configurations and models of a client."""
    return [job.name for noun in ("Endpoint", "EndpointConfig", "Model") for job in client.registry.of(noun)]


def test_an_endpoint_that_cannot_start_leaves_nothing(
    client: LocalClient, archive: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(jobs.JobFailed, match="ping health check") as caught:
        jobs.deploy(client, jobs.endpoint_requests("e", archive, environment={"BEHAVE": "die"}))
    assert "Look at the log for what kept 'serve' from starting." in str(caught.value)
    assert there(client) == []
    assert "Deleting e with its configuration and model." in capsys.readouterr().out


def test_an_endpoint_that_never_becomes_healthy_leaves_nothing(
    client: LocalClient, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = jobs.endpoint_requests("e", archive, environment={"BEHAVE": "never"})
    requests["create_endpoint_config"]["ProductionVariants"][0]["ContainerStartupHealthCheckTimeoutInSeconds"] = 1
    with pytest.raises(jobs.JobFailed, match="/ping did not answer 200 within 1 s") as caught:
        jobs.deploy(client, requests)
    assert "serving seen.json" in str(caught.value)  # the end of its log
    assert there(client) == []
    assert all(job.program is None or not job.program.running for job in client.registry)


def test_an_endpoint_that_takes_too_long_is_given_up(
    client: LocalClient, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "ENDPOINT_TIMEOUT_S", 0.3)
    monkeypatch.setattr(deleting, "SETTLING_S", 0.1)
    monkeypatch.setattr(deleting, "POLL_S", 0.05)
    with pytest.raises(jobs.JobFailed, match="still Creating after 0 s"):
        jobs.deploy(client, jobs.endpoint_requests("e", archive, environment={"BEHAVE": "never"}))


def test_a_refused_step_takes_back_the_steps_before_it(client: LocalClient, archive: str) -> None:
    requests = jobs.endpoint_requests("e", archive)
    requests["create_endpoint"] = {"EndpointName": "not a name", "EndpointConfigName": "e"}
    with pytest.raises(jobs.JobFailed, match=r"create_endpoint: .*is not 1 to 63 letters"):
        jobs.deploy(client, requests)
    assert there(client) == []


def test_a_name_that_is_taken_is_not_deleted_by_who_came_second(client: LocalClient, archive: str) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    with pytest.raises(jobs.JobFailed, match="unique_name makes one"):
        jobs.deploy(client, jobs.endpoint_requests("e", archive))
    assert there(client) == ["e", "e", "e"]
    assert jobs.invoke(LocalRuntimeClient(client), "e", "a") == "A"


def test_an_interrupted_training_job_is_stopped(
    client: LocalClient, request_for: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=sleep))
    with pytest.raises(KeyboardInterrupt):
        jobs.train(client, request_for("one", behave="wait"))
    assert len(slept) == 1
    assert client.describe_training_job(TrainingJobName="one")["TrainingJobStatus"] in ("Stopping", "Stopped")


def test_an_error_that_is_ours_is_not_dressed_up() -> None:
    def broken(**_: Any) -> None:
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        jobs.train(SimpleNamespace(create_training_job=broken), {"TrainingJobName": "n"})


def test_deleting_waits_until_the_endpoint_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "POLL_S", 0.0)
    states = iter(["Creating", "Creating", "InService", "Deleting", "Deleting"])
    calls: list[str] = []

    class Gone(Exception):
        response = {"Error": {"Code": "ValidationException", "Message": 'Could not find endpoint "e".'}}  # noqa: RUF012

    def describe_endpoint(**_: Any) -> dict[str, str]:
        state = next(states, None)
        if state is None:
            raise Gone
        calls.append(state)
        return {"EndpointStatus": state}

    def refuse(**_: Any) -> None:
        raise Gone

    client = SimpleNamespace(
        describe_endpoint=describe_endpoint,
        delete_endpoint=lambda **_: calls.append("delete"),
        delete_endpoint_config=refuse,
        delete_model=refuse,
    )
    assert jobs.delete(client, "e") == ["endpoint"]
    assert calls == ["Creating", "Creating", "InService", "delete", "Deleting", "Deleting"]


def test_an_endpoint_that_does_not_settle_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deleting, "SETTLING_S", 0.05)
    monkeypatch.setattr(deleting, "POLL_S", 0.01)
    client = SimpleNamespace(describe_endpoint=lambda **_: {"EndpointStatus": "Updating"})
    with pytest.raises(TimeoutError, match="The endpoint e is still Updating: delete it again in a while"):
        jobs.delete(client, "e")
