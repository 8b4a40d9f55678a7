"""One short name for what a unit of work starts from: its data, its settings and the libraries that will do it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import lightgbm as lgb
import numpy as np

from convect import __version__

FORMAT = 1  # of what is kept under these names; another, and nothing of before is found
LIBRARIES = ("numpy", "pandas", "scipy", "statsforecast", "lightgbm")


def fingerprint(*values: object) -> str:
    """Return 64 hexadecimal digits that change with any bit of the values, and with the versions of what runs.

    values: numbers, texts, arrays, containers and dataclasses of these, boosters. Raises TypeError for anything else.
    """
    found = hashlib.sha256(_versions())
    for piece in _pieces(values):
        found.update(b"%d:" % len(piece))
        found.update(piece)
    return found.hexdigest()


@lru_cache(maxsize=1)
def _versions() -> bytes:
    return repr((FORMAT, __version__, [(name, version(name)) for name in LIBRARIES])).encode()


@lru_cache(maxsize=256)  # of one training all: each part of many series depends on them
def _text_of(booster: lgb.Booster) -> bytes:
    return booster.model_to_string().encode()


def _pieces(value: Any) -> Iterator[bytes | memoryview]:  # noqa: ANN401 - whatever work is given
    """The value as bytes, in an order and with lengths that leave no doubt."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield repr((value.dtype.str, value.shape)).encode()
        yield np.ascontiguousarray(value).reshape(-1).view(np.uint8).data
    elif value is None or isinstance(value, bool | int | float | str | np.generic):
        yield repr(value).encode()
    elif isinstance(value, lgb.Booster):
        yield _text_of(value)
    elif is_dataclass(value):
        yield type(value).__name__.encode()
        for field in fields(value):
            yield from _pieces(getattr(value, field.name))
    else:
        yield from _of_container(value)


def _of_container(value: Any) -> Iterator[bytes | memoryview]:  # noqa: ANN401 - as above
    kind, parts = "list", value
    if isinstance(value, Mapping):
        kind, parts = "mapping", [part for pair in value.items() for part in pair]
    elif isinstance(value, AbstractSet):
        kind, parts = "set", sorted(value)
    elif isinstance(value, np.ndarray):
        kind, parts = f"array {value.shape}", value.ravel().tolist()
    elif not isinstance(value, Sequence) and getattr(value, "__dict__", None):  # as the calendar of a table
        kind, parts = type(value).__name__, list(vars(value).values())
    if not isinstance(parts, Sequence):
        raise TypeError(f"No fingerprint of a {type(value).__name__}.")
    yield f"{kind} {len(parts)}".encode()
    for part in parts:
        yield from _pieces(part)
