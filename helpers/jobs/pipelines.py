"""Pipelines as JSON: requests made into steps, what they refer to, and an execution followed to its end."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .kinds import JobFailed
from .requests import LOCAL_ROLE, Request
from .running import LOCAL_POLL_S, REMOTE_POLL_S, is_near, send_all

VERSION = "2020-12-01"
NAMES = ("TrainingJobName", "ProcessingJobName")  # which the platform makes for each execution


def parameter(name: str) -> str:
    """Return the mark that stands for a parameter of the pipeline in a request."""
    return f"pipeline://Parameters.{name}"


def result(step: str, path: str) -> str:
    """Return the mark that stands for a part of what describes a step's job: `ModelArtifacts.S3ModelArtifacts`."""
    return f"pipeline://Steps.{step}.{path}"


def step(name: str, kind: str, request: Mapping[str, Any], *, after: Sequence[str] = (), **more: Any) -> Request:
    """Return a step: `kind` is Training, Processing or RegisterModel, `request` what its `create_…` call would take."""
    arguments = {key: marked(value) for key, value in request.items() if key not in NAMES}
    order = {"DependsOn": list(after)} if after else {}
    return {"Name": name, "Type": kind, "Arguments": arguments, **order, **more}


def marked(value: Any) -> Any:
    """Return a part of a request with the marks of `parameter` and `result` in the language of pipelines."""
    if isinstance(value, Mapping):
        return {key: marked(part) for key, part in value.items()}
    if isinstance(value, list):
        return [marked(part) for part in value]
    if not isinstance(value, str) or not value.startswith("pipeline://"):
        return value
    reference, slash, rest = value.removeprefix("pipeline://").partition("/")
    found = {"Get": reference}
    return {"Std:Join": {"On": "/", "Values": [found, rest]}} if slash else found


def file_of(name: str, path: str, output: str = "output") -> list[Request]:
    """Return the `PropertyFiles` of a processing step: a JSON file among its outputs that a condition can read."""
    return [{"PropertyFileName": name, "OutputName": output, "FilePath": path}]


def more_than(step_name: str, file: str, path: str, limit: float, then: Sequence[Request], name: str) -> Request:
    """Return a step that goes on with the steps `then` where a number in a step's file is more than `limit`."""
    number = {"Std:JsonGet": {"PropertyFile": {"Get": f"Steps.{step_name}.PropertyFiles.{file}"}, "Path": path}}
    condition = {"Type": "GreaterThan", "LeftValue": number, "RightValue": limit}
    arguments = {"Conditions": [condition], "IfSteps": list(then), "ElseSteps": []}
    return {"Name": name, "Type": "Condition", "Arguments": arguments, "DependsOn": [step_name]}


def pipeline_request(
    name: str, steps: Sequence[Request], parameters: Mapping[str, str | None], role: str = LOCAL_ROLE
) -> Request:
    """Return the dictionary of `create_pipeline`; a parameter that is None must be given at each start."""
    declared = [
        {"Name": key, "Type": "String", **({} if value is None else {"DefaultValue": value})}
        for key, value in parameters.items()
    ]
    definition = {"Version": VERSION, "Metadata": {}, "Parameters": declared, "Steps": list(steps)}
    return {"PipelineName": name, "PipelineDefinition": json.dumps(definition), "RoleArn": role}


def run_pipeline(client: Any, name: str, parameters: Mapping[str, str]) -> dict[str, Request]:
    """Start a pipeline, print each step as it ends, and return what is told of the steps, by name.

    Raises:
        JobFailed: it was refused, or a step failed; the message names the step and its reason.
    """
    values = [{"Name": key, "Value": value} for key, value in parameters.items()]
    answers = send_all(client, {"start_pipeline_execution": {"PipelineName": name, "PipelineParameters": values}})
    arn = answers["start_pipeline_execution"]["PipelineExecutionArn"]
    told: dict[str, Request] = {}
    while True:
        described = client.describe_pipeline_execution(PipelineExecutionArn=arn)
        steps = client.list_pipeline_execution_steps(PipelineExecutionArn=arn, SortOrder="Ascending")
        for one in steps["PipelineExecutionSteps"]:
            if one["StepStatus"] not in ("Starting", "Executing", told.get(one["StepName"], {}).get("StepStatus")):
                print(line_of(one), flush=True)
            told[one["StepName"]] = one
        if described["PipelineExecutionStatus"] not in ("Executing", "Stopping"):
            break
        time.sleep(LOCAL_POLL_S if is_near(client) else REMOTE_POLL_S)
    if described["PipelineExecutionStatus"] == "Failed":
        reasons = [one["FailureReason"] for one in told.values() if one.get("FailureReason")]
        raise JobFailed(name, " ".join([described.get("FailureReason", "a step failed"), *reasons]))
    return told


def line_of(told: Request) -> str:
    """Return a step as a line: its name, its status, and the outcome of a condition."""
    outcome = told.get("Metadata", {}).get("Condition", {}).get("Outcome", "")
    return " · ".join(part for part in (told["StepName"], told["StepStatus"], outcome) if part)


def schedule_request(
    name: str, pipeline_arn: str, expression: str, role: str, parameters: Mapping[str, str] | None = None
) -> Request:
    """Return the dictionary of `create_schedule`, of the client `scheduler` of EventBridge, that starts a pipeline.

    `expression` is such as `rate(7 days)` or `cron(0 6 ? * MON *)`. The role must trust `scheduler.amazonaws.com`, and
    be allowed to start the pipeline.
    """
    values = [{"Name": key, "Value": value} for key, value in (parameters or {}).items()]
    told = {"SageMakerPipelineParameters": {"PipelineParameterList": values}} if values else {}
    return {
        "Name": name,
        "ScheduleExpression": expression,
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": pipeline_arn, "RoleArn": role, **told},
    }
