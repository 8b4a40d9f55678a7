"""Processing jobs: the command, its inputs and outputs, its end, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

PROGRAM = Path(__file__).parent / "programs" / "look.py"
LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
PLACE = "/opt/ml/processing"


def source(name: str, uri: str, **changes: Any) -> dict[str, Any]:
    given = {"S3Uri": uri, "LocalPath": f"{PLACE}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": {**given, **changes}}


def request(desk: Any, *arguments: str, **changes: Any) -> dict[str, Any]:
    code = desk.put("code/look.py", PROGRAM.read_bytes())
    desk.put("numbers/one.txt", "1")
    desk.put("numbers/two.txt", "2")
    name = desk.name("look")
    places = ["--numbers", f"{PLACE}/numbers", "--output", f"{PLACE}/seen", "--config", "/opt/ml/config"]
    output = {"S3Uri": desk.uri(f"seen/{name}"), "LocalPath": f"{PLACE}/seen", "S3UploadMode": "EndOfJob"}
    told = {
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": desk.emulator.image,
            "ContainerEntrypoint": ["python3", f"{PLACE}/code/look.py"],
            "ContainerArguments": [*places, *arguments],
        },
        "Environment": {"WHERE": f"{PLACE}/code", "MINE": "1"},
        "ProcessingInputs": [source("code", code), source("numbers", desk.uri("numbers/"))],
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "seen", "S3Output": output}]},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}
        },
        "RoleArn": desk.emulator.role,
    }
    return {**told, **changes}


def processed(desk: Any, told: dict[str, Any]) -> dict[str, Any]:
    desk.sagemaker.create_processing_job(**told)
    done = lambda job: job["ProcessingJobStatus"] not in ("InProgress", "Stopping")  # noqa: E731
    return dict(desk.until("processing_job", done, told["ProcessingJobName"]))


def test_the_program_sees_its_inputs_and_leaves_its_outputs(desk: Any) -> None:
    told = request(desk)
    job = processed(desk, told)
    assert job["ProcessingJobStatus"] == "Completed"
    assert job["ProcessingJobArn"].endswith(f":processing-job/{told['ProcessingJobName']}")
    assert job["ProcessingEndTime"] >= job["ProcessingStartTime"]
    seen = json.loads(desk.get(desk.uri(f"seen/{told['ProcessingJobName']}/deep/seen.json")))
    assert seen["files"] == {"one.txt": "1", "two.txt": "2"}
    assert seen["config"] == ["processingjobconfig.json", "resourceconfig.json"]
    assert seen["job"] == told["ProcessingJobName"]
    environment = seen["environment"]
    assert (environment["MINE"], environment["AWS_REGION"]) == ("1", "us-east-1")
    assert environment["WHERE"].endswith("/processing/code")  # moved to where /opt/ml is for a process
    assert desk.logged("looking", LOG_GROUP, told["ProcessingJobName"])
    listed = desk.sagemaker.list_processing_jobs(NameContains=told["ProcessingJobName"])["ProcessingJobSummaries"]
    assert [one["ProcessingJobStatus"] for one in listed] == ["Completed"]


def test_a_failure_has_its_exit_code_its_message_and_no_output(desk: Any) -> None:
    told = request(desk, "--do", "fail")
    job = processed(desk, told)
    assert job["ProcessingJobStatus"] == "Failed"
    assert job["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 1"
    assert job["ExitMessage"] == "It was told to fail."
    assert desk.logged("it broke", LOG_GROUP, told["ProcessingJobName"])
    assert desk.keys(f"seen/{told['ProcessingJobName']}") == []


def test_a_job_is_stopped(desk: Any) -> None:
    told = request(desk, "--do", "wait")
    desk.sagemaker.create_processing_job(**told)
    assert desk.logged("looking", LOG_GROUP, told["ProcessingJobName"])
    desk.sagemaker.stop_processing_job(ProcessingJobName=told["ProcessingJobName"])
    stopped = lambda job: job["ProcessingJobStatus"] == "Stopped"  # noqa: E731
    desk.until("processing_job", stopped, told["ProcessingJobName"])
    with pytest.raises(ClientError, match="because the processing job is in status Stopped"):
        desk.sagemaker.stop_processing_job(ProcessingJobName=told["ProcessingJobName"])


def test_a_job_has_its_time(desk: Any) -> None:
    told = request(desk, "--do", "wait", StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert processed(desk, told)["ProcessingJobStatus"] == "Stopped"


def test_a_name_is_taken_once(desk: Any) -> None:
    told = request(desk)
    processed(desk, told)
    with pytest.raises(ClientError) as caught:
        desk.sagemaker.create_processing_job(**told)
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"


NOT_COVERED = "EmulatorDoesNotCover"


@pytest.mark.parametrize(
    ("path", "value", "code", "message"),
    [
        (("ProcessingResources", "ClusterConfig", "InstanceCount"), 2, NOT_COVERED, "several hosts"),
        (("AppSpecification",), {"ImageUri": None}, NOT_COVERED, "without a ContainerEntrypoint"),
        (("ProcessingInputs", 1, "S3Input", "S3InputMode"), "Pipe", NOT_COVERED, "Pipe mode"),
        (("ProcessingInputs", 1, "S3Input", "LocalPath"), "/data", NOT_COVERED, "below /opt/ml/processing/"),
        (("ProcessingInputs", 1, "InputName"), "code", "ValidationException", "must be unique"),
        (("ProcessingInputs", 1, "S3Input", "S3Uri"), "s3://none/x", "ValidationException", "No S3 objects found"),
        (
            ("ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3UploadMode"),
            *("Continuous", NOT_COVERED, "before the end"),
        ),
        (
            ("ProcessingOutputConfig", "Outputs", 0, "S3Output", "S3Uri"),
            *("s3://none/x", "ValidationException", "S3 output location"),
        ),
        (("RoleArn",), "arn:aws:iam::123456789012:role/nobody", "ValidationException", "Could not assume role"),
        (("AppSpecification", "ImageUri"), "nginx", "ValidationException", "Invalid training image"),
    ],
)
def test_what_would_not_start_is_refused(desk: Any, path: tuple[Any, ...], value: Any, code: str, message: str) -> None:
    told = request(desk)
    inner: Any = told
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = {"ImageUri": desk.emulator.image} if value == {"ImageUri": None} else value
    with pytest.raises(ClientError) as caught:
        desk.sagemaker.create_processing_job(**told)
    assert caught.value.response["Error"]["Code"] == code
    assert message in caught.value.response["Error"]["Message"]
