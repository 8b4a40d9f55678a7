"""A request's newer history joined to the history that the artifact kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect.answering.cold import seen
from convect.panel import Panel

LARGEST_GAP_STEPS = 400  # between the kept history and the new one; a larger gap breaks the series in two


def continued(new: Panel, kept: Panel, positions: NDArray[np.int64] | None = None) -> Panel:
    """Return `new` with each item that `kept` knows preceded by the rows kept from before its first one.

        kept  | k k k k k |
        new             | n n n |
        out   | k k k k n n n |     what the request says wins where both have a value

    Steps between the two are interpolated and not observed. A static attribute that the request leaves out is the
    kept one. An item with a gap of more than 400 steps, or unknown to `kept`, or without a value there, stays as it
    came. `positions` (n,) are the places of the items in `kept`, -1 where unknown; without them the items' ids say so.
    """
    if positions is None:
        place = {item: position for position, item in enumerate(kept.item_ids)}
        positions = np.array([place.get(item, -1) for item in new.item_ids])
    known, real = positions >= 0, seen(kept)[positions]
    gap = np.where(known, new.starts - kept.ends[positions] - 1, 0)
    before = np.where(known & real & (gap <= LARGEST_GAP_STEPS), np.maximum(new.starts - kept.starts[positions], 0), 0)
    static = np.where(np.isnan(new.static) & known[:, None], kept.static[positions], new.static)
    clock_min = kept.clock_min if new.clock_min is None else new.clock_min
    if not before.any():
        return replace(new, static=static, clock_min=clock_min)
    lengths = new.lengths + before
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    items, steps = np.repeat(np.arange(len(new)), lengths), _count(lengths)
    is_new = steps >= before[items]
    from_new = new.offsets[items] + steps - before[items]
    is_kept = ~is_new & (steps < kept.lengths[positions][items])
    from_kept = kept.offsets[positions][items] + steps

    def join(later: Any, earlier: Any, missing: float) -> Any:  # noqa: ANN401 - floats and booleans alike
        out = np.full((len(items), *later.shape[1:]), missing, later.dtype)
        out[is_new], out[is_kept] = later[from_new[is_new]], earlier[from_kept[is_kept]]
        return out

    values = join(new.values, kept.values, 0.0)
    gaps = ~is_new & ~is_kept
    row = np.arange(len(values))
    values[gaps] = np.interp(row[gaps], row[~gaps], values[~gaps])
    return replace(
        new,
        starts=new.starts - before,
        offsets=offsets,
        values=values,
        observed=join(new.observed, kept.observed, False),
        known=join(new.known, kept.known, np.nan),
        past=join(new.past, kept.past, np.nan),
        static=static,
        clock_min=clock_min,
    )


def _count(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    """0, 1, … within each run of these lengths."""
    total = np.concatenate([[0], np.cumsum(lengths)])
    return np.asarray(np.arange(total[-1]) - np.repeat(total[:-1], lengths))
