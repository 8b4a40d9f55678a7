"""Schemas and settings in the words of Amazon Forecast and Autopilot, turned into this product's own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping

from convect.errors import ConfigError, nearest

_FORECAST_TARGETS = ("target_value", "demand", "number_of_instances", "workforce_demand", "metric_value", "value")
_FORECAST_ITEMS = ("item_id", "instance_type", "workforce_type", "metric_name")
_FORECAST_NUMBERS = ("integer", "float")
_FORECAST_TYPES = ("string", "integer", "float", "timestamp", "geolocation")
_AUTOPILOT_KEYS = (
    "TargetAttributeName",
    "TimestampAttributeName",
    "ItemIdentifierAttributeName",
    "GroupingAttributeNames",
)
_JOB = "TimeSeriesForecastingJobConfig"
JOB_KEYS = (
    "ForecastFrequency",
    "ForecastHorizon",
    "ForecastQuantiles",
    "Transformations",
    "TimeSeriesConfig",
    "HolidayConfig",
    "CompletionCriteria",
    "FeatureSpecificationS3Uri",
    "CandidateGenerationConfig",
)
_NO_COUNTERPART = {
    "FeatureSpecificationS3Uri": "Name the covariates in the schema instead.",
    "CandidateGenerationConfig": "Remove it; the models are chosen by backtest, and preset says how many are tried.",
    "MaxCandidates": "Remove it; preset says how many models are tried.",
    "MaxRuntimePerTrainingJobInSeconds": "Use MaxAutoMLJobRuntimeInSeconds, which becomes time_limit.",
}
_LIMITS = ("MaxCandidates", "MaxRuntimePerTrainingJobInSeconds")


def own_schema(value: Mapping[str, object]) -> Mapping[str, object]:
    """Return a schema in the product's own form: an own one as it is, a foreign one translated.

    Raises ConfigError where an Amazon Forecast schema or an Autopilot TimeSeriesConfig is malformed.
    """
    if "Attributes" in value:
        return _from_forecast(value)
    if any(key in _AUTOPILOT_KEYS for key in value):
        return _from_autopilot(value)
    return value


def _from_forecast(value: Mapping[str, object]) -> dict[str, object]:
    known_keys("An Amazon Forecast schema", value, ("Attributes",))
    kinds = dict(attributes(value["Attributes"]))
    numbers = [name for name, kind in kinds.items() if kind in _FORECAST_NUMBERS]
    items = [name for name, kind in kinds.items() if kind in ("string", "geolocation")]
    stamps = [name for name, kind in kinds.items() if kind == "timestamp"]
    if len(stamps) > 1:
        raise ConfigError(f"The Amazon Forecast schema has {len(stamps)} timestamp attributes.", "Keep one.")
    target = next((name for name in _FORECAST_TARGETS if name in numbers), None)
    own: dict[str, object] = {
        "item_id": sorted(items, key=lambda name: name not in _FORECAST_ITEMS),
        "timestamp": stamps[0] if stamps else None,
        "target": target,
        "known_covariates": [name for name in numbers if name != target],
    }
    return {role: names for role, names in own.items() if names}


def attributes(value: object) -> Iterable[tuple[str, str]]:
    """Yield name and type of each attribute of an Amazon Forecast schema; raises ConfigError for a malformed one."""
    for attribute in as_objects("The schema's Attributes", value):
        known_keys("A schema attribute", attribute, ("AttributeName", "AttributeType"))
        name, kind = attribute.get("AttributeName"), attribute.get("AttributeType")
        if not isinstance(name, str) or kind not in _FORECAST_TYPES:
            raise ConfigError(
                f"A schema attribute needs an AttributeName and a known AttributeType; found {shown(attribute)}.",
                f"Use one of the types {', '.join(_FORECAST_TYPES)}.",
            )
        yield name, str(kind)


def _from_autopilot(value: Mapping[str, object]) -> dict[str, object]:
    known_keys("A TimeSeriesConfig", value, _AUTOPILOT_KEYS)
    own: dict[str, object] = {
        "timestamp": value.get("TimestampAttributeName"),
        "target": value.get("TargetAttributeName"),
    }
    items = [value.get("ItemIdentifierAttributeName"), *_as_list(value.get("GroupingAttributeNames"))]
    if any(items):
        own["item_id"] = [item for item in items if item]
    return {role: name for role, name in own.items() if name is not None}


def own_config(value: Mapping[str, object]) -> Mapping[str, object]:
    """Return settings in the product's own names: own ones as they are, an Autopilot job config translated.

    Raises ConfigError naming the first part of a TimeSeriesForecastingJobConfig that has no counterpart.
    """
    if not is_job_config(value):
        return value
    if set(value) == {_JOB}:
        value = as_object(_JOB, value[_JOB])
    known_keys("A TimeSeriesForecastingJobConfig", value, JOB_KEYS)
    own: dict[str, object] = {}
    for key, part in value.items():
        translate = _PARTS.get(key) or _refuse_part(key)
        own.update(translate(part))
    _refuse_other_columns(own)
    return own


def _refuse_other_columns(own: Mapping[str, object]) -> None:
    """Fills and aggregations are by column; one of a covariate must not be taken for the target's."""
    schema = own.get("schema")
    target = schema.get("TargetAttributeName") if isinstance(schema, Mapping) else None
    for name, done in (("missing", "filled"), ("aggregate", "aggregated")):
        columns = own.get(name)
        other = [column for column in columns if column != target] if isinstance(columns, Mapping) else []
        if target is not None and other:
            message = f"Transformations name column {shown(other[0])}, but only the target {shown(target)} is {done}."
            raise ConfigError(message, "Remove that entry; gaps of covariates are left empty.")


