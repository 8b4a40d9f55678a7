"""The linear model of all series: exact where a line is the truth, in every unit the same, blind to the future."""

from __future__ import annotations

import numpy as np
import pytest

from convect.models import global_linear
from convect.models.features import WindowFeatures
from convect.models.global_lightgbm import Training
from convect.models.global_linear import Linear, fit, lags_of, predict
from convect.models.table import series_table
from tests.unit.made import Array, panel_of, wave

HORIZON = 6


def features(*series: Array, seasons: tuple[int, ...] = (7,)) -> WindowFeatures:
    return WindowFeatures(series_table(panel_of(*series), HORIZON, seasons, ()))


def learnt(found: WindowFeatures, horizon: int = HORIZON) -> Linear:
    model = fit(found, np.diff(found.table.offsets), horizon, Training())
    assert model is not None
    return model


def after(found: WindowFeatures, model: Linear, horizon: int = HORIZON) -> Array:
    """What the model says after the end of every series."""
    ends = np.diff(found.table.offsets)
    return predict(model, found, np.arange(len(ends)), ends, horizon)


def waves(count: int = 5, rows: int = 80, noise: float = 1.0) -> list[Array]:
    return [wave(rows, 7, level=50.0 * (seed + 1), noise=noise, seed=seed) for seed in range(count)]


def test_a_season_and_a_trend_without_noise_are_continued() -> None:
    slopes = np.array([0.2, -0.3, 0.5, 1.0, -2.0])[:, None]
    whole = np.stack(waves(rows=80 + 4 * HORIZON, noise=0.0)) + slopes * np.arange(80 + 4 * HORIZON)
    found = features(*whole[:, :80])
    model = learnt(found)
    np.testing.assert_allclose(after(found, model), whole[:, 80 : 80 + HORIZON], atol=0.1)
    np.testing.assert_allclose(after(found, model, 4 * HORIZON), whole[:, 80:], atol=1.0)  # the waves go from -10 to 10


def test_an_autoregression_without_noise_is_continued() -> None:
    def decay(start: float, rows: int) -> Array:
        return 20 + start * 0.9 ** np.arange(rows)

    starts = (30.0, -12.0, 5.0, 100.0)
    found = features(*[decay(start, 40) for start in starts], seasons=())
    expected = np.stack([decay(start, 40 + HORIZON)[40:] for start in starts])
    moves = np.abs(expected - [[decay(start, 40)[-1]] for start in starts])
    assert (np.abs(after(found, learnt(found)) - expected) < 0.05 * moves).all()


def test_series_that_never_change_stay() -> None:
    found = features(np.full(50, 3.0), np.full(60, 0.0), np.full(40, -8.0))
    np.testing.assert_allclose(after(found, learnt(found)), np.tile([[3.0], [0.0], [-8.0]], HORIZON), atol=1e-9)


def test_each_series_has_its_own_unit_and_zero() -> None:
    series, factor, shift = waves(), 10.0 ** np.arange(-2, 3), np.array([0.0, 7.0, -300.0, 1e4, -1e5])
    plain, moved = features(*series), features(*[f * one + s for f, s, one in zip(factor, shift, series, strict=True)])
    expected = factor[:, None] * after(plain, learnt(plain)) + shift[:, None]
    np.testing.assert_allclose(after(moved, learnt(moved)), expected, rtol=1e-6)


@pytest.mark.parametrize("steps", [1, 4, HORIZON])
def test_a_longer_horizon_only_adds_steps(steps: int) -> None:
    found = features(*waves())
    model = learnt(found, steps)
    whole = after(found, model, 20)
    assert whole.shape == (5, 20) and np.isfinite(whole).all()
    for horizon in (1, 4, 5, 13):
        np.testing.assert_array_equal(after(found, model, horizon), whole[:, :horizon])


def test_a_window_s_forecast_does_not_depend_on_the_windows_beside_it() -> None:
    found = features(*waves(7))
    model = learnt(found)
    items, ends = np.array([0, 3, 3, 6, 1, 2, 5]), np.array([80, 41, 80, 9, 77, 30, 6])
    together = predict(model, found, items, ends, 15)
    for place in range(len(items)):
        alone = predict(model, found, items[place : place + 1], ends[place : place + 1], 15)
        np.testing.assert_array_equal(alone[0], together[place])


