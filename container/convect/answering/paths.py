"""Sample paths whose values at each step are exactly spread as that step's quantiles say."""

from __future__ import annotations

import zlib

import numpy as np

from convect.models.simple import Array

STEP_CORRELATION = 0.8  # of a path's normal ranks from one step to the next; assumed, not learnt


def levels(count: int) -> tuple[float, ...]:
    """Return the midpoints of `count` equal strata of (0, 1), ascending: the quantiles that the paths take."""
    return tuple(((np.arange(count) + 0.5) / count).tolist())


def draw(values: Array, keys: list[str], seed: int) -> Array:
    """Return paths (n, S, h) from the quantiles (n, h, S) at `levels(S)`; `keys` (n,) name each series' random numbers.

    At every step the S paths take the S quantiles, each once, so that their distribution is the forecast's own. Which
    path takes which is random and follows a Gaussian AR(1): a path that runs high tends to go on running high. Series
    are independent of each other, save that equal keys get the same random numbers, so that two questions about one
    item differ by what was asked. A reordering as in the Schaake shuffle (Clark et al. 2004), with a model's ranks in
    place of past weather.
    """
    n, horizon, count = values.shape
    paths = np.empty((n, count, horizon))
    for item, key in enumerate(keys):
        ranks = _ranks(count, horizon, np.random.default_rng([seed, zlib.crc32(key.encode())]))
        paths[item] = np.take_along_axis(values[item].T, ranks, axis=0)
    return paths


def _ranks(count: int, horizon: int, rng: np.random.Generator) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    noise = rng.standard_normal((count, horizon))
    fresh = np.sqrt(1 - STEP_CORRELATION**2)
    for step in range(1, horizon):
        noise[:, step] = STEP_CORRELATION * noise[:, step - 1] + fresh * noise[:, step]
    return np.asarray(noise.argsort(axis=0).argsort(axis=0), np.int64)
