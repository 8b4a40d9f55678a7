"""Tuning jobs of the local client: training jobs with values from a grid or drawn at random, and the best of them."""

# ruff: noqa: ANN401 - boto3's requests and answers are dictionaries of anything

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Protocol

from .checks import check, check_training
from .errors import refused
from .job import Job, Registry
from .programs import POLL_S

CREATE = "CreateHyperParameterTuningJob"
NOUN = "HyperParameterTuningJob"
FINAL = "FinalHyperParameterTuningJobObjectiveMetric"
NAME_CHARACTERS = 32  # of a tuning job: fewer than other names may have
DEFAULT_JOBS = 10  # of a random search
ENDED = ("Completed", "Failed", "Stopped")
COUNTERS = {"Completed": "Completed", "Failed": "NonRetryableError", "Stopped": "Stopped"}
SUMMARY = (
    *("TrainingJobName", "TrainingJobArn", "TrainingJobStatus", "CreationTime", "TrainingStartTime"),
    *("TrainingEndTime", "FailureReason"),
)
NOT_COPIED = ("StaticHyperParameters", "HyperParameterRanges", "DefinitionName", "TuningObjective")


class Trainer(Protocol):
    """What a tuning job needs of the client: its memory, and training jobs."""

    registry: Registry

    def create_training_job(self, **request: Any) -> dict[str, Any]:
        """Start a training job."""
        ...


class TuningCalls:
    """boto3's methods for tuning jobs, for a client that has training jobs."""

    def create_hyper_parameter_tuning_job(self: Trainer, **request: Any) -> dict[str, Any]:
        """Start a tuning job; as on AWS the call returns at once."""
        check(CREATE, request)
        check_tuning(request)
        job = self.registry.make(NOUN, request, HyperParameterTuningJobStatus="InProgress")
        tell(job, self.registry)
        job.start(lambda: run_tuning(job, self))
        return {"HyperParameterTuningJobArn": job.state["HyperParameterTuningJobArn"]}

    def describe_hyper_parameter_tuning_job(self: Trainer, **request: Any) -> dict[str, Any]:
        """Describe a tuning job, its best training job included."""
        return self.registry.find("DescribeHyperParameterTuningJob", NOUN, request).describe()

    def stop_hyper_parameter_tuning_job(self: Trainer, **request: Any) -> dict[str, Any]:
        """Stop a tuning job with the training jobs that it has running."""
        self.registry.stop(NOUN, request)
        return {}

    def list_training_jobs_for_hyper_parameter_tuning_job(self: Trainer, **request: Any) -> dict[str, Any]:
        """List the training jobs of a tuning job in the order of their making, or the best first."""
        job = self.registry.find("ListTrainingJobsForHyperParameterTuningJob", NOUN, request)
        jobs = summaries(job, self.registry)
        jobs = [
            one for one in jobs if request.get("StatusEquals", one["TrainingJobStatus"]) == one["TrainingJobStatus"]
        ]
        if request.get("SortBy") == "FinalObjectiveMetricValue":
            jobs = by_objective(jobs)
        return {"TrainingJobSummaries": jobs[: request.get("MaxResults", 10)]}


def check_tuning(request: dict[str, Any]) -> None:
    """Check the parts of a tuning request that the service, or a process, would refuse."""
    name, config = request["HyperParameterTuningJobName"], request["HyperParameterTuningJobConfig"]
    if len(name) > NAME_CHARACTERS:
        raise refused(CREATE, f"{NOUN}Name '{name}' is longer than {NAME_CHARACTERS} characters.")
    if config["Strategy"] not in ("Grid", "Random", "Bayesian"):
        raise refused(CREATE, f"Local processes know no strategy {config['Strategy']}: use Grid or Random.")
    definitions = request["TrainingJobDefinition"]["AlgorithmSpecification"].get("MetricDefinitions", [])
    metric = config["HyperParameterTuningJobObjective"]["MetricName"]
    if metric not in [definition["Name"] for definition in definitions]:
        raise refused(CREATE, f"Invalid objective metric name: {metric} is not among the metric definitions.")
    check_training(training_request(request, name, next(candidates(config), {})))


def candidates(config: dict[str, Any]) -> Iterator[dict[str, str]]:
    """Yield the values to try, as strings: all of a grid, or random draws, with which Bayesian search begins, too.

    Raises ClientError for a grid with ranges of numbers.
    """
    ranges = config.get("ParameterRanges", {})
    choices = {each["Name"]: each["Values"] for each in ranges.get("CategoricalParameterRanges", [])}
    integers, reals = ranges.get("IntegerParameterRanges", []), ranges.get("ContinuousParameterRanges", [])
    if config["Strategy"] == "Grid":
        if integers or reals:
            raise refused(CREATE, "Grid search takes categorical parameter ranges only.")
        yield from (dict(zip(choices, values, strict=True)) for values in itertools.product(*choices.values()))
        return
    chance = random.Random(config.get("RandomSeed", 0))  # noqa: S311 - no secret is made of it
    for _ in range(config["ResourceLimits"].get("MaxNumberOfTrainingJobs", DEFAULT_JOBS)):
        drawn = {name: chance.choice(values) for name, values in choices.items()}
        drawn |= {each["Name"]: str(chance.randint(int(each["MinValue"]), int(each["MaxValue"]))) for each in integers}
        between = {each["Name"]: chance.uniform(float(each["MinValue"]), float(each["MaxValue"])) for each in reals}
        yield drawn | {name: repr(value) for name, value in between.items()}


