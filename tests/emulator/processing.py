"""Processing jobs: a command run in an image over files of S3, and what it leaves taken to S3."""

from __future__ import annotations

import functools
import json
import time
import traceback
from pathlib import Path
from typing import Any

from .cluster import GROUP
from .errors import JobError, invalid, not_emulated
from .logs import Log
from .registry import PROCESSING, Resource
from .rules import check_image, check_output, check_role, check_source
from .runners import OPT_ML, Launch, moved
from .service import Service
from .training import BAD_IMAGE, DEFAULT_RUNTIME_S

LOG_GROUP = "/aws/sagemaker/ProcessingJobs"
REASON = "AlgorithmError: See job logs for more information"
PLACE = f"{OPT_ML}processing/"
MESSAGE_CHARACTERS = 1024
HOST = "algo-1"


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateProcessingJob: returns at once, the job runs on a thread."""
    check(service, request)
    job = service.registry.make(PROCESSING, request, ProcessingJobStatus="InProgress")
    service.background(functools.partial(run, service, job))
    return {"ProcessingJobArn": job.arn}


def check(service: Service, request: dict[str, Any]) -> None:
    """Raise the error that AWS gives for a job that it would not start, and our own for what is not covered."""
    if request["ProcessingResources"]["ClusterConfig"]["InstanceCount"] != 1:
        raise not_emulated("A processing job on several hosts")
    if "ContainerEntrypoint" not in request["AppSpecification"]:
        raise not_emulated("A processing job without a ContainerEntrypoint")
    if "ExperimentConfig" in request:
        raise not_emulated("ExperimentConfig")
    check_role(service, request["RoleArn"])
    check_image(service, request["AppSpecification"]["ImageUri"], request["RoleArn"], BAD_IMAGE)
    check_inputs(service, request)
    for output in outputs(request):
        if "S3Output" not in output or output["S3Output"]["S3UploadMode"] != "EndOfJob" or output.get("AppManaged"):
            raise not_emulated("An output to anything but S3, or before the end of the job")
        check_place(output["OutputName"], output["S3Output"])
        check_output(service, output["S3Output"]["S3Uri"], request["RoleArn"])


def check_inputs(service: Service, request: dict[str, Any]) -> None:
    names = [entry["InputName"] for entry in request.get("ProcessingInputs", [])]
    if len(set(names)) < len(names):
        raise invalid("Input names must be unique within a processing job.")
    for entry in request.get("ProcessingInputs", []):
        source = entry.get("S3Input", {})
        if not source or entry.get("AppManaged"):
            raise not_emulated("An input of anything but S3")
        if source.get("S3InputMode", "File") != "File" or source.get("S3CompressionType", "None") != "None":
            raise not_emulated("An input in Pipe mode, or compressed")
        check_place(entry["InputName"], source)
        check_source(service, source, request["RoleArn"])


def check_place(name: str, part: dict[str, Any]) -> None:
    if not part.get("LocalPath", "").startswith(PLACE):
        raise not_emulated(f"A LocalPath that is not below {PLACE}, as that of {name}")


def outputs(request: dict[str, Any]) -> list[dict[str, Any]]:
    return list(request.get("ProcessingOutputConfig", {}).get("Outputs", []))


def run(service: Service, job: Resource) -> None:
    """Run a job to its end; whatever happens is in its state, nothing is raised."""
    try:
        with service.folder(job.request["AppSpecification"]["ImageUri"]) as folder:
            process(service, job, folder)
    except JobError as error:
        end(job, "Failed", FailureReason=str(error))
    except Exception as error:
        traceback.print_exc()
        end(job, "Failed", FailureReason=f"InternalServerError: {error!r}"[:MESSAGE_CHARACTERS])


def process(service: Service, job: Resource, folder: Path) -> None:
    lay_out(service, job.request, folder)
    log = service.log(LOG_GROUP, f"{job.name}/{HOST}-{time.time_ns() // 10**6}")
    job.set(ProcessingStartTime=time.time())
    code, ended = work(service, job, folder, log)
    message = folder / "output/message"
    told = message.read_text(encoding="utf-8", errors="replace")[:MESSAGE_CHARACTERS] if message.is_file() else ""
    exited = {"ExitMessage": told} if told else {}
    if not ended:
        end(job, "Stopped", **exited)
    elif code:
        end(job, "Failed", FailureReason=f"{REASON}, exit code: {code}", **exited)
    else:
        for output in outputs(job.request):
            place = Path(moved(output["S3Output"]["LocalPath"], folder))
            service.storage.store(place, output["S3Output"]["S3Uri"])
        end(job, "Completed", **exited)


def lay_out(service: Service, request: dict[str, Any], folder: Path) -> None:
    """Make the tree of the job: its inputs, the folders of its outputs, and the two files of `config`."""
    for name in ("config", "output"):
        (folder / name).mkdir()
    for entry in request.get("ProcessingInputs", []):
        source = entry["S3Input"]
        service.storage.fetch(service.storage.sources(source), Path(moved(source["LocalPath"], folder)))
    for output in outputs(request):
        Path(moved(output["S3Output"]["LocalPath"], folder)).mkdir(parents=True, exist_ok=True)
    kind = request["ProcessingResources"]["ClusterConfig"]["InstanceType"]
    group = {"instance_group_name": GROUP, "instance_type": kind, "hosts": [HOST]}
    resources = {"current_host": HOST, "current_instance_type": kind, "hosts": [HOST], "instance_groups": [group]}
    for name, content in (("processingjobconfig", request), ("resourceconfig", resources)):
        (folder / "config" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def work(service: Service, job: Resource, folder: Path, log: Log) -> tuple[int, bool]:
    """Run the command; return its exit code, and whether it ended by itself."""
    isolated = bool(job.request.get("NetworkConfig", {}).get("EnableNetworkIsolation"))
    network = f"{job.name}-network" if isolated else ""
    if network:
        service.runner.open_network(network, isolated=True)
    program = None
    try:
        program = service.runner.start(launch(service, job, folder, network))
        if program.process.stdout:
            log.follow(program.process.stdout)
        seconds = job.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S)
        limit = time.monotonic() + seconds
        while program.process.poll() is None and not job.stop.is_set() and time.monotonic() < limit:
            time.sleep(service.limits.poll_s)
        ended = program.process.poll() is not None
        return program.stop(service.limits.train_grace_s), ended
    finally:
        if program:
            program.stop(0)
        log.join()
        if network:
            service.runner.close_network(network)


def launch(service: Service, job: Resource, folder: Path, network: str) -> Launch:
    told = job.request["AppSpecification"]
    return Launch(
        name=f"{job.name}-{HOST}",
        image=told["ImageUri"],
        program="",
        root=folder,
        environment={**job.request.get("Environment", {}), "AWS_REGION": service.region},
        hostname=HOST,
        network=network,
        entrypoint=tuple(told["ContainerEntrypoint"]),
        arguments=tuple(told.get("ContainerArguments", ())),
    )


def end(job: Resource, status: str, **changes: Any) -> None:
    job.set_status(status, ProcessingEndTime=time.time(), **changes)
