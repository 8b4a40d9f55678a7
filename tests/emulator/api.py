"""The operations of SageMaker that are emulated, by name."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from . import endpoints, hosting, listing, training, transform, tuning
from .errors import ServiceError
from .registry import CONFIG, KINDS, MODEL, Kind
from .service import Service
from .shapes import check, keep, service_model

Operation = Callable[[Service, dict[str, Any]], dict[str, Any]]


def describing(kind: Kind) -> Operation:
    return lambda service, request: listing.describe(service, kind, request)


def listing_all(kind: Kind) -> Operation:
    return lambda service, request: listing.list_all(service, kind, f"List{kind.noun}s", request)


def forgetting(kind: Kind) -> Operation:
    return lambda service, request: listing.forget(service, kind, request)


OPERATIONS: dict[str, Operation] = {
    "CreateTrainingJob": training.create,
    "StopTrainingJob": training.stop,
    "CreateTransformJob": transform.create,
    "StopTransformJob": transform.stop,
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
    **{f"Describe{kind.noun}": describing(kind) for kind in KINDS},
    **{f"List{kind.noun}s": listing_all(kind) for kind in KINDS},
    **{f"Delete{kind.noun}": forgetting(kind) for kind in (MODEL, CONFIG)},
}

# Records that nothing runs for: moto keeps them, and they are not checked here.
KEPT_BY_MOTO = re.compile(
    r"(Create|Describe|Delete|Update|List|Associate|Disassociate)"
    r"(ModelPackage|ModelPackageGroup|ModelCard|Experiment|Trial|TrialComponent|Pipeline)s?"
)


def call(service: Service, operation: str, request: dict[str, Any]) -> dict[str, Any]:
    """Check a request, carry it out, and return what the operation's model knows of the answer."""
    if operation not in OPERATIONS:
        known = operation in service_model().operation_names
        told = "is not covered by the emulator (see tests/emulator/README.md)" if known else "does not exist"
        raise ServiceError("UnknownOperationException", f"{operation} {told}.")
    check(operation, request)
    return keep(operation, OPERATIONS[operation](service, request))
