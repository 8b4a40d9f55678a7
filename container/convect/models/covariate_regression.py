"""What known covariates do to each series: a regression of its own, drawn towards that of all series."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from convect.models.features import Array, Index, SeriesTable, WindowFeatures
from convect.models.global_lightgbm import Training

LEVEL_HALF_LIFE = 13.0  # rows after which a residual counts half in the median that is the level
POOLING = 10.0  # rows of evidence that the slopes of all series count for
PRODUCT_POOLING = 30.0  # the same for products of covariates, of which a single series shows few values
RIDGE = 1e-3
FEWEST_ROWS = 6  # of a series
MOST_PHASES = 31  # a season up to it has an effect for each of its steps, a longer one two waves
WAVES = 2
EVENT_ZEROS = 0.5  # of its values: more, and a covariate is an event, such as a promotion
MOST_PRODUCTS = 30  # more are not told apart in a series, and cost much
ROBUST_ROUNDS = 3  # of weighing rows whose residual is beyond one standard deviation down (Huber 1964)


@dataclass(frozen=True, eq=False)
class Regression:
    """logged: (C,) the covariates taken in logarithms; products: (P, 2) the places of an event and another covariate
    whose product has an effect, since a lower price does more where it is announced; slopes, spread: (K,) of the
    columns of `_design`.

    slopes are those of all series together, for columns divided by their standard deviation `spread`, in units of each
    series' own standard deviation where `relative`: values that no logarithm has made comparable.
    """

    logged: NDArray[np.bool_]
    products: Index
    slopes: Array
    spread: Array
    relative: bool = False

    def to_text(self) -> str:
        """Return the model as JSON."""
        learnt = [self.logged.tolist(), self.slopes.tolist(), self.spread.tolist(), self.relative]
        return json.dumps([*learnt, self.products.tolist()])

    def seen(self, covariates: Array) -> Array:
        """Return covariates (…, C) as the model takes them; NaN for what is unknown or has no logarithm."""
        with np.errstate(all="ignore"):
            taken = np.where(self.logged, np.log(covariates), covariates)
        return np.where(np.isfinite(taken), taken, np.nan)

    @classmethod
    def from_text(cls, text: str) -> Regression:
        """Return what `to_text` wrote, also before there were products; raises ValueError for anything else."""
        logged, slopes, spread, relative, *products = json.loads(text)
        pairs = np.array(products, np.int64).reshape(-1, 2)
        return cls(np.array(logged, np.bool_), pairs, np.array(slopes, float), np.array(spread, float), relative)


@dataclass(frozen=True, eq=False)
class Fitted:
    """What the regression says of w windows: mean (w, h), NaN where a series is too short, and why.

    slopes: (w, C) of the covariates as `Regression.seen`; bends: (w, P) of the products of what they are above their
    means in the series, centre (w, C).
    """

    mean: Array
    slopes: Array
    bends: Array
    centre: Array

    def added(self, model: Regression, seen: Array, usual: Array) -> Array:
        """Return what each covariate adds (w, s, C) at values (w, s, C) against the usual (w, C); 0 where unknown.

        Of what a product adds, each of its two gets what it adds on average over which of them changes first: Shapley's
        value, so that the parts add up to the whole.
        """
        base = np.where(np.isfinite(usual), usual, self.centre)[:, None]
        change = np.where(np.isfinite(seen) & np.isfinite(usual)[:, None], seen - base, 0.0)
        middle = base + change / 2 - self.centre[:, None]
        slopes = np.repeat(self.slopes[:, None], seen.shape[1], axis=1)
        for place, (one, other) in enumerate(model.products.tolist()):
            slopes[..., one] += self.bends[:, None, place] * middle[..., other]
            slopes[..., other] += self.bends[:, None, place] * middle[..., one]
        return np.asarray(change * slopes)


def fit(features: WindowFeatures, ends: Index, horizon: int, training: Training) -> Regression | None:
    """Learn the slopes of all series from what lies before `ends` (n,); None without covariates or rows."""
    table = features.table
    logged, products = _positive(table.covariates), _products(table.covariates)
    read = _Reader(table, logged, products)
    parts = [read.centred(item, end) for item, end in enumerate(ends.tolist()) if end >= FEWEST_ROWS]
    if not len(logged) or not parts:
        return None
    relative = bool(np.nanmin(table.values) < 0)
    x = np.concatenate([part[0] for part in parts])
    y = np.concatenate([part[1] / _size(part[1], relative=relative) for part in parts])
    spread = x.std(axis=0)
    spread[spread <= 1e-9] = 1e9  # what never changes but by rounding has no slope
    x = x / spread
    slopes = np.linalg.solve(x.T @ x + RIDGE * len(x) * np.eye(len(spread)), x.T @ y)
    return Regression(logged, products, slopes, spread, relative)


def predict(model: Regression, features: WindowFeatures, items: Index, ends: Index, horizon: int) -> Array:
    """Return forecasts (w, horizon) of the windows (item, end); NaN where a series is too short."""
    return fitted(model, features, items, ends, horizon).mean


def fitted(model: Regression, features: WindowFeatures, items: Index, ends: Index, horizon: int) -> Fitted:
    """Return the forecasts of the windows (item, end) and what they are made of."""
    count, products = len(model.logged), len(model.products)
    found = Fitted(*(np.full((len(items), width), np.nan) for width in (horizon, count, products, count)))
    read = _Reader(features.table, model.logged, model.products)
    for row, (item, end) in enumerate(zip(items.tolist(), ends.tolist(), strict=True)):
        if end >= FEWEST_ROWS:
            found.mean[row], slopes = _forecast(model, read, item, end, horizon)
            found.slopes[row], found.bends[row] = slopes[:count], slopes[count : count + products]
            found.centre[row] = read.covariates(item, end)[1]
    return found


def _forecast(model: Regression, read: _Reader, item: int, end: int, horizon: int) -> tuple[Array, Array]:
    """The series' own slopes, drawn towards the pooled ones (a ridge around them), and the level of the newest rows."""
    x, y, mean = read.centred(item, end)
    slopes = _own_slopes(model, x / model.spread, y)
    every = (read.design(item, end, horizon) - mean) / model.spread
    residuals = read.observed(item, end) - every[:end] @ slopes
    return np.asarray(_level(residuals[np.isfinite(residuals)]) + every[end:] @ slopes), slopes / model.spread


