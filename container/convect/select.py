"""How much of each model goes into the ensemble: weights for the group, tilted for each series by its own errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convect import metrics
from convect.backtest import Backtest
from convect.models.simple import NAIVE, Array

NEAR_BEST = 1.2  # a model within 20 % of the best shares the weights
NEAR_ENOUGH = 1.5  # the same where so few rows are scored that a closer look would be luck
SHARPNESS = 4.0  # the power of their losses by which the near-best share the weights
GREEDY_SHARE = 0.5
GREEDY_STEPS = 20
TILT_CLIP = 3.0
SCALED_ERROR_CAP = 10.0  # so that one series with a tiny scale does not choose for all
MIN_ROWS = 3  # scored, or nothing finer than near enough is told from them
FEW_ZEROS = 0.01  # more of them, and sMAPE has no say
MAX_ROWS = 3000  # of the backtest that the group's weights are learnt from: more changes nothing but the time


@dataclass(frozen=True)
class Weights:
    """What the ensemble is made of.

    models: M names; group: (M,) weights of a series without evidence of its own; series: (n, M); core: (M,) True for
    the models whose median guards the mean. Every row of weights sums to 1.
    """

    models: tuple[str, ...]
    group: Array
    series: Array
    core: NDArray[np.bool_]


def choose(backtest: Backtest, items: int, metric: str) -> Weights:
    """Weigh the models of a backtest for its n items by the metric; equal weights where nothing could be scored.

    Half-way between a plain average and a selection: near-best models share the weights, mixed with greedy forward
    selection (Caruana et al. 2004); each series then divides by its own relative errors, clipped to [1/3, 3]. Where one
    or two rows are scored, such as the windows of a single series, the models that are near enough share equally.
    """
    names = tuple(backtest.predictions)
    usable = np.flatnonzero(np.isfinite(backtest.scale))
    if len(usable) < MIN_ROWS:
        return _near_enough(backtest, usable, items, metric)
    forecasts = {name: backtest.past(name) for name in names}
    sample = usable[:: max(1, len(usable) // MAX_ROWS)]
    objective = _objective(backtest, sample, metric)
    sampled = {name: forecast[sample] for name, forecast in forecasts.items()}
    losses = np.array([objective(forecast) for forecast in sampled.values()])
    if not np.isfinite(losses).any():
        return _without_evidence(names, items)
    core = losses <= NEAR_BEST * losses.min()
    shares = core * (losses.min() / losses) ** SHARPNESS if losses.min() > 0 else core.astype(float)
    group = GREEDY_SHARE * _greedy(sampled, objective) + (1 - GREEDY_SHARE) * shares / shares.sum()
    series = _tilted(group, _relative_errors(backtest, forecasts, usable, items))
    return Weights(names, group, series, core)


def tilt(weights: Weights, backtest: Backtest, items: int) -> Weights:
    """Return a group's weights tilted for `items` other series by their own errors in their own backtest."""
    usable = np.flatnonzero(np.isfinite(backtest.scale))
    forecasts = {name: backtest.past(name) for name in weights.models}
    return replace(weights, series=_tilted(weights.group, _relative_errors(backtest, forecasts, usable, items)))


def _near_enough(backtest: Backtest, usable: NDArray[np.int64], items: int, metric: str) -> Weights:
    """Equal weights of the models near enough to the best; of all rows, by their size, where none has a scale."""
    names = tuple(backtest.predictions)
    if not len(backtest.actual):
        return _without_evidence(names, items)
    if not len(usable):
        size = np.where(backtest.size > 0, backtest.size, 1.0)
        backtest, usable = replace(backtest, scale=size, scale_squared=size), np.arange(len(size))
    objective = _objective(backtest, usable, metric)
    losses = np.array([objective(backtest.past(name)[usable]) for name in names])
    if not np.isfinite(losses).any():
        return _without_evidence(names, items)
    core = losses <= NEAR_ENOUGH * losses.min()
    group = core / core.sum()
    return Weights(names, group, np.tile(group, (items, 1)), core)


