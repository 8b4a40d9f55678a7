"""The ensemble's forecast from those of its models: a weighted mean, guarded by their median."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convect.models.local import Predictions
from convect.models.simple import NAIVE, Array
from convect.select import Weights

NAME = "Ensemble"
MEDIAN_SHARE = 0.3
FEWEST_GUARDS = 3  # models that a median is taken of: that of two is their plain mean, which guards nothing
MIN_SPREAD_SHARE = 0.1  # of the weights that models with an interval of their own must carry for it to count
EXPLOSION_SPANS = 3.0  # spans of the history beyond its extremes: nothing further out is believed


@dataclass(frozen=True)
class Combined:
    """mean: (w, h); spread: (w, h, 2), NaN where no model has an interval.

    fallback: (w,) True where no model but the naive one could be fitted.
    """

    mean: Array
    spread: Array
    fallback: NDArray[np.bool_]


def combine(weights: Weights, row_weights: Array, predictions: Mapping[str, Predictions]) -> Combined:
    """Combine predictions at w origins under weights (w, M); a model that failed at an origin has no say there."""
    stacked = np.stack([predictions[name].mean for name in weights.models], axis=1)
    failed = np.stack([predictions[name].fallback for name in weights.models], axis=1)
    share = np.where(failed, 0.0, row_weights)
    total = share.sum(axis=1)
    share = np.divide(share, total[:, None], out=np.zeros_like(share), where=total[:, None] > 0)
    mean = np.einsum("wmh,wm->wh", np.nan_to_num(stacked), share)
    median = _median(stacked[:, weights.core], failed[:, weights.core], mean)
    guard = median_share(weights)
    mean = (1 - guard) * mean + guard * median
    naive = predictions[NAIVE]
    alone = total <= 0
    spread = np.stack([predictions[name].spread for name in weights.models], axis=1)
    return Combined(
        np.where(alone[:, None], naive.mean, mean),
        np.where(alone[:, None, None], naive.spread, _mean_spread(spread, share)),
        alone | (failed | (row_weights <= 0) | _is_naive(weights)).all(axis=1),
    )


def median_share(weights: Weights) -> float:
    """Return the share of the median of the models near the best in the ensemble: none where they are too few."""
    return MEDIAN_SHARE if weights.core.sum() >= FEWEST_GUARDS else 0.0


def _is_naive(weights: Weights) -> NDArray[np.bool_]:
    return np.array([name.startswith(NAIVE) for name in weights.models])


def _median(stacked: Array, failed: NDArray[np.bool_], instead: Array) -> Array:
    masked = np.where(failed[..., None], np.nan, stacked)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        median = np.nanmedian(masked, axis=1)
    return np.where(np.isfinite(median), median, instead)


def _mean_spread(spread: Array, share: Array) -> Array:
    """(w, h, 2): the mean of the spreads that exist, under the shares of their models."""
    weight = np.where(np.isfinite(spread), share[:, :, None, None], 0.0)
    total = weight.sum(axis=1)
    summed = (np.nan_to_num(spread) * weight).sum(axis=1)
    enough = total >= MIN_SPREAD_SHARE
    return np.asarray(np.divide(summed, total, out=np.full_like(total, np.nan), where=enough))


def bounds(histories: list[Array]) -> tuple[Array, Array]:
    """Return the least and greatest believable value (w,) of each history: three spans beyond its extremes.

    Never below zero where the history never was; a constant history's span is its own size.
    """
    low = np.array([history.min() for history in histories])
    high = np.array([history.max() for history in histories])
    span = np.where(high > low, high - low, np.maximum(np.abs(high), 1.0))
    floor = np.where(low >= 0, 0.0, low - EXPLOSION_SPANS * span)
    return floor, high + EXPLOSION_SPANS * span
