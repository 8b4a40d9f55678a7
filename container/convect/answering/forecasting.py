"""Answers from an artifact: by look-up where nothing is new, by the chosen models where a history is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convect.answering import cold, remarks
from convect.answering.continuing import continued
from convect.answering.moved import moved
from convect.answering.onward import with_last_rows
from convect.answering.request import Forecast, ForecastRequest
from convect.answering.resent import nothing_new
from convect.artifact import Artifact
from convect.errors import RequestError, SeriesError, nearest
from convect.models import simple
from convect.models.catalogue import MODELS
from convect.models.features import Index
from convect.models.local import Predictions
from convect.models.simple import Array
from convect.models.table import series_table
from convect.panel import Panel
from convect.quality import validate
from convect.results import forecast_columns
from convect.schema import Schema
from convect.training import ensemble, pooled, units
from convect.training.watch import Watch, silent

NOTHING_FITTED = "no model but seasonal naive could be fitted to this history"
TOO_SLOW = "the time limit for one series left out the slower models"
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


@dataclass(frozen=True)
class Ready:
    """Forecasts not yet put into words: values (n, h, 1 + Q), the mean and the quantiles at the artifact's levels.

    history: (n,) "trained", "request" or "unseen"; reason: (n,) why cheaper models served, "" where they did not; note:
    what there is to say of all.
    """

    panel: Panel
    values: Array
    history: NDArray[np.object_]
    reason: NDArray[np.object_]
    note: str = ""


def look_up(artifact: Artifact, positions: Index, horizon: int) -> Ready:
    """Return the forecasts that training left ready."""
    panel = artifact.panel.take(positions)
    history = np.full(len(panel), "trained", object)
    reason = np.where(artifact.fallback[positions], NOTHING_FITTED, "").astype(object)
    return Ready(panel, artifact.forecasts[positions, :horizon], history, reason)


def told(artifact: Artifact, ready: Ready, quantiles: tuple[float, ...]) -> Forecast:
    """Return the tables of an answer with these quantiles."""
    known = known_positions(artifact, ready.panel)
    columns = forecast_columns(ready.panel, ready.values, artifact.intervals.levels, quantiles)
    origin = {
        "item_id": ready.panel.item_ids,
        "history": used(ready),
        "last_timestamp": ready.panel.last_timestamps,
        "fallback": ready.reason != "",
        "reason": remarks.added(artifact, ready.panel, known, ready.values, ready.reason, ready.note),
    }
    return Forecast(columns, origin)


def used(ready: Ready) -> NDArray[np.object_]:
    """Return (n,) which history each forecast came from, "none" for an item that has no value."""
    return np.where(cold.seen(ready.panel), ready.history, "none")


def read(artifact: Artifact, request: ForecastRequest, horizon: int) -> Panel:
    """Return the request's table as a panel, a known item's rows continued from the history kept in the artifact."""
    assert request.frame is not None  # noqa: S101 - for the type checker; the caller looked
    schema = schema_of(artifact, request)
    config = replace(
        artifact.config,
        horizon=horizon,
        missing=request.missing or artifact.config.missing,
        aggregate=request.aggregate or artifact.config.aggregate,
        freq=request.freq or artifact.config.freq,
    )
    frame = with_last_rows(request.frame, schema, artifact)
    whole, categories = len(frame) - len(request.frame), artifact.panel.categories
    panel, _ = validate(frame, schema, config, frequency=artifact.frequency, categories=categories, whole=whole)
    return continued(asked(panel, request), artifact.panel)


def asked(panel: Panel, request: ForecastRequest) -> Panel:
    """Return the items of a panel that a request names, all where it names none; RequestError for one not there."""
    if request.items is None:
        return panel
    found = np.isin(panel.item_ids, request.items)
    if request.partial and not found.any():
        message = "No row of the items asked for has a target, so there is nothing to forecast."
        raise SeriesError(message, "Check the target column.", rows=True)
    if not request.partial and found.sum() < len(set(request.items)):
        raise RequestError(
            f"{len(set(request.items)) - int(found.sum())} of the items asked for are not in the data sent.",
            "Name items of the data, or leave item_ids out.",
        )
    return panel.take(found)


def schema_of(artifact: Artifact, request: ForecastRequest) -> Schema:
    """Return the trained schema, its columns renamed where the request says so; its covariates stay those of the model.

    Raises ConfigError where the table lacks a column or the covariates are others, RequestError for their number.
    """
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


def known_positions(artifact: Artifact, panel: Panel) -> Index:
    """Return where each item stands in the artifact (n,), -1 for one never seen."""
    return np.array([artifact.position.get(item, -1) for item in panel.item_ids], np.int64)


def histories(known: Index) -> NDArray[np.object_]:
    """Return (n,) which history of these items a request brought: "request" of a known one, else "unseen"."""
    return np.where(known >= 0, "request", "unseen").astype(object)


def afresh(
    artifact: Artifact,
    panel: Panel,
    known: Index,
    horizon: int,
    history: NDArray[np.object_],
    limit_s: float | None = None,
) -> Ready:
    """Forecast the items of a panel with the trained weights, every local model fitted to the history it has here.

    known: (n,) where each stands in the artifact, -1 if nowhere; history: (n,) as in `Ready`. An item that is just as
    training saw it gets training's forecast. A series whose local models take longer than `limit_s` seconds together is
    answered without the rest of them.
    """
    same = nothing_new(panel, artifact.panel, known) & (horizon <= artifact.horizon)
    values = np.empty((len(panel), horizon, 1 + len(artifact.intervals.levels)))
    reason = np.full(len(panel), "", object)
    if same.any():
        values[same] = artifact.forecasts[known[same], :horizon]
        reason[same] = np.where(artifact.fallback[known[same]], NOTHING_FITTED, "")
    new = np.flatnonzero(~same)
    if len(new):
        part = panel if len(new) == len(panel) else panel.take(new)
        values[new], reason[new] = _fitted(artifact, part, known[new], horizon, history[new], limit_s)
    return Ready(panel, values, history, reason)


def _fitted(
    artifact: Artifact,
    panel: Panel,
    known: Index,
    horizon: int,
    history: NDArray[np.object_],
    limit_s: float | None,
) -> tuple[Array, NDArray[np.object_]]:
    predictions, late = _predict(artifact, panel, known, horizon, limit_s)
    weights = np.where((known >= 0)[:, None], artifact.weights.series[known], artifact.weights.group)
    ratio = np.where(known >= 0, artifact.intervals.ratio[known], 1.0)
    combined = ensemble.combine(artifact.weights, weights, predictions)
    scale = units.scales(panel, artifact.season, artifact.relative)
    scale = np.where(history == "trained", artifact.scale[known], scale)
    values = artifact.intervals.quantiles(combined.mean, combined.spread, scale, units.sizes(panel), ratio)
    reason = np.where(late, TOO_SLOW, np.where(combined.fallback, NOTHING_FITTED, "")).astype(object)
    return artifact.short.widened(panel, units.bounded(panel, combined.mean, values)), reason


def _predict(
    artifact: Artifact, panel: Panel, known: Index, horizon: int, limit_s: float | None
) -> tuple[dict[str, Predictions], NDArray[np.bool_]]:
    """Return what every model that counts says after the end of every history, and which items ran out of time."""
    used = (artifact.weights.group > 0) | artifact.weights.core
    predictions: dict[str, Predictions] = {}
    table = series_table(panel, horizon, artifact.seasons, artifact.config.holidays)
    watch, onward = Watch(len(panel), limit_s), moved(artifact, panel, known)
    change = onward.tasks if onward else None
    for name, counts in zip(artifact.weights.models, used, strict=True):
        if name in artifact.global_models and counts:
            predictions[name] = pooled.forecast(pooled.BY_NAME[name], artifact.global_models[name], table, horizon)
        elif name in MODELS and (counts or name == simple.NAIVE):
            predictions[name] = watch.run(panel, horizon, artifact.seasons, name, change)
        else:
            predictions[name] = silent(len(panel), horizon)
    return predictions, watch.late
