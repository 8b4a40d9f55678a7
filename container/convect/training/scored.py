"""What the ensemble said of some series in the backtest, beside what happened: all that is needed to judge it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from convect import metrics
from convect.backtest import Backtest
from convect.models.simple import Array
from convect.panel import Panel
from convect.results import pick
from convect.training.judgement import Judgement

Rows = NDArray[np.int64] | NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Scored:
    """r rows, one an item and cutoff, of h steps.

    items: (r,) positions in a panel; ends: (r,) values known at the cutoff; actual, mean: (r, h);
    quantiles: (r, h, Q) at `levels`; scale: (r,) denominators of MASE, NaN where there is none.
    """

    items: NDArray[np.int64]
    ends: NDArray[np.int64]
    actual: Array
    mean: Array
    quantiles: Array
    scale: Array
    levels: tuple[float, ...]

    def take(self, rows: Rows, steps: slice = slice(None)) -> Scored:
        """Return some of the rows and steps."""
        parts = (self.actual[rows, steps], self.mean[rows, steps], self.quantiles[rows, steps])
        return Scored(self.items[rows], self.ends[rows], *parts, self.scale[rows], self.levels)

    def figures(self) -> dict[str, float]:
        """Return MASE, WAPE, SQL and the coverage of the central 80 and 95 %; NaN where nothing was scored."""
        names = ("MASE", "WAPE", "SQL", "coverage_80", "coverage_95")
        if not self.actual.size:
            return dict.fromkeys(names, np.nan)
        deciles = {level: self.at(level) for level in metrics.DECILES}
        found = (
            metrics.mase(self.actual, self.mean, self.scale),
            metrics.wape(self.actual, self.mean),
            metrics.sql(self.actual, deciles, self.scale),
            metrics.coverage(self.actual, self.at(0.1), self.at(0.9)),
            metrics.coverage(self.actual, self.at(0.025), self.at(0.975)),
        )
        return dict(zip(names, found, strict=True))

    def at(self, level: float) -> Array:
        """Return the quantile (r, h) of a level."""
        return np.asarray(self.quantiles[..., self.levels.index(level)])


def scored_of(backtest: Backtest, judged: Judgement) -> Scored:
    """Return what the ensemble said at all origins but the last ones, which nothing is known after."""
    rows = backtest.origins.past
    items, ends = backtest.origins.items[rows], backtest.origins.ends[rows]
    return Scored(items, ends, backtest.actual, judged.mean, judged.quantiles, backtest.scale, judged.intervals.levels)


def scored_table(panel: Panel, scored: Scored, model: str, quantiles: tuple[float, ...]) -> pd.DataFrame:
    """Return item_id, cutoff, step, model, actual, forecast and the wanted quantiles, as `results.backtest_table`."""
    rows, steps = scored.mean.shape
    wanted = pick(scored.quantiles, scored.levels, quantiles)
    table = {
        "item_id": np.repeat(panel.item_ids[scored.items], steps),
        "cutoff": np.repeat(panel.frequency.instants(panel.starts[scored.items] + scored.ends - 1), steps),
        "step": np.tile(np.arange(1, steps + 1), rows),
        "model": model,
        "actual": scored.actual.ravel(),
        "forecast": scored.mean.ravel(),
    }
    return pd.DataFrame(table | {str(q): wanted[..., k].ravel() for k, q in enumerate(quantiles)})


def stacked(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return tables one below the other, their columns item_id and model categories of all the names there are."""
    named = {
        name: union_categoricals([table[name].astype("category") for table in tables]) for name in ("item_id", "model")
    }
    rest = [table.drop(columns=list(named)) for table in tables]
    return pd.concat(rest, ignore_index=True).assign(**named)[tables[0].columns]
