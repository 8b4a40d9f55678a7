"""What the local client remembers: jobs, models and endpoints by name, each as Describe… returns it."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import contextlib
import copy
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .checks import check
from .errors import refused
from .programs import POLL_S, Program

REGION = "local"
ACCOUNT = "000000000000"
DEFAULT_RUNTIME_S = 86_400
STOP_GRACE_S = 120.0  # between SIGTERM and SIGKILL of a job's program
KINDS = {
    "TrainingJob": "training-job",
    "HyperParameterTuningJob": "hyper-parameter-tuning-job",
    "TransformJob": "transform-job",
    "ProcessingJob": "processing-job",
    "ModelPackageGroup": "model-package-group",
    "ModelPackage": "model-package",
    "Pipeline": "pipeline",
    "PipelineExecution": "pipeline",
    "Model": "model",
    "EndpointConfig": "endpoint-config",
    "Endpoint": "endpoint",
}


@dataclass
class Job:
    """One job, model or endpoint: the request that made it, its folder, its program, and its state."""

    name: str
    request: dict[str, Any]
    folder: Path
    state: dict[str, Any] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    program: Program | None = None
    coming: Program | None = None  # of an endpoint that is being updated: the server that will take over
    steps: list[dict[str, Any]] = field(default_factory=list)  # of a pipeline's execution, as they are told

    @property
    def base(self) -> Path:
        """Its `/opt/ml`."""
        return self.folder / "opt-ml"

    @property
    def log(self) -> Path:
        """What its program printed."""
        return self.folder / "log.txt"

    def set(self, **changes: Any) -> None:
        """Change the described state; one assignment, so that a reader never sees half of it."""
        self.state = {**self.state, **changes, "LastModifiedTime": datetime.now(UTC)}

    def enter(self, secondary: str, message: str) -> None:
        """Enter a secondary status of a training job, closing the one before."""
        now = datetime.now(UTC)
        past = [dict(step) for step in self.state.get("SecondaryStatusTransitions", [])]
        if past:
            past[-1].setdefault("EndTime", now)
        past.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        self.set(SecondaryStatus=secondary, SecondaryStatusTransitions=past)

    def describe(self) -> dict[str, Any]:
        """Return what Describe… answers: the request, and the state over it."""
        return copy.deepcopy({**self.request, **self.state})

    def start(self, work: Callable[[], None]) -> None:
        """Do `work` on a thread of its own."""
        threading.Thread(target=work, name=self.name, daemon=True).start()

    def run(self, command: Path | Sequence[str], environment: Mapping[str, str]) -> tuple[int, bool]:
        """Run its program until it ends, is stopped or has had its time; return the exit code, and whether time was up.

        command: one of the container's programs, or the words of any other.
        """
        seconds = self.request.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", DEFAULT_RUNTIME_S)
        limit = time.monotonic() + seconds
        program = self.program = Program(command, self.base, self.log, environment)
        while program.running and not self.stop.is_set() and time.monotonic() < limit:
            time.sleep(POLL_S)
        timed_out = program.running and not self.stop.is_set()
        return program.stop(STOP_GRACE_S), timed_out


class Registry:
    """Jobs, models and endpoints by kind and name, below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._jobs: dict[str, dict[str, Job]] = {noun: {} for noun in KINDS}

    def __iter__(self) -> Iterator[Job]:
        return (job for jobs in list(self._jobs.values()) for job in list(jobs.values()))

    def of(self, noun: str) -> list[Job]:
        """Return all of a kind, in the order of their making."""
        return list(self._jobs[noun].values())

    def make(self, noun: str, request: dict[str, Any], **state: Any) -> Job:
        """Record a new one; raise ResourceInUse if its name is taken."""
        name = request[f"{noun}Name"]
        if name in self._jobs[noun]:
            raise refused(f"Create{noun}", f'{noun} "{arn(noun, name)}" already exists.', "ResourceInUse")
        job = Job(name, copy.deepcopy(request), self.root / KINDS[noun] / name)
        job.base.mkdir(parents=True)
        job.set(**{f"{noun}Arn": arn(noun, name), "CreationTime": datetime.now(UTC), **state})
        self._jobs[noun][name] = job
        return job

    def find(self, operation: str, noun: str, request: dict[str, Any]) -> Job:
        """Return the one that a request names; raise ClientError if there is none."""
        check(operation, request)
        return self.named(operation, noun, request[f"{noun}Name"])

    def named(self, operation: str, noun: str, name: str) -> Job:
        """Return the one of that name; raise ClientError if there is none."""
        if name not in self._jobs[noun]:
            raise refused(operation, f'Could not find {KINDS[noun]} "{arn(noun, name)}".')
        return self._jobs[noun][name]

    def stop(self, noun: str, request: dict[str, Any]) -> None:
        """Ask the job that a request names to stop; raise ClientError if it has ended."""
        job = self.find(f"Stop{noun}", noun, request)
        status = job.state[f"{noun}Status"]
        if status != "InProgress":
            raise refused(f"Stop{noun}", f"The request was rejected because the job is in status {status}.")
        job.set(**{f"{noun}Status": "Stopping"})
        job.stop.set()

    def forget(self, operation: str, noun: str, request: dict[str, Any]) -> None:
        """Remove the one that a request names, and its folder."""
        self.remove(noun, self.find(operation, noun, request))

    def remove(self, noun: str, job: Job) -> None:
        """Remove one, and its folder."""
        del self._jobs[noun][job.name]
        shutil.rmtree(job.folder, ignore_errors=True)

    def close(self, grace_s: float) -> None:
        """Stop every program still running, all at once."""
        programs = [program for job in self for program in (job.program, job.coming) if program is not None]
        for job in self:
            job.stop.set()
        for program in programs:
            with contextlib.suppress(ProcessLookupError):
                program.process.terminate()
        for program in programs:
            program.stop(grace_s)


def arn(noun: str, name: str) -> str:
    """Return a resource name in the service's form."""
    return f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{KINDS[noun]}/{name}"
