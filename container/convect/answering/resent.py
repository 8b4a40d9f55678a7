"""Histories that a request sends again just as training saw them, so that the forecast of training is their answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convect.panel import Floats, Panel


def nothing_new(panel: Panel, kept: Panel, positions: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return (n,) True where an item ends as its history in `kept` does, with the same values and covariates.

    positions: (n,) the place of each item in `kept`, -1 where it has none. Rows from before those kept do not count.
    """
    ends = np.where(positions >= 0, kept.ends[positions], -1)
    candidates = np.flatnonzero((positions >= 0) & (panel.ends == ends) & (panel.lengths >= kept.lengths[positions]))
    found = np.zeros(len(panel), bool)
    for item in candidates:
        found[item] = _same(panel, int(item), kept, int(positions[item]))
    return found


def _same(panel: Panel, item: int, kept: Panel, place: int) -> bool:
    last, before = int(panel.offsets[item + 1]), slice(int(kept.offsets[place]), int(kept.offsets[place + 1]))
    rows = slice(last - (before.stop - before.start), last)
    pairs = [
        (panel.values[rows], kept.values[before]),
        (panel.known[rows], kept.known[before]),
        (panel.past[rows], kept.past[before]),
        (panel.static[item], kept.static[place]),
        (_padded(panel.future[item], kept.horizon), _padded(kept.future[place], panel.horizon)),
    ]
    return all(np.array_equal(new, old, equal_nan=True) for new, old in pairs)


def _padded(future: Floats, steps: int) -> Floats:
    """Covariates of the future, at least so many steps of them."""
    more = max(steps - len(future), 0)
    return np.concatenate([future, np.full((more, future.shape[1]), np.nan)])
