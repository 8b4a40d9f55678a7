"""The page's tables: the models, where the error is, how honest the intervals are, what covariates do."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from convect.models.simple import NAIVE
from convect.report.windows import Floats
from convect.training import ensemble

STEP_BLOCKS = 7
SIZE_CLASSES = ("largest quarter", "second quarter", "third quarter", "smallest quarter")
MOST_GROUPS = 12  # of one kind; the others are told together
PROMISES = (("coverage_80", 0.8), ("coverage_95", 0.95))


@dataclass(frozen=True)
class Where:
    """A part of all errors: of so many items, their error in units of the actual values and of the naive error."""

    name: str
    items: int
    error: float
    naive: float
    share: float


def models(leaderboard: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of the leaderboard, best first; `kind` tells the ensemble and seasonal naive from the others."""
    kinds = {ensemble.NAME: "chosen", NAIVE: "naive"}
    return [row | {"kind": kinds.get(row["model"], "")} for row in records(leaderboard)]


def by_step(steps: Floats) -> list[Where]:
    """Return the errors by block of steps ahead, from sums (3, h) of actual values, errors and naive errors."""
    horizon = steps.shape[1]
    blocks = np.array_split(np.arange(horizon), min(STEP_BLOCKS, horizon))
    names = [f"{one[0] + 1}" if len(one) == 1 else f"{one[0] + 1} to {one[-1] + 1}" for one in blocks]  # fmt: skip
    cells = [(name, 0, *steps[:, one].sum(axis=1).tolist()) for name, one in zip(names, blocks, strict=True)]
    return _wheres(cells)


def by_size(items: pd.DataFrame) -> list[Where]:
    """Return the errors by size of series, in four classes of as many; too few series make none."""
    if len(items) < 2 * len(SIZE_CLASSES):
        return []
    classes = np.array_split(np.argsort(-items["size"].to_numpy(), kind="stable"), len(SIZE_CLASSES))
    sums = [items.iloc[one][["items", "actual", "error", "naive"]].sum().tolist() for one in classes]
    return _wheres([(name, *row) for name, row in zip(SIZE_CLASSES, sums, strict=True)])


def by_group(groups: pd.DataFrame) -> dict[str, list[Where]]:
    """Return the errors by group under each thing that makes more than one, those with most error first."""
    found = {}
    for by in groups.index.unique("by") if len(groups) else []:
        of = groups.loc[by].sort_values("error", ascending=False, kind="stable")
        rows = [(str(name), *row) for name, row in zip(of.index, of.to_numpy().tolist(), strict=True)]
        if len(rows) > MOST_GROUPS:
            rest = of.iloc[MOST_GROUPS - 1 :].sum().tolist()
            rows = [*rows[: MOST_GROUPS - 1], (f"{len(rows) - MOST_GROUPS + 1} others", *rest)]
        if len(rows) > 1:
            found[str(by)] = _wheres(rows)
    return found


def coverage(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of `coverage.table` worth a look: all, by steps, and each group over all steps."""
    if not len(table):
        return []
    whole = table["steps"].iloc[0]
    every = table[(table["by"] == "all") | (table["steps"] == whole)]
    rows = []
    for row in records(every):
        alone = (table["by"] == row["by"]) & (table["steps"] == whole)
        if row["by"] == "all":
            title = ("all series", "all steps") if row["steps"] == whole else ("steps ahead", row["steps"])
        elif alone.sum() > 1:
            title = (row["by"], row["group"])
        else:
            continue
        rows.append({"kind": title[0], "name": title[1], **row})
    return rows


def effects(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the covariates' effects, each with its interval as places in a bar from -1 to 1, and what it says."""
    if table is None:
        return []
    rows = []
    for row in records(table):
        reach = max(abs(row["low_95"]), abs(row["high_95"]), abs(row["effect"]))
        if math.isfinite(reach) and reach > 0:
            places = {name: row[name] / reach for name in ("effect", "low_95", "high_95")}
            sure = "raises" if row["low_95"] > 0 else "lowers" if row["high_95"] < 0 else "may not matter"
            rows.append({**row, "places": places, "word": sure})
    return rows


def records(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return the rows of a table by column name, none of no table."""
    return [] if table is None else [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _wheres(rows: Iterable[tuple[Any, ...]]) -> list[Where]:
    """Rows of name, items, actual, error, naive error."""
    found = list(rows)
    total = sum(row[3] for row in found)
    return [
        Where(name, int(items), _ratio(error, actual), _ratio(error, naive), _ratio(error, total))
        for name, items, actual, error, naive in found
    ]


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole > 0 else math.nan
