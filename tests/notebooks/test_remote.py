"""The remote notebooks, unmodified, against the emulator: what they leave in S3 is what they leave on this machine.

Here the emulator runs the container's programs as processes, so that these tests need no Docker.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import papermill
import pytest

from helpers import jobs, tracking
from tests.emulator import Emulator, running
from tests.notebooks import permissions
from tests.notebooks.harness import NOTEBOOKS, run
from tests.notebooks.recorder import recording
from tests.notebooks.refresh import NO_ENGINE
from tests.notebooks.remote import REMOTE, forecast_in, in_bucket, left_running, notebook, outputs_of

SHORT = {"HORIZON_STEPS": 7, "ITEM": "JFK/B6"}
EXACT = 1e-9


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with running("processes") as started:
        yield started


@pytest.fixture(autouse=True)
def account(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variables that lead boto3 to the emulator, and Docker nowhere."""
    for name, value in {**emulator.environment, "DOCKER_HOST": NO_ENGINE}.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file into which the kernels write their calls of AWS."""
    return recording(tmp_path / "ipython", monkeypatch)


def test_training_leaves_in_s3_what_it_leaves_here(emulator: Emulator, calls: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "remote_training"
    run(notebook("03_remote_training"), tmp_path / "1.ipynb", {**SHORT, "KEEP_FILES": True, "OUTPUT_DIR": str(here)})
    run(
        notebook("03_remote_training"),
        tmp_path / "2.ipynb",
        {**SHORT, **REMOTE, "SPOT": True, "OUTPUT_DIR": str(there)},
    )
    (local,) = here.glob("remote-training-*/output/output.tar.gz")
    archives = in_bucket(emulator, "output.tar.gz")
    assert len(archives) == 2  # the job, and the same on spot capacity
    for key, archive in archives.items():
        assert key.startswith("convect/remote_training/remote-training-")
        pd.testing.assert_frame_equal(forecast_in(archive), forecast_in(local.read_bytes()), rtol=EXACT)
    said = outputs_of(tmp_path / "2.ipynb")
    assert "ml.m5.xlarge x 1: about 4 min, 0.02 USD; stopped after 30 min, at 0.12 USD" in said
    assert "Check BUCKET and its region, and that the files were put there." in said
    assert f"s3://{emulator.bucket}/convect/remote_training/" in said  # the model for the next notebooks
    assert left_running(emulator) == []
    permissions.compare("03_remote_training", calls)


def test_a_dataset_is_forecast_there_as_here(emulator: Emulator, calls: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "batch_transform"
    run(notebook("04_batch_transform"), tmp_path / "1.ipynb", {**SHORT, "KEEP_FILES": True, "OUTPUT_DIR": str(here)})
    run(notebook("04_batch_transform"), tmp_path / "2.ipynb", {**SHORT, **REMOTE, "OUTPUT_DIR": str(there)})
    ((key, stored),) = in_bucket(emulator, "/forecasts.csv").items()
    assert key == "convect/batch_transform/forecasts.csv"
    local = pd.read_csv(here / "forecasts.csv")
    pd.testing.assert_frame_equal(pd.read_csv(io.BytesIO(stored)), local, rtol=EXACT)
    assert local.groupby("item_id").size().eq(7).all()
    answers = in_bucket(emulator, ".csv.out")
    assert len([key for key in answers if "/answers/" in key]) == local["item_id"].nunique()
    assert len([key for key in answers if "bad" in key]) == 1
    said = outputs_of(tmp_path / "2.ipynb")
    assert re.search(r"broken\.csv: .*\b400\b", said), said
    assert "not_a_number: " in said
    assert "rows that are no number (rows 1, 2, 3, 4, 5 and " in said
    assert left_running(emulator) == []
    permissions.compare("04_batch_transform", calls)


def test_a_model_is_operated_there_as_here(emulator: Emulator, calls: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "operate"
    run(notebook("09_operate"), tmp_path / "1.ipynb", {"KEEP_FILES": True, "OUTPUT_DIR": str(here)})
    run(notebook("09_operate"), tmp_path / "2.ipynb", {**REMOTE, "SEND_SCHEDULE": True, "OUTPUT_DIR": str(there)})
    reports = in_bucket(emulator, "/groups.csv")
    for number in (1, 2):
        local = pd.read_csv(here / f"report-{number}/groups.csv")
        stored = pd.read_csv(io.BytesIO(reports[f"convect/operate/report-{number}/groups.csv"]))
        pd.testing.assert_frame_equal(stored, local, rtol=EXACT)
    said = outputs_of(tmp_path / "2.ipynb")
    assert "Decide · Succeeded · True\nTrain · Succeeded\nRegister · Succeeded\n" in said
    assert "ENABLED" in said
    client = emulator.client("sagemaker")
    assert client.list_pipelines()["PipelineSummaries"] == []
    assert client.list_model_package_groups()["ModelPackageGroupSummaryList"] == []
    assert client.list_endpoint_configs()["EndpointConfigs"] == client.list_models()["Models"] == []
    assert emulator.client("scheduler").list_schedules()["Schedules"] == []
    assert left_running(emulator) == []
    permissions.compare("09_operate", calls)


@pytest.fixture(scope="module")
def model(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URI of a model that was trained remotely."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        place = f"s3://{emulator.bucket}/model"
        channel = jobs.put(NOTEBOOKS.parent / "data/daily_departures.csv", f"{place}/train/flights.csv")
        where = {"image": emulator.image, "role": emulator.role, "instance_type": "ml.m5.xlarge"}
        settings = {"horizon": 14, "freq": "D", "preset": "fast", "windows": 1}
        request = jobs.training_request(jobs.unique_name("model"), {"train": channel}, place, settings, **where)
        return jobs.artifact_uri(jobs.train(emulator.client("sagemaker"), request, log_lines=0))


def test_an_endpoint_answers_there_as_here(emulator: Emulator, model: str, calls: Path, tmp_path: Path) -> None:
    out = {"OUTPUT_DIR": str(tmp_path / "deploy_endpoint"), "INSTANCE_TYPE": "ml.m5.large", "AUTOSCALE": True}
    run(notebook("05_deploy_endpoint"), tmp_path / "1.ipynb", {**REMOTE, **out, "MODEL_DATA": model})
    said = outputs_of(tmp_path / "1.ipynb")
    assert "0.12 USD an hour, 2.76 a day, 82.80 a month, used or not, until it is deleted" in said
    assert said.endswith("[]\n")  # all was deleted before the last cell, which may be run again
    assert "Updating" in said
    assert len(in_bucket(emulator, ".out")) >= 1
    client = emulator.client("sagemaker")
    assert client.list_endpoints()["Endpoints"] == client.list_endpoint_configs()["EndpointConfigs"] == []
    assert left_running(emulator) == []
    permissions.compare("05_deploy_endpoint", calls)


def test_data_of_other_services_are_forecast_there(emulator: Emulator, calls: Path, tmp_path: Path) -> None:
    changed = {"ITEMS": ["EWR/DL", "JFK/DL"], "ITEM": "JFK/DL", "OUTPUT_DIR": str(tmp_path / "bring_your_data")}
    run(notebook("07_bring_your_data"), tmp_path / "1.ipynb", {**REMOTE, **changed})
    group = sorted(key for key in in_bucket(emulator, "dataset.json") if "/bring_your_data/amazon_forecast/" in key)
    assert [key.rpartition("/")[0].rpartition("/")[2] for key in group] == ["related", "static", "train"]
    assert "Put it into channel 'related'" in outputs_of(tmp_path / "1.ipynb")
    assert left_running(emulator) == []
    permissions.compare("07_bring_your_data", calls)


@pytest.fixture
def mlflow(tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server."""
    server = tracking.start_server(tmp_path / "mlflow")
    assert server is not None
    yield server.uri
    tracking.stop_server(server)


