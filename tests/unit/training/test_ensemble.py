"""Combining: a guarded weighted mean within its members, in which a failed model has no say."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.models.local import Predictions
from convect.models.simple import NAIVE
from convect.select import Weights
from convect.training import ensemble
from convect.training.ensemble import Combined, bounds, combine
from tests.unit.made import said

NAMES = (NAIVE, "Theta", "GlobalLightGBM")
HALF = Weights(NAMES, np.array([0.0, 0.5, 0.5]), np.zeros((0, 3)), np.array([False, True, True]))
WIDTHS = {NAIVE: 9.0, "Theta": 2.0}


def predictions(failed: Mapping[str, list[bool]] | None = None) -> dict[str, Predictions]:
    """Two origins of two steps; the global model has no interval of its own."""
    means = {
        NAIVE: [[1.0, 1.0], [5.0, 5.0]],
        "Theta": [[2.0, 4.0], [6.0, 8.0]],
        "GlobalLightGBM": [[4.0, 8.0], [8.0, 0.0]],
    }
    return {
        name: said(
            mean,
            np.full((2, 2, 2), WIDTHS.get(name, np.nan)),
            (failed or {}).get(name, [False, False]),
        )
        for name, mean in means.items()
    }


def combined(weights: Weights, found: Mapping[str, Predictions]) -> Combined:
    return combine(weights, np.tile(weights.group, (2, 1)), found)


def test_by_hand() -> None:
    found = combined(HALF, predictions())
    assert found.mean.tolist() == [pytest.approx([3, 6]), pytest.approx([7, 4])]
    assert not found.fallback.any()


def test_the_median_of_the_core_guards_the_mean() -> None:
    names = ("a", "b", "c", NAIVE)
    weights = Weights(names, np.array([0.5, 0.3, 0.2, 0.0]), np.zeros((0, 4)), np.array([True, True, True, False]))
    found = combine(weights, weights.group[None], {n: said([[x]]) for n, x in zip(names, (1, 2, 90, 7), strict=True)})
    mean = 0.5 * 1 + 0.3 * 2 + 0.2 * 90
    assert found.mean.item() == pytest.approx((1 - ensemble.MEDIAN_SHARE) * mean + ensemble.MEDIAN_SHARE * 2)


def test_two_models_near_the_best_guard_nothing() -> None:
    uneven = Weights(NAMES, np.array([0.0, 0.9, 0.1]), HALF.series, HALF.core)
    assert combined(uneven, predictions()).mean[0].tolist() == pytest.approx([0.9 * 2 + 0.1 * 4, 0.9 * 4 + 0.1 * 8])


def test_a_model_that_failed_has_no_say() -> None:
    found = combined(HALF, predictions({"Theta": [True, False]}))
    assert found.mean.tolist() == [pytest.approx([4, 8]), pytest.approx([7, 4])]
    other = predictions({"Theta": [True, False]})
    other["Theta"].mean[0] = np.nan
    np.testing.assert_array_equal(combined(HALF, other).mean, found.mean)
    other["Theta"].mean[0] = 1e9
    np.testing.assert_array_equal(combined(HALF, other).mean, found.mean)


def test_where_all_failed_the_naive_forecast_stands_and_is_said_to() -> None:
    found = combined(HALF, predictions({"Theta": [True, False], "GlobalLightGBM": [True, False]}))
    assert found.mean.tolist() == [[1, 1], pytest.approx([7, 4])]
    assert found.spread[0].tolist() == [[9, 9], [9, 9]]
    assert found.fallback.tolist() == [True, False]


def test_the_naive_model_alone_is_a_fallback() -> None:
    alone = Weights((NAIVE,), np.ones(1), np.ones((2, 1)), np.ones(1, bool))
    found = combined(alone, {NAIVE: predictions()[NAIVE]})
    assert found.mean.tolist() == [[1, 1], [5, 5]]
    assert found.fallback.all()


def test_weights_are_those_of_the_row() -> None:
    rows = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    single = Weights(NAMES, HALF.group, HALF.series, np.array([True, True, True]))
    found = combine(single, rows, predictions())
    share = ensemble.MEDIAN_SHARE
    assert found.mean[0].tolist() == pytest.approx([2, 4])
    assert found.mean[1].tolist() == pytest.approx([8 - share * 2, 0 + share * 5])


def test_the_spread_is_the_mean_of_those_there_are() -> None:
    weights = Weights(NAMES, np.array([0.3, 0.3, 0.4]), HALF.series, HALF.core)
    np.testing.assert_allclose(combined(weights, predictions()).spread, (9 + 2) / 2)


def test_without_any_interval_there_is_none() -> None:
    alone = Weights(NAMES, np.array([0.0, 0.0, 1.0]), HALF.series, HALF.core)
    assert np.isnan(combined(alone, predictions()).spread).all()


def test_the_order_of_the_models_does_not_matter() -> None:
    turned = Weights(NAMES[::-1], HALF.group[::-1], HALF.series, HALF.core[::-1])
    np.testing.assert_allclose(combined(turned, predictions()).mean, combined(HALF, predictions()).mean)


@given(
    means=st.lists(st.floats(-1e3, 1e3), min_size=4, max_size=4),
    raw=st.lists(st.floats(0.01, 1), min_size=4, max_size=4),
    core=st.lists(st.booleans(), min_size=4, max_size=4).filter(any),
    factor=st.floats(0.1, 50),
    shift=st.floats(-100, 100),
)
def test_it_stays_within_its_members_and_follows_their_unit(
    means: list[float], raw: list[float], core: list[bool], factor: float, shift: float
) -> None:
    names = ("a", "b", "c", NAIVE)
    weights = Weights(names, np.array(raw) / sum(raw), np.zeros((0, 4)), np.array(core))

    def mean(values: list[float]) -> float:
        found = combine(weights, weights.group[None], {n: said([[v]]) for n, v in zip(names, values, strict=True)})
        return float(found.mean.item())

    assert min(means) - 1e-9 <= mean(means) <= max(means) + 1e-9
    moved = mean([factor * value + shift for value in means])
    assert moved == pytest.approx(factor * mean(means) + shift, abs=1e-6)


def test_bounds_by_hand() -> None:
    low, high = bounds([np.array([2.0, 6.0]), np.array([-1.0, 3.0]), np.array([7.0, 7.0]), np.array([0.0, 0.0])])
    spans = ensemble.EXPLOSION_SPANS
    assert low.tolist() == [0, -1 - spans * 4, 0, 0]
    assert high.tolist() == [6 + spans * 4, 3 + spans * 4, 7 + spans * 7, spans]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=6))
def test_bounds_hold_the_history(history: list[float]) -> None:
    low, high = bounds([np.array(history)])
    assert low[0] <= min(history) <= max(history) <= high[0]
    assert (low[0] >= 0) == (min(history) >= 0)
