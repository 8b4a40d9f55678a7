"""The weights against a slow transcription of Caruana's forward selection, by utilsforecast's losses."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from utilsforecast import losses

from convect import select
from convect.models.simple import NAIVE
from tests.unit.made import Array, tried

ITEMS, HORIZON = 6, 3
RNG = np.random.default_rng(5)
ACTUAL = RNG.normal(40, 6, (ITEMS, HORIZON))
SHARED = RNG.normal(0, 2, ACTUAL.shape)
FORECASTS = {
    NAIVE: ACTUAL + SHARED + RNG.normal(0, 2, ACTUAL.shape),
    "one": ACTUAL + SHARED + RNG.normal(0, 1, ACTUAL.shape),
    "two": ACTUAL - 0.7 * SHARED + RNG.normal(0, 1, ACTUAL.shape),
    "three": ACTUAL + RNG.normal(0, 4, ACTUAL.shape),
}


def rmse(forecast: Array) -> float:
    long = pd.DataFrame({"unique_id": "all", "ds": range(forecast.size), "y": ACTUAL.ravel(), "m": forecast.ravel()})
    return float(losses.rmse(long, ["m"])["m"].iloc[0])


def greedy() -> dict[str, float]:
    """Pick one model at a time, each the one with which the plain mean of all picked so far errs least."""
    picked: list[str] = []
    for _ in range(select.GREEDY_STEPS):
        trials = {name: rmse(np.mean([FORECASTS[p] for p in [*picked, name]], axis=0)) for name in FORECASTS}
        picked.append(min(trials, key=lambda name: trials[name]))
    return {name: picked.count(name) / len(picked) for name in FORECASTS}


def test_the_group_s_weights_are_near_best_and_greedy_mixed() -> None:
    alone = {name: rmse(forecast) for name, forecast in FORECASTS.items()}
    near = [name for name in FORECASTS if alone[name] <= select.NEAR_BEST * min(alone.values())]
    expected = {
        name: select.GREEDY_SHARE * share + (1 - select.GREEDY_SHARE) * (name in near) / len(near)
        for name, share in greedy().items()
    }
    weights = select.choose(tried(ACTUAL, np.ones(ITEMS), **FORECASTS), ITEMS, "RMSE")
    assert dict(zip(weights.models, weights.group, strict=True)) == pytest.approx(expected)


def test_a_series_weights_are_divided_by_its_own_relative_errors() -> None:
    scale = RNG.uniform(1, 5, ITEMS)
    weights = select.choose(tried(ACTUAL, scale, **FORECASTS), ITEMS, "RMSE")
    used = [name for name, share in zip(weights.models, weights.group, strict=True) if share > 0]
    for item in range(ITEMS):
        errors = {name: np.abs(ACTUAL[item] - FORECASTS[name][item]).mean() for name in FORECASTS}
        typical = np.mean([errors[name] for name in used])
        clipped = {n: min(max(e / typical, 1 / select.TILT_CLIP), select.TILT_CLIP) for n, e in errors.items()}
        raw = {name: share / clipped[name] for name, share in zip(weights.models, weights.group, strict=True)}
        expected = {name: value / sum(raw.values()) for name, value in raw.items()}
        assert dict(zip(weights.models, weights.series[item], strict=True)) == pytest.approx(expected)


def test_several_windows_of_an_item_are_judged_by_their_mean() -> None:
    twice = {name: np.concatenate([f, f]) for name, f in FORECASTS.items()}
    scale = RNG.uniform(1, 5, ITEMS)
    once = select.choose(tried(ACTUAL, scale, **FORECASTS), ITEMS, "RMSE")
    backtest = tried(np.concatenate([ACTUAL, ACTUAL]), np.tile(scale, 2), **twice)
    backtest.origins.items[: 2 * ITEMS] = list(itertools.chain(range(ITEMS), range(ITEMS)))
    again = select.choose(backtest, ITEMS, "RMSE")
    np.testing.assert_allclose(again.series, once.series)
