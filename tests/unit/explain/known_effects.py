"""Series whose components are known: price and promotion act on sales as they are told here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from convect.config import Config
from tests.unit.made import fast

HORIZON = 14
SCHEMA = {"item_id": "item_id", "timestamp": "timestamp", "target": "target", "known_covariates": ["price", "promo"]}
ELASTICITY = -1.2
UPLIFT = 1.4
PER_PRICE, PER_PROMO = -6.0, 30.0  # where the effects are added
TREND, SEASON = 0.02, 15.0  # a step; the size of the season's first wave


def made(*, multiplied: bool, items: int = 30, rows: int = 200, noise: float = 0.02) -> tuple[pd.DataFrame, Any]:
    """Return the table with its future, and what each component truly is in the future by item and stamp."""
    rng = np.random.default_rng(0)
    parts = [_item(rng, item, rows + HORIZON, multiplied=multiplied, noise=noise) for item in range(items)]
    whole = pd.concat(parts, ignore_index=True)
    later = whole.groupby("item_id").cumcount() >= rows
    history = whole.assign(target=whole["target"].where(~later))
    columns = ["item_id", "timestamp", "target", "price", "promo"]
    return history[columns], whole[later].set_index(["item_id", "timestamp"])


def config(preset: str = "fast", **settings: Any) -> Config:
    return fast(**{"preset": preset, "horizon": HORIZON, "schema": SCHEMA, **settings})


def _item(rng: np.random.Generator, item: int, rows: int, *, multiplied: bool, noise: float) -> pd.DataFrame:
    step = np.arange(rows)
    wave = np.sin(2 * np.pi * step / 7) + 0.4 * np.cos(4 * np.pi * step / 7)
    price = rng.choice([8.0, 9.0, 10.0, 10.0, 10.0, 11.0, 12.0], rows)
    promo = (rng.random(rows) < 0.15).astype(float)
    level = rng.uniform(80, 160) + TREND * step
    if multiplied:
        base, logs = level * (1 + SEASON / 100 * wave), (ELASTICITY * np.log(price / 10), np.log(UPLIFT) * promo)
        total = sum(logs)
        factor = base * np.divide(np.expm1(total), total, out=np.ones(rows), where=np.abs(total) > 1e-9)
        effects, season = [factor * one for one in logs], level * SEASON / 100 * wave
        target = (base + sum(effects)) * (1 + noise * rng.normal(size=rows))
    else:
        effects, season = [PER_PRICE * (price - 10), PER_PROMO * promo], SEASON * wave
        target = level + season + sum(effects) + 100 * noise * rng.normal(size=rows)
    truth = {"level": level, "season": season, "covariate:price": effects[0], "covariate:promo": effects[1]}
    stamps = pd.date_range("2024-01-01", periods=rows)
    table = {"item_id": f"i{item:03d}", "timestamp": stamps, "target": target, "price": price, "promo": promo}
    return pd.DataFrame(table | truth)
