"""Known series with newer values whose local models go on from what training fitted, without being fitted again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from convect.artifact import Artifact
from convect.models import moving
from convect.models.catalogue import MODELS
from convect.models.features import Index
from convect.models.local import MOVING_ROWS, Task, cap_rows
from convect.models.simple import Array
from convect.panel import Panel

MOST_NEW = 0.25  # of the rows that training fitted: with more of them it is time to fit again


@dataclass(frozen=True, eq=False)
class Moved:
    """What training fitted to the items of a panel, and where in their histories.

    ends: (n,) the row of each history that follows the last one fitted, -1 where all is fitted anew; rows: (n,) how
    many were fitted at most; states: by model what was fitted, (n, K).
    """

    ends: Index
    rows: Index
    states: dict[str, Array]

    def tasks(self, panel: Panel, tasks: Iterator[Task]) -> Iterator[Task]:
        """Return the tasks of one model, of one series each, those of moved series with their state."""
        for item, task in enumerate(tasks):
            state = self.states.get(task.model)
            if state is None or self.ends[item] < 0:
                yield task
                continue
            fitted = min(int(self.rows[item]), MODELS[task.model].rows(task.seasons))
            history = panel.series(item)[self.ends[item] - fitted :]
            yield replace(task, histories=[history], ends=[[len(history)]], states=[state[item]])


def moved(artifact: Artifact, panel: Panel, known: Index) -> Moved | None:
    """Return which items of a panel only go on after the history that training saw, None where none does.

    known: (n,) where each stands in the artifact, -1 if nowhere. An item qualifies where its values up to the end of
    training are those of then, it brings at most a quarter more, and every local model that counts had been fitted, to
    100 rows at least: with fewer, two more change the parameters, and a fit costs little.
    """
    names = artifact.weights.models
    states = moving.apart(names, artifact.states)
    used = (artifact.weights.group > 0) | artifact.weights.core
    counting = [name for name, counts in zip(names, used, strict=True) if counts and name in states]
    ends = np.full(len(panel), -1, np.int64)
    rows = np.minimum(artifact.panel.lengths[known], cap_rows(artifact.seasons))
    for item in np.flatnonzero(known >= 0) if counting else ():
        place = int(known[item])
        if all(np.isfinite(states[name][place, 0]) for name in counting):
            ends[item] = _end(artifact, panel, int(item), place, int(rows[item]))
    if not (ends >= 0).any():
        return None
    return Moved(ends, rows, {name: states[name][known] for name in counting})


def _end(artifact: Artifact, panel: Panel, item: int, place: int, fitted: int) -> int:
    then, now = artifact.panel.series(place), panel.series(item)
    skipped = int(artifact.panel.starts[place] - panel.starts[item])
    new = len(now) - skipped - len(then)
    if fitted < MOVING_ROWS or skipped < 0 or not 0 <= new <= MOST_NEW * fitted:
        return -1
    same = np.array_equal(now[skipped : skipped + len(then)], then)
    return skipped + len(then) if same else -1
