"""What the calendar says about a stamp: its place in day, week, month and year, and the public holidays near it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import ConfigError
from convect.frequency import Frequency
from convect.reading.grid import DAY_S, WEEK_S, Integers

Floats = NDArray[np.float64]
NEAR_DAYS = 7  # how far ahead and back a holiday is looked for
_FAR_DAYS = 10**6
_WEEK_ENDS = ("W-FRI", "W-SAT", "W-SUN")  # weeks named by these days are taken to end there, other weeks to begin
_YEARS = (1678, 2261)

_FEATURES: dict[str, Callable[[pd.DatetimeIndex], object]] = {
    "minute": lambda stamps: stamps.minute,
    "minute_of_day": lambda stamps: stamps.hour * 60 + stamps.minute,
    "hour": lambda stamps: stamps.hour,
    "day_of_week": lambda stamps: stamps.dayofweek,
    "day_of_month": lambda stamps: stamps.day,
    "days_left_in_month": lambda stamps: stamps.days_in_month - stamps.day,
    "day_of_year": lambda stamps: stamps.dayofyear,
    "week": lambda stamps: stamps.isocalendar().week,
    "month": lambda stamps: stamps.month,
}
_OF_FAMILY = {
    "s": ("minute", "hour", "day_of_week"),
    "min": ("minute_of_day", "day_of_week", "day_of_month", "day_of_year"),
    "h": ("hour", "day_of_week", "day_of_month", "day_of_year"),
    "D": ("day_of_week", "day_of_month", "days_left_in_month", "day_of_year", "month"),
    "B": ("day_of_week", "day_of_month", "days_left_in_month", "day_of_year", "month"),
    "W": ("week", "day_of_month", "month"),
    "M": ("month", "days_in_step", "weekdays_in_step"),
    "Q": ("month", "days_in_step", "weekdays_in_step"),
    "Y": ("days_in_step", "weekdays_in_step"),
}


def calendar_features(stamps: pd.DatetimeIndex, frequency: Frequency) -> tuple[Floats, tuple[str, ...]]:
    """Return the calendar features that tell steps of this frequency apart, (rows, F), and their F names.

    Sub-daily: time of day, days of week, month and year; daily: also days left in the month; weekly: ISO week;
    monthly and longer: the month, days and weekdays in the step. Monday is 0, January 1.
    """
    names = _OF_FAMILY[frequency.family]
    distinct, back = np.unique(np.asarray(stamps, "datetime64[ns]"), return_inverse=True)
    return _columns([_feature(name, pd.DatetimeIndex(distinct), frequency) for name in names], back), names


def holiday_features(
    stamps: pd.DatetimeIndex, countries: tuple[str, ...], frequency: Frequency
) -> tuple[Floats, tuple[str, ...]]:
    """Return the public holidays of each country, (rows, columns), and the columns' names; no network is used.

    Steps of up to a day: 1 on a holiday, else 0; daily also the days to the next and since the last holiday, 0 on
    one and at most 7. Longer steps: how many holidays lie in the step. Raises ConfigError for an unknown country.
    """
    check_countries(countries)
    distinct, back = np.unique(np.asarray(stamps, "datetime64[ns]"), return_inverse=True)
    columns: list[Floats] = []
    names: list[str] = []
    for country in countries:
        found = _of_country(distinct, country, frequency)
        columns += found.values()
        names += found
    return _columns(columns, back), tuple(names)


def check_countries(countries: tuple[str, ...]) -> None:
    """Raise ConfigError where the holidays of one of these countries (two-letter codes) are not known."""
    import holidays  # not above: it takes a sixth of a second of each start, and few models have holidays

    known = holidays.list_supported_countries(include_aliases=True)
    for country in countries:
        if country not in known:
            near = difflib.get_close_matches(country.upper()[:40], known, n=3, cutoff=0.5)
            hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else ""
            message = f"holidays names {country[:40]!a}, which is no country with known holidays."
            raise ConfigError(message, f"{hint} Use two-letter codes such as US or DE.")


def _columns(columns: list[Floats], back: NDArray[np.intp]) -> Floats:
    return np.stack(columns, axis=1)[back.reshape(-1)] if columns else np.empty((back.size, 0))


def _feature(name: str, stamps: pd.DatetimeIndex, frequency: Frequency) -> Floats:
    if name in _FEATURES:
        return np.asarray(_FEATURES[name](stamps), np.float64)
    first, after = _covered_days(stamps.to_numpy(), frequency)
    if name == "days_in_step":
        return (after - first).astype(np.float64)
    return np.asarray(np.busday_count(_dates(first), _dates(after)), np.float64)


def _of_country(stamps: NDArray[np.datetime64], country: str, frequency: Frequency) -> dict[str, Floats]:
    days = stamps.astype("datetime64[D]").astype(np.int64)
    festive = _holidays(country, *_years(days))
    daily = frequency.grid.step == {"D": DAY_S, "B": 1}.get(frequency.family)
    if not daily and not (frequency.grid.unit == "second" and frequency.grid.step < DAY_S):
        first, after = _covered_days(stamps, frequency)
        count = np.searchsorted(festive, after) - np.searchsorted(festive, first)
        return {f"holidays_{country}": count.astype(np.float64)}
    columns = {f"holiday_{country}": np.isin(days, festive).astype(np.float64)}
    if daily:
        edges = np.r_[-_FAR_DAYS, festive, _FAR_DAYS]
        following = edges[np.searchsorted(edges, days)] - days
        preceding = days - edges[np.searchsorted(edges, days, side="right") - 1]
        columns[f"days_to_holiday_{country}"] = np.minimum(following, NEAR_DAYS).astype(np.float64)
        columns[f"days_since_holiday_{country}"] = np.minimum(preceding, NEAR_DAYS).astype(np.float64)
    return columns


def _covered_days(stamps: NDArray[np.datetime64], frequency: Frequency) -> tuple[Integers, Integers]:
    """The days (since 1970) that each step covers, from the first up to but without the second.

    Steps stamped at their end cover the days up to the stamp, others those from the stamp on.
    """
    grid = frequency.grid
    ends = grid.end or (grid.step == WEEK_S and frequency.alias[:5] in _WEEK_ENDS)
    numbers = frequency.ordinal(stamps)
    near = [grid.seconds(numbers + place) // DAY_S for place in ((-1, 0) if ends else (0, 1))]
    return near[0] + ends, near[1] + ends


def _dates(days: Integers) -> NDArray[np.datetime64]:
    return days.astype("datetime64[D]")


def _years(days: Integers) -> tuple[int, int]:
    """The years to list holidays for, whole decades so that the cache is hit."""
    if not len(days):
        return _YEARS[0], _YEARS[0]
    years = _dates(np.array([days.min() - 366, days.max() + 366])).astype("datetime64[Y]").astype(np.int64) + 1970
    return max(int(years[0]) // 10 * 10, _YEARS[0]), min(int(years[1]) // 10 * 10 + 10, _YEARS[1])


@lru_cache(maxsize=512)
def _holidays(country: str, first_year: int, last_year: int) -> Integers:
    """The country's holidays as days since 1970, ascending."""
    import holidays  # as above

    found = holidays.country_holidays(country, years=range(first_year, last_year + 1))
    return np.array(sorted(found), dtype="datetime64[D]").astype(np.int64)
