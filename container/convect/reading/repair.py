"""Make rows into regular series: one value a step, gaps filled, and everything that was done counted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convect.errors import SeriesError

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


def aggregate(
    items: Integers,
    ordinals: Integers,
    target: Floats,
    extra: Floats,
    coded: Mask,
    method: str,
    instants: NDArray[np.datetime64] | None = None,
) -> Cells:
    """Return one cell an item and step; items, ordinals and target are (rows,), extra (rows, columns).

    method is sum, mean, first, last, min or max of the known targets; covariates are averaged, codes (columns in
    `coded`) become the smallest. Equal but for the order of the rows, save first and last.

    instants: (rows,) where a step holds rows of several stamps; then first and last go by them, and of codes the
    earliest known stays.
    """
    if _one_each(items, ordinals):
        return Cells(items, ordinals, target, extra, np.ones(len(items), np.int64))
    ordered = method in ("first", "last")
    within = () if instants is None else (instants,)
    order = np.lexsort((*(() if ordered else (target,)), *within, ordinals, items))
    items, ordinals, target, extra = items[order], ordinals[order], target[order], extra[order]
    new = np.r_[True, (np.diff(items) != 0) | (np.diff(ordinals) != 0)][: len(items)]
    first = np.flatnonzero(new)
    copies = np.diff(np.r_[first, len(items)])
    if len(first) < len(items):
        target = _reduced(target, first, copies, method)
        extra = _reduced_extra(extra, first, coded, earliest=instants is not None)
    return Cells(items[first], ordinals[first], target, extra, copies)


def _one_each(items: Integers, ordinals: Integers) -> bool:
    """Whether the rows ascend already, by item and step, with no step twice."""
    item, step = np.diff(items), np.diff(ordinals)
    return bool(((item > 0) | ((item == 0) & (step > 0))).all())


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


def _reduced_extra(extra: Floats, first: Integers, coded: Mask, *, earliest: bool) -> Floats:
    if not extra.shape[1]:
        return extra[first]
    known = ~np.isnan(extra)
    count = np.add.reduceat(known, first, axis=0, dtype=np.int64)
    mean = np.add.reduceat(np.where(known, extra, 0.0), first, axis=0) / np.maximum(count, 1)
    if earliest:
        rows = np.arange(len(extra))[:, None]
        place = np.minimum.reduceat(np.where(known, rows, len(extra) - 1), first, axis=0)
        code = np.take_along_axis(extra, place, axis=0)
    else:
        code = np.fmin.reduceat(extra, first, axis=0)
    return np.where(count > 0, np.where(coded, code, mean), np.nan)


@dataclass(frozen=True)
class Layout:
    """Where each kept item lies: `kept` (n,) item codes, `starts`, `ends` (n,) ordinals, `offsets` (n + 1,)."""

    kept: Integers
    starts: Integers
    ends: Integers
    offsets: Integers

    def places(self, cells: Cells, count: int) -> tuple[Integers, Integers, Integers]:
        """Return for each cell the place of its item among the kept (-1 where dropped) and its steps from both ends.

        `count` is the number of items there were. Steps after the start: 0 is the first value; steps after the end:
        0 is the last value, 1 the first of the future.
        """
        place_of = np.full(count, -1)
        place_of[self.kept] = np.arange(len(self.kept))
        place = place_of[cells.items]
        starts, ends = (np.append(bound, 0)[place] for bound in (self.starts, self.ends))
        return place, cells.ordinals - starts, cells.ordinals - ends

    def between(self, first: int, last: int) -> tuple[slice, Layout]:
        """Return which of the kept items have codes from `first` to `last`, and where these lie among themselves."""
        low, high = np.searchsorted(self.kept, [first, last + 1]).tolist()
        chosen = slice(low, high)
        offsets = self.offsets[low : high + 1] - self.offsets[low]
        return chosen, Layout(self.kept[chosen], self.starts[chosen], self.ends[chosen], offsets)

    def row_keys(self) -> tuple[Integers, Integers]:
        """Return for each row of the panel the place of its item and its ordinal."""
        lengths = np.diff(self.offsets)
        place = np.repeat(np.arange(len(self.kept)), lengths)
        return place, np.arange(self.offsets[-1]) - np.repeat(self.offsets[:-1] - self.starts, lengths)


def lay_out(blocks: Iterable[Cells], *, together: bool = False) -> Layout:
    """Return the span of each item from its first to its last known target; items without any are left out.

    blocks: the cells of some items after those of others; together: all items last until the last known target of any.
    Raises SeriesError where no item has a value, or where filling the gaps would blow the table up.
    """
    spans = [_spans(cells) for cells in blocks]
    kept, starts, ends, known = (np.concatenate(parts) for parts in zip(*spans, strict=True))
    if not len(kept):
        message = "No row has a target, so there is nothing to forecast."
        raise SeriesError(message, "Check the target column.", rows=True)
    ends = np.full_like(ends, ends.max()) if together else ends
    offsets = np.r_[0, np.cumsum(ends - starts + 1)].astype(np.int64)
    if offsets[-1] > _MOST_ROWS and offsets[-1] > _MOST_TIMES * known.sum():
        message = f"Filling the gaps between {known.sum()} rows would make {offsets[-1]}."
        raise SeriesError(message, "Look for a stray timestamp, or pass the hyperparameter freq with a longer step.")
    return Layout(kept, starts, ends, offsets)


def _spans(cells: Cells) -> tuple[Integers, Integers, Integers, Integers]:
    """The items that have a known target, the steps of their first and last, and how many each has."""
    known = np.flatnonzero(~np.isnan(cells.target))
    kept, first = np.unique(cells.items[known], return_index=True)
    count = np.diff(np.r_[first, len(known)])
    return kept, cells.ordinals[known[first]], cells.ordinals[known[first + count - 1]], count


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
