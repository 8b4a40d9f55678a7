"""The local models against statsmodels and pandas: other code for the same mathematics, or for near relatives of it."""

from __future__ import annotations

import warnings
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.exponential_smoothing.ets import ETSModel
from statsmodels.tsa.forecasting.theta import ThetaModel
from statsmodels.tsa.seasonal import MSTL, STL

from convect.models import catalogue
from convect.models.local import Task, forecast_chunk
from convect.models.simple import NAIVE, naive_forecast
from tests.unit.made import Array, wave

HORIZON = 12
MONTHS = pd.date_range("2015-01-01", periods=96, freq="MS")


def ours(name: str, history: Array, *seasons: int) -> tuple[Array, Array]:
    found = forecast_chunk(Task(name, [history], [[len(history)]], HORIZON, seasons))
    assert not found.fallback.any()
    return found.mean[0], found.spread[0]


def seasonal(noise: float = 0.5, trend: float = 0.3) -> Array:
    return wave(96, 12, noise=noise, seed=4) + trend * np.arange(96)


@pytest.mark.parametrize("season", [1, 4, 12])
def test_seasonal_naive_is_pandas_shift(season: int) -> None:
    history = pd.Series(seasonal(5))
    values: Array = seasonal(5)
    frame = history.to_frame("y")
    frame["phase"] = np.arange(len(frame)) % season
    last = frame.groupby("phase")["y"].last()
    expected = [last[(len(frame) + step) % season] for step in range(HORIZON)]
    found, _ = ours(NAIVE, values, *([season] if season > 1 else []))
    np.testing.assert_allclose(found, expected)
    mean, spread = naive_forecast(values, HORIZON, season)
    np.testing.assert_allclose(mean, expected)
    sigma = np.sqrt((history.diff(season) ** 2).mean())
    np.testing.assert_allclose(spread[:, 1], sigma * np.sqrt([1 + step // season for step in range(HORIZON)]))


def theta_of(history: Array, period: int) -> Array:
    series = pd.Series(history, MONTHS[: len(history)])
    fitted = ThetaModel(series, period=period, deseasonalize=period > 1, method="additive").fit()
    return np.asarray(fitted.forecast(HORIZON), float)


def test_theta_of_a_drifting_walk_is_near_statsmodels() -> None:
    walk = 100 + np.cumsum(np.random.default_rng(3).normal(0.5, 2, 96))
    found, _ = ours("Theta", walk)
    expected = theta_of(walk, 1)
    np.testing.assert_allclose(found, expected, atol=0.05 * np.ptp(walk))


def test_theta_of_a_season_is_near_statsmodels() -> None:
    found, _ = ours("Theta", seasonal(), 12)
    np.testing.assert_allclose(found, theta_of(seasonal(), 12), atol=4)


def ets_of(history: Array, **form: object) -> tuple[Array, Array]:
    """Mean and standard deviation of the forecasts of an ETS model in statsmodels."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        fitted = ETSModel(pd.Series(history, MONTHS[: len(history)]), **form).fit(disp=False)
        steps = fitted.get_prediction(start=len(history), end=len(history) + HORIZON - 1)
        frame = steps.summary_frame(alpha=0.2)
    width = (frame["pi_upper"] - frame["pi_lower"]) / (2 * NormalDist().inv_cdf(0.9))
    return frame["mean"].to_numpy(), width.to_numpy()


def test_damped_holt_winters_is_near_statsmodels() -> None:
    history = seasonal()
    mean, spread = ours("DampedETS", history, 12)
    expected, width = ets_of(history, error="add", trend="add", damped_trend=True, seasonal="add", seasonal_periods=12)
    np.testing.assert_allclose(mean, expected, atol=0.04 * np.ptp(history))
    assert (np.abs(np.log(spread.mean(axis=1) / width)) < np.log(2.5)).all()  # AutoETS ends its search early


def test_damped_smoothing_without_a_season_is_near_statsmodels() -> None:
    walk = 100 + np.cumsum(np.random.default_rng(3).normal(0.0, 2, 96))
    mean, spread = ours("DampedETS", walk)
    expected, width = ets_of(walk, error="add", trend="add", damped_trend=True)
    np.testing.assert_allclose(mean, expected, atol=0.05 * np.ptp(walk))
    np.testing.assert_allclose(spread.mean(axis=1), width, rtol=0.4)


def test_seasonal_and_trend_decomposition_is_near_statsmodels_stl_and_theta() -> None:
    history = seasonal()
    parts = STL(pd.Series(history, MONTHS), period=12, seasonal=11).fit()
    seasons = parts.seasonal.to_numpy()[-12:]
    expected = theta_of(history - parts.seasonal.to_numpy(), 1) + seasons
    found, _ = ours("MSTLTheta", history, 12)
    np.testing.assert_allclose(found, expected, atol=0.05 * np.ptp(history))


def test_seasonal_and_trend_decomposition_is_near_statsmodels_stl_and_smoothing() -> None:
    history = seasonal()
    parts = STL(pd.Series(history, MONTHS), period=12, seasonal=11).fit()
    trend, _ = ets_of(history - parts.seasonal.to_numpy(), error="add", trend="add")
    found, _ = ours("MSTLETS", history, 12)
    np.testing.assert_allclose(found, trend + parts.seasonal.to_numpy()[-12:], atol=0.05 * np.ptp(history))


def test_two_seasons_are_near_statsmodels_mstl() -> None:
    history = wave(504, 24, noise=0.5, seed=1) + wave(504, 168, noise=0.5, seed=2)
    parts = MSTL(history, periods=(24, 168)).fit()
    seasons = parts.seasonal.sum(axis=1)
    level = float(np.mean((history - seasons)[-24:]))
    expected = level + parts.seasonal[-24:, 0][:HORIZON] + parts.seasonal[-168:, 1][:HORIZON]
    found, _ = ours("MSTLTheta", history, 24, 168)
    np.testing.assert_allclose(found, expected, atol=0.06 * np.ptp(history))


@pytest.mark.parametrize("name", [model.name for model in catalogue.PORTFOLIO if model.spread])
def test_widths_hold_what_they_promise_on_noise_around_a_season(name: str) -> None:
    """Half-widths of 80 % are z standard deviations: four in five of the coming values lie within."""
    inside = []
    for seed in range(12):
        whole = wave(96 + HORIZON, 12, noise=3.0, seed=seed)
        found = forecast_chunk(Task(name, [whole[:96]], [[96]], HORIZON, (4, 12) if "Long" in name else (12,)))
        band = NormalDist().inv_cdf(0.9) * found.spread[0]
        error = whole[96:] - found.mean[0]
        inside.append((-band[:, 0] <= error) & (error <= band[:, 1]))
    assert 0.6 <= np.mean(inside) <= 0.97
