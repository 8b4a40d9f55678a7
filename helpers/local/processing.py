"""One processing job: inputs brought to where the request says, its command, and its outputs taken away."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .files import bring, path_of
from .job import Job
from .training import resource_config

OPT_ML = "/opt/ml/"
REASON = "AlgorithmError: See job logs for more information"
MESSAGE_CHARACTERS = 1024  # what ExitMessage holds


def run_processing(job: Job) -> None:
    """Run a processing job to its end; whatever happens is in the job's state, nothing is raised."""
    try:
        write_tree(job)
        job.set(ProcessingStartTime=datetime.now(UTC))
        code, timed_out = job.run(command(job.request, job.base), environment(job.request, job.base))
        if job.stop.is_set() or timed_out:
            end(job, "Stopped")
        elif code:
            end(job, "Failed", FailureReason=f"{REASON}, exit code: {code if code > 0 else 128 - code}")
        else:
            upload(job)
            end(job, "Completed")
    except Exception as error:
        end(job, "Failed", FailureReason=f"InternalServerError: {error}")


def write_tree(job: Job) -> None:
    """Bring the inputs, make the folders of the outputs, and write the two files of `config`."""
    request, base = job.request, job.base
    for folder in ("config", "output"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    for entry in request.get("ProcessingInputs", []):
        source = entry["S3Input"]
        target = Path(moved(source["LocalPath"], base))
        target.mkdir(parents=True, exist_ok=True)
        bring(path_of(source["S3Uri"]), target)
    for output in outputs(request):
        Path(moved(output["LocalPath"], base)).mkdir(parents=True, exist_ok=True)
    kind = request["ProcessingResources"]["ClusterConfig"]["InstanceType"]
    for name, content in (("processingjobconfig", request), ("resourceconfig", resource_config(kind))):
        (base / "config" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")


def outputs(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the outputs of a request."""
    return [output["S3Output"] for output in request.get("ProcessingOutputConfig", {}).get("Outputs", [])]


def moved(word: str, base: Path) -> str:
    """Return a word of the command, or a variable: a path below `/opt/ml` lies below the job's own folder."""
    return f"{base}/{word.removeprefix(OPT_ML)}" if word.startswith(OPT_ML) else word


def command(request: dict[str, Any], base: Path) -> list[str]:
    """Return the words of the command, with this Python for any."""
    told = request["AppSpecification"]
    words = [moved(word, base) for word in (*told["ContainerEntrypoint"], *told.get("ContainerArguments", []))]
    return [sys.executable if words[0] in ("python", "python3") else words[0], *words[1:]]


def environment(request: dict[str, Any], base: Path) -> dict[str, str]:
    """Return the variables of a request, where they are paths below the job's own folder."""
    return {name: moved(value, base) for name, value in request.get("Environment", {}).items()}


def upload(job: Job) -> None:
    """Copy each output to where the request wants it."""
    for output in outputs(job.request):
        bring(Path(moved(output["LocalPath"], job.base)), path_of(output["S3Uri"]))


def end(job: Job, status: str, **changes: Any) -> None:
    """Close the job, with what it has left in `output/message`."""
    message = job.base / "output/message"
    told = {"ExitMessage": message.read_text(encoding="utf-8")[:MESSAGE_CHARACTERS]} if message.is_file() else {}
    job.set(ProcessingJobStatus=status, ProcessingEndTime=datetime.now(UTC), **told, **changes)
