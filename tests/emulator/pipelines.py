"""Pipelines: their JSON read, and their steps run one after another as jobs of this emulator, through its own door.

The language and the order of steps are those of `helpers.local`, whose clients run the same JSON.
"""

from __future__ import annotations

import functools
import secrets
import traceback
from datetime import datetime
from typing import Any

from helpers.local.expressions import Known, parsed
from helpers.local.pipeline import Execution, StepFailed, Stopped

from .errors import invalid, not_emulated
from .registry import EXECUTION, PIPELINE, Resource
from .rules import check_role
from .service import Service

PAGE = 10


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreatePipeline, of a definition in the request."""
    covered(request, "PipelineDefinitionS3Location", "ParallelismConfiguration", "PipelineVersionAliases")
    check_role(service, request["RoleArn"])
    understood(request.get("PipelineDefinition", ""))
    told = {"PipelineDisplayName": request["PipelineName"], **request}
    return {"PipelineArn": service.registry.make(PIPELINE, told, PipelineStatus="Active").arn}


def update(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """UpdatePipeline."""
    covered(request, "PipelineDefinitionS3Location", "ParallelismConfiguration", "PipelineVersionAliases")
    pipeline = find(service, request["PipelineName"])
    if "PipelineDefinition" in request:
        understood(request["PipelineDefinition"])
    if "RoleArn" in request:
        check_role(service, request["RoleArn"])
    pipeline.set(**{member: value for member, value in request.items() if member != "PipelineName"})
    return {"PipelineArn": pipeline.arn}


def describe(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DescribePipeline."""
    return find(service, request["PipelineName"]).describe()


def delete(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeletePipeline; its executions stay."""
    pipeline = find(service, request["PipelineName"])
    service.registry.forget(pipeline)
    return {"PipelineArn": pipeline.arn}


def list_all(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListPipelines, the newest first; no order but that."""
    prefix = request.get("PipelineNamePrefix", "")
    found = [one.describe() for one in service.registry.of(PIPELINE) if one.name.startswith(prefix)]
    return {"PipelineSummaries": found[::-1][: request.get("MaxResults", PAGE)]}


def start(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """StartPipelineExecution: returns at once, the steps run on a thread."""
    covered(request, "SelectiveExecutionConfig", "ParallelismConfiguration", "PipelineVersionId", "RoleArn")
    pipeline = find(service, request["PipelineName"])
    definition = understood(pipeline.describe()["PipelineDefinition"])
    values = values_of(definition, request)
    name = secrets.token_hex(6)
    made = {"PipelineExecutionName": f"{pipeline.name}/execution/{name}", "PipelineArn": pipeline.arn}
    execution = service.registry.make(EXECUTION, made, PipelineExecutionStatus="Executing")
    steps = execution.parts["steps"] = []
    known = Known(values, lambda uri: service.storage.read(uri).decode())
    work = Execution(service.client("sagemaker"), name, known, execution.stop.is_set, steps)
    service.background(functools.partial(run, execution, work, definition["Steps"]))
    return {"PipelineExecutionArn": execution.arn}


def values_of(definition: dict[str, Any], request: dict[str, Any]) -> dict[str, Any]:
    """The values of the parameters: those given, else their defaults."""
    values = {each["Name"]: each.get("DefaultValue") for each in definition.get("Parameters", [])}
    for each in request.get("PipelineParameters", []):
        if each["Name"] not in values:
            raise invalid(f"Unknown parameter: {each['Name']}.")
        values[each["Name"]] = each["Value"]
    lacking = [name for name, value in values.items() if value is None]
    if lacking:
        raise invalid(f"Parameters without a value: {lacking}.")
    return values


def run(execution: Resource, work: Execution, steps: list[dict[str, Any]]) -> None:
    """Run an execution to its end; whatever happens is in its state, nothing is raised."""
    try:
        work.run(steps)
    except Stopped:
        execution.set_status("Stopped")
    except StepFailed as error:
        execution.set_status("Failed", FailureReason=f"Step failure: {error}"[:1300])
    except Exception as error:
        traceback.print_exc()
        execution.set_status("Failed", FailureReason=f"InternalServerError: {error!r}")
    else:
        execution.set_status("Succeeded")


def stop(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """StopPipelineExecution: with the job that it is at."""
    execution = find_execution(service, request)
    if execution.status not in ("Executing", "Stopping"):
        raise invalid(f"The execution is in status {execution.status}.")
    execution.set_status("Stopping")
    execution.stop.set()
    return {"PipelineExecutionArn": execution.arn}


def describe_execution(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DescribePipelineExecution."""
    return find_execution(service, request).describe()


def list_executions(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListPipelineExecutions of a pipeline, the newest first."""
    pipeline = find(service, request["PipelineName"])
    found = [one for one in service.registry.of(EXECUTION) if one.request["PipelineArn"] == pipeline.arn]
    told = [{**one.describe(), "StartTime": one.state["CreationTime"]} for one in found[::-1]]
    return {"PipelineExecutionSummaries": told[: request.get("MaxResults", PAGE)]}


def list_steps(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListPipelineExecutionSteps: those that have begun, the last first unless SortOrder says otherwise."""
    steps = [in_json(step) for step in list(find_execution(service, request).parts["steps"])]
    return {"PipelineExecutionSteps": steps if request.get("SortOrder") == "Ascending" else steps[::-1]}


def in_json(step: dict[str, Any]) -> dict[str, Any]:
    return {key: value.timestamp() if isinstance(value, datetime) else value for key, value in step.items()}


def find(service: Service, name: str) -> Resource:
    return service.registry.find(PIPELINE, name.partition(":pipeline/")[2] or name)


def find_execution(service: Service, request: dict[str, Any]) -> Resource:
    return service.registry.find(EXECUTION, request["PipelineExecutionArn"].partition(":pipeline/")[2])


def understood(definition: str) -> dict[str, Any]:
    try:
        return parsed(definition)
    except (KeyError, ValueError) as error:
        raise invalid(f"Unable to parse pipeline definition. {error}") from error


def covered(request: dict[str, Any], *members: str) -> None:
    for member in members:
        if member in request:
            raise not_emulated(member)
