"""Intervals: calibrated on errors, ascending, around the point forecast, and wider further out."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect import intervals
from convect.intervals import LEVELS, Intervals, calibrate, interpolate, unit
from tests.unit.made import Array

THREE = (0.1, 0.5, 0.9)
RNG = np.random.default_rng(2)
NONE = np.full((1, 1, 2), np.nan)
ONE = np.ones(1)


def learnt(rows: int = 400, horizon: int = 3, levels: tuple[float, ...] = LEVELS) -> Intervals:
    return calibrate(RNG.normal(0, 1, (rows, horizon)), np.arange(rows) % 20, 20, levels)


def test_the_errors_offsets_by_hand() -> None:
    found = Intervals(THREE, np.array([[-2.0, 0.0, 3.0]]), ONE)
    quantiles = found.quantiles(np.array([[10.0]]), NONE, np.array([4.0]), ONE, np.array([0.5]))
    assert quantiles.tolist() == [[[6, 10, 16]]]


def test_the_unit_of_errors_by_hand() -> None:
    mean, scale, size = np.array([[0.0, 10.0, -10.0, 32.0]]), np.array([3.0]), np.array([10.0])
    assert unit(mean, scale, size, 0.0).tolist() == [[3, 3, 3, 3]]
    least = intervals.SMALLEST_SHARE
    shares = [least / (1 + least), 1, 1, (3.2 + least) / (1 + least)]
    np.testing.assert_allclose(unit(mean, scale, size, 1.0), [[3 * share for share in shares]])
    np.testing.assert_allclose(unit(mean, scale, size, 0.5), [[3 * share**0.5 for share in shares]])
    assert unit(mean, scale, np.zeros(1), 1.0).tolist() == [[3, 3, 3, 3]], "a series of zeros has no size to go by"


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@given(factor=st.sampled_from([1e-3, 7.0, 1e5]))
def test_with_any_power_quantiles_follow_the_unit_and_widen_with_the_forecast(power: float, factor: float) -> None:
    found = Intervals(THREE, np.array([[-2.0, 0.0, 3.0]]), ONE, power)
    mean, size, none = np.array([[20.0], [80.0]]), np.full(2, 40.0), np.full((2, 1, 2), np.nan)
    plain = found.quantiles(mean, none, np.ones(2), size, np.ones(2))
    moved = found.quantiles(factor * mean, none, np.full(2, factor), factor * size, np.ones(2))
    np.testing.assert_allclose(moved, factor * plain)
    small, large = plain[:, 0, 2] - plain[:, 0, 0]
    assert (large > small) == (power > 0)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (1.0, intervals.OWN_WIDENING),
        (0.1, intervals.OWN_TOLERANCE * 0.1),
        (10.0, 10.0 / intervals.OWN_TOLERANCE),
        (0.0, 0.0),
    ],
)
def test_own_intervals_far_from_the_errors_are_drawn_to_them(error: float, expected: float) -> None:
    z = NormalDist().inv_cdf(0.9)
    spread = np.tile([2.0, 5.0], (40, 3, 1))
    errors = error * z * np.where(np.arange(40)[:, None] % 2, -2.0, 5.0) * np.ones((1, 3))
    assert intervals.own_widening(errors, spread) == pytest.approx(expected)


def test_too_few_rows_do_not_contradict_the_models() -> None:
    few = intervals.FEWEST_OWN_ROWS - 1
    assert intervals.own_widening(np.full((few, 9), 1e6), np.ones((few, 9, 2))) == intervals.OWN_WIDENING
    assert intervals.own_widening(np.full((99, 9), 1e6), np.full((99, 9, 2), np.nan)) == intervals.OWN_WIDENING


def test_own_and_learnt_intervals_are_mixed() -> None:
    found = Intervals(THREE, np.array([[-2.0, 0.0, 3.0]]), ONE)
    spread = np.array([[[1.0, 5.0]]])
    quantiles = found.quantiles(np.array([[10.0]]), spread, ONE, ONE, ONE)
    share, z = intervals.CONFORMAL_SHARE, intervals.OWN_WIDENING * NormalDist().inv_cdf(0.9)
    expected = [10 - share * 2 - (1 - share) * z, 10, 10 + share * 3 + (1 - share) * 5 * z]
    assert quantiles.tolist() == [[pytest.approx(expected)]]


def test_without_a_backtest_the_own_interval_stands_alone() -> None:
    found = calibrate(np.empty((0, 2)), np.empty(0, np.int64), 3, THREE)
    assert found.ratio.tolist() == [1, 1, 1]
    quantiles = found.quantiles(np.zeros((1, 2)), np.full((1, 2, 2), 2.0), ONE, ONE, ONE)
    z = 2 * intervals.OWN_WIDENING * NormalDist().inv_cdf(0.9)
    np.testing.assert_allclose(quantiles, np.tile([-z, 0, z], (1, 2, 1)), atol=1e-12)


def test_without_either_all_quantiles_are_the_point() -> None:
    found = calibrate(np.empty((0, 1)), np.empty(0, np.int64), 1, THREE)
    assert found.quantiles(np.array([[7.0]]), NONE, ONE, ONE, ONE).tolist() == [[[7, 7, 7]]]


def test_the_offsets_are_the_quantiles_of_the_pooled_errors() -> None:
    rows = 4 * intervals.MIN_POOL
    residuals = RNG.gumbel(0, 1, (rows, 1))
    found = calibrate(residuals, np.arange(rows), rows, LEVELS)
    pool = residuals[:, 0] / found.ratio
    widened = [0.5 + (level - 0.5) * (1 + 1 / rows) for level in LEVELS]
    np.testing.assert_allclose(found.offsets[0], np.quantile(pool, widened) - np.median(pool))


def test_a_step_s_errors_are_pooled_with_its_neighbours_where_rows_are_few() -> None:
    residuals = np.zeros((3, 40))
    residuals[:, 39] = [-5.0, 0.0, 5.0]
    found = calibrate(residuals, np.arange(3), 3, (0.001, 0.5, 0.999))
    width = found.offsets[:, 2] - found.offsets[:, 0]
    assert width[39] > 0
    assert width[0] < width[39]
    reached = int(np.argmax(width > 0))
    assert 3 * (40 - reached) < 2 * intervals.MIN_POOL, "no more neighbours than the pool needs"


@pytest.mark.parametrize("rows", [1, 2, 7, 60, 400])
def test_the_median_stays_and_quantiles_ascend(rows: int) -> None:
    found = learnt(rows)
    mean, spread = RNG.normal(50, 9, (6, 3)), RNG.uniform(0, 4, (6, 3, 2))
    quantiles = found.quantiles(mean, spread, np.full(6, 2.0), np.full(6, 50.0), RNG.uniform(0.5, 2, 6))
    assert quantiles.shape == (6, 3, len(LEVELS))
    assert (np.diff(quantiles, axis=-1) >= 0).all()
    assert np.isfinite(quantiles).all()
    np.testing.assert_allclose(quantiles[..., LEVELS.index(0.5)], mean)


@given(factor=st.floats(0.01, 100), shift=st.floats(-1e3, 1e3))
def test_quantiles_follow_the_unit_and_the_zero(factor: float, shift: float) -> None:
    rng = np.random.default_rng(1)
    found = calibrate(rng.normal(0, 1, (50, 2)), np.arange(50), 50, LEVELS)
    mean, spread, scale = rng.normal(0, 9, (50, 2)), rng.uniform(0, 4, (50, 2, 2)), rng.uniform(1, 2, 50)
    size = np.ones(50)
    plain = found.quantiles(mean, spread, scale, size, found.ratio)
    moved = found.quantiles(factor * mean + shift, factor * spread, factor * scale, size, found.ratio)
    np.testing.assert_allclose(moved, factor * plain + shift, rtol=1e-9, atol=1e-6)


def test_the_unit_of_all_errors_does_not_change_whose_are_large() -> None:
    residuals, items = RNG.normal(0, 1, (60, 2)), np.arange(60) % 6
    found, larger = calibrate(residuals, items, 6, LEVELS), calibrate(8 * residuals, items, 6, LEVELS)
    np.testing.assert_allclose(larger.ratio, found.ratio)
    np.testing.assert_allclose(larger.offsets, 8 * found.offsets)


def test_the_order_of_rows_does_not_matter() -> None:
    residuals, items = RNG.normal(0, 1, (60, 2)), np.arange(60) % 6
    found, turned = calibrate(residuals, items, 6, LEVELS), calibrate(residuals[::-1], items[::-1], 6, LEVELS)
    np.testing.assert_allclose(turned.offsets, found.offsets)
    np.testing.assert_allclose(turned.ratio, found.ratio)


def test_an_item_s_ratio_is_shrunk_towards_one() -> None:
    residuals = np.array([[4.0], [4.0], [1.0], [1.0]])
    items = np.array([0, 0, 1, 1])
    found = calibrate(residuals, items, 3, THREE)
    typical, shrunk = 2.5, intervals.SHRINKAGE_ROWS
    expected = [(8 + shrunk * typical) / (2 + shrunk), (2 + shrunk * typical) / (2 + shrunk), typical]
    assert found.ratio.tolist() == pytest.approx([value / typical for value in expected])


def test_errors_that_are_all_zero_give_no_width() -> None:
    found = calibrate(np.zeros((9, 2)), np.arange(9), 9, THREE)
    assert (found.offsets == 0).all() and (found.ratio == 1).all()


def test_rows_without_a_scale_are_left_out() -> None:
    residuals, items = RNG.normal(0, 1, (30, 2)), np.arange(30)
    spoilt = np.concatenate([residuals, [[np.nan, 1.0]], [[np.inf, 1.0]]])
    found = calibrate(spoilt, np.r_[items, 30, 31], 32, LEVELS)
    np.testing.assert_allclose(found.offsets, calibrate(residuals, items, 32, LEVELS).offsets)


@pytest.mark.parametrize("heavy", [False, True])
def test_new_errors_fall_within_as_often_as_promised(heavy: bool) -> None:
    rng = np.random.default_rng(4)

    def draw(rows: int) -> Array:
        return rng.standard_t(3, (rows, 2)) if heavy else rng.normal(0, 1, (rows, 2))

    found = calibrate(draw(600), np.arange(600), 600, LEVELS)
    happened = draw(4000)
    ones = np.ones(4000)
    quantiles = found.quantiles(np.zeros((4000, 2)), np.full((4000, 2, 2), np.nan), ones, ones, ones)
    for low, high, promised in ((3, 11, 0.8), (1, 13, 0.95)):
        inside = (happened >= quantiles[..., low]) & (happened <= quantiles[..., high])
        assert inside.mean() == pytest.approx(promised, abs=0.035)


def test_beyond_the_learnt_horizon_intervals_widen_with_the_root_of_the_step() -> None:
    found = learnt(horizon=3)
    quantiles = found.quantiles(np.zeros((1, 12)), np.full((1, 12, 2), np.nan), ONE, ONE, ONE)[0]
    np.testing.assert_allclose(quantiles[:3], found.offsets)
    np.testing.assert_allclose(quantiles[11], found.offsets[2] * 2)
    assert (np.diff(quantiles[2:, -1]) > 0).all()


def test_a_shorter_horizon_is_the_beginning_of_a_longer_one() -> None:
    found = learnt(horizon=3)
    long, short = (found.quantiles(np.zeros((1, h)), np.full((1, h, 2), np.nan), ONE, ONE, ONE) for h in (3, 2))
    np.testing.assert_array_equal(long[:, :2], short)


def test_interpolation_is_exact_at_the_known_levels_and_for_a_normal() -> None:
    normal = NormalDist(20, 3)
    values = np.array([[normal.inv_cdf(level) for level in LEVELS]])
    asked = (0.0001, 0.001, 0.033, 0.1, 0.45, 0.5, 0.77, 0.99, 0.9999)
    np.testing.assert_allclose(interpolate(values, LEVELS, asked)[0], [normal.inv_cdf(level) for level in asked])
    uneven = np.sort(RNG.gumbel(0, 5, (4, 2, len(LEVELS))), axis=-1)
    np.testing.assert_allclose(interpolate(uneven, LEVELS, LEVELS), uneven)


@given(st.lists(st.floats(0.0005, 0.9995), min_size=2, max_size=9, unique=True))
def test_interpolated_quantiles_ascend(asked: list[float]) -> None:
    uneven = np.sort(np.random.default_rng(0).gumbel(0, 5, (3, len(LEVELS))), axis=-1)
    found = interpolate(uneven, LEVELS, tuple(sorted(asked)))
    assert (np.diff(found, axis=-1) >= 0).all()
