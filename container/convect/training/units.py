"""What the errors and the believable range of a series are measured in."""

from __future__ import annotations

import numpy as np

from convect import metrics
from convect.models.simple import Array
from convect.panel import Panel
from convect.training import ensemble

UNKNOWN_RELATIVE_SCALE = 0.1  # of a series' own size, where no series of the panel ever changed


def scales(panel: Panel, season: int, relative: float | None = None) -> Array:
    """Return each item's scale (n,): its mean absolute seasonal difference.

    A series that never changed, or has one row, is taken to change by `relative` (the panel's median scale in units
    of the mean |value|, unless given) of its own size, less the longer it stood still: divided by its rows.
    """
    found = _scales(panel, season)
    size = sizes(panel)
    typical = relative_scale(found, size) if relative is None else relative
    return np.where(np.isfinite(found), found, typical * size / panel.lengths)


def sizes(panel: Panel) -> Array:
    """Return each item's mean |value| (n,) of late."""
    return np.array([metrics.typical_size(panel.series(item)) for item in range(len(panel))])


def typical_relative_scale(panel: Panel, season: int) -> float:
    """Return the panel's median scale in units of the mean |value|."""
    return relative_scale(_scales(panel, season), sizes(panel))


def _scales(panel: Panel, season: int) -> Array:
    return np.array([metrics.seasonal_scale(panel.series(item), season) for item in range(len(panel))])


def relative_scale(scale: Array, size: Array) -> float:
    """Return the median of scale / size over the items where both are known, a tenth where there is none."""
    known = np.isfinite(scale) & (size > 0)
    return float(np.median(scale[known] / size[known])) if known.any() else UNKNOWN_RELATIVE_SCALE


def still(panel: Panel) -> Array:
    """Return the one value (n,) of each item that never changed, NaN for the others."""
    first, last = panel.offsets[:-1], panel.offsets[1:] - 1
    constant = np.maximum.reduceat(panel.values, first) == np.minimum.reduceat(panel.values, first)
    return np.where(constant, panel.values[last], np.nan)


def bounded(panel: Panel, mean: Array, quantiles: Array) -> Array:
    """Return mean and quantiles (n, h, 1 + Q) kept within what each history makes believable.

    A series that never changed is forecast to stay; its quantiles keep their distance from the mean.
    """
    constant = still(panel)[:, None]
    shift = np.where(np.isnan(constant), 0.0, constant - mean)[..., None]
    together = np.concatenate([mean[..., None], quantiles], axis=-1) + shift
    low, high = ensemble.bounds([panel.series(item) for item in range(len(panel))])
    return np.asarray(np.clip(together, low[:, None, None], high[:, None, None]))
