"""Hyperparameter tuning jobs: training jobs with values drawn at random or from a grid, and the best of them."""

from __future__ import annotations

import functools
import itertools
import math
import random
import secrets
import time
import traceback
from collections.abc import Iterator
from typing import Any

from . import training
from .errors import ServiceError, invalid, not_emulated
from .listing import page, sorted_as_asked
from .registry import TRAINING, TUNING, Resource
from .service import Service

FINISHED = ("Completed", "Failed", "Stopped")
COUNTERS = {"Completed": "Completed", "InProgress": "InProgress", "Stopping": "InProgress", "Stopped": "Stopped"}
COPIED = (
    *("RoleArn", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition", "Environment"),
    *("CheckpointConfig", "EnableManagedSpotTraining", "EnableNetworkIsolation"),
)
DEFAULT_JOBS = 10


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateHyperParameterTuningJob of one definition; Bayesian draws at random, Hyperband is not covered."""
    config, definition = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinition")
    if definition is None or "WarmStartConfig" in request or config["Strategy"] == "Hyperband" or "Autotune" in request:
        raise not_emulated("Several definitions, warm start, autotune or Hyperband")
    if "HyperParameterTuningJobObjective" not in config:
        raise invalid("HyperParameterTuningJobObjective is required.")
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    if metric not in [known["Name"] for known in definition["AlgorithmSpecification"].get("MetricDefinitions", [])]:
        raise invalid(f"Invalid objective metric name: {metric} is not among the metric definitions.")
    next(candidates(config), None)  # ranges that cannot be drawn from are refused here
    training.check(service, job_request(request, "tuned", {}))
    job = service.registry.make(TUNING, request, HyperParameterTuningJobStatus="InProgress")
    tell(service, job)
    service.background(functools.partial(run, service, job))
    return {"HyperParameterTuningJobArn": job.arn}


def stop(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """StopHyperParameterTuningJob: with all its training jobs."""
    job = service.registry.find(TUNING, request["HyperParameterTuningJobName"])
    if job.status == "InProgress":
        job.set_status("Stopping")
        job.stop.set()
        for one in job.parts.get("jobs", []):
            one.stop.set()
    return {}


def candidates(config: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The values to try, as strings: all of the grid, or draws without end."""
    ranges = config.get("ParameterRanges", {})
    choices = {each["Name"]: each["Values"] for each in ranges.get("CategoricalParameterRanges", [])}
    integers, reals = ranges.get("IntegerParameterRanges", []), ranges.get("ContinuousParameterRanges", [])
    if config["Strategy"] == "Grid":
        if integers or reals:
            raise invalid("Grid search takes categorical parameter ranges only.")
        yield from (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))
        return
    chance = random.Random(config.get("RandomSeed", 0))
    while True:
        drawn = {name: chance.choice(values) for name, values in choices.items()}
        drawn |= {each["Name"]: str(round(draw(chance, each))) for each in integers}
        yield drawn | {each["Name"]: repr(draw(chance, each)) for each in reals}


def draw(chance: random.Random, bounds: dict[str, str]) -> float:
    low, high, scale = float(bounds["MinValue"]), float(bounds["MaxValue"]), bounds.get("ScalingType", "Auto")
    if low > high or (scale == "Logarithmic" and low <= 0):
        raise invalid(f"The range of {bounds['Name']} is empty, or not positive on a logarithmic scale.")
    if scale == "Logarithmic":
        return min(high, max(low, math.exp(chance.uniform(math.log(low), math.log(high)))))
    return chance.uniform(low, high)


def job_request(request: dict[str, Any], name: str, values: dict[str, str]) -> dict[str, Any]:
    """The training job that tries some values."""
    definition = request["TrainingJobDefinition"]
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    fixed = {**definition.get("StaticHyperParameters", {}), "_tuning_objective_metric": objective}
    copied = {member: definition[member] for member in COPIED if member in definition}
    return {
        "TrainingJobName": name,
        "AlgorithmSpecification": definition["AlgorithmSpecification"],
        "HyperParameters": {**fixed, **values},
        **copied,
    }


