"""One JSON object to one series, in the words of any dialect: DeepAR's, Chronos's and our own are read alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from convect.answering.brought import numbers
from convect.answering.request import Series
from convect.errors import DataError, RequestError, UserError, nearest
from convect.reading.columns import example

ID_KEYS = ("item_id", "id")
START_KEYS = ("start", "timestamp")
NESTED_KEYS = ("target", "cat", "dynamic_feat", "past_covariates", "future_covariates", "static_features")
KEYS = (*ID_KEYS, *START_KEYS, *NESTED_KEYS)
_LONGEST_ID = 1_000  # characters


def read(document: object) -> Series:
    """Return the series that an object describes. Raises RequestError where it has another form, DataError for values.

    `dynamic_feat` and `cat` name the model's known covariates and static features by their place, `past_covariates`,
    `future_covariates` and `static_features` by their names; null is the same as nothing.
    """
    if not isinstance(document, Mapping):
        raise RequestError("It is not an object.", 'Send {"start": "2024-01-01", "target": [1, 2, null]}.')
    for name in document:
        if name not in KEYS:
            raise RequestError(
                f"It has an unknown key {example(name)}.", f"{nearest(str(name), KEYS)} Known: {', '.join(KEYS)}."
            )
    values = _list(document, "target")
    if bool in set(map(type, values)):
        raise DataError("The target holds true or false.", "Send numbers, null where missing.")
    target = numbers(values, "The target")
    return Series(
        target=target,
        item_id=_item_id(document),
        start=_start(document),
        covariates={**_by_place(document), **_by_name(document, len(target))},
        static=_static(document),
    )


def read_or_error(document: object) -> Series | UserError:
    """As `read`, with the error in place of the series."""
    try:
        return read(document)
    except UserError as error:
        return error


def _list(document: Mapping[str, Any], name: str) -> list[object]:
    value = document.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise RequestError(f"Its {name} is not a list.", "Send a list, null where a value is missing.")
    return value


def _one_of(document: Mapping[str, Any], names: tuple[str, ...]) -> object:
    found = [name for name in names if document.get(name) is not None]
    if len(found) > 1:
        raise RequestError(f"It has both {found[0]} and {found[1]}.", "Keep one of the two.")
    return document[found[0]] if found else None


def _item_id(document: Mapping[str, Any]) -> str | None:
    value = _one_of(document, ID_KEYS)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or not 1 <= len(str(value)) <= _LONGEST_ID:
        raise RequestError("Its item_id is no text or whole number.", "Send the id as in training, or none.")
    return str(value)


def _start(document: Mapping[str, Any]) -> str | int | None:
    value = _one_of(document, START_KEYS)
    if value is not None and (isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 100):
        raise RequestError("Its start is no timestamp.", "Send the stamp of the first value, such as 2024-01-31.")
    return value


def _by_place(document: Mapping[str, Any]) -> dict[str | int, list[object]]:
    columns = _list(document, "dynamic_feat")
    found: dict[str | int, list[object]] = {}
    for place, column in enumerate(columns):
        if not isinstance(column, list):
            raise RequestError("Its dynamic_feat is not a list of lists.", "Send one list a feature.")
        found[place] = column
    return found


def _by_name(document: Mapping[str, Any], steps: int) -> dict[str | int, list[object]]:
    past, future = (_object(document, name) for name in ("past_covariates", "future_covariates"))
    found: dict[str | int, list[object]] = {}
    for name in (*past, *(name for name in future if name not in past)):
        before = past.get(name, [None] * steps)
        after = future.get(name, [])
        if not isinstance(before, list) or not isinstance(after, list):
            raise RequestError(f"Its covariate {example(name)} is not a list.", "Send one value a step.")
        if len(before) != steps:
            found_values = f"Its past covariate {example(name)} has {len(before)} values for the {steps} of the target."
            raise DataError(found_values, "Send one for each step, null where missing.")
        found[name] = [*before, *after]
    return found


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise RequestError(f"Its {name} is not an object.", f'Send {{"{name}": {{"price": [1.5, 2]}}}}.')
    return value


def _static(document: Mapping[str, Any]) -> dict[str | int, object]:
    cat = document.get("cat")
    places = cat if isinstance(cat, list) else [] if cat is None else [cat]
    found: dict[str | int, object] = dict(enumerate(places))
    found.update(_object(document, "static_features"))
    if not {type(value) for value in found.values()} <= {str, int, float, bool, type(None)}:
        raise RequestError("Its static features are no plain values.", 'Send for example {"cat": [0, 3]}.')
    return found
