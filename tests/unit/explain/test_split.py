"""A forecast parted into level, trend and season: cases for the head, and what must hold for any."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.explain.split import rows_seen, split

WEEK = np.array([3.0, 1.0, -2.0, -1.0, 0.0, 1.0, -2.0])


def series(rows: int, slope: float = 0.5, level: float = 20.0, season: float = 1.0) -> np.ndarray:
    """A line with a week on it, (1, rows)."""
    step = np.arange(rows)
    return np.asarray(level + slope * step + season * WEEK[step % 7])[None]


def test_what_goes_on_as_before_is_parted_without_a_rest() -> None:
    whole = series(70)
    found = split(whole[:, :56], whole[:, 56:], (7,))
    np.testing.assert_allclose(found.level, 20 + 0.5 * 55)
    np.testing.assert_allclose(found.trend, 0.5 * np.arange(1, 15)[None])
    np.testing.assert_allclose(found.season, np.tile(WEEK, 2)[None], atol=1e-9)


def test_two_steps_of_a_season_of_two() -> None:
    found = split(np.array([[1.0, 3.0, 1.0, 3.0]]), np.array([[1.0, 3.0]]), (2,))
    np.testing.assert_allclose(found.season, [[-1.0, 1.0]], atol=1e-6)
    np.testing.assert_allclose(found.level, 2.0, atol=1e-6)
    np.testing.assert_allclose(found.trend, 0.0, atol=1e-6)


def test_a_forecast_with_half_the_season_is_told_half_of_it() -> None:
    history, forecast = series(56, slope=0.0), series(14, slope=0.0, season=0.5)
    found = split(history, forecast, (7,))
    np.testing.assert_allclose(found.season[0], 0.5 * np.tile(WEEK, 2), atol=0.06)
    np.testing.assert_allclose(found.level, 20.0, atol=0.01)


def test_a_horizon_too_short_to_tell_a_season_from_a_trend_has_the_season_of_the_history() -> None:
    step = np.arange(368)
    year = 10 * np.sin(2 * np.pi * step / 52)
    found = split(100 + year[None, :364], 100 + year[None, 364:], (52,))
    np.testing.assert_allclose(found.season[0], year[364:], atol=0.2)
    assert np.abs(found.trend).max() < 0.5


def test_seasons_within_seasons_are_told_together() -> None:
    step = np.arange(24 * 7 * 5)
    both = 5 * np.sin(2 * np.pi * step / 24) + 3 * (step // 24 % 7 < 2)
    found = split(50 + both[None, :-48], 50 + both[None, -48:], (24, 168))
    np.testing.assert_allclose(found.season[0] - found.season[0, 0], (both[-48:] - both[-48]), atol=0.1)


def test_a_level_without_a_season_and_a_single_step() -> None:
    found = split(np.array([[np.nan, 4.0]]), np.array([[5.0]]), ())
    np.testing.assert_allclose(found.level + found.trend, 5.0)
    assert found.season.tolist() == [[0.0]]
    assert rows_seen(()) == 6
    assert rows_seen((24, 168)) == 1008


def test_nothing_but_zeros_has_no_component() -> None:
    found = split(np.zeros((2, 20)), np.zeros((2, 7)), (7,))
    assert not found.level.any() and not found.trend.any() and not found.season.any()


def test_a_season_that_the_history_is_too_short_for_is_told_by_history_and_forecast_together() -> None:
    history = np.full((1, 14), np.nan)
    history[0, -3:] = series(3, slope=0.0)[0]
    forecast = np.roll(series(21, slope=0.0), -3, axis=1)
    np.testing.assert_allclose(split(history, forecast, (7,)).season, forecast - 20.0, atol=1e-6)
    assert not split(history, forecast[:, :7], (7,)).season.any()


@given(
    seed=st.integers(0, 10**6),
    shift=st.floats(-1e3, 1e3),
    factor=st.floats(1e-3, 1e6),
    seasons=st.sampled_from([(), (2,), (7,), (3, 12)]),
    horizon=st.integers(1, 20),
)
def test_moving_or_stretching_a_series_does_so_to_its_components(
    seed: int, shift: float, factor: float, seasons: tuple[int, ...], horizon: int
) -> None:
    drawn = np.random.default_rng(seed).normal(size=(2, 40 + horizon))
    before = split(drawn[:, :40], drawn[:, 40:], seasons)
    moved = shift + factor * drawn
    after = split(moved[:, :40], moved[:, 40:], seasons)
    tolerance = 1e-6 * factor + 1e-12 * abs(shift)
    np.testing.assert_allclose(after.level, shift + factor * before.level, rtol=1e-12, atol=tolerance)
    np.testing.assert_allclose(after.trend, factor * before.trend, rtol=0, atol=tolerance)
    np.testing.assert_allclose(after.season, factor * before.season, rtol=0, atol=tolerance)


@pytest.mark.parametrize("size", [1e-300, 1e-9, 1e9, 1e15, 1e150])
def test_any_size_has_finite_components(size: float) -> None:
    found = split(size * series(50), size * series(14), (7,))
    for part in (found.level, found.trend, found.season):
        assert np.isfinite(part).all()
        assert np.abs(part).max() <= 100 * size