def test_tuning_there_leaves_a_run_for_each_training_job(
    emulator: Emulator, mlflow: str, calls: Path, tmp_path: Path
) -> None:
    changed = {
        "CHOICES": {"preset": ["fast"], "missing": ["interpolate", "zero"]},
        "ITEM": "LGA/DL",
        "TRACKING": mlflow,
    }
    there = {"INSTANCE_TYPE": "ml.m5.xlarge", "EXPERIMENT": "there", "OUTPUT_DIR": str(tmp_path / "tune")}
    run(notebook("06_tune_and_track"), tmp_path / "1.ipynb", {**changed, **there})
    client = emulator.client("sagemaker")
    (tuning,) = client.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"]
    name = tuning["HyperParameterTuningJobName"]
    tried = client.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    runs = tracking.runs(mlflow, "there")
    assert sorted(runs["missing"]) == ["interpolate", "zero"]  # two at a time end in any order
    for one in tried["TrainingJobSummaries"]:
        objective = one["FinalHyperParameterTuningJobObjectiveMetric"]
        assert runs.loc[one["TrainingJobName"], objective["MetricName"]] == pytest.approx(objective["Value"], rel=1e-4)
    assert "ml.m5.xlarge x 2: about 4 min, 0.03 USD" in outputs_of(tmp_path / "1.ipynb")
    assert left_running(emulator) == []
    permissions.compare("06_tune_and_track", calls)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"ROLE": "nobody"}, "The role 'nobody' does not exist in this account"),
        ({"BUCKET": "no-such-bucket-here"}, "The bucket 'no-such-bucket-here' does not exist"),
        ({"IMAGE": "no-such-image"}, "ECR has no repository 'no-such-image': run 01_build_and_push"),
        ({"INSTANCE_TYPE": "ml.p5.48xlarge"}, "'ml.p5.48xlarge' has no price in PRICES"),
        ({"INSTANCE_TYPE": "m5"}, "Instance type 'm5' is unknown"),
        ({"ROLE": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role .* Check ROLE: it must exist"),
        ({"IMAGE": "127.0.0.1:9/none:latest"}, r"Cannot find repository: none .* Push the image first"),
    ],
)
def test_a_wrong_parameter_ends_in_a_sentence_before_money_is_spent(
    emulator: Emulator, tmp_path: Path, parameters: dict[str, str], sentence: str
) -> None:
    before = emulator.client("sagemaker").list_training_jobs()["TrainingJobSummaries"]
    with pytest.raises(papermill.PapermillExecutionError, match=sentence):
        run(notebook("03_remote_training"), tmp_path / "1.ipynb", {**REMOTE, **parameters, "OUTPUT_DIR": str(tmp_path)})
    assert emulator.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == before


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"AWS_DEFAULT_REGION": None, "AWS_REGION": None}, "No AWS region is set"),
        ({"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}, "No AWS credentials were found"),
        ({"AWS_ENDPOINT_URL": NO_ENGINE.replace("tcp", "http")}, "Check network and proxy, and AWS_ENDPOINT_URL"),
    ],
)
def test_a_wrong_account_ends_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: dict[str, str | None], sentence: str
) -> None:
    for file in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(file, str(tmp_path / "none"))
    for name, value in changed.items():
        monkeypatch.delenv(name, raising=False)
        if value:
            monkeypatch.setenv(name, value)
    with pytest.raises(papermill.PapermillExecutionError, match=sentence):
        run(notebook("03_remote_training"), tmp_path / "1.ipynb", {**REMOTE, "OUTPUT_DIR": str(tmp_path)})


