"""Forecasts for which nothing is fitted: the past repeated, or averaged by its place in the season."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Seasons = tuple[int, ...]
NAIVE = "SeasonalNaive"
STEADY_STEPS = 7  # all one way are no chance: one in 64


def naive_forecast(history: Array, horizon: int, season: int) -> tuple[Array, Array]:
    """Return the seasonal naive forecast (h,) and its spread (h, 2); the last value where a season is not there.

    The spread is the root mean squared seasonal difference times the square root of the seasons ahead
    (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.5).
    """
    lag = season if len(history) >= season + 1 else 1
    last = history[-lag:]
    steps = np.arange(horizon)
    differences = history[lag:] - history[:-lag]
    sigma = float(np.sqrt(np.mean(differences**2))) if len(differences) else 0.0
    width = sigma * np.sqrt(steps // lag + 1.0)
    return last[steps % lag], np.stack([width, width], axis=-1)


def brief(rows: int, season: int) -> bool:
    """Return whether a history shows a whole season and not two: too few for a seasonal fit or a backtest."""
    return 1 < season < rows <= 2 * season


def drifting(history: Array, horizon: int, season: int) -> tuple[Array, Array]:
    """Return the seasonal naive forecast (h,) moved by the mean change of a season, and its spread (h, 2).

    history: more than a season. The change counts as far as the history went straight, its net change over the sum of
    its steps (the efficiency ratio of Kaufman 1995), and with m differences m / (m + 1) of it, unless every one of
    STEADY_STEPS or more steps went the same way: the difference of a few noisy values is no trend. Nor is a jump: a
    season changes by no more than as many median steps as it has.
    """
    mean, spread = naive_forecast(history, horizon, season)
    steps, changes = np.diff(history), (history[season:] - history[:-season])[-season:]
    sizes = np.abs(steps)
    if not sizes.any():
        return mean, spread
    most = season * float(np.median(sizes))
    steady = len(steps) >= STEADY_STEPS and abs(np.sign(steps).sum()) == len(steps)
    trust = (1.0 if steady else len(changes) / (len(changes) + 1)) * abs(float(steps.sum())) / sizes.sum()
    return mean + trust * np.clip(changes.mean(), -most, most) * (np.arange(horizon) // season + 1), spread


def repeat(season: int) -> Callable[[Array, int], tuple[Array, Array]]:
    """Return the seasonal naive forecast as a function of history and horizon."""
    return lambda history, horizon: naive_forecast(history, horizon, season)


def average(season: int, rows: int, take: Callable[..., Any]) -> Callable[[Array, int], tuple[Array, Array]]:
    """Return a function of history and horizon that takes the mean or median of the newest rows by place in the season.

    `take` is numpy's nanmean or nanmedian; there is no spread.
    """

    def forecast(history: Array, horizon: int) -> tuple[Array, Array]:
        newest = history[-rows:]
        padded = np.full(-(-len(newest) // season) * season, np.nan)
        padded[len(padded) - len(newest) :] = newest
        return take(padded.reshape(-1, season), axis=0)[np.arange(horizon) % season], np.full((horizon, 2), np.nan)

    return forecast
