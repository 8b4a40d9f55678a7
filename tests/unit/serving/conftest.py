"""A forecast and a model small enough to be read, for the tests of this folder."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

from convect.answering.request import Forecast, ForecastRequest
from convect.schema import Schema


def forecast_of(items: list[str], horizon: int) -> Forecast:
    stamps = pd.date_range("2024-01-01", periods=horizon)
    rows = [(item, stamp, 1.5, float("nan")) for item in items for stamp in stamps]
    origin = [(item, "trained", pd.Timestamp("2023-12-31"), item == "b", "") for item in items]
    return Forecast(
        pd.DataFrame(rows, columns=["item_id", "timestamp", "mean", "0.5"]),
        pd.DataFrame(origin, columns=["item_id", "history", "last_timestamp", "fallback", "reason"]),
    )


def fake_forecast(artifact: Any, request: ForecastRequest) -> Forecast:
    if request.frame is not None:
        items = sorted(set(request.frame["item_id"]))
    else:
        items = list(request.items or artifact.item_ids)
    return forecast_of(items, request.horizon or 2)


@pytest.fixture
def two_days() -> Forecast:
    return forecast_of(["=cmd()", 'a,"b'], 2)


@pytest.fixture
def artifact() -> Any:
    return SimpleNamespace(schema=Schema("timestamp", "target", ("item_id",)), item_ids=("a", "b"))


@pytest.fixture
def forecaster() -> Any:
    return fake_forecast
