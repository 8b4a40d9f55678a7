"""Errors of a forecast: cases for the head, what leaves them unchanged, and rows without a scale."""

from __future__ import annotations

import doctest
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from convect import metrics

Array = NDArray[np.float64]
ACTUAL = np.array([[10.0, 20.0], [-2.0, 4.0]])
FORECAST = np.array([[12.0, 17.0], [-1.0, 4.0]])
SCALE = np.array([5.0, 0.5])
QUANTILES = {0.1: FORECAST - 2, 0.5: FORECAST, 0.9: FORECAST + 3}

SCALED: dict[str, Callable[[Array, Array, Array], float]] = {
    "MASE": metrics.mase,
    "RMSSE": metrics.rmsse,
    "SQL": lambda actual, forecast, scale: metrics.sql(actual, {0.1: forecast - scale[:, None], 0.8: forecast}, scale),
}
POINT: dict[str, Callable[[Array, Array], float]] = {
    **metrics.UNSCALED,
    "wQL": lambda actual, forecast: metrics.wql(actual, {0.3: forecast, 0.8: forecast * 1.1}),
}


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(metrics, extraglobs={"np": np}).failed == 0


def test_mase_by_hand() -> None:
    assert metrics.mase(ACTUAL, FORECAST, SCALE) == pytest.approx((2.5 / 5 + 0.5 / 0.5) / 2)


def test_rmsse_by_hand() -> None:
    expected = (np.sqrt((4 + 9) / 2) / 5 + np.sqrt(1 / 2) / 0.5) / 2
    assert metrics.rmsse(ACTUAL, FORECAST, SCALE) == pytest.approx(expected)


def test_smape_by_hand() -> None:
    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx(200 * (2 / 22 + 3 / 37 + 1 / 3 + 0) / 4)


def test_wape_and_rmse_by_hand() -> None:
    assert metrics.wape(ACTUAL, FORECAST) == pytest.approx(6 / 36)
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(np.sqrt(14 / 4))


def test_pinball_by_hand() -> None:
    found = metrics.pinball(np.array([[10.0, 10.0]]), np.array([[8.0, 13.0]]), 0.9)
    assert found.tolist() == [pytest.approx([2 * 0.9 * 2, 2 * 0.1 * 3])]


def test_the_median_s_quantile_losses_are_the_absolute_errors_of_a_point() -> None:
    assert metrics.sql(ACTUAL, {0.5: FORECAST}, SCALE) == pytest.approx(metrics.mase(ACTUAL, FORECAST, SCALE))
    assert metrics.wql(ACTUAL, {0.5: FORECAST}) == pytest.approx(metrics.wape(ACTUAL, FORECAST))


def test_quantile_losses_are_means_over_the_quantiles() -> None:
    each = [metrics.wql(ACTUAL, {level: forecast}) for level, forecast in QUANTILES.items()]
    assert metrics.wql(ACTUAL, QUANTILES) == pytest.approx(np.mean(each))
    each = [metrics.sql(ACTUAL, {level: forecast}, SCALE) for level, forecast in QUANTILES.items()]
    assert metrics.sql(ACTUAL, QUANTILES, SCALE) == pytest.approx(np.mean(each))


def test_coverage_counts_the_ends() -> None:
    actual = np.array([[1.0, 2.0, 3.0, 4.0]])
    assert metrics.coverage(actual, np.full((1, 4), 2.0), np.full((1, 4), 3.0)) == 0.5


def test_the_scale_of_a_history_by_hand() -> None:
    history = np.array([1.0, 5.0, 2.0, 9.0, 4.0])
    assert metrics.seasonal_scale(history, 2) == pytest.approx((1 + 4 + 2) / 3)
    assert metrics.seasonal_scale_squared(history, 2) == pytest.approx(np.sqrt((1 + 16 + 4) / 3))


def test_a_history_of_a_season_and_one_is_scaled_by_its_steps() -> None:
    assert metrics.seasonal_scale(np.array([1.0, 3.0, 6.0]), 2) == pytest.approx(2.5)
    assert metrics.seasonal_scale(np.array([1.0, 3.0, 6.0, 10.0]), 2) == pytest.approx((5 + 7) / 2)


