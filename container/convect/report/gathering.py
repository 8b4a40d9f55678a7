"""What the page needs of a training, gathered part by part as the results come, so that memory stays bounded."""

from __future__ import annotations

import numpy as np
import pandas as pd

from convect.answering import cold
from convect.pipeline import TrainResult
from convect.report import windows
from convect.report.kept import Kept, chosen, room
from convect.report.part import Part
from convect.report.windows import Floats, Windows
from convect.training.refit import Refitted


class Gathered:
    """What was gathered so far.

    kept: the series shown one by one, at most `most`; series: how many there are; fallbacks: of them, those that only
    the naive model serves; steps: (3, h) as `Part.steps`; promise: the share that the backtest's interval is to hold.
    """

    def __init__(self, seed: int = 0) -> None:
        self.kept: list[Kept] = []
        self.most = self.series = self.fallbacks = 0
        self.steps: Floats = np.zeros((3, 1))
        self.promise = np.nan
        self._items: list[pd.DataFrame] = []
        self._groups: list[pd.DataFrame] = []
        self._waiting: Windows | None = None
        self._random = np.random.default_rng(seed)

    def add(self, result: TrainResult | Refitted) -> None:
        """Take what the page needs of the next part of the results."""
        part = self._part(result)
        artifact = part.artifact
        if not self.most:
            most_windows = int(part.table["windows"].max())
            self.most = room(artifact.horizon, most_windows, len(artifact.weights.models))
        self.series += len(artifact.panel)
        self.fallbacks += int((artifact.fallback & cold.seen(artifact.panel)).sum())
        self.steps = self.steps + part.steps()
        self._items.append(part.table[part.judged])
        self._groups.extend(part.groups())
        self._keep(part)

    @property
    def items(self) -> pd.DataFrame:
        """One row an item that the backtest judged, the columns of `Part.table`."""
        return pd.concat(self._items, ignore_index=True)

    @property
    def groups(self) -> pd.DataFrame:
        """The sums of `Part.groups` over all parts."""
        if not self._groups:
            return pd.DataFrame()
        return pd.concat(self._groups).groupby(level=["by", "group"], sort=False).sum()

    def _part(self, result: TrainResult | Refitted) -> Part:
        """The part with the windows of its items; those of items yet to come wait, because the sample's come first."""
        artifact = result.artifact
        waiting = self._waiting
        if isinstance(result, TrainResult) and len(result.backtest):
            new = windows.of(result.backtest)
            self.promise = new.promise
            waiting = new if waiting is None else waiting.and_then(new)
        if waiting is None:
            return Part(artifact, windows.none(artifact.horizon), np.empty(0, np.int64))
        items = np.array([artifact.position.get(item, -1) for item in waiting.ids], np.int64)
        self._waiting = waiting.take(items < 0)
        return Part(artifact, waiting.take(items >= 0), items[items >= 0])

    def _keep(self, part: Part) -> None:
        """Let the new items contend with those kept so far."""
        new, draws = part.table, self._random.random(len(part.table))
        before = np.array([[one.size, one.error, one.draw] for one in self.kept]).reshape(-1, 3)
        both = np.vstack([before, np.column_stack([new["size"], new["error"], draws])])
        stays = chosen(both[:, 0], both[:, 1], both[:, 2], self.most)
        self.kept = [one for one, stay in zip(self.kept, stays[: len(before)], strict=True) if stay]
        self.kept += [part.kept(item, draws[item]) for item in np.flatnonzero(stays[len(before) :]).tolist()]
