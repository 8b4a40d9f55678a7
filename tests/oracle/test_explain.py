"""Components against data whose components are known, and the season against statsmodels."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from statsmodels.tsa.seasonal import seasonal_decompose

from convect.explain.split import split
from convect.pipeline import train
from tests.unit.explain.known_effects import HORIZON, config, made
from tests.unit.made import fast, quiet

MOST = 0.05  # of the true effect


def strength(found: pd.Series, truth: pd.Series) -> float:
    """How much of the true component is found: the slope of the one on the other."""
    return float((found * truth).sum() / (truth * truth).sum())


@pytest.mark.parametrize("preset", ["fast", "balanced"])
@pytest.mark.parametrize("multiplied", [True, False])
def test_effects_and_season_are_those_that_were_made(multiplied: bool, preset: str) -> None:
    frame, truth = made(multiplied=multiplied, items=16)
    parts = train(frame, config(preset), progress=quiet).explanations
    found = parts.pivot_table(index=["item_id", "timestamp"], columns="component", values="value", observed=True)
    for name in ("covariate:price", "covariate:promo", "season", "level"):
        assert strength(found[name], truth[name]) == pytest.approx(1.0, abs=MOST), name
    assert found["other"].abs().mean() < 0.01 * truth["level"].mean()


def test_a_trend_is_the_one_that_was_made() -> None:
    step, stamps = np.arange(150), pd.date_range("2015-01-01", periods=138, freq="MS")
    whole = [100 + 10 * k + (1 + k / 10) * step + 8 * np.sin(2 * np.pi * step / 12) for k in range(12)]
    table = [
        pd.DataFrame({"item_id": f"i{k:02d}", "timestamp": stamps, "target": y[:138]}) for k, y in enumerate(whole)
    ]
    parts = train(pd.concat(table), fast(horizon=12), progress=quiet).explanations
    trend = parts[parts["component"] == "trend"]["value"].to_numpy().reshape(12, 12)
    truth = np.outer(1 + np.arange(12) / 10, np.arange(1, 13))
    assert (trend * truth).sum() / (truth * truth).sum() == pytest.approx(1.0, abs=MOST)
    season = parts[parts["component"] == "season"]["value"].to_numpy().reshape(12, 12)
    wave = 8 * np.sin(2 * np.pi * step[138:] / 12)
    assert (season @ wave).mean() / (wave @ wave) == pytest.approx(1.0, abs=MOST)


@pytest.mark.parametrize("season", [7, 12])
def test_the_season_is_that_of_statsmodels(season: int) -> None:
    rng, step = np.random.default_rng(1), np.arange(9 * season)
    whole = 50 + 0.3 * step + 5 * np.sin(2 * np.pi * step / season) + rng.normal(size=len(step))
    expected = seasonal_decompose(whole, period=season).seasonal[-HORIZON:]
    found = split(whole[None, :-HORIZON], whole[None, -HORIZON:], (season,)).season[0]
    amplitude = (found @ expected) / (expected @ expected)
    np.testing.assert_allclose(found, amplitude * expected, atol=1e-9)
