"""What known covariates do to the ensemble's forecasts, model by model, and did to the histories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convect.answering.cold import seen
from convect.artifact import Artifact
from convect.explain import trees
from convect.models import covariate_regression
from convect.models.catalogue import MODELS
from convect.models.covariate_regression import Fitted, Regression
from convect.models.features import SeriesTable, WindowFeatures
from convect.models.local import EXPLOSION, cap_rows
from convect.models.simple import Array
from convect.models.table import series_table
from convect.panel import Panel
from convect.training import units
from convect.training.ensemble import median_share
from convect.training.pooled import LIGHTGBM_LOG, LIGHTGBM_RAW, REGRESSION_LOG, REGRESSION_RAW, Variant

SMALL = 1e-9  # a sum of contributions in the learner's units that is none


@dataclass(frozen=True, eq=False)
class Carried:
    """What the K known covariates do, in the target's units.

    future: (n, h, K), added to the forecasts; cleaned: (rows,) the histories as they would be without it.
    """

    future: Array
    cleaned: Array


@dataclass(frozen=True, eq=False)
class _Asked:
    """A panel as the learnt models see it, and what each of its covariates is held against, (n, K)."""

    panel: Panel
    table: SeriesTable
    usual: Array
    horizon: int

    def seen_by(self, variant: Variant) -> WindowFeatures:
        return WindowFeatures(replace(self.table, values=variant.forward(self.panel.values)))

    @property
    def future(self) -> Array:
        """(n, h, K), NaN for what is not known."""
        rows = self.table.covariate_offsets[1:, None] - self.horizon + np.arange(self.horizon)
        return np.asarray(self.table.covariates[rows])


def carried(artifact: Artifact, panel: Panel, weights: Array, horizon: int) -> Carried:
    """Return what covariates add to the forecasts that an ensemble under weights (n, M) makes of a panel.

    Each model's own contribution against the covariate's usual value counts by the model's share of the ensemble: its
    weight, and of the median an equal part for each model that it is taken of. Of a series that never changed, or has
    no value of its own, there is none.
    """
    future = np.zeros((len(panel), horizon, len(panel.known_names)))
    if not panel.known_names:
        return Carried(future, panel.values)
    table = series_table(panel, horizon, artifact.seasons, artifact.config.holidays)
    asked = _Asked(panel, table, usual_values(panel), horizon)
    slopes = _slopes(artifact, asked)
    said = {artifact.weights.models.index(name): one for name, *one in _by_model(artifact, asked, slopes)}
    failed = _too_short(artifact, panel)
    for place, (_, wrong) in said.items():
        failed[:, place] = wrong
    share = _shares(artifact, weights, failed)
    share[~seen(panel) | np.isfinite(units.still(panel))] = 0.0
    for place, (added, _) in said.items():
        part = share[:, place, None, None]
        future += np.where(part > 0, part, 0.0) * np.nan_to_num(added)
    return Carried(future, _cleaned(asked, slopes) if slopes else panel.values)


def usual_values(panel: Panel) -> Array:
    """Return what each covariate is held against (n, K): its median in the history, the lower of two; NaN if unknown.

    So a price is held against the usual price, and a promotion on few days against none.
    """
    found = np.full((len(panel), len(panel.known_names)), np.nan)
    for item in range(len(panel)):
        rows = np.sort(panel.known[panel.offsets[item] : panel.offsets[item + 1]], axis=0)  # NaN comes last
        last = np.maximum(np.isfinite(rows).sum(axis=0) - 1, 0)
        found[item] = np.take_along_axis(rows, last[None] // 2, axis=0)[0]
    return found


@dataclass(frozen=True, eq=False)
class _Slopes:
    """The regression on covariates, and what it says of each item, in the learner's units."""

    variant: Variant
    model: Regression
    said: Fitted

    def take(self, items: NDArray[np.int64]) -> _Slopes:
        """Return what is said of some items, as often as they are named."""
        said = self.said
        none = np.empty((len(items), 0))  # the forecasts, of which a copy for each row would be large
        return replace(self, said=Fitted(none, *(part[items] for part in (said.slopes, said.bends, said.centre))))

    def added(self, covariates: Array, usual: Array) -> Array:
        """(n, s, K): what covariates (n, s, K) add against the usual ones (n, K)."""
        return self.said.added(self.model, self.model.seen(covariates), self.model.seen(usual))


