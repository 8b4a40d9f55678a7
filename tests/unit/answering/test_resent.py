"""A history sent again is recognised, whichever way it came, and gets the very forecast of training."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering.request import ForecastRequest, Series
from convect.answering.resent import nothing_new
from convect.pipeline import TrainResult
from tests.unit.made import fast, panel_of, quiet, table

KEPT = panel_of(
    [1, 2, 3],
    [4, 5, 6, 7],
    known=np.arange(7.0)[:, None],
    future=np.array([[[8.0]], [[9.0]]]),
    static=np.array([[1.0], [np.nan]]),
    known_names=("price",),
    static_names=("size",),
)
BOTH = np.array([0, 1])


def test_the_same_is_the_same() -> None:
    assert nothing_new(KEPT, KEPT, BOTH).tolist() == [True, True]
    assert nothing_new(KEPT, KEPT, np.array([0, -1])).tolist() == [True, False]
    longer = replace(KEPT, future=np.concatenate([KEPT.future, np.full((2, 3, 1), np.nan)], axis=1))
    assert nothing_new(longer, KEPT, BOTH).all()
    assert nothing_new(KEPT, longer, BOTH).all()


def test_rows_from_before_those_kept_do_not_count() -> None:
    tail = KEPT.tail(2)
    assert nothing_new(KEPT, tail, BOTH).all()
    assert not nothing_new(tail, KEPT, BOTH).any()


@pytest.mark.parametrize("part", ["values", "known", "future", "static", "starts"])
def test_whatever_is_new_is_seen(part: str) -> None:
    changed: Any = getattr(KEPT, part).copy()
    changed[0] += 1  # of the first item only
    assert nothing_new(replace(KEPT, **{part: changed}), KEPT, BOTH).tolist() == [False, True]


@pytest.fixture(scope="module")
def trained() -> TrainResult:
    return pipeline.train(table(4, 60), fast(), progress=quiet)


def test_a_history_sent_again_gets_the_forecast_of_training(trained: TrainResult) -> None:
    by_table = pipeline.forecast(trained.artifact, ForecastRequest(frame=table(4, 60)))
    assert_frame_equal(by_table.frame, trained.forecasts, check_exact=True)
    assert (by_table.origin["history"] == "request").all()
    rows = [
        Series(part["target"].to_numpy(), str(item), "2024-01-01") for item, part in table(4, 60).groupby("item_id")
    ]
    by_series = pipeline.forecast(trained.artifact, ForecastRequest(series=tuple(rows), horizon=3))
    first = trained.forecasts.groupby("item_id").head(3).reset_index(drop=True)
    assert_frame_equal(by_series.frame, first, check_exact=True, check_dtype=False)


def test_one_new_history_among_old_ones_is_forecast_as_by_itself(trained: TrainResult) -> None:
    changed = table(4, 60)
    changed.loc[changed["item_id"] == "i2", "target"] += 5
    mixed = pipeline.forecast(trained.artifact, ForecastRequest(frame=changed)).frame
    alone = pipeline.forecast(trained.artifact, ForecastRequest(frame=changed[changed["item_id"] == "i2"])).frame
    is_new = mixed["item_id"] == "i2"
    assert_frame_equal(mixed[is_new].reset_index(drop=True), alone, rtol=1e-9)
    assert_frame_equal(mixed[~is_new], trained.forecasts[~is_new], check_exact=True)
