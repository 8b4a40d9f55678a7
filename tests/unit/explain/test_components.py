"""Components add up to what was forecast, whatever it was, and are the same in any company."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convect import pipeline
from convect.artifact import Artifact
from convect.explain import components
from convect.pipeline import TrainResult
from tests.unit.explain.known_effects import config, made
from tests.unit.made import fast, quiet


def added(parts: pd.DataFrame) -> np.ndarray:
    return parts.groupby(["item_id", "timestamp"], observed=True)["value"].sum().to_numpy()


@pytest.fixture(scope="module")
def promoted() -> TrainResult:
    return pipeline.train(made(multiplied=True, items=6, rows=80)[0], config(), progress=quiet)


def hard() -> pd.DataFrame:
    """Zeros, a constant, two rows, one row, an item without any value, and two seasons."""
    stamps = pd.date_range("2024-01-01", periods=24 * 21, freq="h")
    step, rng = np.arange(len(stamps)), np.random.default_rng(4)
    wave = 20 + 8 * np.sin(2 * np.pi * step / 24) + 4 * (step // 24 % 7 < 2) + rng.normal(size=len(step))
    zeros = np.where(rng.random(len(step)) < 0.8, 0.0, 3.0)
    shapes = {"a": wave, "b": 2 * wave, "c": wave, "d": zeros, "e": np.full(len(step), 7.0), "f": wave, "g": wave}
    parts = [pd.DataFrame({"item_id": name, "timestamp": stamps, "target": y}) for name, y in shapes.items()]
    parts[5], parts[6] = parts[5].tail(2), parts[6].tail(1)
    cold = pd.DataFrame({"item_id": ["new"], "timestamp": [stamps[-1] + pd.Timedelta(hours=1)], "target": [np.nan]})
    return pd.concat([*parts, cold])


def test_the_table_has_a_row_for_each_item_stamp_and_component(promoted: TrainResult) -> None:
    parts = promoted.explanations
    assert parts.columns.tolist() == ["item_id", "timestamp", "component", "value"]
    names = ["level", "trend", "season", "covariate:price", "covariate:promo", "other"]
    assert parts["component"].head(6).tolist() == names
    assert len(parts) == 6 * 14 * 6
    assert parts["timestamp"].unique().tolist() == promoted.forecasts["timestamp"].unique().tolist()
    np.testing.assert_allclose(added(parts), promoted.forecasts["mean"], atol=1e-6, rtol=0)


@pytest.mark.parametrize("settings", [{"preset": "fast"}, {"preset": "balanced"}, {"preset": "best"}])
def test_they_add_up_with_every_preset_for_hard_items(settings: dict[str, Any]) -> None:
    result = pipeline.train(hard(), fast(**settings, horizon=12, windows=1), progress=quiet)
    parts = result.explanations
    assert np.isfinite(parts["value"]).all()
    np.testing.assert_allclose(added(parts), result.forecasts["mean"], atol=1e-6, rtol=0)
    assert result.artifact.seasons == (24, 168)
    constant = parts[parts["item_id"] == "e"].pivot(index="timestamp", columns="component", values="value")
    np.testing.assert_allclose(constant["level"], 7.0, atol=1e-6)


def test_they_add_up_along_a_hierarchy_and_after_a_refit() -> None:
    frame, _ = made(multiplied=True, items=6, rows=80)
    frame["region"] = np.where(frame["item_id"] < "i003", "x", "y")
    schema = {**config().schema, "hierarchy": ["region"]}  # type: ignore[dict-item]
    result = pipeline.train(frame, config(schema=schema), progress=quiet)
    parts = result.explanations
    assert {"region=x", "region=y", "total"} < set(parts["item_id"])
    np.testing.assert_allclose(added(parts), result.forecasts["mean"], atol=1e-6, rtol=0)


def test_what_never_changed_and_what_was_never_seen_has_nothing_of_a_covariate() -> None:
    frame, _ = made(multiplied=True, items=6, rows=80)
    frame.loc[frame["item_id"] == "i002", "target"] = frame["target"].where(frame["target"].isna(), 5.0)
    frame.loc[frame["item_id"] == "i003", "target"] = np.nan
    frame = frame.drop(frame[(frame["item_id"] == "i003")].index[:80])
    result = pipeline.train(frame, config(), progress=quiet)
    parts = result.explanations
    covariates = parts[parts["component"].astype(str).str.startswith("covariate:")]
    nothing = covariates["item_id"].isin(["i002", "i003"])
    assert not covariates.loc[nothing, "value"].any()
    assert covariates.loc[~nothing, "value"].any()


@pytest.mark.parametrize("bound", ["PART_ITEMS", "PART_STEPS", "PART_ROWS"])
def test_how_many_are_explained_at_a_time_changes_nothing(
    promoted: TrainResult, bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact, mean = promoted.artifact, promoted.artifact.forecasts[..., 0]
    whole = components.explain(artifact, artifact.panel, mean).values
    monkeypatch.setattr(components, bound, {"PART_ITEMS": 4, "PART_STEPS": 30, "PART_ROWS": 1}[bound])
    np.testing.assert_allclose(components.explain(artifact, artifact.panel, mean).values, whole, atol=1e-9)


def test_an_item_is_explained_the_same_in_any_company(promoted: TrainResult) -> None:
    artifact: Artifact = promoted.artifact
    whole = components.explain(artifact, artifact.panel, artifact.forecasts[..., 0])
    some = np.array([1, 4])
    part = components.explain(artifact, artifact.panel.take(some), artifact.forecasts[some, :, 0])
    np.testing.assert_allclose(part.values, whole.values[some], atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), size=st.sampled_from([1e-6, 1.0, 1e4, 1e12]), horizon=st.sampled_from([1, 2, 5, 14, 40])
)
def test_any_forecast_is_the_sum_of_its_components(promoted: TrainResult, seed: int, size: float, horizon: int) -> None:
    rng = np.random.default_rng(seed)
    mean = size * rng.normal(size=(6, horizon)) * rng.integers(0, 2, (6, 1))
    found = components.explain(promoted.artifact, promoted.artifact.panel, mean)
    assert np.isfinite(found.values).all()
    np.testing.assert_allclose(found.values.sum(axis=2), mean, rtol=0, atol=1e-12 * max(size, 1e6))
