"""One linear model for all series: each step of the horizon from the newest values, in units of each series' own."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np

from convect.models.features import Array, Index, WindowFeatures
from convect.models.global_lightgbm import Training, sample_origins

SEASONS_SEEN = 4
FEWEST_LAGS, MOST_LAGS = 8, 60
WINDOWS = 20_000  # drawn from all at most
FEWEST_WINDOWS = 30
RIDGE = 1e-3  # of the mean square of the features
CLIP_SCALES = 100.0  # a clean season lies far beyond its seasonal differences
ROUNDS = 3  # of reweighting, towards the least absolute error


@dataclass(frozen=True, eq=False)
class Linear:
    """coefficients: (lags + 1, h): of the newest values, oldest first, and the constant."""

    coefficients: Array

    def to_text(self) -> str:
        """Return the model as JSON."""
        return json.dumps(self.coefficients.tolist())

    @classmethod
    def from_text(cls, text: str) -> Linear:
        """Return what `to_text` wrote; raises ValueError for anything else."""
        return cls(np.array(json.loads(text), np.float64))


def fit(features: WindowFeatures, ends: Index, horizon: int, training: Training) -> Linear | None:
    """Learn from windows that end before `ends` (n,), or return None where there are too few.

    A pooled autoregression (Montero-Manso & Hyndman 2021), direct for every step, by ridge regression reweighted
    towards the least absolute error of a window (Huber's weights).
    """
    rng = np.random.default_rng(training.seed)
    lags = lags_of(features.table.season)
    items, origins = sample_origins(ends - horizon + 2, features.table.season, 1, WINDOWS, rng)
    if len(items) < max(FEWEST_WINDOWS, lags):
        return None
    level, scale = features.origin(items, origins)
    x = _scaled(features.newest(items, origins, lags), level, scale)
    target = features.table.values[(features.table.offsets[items] + origins)[:, None] + np.arange(horizon)]
    y = np.clip((target - level[:, None]) / scale[:, None], -CLIP_SCALES, CLIP_SCALES)
    known = np.isfinite(y).all(axis=1)
    return Linear(_robust(x[known], y[known]))


def predict(model: Linear, features: WindowFeatures, items: Index, ends: Index, horizon: int) -> Array:
    """Return forecasts (w, horizon) of the windows (item, end); beyond the learnt steps from its own forecasts."""
    lags, steps = len(model.coefficients) - 1, model.coefficients.shape[1]
    level, scale = features.origin(items, ends)
    said = features.newest(items, ends, lags)
    for _ in range(0, horizon, steps):
        x = _scaled(said[:, -lags:], level, scale)
        ahead = np.einsum("wl,lh->wh", x, model.coefficients)  # not by BLAS: there a row's digits follow its neighbours
        said = np.concatenate([said, ahead * scale[:, None] + level[:, None]], axis=1)
        level = np.nanmean(said[:, -features.level_steps :], axis=1)
    return said[:, lags : lags + horizon]


def lags_of(season: int) -> int:
    """Return how many of the newest values are seen: four seasons, or one where that would be too many."""
    longest = SEASONS_SEEN * season + 1
    return int(np.clip(longest if longest <= MOST_LAGS else max(season + 1, MOST_LAGS), FEWEST_LAGS, None))


def _scaled(newest: Array, level: Array, scale: Array) -> Array:
    """The features (w, lags + 1) of windows; before its begin a series is at its level."""
    scaled = np.nan_to_num((newest - level[:, None]) / scale[:, None])
    return np.column_stack([np.clip(scaled, -CLIP_SCALES, CLIP_SCALES), np.ones(len(scaled))])


def _robust(x: Array, y: Array) -> Array:
    weights = np.ones(len(x))
    for _ in range(ROUNDS):
        weighted = x * weights[:, None]
        gram = weighted.T @ x
        penalty = np.full(len(gram), RIDGE * np.trace(gram) / len(gram))
        penalty[-1] = 0.0
        coefficients = np.linalg.solve(gram + np.diag(penalty), weighted.T @ y)
        error = np.abs(y - x @ coefficients).mean(axis=1)
        weights = 1 / np.maximum(error, max(np.median(error) / 2, 1e-12))
    return np.asarray(coefficients)
