"""The seasonal correlation against statsmodels' moving average and autocorrelation."""

from __future__ import annotations

import numpy as np
import pytest
from statsmodels.tsa.seasonal import seasonal_decompose
from statsmodels.tsa.stattools import acf

from convect.training.seasonality import seasonal_correlation
from tests.unit.made import wave


@pytest.mark.parametrize("season", [2, 3, 4, 5, 7, 12, 24])
@pytest.mark.parametrize("noise", [0.5, 20.0])
def test_it_is_the_autocorrelation_of_the_series_less_its_centred_moving_average(season: int, noise: float) -> None:
    history = wave(90, season, noise=noise, seed=season) + 0.4 * np.arange(90)
    trend = seasonal_decompose(history, period=season).trend
    rest = (history - trend)[np.isfinite(trend)]
    expected = acf(rest, nlags=season, fft=False)[season]
    assert seasonal_correlation(history, season) == pytest.approx(expected)
