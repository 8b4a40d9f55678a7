"""Training jobs: checked, run on a cluster, and their outputs taken to S3."""

from __future__ import annotations

import functools
import math
import re
import shutil
import time
import traceback
from pathlib import Path
from typing import Any

from .channels import check_channels
from .checkpoints import DEFAULT_PATH
from .cluster import Cluster, Host, Outcome
from .errors import JobError, invalid, not_emulated
from .registry import TRAINING, Resource
from .rules import check_image, check_output, check_role
from .service import Service

FAILURE_CHARACTERS = 1024  # what FailureReason holds
DEFAULT_RUNTIME_S = 86_400
BAD_IMAGE = (
    "Invalid training image. Please provide a valid Amazon Elastic Container Registry path of the Docker image to run."
)
UNCOVERED = ("RetryStrategy", "ModelPackageConfig", "ServerlessJobConfig")


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTrainingJob: returns at once, the job runs on a thread."""
    check(service, request)
    job = service.registry.make(
        TRAINING, request, TrainingJobStatus="InProgress", ModelArtifacts={"S3ModelArtifacts": ""}
    )
    launch(service, job)
    return {"TrainingJobArn": job.arn}


def launch(service: Service, job: Resource) -> None:
    job.enter("Starting", "Preparing the instances for training")
    service.background(functools.partial(run, service, job))


def check(service: Service, request: dict[str, Any]) -> None:
    """Raise the error that AWS gives for a job that it would not start."""
    for member in UNCOVERED:
        if member in request:
            raise not_emulated(member)
    algorithm, resources = request["AlgorithmSpecification"], request.get("ResourceConfig", {})
    if "AlgorithmName" in algorithm or "InstanceGroups" in resources:
        raise not_emulated("AlgorithmName" if "AlgorithmName" in algorithm else "InstanceGroups")
    if not resources.get("InstanceType") or resources.get("InstanceCount", 0) < 1:
        raise invalid("ResourceConfig must have an InstanceType and an InstanceCount of at least 1.")
    check_times(request)
    check_role(service, request["RoleArn"])
    check_image(service, algorithm.get("TrainingImage", ""), request["RoleArn"], BAD_IMAGE)
    check_checkpoints(service, request)
    check_channels(service, request)
    check_output(service, request["OutputDataConfig"]["S3OutputPath"], request["RoleArn"])


def check_times(request: dict[str, Any]) -> None:
    condition = request["StoppingCondition"]
    wait_s, run_s = condition.get("MaxWaitTimeInSeconds"), condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S)
    if request.get("EnableManagedSpotTraining") and (wait_s is None or wait_s < run_s):
        raise invalid(
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        )
    if wait_s is not None and not request.get("EnableManagedSpotTraining"):
        raise invalid("MaxWaitTimeInSeconds above 0 is not supported when EnableManagedSpotTraining is False")


def check_checkpoints(service: Service, request: dict[str, Any]) -> None:
    config = request.get("CheckpointConfig")
    if config:
        check_output(service, config["S3Uri"], request["RoleArn"])
        inside = config.get("LocalPath", DEFAULT_PATH).startswith("/opt/ml/")
        if service.runner.name == "processes" and not inside:
            raise not_emulated("A checkpoint folder outside /opt/ml, without containers")


def run(service: Service, job: Resource) -> None:
    """Run a job to its end; whatever happens is in its state, nothing is raised."""
    try:
        with service.folder(job.request["AlgorithmSpecification"]["TrainingImage"]) as folder:
            train(service, job, folder)
    except JobError as error:
        end(job, "Failed", "Failed", FailureReason=str(error)[:FAILURE_CHARACTERS])
    except Exception as error:
        traceback.print_exc()
        end(job, "Failed", "Failed", FailureReason=f"InternalServerError: {error!r}"[:FAILURE_CHARACTERS])


def train(service: Service, job: Resource, folder: Path) -> None:
    """Try until a try was not interrupted, as a spot instance is; then take the outputs out of the last one."""
    condition = job.request["StoppingCondition"]
    limit = time.monotonic() + condition.get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S)
    attempt = 0
    while True:
        attempt += 1
        cluster = Cluster(service, job, folder / str(attempt), attempt)
        outcome = run_cluster(job, cluster, limit)
        if outcome.how != "interrupted":
            break
        job.interrupt.clear()
        job.enter("Interrupted", "Training job interrupted")
        job.enter("Starting", "Preparing the instances for training")
    job.enter("Uploading", "Uploading generated training model")
    job.set(FinalMetricDataList=final_metrics(job, cluster.hosts))
    finish(service, job, cluster, outcome, folder)


def run_cluster(job: Resource, cluster: Cluster, limit: float) -> Outcome:
    job.enter("Downloading", "Downloading input data")
    cluster.prepare()
    try:
        cluster.start()
        job.enter("Training", "Training image download completed. Training in progress.")
        job.set(TrainingStartTime=job.state.get("TrainingStartTime", time.time()))
        return cluster.wait(limit)
    except BaseException:
        cluster.end()
        raise


def finish(service: Service, job: Resource, cluster: Cluster, outcome: Outcome, folder: Path) -> None:
    """Upload what is to be kept, and set the last status: stopped jobs are `Stopped`, whatever their exit code."""
    upload(service, job, cluster.hosts, folder, model=outcome.bad is None)
    if outcome.how == "time":
        end(job, "Stopped", "MaxRuntimeExceeded")
    elif outcome.how == "stopped":
        end(job, "Stopped", "Stopped")
    elif outcome.bad:
        end(job, "Failed", "Failed", FailureReason=failure_reason(outcome.bad))
    else:
        end(job, "Completed", "Completed")


def end(job: Resource, status: str, secondary: str, **changes: Any) -> None:
    now = time.time()
    job.enter(secondary, changes.get("FailureReason", f"Training job {status.lower()}"))
    seconds = round(now - job.state.get("TrainingStartTime", now))
    job.set_status(status, TrainingEndTime=now, TrainingTimeInSeconds=seconds, BillableTimeInSeconds=seconds, **changes)


def upload(service: Service, job: Resource, hosts: list[Host], folder: Path, *, model: bool) -> None:
    """Merge the hosts' outputs and upload them: `output` always, `model` where there is one to keep."""
    config = job.request["OutputDataConfig"]
    place = f"{config['S3OutputPath'].rstrip('/')}/{job.name}/output"
    put = service.storage.store if config.get("CompressionType") == "NONE" else service.storage.pack
    ending = "/" if config.get("CompressionType") == "NONE" else ".tar.gz"
    output = merged(hosts, "output/data", folder / "merged-output")
    if any(output.iterdir()):
        put(output, f"{place}/output{ending}")
    if model:
        put(merged(hosts, "model", folder / "merged-model"), f"{place}/model{ending}")
        job.set(ModelArtifacts={"S3ModelArtifacts": f"{place}/model{ending}"})


