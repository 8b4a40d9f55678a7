"""The kinds of jobs, what describes each, where its log is, and the error that says it ended badly."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .remedies import with_remedy

LOG_EVENTS = 200  # read of a log stream on AWS


class Kind(NamedTuple):
    """How one kind of job or endpoint is described and stopped, and where AWS keeps its log."""

    describe: str
    stop: str
    name: str
    status: str
    log_group: str


TRAINING = Kind(
    *("describe_training_job", "stop_training_job", "TrainingJobName", "TrainingJobStatus"),
    "/aws/sagemaker/TrainingJobs",
)
TUNING = Kind(
    *("describe_hyper_parameter_tuning_job", "stop_hyper_parameter_tuning_job"),
    *("HyperParameterTuningJobName", "HyperParameterTuningJobStatus"),
    "",  # its training jobs have one each
)
TRANSFORM = Kind(
    *("describe_transform_job", "stop_transform_job", "TransformJobName", "TransformJobStatus"),
    "/aws/sagemaker/TransformJobs",
)
PROCESSING = Kind(
    *("describe_processing_job", "stop_processing_job", "ProcessingJobName", "ProcessingJobStatus"),
    "/aws/sagemaker/ProcessingJobs",
)
ENDPOINT = Kind(
    *("describe_endpoint", "delete_endpoint", "EndpointName", "EndpointStatus"), "/aws/sagemaker/Endpoints/{name}"
)


class JobFailed(RuntimeError):
    """A job or an endpoint was refused or ended badly: the reason with its remedy, and the end of its log."""

    def __init__(self, name: str, reason: str, log: Sequence[str] = ()) -> None:
        self.name, self.reason, self.log = name, with_remedy(reason), list(log)
        tail = "\n".join(["", "The end of its log:", *log]) if log else ""
        super().__init__(f"{name}: {self.reason}{tail}")


def log_of(client: Any, kind: Kind, name: str) -> list[str]:
    """Return what a job printed, from this machine or from CloudWatch; the SDK's local mode has printed it itself."""
    if not kind.log_group:
        return []
    if hasattr(client, "log"):
        return str(client.log(name)).splitlines()
    if not hasattr(client, "meta"):
        return []
    import boto3

    logs = boto3.client("logs", region_name=client.meta.region_name)
    group = kind.log_group.format(name=name)
    prefix = {} if kind is ENDPOINT else {"logStreamNamePrefix": f"{name}/"}
    try:
        streams = logs.describe_log_streams(logGroupName=group, **prefix)["logStreams"]
        pages = [
            logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], limit=LOG_EVENTS)["events"]
            for stream in streams
        ]
    except logs.exceptions.ClientError as error:
        return [f"(the log cannot be read: {error})"]
    return [event["message"] for page in pages for event in page]


def training_log(client: Any, name: str) -> list[str]:
    """Return the lines that a training job printed; none from the SDK's local mode, which prints them as they come."""
    return log_of(client, TRAINING, name)
