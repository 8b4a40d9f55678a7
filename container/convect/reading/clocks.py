"""Stamps told by one clock turned to another: each keeps its instant, and the clock on the wall changes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from convect.reading.columns import example
from convect.reading.instants import Instants, Reading, read_instants


def clock_name(clock_min: float) -> str:
    """Return how a clock that is so many minutes ahead of UTC is named: "UTC-03:30"."""
    return f"UTC{'-' if clock_min < 0 else '+'}{abs(clock_min) // 60:02.0f}:{abs(clock_min) % 60:02.0f}"


def told_turned(theirs_min: float, ours_min: float) -> str:
    """Return the sentence about stamps turned from one clock to that of training."""
    return f"stamps were turned from {clock_name(theirs_min)} to {clock_name(ours_min)}, the clock of training"


def at_clock(reading: Reading, clock_min: float | None) -> Instants:
    """Return stamps (rows,) at a clock so many minutes ahead of UTC; as they are where theirs or that is not known."""
    if clock_min is None or reading.clock_min is None:
        return reading.instants
    return reading.instants + np.timedelta64(round((clock_min - reading.clock_min) * 60), "s")


def turned(
    table: pd.DataFrame, column: str, clock_min: float | None, where: str, *, days: bool
) -> tuple[pd.DataFrame, str]:
    """Return the table with the stamps of `column` read, at this clock, and a sentence where they were turned to it.

    clock_min: minutes ahead of UTC, None where no clock is known: then the table stays as it is. Stamps that do not
    tell their clock are taken to be at it already. Raises DataError as `read_instants`; `where` names the table in it.
    """
    if clock_min is None or list(table.columns).count(column) != 1:
        return table, ""
    reading = read_instants(table[column], f"column {example(column)} of {where}")
    said = reading.clock_min if days else reading.told_min  # a midnight is a day to daily steps, an hour to hourly
    theirs = clock_min if said is None else said
    instants = reading.instants + np.timedelta64(round((clock_min - theirs) * 60), "s")
    table = table.assign(**{column: instants})
    return table, "" if theirs == clock_min else told_turned(theirs, clock_min)
