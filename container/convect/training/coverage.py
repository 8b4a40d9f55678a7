"""How honest the intervals were in the backtest: coverage and quantile loss by group of items and by horizon step."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect import metrics
from convect.models.simple import Array
from convect.panel import Panel
from convect.training.scored import Scored

COLUMNS = ("by", "group", "steps", "items", "values", "coverage_80", "coverage_95", "SQL")
STEP_BLOCKS = 4
MOST_GROUPS = 20  # of one column; the smaller ones are told together
OTHER = "other"
HISTORY_ROWS = (50, 100, 200, 500)
Labels = NDArray[np.object_]


def table(panel: Panel, scored: Scored) -> pd.DataFrame:
    """Return one row a group of items and block of steps, the columns of COLUMNS; values counts what was compared.

    by: "all"; "history", rows of the series; "zeros", how many of its values are 0; and each column of the hierarchy
    and of the static attributes that has groups. steps: a block such as "1-7", first of all of them together.
    """
    if not len(scored.items):
        return pd.DataFrame(columns=list(COLUMNS))
    figures = _figures(scored)
    parts = []
    for by, names in labels(panel).items():
        rows = _largest(names)[scored.items]
        for steps, (count, figure) in figures.items():
            found = figure.groupby(rows).agg(["mean", "size"])
            parts.append(
                pd.DataFrame(
                    {
                        "by": by,
                        "group": found.index,
                        "steps": steps,
                        "items": pd.Series(scored.items).groupby(rows).nunique().to_numpy(),
                        "values": count * found["SQL"]["size"].to_numpy(),
                    }
                    | {name: found[name]["mean"].to_numpy() for name in COLUMNS[-3:]}
                ).sort_values("group", key=lambda groups: groups == OTHER, kind="stable")
            )
    return pd.concat(parts, ignore_index=True)


def _figures(scored: Scored) -> dict[str, tuple[int, pd.DataFrame]]:
    """For each block its number of steps, and for each row (r,) the means over them."""
    deciles = {level: scored.at(level) for level in metrics.DECILES}
    with np.errstate(invalid="ignore", divide="ignore"):
        loss = np.mean([metrics.pinball(scored.actual, f, q) for q, f in deciles.items()], axis=0)
        loss = loss / scored.scale[:, None]
    cells = {"coverage_80": _inside(scored, 0.1, 0.9), "coverage_95": _inside(scored, 0.025, 0.975), "SQL": loss}
    horizon = scored.actual.shape[1]
    bounds = np.array_split(np.arange(horizon), min(STEP_BLOCKS, horizon))
    blocks = {f"1-{horizon}": np.arange(horizon)} | {f"{one[0] + 1}-{one[-1] + 1}": one for one in bounds}
    return {
        name: (len(one), pd.DataFrame({figure: cell[:, one].mean(axis=1) for figure, cell in cells.items()}))
        for name, one in blocks.items()
    }


def _inside(scored: Scored, low: float, high: float) -> Array:
    return ((scored.actual >= scored.at(low)) & (scored.actual <= scored.at(high))).astype(float)


def labels(panel: Panel) -> dict[str, Labels]:
    """Return the label (n,) of each item under each thing it is grouped by."""
    zeros = np.add.reduceat((panel.values == 0).astype(float), panel.offsets[:-1]) / panel.lengths
    edges = [0, *HISTORY_ROWS]
    spans = [f"{low or 1}-{high - 1} rows" for low, high in zip(edges, HISTORY_ROWS, strict=False)]
    spans.append(f"{HISTORY_ROWS[-1]} rows or more")
    found = {
        "all": np.full(len(panel), "all", dtype=object),
        "history": np.array(spans, dtype=object)[np.searchsorted(HISTORY_ROWS, panel.lengths, side="right")],
        "zeros": np.array(["none", "up to half", "more than half"], dtype=object)[
            (zeros > 0) + (zeros > 0.5).astype(int)
        ],
    }
    for place, name in enumerate(panel.group_names):
        found[name] = panel.groups[:, place]
    for place, name in enumerate(panel.static_names):
        if name in panel.categories:
            texts = np.array([*panel.categories[name], ""], dtype=object)
            found[name] = texts[np.nan_to_num(panel.static[:, place], nan=-1).astype(int)]
    return found


def _largest(found: Labels) -> Labels:
    """The labels, but for the smallest groups of a column with many."""
    names, codes, counts = np.unique(found.astype(str), return_inverse=True, return_counts=True)
    if len(names) <= MOST_GROUPS:
        return found
    kept = np.zeros(len(names), bool)
    kept[np.argsort(-counts, kind="stable")[: MOST_GROUPS - 1]] = True
    return np.where(kept[codes], found, OTHER)
