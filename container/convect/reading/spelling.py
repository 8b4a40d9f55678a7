"""How a frequency is written: pandas spellings old and new, Autopilot's, plain words; and the one we write."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from convect.errors import ConfigError, nearest
from convect.reading.grid import DAY_S, WEEK_S, Grid

Unit = Literal["second", "weekday", "month"]
_SECONDS = {
    1: "s sec secs second seconds secondly",
    60: "min mins t minute minutes minutely",
    3600: "h hr hrs hour hours hourly",
    DAY_S: "d day days daily",
    WEEK_S: "w week weeks weekly",
}
_MONTHS = {
    1: ("m month months monthly", "ms bms cbms", "me bme bm"),
    3: ("q quarter quarters quarterly", "qs bqs", "qe bqe bq"),
    12: ("y a year years yearly annual annually", "ys as bys bas", "ye bye ba"),
}
_SECOND_NAMES = {name: step for step, names in _SECONDS.items() for name in names.split()}
_MONTH_NAMES = {
    name: (step, (None, False, True)[place])
    for step, groups in _MONTHS.items()
    for place, names in enumerate(groups)
    for name in names.split()
}
_WEEKDAY_NAMES = ("b", "c", "business", "weekday", "weekdays")
_DAYS = ("THU", "FRI", "SAT", "SUN", "MON", "TUE", "WED")  # 1970-01-01 was a Thursday
_CALENDAR = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_FORM = re.compile(r"(\d{0,10})\s*([A-Za-z]+)(?:-([A-Za-z]{3}))?(?:@(\d{1,10}))?(?:@(\d{1,9})(s|min|h|D))?")
_LONGEST = {"second": 10**10, "weekday": 10**5, "month": 6000}  # some centuries, beyond what stamps can span
_SHIFT_S = {"D": DAY_S, "h": 3600, "min": 60, "s": 1}
_EXAMPLES = ("h", "15min", "D", "B", "W-SUN", "MS", "ME", "QS-JAN", "YS-JAN")


@dataclass(frozen=True)
class Stated:
    """What a written frequency pins down; None is left open, to be found in the data."""

    unit: Unit
    step: int
    base: int = 1  # units in one of what was named: 3 in "2QS" of months, 604800 in "2W" of seconds
    anchor: int | None = None  # day of the week counted from Thursday, or month of the year counted from 0
    skip: int | None = None  # which of the bases of one step: "@1" in "2W-SUN@1"
    shift_s: int | None = None
    end: bool | None = None
    business: bool | None = None

    def grid(self) -> Grid:
        """Return the grid with pandas' defaults for what was left open; month starts rather than ends."""
        end, shift_s = bool(self.end), self.shift_s or 0
        phase = self._anchor_units(end) + self.base * (self.skip or 0)
        if self.unit == "second":
            return Grid("second", self.step, (phase + shift_s) % self.step)
        return Grid(self.unit, self.step, phase % self.step, shift_s, end, bool(self.business))

    def _anchor_units(self, end: bool) -> int:
        if self.unit == "second":
            sunday = 3 if self.base == WEEK_S else 0
            return (sunday if self.anchor is None else self.anchor) * DAY_S
        anchor = (11 if end else 0) if self.anchor is None else self.anchor
        return anchor % self.base

    def fits(self, grid: Grid) -> bool:
        """Whether everything that is pinned down agrees with `grid`."""
        own = spelled(grid)
        same = (self.unit, self.step) == (grid.unit, grid.step)
        pinned = (
            (self.skip, own.skip),
            (self.shift_s, own.shift_s),
            (self.end, own.end),
            (self.business, own.business),
        )
        return same and self.anchored(own.anchor) and all(mine in (None, theirs) for mine, theirs in pinned)

    def anchored(self, anchor: int | None) -> bool:
        """Whether a grid with this anchor has the one that was named, if one was."""
        modulus = 7 if self.unit == "second" else max(self.base, 1)
        return self.anchor is None or (anchor is not None and (self.anchor - anchor) % modulus == 0)


