"""The ensemble's backtest as arrays, one row a window, beside the seasonal naive forecast of the same steps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.panel import Panel
from convect.training import ensemble

Floats = NDArray[np.float64]
ROUNDING = 1e-9
TRIFLE = 1e-3
Rows = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Windows:
    """w windows of h steps, in which `known` values of a panel's item were known.

    ids: (w,) items; cutoffs: (w,) stamp of the last value known; actual, forecast, low, high: (w, h), the last two the
    quantiles that hold `promise` of the values, NaN where the table has no such pair.
    """

    ids: NDArray[np.object_]
    cutoffs: NDArray[np.datetime64]
    actual: Floats
    forecast: Floats
    low: Floats
    high: Floats
    promise: float

    def take(self, rows: Rows) -> Windows:
        """Return some of the windows."""
        parts = (self.actual[rows], self.forecast[rows], self.low[rows], self.high[rows])
        return Windows(self.ids[rows], self.cutoffs[rows], *parts, self.promise)

    def and_then(self, other: Windows) -> Windows:
        """Return these windows and others."""
        names = ("ids", "cutoffs", "actual", "forecast", "low", "high")
        both = {name: np.concatenate([getattr(self, name), getattr(other, name)]) for name in names}
        return Windows(**both, promise=self.promise)

    def errors(self) -> Floats:
        """(w, h) absolute errors."""
        return np.abs(self.actual - self.forecast)

    def inside(self) -> Floats:
        """(w, h) 1 where the value lay between low and high, 0 where not, NaN where there is no such pair."""
        found = (self.actual >= self.low) & (self.actual <= self.high)
        return np.where(np.isfinite(self.low), found.astype(float), np.nan)


def worse(error: Floats, naive: Floats, actual: Floats) -> NDArray[np.bool_]:
    """Return whether a sum of errors is larger than the naive forecast's, by more than a trifle of what happened."""
    return np.asarray(error - naive > TRIFLE * actual)


def widest(names: list[str]) -> tuple[str, str] | None:
    """Return the two outermost of some quantiles, named by their level, if they stand evenly about the middle.

    >>> widest(["0.1", "0.5", "0.9"])
    ('0.1', '0.9')
    """
    levels = sorted(names, key=float)
    pairs = [
        (low, high) for low in levels for high in levels if low < high and abs(float(low) + float(high) - 1) < ROUNDING
    ]
    return pairs[0] if pairs else None


def of(backtest: pd.DataFrame) -> Windows:
    """Return the windows of the ensemble in a table as `results.backtest_table` makes it."""
    table = backtest[(backtest["model"] == ensemble.NAME).to_numpy()]
    horizon = int(table["step"].max()) if len(table) else 1
    pair = widest([str(name) for name in table.columns[6:]])

    def cells(name: str) -> Floats:
        return table[name].to_numpy(np.float64).reshape(-1, horizon)

    nothing = np.full((len(table) // horizon, horizon), np.nan)
    return Windows(
        ids=table["item_id"].to_numpy(object)[::horizon],
        cutoffs=table["cutoff"].to_numpy("datetime64[ns]")[::horizon],
        actual=cells("actual"),
        forecast=cells("forecast"),
        low=cells(pair[0]) if pair else nothing,
        high=cells(pair[1]) if pair else nothing,
        promise=float(pair[1]) - float(pair[0]) if pair else np.nan,
    )


def none(horizon: int) -> Windows:
    """Return no windows."""
    cells = np.empty((0, horizon))
    return Windows(np.empty(0, object), np.empty(0, "datetime64[ns]"), cells, cells, cells, cells, np.nan)


def naive(panel: Panel, items: NDArray[np.int64], ends: NDArray[np.int64], horizon: int, season: int) -> Floats:
    """(w, horizon) what `simple.naive_forecast` says after the first ends[k] values of items[k]; NaN where none is."""
    lag = np.where(ends > season, season, 1)[:, None]
    place = ends[:, None] - lag + np.arange(horizon) % lag
    rows = panel.offsets[items][:, None] + np.maximum(place, 0)
    return np.where(place >= 0, panel.values[rows], np.nan)
