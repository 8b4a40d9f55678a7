"""Jobs of every kind in this process: which lines they print, which files they leave, what they refuse."""

from __future__ import annotations

import json
import re
import tarfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.artifact import Artifact
from convect.errors import UserError
from convect.platform import training
from convect.platform.opt_ml import OptML, failure_text
from convect.platform.spec import METRICS
from convect.platform.work import earlier_model
from tests.contract.jobs import Job, csv
from tests.unit.made import table
from tests.unit.platform.test_pipes import feed
from tests.unit.reading.test_datasets import DESCRIBED

SETTINGS = {"preset": "fast", "horizon": "5"}
WHOLE = table(3, 55)
HISTORY = WHOLE[WHOLE.groupby("item_id").cumcount() < 50]


pytestmark = pytest.mark.usefixtures("no_processes")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_TRACKING_ARN"):
        monkeypatch.delenv(name, raising=False)
    found = Job(tmp_path)
    found.put("train", "train.csv", csv(HISTORY))
    return found


def series_of(frame: pd.DataFrame, *, more: bool = False) -> bytes:
    """The table as DeepAR's JSON Lines, with a category and a feature where `more`."""
    lines = []
    for place, (_, rows) in enumerate(frame.groupby("item_id")):
        line: dict[str, Any] = {"start": str(rows["timestamp"].iloc[0]), "target": rows["target"].tolist()}
        if more:
            line |= {"cat": [place % 2], "dynamic_feat": [list(range(55))]}
        lines.append(json.dumps(line))
    return "\n".join(lines).encode()


def modes(job: Job, **by_channel: str) -> None:
    path = job.base / "input" / "config" / "inputdataconfig.json"
    path.write_text(json.dumps({name: {"TrainingInputMode": mode} for name, mode in by_channel.items()}))


def told(out: str) -> dict[str, list[float]]:
    """Every metric as its own regex finds it, which is how the platform and a tuning job read the log."""
    return {metric.name: [float(text) for text in re.findall(metric.regex, out)] for metric in METRICS}


def reason(job: Job) -> str:
    assert training.main() == 1
    assert job.written == []
    return job.failure.read_text(encoding="utf-8").splitlines()[0]


# --- the test channel


