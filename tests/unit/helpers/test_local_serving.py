"""LocalClient serves as the platform does: in service after the first good /ping, errors as ModelError."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.local import ClientError, LocalClient, LocalRuntimeClient, ModelError, runtime
from helpers.local.job import Job
from tests.unit.helpers.waiting import until


def serve(client: LocalClient, archive: str, name: str = "served", **environment: str) -> dict[str, Any]:
    """Make an endpoint and return its description once it is no longer being created."""
    container = {"Image": "any", "ModelDataUrl": archive, "Environment": environment}
    client.create_model(ModelName=name, PrimaryContainer=container)
    variant = {"VariantName": "AllTraffic", "ModelName": name, "InstanceType": "local", "InitialInstanceCount": 1}
    slow = {"ContainerStartupHealthCheckTimeoutInSeconds": 1} if environment.get("BEHAVE") == "never" else {}
    client.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[{**variant, **slow}])
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    until(lambda: client.describe_endpoint(EndpointName=name)["EndpointStatus"] != "Creating")
    return client.describe_endpoint(EndpointName=name)


def endpoint(client: LocalClient) -> Job:
    return client.registry.of("Endpoint")[0]


def test_an_endpoint_answers_over_the_unpacked_model(client: LocalClient, archive: str) -> None:
    assert serve(client, archive)["EndpointStatus"] == "InService"
    assert client.log("served").splitlines()[0] == "serving seen.json"
    answer = LocalRuntimeClient(client).invoke_endpoint(
        EndpointName="served", Body="abc", ContentType="text/csv", CustomAttributes="trace=1"
    )
    assert answer["Body"].read() == b"ABC"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert answer["CustomAttributes"] == "trace=1"


def test_headers_are_sent_only_if_given(client: LocalClient, archive: str) -> None:
    serve(client, archive, BEHAVE="headers")
    invoke = LocalRuntimeClient(client).invoke_endpoint
    assert invoke(EndpointName="served", Body=b"")["Body"].read() == b"none none"
    answer = invoke(EndpointName="served", Body=b"", ContentType="application/json", Accept="text/csv")
    assert answer["Body"].read() == b"application/json text/csv"


def test_the_server_is_not_told_that_it_serves_a_batch(client: LocalClient, archive: str) -> None:
    serve(client, archive)
    answer = LocalRuntimeClient(client).invoke_endpoint(EndpointName="served", Body=b"environment")
    environment = json.loads(answer["Body"].read())
    assert "SAGEMAKER_BATCH" not in environment
    assert environment["SAGEMAKER_BIND_TO_PORT"].isdigit()


def test_a_refused_request_is_a_model_error_in_botocore_s_shape(client: LocalClient, archive: str) -> None:
    serve(client, archive)
    local = LocalRuntimeClient(client)
    with pytest.raises(local.exceptions.ModelError) as caught:
        local.invoke_endpoint(EndpointName="served", Body=b"bad")
    response = caught.value.response
    assert response["OriginalStatusCode"] == 422
    assert json.loads(response["OriginalMessage"])["remedy"] == "Ask for another."
    assert response["Error"]["Message"].startswith("Received client error (422) from primary with message")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424


def test_an_answer_that_does_not_come_is_a_model_error(
    client: LocalClient, archive: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(client, archive)
    monkeypatch.setattr(runtime, "INVOCATION_TIMEOUT_S", 5.0)
    with pytest.raises(ModelError, match=r"Received server error \(0\)"):
        LocalRuntimeClient(client).invoke_endpoint(EndpointName="served", Body=b"exit")


def test_a_server_that_dies_later_is_noticed(client: LocalClient, archive: str) -> None:
    serve(client, archive)
    program = endpoint(client).program
    assert program is not None
    program.process.kill()
    until(lambda: client.describe_endpoint(EndpointName="served")["EndpointStatus"] == "Failed")
    with pytest.raises(ClientError, match="not found"):
        LocalRuntimeClient(client).invoke_endpoint(EndpointName="served", Body=b"")


def test_a_server_that_cannot_start_fails_with_the_end_of_its_log(client: LocalClient, archive: str) -> None:
    description = serve(client, archive, BEHAVE="die")
    assert description["EndpointStatus"] == "Failed"
    assert "exited with code 1" in description["FailureReason"]
    assert description["FailureReason"].endswith("the model cannot be read")


def test_a_server_that_never_answers_fails_and_is_stopped(client: LocalClient, archive: str) -> None:
    description = serve(client, archive, BEHAVE="never")
    assert "/ping did not answer 200 within 1 s" in description["FailureReason"]
    program = endpoint(client).program
    assert program is not None
    until(lambda: not program.running)


def test_a_deleted_endpoint_is_gone_and_its_name_is_free(client: LocalClient, archive: str) -> None:
    serve(client, archive)
    program = endpoint(client).program
    client.delete_endpoint(EndpointName="served")
    assert program is not None
    assert not program.running
    with pytest.raises(ClientError, match="Could not find endpoint"):
        client.delete_endpoint(EndpointName="served")
    client.delete_endpoint_config(EndpointConfigName="served")
    client.delete_model(ModelName="served")
    assert serve(client, archive)["EndpointStatus"] == "InService"


def test_two_endpoints_have_two_ports(client: LocalClient, archive: str) -> None:
    serve(client, archive, "one", BEHAVE="headers")
    serve(client, archive, "two")
    invoke = LocalRuntimeClient(client).invoke_endpoint
    assert invoke(EndpointName="one", Body=b"x")["Body"].read() == b"Xnone none"
    assert invoke(EndpointName="two", Body=b"x")["Body"].read() == b"X"


def test_an_endpoint_needs_a_model_and_a_configuration(client: LocalClient) -> None:
    with pytest.raises(ClientError, match="Could not find endpoint-config"):
        client.create_endpoint(EndpointName="served", EndpointConfigName="none")
    with pytest.raises(ClientError, match="Could not find model"):
        client.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[{"ModelName": "none"}])


def test_an_unknown_endpoint_is_refused_as_the_runtime_refuses_it(client: LocalClient) -> None:
    with pytest.raises(ClientError) as caught:
        LocalRuntimeClient(client).invoke_endpoint(EndpointName="none", Body=b"")
    assert caught.value.response["Error"]["Code"] == "ValidationError"
