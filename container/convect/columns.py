"""Read single columns of a user's table: which are there, item ids, numbers; each refusal names column and row."""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import DataError, nearest

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
LARGEST = 1e100  # beyond it squares overflow; such numbers are taken as infinite
_EMPTY = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "<na>", "-"))
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,' ]\d{3})*[.,]\d+|[+-]?\d{1,3}([.,' ]\d{3})+")


def example(value: object) -> str:
    """Return a value as it is quoted in a sentence: escaped and at most 40 characters of it."""
    return ascii(str(value)[:40])


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with texts as column names, not copied."""
    return table.set_axis([str(column) for column in table.columns], axis=1)


def require(frame: pd.DataFrame, names: Iterable[str], where: str) -> None:
    """Refuse, with DataError, a table that lacks one of these columns or has one of them twice."""
    columns = [str(column) for column in frame.columns]
    for name in names:
        if columns.count(name) > 1:
            raise DataError(f"{where[:1].upper()}{where[1:]} has column {example(name)} twice.", "Rename one of them.")
        if name not in columns:
            shown = ", ".join(column[:40] for column in columns[:20]) or "none"
            more = f" and {len(columns) - 20} more" if len(columns) > 20 else ""
            message = f"{where[:1].upper()}{where[1:]} lacks column {example(name)}."
            raise DataError(message, f"{nearest(name, columns)} Columns found: {shown}{more}.", code="column_missing")


def text_ids(frame: pd.DataFrame, names: Sequence[str], where: str) -> NDArray[np.object_]:
    """Return (rows, len(names)) texts: 7 and 7.0 both as "7", "007" as it is.

    Raises DataError with the row of an empty one.
    """
    parts = [_texts(frame[name], name, where) for name in names]
    return np.stack(parts, axis=1) if parts else np.empty((len(frame), 0), dtype=object)


def joined(parts: NDArray[np.object_], names: Sequence[str]) -> NDArray[np.object_]:
    """Return (rows,) the parts of each row joined with "/". Raises DataError where two items would become one."""
    if parts.shape[1] <= 1:
        return parts[:, 0] if parts.shape[1] else np.full(len(parts), "series", dtype=object)
    whole = pd.Series(parts[:, 0], dtype=object)
    for place in range(1, parts.shape[1]):
        whole = whole + "/" + pd.Series(parts[:, place], dtype=object)
    if any("/" in text for place in range(parts.shape[1]) for text in pd.unique(parts[:, place])):
        distinct = pd.DataFrame(parts).drop_duplicates().index
        if len(distinct) != whole.nunique():
            shown = " and ".join(example(name) for name in names)
            message = f"Columns {shown} joined with '/' give two items the same name."
            raise DataError(message, "Write another character for '/' in these columns.")
    return whole.to_numpy(dtype=object)


def _texts(column: pd.Series[Any], name: str, where: str) -> NDArray[np.object_]:
    codes, distinct = factorized(column, name, where)
    texts = np.array([as_text(value) for value in distinct], dtype=object)
    empty = codes < 0 if not len(texts) else (codes < 0) | (np.array([not text for text in texts])[codes])
    if empty.any():
        message = f"Column {example(name)} of {where} is empty in row {int(np.argmax(empty)) + 1}"
        count = int(empty.sum())
        more = f" and {count - 1} more" if count > 1 else ""
        raise DataError(f"{message}{more}, so the item is not known.", "Fill it in, or remove these rows.")
    return texts[codes]


def factorized(column: pd.Series[Any], name: str, where: str) -> tuple[NDArray[np.intp], NDArray[np.object_]]:
    """Return codes (rows,), -1 where empty, and the distinct values. Raises DataError for lists and the like."""
    try:
        codes, distinct = pd.factorize(column.to_numpy(dtype=object))
    except TypeError as error:
        message = f"Column {example(name)} of {where} holds lists or objects."
        raise DataError(message, "Write one text or number a row.") from error
    return codes, np.asarray(distinct, dtype=object)


def as_text(value: object) -> str:
    """Return an id or a category as text, whole numbers without a decimal point, blanks as the empty text."""
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_ | numbers.Integral):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < 2**53 else str(value)
    text = str(value)
    return text if text.strip() else ""


@dataclass(frozen=True)
class Numbers:
    """A column as numbers: `values` (rows,), NaN where empty or infinite; where it was text, and where infinite."""

    values: Floats
    was_text: Mask
    infinite: Mask


def read_numbers(column: pd.Series[Any], name: str, where: str, role: str) -> Numbers:
    """Return a column as floats; numbers written as text are read, thousands separators are not guessed.

    `role` says in errors what the column is for ("target"). Raises DataError with how many rows are no number,
    the first of them and its kind; true and false are no numbers.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        values = column.to_numpy(np.float64, copy=True)
        return _finite(values, np.zeros(len(values), bool))
    codes, distinct = factorized(column, name, where)
    values, text, bad = _parsed(distinct)
    missing = codes < 0
    if not len(distinct):
        return _finite(np.full(len(codes), np.nan), np.zeros(len(codes), bool))
    wrong = bad[codes] & ~missing
    if wrong.any():
        row = int(np.argmax(wrong))
        raise _no_number(name, where, role, int(wrong.sum()), row, distinct[codes[row]])
    return _finite(np.where(missing, np.nan, values[codes]), text[codes] & ~missing)


