"""Forecasts beside what came and beside the backtest, as sums by item; and the report made of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .judging import Sides, decide, judge_groups, judge_items

ITEM, TIME, TARGET, CUTOFF, STEP = "item_id", "timestamp", "target", "cutoff", "step"
LOWER, UPPER = "0.1", "0.9"  # the ends of the 80 % interval


@dataclass(frozen=True)
class Report:
    """What `monitor` finds: a row a group, a row an item (the worst first), and what to do, with its reason."""

    groups: pd.DataFrame
    items: pd.DataFrame
    retrain: bool
    reason: str

    @property
    def flags(self) -> int:
        """The number of flags raised for groups."""
        return int(self.groups[["error_flag", "coverage_flag"]].to_numpy().sum())


def monitor(
    forecasts: pd.DataFrame,
    actuals: pd.DataFrame,
    backtest: pd.DataFrame,
    history: pd.DataFrame | None = None,
    groups: pd.DataFrame | None = None,
    *,
    season_steps: int = 1,
    model: str = "Ensemble",
) -> Report:
    """Compare forecasts with what came, beside what the training's `backtest.parquet` promised.

    `forecasts` has item_id, timestamp, mean and quantiles (and, of several forecasts, each one's `cutoff`); `actuals`
    and `history` item_id, timestamp and target. With the history, errors are MASE and SQL: in units of its mean
    seasonal change. Each column of `groups`, which has a row an item, is a way to group them. Items that the backtest
    has not are left out.

    Raises:
        ValueError: no forecast has its actual, or none of those that have it is in the backtest.
    """
    came = joined(forecasts, actuals)
    own = backtest.loc[backtest["model"].astype(str) == model].astype({ITEM: str})
    promised = own.merge(came[[ITEM, STEP]].drop_duplicates(), on=[ITEM, STEP])
    if promised.empty:
        found = f"{len(came)} of {len(forecasts)} forecasts have an actual, and {len(own)} rows of {model} a backtest"
        raise ValueError(f"There is nothing to compare: {found}, none for the same item and step.")
    scale = mean_size(promised) if history is None else naive_error(history, season_steps)
    compared = sides(came, promised, scale)
    judged = judge_groups(compared, groups, scaled=history is not None)
    return Report(judged, judge_items(compared), *decide(judged))


def joined(forecasts: pd.DataFrame, actuals: pd.DataFrame) -> pd.DataFrame:
    """Return the forecasts that have an actual, in the columns of a backtest: item_id, step, actual, forecast, …"""
    keys = [ITEM, *({CUTOFF} & set(forecasts))]
    frame = forecasts.assign(**{TIME: pd.to_datetime(forecasts[TIME])}).astype({ITEM: str}).sort_values([*keys, TIME])
    frame = frame.assign(**{STEP: frame.groupby(keys).cumcount() + 1}).rename(columns={"mean": "forecast"})
    seen = actuals.assign(**{TIME: pd.to_datetime(actuals[TIME])}).astype({ITEM: str})
    return frame.merge(seen[[ITEM, TIME, TARGET]].rename(columns={TARGET: "actual"}).dropna(), on=[ITEM, TIME])


def naive_error(history: pd.DataFrame, season_steps: int) -> pd.Series[float]:
    """Return by item the mean absolute change over a season of rows, the unit of MASE; NaN where nothing changes."""
    ordered = history.astype({ITEM: str}).sort_values([ITEM, TIME])
    change = ordered.groupby(ITEM)[TARGET].diff(season_steps).abs()
    return change.groupby(ordered[ITEM]).mean().replace(0.0, np.nan)


def mean_size(rows: pd.DataFrame) -> pd.Series[float]:
    """Return by item the mean absolute actual: a unit where no history is at hand; NaN where all are zero."""
    return rows["actual"].abs().groupby(rows[ITEM]).mean().replace(0.0, np.nan)


def sides(came: pd.DataFrame, promised: pd.DataFrame, scale: pd.Series[float]) -> Sides:
    """Return the tables of `sums` "now", "promised" and of each window of the backtest, over the items that have both.

    The windows are called "1", "2", …, the newest first; an item that lacks one is NaN there.
    """
    window = promised.groupby(ITEM)[CUTOFF].rank("dense", ascending=False).astype(int)
    parts = {"now": sums(came, scale), "promised": sums(promised, scale)}
    parts |= {str(number): sums(rows, scale) for number, rows in promised.groupby(window)}
    items = parts["now"].index.intersection(parts["promised"].index)
    return {name: part.reindex(items) for name, part in parts.items()}


def sums(rows: pd.DataFrame, scale: pd.Series[float]) -> pd.DataFrame:
    """Return by item the sums over its rows, and `scaled` and `scaled_loss`: its mean errors over its scale.

    values: how many; error: |actual - forecast|; loss: twice the pinball loss, averaged over the quantiles; inside: the
    80 % interval, NaN without quantiles; signed: forecast - actual; size: |actual|.
    """
    error = rows["actual"] - rows["forecast"]
    known = {LOWER, UPPER} <= set(rows)
    columns = {
        "values": error * 0 + 1,
        "error": error.abs(),
        "loss": quantile_loss(rows),
        "inside": rows["actual"].between(rows[LOWER], rows[UPPER]).astype(float) if known else error * np.nan,
        "signed": -error,
        "size": rows["actual"].abs(),
    }
    found = pd.DataFrame(columns).groupby(rows[ITEM]).sum(min_count=1)
    unit = found["values"] * scale.reindex(found.index)
    return found.assign(scaled=found["error"] / unit, scaled_loss=found["loss"] / unit)


def quantile_loss(rows: pd.DataFrame) -> pd.Series[float]:
    """Return twice the pinball loss of each row, the mean over its quantiles; without any, the absolute error."""
    numbers = [name for name in map(str, rows.columns) if name.replace(".", "", 1).isdigit() and 0 < float(name) < 1]
    levels = {float(name): rows[name] for name in numbers} or {0.5: rows["forecast"]}
    misses = {level: rows["actual"] - values for level, values in levels.items()}
    losses = [2 * np.maximum(level * miss, (level - 1) * miss) for level, miss in misses.items()]
    return pd.Series(np.mean(losses, axis=0), index=rows.index)
