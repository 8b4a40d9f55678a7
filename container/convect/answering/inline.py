"""Answers to single series in the caller's order: each read by itself, forecast together, an error where one is bad."""

from __future__ import annotations

from typing import Any

import numpy as np

from convect.answering import forecasting, paths, remarks
from convect.answering.brought import Brought, bring
from convect.answering.continuing import continued
from convect.answering.forecasting import Ready
from convect.answering.request import Forecast, ForecastRequest, Series
from convect.artifact import Artifact
from convect.errors import DataError, PayloadTooLarge, UserError
from convect.models.simple import Array
from convect.panel import Panel
from convect.reading.repair import fill
from convect.results import believable

MOST_CELLS = 20_000_000  # numbers in one answer


def forecast(
    artifact: Artifact, request: ForecastRequest, series: tuple[Series | UserError, ...], horizon: int
) -> Forecast:
    """Answer the series of a request in their order.

    Raises PayloadTooLarge where the answer would be, and UserError for the first bad series unless `request.partial`.
    """
    quantiles = request.quantiles or artifact.quantiles
    cells = len(series) * horizon * (1 + len(quantiles) + request.samples)
    if cells > MOST_CELLS:
        raise PayloadTooLarge(f"The answer would hold {cells:,} numbers.", "Ask for fewer series, steps or samples.")
    good, errors = _bring_all(artifact, request, series, horizon)
    answer = _Answer(artifact, request, quantiles, horizon, len(good))
    rows = list(good.values())
    for places in _groups(artifact, rows, horizon):
        answer.put(places, _ready(artifact, request, [rows[place] for place in places], horizon), rows)
    return answer.told(list(good), series, rows, errors)


def _bring_all(
    artifact: Artifact, request: ForecastRequest, series: tuple[Series | UserError, ...], horizon: int
) -> tuple[dict[int, Brought], dict[int, UserError]]:
    good: dict[int, Brought] = {}
    errors: dict[int, UserError] = {}
    for place, one in enumerate(series):
        try:
            if isinstance(one, UserError):
                raise one
            good[place] = _within_reach(artifact, bring(artifact, one), horizon)
        except UserError as error:
            if not request.partial:
                raise _numbered(error, place) from None
            errors[place] = error
    return good, errors


def _numbered(error: UserError, place: int) -> UserError:
    return type(error)(f"Series {place + 1}: {error.message}", error.remedy, code=error.code)


def _within_reach(artifact: Artifact, row: Brought, horizon: int) -> Brought:
    longest = forecasting.LONGEST_FACTOR * artifact.horizon
    if horizon + row.after > longest:
        found = (
            f"The target ends with {row.after} missing values; with the horizon that is {horizon + row.after} steps."
        )
        raise DataError(found, f"At most {longest} steps after the last known value are forecast.")
    end = row.start + len(row.values)
    artifact.frequency.instants(np.array([row.start, end + row.after + horizon]))
    return row


def _groups(artifact: Artifact, rows: list[Brought], horizon: int) -> list[list[int]]:
    """Places of the rows that are looked up, of those forecast from their last value, and of those with steps after."""
    groups: tuple[list[int], ...] = ([], [], [])
    for place, row in enumerate(rows):
        ready = row.ready and horizon <= artifact.horizon
        groups[0 if ready else 2 if row.after else 1].append(place)
    return [group for group in groups if group]


def _ready(artifact: Artifact, request: ForecastRequest, rows: list[Brought], horizon: int) -> Ready:
    if rows[0].ready and horizon <= artifact.horizon:
        return _looked_up(artifact, rows, horizon)
    reach = horizon + max(row.after for row in rows)
    known = np.array([row.position for row in rows])
    history = np.array([row.history for row in rows], object)
    panel = continued(_panel(artifact, rows, reach), artifact.panel, known)
    return forecasting.afresh(artifact, panel, known, reach, history, request.series_limit_s)


def _looked_up(artifact: Artifact, rows: list[Brought], horizon: int) -> Ready:
    positions, back = np.unique([row.position for row in rows], return_inverse=True)
    found = forecasting.look_up(artifact, positions, horizon)
    if len(positions) == len(rows) and bool((back == np.arange(len(rows))).all()):
        return found
    panel = _panel(artifact, rows, 0)
    return Ready(panel, found.values[back], found.history[back], found.reason[back])


