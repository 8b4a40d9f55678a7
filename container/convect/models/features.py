"""What the global model sees of a series at an origin: values, seasons and covariates, in units of its own scale."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]
ROUGHNESS_SHARE = 0.1  # of the mean absolute difference, added to the seasonal one so that the scale is never tiny
SEASONS_BACK = 3
LONGEST_LENGTH = 400  # rows; more history than this is no longer told apart, so that a tail stands for the whole
LONGEST_LEVEL_STEPS = 48  # beyond that the last value says more of the level than the mean of a season


@dataclass(frozen=True)
class SeriesTable:
    """Every series of a panel laid end to end, with what is needed to read any window of any of them.

    values: (rows,); observed: (rows,), False where a gap was filled; offsets: (n + 1,); starts: (n,) the number of each
    first stamp. covariates: (rows + n * horizon, C), each item's history followed by its
    future, with its own offsets (n + 1,). past: (rows, P). static: (n, S). calendar(item, position) gives the
    features (…, F) of the stamps at those positions.
    """

    values: Array
    observed: NDArray[np.bool_]
    offsets: Index
    starts: Index
    seasons: tuple[int, ...]
    covariates: Array
    covariate_offsets: Index
    past: Array
    static: Array
    calendar: Callable[[Index, Index], Array]

    @property
    def season(self) -> int:
        """The shortest season in steps, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def lags(self) -> int:
        """How many of the newest values are features."""
        return 16 if self.season > LONGEST_LEVEL_STEPS else int(np.clip(2 * self.season, 8, 48))


