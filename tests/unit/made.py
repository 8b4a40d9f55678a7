"""Small series and tables made for the tests of the engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from convect.backtest import Backtest, Origins
from convect.config import Config
from convect.folds import Fold
from convect.frequency import Frequency
from convect.models.local import Predictions
from convect.panel import Panel

Array = NDArray[np.float64]


def quiet(_: str) -> None:
    """Take a line of progress and say nothing."""


def fast(**settings: Any) -> Config:
    return Config(**{"preset": "fast", "horizon": 6, **settings})


def wave(rows: int, season: int, *, level: float = 50.0, noise: float = 1.0, seed: int = 0) -> Array:
    """A sine around a level, with noise."""
    rng = np.random.default_rng(seed)
    return level + 10 * np.sin(2 * np.pi * np.arange(rows) / season) + noise * rng.normal(size=rows)


def table(items: int = 3, rows: int = 60, freq: str = "D", season: int = 7, **shape: Any) -> pd.DataFrame:
    """Columns item_id, timestamp and target: waves at the levels 50, 100, ..."""
    stamps = pd.date_range("2024-01-01", periods=rows, freq=freq)
    parts = [
        pd.DataFrame(
            {
                "item_id": f"i{item}",
                "timestamp": stamps,
                "target": wave(rows, season, **{"level": 50.0 * (item + 1), "seed": item, **shape}),
            }
        )
        for item in range(items)
    ]
    return pd.concat(parts, ignore_index=True)


def panel_of(*series: ArrayLike, freq: str = "D", **parts: Any) -> Panel:
    """A panel of these series, all starting on one day, named a, b, c, ..."""
    values = [np.asarray(one, float) for one in series]
    offsets = np.r_[0, np.cumsum([len(one) for one in values])]
    names = [chr(ord("a") + place) for place in range(len(values))]
    return Panel.build(Frequency(freq), names, [19_723] * len(values), offsets, np.concatenate(values), **parts)


def said(mean: ArrayLike, spread: ArrayLike | None = None, fallback: ArrayLike | None = None) -> Predictions:
    """What a model forecasts: mean (w, h), without own intervals and failures unless given."""
    forecast = np.asarray(mean, float)
    width = np.full((*forecast.shape, 2), np.nan) if spread is None else np.asarray(spread, float)
    failed = np.zeros(len(forecast), bool) if fallback is None else np.asarray(fallback, bool)
    return Predictions(forecast, width, failed, 1.5)


def tried(actual: ArrayLike, scale: ArrayLike, **models: ArrayLike) -> Backtest:
    """A backtest of one window over n items: actual (n, h), scale (n,), and the past forecasts (n, h) by model."""
    happened, unit = np.asarray(actual, float), np.asarray(scale, float)
    items, horizon = happened.shape
    origins = Origins.of(np.full(items, 20), [Fold(np.arange(items), np.full(items, 20 - horizon))])
    forecasts = {name: said(np.tile(np.broadcast_to(mean, happened.shape), (2, 1))) for name, mean in models.items()}
    size, still = np.abs(happened).mean(axis=1), np.full(len(unit), np.nan)
    return Backtest(origins, horizon, happened, unit, unit.copy(), size, still, forecasts)


def quantile_columns(frame: pd.DataFrame, skipped: Sequence[str] = ("item_id", "timestamp", "mean")) -> Array:
    """The quantiles (rows, Q) of a forecast table, in the order of its columns."""
    return frame.drop(columns=list(skipped)).to_numpy(float)
