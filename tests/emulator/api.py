"""The operations of SageMaker that are emulated, by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import endpoints, hosting, listing, packages, pipelines, processing, training, transform, tuning
from .errors import ServiceError
from .registry import CONFIG, LISTED_ALIKE, MODEL, PROCESSING, TRAINING, TRANSFORM, Kind
from .service import Service
from .shapes import check, keep, service_model

Operation = Callable[[Service, dict[str, Any]], dict[str, Any]]


def describing(kind: Kind) -> Operation:
    return lambda service, request: listing.describe(service, kind, request)


def listing_all(kind: Kind) -> Operation:
    return lambda service, request: listing.list_all(service, kind, f"List{kind.noun}s", request)


def forgetting(kind: Kind) -> Operation:
    return lambda service, request: listing.forget(service, kind, request)


def stopping(kind: Kind) -> Operation:
    return lambda service, request: listing.stop(service, kind, request)


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": training.create,
    "CreateTransformJob": transform.create,
    "CreateHyperParameterTuningJob": tuning.create,
    "StopHyperParameterTuningJob": tuning.stop,
    "ListTrainingJobsForHyperParameterTuningJob": tuning.list_jobs,
    "CreateModel": hosting.create_model,
    "CreateEndpointConfig": endpoints.create_config,
    "CreateEndpoint": endpoints.create,
    "UpdateEndpoint": endpoints.update,
    "UpdateEndpointWeightsAndCapacities": endpoints.update_weights,
    "DeleteEndpoint": endpoints.delete,
    "AddTags": listing.add_tags,
    "DeleteTags": listing.delete_tags,
    "ListTags": listing.list_tags,
    "CreateProcessingJob": processing.create,
    "CreateModelPackageGroup": packages.create_group,
    "DeleteModelPackageGroup": packages.delete_group,
    "CreateModelPackage": packages.create,
    "DescribeModelPackage": packages.describe,
    "UpdateModelPackage": packages.update,
    "DeleteModelPackage": packages.delete,
    "ListModelPackages": packages.list_all,
    "CreatePipeline": pipelines.create,
    "UpdatePipeline": pipelines.update,
    "DescribePipeline": pipelines.describe,
    "DeletePipeline": pipelines.delete,
    "ListPipelines": pipelines.list_all,
    "StartPipelineExecution": pipelines.start,
    "StopPipelineExecution": pipelines.stop,
    "DescribePipelineExecution": pipelines.describe_execution,
    "ListPipelineExecutions": pipelines.list_executions,
    "ListPipelineExecutionSteps": pipelines.list_steps,
    **{f"Describe{kind.noun}": describing(kind) for kind in LISTED_ALIKE},
    **{f"List{kind.noun}s": listing_all(kind) for kind in LISTED_ALIKE},
    **{f"Delete{kind.noun}": forgetting(kind) for kind in (MODEL, CONFIG)},
    **{f"Stop{kind.noun}": stopping(kind) for kind in (TRAINING, TRANSFORM, PROCESSING)},
}

# Records that nothing runs for: moto keeps them, and they are not checked here.
KEPT_BY_MOTO = re.compile(
    r"(Create|Describe|Delete|Update|List|Associate|Disassociate)"
    r"(ModelCard|Experiment|Trial|TrialComponent)s?"
)


def call(service: Service, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Check a request, carry it out, and return what the operation's model knows of the answer."""
    if operation not in OPERATIONS:
        known = operation in service_model().operation_names
        told = "is not covered by the emulator (see tests/emulator/README.md)" if known else "does not exist"
        raise ServiceError("UnknownOperationException", f"{operation} {told}.")
    check(operation, request)
    return keep(operation, OPERATIONS[operation](service, request))
