"""Endpoint, security, spot and scaling requests: valid for boto3, and each setting where AWS looks for it."""

from __future__ import annotations

from typing import Any

import pytest

from helpers import jobs

SECURITY = jobs.Security(True, "alias/key", ["subnet-1"], ["sg-1"])
SERVERLESS = {"MemorySizeInMB": 2048, "MaxConcurrency": 5}


def training(**changes: Any) -> dict[str, Any]:
    return jobs.training_request("n", {"train": "s3://b/t", "related": "s3://b/r"}, "s3://b/o", **changes)


def all_requests() -> dict[str, tuple[str, str, dict[str, Any]]]:
    """Client, method and request of each kind, by a name."""
    model = "s3://b/model.tar.gz"
    made = {
        "secure": jobs.endpoint_requests("n", model, security=SECURITY),
        "serverless": jobs.endpoint_requests("n", model, serverless=SERVERLESS, security=SECURITY),
        "asynchronous": jobs.endpoint_requests("n", model, asynchronous="s3://b/a", security=SECURITY),
        "update": jobs.update_requests("old", jobs.endpoint_requests("n", model)),
        "transform": jobs.transform_requests(
            "n", model, "s3://b/i", "s3://b/o", content_type="text/csv", security=SECURITY
        ),
        "training": {"create_training_job": training(security=SECURITY)},
        "spot": {"create_training_job": jobs.on_spot(training(), 7200, "s3://b/c")},
        "hosts": {"create_training_job": jobs.on_hosts(training(), 2, "train")},
    }
    listed = {
        f"{kind}-{method}": ("sagemaker", method, request)
        for kind, each in made.items()
        for method, request in each.items()
    }
    scaling = jobs.autoscaling_requests("n").items()
    return {**listed, **{method: ("application-autoscaling", method, request) for method, request in scaling}}


@pytest.mark.parametrize("name", all_requests())
def test_a_request_is_valid_for_boto3(name: str) -> None:
    client, method, request = all_requests()[name]
    session = pytest.importorskip("botocore.session").get_session()
    validate = pytest.importorskip("botocore.validate").ParamValidator().validate
    operation = "".join(word.capitalize() for word in method.split("_"))
    shape = session.get_service_model(client).operation_model(operation).input_shape
    assert validate(request, shape).generate_report() == ""


def test_security_by_hand() -> None:
    request = training(security=SECURITY)
    assert request["EnableNetworkIsolation"] is True
    assert request["VpcConfig"] == {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert request["OutputDataConfig"]["KmsKeyId"] == request["ResourceConfig"]["VolumeKmsKeyId"] == "alias/key"
    made = jobs.endpoint_requests("n", "s3://b/m", asynchronous="s3://b/a", security=SECURITY)
    assert made["create_model"]["VpcConfig"]["Subnets"] == ["subnet-1"]
    assert made["create_model"]["EnableNetworkIsolation"] is True
    assert made["create_endpoint_config"]["KmsKeyId"] == "alias/key"
    output = made["create_endpoint_config"]["AsyncInferenceConfig"]["OutputConfig"]
    assert output == {"S3OutputPath": "s3://b/a/answers", "S3FailurePath": "s3://b/a/failures", "KmsKeyId": "alias/key"}


def test_what_is_not_set_is_not_sent() -> None:
    open_request = training()
    text = str([open_request, jobs.endpoint_requests("n", "s3://b/m")])
    assert not [word for word in ("Kms", "Vpc", "Isolation", "Async", "Serverless") if word in text]
    assert jobs.Security(subnets=["s"]).network == {"VpcConfig": {"Subnets": ["s"], "SecurityGroupIds": []}}


def test_a_serverless_variant_has_no_instance_and_no_isolation() -> None:
    made = jobs.endpoint_requests("n", "s3://b/m", serverless=SERVERLESS, security=SECURITY)
    (variant,) = made["create_endpoint_config"]["ProductionVariants"]
    assert variant == {"VariantName": "AllTraffic", "ModelName": "n", "ServerlessConfig": SERVERLESS}
    assert "EnableNetworkIsolation" not in made["create_model"]  # which AWS refuses for these


def test_spot_waits_at_least_as_long_as_it_runs() -> None:
    request = training(max_runtime_s=600)
    spot = jobs.on_spot(request, 600)
    assert spot["StoppingCondition"] == {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600}
    assert "CheckpointConfig" not in spot
    assert "EnableManagedSpotTraining" not in request  # the one given is not changed
    with pytest.raises(ValueError, match="max_wait_s=599 is less than the 600 s that the job may run: raise it"):
        jobs.on_spot(request, 599)


def test_one_channel_is_dealt_out_among_hosts() -> None:
    request = training()
    many = jobs.on_hosts(request, 3, sharded="train")
    kinds = [entry["DataSource"]["S3DataSource"]["S3DataDistributionType"] for entry in many["InputDataConfig"]]
    assert kinds == ["ShardedByS3Key", "FullyReplicated"]
    assert many["ResourceConfig"]["InstanceCount"] == 3
    assert "ShardedByS3Key" not in str(request)


def test_an_update_keeps_the_endpoint_s_name() -> None:
    update = jobs.update_requests("old", jobs.endpoint_requests("new", "s3://b/m"))
    assert list(update) == ["create_model", "create_endpoint_config", "update_endpoint"]
    assert update["update_endpoint"] == {"EndpointName": "old", "EndpointConfigName": "new"}
