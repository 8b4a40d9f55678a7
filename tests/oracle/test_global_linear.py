"""The linear model of all series against a transcription: windows cut out one by one, least squares by lstsq."""

from __future__ import annotations

import numpy as np
import pytest

from convect.models import global_linear
from convect.models.features import WindowFeatures
from convect.models.global_lightgbm import Training
from convect.models.global_linear import fit, lags_of, predict
from convect.models.table import series_table
from tests.unit.made import Array, panel_of, wave

HORIZON, LENGTHS = 5, (60, 45, 70)


def unit(known: Array, season: int) -> tuple[float, float]:
    """Level and scale at the end of these values, as they are told in words."""
    level = known[-season:].mean() if season > 1 else known[-1]
    steps, seasonal = np.abs(np.diff(known)).mean(), np.abs(known[season:] - known[:-season])
    newest = seasonal[-60 * max(1, season // 4) :]
    return float(level), float((newest.mean() if len(known) > season + 2 else steps) + 0.1 * steps)


def seen(known: Array, lags: int, season: int) -> Array:
    level, scale = unit(known, season)
    before = np.full(max(0, lags - len(known)), level)
    scaled = (np.r_[before, known[-lags:]] - level) / scale
    return np.r_[np.clip(scaled, -global_linear.CLIP_SCALES, global_linear.CLIP_SCALES), 1.0]


def windows(series: list[Array], lags: int, season: int) -> tuple[Array, Array]:
    x, y = [], []
    for one in series:
        first = max(min(2 * season + 2, len(one) - 2 * HORIZON + 1), 5)
        for end in range(first, len(one) - HORIZON + 1):
            level, scale = unit(one[:end], season)
            x.append(seen(one[:end], lags, season))
            ahead = (one[end : end + HORIZON] - level) / scale
            y.append(np.clip(ahead, -global_linear.CLIP_SCALES, global_linear.CLIP_SCALES))
    return np.array(x), np.array(y)


def reweighted(x: Array, y: Array) -> Array:
    """Ridge regression as least squares with one more row a coefficient, the constant's left out."""
    weights = np.ones(len(x))
    for _ in range(global_linear.ROUNDS):
        share = np.sqrt(weights)[:, None]
        ridge = np.sqrt(global_linear.RIDGE * (weights[:, None] * x**2).sum() / x.shape[1])
        rows = ridge * np.eye(x.shape[1])[:-1]
        extra = np.zeros((len(rows), y.shape[1]))
        coefficients = np.linalg.lstsq(np.r_[share * x, rows], np.r_[share * y, extra], rcond=None)[0]
        error = np.abs(y - x @ coefficients).mean(axis=1)
        weights = 1 / np.maximum(error, np.median(error) / 2)
    return np.asarray(coefficients)


@pytest.mark.parametrize("seasons", [(), (4,), (7,)], ids=str)
def test_it_is_the_ridge_regression_of_all_windows(seasons: tuple[int, ...]) -> None:
    season = seasons[0] if seasons else 1
    series = [wave(rows, 7, level=20.0 * (place + 1), seed=place) for place, rows in enumerate(LENGTHS)]
    found = WindowFeatures(series_table(panel_of(*series), HORIZON, seasons, ()))
    model = fit(found, np.array(LENGTHS), HORIZON, Training())
    assert model is not None
    lags = lags_of(season)
    expected = reweighted(*windows(series, lags, season))
    np.testing.assert_allclose(model.coefficients, expected, atol=1e-7)
    ahead = np.stack(
        [seen(one, lags, season) @ expected * unit(one, season)[1] + unit(one, season)[0] for one in series]
    )
    np.testing.assert_allclose(predict(model, found, np.arange(3), np.array(LENGTHS), HORIZON), ahead, atol=1e-5)
