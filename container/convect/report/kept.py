"""The series that the page shows one by one: which they are, and what is kept of each."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convect.report.windows import Floats, Windows

BANDS = (0.025, 0.1, 0.9, 0.975)  # the fan: 95 % and 80 % of what is to come
MOST_SERIES = 1_000
MOST_NUMBERS = 480_000  # of five letters or so: 2.4 MB of the page's three
LEAST_HISTORY, MOST_HISTORY = 60, 840  # values of a series
COMPONENTS = 8  # into which a forecast is taken apart, or so


@dataclass(frozen=True, eq=False)
class Kept:
    """One series.

    start: ordinal of its first kept value; values, observed: (t,); fan: (h, 5), the mean and BANDS; ends: (w,) how many
    of the kept values each of its windows knew; naive: (w, h); weights: (M,) or None for a sum of items.
    """

    item: str
    start: int
    values: Floats
    observed: NDArray[np.bool_]
    fan: Floats
    windows: Windows
    ends: NDArray[np.int64]
    naive: Floats
    weights: Floats | None
    fallback: bool
    cold: bool
    size: float
    draw: float

    @property
    def error(self) -> float:
        """The sum of its absolute errors in the backtest, 0 where it has none."""
        return float(self.windows.errors().sum())

    def tail(self, rows: int) -> Kept:
        """Return it with its last `rows` values."""
        cut = max(0, len(self.values) - rows)
        return replace(
            self,
            start=self.start + cut,
            values=self.values[cut:],
            observed=self.observed[cut:],
            ends=self.ends - cut,
        )


def chosen(sizes: Floats, errors: Floats, draws: Floats, most: int) -> NDArray[np.bool_]:
    """Return which of n series are kept (n,): all up to `most`; else the largest, those with most error, and a draw.

    A third each. Whoever is among the first of all is among the first of any part, so parts may come one by one.
    """
    if len(sizes) <= most:
        return np.ones(len(sizes), bool)
    found = np.zeros(len(sizes), bool)
    for key in (sizes, errors, draws):
        found[np.argsort(-key, kind="stable")[: most // 3]] = True
    return found


def numbers_of(horizon: int, windows: int, models: int) -> int:
    """Return how many numbers the page holds of a series besides its history."""
    return horizon * (4 * windows + 1 + len(BANDS) + COMPONENTS) + models + 20


def room(horizon: int, windows: int, models: int) -> int:
    """Return how many series the page has room for."""
    return max(3, min(MOST_SERIES, MOST_NUMBERS // (numbers_of(horizon, windows, models) + LEAST_HISTORY)))


def history_room(series: int, horizon: int, windows: int, models: int) -> int:
    """Return how many values of each of so many histories the page has room for."""
    left = MOST_NUMBERS // max(1, series) - numbers_of(horizon, windows, models)
    return int(np.clip(left, LEAST_HISTORY, MOST_HISTORY))
