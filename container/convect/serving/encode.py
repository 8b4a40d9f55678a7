"""A forecast to bytes, in the form that the caller accepts."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from convect.answering.request import Columns, Forecast, ForecastRequest
from convect.errors import NotAcceptable
from convect.serving import media, predictions
from convect.serving.answers import error_body

_CHARSET = "; charset=utf-8"
FORMS = {"table": media.CSV, "deepar": media.JSON, "chronos": media.JSON, "lines": media.JSON_LINES}


_TABLE = ForecastRequest()


def encode(
    forecast: Forecast, accept: str | None = None, default: str = "", asked: ForecastRequest = _TABLE
) -> tuple[bytes, str]:
    """Return the body of the answer and its Content-Type: `default` where the caller has no wish, else the dialect's.

    CSV and Parquet hold the long table, components beside the quantiles, in batch a column `error` where a series was
    left out; JSON of a table is `{"forecasts": [row, …], "origin": [item, …]}`, null where a number is not finite, and
    `errors` of the items left out; JSON of series is their dialect's, see `predictions`. No
    body ends with a line end: the platform adds its own between answers. Raises NotAcceptable, and a bad series' error
    that the form cannot hold.
    """
    chosen = media.negotiate(accept, default or FORMS[asked.wording.dialect])
    content_type = chosen + (_CHARSET if chosen.startswith("text/") else "")
    _refuse_lost_errors(forecast, asked, chosen)
    if chosen == media.JSON_LINES:
        return b"\n".join(predictions.lines(forecast, asked)), content_type
    if chosen == media.JSON and asked.series is not None:
        return predictions.document(forecast, asked), content_type
    return _WRITERS[chosen](_explained(_only(forecast, asked.wording.outputs))), content_type


def _refuse_lost_errors(forecast: Forecast, asked: ForecastRequest, chosen: str) -> None:
    """Raise the first error where a live caller looks for none, and where he would get nothing else."""
    told = asked.wording.batch or (chosen in (media.JSON, media.JSON_LINES) and len(forecast))
    if forecast.errors and not told:
        raise forecast.errors[min(forecast.errors)]


def _only(forecast: Forecast, outputs: tuple[str, ...]) -> Forecast:
    if "mean" in outputs and "quantiles" in outputs:
        return forecast
    if "mean" not in outputs and "quantiles" not in outputs:
        raise NotAcceptable("A table holds no sample paths.", "Accept application/json or application/jsonlines.")
    names = [str(name) for name in forecast.columns]
    kept = names[:3] if "mean" in outputs else [name for name in names if name != "mean"]
    return replace(forecast, columns={name: np.asarray(forecast.columns[name]) for name in kept})


def _explained(forecast: Forecast) -> Forecast:
    """The forecast with its components, if it has any, as further columns."""
    if not forecast.components:
        return forecast
    columns = {name: np.asarray(forecast.columns[name]) for name in map(str, forecast.columns)}
    return replace(forecast, columns=columns | dict(forecast.components))


def _with_errors(forecast: Forecast) -> dict[str, NDArray[Any]]:
    """The columns of a table; of each series left out one row, empty but for its item_id and a last column `error`."""
    columns = {name: np.asarray(forecast.columns[name]) for name in map(str, forecast.columns)}
    if not forecast.errors:
        return columns
    places, rows = sorted(forecast.errors), len(columns["item_id"])
    steps = rows // max(len(forecast), 1)
    before = [(place - count) * steps for count, place in enumerate(places)]  # rows of the good ones
    empty: dict[str, Any] = {"O": None, "M": np.datetime64("NaT"), "f": np.nan}
    filled = {name: np.insert(column, before, empty[column.dtype.kind]) for name, column in columns.items()}
    names = [forecast.names.get(place, str(place)) for place in places]
    texts = [f"{error.code}: {error.message}" for error in (forecast.errors[place] for place in places)]
    filled["item_id"] = np.insert(columns["item_id"].astype(object), before, names)
    return filled | {"error": np.insert(np.full(rows, None, object), before, texts)}


def _csv(forecast: Forecast) -> bytes:
    # Ids are text and come back as they came, whatever a spreadsheet would make of them; quoting is CSV's own.
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    table = _with_errors(forecast)
    writer.writerow(table)
    writer.writerows(zip(*(_plain(column, " ") for column in table.values()), strict=True))
    return sink.getvalue().removesuffix("\n").encode()


def _json(forecast: Forecast) -> bytes:
    answer: dict[str, object] = {"forecasts": _records(forecast.columns), "origin": _records(forecast.origins)}
    if forecast.errors:
        found = [(forecast.names[place], forecast.errors[place]) for place in sorted(forecast.errors)]
        answer["errors"] = [{"item_id": name, "error": error_body(error, None)} for name, error in found]
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()


def _records(table: Columns) -> list[dict[str, object]]:
    names = [str(name) for name in table]
    columns = [_plain(np.asarray(table[name]), "T") for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: NDArray[Any], between: str) -> list[object]:
    """Return the values of a column, None where one is missing; `between` stands between day and time of a stamp."""
    if column.dtype.kind == "M":
        return _stamps(column, between)
    values: list[Any] = column.tolist()
    if column.dtype.kind == "f":
        return values if np.isfinite(column).all() else [value if math.isfinite(value) else None for value in values]
    return [None if value is pd.NA or value is pd.NaT or value != value else value for value in values]


def _stamps(stamps: NDArray[np.datetime64], between: str) -> list[object]:
    days = stamps.astype("datetime64[D]")
    whole_days = bool(((days == stamps) | np.isnat(stamps)).all())
    texts: list[str] = (np.datetime_as_string(days) if whole_days else np.datetime_as_string(stamps, "s")).tolist()
    return [None if text == "NaT" else text.replace("T", between) for text in texts]


def _parquet(forecast: Forecast) -> bytes:
    sink = io.BytesIO()
    frame = forecast.frame if not forecast.errors else pd.DataFrame(_with_errors(forecast))
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), sink)
    return sink.getvalue()


_WRITERS: dict[str, Callable[[Forecast], bytes]] = {
    media.CSV: _csv,
    media.TEXT: _csv,
    media.JSON: _json,
    media.PARQUET: _parquet,
}
