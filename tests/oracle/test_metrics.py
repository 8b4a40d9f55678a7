"""The metrics against those of utilsforecast, an independent implementation, on long tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from utilsforecast import losses

from convect import metrics

Array = NDArray[np.float64]
ITEMS, ROWS, HORIZON, SEASON = 5, 40, 6, 4
RNG = np.random.default_rng(7)
HISTORY = RNG.normal(20, 5, (ITEMS, ROWS)).round(2)
ACTUAL = RNG.normal(20, 5, (ITEMS, HORIZON)).round(2)
FORECAST = ACTUAL + RNG.normal(0, 3, ACTUAL.shape).round(2)
LEVELS = {0.1: FORECAST - 4, 0.5: FORECAST, 0.9: FORECAST + 3.5}
SCALE = np.array([metrics.seasonal_scale(row, SEASON) for row in HISTORY])
SQUARED = np.array([metrics.seasonal_scale_squared(row, SEASON) for row in HISTORY])


def long(values: Array, first: int) -> pd.DataFrame:
    items, steps = values.shape
    return pd.DataFrame(
        {
            "unique_id": np.repeat([f"i{item}" for item in range(items)], steps),
            "ds": np.tile(np.arange(first, first + steps), items),
            "y": values.ravel(),
        }
    )


TRAIN = long(HISTORY, 0)
TEST = long(ACTUAL, ROWS).assign(
    model=FORECAST.ravel(), **{f"q{int(100 * level)}": f.ravel() for level, f in LEVELS.items()}
)
QUANTILES: dict[str, Any] = {"models": {"model": [f"q{int(100 * level)}" for level in LEVELS]}}


def mean_of(answer: pd.DataFrame) -> float:
    return float(answer["model"].mean())


def test_mase() -> None:
    expected = mean_of(losses.mase(TEST, ["model"], seasonality=SEASON, train_df=TRAIN))
    assert metrics.mase(ACTUAL, FORECAST, SCALE) == pytest.approx(expected)


def test_rmsse() -> None:
    expected = mean_of(losses.rmsse(TEST, ["model"], seasonality=SEASON, train_df=TRAIN))
    assert metrics.rmsse(ACTUAL, FORECAST, SQUARED) == pytest.approx(expected)


def test_smape() -> None:
    # utilsforecast's share runs from 0 to 1, Makridakis' percentage from 0 to 200
    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx(200 * mean_of(losses.smape(TEST, ["model"])))


@pytest.mark.parametrize(("ours", "theirs"), [(metrics.wape, losses.nd), (metrics.rmse, losses.rmse)])
def test_pooled_over_all_cells(ours: Callable[[Array, Array], float], theirs: Callable[..., pd.DataFrame]) -> None:
    pooled = TEST.assign(unique_id="all")
    assert ours(ACTUAL, FORECAST) == pytest.approx(mean_of(theirs(pooled, ["model"])))


@pytest.mark.parametrize("level", LEVELS)
def test_pinball(level: float) -> None:
    column = f"q{int(100 * level)}"
    expected = losses.quantile_loss(TEST, {"model": column}, q=level)["model"].to_numpy()
    found = metrics.pinball(ACTUAL, LEVELS[level], level).mean(axis=1)
    np.testing.assert_allclose(found, 2 * expected)


def test_scaled_quantile_loss() -> None:
    each = [
        mean_of(
            losses.scaled_quantile_loss(
                TEST, {"model": f"q{int(100 * level)}"}, seasonality=SEASON, train_df=TRAIN, q=level
            )
        )
        for level in LEVELS
    ]
    assert metrics.sql(ACTUAL, LEVELS, SCALE) == pytest.approx(2 * np.mean(each))


def test_weighted_quantile_loss() -> None:
    quantiles = np.array(list(LEVELS))
    mean_loss = mean_of(losses.mqloss(TEST.assign(unique_id="all"), QUANTILES["models"], quantiles=quantiles))
    assert metrics.wql(ACTUAL, LEVELS) == pytest.approx(2 * mean_loss / np.abs(ACTUAL).mean())


def test_coverage() -> None:
    named = TEST.rename(columns={"q10": "model-lo-80", "q90": "model-hi-80"})
    expected = mean_of(losses.coverage(named, ["model"], level=80))
    assert metrics.coverage(ACTUAL, LEVELS[0.1], LEVELS[0.9]) == pytest.approx(expected)
