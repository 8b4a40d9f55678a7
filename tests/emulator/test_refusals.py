"""What AWS refuses, in its words: shapes, names taken, roles, images, buckets, objects, and what is not covered."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.emulator.shapes import check, service_model


def refusal(desk: Any, **changes: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        desk.sagemaker.create_training_job(**desk.training(**changes))
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"TrainingJobName": "under_score"},
            "Value 'under_score' at 'trainingJobName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
        ),
        (
            {"ResourceConfig": {"InstanceType": "ml.huge", "InstanceCount": 1, "VolumeSizeInGB": 1}},
            "Value 'ml.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ml.m4.xlarge",
        ),
        (
            {"HyperParameters": {"x": "y" * 2501}},
            "at 'hyperParameters.x.member' failed to satisfy constraint: "
            "Member must have length less than or equal to 2500",
        ),
        (
            {"InputDataConfig": [{"ChannelName": "a b", "DataSource": {}}]},
            "Value 'a b' at 'inputDataConfig.1.member.channelName' failed to satisfy constraint",
        ),
    ],
)
def test_a_member_out_of_its_shape_is_named(desk: Any, changes: dict[str, Any], told: str) -> None:
    code, message = refusal(desk, **changes)
    assert code == "ValidationException"
    assert message.startswith("1 validation error detected: ")
    assert told in message


def test_all_problems_are_counted(desk: Any) -> None:
    _, message = refusal(desk, TrainingJobName="-", RoleArn="not a role at all, but long")
    assert message.startswith("2 validation errors detected: ")


def test_what_is_missing_is_said() -> None:
    with pytest.raises(Exception, match="Value null at 'trainingJobName' failed to satisfy constraint"):
        check("DescribeTrainingJob", {})


def test_every_operation_is_one_of_sagemakers(desk: Any) -> None:
    from tests.emulator.api import OPERATIONS

    assert set(OPERATIONS) <= set(service_model().operation_names)


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("convect", "Invalid training image. Please provide a valid Amazon Elastic Container Registry path"),
        ("123456789012.dkr.ecr.us-east-1.amazonaws.com/absent:1", "Cannot find repository: absent in registry ID"),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/algoflow-sagemaker:absent",
            "Cannot find the requested image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/algoflow-sagemaker:absent",
        ),
    ],
)
def test_an_image_that_is_not_there_is_refused(desk: Any, image: str, told: str) -> None:
    code, message = refusal(desk, AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"})
    assert (code, message[: len(told)]) == ("ValidationException", told)


@pytest.mark.parametrize("role", ["absent", "distrusted"])
def test_a_role_must_exist_and_trust_sagemaker(desk: Any, role: str) -> None:
    if role == "distrusted":
        document = {"Statement": [{"Principal": {"Service": "ec2.amazonaws.com"}}]}
        desk.emulator.client("iam").create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(document))
    _, message = refusal(desk, RoleArn=f"arn:aws:iam::123456789012:role/{role}")
    assert message.startswith(f"Could not assume role arn:aws:iam::123456789012:role/{role}. Please ensure that")


@pytest.mark.parametrize("uri", ["s3://no-such-bucket-here/data", "s3://{bucket}/nothing/here"])
def test_an_input_without_objects_is_refused(desk: Any, channel: Any, uri: str) -> None:
    uri = uri.format(bucket=desk.emulator.bucket)
    code, message = refusal(desk, InputDataConfig=[channel("train", uri)])
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure')


def test_an_output_bucket_must_exist(desk: Any) -> None:
    _, message = refusal(desk, OutputDataConfig={"S3OutputPath": "s3://no-such-bucket-here/out"})
    assert message.startswith('The S3 output location "s3://no-such-bucket-here/out" is invalid.')


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"EnableManagedSpotTraining": True}, "Invalid MaxWaitTimeInSeconds."),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 9, "MaxWaitTimeInSeconds": 9}}, "MaxWaitTimeInSeconds above 0"),
        (
            {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 0, "VolumeSizeInGB": 1}},
            "ResourceConfig must",
        ),
    ],
)
def test_settings_that_do_not_go_together_are_refused(desk: Any, changes: dict[str, Any], told: str) -> None:
    assert refusal(desk, **changes)[1].startswith(told)


def test_channels_must_have_names_of_their_own(desk: Any, channel: Any) -> None:
    uri = desk.put("twice/x.csv", "1")
    assert "Duplicate channel name train" in refusal(desk, InputDataConfig=[channel("train", uri)] * 2)[1]
    assert "needs input mode Pipe" in refusal(desk, InputDataConfig=[channel("train", uri, CompressionType="Gzip")])[1]


def test_a_job_name_is_taken_for_ever_and_a_models_until_deleted(desk: Any) -> None:
    job = desk.train()
    code, message = refusal(desk, TrainingJobName=job["TrainingJobName"])
    assert code == "ResourceInUse"
    assert message == (
        "TrainingJob names must be unique within an AWS account and region, and a job with this name already exists "
        f"({job['TrainingJobArn']})"
    )
    name = desk.model()
    request = {"ModelName": name, "ExecutionRoleArn": desk.emulator.role}
    request["PrimaryContainer"] = {"Image": desk.emulator.image}
    with pytest.raises(ClientError, match=r"\(ValidationException\).*Cannot create already existing model \"arn:aws"):
        desk.sagemaker.create_model(**request)
    desk.sagemaker.delete_model(ModelName=name)
    desk.sagemaker.create_model(**request)


def test_models_need_their_data_and_an_image_of_ecr(desk: Any) -> None:
    for container, told in (
        ({"Image": "convect"}, 'Using non-ECR image "convect" without Vpc repository access mode is not supported'),
        ({"Image": desk.emulator.image, "ModelDataUrl": desk.uri("absent.tar.gz")}, "Could not find model data at"),
    ):
        with pytest.raises(ClientError, match=told):
            desk.sagemaker.create_model(
                ModelName=desk.name("model"), PrimaryContainer=container, ExecutionRoleArn=desk.emulator.role
            )


@pytest.mark.parametrize(
    ("call", "request_", "told"),
    [
        ("describe_training_job", {"TrainingJobName": "absent"}, "Requested resource not found."),
        ("describe_transform_job", {"TransformJobName": "absent"}, "Could not find requested job with name: absent"),
        ("describe_model", {"ModelName": "absent"}, "Could not find model "),
        ("describe_endpoint_config", {"EndpointConfigName": "absent"}, "Could not find endpoint configuration "),
        ("describe_endpoint", {"EndpointName": "absent"}, "Could not find endpoint "),
        ("delete_endpoint", {"EndpointName": "absent"}, "Could not find endpoint "),
        ("create_endpoint", {"EndpointName": "a", "EndpointConfigName": "absent"}, "Could not find endpoint config"),
        (
            "list_tags",
            {"ResourceArn": "arn:aws:sagemaker:us-east-1:123456789012:model/absent"},
            "Could not find resource",
        ),
    ],
)
def test_what_is_absent_is_not_found(desk: Any, call: str, request_: dict[str, Any], told: str) -> None:
    with pytest.raises(ClientError) as caught:
        getattr(desk.sagemaker, call)(**request_)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.response["Error"]["Message"].startswith(told)


def test_what_is_not_covered_says_so_and_is_no_word_of_aws(desk: Any) -> None:
    with pytest.raises(ClientError, match="ListNotebookInstances is not covered by the emulator"):
        desk.sagemaker.list_notebook_instances()
    with pytest.raises(ClientError, match="EmulatorDoesNotCover"):
        desk.sagemaker.create_training_job(**desk.training(RetryStrategy={"MaximumRetryAttempts": 1}))


def test_records_that_nothing_runs_for_are_kept_by_moto(desk: Any) -> None:
    desk.sagemaker.create_experiment(ExperimentName="forecasts")
    found = desk.sagemaker.list_experiments()["ExperimentSummaries"]
    assert [experiment["ExperimentName"] for experiment in found] == ["forecasts"]


def test_regions_know_nothing_of_each_other(desk: Any) -> None:
    name = desk.model()
    other = boto3.client(
        "sagemaker",
        region_name="eu-west-1",
        endpoint_url=desk.emulator.url,
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    with pytest.raises(ClientError, match=f"arn:aws:sagemaker:eu-west-1:123456789012:model/{name}"):
        other.describe_model(ModelName=name)


def test_answers_have_nothing_but_what_aws_knows(desk: Any) -> None:
    job = desk.train()
    known = service_model().operation_model("DescribeTrainingJob").output_shape.members
    assert set(job) - {"ResponseMetadata"} <= set(known)
