"""Training jobs: what the program is given, what is taken from it, and how a job ends."""

from __future__ import annotations

import gzip
import ipaddress
import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError


def transitions(job: dict[str, Any]) -> list[str]:
    return [step["Status"] for step in job["SecondaryStatusTransitions"]]


def test_a_job_gets_the_tree_and_leaves_its_archives(desk: Any, channel: Any, unpacked: Any) -> None:
    desk.put("data/a/one.csv", "1")
    desk.put("data/b.csv", "2")
    job = desk.train(
        HyperParameters={"horizon": "7", "text": '"quoted"'},
        InputDataConfig=[channel("train", desk.uri("data/"), ContentType="text/csv")],
        Environment={"COLOUR": "blue"},
    )
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    assert transitions(job) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    place = f"{desk.uri('out')}/{job['TrainingJobName']}/output"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"{place}/model.tar.gz"
    assert unpacked(f"{place}/output.tar.gz") == {"algo-1.txt": "told"}
    seen = unpacked(f"{place}/model.tar.gz")["algo-1.json"]
    assert seen["hyperparameters"] == {"horizon": "7", "text": '"quoted"'}
    assert seen["files"] == ["train-manifest", "train/a/one.csv", "train/b.csv"]
    entry = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
    assert seen["channels"] == {"train": {**entry, "ContentType": "text/csv"}}
    assert seen["resources"]["hosts"] == ["algo-1"]
    assert seen["resources"]["current_instance_type"] == "ml.m5.xlarge"
    environment = seen["environment"]
    assert (environment["COLOUR"], environment["TRAINING_JOB_ARN"]) == ("blue", job["TrainingJobArn"])
    assert not [name for name in environment if name.startswith("AWS_") and name != "AWS_REGION"]


@pytest.mark.parametrize(
    ("prefix", "files"),
    [
        ("place/x", ["train/y.csv"]),
        ("place/x/", ["train/y.csv"]),
        ("place/x/y.csv", ["train/y.csv"]),
        ("place/", ["train/x/y.csv", "train/z.csv"]),
        ("place/z", ["train/z.csv"]),
    ],
)
def test_a_prefix_lands_in_the_channels_folder(
    desk: Any, channel: Any, unpacked: Any, prefix: str, files: list[str]
) -> None:
    desk.put("place/x/y.csv", "1")
    desk.put("place/x/", "")
    desk.put("place/z.csv", "2")
    job = desk.train(InputDataConfig=[channel("train", desk.uri(prefix), InputMode="FastFile")])
    seen = unpacked(job["ModelArtifacts"]["S3ModelArtifacts"])["algo-1.json"]
    assert seen["files"] == ["train-manifest", *files]
    assert seen["channels"]["train"]["TrainingInputMode"] == "FastFile"


def test_a_manifest_names_the_objects(desk: Any, channel: Any, unpacked: Any) -> None:
    desk.put("many/a/1.csv", "1")
    desk.put("many/b/2.csv", "2")
    manifest = desk.put("manifest.json", json.dumps([{"prefix": desk.uri("many/")}, "b/2.csv"]))
    job = desk.train(InputDataConfig=[channel("train", manifest, source={"S3DataType": "ManifestFile"})])
    seen = unpacked(job["ModelArtifacts"]["S3ModelArtifacts"])["algo-1.json"]
    assert seen["files"] == ["train-manifest", "train/b/2.csv"]


def test_hosts_share_a_sharded_channel_and_are_merged(desk: Any, channel: Any, unpacked: Any) -> None:
    for number in range(3):
        desk.put(f"shards/{number}.csv", str(number))
    sharded = channel("train", desk.uri("shards/"), source={"S3DataDistributionType": "ShardedByS3Key"})
    hardware = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    whole = channel("static", desk.uri("shards/0.csv"))
    job = desk.train(InputDataConfig=[sharded, whole], ResourceConfig=hardware)
    seen = unpacked(job["ModelArtifacts"]["S3ModelArtifacts"])
    first, second = sorted(seen)
    names = [first.removesuffix(".json"), second.removesuffix(".json")]
    both = ["static-manifest", "static/0.csv", "train-manifest"]
    assert seen[first]["files"] == [*both, "train/0.csv", "train/2.csv"]
    assert seen[second]["files"] == [*both, "train/1.csv"]
    assert [seen[name]["resources"]["current_host"] for name in (first, second)] == names
    assert [seen[name]["resources"]["hosts"] for name in (first, second)] == [names, names]
    assert [ipaddress.ip_address(name).is_loopback for name in names] == [True, True]
    assert len(desk.log("/aws/sagemaker/TrainingJobs", f"{job['TrainingJobName']}/{names[1]}")) > 0


def test_a_pipe_gives_all_objects_in_every_epoch(desk: Any, channel: Any, unpacked: Any) -> None:
    big = "x" * 300_000  # more than a pipe holds
    desk.put("pipe/1.gz", gzip.compress(b"one\n"))
    desk.put("pipe/2.gz", gzip.compress(big.encode()))
    piped = channel("train", desk.uri("pipe/"), InputMode="Pipe", CompressionType="Gzip")
    job = desk.train(InputDataConfig=[piped])
    seen = unpacked(job["ModelArtifacts"]["S3ModelArtifacts"])["algo-1.json"]
    assert seen["pipes"] == {"train": ["one\n" + big] * 2}