def _without_evidence(names: tuple[str, ...], items: int) -> Weights:
    """Equal weights over everything but the naive model, which is there to be beaten."""
    core = np.array([name != NAIVE for name in names]) if len(names) > 1 else np.ones(1, bool)
    group = core / core.sum()
    return Weights(names, group, np.tile(group, (items, 1)), core)


def _objective(backtest: Backtest, rows: NDArray[np.int64], metric: str) -> Callable[[Array], float]:
    """Return the loss of a forecast (r, h), relative to seasonal naive, that selection minimises.

    Point forecasts are weighed, so the quantile metrics stand for their point forms: SQL for MASE, wQL for WAPE.
    MASE is joined by sMAPE, so that series whose scale is nearly zero do not decide alone; but not where there are
    many zeros: sMAPE calls everything but a zero equally wrong there, and the naive forecast, which has them, the best.
    """
    actual, scale, squared = backtest.actual[rows], backtest.scale[rows], backtest.scale_squared[rows]

    def mase(forecast: Array) -> float:
        return float(np.minimum(np.abs(actual - forecast).mean(axis=1) / scale, SCALED_ERROR_CAP).mean())

    def rmsse(forecast: Array) -> float:
        return float(np.minimum(np.sqrt(np.square(actual - forecast).mean(axis=1)) / squared, SCALED_ERROR_CAP).mean())

    parts: dict[str, list[Callable[[Array], float]]] = {
        "sMAPE": [lambda f: metrics.smape(actual, f)],
        "WAPE": [lambda f: metrics.wape(actual, f)],
        "RMSE": [lambda f: metrics.rmse(actual, f)],
        "RMSSE": [rmsse],
    }
    parts["wQL"] = parts["WAPE"]
    chosen = parts.get(metric, [mase] if np.mean(actual <= 0) > FEW_ZEROS else [mase, parts["sMAPE"][0]])
    naive = [part(backtest.past(NAIVE)[rows]) for part in chosen]

    def objective(forecast: Array) -> float:
        pairs = zip(chosen, naive, strict=True)
        loss = sum(part(forecast) / base if base > 0 else part(forecast) for part, base in pairs)
        return loss if np.isfinite(loss) else np.inf

    return objective


def _greedy(forecasts: Mapping[str, Array], objective: Callable[[Array], float]) -> Array:
    """Return the shares (M,) of models picked one at a time, each the one that helps the running mean most."""
    names = list(forecasts)
    counts = np.zeros(len(names))
    mean = np.zeros_like(forecasts[names[0]])
    for step in range(GREEDY_STEPS):
        losses = [objective((mean * step + forecasts[name]) / (step + 1)) for name in names]
        best = int(np.argmin(losses))
        mean = (mean * step + forecasts[names[best]]) / (step + 1)
        counts[best] += 1
    return counts / GREEDY_STEPS


def _relative_errors(
    backtest: Backtest, forecasts: Mapping[str, Array], usable: NDArray[np.int64], items: int
) -> Array:
    """Return each item's mean scaled error by model (n, M); NaN for an item that was never scored."""
    rows = backtest.origins.items[backtest.origins.past][usable]
    count = np.bincount(rows, minlength=items).astype(float)
    count[count == 0] = np.nan
    errors = [
        np.bincount(rows, (np.abs(backtest.actual - f).mean(axis=1) / backtest.scale)[usable], items) / count
        for f in forecasts.values()
    ]
    return np.stack(errors, axis=1)


def _tilted(group: Array, errors: Array) -> Array:
    """Divide the group's weights by each series' own errors relative to their mean over the models in use."""
    used = group > 0
    level = errors[:, used].mean(axis=1, keepdims=True)
    relative = np.divide(errors, level, out=np.ones_like(errors), where=(level > 0) & np.isfinite(errors))
    series = group / np.clip(relative, 1 / TILT_CLIP, TILT_CLIP)
    return np.asarray(series / series.sum(axis=1, keepdims=True))
