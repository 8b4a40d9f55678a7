"""What IAM asks of a call: actions, each on a resource; and whether a policy in `helpers/account/policies` allows it.

After AWS's Service Authorization Reference. To hand over a role takes `iam:PassRole` on it as well.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

from tests.notebooks.recorder import calls_in

POLICIES = Path(__file__).resolve().parents[2] / "helpers" / "account" / "policies"
KEPT = Path(__file__).with_name("calls.json")  # the actions that each notebook needed when it last ran
MINE = {"REGION": "us-east-1", "ACCOUNT": "123456789012", "BUCKET": "sagemaker-us-east-1-123456789012"}
MINE |= {"ROLE": "SageMakerExecution", "KEY": "1234abcd"}
REGIONAL = "us-east-1:123456789012"
FREE = ("sts:GetCallerIdentity",)  # everybody may ask who they are
NOTEBOOKS = {
    "build": ["01_build_and_push"],
    "codebuild": ["build_remotely"],
    "train": ["03_remote_training", "04_batch_transform", "06_tune_and_track", "07_bring_your_data"],
    "operate": ["05_deploy_endpoint", "09_operate"],
    "scale": ["05_deploy_endpoint"],
    "invoke": ["05_deploy_endpoint", "09_operate"],
}
ALSO = {"operate": ["train", "invoke", "scale"], "invoke": ["train", "operate", "scale"]}  # what its notebooks need
SIMPLE_STORAGE = {
    "HeadBucket": "ListBucket",
    "ListObjectsV2": "ListBucket",
    "HeadObject": "GetObject",
    "DeleteObjects": "DeleteObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
}
KINDS = {  # of SageMaker's resources, by the parameter that names one
    "TrainingJobName": "training-job",
    "HyperParameterTuningJobName": "hyper-parameter-tuning-job",
    "TransformJobName": "transform-job",
    "ProcessingJobName": "processing-job",
    "EndpointConfigName": "endpoint-config",
    "EndpointName": "endpoint",
    "ModelName": "model",
    "ModelPackageGroupName": "model-package-group",
    "PipelineName": "pipeline",
}
WITHOUT_RESOURCE = ("ecr:GetAuthorizationToken", "iam:ListRoles", "sagemaker:ListModelPackages")


class Need(NamedTuple):
    """An action on a resource; `passed_to` is the service that a role is handed to."""

    action: str
    resource: str
    passed_to: str = ""


def needs(call: dict[str, Any]) -> Iterator[Need]:
    """Yield what a call needs."""
    service, operation, parameters = call["service"], call["operation"], call["parameters"]
    action = f"{service}:{SIMPLE_STORAGE.get(operation, operation) if service == 's3' else operation}"
    if action in FREE:
        return
    yield from (Need(action, resource) for resource in resources(action, parameters))
    for role in roles(parameters) if service != "application-autoscaling" else ():
        yield Need("iam:PassRole", role, f"{service}.amazonaws.com")


def resources(action: str, parameters: dict[str, Any]) -> list[str]:
    """The resources of an action, by the names or ARNs among its parameters."""
    service = action.partition(":")[0]
    if action in WITHOUT_RESOURCE:
        return ["*"]
    if service == "s3":
        bucket = f"arn:aws:s3:::{parameters['Bucket']}"
        keys = [one["Key"] for one in parameters.get("Delete", {}).get("Objects", [])] or [parameters.get("Key", "")]
        return [f"{bucket}/{key}" if key else bucket for key in keys]
    if service == "sagemaker":
        return sagemaker_resources(action, parameters)
    return [OTHERS[service](parameters)]


def sagemaker_resources(action: str, parameters: dict[str, Any]) -> list[str]:
    given = [parameters[key] for key in ("ModelPackageArn", "PipelineExecutionArn") if key in parameters]
    if given:
        return given
    if "ModelPackageName" in parameters:
        return [parameters["ModelPackageName"]]
    named = {key: kind for key, kind in KINDS.items() if key in parameters}
    if action.endswith("TransformJob"):
        named = {"TransformJobName": "transform-job"}  # its model was made before, and is only named
    return [f"arn:aws:sagemaker:{REGIONAL}:{kind}/{parameters[key]}".lower() for key, kind in named.items()]


def repository(parameters: dict[str, Any]) -> str:
    name = parameters.get("repositoryName") or parameters["repositoryNames"][0]
    return f"arn:aws:ecr:{REGIONAL}:repository/{name}"


OTHERS = {
    "ecr": repository,
    "iam": lambda parameters: f"arn:aws:iam::{MINE['ACCOUNT']}:role/{parameters['RoleName']}",
    "logs": lambda parameters: f"arn:aws:logs:{REGIONAL}:log-group:{parameters['logGroupName']}",
    "scheduler": lambda parameters: f"arn:aws:scheduler:{REGIONAL}:schedule/default/{parameters['Name']}",
    "application-autoscaling": lambda _: f"arn:aws:application-autoscaling:{REGIONAL}:scalable-target/0a1b",
    "codebuild": lambda parameters: (
        f"arn:aws:codebuild:{REGIONAL}:project/"
        + (parameters.get("name") or parameters.get("projectName") or parameters["ids"][0].partition(":")[0])
    ),
}


def roles(value: Any) -> Iterator[str]:
    """Yield the roles that are handed over anywhere in a request."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from [part] if key in ("RoleArn", "ExecutionRoleArn", "serviceRole") else roles(part)
    elif isinstance(value, list):
        yield from (role for part in value for role in roles(part))


