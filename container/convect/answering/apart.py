"""A table answered without the items that cannot be, each of which is told of by an error of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.answering import clock, deadline, forecasting
from convect.answering.request import Forecast, ForecastRequest
from convect.artifact import Artifact
from convect.errors import DataError, RequestError, SeriesError
from convect.reading.columns import coded_ids, joined, plain, require

Integers = NDArray[np.int64]
Errors = dict[int, DataError]
_SILENT = DataError("The target holds no number, so there is nothing to forecast.", "Send its history.")


@dataclass(frozen=True, eq=False)
class _Rows:
    """Rows of the caller's table: `numbers` (m,) their places in it, `items` (m,) codes of their items."""

    numbers: Integers
    items: Integers

    def where(self, chosen: NDArray[np.bool_]) -> _Rows:
        return _Rows(self.numbers[chosen], self.items[chosen])


def forecast(artifact: Artifact, request: ForecastRequest, answer: Callable[[ForecastRequest], Forecast]) -> Forecast:
    """Answer the items of a request's table that can be, just as if the others were not in it.

    `errors` and `names` of the forecast tell of the others, by their place among all items, ascending. Raises UserError
    where the table itself cannot be read: a column is missing, a row has no item, day and month cannot be told apart.
    """
    names, rows = _items(artifact, request)
    errors: Errors = {}
    found = _nothing(request.quantiles or artifact.quantiles)
    while len(rows.numbers):
        try:
            found = answer(_part(request, rows))
            break
        except SeriesError as error:
            bad = _blamed(error, rows) or _searched(artifact, request, rows)
            if not bad:
                raise
            errors |= bad
            rows = rows.where(~np.isin(rows.items, list(bad)))
    return _told(found, names, errors, request)


def _items(artifact: Artifact, request: ForecastRequest) -> tuple[list[str], _Rows]:
    """The items of the table, ascending, and its rows; RequestError where an item that is asked for is none of them."""
    assert request.frame is not None  # noqa: S101 - for the type checker; the caller looked
    schema, frame = forecasting.schema_of(artifact, request), plain(request.frame)
    require(frame, (*schema.item_id, schema.timestamp, schema.target), "the table")
    codes, parts = coded_ids(frame, schema.item_id, "the table")
    texts = joined(parts, schema.item_id)
    names = sorted(texts.tolist())
    absent = len(set(request.items or ()) - set(names))
    if absent:
        found = f"{absent} of the items asked for are not in the data sent."
        raise RequestError(found, "Name items of the data, or leave item_ids out.")
    place = {name: at for at, name in enumerate(names)}
    rank = np.array([place[text] for text in texts], np.int64)
    return names, _Rows(np.arange(len(frame)), rank[codes])


def _part(request: ForecastRequest, rows: _Rows) -> ForecastRequest:
    frame = request.frame
    assert frame is not None  # noqa: S101 - as above
    return request if len(rows.numbers) == len(frame) else replace(request, frame=_taken(frame, rows))


def _taken(frame: pd.DataFrame, rows: _Rows) -> pd.DataFrame:
    return frame.iloc[rows.numbers].reset_index(drop=True)


def _blamed(error: SeriesError, rows: _Rows) -> Errors:
    """The items that an error lies in; none where it does not say, or where it says all.

    One bad stamp can change how a whole column is read, and then all of them look bad.
    """
    items = np.unique(rows.items)
    if error.rows is True:
        return dict.fromkeys(items.tolist(), _SILENT)
    bad = _by_item(error, rows)
    return bad if len(bad) < len(items) else {}


def _by_item(error: SeriesError, rows: _Rows) -> Errors:
    """An error in words of each bad item's own rows; nothing where it does not say which rows it lies in."""
    if error.rows is None or error.of is None:
        return {}
    wrong = np.flatnonzero(error.rows[: len(rows.items)])  # rows added to the caller's come after them
    wrong = wrong[np.argsort(rows.items[wrong], kind="stable")]
    bad, first = np.unique(rows.items[wrong], return_index=True)
    parts = np.split(wrong, first)[1:]
    return {int(item): error.of(part, rows.numbers[part] + 1) for item, part in zip(bad, parts, strict=True)}


def _searched(artifact: Artifact, request: ForecastRequest, rows: _Rows) -> Errors:
    """The items that cannot be read by themselves, found by halves: few of many cost few readings."""
    deadline.check()
    items = np.unique(rows.items)
    try:
        _try(artifact, replace(_part(request, rows), items=None))
    except DataError as error:
        if len(items) > 1:
            low = rows.items < items[len(items) // 2]
            halves = (rows.where(low), rows.where(~low))
            return {item: bad for half in halves for item, bad in _searched(artifact, request, half).items()}
        return {int(items[0]): _own(error, rows)} if isinstance(error, SeriesError) else {}
    return {}


def _try(artifact: Artifact, request: ForecastRequest) -> None:
    """Read a table, and the stamps of its forecasts, which a calendar may not hold."""
    horizon = forecasting.horizon_of(artifact, request)
    request, _ = clock.at_trained(artifact, request)
    forecasting.read(artifact, request, horizon).future_timestamps(horizon)


def _own(error: SeriesError, rows: _Rows) -> DataError:
    """The error of a single item in words of its own rows."""
    return _SILENT if error.rows is True else _by_item(error, rows).get(int(rows.items[0]), error)


def _told(found: Forecast, names: list[str], errors: Errors, request: ForecastRequest) -> Forecast:
    """The forecast with the errors of those asked for; an item without a value is none of the forecast's."""
    answered = set(np.asarray(found.origins["item_id"]).tolist())
    wanted = set(request.items or names)
    asked = [(code, name) for code, name in enumerate(names) if name in wanted]
    bad = {place: item for place, item in enumerate(asked) if item[1] not in answered}
    return replace(
        found,
        errors={place: errors.get(code, _SILENT) for place, (code, _) in bad.items()},
        names={place: name for place, (_, name) in bad.items()},
    )


def _nothing(quantiles: tuple[float, ...]) -> Forecast:
    stamps, texts = np.empty(0, "datetime64[ns]"), np.empty(0, object)
    numbers = {name: np.empty(0) for name in ("mean", *map(str, quantiles))}
    told = {"history": texts, "last_timestamp": stamps, "fallback": np.empty(0, bool), "reason": texts}
    return Forecast({"item_id": texts, "timestamp": stamps, **numbers}, {"item_id": texts, **told})
