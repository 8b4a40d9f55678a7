"""A panel laid out for the global model: covariates with their future, and the calendar of every stamp."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convect.calendar import calendar_features, holiday_features
from convect.models.features import Array, Index, SeriesTable
from convect.panel import Panel

DENSE_STEPS = 100_000  # so many stamps cost nothing worth saving


def series_table(panel: Panel, horizon: int, seasons: tuple[int, ...], countries: tuple[str, ...]) -> SeriesTable:
    """Return the table of a panel for a horizon; known covariates beyond what was given are NaN."""
    return SeriesTable(
        values=panel.values,
        observed=panel.observed,
        offsets=panel.offsets,
        starts=panel.starts,
        seasons=seasons,
        covariates=_with_future(panel, horizon),
        covariate_offsets=panel.offsets + horizon * np.arange(len(panel) + 1),
        past=panel.past,
        static=panel.static,
        calendar=_Calendar(panel, horizon, countries, told_by_phase=not seasons or panel.frequency.family in "QY"),
    )


def _with_future(panel: Panel, horizon: int) -> Array:
    """(rows + n * horizon, K): each item's known covariates, then those of the steps after its end."""
    future = np.full((len(panel), horizon, len(panel.known_names)), np.nan)
    held = min(horizon, panel.horizon)
    future[:, :held] = panel.future[:, :held]
    out = np.empty((len(panel.values) + len(panel) * horizon, len(panel.known_names)))
    shift = horizon * panel.positions
    out[np.arange(len(panel.values)) + shift] = panel.known
    after = panel.offsets[1:, None] + horizon * np.arange(len(panel))[:, None] + np.arange(horizon)
    out[after.ravel()] = future.reshape(after.size, future.shape[2])
    return out


class _Calendar:
    """Calendar and holiday features of (item, position), looked up in one table of all stamps of the panel.

    Where the data have no season, or one so short that the values a season ago tell all of it, the calendar would only
    be learnt by heart, and is left out.
    """

    def __init__(self, panel: Panel, horizon: int, countries: tuple[str, ...], *, told_by_phase: bool) -> None:
        self._starts = panel.starts
        self._steps = _steps(panel, horizon)
        stamps = panel.frequency.from_ordinal(self._steps)
        calendar, _ = calendar_features(stamps, panel.frequency)
        calendar = calendar[:, :0] if told_by_phase else calendar
        holidays = holiday_features(stamps, countries, panel.frequency)[0] if countries else calendar[:, :0]
        self._table: NDArray[np.float64] = np.concatenate([calendar, holidays], axis=1)

    def __call__(self, items: Index, positions: Index) -> Array:
        wanted = self._starts[items] + positions
        if self._steps[-1] - self._steps[0] + 1 == len(self._steps):
            return np.asarray(self._table[wanted - self._steps[0]])
        return np.asarray(self._table[np.searchsorted(self._steps, wanted)])


def _steps(panel: Panel, horizon: int) -> Index:
    """The step numbers of a panel and its horizon, ascending: all between the first and the last unless most are idle.

    Two series that lie a century apart would otherwise ask for every minute between them.
    """
    first, last = int(panel.starts.min()), int(panel.ends.max()) + horizon
    used = len(panel.values) + len(panel) * horizon
    if last - first < max(4 * used, DENSE_STEPS):
        return np.arange(first, last + 1)
    after = (panel.ends[:, None] + 1 + np.arange(horizon)).ravel()
    return np.unique(np.concatenate([panel.ordinals, after]))
