"""The dialects in which a request is a list of series: DeepAR's, Chronos's, and JSON Lines of one series a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from convect.answering.request import ForecastRequest, Series, Wording
from convect.config import given
from convect.errors import ConfigError, PayloadTooLarge, RequestError, UserError, nearest
from convect.reading.columns import example
from convect.reading.foreign import shown
from convect.serving.limits import Limits
from convect.serving.one_series import ID_KEYS, NESTED_KEYS, read_or_error

OUTPUTS = ("mean", "quantiles", "samples")
MOST_SAMPLES, SAMPLES = 1_000, 100
DEEPAR_KEYS = ("num_samples", "num_eval_samples", "output_types", "quantiles", "prediction_length", "freq")
CHRONOS_KEYS = (
    *("prediction_length", "quantile_levels", "freq", "num_samples"),
    # The rest steer the inside of Chronos and are not used.
    *("batch_size", "context_length", "limit_prediction_length", "temperature", "top_k", "top_p"),
    *("cross_learning", "predict_batches_jointly"),
)


@dataclass(frozen=True)
class Circumstances:
    """What a body alone does not say: limits, whether a transform job sent it, and the configuration for lines."""

    limits: Limits
    batch: bool = False
    lines_config: object = None


def deepar(document: Mapping[str, Any], told: Circumstances) -> ForecastRequest:
    """Return the request of `{"instances": […], "configuration": {…}}`; `instances` may be a single object.

    Raises RequestError for another form, ConfigError for a setting, and for the first bad series unless in batch.
    """
    _refuse_unknown("The request", document, ("instances", "configuration"))
    settings = _settings(document.get("configuration"), "configuration", DEEPAR_KEYS)
    return _request("deepar", _listed(document, "instances"), settings, told)


def chronos(document: Mapping[str, Any], told: Circumstances) -> ForecastRequest:
    """Return the request of `{"inputs": […], "parameters": {…}}`; raises as `deepar`."""
    _refuse_unknown("The request", document, ("inputs", "parameters"))
    settings = _settings(document.get("parameters"), "parameters", CHRONOS_KEYS)
    return _request("chronos", _listed(document, "inputs"), settings, told)


def lines(objects: Iterable[object], told: Circumstances, *, single: bool = False) -> ForecastRequest:
    """Return the request of one series a line, or of a `single` object; an error stands for a line that is bad.

    Raises ConfigError where the configuration for lines cannot be used.
    """
    settings = _settings(told.lines_config, "inference configuration", DEEPAR_KEYS)
    return _request("lines", objects, settings, told, single=single)


def is_series(document: object) -> bool:
    """Whether a JSON value is one series, no row of a table and no whole request: by its lists, or only an id."""
    if not isinstance(document, Mapping) or not document:
        return False
    nested = any(isinstance(document.get(name), list | dict) for name in NESTED_KEYS)
    return nested or set(document) <= set(ID_KEYS)


def _listed(document: Mapping[str, Any], name: str) -> Sequence[object]:
    value = document[name]
    found = [value] if isinstance(value, Mapping) else value
    if not isinstance(found, list) or not found:
        raise RequestError(f"The request's {name} is no list of series.", 'Send [{"start": …, "target": […]}, …].')
    return found


@dataclass(frozen=True)
class _Settings:
    horizon: int | None
    freq: str | None
    quantiles: tuple[float, ...] | None
    names: Mapping[float, str]
    outputs: tuple[str, ...]
    samples: int


def _settings(value: object, where: str, known: tuple[str, ...]) -> _Settings:
    found = {} if value is None else value
    if not isinstance(found, Mapping):
        raise RequestError(f"The request's {where} is not an object.", f'Send for example {{"{known[0]}": 10}}.')
    _refuse_unknown(f"The request's {where}", found, known)
    levels = found.get("quantiles", found.get("quantile_levels"))
    named = _named(levels)
    outputs = _outputs(found.get("output_types"), found.get("num_samples"))
    count = _samples(found.get("num_samples", found.get("num_eval_samples")))
    return _Settings(
        horizon=_typed("horizon", found.get("prediction_length")),
        freq=_typed("freq", found.get("freq")),
        quantiles=tuple(named) or None,
        names=named,
        outputs=outputs,
        samples=count if "samples" in outputs else 0,
    )


def _named(levels: object) -> dict[float, str]:
    """The quantiles asked for, ascending, each with the caller's spelling of it."""
    if levels is None:
        return {}
    _typed("quantiles", levels if levels != [] else "none")
    spelled = levels if isinstance(levels, list) else [levels]
    found = {level: str(text) for text in spelled for level in _typed("quantiles", [text])}
    return dict(sorted(found.items()))


def _outputs(value: object, samples: object) -> tuple[str, ...]:
    if value is None:
        return ("mean", "quantiles")
    chosen = value if isinstance(value, list) else [value]
    if not chosen or not all(isinstance(name, str) and name in OUTPUTS for name in chosen):
        found = f"The request's output_types is {shown(value)}."
        raise RequestError(found, f"Send a list of {', '.join(OUTPUTS)}.")
    return tuple(name for name in OUTPUTS if name in chosen)


def _samples(value: object) -> int:
    if value is None:
        return SAMPLES
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_SAMPLES:
        found = f"The request's num_samples is {shown(value)}."
        raise RequestError(found, f"Send a whole number from 1 to {MOST_SAMPLES}.")
    return value


def _typed(name: str, value: object) -> Any:  # noqa: ANN401 - the type is the setting's own
    if value is None:
        return None
    try:
        return given({name: value}).get(name)
    except ConfigError as error:
        message = error.message.replace("Hyperparameter ", "The request's ", 1)
        raise RequestError(message, "Correct it, or leave it out for what was trained.") from None


def _refuse_unknown(what: str, found: Iterable[object], known: tuple[str, ...]) -> None:
    for name in found:
        if name not in known:
            remedy = f"{nearest(str(name), known)} Known: {', '.join(known)}."
            raise RequestError(f"{what} has an unknown key {example(name)}.", remedy)


def _request(
    dialect: str, objects: Iterable[object], settings: _Settings, told: Circumstances, *, single: bool = False
) -> ForecastRequest:
    series = tuple(one if isinstance(one, UserError) else read_or_error(one) for one in objects)
    _check_size(series, told.limits)
    return ForecastRequest(
        series=series,
        horizon=settings.horizon,
        quantiles=settings.quantiles,
        freq=settings.freq,
        partial=told.batch or (dialect == "lines" and not single),
        samples=settings.samples,
        wording=Wording(dialect, settings.outputs, settings.names, single, told.batch),
    )


def _check_size(series: Sequence[Series | UserError], limits: Limits) -> None:
    whole = [one for one in series if isinstance(one, Series)]
    columns = max((1 + len(one.covariates) + len(one.static) for one in whole), default=1)
    rows = sum(len(one.target) for one in whole)
    cells = rows + sum(len(column) for one in whole for column in one.covariates.values())
    for found, most, what in (
        (max(rows, len(series)), limits.rows, "values"),
        (columns, limits.columns, "columns"),
        (cells, limits.cells, "cells"),
    ):
        if found > most:
            raise PayloadTooLarge(f"The request has {found:,} {what}; at most {most:,} are read.", "Send fewer.")
