"""The frequency of untidy stamps: found in spite of gaps and strays, or refused by a sentence."""

import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convect.errors import DataError
from convect.frequency import Frequency

FIXED = [
    "s",
    "30s",
    "min",
    "5min",
    "15min",
    "45min",
    "h",
    "2h",
    "7h",
    "12h",
    "D",
    "2D",
    "10D",
    "W-SUN",
    "W-MON",
    "2W-WED",
]
CALENDAR = [
    "B",
    "MS",
    "ME",
    "2MS",
    "QS-JAN",
    "QS-FEB",
    "QE-DEC",
    "QE-NOV",
    "2QS-JAN",
    "YS-JAN",
    "YS-APR",
    "YE-DEC",
    "YE-JUN",
]
BUSINESS = ["BMS", "BME", "BQS-MAR", "BQE-DEC", "BYS-JAN", "BYE-DEC"]
PANDAS = [*FIXED, *CALENDAR, *BUSINESS]
OWN = ["D@9h", "2W-SUN@1", "h@30min", "15min@7", "MS@14D", "QE-OCT@17h", "2YS-JUL@1", "B@16h", "3B@2", "2D@1@330min"]
MISFIT = (
    "UserError [data]: freq is '{0}', but the timestamps do not fit it, for example {1}. They look like {2}. "
    "Pass freq={2}, leave freq out, or aggregate the table to the frequency you want."
)


def stamps(alias: str, start: str, periods: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=periods, freq=alias)


def many(*series: pd.DatetimeIndex) -> tuple[np.ndarray, np.ndarray]:
    codes = np.repeat(np.arange(len(series)), [len(each) for each in series])
    return np.concatenate([each.to_numpy() for each in series]), codes


@pytest.mark.parametrize("alias", PANDAS)
def test_inferred_in_spite_of_gaps_and_short_items(alias: str) -> None:
    rng = np.random.default_rng(7)
    whole = stamps(alias, "1990-03-07", 100)
    gappy = whole[np.sort(rng.choice(100, 80, replace=False))]
    found = Frequency.infer(*many(whole, gappy, whole[5:6], whole[50:52], gappy[:10]))
    assert found.on_grid(whole).all()
    assert np.diff(found.ordinal(whole)).tolist() == [1] * 99


def test_daily_with_half_the_days_missing_is_daily() -> None:
    rng = np.random.default_rng(3)
    days = stamps("D", "2024-01-01", 400)[np.sort(rng.choice(400, 200, replace=False))]
    assert Frequency.infer(days).alias == "D"


def test_weekdays_need_a_weekend_that_is_skipped() -> None:
    assert Frequency.infer(stamps("B", "2024-01-01", 5)).alias == "D"
    assert Frequency.infer(stamps("B", "2024-01-01", 6)).alias == "B"


def test_weekly_keeps_its_weekday_and_the_most_common_wins() -> None:
    monday, tuesday = stamps("W-MON", "2024-01-01", 50), stamps("W-TUE", "2024-01-01", 30)
    assert Frequency.infer(*many(monday, monday, tuesday)).alias == "W-MON"
    assert Frequency.infer(*many(monday, monday, tuesday), stated="W").alias == "W-MON"


@pytest.mark.parametrize("alias", ["D", "W-MON", "MS", "QS-JAN", "h"])
def test_a_stray_stamp_does_not_make_the_step_short(alias: str) -> None:
    index = stamps(alias, "2020-01-01", 24).to_numpy()
    index[7] = index[7] + np.timedelta64(40 if alias == "h" else 13 * 60, "m")
    assert Frequency.infer(index).alias == alias


def test_a_few_days_a_week_are_days() -> None:
    days = pd.date_range("2024-01-01", periods=200)
    assert Frequency.infer(days[days.dayofweek.isin([0, 3])]).alias == "D"
    assert Frequency.infer(days[days.dayofweek.isin([0, 2, 4])]).alias == "D"


def test_days_of_a_month_that_wander_are_still_months() -> None:
    thirtieth = pd.DatetimeIndex(["2023-12-30", "2024-01-30", "2024-02-29", "2024-03-30", "2024-04-30", "2024-05-30"])
    assert Frequency.infer(thirtieth).alias == "ME"


def test_jitter_of_seconds_is_hourly() -> None:
    rng = np.random.default_rng(1)
    jittered = stamps("h", "2024-01-01", 200) + pd.to_timedelta(rng.integers(-20, 20, 200), unit="s")
    found = Frequency.infer(jittered)
    assert found.alias == "h"
    assert np.diff(found.ordinal(jittered)).tolist() == [1] * 199


