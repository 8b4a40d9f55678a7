"""Read a column of timestamps, however they are written, into instants without a time zone."""

from __future__ import annotations

import datetime
import numbers
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import DataError
from convect.reading.blocks import Codes, Integers, looked_up
from convect.reading.columns import distinct_values, listed, refuse_rows

Instants = NDArray[np.datetime64]
_PLAIN_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)?")
_ZONE = r"\s*(Z|z|UTC|GMT|[+-]\d{2}(?::?\d{2}(?::\d{2})?)?)$"
_DAY_FIRST_OR_LAST = (
    r"(?P<a>\d{1,2})(?P<mark>[/.-])(?P<b>\d{1,2})(?P=mark)(?P<year>\d{4})"
    r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}(?:\.\d+)?))?\s*(?P<half>[AaPp][Mm])?)?"
)
_WORDS = (
    "%d %b %Y",
    "%d %B %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%b %Y",
    "%B %Y",
    "%b-%Y",
    "%G-W%V-%u",
    "%d%b%Y",
)
_EPOCHS_NS = ((10**8, 10**10, 10**9), (10**11, 10**13, 10**6), (10**14, 10**16, 10**3), (10**17, 10**19, 1))
_REMEDY = "Write timestamps between the years 1678 and 2261 as 2024-01-31 or 2024-01-31 18:00:00."
_AMBIGUOUS = "Write timestamps as year-month-day, for example 2024-01-31."


@dataclass(frozen=True)
class Reading:
    """`instants` (rows,) datetime64[ns]; `zoned` (rows,) True where a time zone was dropped; `utc` if turned to UTC.

    `clock_min`: how far the clock they are told by is ahead of UTC, in minutes; None where nobody says. `told_min`: the
    same, but known also where all are midnights, which name days and are kept.
    """

    instants: Instants
    zoned: NDArray[np.bool_]
    utc: bool = False
    clock_min: float | None = None
    told_min: float | None = None


def read_instants(column: pd.Series[Any], where: str) -> Reading:
    """Return the stamps of a column of dates, text, numbers (years, YYYYMMDD, epochs) or a mixture of them.

    Where all stamps have one offset from UTC, or all are midnights of their place, the clock on the wall is kept;
    where offsets differ otherwise, all are turned to UTC. `where` names the column in errors, for example
    "column 'ds' of the table". Raises DataError with the first offending row where one is missing, cannot be
    read, or may be day-month as well as month-day.
    """
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M":
        stamps = column.to_numpy()
        _refuse(~((stamps >= np.datetime64("1678")) & (stamps < np.datetime64("2262"))), column, where)
        return Reading(stamps.astype("datetime64[ns]", copy=False), np.broadcast_to(np.False_, len(column)))
    codes, distinct = _distinct(column, where)
    _refuse(codes < 0, column, where)
    plain = _plain_iso(distinct)
    if plain is not None:
        return Reading(plain[codes], np.zeros(len(column), bool))
    texts = pd.Series([_as_text(value) for value in distinct], dtype=object)
    wall, offset_min = _parse(texts, where)
    unread, zoned = wall.isna().to_numpy(), ~np.isnan(offset_min)
    if unread.any():
        _refuse(unread[codes], column, where)
    instants, utc, clock_min = _without_zone(wall.to_numpy("datetime64[ns]"), offset_min)
    by_row = looked_up(zoned, codes) if zoned.any() else np.broadcast_to(np.False_, len(codes))
    one = zoned.all() and len(np.unique(offset_min)) == 1
    told_min = float(offset_min[0]) if one else clock_min
    return Reading(looked_up(instants, codes), by_row, utc, clock_min, told_min)


def _distinct(column: pd.Series[Any], where: str) -> tuple[Codes, Any]:
    try:
        return distinct_values(column)
    except TypeError as error:
        raise DataError(f"{_sentence(where)} holds lists or objects, not timestamps.", _REMEDY) from error


def _plain_iso(distinct: Any) -> Instants | None:  # noqa: ANN401 - what pandas makes of a column
    """Read stamps that are all plain ISO text, as most are, twenty times faster; None where one is anything else."""
    if not all(isinstance(value, str) and _PLAIN_ISO.fullmatch(value) for value in distinct):
        return None
    try:
        stamps = np.array(list(distinct), "datetime64[s]")
    except ValueError:  # a day that no calendar has: the readers below say which
        return None
    inside = (stamps >= np.datetime64("1678")) & (stamps < np.datetime64("2262"))
    return stamps.astype("datetime64[ns]") if inside.all() else None


def _as_text(value: object) -> str:
    """One stamp as ISO text or digits; what is no stamp becomes text that cannot be read."""
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, np.datetime64):
        return str(value)
    if isinstance(value, pd.Period):
        return value.start_time.isoformat()
    if isinstance(value, datetime.date | datetime.datetime):
        return value.isoformat(sep=" ") if isinstance(value, datetime.datetime) else value.isoformat()
    if isinstance(value, numbers.Real) and not isinstance(value, bool) and np.isfinite(float(value)):
        return str(int(value)) if isinstance(value, numbers.Integral) else _decimal(float(value))
    return ""


def _decimal(value: float) -> str:
    return str(int(value)) if value.is_integer() else f"{value:.6f}"


def _parse(texts: pd.Series[Any], where: str) -> tuple[pd.Series[Any], NDArray[np.float64]]:
    """Clock times without zone (NaT where not read) and offsets from UTC in minutes (NaN where none)."""
    clocked = texts.str.contains(r"\d:\d|T\d", regex=True)  # else "2024-01" would end in a zone
    zones = texts.str.extract(_ZONE, expand=False).where(clocked)
    plain = texts.where(zones.isna(), texts.str.replace(_ZONE, "", regex=True))
    wall = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    for reader in (_read_numbers, _read_day_month, _read_iso, _read_words):
        left = wall.isna() & (plain != "")
        if left.any():
            wall[left] = reader(plain[left], where)
    return wall, np.asarray(zones.map(_minutes, na_action="ignore"), np.float64)


