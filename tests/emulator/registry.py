"""What the emulator remembers: jobs, models and endpoints by name, their states and their tags."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import Any

from .errors import ServiceError

JOB_TAKEN = "{name} must be unique within an AWS account and region, and a job with this name already exists ({arn})"


@dataclass(frozen=True)
class Kind:
    """One kind of resource: its noun in the API, its part of an ARN, and AWS's sentences about it."""

    noun: str
    path: str
    missing: str
    taken: str
    taken_code: str = "ValidationException"
    missing_code: str = "ValidationException"


def job_kind(noun: str, path: str, missing: str) -> Kind:
    return Kind(noun, path, missing, JOB_TAKEN, "ResourceInUse")


def part_kind(noun: str, path: str, words: str) -> Kind:
    return Kind(noun, path, f'Could not find {words} "{{arn}}".', f'Cannot create already existing {words} "{{arn}}".')


def registered_kind(noun: str, path: str) -> Kind:
    return Kind(noun, path, f"{noun} {{arn}} does not exist.", f"{noun} already exists: {{arn}}")


TRAINING = job_kind("TrainingJob", "training-job", "Requested resource not found.")
TRANSFORM = job_kind("TransformJob", "transform-job", "Could not find requested job with name: {name}")
TUNING = job_kind(
    "HyperParameterTuningJob", "hyper-parameter-tuning-job", "Could not find requested job with name: {name}"
)
MODEL = part_kind("Model", "model", "model")
CONFIG = part_kind("EndpointConfig", "endpoint-config", "endpoint configuration")
ENDPOINT = part_kind("Endpoint", "endpoint", "endpoint")
PROCESSING = job_kind("ProcessingJob", "processing-job", "Could not find requested job with name: {name}")
GROUP = registered_kind("ModelPackageGroup", "model-package-group")
PACKAGE = registered_kind("ModelPackage", "model-package")
PIPELINE = Kind(
    *("Pipeline", "pipeline", "Pipeline '{arn}' does not exist."),
    "Pipeline names must be unique within an AWS account and region. Pipeline with name ({arn}) already exists.",
    missing_code="ResourceNotFound",
)
EXECUTION = Kind("PipelineExecution", "pipeline", "Execution '{arn}' does not exist.", "", "", "ResourceNotFound")
LISTED_ALIKE = (TRAINING, TRANSFORM, TUNING, PROCESSING, MODEL, CONFIG, ENDPOINT, GROUP)
KINDS = (*LISTED_ALIKE, PACKAGE, PIPELINE, EXECUTION)


@dataclass
class Resource:
    """One job, model, configuration or endpoint."""

    kind: Kind
    name: str
    arn: str
    request: dict[str, Any]
    state: dict[str, Any] = field(default_factory=dict)
    stop: threading.Event = field(default_factory=threading.Event)
    interrupt: threading.Event = field(default_factory=threading.Event)  # a spot instance is taken away
    parts: dict[str, Any] = field(default_factory=dict)  # what runs for it
    lock: threading.Lock = field(default_factory=threading.Lock)  # of parts, where they are exchanged

    @property
    def status(self) -> str:
        return str(self.state.get(f"{self.kind.noun}Status", ""))

    def set(self, **changes: Any) -> None:
        """Change the described state; one assignment, so that a reader never sees half of it."""
        self.state = {**self.state, **changes, "LastModifiedTime": time.time()}

    def set_status(self, status: str, **changes: Any) -> None:
        self.set(**{f"{self.kind.noun}Status": status}, **changes)

    def enter(self, secondary: str, message: str) -> None:
        """Enter a secondary status of a training job, closing the one before."""
        now = time.time()
        past = [dict(step) for step in self.state.get("SecondaryStatusTransitions", [])]
        if past:
            past[-1].setdefault("EndTime", now)
        past.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
        self.set(SecondaryStatus=secondary, SecondaryStatusTransitions=past)

    def describe(self) -> dict[str, Any]:
        return {**self.request, **self.state}


class Registry:
    """The resources of one region; each method may be called from any thread."""

    def __init__(self, region: str, account: str) -> None:
        self.region, self.account = region, account
        self.tags: dict[str, dict[str, str]] = {}
        self._lock = threading.RLock()
        self._by_kind: dict[str, dict[str, Resource]] = {kind.noun: {} for kind in KINDS}

    def arn(self, kind: Kind, name: str) -> str:
        return f"arn:aws:sagemaker:{self.region}:{self.account}:{kind.path}/{name}"

    def make(self, kind: Kind, request: dict[str, Any], **state: Any) -> Resource:
        """Record a new resource; raise AWS's error where the name is taken."""
        name = request[f"{kind.noun}Name"]
        with self._lock:
            if name in self._by_kind[kind.noun]:
                message = kind.taken.format(arn=self.arn(kind, name), name=f"{kind.noun} names")
                raise ServiceError(kind.taken_code, message)
            resource = Resource(kind, name, self.arn(kind, name), request)
            resource.set(**{f"{kind.noun}Arn": resource.arn, "CreationTime": time.time(), **state})
            self._by_kind[kind.noun][name] = resource
            self.tags[resource.arn] = {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}
            return resource

    def find(self, kind: Kind, name: str) -> Resource:
        with self._lock:
            if name not in self._by_kind[kind.noun]:
                raise ServiceError(kind.missing_code, kind.missing.format(arn=self.arn(kind, name), name=name))
            return self._by_kind[kind.noun][name]

    def forget(self, resource: Resource) -> None:
        with self._lock:
            self._by_kind[resource.kind.noun].pop(resource.name, None)
            self.tags.pop(resource.arn, None)

    def of(self, kind: Kind) -> list[Resource]:
        """All of a kind, in the order of their making."""
        with self._lock:
            return list(self._by_kind[kind.noun].values())

    def all(self) -> list[Resource]:
        return [resource for kind in KINDS for resource in self.of(kind)]
