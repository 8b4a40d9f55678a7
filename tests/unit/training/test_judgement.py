"""The ensemble's own report: under the group's weights, with intervals that its own errors did not make."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convect import metrics
from convect.intervals import LEVELS
from convect.models.simple import NAIVE
from convect.select import choose
from convect.training.ensemble import combine
from convect.training.judgement import combined_last, judge
from tests.unit.made import tried

ITEMS, HORIZON = 60, 3
RNG = np.random.default_rng(8)
ACTUAL = RNG.normal(50, 5, (ITEMS, HORIZON))
SCALE = RNG.uniform(1, 3, ITEMS)
BACKTEST = tried(
    ACTUAL,
    SCALE,
    **{NAIVE: ACTUAL + 4 * RNG.normal(size=ACTUAL.shape), "good": ACTUAL + 2 * RNG.normal(size=ACTUAL.shape)},
)
WEIGHTS = choose(BACKTEST, ITEMS, "MASE")
JUDGED = judge(BACKTEST, WEIGHTS, LEVELS, ITEMS)


def test_the_mean_is_the_ensemble_under_the_group_s_weights() -> None:
    rows = BACKTEST.origins.past
    taken = {name: predicted.rows(rows) for name, predicted in BACKTEST.predictions.items()}
    expected = combine(WEIGHTS, np.tile(WEIGHTS.group, (ITEMS, 1)), taken)
    np.testing.assert_array_equal(JUDGED.mean, expected.mean)
    assert metrics.mase(ACTUAL, JUDGED.mean, SCALE) <= metrics.mase(ACTUAL, BACKTEST.past(NAIVE), SCALE)


def test_the_future_is_combined_under_each_series_own_weights() -> None:
    rows = BACKTEST.origins.last
    taken = {name: predicted.rows(rows) for name, predicted in BACKTEST.predictions.items()}
    expected = combine(WEIGHTS, WEIGHTS.series, taken)
    np.testing.assert_array_equal(combined_last(BACKTEST, WEIGHTS).mean, expected.mean)


def test_shapes_and_order_of_the_quantiles() -> None:
    assert JUDGED.quantiles.shape == (ITEMS, HORIZON, len(LEVELS))
    assert (np.diff(JUDGED.quantiles, axis=-1) >= 0).all()
    np.testing.assert_allclose(JUDGED.quantiles[..., LEVELS.index(0.5)], JUDGED.mean)


@pytest.mark.parametrize("item", [0, 1])
def test_what_happened_to_an_item_has_no_say_in_the_quantiles_it_is_judged_by(item: int) -> None:
    actual = ACTUAL.copy()
    actual[item] += 500
    other = judge(replace(BACKTEST, actual=actual), WEIGHTS, LEVELS, ITEMS)
    same = np.arange(ITEMS) % 2 == item % 2
    np.testing.assert_array_equal(other.quantiles[same], JUDGED.quantiles[same])
    assert not np.array_equal(other.quantiles[~same], JUDGED.quantiles[~same])
    assert not np.array_equal(other.intervals.offsets, JUDGED.intervals.offsets)


def test_the_coverage_reported_is_near_what_is_promised() -> None:
    inside = (JUDGED.quantiles[..., 3] <= ACTUAL) & (ACTUAL <= JUDGED.quantiles[..., 11])
    assert (LEVELS[3], LEVELS[11]) == (0.1, 0.9)
    assert 0.65 < inside.mean() < 0.93


def test_the_unit_does_not_matter() -> None:
    forecasts = {name: BACKTEST.past(name) * 1000 for name in BACKTEST.predictions}
    larger = judge(tried(ACTUAL * 1000, SCALE * 1000, **forecasts), WEIGHTS, LEVELS, ITEMS)
    np.testing.assert_allclose(larger.quantiles, JUDGED.quantiles * 1000)
    np.testing.assert_allclose(larger.intervals.offsets, JUDGED.intervals.offsets, atol=1e-12)


@pytest.mark.parametrize("grows", [False, True])
def test_errors_that_grow_with_the_forecast_are_measured_in_it(grows: bool) -> None:
    rng = np.random.default_rng(3)
    forecast = np.tile([5.0, 50.0, 500.0], (200, 1))
    noise = rng.normal(0, 1, forecast.shape) * (0.2 * forecast if grows else 20.0)
    backtest = tried(forecast + noise, np.full(200, 30.0), **{NAIVE: forecast + 3 * noise[::-1], "good": forecast})
    backtest = replace(backtest, size=np.full(200, 185.0))
    found = judge(backtest, choose(backtest, 200, "MASE"), LEVELS, 200)
    assert (found.intervals.power > 0) == grows
    inside = (found.quantiles[..., 3] <= backtest.actual) & (backtest.actual <= found.quantiles[..., 11])
    np.testing.assert_allclose(inside.mean(axis=0), 0.8, atol=0.2)


def test_widened_intervals_are_judged_as_they_are() -> None:
    wider = judge(BACKTEST, WEIGHTS, LEVELS, ITEMS, widening=1.5)
    np.testing.assert_allclose(wider.intervals.offsets, 1.5 * JUDGED.intervals.offsets)
    np.testing.assert_array_equal(wider.intervals.ratio, JUDGED.intervals.ratio)
    half_widths = [found.quantiles - found.mean[..., None] for found in (wider, JUDGED)]
    np.testing.assert_allclose(half_widths[0], 1.5 * half_widths[1], atol=1e-9)


def test_a_single_item_is_judged_by_itself() -> None:
    one = tried(ACTUAL[:1], SCALE[:1], **{name: BACKTEST.past(name)[:1] for name in BACKTEST.predictions})
    found = judge(one, WEIGHTS, LEVELS, 1)
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles[..., -1] > found.quantiles[..., 0]).all()


def test_without_windows_there_is_nothing_to_judge() -> None:
    none = tried(np.empty((0, HORIZON)), np.empty(0), **{NAIVE: np.empty((0, HORIZON))})
    found = judge(none, choose(none, 0, "MASE"), LEVELS, 0)
    assert (found.mean.shape, found.quantiles.shape) == ((0, HORIZON), (0, HORIZON, len(LEVELS)))
    assert np.isnan(found.intervals.offsets).all()


def test_a_history_that_never_changed_is_forecast_to_stay() -> None:
    still = np.full(ITEMS, np.nan)
    still[3] = 7.3
    judged = judge(replace(BACKTEST, still=still), WEIGHTS, LEVELS, ITEMS)
    np.testing.assert_array_equal(judged.mean[3], 7.3)
    others = np.arange(ITEMS) != 3
    np.testing.assert_array_equal(judged.mean[others], JUDGED.mean[others])