def policy(name: str) -> dict[str, Any]:
    """A policy with its placeholders filled in as the emulator's account is."""
    text = (POLICIES / f"{name}.json").read_text(encoding="utf-8")
    for word, value in MINE.items():
        text = text.replace(word, value)
    return dict(json.loads(text))


def listed(value: str | Sequence[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def actions(name: str) -> set[str]:
    return {action for statement in policy(name)["Statement"] for action in listed(statement["Action"])}


def allowed(need: Need, names: Sequence[str]) -> bool:
    """Whether one of the policies allows it."""
    return any(grants(statement, need) for name in names for statement in policy(name)["Statement"])


def grants(statement: dict[str, Any], need: Need) -> bool:
    if need.action not in listed(statement["Action"]):
        return False
    services = listed(statement.get("Condition", {}).get("StringEquals", {}).get("iam:PassedToService", []))
    if services and need.passed_to not in services:
        return False
    return any(fnmatchcase(need.resource, pattern) for pattern in listed(statement["Resource"]))


def policies_of(notebook: str) -> list[str]:
    """The policies that one who runs a notebook needs."""
    own = [name for name, notebooks in NOTEBOOKS.items() if notebook in notebooks]
    return list(dict.fromkeys([*own, *(also for name in own for also in ALSO.get(name, []))]))


def check(notebook: str, file: Path) -> set[str]:
    """Fail unless a notebook's policies allow all its calls; return the actions that it needed."""
    found = [need for call in calls_in(file) for need in needs(call)]
    refused = sorted({need for need in found if not allowed(need, policies_of(notebook))})
    assert not refused, f"no policy of {notebook} allows {refused}"
    return {need.action for need in found}


def compare(notebook: str, file: Path) -> None:
    """Fail unless the policies allow a notebook's calls, and these are the ones kept (`UPDATE_CALLS=1` keeps them)."""
    found = sorted(check(notebook, file))
    if os.environ.get("UPDATE_CALLS"):
        KEPT.write_text(json.dumps(kept() | {notebook: found}, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    assert found == kept()[notebook], f"{notebook} now needs {found}: run it again with UPDATE_CALLS=1"


def kept() -> dict[str, list[str]]:
    return dict(json.loads(KEPT.read_text(encoding="utf-8")))
