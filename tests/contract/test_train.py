"""`container/train` as the platform runs it: a process, a tree below SAGEMAKER_BASE_DIR, an exit code."""

from __future__ import annotations

import gzip
import json
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.models.simple import NAIVE
from convect.platform.spec import METRICS
from tests.contract.jobs import Job, csv, finished, parquet
from tests.unit.made import table

SMALL = table(3, 50)
TABLES = ["backtest.parquet", "coverage.csv", "explanations.parquet", "forecasts.csv", "forecasts.parquet"]
OUTPUTS = [*TABLES, "leaderboard.csv", "quality.json", "report.html"]
GRACE_S = 60  # half of what the platform waits between SIGTERM and SIGKILL


# --- a job that goes well


@dataclass
class Done:
    job: Job
    code: int
    out: str
    err: str


def promoted() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sales that a promotion doubles, the promotions with a future, a kind for each item, and the sales that came."""
    frame = table(4, 61, level=40.0, noise=1.0).rename(columns={"item_id": "sku", "timestamp": "day", "target": "sold"})
    frame["sku"] = "00" + frame["sku"].str[1:]
    promotion = (np.random.default_rng(3).random(len(frame)) < 0.4).astype(int)
    place = frame.groupby("sku").cumcount()
    promotion[place >= 54] = (frame.loc[place >= 54, "sku"] < "002").astype(int)
    related = frame[["sku", "day"]].assign(promotion=promotion)
    sales = frame.assign(sold=frame["sold"] * (1 + promotion))
    static = pd.DataFrame({"sku": sorted(set(frame["sku"])), "kind": ["x", "y", "x", "y"]})
    return sales[place < 54], related, static, sales[place >= 54]


def platform_job(base: Path) -> Job:
    """Two CSV parts, Parquet for the related table; hyperparameters as the SDKs, the tuner and a console write them."""
    history, related, static, came = promoted()
    job = Job(base)
    job.put("train", "part-0.csv.gz", gzip.compress(csv(history[history["sku"] < "002"])))
    job.put("train", "part-1.csv.gz", gzip.compress(csv(history[history["sku"] >= "002"])))
    job.put("train", "_SUCCESS", b"")
    job.put("related", "related.parquet", parquet(related))
    job.put("static", "static.csv", csv(static))
    job.put("test", "came.jsonl", came.to_json(orient="records", lines=True, date_format="iso").encode())
    schema = {"item_id": "sku", "timestamp": "day", "target": "sold"}
    hyperparameters = {
        "horizon": '"7"',
        "freq": "1D",
        "schema": json.dumps({**schema, "known_covariates": ["promotion"], "static": ["kind"]}),
        "quantiles": '["p10", 0.5, "0.9"]',
        "config": json.dumps({"horizon": 3, "preset": "best", "metric": "WAPE"}),
        "preset": "fast",
        "seed": "7",
        "holidays": "US",
        "time_limit": "null",
        "sagemaker_program": '"train.py"',
        "sagemaker_container_log_level": "20",
        "_tuning_objective_metric": "validation:MASE",
    }
    job.configure(hyperparameters, "train", "related", "static", "test")
    return job


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    job = platform_job(tmp_path_factory.mktemp("done"))
    return Done(job, *job.run())


def test_it_ends_well_and_leaves_all_outputs(done: Done) -> None:
    assert (done.code, done.err) == (0, "")
    assert done.job.outputs == sorted([*OUTPUTS, "effects.csv"])
    assert not done.job.failure.exists()


def test_the_model_is_usable_and_answers_with_what_training_wrote(done: Done) -> None:
    assert {Path(name).suffix for name in done.job.written} <= {".json", ".parquet", ".txt"}
    artifact = Artifact.load(done.job.base / "model")
    found = pipeline.forecast(artifact, ForecastRequest()).frame
    told = done.job.csv("forecasts.csv").assign(timestamp=lambda frame: pd.to_datetime(frame["timestamp"]))
    assert_frame_equal(told, found, check_exact=False, rtol=1e-9)
    assert_frame_equal(pd.read_parquet(done.job.base / "output" / "data" / "forecasts.parquet"), found)
    assert list(told.columns) == ["item_id", "timestamp", "mean", "0.1", "0.5", "0.9"]
    assert told["item_id"].tolist() == [item for item in ("000", "001", "002", "003") for _ in range(7)]


def test_hyperparameters_in_the_platform_s_spellings_are_those_used(done: Done) -> None:
    config = Artifact.load(done.job.base / "model").config
    assert (config.horizon, config.preset, config.metric, config.seed) == (7, "fast", "WAPE", 7)
    assert (config.quantiles, config.holidays, config.freq) == ((0.1, 0.5, 0.9), ("US",), "1D")
    assert config.time_limit is None


def test_related_and_static_tables_are_used(done: Done) -> None:
    artifact = Artifact.load(done.job.base / "model")
    assert (artifact.panel.known_names, artifact.panel.static_names) == (("promotion",), ("kind",))
    assert artifact.panel.future[:, :, 0].tolist() == [[1.0] * 7] * 2 + [[0.0] * 7] * 2
    history, _, _, _ = promoted()
    told = done.job.csv("forecasts.csv").groupby("item_id")["mean"].mean()
    typical = history.groupby("sku")["sold"].median()
    relative = told / typical
    assert relative[["000", "001"]].min() > relative[["002", "003"]].max()


def test_every_metric_is_told_once_as_its_regex_reads_it(done: Done) -> None:
    board = done.job.csv("leaderboard.csv").set_index("model").loc["Ensemble"]
    for metric in METRICS:
        found = re.findall(metric.regex, done.out)
        assert len(found) == 1, metric.name
        column = metric.name.removeprefix("validation:").replace("coverage80", "coverage_80")
        if metric.name.startswith("validation:"):
            assert float(found[0]) == pytest.approx(board[column], rel=1e-4)
    assert float(re.findall(r"train:series=(\d+)", done.out)[0]) == 4
    forecast = done.job.csv("forecasts.csv")["mean"].to_numpy()
    came = promoted()[3]["sold"].to_numpy()
    assert float(re.findall(r"test:RMSE=(\S+)", done.out)[0]) == pytest.approx(
        np.sqrt(np.mean((came - forecast) ** 2)), rel=1e-4
    )


def test_the_log_has_whole_lines_and_nothing_of_the_series(done: Done) -> None:
    assert "\r" not in done.out
    history, _, _, _ = promoted()
    for secret in ("002", f"{history['sold'].iloc[0]:.6f}"[:7]):
        assert secret not in re.sub(r"metric: .*|model .*", "", done.out)


def test_what_was_inferred_is_said(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("train", "train.csv", csv(SMALL.assign(note="x")))
    job.configure({"preset": "fast", "horizon": 5}, "train")
    code, out, _ = job.run()
    assert code == 0
    assert "Columns: item 'item_id', timestamp 'timestamp', target 'target'; not used: 'note'." in out
    assert "frequency D" in out


def test_the_quality_report_and_the_backtest_are_readable(done: Done) -> None:
    folder = done.job.base / "output" / "data"
    quality = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    assert quality
    backtest = pd.read_parquet(folder / "backtest.parquet")
    assert set(done.job.csv("leaderboard.csv")["model"]) == set(backtest["model"])


def test_the_components_add_up_to_the_forecasts(done: Done) -> None:
    folder = done.job.base / "output" / "data"
    parts, forecasts = (pd.read_parquet(folder / f"{name}.parquet") for name in ("explanations", "forecasts"))
    assert parts.columns.tolist() == ["item_id", "timestamp", "component", "value"]
    added = parts.groupby(["item_id", "timestamp"], observed=True)["value"].sum()
    expected = forecasts.set_index(["item_id", "timestamp"])["mean"]
    np.testing.assert_allclose(added.to_numpy(), expected.to_numpy(), atol=1e-6, rtol=0)


def test_the_same_job_gives_the_same_bytes(done: Done, tmp_path: Path) -> None:
    again = platform_job(tmp_path)
    assert again.run()[0] == 0
    for name in ("forecasts.csv", "forecasts.parquet", "explanations.parquet", "backtest.parquet", "quality.json"):
        first, second = (job.base / "output" / "data" / name for job in (done.job, again))
        assert first.read_bytes() == second.read_bytes(), name
    assert again.written == done.job.written
    for name in again.written:
        assert (again.base / "model" / name).read_bytes() == (done.job.base / "model" / name).read_bytes(), name


# --- out of time


ITEMS, HORIZON = 300, 7


def big(base: Path, **hyperparameters: str) -> Job:
    """Work for a quarter of a minute or more."""
    job = Job(base)
    job.put("train", "train.parquet", parquet(table(ITEMS, 100)))
    job.configure({"preset": "fast", "horizon": str(HORIZON), "windows": "3", **hyperparameters}, "train")
    return job


def usable(job: Job) -> None:
    assert job.outputs == OUTPUTS
    found = pipeline.forecast(Artifact.load(job.base / "model"), ForecastRequest()).frame
    assert len(found) == ITEMS * HORIZON
    assert np.isfinite(found.drop(columns=["item_id", "timestamp"])).all(axis=None)
    assert not job.failure.exists()


def test_a_tiny_time_limit_still_leaves_a_usable_model(tmp_path: Path) -> None:
    job = big(tmp_path, time_limit="0.01")
    assert job.run()[0] == 0
    usable(job)
    assert set(job.csv("leaderboard.csv")["model"]) == {"Ensemble", NAIVE}


@pytest.mark.parametrize("moment", ["data: ", f"model {NAIVE}"], ids=["early", "late"])
def test_sigterm_leaves_the_best_model_so_far(tmp_path: Path, moment: str) -> None:
    process = big(tmp_path).start()
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(moment):
            break
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, rest, err = finished(process)
    assert (code, err) == (0, "")
    assert time.monotonic() - started < GRACE_S
    usable(Job(tmp_path))
    assert "left out, the time limit is reached" in rest


def test_the_effect_of_the_promotion_is_told_with_its_interval(done: Done) -> None:
    told = done.job.csv("effects.csv")
    assert told.columns.tolist() == ["covariate", "effect", "low_95", "high_95", "items", "unit"]
    assert told["covariate"].tolist() == ["promotion"]
    assert told["unit"].tolist() == ["% per 1 of promotion"]
    assert told["effect"].between(90, 110).all()
    assert (told["low_95"] < 100).all() and (told["high_95"] > 100).all()