def test_the_last_number_of_each_metric_is_told(desk: Any) -> None:
    metrics = [{"Name": "loss", "Regex": "loss=([-0-9.a-z]+);"}, {"Name": "never", "Regex": "never=([0-9]+)"}]
    algorithm = {**desk.training()["AlgorithmSpecification"], "MetricDefinitions": metrics}
    job = desk.train(AlgorithmSpecification=algorithm, HyperParameters={"loss": "-0.25"})
    assert [(metric["MetricName"], metric["Value"]) for metric in job["FinalMetricDataList"]] == [("loss", -0.25)]


def test_the_log_says_what_ran_and_what_it_printed(desk: Any) -> None:
    job = desk.train()
    lines = desk.log("/aws/sagemaker/TrainingJobs", job["TrainingJobName"])
    assert lines == [f"[emulator] {desk.emulator.runner.says}", "loss=9.5 on algo-1", "loss=1.5;", "loss=nan;"]


def test_a_failure_is_told_in_the_programs_words(desk: Any) -> None:
    job = desk.train(HyperParameters={"do": "fail"})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    sentence = "AlgorithmError: UserError: algo-1 was told to fail. Do not tell it., exit code: 3"
    assert job["FailureReason"] == sentence
    assert not job["ModelArtifacts"].get("S3ModelArtifacts")
    assert desk.keys(f"out/{job['TrainingJobName']}/output/") == ["output.tar.gz"]


def test_one_host_that_fails_ends_the_others(desk: Any) -> None:
    hardware = {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1}
    job = desk.train(HyperParameters={"do": "fail", "on": "2"}, ResourceConfig=hardware)
    assert re.match(r"AlgorithmError: UserError: 127\.\d+\.\d+\.2 was told to fail\.", job["FailureReason"])


def test_stopping_keeps_what_is_saved_on_sigterm(desk: Any, unpacked: Any) -> None:
    request = desk.training(HyperParameters={"do": "wait"})
    desk.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    desk.until("training_job", lambda job: "waiting" in desk.log("/aws/sagemaker/TrainingJobs", name), name)
    desk.sagemaker.stop_training_job(TrainingJobName=name)
    job = desk.training_end(name)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert unpacked(job["ModelArtifacts"]["S3ModelArtifacts"])["saved"] == "on SIGTERM"
    with pytest.raises(ClientError, match="because the training job is in status Stopped"):
        desk.sagemaker.stop_training_job(TrainingJobName=name)


@pytest.mark.parametrize(("do", "saved"), [("wait", True), ("ignore", False)])
def test_a_job_out_of_time_is_stopped_then_killed(desk: Any, unpacked: Any, do: str, saved: bool) -> None:
    job = desk.train(HyperParameters={"do": do}, StoppingCondition={"MaxRuntimeInSeconds": 1})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert ("saved" in unpacked(job["ModelArtifacts"]["S3ModelArtifacts"])) == saved


def test_a_spot_job_goes_on_from_its_checkpoint(desk: Any) -> None:
    request = desk.training(
        HyperParameters={"do": "step"},
        EnableManagedSpotTraining=True,
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60},
        CheckpointConfig={"S3Uri": desk.uri("checkpoints")},
    )
    name = request["TrainingJobName"]
    desk.sagemaker.create_training_job(**request)
    for step in (1, 2):
        desk.until("training_job", lambda _, n=step: desk.keys("checkpoints/") and steps(desk) == n, name)
        desk.emulator.interrupt(name)
    job = desk.training_end(name)
    assert job["TrainingJobStatus"] == "Completed"
    assert transitions(job).count("Interrupted") == 2
    assert desk.keys("checkpoints/") == ["steps"]
    assert steps(desk) == 3


def steps(desk: Any) -> int:
    return int(desk.get(desk.uri("checkpoints/steps")).count(b"step"))


def test_an_uncompressed_model_is_a_prefix(desk: Any) -> None:
    job = desk.train(OutputDataConfig={"S3OutputPath": desk.uri("bare"), "CompressionType": "NONE"})
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/output/model/")
    assert desk.keys(f"bare/{job['TrainingJobName']}/output/") == ["model/algo-1.json", "output/algo-1.txt"]


def test_jobs_are_listed_a_page_at_a_time_newest_first(desk: Any) -> None:
    names = [desk.train(TrainingJobName=f"listed-{number}")["TrainingJobName"] for number in range(3)]
    first = desk.sagemaker.list_training_jobs(NameContains="listed", MaxResults=2)
    second = desk.sagemaker.list_training_jobs(NameContains="listed", MaxResults=2, NextToken=first["NextToken"])
    told = [job["TrainingJobName"] for page in (first, second) for job in page["TrainingJobSummaries"]]
    assert told == names[::-1]
    assert not desk.sagemaker.list_training_jobs(NameContains="listed", StatusEquals="Failed")["TrainingJobSummaries"]


def test_tags_are_kept(desk: Any) -> None:
    arn = desk.train(Tags=[{"Key": "team", "Value": "sales"}])["TrainingJobArn"]
    desk.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "7"}])
    desk.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert desk.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "7"}]
