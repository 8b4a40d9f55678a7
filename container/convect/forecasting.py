"""Answers from an artifact: by look-up where nothing is new, by the chosen models where a history is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect import ensemble, pooled, units
from convect.artifact import Artifact
from convect.backtest import Origins, gather, local_tasks
from convect.continuing import continued
from convect.errors import RequestError, nearest
from convect.models import local
from convect.models.features import Index
from convect.models.local import Array, Predictions
from convect.models.table import series_table
from convect.panel import Panel
from convect.quality import validate
from convect.request import Forecast, ForecastRequest
from convect.results import forecast_table
from convect.schema import Schema

LONGEST_FACTOR = 20  # horizons beyond this many times the trained one are refused: nothing was learnt of them


def horizon_of(artifact: Artifact, request: ForecastRequest) -> int:
    """Return the horizon in steps that a request asks for. Raises RequestError where it is out of range."""
    horizon = artifact.horizon if request.horizon is None else request.horizon
    longest = LONGEST_FACTOR * artifact.horizon
    if not 1 <= horizon <= longest:
        raise RequestError(
            f"config.horizon is {horizon}; the model was trained for {artifact.horizon} steps.",
            f"Ask for 1 to {longest} steps, or train with a longer horizon.",
        )
    return horizon


def check_frequency(artifact: Artifact, request: ForecastRequest) -> None:
    """Raise RequestError where a request states another frequency than the trained one."""
    if request.freq is not None and not artifact.frequency.matches(request.freq):
        raise RequestError(
            f"freq is {request.freq!r}, but the model was trained at {artifact.frequency.alias!r}.",
            "Leave freq out, or train a model at that frequency.",
        )


def positions_of(artifact: Artifact, request: ForecastRequest) -> Index:
    """Return where the asked items stand, ascending, all where none are named; RequestError for an unknown one."""
    if request.items is None:
        return np.arange(len(artifact.panel))
    unknown = [item for item in request.items if item not in artifact.position]
    if unknown:
        raise RequestError(
            f"{len(unknown)} of the {len(request.items)} items asked for were not seen in training.",
            f"Send their history as data. {nearest(unknown[0], artifact.item_ids)}",
        )
    return np.unique(np.array([artifact.position[item] for item in request.items], np.int64))


def look_up(artifact: Artifact, positions: Index, horizon: int, quantiles: tuple[float, ...]) -> Forecast:
    """Return the forecasts that training left ready."""
    panel = artifact.panel.take(positions)
    ready = artifact.forecasts[positions, :horizon]
    frame = forecast_table(panel, ready, artifact.intervals.levels, quantiles)
    return Forecast(frame, _origin(panel, ["trained"] * len(panel), artifact.fallback[positions]))


def read(artifact: Artifact, request: ForecastRequest, horizon: int) -> Panel:
    """Return the request's table as a panel, a known item's rows continued from the history kept in the artifact."""
    assert request.frame is not None  # noqa: S101 - for the type checker; the caller looked
    schema = _schema(artifact, request)
    config = replace(
        artifact.config,
        horizon=horizon,
        missing=request.missing or artifact.config.missing,
        aggregate=request.aggregate or artifact.config.aggregate,
    )
    panel, _ = validate(
        request.frame, schema, config, frequency=artifact.frequency, categories=artifact.panel.categories
    )
    return continued(_asked(panel, request), artifact.panel)


def _asked(panel: Panel, request: ForecastRequest) -> Panel:
    if request.items is None:
        return panel
    found = np.isin(panel.item_ids, request.items)
    if found.sum() < len(set(request.items)):
        raise RequestError(
            f"{len(set(request.items)) - int(found.sum())} of the items asked for are not in the data sent.",
            "Name items of the data, or leave item_ids out.",
        )
    return panel.take(found)


def _schema(artifact: Artifact, request: ForecastRequest) -> Schema:
    """The trained schema, its columns renamed where the request says so; its covariates stay those of the model."""
    assert request.frame is not None  # noqa: S101 - as above
    trained = artifact.schema.to_dict()
    stated = Schema.complete({**trained, **(request.schema or {})}, request.frame.columns)
    for role in ("known_covariates", "past_covariates", "static"):
        found, expected = getattr(stated, role), getattr(artifact.schema, role)
        if len(found) != len(expected):
            raise RequestError(
                f"schema.{role} names {len(found)} columns, but the model was trained with {len(expected)}.",
                f"Name {', '.join(expected) or 'none'}, in this order, or leave {role} out.",
            )
    return stated


def afresh(
    artifact: Artifact, panel: Panel, horizon: int, quantiles: tuple[float, ...], history: str | None = None
) -> Forecast:
    """Forecast the items of a panel with the trained weights, every local model fitted to the history it has here."""
    predictions = _predict(artifact, panel, horizon)
    known = np.array([artifact.position.get(item, -1) for item in panel.item_ids])
    weights = np.where((known >= 0)[:, None], artifact.weights.series[known], artifact.weights.group)
    ratio = np.where(known >= 0, artifact.intervals.ratio[known], 1.0)
    combined = ensemble.combine(artifact.weights, weights, predictions)
    scale = _scale(artifact, panel, known, history)
    values = artifact.intervals.quantiles(combined.mean, combined.spread, scale, units.sizes(panel), ratio)
    ready = units.bounded(panel, combined.mean, values)
    told = [history or ("request" if place >= 0 else "unseen") for place in known]
    frame = forecast_table(panel, ready, artifact.intervals.levels, quantiles)
    return Forecast(frame, _origin(panel, told, combined.fallback))


def _scale(artifact: Artifact, panel: Panel, known: Index, history: str | None) -> Array:
    if history == "trained":
        return artifact.scale[known]
    size = np.add.reduceat(np.abs(artifact.panel.values), artifact.panel.offsets[:-1]) / artifact.panel.lengths
    return units.scales(panel, artifact.season, units.relative_scale(artifact.scale, size))


def _predict(artifact: Artifact, panel: Panel, horizon: int) -> dict[str, Predictions]:
    """Return what every model that counts says after the end of every history."""
    origins = Origins.of(panel.lengths, [])
    used = (artifact.weights.group > 0) | artifact.weights.core
    predictions: dict[str, Predictions] = {}
    table = series_table(panel, horizon, artifact.seasons, artifact.config.holidays)
    for name, counts in zip(artifact.weights.models, used, strict=True):
        if name in artifact.global_models and counts:
            predictions[name] = pooled.forecast(pooled.BY_NAME[name], artifact.global_models[name], table, horizon)
        elif name in local.MODELS and (counts or name == local.NAIVE):
            tasks = local_tasks(panel, origins, horizon, artifact.seasons, name)
            predictions[name] = gather([local.forecast_chunk(task) for task in tasks], origins)
        else:
            predictions[name] = _silent(len(panel), horizon)
    return predictions


def _silent(items: int, horizon: int) -> Predictions:
    """A model that has no say: marked as failed everywhere."""
    nothing = np.full((items, horizon), np.nan)
    return Predictions(nothing, np.full((items, horizon, 2), np.nan), np.ones(items, bool))


def _origin(panel: Panel, history: list[str], fallback: NDArray[np.bool_]) -> pd.DataFrame:
    reason = np.where(fallback, "no model but seasonal naive could be fitted to this history", "")
    return pd.DataFrame(
        {
            "item_id": panel.item_ids,
            "history": history,
            "last_timestamp": panel.last_timestamps,
            "fallback": fallback,
            "reason": reason,
        }
    )
