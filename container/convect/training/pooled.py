"""The global models at every origin: what learns from all series at once, on the values or on their logarithm."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np

from convect.backtest import Backtest, Origins
from convect.models import covariate_regression, global_lightgbm, global_linear
from convect.models.covariate_regression import Regression
from convect.models.features import Array, Index, SeriesTable, WindowFeatures
from convect.models.global_lightgbm import Training
from convect.models.global_linear import Linear
from convect.models.local import EXPLOSION, Predictions
from convect.models.simple import naive_forecast
from convect.training.remembering import Keep, at_once

TRAINING = {"fast": Training(30_000, 100, rate=0.1), "balanced": Training(), "best": Training(boosters=3)}
PREDICT_ROWS = 200_000  # rows of features held at once
Learnt = Any  # what a learner has learnt; only the learner looks inside
GlobalModels = Mapping[str, tuple[Learnt, ...]]  # by variant, one a seed
ByWindow = Mapping[int, tuple[Learnt, ...]]  # of one variant: what was learnt before each window, 0 is now


@dataclass(frozen=True)
class Learner:
    """A way to learn from all series: how it fits and predicts, and how what it learnt is written and read as text."""

    fit: Callable[[WindowFeatures, Index, int, Training], Learnt | None]
    predict: Callable[[Learnt, WindowFeatures, Index, Index, int], Array]
    to_text: Callable[[Learnt], str]
    from_text: Callable[[str], Learnt]
    seeded: bool = False


LIGHTGBM = Learner(
    global_lightgbm.fit,
    global_lightgbm.predict,
    lgb.Booster.model_to_string,
    lambda text: lgb.Booster(model_str=text),
    seeded=True,
)
LINEAR = Learner(global_linear.fit, global_linear.predict, Linear.to_text, Linear.from_text)
REGRESSION = Learner(covariate_regression.fit, covariate_regression.predict, Regression.to_text, Regression.from_text)


@dataclass(frozen=True, eq=False)
class Window:
    """What was learnt before one window, as text, one a seed (none from too little), and said there: mean (w, h)."""

    learnt: tuple[str, ...]
    mean: Array
    seconds: float


@dataclass(frozen=True)
class Variant:
    """A learner on the values, or, where `log` is set, on their logarithm, which suits only what is never negative.

    Both take medians for what they are: the logarithm's median is the median's logarithm.
    """

    name: str
    learner: Learner
    log: bool = False

    def forward(self, values: Array) -> Array:
        """Return the values as the learner sees them; NaN for what has no logarithm."""
        return np.log1p(np.where(values >= 0, values, np.nan)) if self.log else values

    def inverse(self, values: Array) -> Array:
        """Undo `forward`."""
        return np.expm1(values) if self.log else values


LIGHTGBM_RAW = Variant("GlobalLightGBM", LIGHTGBM)
LIGHTGBM_LOG = Variant("GlobalLightGBMLog", LIGHTGBM, log=True)
LINEAR_RAW = Variant("GlobalLinear", LINEAR)
LINEAR_LOG = Variant("GlobalLinearLog", LINEAR, log=True)
REGRESSION_RAW = Variant("CovariateRegression", REGRESSION)
REGRESSION_LOG = Variant("CovariateRegressionLog", REGRESSION, log=True)
VARIANTS = (LINEAR_RAW, LINEAR_LOG, REGRESSION_RAW, REGRESSION_LOG, LIGHTGBM_RAW, LIGHTGBM_LOG)
BY_NAME = {variant.name: variant for variant in VARIANTS}


def variants_of(preset: str, values: Array) -> list[Variant]:
    """Return the variants of a preset that suit the target, the cheapest first."""
    if float(values.min()) < 0:
        return [LINEAR_RAW, REGRESSION_RAW, LIGHTGBM_RAW]
    both = [LINEAR_LOG, REGRESSION_LOG, LIGHTGBM_RAW]
    return both if preset == "fast" else [*both, LIGHTGBM_LOG]


def run(
    variant: Variant,
    table: SeriesTable,
    backtest: Backtest,
    training: Training,
    spent: Callable[[], bool] = lambda: False,
    keep: Keep = at_once,
) -> tuple[ByWindow, Predictions] | None:
    """Fit once for each window on what was known then, and once on everything.

    None where there is too little to learn from, or where `spent()` says so before the last window is done. A window
    that `keep` knows is not fitted.
    """
    clock, known_s = time.process_time(), 0.0
    origins = backtest.origins
    features = _features(variant, table)
    mean = np.full((len(origins.items), backtest.horizon), np.nan)
    learnt: dict[int, tuple[Learnt, ...]] = {}
    for window in sorted(set(origins.windows.tolist()), reverse=True):
        rows, begun = np.flatnonzero(origins.windows == window), time.process_time()
        if spent():
            return None
        items, ends = origins.items[rows], origins.ends[rows]
        work = partial(_window, variant, features, items, ends, backtest.horizon, training)
        done = keep(work, variant.name, table, items, ends, backtest.horizon, training)
        if not done.learnt or spent():
            return None
        learnt[window] = tuple(variant.learner.from_text(text) for text in done.learnt)
        mean[rows] = done.mean
        known_s += max(0.0, done.seconds - (time.process_time() - begun))  # where it was done by an earlier process
    said = _predictions(variant, table, origins.items, origins.ends, mean)
    return learnt, replace(said, seconds=time.process_time() - clock + known_s)


def _window(
    variant: Variant, features: WindowFeatures, items: Index, ends: Index, horizon: int, training: Training
) -> Window:
    """Fit on what was known before the ends (w,) of items, and forecast from there."""
    clock = time.process_time()
    known = np.zeros(len(features.table.offsets) - 1, np.int64)
    known[items] = ends
    learnt = _fit(variant, features, known, horizon, training)
    mean = _mean(variant, learnt, features, items, ends, horizon) if learnt else np.empty((0, horizon))
    return Window(tuple(map(variant.learner.to_text, learnt)), mean, time.process_time() - clock)


def forecast(variant: Variant, learnt: tuple[Learnt, ...], table: SeriesTable, horizon: int) -> Predictions:
    """Return what was learnt says after the end of every series of a table."""
    return at_origins(variant, {0: learnt}, table, Origins.of(np.diff(table.offsets), []), horizon)


def at_origins(variant: Variant, learnt: ByWindow, table: SeriesTable, origins: Origins, horizon: int) -> Predictions:
    """Return what was learnt says of any series, at each origin what was learnt without a later window."""
    clock = time.process_time()
    features = _features(variant, table)
    mean = np.full((len(origins.items), horizon), np.nan)
    for window in sorted(set(origins.windows.tolist())):
        rows = np.flatnonzero(origins.windows == window)
        mean[rows] = _mean(variant, learnt[window], features, origins.items[rows], origins.ends[rows], horizon)
    unfit = np.add.reduceat(np.isnan(features.table.values), table.offsets[:-1]) > 0
    mean[unfit[origins.items]] = np.nan
    found = _predictions(variant, table, origins.items, origins.ends, mean)
    return replace(found, seconds=time.process_time() - clock)


def teller(
    variant: Variant, learnt: tuple[Learnt, ...], table: SeriesTable, horizon: int
) -> Callable[[Index, Index], Array]:
    """Return a function of items and ends (w,) that gives the plain forecasts (w, horizon), believable or not."""
    features = _features(variant, table)
    return lambda items, ends: variant.inverse(_mean(variant, learnt, features, items, ends, horizon))


def _features(variant: Variant, table: SeriesTable) -> WindowFeatures:
    return WindowFeatures(replace(table, values=variant.forward(table.values)))


def _fit(
    variant: Variant, features: WindowFeatures, ends: Index, horizon: int, training: Training
) -> tuple[Learnt, ...]:
    count = training.boosters if variant.learner.seeded else 1
    seeds = [replace(training, seed=training.seed + k) for k in range(count)]
    fitted = [variant.learner.fit(features, ends, horizon, one) for one in seeds]
    return tuple(found for found in fitted if found is not None)


def _mean(
    variant: Variant, learnt: tuple[Learnt, ...], features: WindowFeatures, items: Index, ends: Index, horizon: int
) -> Array:
    """The mean forecast (w, horizon) over the seeds, a bounded number of feature rows at a time."""
    size = max(1, PREDICT_ROWS // horizon)
    parts = []
    for start in range(0, len(items), size):
        chunk = slice(start, start + size)
        said = [variant.learner.predict(one, features, items[chunk], ends[chunk], horizon) for one in learnt]
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