def _own_slopes(model: Regression, x: Array, y: Array) -> Array:
    """Minimise Huber's loss and the ridge by weighing the rows anew: an outlier bends no slope."""
    pooled = model.slopes * _size(y, relative=model.relative)
    ridge = np.full(len(pooled), POOLING)
    ridge[len(model.logged) :][: len(model.products)] = PRODUCT_POOLING
    weights = np.ones(len(y))
    for _ in range(1 + ROBUST_ROUNDS):
        weighed = x.T * weights
        slopes = pooled + np.linalg.solve(weighed @ x + np.diag(ridge), weighed @ (y - x @ pooled))
        error = np.abs(y - x @ slopes - np.median(y - x @ slopes)) if len(y) else y
        size = np.sqrt(np.mean(np.square(error))) if len(y) else 0.0
        weights = np.divide(size, error, out=np.ones(len(y)), where=error > size)
    return np.asarray(slopes)


def _level(residuals: Array) -> float:
    """The median of residuals, oldest first, each weighing by half of what it did LEVEL_HALF_LIFE rows later."""
    if not len(residuals):
        return np.nan
    weights = 0.5 ** (np.arange(len(residuals))[::-1] / LEVEL_HALF_LIFE)
    order = np.argsort(residuals, kind="stable")
    running = np.cumsum(weights[order])
    return float(residuals[order][np.searchsorted(running, running[-1] / 2)])


def _size(centred: Array, *, relative: bool) -> float:
    spread = float(centred.std()) if relative and len(centred) else 1.0
    return spread if spread > 0 else 1.0


def _positive(covariates: Array) -> NDArray[np.bool_]:
    with np.errstate(invalid="ignore"):
        return np.asarray(~(covariates <= 0).any(axis=0))


def _products(covariates: Array) -> Index:
    """(P, 2): each event with each other covariate; none where there would be too many."""
    known = np.maximum(np.isfinite(covariates).sum(axis=0), 1)
    event = (covariates == 0).sum(axis=0) >= EVENT_ZEROS * known
    pairs = [pair for pair in combinations(range(len(event)), 2) if event[list(pair)].any()]
    return np.array(pairs if len(pairs) <= MOST_PRODUCTS else [], np.int64).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class _Reader:
    """The rows of a table's series as the regression takes them."""

    table: SeriesTable
    logged: NDArray[np.bool_]
    products: Index

    def centred(self, item: int, end: int) -> tuple[Array, Array, Array]:
        """The rows that were observed, x (rows, K) and y (rows,), each less its mean, and the mean of x."""
        x, y = self.design(item, end), self.observed(item, end)
        known = np.isfinite(y)
        x, y = x[known], y[known]
        mean = x.mean(axis=0) if len(x) else np.zeros(x.shape[1])
        return x - mean, y - (y.mean() if len(y) else 0.0), mean

    def observed(self, item: int, end: int) -> Array:
        """(end,): the values, NaN where a gap was filled."""
        rows = slice(self.table.offsets[item], self.table.offsets[item] + end)
        return np.where(self.table.observed[rows], self.table.values[rows], np.nan)

    def design(self, item: int, end: int, horizon: int = 0) -> Array:
        """(end + horizon, K): the covariates, some in logarithms, their products, then the season's effects.

        What is not known has no effect: it stands at the mean of what is known up to `end`, from which products are
        measured.
        """
        known, mean = self.covariates(item, end, horizon)
        above = known - mean
        products = above[:, self.products[:, 0]] * above[:, self.products[:, 1]]
        season = season_columns(self.table.season, self.table.starts[item] + np.arange(len(known)))
        return np.concatenate([known, products, season], axis=1)

    def covariates(self, item: int, end: int, horizon: int = 0) -> tuple[Array, Array]:
        """(end + horizon, C), and the mean (C,) of what is known up to `end`, which stands for what is not."""
        table, rows = self.table, end + horizon
        start = table.covariate_offsets[item]
        given = table.covariates[start : min(start + rows, table.covariate_offsets[item + 1])]
        known = np.full((rows, given.shape[1]), np.nan)
        known[: len(given)] = given
        with np.errstate(all="ignore"):
            known[:, self.logged] = np.log(known[:, self.logged])
        usable = np.isfinite(known)
        mean = np.where(usable, known, 0.0)[:end].sum(axis=0) / np.maximum(usable[:end].sum(axis=0), 1)
        return np.where(usable, known, mean), mean


def season_columns(season: int, ordinals: Index) -> Array:
    """Return columns (n, S) whose weighted sums are a season's effects at steps (n,), without their mean."""
    if season <= MOST_PHASES:
        return np.eye(season)[ordinals % season][:, 1:]
    angle = 2 * np.pi * ordinals[:, None] * np.arange(1, WAVES + 1) / season
    return np.concatenate([np.sin(angle), np.cos(angle)], axis=1)
