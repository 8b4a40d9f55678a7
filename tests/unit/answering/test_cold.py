"""Items without history: which are forecast, from whom, how wide, and how an answer says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering import cold
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.pipeline import TrainResult
from tests.unit.made import fast, quantile_columns, quiet, table

NEXT = pd.Timestamp("2024-03-01")  # the step after the 60 rows


def launched() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Six small and six large items, none alike, a new one of each kind, and one that was never anything."""
    frame = table(12, 60, level=20.0)
    frame["target"] += frame["item_id"].str[1:].astype(int) % 6
    frame.loc[frame["item_id"].isin([f"i{k}" for k in range(6, 12)]), "target"] += 400
    asked = pd.DataFrame({"item_id": ["new-large", "new-small"], "timestamp": NEXT, "target": np.nan})
    dead = pd.DataFrame({"item_id": ["dead"], "timestamp": [NEXT - pd.Timedelta("9D")], "target": [np.nan]})
    items = [*(f"i{k}" for k in range(12)), "new-large", "new-small", "dead"]
    kinds = ["small"] * 6 + ["large"] * 6 + ["large", "small", "small"]
    return pd.concat([frame, asked, dead]), pd.DataFrame({"item_id": items, "kind": kinds})


@pytest.fixture(scope="module")
def trained() -> TrainResult:
    frame, static = launched()
    return pipeline.train(frame, fast(schema={"static": ["kind"]}), static=static, progress=quiet)


def test_it_is_forecast_like_the_items_that_share_its_attributes(trained: TrainResult) -> None:
    frame = trained.forecasts.set_index("item_id")
    for new, others in (("new-small", [f"i{k}" for k in range(6)]), ("new-large", [f"i{k}" for k in range(6, 12)])):
        own, alike = frame.loc[new], frame.loc[others]
        assert own["timestamp"].tolist() == list(pd.date_range(NEXT, periods=6))
        middle = alike.groupby("timestamp")["mean"].median()
        np.testing.assert_allclose(own["mean"], middle)
        width = (own["0.9"] - own["0.1"]).mean()
        assert width > 1.3 * (alike["0.9"] - alike["0.1"]).mean()
    assert (np.diff(quantile_columns(trained.forecasts), axis=1) >= 0).all()


def test_only_an_item_that_a_forecast_is_asked_for_is_forecast(trained: TrainResult) -> None:
    assert "dead" not in set(trained.forecasts["item_id"])
    findings = trained.quality.summary()["findings"]
    assert (findings["cold"]["items"], findings["empty"]["items"]) == (2, 1)


def test_serving_answers_and_says_that_there_was_no_history(trained: TrainResult, tmp_path: Path) -> None:
    trained.artifact.save(tmp_path)
    artifact = Artifact.load(tmp_path)
    found = pipeline.forecast(artifact, ForecastRequest())
    pd.testing.assert_frame_equal(found.frame, trained.forecasts)
    origin = found.origin.set_index("item_id")
    assert origin.loc["new-small", ["history", "fallback", "reason"]].tolist() == ["none", True, cold.REASON]
    assert (origin["history"] == "none").sum() == 2
    longer = pipeline.forecast(artifact, ForecastRequest(horizon=8, items=("new-small",)))
    assert np.isfinite(longer.frame["mean"]).all() and cold.REASON in longer.origin["reason"].iloc[0]


def test_its_first_values_are_not_mixed_with_what_stood_for_them(trained: TrainResult) -> None:
    first = pd.DataFrame({"item_id": "new-small", "timestamp": pd.date_range(NEXT, periods=3), "target": 90.0})
    found = pipeline.forecast(trained.artifact, ForecastRequest(frame=first))
    assert found.frame["mean"].tolist() == [90.0] * 6
    assert found.origin["history"].tolist() == ["request"]


def test_without_attributes_all_items_are_alike_but_no_sum_is() -> None:
    frame, _ = launched()
    frame["area"] = np.where(frame["item_id"] == "i0", "x", "y")
    result = pipeline.train(frame, fast(schema={"hierarchy": ["area"]}), progress=quiet)
    found = result.forecasts.set_index("item_id")
    items = [f"i{k}" for k in range(12)]
    middle = found.loc[items].groupby("timestamp")["mean"].median()
    np.testing.assert_allclose(found.loc["new-small", "mean"], middle)
    sums = found.loc[items].groupby("timestamp")["mean"].sum()
    np.testing.assert_allclose(found.loc["total", "mean"], sums, atol=1e-9)  # a cold item is in no sum
