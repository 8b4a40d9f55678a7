"""The dictionaries of processing jobs, pipelines, schedules and blue/green updates: what boto3 takes, and no more."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from helpers import jobs

session = pytest.importorskip("botocore.session")
validate = pytest.importorskip("botocore.validate")


def problems(service: str, operation: str, request: Mapping[str, Any]) -> str:
    """What botocore would say of a request before it sends it; what boto3 fills in itself is left out."""
    shape = session.get_session().get_service_model(service).operation_model(operation).input_shape
    filled = {name: "x" * 32 for name, member in shape.members.items() if member.metadata.get("idempotencyToken")}
    return str(validate.ParamValidator().validate({**filled, **request}, shape).generate_report())


def processing(**more: Any) -> dict[str, Any]:
    inputs = {"forecasts": "s3://b/f", "actuals": "s3://b/a.csv"}
    return jobs.processing_request(
        "look", "s3://b/code", "monitor", inputs, "s3://b/out", ["--season-steps", "7"], **more
    )


def test_a_processing_job_tells_its_program_where_everything_is() -> None:
    request = processing()
    assert problems("sagemaker", "CreateProcessingJob", request) == ""
    told = request["AppSpecification"]
    assert told["ContainerEntrypoint"] == ["python3", "-m", "monitor"]
    places = {entry["InputName"]: entry["S3Input"]["LocalPath"] for entry in request["ProcessingInputs"]}
    assert request["Environment"]["PYTHONPATH"] == places.pop("code")
    words = told["ContainerArguments"]
    assert dict(zip(words[::2], words[1::2], strict=True)) == {
        **{f"--{name}": place for name, place in places.items()},
        "--output": request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["LocalPath"],
        "--season-steps": "7",
    }
    assert "NetworkConfig" not in request


def test_security_goes_where_a_processing_job_has_it() -> None:
    request = processing(security=jobs.Security(True, "alias/mine", ["subnet-1"], ["sg-1"]))
    assert problems("sagemaker", "CreateProcessingJob", request) == ""
    vpc = {"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}
    assert request["NetworkConfig"] == {"EnableNetworkIsolation": True, "VpcConfig": vpc}
    assert request["ProcessingOutputConfig"]["KmsKeyId"] == "alias/mine"
    assert request["ProcessingResources"]["ClusterConfig"]["VolumeKmsKeyId"] == "alias/mine"


def test_a_pipeline_says_references_in_its_own_language() -> None:
    training = jobs.training_request("name", {"train": jobs.parameter("Data")}, f"{jobs.parameter('Place')}/out")
    steps = [
        jobs.step("Look", "Processing", processing(), PropertyFiles=jobs.file_of("Decision", "decision.json")),
        jobs.more_than(
            "Look", "Decision", "flags", 0, [jobs.step("Train", "Training", training, after=["Look"])], name="Decide"
        ),
        jobs.step("Keep", "RegisterModel", {"Data": jobs.result("Train", "ModelArtifacts.S3ModelArtifacts")}),
    ]
    request = jobs.pipeline_request("weekly", steps, {"Data": None, "Place": "s3://b"})
    assert problems("sagemaker", "CreatePipeline", request) == ""
    definition = json.loads(request["PipelineDefinition"])
    assert definition["Version"] == "2020-12-01"
    assert definition["Parameters"] == [
        {"Name": "Data", "Type": "String"},
        {"Name": "Place", "Type": "String", "DefaultValue": "s3://b"},
    ]
    look, decide, keep = definition["Steps"]
    assert "ProcessingJobName" not in look["Arguments"]
    (train,) = decide["Arguments"]["IfSteps"]
    assert "TrainingJobName" not in train["Arguments"]
    assert train["DependsOn"] == ["Look"]
    source = train["Arguments"]["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == {"Get": "Parameters.Data"}
    joined = {"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.Place"}, "out"]}}
    assert train["Arguments"]["OutputDataConfig"]["S3OutputPath"] == joined
    assert keep["Arguments"] == {"Data": {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}}
    (condition,) = decide["Arguments"]["Conditions"]
    file = {"Get": "Steps.Look.PropertyFiles.Decision"}
    assert condition["LeftValue"] == {"Std:JsonGet": {"PropertyFile": file, "Path": "flags"}}


def test_a_schedule_starts_a_pipeline_with_its_parameters() -> None:
    arn, role = "arn:aws:sagemaker:eu-west-1:123456789012:pipeline/weekly", "arn:aws:iam::123456789012:role/clock"
    request = jobs.schedule_request("mondays", arn, "cron(0 6 ? * MON *)", role, {"Data": "s3://b/new"})
    assert problems("scheduler", "CreateSchedule", request) == ""
    assert request["Target"]["SageMakerPipelineParameters"] == {
        "PipelineParameterList": [{"Name": "Data", "Value": "s3://b/new"}]
    }
    assert "SageMakerPipelineParameters" not in jobs.schedule_request("m", arn, "rate(7 days)", role)["Target"]


@pytest.mark.parametrize("canary", [0, 20])
def test_a_blue_green_update(canary: int) -> None:
    how = jobs.blue_green(300, canary_percent=canary, watch_s=60, alarms=["errors"])
    requests = jobs.update_requests("e", jobs.endpoint_requests("new", "s3://b/m"), how)
    assert problems("sagemaker", "UpdateEndpoint", requests["update_endpoint"]) == ""
    policy = requests["update_endpoint"]["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["Type"] == ("CANARY" if canary else "ALL_AT_ONCE")
    assert ("CanarySize" in policy["TrafficRoutingConfiguration"]) == bool(canary)
    assert how["AutoRollbackConfiguration"] == {"Alarms": [{"AlarmName": "errors"}]}
    assert "AutoRollbackConfiguration" not in jobs.blue_green()