def is_job_config(value: Mapping[str, object]) -> bool:
    """Say whether settings are those of an Autopilot time-series job, with or without their outermost name."""
    return set(value) == {_JOB} or any(key in JOB_KEYS for key in value)


def _refuse_part(key: str) -> Callable[[object], dict[str, object]]:
    def refuse(_: object) -> dict[str, object]:
        raise ConfigError(f"{key} has no counterpart here.", _NO_COUNTERPART[key])

    return refuse


def _transformations(value: object) -> dict[str, object]:
    parts = as_object("Transformations", value)
    known_keys("Transformations", parts, ("Filling", "Aggregation"))
    names = {"Filling": "missing", "Aggregation": "aggregate"}
    return {names[key]: part for key, part in parts.items()}


def _holidays(value: object) -> dict[str, object]:
    countries = [entry.get("CountryCode") for entry in as_objects("HolidayConfig", value)]
    return {"holidays": countries}


def _completion(value: object) -> dict[str, object]:
    parts = as_object("CompletionCriteria", value)
    known_keys("CompletionCriteria", parts, ("MaxAutoMLJobRuntimeInSeconds", *_LIMITS))
    for key in _LIMITS:
        if key in parts:
            _refuse_part(key)(parts[key])
    return {"time_limit": parts.get("MaxAutoMLJobRuntimeInSeconds")}


_PARTS: dict[str, Callable[[object], dict[str, object]]] = {
    "ForecastFrequency": lambda part: {"freq": part},
    "ForecastHorizon": lambda part: {"horizon": part},
    "ForecastQuantiles": lambda part: {"quantiles": part},
    "TimeSeriesConfig": lambda part: {"schema": part},
    "Transformations": _transformations,
    "HolidayConfig": _holidays,
    "CompletionCriteria": _completion,
}


def known_keys(what: str, value: Mapping[str, object], known: Iterable[str]) -> None:
    """Raise ConfigError for the first key of `value` that is not in `known`, with the nearest that is."""
    names = tuple(known)
    for key in value:
        if key not in names:
            remedy = f"{nearest(str(key), names)} Known: {', '.join(names)}."
            raise ConfigError(f"{what} has an unknown key {shown(key)}.", remedy)


def as_object(what: str, value: object) -> Mapping[str, object]:
    """Return `value` if it is a mapping; raises ConfigError otherwise."""
    if isinstance(value, Mapping):
        return value
    raise ConfigError(f"{what} must be a JSON object; found {shown(value)}.", "See the README's hyperparameter table.")


def from_json(what: str, text: str, remedy: str) -> object:
    """Return what JSON text holds; raises ConfigError with the place of the first mistake."""
    try:
        decoded: object = json.loads(text)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{what} is not valid JSON: {error.msg} at character {error.pos + 1}.", remedy) from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{what} is not JSON that can be read.", remedy) from error
    return decoded


def as_objects(what: str, value: object) -> list[Mapping[str, object]]:
    """Return `value` if it is a list of mappings; raises ConfigError otherwise."""
    if isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value):
        return value
    raise ConfigError(f"{what} must be a list of JSON objects; found {shown(value)}.", "Correct its form.")


def shown(value: object) -> str:
    """Return `value` as it is quoted in a sentence: at most 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _as_list(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else [value]
