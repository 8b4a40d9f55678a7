"""What covariates add to the global LightGBM's forecasts: shared as Shapley has it, and as the trees' own shares."""

from __future__ import annotations

from itertools import combinations
from math import factorial
from typing import Any

import lightgbm as lgb
import numpy as np
import pytest

from convect.explain.trees import contributions
from convect.models.features import WindowFeatures
from convect.models.global_lightgbm import Training, fit, predict
from convect.models.table import series_table
from tests.unit.made import Array, panel_of

ITEMS, ROWS, HORIZON = 5, 120, 4
EVERYTHING, ENDS = np.arange(ITEMS), np.full(ITEMS, ROWS)


@pytest.fixture(scope="module", params=[1, 2, 3])
def learnt(request: pytest.FixtureRequest) -> tuple[lgb.Booster, WindowFeatures]:
    """A model of series that so many switches move, the first two of them also together."""
    rng = np.random.default_rng(0)
    known = (rng.random((ITEMS, ROWS + HORIZON, request.param)) < 0.4).astype(float)
    effects = 20 * known[..., 0] + (known @ np.arange(request.param)) * (5 + 10 * known[..., 0])
    values = 50 + effects + rng.normal(size=effects.shape)
    names = tuple(f"c{k}" for k in range(request.param))
    past: dict[str, Any] = {"known": known[:, :ROWS].reshape(-1, request.param), "future": known[:, ROWS:]}
    panel = panel_of(*values[:, :ROWS], known_names=names, **past)
    found = WindowFeatures(series_table(panel, HORIZON, (), ()))
    booster = fit(found, ENDS, HORIZON, Training(rows=3000, rounds=60, rate=0.2))
    assert booster is not None
    return booster, found


def usual(found: WindowFeatures) -> Array:
    return np.zeros((ITEMS, found.table.covariates.shape[1]))


def at(booster: lgb.Booster, found: WindowFeatures, kept: tuple[int, ...]) -> Array:
    """The forecast (n, h) with every covariate but those kept at its usual value after the end."""
    covariates = found.table.covariates.copy().reshape(ITEMS, ROWS + HORIZON, -1)
    for k in set(range(covariates.shape[2])) - set(kept):
        covariates[:, ROWS:, k] = 0.0
    table = {**vars(found.table), "covariates": covariates.reshape(found.table.covariates.shape)}
    return predict(booster, WindowFeatures(type(found.table)(**table)), EVERYTHING, ENDS, HORIZON)


def shapley(booster: lgb.Booster, found: WindowFeatures) -> Array:
    """By the definition: over all sets of the other covariates."""
    count = found.table.covariates.shape[1]
    out = np.zeros((ITEMS, HORIZON, count))
    for k in range(count):
        others = [j for j in range(count) if j != k]
        for size in range(count):
            for kept in combinations(others, size):
                weight = factorial(size) * factorial(count - size - 1) / factorial(count)
                out[..., k] += weight * (at(booster, found, (*kept, k)) - at(booster, found, kept))
    return out


def test_they_are_shapleys_values(learnt: tuple[lgb.Booster, WindowFeatures]) -> None:
    mean, added = contributions([learnt[0]], learnt[1], EVERYTHING, ENDS, usual(learnt[1]), HORIZON)
    np.testing.assert_allclose(mean, predict(*learnt, EVERYTHING, ENDS, HORIZON))
    expected = shapley(*learnt)
    np.testing.assert_allclose(added, expected, atol=1e-9 if expected.shape[2] < 3 else 0.5)
    np.testing.assert_allclose(added.sum(axis=2), expected.sum(axis=2), atol=1e-9)
    assert np.abs(expected[..., 0]).max() > 10


def test_the_trees_own_contributions_tell_the_same_but_for_where_they_start(
    learnt: tuple[lgb.Booster, WindowFeatures],
) -> None:
    booster, found = learnt
    _, added = contributions([booster], found, EVERYTHING, ENDS, usual(found), HORIZON)
    x, _, scale = found.matrix(EVERYTHING, ENDS, np.tile(np.arange(1, HORIZON + 1), (ITEMS, 1)))
    own = np.asarray(booster.predict(x, pred_contrib=True))
    values, changes = (np.r_[columns] for columns in found.covariate_columns(x))
    for k in range(added.shape[2]):
        theirs = (own[:, values[k]] + own[:, changes[k]]).reshape(ITEMS, HORIZON) * scale[:, None]
        slope = np.polyfit(added[..., k].ravel(), theirs.ravel(), 1)[0]
        assert slope == pytest.approx(1.0, abs=0.3)
        assert np.corrcoef(added[..., k].ravel(), theirs.ravel())[0, 1] > 0.8


def test_what_is_usual_or_unknown_adds_nothing(learnt: tuple[lgb.Booster, WindowFeatures]) -> None:
    booster, found = learnt
    future = found.table.covariates.reshape(ITEMS, ROWS + HORIZON, -1)[:, ROWS:]
    _, added = contributions([booster], found, EVERYTHING, ENDS, usual(found), HORIZON)
    assert not added[future == 0.0].any()
    _, unknown = contributions([booster], found, EVERYTHING, ENDS, np.full_like(usual(found), np.nan), HORIZON)
    assert not unknown.any()


def test_several_models_are_told_as_their_mean(learnt: tuple[lgb.Booster, WindowFeatures]) -> None:
    booster, found = learnt
    other = fit(found, ENDS, HORIZON, Training(rows=3000, rounds=20, rate=0.2, seed=1))
    assert other is not None
    one, two, both = (
        contributions(each, found, EVERYTHING, ENDS, usual(found), HORIZON)
        for each in ([booster], [other], [booster, other])
    )
    for place in (0, 1):
        np.testing.assert_allclose(both[place], (one[place] + two[place]) / 2)
