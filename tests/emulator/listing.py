"""List…, Describe…, Delete…, Stop… and tags: the same for every kind of resource, by the operation's own model."""

from __future__ import annotations

from typing import Any

from .errors import invalid
from .registry import Kind, Resource
from .service import Service
from .shapes import service_model

PAGE = 10
Request = dict[str, Any]


def describe(service: Service, kind: Kind, request: Request) -> Request:
    return service.registry.find(kind, request[f"{kind.noun}Name"]).describe()


def forget(service: Service, kind: Kind, request: Request) -> Request:
    service.registry.forget(service.registry.find(kind, request[f"{kind.noun}Name"]))
    return {}


def stop(service: Service, kind: Kind, request: Request) -> Request:
    """Ask a job to stop; the thread that runs it does so, in its own way."""
    job = service.registry.find(kind, request[f"{kind.noun}Name"])
    if job.status not in ("InProgress", "Stopping"):
        words = kind.path.replace("-", " ")
        raise invalid(f"The request was rejected because the {words} is in status {job.status}.")
    job.set_status("Stopping")
    job.stop.set()
    return {}


def list_all(service: Service, kind: Kind, operation: str, request: Request) -> Request:
    """The resources of a kind that fit the request, in its order, a page at a time."""
    found = [resource for resource in service.registry.of(kind) if fits(resource, request)]
    return page(sorted_as_asked(found, request), operation, request)


def fits(resource: Resource, request: Request) -> bool:
    made, changed = resource.state["CreationTime"], resource.state["LastModifiedTime"]
    return (
        request.get("NameContains", "") in resource.name
        and request.get("StatusEquals", resource.status) == resource.status
        and request.get("CreationTimeAfter", made) <= made <= request.get("CreationTimeBefore", made)
        and request.get("LastModifiedTimeAfter", changed) <= changed <= request.get("LastModifiedTimeBefore", changed)
        and request.get("ModelNameEquals", "") in ("", resource.request.get("ModelName"))
    )


def sorted_as_asked(found: list[Resource], request: Request) -> list[Resource]:
    keys = {"Name": lambda r: r.name, "Status": lambda r: r.status}
    key = keys.get(request.get("SortBy", ""), lambda r: r.state["CreationTime"])
    return sorted(found, key=key, reverse=request.get("SortOrder", "Descending") == "Descending")


def page(found: list[Resource], operation: str, request: Request) -> Request:
    """One page of an answer; its only list is what the operation's model says it is."""
    shape = service_model().operation_model(operation).output_shape
    member = next(name for name, inner in shape.members.items() if inner.type_name == "list")
    try:
        start = int(request.get("NextToken", 0))
    except ValueError:
        raise invalid("Invalid NextToken") from None
    end = start + int(request.get("MaxResults", PAGE))
    more = {"NextToken": str(end)} if end < len(found) else {}
    return {member: [resource.describe() for resource in found[start:end]], **more}


def add_tags(service: Service, request: Request) -> Request:
    tags = tags_of(service, request)
    tags.update({tag["Key"]: tag["Value"] for tag in request["Tags"]})
    return list_tags(service, request)


def delete_tags(service: Service, request: Request) -> Request:
    tags = tags_of(service, request)
    for key in request["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(service: Service, request: Request) -> Request:
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags_of(service, request).items()]}


def tags_of(service: Service, request: Request) -> dict[str, str]:
    if request["ResourceArn"] not in service.registry.tags:
        raise invalid(f"Could not find resource {request['ResourceArn']}.")
    return service.registry.tags[request["ResourceArn"]]
