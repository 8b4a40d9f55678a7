"""The benchmark's scores: cases for the head, independent oracles, and what leaves them unchanged."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from statsmodels.tsa.seasonal import seasonal_decompose
from statsmodels.tsa.stattools import acf

from bench import scoring

Array = NDArray[np.float64]


def seasonal(years: int = 6, season: int = 4) -> Array:
    rng = np.random.default_rng(1)
    return 100 * np.tile([0.8, 1.1, 1.3, 0.8], years)[: years * season] + rng.normal(0, 1, years * season)


def table(point: Array, width: Array | float = 1.0) -> pd.DataFrame:
    """A forecast with normal quantiles around points (items, h)."""
    items, horizon = point.shape
    columns = {str(q): (point + width * NormalDist().inv_cdf(q)).ravel() for q in scoring.LEVELS}
    stamps = np.tile(pd.date_range("2020", periods=horizon, freq="D"), items)
    return pd.DataFrame(
        {"item_id": np.repeat([f"i{k}" for k in range(items)], horizon), "timestamp": stamps, **columns}
    )


def test_smape_mase_and_pinball_by_hand() -> None:
    actual, point = np.array([[10.0, 30.0]]), np.array([[30.0, 10.0]])
    assert scoring.smape(actual, point) == pytest.approx(100)
    assert scoring.mase(actual, point, np.array([4.0])) == pytest.approx(5)
    assert scoring.pinball(actual, point, 0.1).tolist() == [[36.0, 4.0]]


def test_the_scale_falls_back_to_steps_and_is_nan_where_nothing_changes() -> None:
    assert scoring.seasonal_scale(np.array([1.0, 2.0, 4.0, 8.0, 16.0, 31.0]), 4) == pytest.approx((15 + 29) / 2)
    assert scoring.seasonal_scale(np.array([1.0, 2.0, 4.0]), 4) == pytest.approx(1.5)
    assert np.isnan(scoring.seasonal_scale(np.ones(9), 4))


def test_naive2_forecasts_itself_with_an_owa_of_one() -> None:
    history = {"i0": seasonal(), "i1": np.arange(1.0, 20.0)}
    point = np.array([scoring.naive2(series, 4, 6) for series in history.values()])
    actual = {item: point[k] * 1.1 for k, item in enumerate(history)}
    assert scoring.score(history, actual, table(point), 4)["OWA"] == pytest.approx(1)


@pytest.mark.parametrize("season", [4, 5])
def test_the_seasonal_indices_are_those_of_statsmodels(season: int) -> None:
    rng = np.random.default_rng(2)
    history = np.tile(rng.uniform(0.5, 2, season), 8) * rng.uniform(9, 11, 8 * season)
    expected = seasonal_decompose(history, model="multiplicative", period=season).seasonal[:season]
    assert scoring.seasonal_indices(history, season) == pytest.approx(expected)


def test_the_test_of_seasonality_uses_the_autocorrelations_of_statsmodels() -> None:
    rng = np.random.default_rng(3)
    for share in np.linspace(0, 1.5, 25):
        history = 20 + share * np.tile([1.0, -1.0, 2.0, -2.0], 6) + rng.normal(0, 1.5, 24)
        lags = acf(history, nlags=4)
        limit = 1.645 * np.sqrt((1 + 2 * (lags[1:4] ** 2).sum()) / 24)
        assert scoring.is_seasonal(history, 4) == (abs(lags[4]) > limit)


@pytest.mark.parametrize("history", [np.ones(30), np.tile([0.0, 5.0, 9.0, 5.0], 9), seasonal(2)])
def test_constant_zero_and_short_histories_have_no_season(history: Array) -> None:
    assert not scoring.is_seasonal(history, 4)
    assert scoring.naive2(history, 4, 3).tolist() == [history[-1]] * 3


def test_normal_quantiles_cover_what_they_promise() -> None:
    rng = np.random.default_rng(4)
    point = np.full((200, 20), 50.0)
    actual = {f"i{k}": rng.normal(50, 2, 20) for k in range(200)}
    history = {item: np.tile([40.0, 60.0], 9) for item in actual}
    found = scoring.score(history, actual, table(point, 2.0), 1)
    assert found["coverage_80"] == pytest.approx(0.8, abs=0.02)
    assert found["coverage_95"] == pytest.approx(0.95, abs=0.01)
    assert scoring.score(history, actual, table(point, 1.0), 1)["SQL"] > found["SQL"]


def test_scores_do_not_depend_on_units_or_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(5)
    history = {f"i{k}": seasonal() + k for k in range(3)}
    actual = {item: rng.uniform(70, 130, 4) for item in history}
    point = rng.uniform(70, 130, (3, 4))
    found = scoring.score(history, actual, table(point, 5), 4)
    larger = [{item: 7 * series for item, series in part.items()} for part in (history, actual)]
    again = scoring.score(*larger, table(7 * point, 35).sample(frac=1, random_state=1), 4)
    assert again.to_numpy() == pytest.approx(found.to_numpy())


def test_a_missing_row_a_missing_value_and_absent_quantiles() -> None:
    history, actual = {"i0": seasonal()}, {"i0": np.full(4, 90.0)}
    full = table(np.full((1, 4), 80.0))
    with pytest.raises(ValueError, match="Series 'i0' has 3 rows in the forecast, not 4"):
        scoring.score(history, actual, full[:3], 4)
    with pytest.raises(ValueError, match=r"Column '0\.5' of the forecast holds values that are not finite"):
        scoring.score(history, actual, full.assign(**{"0.5": np.nan}), 4)
    point_only = scoring.score(history, actual, full[["item_id", "timestamp", "0.5"]], 4)
    assert np.isfinite(point_only[["OWA", "MASE", "sMAPE"]]).all()
    assert point_only[["SQL", "coverage_80", "coverage_95"]].isna().all()
