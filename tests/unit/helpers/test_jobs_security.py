"""Isolation, keys and VPC: each request carries them wherever boto3's own model of it has a place for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import moto
import pytest
from botocore.validate import ParamValidator

from helpers import jobs

KEY = "arn:aws:kms:us-east-1:123456789012:key/1234abcd"
SHUT = jobs.Security(True, KEY, ["subnet-1"], ["sg-1"])
VPC = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
PLACES = {"KmsKeyId": KEY, "VolumeKmsKeyId": KEY, "VpcConfig": VPC, "EnableNetworkIsolation": True}
ELSEWHERE = {  # that AWS has two places for: the network of an endpoint is that of its model
    "create_endpoint_config": {"VpcConfig", "EnableNetworkIsolation"},
}
SERVERLESS = {"create_model": set(PLACES), "create_endpoint_config": set(PLACES)}  # it knows none of them
Requests = dict[str, dict[str, Any]]
WHERE = {"image": "i", "role": "arn:aws:iam::123456789012:role/a", "instance_type": "ml.m5.large", "security": SHUT}
DESCRIBED = {
    "ModelPackageGroupName": "g",
    "InferenceSpecification": {"Containers": [{"Image": "i"}], "SupportedContentTypes": ["text/csv"]},
}


def training() -> dict[str, Any]:
    request = jobs.training_request("n", {"train": "s3://b/t.csv"}, "s3://b/o", {"horizon": 3}, **WHERE)
    return jobs.on_hosts(jobs.on_spot(request, 4000, "s3://b/c"), 2)


def look() -> dict[str, Any]:
    return jobs.processing_request("n", "s3://b/code", "monitor", {"actuals": "s3://b/a"}, "s3://b/r", **WHERE)


def package() -> dict[str, Any]:
    return jobs.package_request(DESCRIBED, "s3://b/m.tar.gz", {"trained_to": "2024"}, SHUT)


def steps() -> Iterator[tuple[str, dict[str, Any]]]:
    """The arguments of the steps of a pipeline, with the names that the platform would make."""
    yield "create_training_job", {"TrainingJobName": "n", **jobs.step("a", "Training", training())["Arguments"]}
    yield "create_processing_job", {"ProcessingJobName": "n", **jobs.step("b", "Processing", look())["Arguments"]}
    yield "create_model_package", jobs.step("c", "RegisterModel", package())["Arguments"]


CASES: dict[str, Callable[[], Requests]] = {
    "training": lambda: {"create_training_job": training()},
    "tuning": lambda: {
        "create_hyper_parameter_tuning_job": jobs.tuning_request("n", training(), {"preset": ["fast"]}, "m")
    },
    "processing": lambda: {"create_processing_job": look()},
    "transform": lambda: jobs.transform_requests(
        "n", "s3://b/m", "s3://b/i", "s3://b/o", content_type="text/csv", **WHERE
    ),
    "endpoint": lambda: jobs.endpoint_requests("n", "s3://b/m", **WHERE),
    "asynchronous": lambda: jobs.endpoint_requests("n", "s3://b/m", asynchronous="s3://b/a", **WHERE),
    "update": lambda: jobs.update_requests("e", jobs.endpoint_requests("n", "s3://b/m", **WHERE)),
    "package": lambda: {"create_model_package": package()},
    "pipeline": lambda: dict(steps()),
}


def missing(shape: Any, value: Any, path: str, left_out: set[str]) -> Iterator[str]:
    """Yield the places for isolation, keys and VPC that a request has and leaves empty."""
    if shape.type_name == "list":
        for part in value:
            yield from missing(shape.member, part, path, left_out)
    if shape.type_name != "structure":
        return
    for name, member in shape.members.items():
        if name in PLACES and name not in left_out and value.get(name) != PLACES[name]:
            yield f"{path}.{name}"
        elif name in value:
            yield from missing(member, value[name], f"{path}.{name}", left_out)


def shape_of(method: str) -> Any:
    model = botocore.session.get_session().get_service_model("sagemaker")
    operation = "".join(word.title() for word in method.split("_"))
    return model.operation_model(operation).input_shape


@pytest.mark.parametrize("case", CASES)
def test_every_request_carries_them_wherever_it_can(case: str) -> None:
    for method, request in CASES[case]().items():
        shape = shape_of(method)
        report = ParamValidator().validate(request, shape)
        assert not report.has_errors(), report.generate_report()
        assert list(missing(shape, request, method, ELSEWHERE.get(method, set()))) == []


def test_a_place_left_empty_is_found() -> None:
    request = training()
    del request["OutputDataConfig"]["KmsKeyId"]
    found = list(missing(shape_of("create_training_job"), request, "create_training_job", set()))
    assert found == ["create_training_job.OutputDataConfig.KmsKeyId"]


def test_a_serverless_endpoint_is_asked_for_none_of_them() -> None:
    given = jobs.endpoint_requests("n", "s3://b/m", serverless={"MemorySizeInMB": 1024, "MaxConcurrency": 1}, **WHERE)
    assert KEY not in str(given)
    assert not any(name in str(given) for name in PLACES)


def test_nothing_set_is_nothing_said() -> None:
    open_ = {**WHERE, "security": jobs.Security()}
    request = jobs.training_request("n", {"train": "s3://b/t.csv"}, "s3://b/o", **open_)
    assert not any(name in str(request) for name in PLACES)
    assert "SecurityConfig" not in jobs.package_request(DESCRIBED, "s3://b/m.tar.gz", {})


@pytest.mark.parametrize(("security", "kind"), [(SHUT, "aws:kms"), (jobs.Security(), "AES256")])
def test_what_is_put_into_s3_is_encrypted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: jobs.Security, kind: str
) -> None:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "a.csv").write_text("1")
    with moto.mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="mine")
        jobs.put(tmp_path, "s3://mine/folder", security)
        told = s3.head_object(Bucket="mine", Key="folder/a.csv")
        assert told.get("ServerSideEncryption", "AES256") == kind
        assert told.get("SSEKMSKeyId", "") == security.kms_key