def test_a_job_that_fails_remotely_says_why_and_what_it_printed(emulator: Emulator) -> None:
    place = f"s3://{emulator.bucket}/failing"
    channel = jobs.put(NOTEBOOKS.parent / "data/monthly_employment.csv", f"{place}/train/jobs.csv")
    where = {"image": emulator.image, "role": emulator.role, "instance_type": "ml.m5.xlarge"}
    name = jobs.unique_name("failing")
    request = jobs.training_request(
        name, {"train": channel}, place, {"horizon": 6, "schema": {"target": "no"}}, **where
    )
    with pytest.raises(jobs.JobFailed) as caught:
        jobs.train(emulator.client("sagemaker"), request)
    assert caught.value.reason.startswith("AlgorithmError: UserError [config]")
    assert "'no', which the table lacks" in caught.value.reason
    assert any(line.startswith("UserError [config]") for line in caught.value.log)  # from CloudWatch
    assert left_running(emulator) == []


def test_an_endpoint_that_never_becomes_healthy_leaves_nothing(emulator: Emulator, model: str) -> None:
    client = emulator.client("sagemaker")
    where = {"image": emulator.image, "role": emulator.role, "instance_type": "ml.m5.large"}
    broken = {"SAGEMAKER_MODEL_SERVER_WORKERS": "many"}
    name = jobs.unique_name("unhealthy")
    models = client.list_models()["Models"]
    with pytest.raises(jobs.JobFailed, match="did not pass the ping health check") as caught:
        jobs.deploy(client, jobs.endpoint_requests(name, model, environment=broken, **where))
    assert "SAGEMAKER_MODEL_SERVER_WORKERS" in str(caught.value)  # the end of its log says what was wrong
    assert client.list_endpoints()["Endpoints"] == client.list_endpoint_configs()["EndpointConfigs"] == []
    assert client.list_models()["Models"] == models
