"""Calendar and holiday features: by hand, against pandas and the standard library, and in any order of stamps."""

import calendar as standard_calendar

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convect.calendar import calendar_features, holiday_features
from convect.errors import ConfigError
from convect.frequency import Frequency

ALIASES = [
    "10s",
    "5min",
    "h",
    "D",
    "B",
    "2D",
    "W-MON",
    "W-SUN",
    "2W-WED",
    "MS",
    "ME",
    "2MS",
    "QS-JAN",
    "QE-DEC",
    "YS-JAN",
]


def stamps(alias: str, start: str, periods: int) -> pd.DatetimeIndex:
    return Frequency(alias).stamps(start, periods)


def holidays_of(alias: str, *days: str, countries: tuple[str, ...] = ("US",)) -> dict[str, list[float]]:
    values, names = holiday_features(pd.DatetimeIndex(days), countries, Frequency(alias))
    return {name: values[:, place].tolist() for place, name in enumerate(names)}


def test_daily_by_hand() -> None:
    values, names = calendar_features(pd.DatetimeIndex(["2024-02-29", "2024-12-31"]), Frequency("D"))
    assert names == ("day_of_week", "day_of_month", "days_left_in_month", "day_of_year", "month")
    assert values.tolist() == [[3, 29, 0, 60, 2], [1, 31, 0, 366, 12]]


def test_months_know_their_length_and_weekdays() -> None:
    for alias, day in (("MS", "2024-02-01"), ("ME", "2024-02-29")):
        values, names = calendar_features(pd.DatetimeIndex([day]), Frequency(alias))
        assert (names, values.tolist()) == (("month", "days_in_step", "weekdays_in_step"), [[2, 29, 21]])


@pytest.mark.parametrize(
    ("alias", "names"),
    [
        ("h", ("hour", "day_of_week", "day_of_month", "day_of_year")),
        ("15min", ("minute_of_day", "day_of_week", "day_of_month", "day_of_year")),
        ("W-SUN", ("week", "day_of_month", "month")),
        ("YS", ("days_in_step", "weekdays_in_step")),
    ],
)
def test_only_what_tells_steps_apart(alias: str, names: tuple[str, ...]) -> None:
    assert calendar_features(stamps(alias, "2024-01-01", 3), Frequency(alias))[1] == names


def test_quarter_days_agree_with_the_standard_library() -> None:
    index = stamps("QS-JAN", "1999-01-01", 40)
    values, names = calendar_features(index, Frequency("QS-JAN"))
    expected = [
        sum(standard_calendar.monthrange(stamp.year, month)[1] for month in range(stamp.month, stamp.month + 3))
        for stamp in index
    ]
    assert values[:, names.index("days_in_step")].tolist() == expected


def test_daily_holidays_by_hand() -> None:
    found = holidays_of("D", "2024-07-03", "2024-07-04", "2024-07-05", "2024-07-16", "2024-06-28")
    assert found == {
        "holiday_US": [0, 1, 0, 0, 0],
        "days_to_holiday_US": [1, 0, 7, 7, 6],
        "days_since_holiday_US": [7, 0, 1, 7, 7],
    }


def test_hours_are_in_their_day() -> None:
    assert holidays_of("h", "2024-07-03 23:00", "2024-07-04 00:00", "2024-07-04 23:00") == {"holiday_US": [0, 1, 1]}


def test_weeks_count_the_days_they_cover() -> None:
    assert holidays_of("W-MON", "2024-12-23", "2024-12-30", "2025-01-06") == {"holidays_US": [1, 1, 0]}
    assert holidays_of("W-SUN", "2024-12-22", "2024-12-29", "2025-01-05") == {"holidays_US": [0, 1, 1]}


@pytest.mark.parametrize(("alias", "day"), [("MS", "2024-11-01"), ("ME", "2024-11-30"), ("MS@14D", "2024-11-15")])
def test_months_count_the_days_they_cover(alias: str, day: str) -> None:
    assert holidays_of(alias, day) == {"holidays_US": [1 if alias == "MS@14D" else 2]}


def test_two_countries_side_by_side() -> None:
    found = holidays_of("MS", "2024-10-01", countries=("DE", "US"))
    assert found == {"holidays_DE": [1], "holidays_US": [1]}
    assert list(holidays_of("D", "2024-10-03", countries=("DE", "US")))[::3] == ["holiday_DE", "holiday_US"]


def test_counts_of_a_year_agree_with_the_days() -> None:
    days = pd.date_range("2020-01-01", "2023-12-31")
    daily = holiday_features(days, ("DE",), Frequency("D"))[0][:, 0]
    yearly = holiday_features(pd.date_range("2020", periods=4, freq="YS"), ("DE",), Frequency("YS"))[0][:, 0]
    assert pd.Series(daily, days).groupby(days.year).sum().tolist() == yearly.tolist()
    weekly = holiday_features(pd.date_range("2020-01-06", periods=100, freq="W-MON"), ("DE",), Frequency("W-MON"))[0]
    assert weekly[:, 0].tolist() == daily[5:705].reshape(100, 7).sum(axis=1).tolist()


def test_unknown_country() -> None:
    with pytest.raises(ConfigError) as caught:
        holidays_of("D", "2024-01-01", countries=("US", "USS"))
    message = str(caught.value)
    assert message.startswith(
        "UserError [config]: holidays names 'USS', which is no country with known holidays. Did you "
    )
    assert "'US'" in message and message.endswith("Use two-letter codes such as US or DE.")


def test_no_country_and_no_stamp_give_empty_arrays() -> None:
    assert holiday_features(stamps("D", "2024-01-01", 3), (), Frequency("D"))[0].shape == (3, 0)
    assert holiday_features(pd.DatetimeIndex([]), ("US",), Frequency("D"))[0].shape == (0, 3)
    assert calendar_features(pd.DatetimeIndex([]), Frequency("MS"))[0].shape == (0, 3)


@given(st.sampled_from(ALIASES), st.lists(st.integers(-500, 500), min_size=1, max_size=30))
@settings(deadline=None)
def test_each_stamp_stands_alone(alias: str, steps: list[int]) -> None:
    frequency = Frequency(alias)
    index = frequency.from_ordinal(
        frequency.ordinal(["2010-01-01"])[0] + np.array(steps) // (20 if "Y" in alias else 1)
    )
    for features in (calendar_features(index, frequency)[0], holiday_features(index, ("US", "SE"), frequency)[0]):
        assert np.isfinite(features).all()
        assert features.shape[0] == len(index)
    alone = calendar_features(index[:1], frequency)[0], holiday_features(index[:1], ("US", "SE"), frequency)[0]
    np.testing.assert_array_equal(alone[0][0], calendar_features(index, frequency)[0][0])
    np.testing.assert_array_equal(alone[1][0], holiday_features(index, ("US", "SE"), frequency)[0][0])
