"""Series in DeepAR's training form, one JSON object each, made one table with the columns that they stand for.

    {"start": "2024-01-01", "target": [1, null, "NaN"], "cat": [0, 3], "dynamic_feat": [[0, 1, 1]]}

`cat` becomes the static columns cat_0, cat_1, …; `dynamic_feat` the known covariates feat_0, feat_1, …
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from convect.errors import ConfigError, DataError, UserError
from convect.frequency import Frequency
from convect.reading.source import Source, damaged, not_utf8, refusal
from convect.reading.tabular import parquet_file

ITEM, STAMP, TARGET = "item_id", "timestamp", "target"
_NAMES = (ITEM, "id")
_LIST = re.compile(rb'"(target|dynamic_feat)"\s*:\s*\[')
_REMEDY = 'Write one series a line, like {"start": "2024-01-31", "target": [1, 2, null]}.'


@dataclass(frozen=True)
class _Series:
    """One record: target (rows,) and features (F, rows), NaN where not known."""

    where: str
    item: str
    start: pd.Timestamp
    target: NDArray[np.float64]
    features: NDArray[np.float64]
    categories: tuple[str, ...]


def is_records(source: Source) -> bool:
    """Say whether a source holds series in DeepAR's form: a list as the target of its first object."""
    if source.form == "parquet":
        schema = parquet_file(source).schema_arrow
        return TARGET in schema.names and _is_list(schema.field(TARGET).type)
    first = source.head.lstrip(b"\xef\xbb\xbf \r\n\t").partition(b"\n")[0]  # of a long series only the beginning
    return source.form == "jsonl" and _LIST.search(first) is not None


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind))


def read_records(sources: Sequence[Source], freq: str | None) -> pd.DataFrame:
    """Return the rows of all series: item_id, timestamp, target, feat_0, …, cat_0, …

    A series without an `item_id` or `id` is called by its place, series-0000001. A feature longer than its target
    tells of the future: rows with an empty target. Raises ConfigError without `freq`, for the records name only
    their start, and UserError with the file and the line for what cannot be read.
    """
    if freq is None:
        message = f"{sources[0].label} has series in DeepAR's form, which name only their start."
        raise ConfigError(message, "Pass hyperparameter freq (DeepAR's time_freq), for example D.")
    series = [one for source in sources for one in _series(source)]
    if not series:
        raise refusal(sources[0], "holds no series.", _REMEDY)
    series = [one if one.item else _named(one, place) for place, one in enumerate(series, 1)]
    _refuse_unlike(series)
    lengths = np.array([len(one.target) for one in series])
    columns: dict[str, Any] = {ITEM: np.repeat(np.array([one.item for one in series], dtype=object), lengths)}
    columns[STAMP] = _stamps(freq, series, lengths)
    columns[TARGET] = np.concatenate([one.target for one in series])
    features = np.concatenate([one.features for one in series], axis=1)
    columns |= {f"feat_{place}": feature for place, feature in enumerate(features)}
    for place in range(len(series[0].categories)):
        columns[f"cat_{place}"] = np.repeat(np.array([one.categories[place] for one in series], object), lengths)
    return pd.DataFrame(columns)


def record_roles(columns: Sequence[str]) -> dict[str, str | list[str]]:
    """Return which of a record table's columns plays which role, in the schema's own form."""
    return {
        "item_id": [ITEM],
        "timestamp": STAMP,
        "target": TARGET,
        "known_covariates": [name for name in columns if name.startswith("feat_")],
        "static": [name for name in columns if name.startswith("cat_")],
    }


def _stamps(freq: str, series: list[_Series], lengths: NDArray[np.int64]) -> NDArray[np.datetime64]:
    """The steps from each start; starts of one phase (all Mondays, all at nine) keep it, others lie within a step."""
    starts = np.array([one.start for one in series], "datetime64[ns]")
    try:
        step = Frequency.infer(starts, np.arange(len(starts)), freq)
    except DataError:
        step = Frequency.parse(freq)
    before = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    return step.instants(np.repeat(step.ordinal(starts) - before, lengths) + np.arange(lengths.sum()))


def _series(source: Source) -> Iterator[_Series]:
    try:
        for number, record in _objects(source):
            yield _parsed(source, number, record)
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    except (OSError, EOFError, pa.ArrowException) as error:
        raise damaged(source, error) from error


def _objects(source: Source) -> Iterator[tuple[int, object]]:
    if source.form == "parquet":
        yield from enumerate(parquet_file(source).read().to_pylist(), 1)
        return
    with io.TextIOWrapper(source.open(), encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield number, json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise _bad(source, number, "is not a JSON object") from error


def _parsed(source: Source, number: int, record: object) -> _Series:
    if not isinstance(record, Mapping):
        raise _bad(source, number, "is not a JSON object")
    target = _numbers(source, number, TARGET, record.get(TARGET))
    given = record.get("dynamic_feat") or []
    if not isinstance(given, list):
        raise _bad(source, number, "has a dynamic_feat that is no list of lists")
    features = [_numbers(source, number, "dynamic_feat", feature) for feature in given]
    length = max(map(len, [target, *features]))
    short = min(map(len, features), default=length)
    if short < len(target) or len({len(feature) for feature in features}) > 1:
        raise _bad(source, number, f"has a dynamic_feat of {short} values for a target of {len(target)}")
    return _Series(
        where=f"Line {number} of {source.label[:1].lower()}{source.label[1:]}",
        item=next((str(record[name]) for name in _NAMES if record.get(name) is not None), ""),
        start=_start(source, number, record.get("start")),
        target=np.concatenate([target, np.full(length - len(target), np.nan)]),
        features=np.array(features, float).reshape(len(features), length),
        categories=_categories(record.get("cat")),
    )


def _numbers(source: Source, number: int, name: str, values: object) -> NDArray[np.float64]:
    """Numbers, null and "NaN" as floats."""
    if not isinstance(values, list) or not values:
        raise _bad(source, number, f"has a {name} that is no list of numbers")
    try:
        found = np.array(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        found = np.empty((0, 0))
    if found.ndim != 1:
        raise _bad(source, number, f"has a {name} with a value that is no number")
    return found


def _start(source: Source, number: int, value: object) -> pd.Timestamp:
    try:
        stamp = pd.Timestamp(str(value)) if isinstance(value, str | datetime) else pd.NaT
    except ValueError:
        stamp = pd.NaT
    if isinstance(stamp, pd.Timestamp):
        return stamp.tz_localize(None)
    raise _bad(source, number, "has no start that is a timestamp")


def _categories(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(map(str, values))


def _named(one: _Series, place: int) -> _Series:
    return _Series(one.where, f"series-{place:07d}", one.start, one.target, one.features, one.categories)


def _refuse_unlike(series: list[_Series]) -> None:
    first, seen = series[0], set()
    for one in series:
        for name, found, expected in (
            ("cat", len(one.categories), len(first.categories)),
            ("dynamic_feat", len(one.features), len(first.features)),
        ):
            if found != expected:
                message = f"{one.where} has {found} entries in {name} where the first series has {expected}."
                raise UserError(message, "Give each series the same number.", code="file")
        if one.item in seen:
            raise UserError(f"{one.where} repeats an item_id.", "Write each series on one line.", code="file")
        seen.add(one.item)


def _bad(source: Source, number: int, what: str) -> UserError:
    return UserError(f"Line {number} of {source.label[:1].lower()}{source.label[1:]} {what}.", _REMEDY, code="file")