def test_every_declared_metric_is_told_once_where_there_is_a_test_channel(
    job: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    job.put("test", "whole.csv", csv(WHOLE))
    job.configure(SETTINGS, "train", "test")
    assert training.main() == 0
    out = capsys.readouterr().out
    assert {name for name, values in told(out).items() if len(values) != 1} == set()
    assert "test: 15 values of 3 items to score with" in out
    forecast = job.csv("forecasts.csv").pivot(index="item_id", columns="timestamp", values="mean").to_numpy()
    actual = WHOLE["target"].to_numpy().reshape(3, 55)[:, 50:]
    assert told(out)["test:WAPE"] == pytest.approx([np.abs(actual - forecast).sum() / actual.sum()], rel=1e-4)


def test_without_a_test_channel_its_metrics_are_silent(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.configure(SETTINGS, "train")
    assert training.main() == 0
    found = told(capsys.readouterr().out)
    assert {name.split(":")[0] for name, values in found.items() if not values} == {"test"}
    assert all(len(values) == 1 for name, values in found.items() if not name.startswith("test:"))


def test_a_test_channel_of_other_items_fails_before_the_search(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    job.put("test", "other.csv", csv(WHOLE.assign(item_id="z")))
    job.configure(SETTINGS, "train", "test")
    assert reason(job).startswith("UserError [data]: No row of channel 'test' lies in the 5 steps after the end")
    assert "model " not in capsys.readouterr().out


# --- the other services' forms


def test_a_deepar_job(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    (job.base / "input" / "data" / "train" / "train.csv").unlink()
    job.put("train", "train.json", series_of(HISTORY, more=True))
    job.put("test", "test.json", series_of(WHOLE, more=True))
    job.configure(SETTINGS | {"freq": "D"}, "train", "test")
    assert training.main() == 0
    artifact = Artifact.load(job.base / "model")
    assert artifact.item_ids == ("series-0000001", "series-0000002", "series-0000003")
    assert (artifact.panel.static_names, artifact.panel.known_names) == (("cat_0",), ("feat_0",))
    assert len(told(capsys.readouterr().out)["test:MASE"]) == 1


def test_a_deepar_job_without_a_frequency(job: Job) -> None:
    (job.base / "input" / "data" / "train" / "train.csv").unlink()
    job.put("train", "train.json", series_of(HISTORY))
    job.configure(SETTINGS, "train")
    assert reason(job) == (
        "UserError [config]: File 'train.json' of channel 'train' has series in DeepAR's form, which name only their"
        " start. Pass hyperparameter freq (DeepAR's time_freq), for example D."
    )


def test_an_amazon_forecast_job(job: Job) -> None:
    frame = HISTORY.assign(store="north")[["item_id", "timestamp", "target", "store"]]
    job.put("train", "train.csv", frame.to_csv(index=False, header=False).encode())
    job.put("train", "schema.json", json.dumps(DESCRIBED).encode())
    job.configure(SETTINGS, "train")
    assert training.main() == 0
    artifact = Artifact.load(job.base / "model")
    assert artifact.item_ids == ("i0/north", "i1/north", "i2/north")
    assert (artifact.schema.target, artifact.config.freq) == ("target_value", "D")


# --- pipes


def test_a_job_through_pipes_ends_as_one_over_files(job: Job) -> None:
    job.configure(SETTINGS, "train")
    assert training.main() == 0
    before = {name: (job.base / "model" / name).read_bytes() for name in job.written}
    (job.base / "input" / "data" / "train" / "train.csv").unlink()
    modes(job, train="Pipe")
    parts = [csv(HISTORY[HISTORY["item_id"] == item]) for item in ("i0", "i1", "i2")]
    feed(job.base / "input" / "data" / "train_0", parts, late_s=0.2)
    assert training.main() == 0
    assert {name: (job.base / "model" / name).read_bytes() for name in job.written} == before
    assert threading.active_count() < 20


# --- a refit


def refit_of(job: Job, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job, from now on the one that runs, with the archive of a finished one as its channel `model`."""
    base = tmp_path_factory.mktemp("again")
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(base))
    found = Job(base)
    found.put("model", "job-1/output/model.tar.gz", b"")
    with tarfile.open(base / "input" / "data" / "model" / "job-1" / "output" / "model.tar.gz", "w:gz") as archive:
        for path in sorted((job.base / "model").iterdir()):
            archive.add(path, path.name)
    return found


@pytest.fixture
def again(job: Job, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Job:
    """A job with the first one's archive as its channel `model`, and later data."""
    job.configure(SETTINGS, "train")
    assert training.main() == 0
    found = refit_of(job, tmp_path_factory, monkeypatch)
    found.put("train", "train.csv", csv(table(4, 55)))
    found.configure({}, "train", "model")
    return found


def test_a_refit_leaves_a_model_and_forecasts_and_no_leaderboard(
    job: Job, again: Job, capsys: pytest.CaptureFixture[str]
) -> None:
    assert training.main() == 0
    before, after = (Artifact.load(one.base / "model") for one in (job, again))
    assert after.item_ids == ("i0", "i1", "i2", "i3")
    told_of = ["forecasts.csv", "forecasts.parquet", "quality.json", "report.html"]
    assert again.outputs == ["explanations.parquet", *told_of]
    np.testing.assert_array_equal(after.weights.series[:3], before.weights.series)
    first = pd.to_datetime(again.csv("forecasts.csv")["timestamp"]).min()
    assert first == table(4, 55)["timestamp"].max() + pd.Timedelta(days=1)
    out = capsys.readouterr().out
    assert "refit: 3 items of the earlier model, 1 new ones, 0 left out" in out
    found = told(out)
    assert found["train:series"] == [4]
    assert not any(values for name, values in found.items() if name.startswith("validation:"))


def test_a_refit_is_scored_on_the_test_channel(again: Job, capsys: pytest.CaptureFixture[str]) -> None:
    again.put("test", "whole.csv", csv(table(4, 60)))
    again.configure({}, "train", "model", "test")
    assert training.main() == 0
    assert len(told(capsys.readouterr().out)["test:MASE"]) == 1


def test_settings_of_a_search_are_said_to_have_no_effect(again: Job, capsys: pytest.CaptureFixture[str]) -> None:
    again.configure({"preset": "best", "metric": "WAPE", "windows": "2", "quantiles": "0.5"}, "train", "model")
    assert training.main() == 0
    assert "A refit searches nothing: preset, metric, windows have no effect.\n" in capsys.readouterr().out
    assert list(again.csv("forecasts.csv").columns) == ["item_id", "timestamp", "mean", "0.5"]


def test_a_refit_of_another_schema_is_refused_with_its_difference(again: Job) -> None:
    again.put("train", "train.csv", csv(table(4, 55).assign(price=1.0)))
    again.configure({"schema": '{"known_covariates": ["price"]}'}, "train", "model")
    assert reason(again) == (
        "UserError [config]: The job differs from the earlier model in channel 'model': known_covariates was none and"
        " is price. Give what it was trained with, or leave channel 'model' out to train afresh."
    )


def test_a_refit_of_data_without_a_column_is_refused(again: Job) -> None:
    again.put("train", "train.csv", csv(table(4, 55).rename(columns={"target": "sold"})))
    assert reason(again).startswith(
        "UserError [config]: The schema names target column 'target', which the table lacks."
    )


def test_a_refit_at_another_frequency_is_refused(again: Job) -> None:
    again.put("train", "train.csv", csv(table(4, 55, freq="h")))
    assert "UserError [data]:" in reason(again)


def test_a_model_through_a_pipe_is_refused(again: Job) -> None:
    modes(again, train="File", model="Pipe")
    assert reason(again) == (
        "UserError [channel]: Channel 'model' comes through a pipe, but a model is files. Use input mode File for it."
    )


def dealt_out(job: Job, *hosts: str) -> None:
    """Let each host of the job have a share of channel `model`, the first of them being this one."""
    config = job.base / "input" / "config"
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": hosts[0], "hosts": hosts}))
    shared = {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key"}
    (config / "inputdataconfig.json").write_text(json.dumps({"train": {}, "model": shared}))


def test_a_model_that_is_dealt_out_among_hosts_is_refused(again: Job) -> None:
    dealt_out(again, "algo-1", "algo-2")
    with pytest.raises(UserError) as caught:
        earlier_model(OptML(again.base))
    assert failure_text(caught.value).strip() == (
        "UserError [channel]: Channel 'model' is dealt out among the hosts by ShardedByS3Key, but a model is needed"
        " whole. Set S3DataDistributionType to FullyReplicated for it."
    )


def test_a_model_that_is_dealt_out_to_one_host_is_whole(again: Job) -> None:
    dealt_out(again, "algo-1")
    assert earlier_model(OptML(again.base)) is not None


# --- covariates


@pytest.mark.parametrize(
    ("left_out", "line"),
    [
        ([], None),
        (
            ["i0", "i1"],
            "known covariates without a value at 10 of 15 steps ahead, in 2 of 3 items: price; left empty",
        ),
    ],
)
def test_steps_ahead_without_their_covariates_are_told_in_one_line(
    job: Job, capsys: pytest.CaptureFixture[str], left_out: list[str], line: str | None
) -> None:
    ahead = (WHOLE.groupby("item_id").cumcount() >= 50) & WHOLE["item_id"].isin(left_out)
    prices = WHOLE.assign(price=np.where(ahead, np.nan, np.arange(len(WHOLE)) % 3), week=np.arange(len(WHOLE)) % 7)
    job.put("related", "related.csv", csv(prices[["item_id", "timestamp", "price", "week"]]))
    job.configure(SETTINGS | {"schema": '{"known_covariates": ["price", "week"]}'}, "train", "related")
    assert training.main() == 0
    said = [one for one in capsys.readouterr().out.splitlines() if one.startswith("known covariates")]
    assert said == ([line] if line else [])


# --- clocks


def at(zone: str, first: int, last: int) -> bytes:
    """The hours from `first` to before `last` of two items, told by the clock of a zone."""
    frame = table(2, 90, "h", 24)
    place = frame.groupby("item_id").cumcount()
    stamps = frame["timestamp"].dt.tz_localize("UTC").dt.tz_convert(zone)
    told = frame.assign(timestamp=[stamp.isoformat() for stamp in stamps])
    return csv(told[(place >= first) & (place < last)])


def test_channels_by_another_clock_are_turned_to_that_of_training(
    job: Job,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    job.put("train", "train.csv", at("UTC", 0, 80))
    job.put("test", "test.csv", at("Asia/Karachi", 0, 85))
    job.configure(SETTINGS, "train", "test")
    assert training.main() == 0
    turned = "stamps were turned from UTC+05:00 to UTC+00:00, the clock of training"
    out = capsys.readouterr().out
    assert f"channel test: {turned}\n" in out
    assert "test: 10 values of 2 items to score with" in out
    refitted = refit_of(job, tmp_path_factory, monkeypatch)
    refitted.put("train", "train.csv", at("Asia/Karachi", 60, 85))
    refitted.put("test", "test.csv", at("UTC", 85, 90))
    refitted.configure({}, "train", "model", "test")
    assert training.main() == 0
    out = capsys.readouterr().out
    assert f"channel train: {turned}\n" in out
    assert "test: 10 values of 2 items to score with" in out
    artifact = Artifact.load(refitted.base / "model")
    assert artifact.panel.clock_min == 0
    np.testing.assert_allclose(artifact.panel.values, table(2, 90, "h", 24).groupby("item_id").head(85)["target"])


# --- tracking


def test_what_is_printed_is_what_is_tracked(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    logged: list[Any] = []
    monkeypatch.setattr(training, "log_run", lambda env, *rest: logged.append(rest))
    job.configure(SETTINGS, "train")
    assert training.main() == 0
    ((settings, metrics),) = logged
    assert settings == Artifact.load(job.base / "model").config.to_dict()
    found = {name: values[0] for name, values in told(capsys.readouterr().out).items() if values}
    assert found == pytest.approx(metrics, rel=1e-5)
