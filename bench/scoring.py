"""Scores of a forecast the way the M competitions count them: OWA, MASE, sMAPE, scaled quantile loss, coverage.

OWA is the mean of sMAPE and MASE, each relative to Naive2 (Makridakis et al. 2020). MASE divides by the in-sample
error of the seasonal naive forecast (Hyndman & Koehler 2006). SQL is the mean over the quantiles 0.1 ... 0.9 of twice
the pinball loss over the same scale.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Array = NDArray[np.float64]
DECILES = tuple(round(0.1 * k, 1) for k in range(1, 10))
LEVELS = (0.025, *DECILES, 0.975)
CONFIDENCE = 1.645  # of the seasonality test, 90 %
NOTHING = 1e-12  # keeps sMAPE finite where actual and forecast are both zero


def score(history: Mapping[str, Array], actual: Mapping[str, Array], forecast: pd.DataFrame, season: int) -> pd.Series:
    """Return OWA, MASE, sMAPE, SQL, coverage_80 and coverage_95 of one group; NaN for what needs absent quantiles.

    history: each item's past; actual: each item's next h values; forecast: item_id, timestamp, mean and one column a
    quantile. The median is the point forecast, the mean where there is none. ValueError for a missing row or value.
    """
    items = sorted(actual)
    came = np.array([actual[item] for item in items])
    point = matrix(forecast, "0.5" if "0.5" in forecast else "mean", items, came.shape[1])
    base = np.array([naive2(history[item], season, came.shape[1]) for item in items])
    scale = np.array([seasonal_scale(history[item], season) for item in items])
    found = {"OWA": owa(came, point, base, scale), "MASE": mase(came, point, scale), "sMAPE": smape(came, point)}
    quantiles = {q: matrix(forecast, str(q), items, came.shape[1]) for q in LEVELS if str(q) in forecast}
    if set(DECILES) <= set(quantiles):
        found["SQL"] = float(np.nanmean([pinball(came, quantiles[q], q) / scale[:, None] for q in DECILES]))
    for name, low, high in (("coverage_80", 0.1, 0.9), ("coverage_95", 0.025, 0.975)):
        if {low, high} <= set(quantiles):
            found[name] = float(np.mean((quantiles[low] <= came) & (came <= quantiles[high])))
    return pd.Series(found).reindex(["OWA", "MASE", "sMAPE", "SQL", "coverage_80", "coverage_95"])


def matrix(forecast: pd.DataFrame, column: str, items: list[str], horizon: int) -> Array:
    """Return one column (items, horizon); ValueError where a series or a value is missing."""
    ordered = forecast.sort_values(["item_id", "timestamp"])
    parts = {str(item): rows.to_numpy(float) for item, rows in ordered.groupby("item_id", observed=True)[column]}
    short = [item for item in items if len(parts.get(item, ())) != horizon]
    if short:
        raise ValueError(f"Series {short[0]!r} has {len(parts.get(short[0], ()))} rows in the forecast, not {horizon}.")
    found = np.array([parts[item] for item in items])
    if not np.isfinite(found).all():
        raise ValueError(f"Column {column!r} of the forecast holds values that are not finite.")
    return found


def owa(actual: Array, point: Array, base: Array, scale: Array) -> float:
    """Return the overall weighted average of forecasts (n, h) against Naive2's."""
    return 0.5 * (smape(actual, point) / smape(actual, base) + mase(actual, point, scale) / mase(actual, base, scale))


def smape(actual: Array, point: Array) -> float:
    """Return the symmetric mean absolute percentage error, 0 to 200."""
    return float(np.mean(200 * np.abs(actual - point) / (np.abs(actual) + np.abs(point) + NOTHING)))


def mase(actual: Array, point: Array, scale: Array) -> float:
    """Return the mean absolute scaled error; scale (n,), NaN for a series that never changed, which is left out."""
    return float(np.nanmean(np.abs(actual - point).mean(axis=1) / scale))


def pinball(actual: Array, quantile: Array, level: float) -> Array:
    """Return twice the pinball loss of each value, so that the median's is the absolute error."""
    error = actual - quantile
    return np.asarray(2 * np.maximum(level * error, (level - 1) * error))


def seasonal_scale(history: Array, season: int) -> float:
    """Return the mean absolute seasonal difference, of steps where the history is short; NaN where it is zero."""
    lag = season if len(history) > season + 1 else 1
    found = float(np.mean(np.abs(history[lag:] - history[:-lag])))
    return found if found > 0 else np.nan


def naive2(history: Array, season: int, horizon: int) -> Array:
    """Return the last value carried on, (horizon,), times the seasonal indices where the season is significant."""
    if not is_seasonal(history, season):
        return np.repeat(history[-1], horizon)
    index = seasonal_indices(history, season)
    steps = np.arange(len(history), len(history) + horizon)
    return np.asarray(history[-1] / index[(len(history) - 1) % season] * index[steps % season])


def is_seasonal(history: Array, season: int) -> bool:
    """Whether the autocorrelation at the season passes the M4 test at 90 %, on positive data of three seasons."""
    if season < 2 or len(history) < 3 * season or (history <= 0).any() or np.ptp(history) == 0:
        return False
    centred = history - history.mean()
    lags = np.array([centred[k:] @ centred[:-k] for k in range(1, season + 1)]) / (centred @ centred)
    limit = CONFIDENCE * np.sqrt((1 + 2 * np.square(lags[:-1]).sum()) / len(history))
    return bool(abs(lags[-1]) > limit)


def seasonal_indices(history: Array, season: int) -> Array:
    """Return the multiplicative indices (season,) of classical decomposition, of mean 1."""
    kernel = np.ones(season) if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5]
    trend = np.convolve(history, kernel / season, "valid")
    first = len(kernel) // 2
    phase = (np.arange(len(trend)) + first) % season
    ratio = history[first : first + len(trend)] / trend
    index = np.bincount(phase, ratio, season) / np.bincount(phase, minlength=season)
    return np.asarray(index / index.mean())
