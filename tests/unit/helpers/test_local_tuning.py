"""Tuning jobs of the local client: what is tried, which is best, and answers in the service's shapes."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from helpers import jobs
from helpers.local import ClientError, LocalClient, ResourceInUse
from helpers.local.tuning import candidates
from tests.unit.helpers.waiting import until

Build = Callable[..., dict[str, Any]]
STATUS = "HyperParameterTuningJobStatus"


@pytest.fixture
def tuning(request_for: Build) -> Build:
    """A function that returns a tuning request over choices, whose objective is the number that a job prints last."""

    def build(choices: dict[str, list[str]], **limits: int) -> dict[str, Any]:
        training = {**request_for("unused", horizon=7), "Environment": {"WHO": "tuning"}}
        return jobs.tuning_request("tune-1", training, choices, "validation:MASE", **limits)

    return build


def over(client: LocalClient) -> dict[str, Any]:
    """The description of the tuning job once it has ended."""

    def describe() -> dict[str, Any]:
        return client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune-1")

    until(lambda: describe()[STATUS] not in ("InProgress", "Stopping"))
    return describe()


def told(client: LocalClient, **wanted: str) -> list[dict[str, Any]]:
    """What is listed of its training jobs."""
    name = {"HyperParameterTuningJobName": "tune-1"}
    return list(client.list_training_jobs_for_hyper_parameter_tuning_job(**name, **wanted)["TrainingJobSummaries"])


def test_a_grid_is_tried_whole_and_a_job_that_fails_is_not_the_best(client: LocalClient, tuning: Build) -> None:
    answer = client.create_hyper_parameter_tuning_job(**tuning({"behave": ["fail", "well"], "preset": ["a", "b"]}))
    job = over(client)
    assert answer["HyperParameterTuningJobArn"] == job["HyperParameterTuningJobArn"]
    assert job[STATUS] == "Completed"
    assert job["BestTrainingJob"]["TunedHyperParameters"] == {"behave": "well", "preset": "a"}
    assert job["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.83
    assert job["TrainingJobStatusCounters"]["Completed"] == job["TrainingJobStatusCounters"]["NonRetryableError"] == 2
    assert job["ObjectiveStatusCounters"] == {"Succeeded": 2, "Pending": 0, "Failed": 2}
    assert len(told(client, SortBy="FinalObjectiveMetricValue")) == len(told(client, StatusEquals="Failed")) == 2
    assert {one["TunedHyperParameters"]["preset"] for one in told(client)} == {"a", "b"}
    trained = client.describe_training_job(TrainingJobName=told(client)[-1]["TrainingJobName"])
    assert trained["HyperParameters"] == {
        **{"horizon": "7", "behave": "well", "preset": "b"},
        "_tuning_objective_metric": "validation:MASE",
    }
    assert trained["Environment"] == {"WHO": "tuning"}


def test_answers_have_the_service_s_shapes(client: LocalClient, tuning: Build) -> None:
    session = pytest.importorskip("botocore.session").get_session()
    request = tuning({"behave": ["well", "fail"]})
    operations = session.get_service_model("sagemaker").operation_model
    report = (
        pytest.importorskip("botocore.validate")
        .ParamValidator()
        .validate(request, operations("CreateHyperParameterTuningJob").input_shape)
    )
    assert not report.has_errors(), report.generate_report()
    client.create_hyper_parameter_tuning_job(**request)
    assert not strange(operations("DescribeHyperParameterTuningJob").output_shape, over(client))
    listing = operations("ListTrainingJobsForHyperParameterTuningJob").output_shape
    assert not strange(listing, {"TrainingJobSummaries": told(client)})


def strange(shape: Any, value: Any) -> list[str]:
    """The members of an answer that the service's model does not know, and those it has in every answer but this."""
    if shape.type_name == "list":
        return [name for each in value for name in strange(shape.member, each)]
    if shape.type_name != "structure":
        return []
    known = [name for key in value if key in shape.members for name in strange(shape.members[key], value[key])]
    return known + sorted((set(value) - set(shape.members)) | (set(shape.required_members) - set(value)))


