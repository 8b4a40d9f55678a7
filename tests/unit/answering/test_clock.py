"""Newer history told by another clock than training's gets the answer of the same instants."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering.request import Forecast, ForecastRequest, Series
from convect.artifact import Artifact
from tests.unit.made import fast, quiet, table

ROWS = 96
TOLD = "stamps were turned from UTC+05:00 to UTC+00:00, the clock of training"


def hours(zone: str | None, first: int = 0, rows: int = ROWS) -> pd.DataFrame:
    """The hourly rows from `first` on, each instant told by the clock of `zone`; None for a wall clock at UTC."""
    frame = table(2, 2 * ROWS, "h", 24)
    place = frame.groupby("item_id").cumcount()
    frame = frame[(place >= first) & (place < first + rows)].reset_index(drop=True)
    stamps = frame["timestamp"].dt.tz_localize("UTC")
    told = frame["timestamp"] if zone is None else stamps.dt.tz_convert(zone)
    return frame.assign(timestamp=[stamp.isoformat() for stamp in told], price=np.arange(len(frame)) % 5)


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return pipeline.train(hours("UTC"), fast(schema={"known_covariates": ["price"]}), progress=quiet).artifact


def ask(artifact: Artifact, **request: Any) -> Forecast:
    return pipeline.forecast(artifact, ForecastRequest(**request))


def test_a_table_by_another_clock_has_the_same_answer_and_says_so(artifact: Artifact) -> None:
    same, other = (ask(artifact, frame=hours(zone, ROWS, 12)) for zone in ("UTC", "Asia/Karachi"))
    pd.testing.assert_frame_equal(other.frame, same.frame)
    assert set(same.origin["reason"]) == {""}
    assert set(other.origin["reason"]) == {TOLD}


def test_stamps_without_a_clock_are_taken_to_be_at_that_of_training(artifact: Artifact) -> None:
    same, bare = (ask(artifact, frame=hours(zone, ROWS, 12)) for zone in ("UTC", None))
    pd.testing.assert_frame_equal(bare.frame, same.frame)
    assert set(bare.origin["reason"]) == {""}


@pytest.mark.parametrize("zone", ["UTC", "Asia/Karachi"])
def test_a_future_alone_follows_the_kept_history_by_either_clock(artifact: Artifact, zone: str) -> None:
    ahead = hours(zone, ROWS, 6).assign(target=None)
    bare = hours(None, ROWS, 6).assign(target=None)
    pd.testing.assert_frame_equal(ask(artifact, frame=ahead).frame, ask(artifact, frame=bare).frame)


@pytest.mark.parametrize("partial", [False, True])
def test_items_left_out_in_batch_change_nothing(artifact: Artifact, partial: bool) -> None:
    frame = hours("Asia/Karachi", ROWS, 12)
    if partial:
        frame = pd.concat([frame, frame.head(1).assign(item_id="bad", timestamp="soon")], ignore_index=True)
    found = ask(artifact, frame=frame, partial=partial)
    pd.testing.assert_frame_equal(found.frame, ask(artifact, frame=hours("UTC", ROWS, 12)).frame)
    assert len(found.errors) == partial


def test_a_single_series_by_another_clock(artifact: Artifact) -> None:
    rows = hours("UTC", ROWS, 24).query("item_id == 'i0'")
    target = rows["target"].to_numpy()
    starts = rows["timestamp"].iloc[0], pd.Timestamp(rows["timestamp"].iloc[0]).tz_convert("Asia/Karachi").isoformat()
    same, other = (ask(artifact, series=(Series(target, "i0", start),)) for start in starts)
    pd.testing.assert_frame_equal(other.frame, same.frame)
    assert (same.origin["reason"].tolist(), other.origin["reason"].tolist()) == ([""], [TOLD])


def test_a_midnight_is_an_hour_of_an_hourly_model_in_a_table_and_alone(artifact: Artifact) -> None:
    start = "2024-01-05T00:00:00+02:00"
    one = pd.DataFrame({"item_id": ["i0"], "timestamp": [start], "target": [50.0], "price": [1.0]})
    answers = ask(artifact, frame=one), ask(artifact, series=(Series(np.array([50.0]), "i0", start, {"price": [1.0]}),))
    first = [found.frame["timestamp"].iloc[0] for found in answers]
    assert first == [pd.Timestamp("2024-01-04 23:00")] * 2


def test_a_midnight_is_a_day_of_a_daily_model_in_a_table_and_alone() -> None:
    daily = pipeline.train(hours("America/New_York"), fast(freq="D", horizon=2), progress=quiet).artifact
    assert daily.panel.clock_min == -300
    start = "2024-01-08T00:00:00Z"
    one = pd.DataFrame({"item_id": ["i0"], "timestamp": [start], "target": [50.0]})
    answers = ask(daily, frame=one), ask(daily, series=(Series(np.array([50.0]), "i0", start),))
    assert [str(found.frame["timestamp"].iloc[0])[:10] for found in answers] == ["2024-01-09"] * 2
