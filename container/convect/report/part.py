"""One part of the results as the page looks at it: its items, their windows, and the sums of their errors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.answering import cold
from convect.artifact import Artifact
from convect.report import windows
from convect.report.kept import BANDS, MOST_HISTORY, Kept
from convect.report.windows import Floats, Windows
from convect.training.coverage import labels

SUMS = ("items", "actual", "error", "naive")


@dataclass(frozen=True, eq=False)
class Part:
    """An artifact, the windows of its items, and which item (w,) each window is of."""

    artifact: Artifact
    windows: Windows
    items: NDArray[np.int64]

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """(w,) how many values of its item each window knew."""
        panel = self.artifact.panel
        return np.asarray(panel.frequency.ordinal(self.windows.cutoffs) - panel.starts[self.items] + 1)

    @cached_property
    def naive(self) -> Floats:
        """(w, h) the seasonal naive forecast of each window."""
        steps = self.windows.actual.shape[1]
        return windows.naive(self.artifact.panel, self.items, self.ends, steps, self.artifact.season)

    @cached_property
    def summed(self) -> NDArray[np.bool_]:
        """(n,) True for a series that stands for a sum of items."""
        panel = self.artifact.panel
        if not panel.group_names:
            return np.zeros(len(panel), bool)
        return np.asarray(pd.isna(panel.groups).all(axis=1) & cold.seen(panel))

    @cached_property
    def judged(self) -> NDArray[np.bool_]:
        """(n,) True for an item that has windows and is no sum of others."""
        return np.asarray(~self.summed & (self.table["windows"].to_numpy() > 0))

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row an item: SUMS, how many windows, and its size, the mean of its newest values."""
        panel, count = self.artifact.panel, len(self.artifact.panel)
        cells = (self.windows.actual, self.windows.errors(), np.abs(self.windows.actual - self.naive))
        sums = [np.bincount(self.items, np.nansum(np.abs(part), axis=1), count) for part in cells]
        newest = panel.tail(max(self.artifact.season, self.artifact.horizon))
        size = np.add.reduceat(np.abs(newest.values), newest.offsets[:-1]) / newest.lengths
        columns = dict(zip(SUMS, (np.ones(count, np.int64), *sums), strict=True))
        return pd.DataFrame({**columns, "windows": np.bincount(self.items, minlength=count), "size": size})

    def steps(self) -> Floats:
        """(3, h) actual values, errors and the naive forecast's errors, summed over the windows of single items."""
        rows = ~self.summed[self.items]
        cells = (self.windows.actual, self.windows.errors(), self.windows.actual - self.naive)
        return np.array([np.nansum(np.abs(part[rows]), axis=0) for part in cells])

    def groups(self) -> Iterator[pd.DataFrame]:
        """SUMS by what the items are grouped by and by group, the index of two levels."""
        for by, names in labels(self.artifact.panel).items():
            if by != "all" and self.judged.any():
                of_items = self.table.loc[self.judged, list(SUMS)]
                found = of_items.groupby(names[self.judged].astype(str)).sum()
                yield pd.concat({by: found}, names=["by", "group"])

    def kept(self, item: int, draw: float) -> Kept:
        """Return what is kept of an item by its position."""
        artifact, panel, rows = self.artifact, self.artifact.panel, self.items == item
        levels, span = artifact.intervals.levels, slice(panel.offsets[item], panel.offsets[item + 1])
        whole = Kept(
            item=str(panel.item_ids[item]),
            start=int(panel.starts[item]),
            values=panel.values[span].copy(),
            observed=panel.observed[span].copy(),
            fan=artifact.forecasts[item][:, [0, *(1 + levels.index(level) for level in BANDS)]],
            windows=self.windows.take(rows),
            ends=self.ends[rows],
            naive=self.naive[rows],
            weights=None if self.summed[item] else artifact.weights.series[item].copy(),
            fallback=bool(artifact.fallback[item]),
            cold=not bool(cold.seen(panel)[item]),
            size=float(self.table["size"].iloc[item]),
            draw=draw,
        )
        return whole.tail(MOST_HISTORY)
