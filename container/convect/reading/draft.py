"""The panel in the making: its arrays laid out once, and filled block after block."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from convect.frequency import Frequency
from convect.panel import Panel
from convect.reading.covariates import SideTable
from convect.reading.intake import Covariates
from convect.reading.repair import Cells, Layout, fill
from convect.schema import Schema

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Work:
    """The cells of some of `count` items on their way into a panel, with where these items lie among themselves.

    last: the step of the last value of any item at all.
    """

    count: int
    side: SideTable | None
    cells: Cells
    layout: Layout
    last: int
    horizon: int

    @cached_property
    def places(self) -> tuple[Integers, Integers, Integers]:
        """For each cell the place of its item (-1 where dropped), and its steps after the first and last value."""
        return self.layout.places(self.cells, self.count)

    @cached_property
    def cold(self) -> Integers:
        """The items without a value that have a row later than all values: a forecast is asked for."""
        late = (self.places[0] < 0) & (self.cells.ordinals > self.last)
        return np.unique(self.cells.items[late])


@dataclass(frozen=True)
class Draft:
    """values, observed (rows,), history (rows, K + P), future (n, horizon, K) of the n items of a layout.

    cold: (items,) True for one that is not in the layout and is to be forecast.
    """

    layout: Layout
    values: Floats
    observed: NDArray[np.bool_]
    history: Floats
    future: Floats
    cold: NDArray[np.bool_]

    @classmethod
    def empty(cls, layout: Layout, items: int, horizon: int, known: int, covariates: Covariates) -> Draft:
        """Return a draft with nothing put into it, of so many items that there were."""
        rows = int(layout.offsets[-1])
        history = np.empty((rows, covariates.own.shape[1]))
        future = np.empty((len(layout.kept), horizon, known))
        return cls(layout, np.empty(rows), np.empty(rows, bool), history, future, np.zeros(items, bool))

    def put(self, at: slice, work: Work, missing: str) -> None:
        """Lay the items of `work` down at their places `at` among all, gaps filled by the method `missing`."""
        self.cold[work.cold] = True
        if at.start == at.stop:
            return
        rows = slice(*self.layout.offsets[[at.start, at.stop]].tolist())
        history, values = _history(work)
        self.values[rows] = fill(values, work.layout.offsets, missing)
        self.observed[rows] = ~np.isnan(values)
        self.history[rows] = history
        self.future[at] = _future(work, self.future.shape[2])

    def panel(
        self,
        step: Frequency,
        ids: NDArray[np.object_],
        schema: Schema,
        static: Floats,
        vocabulary: Mapping[str, tuple[str, ...]],
    ) -> Panel:
        """Return the panel; ids: of all items there were, static: (n, S) of those kept."""
        layout, known = self.layout, len(schema.known_covariates)
        return Panel.build(
            step,
            ids[layout.kept],
            layout.starts,
            layout.offsets,
            self.values,
            observed=self.observed,
            known=self.history[:, :known],
            future=self.future,
            past=self.history[:, known:],
            static=static,
            known_names=schema.known_covariates,
            past_names=schema.past_covariates,
            static_names=schema.static,
            categories=vocabulary,
        )


def _history(work: Work) -> tuple[Floats, Floats]:
    """Covariates (rows, K + P) and values (rows,) of every step of every item, NaN where not known."""
    cells, layout, side = work.cells, work.layout, work.side
    place, since, after = work.places
    inside = (place >= 0) & (after <= 0) & (since >= 0)
    row = layout.offsets[place[inside]] + since[inside]
    values = np.full(layout.offsets[-1], np.nan)
    values[row] = cells.target[inside]
    history = np.full((len(values), cells.extra.shape[1]), np.nan)
    history[row] = cells.extra[inside]
    if side is not None:
        place, ordinals = layout.row_keys()
        history = np.where(np.isnan(history), side.look_up(layout.kept[place], ordinals), history)
    return history, values


def _future(work: Work, known: int) -> Floats:
    """(n, horizon, K): the known covariates after each item's last value, NaN where not given."""
    layout, side = work.layout, work.side
    future = np.full((len(layout.kept), work.horizon, known), np.nan)
    place, _, step = work.places
    after = (place >= 0) & (step >= 1) & (step <= work.horizon)
    future[place[after], step[after] - 1] = work.cells.extra[after, :known]
    if side is not None and known:
        ordinals = layout.ends[:, None] + 1 + np.arange(work.horizon)
        items = np.broadcast_to(layout.kept[:, None], ordinals.shape)
        future = np.where(np.isnan(future), side.look_up(items, ordinals)[..., :known], future)
    return future