def test_summer_time_in_utc_is_daily() -> None:
    local = pd.date_range("2024-01-01 06:00", periods=400, freq="D", tz="Europe/Berlin")
    found = Frequency.infer(local.tz_convert("UTC").tz_localize(None))
    assert found.family == "D"
    assert np.diff(found.ordinal(local.tz_convert("UTC").tz_localize(None))).tolist() == [1] * 399


@pytest.mark.parametrize(
    ("stated", "data", "alias"),
    [
        *(
            ("M", "MS", "MS"),
            ("M", "ME", "ME"),
            ("1M", "BME", "BME"),
            ("W", "W-THU", "W-THU"),
            ("Q", "QE-NOV", "QE-NOV"),
        ),
        *(
            ("Y", "YS-APR", "YS-APR"),
            ("A", "YE-DEC", "YE-DEC"),
            ("QS", "QS-FEB", "QS-FEB"),
            ("7D", "W-FRI", "W-FRI"),
        ),
    ],
)
def test_what_is_left_open_is_found_in_the_data(stated: str, data: str, alias: str) -> None:
    found = Frequency.infer(stamps(data, "2001-02-03", 40), stated=stated)
    assert found.alias == alias
    assert found.matches(stated)


@pytest.mark.parametrize(
    ("stated", "data", "example"),
    [("MS", "ME", "2024-01-31 00:00:00"), ("W", "D", "2024-01-01 00:00:00"), ("B", "h", "2024-01-01 01:00:00")],
)
def test_a_stated_frequency_that_does_not_fit_is_refused(stated: str, data: str, example: str) -> None:
    with pytest.raises(DataError) as caught:
        Frequency.infer(stamps(data, "2024-01-01", 48), stated=stated)
    assert str(caught.value) == MISFIT.format(stated, example, data)


@pytest.mark.parametrize(("stated", "data", "multiple"), [("h", "D", 24), ("D", "W-MON", 7), ("MS", "QS-JAN", 3)])
def test_a_frequency_finer_than_the_data_is_refused(stated: str, data: str, multiple: int) -> None:
    with pytest.raises(DataError) as caught:
        Frequency.infer(stamps(data, "2024-01-01", 30), stated=stated)
    assert str(caught.value) == (
        f"UserError [data]: freq is '{stated}', but all timestamps are a multiple of {multiple} such steps apart."
        " Correct hyperparameter freq, or leave it out."
    )


def test_irregular_stamps_are_refused() -> None:
    irregular = pd.to_datetime(np.cumsum(np.array([1, 7, 61, 3701, 86477, 13, 77777, 5, 999, 31])), unit="s")
    with pytest.raises(DataError) as caught:
        Frequency.infer(irregular)
    assert str(caught.value) == (
        "UserError [data]: The timestamps have no regular step; the most common differences are 5 seconds (11%), "
        "7 seconds (11%), 13 seconds (11%). Pass the hyperparameter freq, for example freq=D, or aggregate the table "
        "to regular steps."
    )


def test_one_stamp_an_item_cannot_be_inferred() -> None:
    with pytest.raises(DataError) as caught:
        Frequency.infer(*many(stamps("D", "2024-01-01", 1), stamps("D", "2024-02-01", 1)))
    assert str(caught.value) == (
        "UserError [data]: No item has two different timestamps, so the frequency cannot be inferred. Pass the "
        "hyperparameter freq, for example freq=D, or aggregate the table to regular steps."
    )
    assert Frequency.infer(stamps("W-MON", "2024-01-01", 1), stated="W").alias == "W-MON"


@given(st.lists(st.integers(-(2**31), 2**32), min_size=0, max_size=30), st.sampled_from([None, *PANDAS, "M", "W", "Q"]))
@settings(deadline=None)
def test_any_stamps_give_a_frequency_or_a_user_error(seconds: list[int], stated: str | None) -> None:
    try:
        found = Frequency.infer(np.sort(np.array(seconds, np.int64)).astype("datetime64[s]"), stated=stated)
    except DataError:
        return
    assert Frequency(found.alias) == found
    assert stated is None or found.matches(stated)


@given(st.sampled_from(PANDAS + OWN), st.integers(3, 40))
@settings(deadline=None)
def test_inference_does_not_depend_on_where_the_items_stand(alias: str, periods: int) -> None:
    first, second = Frequency(alias).stamps("2001-01-01", periods), Frequency(alias).stamps("2003-05-05", periods + 2)
    assert Frequency.infer(*many(first, second)) == Frequency.infer(*many(second, first))


def test_a_million_rows_take_seconds() -> None:
    day = np.arange(100)
    values = (np.datetime64("2020-01-01", "s") + (day * 86_400).astype("timedelta64[s]"))[None, :].repeat(10_000, 0)
    codes = np.repeat(np.arange(10_000), 100)
    begun = time.perf_counter()
    assert Frequency.infer(values.ravel(), codes).alias == "D"
    assert time.perf_counter() - begun < 5
