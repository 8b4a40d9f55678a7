"""The features of all windows at once, against a slow loop that reads one window after the other."""

from __future__ import annotations

import numpy as np
import pytest

from convect.models import features
from convect.models.features import SeriesTable, WindowFeatures
from tests.unit.made import Array, wave

NAN = float("nan")
RNG = np.random.default_rng(6)
LENGTHS, HORIZON = [90, 40, 12, 70], 5
OFFSETS = np.r_[0, np.cumsum(LENGTHS)]
ROWS = int(OFFSETS[-1])
SIZES = [1.0, 1e6, 1e-3, 40.0]


def table(seasons: tuple[int, ...]) -> SeriesTable:
    values = [size * wave(rows, 7, seed=seed) for seed, (rows, size) in enumerate(zip(LENGTHS, SIZES, strict=True))]
    covariates = RNG.normal(size=(ROWS + len(LENGTHS) * HORIZON, 2))
    covariates[RNG.random(covariates.shape) < 0.1] = NAN
    return SeriesTable(
        values=np.concatenate(values),
        observed=np.ones(ROWS, bool),
        offsets=OFFSETS,
        starts=np.zeros(len(LENGTHS), np.int64),
        seasons=seasons,
        covariates=covariates,
        covariate_offsets=OFFSETS + HORIZON * np.arange(len(LENGTHS) + 1),
        past=RNG.normal(size=(ROWS, 2)),
        static=RNG.normal(size=(len(LENGTHS), 1)),
        calendar=lambda item, position: np.stack(np.broadcast_arrays(position % 7, item + 0.5), axis=-1),
    )


def mean_step(history: list[float], lag: int, first: int) -> float:
    """The mean of |y[t] - y[t - lag]| over t from `first` on; nothing counts as 0."""
    found = [abs(history[t] - history[t - lag]) for t in range(max(first, 0), len(history)) if t >= lag]
    return sum(found) / max(len(history) - min(max(first, 0), len(history)), 1)


def slow(found: SeriesTable, item: int, end: int, step: int) -> list[float]:
    whole = found.values[found.offsets[item] : found.offsets[item + 1]].tolist()
    history = whole[:end]
    season = found.seasons[0] if found.seasons else 1
    level_steps = season if 1 < season <= features.LONGEST_LEVEL_STEPS else 1
    level = float(np.mean(history[-level_steps:]))
    window = min(60 * max(1, season // 4), features.LONGEST_LENGTH)
    rough = mean_step(history, 1, 1)
    seasonal = mean_step(history, season, max(end - window, season))
    scale = (seasonal if end > season + 2 else rough) + features.ROUGHNESS_SHARE * rough

    def value(position: int) -> float:
        return (history[position] - level) / scale if 0 <= position < end else NAN

    long, short = (4 * season if season > 1 else 20), max(season, 4)
    older = max(end - short, 0)
    recent, before = np.mean(history[older:]), np.mean(history[max(older - short, 0) : older] or [0.0])
    trends = [
        (history[-1] - history[max(end - 5, 0)]) / scale,
        (float(np.mean(history[-long:])) - level) / scale,
        float(recent - before) / scale,
        mean_step(history, 1, max(end - found.lags, 1)) / scale,
        scale / (abs(level) + 1e-9),
        float(min(end, features.LONGEST_LENGTH)),
    ]
    longest = found.seasons[-1] if found.seasons else 1
    backs = [season * (j + -(-step // season)) for j in range(features.SEASONS_BACK)]
    backs += [longest * -(-step // longest)] if longest > season else []
    phase = [value(end + step - 1 - back) for back in backs]
    known = [p for p in phase if p == p]
    past = found.past[found.offsets[item] : found.offsets[item + 1]]
    own = found.covariates[found.covariate_offsets[item] : found.covariate_offsets[item + 1]]
    now, then = own[end + step - 1], own[end - 1]
    lags = [value(end - lag) for lag in range(found.lags, 0, -1)]
    return [
        *lags,
        *trends,
        *past[end - 1],
        *past[max(end - season, 0)],
        *found.static[item],
        *phase,
        sum(known) / len(known) if known else NAN,
        *now,
        *(now - then),
        (end + step - 1) % 7,
        item + 0.5,
        step,
    ]


@pytest.mark.parametrize("seasons", [(), (2,), (7,), (4, 12), (7, 30), (60,)], ids=str)
def test_every_window_is_as_the_loop_reads_it(seasons: tuple[int, ...]) -> None:
    found = table(seasons)
    items = np.repeat(np.arange(len(LENGTHS)), 8)
    ends = np.array([int(end) for rows in LENGTHS for end in np.linspace(3, rows, 8)])
    steps = np.tile(np.arange(1, HORIZON + 1), (len(items), 1))
    x, _, _ = WindowFeatures(found).matrix(items, ends, steps)
    expected: Array = np.array(
        [
            slow(found, int(item), int(end), step)
            for item, end in zip(items, ends, strict=True)
            for step in range(1, HORIZON + 1)
        ]
    )
    assert x.shape == expected.shape
    np.testing.assert_allclose(x, expected, rtol=1e-7, atol=1e-7)
