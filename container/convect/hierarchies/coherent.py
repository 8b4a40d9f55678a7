"""Training with a hierarchy: items and sums are forecast apart, then made to add up; what that did is measured."""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.artifact import Artifact
from convect.hierarchies.hierarchy import ITEM, Hierarchy
from convect.hierarchies.joining import joined
from convect.hierarchies.reconcile import reconcile
from convect.models import moving
from convect.models.simple import Array
from convect.panel import Panel
from convect.training import ensemble, units
from convect.training.scored import Scored

NAME = "Reconciled"
Z_90 = NormalDist().inv_cdf(0.9)
COLUMNS = ("level", "series", "model", "MASE", "WAPE", "SQL", "coverage_80", "coverage_95")


@dataclass(frozen=True, eq=False)
class Side:
    """The items, or the nodes: forecasts (n, h, 1 + Q), the mean and the quantiles at `scored.levels`."""

    panel: Panel
    forecasts: Array
    scored: Scored

    @property
    def horizon(self) -> int:
        """The steps of a forecast."""
        return int(self.forecasts.shape[1])

    @property
    def variance(self) -> Array:
        """(n,) of the forecasts' errors, read from the width of the intervals; 0 for a series that never changed."""
        low, high = (self.forecasts[..., 1 + self.scored.levels.index(level)] for level in (0.1, 0.9))
        found = np.square((high - low) / (2 * Z_90)).mean(axis=1)
        return np.where(np.isnan(units.still(self.panel)), found, 0.0)

    @property
    def floor(self) -> NDArray[np.bool_]:
        """(n,) True where the history never was below zero."""
        return np.asarray(np.minimum.reduceat(self.panel.values, self.panel.offsets[:-1]) >= 0)

    def windows(self) -> NDArray[np.int64]:
        """(r,) how many horizons before the end each row of the backtest was cut."""
        return np.asarray((self.panel.lengths[self.scored.items] - self.scored.ends) // self.horizon)


def add_up(tree: Hierarchy, items: Side, nodes: Side) -> tuple[Array, Array]:
    """Return the forecasts (n, h, 1 + Q) and (m, h, 1 + Q), their means adding up.

    Each series keeps the interval that its own errors allow, moved to its new mean and cut off at zero where the
    history is never below it.
    """
    means = _reconciled(tree, items, nodes, items.forecasts[..., 0], nodes.forecasts[..., 0])
    found = [_moved(side.forecasts, mean, side.floor) for side, mean in zip((items, nodes), means, strict=True)]
    return found[0], found[1]


def _reconciled(tree: Hierarchy, items: Side, nodes: Side, item_mean: Array, node_mean: Array) -> tuple[Array, Array]:
    mean = reconcile(item_mean, node_mean, tree.members, items.variance, nodes.variance, items.floor)
    return mean, np.asarray(tree.members @ mean)


def _moved(forecasts: Array, mean: Array, floor: NDArray[np.bool_]) -> Array:
    """The forecasts (w, h, 1 + Q) about another mean (w, h)."""
    found = forecasts + (mean - forecasts[..., 0])[..., None]
    found[floor] = np.maximum(found[floor], 0.0)
    found[..., 0] = mean
    return found


def rescore(tree: Hierarchy, items: Side, nodes: Side) -> tuple[Side, Side, Side, Side]:
    """Return both sides with the rows of the windows that all nodes have, as they were, and as they are made to add up.

    An item without a forecast in a window stands in with its last value before it, 0 where it had not begun.
    """
    windows = [items.windows(), nodes.windows()]
    used = [w for w in np.unique(windows[1]) if (windows[1] == w).sum() == len(tree.nodes)]
    kept = [np.isin(windows[0], used) & tree.within[items.scored.items], np.isin(windows[1], used)]
    before = [replace(side, scored=side.scored.take(rows)) for side, rows in zip((items, nodes), kept, strict=True)]
    means = [side.scored.mean.copy() for side in before]
    for window in used:
        rows = [side.windows() == window for side in before]
        told = _last_values(items.panel, int(window) * items.horizon, items.horizon)
        told[before[0].scored.items[rows[0]]] = means[0][rows[0]]
        found = _reconciled(tree, items, nodes, told, means[1][rows[1]])
        for side in (0, 1):
            means[side][rows[side]] = found[side][before[side].scored.items[rows[side]]]
    after = [replace(side, scored=_rescored(side, mean)) for side, mean in zip(before, means, strict=True)]
    return before[0], before[1], after[0], after[1]


def _rescored(side: Side, mean: Array) -> Scored:
    whole = np.concatenate([side.scored.mean[..., None], side.scored.quantiles], axis=-1)
    return replace(side.scored, mean=mean, quantiles=_moved(whole, mean, side.floor[side.scored.items])[..., 1:])


def _last_values(panel: Panel, back: int, horizon: int) -> Array:
    """(n, horizon) the value that each item had `back` steps before its end."""
    row = panel.offsets[1:] - back - 1
    begun = row >= panel.offsets[:-1]
    return np.repeat(np.where(begun, panel.values[row], 0.0)[:, None], horizon, axis=1)


def levels(tree: Hierarchy, items: Side, nodes: Side, model: str) -> pd.DataFrame:
    """Return the accuracy by level, from the top down to the items: the columns of COLUMNS."""
    rows: list[dict[str, object]] = []
    for place, name in enumerate(tree.levels):
        chosen = tree.level[nodes.scored.items] == place
        series = int((tree.level == place).sum())
        rows.append({"level": name, "series": series, "model": model, **nodes.scored.take(chosen).figures()})
    rows.append({"level": ITEM, "series": int(tree.within.sum()), "model": model, **items.scored.figures()})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def table(tree: Hierarchy, items: Side, nodes: Side) -> tuple[pd.DataFrame, tuple[Side, Side]]:
    """Return the accuracy by level before and after, level by level, and the two sides as they add up."""
    *before, left, right = rescore(tree, items, nodes)
    both = [levels(tree, before[0], before[1], ensemble.NAME), levels(tree, left, right, NAME)]
    return pd.concat(both).sort_index(kind="stable").reset_index(drop=True), (left, right)


def _states(items: Artifact, nodes: Artifact) -> Array:
    """(n, S) what the models of the nodes fitted, laid out as that of the items is."""
    found = moving.apart(nodes.weights.models, nodes.states)
    return moving.beside(items.weights.models, found, len(nodes.panel))


def merged(items: Artifact, nodes: Artifact, forecasts: tuple[Array, Array]) -> Artifact:
    """Return one artifact that answers for both: the items' models, to which a node is a series like another."""
    order = np.argsort(np.concatenate([items.panel.item_ids, nodes.panel.item_ids]).astype(str))

    def both(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate([left, right])[order]

    group = np.tile(items.weights.group, (len(nodes.panel), 1))
    return replace(
        items,
        panel=joined(items.panel, nodes.panel),
        weights=replace(items.weights, series=both(items.weights.series, group)),
        intervals=replace(items.intervals, ratio=both(items.intervals.ratio, nodes.intervals.ratio)),
        scale=both(items.scale, nodes.scale),
        forecasts=both(*forecasts),
        fallback=both(items.fallback, nodes.fallback),
        states=both(items.states, _states(items, nodes)),
    )
