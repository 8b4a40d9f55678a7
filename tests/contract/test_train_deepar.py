"""A training job made for DeepAR, run unchanged: its hyperparameters, its JSON Lines, its channels train and test."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.artifact import Artifact
from tests.contract.jobs import Job
from tests.unit.reading.test_migration import DEEPAR_JOB

STEPS, HORIZON = 70, int(DEEPAR_JOB["prediction_length"])


def series() -> list[dict[str, Any]]:
    """Four whole series: a promotion, known for every step, doubles the sales; one value is missing."""
    rng = np.random.default_rng(5)
    found = []
    for place in range(4):
        promotion = (rng.random(STEPS) < 0.4).astype(int)
        sales = (20 + 5 * place) * (1 + promotion) + rng.normal(0, 1, STEPS)
        target: list[Any] = [round(value, 3) for value in sales.tolist()]
        target[9] = "NaN" if place else None
        found.append(
            {
                "start": "2024-01-01 00:00:00",
                "target": target,
                "cat": [place % 2, place],
                "dynamic_feat": [promotion.tolist()],
            }
        )
    return found


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "".join(f"{json.dumps(row)}\n" for row in rows).encode()


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, int, str, str]:
    job = Job(tmp_path_factory.mktemp("deepar"))
    whole = series()
    shorter = [
        {**row, "target": row["target"][:-HORIZON], "dynamic_feat": [row["dynamic_feat"][0][:-HORIZON]]}
        for row in whole
    ]
    job.put("train", "train.json", lines(shorter))
    job.put("test", "test.json", lines(whole))
    job.configure(DEEPAR_JOB, "train", "test")
    return job, *job.run()


def test_it_ends_well_and_leaves_a_model(done: tuple[Job, int, str, str]) -> None:
    job, code, _, err = done
    assert (code, err) == (0, "")
    artifact = Artifact.load(job.base / "model")
    assert (artifact.config.horizon, artifact.frequency.alias, artifact.config.quantiles) == (HORIZON, "D", (0.5, 0.9))
    assert (artifact.panel.static_names, artifact.panel.known_names) == (("cat_0", "cat_1"), ("feat_0",))


def test_the_forecasts_are_of_the_steps_that_prediction_length_names(done: tuple[Job, int, str, str]) -> None:
    told = done[0].csv("forecasts.csv")
    assert list(told.columns) == ["item_id", "timestamp", "mean", "0.5", "0.9"]
    assert told["item_id"].nunique() == 4
    ahead = pd.date_range(pd.Timestamp("2024-01-01") + pd.Timedelta(days=STEPS - HORIZON), periods=HORIZON)
    assert pd.to_datetime(told["timestamp"]).tolist() == [*ahead] * 4


def test_the_last_values_of_the_whole_series_are_scored(done: tuple[Job, int, str, str]) -> None:
    job, _, out, _ = done
    assert f"test: {4 * HORIZON} values of 4 items to score with" in out
    came = np.concatenate([row["target"][-HORIZON:] for row in series()]).astype(float)
    error = np.sqrt(np.mean((job.csv("forecasts.csv")["mean"].to_numpy() - came) ** 2))
    (told,) = re.findall(r"metric: test:RMSE=(\S+)", out)
    assert float(told) == pytest.approx(error, rel=1e-4)


def test_one_line_of_the_log_names_what_has_no_effect(done: tuple[Job, int, str, str]) -> None:
    said = [line for line in done[2].splitlines() if "DeepAR" in line]
    assert said == [
        "hyperparameters of DeepAR's network, without effect here: context_length, epochs, cardinality, dropout_rate,"
        " early_stopping_patience, embedding_dimension, learning_rate, likelihood, mini_batch_size, num_cells,"
        " num_dynamic_feat, num_eval_samples, num_layers"
    ]


def test_a_conflict_ends_the_job_with_both_names(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("train", "train.json", lines(series()))
    job.configure({**DEEPAR_JOB, "horizon": "14"}, "train")
    assert job.run()[0] == 1
    assert job.failure.read_text().startswith(
        "UserError [config]: Hyperparameters horizon and prediction_length differ: 14 and 7."
    )
