"""A forecast without its covariates, parted into a level, a straight trend, the season, and what is left."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np

from convect.models.catalogue import SEASONS_AVERAGED
from convect.models.features import Index
from convect.models.simple import Array, Seasons

OWN_AMPLITUDE = 0.01  # of a season's power, by which its amplitude is drawn to that of the history
FLAT = 1e-9  # the same for the trend: only so that one step has an answer


@dataclass(frozen=True, eq=False)
class Split:
    """level, trend, season: (n, h); what they leave of the forecast is other than these."""

    level: Array
    trend: Array
    season: Array


def rows_seen(seasons: Seasons) -> int:
    """Return how many of the newest rows of a history tell its season: six of the longest, as the models take."""
    return SEASONS_AVERAGED * max(seasons, default=1)


def split(history: Array, forecast: Array, seasons: Seasons) -> Split:
    """Part forecasts (n, h) that follow histories (n, t), the newest value last and NaN before the first one.

    The shape of the season is that of history and forecast together, by classical decomposition, the shorter season
    first (as MSTL does, Bandara et al. 2021, with means of phases in place of loess). The forecast is then regressed on
    a constant, the step and this shape: the constant is the level at the origin, the slope times the step the trend,
    and the coefficient says how much of the shape the forecast has. Where the horizon shows too little of a season to
    tell it from a trend, it has all of it.
    """
    whole, steps = np.concatenate([history, forecast], axis=1), np.arange(1, forecast.shape[1] + 1)
    centre = np.nanmean(whole, axis=1, keepdims=True)
    size = np.nanmax(np.abs(whole - centre), axis=1, keepdims=True)
    size[~(size > 0)] = 1.0
    whole = (whole - centre) / size
    shape = _shape(whole, seasons, history.shape[1])[:, history.shape[1] :]
    level, slope, amplitude = _regressed(whole[:, history.shape[1] :], shape)
    level = np.repeat(centre + level * size, len(steps), axis=1)
    return Split(level, slope * steps * size, amplitude * shape * size)


def _shape(whole: Array, seasons: Seasons, origin: int) -> Array:
    """The season (n, t + h) of histories that go on as forecast from column `origin` on."""
    rest, found = whole.copy(), np.zeros_like(whole)
    for season in seasons:
        phases = (np.arange(whole.shape[1]) - origin) % season
        profile = _profile(rest - _moving_average(rest, season), phases, season)
        found += profile[:, phases]
        rest -= profile[:, phases]
    return found


def _profile(detrended: Array, phases: Index, season: int) -> Array:
    """(n, season) the mean of each phase, summing to 0; nothing where a phase was never seen."""
    before = int(phases[0])
    after = -(before + len(phases)) % season
    cycles = np.pad(detrended, ((0, 0), (before, after)), constant_values=np.nan).reshape(len(detrended), -1, season)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nanmean(cycles, axis=1)
    mean = mean - mean.mean(axis=1, keepdims=True)
    return np.asarray(np.nan_to_num(mean))


def _moving_average(values: Array, season: int) -> Array:
    """The centred mean (n, t) over one season, its ends counting half where it is even; NaN where it is not whole."""
    found = np.full_like(values, np.nan)
    reach, columns = season // 2, values.shape[1]
    if columns > 2 * reach:
        running = np.cumsum(np.pad(np.nan_to_num(values), ((0, 0), (1, 0))), axis=1)
        width = columns - 2 * reach
        sums = [running[:, k + season : k + season + width] - running[:, k : k + width] for k in (0, 1 - season % 2)]
        found[:, reach : reach + width] = np.mean(sums, axis=0) / season
        begun = np.isfinite(values[:, :width])
        found[:, reach : reach + width][~begun] = np.nan
    return found


def _regressed(forecast: Array, shape: Array) -> tuple[Array, Array, Array]:
    """Level, slope and amplitude (n, 1) each, by least squares drawn to no slope and an amplitude of 1."""
    steps = np.broadcast_to(np.arange(1.0, forecast.shape[1] + 1), forecast.shape)
    design = np.stack([np.ones_like(forecast), steps, shape], axis=2)
    gram = np.einsum("nhi,nhj->nij", design, design)
    right = np.einsum("nhi,nh->ni", design, forecast)
    gram[:, 1, 1] += FLAT
    prior = OWN_AMPLITUDE * np.square(shape).sum(axis=1) + FLAT
    gram[:, 2, 2] += prior
    right[:, 2] += prior
    found = np.linalg.solve(gram, right[..., None])
    return found[:, 0], found[:, 1], found[:, 2]
