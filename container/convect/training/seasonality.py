"""Which of a frequency's seasons the data really have."""

from __future__ import annotations

import numpy as np

from convect.models.simple import Array, Seasons
from convect.panel import Panel

SAMPLE_SERIES = 300
CORRELATION = 0.2  # autocorrelation at the season, of the series less its moving average, that counts as seasonal
SHARE = 0.25  # of the series that must show it: by chance one in ten does


def find_seasons(panel: Panel) -> Seasons:
    """Return the seasons in steps, ascending, that at least a quarter of a sample of series show.

    A series shorter than two and a half seasons has no say; a season on which no series has a say is not used.
    """
    sample = np.unique(np.linspace(0, len(panel) - 1, min(len(panel), SAMPLE_SERIES)).astype(int))
    histories = [panel.series(item) for item in sample]
    found: list[int] = []
    for season in panel.frequency.seasons:
        judged = np.array([seasonal_correlation(history, season) for history in histories])
        judged = judged[np.isfinite(judged)]
        if len(judged) and np.mean(judged > CORRELATION) >= SHARE:
            found.append(season)
            histories = [_without(history, season) for history in histories]
    return tuple(found)


def _without(history: Array, season: int) -> Array:
    """The history less the mean of each phase, so that a longer season is not found in a shorter one."""
    phase = np.arange(len(history)) % season
    total, count = np.bincount(phase, history, season), np.bincount(phase, minlength=season)
    return np.asarray(history - (total / np.maximum(count, 1))[phase])


def seasonal_correlation(history: Array, season: int) -> float:
    """Return the autocorrelation at lag `season` of a history less its centred moving average, NaN if too short.

    >>> round(seasonal_correlation(np.tile([1.0, 2.0, 3.0], 9), 3), 2)
    0.88
    """
    if len(history) < 2 * season + season // 2 + 2:
        return np.nan
    kernel = np.ones(season) / season if season % 2 else np.r_[0.5, np.ones(season - 1), 0.5] / season
    trend = np.convolve(history, kernel, "valid")
    start = len(kernel) // 2
    rest = history[start : start + len(trend)] - trend
    rest = rest - rest.mean()
    power = float((rest**2).sum())
    return float((rest[season:] * rest[:-season]).sum() / power) if power > 0 else np.nan
