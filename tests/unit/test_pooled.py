"""The global models: two views of the target, one bounded way to forecast, and no say where they fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convect import pooled
from convect.backtest import prepare
from convect.folds import rolling_origin
from convect.models import global_lightgbm, local
from convect.models.features import SeriesTable
from convect.models.table import series_table
from convect.panel import Panel
from tests.unit.made import Array, panel_of, wave

HORIZON, SEASONS = 4, (7,)
VARIANTS = pytest.mark.parametrize("variant", pooled.VARIANTS, ids=lambda variant: variant.name)


class Booster:
    """Says the same of every row."""

    def __init__(self, scaled: float) -> None:
        self.scaled = scaled

    def predict(self, rows: Array, **_: Any) -> Array:
        return np.full(len(rows), self.scaled)


def says(*scaled: float) -> Any:
    return tuple(Booster(each) for each in scaled)


def four() -> Panel:
    return panel_of(*[wave(50, 7, level=50.0 * (seed + 1), seed=seed) for seed in range(4)])


def table_of(panel: Panel) -> SeriesTable:
    return series_table(panel, HORIZON, SEASONS, ())


def learnt(variant: pooled.Variant) -> tuple[Any, ...]:
    panel = four()
    ready = prepare(panel, rolling_origin(panel.lengths, HORIZON, 1, 20), HORIZON, 7)
    found = pooled.run(variant, table_of(panel), ready, pooled.TRAINING["fast"])
    assert found is not None
    return found


@VARIANTS
def test_the_inverse_undoes_the_transform(variant: pooled.Variant) -> None:
    values = np.array([0.0, 0.5, 3.0, 1e6])
    np.testing.assert_allclose(variant.inverse(variant.forward(values)), values, rtol=1e-12)


def test_the_logarithm_is_for_targets_that_are_never_negative() -> None:
    names = {
        (preset, low): [variant.name for variant in pooled.variants_of(preset, np.array([low, 5.0]))]
        for preset in ("fast", "balanced")
        for low in (0.0, -1.0)
    }
    assert names["balanced", 0.0] == [variant.name for variant in pooled.VARIANTS]
    assert names["balanced", -1.0] == names["fast", 0.0] == names["fast", -1.0] == ["GlobalLightGBM"]


@VARIANTS
def test_what_was_learnt_forecasts_the_same_as_in_the_backtest(variant: pooled.Variant) -> None:
    boosters, predicted = learnt(variant)
    panel = four()
    again = pooled.forecast(variant, boosters, table_of(panel), HORIZON)
    np.testing.assert_array_equal(again.mean, predicted.mean[-len(panel) :])


@VARIANTS
def test_rows_of_features_at_once_do_not_matter(variant: pooled.Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    boosters, _ = learnt(variant)
    whole = pooled.forecast(variant, boosters, table_of(four()), HORIZON)
    monkeypatch.setattr(pooled, "PREDICT_ROWS", HORIZON)
    one_by_one = pooled.forecast(variant, boosters, table_of(four()), HORIZON)
    np.testing.assert_array_equal(whole.mean, one_by_one.mean)


@VARIANTS
def test_several_boosters_are_averaged(variant: pooled.Variant) -> None:
    low, high = (pooled.forecast(variant, says(x), table_of(four()), HORIZON).mean for x in (-1.0, 1.0))
    both = pooled.forecast(variant, says(-1.0, 1.0), table_of(four()), HORIZON).mean
    np.testing.assert_allclose(variant.forward(both), (variant.forward(low) + variant.forward(high)) / 2)


@VARIANTS
def test_a_series_it_cannot_read_fails_alone(variant: pooled.Variant) -> None:
    boosters, _ = learnt(variant)
    usual = pooled.forecast(variant, boosters, table_of(four()), HORIZON)
    series = [four().series(item) for item in range(4)]
    series[1] = series[1] - 150  # negative, as nothing was in training
    found = pooled.forecast(variant, boosters, table_of(panel_of(*series)), HORIZON)
    others = [0, 2, 3]
    np.testing.assert_allclose(found.mean[others], usual.mean[others], rtol=1e-6)
    assert not found.fallback[others].any()
    assert found.fallback[1] == np.isnan(variant.forward(series[1])).any()


@VARIANTS
def test_a_forecast_beyond_belief_counts_as_failed(variant: pooled.Variant) -> None:
    wild = panel_of(np.tile([0.0, 0.0, 900.0, 1.0, 0.0, 40.0, 3.0], 8))
    found = pooled.forecast(variant, says(30.0), table_of(wild), HORIZON)
    assert found.fallback.all() or np.abs(found.mean).max() <= local.EXPLOSION * 900


@VARIANTS
def test_where_it_failed_in_the_backtest_the_naive_forecast_stands_in(
    variant: pooled.Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(global_lightgbm, "fit", lambda *_: Booster(1e300))
    panel = four()
    ready = prepare(panel, rolling_origin(panel.lengths, HORIZON, 1, 20), HORIZON, 7)
    found = pooled.run(variant, table_of(panel), ready, pooled.TRAINING["fast"])
    assert found is not None
    assert found[1].fallback.all()
    naive = [
        local.naive_forecast(panel.series(item)[:end], HORIZON, 7)[0]
        for item, end in zip(ready.origins.items, ready.origins.ends, strict=True)
    ]
    np.testing.assert_allclose(found[1].mean, naive)


@VARIANTS
def test_too_little_to_learn_from_is_said(variant: pooled.Variant) -> None:
    panel = panel_of([1.0, 2.0, 3.0], [2.0, 3.0])
    ready = prepare(panel, [], HORIZON, 1)
    assert pooled.run(variant, series_table(panel, HORIZON, (), ()), ready, pooled.TRAINING["fast"]) is None
