"""What the global model sees: by hand, in every unit the same, and blind to the future and to the neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.models import features
from convect.models.features import SeriesTable, WindowFeatures
from tests.unit.made import Array, wave

ONE = np.array([0])


def table(*series: Any, seasons: tuple[int, ...] = (), horizon: int = 3, **parts: Any) -> SeriesTable:
    """Without covariates or calendar unless given."""
    values = [np.asarray(one, float) for one in series]
    offsets = np.r_[0, np.cumsum([len(one) for one in values])]
    rows, items = int(offsets[-1]), len(values)
    plain: dict[str, Any] = {
        "values": np.concatenate(values),
        "observed": np.ones(rows, bool),
        "offsets": offsets,
        "starts": np.zeros(items, np.int64),
        "seasons": seasons,
        "covariates": np.empty((rows + items * horizon, 0)),
        "covariate_offsets": offsets + horizon * np.arange(items + 1),
        "past": np.empty((rows, 0)),
        "static": np.empty((items, 0)),
        "calendar": lambda item, position: np.empty((*np.broadcast_shapes(item.shape, position.shape), 0)),
    }
    return SeriesTable(**{**plain, **parts})


def matrix(found: SeriesTable, item: int, end: int, *steps: int) -> tuple[Array, float, float]:
    x, level, scale = WindowFeatures(found).matrix(np.array([item]), np.array([end]), np.array([steps]))
    return x, float(level[0]), float(scale[0])


def test_level_and_scale_by_hand() -> None:
    history = [1.0, 4.0, 2.0, 8.0, 3.0, 9.0]
    _, level, scale = matrix(table(history, seasons=(2,)), 0, 6, 1)
    steps, seasonal = [3, 2, 6, 5, 6], [1, 4, 1, 1]
    assert level == 6
    assert scale == pytest.approx(np.mean(seasonal) + features.ROUGHNESS_SHARE * np.mean(steps))


def test_without_a_season_the_level_is_the_last_value() -> None:
    _, level, scale = matrix(table([1.0, 4.0, 2.0, 8.0]), 0, 4, 1)
    assert level == 8
    assert scale == pytest.approx((1 + features.ROUGHNESS_SHARE) * (3 + 2 + 6) / 3)


def test_a_constant_history_has_a_scale_above_zero() -> None:
    for value in (0.0, 5.0, -5.0):
        x, level, scale = matrix(table(np.full(20, value), seasons=(7,)), 0, 20, 1)
        assert level == value
        assert 0 < scale <= 0.01 * abs(value) + 1e-5
        assert np.isfinite(x[~np.isnan(x)]).all()


def test_the_newest_values_come_first_as_lags_oldest_first() -> None:
    found = table(np.arange(30.0) ** 2, seasons=())
    x, level, scale = matrix(found, 0, 20, 1)
    newest = np.arange(20 - found.lags, 20.0) ** 2
    np.testing.assert_allclose(x[0, : found.lags], (newest - level) / scale)


def test_what_lies_before_the_history_is_not_a_number() -> None:
    found = table(np.arange(1.0, 6.0))
    x, _, _ = matrix(found, 0, 3, 1)
    assert np.isnan(x[0, : found.lags - 3]).all()
    assert np.isfinite(x[0, found.lags - 3 : found.lags]).all()


def test_the_values_of_the_same_phase_are_whole_seasons_before_the_target() -> None:
    found = table(np.arange(40.0), seasons=(4, 8))
    x, level, scale = matrix(found, 0, 30, 1, 4, 5)
    phase = x[:, found.lags + 6 : found.lags + 11] * scale + level
    # targets 30, 33 and 34: the nearest 4 or 8 steps before that is known at 30, then further seasons back
    assert phase[:, :4].tolist() == [[26, 22, 18, 22], [29, 25, 21, 25], [26, 22, 18, 26]]
    np.testing.assert_allclose(phase[:, 4], phase[:, :4].mean(axis=1))


def test_the_last_column_is_the_step() -> None:
    x, _, _ = matrix(table(np.arange(20.0)), 0, 12, 1, 3, 9)
    assert x[:, -1].tolist() == [1, 3, 9]


def test_known_covariates_are_taken_at_the_target_and_against_the_origin() -> None:
    covariates = np.array([[10.0], [11.0], [12.0], [13.0], [20.0], [np.nan], [40.0]])
    found = table([1.0, 2.0, 3.0, 4.0], covariates=covariates)
    x, _, _ = matrix(found, 0, 4, 1, 2, 3)
    np.testing.assert_array_equal(x[:, -3:-1], [[20, 7], [np.nan, np.nan], [40, 27]])
    values, changes = WindowFeatures(found).covariate_columns(x)
    np.testing.assert_array_equal(x[:, values], [[20], [np.nan], [40]])
    np.testing.assert_array_equal(x[:, changes], [[7], [np.nan], [27]])
    inside, _, _ = matrix(found, 0, 2, 1, 2)
    np.testing.assert_array_equal(inside[:, -3:-1], [[12, 1], [13, 2]])


def test_past_covariates_are_taken_at_the_origin_and_a_season_before_the_next_step() -> None:
    found = table(np.arange(8.0), seasons=(3,), past=10.0 * np.arange(8)[:, None])
    x, _, _ = matrix(found, 0, 6, 1, 2)
    start = found.lags + 6
    assert x[:, start : start + 2].tolist() == [[50, 30]] * 2


def test_static_features_and_calendar_are_those_of_the_item_and_the_target() -> None:
    found = table(
        np.arange(8.0),
        np.arange(9.0),
        static=np.array([[1.0], [2.0]]),
        calendar=lambda item, position: (100.0 * item + position)[..., None],
    )
    x, _, _ = matrix(found, 1, 6, 1, 2)
    assert x[:, found.lags + 6].tolist() == [2, 2]
    assert x[:, -2:].tolist() == [[106, 1], [107, 2]]


SEASONAL = pytest.mark.parametrize("seasons", [(), (7,), (4, 12), (60,)], ids=str)


@SEASONAL
@given(end=st.integers(6, 79))
def test_nothing_after_the_origin_is_seen(seasons: tuple[int, ...], end: int) -> None:
    history = wave(80, 7)
    changed = history.copy()
    changed[end:] = 1e4
    before, after = (matrix(table(one, seasons=seasons), 0, end, 1, 2, 3) for one in (history, changed))
    np.testing.assert_array_equal(before[0], after[0])
    assert before[1:] == after[1:]


@SEASONAL
def test_an_item_is_seen_alike_whatever_stands_beside_it(seasons: tuple[int, ...]) -> None:
    history, other = wave(80, 7), 1e20 * wave(60, 7, seed=1)
    alone = matrix(table(history, seasons=seasons), 0, 70, 1, 2, 3)
    beside = matrix(table(other, history, other, seasons=seasons), 1, 70, 1, 2, 3)
    np.testing.assert_allclose(beside[0], alone[0], rtol=1e-9, atol=1e-9)
    assert beside[1:] == pytest.approx(alone[1:])


@SEASONAL
@given(factor=st.floats(0.01, 1e3), shift=st.floats(-100, 100))
def test_unit_and_zero_only_move_level_and_scale(seasons: tuple[int, ...], factor: float, shift: float) -> None:
    history = wave(80, 7)
    x, level, scale = matrix(table(history, seasons=seasons), 0, 70, 1, 2, 3)
    moved, its_level, its_scale = matrix(table(factor * history + shift, seasons=seasons), 0, 70, 1, 2, 3)
    assert its_level == pytest.approx(factor * level + shift, abs=1e-6)
    assert its_scale == pytest.approx(factor * scale)
    relative = table(history, seasons=seasons).lags + 4  # scale over |level| is meant to tell where zero is
    same = np.arange(x.shape[1]) != relative
    np.testing.assert_allclose(moved[:, same], x[:, same], atol=1e-6)


@SEASONAL
def test_windows_are_the_same_together_and_alone(seasons: tuple[int, ...]) -> None:
    found = table(wave(40, 7), wave(25, 7, seed=1), wave(9, 7, seed=2), seasons=seasons)
    items, ends = np.array([0, 1, 1, 2, 0]), np.array([40, 12, 25, 7, 6])
    steps = np.array([[1, 2], [2, 3], [1, 3], [1, 2], [2, 3]])
    together, levels, scales = WindowFeatures(found).matrix(items, ends, steps)
    for place, (item, end) in enumerate(zip(items, ends, strict=True)):
        alone, level, scale = matrix(found, int(item), int(end), *steps[place])
        np.testing.assert_array_equal(together[2 * place : 2 * place + 2], alone)
        assert (levels[place], scales[place]) == (level, scale)


def test_a_tail_stands_for_a_longer_history() -> None:
    history = wave(3 * features.LONGEST_LENGTH, 7)
    tail = history[-2 * features.LONGEST_LENGTH :]
    for seasons in ((), (7,), (24, 168), (96,)):
        whole = matrix(table(history, seasons=seasons), 0, len(history), 1, 2)
        cut = matrix(table(tail, seasons=seasons), 0, len(tail), 1, 2)
        np.testing.assert_allclose(cut[0], whole[0], rtol=0.05, atol=0.05)
        assert cut[1] == pytest.approx(whole[1])
