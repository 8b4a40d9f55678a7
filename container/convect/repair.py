"""Make rows into regular series: one value a step, gaps filled, and everything that was done counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convect.errors import DataError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
_MOST_TIMES, _MOST_ROWS = 50, 10_000_000


@dataclass(frozen=True)
class Cells:
    """One row an item and step: `items`, `ordinals`, `target` (m,), `extra` (m, columns), ascending in both."""

    items: Integers
    ordinals: Integers
    target: Floats
    extra: Floats
    copies: Integers  # (m,) rows that were made one


def aggregate(items: Integers, ordinals: Integers, target: Floats, extra: Floats, coded: Mask, method: str) -> Cells:
    """Return one cell an item and step; items, ordinals and target are (rows,), extra (rows, columns).

    method is sum, mean, first, last, min or max of the known targets; covariates are averaged, codes (columns in
    `coded`) become the smallest. Equal but for the order of the rows, save first and last.
    """
    ordered = method in ("first", "last")
    order = np.lexsort((ordinals, items) if ordered else (target, ordinals, items))
    items, ordinals, target, extra = items[order], ordinals[order], target[order], extra[order]
    new = np.r_[True, (np.diff(items) != 0) | (np.diff(ordinals) != 0)][: len(items)]
    first = np.flatnonzero(new)
    copies = np.diff(np.r_[first, len(items)])
    if len(first) < len(items):
        target = _reduced(target, first, copies, method)
        extra = _reduced_extra(extra, first, coded)
    return Cells(items[first], ordinals[first], target, extra, copies)


def _reduced(target: Floats, first: Integers, copies: Integers, method: str) -> Floats:
    known = ~np.isnan(target)
    count = np.add.reduceat(known, first, dtype=np.int64)
    if method in ("first", "last"):
        places = np.arange(len(target))
        if method == "first":
            chosen = np.minimum.reduceat(np.where(known, places, len(target)), first)
        else:
            chosen = np.maximum.reduceat(np.where(known, places, -1), first)
        return np.where(count > 0, target[np.clip(chosen, 0, len(target) - 1)], np.nan)
    if method in ("min", "max"):
        return np.asarray((np.fmin if method == "min" else np.fmax).reduceat(target, first))
    total = np.add.reduceat(np.where(known, target, 0.0), first)
    divisor = np.maximum(count, 1) if method == "mean" else 1
    return np.where(count > 0, total / divisor, np.nan)


def _reduced_extra(extra: Floats, first: Integers, coded: Mask) -> Floats:
    if not extra.shape[1]:
        return extra[first]
    known = ~np.isnan(extra)
    count = np.add.reduceat(known, first, axis=0, dtype=np.int64)
    mean = np.add.reduceat(np.where(known, extra, 0.0), first, axis=0) / np.maximum(count, 1)
    smallest = np.fmin.reduceat(extra, first, axis=0)
    return np.where(count > 0, np.where(coded, smallest, mean), np.nan)


@dataclass(frozen=True)
class Layout:
    """Where each kept item lies: `kept` (n,) item codes, `starts`, `ends` (n,) ordinals, `offsets` (n + 1,)."""

    kept: Integers
    starts: Integers
    ends: Integers
    offsets: Integers

    def places(self, cells: Cells, count: int) -> tuple[Integers, Integers]:
        """Return for each cell the place of its item among the kept (-1 where dropped) and its step from the end.

        `count` is the number of items there were; a step of 0 is the last value, 1 the first of the future.
        """
        place_of = np.full(count, -1)
        place_of[self.kept] = np.arange(len(self.kept))
        place = place_of[cells.items]
        return place, cells.ordinals - self.ends[place]

    def row_keys(self) -> tuple[Integers, Integers]:
        """Return for each row of the panel the place of its item and its ordinal."""
        lengths = np.diff(self.offsets)
        place = np.repeat(np.arange(len(self.kept)), lengths)
        return place, np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1] - self.starts, lengths)


def lay_out(cells: Cells) -> Layout:
    """Return the span of each item from its first to its last known target; items without any are left out.

    Raises DataError where no item has a value, or where filling the gaps would blow the table up.
    """
    known = np.flatnonzero(~np.isnan(cells.target))
    if not len(known):
        raise DataError("No row has a target, so there is nothing to forecast.", "Check the target column.")
    kept, first = np.unique(cells.items[known], return_index=True)
    last = np.r_[first[1:], len(known)] - 1
    starts, ends = cells.ordinals[known[first]], cells.ordinals[known[last]]
    offsets = np.r_[0, np.cumsum(ends - starts + 1)].astype(np.int64)
    if offsets[-1] > _MOST_ROWS and offsets[-1] > _MOST_TIMES * len(known):
        message = f"Filling the gaps between {len(known)} rows would make {offsets[-1]}."
        raise DataError(message, "Look for a stray timestamp, or pass the hyperparameter freq with a longer step.")
    return Layout(kept, starts, ends, offsets)


def fill(values: Floats, offsets: Integers, method: str) -> Floats:
    """Return values (rows,) with NaN filled within each item, whose first and last values are known.

    method is interpolate (a straight line), zero, previous, or the mean, median, min or max of the item.
    """
    known = ~np.isnan(values)
    if known.all():
        return values
    places = np.arange(len(values))
    if method == "interpolate":
        return np.interp(places, places[known], values[known])
    if method == "zero":
        return np.where(known, values, 0.0)
    if method == "previous":
        return values[np.maximum.accumulate(np.where(known, places, 0))]
    return np.where(known, values, np.repeat(_statistic(values, known, offsets, method), np.diff(offsets)))


def _statistic(values: Floats, known: Mask, offsets: Integers, method: str) -> Floats:
    first = offsets[:-1]
    if method == "min":
        return np.asarray(np.fmin.reduceat(values, first))
    if method == "max":
        return np.asarray(np.fmax.reduceat(values, first))
    count = np.add.reduceat(known, first, dtype=np.int64)
    if method == "mean":
        return np.asarray(np.add.reduceat(np.where(known, values, 0.0), first) / count)
    ordered = values[np.lexsort((values, np.repeat(np.arange(len(first)), np.diff(offsets))))]  # NaN come last
    low, high = ordered[first + (count - 1) // 2], ordered[first + count // 2]
    return np.asarray(low + (high - low) / 2)
