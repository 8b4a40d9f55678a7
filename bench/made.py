"""Made daily series, as many as wanted, written without holding more than one file of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SERIES_PER_FILE = 5_000
FIRST_DAY = "2023-01-01"
WEEK_DAYS, YEAR_DAYS = 7, 365.25


def values(count: int, points: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return series (count, points): level, trend, week, year, and noise that remembers; never negative.

    Levels differ by orders of magnitude, and one series in ten is mostly zeros.
    """
    day = np.arange(points)
    level = np.exp(rng.normal(4.0, 1.5, (count, 1)))
    trend = 1 + rng.normal(0.0, 0.3, (count, 1)) * day / points
    week = np.take(rng.normal(0.0, 0.25, (count, WEEK_DAYS)), day % WEEK_DAYS, axis=1)
    year = rng.uniform(0.0, 0.3, (count, 1)) * np.sin(2 * np.pi * (day / YEAR_DAYS + rng.random((count, 1))))
    noise = rng.normal(0.0, 0.15, (count, points))
    noise[:, 1:] += 0.6 * noise[:, :-1]
    made = level * np.maximum(trend + week + year + noise, 0.0)
    made[rng.random(count) < 0.1] *= rng.random(points) < 0.3
    return np.round(made, 2)


def write(folder: Path, series: int, points: int, seed: int) -> None:
    """Write tables item_id, timestamp, target into a folder, a few thousand series a file."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    days = pd.date_range(FIRST_DAY, periods=points, freq="D")
    for first in range(0, series, SERIES_PER_FILE):
        names = [f"item_{number:06}" for number in range(first, min(first + SERIES_PER_FILE, series))]
        table = {
            "item_id": pd.Categorical.from_codes(np.repeat(np.arange(len(names)), points).tolist(), pd.Index(names)),
            "timestamp": np.tile(days.to_numpy(), len(names)),
            "target": values(len(names), points, rng).ravel(),
        }
        pd.DataFrame(table).to_parquet(folder / f"part-{first:06}.parquet", index=False)


def write_monthly(path: Path, series: int, points: int, seed: int, first: str = "2014-01-01") -> pd.DataFrame:
    """Write one Parquet table of monthly series with a year's rhythm and return it."""
    rng = np.random.default_rng(seed)
    month = np.arange(points)
    level = np.exp(rng.normal(4.0, 1.0, (series, 1)))
    year = rng.uniform(0.05, 0.4, (series, 1)) * np.sin(2 * np.pi * (month / 12 + rng.random((series, 1))))
    trend = 1 + rng.normal(0.0, 0.3, (series, 1)) * month / points
    made = np.round(level * (trend + year + rng.normal(0.0, 0.05, (series, points))), 2)
    table = pd.DataFrame(
        {
            "item_id": np.repeat([f"item_{number:06}" for number in range(series)], points),
            "timestamp": np.tile(pd.date_range(first, periods=points, freq="MS").to_numpy(), series),
            "target": made.ravel(),
        }
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_parquet(path, index=False)
    return table
