"""Quantiles around a point forecast: partly the models' own intervals, mostly the errors of the backtest."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from convect.models.simple import Array

LEVELS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975, 0.99)
CONFORMAL_SHARE = 0.65
OWN_WIDENING = 1.15  # models take their parameters for certain, so their own intervals are too narrow
OWN_TOLERANCE = 1.5  # how many times wider or narrower than the backtest's errors ask for they may be
FEWEST_OWN_ROWS = 15  # of the backtest that may contradict the models' own intervals
SHRINKAGE_ROWS = 5.0  # how many rows of evidence the group's typical error counts for
SMALLEST_SHARE = 0.1  # of a series' size, added to what is forecast: a forecast of zero is not certain
MIN_POOL = 150  # residuals that a step's quantiles are read from; neighbours in time lend theirs


@dataclass(frozen=True)
class Intervals:
    """Calibrated offsets from the point forecast.

    levels: (Q,) quantiles, ascending; offsets: (h, Q) in units (see `unit`) times an item's ratio, all NaN where the
    backtest had no rows; ratio: (n,) how large each item's errors are against the group's, shrunk towards 1; power: of
    `unit`; own: what the models' own intervals are multiplied by, see `own_widening`.
    """

    levels: tuple[float, ...]
    offsets: Array
    ratio: Array
    power: float = 0.0
    own: float = OWN_WIDENING

    def quantiles(self, mean: Array, spread: Array, scale: Array, size: Array, ratio: Array) -> Array:
        """Return quantiles (w, h, Q), ascending in Q, around mean (w, h).

        spread: (w, h, 2) lower and upper standard deviations of the models' own intervals, NaN where there are none;
        scale, size, ratio: (w,). A horizon beyond the calibrated one widens with the square root of the step.
        """
        z = np.array([NormalDist().inv_cdf(level) for level in self.levels])
        own = self.own * np.where(z < 0, spread[..., :1], spread[..., 1:]) * z
        units = np.nan_to_num(unit(mean, scale * ratio, size, self.power))[..., None]
        conformal = self._steps(mean.shape[1]) * units
        both = CONFORMAL_SHARE * conformal + (1 - CONFORMAL_SHARE) * own
        offset = np.where(np.isnan(own), conformal, np.where(np.isnan(conformal), own, both))
        return np.sort(mean[..., None] + np.nan_to_num(offset), axis=-1)

    def _steps(self, horizon: int) -> Array:
        known = len(self.offsets)
        if horizon <= known:
            return self.offsets[:horizon]
        growth = np.sqrt(np.arange(known + 1, horizon + 1) / known)
        return np.concatenate([self.offsets, self.offsets[-1] * growth[:, None]])


def unit(mean: Array, scale: Array, size: Array, power: float) -> Array:
    """Return what errors around the forecasts mean (w, h) are measured in (w, h): scale (w,) at forecasts of size (w,).

    Power 0 is the same scale for every forecast; 1 makes errors grow in proportion to what is forecast, as where a
    promotion or a season multiplies the sales.
    """
    if power == 0:
        return np.broadcast_to(scale[:, None], mean.shape)
    share = np.divide(np.abs(mean), size[:, None], out=np.ones_like(mean), where=size[:, None] > 0)
    return np.asarray(scale[:, None] * ((share + SMALLEST_SHARE) / (1 + SMALLEST_SHARE)) ** power)


def calibrate(
    residuals: Array, items: NDArray[np.int64], count: int, levels: tuple[float, ...], power: float = 0.0
) -> Intervals:
    """Learn the offsets from scaled residuals (r, h) of the ensemble; items: (r,) which of `count` items each is of.

    Residuals are (actual - forecast) / unit, the unit of this power. Pooled split-conformal quantiles (Vovk et al.
    2005) with the finite sample correction (k + 1) / k, each step together with enough of its neighbours, centred so
    that the median stays.
    """
    horizon = residuals.shape[1]
    kept = np.isfinite(residuals).all(axis=1)
    residuals, items = residuals[kept], items[kept]
    if not len(residuals):
        return Intervals(levels, np.full((horizon, len(levels)), np.nan), np.ones(count), power)
    ratio = ratios(residuals, items, count, typical_error(residuals))
    pooled = residuals / ratio[items][:, None]
    offsets = np.array([_offsets(_pool(pooled, step), levels) for step in range(horizon)])
    return Intervals(levels, offsets, ratio, power)


def own_widening(errors: Array, spread: Array) -> float:
    """Return what the models' own intervals are to be multiplied by, from errors (r, h) and their spread (r, h, 2).

    It is OWN_WIDENING, unless the central 80 % so widened are more than OWN_TOLERANCE times wider or narrower than 80 %
    of the errors need: a model can be far from certain about what the ensemble knows well.
    """
    sides = np.where(errors < 0, spread[..., 0], spread[..., 1])
    known = np.isfinite(errors) & (sides > 0)
    if known.any(axis=1).sum() < FEWEST_OWN_ROWS:
        return OWN_WIDENING
    needed = np.quantile(np.abs(errors[known]) / sides[known], 0.8) / NormalDist().inv_cdf(0.9)
    return float(np.clip(OWN_WIDENING, needed / OWN_TOLERANCE, needed * OWN_TOLERANCE))


def typical_error(residuals: Array) -> float:
    """Return the mean size of scaled residuals (r, h) over the rows that are known, NaN where none is."""
    known = residuals[np.isfinite(residuals).all(axis=1)]
    return float(np.abs(known).mean(axis=1).mean()) if len(known) else np.nan


def ratios(residuals: Array, items: NDArray[np.int64], count: int, typical: float) -> Array:
    """Return how large each item's errors are (count,) against those typical of the group, shrunk towards 1."""
    known = np.isfinite(residuals).all(axis=1)
    if not typical > 0:
        return np.ones(count)
    errors, items = np.abs(residuals[known]).mean(axis=1), items[known]
    rows = np.bincount(items, minlength=count)
    total = np.bincount(items, errors, count) + SHRINKAGE_ROWS * typical
    return np.asarray(total / (rows + SHRINKAGE_ROWS) / typical)


def _pool(residuals: Array, step: int) -> Array:
    """The residuals of a step and of as many steps on each side as the pool needs, at least one."""
    rows, horizon = residuals.shape
    reach = max(1, -(-(MIN_POOL // rows) // 2)) if rows < MIN_POOL else 1
    return residuals[:, max(0, step - reach) : min(horizon, step + reach + 1)].ravel()


def _offsets(pool: Array, levels: tuple[float, ...]) -> Array:
    widened = np.clip(0.5 + (np.array(levels) - 0.5) * (1 + 1 / len(pool)), 0.0, 1.0)
    return np.asarray(np.quantile(pool, widened) - np.median(pool))


def interpolate(values: Array, levels: tuple[float, ...], wanted: tuple[float, ...]) -> Array:
    """Return quantiles (…, len(wanted)) from quantiles (…, Q) at `levels`, linear in the normal quantile.

    Beyond the outermost level the line through the last two is continued.
    """
    known = np.array([NormalDist().inv_cdf(level) for level in levels])
    asked = np.array([NormalDist().inv_cdf(level) for level in wanted])
    right = np.clip(np.searchsorted(known, asked), 1, len(known) - 1)
    share = (asked - known[right - 1]) / (known[right] - known[right - 1])
    return np.asarray(values[..., right - 1] + share * (values[..., right] - values[..., right - 1]))
