"""A forecast as one JSON object a series, in the dialect of the request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect.answering.request import Forecast, ForecastRequest, Series, Wording
from convect.serving.answers import error_body

_FIRST_QUANTILE = 3  # in the columns of a forecast: after item_id, timestamp and mean


def document(forecast: Forecast, asked: ForecastRequest) -> bytes:
    """Return the answer as one JSON document: `{"predictions": [series, …]}`, or a single series as it was asked."""
    found = list(predictions(forecast, asked))
    return _dumped(found[0] if asked.wording.single else {"predictions": found})


def lines(forecast: Forecast, asked: ForecastRequest) -> Iterator[bytes]:
    """Yield the answer one series a line, without the line ends."""
    return map(_dumped, predictions(forecast, asked))


def _dumped(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def predictions(forecast: Forecast, asked: ForecastRequest) -> Iterator[dict[str, Any]]:
    """Yield one object a series in the order of the request, `{"error": {code, message, remedy}}` for a bad one.

    DeepAR: mean, quantiles by name, samples. Chronos: mean, each quantile by name, start. Lines and tables: as DeepAR,
    with the start, the history used, and the components where asked for. `reason` tells what is worth knowing,
    `fallback` where a cheaper model served.
    """
    columns, item_ids = _columns(forecast, asked.wording), np.asarray(forecast.origins["item_id"])
    good = 0
    for place in range(len(forecast) + len(forecast.errors)):
        if place in forecast.errors:
            named = {"item_id": forecast.names[place]} if place in forecast.names else {}
            yield {**named, "error": error_body(forecast.errors[place], None)}
            continue
        named = _named(asked, place) if asked.series is not None else {"item_id": str(item_ids[good])}
        yield {**named, **columns.worded(asked.wording, good)}
        good += 1


def _named(asked: ForecastRequest, place: int) -> dict[str, Any]:
    one = asked.series[place] if asked.series is not None else None
    return {"item_id": one.item_id} if isinstance(one, Series) and one.item_id is not None else {}


@dataclass(frozen=True)
class _Columns:
    """What n series are told, each list (n,): numbers of h steps, and facts."""

    mean: list[Any]
    quantiles: dict[str, list[Any]]
    samples: list[Any]
    start: list[str]
    history: list[str]
    fallback: list[bool]
    reason: list[str]
    components: dict[str, list[Any]]

    def worded(self, wording: Wording, place: int) -> dict[str, Any]:
        """Return what one series is told, in the order in which it is written."""
        parts = {
            "mean": {"mean": self.mean[place]} if "mean" in wording.outputs else {},
            "quantiles": {name: column[place] for name, column in self.quantiles.items()},
        }
        told: dict[str, Any] = {} if wording.dialect == "deepar" else {"start": self.start[place]}
        told |= parts["mean"]
        if wording.dialect == "chronos":
            told |= parts["quantiles"]
        elif "quantiles" in wording.outputs:
            told["quantiles"] = parts["quantiles"]
        if self.samples:
            told["samples"] = self.samples[place]
        if self.components:
            told["components"] = {name: column[place] for name, column in self.components.items()}
        if wording.dialect in ("lines", "table"):
            told["history"] = self.history[place]
        return told | self._notes(place)

    def _notes(self, place: int) -> dict[str, Any]:
        fallback: dict[str, Any] = {"fallback": True} if self.fallback[place] else {}
        return fallback | ({"reason": self.reason[place]} if self.reason[place] else {})


def _columns(forecast: Forecast, wording: Wording) -> _Columns:
    table, origin, count = forecast.columns, forecast.origins, len(forecast)
    names = [str(name) for name in list(table)[_FIRST_QUANTILE:]]
    spelled = {name: wording.names.get(float(name), name) for name in names}
    stamps = np.asarray(table["timestamp"], "datetime64[s]")
    return _Columns(
        mean=_rows(np.asarray(table["mean"]), count),
        quantiles={spelled[name]: _rows(np.asarray(table[name]), count) for name in names},
        samples=[] if forecast.samples is None else _finite(forecast.samples),
        start=np.datetime_as_string(stamps[:: len(stamps) // max(count, 1) or 1]).tolist(),
        history=origin["history"].tolist(),
        fallback=origin["fallback"].tolist(),
        reason=origin["reason"].tolist(),
        components={name: _rows(column, count) for name, column in forecast.components.items()},
    )


def _rows(column: NDArray[np.float64], count: int) -> list[Any]:
    return _finite(column.reshape(count, -1)) if count else []


def _finite(numbers: NDArray[np.float64]) -> list[Any]:
    """Nested lists of the numbers, null where one is not finite, which JSON cannot hold."""
    whole = np.isfinite(numbers)
    shown = numbers.astype(object)
    shown[~whole] = None
    found: list[Any] = numbers.tolist() if whole.all() else shown.tolist()
    return found
