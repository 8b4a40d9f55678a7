"""Find the regular grid behind the stamps of many items, or check that a stated frequency fits them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from convect.errors import DataError, SeriesError
from convect.reading.grid import DAY_S, WEEK_S, Grid, Integers, unit_numbers
from convect.reading.spelling import Stated, read, write

_MOST = 0.95  # of the differences or stamps that must agree with what is inferred
_MANY = 0.9  # of the stamps, where a few stray ones hide a longer step
_SPARSEST = 1 / 50  # rows a step: below it the stamps are irregular, not gappy
_REMEDY = "Pass the hyperparameter freq, for example freq=D, or aggregate the table to regular steps."
_MONTH_KINDS = ((False, False), (True, False), (False, True), (True, True))  # (end, business)


def infer(seconds: Integers, items: Integers) -> Grid:
    """Return the grid of stamps (rows,) in seconds since 1970, sorted within items (rows,).

    Uses the most common difference and the calendar's patterns, so gaps, odd stamps and short items do not matter.
    Raises DataError where the stamps are irregular or no item has two of them.
    """
    differences, starts = gaps_between(seconds, items)
    if not len(differences):
        raise DataError("No item has two different timestamps, so the frequency cannot be inferred.", _REMEDY)
    common = _mode(differences)
    if common >= 28 * DAY_S and (grid := _months(seconds, items)):
        return grid
    if common == DAY_S and _skips_weekends(seconds, starts, differences):
        return Grid("weekday", 1, 0, _mode(seconds % DAY_S))
    step = _fixed_step(seconds, differences)
    if step is not None and _density(differences, step) >= _SPARSEST * (2 if common >= 28 * DAY_S else 1):
        return Grid("second", step, _phase(seconds, step))
    if common >= 28 * DAY_S and (grid := _months(seconds, items, enough=0.0)):
        return grid
    raise _irregular(differences)


def resolve(stated: Stated, seconds: Integers, items: Integers, text: str) -> Grid:
    """Return the stated grid with what it leaves open (anchor, phase, start or end) found in the stamps.

    Raises DataError where most stamps are off that grid or many fall into one step of it.
    """
    if not len(seconds):
        return stated.grid()
    grid = _best_month(stated, seconds) if stated.unit == "month" else _best_fixed(stated, seconds)
    loose = stated.unit == "second" and stated.anchor is None and _regular(seconds, items, grid.step)
    check(grid, seconds, items, text, may_shift=loose)
    return grid


def check(grid: Grid, seconds: Integers, items: Integers, text: str, *, may_shift: bool = False) -> None:
    """Raise DataError, in which the frequency is called `text`, where `misfit` finds a stamp."""
    example = misfit(grid, seconds, items, may_shift=may_shift)
    if example is not None:
        raise _misfit(text, example, seconds, items)


def misfit(grid: Grid, seconds: Integers, items: Integers, *, may_shift: bool = False) -> int | None:
    """Return a stamp where most are off the grid (unless `may_shift`) or many fall into one step of it, else None."""
    off = ~_near(grid, seconds)
    if off.any() and off.mean() > 0.5 and not may_shift:
        return int(seconds[off][0])
    changed = np.r_[True, (np.diff(grid.number(seconds)) != 0) | (np.diff(items) != 0)]
    distinct = np.r_[True, (np.diff(seconds) != 0) | (np.diff(items) != 0)]
    if distinct.sum() > 1.5 * changed.sum():
        return int(seconds[distinct & ~changed][0])
    return None


def _best_fixed(stated: Stated, seconds: Integers) -> Grid:
    default = stated.grid()
    if stated.skip is not None or stated.shift_s is not None:
        return default
    if stated.unit == "weekday":
        shift_s = _mode(seconds % DAY_S)
        phase = _mode(unit_numbers(seconds, "weekday") % stated.step)
        return replace(default, phase=phase, shift_s=shift_s)
    allowed = seconds
    if stated.anchor is not None:
        allowed = seconds[(seconds // DAY_S) % 7 == stated.anchor]
    return replace(default, phase=_phase(allowed, stated.step)) if len(allowed) else default


def _best_month(stated: Stated, seconds: Integers) -> Grid:
    """The kind of month stamp (start, end, business) and the phase that most stamps have."""
    best, best_share = stated.grid(), -1.0
    for end, business in _MONTH_KINDS:
        if stated.end not in (None, end) or stated.business not in (None, business):
            continue
        grid, share = _month_kind(seconds, end, business)
        if share > best_share + 1e-9:
            best, best_share = grid, share
    if stated.shift_s is not None:
        best = replace(best, shift_s=stated.shift_s)
    elif stated.end is False and best.shift_s >= DAY_S:  # "MS" was said: the fifteenth is off that grid
        best = replace(best, shift_s=best.shift_s % DAY_S)
    return replace(best, step=stated.step, phase=_month_phase(stated, best, seconds))


def _month_phase(stated: Stated, monthly: Grid, seconds: Integers) -> int:
    if stated.skip is not None:
        return replace(stated, end=monthly.end).grid().phase
    phases = monthly.number(seconds) % stated.step
    if stated.anchor is not None:
        phases = phases[(phases - stated.anchor) % stated.base == 0]
    return _mode(phases) if len(phases) else replace(stated, end=monthly.end).grid().phase


def _months(seconds: Integers, items: Integers, enough: float = _MOST) -> Grid | None:
    """The monthly, quarterly or yearly grid that at least `enough` of the stamps lie on, if there is one."""
    found = [_month_kind(seconds, end, business) for end, business in _MONTH_KINDS]
    plain = [share if grid.shift_s < DAY_S else share - 1e-6 for grid, share in found]
    place = int(np.argmax(plain))
    grid, share = found[place]
    if share < enough:
        return None
    if share < _MOST:  # the day wanders, as the 30th does: one stamp a month, kept at its start or end
        days = seconds - Grid("month", 1).seconds(unit_numbers(seconds, "month"))
        grid = Grid("month", 1, end=bool(np.median(days) > 15 * DAY_S))
    numbers, _ = gaps_between(grid.number(seconds), items)
    step = _step(grid.number(seconds), numbers, np.unique([1, *numbers])) if len(numbers) else None
    if step is None or len(numbers) < _MOST * len(gaps_between(seconds, items)[0]):
        return None
    return replace(grid, step=step, phase=_mode(grid.number(seconds) % step))


def _month_kind(seconds: Integers, end: bool, business: bool) -> tuple[Grid, float]:
    """A monthly grid of this kind with the most common shift, and the share of stamps on it."""
    grid = Grid("month", 1, 0, 0, end, business)
    rest = seconds - grid.seconds(grid.number(seconds))
    limit = 28 * DAY_S if not (end or business) else DAY_S
    inside = rest[(rest >= 0) & (rest < limit)]
    if not len(inside):
        return grid, 0.0
    shift_s = _mode(inside)
    return replace(grid, shift_s=shift_s), float((rest == shift_s).mean())


def _fixed_step(seconds: Integers, differences: Integers) -> int | None:
    values, counts = np.unique(differences, return_counts=True)
    frequent = values[np.argsort(-counts, kind="stable")[:10]]
    natural = [60, 3600, DAY_S, int(np.gcd.reduce(frequent))]
    rounded = [round(int(frequent[0]) / unit) * unit for unit in (60, 3600, DAY_S)]
    return _step(seconds, differences, np.unique([*frequent, *natural, *rounded]))


def _step(stamps: Integers, differences: Integers, candidates: Integers) -> int | None:
    """The largest step of which nearly all differences are multiples, or a longer one that few stamps are off.

    The second is for stray stamps: each spoils two differences, and would turn a few weeks of days into hours.
    """
    shares = {int(step): _multiples(differences, int(step)) for step in candidates[:64] if step > 0}
    step = _roundest([step for step, share in shares.items() if share >= _MOST], differences)
    much = [other for other, share in shares.items() if other >= 2 * (step or 1) and share >= 0.75]
    longer = [other for other in much if _together(stamps, other) >= _MANY]
    return _roundest(longer, differences) or step


def _roundest(steps: list[int], differences: Integers) -> int | None:
    """The largest of them; among those a jitter apart, the roundest and most common."""
    alike = [step for step in steps if max(steps) - step <= max(steps) // 60]
    key = [(step % DAY_S == 0, step % 3600 == 0, step % 60 == 0, int((differences == step).sum())) for step in alike]
    return max(zip(key, alike, strict=True))[1] if alike else None


def _together(stamps: Integers, step: int) -> float:
    """The share of stamps at the most common place within the step."""
    rest = (stamps - _mode(stamps % step) + step // 60) % step
    return float((rest <= 2 * (step // 60)).mean())


def _multiples(differences: Integers, step: int) -> float:
    """The share of differences that are whole steps but for jitter."""
    rest = (differences + step // 60) % step
    return float(((rest <= 2 * (step // 60)) & (differences >= step - step // 60)).mean())


def _regular(seconds: Integers, items: Integers, step: int) -> bool:
    differences, _ = gaps_between(seconds, items)
    return bool(len(differences)) and _multiples(differences, step) >= _MOST


def _density(differences: Integers, step: int) -> float:
    return float(len(differences) * step / differences.sum())


def _phase(seconds: Integers, step: int) -> int:
    """The most common place within the step; its very start where that is as near as jitter allows."""
    phase = _mode(seconds % step)
    if step < DAY_S and (seconds % step == phase).mean() < 0.5 and _near(Grid("second", step), seconds).mean() > 0.5:
        return 0
    return phase


def _near(grid: Grid, seconds: Integers) -> NDArray[np.bool_]:
    """Where a stamp is on the grid but for a jitter of a sixtieth of the step."""
    tolerance = grid.step // 60 if grid.unit == "second" else 0
    return np.asarray(np.abs(seconds - grid.seconds(grid.number(seconds))) <= tolerance)


def _skips_weekends(seconds: Integers, starts: Integers, differences: Integers) -> bool:
    """Whether the stamps hold nearly no weekend and some step from a Friday to a Monday."""
    day = (seconds // DAY_S + 3) % 7  # Monday is 0
    friday_to_monday = ((starts // DAY_S + 3) % 7 == 4) & (differences == 3 * DAY_S)
    return bool((day >= 5).mean() <= 0.005 and friday_to_monday.any())


def gaps_between(numbers: Integers, items: Integers) -> tuple[Integers, Integers]:
    """Positive differences between neighbours of one item, and the number each starts from."""
    steps = np.diff(numbers)
    inside = (np.diff(items) == 0) & (steps > 0)
    return steps[inside], numbers[:-1][inside]


def _mode(values: Integers) -> int:
    found, counts = np.unique(values, return_counts=True)
    return int(found[np.argmax(counts)])


def _irregular(differences: Integers) -> DataError:
    values, counts = np.unique(differences, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:3]
    shown = ", ".join(f"{_duration(int(values[i]))} ({counts[i] / len(differences):.0%})" for i in order)
    return DataError(f"The timestamps have no regular step; the most common differences are {shown}.", _REMEDY)


def _misfit(text: str, example: int, seconds: Integers, items: Integers) -> DataError:
    stamp = np.datetime64(int(example), "s").item().isoformat(sep=" ")
    message = f"freq is {text[:40]!a}, but the timestamps do not fit it, for example {stamp}."
    try:
        seen = infer(seconds, items)
    except DataError:
        seen = None
    if seen is None or read(text).fits(seen):
        return SeriesError(message, "State the frequency of the table, or aggregate the table to this one.")
    remedy = f"Pass freq={write(seen)}, leave freq out, or aggregate the table to the frequency you want."
    return SeriesError(f"{message} They look like {write(seen)}.", remedy)


def _duration(seconds: int) -> str:
    for size, name in ((WEEK_S, "week"), (DAY_S, "day"), (3600, "hour"), (60, "minute")):
        if seconds % size == 0:
            return f"{seconds // size} {name}{'s' if seconds > size else ''}"
    return f"{seconds} seconds"
