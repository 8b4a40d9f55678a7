"""Which items are summed into which nodes: the levels of `schema.hierarchy`, and the series of their sums."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from convect.errors import DataError
from convect.panel import Floats, Integers, Panel
from convect.reading.columns import example

TOTAL = "total"
ITEM = "item"
FEWEST_SHARE = 0.5  # of the items must end at one step, else there is no step up to which sums are known


@dataclass(frozen=True, eq=False)
class Hierarchy:
    """The nodes above the items: each the sum of its `members`.

    levels: from the top down, "total" and then columns; nodes: (m,) names, ascending; level: (m,) the place of each
    in `levels`; members: (m, n) 1 where an item of the panel belongs to a node; within: (n,) False for an item that
    ends elsewhere than the others and is in no sum.
    """

    levels: tuple[str, ...]
    nodes: NDArray[np.object_]
    level: Integers
    members: sp.csr_array
    within: NDArray[np.bool_]


def of(panel: Panel) -> Hierarchy:
    """Return the hierarchy of a panel's groups.

    The nodes are "total", "region=EWR" and below it "region=EWR/store=7": one for every distinct beginning of an item's
    groups. A level is left out where it would repeat the one above, or the items one by one. Raises DataError where
    less than half of the items end at the same step, and where two nodes, or a node and an item, have one name.
    """
    within = ends_together(panel)
    levels, names, rows = [TOTAL], [np.array([TOTAL], dtype=object)], [np.where(within, 0, -1)]
    prefix, path = np.full(len(panel), "", dtype=object), np.zeros(len(panel), np.int64)
    for place, column in enumerate(panel.group_names):
        prefix = prefix + ("/" if place else "") + f"{column}=" + panel.groups[:, place]
        values, value = np.unique(panel.groups[:, place].astype(str), return_inverse=True)
        path = np.unique(path * len(values) + value, return_inverse=True)[1]
        _, first, place_of = np.unique(path[within], return_index=True, return_inverse=True)
        nodes = prefix[within][first]
        if len(nodes) in (len(names[-1]), int(within.sum())):
            continue
        own = np.full(len(panel), -1)
        own[within] = place_of
        levels, names, rows = [*levels, column], [*names, nodes], [*rows, own]
    _refuse_namesakes(panel, np.concatenate(names))
    return _assemble(tuple(levels), names, rows, within)


def ends_together(panel: Panel) -> NDArray[np.bool_]:
    """Return which items (n,) end where most do; raises DataError where less than half end at one step."""
    ends, counts = np.unique(panel.ends, return_counts=True)
    common = ends[len(ends) - 1 - int(np.argmax(counts[::-1]))]
    within = np.asarray(panel.ends == common)
    if within.mean() < FEWEST_SHARE:
        message = f"Only {int(within.sum())} of {len(panel)} items end at the same step, so there is nothing to sum."
        remedy = "Give all items up to one step, or pass missing=zero where no row means none; or leave hierarchy out."
        raise DataError(message, remedy, code="hierarchy")
    return within


def _refuse_namesakes(panel: Panel, nodes: NDArray[np.object_]) -> None:
    names, counts = np.unique(np.concatenate([panel.item_ids, panel.cold_ids, nodes]).astype(str), return_counts=True)
    if (counts > 1).any():
        message = f"Two items or groups of the hierarchy would both be named {example(names[counts > 1][0])}."
        raise DataError(message, "Rename the item or the value of the hierarchy's column.", code="hierarchy")


def _assemble(
    levels: tuple[str, ...], names: list[NDArray[np.object_]], rows: list[Integers], within: NDArray[np.bool_]
) -> Hierarchy:
    nodes = np.concatenate(names)
    order = np.argsort(nodes.astype(str))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first = np.cumsum([0, *map(len, names)])
    items = np.flatnonzero(within)
    node = np.concatenate([place[start + own[items]] for start, own in zip(first, rows, strict=False)])
    shape = (len(nodes), len(within))
    members = sp.csr_array((np.ones(len(node)), (node, np.tile(items, len(rows)))), shape=shape)
    level = np.repeat(np.arange(len(levels)), [len(part) for part in names])
    return Hierarchy(levels, nodes[order], level[order], members, within)


def sums(panel: Panel, hierarchy: Hierarchy) -> Panel:
    """Return the nodes' series as a panel: sums of the targets, means of numeric covariates over the members.

    A node begins with its first member; before an item begins it adds nothing. Attributes and covariates that are
    texts are NaN.
    """
    node, item = hierarchy.members.tocoo().coords
    starts = np.full(len(hierarchy.nodes), np.iinfo(np.int64).max)
    np.minimum.at(starts, node, panel.starts[item])
    end = panel.ends[hierarchy.within][0]
    offsets = np.concatenate([[0], np.cumsum(end + 1 - starts)])
    total = _Total(panel, offsets[:-1] - starts, node, item, int(offsets[-1]))
    return Panel.build(
        panel.frequency,
        hierarchy.nodes,
        starts,
        offsets,
        total.of(panel.values),
        observed=total.of(panel.observed) > 0,
        known=total.means(panel.known, panel.known_names),
        future=_future_means(panel, hierarchy),
        past=total.means(panel.past, panel.past_names),
        known_names=panel.known_names,
        past_names=panel.past_names,
        static_names=panel.static_names,
        categories=panel.categories,
    )


@dataclass(frozen=True)
class _Total:
    """Adds rows of items up to rows of nodes: a row at step s of a member of node j goes to base[j] + s."""

    panel: Panel
    base: Integers
    node: Integers
    item: Integers
    rows: int

    def of(self, values: Floats | NDArray[np.bool_]) -> Floats:
        out = np.zeros(self.rows)
        for node, item in zip(self.node, self.item, strict=True):
            first, last = self.panel.offsets[item], self.panel.offsets[item + 1]
            start = self.base[node] + self.panel.starts[item]
            out[start : start + last - first] += values[first:last]
        return out

    def means(self, columns: Floats, names: tuple[str, ...]) -> Floats:
        out = np.full((self.rows, len(names)), np.nan)
        for k, name in enumerate(names):
            if name not in self.panel.categories:
                known = ~np.isnan(columns[:, k])
                total, count = self.of(np.where(known, columns[:, k], 0.0)), self.of(known)
                np.divide(total, count, out=out[:, k], where=count > 0)
        return out


def _future_means(panel: Panel, hierarchy: Hierarchy) -> Floats:
    """(m, H, K) the means of the members' known covariates after the end."""
    flat = panel.future.reshape(len(panel), -1)
    total, count = hierarchy.members @ np.nan_to_num(flat), hierarchy.members @ (~np.isnan(flat)).astype(float)
    mean = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    mean = mean.reshape(len(hierarchy.nodes), *panel.future.shape[1:])
    mean[..., [name in panel.categories for name in panel.known_names]] = np.nan
    return np.asarray(mean)
