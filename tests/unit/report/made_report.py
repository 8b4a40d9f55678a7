"""A small training whose names try to break out of a page, and the page of it."""

from __future__ import annotations

import functools
import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from convect import pipeline
from convect.pipeline import TrainResult
from convect.report.gathering import Gathered
from convect.report.report import Report
from tests.unit.made import fast, quiet, table

HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(2)</script>",
    "=cmd|' /C calc'!A1",
    "\u2028<!-- \"quoted\" & 'single'",
    "${alert(3)} {{ 7 * 7 }}",
)
QUIET, GAPPY, SHORT = "i5", "i6", "i7"
HORIZON = 6


def hostile_table() -> pd.DataFrame:
    """Waves; some items are named to do harm, one never changes, one has gaps, one is short."""
    frame = table(14, 80)
    place, item = frame.groupby("item_id").cumcount(), frame["item_id"]
    frame["target"] = frame["target"].where(item != QUIET, 7.0)
    frame = frame[~((item == GAPPY) & (place % 9 == 4)) & ~((item == SHORT) & (place < 70))]
    names = {f"i{place}": name for place, name in enumerate(HOSTILE)}
    return frame.assign(item_id=frame["item_id"].replace(names), kind=frame["item_id"].str[-1].radd("<b>"))


@functools.cache
def trained() -> TrainResult:
    config = fast(horizon=HORIZON, schema={"static": ["kind"]})
    return pipeline.train(hostile_table(), config, progress=quiet)


def gathered_of(*parts: TrainResult) -> Gathered:
    found = Gathered()
    for part in parts:
        found.add(part)
    return found


def explain(result: TrainResult, folder: Path) -> None:
    """Write an explanation whose parts are easy to tell: nine tenths level, a tenth the covariate."""
    told = result.forecasts[["item_id", "timestamp", "mean"]]
    shares = {"level": 0.9, "covariate:</script>": 0.1, "trend": 0.0}
    parts = [told.assign(component=name, value=share * told["mean"]) for name, share in shares.items()]
    pd.concat(parts).drop(columns="mean").to_parquet(folder / "explanations.parquet", index=False)
    effects = {"covariate": ["<i>price", "rain"], "effect": [-0.8, 0.1], "low_95": [-0.9, -0.2], "high_95": [-0.7, 0.4]}
    pd.DataFrame({**effects, "items": 14, "unit": "% per 1 % of price"}).to_csv(folder / "effects.csv", index=False)


def written(result: TrainResult, folder: Path, said: list[str] | None = None) -> str:
    """Write the page of a result into a folder and return it."""
    report = Report((said if said is not None else []).append)
    report.add(result)
    report.write(folder, result)
    return (folder / "report.html").read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    """What the page's script reads."""
    found = re.search(r'<script type="application/json" id="series-data">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))
