"""What known covariates do to each series: a regression of its own, drawn towards that of all series."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convect.models.features import Array, Index, SeriesTable, WindowFeatures
from convect.models.global_lightgbm import Training

LEVEL_ROWS = 26  # the newest residuals, whose median is the level
POOLING = 10.0  # rows of evidence that the slopes of all series count for
RIDGE = 1e-3
FEWEST_ROWS = 6  # of a series
MOST_PHASES = 31  # a season up to it has an effect for each of its steps, a longer one two waves
WAVES = 2


@dataclass(frozen=True, eq=False)
class Regression:
    """logged: (C,) the covariates taken in logarithms; slopes, spread: (K,) of the columns of `_design`.

    slopes are those of all series together, for columns divided by their standard deviation `spread`, in units of each
    series' own standard deviation where `relative`: values that no logarithm has made comparable.
    """

    logged: NDArray[np.bool_]
    slopes: Array
    spread: Array
    relative: bool = False

    def to_text(self) -> str:
        """Return the model as JSON."""
        return json.dumps([self.logged.tolist(), self.slopes.tolist(), self.spread.tolist(), self.relative])

    def seen(self, covariates: Array) -> Array:
        """Return covariates (…, C) as the model takes them; NaN for what is unknown or has no logarithm."""
        with np.errstate(all="ignore"):
            taken = np.where(self.logged, np.log(covariates), covariates)
        return np.where(np.isfinite(taken), taken, np.nan)

    @classmethod
    def from_text(cls, text: str) -> Regression:
        """Return what `to_text` wrote; raises ValueError for anything else."""
        logged, slopes, spread, relative = json.loads(text)
        return cls(np.array(logged, np.bool_), np.array(slopes, np.float64), np.array(spread, np.float64), relative)


def fit(features: WindowFeatures, ends: Index, horizon: int, training: Training) -> Regression | None:
    """Learn the slopes of all series from what lies before `ends` (n,); None without covariates or rows."""
    table = features.table
    logged = _positive(table.covariates)
    parts = [_centred(table, logged, item, end) for item, end in enumerate(ends.tolist()) if end >= FEWEST_ROWS]
    if not len(logged) or not parts:
        return None
    relative = bool(np.nanmin(table.values) < 0)
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] / _size(part[1], relative=relative) for part in parts])
    spread = x.std(axis=0)
    spread[spread <= 1e-9] = 1e9  # what never changes but by rounding has no slope
    x = x / spread
    slopes = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(len(spread)), x.T @ y)
    return Regression(logged, slopes, spread, relative)


def predict(model: Regression, features: WindowFeatures, items: Index, ends: Index, horizon: int) -> Array:
    """Return forecasts (w, horizon) of the windows (item, end); NaN where a series is too short."""
    return fitted(model, features, items, ends, horizon)[0]


def fitted(model: Regression, features: WindowFeatures, items: Index, ends: Index, horizon: int) -> tuple[Array, Array]:
    """Return the forecasts (w, horizon) and the slopes (w, C) of the covariates as `Regression.seen`; NaN as above."""
    found = np.full((len(items), horizon), np.nan)
    slopes = np.full((len(items), len(model.logged)), np.nan)
    for row, (item, end) in enumerate(zip(items.tolist(), ends.tolist(), strict=True)):
        if end >= FEWEST_ROWS:
            found[row], slopes[row] = _forecast(model, features.table, item, end, horizon)
    return found, slopes


def _forecast(model: Regression, table: SeriesTable, item: int, end: int, horizon: int) -> tuple[Array, Array]:
    """The series' own slopes, drawn towards the pooled ones (a ridge around them), and the level of the newest rows."""
    x, y, mean = _centred(table, model.logged, item, end)
    x, pooled = x / model.spread, model.slopes * _size(y, relative=model.relative)
    slopes = pooled + np.linalg.solve(x.T @ x + POOLING * np.eye(len(pooled)), x.T @ (y - x @ pooled))
    every = (_design(table, model.logged, item, end, horizon) - mean) / model.spread
    residuals = _observed(table, item, end) - every[:end] @ slopes
    newest = residuals[np.isfinite(residuals)][-LEVEL_ROWS:]
    level = np.median(newest) if len(newest) else np.nan
    return np.asarray(level + every[end:] @ slopes), (slopes / model.spread)[: len(model.logged)]


def _size(centred: Array, *, relative: bool) -> float:
    spread = float(centred.std()) if relative and len(centred) else 1.0
    return spread if spread > 0 else 1.0


def _positive(covariates: Array) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(~(covariates <= 0).any(axis=0))


def _centred(table: SeriesTable, logged: NDArray[np.bool_], item: int, end: int) -> tuple[Array, Array, Array]:
    """The rows of a series that were observed, x (rows, K) and y (rows,), each less its mean, and the mean of x."""
    x, y = _design(table, logged, item, end), _observed(table, item, end)
    known = np.isfinite(y)
    x, y = x[known], y[known]
    mean = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
    return x - mean, y - (y.mean() if len(y) else 0.0), mean


def _observed(table: SeriesTable, item: int, end: int) -> Array:
    rows = slice(table.offsets[item], table.offsets[item] + end)
    return np.where(table.observed[rows], table.values[rows], np.nan)


def _design(table: SeriesTable, logged: NDArray[np.bool_], item: int, end: int, horizon: int = 0) -> Array:
    """(end + horizon, K): the covariates, some in logarithms, then the season's effects.

    What is not known has no effect: it stands at the mean of what is known up to `end`.
    """
    start, rows = table.covariate_offsets[item], end + horizon
    given = table.covariates[start : min(start + rows, table.covariate_offsets[item + 1])]
    known = np.full((rows, given.shape[1]), np.nan)
    known[: len(given)] = given
    with np.errstate(all="ignore"):
        known[:, logged] = np.log(known[:, logged])
    usable = np.isfinite(known)
    past = np.where(usable, known, 0.0)[:end].sum(axis=0) / np.maximum(usable[:end].sum(axis=0), 1)
    season = season_columns(table.season, table.starts[item] + np.arange(rows))
    return np.concatenate([np.where(usable, known, past), season], axis=1)


def season_columns(season: int, ordinals: Index) -> Array:
    """Return columns (n, S) whose weighted sums are a season's effects at steps (n,), without their mean."""
    if season <= MOST_PHASES:
        return np.eye(season)[ordinals % season][:, 1:]
    angle = 2 * np.pi * ordinals[:, None] * np.arange(1, WAVES + 1) / season
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