def test_no_more_jobs_run_than_allowed_and_stopping_stops_them(client: LocalClient, tuning: Build) -> None:
    client.create_hyper_parameter_tuning_job(**tuning({"behave": ["wait"], "preset": ["a", "b", "c"]}, parallel=2))
    until(lambda: ["ready" in client.log(one["TrainingJobName"]) for one in started(client)] == [True, True])
    assert len(told(client)) == 2
    client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune-1")
    job = over(client)
    assert job[STATUS] == "Stopped"
    assert job["TrainingJobStatusCounters"]["Stopped"] == 2
    with pytest.raises(ClientError, match="in status Stopped"):
        client.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune-1")


def started(client: LocalClient) -> list[dict[str, Any]]:
    """The training jobs whose program has a log."""
    jobs_with_log = {job.name for job in client.registry.of("TrainingJob") if job.log.exists()}
    return [one for one in told(client) if one["TrainingJobName"] in jobs_with_log]


def test_without_a_good_training_job_it_fails_with_the_reason_of_the_first(client: LocalClient, tuning: Build) -> None:
    with pytest.raises(jobs.JobFailed, match=r"No training job ended .* Unknown hyperparameter") as caught:
        jobs.tune(client, tuning({"behave": ["fail", "crash"]}))
    assert "UserError [config]" in caught.value.reason


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("HyperParameterTuningJobName",), "t" * 33, "longer than 32"),
        (("HyperParameterTuningJobConfig", "Strategy"), "Hyperband", "no strategy Hyperband"),
        (
            ("HyperParameterTuningJobConfig", "HyperParameterTuningJobObjective", "MetricName"),
            *("loss", "loss is not among the metric definitions"),
        ),
        (("TrainingJobDefinition", "ResourceConfig", "InstanceCount"), 2, "set InstanceCount to 1"),
        (("TrainingJobDefinition", "OutputDataConfig", "S3OutputPath"), "s3://b/k", "file:// only"),
        (
            ("HyperParameterTuningJobConfig", "ParameterRanges", "IntegerParameterRanges"),
            *([{"Name": "windows", "MinValue": "1", "MaxValue": "3"}], "categorical parameter ranges only"),
        ),
    ],
)
def test_a_bad_request_is_refused(
    client: LocalClient, tuning: Build, path: tuple[str, ...], value: object, message: str
) -> None:
    request = tuning({"preset": ["a"]})
    inner: Any = request
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ClientError, match=message):
        client.create_hyper_parameter_tuning_job(**request)
    assert client.list_training_jobs() == {"TrainingJobSummaries": []}


def test_a_taken_name_is_refused(client: LocalClient, tuning: Build) -> None:
    client.create_hyper_parameter_tuning_job(**tuning({"preset": ["a"]}))
    with pytest.raises(ResourceInUse):
        client.create_hyper_parameter_tuning_job(**tuning({"preset": ["a"]}))
    over(client)


def test_random_draws_stay_in_range_and_are_the_same_again() -> None:
    ranges = {
        "CategoricalParameterRanges": [{"Name": "c", "Values": ["x", "y"]}],
        "IntegerParameterRanges": [{"Name": "i", "MinValue": "1", "MaxValue": "3"}],
        "ContinuousParameterRanges": [{"Name": "r", "MinValue": "0.5", "MaxValue": "2"}],
    }
    limits = {"MaxNumberOfTrainingJobs": 40, "MaxParallelTrainingJobs": 1}
    config = {"Strategy": "Random", "ParameterRanges": ranges, "ResourceLimits": limits}
    drawn = list(candidates(config))
    assert drawn == list(candidates(config))
    assert len(drawn) == 40
    assert {one["c"] for one in drawn} == {"x", "y"}
    assert {one["i"] for one in drawn} == {"1", "2", "3"}
    assert all(0.5 <= float(one["r"]) <= 2 for one in drawn)
    assert len({one["r"] for one in drawn}) == 40
    assert list(itertools.islice(candidates({**config, "RandomSeed": 1}), 40)) != drawn
