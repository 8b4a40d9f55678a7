"""The long tables that leave the engine: forecasts, and the backtest row by row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect import intervals
from convect.backtest import Backtest
from convect.models.simple import Array
from convect.panel import Panel
from convect.training import ensemble
from convect.training.judgement import Judgement

Quantiles = tuple[float, ...]


def forecast_table(panel: Panel, forecasts: Array, levels: Quantiles, quantiles: Quantiles) -> pd.DataFrame:
    """Return the columns of `forecast_columns` as a table."""
    return pd.DataFrame(forecast_columns(panel, forecasts, levels, quantiles))


def forecast_columns(
    panel: Panel, forecasts: Array, levels: Quantiles, quantiles: Quantiles
) -> dict[str, NDArray[Any]]:
    """Return item_id, timestamp, mean and one column a quantile, sorted by item and stamp.

    forecasts: (n, h, 1 + Q), the mean and the quantiles at `levels`; `quantiles` are the ones wanted.
    """
    horizon = forecasts.shape[1]
    wanted = believable(panel, forecasts[..., 1:], levels, quantiles).reshape(-1, len(quantiles))
    table = {
        "item_id": np.repeat(panel.item_ids, horizon),
        "timestamp": panel.future_timestamps(horizon).ravel(),
        "mean": forecasts[..., 0].ravel(),
    }
    return table | {str(q): wanted[:, k] for k, q in enumerate(quantiles)}


def believable(panel: Panel, values: Array, levels: Quantiles, wanted: Quantiles) -> Array:
    """Return quantiles (n, h, len(wanted)) of quantiles (n, h, Q), within what each history makes believable."""
    found = pick(values, levels, wanted)
    if set(wanted) <= set(levels):
        return found
    low, high = ensemble.bounds([panel.series(item) for item in range(len(panel))])
    low, high = np.minimum(low, values.min(axis=(1, 2))), np.maximum(high, values.max(axis=(1, 2)))
    return np.clip(found, low[:, None, None], high[:, None, None])  # a tail drawn out further may leave them


def pick(values: Array, levels: Quantiles, wanted: Quantiles) -> Array:
    """Return quantiles (…, len(wanted)) of quantiles (…, Q): as they are where known, interpolated where not."""
    if set(wanted) <= set(levels):
        return values[..., [levels.index(level) for level in wanted]]
    return intervals.interpolate(values, levels, wanted)


def backtest_table(panel: Panel, backtest: Backtest, judged: Judgement, quantiles: Quantiles) -> pd.DataFrame:
    """Return item_id, cutoff, step, model, actual, forecast and the ensemble's quantiles (NaN for single models).

    cutoff is the stamp of the last value that was known.
    """
    rows, steps = judged.mean.shape
    items = backtest.origins.items[backtest.origins.past]
    ends = backtest.origins.ends[backtest.origins.past]
    common = {
        "item_id": labels(np.repeat(items, steps), panel.item_ids),
        "cutoff": np.repeat(panel.frequency.instants(panel.starts[items] + ends - 1), steps),
        "step": np.tile(np.arange(1, steps + 1), rows),
        "actual": backtest.actual.ravel(),
    }
    names = [ensemble.NAME, *backtest.predictions]
    parts = []
    for name in names:
        forecast = judged.mean if name == ensemble.NAME else backtest.past(name)
        model = labels(np.full(rows * steps, names.index(name)), names)
        parts.append(pd.DataFrame(common | {"model": model, "forecast": forecast.ravel()}))
    wanted = pick(judged.quantiles, judged.intervals.levels, quantiles).reshape(-1, len(quantiles))
    for k, quantile in enumerate(quantiles):
        parts[0][str(quantile)] = wanted[:, k]
    table = pd.concat(parts, ignore_index=True)
    order = ["item_id", "cutoff", "step", "model", "actual", "forecast", *map(str, quantiles)]
    return table[order]


def labels(codes: Any, names: Any) -> pd.Categorical:  # noqa: ANN401 - arrays, which pandas takes and its stubs refuse
    """Return names by their place as a categorical column."""
    return pd.Categorical.from_codes(codes, names)
