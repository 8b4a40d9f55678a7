"""Exact, vectorised step arithmetic: which step of a regular grid a stamp lies in, and the stamp of a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
DAY_S = 86_400
WEEK_S = 7 * DAY_S
_FIRST_MONDAY = 4  # 1970-01-05 counted in days from 1970-01-01


@dataclass(frozen=True)
class Grid:
    """Instants at equal steps of seconds, of weekdays (Monday to Friday) or of calendar months.

    `step` and `phase` count units: a stamp is on the grid where its unit number is congruent to `phase`
    modulo `step`. `shift_s` is the time after the start of that day (weekdays and months only);
    `end` takes the last day of the month, `business` its first or last weekday.
    """

    unit: Literal["second", "weekday", "month"]
    step: int
    phase: int = 0
    shift_s: int = 0
    end: bool = False
    business: bool = False

    def number(self, seconds: Integers) -> Integers:
        """Return for each stamp (seconds since 1970) the number of the step that it lies in, same shape."""
        if self.unit == "second":
            return (seconds + self.slack_s - self.phase) // self.step
        units = unit_numbers(seconds - self.shift_s, self.unit) - self.phase
        return (units + (self.step - 1 if self.end else 0)) // self.step

    def seconds(self, numbers: Integers) -> Integers:
        """Return the stamps (seconds since 1970) of these steps; the inverse of `number` on the grid."""
        units = numbers * self.step + self.phase
        if self.unit == "second":
            return units
        days = weekday_days(units) if self.unit == "weekday" else self._month_days(units)
        return days * DAY_S + self.shift_s

    def holding(self, seconds: Integers) -> Integers:
        """Return for each stamp the number of the step that holds it, to the second, as `number` without its slack."""
        return self.number(seconds - self.slack_s if self.unit == "second" else seconds)

    def begins(self, numbers: Integers) -> Integers:
        """Return the first second of these steps, which is their stamp but where that is the end of a month."""
        units = numbers * self.step + self.phase
        if self.unit == "month":
            first = units - (self.step - 1 if self.end else 0)
            return first.astype("datetime64[M]").astype("datetime64[s]").astype(np.int64) + self.shift_s
        return units if self.unit == "second" else weekday_days(units) * DAY_S + self.shift_s

    def ends(self, numbers: Integers) -> Integers:
        """Return the second after these steps; a Friday ends with its day, though its step holds the weekend."""
        if self.unit != "weekday":
            return self.begins(numbers + 1)
        return (weekday_days((numbers + 1) * self.step + self.phase - 1) + 1) * DAY_S + self.shift_s

    def _month_days(self, months: Integers) -> Integers:
        firsts = (months + int(self.end)).astype("datetime64[M]").astype("datetime64[D]")
        days = firsts.astype(np.int64) - int(self.end)
        if self.business:
            roll: Literal["backward", "forward"] = "backward" if self.end else "forward"
            days = np.busday_offset(days.astype("datetime64[D]"), 0, roll=roll).astype(np.int64)
        return np.asarray(days)

    @property
    def slack_s(self) -> int:
        """How many seconds before a step a stamp is still taken for it: clock jitter, or a summer-time hour."""
        if self.step < DAY_S:
            return self.step // 60
        return 3600 if self.phase % DAY_S else 0


def unit_numbers(seconds: Integers, unit: str) -> Integers:
    """Number stamps (seconds since 1970) in weekdays or months since 1970; Saturday and Sunday count as Friday."""
    if unit == "month":
        return seconds.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    weeks, days = np.divmod(seconds // DAY_S - _FIRST_MONDAY, 7)
    return np.asarray(5 * weeks + np.minimum(days, 4))


def weekday_days(numbers: Integers) -> Integers:
    """Return the days since 1970 of these weekday numbers."""
    weeks, days = np.divmod(numbers, 5)
    return np.asarray(7 * weeks + days + _FIRST_MONDAY)
