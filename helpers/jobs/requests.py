"""The dictionaries that boto3's `create_…` methods take, built by pure functions.

They are the same for boto3's client, the SageMaker SDK's local one and `helpers.local`: only `instance_type`, `image`,
`role` and the URIs differ.
"""

# ruff: noqa: ANN401 - a request is a dictionary of anything

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IMAGE = "convect"
LOCAL_ROLE = "arn:aws:iam::000000000000:role/local"  # no role is needed here, but a request must name one
METRICS = ("MASE", "sMAPE", "WAPE", "RMSE", "RMSSE", "SQL", "wQL")
NUMBER = "([-+.0-9e]+)"
CONTENT_TYPES = {".csv": "text/csv", ".parquet": "application/x-parquet", ".jsonl": "application/jsonlines"}
LINE_CHARACTERS = 110
Request = dict[str, Any]


def unique_name(stem: str) -> str:
    """Return `stem` with the time and a random end: AWS keeps the names of past jobs."""
    return f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def uri(place: str | Path) -> str:
    """Return an `s3://` or `file://` URI as it is, and a path as `file://`."""
    text = str(place)
    return text if "://" in text else Path(text).resolve().as_uri()


def text_of(value: object) -> str:
    """Return a hyperparameter as the string the platform wants: text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value)


def channel(name: str, place: str | Path) -> Request:
    """Return one entry of `InputDataConfig`: a file or a folder, in File mode."""
    source = {"S3DataType": "S3Prefix", "S3Uri": uri(place), "S3DataDistributionType": "FullyReplicated"}
    kind = CONTENT_TYPES.get(Path(str(place)).suffix)
    described = {"ContentType": kind} if kind else {}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, "InputMode": "File", **described}


def metric_definitions(names: Sequence[str] = METRICS) -> list[dict[str, str]]:
    """Return the regular expressions that read `metric: validation:MASE=0.83` off the job's output."""
    return [{"Name": f"validation:{name}", "Regex": f"metric: validation:{name}={NUMBER}"} for name in names]


def training_request(
    name: str,
    channels: Mapping[str, str | Path],
    output: str | Path,
    hyperparameters: Mapping[str, object] | None = None,
    *,
    image: str = IMAGE,
    role: str = LOCAL_ROLE,
    instance_type: str = "local",
    instance_count: int = 1,
    volume_gb: int = 30,
    max_runtime_s: int = 3600,
) -> Request:
    """Return the dictionary of `create_training_job`; `channels` maps a channel's name to a file, folder or URI."""
    hardware = {"InstanceType": instance_type, "InstanceCount": instance_count, "VolumeSizeInGB": volume_gb}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions(),
        },
        "RoleArn": role,
        "InputDataConfig": [channel(key, place) for key, place in channels.items()],
        "OutputDataConfig": {"S3OutputPath": uri(output)},
        "ResourceConfig": hardware,
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_s},
        "HyperParameters": {key: text_of(value) for key, value in (hyperparameters or {}).items()},
    }


def model_request(name: str, model_data: str, image: str, role: str, environment: Mapping[str, str] | None) -> Request:
    """Return the dictionary of `create_model`."""
    container = {"Image": image, "ModelDataUrl": model_data, "Environment": dict(environment or {})}
    return {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": role}


def endpoint_requests(
    name: str,
    model_data: str,
    *,
    image: str = IMAGE,
    role: str = LOCAL_ROLE,
    instance_type: str = "local",
    instance_count: int = 1,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Request]:
    """Return the three dictionaries that make an endpoint, by the method that takes each; all bear `name`."""
    hardware = {"InstanceType": instance_type, "InitialInstanceCount": instance_count}
    variant = {"VariantName": "AllTraffic", "ModelName": name, **hardware}
    return {
        "create_model": model_request(name, model_data, image, role, environment),
        "create_endpoint_config": {"EndpointConfigName": name, "ProductionVariants": [variant]},
        "create_endpoint": {"EndpointName": name, "EndpointConfigName": name},
    }


def transform_requests(
    name: str,
    model_data: str,
    source: str | Path,
    output: str | Path,
    *,
    content_type: str,
    accept: str = "text/csv",
    split: str = "None",
    strategy: str = "MultiRecord",
    max_payload_mb: int = 6,
    image: str = IMAGE,
    role: str = LOCAL_ROLE,
    instance_type: str = "local",
    environment: Mapping[str, str] | None = None,
) -> dict[str, Request]:
    """Return the two dictionaries of a batch transform job, by the method that takes each; `split` is None or Line."""
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri(source)}}
    return {
        "create_model": model_request(name, model_data, image, role, environment),
        "create_transform_job": {
            "TransformJobName": name,
            "ModelName": name,
            "BatchStrategy": strategy,
            "MaxPayloadInMB": max_payload_mb,
            "TransformInput": {"DataSource": data, "ContentType": content_type, "SplitType": split},
            "TransformOutput": {"S3OutputPath": uri(output), "Accept": accept, "AssembleWith": split},
            "TransformResources": {"InstanceType": instance_type, "InstanceCount": 1},
        },
    }


def show(request: Mapping[str, Any]) -> None:
    """Print a request as JSON."""
    print(pretty(request))


def pretty(value: Any, indent: str = "") -> str:
    """Return a value as JSON in which whatever fits on a line is on one line."""
    line = json.dumps(value)
    if len(indent) + len(line) <= LINE_CHARACTERS or not isinstance(value, Mapping | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, Mapping):
        parts = [f"{inner}{json.dumps(key)}: {pretty(part, inner)}" for key, part in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + pretty(part, inner) for part in value) + f"\n{indent}]"
