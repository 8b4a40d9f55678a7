"""The global models at every origin: the LightGBM on the values as they are, and on their logarithm."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np

from convect.backtest import Backtest
from convect.models import global_lightgbm
from convect.models.features import Array, Index, SeriesTable, WindowFeatures
from convect.models.global_lightgbm import Training
from convect.models.local import EXPLOSION, Predictions, naive_forecast

TRAINING = {"fast": Training(30_000, 100, rate=0.1), "balanced": Training(), "best": Training(boosters=3)}
PREDICT_ROWS = 200_000  # rows of features held at once
Boosters = Mapping[str, tuple[lgb.Booster, ...]]  # of each global model, one a seed


@dataclass(frozen=True)
class Variant:
    """The global model on one transform of the target; `inverse` undoes `forward`, and medians pass through both."""

    name: str
    forward: Callable[[Array], Array]
    inverse: Callable[[Array], Array]


def _same(values: Array) -> Array:
    return values


def _log(values: Array) -> Array:
    return np.log1p(np.where(values >= 0, values, np.nan))


VARIANTS = (Variant("GlobalLightGBM", _same, _same), Variant("GlobalLightGBMLog", _log, np.expm1))
BY_NAME = {variant.name: variant for variant in VARIANTS}


def variants_of(preset: str, values: Array) -> list[Variant]:
    """Return the variants of a preset that suit the target: the logarithm only where nothing is negative."""
    return [v for v in VARIANTS if v.forward is _same or (preset != "fast" and float(values.min()) >= 0)]


def run(
    variant: Variant,
    table: SeriesTable,
    backtest: Backtest,
    training: Training,
    spent: Callable[[], bool] = lambda: False,
) -> tuple[tuple[lgb.Booster, ...], Predictions] | None:
    """Fit once for each window on what was known then, and once on everything.

    None where there is too little to learn from, or where `spent()` says so before the last window is done.
    """
    clock = time.process_time()
    origins = backtest.origins
    features = _features(variant, table)
    mean = np.full((len(origins.items), backtest.horizon), np.nan)
    boosters: tuple[lgb.Booster, ...] = ()
    for window in sorted(set(origins.windows.tolist()), reverse=True):
        rows = np.flatnonzero(origins.windows == window)
        ends = np.zeros(len(table.offsets) - 1, np.int64)
        ends[origins.items[rows]] = origins.ends[rows]
        boosters = () if spent() else _fit(features, ends, backtest.horizon, training)
        if not boosters or spent():
            return None
        mean[rows] = _mean(boosters, features, origins.items[rows], origins.ends[rows], backtest.horizon)
    found = _predictions(variant, table, origins.items, origins.ends, mean)
    return boosters, replace(found, seconds=time.process_time() - clock)


def forecast(variant: Variant, boosters: tuple[lgb.Booster, ...], table: SeriesTable, horizon: int) -> Predictions:
    """Return what learnt boosters say after the end of every series of a table."""
    lengths = np.diff(table.offsets)
    features = _features(variant, table)
    mean = _mean(boosters, features, np.arange(len(lengths)), lengths, horizon)
    mean[np.add.reduceat(np.isnan(features.table.values), table.offsets[:-1]) > 0] = np.nan
    return _predictions(variant, table, np.arange(len(lengths)), lengths, mean)


def _features(variant: Variant, table: SeriesTable) -> WindowFeatures:
    return WindowFeatures(replace(table, values=variant.forward(table.values)))


def _fit(features: WindowFeatures, ends: Index, horizon: int, training: Training) -> tuple[lgb.Booster, ...]:
    seeds = [replace(training, seed=training.seed + k) for k in range(training.boosters)]
    fitted = [global_lightgbm.fit(features, ends, horizon, one) for one in seeds]
    return tuple(booster for booster in fitted if booster is not None)


def _mean(
    boosters: tuple[lgb.Booster, ...], features: WindowFeatures, items: Index, ends: Index, horizon: int
) -> Array:
    """The mean forecast (w, horizon) of the boosters, a bounded number of feature rows at a time."""
    size = max(1, PREDICT_ROWS // horizon)
    parts = []
    for start in range(0, len(items), size):
        chunk = slice(start, start + size)
        said = [global_lightgbm.predict(b, features, items[chunk], ends[chunk], horizon) for b in boosters]
        parts.append(np.mean(said, axis=0))
    return np.concatenate(parts)


def _predictions(variant: Variant, table: SeriesTable, items: Index, ends: Index, mean: Array) -> Predictions:
    """Undo the transform; where a forecast is not to be believed the naive one stands in."""
    with np.errstate(over="ignore"):
        values = variant.inverse(mean)
    windows = zip(table.offsets[items], ends, strict=True)
    limits = np.array([EXPLOSION * np.abs(table.values[start : start + end]).max() + 1e-9 for start, end in windows])
    failed = ~(np.abs(values).max(axis=1) <= limits)
    for row in np.flatnonzero(failed):
        start = table.offsets[items[row]]
        history = table.values[start : start + ends[row]]
        values[row] = naive_forecast(history, mean.shape[1], table.season)[0]
    return Predictions(values, np.full((*mean.shape, 2), np.nan), np.asarray(failed))