def _finite(values: Floats, text: Mask) -> Numbers:
    infinite = np.abs(values) > LARGEST
    values[infinite] = np.nan
    return Numbers(values, text, infinite)


def _parsed(distinct: NDArray[np.object_]) -> tuple[Floats, Mask, Mask]:
    """For each distinct value: the number, whether it was text with a number, whether it is no number."""
    values = np.full(len(distinct), np.nan)
    text, bad = np.zeros(len(distinct), bool), np.zeros(len(distinct), bool)
    is_text = np.array([isinstance(value, str) for value in distinct], dtype=bool)
    if is_text.any():
        stripped = pd.Series(distinct[is_text], dtype=object).str.strip()
        numeric = pd.to_numeric(stripped, errors="coerce").to_numpy(np.float64, copy=True)
        read = ~np.isnan(numeric)
        numeric[read] = stripped.to_numpy(dtype=object)[read].astype(float)  # to_numeric alone is not exact
        empty = stripped.str.lower().isin(_EMPTY).to_numpy()
        values[is_text], text[is_text], bad[is_text] = numeric, ~empty, np.isnan(numeric) & ~empty
    for place in np.flatnonzero(~is_text):
        values[place], bad[place] = _plain_number(distinct[place])
    return values, text, bad


def _plain_number(value: object) -> tuple[float, bool]:
    if isinstance(value, bool | np.bool_) or not hasattr(value, "__float__"):
        return np.nan, True
    try:
        return float(value), False
    except OverflowError:
        return np.inf, False
    except (TypeError, ValueError):
        return np.nan, True


def _no_number(name: str, where: str, role: str, count: int, row: int, value: object) -> DataError:
    rows = "1 row that is" if count == 1 else f"{count} rows that are"
    message = f"The {role} column {example(name)} of {where} has {rows} no number: row {row + 1} holds {_kind(value)}."
    return DataError(message, _number_remedy(value), code="not_a_number")


def _kind(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "true or false"
    if isinstance(value, datetime.date | np.datetime64 | pd.Period):
        return "a date"
    if not isinstance(value, str):
        return f"a {type(value).__name__}"
    grouped = _GROUPED.fullmatch(value.strip())
    return f"{'a number with separators' if grouped else 'text'}, {example(value)}"


def _number_remedy(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return "Write 1 and 0."
    if isinstance(value, str) and _GROUPED.fullmatch(value.strip()):
        return "Write it without thousands separators and with a decimal point, for example 1234.5."
    return "Write a number such as 1234.5, or leave the cell empty where it is not known."
