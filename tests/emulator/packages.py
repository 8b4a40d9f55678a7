"""The registry of models: groups, their versions, and who has approved which."""

from __future__ import annotations

from typing import Any

from .errors import ServiceError, invalid, not_emulated
from .hosting import model_uri
from .listing import fits, page, sorted_as_asked
from .registry import GROUP, PACKAGE, Resource
from .service import Service

UNCOVERED = (
    *("ModelPackageName", "ValidationSpecification", "SourceAlgorithmSpecification", "CertifyForMarketplace"),
    *("AdditionalInferenceSpecifications", "SourceUri", "ModelCard", "ModelLifeCycle"),
)
CHANGED = ("ModelApprovalStatus", "ApprovalDescription", "InferenceSpecification")


def create_group(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModelPackageGroup."""
    group = service.registry.make(GROUP, request, ModelPackageGroupStatus="Completed")
    return {"ModelPackageGroupArn": group.arn}


def delete_group(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteModelPackageGroup: only of one without versions."""
    group = service.registry.find(GROUP, request["ModelPackageGroupName"].rpartition("/")[2])
    if versions(service, group.name):
        raise ServiceError("ConflictException", f"Model Package Group {group.arn} still has model packages in it.")
    service.registry.forget(group)
    return {}


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateModelPackage, as the next version of a group."""
    for member in UNCOVERED:
        if request.get(member):
            raise not_emulated(member)
    if "ModelPackageGroupName" not in request:
        raise not_emulated("A model package without a group")
    group = service.registry.find(GROUP, request["ModelPackageGroupName"].rpartition("/")[2])
    for container in request.get("InferenceSpecification", {}).get("Containers", []):
        uri = model_uri(container)
        if uri and not service.storage.has(uri):
            raise invalid(f"Could not find model data at {uri}.")
    with group.lock:
        version = group.parts["versions"] = group.parts.get("versions", 0) + 1
    told = {"ModelApprovalStatus": "PendingManualApproval", **request, "ModelPackageGroupName": group.name}
    named = {**told, "ModelPackageName": f"{group.name}/{version}", "ModelPackageVersion": version}
    package = service.registry.make(PACKAGE, named, ModelPackageStatus="Completed")
    del package.request["ModelPackageName"]  # which a version does not tell: it has its group's
    return {"ModelPackageArn": package.arn}


def describe(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DescribeModelPackage, by its ARN."""
    return find(service, request["ModelPackageName"]).describe()


def update(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateModelPackage: the approval, its description, and what is noted of it."""
    package = find(service, request["ModelPackageArn"])
    for member in ("AdditionalInferenceSpecificationsToAdd", "SourceUri", "ModelCard", "ModelLifeCycle"):
        if request.get(member):
            raise not_emulated(member)
    noted = {**package.describe().get("CustomerMetadataProperties", {})}
    noted |= request.get("CustomerMetadataProperties", {})
    for name in request.get("CustomerMetadataPropertiesToRemove", []):
        noted.pop(name, None)
    changes = {member: request[member] for member in CHANGED if member in request}
    package.set(**changes, CustomerMetadataProperties=noted)
    return {"ModelPackageArn": package.arn}


def delete(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteModelPackage; its number is not given again."""
    service.registry.forget(find(service, request["ModelPackageName"]))
    return {}


def list_all(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListModelPackages."""
    group = request.get("ModelPackageGroupName", "").rpartition("/")[2]
    if group:
        service.registry.find(GROUP, group)
    status = request.get("ModelApprovalStatus")
    wanted = [
        package
        for package in (versions(service, group) if group else service.registry.of(PACKAGE))
        if fits(package, request) and status in (None, package.describe()["ModelApprovalStatus"])
    ]
    return page(sorted_as_asked(wanted, request), "ListModelPackages", request)


def versions(service: Service, group: str) -> list[Resource]:
    return [one for one in service.registry.of(PACKAGE) if one.request["ModelPackageGroupName"] == group]


def find(service: Service, name: str) -> Resource:
    return service.registry.find(PACKAGE, name.partition(":model-package/")[2] or name)
