"""Honest intervals for series too short to be judged: learnt from long series, cut as short and looked at again."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from convect import metrics
from convect.folds import min_train_steps
from convect.models.simple import Array, brief, drifting, naive_forecast
from convect.panel import Panel
from convect.training import units

CLASSES = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89)  # numbers of values; a series counts as the next lower one
REASON = "short history: its interval is that of other series after as few values"
SAMPLE_SERIES = 400
CUTS = 5  # of each series, spread over a season or a horizon, so that no one phase decides
RELATIVE_ROWS = 2.0  # differences that the size of a series, times the panel's relative scale, counts for
PRIOR_ROWS = 10.0  # cuts that the widening of a random walk counts for
MEAN_TO_DEVIATION = 1.25  # standard deviation over mean absolute value of a normal error


@dataclass(frozen=True, eq=False)
class Short:
    """What short histories allow to say.

    season in steps; relative: the median scale over size; size: the median mean |value|; rows: (C,) numbers of values,
    ascending; offsets: (C, h, Q) from the point forecast at `levels`, in the units of `_unit`, of training's horizon h.
    """

    season: int
    relative: float
    size: float
    levels: tuple[float, ...]
    rows: NDArray[np.int64]
    offsets: Array

    def concerns(self, lengths: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Return which series (n,) are too short for a backtest of their own."""
        return np.asarray(lengths < min_train_steps(self.season) + self.offsets.shape[1])

    def share(self, lengths: NDArray[np.int64]) -> Array:
        """Return how much of each interval (n,) is told by other short series: all up to a season, then less."""
        judged = min_train_steps(self.season) + self.offsets.shape[1]
        return np.asarray(np.square(np.clip((judged - lengths) / (judged - self.season), 0.0, 1.0)))

    def widened(self, panel: Panel, forecasts: Array) -> Array:
        """Return forecasts (n, h, 1 + Q) with the quantiles of short series made honest; the means stay.

        Each series is answered by itself, so it is the same in any company.
        """
        items = np.flatnonzero(self.concerns(panel.lengths))
        if not len(items):
            return forecasts
        found, share = forecasts.copy(), self.share(panel.lengths[items])[:, None, None]
        mean = found[items, :, :1]
        wide = mean + self._offsets_of(panel, items, found.shape[1])
        both = np.sort(share * wide + (1 - share) * found[items, :, 1:], axis=-1)
        floor = np.array([panel.series(int(item)).min() >= 0 for item in items])
        found[items, :, 1:] = np.where(floor[:, None, None], np.maximum(both, 0.0), both)
        return found

    def _offsets_of(self, panel: Panel, items: NDArray[np.int64], horizon: int) -> Array:
        """(s, horizon, Q) of some short items."""
        unit = np.array([_unit(panel.series(int(item)), self.season, self.relative) for item in items])
        unit[unit <= 0] = self.relative * self.size
        place = np.searchsorted(self.rows, panel.lengths[items], side="right") - 1
        growth = np.sqrt(np.maximum(1.0, np.arange(1, horizon + 1) / self.offsets.shape[1]))
        steps = np.minimum(np.arange(horizon), self.offsets.shape[1] - 1)
        return np.asarray(self.offsets[place][:, steps] * growth[:, None] * unit[:, None, None])


def _unit(history: Array, season: int, relative: float) -> float:
    lag = season if len(history) > season + 1 else 1
    known = max(0, len(history) - lag)
    own = float(np.nan_to_num(metrics.seasonal_scale(history, season)))
    return float((known * own + RELATIVE_ROWS * relative * metrics.typical_size(history)) / (known + RELATIVE_ROWS))


def learn(panel: Panel, horizon: int, season: int, levels: tuple[float, ...]) -> Short:
    """Cut a sample of the panel's series to each of CLASSES and see how far they went from what is forecast of them.

    The errors are pooled by step with the steps beside it, as in `intervals.calibrate`. Where few series are long
    enough, the widening of a random walk fills in.
    """
    sample = np.unique(np.linspace(0, len(panel) - 1, min(len(panel), SAMPLE_SERIES)).astype(int))
    histories = [panel.series(item) for item in sample]
    scale = np.array([metrics.seasonal_scale(history, season) for history in histories])
    size = np.array([metrics.typical_size(history) for history in histories])
    relative = units.relative_scale(scale, size)
    rows = np.array([k for k in CLASSES if k < min_train_steps(season) + horizon])
    offsets = [_offsets(_errors(histories, int(k), horizon, season, relative), horizon, levels) for k in rows]
    return Short(season, relative, float(np.median(size)), levels, rows, np.array(offsets))


def _errors(histories: list[Array], rows: int, horizon: int, season: int, relative: float) -> Array:
    """(cuts, h): errors after `rows` values, drifting or naive, in units of what these values show."""
    found, stride = [], max(season, horizon) // CUTS + 1
    forecast = drifting if brief(rows, season) else naive_forecast
    for history in histories:
        for end in range(len(history) - horizon, rows - 1, -stride)[:CUTS]:
            known = history[end - rows : end]
            unit = _unit(known, season, relative)
            if unit > 0:
                found.append((history[end : end + horizon] - forecast(known, horizon, season)[0]) / unit)
    return np.array(found).reshape(-1, horizon)


def _offsets(errors: Array, horizon: int, levels: tuple[float, ...]) -> Array:
    """(h, Q): quantiles of the errors about their median, joined by those of a random walk where there are few."""
    z = np.array([NormalDist().inv_cdf(level) for level in levels])
    walk = MEAN_TO_DEVIATION * np.sqrt(np.arange(1, horizon + 1))[:, None] * z
    cuts = len(errors)
    if not cuts:
        return np.asarray(walk)
    asked = np.clip(0.5 + (np.array(levels) - 0.5) * (1 + 1 / cuts), 0.0, 1.0)
    pools = [errors[:, max(0, step - 1) : step + 2].ravel() for step in range(horizon)]
    seen = np.array([np.quantile(pool, asked) - np.median(pool) for pool in pools])
    return np.asarray((cuts * seen + PRIOR_ROWS * walk) / (cuts + PRIOR_ROWS))
