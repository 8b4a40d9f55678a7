"""Weights: they sum to one, follow the errors, and do not know units, order, or models that say nonsense."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect import select
from convect.backtest import Backtest
from convect.hyperparameters import HYPERPARAMETERS
from convect.models.simple import NAIVE
from convect.select import choose
from tests.unit.made import Array, said, tried

METRICS = next(parameter.choices for parameter in HYPERPARAMETERS if parameter.name == "metric")
RNG = np.random.default_rng(11)
ITEMS, HORIZON = 8, 4
ACTUAL = RNG.normal(50, 5, (ITEMS, HORIZON))
SCALE = RNG.uniform(2, 4, ITEMS)
NOISE = {name: RNG.normal(0, 1, ACTUAL.shape) for name in (NAIVE, "good", "fair", "bad")}


def four(**changes: Any) -> Backtest:
    """Naive and three models with errors of 4, 1, 3.5 and 40 around the same truth."""
    size = {NAIVE: 4.0, "good": 1.0, "fair": 3.5, "bad": 40.0}
    forecasts: dict[str, Any] = {name: ACTUAL + size[name] * noise for name, noise in NOISE.items()}
    return tried(ACTUAL, SCALE, **{**forecasts, **changes})


def weight(weights: select.Weights, name: str) -> float:
    return float(weights.group[weights.models.index(name)])


@pytest.mark.parametrize("metric", METRICS)
def test_weights_are_shares(metric: str) -> None:
    weights = choose(four(), ITEMS, metric)
    assert weights.models == (NAIVE, "good", "fair", "bad")
    assert weights.series.shape == (ITEMS, 4)
    assert (weights.group >= 0).all() and (weights.series >= 0).all()
    assert weights.group.sum() == pytest.approx(1)
    assert weights.series.sum(axis=1) == pytest.approx(np.ones(ITEMS))


@pytest.mark.parametrize("metric", METRICS)
def test_the_best_model_weighs_most_and_a_far_worse_one_nothing(metric: str) -> None:
    weights = choose(four(), ITEMS, metric)
    assert weight(weights, "good") == weights.group.max()
    assert weight(weights, "bad") == 0
    assert not weights.core[3] and weights.core[1]


@pytest.mark.parametrize("metric", METRICS)
def test_a_perfect_model_is_taken_alone(metric: str) -> None:
    weights = choose(four(good=ACTUAL), ITEMS, metric)
    assert weights.group.tolist() == [0, 1, 0, 0]
    assert (weights.series == weights.group).all()


def intermittent() -> Backtest:
    """Demand that is zero half of the time: the naive forecast has its zeros, a model says the median of all."""
    rng = np.random.default_rng(0)
    demand, before = ((rng.random((60, 6)) < 0.5) * rng.integers(1, 20, (60, 6)).astype(float) for _ in range(2))
    return tried(demand, np.full(60, 5.0), **{NAIVE: before, "median": np.full((60, 6), 1.0)})


@pytest.mark.parametrize("metric", ["MASE", "SQL"])
def test_zeros_that_are_met_by_chance_do_not_make_the_naive_forecast_the_best(metric: str) -> None:
    backtest = intermittent()
    assert weight(choose(backtest, 60, "sMAPE"), NAIVE) > 0.9, "of half the zeros naive has half, the median none"
    assert weight(choose(backtest, 60, metric), "median") > 0.9


@pytest.mark.parametrize(("smallest", "chosen"), [(0.0, "large"), (-1.0, "large"), (0.5, "small")])
def test_relative_errors_count_only_where_hardly_an_actual_is_zero(smallest: float, chosen: str) -> None:
    actual = np.tile([100.0, 1.0, 1.0, smallest], (ITEMS, 1))
    forecasts = {
        NAIVE: actual + np.array([8, 2, 2, 2]),
        "large": actual + np.array([1, 2, 2, 2]),  # right where demand is large, and less wrong in all
        "small": actual + np.array([8, 0, 0, 0]),  # less wrong in proportion
    }
    weights = choose(tried(actual, np.full(ITEMS, 2.0), **forecasts), ITEMS, "MASE")
    assert weights.models[int(weights.group.argmax())] == chosen


def test_two_alike_by_hand() -> None:
    # the errors of one undo those of the other, so both are near best and greedy selection takes them in turns
    weights = choose(four(good=ACTUAL + 1, fair=ACTUAL - 1), ITEMS, "RMSE")
    assert weights.group.tolist() == pytest.approx([0, 0.5, 0.5, 0])
    assert weights.core.tolist() == [False, True, True, False]


def test_the_group_s_weights_by_hand() -> None:
    # the second alone is near best; greedy selection takes it first and always again, since the rest errs the same way
    weights = choose(
        four(**{NAIVE: ACTUAL + 4, "good": ACTUAL + 1, "fair": ACTUAL + 2, "bad": ACTUAL + 9}), ITEMS, "RMSE"
    )
    assert weights.group.tolist() == [0, 1, 0, 0]


@pytest.mark.parametrize("metric", METRICS)
def test_the_order_of_models_only_orders_the_weights(metric: str) -> None:
    backtest = four()
    turned = replace(backtest, predictions=dict(reversed(list(backtest.predictions.items()))))
    weights, again = choose(backtest, ITEMS, metric), choose(turned, ITEMS, metric)
    np.testing.assert_allclose(again.group[::-1], weights.group)
    np.testing.assert_allclose(again.series[:, ::-1], weights.series)


@pytest.mark.parametrize("metric", METRICS)
def test_the_order_of_items_only_orders_their_rows(metric: str) -> None:
    backtest = four()
    forecasts = {name: backtest.past(name)[::-1] for name in backtest.predictions}
    weights = choose(backtest, ITEMS, metric)
    again = choose(tried(ACTUAL[::-1], SCALE[::-1], **forecasts), ITEMS, metric)
    np.testing.assert_allclose(again.group, weights.group)
    np.testing.assert_allclose(again.series[::-1], weights.series)


@pytest.mark.parametrize("metric", METRICS)
@given(factor=st.sampled_from([1e-3, 0.5, 1e4]))
def test_the_unit_does_not_matter(metric: str, factor: float) -> None:
    backtest = four()
    forecasts = {name: backtest.past(name) * factor for name in backtest.predictions}
    weights = choose(backtest, ITEMS, metric)
    again = choose(tried(ACTUAL * factor, SCALE * factor, **forecasts), ITEMS, metric)
    np.testing.assert_allclose(again.group, weights.group)
    np.testing.assert_allclose(again.series, weights.series)


def test_a_series_leans_to_the_model_that_served_it_within_bounds() -> None:
    good, fair = ACTUAL + 2 * NOISE["good"], ACTUAL - 2 * NOISE["good"]
    fair[0], good[1] = ACTUAL[0], ACTUAL[1]
    weights = choose(four(good=good, fair=fair), ITEMS, "MASE")
    group, series = weights.group[1:3], weights.series[:, 1:3]
    assert series[0, 1] / series[0, 0] > group[1] / group[0] > series[1, 1] / series[1, 0]
    tilt = (weights.series[:, 1:3] / weights.group[1:3]) / (weights.series[:, 2:3] / weights.group[2])
    assert tilt.max() <= select.TILT_CLIP**2 + 1e-9
    assert tilt.min() >= 1 / select.TILT_CLIP**2 - 1e-9


def test_a_series_without_evidence_of_its_own_has_the_group_s_weights() -> None:
    scale = SCALE.copy()
    scale[2] = np.nan
    backtest = replace(four(), scale=scale, scale_squared=scale)
    weights = choose(backtest, ITEMS, "MASE")
    np.testing.assert_allclose(weights.series[2], weights.group)
    assert not np.allclose(weights.series[3], weights.group)


def test_rows_without_a_scale_do_not_choose() -> None:
    misled = ACTUAL.copy()
    misled[0] += 1e6
    scale = SCALE.copy()
    scale[0] = np.nan
    backtest = replace(four(good=misled), scale=scale, scale_squared=scale)
    assert weight(choose(backtest, ITEMS, "MASE"), "good") == 1


def test_one_series_with_a_tiny_scale_does_not_choose_for_all() -> None:
    scale = SCALE.copy()
    scale[0] = 1e-9
    good = ACTUAL + 0.1
    fair = ACTUAL + 12
    fair[0] = ACTUAL[0]
    backtest = replace(four(good=good, fair=fair), scale=scale, scale_squared=scale)
    for metric in ("MASE", "SQL", "RMSSE"):
        assert weight(choose(backtest, ITEMS, metric), "good") > weight(choose(backtest, ITEMS, metric), "fair")


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("rows", [1, 2])
def test_of_one_or_two_rows_the_models_near_enough_to_the_best_share_equally(rows: int, metric: str) -> None:
    errors = {NAIVE: 4.0, "good": 1.0, "fair": 1.4, "bad": 40.0}  # of every step, so of every metric
    actual, scale = np.full((rows, HORIZON), 50.0), np.full(rows, 2.0)
    weights = choose(tried(actual, scale, **{name: actual + error for name, error in errors.items()}), rows, metric)
    assert weights.group.tolist() == [0, 0.5, 0.5, 0]
    assert weights.core.tolist() == [False, True, True, False]
    assert (weights.series == weights.group).all() and weights.series.shape == (rows, 4)


@pytest.mark.parametrize("metric", METRICS)
def test_where_no_row_has_a_scale_what_is_exact_is_taken(metric: str) -> None:
    backtest = four(good=ACTUAL, fair=ACTUAL)
    weights = choose(
        replace(backtest, scale=np.full(ITEMS, np.nan), scale_squared=np.full(ITEMS, np.nan)), ITEMS, metric
    )
    assert weights.group.tolist() == [0, 0.5, 0.5, 0]


def test_without_evidence_all_but_the_naive_model_are_equal() -> None:
    nothing = tried(ACTUAL[:0], SCALE[:0], **dict.fromkeys(NOISE, ACTUAL[:0]))
    weights = choose(nothing, ITEMS, "MASE")
    assert weights.group.tolist() == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])
    assert (weights.series == weights.group).all() and weights.series.shape == (ITEMS, 4)
    alone = choose(tried(ACTUAL[:1], [np.nan], **{NAIVE: ACTUAL[:1]}), 1, "MASE")
    assert alone.group.tolist() == [1]


@pytest.mark.parametrize("metric", METRICS)
def test_actuals_that_are_all_zero_still_give_weights(metric: str) -> None:
    zero = np.zeros_like(ACTUAL)
    forecasts: dict[str, Array] = {NAIVE: zero + 4, "good": zero + 1, "bad": zero + 40}
    weights = choose(tried(zero, SCALE, **forecasts), ITEMS, metric)
    assert np.isfinite(weights.group).all() and np.isfinite(weights.series).all()
    assert weights.group.sum() == pytest.approx(1)
    assert weights.core.any()


@pytest.mark.parametrize("metric", METRICS)
def test_a_model_that_failed_somewhere_spoils_nothing(metric: str) -> None:
    backtest = four()
    broken = backtest.past("bad").copy()
    broken[2] = np.nan
    failed = np.isnan(np.tile(broken, (2, 1))).any(axis=1)
    predictions = {**backtest.predictions, "bad": said(np.tile(broken, (2, 1)), fallback=failed)}
    weights = choose(replace(backtest, predictions=predictions), ITEMS, metric)
    expected = choose(backtest, ITEMS, metric)
    np.testing.assert_allclose(weights.group, expected.group)
    np.testing.assert_allclose(weights.series, expected.series)


def test_more_rows_than_are_sampled_choose_the_same() -> None:
    repeats = select.MAX_ROWS // ITEMS + 7
    backtest = four()
    forecasts = {name: np.tile(backtest.past(name), (repeats, 1)) for name in backtest.predictions}
    many = choose(tried(np.tile(ACTUAL, (repeats, 1)), np.tile(SCALE, repeats), **forecasts), ITEMS * repeats, "MASE")
    np.testing.assert_allclose(many.group, choose(backtest, ITEMS, "MASE").group, atol=1 / select.GREEDY_STEPS)
