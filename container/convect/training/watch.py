"""A time limit for the local models of one series: looked at between models, so that no work is torn apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from convect.backtest import Origins, gather, local_tasks
from convect.models import local, simple
from convect.models.local import Predictions
from convect.models.simple import Seasons
from convect.panel import Panel

Change = Callable[[Panel, Iterator[local.Task]], Iterator[local.Task]]  # of the tasks, one a series, of a panel


class Watch:
    """Counts the seconds that each of n series has taken; `late` (n,) are those that lost a model to the limit.

    The naive model always runs, so that there is always an answer. Without a limit nothing is counted.
    """

    def __init__(self, items: int, limit_s: float | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.late = np.zeros(items, bool)
        self._spent_s = np.zeros(items)
        self._limit_s = limit_s
        self._clock = clock

    def run(
        self, panel: Panel, horizon: int, seasons: Seasons, model: str, change: Change | None = None
    ) -> Predictions:
        """Return what one local model says after the end of every history; `change` may say what to do otherwise."""
        origins = Origins.of(panel.lengths, [])
        if self._limit_s is None and change is None:
            tasks = local_tasks(panel, origins, horizon, seasons, model)
            return gather([local.forecast_chunk(task) for task in tasks], origins)
        singles = local_tasks(panel, origins, horizon, seasons, model, size=1)
        singles = singles if change is None else change(panel, singles)
        return gather([self._one(item, task) for item, task in enumerate(singles)], origins)

    def _one(self, item: int, task: local.Task) -> Predictions:
        if self._limit_s is not None and self._spent_s[item] > self._limit_s and task.model != simple.NAIVE:
            self.late[item] = True
            return silent(1, task.horizon)
        started = self._clock()
        said = local.forecast_chunk(task)
        self._spent_s[item] += self._clock() - started
        return said


def silent(items: int, horizon: int) -> Predictions:
    """Return the predictions of a model that has no say: marked as failed everywhere."""
    nothing = np.full((items, horizon), np.nan)
    return Predictions(nothing, np.full((items, horizon, 2), np.nan), np.ones(items, bool))
