"""Items without any history: forecast as one of the items most like them, whichever it may be."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convect.artifact import Artifact
from convect.hierarchies import joining
from convect.intervals import interpolate
from convect.models.simple import Array
from convect.panel import Panel

FEWEST_ALIKE = 5  # items with the same attributes; where there are fewer, all items count
REASON = "no history: forecast as one of the items most like it"
EVEN = tuple((k + 0.5) / 40 for k in range(40))  # levels at which each item's quantiles are one draw each


@dataclass(frozen=True, eq=False)
class Cold:
    """What is said of c items without history.

    panel: one value each that was not observed, where the forecast begins; forecasts: (c, h, 1 + Q), the mean and the
    quantiles; scale: (c,).
    """

    panel: Panel
    forecasts: Array
    scale: Array

    def take(self, items: NDArray[np.bool_]) -> Cold:
        """Return some of them, by a mask (c,)."""
        return Cold(self.panel.take(items), self.forecasts[items], self.scale[items])


def answered(artifact: Artifact, panel: Panel) -> Cold:
    """Return a ready forecast for each cold item of a panel, some or all of whose items the artifact answers for.

    The quantiles are those of a draw from an item alike: of its level and of its errors, so that they are wide where
    the items alike differ. The mean is the median of theirs. Stamps follow the step at which most items end.
    """
    ends, counts = np.unique(artifact.panel.ends, return_counts=True)
    end = int(ends[np.argmax(counts)])
    usual = (artifact.panel.ends == end) & np.isin(artifact.panel.item_ids, panel.item_ids)  # and no sum of items
    alike = [_alike(artifact.panel, static) & usual for static in statics(panel)]
    alike = [one if one.sum() >= FEWEST_ALIKE else usual for one in alike]
    drawn = {one.tobytes(): _drawn(artifact.forecasts[one], artifact.intervals.levels) for one in _distinct(alike)}
    ready = np.array([drawn[one.tobytes()] for one in alike])
    scale = np.array([np.median(artifact.scale[one]) for one in alike])
    return Cold(_panel(artifact.panel, panel, ready[:, 0, 0], end), ready, scale)


def _distinct(masks: list[NDArray[np.bool_]]) -> list[NDArray[np.bool_]]:
    return list({one.tobytes(): one for one in masks}.values())


def statics(panel: Panel) -> Array:
    """Return the attributes (c, S) of the cold items of a panel."""
    return np.empty((len(panel.cold_ids), 0)) if panel.cold_static is None else panel.cold_static


def seen(panel: Panel) -> NDArray[np.bool_]:
    """Return which items (n,) have a value of their own; a cold one has a single row, not observed."""
    return np.asarray((panel.lengths > 1) | panel.observed[panel.offsets[:-1]])


def _alike(panel: Panel, static: Array) -> NDArray[np.bool_]:
    """The items (n,) whose attributes that are texts are the same, as far as they are known of the cold one."""
    coded = [k for k, name in enumerate(panel.static_names) if name in panel.categories and np.isfinite(static[k])]
    return np.asarray((panel.static[:, coded] == static[coded]).all(axis=1))


def _drawn(forecasts: Array, levels: tuple[float, ...]) -> Array:
    """(h, 1 + Q) the mean and quantiles of a draw from forecasts (w, h, 1 + Q)."""
    draws = interpolate(forecasts[..., 1:], levels, EVEN)
    pool = np.moveaxis(draws, 1, 0).reshape(forecasts.shape[1], -1)
    return np.column_stack([np.median(forecasts[..., 0], axis=0), np.quantile(pool, levels, axis=1, method="hazen").T])


def _panel(kept: Panel, asked: Panel, values: Array, end: int) -> Panel:
    """The cold items with one value each that was not observed: where their forecast begins."""
    count = len(asked.cold_ids)
    return Panel.build(
        kept.frequency,
        asked.cold_ids,
        np.full(count, end),
        np.arange(count + 1),
        values,
        observed=np.zeros(count, bool),
        future=np.full((count, *kept.future.shape[1:]), np.nan),
        static=statics(asked),
        known_names=kept.known_names,
        past_names=kept.past_names,
        static_names=kept.static_names,
        categories=kept.categories,
    )


def joined(artifact: Artifact, cold: Cold) -> Artifact:
    """Return the artifact with an answer for the cold items too; each counts as a fallback."""
    if not len(cold.panel):
        return artifact
    order = np.argsort(np.concatenate([artifact.panel.item_ids, cold.panel.item_ids]).astype(str))
    count, weights, intervals = len(cold.panel), artifact.weights, artifact.intervals
    series = np.concatenate([weights.series, np.tile(weights.group, (count, 1))])[order]
    return replace(
        artifact,
        panel=joining.joined(artifact.panel, cold.panel),
        weights=replace(weights, series=series),
        intervals=replace(intervals, ratio=np.concatenate([intervals.ratio, np.ones(count)])[order]),
        scale=np.concatenate([artifact.scale, cold.scale])[order],
        forecasts=np.concatenate([artifact.forecasts, cold.forecasts])[order],
        fallback=np.concatenate([artifact.fallback, np.ones(count, bool)])[order],
        states=np.concatenate([artifact.states, np.full((count, artifact.states.shape[1]), np.nan)])[order],
    )
