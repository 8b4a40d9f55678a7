"""The settings of a run: one declared table, one frozen object, one place where strings become types."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from convect.errors import ConfigError, likest
from convect.hyperparameters import HYPERPARAMETERS, Hyperparameter, markdown_table
from convect.reading import deepar
from convect.reading.filling import FILL_PLACES, aggregate_method, fill_method
from convect.reading.foreign import from_json, own_config, shown
from convect.schema import read_partial

__all__ = ["DEFAULTS", "HYPERPARAMETERS", "Config", "Hyperparameter", "given", "markdown_table"]

_TABLE = {parameter.name: parameter for parameter in HYPERPARAMETERS}
DEFAULTS: Mapping[str, Any] = {parameter.name: parameter.default for parameter in HYPERPARAMETERS}
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_IGNORED = ("_", "sagemaker_")
_MOST_NAMED = 15  # unknown names in one sentence: a failure reason has 1,024 characters

# Other spellings of a choice, lower case: pandas', Amazon Forecast's and Autopilot's.
_SPELLINGS = {
    "missing": {"linear": "interpolate", "ffill": "previous", "forward": "previous", "last": "previous"}
    | {"average": "mean", "avg": "mean"},
    "aggregate": {"avg": "mean", "average": "mean"},
    "metric": {"averageweightedquantileloss": "wQL"},
}
# Other products' names of a setting, so that a refusal can name ours.
_SYNONYMS = {
    "prediction_length": "horizon",
    "forecast_horizon": "horizon",
    "time_freq": "freq",
    "test_quantiles": "quantiles",
    "quantile_levels": "quantiles",
    "eval_metric": "metric",
    "num_val_windows": "windows",
    "random_state": "seed",
    "country": "holidays",
}


@dataclass(frozen=True)
class Config:
    """The settings of a run, always valid: values are typed and checked against HYPERPARAMETERS on construction.

    None means that the value is taken from the data. `schema` is in the product's own form and may be partial;
    `Schema.complete` makes it whole. Raises ConfigError.
    """

    horizon: int | None = DEFAULTS["horizon"]
    freq: str | None = DEFAULTS["freq"]
    schema: Mapping[str, object] | None = DEFAULTS["schema"]
    quantiles: tuple[float, ...] = DEFAULTS["quantiles"]
    preset: str = DEFAULTS["preset"]
    metric: str = DEFAULTS["metric"]
    windows: int | None = DEFAULTS["windows"]
    time_limit: float | None = DEFAULTS["time_limit"]
    holidays: tuple[str, ...] = DEFAULTS["holidays"]
    missing: str = DEFAULTS["missing"]
    aggregate: str = DEFAULTS["aggregate"]
    seed: int = DEFAULTS["seed"]

    def __post_init__(self) -> None:
        """Type and check each value; None becomes the default. Raises ConfigError."""
        for name in self.__dataclass_fields__:
            value = _typed(_TABLE[name], getattr(self, name))
            object.__setattr__(self, name, DEFAULTS[name] if value is None else value)

    @classmethod
    def from_hyperparameters(cls, raw: Mapping[str, object]) -> Config:
        """Return the settings of a job's hyperparameters: strings, plain or JSON-quoted, or JSON values.

        Names that begin with "_" or "sagemaker_" are the platform's and are ignored. `config` holds any of the
        others as JSON; explicit names win over it. Empty strings and null mean not given. Raises ConfigError.
        """
        return cls(**given(raw))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings fit for JSON; passed as hyperparameter `config` they give this object again."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


def given(raw: Mapping[str, object]) -> dict[str, Any]:
    """Return, typed and checked, only the settings that `raw` really gives, `config` unfolded; DeepAR's names are read.

    Raises ConfigError for an unknown name, with the nearest known one, and for a value that cannot be used.
    """
    named = {name: value for name, value in raw.items() if not str(name).startswith(_IGNORED)}
    values, theirs = deepar.parted(named)
    _refuse_unknown(values)
    inner = _typed(_TABLE["config"], values.pop("config", None)) or {}
    _refuse_unknown(inner)
    if "config" in inner:
        raise ConfigError("Hyperparameter config holds a config again.", "Put its entries one level higher.")
    explicit = {name: _typed(_TABLE[name], value) for name, value in values.items()}
    explicit = _with_deepar({name: value for name, value in explicit.items() if value is not None}, theirs)
    unfolded = {name: _typed(_TABLE[name], value) for name, value in inner.items() if name not in explicit}
    return {**{name: value for name, value in unfolded.items() if value is not None}, **explicit}


def _with_deepar(own: dict[str, Any], theirs: Mapping[str, object]) -> dict[str, Any]:
    """Add what DeepAR's names say; each is read as ours, and refused where both are there and differ."""
    for name, value in theirs.items():
        ours = deepar.OURS[name]
        found = _typed(replace(_TABLE[ours], name=name), value)
        if found is not None and not deepar.agree(ours, own.setdefault(ours, found), found):
            message = f"Hyperparameters {ours} and {name} differ: {shown(own[ours])} and {shown(found)}."
            raise ConfigError(message, f"Keep one of them; {name} is DeepAR's word for {ours}.")
    return own


