"""Endpoints: from a configuration to an answer, updates, asynchronous and serverless ones, and deletion."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

SERVED = {"InstanceType": "ml.m5.xlarge", "InitialInstanceCount": 1}


def config(desk: Any, *models: str, **changes: Any) -> str:
    """One variant a model, named A, B, …"""
    hardware = changes.pop("hardware", SERVED)
    variants = [
        {"VariantName": letter, "ModelName": model, "InitialVariantWeight": 1, **hardware}
        for letter, model in zip("ABC", models, strict=False)
    ]
    name = desk.name("config")
    desk.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **changes)
    return name


def settled(desk: Any, name: str) -> dict[str, Any]:
    return desk.until("endpoint", lambda e: e["EndpointStatus"] in ("InService", "Failed"), name)


def deploy(desk: Any, *models: str, **changes: Any) -> str:
    name = desk.name("endpoint")
    desk.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config(desk, *models, **changes))
    assert settled(desk, name)["EndpointStatus"] == "InService"
    return name


def gone(desk: Any, name: str) -> None:
    """Delete an endpoint and wait until it is not found."""
    desk.sagemaker.delete_endpoint(EndpointName=name)
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            desk.sagemaker.describe_endpoint(EndpointName=name)
        except ClientError as error:
            assert "Could not find endpoint" in str(error)
            return
        time.sleep(0.05)
    pytest.fail("the endpoint is still there")


@pytest.fixture(scope="module")
def endpoint(desk: Any) -> str:
    return deploy(desk, desk.model(COLOUR="green"))


def test_an_answer_comes_back_with_its_headers(desk: Any, endpoint: str) -> None:
    answer = desk.runtime.invoke_endpoint(
        EndpointName=endpoint, Body=b"1,2", ContentType="text/csv", Accept="application/json", CustomAttributes="c=1"
    )
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("application/json", "A")
    assert answer["CustomAttributes"] == "from the server"
    seen = json.loads(answer["Body"].read())
    assert seen["body"] == "1,2"
    assert (seen["environment"]["COLOUR"], seen["model"]) == ("green", ["algo-1.json"])
    sent = {"content-type": "text/csv", "accept": "application/json", "x-amzn-sagemaker-custom-attributes": "c=1"}
    assert {name: seen["headers"].get(name) for name in sent} == sent
    assert "authorization" not in seen["headers"]
    assert desk.logged("asked 3 bytes", f"/aws/sagemaker/Endpoints/{endpoint}")


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"bad", 400, '{"code": "request", "message": "It is bad.", "remedy": "Be good."}'),
        (b"broken", 500, "broken"),
        (b"slow", 0, "Your invocation timed out while waiting for a response from container primary."),
    ],
)
def test_a_servers_refusal_is_a_model_error(desk: Any, endpoint: str, body: bytes, status: int, told: str) -> None:
    with pytest.raises(desk.runtime.exceptions.ModelError) as caught:
        desk.runtime.invoke_endpoint(EndpointName=endpoint, Body=body)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == status
    assert response["OriginalMessage"].startswith(told)
    side = "client" if status == 400 else "server"
    assert response["Error"]["Message"].startswith(f"Received {side} error ({status}) from primary with message")


def test_a_large_payload_does_not_reach_the_server(desk: Any, endpoint: str) -> None:
    desk.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x" * 2000)
    with pytest.raises(ClientError, match="HTTP content length exceeded 2000 bytes") as caught:
        desk.runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x" * 2001)
    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_an_unknown_endpoint_is_not_found(desk: Any) -> None:
    with pytest.raises(ClientError, match=r"\(ValidationError\).*Endpoint absent of account 123456789012 not found"):
        desk.runtime.invoke_endpoint(EndpointName="absent", Body=b"")


@pytest.mark.parametrize(("do", "told"), [("exit", "it exited"), ("sick", "it did not answer in time")])
def test_a_server_that_is_never_healthy_fails_the_endpoint(desk: Any, do: str, told: str) -> None:
    name = desk.name("endpoint")
    desk.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config(desk, desk.model(DO=do)))
    described = settled(desk, name)
    assert described["EndpointStatus"] == "Failed"
    assert described["FailureReason"] == (
        f"The primary container for production variant A did not pass the ping health check: {told}. "
        "Please check CloudWatch logs for this endpoint."
    )
    assert desk.logged("starting", f"/aws/sagemaker/Endpoints/{name}")
    gone(desk, name)


def test_an_update_swaps_the_model_and_never_stops_answering(desk: Any) -> None:
    name = deploy(desk, desk.model(COLOUR="one"))
    new = config(desk, desk.model(COLOUR="two"))
    desk.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=new)
    colours, limit = [], time.monotonic() + 20
    while "two" not in colours and time.monotonic() < limit:
        answer = desk.runtime.invoke_endpoint(EndpointName=name, Body=b"1")
        colours.append(json.loads(answer["Body"].read())["environment"]["COLOUR"])
    assert set(colours) <= {"one", "two"}
    assert colours[-1] == "two"
    assert settled(desk, name)["EndpointConfigName"] == new
    gone(desk, name)


def test_an_update_that_fails_keeps_the_old_model(desk: Any) -> None:
    name = deploy(desk, desk.model(COLOUR="old"))
    old = settled(desk, name)["EndpointConfigName"]
    desk.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=config(desk, desk.model(DO="exit")))
    described = desk.until("endpoint", lambda e: "FailureReason" in e, name)
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", old)
    answer = desk.runtime.invoke_endpoint(EndpointName=name, Body=b"1")
    assert json.loads(answer["Body"].read())["environment"]["COLOUR"] == "old"
    gone(desk, name)


def test_variants_are_asked_by_name_and_by_weight(desk: Any) -> None:
    name = deploy(desk, desk.model(COLOUR="a"), desk.model(COLOUR="b"))
    assert (
        desk.runtime.invoke_endpoint(EndpointName=name, Body=b"1", TargetVariant="B")["InvokedProductionVariant"] == "B"
    )
    wanted = [
        {"VariantName": "A", "DesiredWeight": 0},
        {"VariantName": "B", "DesiredWeight": 1, "DesiredInstanceCount": 3},
    ]
    desk.sagemaker.update_endpoint_weights_and_capacities(EndpointName=name, DesiredWeightsAndCapacities=wanted)
    asked = {desk.runtime.invoke_endpoint(EndpointName=name, Body=b"1")["InvokedProductionVariant"] for _ in range(9)}
    assert asked == {"B"}
    assert settled(desk, name)["ProductionVariants"][1]["CurrentInstanceCount"] == 3
    gone(desk, name)


def test_a_serverless_endpoint_answers_and_takes_less(desk: Any) -> None:
    name = deploy(desk, desk.model(), hardware={"ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 5}})
    assert desk.runtime.invoke_endpoint(EndpointName=name, Body=b"x" * 2001)["InvokedProductionVariant"] == "A"
    with pytest.raises(ClientError, match="HTTP content length exceeded 4194304 bytes"):
        desk.runtime.invoke_endpoint(EndpointName=name, Body=b"x" * (4 * 2**20 + 1))
    gone(desk, name)


def test_an_asynchronous_endpoint_answers_to_s3(desk: Any) -> None:
    output = {"S3OutputPath": desk.uri("later"), "S3FailurePath": desk.uri("failed")}
    name = deploy(desk, desk.model(), AsyncInferenceConfig={"OutputConfig": output})
    source = desk.put("payload.csv", "1,2")
    sent = desk.runtime.invoke_endpoint_async(EndpointName=name, InputLocation=source, ContentType="text/csv")
    seen = json.loads(eventually(desk, sent["OutputLocation"]))
    assert (seen["body"], seen["headers"]["content-type"]) == ("1,2", "text/csv")
    sent = desk.runtime.invoke_endpoint_async(EndpointName=name, InputLocation=desk.put("bad.csv", "bad"))
    assert b"It is bad." in eventually(desk, sent["FailureLocation"])
    with pytest.raises(ClientError, match="is asynchronous"):
        desk.runtime.invoke_endpoint(EndpointName=name, Body=b"1")
    gone(desk, name)


def eventually(desk: Any, uri: str) -> bytes:
    limit = time.monotonic() + 20
    while time.monotonic() < limit:
        try:
            return bytes(desk.get(uri))
        except ClientError:
            time.sleep(0.05)
    pytest.fail(f"nothing at {uri}")


def test_deleting_is_visible_then_final_and_may_be_asked_twice(desk: Any) -> None:
    name = deploy(desk, desk.model())
    desk.sagemaker.delete_endpoint(EndpointName=name)
    try:
        gone(desk, name)
    except ClientError as late:  # a busy machine asks again only when it is gone
        assert "Could not find endpoint" in str(late)
    with pytest.raises(ClientError, match=f'Could not find endpoint "arn:aws:sagemaker:us-east-1:.*endpoint/{name}"'):
        desk.sagemaker.delete_endpoint(EndpointName=name)
    with pytest.raises(ClientError, match="not found"):
        desk.runtime.invoke_endpoint(EndpointName=name, Body=b"1")


def test_endpoints_configurations_and_models_are_listed(desk: Any, endpoint: str) -> None:
    found = desk.sagemaker.list_endpoints(StatusEquals="InService", NameContains=endpoint)["Endpoints"]
    assert [one["EndpointName"] for one in found] == [endpoint]
    assert desk.sagemaker.list_endpoint_configs(SortBy="Name", SortOrder="Ascending")["EndpointConfigs"]
    assert desk.sagemaker.list_models(MaxResults=1)["Models"]


def test_autoscaling_requests_are_kept_by_moto(desk: Any, endpoint: str) -> None:
    scaling = desk.emulator.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/A",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    found = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert found[0]["MaxCapacity"] == 3
