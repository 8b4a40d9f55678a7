"""One training job: the `/opt/ml` that the platform makes, `train` over it, and what is taken out of it."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .files import bring, pack, path_of
from .job import Job

FAILURE_CHARACTERS = 1024  # what FailureReason holds
HOST = "algo-1"


def run_training(job: Job, train: Path, region: str) -> None:
    """Run a training job to its end; whatever happens is in the job's state, nothing is raised."""
    try:
        job.enter("Downloading", "Downloading input data")
        write_tree(job)
        job.enter("Training", "Training in progress")
        job.set(TrainingStartTime=datetime.now(UTC))
        code, timed_out = job.run(train, environment(job, region))
        job.enter("Uploading", "Uploading generated training model")
        job.set(FinalMetricDataList=final_metrics(job))
        upload(job, model=code == 0 or job.stop.is_set() or timed_out)
        finish(job, code, timed_out)
    except Exception as error:
        end(job, "Failed", "Failed", FailureReason=f"InternalServerError: {error}")


def write_tree(job: Job) -> None:
    """Write `input/config` and `input/data`, and make the folders that the program fills."""
    request, base = job.request, job.base
    for folder in ("input/config", "input/data", "model", "output/data"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    channels = request.get("InputDataConfig", [])
    for channel in channels:
        bring_channel(channel, base / "input/data")
    write_json(base, "hyperparameters", request.get("HyperParameters", {}))
    write_json(base, "inputdataconfig", {channel["ChannelName"]: channel_config(channel) for channel in channels})
    write_json(base, "resourceconfig", resource_config(request["ResourceConfig"]["InstanceType"]))


def write_json(base: Path, name: str, content: dict[str, Any]) -> None:
    """Write one of the files of `input/config`."""
    (base / "input/config" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def bring_channel(channel: dict[str, Any], data: Path) -> None:
    """Fill a channel's folder (links for FastFile, which is read-only) and write the manifest beside it."""
    name = channel["ChannelName"]
    uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
    (data / name).mkdir()
    bring(path_of(uri), data / name, link=channel.get("InputMode") == "FastFile")
    (data / f"{name}-manifest").write_text(json.dumps([{"prefix": uri}]), encoding="utf-8")


def channel_config(channel: dict[str, Any]) -> dict[str, str]:
    """Return a channel's entry in `inputdataconfig.json`."""
    config = {
        "TrainingInputMode": channel.get("InputMode", "File"),
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {**config, **({"ContentType": channel["ContentType"]} if "ContentType" in channel else {})}


def resource_config(instance_type: str) -> dict[str, Any]:
    """Return `resourceconfig.json` of a job on one host."""
    group = "homogeneousCluster"
    return {
        "current_host": HOST,
        "current_instance_type": instance_type,
        "current_group_name": group,
        "hosts": [HOST],
        "instance_groups": [{"instance_group_name": group, "instance_type": instance_type, "hosts": [HOST]}],
        "network_interface_name": "eth0",
    }


def environment(job: Job, region: str) -> dict[str, str]:
    """Return the variables that the platform sets for `train`, over those of the request."""
    return {
        **job.request.get("Environment", {}),
        "TRAINING_JOB_NAME": job.name,
        "TRAINING_JOB_ARN": job.state["TrainingJobArn"],
        "AWS_REGION": region,
    }


def final_metrics(job: Job) -> list[dict[str, Any]]:
    """Return the last number that each of the job's regular expressions finds in its output."""
    text = job.log.read_text(encoding="utf-8", errors="replace")
    found = []
    for metric in job.request["AlgorithmSpecification"].get("MetricDefinitions", []):
        numbers = [
            value for match in re.finditer(metric["Regex"], text) if (value := number_of(match.group(1))) is not None
        ]
        if numbers:
            found.append({"MetricName": metric["Name"], "Value": numbers[-1], "Timestamp": datetime.now(UTC)})
    return found


def number_of(text: str) -> float | None:
    """Return a finite number, or None for anything else that a regular expression may have caught."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def upload(job: Job, *, model: bool) -> None:
    """Write `output.tar.gz`, and `model.tar.gz` where there is a model to keep, below the job's output path."""
    output = path_of(job.request["OutputDataConfig"]["S3OutputPath"]) / job.name / "output"
    if any((job.base / "output/data").iterdir()):
        pack(job.base / "output/data", output / "output.tar.gz")
    if model and any((job.base / "model").iterdir()):
        pack(job.base / "model", output / "model.tar.gz")
        job.set(ModelArtifacts={"S3ModelArtifacts": (output / "model.tar.gz").as_uri()})


def finish(job: Job, code: int, timed_out: bool) -> None:
    """Set the last status: stopped and timed-out jobs are `Stopped`, whatever the exit code."""
    if timed_out:
        end(job, "Stopped", "MaxRuntimeExceeded")
    elif job.stop.is_set():
        end(job, "Stopped", "Stopped")
    elif code:
        end(job, "Failed", "Failed", FailureReason=failure_reason(job.base, code))
    else:
        end(job, "Completed", "Completed")


def end(job: Job, status: str, secondary: str, **changes: Any) -> None:
    """Close the job."""
    now = datetime.now(UTC)
    job.enter(secondary, changes.get("FailureReason", f"Training job {status.lower()}"))
    job.set(TrainingJobStatus=status, TrainingEndTime=now, **changes)


def failure_reason(base: Path, code: int) -> str:
    """Return the platform's sentence, of at most 1,024 characters, from what the program left in `output/failure`."""
    file, told = base / "output/failure", "no failure file was written"
    if file.exists():
        told = file.read_text(encoding="utf-8", errors="replace").strip()
    exit_code = f", exit code: {code if code > 0 else 128 - code}"  # killed by signal n: 128 + n, as Docker says
    return f"AlgorithmError: {told}"[: FAILURE_CHARACTERS - len(exit_code)] + exit_code
