"""Fitted models kept as numbers: rebuilt, they forecast as they did, and they follow newer values."""

from __future__ import annotations

import numpy as np
import pytest

from convect.models import moving
from convect.models.local import Task, forecast_chunk
from convect.models.simple import Array
from tests.unit.made import wave

ROWS, HORIZON = 120, 12
WALK = 100 + np.cumsum(np.random.default_rng(2).normal(0, 2, ROWS + 6))
SEASON = wave(ROWS + 6, 12, level=100)
FALLING = wave(ROWS + 6, 12, level=0)  # below zero, too


def task(name: str, history: Array, *states: Array) -> Task:
    return Task(name, [history], [[len(history)]], HORIZON, (12,), states)


@pytest.mark.parametrize(
    "whole", [WALK, SEASON, FALLING, np.full(ROWS + 6, 7.0)], ids=["walk", "season", "falling", "still"]
)
@pytest.mark.parametrize("name", moving.WIDTH)
def test_a_rebuilt_model_says_what_the_fitted_one_said(name: str, whole: Array) -> None:
    fitted = forecast_chunk(task(name, whole[:ROWS]))
    assert fitted.state is not None
    assert fitted.state.shape == (1, moving.WIDTH[name])
    if fitted.fallback[0]:
        assert np.isnan(fitted.state).all()
        return
    kept = fitted.state[0]
    again = forecast_chunk(task(name, whole[:ROWS], kept))
    np.testing.assert_allclose(again.mean, fitted.mean, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(again.spread, fitted.spread, rtol=1e-4, atol=1e-4)
    np.testing.assert_array_equal(again.state, kept[None])


@pytest.mark.parametrize("name", moving.WIDTH)
def test_a_rebuilt_model_follows_newer_values(name: str) -> None:
    state = forecast_chunk(task(name, SEASON[:ROWS])).state
    assert state is not None
    moved = forecast_chunk(task(name, SEASON, state[0])).mean[0]
    fitted = forecast_chunk(task(name, SEASON)).mean[0]
    assert np.abs(moved - fitted).max() < 0.1 * np.ptp(SEASON)


def test_states_of_several_models_lie_side_by_side() -> None:
    models = ("SeasonalNaive", "Theta", "MSTLTheta")
    theta = np.arange(6.0).reshape(2, 3)
    together = moving.beside(models, {"SeasonalNaive": None, "Theta": theta, "MSTLTheta": None}, 2)
    assert together.shape == (2, moving.widths(models)) == (2, 6)
    found = moving.apart(models, together)
    np.testing.assert_array_equal(found["Theta"], theta)
    assert np.isnan(found["MSTLTheta"]).all()
    assert moving.apart(("Theta",), together) == {}
    assert moving.apart(("SeasonalNaive",), np.empty((2, 0))) == {}
