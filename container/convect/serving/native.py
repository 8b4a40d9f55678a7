"""The product's own JSON: `{"schema": …, "config": …, "freq": …, "data": …}`, each key free to be left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pandas as pd

from convect.answering.request import ForecastRequest
from convect.config import given
from convect.errors import ConfigError, RequestError, nearest
from convect.serving import tables
from convect.serving.limits import Limits
from convect.serving.strict_json import refuse_depth

KEYS = ("schema", "config", "freq", "data")
CONFIG_KEYS = ("horizon", "quantiles", "item_ids", "missing", "aggregate", "explain")
_OWN_KEYS = ("item_ids", "explain")  # of these; the others are hyperparameters too


def read(document: object, limits: Limits, text: Collection[str] = ()) -> ForecastRequest:
    """Return the request that a parsed JSON document makes; what is left out is as trained.

    `data` is a list of records, one list a column, or CSV text; without it the series seen in training are forecast.
    Raises UserError.
    """
    if not isinstance(document, Mapping):
        raise RequestError("The JSON body is not an object.", 'Wrap the table: {"data": [...]}.')
    _refuse_unknown("The request", document, KEYS)
    config = _config(document.get("config"), limits)
    refuse_depth(document.get("schema"), limits.depth, "The schema")
    settings = {name: value for name, value in config.items() if name not in _OWN_KEYS}
    typed = _typed({**settings, "schema": document.get("schema"), "freq": document.get("freq")})
    schema = typed.get("schema")
    return ForecastRequest(
        frame=_frame(document.get("data"), limits, {*text, *_text_columns(schema)}),
        schema=schema,
        freq=typed.get("freq"),
        horizon=typed.get("horizon"),
        quantiles=typed.get("quantiles"),
        items=_items(config.get("item_ids")),
        missing=typed.get("missing"),
        aggregate=typed.get("aggregate"),
        explain=_explain(config.get("explain")),
    )


def _config(value: object, limits: Limits) -> Mapping[str, object]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RequestError("The request's config is not an object.", 'Send for example {"config": {"horizon": 7}}.')
    _refuse_unknown("The request's config", value, CONFIG_KEYS)
    refuse_depth(value, limits.depth, "The config")
    return value


def _refuse_unknown(what: str, found: Iterable[object], known: tuple[str, ...]) -> None:
    for name in found:
        if name not in known:
            remedy = f"{nearest(str(name), known)} Known: {', '.join(known)}."
            raise RequestError(f"{what} has an unknown key '{str(name)[:80]}'.", remedy)


def _typed(settings: Mapping[str, object]) -> dict[str, Any]:
    # The same table as for training says what a value may be; only the words of a refusal are the request's.
    try:
        return given(settings)
    except ConfigError as error:
        message = error.message.replace("Hyperparameter ", "The request's ", 1)
        remedy = error.remedy.partition("for the default")[0].rstrip()
        raise RequestError(message, f"{remedy} for what was trained." if remedy != error.remedy else remedy) from None


def _items(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not value or not {type(item) for item in value} <= {str, int}:
        raise RequestError("The request's item_ids is not a list of ids.", 'Send for example {"item_ids": ["EWR/UA"]}.')
    return tuple(dict.fromkeys(str(item) for item in value))


def _explain(value: object) -> bool:
    if value is not None and not isinstance(value, bool):
        raise RequestError("The request's explain is neither true nor false.", 'Send {"config": {"explain": true}}.')
    return bool(value)


def _text_columns(schema: Mapping[str, Any] | None) -> list[str]:
    named = [(schema or {}).get(role, []) for role in ("item_id", "timestamp")]
    return [name for names in named for name in ([names] if isinstance(names, str) else names)]


def _frame(data: object, limits: Limits, text: Collection[str]) -> pd.DataFrame | None:
    if data is None:
        return None
    if isinstance(data, str):
        return tables.from_csv(data.removeprefix("\ufeff").encode(), limits, text)
    if isinstance(data, Mapping):
        return tables.from_columns(data, limits, text)
    if isinstance(data, list):
        return tables.from_records(data, limits, text)
    raise RequestError("The request's data is no table.", "Send a list of records, one list a column, or CSV text.")
