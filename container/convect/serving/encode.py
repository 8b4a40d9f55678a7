"""A forecast to bytes, in the form that the caller accepts."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from convect.request import Forecast
from convect.serving import media

_CHARSET = "; charset=utf-8"


def encode(forecast: Forecast, accept: str | None = None, default: str = media.CSV) -> tuple[bytes, str]:
    """Return the body of the answer and its Content-Type, `default` where the caller has no wish.

    CSV and Parquet hold the long table; JSON is `{"forecasts": [row, …], "origin": [item, …]}`, null where a number is
    not finite. No body ends with a line end: the platform adds its own between answers. Raises NotAcceptable.
    """
    chosen = media.negotiate(accept, default)
    return _WRITERS[chosen](forecast), chosen + (_CHARSET if chosen.startswith("text/") else "")


def _csv(forecast: Forecast) -> bytes:
    # Ids are text and come back as they came, whatever a spreadsheet would make of them; quoting is CSV's own.
    return forecast.frame.to_csv(index=False, lineterminator="\n").removesuffix("\n").encode()


def _json(forecast: Forecast) -> bytes:
    answer = {"forecasts": _records(forecast.frame), "origin": _records(forecast.origin)}
    return json.dumps(answer, allow_nan=False, separators=(",", ":")).encode()


def _records(frame: pd.DataFrame) -> list[dict[str, object]]:
    columns = [_plain(frame[name]) for name in frame.columns]
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _plain(column: pd.Series) -> list[object]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return _stamps(column)
    if pd.api.types.is_float_dtype(column.dtype):
        return [value if math.isfinite(value) else None for value in column.astype(float).tolist()]
    values: list[object] = column.tolist()
    return [None if value is pd.NA or value is pd.NaT or value != value else value for value in values]


def _stamps(column: pd.Series) -> list[object]:
    whole_days = bool((column.dropna() == column.dropna().dt.normalize()).all())
    stamps: list[object] = np.datetime_as_string(column.to_numpy("datetime64[s]"), "D" if whole_days else "s").tolist()
    return [None if stamp == "NaT" else stamp for stamp in stamps]


def _parquet(forecast: Forecast) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pandas(forecast.frame, preserve_index=False), sink)
    return sink.getvalue()


_WRITERS: dict[str, Callable[[Forecast], bytes]] = {
    media.CSV: _csv,
    media.TEXT: _csv,
    media.JSON: _json,
    media.PARQUET: _parquet,
}
