"""The one object that turns steps into stamps: what a step is, and what is seasonal in steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from convect.errors import DataError, SeriesError
from convect.reading import cadence, spelling
from convect.reading.grid import DAY_S, WEEK_S, Grid, Integers

_EARLIEST_S, _LATEST_S = np.array(["1678", "2262"], "datetime64[s]").astype(np.int64)
_ENOUGH_DIFFERENCES = 10  # fewer may be a multiple of something by chance
_SPANS = {"h": 24, "D": 14, "B": 10, "W": 13, "M": 12, "Q": 8, "Y": 6}


@dataclass(frozen=True)
class Frequency:
    """A regular step of time, known by its canonical alias ("h", "D", "B", "W-SUN", "MS", "QE-DEC", "15min", ...).

    The alias is pandas' own wherever pandas has one. A grid that pandas cannot name carries its phase:
    "D@9h" is daily at nine, "2W-SUN@1" the other fortnight. Any accepted spelling may be given; it is made canonical.
    """

    alias: str

    def __post_init__(self) -> None:
        """Make the alias canonical. Raises ConfigError where it names no frequency."""
        object.__setattr__(self, "alias", spelling.write(spelling.read(self.alias).grid()))

    @classmethod
    def parse(cls, text: str) -> Frequency:
        """Return the frequency that `text` names, with pandas' defaults for what it leaves open.

        "M" alone is taken as month starts; `infer(..., stated="M")` looks at the data instead.
        Raises ConfigError where the text names none.
        """
        return cls(text)

    @classmethod
    def infer(cls, stamps: ArrayLike, items: ArrayLike | None = None, stated: str | None = None) -> Frequency:
        """Return the frequency of a table, found in the data or, where `stated`, checked against it.

        stamps: (rows,) datetime64, sorted within each item; items: (rows,) integer codes, the rows of an item
        together (None = one item). Raises DataError where no regular step is found or the stated one does not
        fit, ConfigError where `stated` names no frequency.
        """
        seconds = _seconds(stamps)
        codes = np.zeros(len(seconds), np.int64) if items is None else np.asarray(items, np.int64)
        if stated is not None:
            grid = cadence.resolve(spelling.read(stated), seconds, codes, stated)
            _refuse_finer(grid, seconds, codes, stated)
            return cls(spelling.write(grid))
        return cls(spelling.write(cadence.infer(seconds, codes)))

    def check(self, stamps: ArrayLike, items: ArrayLike | None = None) -> None:
        """Raise SeriesError where most of these stamps (sorted as for `infer`) are off this very grid, or denser.

        It is told to who sends data to a trained model. One stamp alone, which shows no step, is a stray one.
        """
        seconds = _seconds(stamps)
        codes = np.zeros(len(seconds), np.int64) if items is None else np.asarray(items, np.int64)
        steps = np.flatnonzero((np.diff(codes) == 0) & (np.diff(seconds) != 0))
        shows = np.isin(codes, codes[steps])  # item by item: so whoever is refused in company is refused alone
        seconds, codes = seconds[shows], codes[shows]
        if not len(seconds):
            return
        example = cadence.misfit(self.grid, seconds, codes)
        if example is not None:
            raise self._misfit(example)

    def _misfit(self, example: int) -> SeriesError:
        step = int(self.grid.seconds(self.grid.number(np.array([example])))[0])
        found, near = (np.datetime64(second, "s").item().isoformat(sep=" ") for second in (example, step))
        message = f"The model was trained at {self.alias!r}, but the timestamps do not fit it, for example {found}."
        return SeriesError(message, f"Send one row for each step of that frequency, such as {near}.")

    @property
    def of_days(self) -> bool:
        """Whether a step is a day or longer, so that a midnight names a day, whatever its time zone."""
        return self.grid.unit != "second" or self.grid.step >= 86_400

    def matches(self, text: str) -> bool:
        """Whether a frequency as somebody writes it can mean this one: "M" matches "MS" and "ME", "W" any "W-…"."""
        return spelling.read(text).fits(self.grid)

    @property
    def grid(self) -> Grid:
        """The exact step arithmetic of this frequency."""
        return _grid(self.alias)

    @property
    def family(self) -> str:
        """The calendar unit a step is counted in: "s", "min", "h", "D", "B", "W", "M", "Q" or "Y"."""
        if self.grid.unit == "weekday":
            return "B"
        base = spelling.spelled(self.grid).base
        if self.grid.unit == "month":
            return {1: "M", 3: "Q", 12: "Y"}[base]
        return {1: "s", 60: "min", 3600: "h", DAY_S: "D", WEEK_S: "W"}[base]

    @property
    def seasons(self) -> tuple[int, ...]:
        """Season lengths in steps, ascending; empty where a step is a year or divides no natural cycle."""
        step = self.grid.step
        if self.grid.unit == "weekday":
            return _whole((5,), step)
        if self.grid.unit == "month":
            return _whole((12,), step)
        if self.family == "W":
            return _whole((52,), step // WEEK_S)
        cycles = (60, 3600, DAY_S) if step < 10 else (3600, DAY_S, WEEK_S) if step < 300 else (DAY_S, WEEK_S)
        return _whole(cycles, step)

    @property
    def season(self) -> int:
        """The shortest season in steps, 1 where there is none: the lag of MASE and of seasonal naive."""
        return self.seasons[0] if self.seasons else 1

    @property
    def natural_horizon(self) -> int:
        """One natural span ahead in steps: a day of hours, two weeks of days, a quarter of weeks, a year of months."""
        if self.family in ("s", "min"):
            return self.season if self.season > 1 else 60
        count = self.grid.step // spelling.spelled(self.grid).base
        return max(min(6, _SPANS[self.family]), _SPANS[self.family] // count)

    def stamps(self, start: pd.Timestamp | str, periods: int) -> pd.DatetimeIndex:
        """Return `periods` stamps from the step that holds `start`, that step included."""
        first = self.ordinal([np.datetime64(pd.Timestamp(start))])[0]
        return self.from_ordinal(first + np.arange(periods))

    def ordinal(self, timestamps: ArrayLike) -> Integers:
        """Return for each stamp the number of the step it lies in, int64 of the same shape; neighbours differ by 1."""
        return self.grid.number(_seconds(timestamps))

    def holding(self, timestamps: ArrayLike) -> Integers:
        """Return for each stamp the number of the step that holds it, as `ordinal` without slack for jitter."""
        return self.grid.holding(_seconds(timestamps))

    def from_ordinal(self, ordinals: ArrayLike) -> pd.DatetimeIndex:
        """Return the stamps of these step numbers (one dimension)."""
        return pd.DatetimeIndex(self.instants(ordinals))

    def instants(self, ordinals: ArrayLike) -> NDArray[np.datetime64]:
        """Return the stamps of these step numbers as datetime64[ns], any shape.

        Raises SeriesError outside the years 1678 to 2261, which nanoseconds cannot hold.
        """
        seconds = self.grid.seconds(np.asarray(ordinals, np.int64))
        if seconds.size and not (seconds.min() >= _EARLIEST_S and seconds.max() < _LATEST_S):
            raise SeriesError("A timestamp lies outside the years 1678 to 2261.", "Correct it, or lower the horizon.")
        return seconds.astype("datetime64[s]").astype("datetime64[ns]")

    def on_grid(self, timestamps: ArrayLike) -> NDArray[np.bool_]:
        """Return True where a stamp is exactly the stamp of its step, same shape."""
        exact = np.asarray(timestamps, "datetime64[ns]")
        same: Any = self.instants(self.ordinal(exact)) == exact
        return np.asarray(same, bool)


def _seconds(stamps: ArrayLike) -> Integers:
    """Seconds since 1970, rounded down."""
    nanoseconds = np.asarray(stamps, "datetime64[ns]").astype(np.int64)
    return np.asarray(nanoseconds // 1_000_000_000)


def _whole(cycles: tuple[int, ...], step: int) -> tuple[int, ...]:
    return tuple(cycle // step for cycle in cycles if cycle % step == 0 and cycle > step)


@lru_cache(maxsize=256)
def _grid(alias: str) -> Grid:
    return spelling.read(alias).grid()


def _refuse_finer(grid: Grid, seconds: Integers, items: Integers, text: str) -> None:
    """Raise DataError where every stamp is the same multiple of steps from the next: the rest would be invented."""
    apart, _ = cadence.gaps_between(grid.number(seconds), items)
    multiple = int(np.gcd.reduce(apart)) if len(apart) >= _ENOUGH_DIFFERENCES else 1
    if multiple > 1:
        raise DataError(
            f"freq is {text[:40]!a}, but all timestamps are a multiple of {multiple} such steps apart.",
            "Correct hyperparameter freq, or leave it out.",
        )
