"""The Panel: every series on one regular grid, without gaps and finite; all that exists below the door."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from convect.frequency import Frequency

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Panel:
    """n items of `rows` observations in all, laid end to end; see `build` for the shapes and what is guaranteed.

    cold_ids (c,) and cold_static (c, S): items without any value that a forecast is asked for. clock_min: how far the
    clock of the stamps is ahead of UTC, in minutes; None where nobody said.
    """

    frequency: Frequency
    item_ids: NDArray[np.object_]
    starts: Integers
    offsets: Integers
    values: Floats
    observed: NDArray[np.bool_]
    known: Floats
    future: Floats
    past: Floats
    static: Floats
    known_names: tuple[str, ...]
    past_names: tuple[str, ...]
    static_names: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]
    groups: NDArray[np.object_]
    group_names: tuple[str, ...]
    cold_ids: NDArray[np.object_] = field(default_factory=lambda: np.empty(0, dtype=object))
    cold_static: Floats | None = None
    clock_min: float | None = None

    @classmethod
    def build(
        cls,
        frequency: Frequency,
        item_ids: Sequence[str] | NDArray[np.object_],
        starts: ArrayLike,
        offsets: ArrayLike,
        values: ArrayLike,
        *,
        observed: ArrayLike | None = None,
        known: ArrayLike | None = None,
        future: ArrayLike | None = None,
        past: ArrayLike | None = None,
        static: ArrayLike | None = None,
        known_names: tuple[str, ...] = (),
        past_names: tuple[str, ...] = (),
        static_names: tuple[str, ...] = (),
        categories: Mapping[str, tuple[str, ...]] | None = None,
        groups: NDArray[np.object_] | None = None,
        group_names: tuple[str, ...] = (),
    ) -> Panel:
        """Return a Panel after checking everything that the code below relies on.

        item_ids (n,) text, ascending, distinct; starts (n,) ordinal of each first value; offsets (n + 1,) from 0 to
        rows, ascending; values (rows,) finite; observed (rows,), False where a gap was filled; known (rows, K);
        future (n, H, K), the known covariates of the H steps after each item's last value; past (rows, P);
        static (n, S); groups (n, G) texts, the levels of the hierarchy from the top down. Covariates may be NaN, never
        infinite. Raises ValueError where one of these does not hold.
        """
        n, rows = len(item_ids), len(np.asarray(values))
        panel = cls(
            frequency,
            np.asarray(item_ids, dtype=object),
            np.asarray(starts, np.int64),
            np.asarray(offsets, np.int64),
            np.asarray(values, np.float64),
            np.ones(rows, bool) if observed is None else np.asarray(observed, bool),
            _floats(known, (rows, len(known_names))),
            _floats(future, (n, 0, len(known_names))),
            _floats(past, (rows, len(past_names))),
            _floats(static, (n, len(static_names))),
            tuple(known_names),
            tuple(past_names),
            tuple(static_names),
            dict(categories or {}),
            np.full((n, len(group_names)), None, dtype=object) if groups is None else groups,
            tuple(group_names),
        )
        panel._check()
        return panel

    def _check(self) -> None:
        n, rows = len(self.item_ids), len(self.values)
        ids = np.array([str(item) for item in self.item_ids], dtype=object)
        facts = {
            "item_ids are text": all(isinstance(item, str) for item in self.item_ids),
            "item_ids ascend and are distinct": bool(np.all(ids[:-1] < ids[1:])),
            "starts are (n,)": self.starts.shape == (n,),
            "offsets are (n + 1,) from 0 to rows": self.offsets.shape == (n + 1,)
            and (self.offsets[0], self.offsets[-1]) == (0, rows),
            "every item has a value": bool(np.all(np.diff(self.offsets) > 0)),
            "values are (rows,) and finite": self.values.ndim == 1 and bool(np.isfinite(self.values).all()),
            "observed is (rows,)": self.observed.shape == (rows,),
            "known is (rows, K)": self.known.shape == (rows, len(self.known_names)),
            "future is (n, H, K)": self.future.ndim == 3
            and (self.future.shape[0], self.future.shape[2]) == (n, len(self.known_names)),
            "past is (rows, P)": self.past.shape == (rows, len(self.past_names)),
            "static is (n, S)": self.static.shape == (n, len(self.static_names)),
            "groups are (n, G)": self.groups.shape == (n, len(self.group_names)),
            "covariates are not infinite": not any(
                np.isinf(part).any() for part in (self.known, self.future, self.past, self.static)
            ),
        }
        broken = [fact for fact, holds in facts.items() if not holds]
        if broken:
            raise ValueError(f"Not a panel: it does not hold that {broken[0]}.")

    def __len__(self) -> int:
        """How many items."""
        return len(self.item_ids)

    @property
    def lengths(self) -> Integers:
        """(n,) number of values of each item."""
        return np.diff(self.offsets)

    @property
    def ends(self) -> Integers:
        """(n,) ordinal of each item's last value."""
        return self.starts + self.lengths - 1

    @property
    def horizon(self) -> int:
        """How many steps of known covariates are held for after the last value."""
        return int(self.future.shape[1])

    @property
    def positions(self) -> Integers:
        """(rows,) the item that each row belongs to."""
        return np.repeat(np.arange(len(self)), self.lengths)

    @property
    def ordinals(self) -> Integers:
        """(rows,) the step number of each row."""
        return np.arange(len(self.values)) - np.repeat(self.offsets[:-1] - self.starts, self.lengths)

    @property
    def timestamps(self) -> pd.DatetimeIndex:
        """(rows,) the stamp of each row."""
        return self.frequency.from_ordinal(self.ordinals)

    @property
    def last_timestamps(self) -> NDArray[np.datetime64]:
        """(n,) datetime64[ns] of each item's last value."""
        return self.frequency.instants(self.ends)

    def future_timestamps(self, horizon: int) -> NDArray[np.datetime64]:
        """(n, horizon) datetime64[ns] of the steps after each item's last value."""
        return self.frequency.instants(self.ends[:, None] + 1 + np.arange(horizon))

    def series(self, position: int) -> Floats:
        """The values of one item, a view."""
        return self.values[self.offsets[position] : self.offsets[position + 1]]

    def take(self, indices: ArrayLike) -> Panel:
        """Return these items only: ascending positions without repetition, or a mask (n,). Else ValueError."""
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64).reshape(-1)
        if np.any(np.diff(chosen) <= 0) or np.any((chosen < 0) | (chosen >= len(self))):
            raise ValueError("take() needs ascending positions of items, each once.")
        kept = self._rows(self.offsets[chosen], self.lengths[chosen])
        return replace(
            kept,
            item_ids=self.item_ids[chosen],
            starts=self.starts[chosen],
            future=self.future[chosen],
            static=self.static[chosen],
            groups=self.groups[chosen],
        )

    def parts(self, rows: int) -> Iterator[Panel]:
        """Yield the panel in parts of neighbouring items, of at most so many rows but at least one item; all views."""
        first = 0
        while first < len(self):
            last = int(np.searchsorted(self.offsets, self.offsets[first] + rows, side="right")) - 1
            last = max(last, first + 1)
            yield self.between(first, last)
            first = last

    def between(self, first: int, last: int) -> Panel:
        """Return the items from position `first` to before `last`, as views."""
        items, rows = slice(first, last), slice(*self.offsets[[first, last]].tolist())
        parts: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("values", "observed", "known", "past")}
        parts |= {name: getattr(self, name)[items] for name in ("item_ids", "starts", "future", "static", "groups")}
        return replace(self, offsets=self.offsets[first : last + 1] - self.offsets[first], **parts)

    def until(self, ends: ArrayLike) -> Panel:
        """Return each item cut to its first ends[i] rows (n,); the future is filled from the rows cut off.

        | k k k k k k f f f |     k = known, f = future
        | k k k k|f f f     |     until(4): the same horizon, one step later would be the last known
        """
        kept = np.broadcast_to(np.asarray(ends, np.int64), (len(self),))
        if np.any((kept < 1) | (kept > self.lengths)):
            raise ValueError("until() needs for every item at least one row and at most all its rows.")
        return replace(self._rows(self.offsets[:-1], kept), future=self._future_after(kept))

    def tail(self, max_rows: int) -> Panel:
        """Return each item's last `max_rows` rows, all of a shorter one."""
        if max_rows < 1:
            raise ValueError("tail() needs at least one row.")
        kept = np.minimum(self.lengths, max_rows)
        if np.array_equal(kept, self.lengths):
            return self
        return replace(self._rows(self.offsets[1:] - kept, kept), starts=self.starts + self.lengths - kept)

    def _rows(self, first: Integers, lengths: Integers) -> Panel:
        """These runs of rows, laid end to end."""
        offsets = np.r_[0, np.cumsum(lengths)].astype(np.int64)
        rows = np.arange(offsets[-1]) + np.repeat(first - offsets[:-1], lengths)
        parts: dict[str, Any] = {name: getattr(self, name)[rows] for name in ("values", "observed", "known", "past")}
        return replace(self, offsets=offsets, **parts)

    def _future_after(self, kept: Integers) -> Floats:
        """(n, H, K): known covariates of the H steps after the first kept[i] rows, NaN beyond what is held."""
        steps = kept[:, None] + np.arange(self.horizon)
        inside = steps < self.lengths[:, None]
        beyond = steps - self.lengths[:, None]
        later = (beyond >= 0) & (beyond < self.horizon)
        future = np.full(self.future.shape, np.nan)
        future[inside] = self.known[(self.offsets[:-1, None] + steps)[inside]]
        future[later] = self.future[np.nonzero(later)[0], beyond[later]]
        return future


def _floats(part: ArrayLike | None, shape: tuple[int, ...]) -> Floats:
    return np.full(shape, np.nan) if part is None else np.asarray(part, np.float64)
