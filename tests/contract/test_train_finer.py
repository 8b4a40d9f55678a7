"""`container/train` over hourly rows with days to forecast: the model is that of the days."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from tests.contract.jobs import Job, csv
from tests.unit.made import table

DAYS, CAME = 60, 4
HOURS = table(2, 24 * (DAYS + CAME) + 3, freq="h", season=24 * 7)  # the last day breaks off at two in the morning
DAY = HOURS["timestamp"].dt.floor("D")
FIRST_TO_COME = pd.Timestamp("2024-01-01") + pd.Timedelta(days=DAYS)
BROKEN = HOURS["timestamp"] < FIRST_TO_COME + pd.Timedelta(hours=3)
PLAIN = {"freq": "D", "horizon": "4", "preset": "fast"}
AUTOPILOT = {
    "ForecastFrequency": "1D",
    "ForecastHorizon": 4,
    "Transformations": {"Aggregation": {"target": "sum"}},
    "TimeSeriesConfig": {
        "TargetAttributeName": "target",
        "TimestampAttributeName": "timestamp",
        "ItemIdentifierAttributeName": "item_id",
    },
}


def days(rows: pd.DataFrame) -> pd.DataFrame:
    floored = rows.assign(timestamp=rows["timestamp"].dt.floor("D"))
    return floored.groupby(["item_id", "timestamp"], as_index=False)["target"].sum()


def job_of(base: Path, history: pd.DataFrame, came: pd.DataFrame, hyperparameters: dict[str, str]) -> Job:
    job = Job(base)
    job.put("train", "train.csv", csv(history))
    job.put("test", "test.csv", csv(came))
    job.configure(hyperparameters, "train", "test")
    return job


@dataclass
class Done:
    job: Job
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    job = job_of(tmp_path_factory.mktemp("finer"), HOURS[BROKEN], HOURS[DAY >= FIRST_TO_COME], PLAIN)
    return Done(job, *job.run())


@pytest.fixture(scope="module")
def daily(tmp_path_factory: pytest.TempPathFactory) -> Done:
    whole = days(HOURS[DAY < FIRST_TO_COME]), days(HOURS[(DAY >= FIRST_TO_COME) & (DAY < DAY.max())])
    job = job_of(tmp_path_factory.mktemp("daily"), *whole, PLAIN)
    return Done(job, *job.run())


def test_hours_make_the_model_of_their_days(done: Done, daily: Done) -> None:
    assert (done.code, daily.code) == (0, 0), done.err + daily.err
    found, expected = (each.job.csv("forecasts.csv") for each in (done, daily))
    assert found["timestamp"].iloc[0] == expected["timestamp"].iloc[0] == str(FIRST_TO_COME.date())
    np.testing.assert_allclose(found.iloc[:, 2:], expected.iloc[:, 2:], rtol=1e-6)


def test_the_test_channel_is_aggregated_and_scores_alike(done: Done, daily: Done) -> None:
    assert f"test: {2 * CAME} values of 2 items to score with" in done.out
    found, expected = (re.findall(r"test:RMSE=(\S+)", each.out) for each in (done, daily))
    assert float(found[0]) == pytest.approx(float(expected[0]), rel=1e-4)


def test_log_and_quality_report_say_what_was_done(done: Done) -> None:
    rows = int(BROKEN.sum())
    told = f"aggregate: {rows} rows became {2 * (DAYS + 1)} steps (made steps of D: sum); 6 rows of first or last steps"
    assert told in done.out
    quality = json.loads((done.job.base / "output" / "data" / "quality.json").read_text(encoding="utf-8"))["summary"]
    assert quality["findings"]["finer"] == {"items": 2, "count": rows, "action": "made steps of D: sum"}
    assert quality["findings"]["broken_step"]["count"] == 6


def test_newer_hours_continue_the_model(done: Done) -> None:
    artifact = Artifact.load(done.job.base / "model")
    frames = [HOURS[DAY >= FIRST_TO_COME], days(HOURS[(DAY >= FIRST_TO_COME) & (DAY < DAY.max())])]
    found, expected = (pipeline.forecast(artifact, ForecastRequest(frame=frame)).frame for frame in frames)
    assert found["timestamp"].min() == FIRST_TO_COME + pd.Timedelta(days=CAME)
    np.testing.assert_allclose(found.iloc[:, 2:], expected.iloc[:, 2:], rtol=1e-9)


def test_a_refit_takes_hours_too(done: Done, tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("train", "train.csv", csv(HOURS[DAY < DAY.max()]))
    for path in (done.job.base / "model").rglob("*"):
        if path.is_file():
            job.put("model", str(path.relative_to(done.job.base / "model")), path.read_bytes())
    job.configure({}, "train", "model")
    code, out, err = job.run()
    assert code == 0, err
    assert f"aggregate: {2 * 24 * (DAYS + CAME)} rows became {2 * (DAYS + CAME)} steps" in out
    assert job.csv("forecasts.csv")["timestamp"].iloc[0] == str((FIRST_TO_COME + pd.Timedelta(days=CAME)).date())


def test_an_autopilot_config_gives_the_same(done: Done, tmp_path: Path) -> None:
    config = json.dumps({"TimeSeriesForecastingJobConfig": AUTOPILOT})
    quantiles = ",".join(f"0.{place}" for place in range(1, 10))
    hyperparameters = {"config": config, "preset": "fast", "quantiles": quantiles}
    job = job_of(tmp_path, HOURS[BROKEN], HOURS[DAY >= FIRST_TO_COME], hyperparameters)
    assert job.run()[0] == 0
    assert job.csv("forecasts.csv").equals(done.job.csv("forecasts.csv"))
