"""Tables finer than the stated frequency: when they are, which step holds a row, and which steps at the ends are whole.

The rows of a step become one value. The first and the last step of an item are seldom whole, and the sum of a part is
a wrong value, so one that breaks off is left out wherever the table shows how far rows usually reach.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from convect.errors import DataError
from convect.frequency import Frequency
from convect.reading import cadence, spelling
from convect.reading.grid import WEEK_S, Integers

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
_MANY = 1.5  # stamps a step, on average over the steps that have any: from here on the table is finer
_USUAL = 0.95  # of the steps between, whose rows reach that far
_AT_MOST = 0.5  # of a step without rows at its end: beyond it nothing is known of where rows should end
_ENOUGH_STEPS = 5  # fewer tell how far rows reach only where the rows themselves are regular


@dataclass(frozen=True)
class Reach:
    """How many seconds from the start and the end of a step its first and last row usually are; None where unknown.

    `span` is where rows come at no regular step: the first and last second with a value of the whole table. Where an
    item's own rows end tells nothing then, as the next one might have come at any time.
    """

    start_s: float | None
    end_s: float | None
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Steps:
    """The steps that the rows of a table are put into; `reach` is there where the table is finer than they are."""

    frequency: Frequency
    reach: Reach | None = None

    def ordinals(self, instants: ArrayLike) -> Integers:
        """Return the number of the step of each stamp; of a finer table to the second, without slack for jitter."""
        return self.frequency.ordinal(instants) if self.reach is None else self.frequency.holding(instants)

    def strays(self, instants: ArrayLike) -> Mask:
        """Return True where a stamp is moved to its step; a finer table has none."""
        if self.reach is None:
            return ~self.frequency.on_grid(instants)
        return np.zeros(np.shape(instants), bool)

    def done(self, method: str) -> str:
        """Return in words what is done to the rows of a finer table."""
        reach = self.reach or Reach(None, None)
        what = f"made steps of {self.frequency.alias}: {method}"
        return what if None not in (reach.start_s, reach.end_s) else f"{what}; an end that is not whole may be kept"


def steps_of(stamps: NDArray[np.datetime64], items: Integers, stated: str | None, frequency: Frequency | None) -> Steps:
    """Return the steps of a table: those of `frequency` if it is known, else as `stated`, else as its stamps tell.

    stamps: (rows,) sorted within each item; items (rows,), the rows of an item together. Raises DataError where the
    stamps do not fit; where a frequency is stated and its steps hold several stamps as a rule, they do.
    """
    try:
        if frequency is None:
            return Steps(Frequency.infer(stamps, items, stated))
        frequency.check(stamps, items)
        return Steps(frequency)
    except DataError:
        found = finer_steps(stamps, items, frequency or _coarse(stated)) if stated is not None else None
        if found is None:
            raise
        return found


def finer_steps(stamps: NDArray[np.datetime64], items: Integers, coarse: Frequency) -> Steps | None:
    """Return the steps of a table, sorted as for `steps_of`, that is finer than `coarse`; None of any other."""
    if not _holds_many(coarse, stamps, items):
        return None
    return Steps(coarse, _reach(coarse, stamps, items))


def _coarse(stated: str) -> Frequency:
    """The steps from their natural start, which finer stamps do not show: midnight, Monday, the first of the month."""
    read = spelling.read(stated)
    loose = read.unit == "second" and read.base == WEEK_S and read.anchor is None
    return Frequency("W-MON" if loose and read.step == WEEK_S and read.shift_s is None else stated)


def _holds_many(coarse: Frequency, stamps: NDArray[np.datetime64], items: Integers) -> bool:
    other = np.diff(items) != 0
    steps = 1 + int((other | (np.diff(coarse.holding(stamps)) != 0)).sum())
    return 1 + int((other | (np.diff(stamps) != np.timedelta64(0))).sum()) > _MANY * steps


def _reach(coarse: Frequency, stamps: NDArray[np.datetime64], items: Integers) -> Reach:
    """What the steps between tell: every one but an item's last ends whole, every one but its first starts so."""
    seconds, numbers = _seconds(stamps), coarse.holding(stamps)
    regular = _regular(seconds, items)
    if not regular:
        order = np.argsort(seconds)
        seconds, numbers, items = seconds[order], numbers[order], np.zeros_like(items)
    same = np.diff(items) == 0
    turn = np.flatnonzero(same & (np.diff(numbers) != 0))  # the last row of a step that another one follows
    if len(turn) < (1 if regular else _ENOUGH_STEPS):
        return Reach(None, None)
    grid = coarse.grid
    before = grid.ends(numbers[turn]) - seconds[turn]
    after = seconds[turn + 1] - grid.begins(numbers[turn + 1])
    length = float(np.median(grid.ends(numbers[turn]) - grid.begins(numbers[turn])))
    return Reach(
        _usual(after, length), _usual(before, length), None if regular else (int(seconds[0]), int(seconds[-1]))
    )


def spanned(steps: Steps, instants: NDArray[np.datetime64], target: Floats) -> Steps:
    """Return the steps with the span of all rows (rows,) that have a value, where the span is what counts."""
    known = instants[~np.isnan(target)]
    if steps.reach is None or steps.reach.span is None or not len(known):
        return steps
    first, last = _seconds(np.array([known.min(), known.max()])).tolist()
    return replace(steps, reach=replace(steps.reach, span=(first, last)))


def _usual(distances_s: Integers, length_s: float) -> float | None:
    usual = float(np.quantile(distances_s, _USUAL, method="higher"))
    return usual if usual <= _AT_MOST * length_s else None


def _regular(seconds: Integers, items: Integers) -> bool:
    try:
        cadence.infer(seconds, items)
    except DataError:
        return False
    return True


def broken(steps: Steps, items: Integers, instants: NDArray[np.datetime64], target: Floats) -> Mask:
    """Return (rows,) True in an item's first or last step that is not whole: its values start late or end early.

    Of rows without a value it is False. items, target (rows,) in any order.
    """
    out = np.zeros(len(items), bool)
    known = np.flatnonzero(~np.isnan(target))
    if steps.reach is None or not len(known):
        return out
    grid, seconds = steps.frequency.grid, _seconds(instants)
    numbers = grid.holding(seconds)
    order = known[np.lexsort((seconds[known], items[known]))]
    own, first = np.unique(items[order], return_index=True)
    place = np.searchsorted(own, items).clip(max=len(own) - 1)
    begun, ended = seconds[order[first]], seconds[order[np.r_[first[1:], len(order)] - 1]]
    if steps.reach.span is not None:
        begun, ended = (np.full_like(begun, bound) for bound in steps.reach.span)
    for edge, usual, at_end in ((begun, steps.reach.start_s, False), (ended, steps.reach.end_s, True)):
        if usual is not None:
            step = grid.holding(edge)
            far = grid.ends(step) - edge if at_end else edge - grid.begins(step)
            out |= (far > usual)[place] & (numbers == step[place]) & (own[place] == items)
    return out & ~np.isnan(target)


def _seconds(instants: NDArray[np.datetime64]) -> Integers:
    return np.asarray(np.asarray(instants, "datetime64[ns]").astype(np.int64) // 1_000_000_000)
