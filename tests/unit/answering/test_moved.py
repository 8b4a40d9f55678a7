"""Newer values of a known series: what training fitted goes on, unless the past was rewritten."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering import forecasting
from convect.answering.moved import moved
from convect.answering.request import Forecast, ForecastRequest
from convect.artifact import Artifact
from tests.unit.made import fast, quiet, table

ROWS, NEW = 120, 6


@pytest.fixture(scope="module")
def whole() -> pd.DataFrame:
    return table(3, ROWS + 60, freq="MS", season=12)


@pytest.fixture(scope="module")
def artifact(whole: pd.DataFrame) -> Artifact:
    old = whole[whole.groupby("item_id").cumcount() < ROWS]
    return pipeline.train(old, fast(preset="balanced", horizon=12), progress=quiet).artifact


def rows(whole: pd.DataFrame, item: str, first: int, last: int) -> pd.DataFrame:
    return whole[whole["item_id"] == item].iloc[first:last]


def fitted_rows(artifact: Artifact, frame: pd.DataFrame) -> list[int]:
    panel = forecasting.read(artifact, ForecastRequest(frame=frame), 12)
    found = moved(artifact, panel, forecasting.known_positions(artifact, panel))
    return [] if found is None else found.ends.tolist()


def ask(artifact: Artifact, frame: pd.DataFrame) -> Forecast:
    return pipeline.forecast(artifact, ForecastRequest(frame=frame))


def test_newer_values_go_on_from_what_was_fitted(artifact: Artifact, whole: pd.DataFrame) -> None:
    assert fitted_rows(artifact, rows(whole, "i1", ROWS, ROWS + NEW)) == [ROWS]
    assert fitted_rows(artifact, rows(whole, "i1", 0, ROWS + NEW)) == [ROWS]  # all of it sent again


def test_a_history_that_is_other_than_the_fitted_one_is_fitted_anew(artifact: Artifact, whole: pd.DataFrame) -> None:
    restated = rows(whole, "i1", ROWS - 3, ROWS + NEW)
    restated = restated.assign(target=restated["target"] + 1)
    far = rows(whole, "i1", ROWS, ROWS + 31)
    unseen = rows(whole, "i1", 0, ROWS + NEW).assign(item_id="new")
    assert [fitted_rows(artifact, frame) for frame in (restated, far, unseen)] == [[], [], []]
    none = replace(artifact, states=artifact.states[:, :0])
    lost = replace(artifact, states=np.full_like(artifact.states, np.nan))
    newer = rows(whole, "i1", ROWS, ROWS + NEW)
    assert [fitted_rows(one, newer) for one in (none, lost)] == [[], []]


def test_a_short_history_is_fitted_anew(whole: pd.DataFrame) -> None:
    old = whole[whole.groupby("item_id").cumcount() < 60]
    short = pipeline.train(old, fast(horizon=12), progress=quiet).artifact
    assert fitted_rows(short, rows(whole, "i1", 60, 60 + NEW)) == []


def test_each_series_of_a_request_is_moved_or_fitted_by_itself(artifact: Artifact, whole: pd.DataFrame) -> None:
    newer, unseen = rows(whole, "i1", ROWS, ROWS + NEW), rows(whole, "i2", 0, 90).assign(item_id="new")
    assert fitted_rows(artifact, pd.concat([newer, unseen])) == [ROWS, -1]
    together = ask(artifact, pd.concat([newer, unseen])).frame.set_index("item_id")
    for item, frame in (("i1", newer), ("new", unseen)):
        alone = ask(artifact, frame).frame
        np.testing.assert_allclose(together.loc[item, "mean"], alone["mean"], rtol=1e-12)


def test_moving_on_says_nearly_what_fitting_anew_says(artifact: Artifact, whole: pd.DataFrame) -> None:
    newer = rows(whole, "i1", ROWS, ROWS + NEW)
    quick, fitted = ask(artifact, newer), ask(replace(artifact, states=artifact.states[:, :0]), newer)
    assert (quick.frame["mean"] != fitted.frame["mean"]).any()
    assert np.abs(quick.frame["mean"] - fitted.frame["mean"]).max() < 0.1 * np.ptp(whole["target"].iloc[:ROWS])
    assert not quick.origin["fallback"].any()


def test_a_longer_horizon_begins_as_the_forecast_of_training(artifact: Artifact) -> None:
    longer = pipeline.forecast(artifact, ForecastRequest(horizon=18, items=("i2",))).frame["mean"].to_numpy()
    ready = artifact.forecasts[artifact.position["i2"], :, 0]
    np.testing.assert_allclose(longer[:12], ready, rtol=0.01)


def test_what_was_fitted_is_saved_with_the_artifact(artifact: Artifact, whole: pd.DataFrame, tmp_path: Path) -> None:
    artifact.save(tmp_path)
    loaded = Artifact.load(tmp_path)
    np.testing.assert_array_equal(loaded.states, artifact.states)
    newer = rows(whole, "i1", ROWS, ROWS + NEW)
    np.testing.assert_allclose(ask(loaded, newer).frame["mean"], ask(artifact, newer).frame["mean"], rtol=1e-12)


def test_a_history_longer_than_a_model_sees_is_moved_from_where_it_was_fitted() -> None:
    whole = table(2, 340, freq="MS", season=12)
    old = whole[whole.groupby("item_id").cumcount() < 300]  # damped smoothing sees the newest 288
    long = pipeline.train(old, fast(preset="balanced", horizon=12), progress=quiet).artifact
    assert fitted_rows(long, rows(whole, "i1", 300, 312)) == [300]
    longer = pipeline.forecast(long, ForecastRequest(horizon=18, items=("i1",))).frame["mean"].to_numpy()
    np.testing.assert_allclose(longer[:12], long.forecasts[long.position["i1"], :, 0], rtol=0.01)
