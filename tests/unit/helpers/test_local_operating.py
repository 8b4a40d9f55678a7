"""LocalClient runs processing jobs, keeps a registry of models, and runs pipelines by what they are as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers import jobs
from helpers.local import ClientError, LocalClient
from tests.unit.helpers.waiting import until

Build = Callable[..., dict[str, Any]]
PROGRAM = """
import json, os, sys, time
from pathlib import Path
told = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if "--do" in told and told["--do"] == "wait":
    print("ready", flush=True)
    time.sleep(60)
if "--do" in told and told["--do"] == "fail":
    (Path(os.environ["SAGEMAKER_BASE_DIR"]) / "output/message").write_text("It was told to.")
    sys.exit("it broke")
text = (Path(told["--numbers"]) / "n.txt").read_text()
seen = {"n": int(text), "config": sorted(os.listdir(Path(os.environ["SAGEMAKER_BASE_DIR"]) / "config"))}
(Path(told["--output"]) / "seen.json").write_text(json.dumps(seen))
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a program and its input."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code/look.py").write_text(PROGRAM)
    (tmp_path / "numbers").mkdir()
    (tmp_path / "numbers/n.txt").write_text("3")
    return tmp_path


def look(place: Path, name: str = "look", *arguments: str, **more: Any) -> dict[str, Any]:
    inputs = {"numbers": place / "numbers"}
    return jobs.processing_request(name, place / "code", "look", inputs, place / "seen", arguments, **more)


def test_a_processing_job_runs_its_program_over_its_inputs(client: LocalClient, place: Path) -> None:
    described = jobs.process(client, look(place))
    assert described["ProcessingJobStatus"] == "Completed"
    assert described["ProcessingJobArn"].endswith(":processing-job/look")
    assert described["ProcessingEndTime"] >= described["ProcessingStartTime"]
    seen = json.loads((place / "seen/seen.json").read_text())
    assert seen == {"n": 3, "config": ["processingjobconfig.json", "resourceconfig.json"]}


def test_a_processing_job_that_fails_says_why(client: LocalClient, place: Path) -> None:
    with pytest.raises(jobs.JobFailed, match="See job logs for more information, exit code: 1") as caught:
        jobs.process(client, look(place, "bad", "--do", "fail"))
    assert caught.value.log == ["it broke"]
    assert client.describe_processing_job(ProcessingJobName="bad")["ExitMessage"] == "It was told to."
    assert not (place / "seen").exists()


@pytest.mark.parametrize("how", ["stop", "time"])
def test_a_processing_job_is_stopped(client: LocalClient, place: Path, how: str) -> None:
    client.create_processing_job(**look(place, "long", "--do", "wait", max_runtime_s=1 if how == "time" else 60))
    log = client.registry.of("ProcessingJob")[0].log
    until(lambda: log.exists() and "ready" in log.read_text())
    if how == "stop":
        client.stop_processing_job(ProcessingJobName="long")
    until(lambda: client.describe_processing_job(ProcessingJobName="long")["ProcessingJobStatus"] == "Stopped")
    with pytest.raises(ClientError, match="is in status Stopped"):
        client.stop_processing_job(ProcessingJobName="long")


def changed(request: dict[str, Any], path: tuple[Any, ...], value: object) -> dict[str, Any]:
    inner: Any = request
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return request


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("ProcessingResources", "ClusterConfig", "InstanceCount"), 2, "set InstanceCount to 1"),
        (("AppSpecification", "ContainerEntrypoint"), [], "give a ContainerEntrypoint"),
        (("ProcessingInputs", 0, "S3Input", "S3Uri"), "s3://b/k", "file:// only"),
        (("ProcessingInputs", 0, "S3Input", "S3Uri"), "file:///none", "No S3 objects found"),
        (("ProcessingInputs", 0, "S3Input", "LocalPath"), "/data", "must be below /opt/ml/processing/"),
        (("ProcessingInputs", 0, "S3Input", "S3DataType"), "ManifestFile", "S3Prefix only"),
    ],
)
def test_what_a_process_cannot_do_is_refused(
    client: LocalClient, place: Path, path: tuple[Any, ...], value: object, message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        client.create_processing_job(**changed(look(place), path, value))


def package(group: str = "models", **more: Any) -> dict[str, Any]:
    specification = {"Containers": [{"Image": "i", "ModelDataUrl": "file:///m.tar.gz"}]}
    return {"ModelPackageGroupName": group, "InferenceSpecification": specification, **more}


def test_versions_are_numbered_and_approved(client: LocalClient) -> None:
    client.create_model_package_group(ModelPackageGroupName="models")
    with pytest.raises(LookupError, match="No version of models is approved"):
        jobs.approved(client, "models")
    first, second = (client.create_model_package(**package())["ModelPackageArn"] for _ in range(2))
    assert (first[-8:], second[-8:]) == ("models/1", "models/2")
    noted = {"ModelApprovalStatus": "Approved", "CustomerMetadataProperties": {"MASE": "0.8"}}
    client.update_model_package(ModelPackageArn=first, **noted)
    found = jobs.approved(client, "models")
    assert (found["ModelPackageVersion"], found["CustomerMetadataProperties"]) == (1, {"MASE": "0.8"})
    assert jobs.data_of(found) == "file:///m.tar.gz"
    client.update_model_package(ModelPackageArn=second, ModelApprovalStatus="Approved")
    assert jobs.approved(client, "models")["ModelPackageArn"] == second
    listed = client.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]
    assert [version["ModelPackageVersion"] for version in listed] == [2, 1]
    with pytest.raises(ClientError, match="still has versions"):
        client.delete_model_package_group(ModelPackageGroupName="models")
    assert jobs.delete_group(client, "models") == 2
    assert jobs.delete_group(client, "models") == 0


