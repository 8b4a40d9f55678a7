"""The requests that servers are loaded with, and the trained models that answer them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from bench import made, product
from bench.load import Request

JSON, CSV, LINES = "application/json", "text/csv", "application/jsonlines"
POINTS, HORIZON, SEASON, SEED = 120, 12, 12, 2026
LONG_POINTS = 3_600
QUANTILES = [0.1, 0.5, 0.9]
INVOCATIONS = "/invocations"


def trained(folder: Path, series: int, preset: str) -> Path:
    """Return a folder laid out as /opt/ml with a model of made monthly series, trained where it is not there yet."""
    base = folder / f"{preset}-{series}"
    if not (base / "model" / "manifest.json").is_file():
        print(f"Training {series} series, {preset} (once).", flush=True)
        made.write_monthly(base / "input" / "data" / "train" / "part-0.parquet", series, POINTS, SEED)
        product.train(base, {"horizon": HORIZON, "freq": "MS", "preset": preset, "quantiles": QUANTILES})
    return base


def known(series: int) -> list[Request]:
    """Ask for trained series, one at a time."""
    bodies = ({"config": {"item_ids": [f"item_{number:06}"]}} for number in range(series))
    return [Request(INVOCATIONS, JSON, JSON, json.dumps(body).encode()) for body in bodies]


def gluonts(count: int, folder: Path) -> list[Request]:
    """Ask GluonTS's server for as much: it keeps no history, so the history comes along."""
    configuration = {"freq": "M", "num_samples": 1, "output_types": ["mean", "quantiles"]}
    configuration["quantiles"] = list(map(str, QUANTILES))
    asked = [
        {"instances": [{"start": "2014-01-01", "target": table["target"].tolist()}], "configuration": configuration}
        for table in _series(folder, count)
    ]
    return [Request(INVOCATIONS, JSON, JSON, json.dumps(body).encode()) for body in asked]


def unseen(count: int, folder: Path) -> list[Request]:
    """Bring series that were never seen, one at a time, as CSV."""
    return [Request(INVOCATIONS, CSV, CSV, _csv(table)) for table in _series(folder, count)]


def newer(count: int, base: Path) -> list[Request]:
    """Bring six newer months of trained series, one series at a time, as CSV."""
    table = pd.read_parquet(base / "input" / "data" / "train" / "part-0.parquet")
    months = pd.date_range("2024-01-01", periods=6, freq="MS")
    last = table.groupby("item_id").tail(6).groupby("item_id")
    return [Request(INVOCATIONS, CSV, CSV, _csv(rows.assign(timestamp=months))) for _, rows in list(last)[:count]]


def lines(count: int, items: int) -> bytes:
    """Return JSON Lines that ask for trained series, each item again when all have been asked for."""
    return "\n".join(json.dumps({"item_id": f"item_{number % items:06}"}) for number in range(count)).encode()


def large(megabytes: int, folder: Path) -> bytes:
    """Return CSV of so many megabytes: unseen series of three hundred years, since as many short ones take minutes."""
    count = 1
    while True:
        text = _csv(made.write_monthly(folder / "large.parquet", count, LONG_POINTS, SEED + 2, "1700-01-01"))
        if len(text) >= megabytes << 20:
            return text
        count = -(-count * (megabytes << 20) // len(text))


def _series(folder: Path, count: int) -> Iterator[pd.DataFrame]:
    table = made.write_monthly(folder / "unseen.parquet", count, POINTS, SEED + 1)
    return (rows.assign(item_id=f"new-{number}") for number, (_, rows) in enumerate(table.groupby("item_id")))


def _csv(table: pd.DataFrame) -> bytes:
    text = io.StringIO()
    table.to_csv(text, index=False)
    return text.getvalue().encode()


def mixed(base: Path, folder: Path) -> list[Request]:
    """Ask for a bit of everything: known, newer and unseen series, streams, and one bad request in ten."""
    bad = Request(INVOCATIONS, JSON, JSON, b'{"config": {"horizon": -1}}')
    stream = Request(INVOCATIONS, JSON, LINES, b"{}")
    asked = [*known(60), *newer(10, base), *unseen(10, folder), stream, *([bad] * 9)]
    return [asked[place] for place in np.random.default_rng(SEED).permutation(len(asked))]