def read(text: str) -> Stated:
    """Read a frequency: "D", "15min", "H", "1M", "W-MON", "QS", "A-DEC", "weekly", "2W-SUN@1", "D@9h".

    Raises ConfigError where the text is none.
    """
    found = _FORM.fullmatch(str(text).strip())
    if not found or found[1].strip("0") == "" != found[1]:
        raise unknown(text)
    count, name, anchor = int(found[1] or 1), found[2].lower(), (found[3] or "").upper()
    skip = int(found[4]) if found[4] else None
    shift_s = int(found[5]) * _SHIFT_S[found[6]] if found[5] else None
    if name in _SECOND_NAMES:
        stated = _read_seconds(text, count * _SECOND_NAMES[name], anchor, skip, shift_s)
    elif name in _WEEKDAY_NAMES and not anchor:
        stated = Stated("weekday", count, 1, None, skip, shift_s)
    elif name in _MONTH_NAMES and (not anchor or anchor in _CALENDAR):
        stated = _read_months(count, name, anchor, skip, shift_s)
    else:
        raise unknown(text)
    if stated.step > _LONGEST[stated.unit]:
        raise unknown(text)
    return stated


def _read_seconds(text: str, step: int, anchor: str, skip: int | None, shift_s: int | None) -> Stated:
    base = _base_seconds(step)
    if anchor and (base != WEEK_S or anchor not in _DAYS):
        raise unknown(text)
    return Stated("second", step, base, _DAYS.index(anchor) if anchor else None, skip, shift_s)


def _read_months(count: int, name: str, anchor: str, skip: int | None, shift_s: int | None) -> Stated:
    step, end = _MONTH_NAMES[name]
    loose = end is None and not anchor
    place = _CALENDAR.index(anchor) if anchor else None
    if end is None and anchor:  # "Q-DEC" and "A-DEC" have always been ends
        end = True
    business = None if loose else name[:1] == "b" or name[:2] == "cb"
    return Stated("month", count * step, _base_months(count * step), place, skip, shift_s, end, business)


def unknown(text: object) -> ConfigError:
    """Return the error for a text that names no frequency."""
    shown = ascii(str(text)[:40])
    hint = nearest(str(text), (*_EXAMPLES, "hourly", "daily", "weekly", "monthly", "quarterly", "yearly"))
    return ConfigError(f"freq is {shown}, which is no frequency. {hint}", f"Use one like {', '.join(_EXAMPLES)}.")


def _base_seconds(step: int) -> int:
    return next(base for base in sorted(_SECONDS, reverse=True) if step % base == 0)


def _base_months(step: int) -> int:
    return next(base for base in (12, 3, 1) if step % base == 0)


def spelled(grid: Grid) -> Stated:
    """Return a grid taken apart into what its spelling shows."""
    if grid.unit == "second":
        base = _base_seconds(grid.step)
        if base == WEEK_S:
            skip, rest = divmod(grid.phase, WEEK_S)
            return Stated("second", grid.step, base, rest // DAY_S, skip, rest % DAY_S)
        skip, rest = divmod(grid.phase, base)
        return Stated("second", grid.step, base, None, skip, rest)
    base = _base_months(grid.step) if grid.unit == "month" else 1
    skip, anchor = divmod(grid.phase, base)
    return Stated(grid.unit, grid.step, base, anchor, skip, grid.shift_s, grid.end, grid.business)


def write(grid: Grid) -> str:
    """Return the canonical spelling; pandas' own alias wherever pandas has one."""
    own = spelled(grid)
    count = grid.step // own.base
    tail = f"@{own.skip}" if own.skip else ""
    if own.shift_s:
        unit = next(unit for unit, size in _SHIFT_S.items() if own.shift_s % size == 0)
        tail += f"@{own.shift_s // _SHIFT_S[unit]}{unit}"
    return f"{count if count > 1 else ''}{_name(own)}{tail}"


def _name(own: Stated) -> str:
    if own.unit == "weekday":
        return "B"
    if own.unit == "second":
        name = _SECONDS[own.base].split()[0]
        if own.base == WEEK_S:
            return f"W-{_DAYS[own.anchor or 0]}"
        return "D" if own.base == DAY_S else name
    head = ("B" if own.business else "") + {1: "M", 3: "Q", 12: "Y"}[own.base] + ("E" if own.end else "S")
    if own.base == 1:
        return head
    month = (own.anchor or 0) + (9 if own.base == 3 and own.end else 0)  # QE-DEC, not QE-MAR, as pandas writes
    return f"{head}-{_CALENDAR[month]}"
