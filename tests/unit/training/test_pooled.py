"""The global models: two views of the target, one bounded way to forecast, and no say where they fail."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convect.backtest import prepare
from convect.folds import rolling_origin
from convect.models import local, simple
from convect.models.features import Index, SeriesTable, WindowFeatures
from convect.models.table import series_table
from convect.panel import Panel
from convect.training import pooled
from tests.unit.made import Array, panel_of, wave

HORIZON, SEASONS = 4, (7,)
VARIANTS = pytest.mark.parametrize("variant", pooled.VARIANTS, ids=lambda variant: variant.name)


def says(variant: pooled.Variant, scaled: float = 0.0, *, seeded: bool = False) -> pooled.Variant:
    """The variant with a learner that knows one number, and says of every window: so many scales above the level."""

    def predict(learnt: float, features: WindowFeatures, items: Index, ends: Index, horizon: int) -> Array:
        level, scale = features.origin(items, ends)
        return np.tile((level + learnt * scale)[:, None], horizon)

    learner = pooled.Learner(lambda *given: scaled + given[3].seed, predict, str, float, seeded)
    return replace(variant, learner=learner)


def four(*others: Array) -> Panel:
    """Four waves, or these series, with a price that is known in the future."""
    series = others or [wave(50, 7, level=50.0 * (seed + 1), seed=seed) for seed in range(4)]
    price = np.random.default_rng(5).choice([1.0, 2.0, 3.0], (len(series), 50 + HORIZON, 1))
    return panel_of(*series, known=price[:, :50].reshape(-1, 1), future=price[:, 50:], known_names=("price",))


def table_of(panel: Panel) -> SeriesTable:
    return series_table(panel, HORIZON, SEASONS, ())


def learnt(variant: pooled.Variant) -> tuple[Any, ...]:
    panel = four()
    ready = prepare(panel, rolling_origin(panel.lengths, HORIZON, 1, 20), HORIZON, 7)
    found = pooled.run(variant, table_of(panel), ready, pooled.TRAINING["fast"])
    assert found is not None
    return found[0][0], found[1]


@VARIANTS
def test_the_inverse_undoes_the_transform(variant: pooled.Variant) -> None:
    values = np.array([0.0, 0.5, 3.0, 1e6])
    np.testing.assert_allclose(variant.inverse(variant.forward(values)), values, rtol=1e-12)


@pytest.mark.parametrize("preset", list(pooled.TRAINING))
@pytest.mark.parametrize("low", [0.0, -1.0])
def test_the_logarithm_is_for_targets_that_are_never_negative(preset: str, low: float) -> None:
    found = pooled.variants_of(preset, np.array([5.0, low]))
    assert any(variant.log for variant in found) == (low >= 0)
    assert {id(variant.learner) for variant in found} == {id(variant.learner) for variant in pooled.VARIANTS}
    assert found[-1].learner is pooled.LIGHTGBM, "the dearest comes last"
    assert len(set(found)) == len(found)


def test_a_dearer_preset_only_adds_variants() -> None:
    for low in (0.0, -1.0):
        fast, balanced, best = (pooled.variants_of(preset, np.array([low])) for preset in ("fast", "balanced", "best"))
        assert balanced[: len(fast)] == fast
        assert best[: len(balanced)] == balanced


def test_a_variant_is_found_by_its_name() -> None:
    assert list(pooled.BY_NAME.values()) == list(pooled.VARIANTS)
    assert all(name == variant.name for name, variant in pooled.BY_NAME.items())


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
def test_several_that_were_learnt_are_averaged(variant: pooled.Variant) -> None:
    one = says(variant)
    low, high, both = (pooled.forecast(one, x, table_of(four()), HORIZON).mean for x in ((-1.0,), (1.0,), (-1.0, 1.0)))
    assert (low < high).all()
    np.testing.assert_allclose(variant.forward(both), (variant.forward(low) + variant.forward(high)) / 2)


@pytest.mark.parametrize(("seeded", "expected"), [(True, (7.0, 8.0, 9.0)), (False, (7.0,))])
def test_only_what_a_seed_changes_is_learnt_more_than_once(seeded: bool, expected: tuple[float, ...]) -> None:
    panel = four()
    training = replace(pooled.TRAINING["fast"], boosters=3, seed=7)
    ready = prepare(panel, rolling_origin(panel.lengths, HORIZON, 1, 20), HORIZON, 7)
    found = pooled.run(says(pooled.LINEAR_RAW, seeded=seeded), table_of(panel), ready, training)
    assert found is not None and found[0][0] == expected


@VARIANTS
def test_what_was_learnt_is_written_and_read_without_a_loss(variant: pooled.Variant) -> None:
    boosters, _ = learnt(variant)
    again = tuple(variant.learner.from_text(variant.learner.to_text(one)) for one in boosters)
    before, after = (pooled.forecast(variant, each, table_of(four()), HORIZON) for each in (boosters, again))
    np.testing.assert_array_equal(after.mean, before.mean)


@VARIANTS
def test_a_series_it_cannot_read_fails_alone(variant: pooled.Variant) -> None:
    boosters, _ = learnt(variant)
    usual = pooled.forecast(variant, boosters, table_of(four()), HORIZON)
    series = [four().series(item) for item in range(4)]
    series[1] = series[1] - 150  # negative, as nothing was in training
    found = pooled.forecast(variant, boosters, table_of(four(*series)), HORIZON)
    others = [0, 2, 3]
    np.testing.assert_allclose(found.mean[others], usual.mean[others], rtol=1e-6)
    assert not found.fallback[others].any()
    assert found.fallback[1] == np.isnan(variant.forward(series[1])).any()


@VARIANTS
def test_a_forecast_beyond_belief_counts_as_failed(variant: pooled.Variant) -> None:
    wild = panel_of(np.tile([0.0, 0.0, 900.0, 1.0, 0.0, 40.0, 3.0], 8))
    found = pooled.forecast(says(variant), (30.0,), table_of(wild), HORIZON)
    assert found.fallback.all() or np.abs(found.mean).max() <= local.EXPLOSION * 900


@VARIANTS
@pytest.mark.parametrize("scaled", [1e300, np.nan])
def test_where_it_failed_in_the_backtest_the_naive_forecast_stands_in(variant: pooled.Variant, scaled: float) -> None:
    panel = four()
    ready = prepare(panel, rolling_origin(panel.lengths, HORIZON, 1, 20), HORIZON, 7)
    found = pooled.run(says(variant, scaled), table_of(panel), ready, pooled.TRAINING["fast"])
    assert found is not None
    assert found[1].fallback.all()
    naive = [
        simple.naive_forecast(panel.series(item)[:end], HORIZON, 7)[0]
        for item, end in zip(ready.origins.items, ready.origins.ends, strict=True)
    ]
    np.testing.assert_allclose(found[1].mean, naive)


@VARIANTS
def test_too_little_to_learn_from_is_said(variant: pooled.Variant) -> None:
    panel = panel_of([1.0, 2.0, 3.0], [2.0, 3.0])
    ready = prepare(panel, [], HORIZON, 1)
    assert pooled.run(variant, series_table(panel, HORIZON, (), ()), ready, pooled.TRAINING["fast"]) is None


@VARIANTS
def test_only_the_regression_on_covariates_is_nothing_without_them(variant: pooled.Variant) -> None:
    panel = panel_of(*[four().series(item) for item in range(4)])
    ready = prepare(panel, rolling_origin(panel.lengths, HORIZON, 1, 20), HORIZON, 7)
    found = pooled.run(variant, table_of(panel), ready, pooled.TRAINING["fast"])
    assert (found is None) == (variant.learner is pooled.REGRESSION)