@pytest.mark.parametrize("history", [[], [3.0], [3.0, 3.0, 3.0], [1.0, 2.0] * 6])
def test_a_history_without_seasonal_differences_has_no_scale(history: list[float]) -> None:
    assert np.isnan(metrics.seasonal_scale(np.array(history), 2))
    assert np.isnan(metrics.seasonal_scale_squared(np.array(history), 2))


@pytest.mark.parametrize("name", SCALED)
def test_rows_without_a_scale_are_left_out_of_scaled_errors(name: str) -> None:
    whole = SCALED[name](ACTUAL, FORECAST, np.array([5.0, np.nan]))
    assert whole == pytest.approx(SCALED[name](ACTUAL[:1], FORECAST[:1], np.array([5.0])))
    assert np.isnan(SCALED[name](ACTUAL, FORECAST, np.array([np.nan, np.nan])))


@pytest.mark.parametrize("name", SCALED)
def test_scaled_errors_do_not_know_the_unit_or_the_zero_of_a_row(name: str) -> None:
    factor, shift = np.array([[3.0], [0.01]]), np.array([[100.0], [-7.0]])
    moved = SCALED[name](ACTUAL * factor + shift, FORECAST * factor + shift, SCALE * factor[:, 0])
    assert moved == pytest.approx(SCALED[name](ACTUAL, FORECAST, SCALE))


@pytest.mark.parametrize("name", ["sMAPE", "WAPE", "wQL"])
def test_relative_errors_do_not_know_the_unit(name: str) -> None:
    assert POINT[name](ACTUAL * 8, FORECAST * 8) == pytest.approx(POINT[name](ACTUAL, FORECAST))


def test_rmse_is_in_the_unit_of_the_target() -> None:
    assert metrics.rmse(ACTUAL * 8 + 3, FORECAST * 8 + 3) == pytest.approx(8 * metrics.rmse(ACTUAL, FORECAST))


@pytest.mark.parametrize("name", POINT)
def test_the_order_of_rows_does_not_matter_and_a_worse_forecast_is_worse(name: str) -> None:
    found = POINT[name](ACTUAL, FORECAST)
    assert POINT[name](ACTUAL[::-1], FORECAST[::-1]) == pytest.approx(found)
    assert POINT[name](ACTUAL, ACTUAL + 5 * (FORECAST - ACTUAL)) > found > 0
    assert POINT[name](ACTUAL, ACTUAL) == pytest.approx(0) or name == "wQL"


@pytest.mark.parametrize("name", SCALED)
def test_the_order_of_rows_does_not_matter_to_scaled_errors(name: str) -> None:
    assert SCALED[name](ACTUAL[::-1], FORECAST[::-1], SCALE[::-1]) == pytest.approx(
        SCALED[name](ACTUAL, FORECAST, SCALE)
    )


def test_smape_is_bounded_and_zero_where_both_are_zero() -> None:
    zero = np.zeros((1, 3))
    assert metrics.smape(zero, zero) == 0
    assert metrics.smape(zero, zero + 1) == 200
    assert metrics.smape(zero - 5, zero + 5) == 200


def test_shares_of_nothing_are_not_a_number() -> None:
    zero = np.zeros((1, 3))
    assert np.isnan(metrics.wape(zero, zero + 1))
    assert np.isnan(metrics.wql(zero, {0.5: zero + 1}))


@pytest.mark.parametrize("name", [*SCALED, *POINT])
def test_an_actual_that_is_not_known_counts_nowhere(name: str) -> None:
    actual, forecast = np.column_stack([ACTUAL, [np.nan, np.nan]]), np.column_stack([FORECAST, [1e9, -1e9]])
    if name in SCALED:
        assert SCALED[name](actual, forecast, SCALE) == pytest.approx(SCALED[name](ACTUAL, FORECAST, SCALE))
    else:
        assert POINT[name](actual, forecast) == pytest.approx(POINT[name](ACTUAL, FORECAST))
    assert np.isnan(SCALED["MASE"](ACTUAL, np.full_like(FORECAST, np.nan), SCALE))


def test_coverage_is_over_the_known_actuals() -> None:
    actual = np.array([[1.0, np.nan, 3.0, 9.0]])
    assert metrics.coverage(actual, np.zeros((1, 4)), np.full((1, 4), 3.0)) == pytest.approx(2 / 3)
