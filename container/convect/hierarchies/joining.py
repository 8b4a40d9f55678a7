"""Two panels made one: the items of both in their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from convect.panel import Panel


def joined(left: Panel, right: Panel) -> Panel:
    """Return the items of both panels, ascending; the right one has the left one's frequency and columns, other items.

    The items of the right one have no groups.
    """
    order = np.argsort(np.concatenate([left.item_ids, right.item_ids]).astype(str))
    rank = np.argsort(order)
    rows = np.argsort(np.concatenate([rank[left.positions], rank[len(left) + right.positions]]), kind="stable")
    groups = np.full((len(order), len(left.group_names)), None, dtype=object)
    groups[: len(left)] = left.groups

    def both(names: tuple[str, ...], chosen: np.ndarray[Any, Any]) -> dict[str, Any]:
        return {name: np.concatenate([getattr(left, name), getattr(right, name)])[chosen] for name in names}

    return replace(
        left,
        offsets=np.r_[0, np.cumsum(np.concatenate([left.lengths, right.lengths])[order])].astype(np.int64),
        groups=groups[order],
        **both(("item_ids", "starts", "future", "static"), order),
        **both(("values", "observed", "known", "past"), rows),
    )
