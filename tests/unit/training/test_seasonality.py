"""Which seasons are real: shown by enough series, judged without their trend, unmoved by unit and order."""

from __future__ import annotations

import doctest

import numpy as np
import pytest

from convect.training import seasonality
from convect.training.seasonality import find_seasons, seasonal_correlation
from tests.unit.made import Array, panel_of, wave

WEEKLY = wave(70, 7)


def noise(seed: int, rows: int = 70) -> Array:
    return np.random.default_rng(seed).normal(50, 5, rows)


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(seasonality, extraglobs={"np": np}).failed == 0


def test_by_hand() -> None:
    # less its moving average, 0 1 0 1 … alternates between two values: the product sum loses its last two terms
    assert seasonal_correlation(np.tile([0.0, 1.0], 6), 2) == pytest.approx(8 / 10)


def test_a_season_that_is_there_is_found_and_one_that_is_not_is_not() -> None:
    assert find_seasons(panel_of(WEEKLY)) == (7,)
    assert find_seasons(panel_of(noise(1), noise(2), noise(3))) == ()


def test_a_trend_is_no_season() -> None:
    rise = np.arange(70.0) * 3
    assert find_seasons(panel_of(rise + noise(1), rise + noise(2))) == ()


def test_each_season_of_hours_is_judged_by_itself() -> None:
    daily, weekly = wave(600, 24), wave(600, 168)
    assert find_seasons(panel_of(weekly, freq="h")) == (168,)
    assert find_seasons(panel_of(daily + weekly, freq="h")) == (24, 168)
    assert find_seasons(panel_of(daily[:300], freq="h")) == (24,)


def test_enough_series_must_show_it() -> None:
    others = [noise(seed) for seed in range(1, 12)]
    shown = [value > seasonality.CORRELATION for value in (seasonal_correlation(one, 7) for one in others)]
    assert sum(shown) + 1 < seasonality.SHARE * 12, "the others are to be noise by luck, too"
    assert find_seasons(panel_of(WEEKLY, *others)) == ()
    assert find_seasons(panel_of(*[WEEKLY] * 4, *others)) == (7,)


def test_series_too_short_or_constant_have_no_say() -> None:
    assert np.isnan(seasonal_correlation(WEEKLY[:18], 7))
    assert np.isnan(seasonal_correlation(np.full(40, 3.0), 7))
    short = [WEEKLY[:12]] * 9
    assert find_seasons(panel_of(WEEKLY, *short, np.full(40, 3.0))) == (7,)
    assert find_seasons(panel_of(*short)) == ()


def test_unit_and_zero_do_not_matter() -> None:
    moved = seasonal_correlation(1e-6 * WEEKLY - 40, 7)
    assert moved == pytest.approx(seasonal_correlation(WEEKLY, 7))
    assert -1 <= moved <= 1


def test_a_frequency_without_seasons_has_none() -> None:
    assert find_seasons(panel_of(WEEKLY, freq="YS")) == ()


def test_a_sample_stands_for_many_series() -> None:
    many = seasonality.SAMPLE_SERIES + 50
    rows = np.tile(WEEKLY[:40], many)
    panel = panel_of(*rows.reshape(many, 40)[:26])
    assert find_seasons(panel) == find_seasons(panel.take(np.arange(3)))
