"""JSON without the traps: no name given twice, no half characters, no nesting that exhausts the stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from convect.errors import RequestError

_HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")
_LONG = re.compile(r"[0-9]{19}")
_NESTED_TOO_DEEPLY = "The JSON is nested too deeply."


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RequestError(f"The JSON has the name '{twice[:80]}' twice in one object.", "Keep one of the two.")
    return found


def _long_integer(digits: str) -> int | float:
    # No array holds an integer past 64 bits; as a float it is at worst infinite, which in a table means missing.
    return int(digits) if len(digits) < 19 else float(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
_LONG_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_long_integer)


def parse(text: str, where: str = "The body") -> object:
    """Return the value that `text` holds; `where` names the text in the error.

    `NaN` and `Infinity`, which Python's and JavaScript's writers produce, are read as such: in a table they are missing
    values, elsewhere the reader of the setting refuses them. Raises RequestError.
    """
    try:
        value: object = (_LONG_DECODER if _LONG.search(text) else _DECODER).decode(text)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise RequestError(f"{where} is not valid JSON: {error.msg} at {place}.", "Send complete JSON.") from None
    except RecursionError:
        raise RequestError(f"{where}: {_NESTED_TOO_DEEPLY}", "Send flat records or columns.") from None
    if _HALF_CHARACTER.search(text):
        _refuse_half_characters(value, where)
    return value


def _refuse_half_characters(value: object, where: str) -> None:
    # A lone surrogate cannot be written as UTF-8, so an answer that repeats it could not be sent.
    for text in strings(value):
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise RequestError(
                f"{where} holds half of a character pair (a lone surrogate).", "Send valid Unicode text."
            )


def strings(value: object) -> Iterator[str]:
    """Yield every text in a parsed value, names of objects too."""
    waiting = [value]
    while waiting:
        found = waiting.pop()
        if isinstance(found, str):
            yield found
        elif isinstance(found, Mapping):
            waiting.extend(found)
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)


def refuse_depth(value: object, deepest: int, where: str) -> None:
    """Raise RequestError where objects and lists in `value` are nested more than `deepest` deep."""
    level: Iterable[object] = [value]
    for _ in range(deepest + 1):
        level = [inner for outer in level for inner in _inside(outer)]
    if level:
        raise RequestError(f"{where}: {_NESTED_TOO_DEEPLY}", f"Use at most {deepest} levels.")


def _inside(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()
