"""What each known covariate does to a forecast of the global LightGBM, against its usual value."""

from __future__ import annotations

from collections.abc import Iterable

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from convect.models.features import Array, Index, WindowFeatures


def contributions(
    boosters: Iterable[lgb.Booster], features: WindowFeatures, items: Index, ends: Index, usual: Array, horizon: int
) -> tuple[Array, Array]:
    """Return forecasts (w, horizon) of the windows (item, end), and what each covariate adds to them (w, horizon, C).

    usual: (w, C), what a covariate is held against. Several share what they do together as by Shapley's value, taken
    over who comes first and who comes last: exact where at most two interact. (The trees' own `pred_contrib` measures
    from the mean of all windows, not from the item's usual value, spreads a covariate over its value and its change
    since the origin, and costs forty times as much.)
    """
    steps = np.tile(np.arange(1, horizon + 1), (len(items), 1))
    x, level, scale = features.matrix(items, ends, steps)
    values, changes = features.covariate_columns(x)
    reference = _moved(x, values, changes, np.repeat(usual, horizon, axis=0))
    known = np.isfinite(x[:, values]) & np.isfinite(reference[:, values])
    reference = np.where(np.isnan(x), x, reference)
    different = known & (x[:, values] != reference[:, values])
    full = _said(boosters, x)
    found = np.zeros(known.shape)
    rows = np.flatnonzero(different.any(axis=1))
    if len(rows):
        found[rows] = _shared(boosters, x[rows], reference[rows], different[rows], full[rows], (values, changes))
    shape = (*steps.shape, -1)
    mean = full.reshape(steps.shape) * scale[:, None] + level[:, None]
    return mean, found.reshape(shape) * scale[:, None, None]


def _said(boosters: Iterable[lgb.Booster], x: Array) -> Array:
    return np.asarray(np.mean([booster.predict(x, num_threads=1) for booster in boosters], axis=0))


def _moved(x: Array, values: slice, changes: slice, usual: Array) -> Array:
    """The features where every covariate has its usual value, and has changed since the origin accordingly."""
    out = x.copy()
    out[:, changes] = usual - (x[:, values] - x[:, changes])
    out[:, values] = usual
    return out


def _shared(
    boosters: Iterable[lgb.Booster],
    x: Array,
    reference: Array,
    different: NDArray[np.bool_],
    full: Array,
    columns: tuple[slice, slice],
) -> Array:
    """(rows, C): the mean of what each does first and last, the rest of what all do in equal shares."""
    usual, places = _said(boosters, reference), [np.r_[columns[0]], np.r_[columns[1]]]
    count = different.sum(axis=1)
    found = np.zeros(different.shape)
    for k in range(different.shape[1]):
        rows = np.flatnonzero(different[:, k])
        own = [places[0][k], places[1][k]]
        alone = count[rows] == 1
        found[rows[alone], k] = (full - usual)[rows[alone]]
        rows = rows[~alone]
        if len(rows):
            first, last = reference[rows], x[rows]
            first[:, own], last[:, own] = x[np.ix_(rows, own)], reference[np.ix_(rows, own)]
            found[rows, k] = (_said(boosters, first) - usual[rows] + full[rows] - _said(boosters, last)) / 2
    missing = full - usual - found.sum(axis=1)
    return np.asarray(found + np.where(different, (missing / count)[:, None], 0.0))
