"""Whether the backtest's windows were calmer than those before them: cheap forecasts tell of many more cutoffs."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from convect import metrics
from convect.folds import min_train_steps
from convect.models.features import Index, SeriesTable
from convect.models.simple import Array, naive_forecast
from convect.panel import Panel
from convect.training import pooled

WINDOWS = 10  # a horizon apart, looked at in all
FEWEST_OLDER = 2
FEWEST_ITEMS = 3
MOST_ITEMS = 500  # a sample of the panel
ERROR_CAP = 3.0  # scales, so that one outbreak does not speak for all
TRUST = 0.5  # the power of the ratio that is believed: about the slope found over 30 groups of series
DOUBT_ITEMS = 10.0  # how many items' evidence the belief in a ratio of 1 counts for
LARGEST = 0.8  # |log| of a ratio that is believed

Forecast = Callable[[Index, Index], Array]


def widening(panel: Panel, table: SeriesTable, horizon: int, models: Mapping[str, pooled.ByWindow], seen: int) -> float:
    """Return what the intervals learnt from the newest `seen` windows are to be multiplied by.

    That is how much larger the errors of cheap forecasts, scaled as MASE is, were in the windows before those: the
    geometric mean over the naive forecast and the pooled linear one, to the power TRUST. 1 where too little is known.
    """
    if seen < 1:
        return 1.0
    ratios = [
        _older_to_newest(_errors(panel, horizon, table.season, forecast), seen)
        for forecast in _cheap(panel, table, horizon, models)
    ]
    return float(np.exp(TRUST * np.mean(ratios)))


def _cheap(panel: Panel, table: SeriesTable, horizon: int, models: Mapping[str, pooled.ByWindow]) -> list[Forecast]:
    def naive(items: Index, ends: Index) -> Array:
        pairs = zip(items.tolist(), ends.tolist(), strict=True)
        return np.array([naive_forecast(panel.series(item)[:end], horizon, table.season)[0] for item, end in pairs])

    found: list[Forecast] = [naive]
    for variant in (pooled.LINEAR_RAW, pooled.LINEAR_LOG):
        if 1 in models.get(variant.name, {}):
            found.append(pooled.teller(variant, models[variant.name][1], table, horizon))
    return found


def _errors(panel: Panel, horizon: int, season: int, forecast: Forecast) -> Array:
    """(WINDOWS, items) mean errors in scales, the newest window first; NaN where a history is too short."""
    sample = np.unique(np.linspace(0, len(panel) - 1, min(len(panel), MOST_ITEMS)).astype(np.int64))
    found = np.full((WINDOWS, len(sample)), np.nan)
    for window in range(WINDOWS):
        ends = panel.lengths[sample] - (window + 1) * horizon
        long = np.flatnonzero(ends >= min_train_steps(season))
        if len(long):
            items, ends = sample[long], ends[long]
            actual = panel.values[(panel.offsets[items] + ends)[:, None] + np.arange(horizon)]
            pairs = zip(items.tolist(), ends.tolist(), strict=True)
            scale = np.array([metrics.seasonal_scale(panel.series(item)[:end], season) for item, end in pairs])
            found[window, long] = np.abs(actual - forecast(items, ends)).mean(axis=1) / scale
    return np.asarray(np.minimum(found, ERROR_CAP))


def _older_to_newest(errors: Array, seen: int) -> float:
    """The log of the mean error of the older windows over that of the newest `seen`, over items that have both.

    It is clipped, and the fewer the items, the nearer to 0.
    """
    newest, older = errors[:seen], errors[seen:]
    both = np.isfinite(newest).all(axis=0) & np.isfinite(older).any(axis=0)
    if both.sum() < FEWEST_ITEMS or np.isfinite(older[:, both]).any(axis=1).sum() < FEWEST_OLDER:
        return 0.0
    before, now = float(np.nanmean(older[:, both], axis=0).mean()), float(newest[:, both].mean())
    if not (before > 0 and now > 0):
        return 0.0
    return float(np.clip(np.log(before / now), -LARGEST, LARGEST) * both.sum() / (both.sum() + DOUBT_ITEMS))
