"""The registry of models, pipelines and their schedules, and the ways of updating an endpoint."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from helpers import jobs
from tests.emulator import test_processing

LIMIT_S = 60


def specification(desk: Any, uri: str = "") -> dict[str, Any]:
    containers = [{"Image": desk.emulator.image, "ModelDataUrl": uri or desk.put("m/model.tar.gz", b"x")}]
    return {"Containers": containers, "SupportedContentTypes": ["text/csv"], "SupportedResponseMIMETypes": ["text/csv"]}


@pytest.fixture
def group(desk: Any) -> str:
    name = desk.name("models")
    desk.sagemaker.create_model_package_group(ModelPackageGroupName=name)
    return str(name)


def test_versions_are_numbered_approved_and_listed(desk: Any, group: str) -> None:
    client = desk.sagemaker
    told = {"ModelPackageGroupName": group, "InferenceSpecification": specification(desk)}
    first, second = (client.create_model_package(**told)["ModelPackageArn"] for _ in range(2))
    assert (first.rpartition("/")[2], second.rpartition("/")[2]) == ("1", "2")
    described = client.describe_model_package(ModelPackageName=first)
    assert (described["ModelPackageVersion"], described["ModelApprovalStatus"]) == (1, "PendingManualApproval")
    assert "ModelPackageName" not in described
    noted = {"CustomerMetadataProperties": {"MASE": "0.8", "by": "hand"}}
    client.update_model_package(ModelPackageArn=first, ModelApprovalStatus="Approved", **noted)
    client.update_model_package(ModelPackageArn=first, CustomerMetadataPropertiesToRemove=["by"])
    found = jobs.approved(client, group)
    assert (found["ModelPackageArn"], found["CustomerMetadataProperties"]) == (first, {"MASE": "0.8"})
    listed = client.list_model_packages(ModelPackageGroupName=group)["ModelPackageSummaryList"]
    assert [one["ModelPackageVersion"] for one in listed] == [2, 1]
    with pytest.raises(ClientError, match="still has model packages"):
        client.delete_model_package_group(ModelPackageGroupName=group)
    client.delete_model_package(ModelPackageName=second)
    third = client.create_model_package(**told)["ModelPackageArn"]
    assert third.endswith("/3")  # a number is not given again
    assert jobs.delete_group(client, group) == 2
    assert jobs.delete_group(client, group) == 0


def test_what_the_registry_would_refuse(desk: Any, group: str) -> None:
    client = desk.sagemaker
    for told, message in [
        ({"ModelPackageGroupName": "none"}, "does not exist"),
        ({"ModelPackageGroupName": group, "ModelApprovalStatus": "Maybe"}, "enum value set"),
        ({"ModelPackageName": "alone"}, "not covered"),
        (
            {
                "ModelPackageGroupName": group,
                "InferenceSpecification": specification(desk, desk.uri("none.tar.gz")),
            },
            "Could not find model data",
        ),
    ]:
        with pytest.raises(ClientError, match=message):
            client.create_model_package(**told)
    with pytest.raises(ClientError, match="already exists"):
        client.create_model_package_group(ModelPackageGroupName=group)


def steps_of(desk: Any, group: str, **hyperparameters: str) -> list[dict[str, Any]]:
    """Look at files; where they are more than one, train and register."""
    looking = test_processing.request(desk)
    looking["ProcessingInputs"][1]["S3Input"]["S3Uri"] = jobs.parameter("Numbers")
    training = desk.training(HyperParameters=hyperparameters)
    uri = jobs.result("Train", "ModelArtifacts.S3ModelArtifacts")
    kept = {"ModelPackageGroupName": group, "InferenceSpecification": specification(desk, uri)}
    following = [jobs.step("Register", "RegisterModel", kept), jobs.step("Train", "Training", training)]
    files = jobs.file_of("Seen", "deep/seen.json", "seen")
    return [
        jobs.more_than("Look", "Seen", "count", 1, following, name="Decide"),
        jobs.step("Look", "Processing", looking, PropertyFiles=files),
    ]


def pipeline(desk: Any, group: str, **hyperparameters: str) -> str:
    name = desk.name("weekly")
    steps = steps_of(desk, group, **hyperparameters)
    desk.sagemaker.create_pipeline(**jobs.pipeline_request(name, steps, {"Numbers": None}, desk.emulator.role))
    return str(name)


def test_a_pipeline_runs_the_jobs_that_its_json_describes(desk: Any, group: str) -> None:
    name = pipeline(desk, group)
    told = jobs.run_pipeline(desk.sagemaker, name, {"Numbers": desk.uri("numbers/")})
    assert list(told) == ["Look", "Decide", "Train", "Register"]
    assert {one["StepStatus"] for one in told.values()} == {"Succeeded"}
    arn = told["Register"]["Metadata"]["RegisterModel"]["Arn"]
    model = jobs.data_of(desk.sagemaker.describe_model_package(ModelPackageName=arn))
    assert desk.get(model)
    job = told["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    described = desk.sagemaker.describe_training_job(TrainingJobName=job)
    assert described["ModelArtifacts"]["S3ModelArtifacts"] == model
    (execution,) = desk.sagemaker.list_pipeline_executions(PipelineName=name)["PipelineExecutionSummaries"]
    assert execution["PipelineExecutionStatus"] == "Succeeded"


def test_a_branch_that_is_not_taken_costs_nothing(desk: Any, group: str) -> None:
    one = desk.put("alone/one.txt", "1")
    told = jobs.run_pipeline(desk.sagemaker, pipeline(desk, group), {"Numbers": one})
    assert told["Decide"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert list(told) == ["Look", "Decide"]


def test_a_step_that_fails_is_named(desk: Any, group: str) -> None:
    name = pipeline(desk, group, do="fail")
    with pytest.raises(jobs.JobFailed, match="Train: AlgorithmError: UserError: algo-1 was told to fail"):
        jobs.run_pipeline(desk.sagemaker, name, {"Numbers": desk.uri("numbers/")})


def test_an_execution_is_stopped_with_its_job(desk: Any, group: str) -> None:
    client = desk.sagemaker
    values = [{"Name": "Numbers", "Value": desk.uri("numbers/")}]
    started = client.start_pipeline_execution(PipelineName=pipeline(desk, group, do="wait"), PipelineParameters=values)
    key = {"PipelineExecutionArn": started["PipelineExecutionArn"]}
    limit = time.monotonic() + LIMIT_S
    while not client.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]:
        assert time.monotonic() < limit
    client.stop_pipeline_execution(**key)
    while (status := client.describe_pipeline_execution(**key)["PipelineExecutionStatus"]) != "Stopped":
        assert time.monotonic() < limit, status
    assert client.list_pipeline_execution_steps(**key)["PipelineExecutionSteps"][0]["StepStatus"] == "Stopped"


def test_a_pipeline_is_described_replaced_listed_and_deleted(desk: Any, group: str) -> None:
    client, name = desk.sagemaker, pipeline(desk, group)
    before = client.describe_pipeline(PipelineName=name)["PipelineDefinition"]
    client.update_pipeline(PipelineName=name, PipelineDefinition=before.replace("Decide", "Choose"))
    assert "Choose" in client.describe_pipeline(PipelineName=name)["PipelineDefinition"]
    assert [one["PipelineName"] for one in client.list_pipelines(PipelineNamePrefix=name)["PipelineSummaries"]] == [
        name
    ]
    assert jobs.delete_pipeline(client, name)
    assert not jobs.delete_pipeline(client, name)
    with pytest.raises(ClientError) as caught:
        client.describe_pipeline(PipelineName=name)
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"


def test_what_a_pipeline_would_be_refused_for(desk: Any, group: str) -> None:
    name, steps = desk.name("refused"), steps_of(desk, group)
    good = jobs.pipeline_request(name, steps, {"Numbers": None}, desk.emulator.role)
    nobody = "arn:aws:iam::123456789012:role/nobody"
    for changes, message in [
        ({"PipelineDefinition": "{}"}, "Unable to parse pipeline definition"),
        ({"PipelineDefinition": good["PipelineDefinition"].replace('"Processing"', '"Lambda"')}, "of type Lambda"),
        ({"PipelineName": "not a name"}, "regular expression"),
        ({"RoleArn": nobody}, "Could not assume role"),
        ({"ParallelismConfiguration": {"MaxParallelExecutionSteps": 2}}, "not covered"),
    ]:
        with pytest.raises(ClientError, match=message):
            desk.sagemaker.create_pipeline(**{**good, **changes})
    desk.sagemaker.create_pipeline(**good)
    with pytest.raises(ClientError, match="must be unique"):
        desk.sagemaker.create_pipeline(**good)
    for given, message in [([], "without a value"), ([{"Name": "More", "Value": "1"}], "Unknown parameter: More")]:
        with pytest.raises(ClientError, match=message):
            desk.sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=given)


def test_a_schedule_is_kept_and_forgotten(desk: Any) -> None:
    scheduler = desk.emulator.client("scheduler")
    arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/weekly"
    request = jobs.schedule_request("mondays", arn, "cron(0 6 ? * MON *)", desk.emulator.role, {"Data": "s3://b/new"})
    scheduler.create_schedule(**request)
    kept = scheduler.get_schedule(Name="mondays")
    assert (kept["ScheduleExpression"], kept["Target"]["Arn"]) == ("cron(0 6 ? * MON *)", arn)
    assert json.dumps(request["Target"]["SageMakerPipelineParameters"]) in json.dumps(kept["Target"])
    scheduler.delete_schedule(Name="mondays")
    assert scheduler.list_schedules()["Schedules"] == []


@pytest.mark.parametrize(
    ("how", "message"),
    [
        (jobs.blue_green(canary_percent=50), "Traffic routing of type CANARY: not covered"),
        (jobs.blue_green(alarms=["errors"]), "going back on an alarm: not covered"),
        (jobs.blue_green(99999), "less than or equal to 3600"),
    ],
)
def test_an_update_that_is_not_covered_is_refused(desk: Any, how: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError, match=message):
        desk.sagemaker.update_endpoint(EndpointName="any", EndpointConfigName="any", DeploymentConfig=how)


def test_a_blue_green_update_swaps_the_servers(desk: Any) -> None:
    client, name = desk.sagemaker, desk.name("endpoint")
    for config in (name, f"{name}-new"):
        variant = {"VariantName": "A", "ModelName": desk.model(), "InstanceType": "ml.m5.large"}
        client.create_endpoint_config(
            EndpointConfigName=config, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
        )
    client.create_endpoint(EndpointName=name, EndpointConfigName=name)
    served = lambda endpoint: endpoint["EndpointStatus"] == "InService"  # noqa: E731
    desk.until("endpoint", served, name)
    how = jobs.blue_green(60)
    client.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-new", DeploymentConfig=how)
    described = desk.until("endpoint", served, name)
    assert described["EndpointConfigName"] == f"{name}-new"
    assert described["LastDeploymentConfig"] == how
    client.delete_endpoint(EndpointName=name)
