"""Stamps turned from one clock to another keep their instant."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from convect.errors import DataError
from convect.reading.clocks import clock_name, turned

SUMMER_AND_WINTER = ["2024-10-27T02:30+02:00", "2024-10-27T02:30+01:00"]
offsets = st.integers(-14 * 60, 14 * 60)


def stamps(texts: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"ds": texts, "y": range(len(texts))})


def test_two_offsets_become_one_clock() -> None:
    found, told = turned(stamps(SUMMER_AND_WINTER), "ds", 60.0, "the table", days=True)
    assert found["ds"].tolist() == [pd.Timestamp("2024-10-27 01:30"), pd.Timestamp("2024-10-27 02:30")]
    assert told == "stamps were turned from UTC+00:00 to UTC+01:00, the clock of training"


@pytest.mark.parametrize("text", ["2024-01-01T05:00", "2024-01-01T05:00+01:00", "2024-01-01", "2024-01-01T00:00+05:00"])
def test_the_same_clock_dates_and_stamps_without_one_stay(text: str) -> None:
    found, told = turned(stamps([text]), "ds", 60.0, "the table", days=True)
    assert (found["ds"].tolist(), told) == ([pd.Timestamp(text[:16])], "")


def test_without_a_clock_the_table_stays_as_it_is() -> None:
    table = stamps(SUMMER_AND_WINTER)
    for column, clock_min in (("ds", None), ("absent", 0.0)):
        found, told = turned(table, column, clock_min, "the table", days=True)
        assert_frame_equal(found, table)
        assert told == ""


def test_what_is_no_stamp_is_refused_with_its_row() -> None:
    with pytest.raises(DataError, match=r"Column 'ds' of the table holds 'soon', .* in row 2"):
        turned(stamps(["2024-01-01T05:00Z", "soon"]), "ds", 0.0, "the table", days=True)


@pytest.mark.parametrize(
    ("clock_min", "name"), [(0, "UTC+00:00"), (-210, "UTC-03:30"), (345, "UTC+05:45"), (-30, "UTC-00:30")]
)
def test_a_clock_has_its_usual_name(clock_min: float, name: str) -> None:
    assert clock_name(clock_min) == name


@given(st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), min_size=1), offsets, offsets)
def test_the_instant_is_the_same_as_the_standard_library_s(walls: list[datetime], theirs: int, ours: int) -> None:
    zoned = [wall.replace(tzinfo=timezone(timedelta(minutes=theirs)), hour=7) for wall in walls]
    found, _ = turned(stamps([moment.isoformat() for moment in zoned]), "ds", float(ours), "the table", days=True)
    expected = [moment.astimezone(UTC).replace(tzinfo=None) + timedelta(minutes=ours) for moment in zoned]
    np.testing.assert_array_equal(found["ds"].to_numpy(), np.array(expected, "datetime64[ns]"))


@pytest.mark.parametrize(("days", "hour"), [(True, 0), (False, 23)])
def test_a_midnight_is_a_day_to_daily_steps_and_an_hour_to_hourly_ones(days: bool, hour: int) -> None:
    found, told = turned(stamps(["2024-01-02T00:00+02:00"]), "ds", 60.0, "the table", days=days)
    assert found["ds"].dt.hour.tolist() == [hour]
    assert bool(told) is not days
