"""Tuning jobs: many training jobs that differ in a few settings, and the one that did best by a metric."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from .kinds import TUNING, JobFailed
from .requests import Request
from .running import send_all, wait

KEPT = (
    *("AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig"),
    *("StoppingCondition", "Environment", "EnableNetworkIsolation", "VpcConfig"),
)
PAGE = 100  # training jobs that one answer of the service may tell of


def tuning_request(
    name: str,
    training: Request,
    choices: Mapping[str, Sequence[str]],
    objective: str,
    *,
    most_jobs: int = 0,
    parallel: int = 2,
) -> Request:
    """Return the dictionary of `create_hyper_parameter_tuning_job` around that of a training job.

    Each of `choices` takes the place of the setting of that name. All combinations are tried; with `most_jobs`, that
    many are drawn at random. The objective, a metric of the training job, is minimised. `name` has at most 32
    characters.
    """
    ranges = [{"Name": key, "Values": [str(value) for value in values]} for key, values in choices.items()]
    fixed = {key: value for key, value in training["HyperParameters"].items() if key not in choices}
    limits = {"MaxParallelTrainingJobs": parallel, **({"MaxNumberOfTrainingJobs": most_jobs} if most_jobs else {})}
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random" if most_jobs else "Grid",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": objective},
            "ResourceLimits": limits,
            "ParameterRanges": {"CategoricalParameterRanges": ranges},
        },
        "TrainingJobDefinition": {
            "StaticHyperParameters": fixed,
            **{key: training[key] for key in KEPT if key in training},
        },
    }


def combinations(choices: Mapping[str, Sequence[str]]) -> int:
    """Return how many training jobs try all combinations."""
    return math.prod(len(values) for values in choices.values())


def tune(client: Any, request: Request) -> Request:
    """Run a tuning job to its end, printing how many training jobs have ended; return its description.

    An interruption (the notebook's stop button) stops it and its training jobs.

    Raises:
        JobFailed: it was refused, or no training job ended with the objective; the message has the reason of the first.
    """
    name, printed = request["HyperParameterTuningJobName"], [""]
    send_all(client, {"create_hyper_parameter_tuning_job": request})

    def progress() -> None:
        now = counted(client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name))
        if now != printed[-1]:
            print(now, flush=True)
            printed.append(now)

    try:
        described = wait(client, TUNING, name, 0, probe=progress)
    except JobFailed as error:
        reasons = [one["FailureReason"] for one in summaries(client, name) if "FailureReason" in one]
        raise JobFailed(name, " ".join([error.reason, *reasons[:1]])) from error
    print(counted(described))
    return described


def counted(described: Mapping[str, Any]) -> str:
    """Return how many training jobs of a tuning job are in which state, as a line."""
    counters = described.get("TrainingJobStatusCounters", {})
    return ", ".join(f"{count} {state}" for state, count in counters.items() if count) or "no job yet"


def tuned(client: Any, name: str) -> list[dict[str, Any]]:
    """Return a row for each training job of a tuning job: its name, state and seconds, the values tried, its metrics.

    The metrics are those that the job's own description has: what its regular expressions found in its log.
    """
    rows = []
    for one in summaries(client, name):
        job = client.describe_training_job(TrainingJobName=one["TrainingJobName"])
        metrics = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}
        told = {"job": one["TrainingJobName"], "status": one["TrainingJobStatus"], "seconds": seconds(job)}
        rows.append({**told, **one["TunedHyperParameters"], **metrics})
    return rows


def summaries(client: Any, name: str) -> list[dict[str, Any]]:
    """Return what is told of all training jobs of a tuning job, page by page."""
    found: list[dict[str, Any]] = []
    more: dict[str, str] = {}
    while True:
        page = client.list_training_jobs_for_hyper_parameter_tuning_job(
            HyperParameterTuningJobName=name, MaxResults=PAGE, **more
        )
        found += page["TrainingJobSummaries"]
        if "NextToken" not in page:
            return found
        more = {"NextToken": page["NextToken"]}


def seconds(job: Mapping[str, Any]) -> float:
    """Return how long a training job ran; NaN for one that has not ended."""
    if "TrainingEndTime" not in job or "TrainingStartTime" not in job:
        return float("nan")
    return float((job["TrainingEndTime"] - job["TrainingStartTime"]).total_seconds())
