"""What each known covariate does to all series together: a pooled regression with intervals, by statsmodels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from statsmodels.regression.linear_model import OLS

from convect.models.covariate_regression import season_columns
from convect.models.simple import Array, Seasons
from convect.panel import Panel

COLUMNS = ("covariate", "effect", "low_95", "high_95", "items", "unit")
MOST_ITEMS = 1_000  # spread over all: more narrow the intervals and change nothing else
MOST_ROWS = 840  # of each item, the newest
CLUSTERS = 30  # items from which errors may do what they like within an item
MOST_VALUES = 20  # of a covariate of texts
KNOWN_SHARE = 0.5  # of the rows must have a covariate, else it is left out
NOTHING = 1e-6  # of a column's size: what is less is rounding


@dataclass(frozen=True)
class _Column:
    """A column of the regression: its covariate's name, its place, how it is taken, and what its effect is per."""

    name: str
    place: int
    unit: str
    value: float | None = None
    logged: bool = False

    def of(self, known: Array) -> Array:
        column = known[:, self.place]
        if self.value is not None:
            return np.where(np.isnan(column), np.nan, column == self.value)
        return np.log(column) if self.logged else column


def table(panel: Panel, seasons: Seasons) -> pd.DataFrame | None:
    """Return the columns of COLUMNS, a row for each known covariate whose effect can be told; None without covariates.

    The target, its logarithm where it is positive everywhere, is regressed on all covariates together, in each item
    about its own mean, straight trend and season (Frisch and Waugh 1933), so that a price that falls as sales grow, or
    a promotion before every weekend, is not taken for an effect. The 95 % intervals allow errors that hang together
    within an item: clustered by item (Liang and Zeger 1986), of fewer than 30 items by Newey and West's weights.

    unit: on the logarithm "% per 1 % of price" for a covariate that is positive and has more than two values, else
    "% per 1 of promotion", for a text "% against 'none'", the most frequent one; otherwise in units of the target.
    items: those in which the covariate changed other than with trend and season.
    """
    if not panel.known_names:
        return None
    chosen = np.unique(np.linspace(0, len(panel) - 1, min(len(panel), MOST_ITEMS)).astype(int))
    sample = panel.take(chosen).tail(MOST_ROWS)
    logged = bool((sample.values[sample.observed] > 0).all())
    columns = list(_columns(sample, logged=logged))
    known = np.stack([column.of(sample.known) for column in columns], axis=1) if columns else sample.known[:, :0]
    x, y, items, lost = _partialled(sample, known, np.log(sample.values) if logged else sample.values, seasons)
    told = _independent(x, known)
    columns = [column for column, kept in zip(columns, told, strict=True) if kept]
    if not columns or len(y) - lost <= len(columns):
        return pd.DataFrame(columns=list(COLUMNS))
    return _told(columns, x[:, told], y, items, lost, logged=logged)


def _columns(panel: Panel, *, logged: bool) -> Iterator[_Column]:
    whole = "%" if logged else "units of the target"
    for place, name in enumerate(panel.known_names):
        known = panel.known[:, place]
        values, counts = np.unique(known[np.isfinite(known)], return_counts=True)
        if np.isfinite(known).mean() < KNOWN_SHARE:
            continue
        if name in panel.categories:
            usual, *others = values[np.argsort(-counts, kind="stable")][:MOST_VALUES]
            texts = panel.categories[name]
            for value in sorted(others):
                unit = f"{whole} against {texts[int(usual)]!r}"
                yield _Column(f"{name}={texts[int(value)]}", place, unit, value=float(value))
        elif logged and len(values) > 2 and values[0] > 0:
            yield _Column(name, place, f"{whole} per 1 % of {name}", logged=True)
        else:
            yield _Column(name, place, f"{whole} per 1 of {name}")


def _partialled(panel: Panel, known: Array, y: Array, seasons: Seasons) -> tuple[Array, Array, NDArray[np.int64], int]:
    """Covariates (rows, K) and target (rows,) less each item's own mean, trend and season, the item of each row, and
    how many numbers were fitted for that. Rows without a target or a covariate are left out.
    """
    usable = panel.observed & np.isfinite(known).all(axis=1)
    xs, ys, items, lost = [known[:0]], [y[:0]], [panel.offsets[:0]], 0
    for item in range(len(panel)):
        rows = np.flatnonzero(usable[panel.offsets[item] : panel.offsets[item + 1]])
        controls = _controls(panel.starts[item] + rows, seasons)
        if len(rows) <= controls.shape[1]:
            continue
        taken = panel.offsets[item] + rows
        both = np.column_stack([known[taken], y[taken]])
        fitted, _, rank, _ = np.linalg.lstsq(controls, both, rcond=None)
        left = both - controls @ fitted
        xs, ys = [*xs, left[:, :-1]], [*ys, left[:, -1]]
        items, lost = [*items, np.full(len(rows), item)], lost + int(rank)
    return np.concatenate(xs), np.concatenate(ys), np.concatenate(items), lost


def _controls(ordinals: NDArray[np.int64], seasons: Seasons) -> Array:
    step = (ordinals - ordinals[0]) / max(1, len(ordinals)) if len(ordinals) else ordinals.astype(float)
    return np.column_stack([np.ones(len(step)), step, *(season_columns(season, ordinals) for season in seasons)])


def _independent(x: Array, known: Array) -> NDArray[np.bool_]:
    """(K,) True for the columns that change by themselves: neither only with the controls nor with those before."""
    told = np.isfinite(known)
    size = np.sqrt(np.square(known - known.mean(axis=0, where=told)).sum(axis=0, where=told))
    size += NOTHING * np.sqrt(np.square(known).sum(axis=0, where=told))  # a constant's rounding
    found = np.zeros(x.shape[1], bool)
    for place in range(x.shape[1]):
        before = x[:, found]
        rest = x[:, place] - before @ np.linalg.lstsq(before, x[:, place], rcond=None)[0]
        found[place] = np.linalg.norm(rest) > NOTHING * size[place]
    return found


def _told(
    columns: list[_Column], x: Array, y: Array, items: NDArray[np.int64], lost: int, *, logged: bool
) -> pd.DataFrame:
    coefficient, low, high = _estimated(x, y, items, lost)
    rows = []
    for place, column in enumerate(columns):
        found = np.array([coefficient[place], low[place], high[place]])
        if logged and not column.logged:
            found = 100 * np.expm1(found)
        power = np.bincount(items, np.square(x[:, place]))
        changed = power > NOTHING**2 * power.sum()
        rows.append((column.name, *found, int(changed.sum()), column.unit))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _estimated(x: Array, y: Array, items: NDArray[np.int64], lost: int) -> tuple[Array, Array, Array]:
    """Coefficients (K,) and the bounds of their 95 % intervals."""
    if len(np.unique(items)) >= CLUSTERS:
        kind: dict[str, Any] = {"cov_type": "cluster", "cov_kwds": {"groups": items}}
    else:
        lags = int(4 * (np.bincount(items).max() / 100) ** (2 / 9))  # Newey and West 1994
        kind = {"cov_type": "hac-panel", "cov_kwds": {"groups": items, "maxlags": lags}}
    fitted = OLS(y, x).fit(use_t=True, **kind)
    freedom = len(y) - x.shape[1]
    bounds = np.asarray(fitted.conf_int(alpha=0.05))
    middle = np.asarray(fitted.params)
    reach = (bounds[:, 1] - middle) * np.sqrt(freedom / (freedom - lost))
    return middle, middle - reach, middle + reach
