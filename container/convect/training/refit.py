"""An earlier model brought up to date: new data, the weights and intervals that were chosen, no search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from convect.answering import cold
from convect.answering.continuing import continued
from convect.answering.forecasting import LONGEST_FACTOR
from convect.artifact import TAIL_ROWS, Artifact
from convect.backtest import gather, local_tasks, prepare
from convect.config import Config
from convect.errors import ConfigError
from convect.explain import components, effects
from convect.models import local, moving, simple
from convect.models.catalogue import MODELS
from convect.models.features import Index
from convect.models.local import Predictions, cap_rows
from convect.models.table import series_table
from convect.panel import Panel
from convect.quality import QualityReport
from convect.results import forecast_table
from convect.schema import ROLES, Schema
from convect.training import ensemble, pooled, units
from convect.training.portfolio import Budget
from convect.training.remembering import keeper
from convect.training.watch import silent

SEARCH = ("preset", "metric", "windows", "seed")  # hyperparameters that only a search reads
_FREE = ("quantiles", "missing", "aggregate", "time_limit", "schema")
_FIXED = ("holidays",)  # what the learnt models take as input


@dataclass(frozen=True, eq=False)
class Refitted:
    """What a refit leaves: as `TrainResult`, without a leaderboard and a backtest, since nothing was tried."""

    artifact: Artifact
    forecasts: pd.DataFrame
    quality: QualityReport
    effects: pd.DataFrame | None = None

    @property
    def explanations(self) -> pd.DataFrame:
        """What each forecast is the sum of, see `components.table`; worked out when asked for."""
        return components.table(self.artifact)


def refit_config(earlier: Artifact, stated: Mapping[str, Any]) -> Config:
    """Return the earlier model's settings with those that a job states and that a refit can follow.

    stated: the settings given, typed. Raises ConfigError for one that the earlier model contradicts.
    """
    if earlier.schema.hierarchy:
        message = "The earlier model in channel 'model' has a hierarchy, and a refit makes no sums that add up."
        raise ConfigError(message, "Leave channel 'model' out to train afresh.")
    for name in _FIXED:
        if name in stated and stated[name] != getattr(earlier.config, name):
            _refuse([f"{name} was {_shown(getattr(earlier.config, name))} and is {_shown(stated[name])}"])
    if "freq" in stated and not earlier.frequency.matches(stated["freq"]):
        _refuse([f"freq was {earlier.frequency.alias} and is {stated['freq']}"])
    longest = LONGEST_FACTOR * earlier.horizon
    horizon = stated.get("horizon", earlier.horizon)
    if horizon > longest:
        message = f"Hyperparameter horizon is {horizon}; the earlier model was trained for {earlier.horizon} steps."
        raise ConfigError(message, f"Ask for at most {longest} steps, or leave channel 'model' out.")
    kept = {"schema": earlier.schema.to_dict(), "time_limit": None, "freq": stated.get("freq", earlier.config.freq)}
    return replace(
        earlier.config, **{**kept, **{name: stated[name] for name in _FREE if name in stated}, "horizon": horizon}
    )


def check_schema(earlier: Schema, schema: Schema) -> None:
    """Raise ConfigError, naming each difference, where the columns play other roles than in the earlier model."""
    roles = {role: (getattr(earlier, role), getattr(schema, role)) for role in ROLES}
    different = [f"{role} was {_shown(was)} and is {_shown(now)}" for role, (was, now) in roles.items() if was != now]
    if different:
        _refuse(different)


def _refuse(different: list[str]) -> None:
    message = f"The job differs from the earlier model in channel 'model': {'; '.join(different)}."
    raise ConfigError(message, "Give what it was trained with, or leave channel 'model' out to train afresh.")


def _shown(value: object) -> str:
    names = [value] if isinstance(value, str) else list(value) if isinstance(value, tuple) else [str(value)]
    return ", ".join(name[:40] for name in names) or "none"


def refit(
    earlier: Artifact,
    panel: Panel,
    quality: QualityReport,
    config: Config,
    *,
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: Callable[[str], None] = print,
) -> Refitted:
    """Return a model of the panel's items under the earlier one's weights and intervals, everything fitted anew.

    An item's history that the earlier model kept goes before its new rows. An item that it never saw gets the
    group's weights; one that is not in the panel is left out. What the budget cuts off stays as it was learnt.
    """
    whole = continued(panel, earlier.panel)
    horizon = config.horizon or earlier.horizon
    known = np.array([earlier.position.get(item, -1) for item in whole.item_ids])
    progress(_told(len(earlier.panel), known))
    predictions, models = _fitted(earlier, whole, horizon, executor, budget or Budget())
    seen = known >= 0
    weights = np.where(seen[:, None], earlier.weights.series[known], earlier.weights.group)
    intervals = replace(earlier.intervals, ratio=np.where(seen, earlier.intervals.ratio[known], 1.0))
    scale = units.scales(whole, earlier.season)
    found = ensemble.combine(earlier.weights, weights, predictions)
    around = intervals.quantiles(found.mean, found.spread, scale, units.sizes(whole), intervals.ratio)
    artifact = replace(
        earlier,
        config=config,
        horizon=horizon,
        panel=whole.tail(max(TAIL_ROWS, cap_rows(earlier.seasons))),
        weights=replace(earlier.weights, series=weights),
        intervals=intervals,
        scale=scale,
        forecasts=earlier.short.widened(whole, units.bounded(whole, found.mean, around)),
        fallback=found.fallback,
        states=moving.beside(earlier.weights.models, {name: p.state for name, p in predictions.items()}, len(whole)),
        global_models=models,
    )
    artifact = _with_cold(earlier, artifact, panel)
    table = forecast_table(artifact.panel, artifact.forecasts, intervals.levels, config.quantiles)
    return Refitted(artifact, table, quality, effects.table(whole, earlier.seasons))


def _with_cold(earlier: Artifact, artifact: Artifact, panel: Panel) -> Artifact:
    """Answer for items without history too, but for those whose history the earlier model kept: they are left out."""
    kept = earlier.panel.item_ids[cold.seen(earlier.panel)]
    new = ~np.isin(panel.cold_ids, kept)
    if not new.any():
        return artifact
    asked = replace(panel, cold_ids=panel.cold_ids[new], cold_static=cold.statics(panel)[new])
    return cold.joined(artifact, cold.answered(artifact, asked))


def _told(before: int, known: Index) -> str:
    seen = int((known >= 0).sum())
    return f"refit: {seen} items of the earlier model, {len(known) - seen} new ones, {before - seen} left out"


def _fitted(
    earlier: Artifact, panel: Panel, horizon: int, executor: Executor | None, budget: Budget
) -> tuple[dict[str, Predictions], pooled.GlobalModels]:
    """What every model that counts says after the end of every series, and the global models learnt anew."""
    table = series_table(panel, horizon, earlier.seasons, earlier.config.holidays)
    ready = prepare(panel, [], horizon, table.season)
    training = replace(pooled.TRAINING[earlier.config.preset], seed=earlier.config.seed)
    used = (earlier.weights.group > 0) | earlier.weights.core
    predictions: dict[str, Predictions] = {}
    models = dict(earlier.global_models)
    for name, counts in zip(earlier.weights.models, used, strict=True):
        if name in models and counts:
            variant = pooled.BY_NAME[name]
            keep = keeper(executor)
            found = None if budget.spent() else pooled.run(variant, table, ready, training, budget.spent, keep)
            if found is None:
                predictions[name] = pooled.forecast(variant, models[name], table, horizon)
            else:
                models[name], predictions[name] = found[0][0], found[1]
        elif name in MODELS and (counts or name == simple.NAIVE):
            tasks = local_tasks(panel, ready.origins, horizon, earlier.seasons, name)
            done = executor.map(local.forecast_chunk, tasks) if executor else map(local.forecast_chunk, tasks)
            predictions[name] = gather(list(done), ready.origins)
        else:
            predictions[name] = silent(len(panel), horizon)
    return predictions, models