def _refuse_unknown(values: Mapping[str, object]) -> None:
    """Name all unknown hyperparameters at once: each attempt may cost the start of an instance."""
    unknown = [str(name) for name in values if name not in _TABLE]
    if not unknown:
        return
    several = len(unknown) > 1
    meant = {name: _SYNONYMS.get(name.lower()) or likest(name, _TABLE) for name in unknown}
    hints = [f"'{ours}' for {shown(name)}" if several else f"'{ours}'" for name, ours in meant.items() if ours]
    hint = f"Did you mean {', '.join(hints)}? " if hints else ""
    message = f"Unknown hyperparameter{'s' if several else ''} {', '.join(map(shown, unknown[:_MOST_NAMED]))}"
    more = f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    raise ConfigError(f"{message}{more}.", f"{hint}Known: {', '.join(_TABLE)}.")


def _typed(parameter: Hyperparameter, value: object) -> Any:  # noqa: ANN401 - the type is the parameter's own
    plain = _unquoted(value)
    return None if plain is None else _READERS[parameter.kind](parameter, plain)


def _unquoted(value: object) -> object:
    """Undo JSON quoting: '"14"' gives '14', '[1]' a list, '14' stays text; null, None and empty text give None."""
    if not isinstance(value, str):
        return value
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        decoded = None
    if isinstance(decoded, str):
        return _unquoted(decoded)
    if isinstance(decoded, list | dict):
        return decoded
    return None if value.strip() in ("", "null", "None") else value.strip()


def _number(value: object) -> int | float | None:
    if isinstance(value, str) and len(value) <= 40 and _NUMBER.fullmatch(value):
        value = int(value) if value.lstrip("+-").isdigit() else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if -1e18 < value < 1e18 else None  # not finite, or an integer that no float holds


def _refusal(parameter: Hyperparameter, value: object) -> ConfigError:
    message = f"Hyperparameter {parameter.name} must be {parameter.expected}; found {shown(value)}."
    return ConfigError(message, f"Correct it, or leave it out for the default: {parameter.default_text}.")


def _read_number(parameter: Hyperparameter, value: object) -> float:
    number = _number(value)
    if number is None or not parameter.admits(number):
        raise _refusal(parameter, value)
    return float(number)


def _read_integer(parameter: Hyperparameter, value: object) -> int:
    number = _number(value)
    if number is None or not parameter.admits(number) or number != int(number):
        raise _refusal(parameter, value)
    return int(number)


def _read_text(parameter: Hyperparameter, value: object) -> str:
    if not isinstance(value, str):
        raise _refusal(parameter, value)
    return value


def _read_choice(parameter: Hyperparameter, value: object) -> str:
    if isinstance(value, Mapping) and parameter.name in _METHODS:
        value = _METHODS[parameter.name](value)
    options = {choice.lower(): choice for choice in parameter.choices} | _SPELLINGS.get(parameter.name, {})
    if value in FILL_PLACES and parameter.name == "missing":
        raise ConfigError(f"missing={value} says where, not how.", f'Pass for example {{"{value}": "zero"}}.')
    if not isinstance(value, str) or value.strip().lower() not in options:
        raise _refusal(parameter, value)
    return options[value.strip().lower()]


def _entries(value: object) -> list[object]:
    if isinstance(value, str):
        return [entry.strip() for entry in value.split(",")]
    return list(value) if isinstance(value, list | tuple) else [value]


def _read_quantiles(parameter: Hyperparameter, value: object) -> tuple[float, ...]:
    levels = {_quantile(parameter, entry, value) for entry in _entries(value)}
    if not 1 <= len(levels) <= 99:
        raise _refusal(parameter, value)
    return tuple(sorted(levels))


def _quantile(parameter: Hyperparameter, entry: object, value: object) -> float:
    percent = isinstance(entry, str) and entry[:1] in ("p", "P")  # Autopilot's p10 is 0.1
    number = _number(entry[1:] if percent and isinstance(entry, str) else entry)
    level = None if number is None else number / 100 if percent else number
    if level is None or not parameter.admits(level):
        raise _refusal(parameter, value)
    return float(level)


def _read_countries(parameter: Hyperparameter, value: object) -> tuple[str, ...]:
    codes = [str(entry).upper() for entry in _entries(value)]
    if not all(re.fullmatch("[A-Z]{2}", code) for code in codes):
        raise _refusal(parameter, value)
    return tuple(dict.fromkeys(codes))


def _read_schema(_: Hyperparameter, value: Any) -> dict[str, Any]:  # noqa: ANN401 - read_partial refuses what it must
    return dict(read_partial(value))


def _read_config(parameter: Hyperparameter, value: object) -> Mapping[str, object]:
    remedy = 'Pass for example {"horizon": 14, "freq": "D"}.'
    decoded = from_json("Hyperparameter config", value, remedy) if isinstance(value, str) else value
    if not isinstance(decoded, Mapping):
        raise _refusal(parameter, decoded)
    return own_config(decoded)


_METHODS: dict[str, Callable[[Mapping[str, object]], object]] = {"missing": fill_method, "aggregate": aggregate_method}
_READERS: dict[str, Callable[[Hyperparameter, Any], object]] = {
    "integer": _read_integer,
    "number": _read_number,
    "text": _read_text,
    "choice": _read_choice,
    "quantiles": _read_quantiles,
    "countries": _read_countries,
    "schema": _read_schema,
    "config": _read_config,
}