def _slopes(artifact: Artifact, asked: _Asked) -> _Slopes | None:
    for variant in (REGRESSION_RAW, REGRESSION_LOG):
        for model in artifact.global_models.get(variant.name, ()):
            features, ends = asked.seen_by(variant), asked.panel.lengths
            found = covariate_regression.fitted(model, features, np.arange(len(ends)), ends, asked.horizon)
            return _Slopes(variant, model, found)
    return None


def _by_model(
    artifact: Artifact, asked: _Asked, slopes: _Slopes | None
) -> Iterator[tuple[str, Array, NDArray[np.bool_]]]:
    """Yield by model what covariates add to its forecasts (n, h, K), and where it failed (n,)."""
    if slopes:
        added = np.nan_to_num(slopes.added(asked.future, asked.usual))
        yield _told(slopes.variant, asked.panel, slopes.said.mean, added)
    used = (artifact.weights.group > 0) | artifact.weights.core
    for variant in (LIGHTGBM_RAW, LIGHTGBM_LOG):
        learnt = artifact.global_models.get(variant.name)
        if learnt and used[artifact.weights.models.index(variant.name)]:
            ends = asked.panel.lengths
            features, items = asked.seen_by(variant), np.arange(len(ends))
            mean, added = trees.contributions(learnt, features, items, ends, asked.usual, asked.horizon)
            yield _told(variant, asked.panel, mean, added)


def _told(variant: Variant, panel: Panel, mean: Array, added: Array) -> tuple[str, Array, NDArray[np.bool_]]:
    return variant.name, _in_units(variant, mean, added), _failed(variant, panel, mean)


def _in_units(variant: Variant, mean: Array, added: Array) -> Array:
    """What was added to a mean (n, h) in the learner's units (n, h, K), in the target's.

    On a logarithm each covariate gets of the whole difference a part in proportion to its own: the logarithmic mean
    Divisia index (Ang 2005), which leaves no remainder.
    """
    total = added.sum(axis=2)
    with np.errstate(all="ignore"):
        whole = variant.inverse(mean) - variant.inverse(mean - total)
        slope = np.where(np.abs(total) > SMALL, whole / total, np.exp(mean) if variant.log else 1.0)
    return added * slope[..., None]


def _failed(variant: Variant, panel: Panel, mean: Array) -> NDArray[np.bool_]:
    """Where an ensemble takes no word of a model: the same bounds as when it was asked."""
    with np.errstate(over="ignore"):
        values = np.abs(variant.inverse(mean)).max(axis=1)
    limit = EXPLOSION * np.maximum.reduceat(np.abs(panel.values), panel.offsets[:-1]) + 1e-9
    unfit = np.add.reduceat(np.isnan(variant.forward(panel.values)), panel.offsets[:-1]) > 0
    return np.asarray(unfit | ~(values <= limit))


def _too_short(artifact: Artifact, panel: Panel) -> NDArray[np.bool_]:
    """(n, M) True where a history has too few rows for a local model, and nothing stands in for it."""
    rows = np.minimum(panel.lengths, cap_rows(artifact.seasons))
    names = artifact.weights.models
    models = [MODELS.get(name) for name in names]
    needs = [model.needs(artifact.seasons) if model else 0 for model in models]
    stood_for = [[bool(model and model.stands_back(int(k), artifact.seasons)) for model in models] for k in rows]
    return np.asarray((rows[:, None] < np.array(needs)) & ~np.array(stood_for, bool).reshape(len(rows), -1))


def _shares(artifact: Artifact, weights: Array, failed: NDArray[np.bool_]) -> Array:
    """(n, M) of each model in the ensemble's forecast; NaN where none is left."""
    core = artifact.weights.core & ~failed
    with np.errstate(invalid="ignore"):
        mean = np.where(failed, 0.0, weights)
        mean = mean / mean.sum(axis=1, keepdims=True)
        median = core / core.sum(axis=1, keepdims=True)
    guard = median_share(artifact.weights)
    return np.asarray((1 - guard) * mean + guard * np.where(np.isfinite(median), median, mean))


def _cleaned(asked: _Asked, slopes: _Slopes) -> Array:
    """The histories (rows,) less what the covariates did there, as the regression on them has it."""
    panel, variant = asked.panel, slopes.variant
    added = np.nan_to_num(slopes.take(panel.positions).added(panel.known[:, None], asked.usual[panel.positions]))[:, 0]
    clean = variant.inverse(variant.forward(panel.values) - added.sum(axis=1))
    return np.where(np.isfinite(clean), clean, panel.values)
