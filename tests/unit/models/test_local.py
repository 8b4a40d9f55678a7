"""The local models: one conformance for all, and the naive forecast by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.frequency import Frequency
from convect.models import catalogue, local
from convect.models.catalogue import MODELS, LocalModel
from convect.models.local import Task, cap_rows, forecast_chunk
from convect.models.simple import NAIVE, drifting, naive_forecast
from tests.unit.made import Array, wave

SEASONS, HORIZON = (4, 12), 6
EVERY = pytest.mark.parametrize("name", [model.name for model in catalogue.PORTFOLIO])
CONTINUOUS = pytest.mark.parametrize("name", [model.name for model in catalogue.PORTFOLIO if not model.intermittent])


def once(name: str, history: Array, horizon: int = HORIZON, seasons: tuple[int, ...] = SEASONS) -> Any:
    return forecast_chunk(Task(name, [history], [[len(history)]], horizon, seasons))


def test_names_are_distinct_and_the_naive_model_comes_first() -> None:
    names = [model.name for model in catalogue.PORTFOLIO]
    assert len(set(names)) == len(names)
    assert names[0] == NAIVE
    assert catalogue.PORTFOLIO[0].suits(())


@EVERY
def test_rows_are_ordered_by_series_then_end_and_each_sees_its_history_only(name: str) -> None:
    one, two = wave(60, 12), wave(50, 12, seed=1)
    found = forecast_chunk(Task(name, [one, two], [[50, 60], [50]], HORIZON, SEASONS))
    alone = [once(name, history) for history in (one[:50], one, two)]
    np.testing.assert_array_equal(found.mean, np.concatenate([each.mean for each in alone]))
    np.testing.assert_array_equal(found.spread, np.concatenate([each.spread for each in alone]))
    assert found.fallback.tolist() == [False] * 3
    assert found.seconds >= 0


@EVERY
def test_a_row_of_a_long_series_never_sees_what_follows_its_end(name: str) -> None:
    rows = local.MOVING_ROWS + 60
    ends = [rows, rows - HORIZON, rows - 2 * HORIZON]
    history = wave(rows, 12)
    usual = forecast_chunk(Task(name, [history], [ends], HORIZON, SEASONS))
    for place, end in enumerate(ends[1:], 1):
        changed = np.r_[history[:end], np.full(rows - end, 90.0)]
        other = forecast_chunk(Task(name, [changed], [ends], HORIZON, SEASONS))
        np.testing.assert_array_equal(other.mean[place:], usual.mean[place:])
        np.testing.assert_array_equal(other.spread[place:], usual.spread[place:])


@EVERY
def test_parameters_carried_to_a_later_origin_forecast_nearly_as_those_fitted_there(name: str) -> None:
    rows = local.MOVING_ROWS + 60
    history = wave(rows, 12)
    carried = forecast_chunk(Task(name, [history], [[rows, rows - HORIZON]], HORIZON, SEASONS))
    np.testing.assert_allclose(carried.mean[0], once(name, history).mean[0], atol=1.5)
    assert not carried.fallback.any()


@EVERY
def test_the_history_is_only_read(name: str) -> None:
    history = wave(60, 12)
    history.setflags(write=False)
    before = history.copy()
    first, again = once(name, history), once(name, history)
    np.testing.assert_array_equal(history, before)
    np.testing.assert_array_equal(first.mean, again.mean)


@EVERY
def test_a_longer_horizon_only_adds_steps(name: str) -> None:
    history = wave(60, 12)
    np.testing.assert_allclose(once(name, history, 15).mean[:, :4], once(name, history, 4).mean, rtol=1e-9)


@EVERY
def test_only_the_newest_rows_count(name: str) -> None:
    history = wave(cap_rows(SEASONS) + 50, 12)
    older = np.r_[np.full(50, 1e4), history[50:]]
    np.testing.assert_array_equal(once(name, history).mean, once(name, older).mean)


@CONTINUOUS
def test_the_unit_and_the_sign_do_not_matter_much(name: str) -> None:
    history = wave(60, 12)
    plain = once(name, history).mean
    np.testing.assert_allclose(once(name, 1000 * history).mean, 1000 * plain, rtol=0.03)
    mirrored = once(name, -history)
    assert np.isfinite(mirrored.mean).all() and not mirrored.fallback.any()
    np.testing.assert_allclose(-mirrored.mean, plain, atol=4)


@EVERY
@pytest.mark.parametrize("history", [[5.0], [3.0, 5.0], [1.0, 9.0, 4.0]], ids=len)
def test_too_short_a_history_gets_the_last_value_and_is_said_to_have_failed(name: str, history: list[float]) -> None:
    found = once(name, np.array(history))
    assert found.mean.tolist() == [[history[-1]] * HORIZON]
    assert found.fallback.tolist() == [name != NAIVE]
    assert np.isfinite(found.spread).all()


@CONTINUOUS
@pytest.mark.parametrize("value", [0.0, 7.0, -7.0])
def test_a_constant_history_stays(name: str, value: float) -> None:
    found = once(name, np.full(60, value))
    np.testing.assert_allclose(found.mean, value, atol=1e-6)


@EVERY
@pytest.mark.parametrize("kind", ["mostly_zero", "huge", "tiny", "jump"])
def test_odd_histories_get_a_finite_forecast_that_can_be_believed(name: str, kind: str) -> None:
    rng = np.random.default_rng(0)
    history = {
        "mostly_zero": (rng.random(60) < 0.1) * rng.integers(1, 9, 60).astype(float),
        "huge": 1e90 * wave(60, 12),
        "tiny": 1e-90 * wave(60, 12),
        "jump": np.r_[np.zeros(40), np.full(20, 1000.0)],
    }[kind]
    found = once(name, history)
    assert np.isfinite(found.mean).all()
    assert np.abs(found.mean).max() <= local.EXPLOSION * np.abs(history).max() + 1e-9
    width = found.spread[~np.isnan(found.spread)]
    assert (width >= 0).all() and np.isfinite(width).all()


class Broken:
    """A model that ends in every way a fit can."""

    def __init__(self, how: str) -> None:
        self.how = how

    def forecast(self, y: Array, h: int, level: list[int] | None) -> dict[str, Array]:
        if self.how == "raises":
            raise RuntimeError("no")
        mean = np.full(h, {"explodes": 1e9, "nan": np.nan, "infinite": -np.inf}[self.how])
        return {"mean": mean, "lo-80": mean - 1, "hi-80": mean + 1}


@pytest.mark.parametrize("how", ["raises", "explodes", "nan", "infinite"])
def test_a_fit_that_fails_is_replaced_by_the_naive_forecast_and_counted(
    how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODELS, "broken", LocalModel("broken", lambda _: Broken(how), lambda _: 1))
    history = wave(60, 12)
    found = once("broken", history)
    mean, spread = naive_forecast(history, HORIZON, 4)
    np.testing.assert_array_equal(found.mean, [mean])
    np.testing.assert_array_equal(found.spread, [spread])
    assert found.fallback.tolist() == [True]


def test_the_naive_forecast_by_hand() -> None:
    mean, spread = naive_forecast(np.array([1.0, 5.0, 2.0, 9.0, 4.0, 11.0]), 5, 2)
    sigma = np.sqrt((1 + 16 + 4 + 4) / 4)
    assert mean.tolist() == [4, 11, 4, 11, 4]
    np.testing.assert_allclose(spread[:, 0], sigma * np.sqrt([1, 1, 2, 2, 3]))
    np.testing.assert_array_equal(spread[:, 0], spread[:, 1])


def test_the_naive_forecast_without_a_whole_season_is_the_last_value() -> None:
    mean, spread = naive_forecast(np.array([1.0, 3.0]), 3, 7)
    assert mean.tolist() == [3, 3, 3]
    np.testing.assert_allclose(spread[:, 0], 2 * np.sqrt([1, 2, 3]))
    assert naive_forecast(np.array([3.0]), 2, 1)[1].tolist() == [[0, 0], [0, 0]]


def test_a_season_and_its_trend_by_hand() -> None:
    straight = drifting(np.arange(1.0, 9.0), 8, 7)[0]
    assert straight.tolist() == [9, 10, 11, 12, 13, 14, 15, 16]
    mean, spread = drifting(np.array([5.0, 1.0, 6.0, 2.0]), 4, 2)  # 1 a season, trusted by 2/3 and by 3/13
    np.testing.assert_allclose(mean, [6 + 2 / 13, 2 + 2 / 13, 6 + 4 / 13, 2 + 4 / 13])
    np.testing.assert_array_equal(spread, naive_forecast(np.array([5.0, 1.0, 6.0, 2.0]), 4, 2)[1])


def test_neither_noise_about_a_level_nor_a_jump_is_a_trend() -> None:
    level = np.array([9.0, 4.0, 8.0, 3.0, 9.0])
    assert drifting(level, 4, 4)[0].tolist() == level[-4:].tolist()
    jump = np.array([1.0, 1.0, 1.0, 5.0, 5.0, 5.0])
    assert drifting(jump, 3, 3)[0].tolist() == [5, 5, 5]
    assert drifting(np.full(6, 3.0), 3, 4)[0].tolist() == [3, 3, 3]


@given(st.lists(st.floats(-100, 100), min_size=5, max_size=8), st.floats(0.1, 10), st.floats(-50, 50))
def test_the_drifting_forecast_follows_unit_and_zero(values: list[float], factor: float, shift: float) -> None:
    history = np.array(values)
    moved = drifting(factor * history + shift, 6, 4)[0]
    if np.abs(np.diff(history)[np.diff(history) != 0]).min(initial=1.0) > 1e-6:  # nothing is lost in the sum
        np.testing.assert_allclose(moved, factor * drifting(history, 6, 4)[0] + shift, atol=1e-3)


@pytest.mark.parametrize("name", [model.name for model in catalogue.PORTFOLIO if model.drifts])
def test_one_to_two_seasons_are_moved_on_and_longer_ones_are_fitted(name: str) -> None:
    history = np.arange(30.0)
    for rows, season in ((8, 4), (8, 7), (14, 7)):
        found = forecast_chunk(Task(name, [history[:rows]], [[rows]], HORIZON, (season,)))
        assert found.mean[0].tolist() == list(range(rows, rows + HORIZON)) and not found.fallback[0]
    for rows in (4, 9):  # none too few, none that the backtest may have forecast
        assert not MODELS[name].stands_back(rows, (4,))
    assert not any(MODELS[name].stands_back(rows, ()) for rows in range(1, 9))


@given(
    history=st.lists(st.floats(-100, 100), min_size=1, max_size=30),
    season=st.integers(1, 8),
    factor=st.floats(0.1, 10),
    shift=st.floats(-50, 50),
)
def test_the_naive_forecast_follows_unit_and_zero(
    history: list[float], season: int, factor: float, shift: float
) -> None:
    mean, spread = naive_forecast(np.array(history), 9, season)
    moved, wider = naive_forecast(factor * np.array(history) + shift, 9, season)
    np.testing.assert_allclose(moved, factor * mean + shift, atol=1e-6)
    np.testing.assert_allclose(wider, factor * spread, atol=1e-6)


@pytest.mark.parametrize("season", [1, 4, 12])
def test_the_naive_model_is_the_naive_forecast(season: int) -> None:
    history = wave(60, 12)
    seasons = (season,) if season > 1 else ()
    found = once(NAIVE, history, 20, seasons)
    mean, spread = naive_forecast(history, 20, season)
    np.testing.assert_allclose(found.mean[0], mean)
    np.testing.assert_allclose(found.spread[0], spread, rtol=0.15)  # statsforecast counts degrees of freedom


def by_phase(name: str, history: list[float], season: int, horizon: int) -> list[float]:
    """What a model without a fit says, none of it a fallback."""
    found = once(name, np.array(history), horizon, (season,))
    assert not found.fallback.any() and np.isnan(found.spread).all()
    return list(found.mean[0])


def test_averages_by_season_by_hand_where_the_first_season_is_not_whole() -> None:
    history = [90.0, 1.0, 2.0, 3.0, 4.0, 8.0, 6.0, 10.0, 5.0, 30.0]  # the seasons begin at 1, 4 and 10
    assert by_phase("SeasonalMedian", history, 3, 5) == [4, 5, 18, 4, 5]
    assert by_phase("SeasonalMean", history, 3, 5) == [5, 5, 32.25, 5, 5]


def test_the_median_of_a_window_by_hand() -> None:
    history = [1000.0, *range(1, 27)]  # the newest 26 are looked at
    for season in (1, 3, 13):
        assert by_phase("WindowMedian", history, season, 3) == [13.5] * 3
    assert by_phase("WindowMedian", [5.0, 1.0, 9.0, 1.0, 2.0, 7.0], 1, 2) == [3.5, 3.5]


def test_the_window_is_two_seasons_at_least() -> None:
    season, history = catalogue.WINDOW_STEPS, [*[9.0] * 40, *[1.0] * 30, *[9.0] * 22]
    assert by_phase("WindowMedian", history, season, 1) == [1]
    assert by_phase("WindowMedian", history, season // 2, 1) == [9]


@pytest.mark.parametrize("name", ["SeasonalMedian", "SeasonalMean"])
def test_only_the_newest_seasons_are_averaged_and_the_longest_season_is_the_one(name: str) -> None:
    season = np.array([3.0, 8.0, 1.0, 9.0, 2.0, 7.0])
    history = np.r_[np.full(13, 1e3), np.tile(season, catalogue.SEASONS_AVERAGED)]
    np.testing.assert_allclose(once(name, history, 8, (2, 6)).mean[0], np.r_[season, season[:2]])
    np.testing.assert_allclose(once(name, np.r_[history, 3.0], 6, (2, 6)).mean[0], np.roll(season, -1))


def test_an_outlier_moves_a_mean_and_no_median() -> None:
    history = wave(84, 7, noise=0.0)
    hit = history.copy()
    hit[-3] += 600
    for name in ("WindowMedian", "SeasonalMedian", "SeasonalMean"):
        moved = once(name, hit, 7, (7,)).mean[0] - once(name, history, 7, (7,)).mean[0]
        expected = np.zeros(7)
        expected[4] = 600 / catalogue.SEASONS_AVERAGED if name == "SeasonalMean" else 0
        np.testing.assert_allclose(moved, expected, atol=4 if name == "WindowMedian" else 1e-9)


@pytest.mark.parametrize("rows", [14, 15])
def test_a_season_is_averaged_from_two_of_it_and_a_row_on(rows: int) -> None:
    for name in ("SeasonalMedian", "SeasonalMean"):
        assert once(name, wave(rows, 7), 7, (7,)).fallback.tolist() == [rows < 15]


@EVERY
@pytest.mark.parametrize("freq", ["5min", "15min", "h", "D", "B", "W", "MS", "QS", "YS"])
def test_what_a_model_may_see_is_enough_to_fit_it(name: str, freq: str) -> None:
    seasons = Frequency(freq).seasons
    if MODELS[name].suits(seasons):
        assert MODELS[name].needs(seasons) <= cap_rows(seasons)


@given(st.lists(st.integers(2, 400), max_size=3, unique=True).map(lambda found: tuple(sorted(found))))
def test_a_model_sees_several_seasons_and_no_more_than_needed(seasons: tuple[int, ...]) -> None:
    rows = cap_rows(seasons)
    assert 400 <= rows <= 840
    assert rows >= min(840, 5 * max(seasons, default=1))


@pytest.mark.parametrize(("season", "rows"), [(7, 200), (12, 288)])
def test_smoothing_with_a_season_sees_the_newest_rows_only(season: int, rows: int) -> None:
    assert MODELS["DampedETS"].rows((season,)) == rows
    history = wave(rows + 50, season, seed=6)
    other = np.r_[history[:50] + 20, history[50:]]
    found, same = (forecast_chunk(Task("DampedETS", [one], [[len(one)]], 5, (season,))) for one in (history, other))
    np.testing.assert_array_equal(found.mean, same.mean)


def test_smoothing_without_a_season_sees_all_that_a_local_model_may() -> None:
    assert all(MODELS["DampedETS"].rows(seasons) > 10**6 for seasons in ((), (52,)))
    assert all(model.rows((7,)) > 10**6 for model in MODELS.values() if model.moves), "they go on from earlier rows"