def _minutes(zone: str) -> float:
    digits = re.sub(r"\D", "", zone).ljust(4, "0")
    size = int(digits[:2]) * 60 + int(digits[2:])
    return -size if zone.startswith("-") else size


def _without_zone(wall: Instants, offset_min: NDArray[np.float64]) -> tuple[Instants, bool, float | None]:
    """Return the stamps without zones, whether they were turned to UTC, and how far their clock is ahead of it."""
    zoned = ~np.isnan(offset_min)
    if not zoned.any() or (wall == wall.astype("datetime64[D]"))[~np.isnat(wall)].all():
        return wall, False, None
    if zoned.all() and len(np.unique(offset_min)) == 1:
        return wall, False, float(offset_min[0])
    utc: Instants = wall - np.where(zoned, offset_min, 0).astype("timedelta64[m]")
    return utc, True, 0.0


def _read_numbers(texts: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Years, YYYYMM, YYYYMMDD or epochs in seconds, milliseconds, microseconds or nanoseconds; all of one kind."""
    whole = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    digits = texts[texts.str.fullmatch(r"-?\d{1,19}(\.\d+)?")]
    for length, form in ((4, "%Y"), (6, "%Y%m"), (8, "%Y%m%d")):
        if len(digits) and digits.str.fullmatch(rf"[12]\d{{{length - 1}}}").all():
            whole[digits.index] = pd.to_datetime(digits, format=form, errors="coerce")
            return whole
    values = digits.astype(float)
    for low, high, unit_ns in _EPOCHS_NS:
        if len(values) and values.abs().between(low, high).all():
            exact = [int(text) * unit_ns if "." not in text else int(float(text) * unit_ns) for text in digits]
            whole[digits.index] = pd.to_datetime(pd.Series(exact, digits.index, dtype=object), errors="coerce")
            return whole
    return whole


def _read_day_month(texts: pd.Series[Any], where: str) -> pd.Series[Any]:
    parts = texts.str.extract(f"^{_DAY_FIRST_OR_LAST}$").dropna(subset=["year"])
    if parts.empty:
        return pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    first, second = parts["a"].astype(int), parts["b"].astype(int)
    day_first = bool((parts["mark"] == ".").all()) or _day_comes_first(first, second, parts["year"].nunique(), where)
    day, month = (first, second) if day_first else (second, first)
    hour = parts["hour"].fillna("0").astype(int)
    half = parts["half"].str.lower()
    hour = hour.where(half.isna(), hour % 12 + 12 * (half == "pm"))
    date = parts["year"] + "-" + month.astype(str).str.zfill(2) + "-" + day.astype(str).str.zfill(2)
    clock = hour.astype(str).str.zfill(2) + ":" + parts["minute"].fillna("00") + ":" + parts["second"].fillna("00")
    return pd.to_datetime(date + " " + clock, format="ISO8601", errors="coerce").reindex(texts.index)


def _day_comes_first(first: pd.Series[Any], second: pd.Series[Any], years: int, where: str) -> bool:
    """Which of two numbers is the day: the one that exceeds 12, or is the same in every month of several years."""
    if (first > 12).any():
        return True
    if (second > 12).any() or bool((first == second).all()):
        return False
    steady = first.nunique() == 1, second.nunique() == 1
    if years > 1 and steady[0] != steady[1]:
        return steady[0]
    raise DataError(f"{_sentence(where)} may be read day first as well as month first.", _AMBIGUOUS)


def _read_iso(texts: pd.Series[Any], where: str) -> pd.Series[Any]:
    quarters = texts.str.extract(r"^(\d{4})[- ]?[Qq]([1-4])$")
    months = (quarters[1].astype(float) * 3 - 2).astype("Int64").astype(str).str.zfill(2)
    iso = texts.where(quarters[0].isna(), quarters[0] + "-" + months)
    return pd.to_datetime(iso.where(iso.str.match(r"\d{4}")), format="ISO8601", errors="coerce").astype(
        "datetime64[ns]"
    )


def _read_words(texts: pd.Series[Any], where: str) -> pd.Series[Any]:
    """Months by their English names, and ISO weeks ("2024-W05", their Mondays)."""
    weeks = texts.str.fullmatch(r"\d{4}-?W\d{2}")
    spelled = texts.where(~weeks, texts.str.replace(r"^(\d{4})-?(W\d{2})$", r"\1-\2-1", regex=True))
    found = pd.Series(pd.NaT, index=texts.index, dtype="datetime64[ns]")
    for form in _WORDS:
        found = found.fillna(pd.to_datetime(spelled, format=form, errors="coerce"))
    return found


def _refuse(bad: NDArray[np.bool_], column: pd.Series[Any], where: str) -> None:
    if bad.any():
        refuse_rows(bad, lambda places, row_numbers: _unread(where, row_numbers, column.iloc[places[0]]))


def _unread(where: str, row_numbers: Integers, value: Any) -> DataError:  # noqa: ANN401 - any cell
    missing = bool(pd.isna(value)) if not isinstance(value, str) else not value.strip()
    found = "is empty" if missing else f"holds {str(value)[:40]!a}, which cannot be read as a timestamp,"
    more = f" ({len(row_numbers)} rows are like it: {listed(row_numbers)})" if len(row_numbers) > 1 else ""
    return DataError(f"{_sentence(where)} {found} in row {row_numbers[0]}{more}.", _REMEDY)


def _sentence(where: str) -> str:
    return where[:1].upper() + where[1:]
