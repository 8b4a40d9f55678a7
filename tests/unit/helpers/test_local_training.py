"""LocalClient trains as the platform does: the tree it makes, the variables it sets, what it takes out."""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.local import ClientError, LocalClient, ParamValidationError, ResourceInUse, files
from tests.unit.helpers.waiting import ended, until

Build = Callable[..., dict[str, Any]]


def test_a_job_returns_at_once_and_completes(client: LocalClient, request_for: Build, tmp_path: Path) -> None:
    answer = client.create_training_job(**request_for("one", horizon=14))
    assert answer["TrainingJobArn"].endswith(":training-job/one")
    assert client.describe_training_job(TrainingJobName="one")["TrainingJobStatus"] == "InProgress"
    job = ended(client, "one")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == (tmp_path / "out/one/output/model.tar.gz").as_uri()
    entered = [step["Status"] for step in job["SecondaryStatusTransitions"]]
    assert entered == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["HyperParameters"] == {"horizon": "14"}


def test_the_program_sees_what_the_platform_shows(
    client: LocalClient, request_for: Build, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of the shell")
    request = request_for("tree", schema={"target": "y"}, freq="D")
    client.create_training_job(**request, Environment={"MINE": "1"})
    uri = ended(client, "tree")["ModelArtifacts"]["S3ModelArtifacts"]
    files.unpack(files.path_of(uri), tmp_path / "model")
    seen = json.loads((tmp_path / "model/seen.json").read_text())
    assert seen["config"]["hyperparameters"] == {"schema": '{"target": "y"}', "freq": "D"}
    channel = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    assert seen["config"]["inputdataconfig"] == {"train": channel}
    assert seen["config"]["resourceconfig"]["hosts"] == ["algo-1"]
    assert seen["config"]["resourceconfig"]["current_instance_type"] == "local"
    assert seen["environment"]["MINE"] == "1"
    assert seen["environment"]["TRAINING_JOB_NAME"] == "tree"
    assert "AWS_SECRET_ACCESS_KEY" not in seen["environment"]
    data = client.opt_ml("tree") / "input/data"
    assert (data / "train/part.csv").read_text().startswith("item_id")
    assert (data / "train-manifest").is_file()  # a file beside the folder, as on the platform


def test_channels_are_copies_and_fast_file_links(client: LocalClient, request_for: Build, tmp_path: Path) -> None:
    request = request_for("links")
    request["InputDataConfig"].append({**request["InputDataConfig"][0], "ChannelName": "fast", "InputMode": "FastFile"})
    client.create_training_job(**request)
    ended(client, "links")
    data = client.opt_ml("links") / "input/data"
    assert not (data / "train/part.csv").is_symlink()
    assert (data / "fast/part.csv").resolve() == tmp_path / "train/part.csv"


def test_archives_hold_model_and_output_without_a_folder_above(client: LocalClient, archive: str) -> None:
    with tarfile.open(files.path_of(archive)) as tar:
        assert tar.getnames() == ["seen.json"]
    with tarfile.open(files.path_of(archive.replace("model.tar", "output.tar"))) as tar:
        assert tar.getnames() == ["forecasts.csv"]


def test_the_last_finite_match_is_the_metric(client: LocalClient, request_for: Build) -> None:
    request = request_for("metrics")
    request["AlgorithmSpecification"]["MetricDefinitions"].append({"Name": "text", "Regex": "(metric)"})
    request["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = r"validation:MASE=(\S+)"
    client.create_training_job(**request)
    metrics = ended(client, "metrics")["FinalMetricDataList"]
    assert [(metric["MetricName"], metric["Value"]) for metric in metrics] == [("validation:MASE", 0.83)]


def test_the_failure_reason_is_what_the_program_wrote(client: LocalClient, request_for: Build) -> None:
    client.create_training_job(**request_for("fails", behave="fail"))
    job = ended(client, "fails")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
    assert job["FailureReason"].startswith("AlgorithmError: UserError [config]: Unknown hyperparameter.")
    assert job["FailureReason"].endswith(", exit code: 3")
    assert len(job["FailureReason"]) == 1024
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == ""


def test_a_program_that_says_nothing_fails_with_its_code(client: LocalClient, request_for: Build) -> None:
    client.create_training_job(**request_for("crash", behave="crash"))
    reason = ended(client, "crash")["FailureReason"]
    assert reason == "AlgorithmError: no failure file was written, exit code: 1"
    assert client.log("crash").splitlines()[-1] == "it broke"


def test_stop_lets_the_program_save(client: LocalClient, request_for: Build, tmp_path: Path) -> None:
    client.create_training_job(**request_for("stopped", behave="wait"))
    until(lambda: client.registry.of("TrainingJob")[0].log.exists() and "ready" in client.log("stopped"))
    client.stop_training_job(TrainingJobName="stopped")
    job = ended(client, "stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    files.unpack(files.path_of(job["ModelArtifacts"]["S3ModelArtifacts"]), tmp_path / "model")
    assert (tmp_path / "model/best_so_far").exists()
    with pytest.raises(ClientError, match="in status Stopped"):
        client.stop_training_job(TrainingJobName="stopped")


def test_the_runtime_limit_stops_a_program_that_will_not_go(
    client: LocalClient, request_for: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("helpers.local.job.STOP_GRACE_S", 0.2)
    request = {**request_for("late", behave="stubborn"), "StoppingCondition": {"MaxRuntimeInSeconds": 1}}
    client.create_training_job(**request)
    job = ended(client, "late")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")


def test_what_a_program_started_ends_with_it(client: LocalClient, request_for: Build) -> None:
    client.create_training_job(**request_for("child", behave="child"))
    ended(client, "child")
    pid = int((client.opt_ml("child") / "output/data/child").read_text())
    until(lambda: not runs(pid))


def runs(pid: int) -> bool:
    """Whether a process exists and is not a corpse that nobody has collected."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z")


def test_close_ends_what_runs_and_removes_the_trees(programs: Path, request_for: Build) -> None:
    client = LocalClient(programs)
    client.create_training_job(**request_for("left", behave="wait"))
    until(lambda: client.registry.of("TrainingJob")[0].log.exists() and "ready" in client.log("left"))
    program = client.registry.of("TrainingJob")[0].program
    client.close()
    client.close()
    assert program is not None
    assert not program.running
    assert not client.registry.root.exists()


def test_jobs_are_listed_the_newest_first(client: LocalClient, request_for: Build) -> None:
    for name in ("first", "second"):
        client.create_training_job(**request_for(name))
        ended(client, name)
    summaries = client.list_training_jobs(StatusEquals="Completed")["TrainingJobSummaries"]
    assert [job["TrainingJobName"] for job in summaries] == ["second", "first"]
    assert client.list_training_jobs(NameContains="fir", MaxResults=1)["TrainingJobSummaries"][0] == summaries[1]


def test_a_taken_name_is_refused_as_boto3_refuses_it(client: LocalClient, request_for: Build) -> None:
    client.create_training_job(**request_for("twice"))
    with pytest.raises(client.exceptions.ResourceInUse) as caught:
        client.create_training_job(**request_for("twice"))
    assert caught.value.response["Error"]["Code"] == "ResourceInUse"
    assert isinstance(caught.value, ResourceInUse | client.exceptions.ClientError)
    ended(client, "twice")


def test_an_unknown_job_is_refused(client: LocalClient) -> None:
    with pytest.raises(ClientError, match="Could not find training-job") as caught:
        client.describe_training_job(TrainingJobName="none")
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert caught.value.operation_name == "DescribeTrainingJob"


def test_a_folder_without_programs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="No program 'train'"):
        LocalClient(tmp_path)


def test_a_missing_parameter_is_named(client: LocalClient) -> None:
    with pytest.raises(ParamValidationError, match='Missing required parameter in input: "TrainingJobName"'):
        client.describe_training_job()
