"""The dictionaries that boto3's `create_…` methods take, built by pure functions.

They are the same for boto3's client, the SageMaker SDK's local one and `helpers.local`: only `instance_type`, `image`,
`role` and the URIs differ.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IMAGE = "algoflow-sagemaker"  # what container/build_and_push.sh calls it
LOCAL_ROLE = "arn:aws:iam::000000000000:role/local"  # no role is needed here, but a request must name one
METRICS = ("MASE", "sMAPE", "WAPE", "RMSE", "RMSSE", "SQL", "wQL")
NUMBER = "([-+.0-9e]+)"
CONTENT_TYPES = {".csv": "text/csv", ".parquet": "application/x-parquet", ".jsonl": "application/jsonlines"}
Request = dict[str, Any]


@dataclass(frozen=True)
class Security:
    """How a job is shut in; what is not set is left out of the request, and is then the platform's default.

    `isolated` takes the container's network away, which this image needs none of. `kms_key` encrypts inputs,
    outputs and volumes. `subnets` and `security_groups` put it into a VPC; both or neither are given.
    """

    isolated: bool = False
    kms_key: str = ""
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()

    @property
    def network(self) -> Request:
        """The part of a request that is about the network."""
        vpc = {"Subnets": list(self.subnets), "SecurityGroupIds": list(self.security_groups)}
        isolation = {"EnableNetworkIsolation": True} if self.isolated else {}
        return {**isolation, **({"VpcConfig": vpc} if self.subnets or self.security_groups else {})}

    @property
    def of_objects(self) -> Request:
        """What S3 is told when an object is put there."""
        return {"ServerSideEncryption": "aws:kms", **self.key("SSEKMSKeyId")} if self.kms_key else {}

    def key(self, name: str) -> Request:
        """The KMS key under the name that a part of a request has for it, or nothing."""
        return {name: self.kms_key} if self.kms_key else {}


OPEN = Security()


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


def metric_definitions(names: Sequence[str] = METRICS, split: str = "validation") -> list[dict[str, str]]:
    """Return the regular expressions that read `metric: validation:MASE=0.83` off the job's output."""
    return [{"Name": f"{split}:{name}", "Regex": f"metric: {split}:{name}={NUMBER}"} for name in names]


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
    security: Security = OPEN,
) -> Request:
    """Return the dictionary of `create_training_job`; `channels` maps a channel's name to a file, folder or URI."""
    hardware = {"InstanceType": instance_type, "InstanceCount": instance_count, "VolumeSizeInGB": volume_gb}
    scores = metric_definitions(split="test") if "test" in channels else []
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": {
            "TrainingImage": image,
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions() + scores,
        },
        "RoleArn": role,
        "InputDataConfig": [channel(key, place) for key, place in channels.items()],
        "OutputDataConfig": {"S3OutputPath": uri(output), **security.key("KmsKeyId")},
        "ResourceConfig": {**hardware, **security.key("VolumeKmsKeyId")},
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_s},
        "HyperParameters": {key: text_of(value) for key, value in (hyperparameters or {}).items()},
        **security.network,
    }


def on_spot(request: Request, max_wait_s: int, checkpoints: str | Path = "") -> Request:
    """Return a training request that runs on spare capacity: cheaper, later, and interrupted now and then.

    `max_wait_s` is for waiting and running together. What the program keeps under `/opt/ml/checkpoints` is copied to
    `checkpoints`, a place of this job's own, and back after an interruption; without it a job begins again.

    Raises:
        ValueError: the wait is shorter than the job may run.
    """
    limit = request["StoppingCondition"]["MaxRuntimeInSeconds"]
    if max_wait_s < limit:
        raise ValueError(f"max_wait_s={max_wait_s} is less than the {limit} s that the job may run: raise it.")
    kept = {"CheckpointConfig": {"S3Uri": uri(checkpoints)}} if checkpoints else {}
    stopping = {**request["StoppingCondition"], "MaxWaitTimeInSeconds": max_wait_s}
    return {**request, "EnableManagedSpotTraining": True, "StoppingCondition": stopping, **kept}


def on_hosts(request: Request, count: int, sharded: str = "") -> Request:
    """Return a training request for several hosts; the files of the channel `sharded` are dealt out among them."""
    channels = [dealt(entry) if entry["ChannelName"] == sharded else entry for entry in request["InputDataConfig"]]
    return {
        **request,
        "ResourceConfig": {**request["ResourceConfig"], "InstanceCount": count},
        "InputDataConfig": channels,
    }


def dealt(entry: Request) -> Request:
    """Return a channel of which each host gets its share of the files."""
    source = {**entry["DataSource"]["S3DataSource"], "S3DataDistributionType": "ShardedByS3Key"}
    return {**entry, "DataSource": {"S3DataSource": source}}


def model_request(
    name: str,
    model_data: str,
    image: str,
    role: str,
    environment: Mapping[str, str] | None,
    security: Security = OPEN,
) -> Request:
    """Return the dictionary of `create_model`."""
    container = {"Image": image, "ModelDataUrl": model_data, "Environment": dict(environment or {})}
    return {"ModelName": name, "PrimaryContainer": container, "ExecutionRoleArn": role, **security.network}


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
    instance_count: int = 1,
    security: Security = OPEN,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Request]:
    """Return the two dictionaries of a batch transform job, by the method that takes each; `split` is None or Line."""
    hardware = {"InstanceType": instance_type, "InstanceCount": instance_count}
    result = {"S3OutputPath": uri(output), "Accept": accept, "AssembleWith": split}
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri(source)}}
    return {
        "create_model": model_request(name, model_data, image, role, environment, security),
        "create_transform_job": {
            "TransformJobName": name,
            "ModelName": name,
            "BatchStrategy": strategy,
            "MaxPayloadInMB": max_payload_mb,
            "TransformInput": {"DataSource": data, "ContentType": content_type, "SplitType": split},
            "TransformOutput": {**result, **security.key("KmsKeyId")},
            "TransformResources": {**hardware, **security.key("VolumeKmsKeyId")},
        },
    }
