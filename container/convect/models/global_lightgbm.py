"""One LightGBM for all series: direct over every step of the horizon, each window measured from its own origin."""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from convect.models.features import Array, Index, WindowFeatures

CLIP_SCALES = 30.0
STEPS_PER_WINDOW = 12
MIN_WINDOWS = 200
PARAMETERS: dict[str, str | float | int | bool] = {
    "objective": "l1",
    "num_leaves": 31,
    "min_data_in_leaf": 30,
    "feature_fraction": 0.7,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 1.0,
    "verbosity": -1,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
}


@dataclass(frozen=True)
class Training:
    """How much is learnt: rows sampled from all windows, boosting rounds and their rate, how often, and the seed."""

    rows: int = 60_000
    rounds: int = 200
    rate: float = 0.06
    boosters: int = 1
    seed: int = 0


def fit(features: WindowFeatures, ends: Index, horizon_steps: int, training: Training) -> lgb.Booster | None:
    """Learn from windows that end before `ends` (n,), or return None where no series is long enough.

    Windows are drawn evenly from every possible origin, at most `training.rows` rows of them in all, so that the
    cost does not follow the number of series.
    """
    rng = np.random.default_rng(training.seed)
    items, origins = sample_origins(ends, features.table.season, horizon_steps, training.rows, rng)
    if not len(items):
        return None
    steps = _sample_steps(len(items), horizon_steps, rng)
    target = _targets(features, items, origins, steps, ends)
    x, level, scale = features.matrix(items, origins, steps)
    y = ((target - level[:, None]) / scale[:, None]).ravel()
    known = np.isfinite(y)
    data = lgb.Dataset(x[known], np.clip(y[known], -CLIP_SCALES, CLIP_SCALES))
    return lgb.train({**PARAMETERS, "learning_rate": training.rate, "seed": training.seed}, data, training.rounds)


def predict(booster: lgb.Booster, features: WindowFeatures, items: Index, ends: Index, horizon_steps: int) -> Array:
    """Return forecasts (w, horizon) of the windows (item, end)."""
    steps = np.tile(np.arange(1, horizon_steps + 1), (len(items), 1))
    x, level, scale = features.matrix(items, ends, steps)
    scaled = np.asarray(booster.predict(x, num_threads=1)).reshape(steps.shape)
    return scaled * scale[:, None] + level[:, None]


def sample_origins(ends: Index, season: int, horizon: int, rows: int, rng: np.random.Generator) -> tuple[Index, Index]:
    """Return items and origins (w,) of windows drawn evenly from all with a value to learn from before `ends` (n,)."""
    first = np.maximum(np.minimum(2 * season + 2, ends - horizon - 1), 5)
    running = np.concatenate([[0], np.cumsum(np.maximum(ends - 1 - first, 0))])
    wanted = max(MIN_WINDOWS, rows // min(horizon, STEPS_PER_WINDOW))
    total = int(running[-1])
    drawn = np.arange(total) if total <= wanted else np.sort(rng.choice(total, wanted, replace=False))
    items = np.searchsorted(running, drawn, side="right") - 1
    return items, first[items] + drawn - running[items]


def _sample_steps(windows: int, horizon: int, rng: np.random.Generator) -> NDArray[np.int64]:
    if horizon <= STEPS_PER_WINDOW:
        return np.tile(np.arange(1, horizon + 1), (windows, 1))
    drawn = np.argsort(rng.random((windows, horizon)), axis=1)[:, :STEPS_PER_WINDOW]
    return np.sort(drawn, axis=1) + 1


def _targets(features: WindowFeatures, items: Index, origins: Index, steps: Index, ends: Index) -> Array:
    position = origins[:, None] + steps - 1
    inside = position < ends[items][:, None]
    row = np.where(inside, features.table.offsets[items][:, None] + position, 0)
    return np.where(inside & features.table.observed[row], features.table.values[row], np.nan)
