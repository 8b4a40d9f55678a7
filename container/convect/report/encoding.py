"""The series as the page's script reads them: rounded, on one axis of time, and safe inside a page."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect.frequency import Frequency
from convect.report.kept import Kept
from convect.report.windows import Floats

DIGITS = 4  # of the largest number of a series; more are not seen in a chart
Parts = Mapping[str, Mapping[str, Floats]]


def embedded(value: object) -> str:
    """Return JSON that can stand in a page's script element: nothing in it ends the element or begins a comment.

    >>> print(embedded("</script>"))
    "\\u003c/script\\u003e"
    """
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)  # ASCII, so U+2028 is escaped too
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def decimals(*numbers: Floats) -> int:
    """Return the decimal places, fewer than none for large numbers, that keep DIGITS of the largest."""
    largest = max((float(np.nanmax(np.abs(part))) for part in numbers if np.isfinite(part).any()), default=0.0)
    return DIGITS - 1 - math.floor(math.log10(largest)) if largest > 0 else 0


def rounded(numbers: Floats, places: int) -> list[float | int | None]:
    """Return numbers to so many decimal places, None where there is none."""
    found = np.round(numbers, places).tolist()
    if places > 0:
        return [None if not math.isfinite(x) else int(x) if x == int(x) else x for x in found]
    return [int(x) if math.isfinite(x) else None for x in found]


def share(part: float, whole: float) -> float | None:
    """Return a ratio to four places, None where it says nothing."""
    found = part / whole if whole > 0 else math.nan
    return round(found, 4) if math.isfinite(found) else None


def axis(frequency: Frequency, first: int, last: int) -> dict[str, Any]:
    """Return the stamps of steps `first` to `last` as seconds since 1970: the first, and what lies between them."""
    seconds = frequency.grid.seconds(np.arange(first, last + 1))
    apart = np.diff(seconds)
    same = len(apart) > 0 and bool((apart == apart[0]).all())
    return {"first": int(seconds[0]), "step": int(apart[0]) if same else apart.tolist(), "count": len(seconds)}


def runs(mask: NDArray[np.bool_]) -> list[list[int]]:
    """Return where the stretches of True begin and how long they are.

    >>> runs(np.array([True, False, True, True]))
    [[0, 1], [2, 2]]
    """
    edges = np.flatnonzero(np.diff(np.r_[False, mask, False]))
    return [[int(begin), int(end - begin)] for begin, end in list(pairwise(edges.tolist()))[::2]]


def encoded(one: Kept, first: int, flags: Sequence[str], parts: Mapping[str, Floats]) -> dict[str, Any]:
    """Return one series: `at` is its first step on the axis, whose own first step is `first`."""
    places = decimals(one.values, one.fan)
    windows = one.windows
    told = zip(one.ends.tolist(), windows.forecast, windows.low, windows.high, one.naive, strict=True)
    error, inside = windows.errors().sum(), windows.inside()
    weights = [] if one.weights is None else one.weights.tolist()
    return {
        "id": one.item,
        "at": one.start - first,
        "y": [] if one.cold else rounded(one.values, places),
        "end": one.start - first + len(one.values),
        "filled": runs(~one.observed),
        "windows": [{"end": end, **_named(places, f=f, low=low, high=high, naive=n)} for end, f, low, high, n in told],
        "fan": [rounded(column, places) for column in one.fan.T],
        "models": sorted(([k, round(w, 3)] for k, w in enumerate(weights) if w >= 0.0005), key=lambda pair: -pair[1]),
        "size": rounded(np.array([one.size]), decimals(np.array([one.size])))[0],
        "error": share(error, float(np.abs(windows.actual).sum())),
        "naive": share(error, float(np.nansum(np.abs(windows.actual - one.naive)))),
        "inside": round(float(inside.mean()), 3) if inside.size and np.isfinite(inside).all() else None,
        "flags": list(flags),
        "parts": {name: rounded(values, places + 1) for name, values in parts.items()},
    }


def _named(places: int, **columns: Floats) -> dict[str, list[float | int | None]]:
    return {name: rounded(values, places) for name, values in columns.items() if np.isfinite(values).any()}