def run(service: Service, job: Resource) -> None:
    """Keep the allowed number of training jobs running until all are done; nothing is raised."""
    limits = job.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    drawn = itertools.islice(
        candidates(job.request["HyperParameterTuningJobConfig"]), limits.get("MaxNumberOfTrainingJobs", DEFAULT_JOBS)
    )
    jobs: list[Resource] = job.parts.setdefault("jobs", [])
    try:
        exhausted = False
        while not exhausted or any(one.status not in FINISHED for one in jobs):
            running = sum(one.status not in FINISHED for one in jobs)
            if not exhausted and running < limits["MaxParallelTrainingJobs"] and not job.stop.is_set():
                values = next(drawn, None)
                exhausted = values is None
                if values is not None:
                    jobs.append(start_one(service, job, len(jobs) + 1, values))
                continue
            exhausted = exhausted or job.stop.is_set()
            tell(service, job)
            time.sleep(service.limits.poll_s)
    except ServiceError as error:
        finish(service, job, "Failed", FailureReason=error.message)
    except Exception as error:
        traceback.print_exc()
        finish(service, job, "Failed", FailureReason=f"InternalServerError: {error!r}")
    else:
        finish(service, job, "Stopped" if job.stop.is_set() else "Completed")


def start_one(service: Service, job: Resource, number: int, values: dict[str, str]) -> Resource:
    name = f"{job.name}-{number:03}-{secrets.token_hex(4)}"
    one = service.registry.make(
        TRAINING,
        job_request(job.request, name, values),
        TrainingJobStatus="InProgress",
        ModelArtifacts={"S3ModelArtifacts": ""},
        TuningJobArn=job.arn,
        TunedHyperParameters=values,
    )
    training.launch(service, one)
    return one


def finish(service: Service, job: Resource, status: str, **changes: Any) -> None:
    tell(service, job)
    good = any("FinalHyperParameterTuningJobObjectiveMetric" in one.state for one in job.parts.get("jobs", []))
    if status == "Completed" and not good:
        status, changes = "Failed", {"FailureReason": "No training job ended with an objective metric."}
    job.set_status(status, HyperParameterTuningEndTime=time.time(), **changes)


def tell(service: Service, job: Resource) -> None:
    """Bring the counters, each job's objective and the best job up to date."""
    jobs: list[Resource] = job.parts.get("jobs", [])
    states = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    for one in jobs:
        states[COUNTERS.get(one.status, "NonRetryableError")] += 1
        score(job, one)
    scored = [one for one in jobs if "FinalHyperParameterTuningJobObjectiveMetric" in one.state]
    ended = sum(one.status in FINISHED for one in jobs)
    told = {"Succeeded": len(scored), "Pending": len(jobs) - ended, "Failed": ended - len(scored)}
    best = {"BestTrainingJob": min(scored, key=lambda one: rank(job, one)).describe()} if scored else {}
    job.set(TrainingJobStatusCounters=states, ObjectiveStatusCounters=told, **best)


def score(job: Resource, one: Resource) -> None:
    objective = job.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    found = [m for m in one.state.get("FinalMetricDataList", []) if m["MetricName"] == objective["MetricName"]]
    if one.status == "Completed" and found and "FinalHyperParameterTuningJobObjectiveMetric" not in one.state:
        metric = {**objective, "Value": found[0]["Value"]}
        one.set(FinalHyperParameterTuningJobObjectiveMetric=metric, ObjectiveStatus="Succeeded")


def rank(job: Resource, one: Resource) -> float:
    value = float(one.state["FinalHyperParameterTuningJobObjectiveMetric"]["Value"])
    least = job.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] == "Minimize"
    return value if least else -value


def list_jobs(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """ListTrainingJobsForHyperParameterTuningJob."""
    job = service.registry.find(TUNING, request["HyperParameterTuningJobName"])
    jobs = [one for one in job.parts.get("jobs", []) if request.get("StatusEquals", one.status) == one.status]
    if request.get("SortBy") == "FinalObjectiveMetricValue":
        jobs = [one for one in jobs if "FinalHyperParameterTuningJobObjectiveMetric" in one.state]
        jobs.sort(key=lambda one: rank(job, one))
        return page(jobs, "ListTrainingJobsForHyperParameterTuningJob", request)
    return page(sorted_as_asked(jobs, request), "ListTrainingJobsForHyperParameterTuningJob", request)