def test_what_was_learnt_and_said_before_an_end_does_not_know_what_follows() -> None:
    series, ends = waves(), np.array([60, 70, 55, 80, 0])
    changed = [np.r_[one[:end], np.full(len(one) - end, 1e4)] for one, end in zip(series, ends, strict=True)]
    before, later = (fit(features(*each), ends, HORIZON, Training()) for each in (series, changed))
    assert before is not None and later is not None
    np.testing.assert_array_equal(before.coefficients, later.coefficients)
    one, two = (predict(before, features(*each), np.arange(4), ends[:4], 9) for each in (series, changed))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(("place", "seen"), [(69, True), (70, False)])
def test_the_last_value_before_the_end_is_learnt_from(place: int, seen: bool) -> None:
    series = waves(1)
    changed = series[0].copy()
    changed[place] += 5
    before, after = (fit(features(each), np.array([70]), HORIZON, Training()) for each in (series[0], changed))
    assert before is not None and after is not None
    assert (not np.array_equal(before.coefficients, after.coefficients)) == seen


def test_an_outlier_hardly_moves_the_forecasts_of_the_others() -> None:
    series = waves()
    usual, hit = features(*series), features(*[np.where(np.arange(80) == 40, 5e3, series[0]), *series[1:]])
    np.testing.assert_allclose(after(hit, learnt(hit))[1:], after(usual, learnt(usual))[1:], atol=1.0)


def test_a_series_shorter_than_what_is_seen_is_at_its_level_before_its_begin() -> None:
    found = features(*waves(), np.array([4.0, 5.0, 6.0]))
    model = learnt(found)
    lags = len(model.coefficients) - 1
    said = predict(model, found, np.array([5]), np.array([3]), HORIZON)
    scale = (1 + 0.1) * 1.0  # its steps are all one
    x = np.r_[np.zeros(lags - 3), (np.array([4.0, 5.0, 6.0]) - 5) / scale, 1.0]
    np.testing.assert_allclose(said[0], 5 + scale * (x @ model.coefficients))


def test_a_series_shorter_than_a_season_is_forecast_beyond_the_learnt_steps() -> None:
    found = features(*waves(), np.array([4.0, 5.0, 6.0]))
    model = learnt(found, 2)
    said = predict(model, found, np.array([5]), np.array([3]), 12)
    assert np.isfinite(said).all()


def test_what_is_written_is_read_to_the_bit() -> None:
    model = learnt(features(*waves()))
    again = Linear.from_text(model.to_text())
    np.testing.assert_array_equal(again.coefficients, model.coefficients, strict=True)


@pytest.mark.parametrize("text", ["", "{", "[[1, 2], [3]]", '["a"]'])
def test_a_text_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Linear.from_text(text)


def test_too_few_windows_teach_nothing() -> None:
    first, fewest = 5, global_linear.FEWEST_WINDOWS  # without a season; what is seen is less than the fewest windows
    rows = first + fewest + HORIZON - 1
    enough, too_few = (features(np.arange(float(each)) % 5, seasons=()) for each in (rows, rows - 1))
    assert fit(enough, np.array([rows]), HORIZON, Training()) is not None
    assert fit(too_few, np.array([rows - 1]), HORIZON, Training()) is None


def test_fewer_windows_than_lags_teach_nothing() -> None:
    found = features(wave(60, 12), seasons=(12,))
    assert fit(found, np.array([60]), HORIZON, Training()) is None
    assert fit(features(wave(90, 12), seasons=(12,)), np.array([90]), HORIZON, Training()) is not None


@pytest.mark.parametrize(
    ("season", "lags"), [(1, 8), (2, 9), (4, 17), (7, 29), (12, 49), (14, 57), (24, 60), (52, 60), (60, 61), (168, 169)]
)
def test_four_seasons_are_seen_or_one_where_they_would_be_too_many(season: int, lags: int) -> None:
    assert lags_of(season) == lags


def test_windows_learnt_from_are_bounded_and_the_seed_draws_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(global_linear, "WINDOWS", 1)  # then the fewest that a draw gives
    found = features(*waves(8))
    ends = np.diff(found.table.offsets)
    models = [fit(found, ends, HORIZON, Training(seed=seed)) for seed in (1, 1, 2)]
    one, again, other = (model.coefficients for model in models if model is not None)
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)
