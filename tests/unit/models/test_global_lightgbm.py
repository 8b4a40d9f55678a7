"""The global model: what it learns from, at what cost, and that it learns at all."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from convect.models import global_lightgbm
from convect.models.features import SeriesTable, WindowFeatures
from convect.models.global_lightgbm import Training, fit, predict, sample_origins
from convect.models.table import series_table
from tests.unit.made import Array, panel_of, wave

QUICK = Training(rows=4000, rounds=60, rate=0.1)


def features(*series: Array, seasons: tuple[int, ...] = (7,), horizon: int = 6, **parts: Any) -> WindowFeatures:
    return WindowFeatures(series_table(panel_of(*series, **parts), horizon, seasons, ()))


def learnt(found: WindowFeatures, horizon: int, training: Training = QUICK) -> lgb.Booster:
    booster = fit(found, np.diff(found.table.offsets), horizon, training)
    assert booster is not None
    return booster


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Array, Array]]:
    """What LightGBM was given to learn from: rows and targets."""
    calls: list[tuple[Array, Array]] = []
    real: Any = lgb.Dataset

    def dataset(x: Array, y: Array) -> Any:
        calls.append((x, y))
        return real(x, y)

    monkeypatch.setattr(lgb, "Dataset", dataset)
    return calls


def test_it_learns_a_season_and_a_level_from_other_series() -> None:
    series = [wave(80, 7, level=50.0 * (seed + 1), noise=0.3, seed=seed) for seed in range(6)]
    found = features(*[one[:-6] for one in series])
    ends = np.diff(found.table.offsets)
    mean = predict(learnt(found, 6), found, np.arange(6), ends, 6)
    actual = np.stack([one[-6:] for one in series])
    naive = np.stack([one[-13:-7] for one in series])
    assert mean.shape == (6, 6)
    assert np.abs(mean - actual).mean() < 1.5
    assert np.abs(mean - actual).mean() < 3 * np.abs(naive - actual).mean()


def test_rows_learnt_from_are_bounded_whatever_the_number_of_series(seen: list[tuple[Array, Array]]) -> None:
    found = features(*[wave(60, 7, seed=seed) for seed in range(12)])
    small = replace(QUICK, rows=600, rounds=1)
    learnt(found, 6, small)
    learnt(found, 6, replace(QUICK, rounds=1))
    assert len(seen[0][0]) <= max(600, 6 * global_lightgbm.MIN_WINDOWS)
    assert len(seen[0][0]) < len(seen[1][0]) <= QUICK.rows


def test_every_target_is_a_value_before_the_end(seen: list[tuple[Array, Array]]) -> None:
    history = np.arange(40.0) ** 1.5
    found = features(history, seasons=())
    fit(found, np.array([30]), 4, replace(QUICK, rounds=1))
    x, y = seen[0]
    lags = found.table.lags
    steps, ends = x[:, -1], x[:, lags + 5]
    assert (ends + steps <= 30).all()
    level, scale = found.origin(np.zeros(len(x), np.int64), ends.astype(np.int64))
    np.testing.assert_allclose(y * scale + level, history[(ends + steps - 1).astype(int)])
    assert set(steps) == {1, 2, 3, 4}


def targets(found: WindowFeatures, x: Array) -> Array:
    """The place in the first series of the value that each row was to learn."""
    return x[:, found.table.lags + 5].astype(int) + x[:, -1].astype(int) - 1


def test_values_that_were_filled_are_no_targets(seen: list[tuple[Array, Array]]) -> None:
    history, filled = np.arange(60.0) ** 1.5, np.zeros(60, bool)
    filled[[20, 21, 22, 40, 59]] = True
    training = replace(QUICK, rounds=1)
    plain, holed = (features(history, seasons=(), observed=known) for known in (np.ones(60, bool), ~filled))
    for found in (plain, holed):
        fit(found, np.array([60]), 4, training)
    (whole, _), (x, y) = seen
    assert set(targets(plain, whole)) - set(targets(holed, x)) == {20, 21, 22, 40, 59}
    assert len(x) == (~filled[targets(plain, whole)]).sum()
    level, scale = holed.origin(np.zeros(len(x), np.int64), x[:, holed.table.lags + 5].astype(np.int64))
    np.testing.assert_allclose(y * scale + level, history[targets(holed, x)])


def test_what_a_gap_was_filled_with_is_still_seen_as_history(seen: list[tuple[Array, Array]]) -> None:
    filled = np.arange(60) == 30
    for value in (0.0, 500.0):
        fit(features(np.where(filled, value, wave(60, 7)), observed=~filled), np.array([60]), 4, QUICK)
    assert not np.array_equal(seen[0][0], seen[1][0])


def test_every_origin_is_drawn_where_there_are_few() -> None:
    items, origins = sample_origins(np.array([12, 0, 9, 6]), 1, 3, 10_000, np.random.default_rng(0))
    assert items.tolist() == [0] * 6 + [2] * 3
    assert origins.tolist() == [5, 6, 7, 8, 9, 10, 5, 6, 7]


def test_two_seasons_are_seen_before_the_first_origin_where_there_are_so_many() -> None:
    for end, first in ((100, 16), (20, 13), (11, 5), (7, 5)):
        _, origins = sample_origins(np.array([end]), 7, 6, 10_000, np.random.default_rng(0))
        assert origins.tolist() == list(range(first, end - 1))


@pytest.mark.parametrize(("rows", "horizon", "wanted"), [(6000, 6, 1000), (6000, 40, 500), (10, 6, 200)])
def test_origins_are_drawn_evenly_and_once(rows: int, horizon: int, wanted: int) -> None:
    ends = np.array([2000, 100, 1000])
    items, origins = sample_origins(ends, 7, horizon, rows, np.random.default_rng(0))
    assert len(items) == len(set(zip(items, origins, strict=True))) == wanted
    shares = np.bincount(items, minlength=3) / wanted
    np.testing.assert_allclose(shares, ends / ends.sum(), atol=0.06)
    assert (origins < ends[items] - 1).all() and (origins >= 5).all()
    assert np.median(origins[items == 0]) == pytest.approx(1000, abs=250)


def test_a_series_that_ends_at_zero_is_not_learnt_from(seen: list[tuple[Array, Array]]) -> None:
    one, two = wave(60, 7), wave(60, 7, level=1e6)
    training = replace(QUICK, rounds=1)
    fit(features(one, two), np.array([60, 0]), 6, training)
    fit(features(one, one), np.array([60, 0]), 6, training)
    np.testing.assert_array_equal(seen[0][0], seen[1][0])
    np.testing.assert_array_equal(seen[0][1], seen[1][1])


def test_a_long_horizon_is_learnt_from_a_few_steps_of_each_window(seen: list[tuple[Array, Array]]) -> None:
    found = features(wave(200, 7), wave(200, 7, seed=1), horizon=40)
    learnt(found, 40, replace(QUICK, rounds=1))
    steps = seen[0][0][:, -1]
    assert steps.min() == 1 and steps.max() == 40
    assert len(set(steps)) == 40
    mean = predict(learnt(found, 40), found, np.array([0, 1]), np.array([200, 200]), 40)
    assert mean.shape == (2, 40) and np.isfinite(mean).all()


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_nothing_is_learnt_from_series_too_short(rows: int) -> None:
    found = features(np.arange(float(rows)), np.arange(float(rows)), seasons=())
    assert fit(found, np.array([rows, rows]), 3, QUICK) is None


def test_the_seed_decides_and_nothing_else() -> None:
    found = features(*[wave(60, 7, seed=seed) for seed in range(8)])
    texts = [learnt(found, 6, replace(QUICK, rows=900, seed=seed)).model_to_string() for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]


def test_targets_far_out_are_clipped(seen: list[tuple[Array, Array]]) -> None:
    history = wave(60, 7, noise=0.01)
    history[40:] += 1e5
    fit(features(history), np.array([60]), 6, replace(QUICK, rounds=1))
    assert np.abs(seen[0][1]).max() == global_lightgbm.CLIP_SCALES


def priced(items: int = 6, rows: int = 90, horizon: int = 6) -> tuple[list[Array], Array]:
    """Demand that falls by ten a unit of price, and prices with a future."""
    rng = np.random.default_rng(1)
    price = rng.choice([1.0, 2.0, 3.0], (items, rows + horizon))
    demand = [100 - 10 * price[item, :rows] + rng.normal(0, 0.5, rows) for item in range(items)]
    return demand, price


def at_future_price(price: float) -> Array:
    demand, prices = priced()
    rows, horizon = 90, 6
    future = np.full((len(demand), horizon, 1), price)
    known = prices[:, :rows].reshape(-1, 1)
    found = features(*demand, seasons=(), known=known, future=future, known_names=("price",))
    ends = np.full(len(demand), rows)
    return predict(learnt(found, horizon), found, np.arange(len(demand)), ends, horizon)


def test_a_covariate_known_in_the_future_moves_the_forecast_the_right_way() -> None:
    cheap, dear = at_future_price(1.0), at_future_price(3.0)
    assert (cheap > dear).all()
    np.testing.assert_allclose(cheap.mean() - dear.mean(), 20, atol=5)
    np.testing.assert_allclose(cheap.mean(), 90, atol=4)


def test_covariates_that_are_not_known_do_no_harm() -> None:
    unknown = at_future_price(np.nan)
    assert np.isfinite(unknown).all()
    assert 60 < unknown.mean() < 100


def test_static_features_tell_series_apart() -> None:
    rng = np.random.default_rng(0)
    jump = np.repeat([0.0, 1.0], 6)  # half of the series rise by 20 every tenth step, told only by their kind
    series = [100 + rng.normal(0, 0.5, 80) + 2.0 * kind * np.arange(80) for kind in jump]
    found = features(*series, seasons=(), static=jump[:, None], static_names=("kind",))
    mean = predict(learnt(found, 6), found, np.arange(12), np.full(12, 80), 6)
    assert (mean[6:, -1] - mean[6:, 0] > 5).all()
    assert (np.abs(mean[:6, -1] - mean[:6, 0]) < 5).all()


def test_a_table_is_all_it_reads() -> None:
    found = features(wave(60, 7), wave(60, 7, seed=1))
    table: SeriesTable = found.table
    again = WindowFeatures(replace(table))
    ends = np.array([60, 60])
    booster = learnt(found, 6)
    one, two = (predict(booster, each, np.arange(2), ends, 6) for each in (found, again))
    np.testing.assert_array_equal(one, two)
