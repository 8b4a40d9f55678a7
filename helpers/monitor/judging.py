"""Which groups and which series are worse than their backtest, and whether that is a reason to train again."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd

from .chance import FEWEST_ITEMS, at_most, ratio_bounds, share_bounds

Sides = Mapping[str, pd.DataFrame]  # of the same items: "now", "promised", then each window of the backtest
ITEM = "item_id"
CHANCE = 0.05  # of any flag at all, where nothing has changed
ERROR_MATTERS, COVERAGE_MATTERS, ITEM_MATTERS = 1.25, 0.1, 1.5  # times the error, share of values, times the error
SPREADS = 3.0  # from the median of all series to one that is worse by itself
NORMAL_SPREAD = 1.4826  # a normal distribution's standard deviation over its median absolute deviation


def judge_groups(compared: Sides, groups: pd.DataFrame | None, *, scaled: bool) -> pd.DataFrame:
    """Return one row a group of the items: figures now and promised, bounds, and its two flags.

    ratio: the mean error, in each item's unit, over that of the backtest; bias: of the forecast, over what came.
    """
    members = list(memberships(compared["now"].index, groups))
    judged = sum(len(items) >= FEWEST_ITEMS for _, _, items in members)
    chance = CHANCE / max(1, 2 * judged)
    rows = [
        {"by": by, "group": name, **figures({key: side.loc[items] for key, side in compared.items()}, chance)}
        for by, name, items in members
    ]
    unknown = [] if scaled else ["MASE", "MASE_promised", "SQL", "SQL_promised"]
    return pd.DataFrame(rows).drop(columns=unknown)


def memberships(items: pd.Index[str], groups: pd.DataFrame | None) -> Iterator[tuple[str, str, pd.Index[str]]]:
    """Yield (by, group, its items): first all of them, then each group of each column."""
    yield "all", "all", items
    if groups is not None:
        told = groups.astype({ITEM: str}).set_index(ITEM).reindex(items)
        for by in told.columns:
            for name, rows in told.groupby(by):
                yield str(by), str(name), rows.index


def figures(compared: Sides, chance: float) -> dict[str, object]:
    """Return the figures of a group of items."""
    now, promised, *windows = compared.values()
    ratio, least, _ = ratio_bounds(now["scaled"].to_numpy(), promised["scaled"].to_numpy(), chance)
    change, _, most = share_bounds(counts(now), counts(promised), chance)
    worse = least > 1 and ratio > ERROR_MATTERS and now["scaled"].mean() > max(w["scaled"].mean() for w in windows)
    misses = most < 0 and change < -COVERAGE_MATTERS and share(now) < min(share(window) for window in windows)
    return {
        "items": len(now),
        "values": int(now["values"].sum()),
        "MASE": now["scaled"].mean(),
        "MASE_promised": promised["scaled"].mean(),
        "SQL": now["scaled_loss"].mean(),
        "SQL_promised": promised["scaled_loss"].mean(),
        "WAPE": total(now, "error", "size"),
        "WAPE_promised": total(promised, "error", "size"),
        "bias": total(now, "signed", "size"),
        "ratio": ratio,
        "ratio_at_least": least,
        "coverage_80": share(now),
        "coverage_80_promised": share(promised),
        "coverage_80_at_most": min(1.0, share(promised) + most),
        "error_flag": bool(worse),
        "coverage_flag": bool(misses),
    }


def counts(side: pd.DataFrame) -> np.ndarray:
    """Return (n, 2): by item the values inside the interval, and all values."""
    return side[["inside", "values"]].to_numpy()


def share(side: pd.DataFrame) -> float:
    """Return the share of a group's values inside the interval; NaN where the forecast has none."""
    return total(side, "inside", "values")


def total(side: pd.DataFrame, above: str, below: str) -> float:
    """Return the ratio of two columns' sums; NaN where the second is zero."""
    size = side[below].sum()
    return float(side[above].sum(min_count=1) / size) if size else math.nan


def judge_items(compared: Sides) -> pd.DataFrame:
    """Return one row an item, the worst against its own backtest first.

    ratio: error now over that of the backtest. worse: by `ITEM_MATTERS`, and by `SPREADS` robust standard deviations of
    the ratio's logarithm from the median of all items. missed: fewer values inside than chance allows (binomial, its
    values taken to be independent, 5 % shared by all items).
    """
    now, promised, *_ = compared.values()
    ratio = (now["error"] / now["values"]) / (promised["error"] / promised["values"])
    logs = np.log(ratio.where(ratio > 0))
    usual = logs[np.isfinite(logs)].median()
    deviation = NORMAL_SPREAD * (logs[np.isfinite(logs)] - usual).abs().median()
    kept = share(promised)
    odds = [at_most(int(k), int(n), kept) if math.isfinite(k + kept) else math.nan for k, n in counts(now)]
    columns = {
        "values": now["values"].astype(int),
        "ratio": ratio,
        "WAPE": now["error"] / now["size"],
        "WAPE_promised": promised["error"] / promised["size"],
        "bias": now["signed"] / now["size"],
        "coverage_80": now["inside"] / now["values"],
        "worse": (logs > usual + SPREADS * deviation) & (ratio > ITEM_MATTERS),
        "missed": np.array(odds) < CHANCE / len(now),
    }
    return pd.DataFrame(columns).sort_values("ratio", ascending=False, kind="stable")


def decide(judged: pd.DataFrame) -> tuple[bool, str]:
    """Return whether to train again, and why, by the table of `judge_groups`: where there is a flag."""
    flagged = judged[judged["error_flag"] | judged["coverage_flag"]]
    whole = judged.iloc[0]
    if flagged.empty and whole["items"] < FEWEST_ITEMS:
        return False, f"{told(whole)} Of fewer than {FEWEST_ITEMS} series it is not said what is chance: look yourself."
    if flagged.empty:
        return False, f"{told(whole)} That is no worse than chance, the backtest's own windows or what matters allow."
    return True, " ".join([*(told(row) for _, row in flagged.iterrows()), "See first whether what happened will stay."])


def told(row: pd.Series) -> str:
    """Return a group's figures as a sentence."""
    name = "All series" if row["by"] == "all" else f"{row['by']} {row['group']}"
    parts = [f"the error is {row['ratio']:.2f} times that of the backtest{bound(row['ratio_at_least'])}"]
    if math.isfinite(row["coverage_80"]):
        promised = f"in an interval that held {row['coverage_80_promised']:.0%}"
        parts.append(f"{row['coverage_80']:.0%} of values are {promised}")
    return f"{name}: {', and '.join(parts)}."


def bound(least: float) -> str:
    """Return the lower bound of a ratio as a remark."""
    return f" (at least {least:.2f})" if math.isfinite(least) else ""