def training_request(request: dict[str, Any], name: str, values: dict[str, str]) -> dict[str, Any]:
    """Return the training job that tries some values."""
    definition = request["TrainingJobDefinition"]
    objective = request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["MetricName"]
    fixed = {**definition.get("StaticHyperParameters", {}), "_tuning_objective_metric": objective}
    copied = {member: value for member, value in definition.items() if member not in NOT_COPIED}
    return {**copied, "TrainingJobName": name, "HyperParameters": {**fixed, **values}}


def planned(request: dict[str, Any]) -> list[tuple[str, dict[str, str]]]:
    """Return the name and the values of each training job of a tuning job; the same at every call."""
    name, config = request["HyperParameterTuningJobName"], request["HyperParameterTuningJobConfig"]
    return [(f"{name}-{number:03}", values) for number, values in enumerate(candidates(config), 1)]


def run_tuning(job: Job, client: Trainer) -> None:
    """Keep the allowed number of training jobs running until all have ended; nothing is raised."""
    waiting, limits = planned(job.request), job.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    try:
        while (waiting and not job.stop.is_set()) or running(job, client.registry):
            if waiting and not job.stop.is_set() and room(job, client.registry, limits["MaxParallelTrainingJobs"]):
                client.create_training_job(**training_request(job.request, *waiting.pop(0)))
            if job.stop.is_set():
                for one in running(job, client.registry):
                    one.stop.set()
            tell(job, client.registry)
            time.sleep(POLL_S)
        end(job, client.registry)
    except Exception as error:
        job.set(HyperParameterTuningJobStatus="Failed", FailureReason=f"InternalServerError: {error}")


def tried(job: Job, registry: Registry) -> list[tuple[Job, dict[str, str]]]:
    """Return the training jobs that a tuning job has started, each with the values it tries."""
    known = {one.name: one for one in registry.of("TrainingJob")}
    return [(known[name], values) for name, values in planned(job.request) if name in known]


def running(job: Job, registry: Registry) -> list[Job]:
    """Return the training jobs of a tuning job that have not ended."""
    return [one for one, _ in tried(job, registry) if one.state["TrainingJobStatus"] not in ENDED]


def room(job: Job, registry: Registry, most: int) -> bool:
    """Return whether one more training job may run."""
    return len(running(job, registry)) < most


def summaries(job: Job, registry: Registry) -> list[dict[str, Any]]:
    """Return what is told of each training job; one that has completed with a metric has an objective."""
    return [summary(job, one.state, one.name, values) for one, values in tried(job, registry)]


def summary(job: Job, state: dict[str, Any], name: str, values: dict[str, str]) -> dict[str, Any]:
    """Return what is told of one training job."""
    goal = job.request["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    numbers = {metric["MetricName"]: metric["Value"] for metric in state.get("FinalMetricDataList", [])}
    told = {key: state[key] for key in SUMMARY if key in state} | {"TrainingJobName": name}
    status = "Pending" if state["TrainingJobStatus"] not in ENDED else "Failed"
    if state["TrainingJobStatus"] == "Completed" and goal["MetricName"] in numbers:
        told[FINAL], status = {**goal, "Value": numbers[goal["MetricName"]]}, "Succeeded"
    return {**told, "TunedHyperParameters": values, "ObjectiveStatus": status}


def by_objective(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the training jobs that have an objective, the best first."""
    sign = {"Minimize": 1, "Maximize": -1}
    return sorted((one for one in jobs if FINAL in one), key=lambda one: sign[one[FINAL]["Type"]] * one[FINAL]["Value"])


def tell(job: Job, registry: Registry) -> None:
    """Bring the counters and the best training job up to date."""
    jobs = summaries(job, registry)
    states = dict.fromkeys(("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped"), 0)
    told = dict.fromkeys(("Succeeded", "Pending", "Failed"), 0)
    for one in jobs:
        states[COUNTERS.get(one["TrainingJobStatus"], "InProgress")] += 1
        told[one["ObjectiveStatus"]] += 1
    best = [{"BestTrainingJob": one} for one in by_objective(jobs)[:1]]
    job.set(TrainingJobStatusCounters=states, ObjectiveStatusCounters=told, **dict(*best))


def end(job: Job, registry: Registry) -> None:
    """Close the tuning job; without one good training job it has failed."""
    tell(job, registry)
    status, reason = "Stopped" if job.stop.is_set() else "Completed", {}
    if status == "Completed" and "BestTrainingJob" not in job.state:
        status, reason = "Failed", {"FailureReason": "No training job ended with an objective metric."}
    job.set(HyperParameterTuningJobStatus=status, HyperParameterTuningEndTime=datetime.now(UTC), **reason)