class WindowFeatures:
    """Features of windows (item, end) at steps 1 … h, computed for all windows at once from running sums."""

    def __init__(self, table: SeriesTable) -> None:
        self.table = table
        values, season, offsets = table.values, table.season, table.offsets
        position = np.arange(len(values)) - np.repeat(offsets[:-1], np.diff(offsets))
        self._sum = _running(values, offsets)
        self._sum_abs = _running(np.abs(values), offsets)
        self._sum_step = _running(_absolute_difference(values, position, 1), offsets)
        self._sum_season = _running(_absolute_difference(values, position, season), offsets)
        self.level_steps = season if 1 < season <= LONGEST_LEVEL_STEPS else 1

    def origin(self, items: Index, ends: Index) -> tuple[Array, Array]:
        """Return level and scale, (w,) each, of every window: what the target is measured from and in.

        The level is the mean of the last season (the last value without one); the scale the mean absolute
        seasonal difference plus a tenth of the mean absolute difference.
        """
        season = self.table.season
        window = min(60 * max(1, season // 4), LONGEST_LENGTH)
        step_mean = self._mean(self._sum_step, items, np.ones_like(ends), ends)
        season_mean = self._mean(self._sum_season, items, np.maximum(ends - window, season), ends)
        scale = np.where(ends > season + 2, season_mean, step_mean) + ROUGHNESS_SHARE * step_mean
        floor = 0.01 * self._mean(self._sum_abs, items, np.zeros_like(ends), ends) + 1e-6
        level = self._mean(self._sum, items, ends - self.level_steps, ends)
        return level, np.where(scale > 0, scale, floor)

    def matrix(self, items: Index, ends: Index, steps: Index) -> tuple[Array, Array, Array]:
        """Return features (w * k, F), level (w,) and scale (w,) of windows at steps (w, k)."""
        level, scale = self.origin(items, ends)
        blocks = [
            *self._of_window(items, ends, level, scale, steps.shape[1]),
            self._same_phase(items, ends, steps, level, scale),
            self._known(items, ends, steps),
            self.table.calendar(items[:, None], ends[:, None] + steps - 1),
            steps[:, :, None].astype(float),
        ]
        stacked = np.concatenate([block for block in blocks if block.shape[-1]], axis=-1)
        return stacked.reshape(steps.size, -1), level, scale

    def covariate_columns(self, x: Array) -> tuple[slice, slice]:
        """Return which columns of `matrix` hold the known covariates, and which their change since the origin."""
        count = self.table.covariates.shape[1]
        zero = np.zeros((1, 1), np.int64)
        first = x.shape[1] - 1 - self.table.calendar(zero, zero).shape[-1] - 2 * count
        return slice(first, first + count), slice(first + count, first + 2 * count)

    def newest(self, items: Index, ends: Index, count: int) -> Array:
        """Return the newest values (w, count) of every window, oldest first; NaN before the begin of a series."""
        return self._take(items[:, None], ends[:, None] - 1 - np.arange(count)[None, ::-1], ends[:, None])

    def _of_window(self, items: Index, ends: Index, level: Array, scale: Array, repeats: int) -> list[Array]:
        last = self.newest(items, ends, self.table.lags)
        features = np.column_stack(
            [
                (last - level[:, None]) / scale[:, None],
                self._trends(items, ends, level, scale),
                self._past(items, ends),
                self.table.static[items],
            ]
        )
        return [np.repeat(features[:, None, :], repeats, axis=1)]

    def _trends(self, items: Index, ends: Index, level: Array, scale: Array) -> Array:
        season, lags = self.table.season, self.table.lags
        long, short = (4 * season if season > 1 else 20), max(season, 4)
        newest = self._take(items, ends - 1, ends)
        recent = self._take(items, np.maximum(ends - 5, 0), ends)
        older = np.maximum(ends - short, 0)
        change = self._mean(self._sum, items, older, ends) - self._mean(self._sum, items, older - short, older)
        return np.column_stack(
            [
                (newest - recent) / scale,
                (self._mean(self._sum, items, ends - long, ends) - level) / scale,
                change / scale,
                self._mean(self._sum_step, items, np.maximum(ends - lags, 1), ends) / scale,
                scale / (np.abs(level) + 1e-9),
                np.minimum(ends, LONGEST_LENGTH).astype(float),
            ]
        )

    def _same_phase(self, items: Index, ends: Index, steps: Index, level: Array, scale: Array) -> Array:
        """The values one to three seasons before the target, and one longest season before, and their mean."""
        season, longest = self.table.season, (self.table.seasons or (1,))[-1]
        target = ends[:, None] + steps - 1
        backs = [season * (j + -(-steps // season)) for j in range(SEASONS_BACK)]
        backs += [longest * -(-steps // longest)] if longest > season else []
        found = [self._take(items[:, None], target - back, ends[:, None]) for back in backs]
        scaled = (np.stack(found, axis=-1) - level[:, None, None]) / scale[:, None, None]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # a mean of nothing is NaN, which LightGBM reads
            mean = np.nanmean(scaled, axis=-1, keepdims=True)
        return np.concatenate([scaled, mean], axis=-1)

    def _known(self, items: Index, ends: Index, steps: Index) -> Array:
        """Known covariates at the target's stamp, as they are and against their value at the origin."""
        table = self.table
        start = table.covariate_offsets[items][:, None]
        length = np.diff(table.covariate_offsets)[items][:, None]
        target = np.minimum(ends[:, None] + steps - 1, length - 1)
        now = table.covariates[start + target]
        return np.concatenate([now, now - table.covariates[start + ends[:, None] - 1]], axis=-1)

    def _past(self, items: Index, ends: Index) -> Array:
        """Past covariates at the origin and one season before the origin's next step."""
        base = self.table.offsets[items]
        return np.concatenate(
            [self.table.past[base + ends - 1], self.table.past[base + np.maximum(ends - self.table.season, 0)]], axis=-1
        )

    def _take(self, items: Index, positions: Index, ends: Index) -> Array:
        inside = (positions >= 0) & (positions < ends)
        return np.where(inside, self.table.values[np.where(inside, self.table.offsets[items] + positions, 0)], np.nan)

    def _mean(self, running: Array, items: Index, first: Index, ends: Index) -> Array:
        base, first = self.table.offsets[items] + items, np.clip(first, 0, ends)
        return np.asarray((running[base + ends] - running[base + first]) / np.maximum(ends - first, 1))


def _running(values: Array, offsets: Index) -> Array:
    """(rows + n,): for each item 0 and then its running sum, begun anew so that no item rounds another's away."""
    out = np.zeros(len(values) + len(offsets) - 1)
    finite = np.nan_to_num(values)
    for item, (start, end) in enumerate(pairwise(offsets)):
        np.cumsum(finite[start:end], out=out[start + item + 1 : end + item + 1])
    return out


def _absolute_difference(values: Array, position: Index, lag: int) -> Array:
    out = np.zeros(len(values))
    out[lag:] = np.abs(values[lag:] - values[:-lag])
    return np.where(position < lag, 0.0, out)
