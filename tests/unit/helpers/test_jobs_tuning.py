"""Tuning requests built from a training request, and what is read back, against a client that answers in pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from helpers import jobs

CHOICES = {"preset": ["fast", "balanced"], "missing": ["zero", "mean", "max"]}
START = datetime(2024, 1, 1, tzinfo=UTC)


def test_a_tuning_request_is_that_of_a_training_job_with_choices() -> None:
    settings = {"horizon": 14, "preset": "best"}
    security = jobs.Security(True, "key", ["subnet-1"], ["sg-1"])
    training = jobs.training_request("unused", {"train": "s3://b/k"}, "s3://b/out", settings, security=security)
    training["Environment"] = {"MLFLOW_TRACKING_URI": "http://127.0.0.1:5000"}
    request = jobs.tuning_request("tune", training, CHOICES, "validation:wQL", parallel=3)
    config, definition = request["HyperParameterTuningJobConfig"], request["TrainingJobDefinition"]
    assert config["Strategy"] == "Grid"
    assert config["ResourceLimits"] == {"MaxParallelTrainingJobs": 3}
    assert config["ParameterRanges"]["CategoricalParameterRanges"][0] == {
        **{"Name": "preset", "Values": ["fast", "balanced"]},
    }
    assert definition["StaticHyperParameters"] == {"horizon": "14"}
    for member in set(training) - {"TrainingJobName", "HyperParameters"}:
        assert definition[member] == training[member]
    assert jobs.combinations(CHOICES) == 6
    session = pytest.importorskip("botocore.session").get_session()
    shape = session.get_service_model("sagemaker").operation_model("CreateHyperParameterTuningJob").input_shape
    report = pytest.importorskip("botocore.validate").ParamValidator().validate(request, shape)
    assert not report.has_errors(), report.generate_report()


def test_with_a_number_of_jobs_values_are_drawn() -> None:
    training = jobs.training_request("unused", {"train": "s3://b/k"}, "s3://b/out")
    config = jobs.tuning_request("tune", training, CHOICES, "test:wQL", most_jobs=4)["HyperParameterTuningJobConfig"]
    assert config["Strategy"] == "Random"
    assert config["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 4


class Paged:
    """A client whose listing comes in two pages; the second training job has failed."""

    def list_training_jobs_for_hyper_parameter_tuning_job(self, **request: Any) -> dict[str, Any]:
        assert request["HyperParameterTuningJobName"] == "tune"
        number = 2 if request.get("NextToken") == "more" else 1
        status = "Completed" if number == 1 else "Failed"
        one = {"TrainingJobName": f"j{number}", "TrainingJobStatus": status, "TunedHyperParameters": {"a": str(number)}}
        return {"TrainingJobSummaries": [one], **({"NextToken": "more"} if number == 1 else {})}

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        if TrainingJobName == "j2":
            return {"TrainingJobName": "j2", "TrainingStartTime": START}
        metrics = [{"MetricName": "validation:MASE", "Value": 0.5}]
        times = {"TrainingStartTime": START, "TrainingEndTime": START + timedelta(seconds=90)}
        return {"TrainingJobName": "j1", "FinalMetricDataList": metrics, **times}


def test_each_training_job_is_a_row_with_its_values_and_metrics() -> None:
    table = pd.DataFrame(jobs.tuned(Paged(), "tune")).set_index("job")
    assert table.loc["j1"].to_dict() == {"status": "Completed", "seconds": 90.0, "a": "1", "validation:MASE": 0.5}
    assert table.loc["j2", "status"] == "Failed"
    assert table.loc["j2", ["seconds", "validation:MASE"]].isna().all()
