"""The table of every model and the ensemble in the backtest, each against seasonal naive, with what it cost."""

from __future__ import annotations

import numpy as np
import pandas as pd

from convect import metrics
from convect.backtest import Backtest
from convect.intervals import Intervals
from convect.models.simple import NAIVE, Array
from convect.select import Weights
from convect.training import ensemble
from convect.training.judgement import Judgement

COLUMNS = ("MASE", "sMAPE", "WAPE", "RMSE", "RMSSE", "SQL", "wQL", "coverage_80", "coverage_95")


def table(backtest: Backtest, weights: Weights, judged: Judgement) -> pd.DataFrame:
    """Return one row a model, best first, the ensemble among them.

    Columns: model, the metrics, relative_MASE (to seasonal naive), weight in the group, cpu_seconds, fallbacks
    (origins at which it failed). Without a scored window the metrics are NaN.
    """
    levels = judged.intervals.levels
    own = Intervals(levels, np.full((backtest.horizon, len(levels)), np.nan), np.ones(1))
    rows = [_row(backtest, ensemble.NAME, judged.mean, judged.quantiles, levels)]
    for name, predicted in backtest.predictions.items():
        past = backtest.origins.past
        spread = predicted.spread[past]
        known = bool(len(past)) and bool(np.isfinite(spread).all())
        own_quantiles = (
            own.quantiles(predicted.mean[past], spread, backtest.scale, backtest.size, np.ones(len(past)))
            if known
            else None
        )
        row = _row(backtest, name, predicted.mean[past], own_quantiles, levels)
        share = float(weights.group[weights.models.index(name)])
        rows.append(
            row | {"weight": share, "cpu_seconds": predicted.seconds, "fallbacks": int(predicted.fallback.sum())}
        )
    board = pd.DataFrame(rows, columns=["model", *COLUMNS, "weight", "cpu_seconds", "fallbacks"])
    board.loc[0, ["weight", "cpu_seconds"]] = (1.0, board["cpu_seconds"].sum())
    board["fallbacks"] = board["fallbacks"].fillna(0).astype(int)
    naive = board.loc[board["model"] == NAIVE, "MASE"].iloc[0]
    board.insert(2, "relative_MASE", board["MASE"] / naive)
    return board.sort_values("MASE", kind="stable", na_position="last").reset_index(drop=True)


def _row(
    backtest: Backtest, name: str, mean: Array, quantiles: Array | None, levels: tuple[float, ...]
) -> dict[str, float | str]:
    if not len(mean):
        return {"model": name}
    actual, scale = backtest.actual, backtest.scale
    row: dict[str, float | str] = {"model": name, "MASE": metrics.mase(actual, mean, scale)}
    row |= {metric: function(actual, mean) for metric, function in metrics.UNSCALED.items()}
    row["RMSSE"] = metrics.rmsse(actual, mean, backtest.scale_squared)
    if quantiles is None:
        return row
    deciles = {level: quantiles[..., k] for k, level in enumerate(levels) if level in metrics.DECILES}
    row |= {"SQL": metrics.sql(actual, deciles, scale), "wQL": metrics.wql(actual, deciles)}
    for percent, (low, high) in {80: (0.1, 0.9), 95: (0.025, 0.975)}.items():
        lower, upper = (quantiles[..., levels.index(level)] for level in (low, high))
        row[f"coverage_{percent}"] = metrics.coverage(actual, lower, upper)
    return row