def merged(hosts: list[Host], part: str, target: Path) -> Path:
    for host in hosts:
        shutil.copytree(host.root / part, target, dirs_exist_ok=True)
    return target


def final_metrics(job: Resource, hosts: list[Host]) -> list[dict[str, Any]]:
    """The last number that each of the job's regular expressions finds in what the hosts printed."""
    lines = [line for host in hosts if host.log for line in host.log.lines]
    found = []
    for metric in job.request["AlgorithmSpecification"].get("MetricDefinitions", []):
        pattern = re.compile(metric["Regex"])
        numbers = [
            number for line in lines for match in pattern.finditer(line) if (number := number_of(match)) is not None
        ]
        if numbers:
            found.append({"MetricName": metric["Name"], "Value": numbers[-1], "Timestamp": time.time()})
    return found


def number_of(match: re.Match[str]) -> float | None:
    try:
        value = float(match.group(1))
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) else None


def failure_reason(host: Host) -> str:
    """The platform's sentence from what the program left in `output/failure`, with its exit code."""
    file, ending = host.root / "output/failure", f", exit code: {host.code}"
    told = file.read_text(encoding="utf-8", errors="replace").strip() if file.exists() else ""
    return f"AlgorithmError: {told}"[: FAILURE_CHARACTERS - len(ending)] + ending
