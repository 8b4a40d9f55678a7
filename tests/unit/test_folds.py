"""Rolling origins: where they lie, who takes part, and how many windows a table can pay for."""

from __future__ import annotations

import doctest

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect import folds
from convect.folds import default_windows, min_train_steps, rolling_origin


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(folds, extraglobs={"np": np}).failed == 0


def test_the_drawing_of_the_docstring() -> None:
    newest, before = rolling_origin(np.array([9]), 2, 2, 3)
    assert (newest.items.tolist(), newest.ends.tolist()) == ([0], [7])
    assert (before.items.tolist(), before.ends.tolist()) == ([0], [5])


def test_a_short_item_is_left_out_of_the_windows_it_cannot_pay_for() -> None:
    found = rolling_origin(np.array([10, 6, 3]), 2, 3, 4)
    assert [(fold.items.tolist(), fold.ends.tolist()) for fold in found] == [([0, 1], [8, 4]), ([0], [6]), ([0], [4])]


def test_windows_that_nobody_can_pay_for_are_left_out() -> None:
    assert len(rolling_origin(np.array([8]), 3, 5, 4)) == 1
    assert rolling_origin(np.array([8, 7]), 6, 3, 4) == []


@given(
    lengths=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    horizon=st.integers(1, 9),
    windows=st.integers(1, 4),
    least=st.integers(1, 12),
)
def test_every_pair_of_item_and_window_that_fits_is_there_once(
    lengths: list[int], horizon: int, windows: int, least: int
) -> None:
    found = {
        (int(item), int(end))
        for fold in rolling_origin(np.array(lengths), horizon, windows, least)
        for item, end in zip(fold.items, fold.ends, strict=True)
    }
    expected = {
        (item, length - window * horizon)
        for item, length in enumerate(lengths)
        for window in range(1, windows + 1)
        if length - window * horizon >= least
    }
    assert found == expected


def test_the_newest_window_ends_with_the_data_and_windows_do_not_overlap() -> None:
    found = rolling_origin(np.array([30]), 4, 3, 5)
    ends = [int(fold.ends[0]) for fold in found]
    assert ends[0] + 4 == 30
    assert np.diff(ends).tolist() == [-4, -4]


@pytest.mark.parametrize("season", [1, 2, 7, 12, 52])
def test_two_seasons_and_a_little_are_kept_for_training(season: int) -> None:
    assert min_train_steps(season) > 2 * season
    assert min_train_steps(season) <= min_train_steps(season + 1)


@given(
    lengths=st.lists(st.integers(1, 3000), min_size=1, max_size=50),
    horizon=st.integers(1, 60),
    season=st.integers(1, 60),
)
def test_windows_are_at_least_one_and_never_take_the_seasons_of_the_typical_history(
    lengths: list[int], horizon: int, season: int
) -> None:
    windows = default_windows(np.array(lengths), horizon, season)
    assert 1 <= windows <= folds.MAX_WINDOWS
    assert windows == default_windows(np.array(lengths[::-1]), horizon, season)
    if windows > 1:
        assert np.median(lengths) - windows * horizon >= 2 * season


def test_few_series_get_more_windows_than_many_and_no_series_gets_one() -> None:
    few, many = (default_windows(np.full(count, 200), 10, 7) for count in (2, 5 * folds.ENOUGH_ROWS))
    assert few > many == 1
    assert default_windows(np.array([], np.int64), 10, 7) == 1
