"""The long tables: every number beside its own item, stamp, step and model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect.backtest import Backtest, Origins
from convect.folds import rolling_origin
from convect.intervals import LEVELS, Intervals, interpolate
from convect.models.simple import NAIVE
from convect.results import backtest_table, forecast_table, pick
from convect.training import ensemble
from convect.training.judgement import Judgement
from tests.unit.made import Array, panel_of, said

PANEL = panel_of(np.arange(5.0), np.arange(3.0), freq="D")


def test_the_forecasts_by_hand() -> None:
    forecasts = np.arange(16.0).reshape(2, 2, 4)  # (item, step, mean and three quantiles)
    found = forecast_table(PANEL, forecasts, (0.1, 0.5, 0.9), (0.1, 0.9))
    expected = pd.DataFrame(
        {
            "item_id": ["a", "a", "b", "b"],
            "timestamp": pd.to_datetime(["2024-01-06", "2024-01-07", "2024-01-04", "2024-01-05"]),
            "mean": [0.0, 4.0, 8.0, 12.0],
            "0.1": [1.0, 5.0, 9.0, 13.0],
            "0.9": [3.0, 7.0, 11.0, 15.0],
        }
    )
    assert_frame_equal(found, expected)


def test_quantiles_come_in_the_order_asked_for() -> None:
    forecasts = np.arange(16.0).reshape(2, 2, 4)
    found = forecast_table(PANEL, forecasts, (0.1, 0.5, 0.9), (0.9, 0.1))
    assert list(found.columns) == ["item_id", "timestamp", "mean", "0.9", "0.1"]
    assert found["0.9"].tolist() == [3, 7, 11, 15]


def test_known_quantiles_are_picked_as_they_are_and_others_lie_between() -> None:
    values = np.sort(np.random.default_rng(0).normal(size=(2, 3, len(LEVELS))), axis=-1)
    np.testing.assert_array_equal(pick(values, LEVELS, (0.9, 0.01)), values[..., [LEVELS.index(0.9), 0]])
    between = pick(values, LEVELS, (0.33, 0.5))
    np.testing.assert_allclose(between, interpolate(values, LEVELS, (0.33, 0.5)))
    assert (between[..., 0] >= values[..., LEVELS.index(0.3)]).all()
    assert (between[..., 0] <= values[..., LEVELS.index(0.4)]).all()


@pytest.fixture
def judged() -> tuple[Backtest, Judgement]:
    """Item a twice and item b once, two steps; forecasts that tell the model, the row and the step."""
    origins = Origins.of(PANEL.lengths, rolling_origin(PANEL.lengths, 2, 2, 1))
    rows = len(origins.past)
    number: Array = 10.0 * np.arange(len(origins.items))[:, None] + np.arange(2.0)
    models = {NAIVE: said(100 + number), "Theta": said(200 + number)}
    actual = np.array([PANEL.series(i)[e : e + 2] for i, e in zip(origins.items, origins.ends, strict=True)][:rows])
    backtest = Backtest(origins, 2, actual, np.ones(rows), np.ones(rows), np.ones(rows), np.full(rows, np.nan), models)
    quantiles = number[:rows, :, None] + np.array([-1.0, 0.0, 1.0])
    return backtest, Judgement(number[:rows], quantiles, Intervals((0.1, 0.5, 0.9), np.zeros((2, 3)), np.ones(2)))


def test_the_backtest_by_hand(judged: tuple[Backtest, Judgement]) -> None:
    found = backtest_table(PANEL, *judged, (0.1, 0.9))
    whole = found.astype({"item_id": str, "model": str})
    assert list(found.columns) == ["item_id", "cutoff", "step", "model", "actual", "forecast", "0.1", "0.9"]
    first = whole[whole["model"] == ensemble.NAME].drop(columns="model").reset_index(drop=True)
    expected = pd.DataFrame(
        {
            "item_id": ["a", "a", "b", "b", "a", "a"],
            "cutoff": pd.to_datetime(["2024-01-03"] * 2 + ["2024-01-01"] * 4),
            "step": [1, 2] * 3,
            "actual": [3.0, 4.0, 1.0, 2.0, 1.0, 2.0],
            "forecast": [0.0, 1.0, 10.0, 11.0, 20.0, 21.0],
            "0.1": [-1.0, 0.0, 9.0, 10.0, 19.0, 20.0],
            "0.9": [1.0, 2.0, 11.0, 12.0, 21.0, 22.0],
        }
    )
    assert_frame_equal(first, expected)


def test_each_model_has_the_same_rows_without_quantiles(judged: tuple[Backtest, Judgement]) -> None:
    found = backtest_table(PANEL, *judged, (0.1, 0.9))
    for model, base in ((NAIVE, 100), ("Theta", 200)):
        rows = found[found["model"] == model]
        assert rows["forecast"].tolist() == [base + x for x in (0, 1, 10, 11, 20, 21)]
        assert rows[["0.1", "0.9"]].isna().all(axis=None)
    assert len(found) == 3 * 6


def test_actuals_are_those_of_the_table(judged: tuple[Backtest, Judgement]) -> None:
    found = backtest_table(PANEL, *judged, (0.5,))
    stamps = found["cutoff"] + pd.to_timedelta(found["step"], "D")
    expected = [
        PANEL.series("ab".index(item))[(stamp - pd.Timestamp("2024-01-01")).days]
        for item, stamp in zip(found["item_id"], stamps, strict=True)
    ]
    assert found["actual"].tolist() == expected