def test_a_version_of_no_group_is_refused(client: LocalClient) -> None:
    with pytest.raises(ClientError, match="Could not find model-package-group"):
        client.create_model_package(**package("none"))


@pytest.fixture
def pipeline(client: LocalClient, place: Path, request_for: Build) -> str:
    """Look at a number; where it is more than `Limit` allows, train, and register the model."""
    client.create_model_package_group(ModelPackageGroupName="models")
    training = request_for("any", behave=jobs.parameter("Behave"))
    kept = package()
    kept["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] = jobs.result(
        "Train", "ModelArtifacts.S3ModelArtifacts"
    )
    following = [jobs.step("Register", "RegisterModel", kept), jobs.step("Train", "Training", training)]
    looking = changed(look(place), ("ProcessingInputs", 1, "S3Input", "S3Uri"), jobs.parameter("Numbers"))
    files = jobs.file_of("Seen", "seen.json")
    steps = [
        jobs.more_than("Look", "Seen", "n", 2, following, name="Decide"),
        jobs.step("Look", "Processing", looking, PropertyFiles=files),
    ]
    defaults = {"Numbers": None, "Behave": "well"}
    client.create_pipeline(**jobs.pipeline_request("weekly", steps, defaults))
    return "weekly"


def numbers(place: Path, number: int) -> dict[str, str]:
    (place / "numbers/n.txt").write_text(str(number))
    return {"Numbers": (place / "numbers").as_uri()}


def test_a_pipeline_runs_its_steps_in_their_order(
    client: LocalClient, pipeline: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = jobs.run_pipeline(client, pipeline, numbers(place, 3))
    assert list(told) == ["Look", "Decide", "Train", "Register"]
    assert {one["StepStatus"] for one in told.values()} == {"Succeeded"}
    said = ["Look · Succeeded", "Decide · Succeeded · True", "Train · Succeeded", "Register · Succeeded"]
    assert capsys.readouterr().out.splitlines() == said
    (version,) = client.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"]
    assert version["ModelPackageArn"] == told["Register"]["Metadata"]["RegisterModel"]["Arn"]
    name = told["Train"]["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
    job = client.describe_training_job(TrainingJobName=name)
    assert jobs.data_of(version) == job["ModelArtifacts"]["S3ModelArtifacts"]


def test_a_branch_that_is_not_taken_does_not_run(client: LocalClient, pipeline: str, place: Path) -> None:
    told = jobs.run_pipeline(client, pipeline, numbers(place, 2))
    assert list(told) == ["Look", "Decide"]
    assert told["Decide"]["Metadata"] == {"Condition": {"Outcome": "False"}}
    assert client.list_training_jobs()["TrainingJobSummaries"] == []


def test_a_step_that_fails_ends_the_execution_with_its_reason(client: LocalClient, pipeline: str, place: Path) -> None:
    with pytest.raises(jobs.JobFailed, match=r"Train: AlgorithmError: UserError \[config\]: Unknown hyperparameter\."):
        jobs.run_pipeline(client, pipeline, {**numbers(place, 3), "Behave": "fail"})
    assert client.list_model_packages(ModelPackageGroupName="models")["ModelPackageSummaryList"] == []


def test_a_parameter_without_a_value_is_refused(client: LocalClient, pipeline: str) -> None:
    with pytest.raises(jobs.JobFailed, match=r"have no value: \['Numbers'\]"):
        jobs.run_pipeline(client, pipeline, {})
    with pytest.raises(jobs.JobFailed, match=r"unknown or have no value: \['Numbers', 'More'\]"):
        jobs.run_pipeline(client, pipeline, {"More": "1"})


def test_an_execution_is_stopped_with_its_job(client: LocalClient, pipeline: str, place: Path) -> None:
    values = {**numbers(place, 3), "Behave": "wait"}
    given = [{"Name": name, "Value": value} for name, value in values.items()]
    arn = client.start_pipeline_execution(PipelineName=pipeline, PipelineParameters=given)["PipelineExecutionArn"]
    until(lambda: client.list_training_jobs()["TrainingJobSummaries"])
    client.stop_pipeline_execution(PipelineExecutionArn=arn)
    until(lambda: client.describe_pipeline_execution(PipelineExecutionArn=arn)["PipelineExecutionStatus"] == "Stopped")
    (training,) = client.list_training_jobs()["TrainingJobSummaries"]
    assert training["TrainingJobStatus"] in ("Stopping", "Stopped")


def test_a_pipeline_is_replaced_and_deleted(client: LocalClient, pipeline: str) -> None:
    before = client.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"]
    client.update_pipeline(PipelineName=pipeline, PipelineDefinition=before.replace("Decide", "Choose"))
    assert "Choose" in client.describe_pipeline(PipelineName=pipeline)["PipelineDefinition"]
    assert jobs.delete_pipeline(client, pipeline)
    assert not jobs.delete_pipeline(client, pipeline)


@pytest.mark.parametrize(
    "changes",
    [{}, {"RollingUpdatePolicy": {}}, jobs.blue_green(canary_percent=10), jobs.blue_green(alarms=["a"])],
    ids=["at once", "rolling", "canary", "alarms"],
)
def test_an_update_is_blue_green_at_once_and_nothing_else(
    client: LocalClient, archive: str, changes: dict[str, Any]
) -> None:
    jobs.deploy(client, jobs.endpoint_requests("e", archive))
    how = changes or jobs.blue_green()
    update = jobs.update_requests("e", jobs.endpoint_requests("newer", archive), how)
    if not changes:
        assert jobs.update(client, update)["EndpointConfigName"] == "newer"
        return
    with pytest.raises(jobs.JobFailed, match="no update but blue/green, ALL_AT_ONCE"):
        jobs.update(client, update)
