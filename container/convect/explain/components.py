"""The components that each forecast is the sum of: level, trend, season, one for each known covariate, and other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from convect.answering import deadline
from convect.artifact import Artifact
from convect.explain.covariates import carried
from convect.explain.split import rows_seen, split
from convect.models.features import Index
from convect.models.simple import Array
from convect.panel import Panel
from convect.results import labels

LEVEL, TREND, SEASON, OTHER = "level", "trend", "season", "other"
COVARIATE = "covariate:"
# Explained at a time, so that memory follows neither the number of items nor the length of their seasons:
PART_ITEMS = 200
PART_STEPS = 20_000  # of forecasts, each with all its features
PART_ROWS = 400_000  # of history


@dataclass(frozen=True, eq=False)
class Components:
    """names: (C,), "other" last; values: (n, h, C), which sum to the forecasts' mean."""

    names: tuple[str, ...]
    values: Array


def names_of(panel: Panel) -> tuple[str, ...]:
    """Return the names of the components that forecasts of a panel have."""
    return (LEVEL, TREND, SEASON, *(COVARIATE + name for name in panel.known_names), OTHER)


def explain(artifact: Artifact, panel: Panel, mean: Array) -> Components:
    """Part the mean (n, h) of the forecasts of a panel into components.

    Covariates come first: what each adds in the models that carry it, against its usual value (`covariates.carried`).
    What is left of the forecast is parted into level, trend and season with the history, cleaned of the covariates in
    the same way (`split.split`); `other` is the rest: holidays, a bent trend, a season that the history did not have.
    Each item is explained by itself, so it is the same in any company.
    """
    known = _positions(artifact, panel)
    weights = np.where((known >= 0)[:, None], artifact.weights.series[known], artifact.weights.group)
    parts, size = [], _part_items(panel, mean.shape[1], rows_seen(artifact.seasons))
    for first in range(0, len(panel), size):
        deadline.check()
        last = min(first + size, len(panel))
        parts.append(_parted(artifact, panel.between(first, last), weights[first:last], mean[first:last]))
    return Components(names_of(panel), np.concatenate(parts))


def table(artifact: Artifact) -> pd.DataFrame:
    """Return item_id, timestamp, component and value of the forecasts that an artifact holds ready."""
    found, panel = explain(artifact, artifact.panel, artifact.forecasts[..., 0]), artifact.panel
    items, horizon, count = found.values.shape
    stamps = panel.future_timestamps(horizon).ravel()
    return pd.DataFrame(
        {
            "item_id": labels(np.repeat(np.arange(items), horizon * count), panel.item_ids),
            "timestamp": np.repeat(stamps, count),
            "component": labels(np.tile(np.arange(count), items * horizon), found.names),
            "value": found.values.ravel(),
        }
    )


def columns(artifact: Artifact, panel: Panel, mean: Array) -> dict[str, Array]:
    """Return the components of forecasts (n, h) of a panel by name, each (n * h,).

    What training had ready is explained as training did, whatever horizon is asked for.
    """
    horizon, known = mean.shape[1], _positions(artifact, panel)
    same = np.zeros(len(panel), bool)
    if horizon <= artifact.horizon:
        same = (known >= 0) & (artifact.forecasts[known, :horizon, 0] == mean).all(axis=1)
    values = np.empty((*mean.shape, len(names_of(panel))))
    if same.any():
        trained = artifact.panel.take(known[same])
        values[same] = explain(artifact, trained, artifact.forecasts[known[same], :, 0]).values[:, :horizon]
    if not same.all():
        values[~same] = explain(artifact, panel.take(~same), mean[~same]).values
    return {name: values[..., place].ravel() for place, name in enumerate(names_of(panel))}


def _positions(artifact: Artifact, panel: Panel) -> Index:
    """(n,) where each item stands in the artifact, -1 if nowhere."""
    return np.array([artifact.position.get(item, -1) for item in panel.item_ids], np.int64)


def _part_items(panel: Panel, horizon: int, rows: int) -> int:
    longest = min(rows, int(panel.lengths.max())) + horizon
    return max(1, min(PART_ITEMS, PART_STEPS // horizon, PART_ROWS // longest))


def _parted(artifact: Artifact, panel: Panel, weights: Array, mean: Array) -> Array:
    added = carried(artifact, panel, weights, mean.shape[1])
    left = mean - added.future.sum(axis=2)
    found = split(_newest(panel, added.cleaned, rows_seen(artifact.seasons)), left, artifact.seasons)
    parts = np.stack([found.level, found.trend, found.season], axis=2)
    parts = np.concatenate([parts, added.future], axis=2)
    other = mean - parts.sum(axis=2)
    return np.concatenate([parts, other[..., None]], axis=2)


def _newest(panel: Panel, values: Array, rows: int) -> Array:
    """(n, t) the newest values of each item, the last one last, NaN before the first; t is at most `rows`."""
    rows = int(min(rows, panel.lengths.max()))
    back = np.arange(rows)[::-1]
    inside = back < panel.lengths[:, None]
    return np.where(inside, values[np.where(inside, panel.offsets[1:, None] - 1 - back, 0)], np.nan)
