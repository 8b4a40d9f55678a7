"""Errors of a forecast as pure functions of arrays: lower is better, no state, no sign flips.

Throughout, `actual` and `forecast` are (r, h): one row a series and cutoff, one column a step. A row whose
scale is zero or not finite (a constant history) has no scaled error; scaled metrics leave it out. An actual that is
NaN is not known and counts nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
DECILES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)  # what SQL and wQL are averaged over
SIZE_ROWS = 400  # of a history, the newest, tell the size of a series


def seasonal_scale(history: Array, season_steps: int) -> float:
    """Return the mean absolute seasonal difference of a history, NaN where it is zero or undefined.

    The denominator of MASE (Hyndman & Koehler 2006); a history no longer than a season plus one uses lag 1.

    >>> seasonal_scale(np.array([1.0, 2.0, 4.0]), 1)
    1.5
    """
    return _difference_mean(history, season_steps, 1)


def seasonal_scale_squared(history: Array, season_steps: int) -> float:
    """Return the root mean squared seasonal difference of a history: the denominator of RMSSE."""
    return float(np.sqrt(_difference_mean(history, season_steps, 2)))


def _difference_mean(history: Array, season_steps: int, power: int) -> float:
    lag = season_steps if len(history) > season_steps + 1 else 1
    differences = np.abs(history[lag:] - history[:-lag])
    mean = float(np.mean(differences**power)) if len(differences) else np.nan
    return mean if mean > 0 else np.nan


def mase(actual: Array, forecast: Array, scale: Array) -> float:
    """Mean absolute scaled error (Hyndman & Koehler 2006); scale: (r,) of `seasonal_scale`.

    >>> mase(np.array([[1.0, 2.0]]), np.array([[2.0, 4.0]]), np.array([3.0]))
    0.5
    """
    return _mean(_rows(actual, np.abs(actual - forecast)) / scale)


def rmsse(actual: Array, forecast: Array, scale: Array) -> float:
    """Root mean squared scaled error; scale: (r,) of `seasonal_scale_squared`."""
    return _mean(np.sqrt(_rows(actual, np.square(actual - forecast))) / scale)


def smape(actual: Array, forecast: Array) -> float:
    """Symmetric mean absolute percentage error, 0 to 200; 0 where both are 0 (Makridakis et al. 2020).

    >>> smape(np.array([[1.0]]), np.array([[3.0]]))
    100.0
    """
    total = np.abs(actual) + np.abs(forecast)
    share = np.divide(np.abs(actual - forecast), total, out=np.zeros_like(total), where=total > 0)
    return float(200.0 * _known(actual, share).mean())


def wape(actual: Array, forecast: Array) -> float:
    """Sum of absolute errors over the sum of absolute actuals; NaN where the actuals are all zero."""
    total = float(_known(actual, np.abs(actual)).sum())
    return float(_known(actual, np.abs(actual - forecast)).sum() / total) if total > 0 else np.nan


def rmse(actual: Array, forecast: Array) -> float:
    """Root mean squared error, in units of the target."""
    return float(np.sqrt(_known(actual, np.square(actual - forecast)).mean()))


def pinball(actual: Array, forecast: Array, quantile: float) -> Array:
    """Quantile loss of each cell, (r, h), times two, so that at 0.5 it is the absolute error.

    >>> pinball(np.array([[2.0]]), np.array([[1.0]]), 0.9).item()
    1.8
    """
    error = actual - forecast
    return np.asarray(2.0 * np.maximum(quantile * error, (quantile - 1.0) * error))


def sql(actual: Array, quantile_forecasts: Mapping[float, Array], scale: Array) -> float:
    """Scaled quantile loss: mean over the quantiles of twice the pinball loss over the MASE scale."""
    return float(np.mean([_mean(_rows(actual, pinball(actual, f, q)) / scale) for q, f in quantile_forecasts.items()]))


def wql(actual: Array, quantile_forecasts: Mapping[float, Array]) -> float:
    """Weighted quantile loss: mean over the quantiles of twice the pinball loss over the sum of |actual|."""
    total = float(_known(actual, np.abs(actual)).sum())
    losses = (
        [_known(actual, pinball(actual, f, q)).sum() / total for q, f in quantile_forecasts.items()]
        if total > 0
        else [np.nan]
    )
    return float(np.mean(losses))


def coverage(actual: Array, lower: Array, upper: Array) -> float:
    """Share of actuals inside the interval, ends included."""
    return float(np.mean(_known(actual, (actual >= lower) & (actual <= upper))))


def _known(actual: Array, cells: Any) -> Any:  # noqa: ANN401 - floats and booleans alike
    """The cells (c,) whose actual is known."""
    return cells[~np.isnan(actual)]


def _rows(actual: Array, cells: Array) -> Array:
    """The mean (r,) of the cells of each row whose actual is known."""
    return np.asarray(np.mean(cells, axis=1, where=~np.isnan(actual)))


def _mean(per_row: Array) -> float:
    finite = per_row[np.isfinite(per_row)]
    return float(finite.mean()) if len(finite) else np.nan


PointMetric = Callable[[Array, Array], float]
UNSCALED: dict[str, PointMetric] = {"sMAPE": smape, "WAPE": wape, "RMSE": rmse}


def typical_size(history: Array) -> float:
    """Return the mean |value| of the newest rows of a history (rows,)."""
    return float(np.abs(history[-SIZE_ROWS:]).mean())
