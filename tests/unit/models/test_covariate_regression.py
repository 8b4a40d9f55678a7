"""What covariates do to each series: found where it is the truth, drawn to all series, and nothing where unknown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from convect.models import covariate_regression
from convect.models.covariate_regression import FEWEST_ROWS, POOLING, Fitted, Regression, fit, predict
from convect.models.features import WindowFeatures
from convect.models.global_lightgbm import Training
from convect.models.table import series_table
from tests.unit.made import Array, panel_of

HORIZON = 6
WEEK = np.array([5.0, 0.0, -1.0, 2.0, -6.0, 3.0, -3.0])


def features(
    series: list[Array],
    known: list[Array],
    future: Array,
    *,
    seasons: tuple[int, ...] = (),
    starts: list[int] | None = None,
    **parts: Any,
) -> WindowFeatures:
    """Series with their covariates: each known (rows, K), and the future (n, h, K) of all."""
    names = tuple(f"c{place}" for place in range(future.shape[2]))
    panel = panel_of(*series, known=np.concatenate(known), future=future, known_names=names, **parts)
    panel = panel if starts is None else replace(panel, starts=np.array(starts))
    return WindowFeatures(series_table(panel, future.shape[1], seasons, ()))


def learnt(found: WindowFeatures, ends: Array | None = None) -> Regression:
    model = fit(found, np.diff(found.table.offsets) if ends is None else ends, HORIZON, Training())
    assert model is not None
    return model


def after(found: WindowFeatures, model: Regression | None = None, horizon: int = HORIZON) -> Array:
    ends = np.diff(found.table.offsets)
    return predict(model or learnt(found), found, np.arange(len(ends)), ends, horizon)


def prices(*rows: int, seed: int = 2) -> list[Array]:
    rng = np.random.default_rng(seed)
    return [rng.choice([1.0, 1.5, 2.0, 3.0], (each + HORIZON, 1)) for each in rows]


def demand(price: Array, level: float, slope: float, start: int = 0) -> Array:
    return level + slope * np.log(price[:, 0]) + WEEK[(start + np.arange(len(price))) % 7]


def priced(slopes: list[float], rows: int = 100, **parts: Any) -> tuple[WindowFeatures, Array]:
    """Series whose demand follows the logarithm of their price and the week, and what follows (n, h)."""
    price = prices(*[rows] * len(slopes))
    whole = [demand(one, 50.0 * (k + 1), slope) for k, (one, slope) in enumerate(zip(price, slopes, strict=True))]
    future = np.stack([one[rows:] for one in price])
    known = [one[:rows] for one in price]
    found = features([one[:rows] for one in whole], known, future, seasons=(7,), **parts)
    return found, np.stack([one[rows:] for one in whole])


def test_level_slope_and_week_are_found_where_all_series_share_the_slope() -> None:
    found, expected = priced([-20.0, -20.0, -20.0])
    np.testing.assert_allclose(after(found), expected, atol=0.05)


def test_each_series_has_a_slope_of_its_own() -> None:
    found, expected = priced([-30.0, -20.0, -10.0, 5.0], rows=300)
    assert np.abs(after(found) - expected).mean() < 0.3
    model = learnt(found)
    pooled_only = replace(model, spread=model.spread * 1e9)  # no covariate moves anything
    assert np.abs(after(found, pooled_only) - expected).mean() > 5


def test_the_slopes_are_told_in_the_units_of_the_covariates() -> None:
    found, _ = priced([-20.0, -20.0])
    model = learnt(found)
    told = covariate_regression.fitted(model, found, np.arange(2), np.array([100, 3]), HORIZON)
    np.testing.assert_allclose(told.slopes[0], [-20.0], rtol=0.01)
    assert np.isnan(told.slopes[1]).all() and np.isnan(told.mean[1]).all()
    np.testing.assert_array_equal(model.seen(np.array([[1.0], [0.0], [np.nan]])), [[0.0], [np.nan], [np.nan]])


def test_the_forecast_follows_the_price_that_is_planned() -> None:
    found, _ = priced([-20.0, -20.0])
    first = found.table.covariate_offsets[1:] - HORIZON
    cheap, dear = found.table.covariates.copy(), found.table.covariates.copy()
    for start in first:
        cheap[start : start + HORIZON], dear[start : start + HORIZON] = 1.0, 3.0
    one, other = (after(WindowFeatures(replace(found.table, covariates=each)), learnt(found)) for each in (cheap, dear))
    np.testing.assert_allclose(other - one, -20 * np.log(3), rtol=0.01)


def test_a_covariate_that_is_not_always_positive_is_taken_as_it_is() -> None:
    rng = np.random.default_rng(4)
    both = [np.column_stack([rng.choice([0.0, 1.0], 106), rng.choice([1.0, np.e], 106)]) for _ in range(3)]
    whole = [50 + 8 * one[:, 0] - 5 * np.log(one[:, 1]) for one in both]
    future = np.stack([one[100:] for one in both])
    found = features([one[:100] for one in whole], [one[:100] for one in both], future)
    assert learnt(found).logged.tolist() == [False, True]
    np.testing.assert_allclose(after(found), np.stack([one[100:] for one in whole]), atol=0.1)


def one_covariate(rows: tuple[int, ...], slopes: tuple[float, ...]) -> tuple[WindowFeatures, list[Array], list[Array]]:
    rng = np.random.default_rng(0)
    x = [rng.normal(0, 1, each) for each in rows]
    y = [20 + slope * one + rng.choice([-0.1, 0.1], len(one)) for one, slope in zip(x, slopes, strict=True)]
    future = np.zeros((len(rows), HORIZON, 1))
    future[:, 1::2] = 1.0
    return features(y, [one[:, None] for one in x], future), x, y


def test_the_slope_of_a_series_is_the_mean_of_its_own_and_that_of_all_by_its_evidence() -> None:
    found, x, y = one_covariate((200, 200, 8), (2.0, 2.0, -4.0))
    model = learnt(found)
    said = after(found, model)
    slopes = said[:, 1] - said[:, 0]  # the planned covariate is 0, 1, 0, 1, …
    common = model.slopes[0] / model.spread[0]
    shares = []
    for place in range(3):
        own, evidence = np.polyfit(x[place], y[place], 1)[0], np.square(x[place] - x[place].mean()).sum()
        share = evidence / (evidence + POOLING * model.spread[0] ** 2)
        shares.append((slopes[place] - common) / (own - common))
        if place < 2:
            assert shares[place] == pytest.approx(share, rel=0.06)
    assert shares[0] > 0.9 and 0 < shares[2] < 0.6  # of few rows those that speak for another slope count less
    centred = [np.concatenate([one - one.mean() for one in each]) for each in (x, y)]
    assert common == pytest.approx((centred[0] @ centred[1]) / (centred[0] @ centred[0]), rel=2e-3)


def test_rows_that_were_not_observed_carry_no_weight() -> None:
    filled = np.zeros(300, bool)
    filled[[3, 40, 95, 98, 99, 130, 250]] = True
    found, _ = priced([-20.0, -10.0, -20.0], observed=~filled)
    changed = WindowFeatures(replace(found.table, values=np.where(filled, 1e6, found.table.values)))
    np.testing.assert_array_equal(after(changed), after(found))
    everything = WindowFeatures(replace(changed.table, observed=np.ones(300, bool)))
    assert not np.allclose(after(everything), after(found))


def test_what_is_not_known_of_the_future_has_the_effect_of_the_usual() -> None:
    found, _ = priced([-20.0, -20.0])
    table = found.table
    history = [table.covariates[start:end] for start, end in ((0, 100), (106, 206))]
    usual, unknown = table.covariates.copy(), table.covariates.copy()
    for place, start in enumerate((100, 206)):
        usual[start : start + HORIZON] = np.exp(np.log(history[place]).mean())
        unknown[start : start + HORIZON] = np.nan
    model = learnt(found)
    one, other = (after(WindowFeatures(replace(table, covariates=each)), model) for each in (usual, unknown))
    np.testing.assert_allclose(other, one)


def test_rows_whose_covariate_is_not_known_teach_nothing_of_it() -> None:
    found, expected = priced([-20.0, -20.0, -20.0])
    gaps = np.random.default_rng(1).random(len(found.table.covariates)) < 0.2
    gaps[found.table.covariate_offsets[1:, None] - 1 - np.arange(HORIZON)] = False
    holed = WindowFeatures(replace(found.table, covariates=np.where(gaps[:, None], np.nan, found.table.covariates)))
    assert np.abs(after(holed) - expected).mean() < 2.5  # of prices that move demand by 22


@pytest.mark.filterwarnings("ignore:Mean of empty slice:RuntimeWarning")
def test_a_covariate_known_of_other_series_only_is_nothing_to_a_series() -> None:
    found, _ = priced([-20.0, -20.0, -20.0])
    unknown = found.table.covariates.copy()
    unknown[:106] = np.nan
    said = after(WindowFeatures(replace(found.table, covariates=unknown)))
    assert np.isfinite(said).all()
    assert 30 < said[0].min() < said[0].max() < 55
    np.testing.assert_allclose(said[1:], after(found)[1:], atol=1.0)


@pytest.mark.parametrize("starts", [[0, 0, 0], [0, 3, 5], [700, 2, 7 * 90 + 1]])
def test_series_that_start_on_other_days_share_the_week(starts: list[int]) -> None:
    price = prices(100, 60, 9)
    whole = [demand(one, 50.0, -20.0, start) for one, start in zip(price, starts, strict=True)]
    series, known = ([one[:-HORIZON] for one in each] for each in (whole, price))
    future = np.stack([one[-HORIZON:] for one in price])
    expected = np.stack([one[-HORIZON:] for one in whole])
    found = features(series, known, future, seasons=(7,), starts=starts)
    np.testing.assert_allclose(after(found), expected, atol=0.2)  # the third has nine rows, its week is the others'
    if len(set(starts)) > 1:
        together = features(series, known, future, seasons=(7,), starts=[0, 0, 0])
        assert np.abs(after(together) - expected).max() > 2


def test_a_long_season_is_two_waves() -> None:
    season = covariate_regression.MOST_PHASES + 21
    angle = 2 * np.pi * np.arange(4 * season + HORIZON) / season
    price = [one[: len(angle)] for one in prices(len(angle), len(angle))]
    shape = 9 * np.sin(angle + 1) + 4 * np.cos(2 * angle) - 7 * np.log(np.stack(price)[:, :, 0])
    whole = shape + np.array([[30.0], [60.0]])
    future = np.stack([one[-HORIZON:] for one in price])
    found = features(list(whole[:, :-HORIZON]), [one[:-HORIZON] for one in price], future, seasons=(season,))
    assert len(learnt(found).slopes) == 1 + 2 * covariate_regression.WAVES
    np.testing.assert_allclose(after(found), whole[:, -HORIZON:], atol=0.1)


def test_a_price_that_never_changes_in_a_series_has_no_slope() -> None:
    rng = np.random.default_rng(0)
    rows, price = rng.integers(40, 90, 5), [1.31, 16.45, 18.34, 12.53, 14.86]
    series = [10 + rng.normal(0, 1, each) for each in rows]
    known = [np.full((each, 1), one) for each, one in zip(rows, price, strict=True)]
    same = np.tile(np.array(price)[:, None, None], (1, HORIZON, 1))
    usual, dearer = (after(features(series, known, future)) for future in (same, 1.2 * same))
    np.testing.assert_allclose(dearer, usual, atol=1e-6)


@pytest.mark.parametrize("rows", [FEWEST_ROWS, 26, 78])
def test_the_level_is_the_median_of_the_rows_each_counted_as_often_as_it_is_new(rows: int) -> None:
    history = np.arange(rows) ** 2.0
    history[-2] = 1e6
    found = features([history], [np.full((rows, 1), 3.0)], np.full((1, HORIZON, 1), 4.0))
    ages = np.arange(rows)[::-1]
    counted = np.repeat(history, np.round(1e6 * 0.5 ** (ages / covariate_regression.LEVEL_HALF_LIFE)).astype(int))
    np.testing.assert_allclose(after(found), np.full((1, HORIZON), np.median(counted)))


def promoted(bend: float, rows: int = 120) -> tuple[WindowFeatures, Array]:
    """Series whose price does more on the days of a promotion, and what follows (n, h)."""
    rng = np.random.default_rng(8)
    both = [np.column_stack([rng.choice([1.0, 1.5, 2.0], rows), rng.random(rows) < 0.3]) for _ in range(3)]
    whole = [50 - 10 * np.log(one[:, 0]) + 4 * one[:, 1] - bend * np.log(one[:, 0]) * one[:, 1] for one in both]
    past = rows - HORIZON
    future = np.stack([one[past:] for one in both])
    found = features([one[:past] for one in whole], [one[:past] for one in both], future)
    return found, np.stack([one[past:] for one in whole])


def test_a_promotion_changes_what_the_price_does() -> None:
    found, expected = promoted(12.0)
    model = learnt(found)
    assert model.products.tolist() == [[0, 1]]
    np.testing.assert_allclose(after(found), expected, atol=0.15)
    told = covariate_regression.fitted(model, found, np.arange(3), np.full(3, 114), HORIZON)
    np.testing.assert_allclose(told.bends[:, 0], -12.0, rtol=0.03)


def test_only_events_have_products_and_only_few() -> None:
    rng = np.random.default_rng(1)
    events, rest = (rng.random((40, 4)) < 0.2).astype(float), rng.random((40, 40))
    assert covariate_regression._products(rest).tolist() == []
    assert covariate_regression._products(np.column_stack([events[:, :2], rest[:, :1]])).tolist() == [
        [0, 1],
        [0, 2],
        [1, 2],
    ]
    assert covariate_regression._products(np.column_stack([events, rest])).tolist() == []


def test_what_covariates_add_is_shared_so_that_the_parts_are_the_whole() -> None:
    model = Regression(np.zeros(2, bool), np.array([[0, 1]]), np.zeros(3), np.ones(3))
    told = Fitted(np.zeros((1, 1)), np.array([[3.0, -2.0]]), np.array([[5.0]]), np.array([[0.5, 1.0]]))

    def whole(one: float, other: float) -> float:
        return 3 * one - 2 * other + 5 * (one - 0.5) * (other - 1)

    usual, seen = np.array([[0.0, 2.0]]), np.array([[[1.0, 4.0], [np.nan, 4.0], [0.0, 2.0]]])
    added = told.added(model, seen, usual)
    first = (
        whole(1, 2) - whole(0, 2),
        whole(1, 4) - whole(0, 4),
    )  # the change of the first, before and after the other's
    assert added[0, 0, 0] == pytest.approx(np.mean(first))
    assert added[0, 0].sum() == pytest.approx(whole(1, 4) - whole(0, 2))
    assert added[0, 1].tolist() == [0, pytest.approx(whole(0, 4) - whole(0, 2))]
    assert not added[0, 2].any()


def test_rows_far_from_all_others_bend_no_slope() -> None:
    found, _ = priced([-20.0, -20.0, -20.0])
    values = found.table.values.copy()
    dear = np.flatnonzero(found.table.covariates[:100, 0] == 3.0)[:2]
    values[dear] += 150.0
    wild = WindowFeatures(replace(found.table, values=values))
    told = covariate_regression.fitted(learnt(found), wild, np.arange(1), np.array([100]), HORIZON)
    x = np.log(found.table.covariates[:100, 0])
    least_squares = np.polyfit(x, values[:100], 1)[0]
    assert abs(told.slopes[0, 0] + 20) < 0.4 * abs(least_squares + 20)


def test_unit_and_zero_of_the_target_and_units_of_the_covariate_do_not_matter() -> None:
    found, _ = priced([-30.0, -20.0, 4.0])
    for shift in (0.0, -1e3):  # where values are negative, slopes are those of values in units of their own spread
        plain = WindowFeatures(replace(found.table, values=found.table.values + shift))
        moved = replace(
            plain.table, values=1000 * plain.table.values + 70 * shift, covariates=100 * found.table.covariates
        )
        np.testing.assert_allclose(after(WindowFeatures(moved)), 1000 * after(plain) + 70 * shift, rtol=1e-6)


def test_series_of_another_size_have_their_say_where_values_go_below_zero() -> None:
    rng = np.random.default_rng(5)
    price = rng.choice([-1.0, 0.0, 1.0], (4, 60 + HORIZON))
    sizes = np.array([1000.0, 800.0, 1.0, 2.0])
    values = sizes[:, None] * (2 * price[:, :60] + 0.1 * rng.normal(size=(4, 60)))
    found = features(list(values), list(price[:, :60, None]), price[:, 60:, None])
    expected = sizes[:, None] * 2 * price[:, 60:]
    assert (np.abs(after(found) - expected) < 0.2 * sizes[:, None]).all()


def test_what_was_learnt_and_said_before_an_end_does_not_know_what_follows() -> None:
    found, _ = priced([-30.0, -20.0, 4.0])
    ends = np.array([60, 0, 80])
    later = np.ones(300, bool)
    later[:60] = later[200:280] = False
    changed = WindowFeatures(replace(found.table, values=np.where(later, 1e4, found.table.values)))
    models = [learnt(each, ends) for each in (found, changed)]
    assert models[0].to_text() == models[1].to_text()
    said = [predict(models[0], each, np.array([0, 2]), ends[[0, 2]], HORIZON) for each in (found, changed)]
    np.testing.assert_array_equal(said[0], said[1])


def test_windows_are_the_same_together_and_alone_and_a_longer_horizon_only_adds_steps() -> None:
    found, _ = priced([-30.0, -20.0, 4.0])
    model = learnt(found)
    items, ends = np.array([2, 0, 0, 1]), np.array([100, 50, 80, 7])
    together = predict(model, found, items, ends, HORIZON)
    for place in range(4):
        alone = predict(model, found, items[place : place + 1], ends[place : place + 1], HORIZON)
        np.testing.assert_array_equal(alone[0], together[place])
    np.testing.assert_array_equal(predict(model, found, items, ends, 2), together[:, :2])


def test_beyond_the_covariates_that_are_held_the_usual_is_assumed() -> None:
    found, _ = priced([-20.0, -20.0])
    said = after(found, horizon=3 * 7)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(said[:, 7:14], said[:, 14:])  # nothing but the week is left


def test_what_is_written_is_read_to_the_bit() -> None:
    model = learnt(promoted(12.0)[0])
    again = Regression.from_text(model.to_text())
    for name in ("logged", "products", "slopes", "spread"):
        np.testing.assert_array_equal(getattr(again, name), getattr(model, name), strict=True)


def test_what_was_written_before_there_were_products_has_none() -> None:
    again = Regression.from_text("[[true, false], [1.5, 2.0], [0.5, 1.0], false]")
    assert again.products.shape == (0, 2)
    assert again.slopes.tolist() == [1.5, 2.0] and not again.relative


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", '[[true], ["a"], [1]]'])
def test_a_text_that_is_no_model_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Regression.from_text(text)


def test_without_covariates_or_rows_nothing_is_learnt() -> None:
    plain = features([np.arange(50.0)], [np.empty((50, 0))], np.empty((1, HORIZON, 0)))
    assert fit(plain, np.array([50]), HORIZON, Training()) is None
    found, _ = priced([-20.0, -20.0])
    assert fit(found, np.array([FEWEST_ROWS - 1, 0]), HORIZON, Training()) is None
    assert fit(found, np.array([FEWEST_ROWS, 0]), HORIZON, Training()) is not None


def test_a_series_too_short_is_not_forecast() -> None:
    found, _ = priced([-20.0, -20.0])
    said = predict(learnt(found), found, np.array([0, 1]), np.array([FEWEST_ROWS - 1, FEWEST_ROWS]), HORIZON)
    assert np.isnan(said[0]).all() and np.isfinite(said[1]).all()
