"""Results of units of work as bytes and back: a tree in JSON whose leaves are numbers, texts and arrays; no code."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect.backtest import Backtest, Origins
from convect.intervals import Intervals
from convect.models.local import Predictions
from convect.training.judgement import Judgement
from convect.training.learning import Answers, Applied
from convect.training.pooled import Window

CLASSES = {
    one.__name__: one for one in (Answers, Applied, Backtest, Intervals, Judgement, Origins, Predictions, Window)
}
TREE = "tree"
ARRAY, CLASS, MAPPING, TUPLE = "array", "class", "mapping", "tuple"
Arrays = list[NDArray[Any]]


def to_bytes(value: object) -> bytes:
    """Return a result as an npz file; raises TypeError for what `from_bytes` could not bring back bit by bit."""
    arrays: Arrays = []
    tree = json.dumps(_tree(value, arrays)).encode()
    named = {str(number): array for number, array in enumerate(arrays)}
    buffer = io.BytesIO()
    np.savez(buffer, **{TREE: np.frombuffer(tree, np.uint8)}, **named)  # type: ignore[arg-type]
    return buffer.getvalue()


def from_bytes(content: bytes) -> Any:  # noqa: ANN401 - what was written
    """Return what `to_bytes` wrote; raises KeyError, TypeError or ValueError for anything else."""
    with np.load(io.BytesIO(content), allow_pickle=False) as found:
        return _value(json.loads(found[TREE].tobytes()), found)


def _tree(value: Any, arrays: Arrays) -> Any:  # noqa: ANN401 - as above
    if isinstance(value, np.ndarray) and value.dtype != object:
        arrays.append(value)
        return {ARRAY: str(len(arrays) - 1)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return {TUPLE: [_tree(part, arrays) for part in value]}
    if isinstance(value, Mapping):
        return {MAPPING: {name: _tree(part, arrays) for name, part in value.items()}}
    if is_dataclass(value) and type(value).__name__ in CLASSES:
        parts = {field.name: _tree(getattr(value, field.name), arrays) for field in fields(value)}
        return {CLASS: type(value).__name__, MAPPING: parts}
    raise TypeError(f"A {type(value).__name__} is not kept.")


def _value(tree: Any, arrays: Mapping[str, NDArray[Any]]) -> Any:  # noqa: ANN401 - as above
    if not isinstance(tree, dict):
        return tree
    if ARRAY in tree:
        return arrays[tree[ARRAY]]
    if TUPLE in tree:
        return tuple(_value(part, arrays) for part in tree[TUPLE])
    parts = {name: _value(part, arrays) for name, part in tree[MAPPING].items()}
    return CLASSES[tree[CLASS]](**parts) if CLASS in tree else parts
