"""What the data check found and did about it, counted by kind and by item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from convect.panel import Panel

COLUMNS = ("item_id", "finding", "count", "action")


@dataclass
class Findings:
    """Sums up counts for the items `ids` (n,); a finding about a whole table has the item id ""."""

    ids: NDArray[np.object_]
    _counts: dict[tuple[str, str, bool], NDArray[np.int64]] = field(default_factory=dict)

    def add(self, finding: str, counts: ArrayLike, action: str) -> None:
        """Note counts (n,) by item, beside those noted before; zeros are left out."""
        total = self._counts.setdefault((finding, action, False), np.zeros(len(self.ids), np.int64))
        total += np.asarray(counts, np.int64)

    def add_rows(self, finding: str, items: NDArray[np.int64], mask: NDArray[np.bool_], action: str) -> None:
        """Note how many rows of each item are in `mask`; items and mask are (rows,)."""
        self.add(finding, np.bincount(items[mask], minlength=len(self.ids)) if mask.any() else 0, action)

    def add_table(self, finding: str, count: int, action: str) -> None:
        """Note something about a table as a whole."""
        self._counts[finding, action, True] = np.array([count], np.int64)

    def frame(self) -> pd.DataFrame:
        """Return the table item_id, finding, count, action; in the order the checks were made, then by item."""
        found = [self._entry(*key, counts) for key, counts in self._counts.items() if counts.any()]
        if found:
            return pd.concat(found, ignore_index=True)
        return pd.DataFrame({name: pd.Series(dtype="int64" if name == "count" else object) for name in COLUMNS})

    def _entry(self, finding: str, action: str, whole: bool, counts: NDArray[np.int64]) -> pd.DataFrame:
        hit = np.flatnonzero(counts)
        ids = np.array([""], dtype=object) if whole else self.ids
        table = {"item_id": ids[hit], "finding": finding, "count": counts[hit], "action": action}
        return pd.DataFrame(table, columns=list(COLUMNS))


@dataclass(frozen=True, eq=False)
class QualityReport:
    """The findings of a data check and what is left after the repairs.

    `findings`: item_id ("" for a whole table), finding, count, action. `first` and `last` are ISO stamps;
    `observed` counts the rows that were not filled in.
    """

    findings: pd.DataFrame
    items: int
    rows: int
    observed: int
    first: str
    last: str
    frequency: str
    frequency_inferred: bool

    @classmethod
    def of(cls, panel: Panel, findings: Findings, frequency_inferred: bool) -> QualityReport:
        """Return the report on a panel."""
        ends = panel.frequency.from_ordinal([panel.starts.min(), panel.ends.max()])
        return cls(
            findings.frame(),
            len(panel),
            len(panel.values),
            int(panel.observed.sum()),
            ends[0].isoformat(),
            ends[1].isoformat(),
            panel.frequency.alias,
            frequency_inferred,
        )

    def summary(self) -> dict[str, Any]:
        """Return the totals, fit for JSON: items, rows, first and last stamp, and per finding items, count, action."""
        totals: dict[str, dict[str, Any]] = {}
        for name, group in self.findings.groupby("finding", sort=False):
            action = str(group["action"].iloc[0])
            totals[str(name)] = {"items": len(group), "count": int(group["count"].sum()), "action": action}
        plain = {name: value for name, value in vars(self).items() if name != "findings"}
        return {**plain, "findings": totals}

    def aggregated(self) -> str:
        """Return in a sentence what became of a table finer than its steps, "" where it was not."""
        totals = self.summary()["findings"]
        if "finer" not in totals:
            return ""
        rows, steps, broken = (totals.get(name, {}).get("count", 0) for name in ("finer", "finer_steps", "broken_step"))
        left = f"; {broken} rows of first or last steps that are not whole are not used" if broken else ""
        return f"{rows} rows became {steps} steps ({totals['finer']['action']}){left}"

    def to_dict(self) -> dict[str, Any]:
        """Return everything, fit for JSON: `summary` and `findings`, a list of one object a row."""
        rows = zip(*(self.findings[name].tolist() for name in COLUMNS), strict=True)
        return {"summary": self.summary(), "findings": [dict(zip(COLUMNS, row, strict=True)) for row in rows]}
