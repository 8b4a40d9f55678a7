"""Read single columns of a user's table: which are there, item ids, numbers; each refusal names column and row."""

from __future__ import annotations

import datetime
import numbers
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import DataError, SeriesError, nearest
from convect.reading.blocks import Codes, Integers, looked_up

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
LARGEST = 1e100  # beyond it squares overflow; such numbers are taken as infinite
_EMPTY = frozenset(("", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "<na>", "-"))
_GROUPED = re.compile(r"[+-]?\d{1,3}([.,' ]\d{3})*[.,]\d+|[+-]?\d{1,3}([.,' ]\d{3})+")


def example(value: object) -> str:
    """Return a value as it is quoted in a sentence: escaped and at most 40 characters of it."""
    return ascii(str(value)[:40])


def listed(row_numbers: Integers) -> str:
    """Return numbers of rows (m,) as a sentence names them, of more than five the first: "1, 2, 3, 4, 5 and 9 more"."""
    shown = [str(number) for number in row_numbers[:5]]
    last = f"{len(row_numbers) - 5} more" if len(row_numbers) > 5 else shown.pop()
    return f"{', '.join(shown)} and {last}" if shown else last


def refuse_rows(bad: Mask, of: Callable[[Integers, Integers], DataError]) -> NoReturn:
    """Raise SeriesError for the bad rows of a table, a mask (rows,), in the words of `of`, which that error keeps."""
    places = np.flatnonzero(bad)
    error = of(places, places + 1)
    raise SeriesError(error.message, error.remedy, code=error.code, rows=bad, of=of)


def plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with texts as column names; one that has them already is not copied."""
    named = all(isinstance(column, str) for column in table.columns)
    return table if named else table.set_axis([str(column) for column in table.columns], axis=1)


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


def coded_ids(frame: pd.DataFrame, names: Sequence[str], where: str) -> tuple[Codes, NDArray[np.object_]]:
    """Return codes (rows,) and what each stands for, (codes, len(names)) texts: 7 and 7.0 both "7", "007" as it is.

    Raises DataError with the row of an empty one.
    """
    codes: Codes = np.zeros(len(frame), np.int32)
    parts = np.empty((1, 0), dtype=object)
    for name in names:
        own, texts = _texts(frame[name], name, where)
        pairs, found = (own, np.arange(len(texts))) if not parts.shape[1] else _paired(codes, own, len(texts))
        codes, parts = pairs, np.column_stack([parts[found // len(texts)], texts[found % len(texts)]])
    return codes, parts


def _paired(left: Codes, right: Codes, count: int) -> tuple[Codes, NDArray[np.int64]]:
    """Code each pair of codes anew; the pair of code k is (found[k] // count, found[k] % count)."""
    codes, found = pd.factorize(left.astype(np.int64) * count + right)
    return codes, np.asarray(found, np.int64)


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


def _texts(column: pd.Series[Any], name: str, where: str) -> tuple[Codes, NDArray[np.object_]]:
    """Return codes (rows,) and the distinct texts."""
    codes, distinct = factorized(column, name, where)
    place, texts = pd.factorize(np.array([as_text(value) for value in distinct], dtype=object))
    codes = codes if len(texts) == len(distinct) else np.where(codes < 0, -1, place[codes])
    blank = np.flatnonzero(texts == "")
    empty = codes < 0 if not len(blank) else (codes < 0) | (codes == blank[0])
    if empty.any():
        message = f"Column {example(name)} of {where} is empty in row {int(np.argmax(empty)) + 1}"
        count = int(empty.sum())
        more = f" and {count - 1} more" if count > 1 else ""
        raise DataError(f"{message}{more}, so the item is not known.", "Fill it in, or remove these rows.")
    return codes, np.asarray(texts, dtype=object)


def factorized(column: pd.Series[Any], name: str, where: str) -> tuple[Codes, NDArray[np.object_]]:
    """Return codes (rows,), -1 where empty, and the distinct values. Raises DataError for lists and the like."""
    try:
        return distinct_values(column)
    except TypeError as error:
        message = f"Column {example(name)} of {where} holds lists or objects."
        raise DataError(message, "Write one text or number a row.") from error


def distinct_values(column: pd.Series[Any]) -> tuple[Codes, NDArray[np.object_]]:
    """Return codes (rows,), -1 where empty, and the distinct values; categories that no row has are none of them.

    Raises TypeError for lists and the like.
    """
    if not isinstance(column.dtype, pd.CategoricalDtype):
        codes, distinct = pd.factorize(column.to_numpy(dtype=object))
        return codes, np.asarray(distinct, dtype=object)
    codes, values = column.array.codes, column.cat.categories.to_numpy(dtype=object)
    used = pd.unique(codes)
    used = np.sort(used[used >= 0])
    if len(used) == len(values):
        return codes, values
    place = np.full(len(values) + 1, -1)  # the last is for -1, an empty cell
    place[used] = np.arange(len(used))
    return looked_up(place, codes), values[used]


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
    the first five of them and the kind of the first; true and false are no numbers.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iuf":
        return _finite(column.to_numpy(np.float64), _nowhere(len(column)))
    codes, distinct = factorized(column, name, where)
    values, text, bad = _parsed(distinct)
    missing = codes < 0
    if not len(distinct):
        return _finite(np.full(len(codes), np.nan), _nowhere(len(codes)))
    wrong = bad[codes] & ~missing
    if wrong.any():
        what = f"The {role} column {example(name)} of {where}"
        refuse_rows(wrong, lambda places, row_numbers: _no_number(what, row_numbers, distinct[codes[places[0]]]))
    return _finite(np.where(missing, np.nan, values[codes]), text[codes] & ~missing)


def _finite(values: Floats, text: Mask) -> Numbers:
    if len(values) and max(np.fmax.reduce(values), -np.fmin.reduce(values)) > LARGEST:
        infinite = np.abs(values) > LARGEST
        return Numbers(np.where(infinite, np.nan, values), text, infinite)
    return Numbers(values, text, _nowhere(len(values)))


def _nowhere(rows: int) -> Mask:
    """False (rows,), in no memory."""
    return np.broadcast_to(np.False_, rows)


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


def _no_number(what: str, row_numbers: Integers, value: object) -> DataError:
    count = len(row_numbers)
    rows = "1 row that is no number" if count == 1 else f"{count} rows that are no number (rows {listed(row_numbers)})"
    message = f"{what} has {rows}: row {row_numbers[0]} holds {_kind(value)}."
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
