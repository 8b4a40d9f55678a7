"""A forecast held against what happened after training: the scores of the `test` channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect import metrics
from convect.artifact import Artifact
from convect.errors import DataError
from convect.frequency import Frequency
from convect.models.features import Index
from convect.models.simple import Array
from convect.panel import Panel
from convect.reading.columns import plain
from convect.reading.finer import broken, finer_steps, spanned
from convect.reading.intake import Rows, read_rows, telling
from convect.reading.repair import Cells, aggregate
from convect.schema import Schema


@dataclass(frozen=True, eq=False)
class Actuals:
    """What happened in the steps after training: values (n, h) by item, `item_ids` (n,); NaN where not told."""

    item_ids: NDArray[np.object_]
    values: Array

    @property
    def count(self) -> int:
        """How many values there are."""
        return int(np.isfinite(self.values).sum())

    @property
    def items(self) -> int:
        """How many items have a value."""
        return int(np.isfinite(self.values).any(axis=1).sum())


def read_actuals(
    table: pd.DataFrame, schema: Schema, panel: Panel, horizon: int, how: str, *, stated: bool = False
) -> Actuals:
    """Return the values of a table that lie within `horizon` steps of the end of the panel's items.

    The table may hold whole series; `how` makes rows of one item and stamp one, as in training, and
    those of one step where the frequency is `stated` and the table is finer.
    Raises DataError where the table cannot be read, or has no such value.
    """
    rows = read_rows(plain(table), schema)
    cells = _cells(rows, panel.frequency, how, stated=stated)
    place = pd.Index(panel.item_ids).get_indexer(pd.Index(rows.ids))[cells.items]
    step = cells.ordinals - panel.ends[place]
    inside = (place >= 0) & (step >= 1) & (step <= horizon)
    values = np.full((len(panel), horizon), np.nan)
    values[place[inside], step[inside] - 1] = cells.target[inside]
    if np.isnan(values).all():
        message = f"No row of channel 'test' lies in the {horizon} steps after the end of a series that is trained on."
        raise DataError(message, "Give the values that follow those of channel 'train', for the same items.")
    return Actuals(panel.item_ids, values)


def _cells(rows: Rows, frequency: Frequency, how: str, *, stated: bool) -> Cells:
    stamps, target = rows.reading.instants, rows.target.values
    nothing, none_coded = np.empty((len(stamps), 0)), np.zeros(0, bool)
    steps = finer_steps(*telling(rows), frequency) if stated else None
    if steps is None:
        return aggregate(rows.items, frequency.ordinal(stamps), target, nothing, none_coded, how)
    steps = spanned(steps, stamps, target)
    whole = np.where(broken(steps, rows.items, stamps, target), np.nan, target)
    return aggregate(rows.items, steps.ordinals(stamps), whole, nothing, none_coded, how, stamps)


def score(artifact: Artifact, actuals: Actuals, panel: Panel) -> dict[str, float]:
    """Return each metric of the artifact's forecasts, over the actual values that are known.

    panel: the items with their whole histories, which the scaled errors are in units of; both it and the artifact may
    have more items than there are actual values of.
    """
    told = np.flatnonzero(np.isfinite(actuals.values).any(axis=1))
    known, trained = (
        pd.Index(ids).get_indexer(pd.Index(actuals.item_ids[told])) for ids in (panel.item_ids, artifact.panel.item_ids)
    )
    actual, forecast = actuals.values[told], artifact.forecasts[trained, :, 0]
    deciles = _quantiles(artifact, trained)
    histories = [panel.series(int(item)) for item in known]
    scale = np.array([metrics.seasonal_scale(history, artifact.season) for history in histories])
    squared = np.array([metrics.seasonal_scale_squared(history, artifact.season) for history in histories])
    found = {"MASE": metrics.mase(actual, forecast, scale), "RMSSE": metrics.rmsse(actual, forecast, squared)}
    found |= {name: function(actual, forecast) for name, function in metrics.UNSCALED.items()}
    found |= {"SQL": metrics.sql(actual, deciles, scale), "wQL": metrics.wql(actual, deciles)}
    return found | {"coverage80": metrics.coverage(actual, deciles[0.1], deciles[0.9])}


def _quantiles(artifact: Artifact, rows: Index) -> dict[float, Array]:
    levels = artifact.intervals.levels
    return {level: artifact.forecasts[rows, :, 1 + levels.index(level)] for level in metrics.DECILES}