def _panel(artifact: Artifact, rows: list[Brought], reach: int) -> Panel:
    kept = artifact.panel
    offsets = np.concatenate([[0], np.cumsum([len(row.values) for row in rows])])
    future = np.full((len(rows), reach, len(kept.known_names)), np.nan)
    for place, row in enumerate(rows):
        future[place, : len(row.future)] = row.future[:reach]
    return Panel.build(
        kept.frequency,
        [f"{place:09d}" for place in range(len(rows))],
        [row.start for row in rows],
        offsets,
        fill(np.concatenate([row.values for row in rows]), offsets, artifact.config.missing),
        observed=np.concatenate([row.observed for row in rows]),
        known=np.concatenate([row.known for row in rows]),
        future=future,
        past=np.concatenate([row.past for row in rows]),
        static=np.stack([row.static for row in rows]),
        known_names=kept.known_names,
        past_names=kept.past_names,
        static_names=kept.static_names,
        categories=kept.categories,
    )


class _Answer:
    """The answer to m good series, filled group by group."""

    def __init__(
        self, artifact: Artifact, request: ForecastRequest, quantiles: tuple[float, ...], horizon: int, count: int
    ) -> None:
        self._artifact, self._request, self._quantiles, self._horizon = artifact, request, quantiles, horizon
        self._stamps = np.empty((count, horizon), "datetime64[ns]")
        self._values = np.empty((count, horizon, 1 + len(quantiles)))
        self._paths = np.empty((count, horizon, request.samples))
        self._last = np.empty(count, "datetime64[ns]")
        self._history, self._reason = np.empty(count, object), np.empty(count, object)
        self._fallback = np.empty(count, bool)

    def put(self, places: list[int], ready: Ready, rows: list[Brought]) -> None:
        """Take in one group; of a series whose last values are missing, the steps after them."""
        levels = self._artifact.intervals.levels
        after = np.array([rows[place].after for place in places])
        steps = after[:, None] + np.arange(self._horizon)

        def own(part: Array) -> Array:
            return np.asarray(np.take_along_axis(part, steps[..., None], axis=1))

        self._values[places, :, :1] = own(ready.values[..., :1])
        self._values[places, :, 1:] = own(believable(ready.panel, ready.values[..., 1:], levels, self._quantiles))
        if self._request.samples:
            wanted = paths.levels(self._request.samples)
            self._paths[places] = own(believable(ready.panel, ready.values[..., 1:], levels, wanted))
        stamps = ready.panel.future_timestamps(ready.values.shape[1])
        self._stamps[places] = np.take_along_axis(stamps, steps, axis=1)
        self._last[places] = ready.panel.last_timestamps
        known = np.array([rows[place].position for place in places])
        self._history[places], self._fallback[places] = forecasting.used(ready), ready.reason != ""
        self._reason[places] = remarks.added(self._artifact, ready.panel, known, ready.values, ready.reason)

    def told(
        self,
        places: list[int],
        series: tuple[Series | UserError, ...],
        rows: list[Brought],
        errors: dict[int, UserError],
    ) -> Forecast:
        """Return the tables; a series without an id is named by its place in the request, from 0."""
        given = [one.item_id if isinstance(one, Series) else None for one in (series[place] for place in places)]
        names = [str(place) if item is None else item for place, item in zip(places, given, strict=True)]
        item_ids = np.array(names, object)
        table: dict[str, Any] = {
            "item_id": np.repeat(item_ids, self._horizon),
            "timestamp": self._stamps.ravel(),
            "mean": self._values[..., 0].ravel(),
        }
        table |= {str(q): self._values[..., 1 + k].ravel() for k, q in enumerate(self._quantiles)}
        notes = ["; ".join(filter(None, (why, *row.notes))) for why, row in zip(self._reason, rows, strict=True)]
        origin = {
            "item_id": item_ids,
            "history": self._history,
            "last_timestamp": self._last,
            "fallback": self._fallback,
            "reason": np.array(notes, object),
        }
        bad = {place: series[place] for place in errors}
        ids = {place: one.item_id for place, one in bad.items() if isinstance(one, Series) and one.item_id is not None}
        return Forecast(table, origin, errors, self._draw(given, rows), names=ids)

    def _draw(self, item_ids: list[str | None], rows: list[Brought]) -> Array | None:
        if not self._request.samples:
            return None
        # What has no id is known by its history: asked twice with other covariates it draws the same random numbers.
        keys = [str(row.values.tolist()) if item is None else item for item, row in zip(item_ids, rows, strict=True)]
        return paths.draw(self._paths, keys, self._artifact.config.seed)
