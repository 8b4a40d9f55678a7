"""Tuning jobs: the values they try, the training jobs they run, and the best of them."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.tuning import candidates, draw

METRIC = {"Name": "loss", "Regex": "loss=([-0-9.]+);"}


def request(desk: Any, strategy: str, ranges: dict[str, Any], **limits: Any) -> dict[str, Any]:
    training = desk.training()
    definition = {
        "StaticHyperParameters": {"horizon": "7"},
        "AlgorithmSpecification": {**training["AlgorithmSpecification"], "MetricDefinitions": [METRIC]},
        **{name: training[name] for name in ("RoleArn", "OutputDataConfig", "ResourceConfig", "StoppingCondition")},
    }
    return {
        "HyperParameterTuningJobName": desk.name("tune"),
        "HyperParameterTuningJobConfig": {
            "Strategy": strategy,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxParallelTrainingJobs": 2, **limits},
            "ParameterRanges": ranges,
        },
        "TrainingJobDefinition": definition,
    }


def tune(desk: Any, sent: dict[str, Any]) -> dict[str, Any]:
    desk.sagemaker.create_hyper_parameter_tuning_job(**sent)
    return finished(desk, sent["HyperParameterTuningJobName"])


def finished(desk: Any, name: str) -> dict[str, Any]:
    status = "HyperParameterTuningJobStatus"
    return desk.until("hyper_parameter_tuning_job", lambda job: job[status] not in ("InProgress", "Stopping"), name)


def test_a_grid_is_tried_whole_and_the_least_loss_is_best(desk: Any, unpacked: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "loss", "Values": ["3.5", "0.5", "2.5"]}]}
    job = tune(desk, request(desk, "Grid", ranges))
    assert job["HyperParameterTuningJobStatus"] == "Completed"
    best = job["BestTrainingJob"]
    assert best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5
    assert best["TunedHyperParameters"] == {"loss": "0.5"}
    assert job["TrainingJobStatusCounters"]["Completed"] == 3
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 3, "Pending": 0, "Failed": 0}
    listed = desk.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
        HyperParameterTuningJobName=job["HyperParameterTuningJobName"], SortBy="FinalObjectiveMetricValue"
    )["TrainingJobSummaries"]
    losses = [one["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for one in listed]
    assert losses == [0.5, 2.5, 3.5]
    trained = desk.sagemaker.describe_training_job(TrainingJobName=best["TrainingJobName"])
    assert trained["TuningJobArn"] == job["HyperParameterTuningJobArn"]
    seen = unpacked(trained["ModelArtifacts"]["S3ModelArtifacts"])["algo-1.json"]["hyperparameters"]
    assert seen == {"horizon": "7", "loss": "0.5", "_tuning_objective_metric": "loss"}


def test_random_draws_as_many_as_allowed(desk: Any) -> None:
    ranges = {"ContinuousParameterRanges": [{"Name": "loss", "MinValue": "1", "MaxValue": "2"}]}
    job = tune(desk, request(desk, "Random", ranges, MaxNumberOfTrainingJobs=2))
    assert job["TrainingJobStatusCounters"]["Completed"] == 2
    assert 1 <= job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] <= 2


def test_without_a_good_training_job_a_tuning_job_fails(desk: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "do", "Values": ["fail"]}]}
    job = tune(desk, request(desk, "Grid", ranges))
    assert job["HyperParameterTuningJobStatus"] == "Failed"
    assert job["TrainingJobStatusCounters"]["NonRetryableError"] == 1


def test_stopping_stops_the_training_jobs(desk: Any) -> None:
    ranges = {"CategoricalParameterRanges": [{"Name": "do", "Values": ["wait"]}]}
    sent = request(desk, "Random", ranges, MaxNumberOfTrainingJobs=9)
    name = sent["HyperParameterTuningJobName"]
    desk.sagemaker.create_hyper_parameter_tuning_job(**sent)
    desk.until("hyper_parameter_tuning_job", lambda job: job["TrainingJobStatusCounters"]["InProgress"] == 2, name)
    desk.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    job = finished(desk, name)
    assert job["HyperParameterTuningJobStatus"] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    assert desk.sagemaker.list_hyper_parameter_tuning_jobs(StatusEquals="Stopped")["HyperParameterTuningJobSummaries"]


@pytest.mark.parametrize(
    ("strategy", "ranges", "sentence"),
    [
        ("Grid", {"IntegerParameterRanges": [{"Name": "a", "MinValue": "1", "MaxValue": "2"}]}, "categorical"),
        ("Random", {"IntegerParameterRanges": [{"Name": "a", "MinValue": "3", "MaxValue": "2"}]}, "range of a"),
        ("Hyperband", {}, "EmulatorDoesNotCover"),
        ("Guess", {}, "Member must satisfy enum value set"),
    ],
)
def test_a_bad_request_is_refused(desk: Any, strategy: str, ranges: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClientError, match=sentence):
        desk.sagemaker.create_hyper_parameter_tuning_job(**request(desk, strategy, ranges))


def test_draws_are_repeatable_and_of_all_kinds() -> None:
    config = {
        "Strategy": "Random",
        "RandomSeed": 3,
        "ParameterRanges": {
            "CategoricalParameterRanges": [{"Name": "c", "Values": ["x", "y"]}],
            "IntegerParameterRanges": [{"Name": "i", "MinValue": "1", "MaxValue": "9"}],
            "ContinuousParameterRanges": [{"Name": "f", "MinValue": "0", "MaxValue": "1"}],
        },
    }
    first, again = (list(itertools.islice(candidates(config), 5)) for _ in range(2))
    assert first == again
    assert len({json.dumps(one) for one in first}) == 5
    assert all(one["c"] in "xy" and 1 <= int(one["i"]) <= 9 and 0 <= float(one["f"]) <= 1 for one in first)


@given(st.floats(0.001, 10), st.floats(0, 1000), st.sampled_from(["Linear", "Logarithmic"]), st.integers())
def test_a_draw_stays_within_its_range(low: float, width: float, scale: str, seed: int) -> None:
    bounds = {"Name": "x", "MinValue": str(low), "MaxValue": str(low + width), "ScalingType": scale}
    assert low <= draw(random.Random(seed), bounds) <= low + width
