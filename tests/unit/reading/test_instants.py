"""Timestamps as people write them: read as meant, or refused with the row, never guessed."""

import datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import DataError
from convect.reading.instants import read_instants

WHERE = "column 'Day' of the table"
UTC = datetime.timezone.utc  # noqa: UP017
REMEDY = "Write timestamps between the years 1678 and 2261 as 2024-01-31 or 2024-01-31 18:00:00."


def read(values: Any, dtype: Any = object) -> list[str]:
    return [
        str(stamp)[:19].replace("T", " ") for stamp in read_instants(pd.Series(values, dtype=dtype), WHERE).instants
    ]


def refusal(values: Any) -> str:
    with pytest.raises(DataError) as caught:
        read(values)
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["2024-01-31", "2024-02-01 10:00"], ["2024-01-31 00:00:00", "2024-02-01 10:00:00"]),
        ([2001, 2002], ["2001-01-01 00:00:00", "2002-01-01 00:00:00"]),
        (["202401", "202402"], ["2024-01-01 00:00:00", "2024-02-01 00:00:00"]),
        ([20240131.0], ["2024-01-31 00:00:00"]),
        ([1700000000], ["2023-11-14 22:13:20"]),
        ([1700000000000.0], ["2023-11-14 22:13:20"]),
        (["1700000000000000000"], ["2023-11-14 22:13:20"]),
        (["13/02/2024", "03/04/2024"], ["2024-02-13 00:00:00", "2024-04-03 00:00:00"]),
        (["02/13/2024 1:05 PM", "03/04/2024 12:00 am"], ["2024-02-13 13:05:00", "2024-03-04 00:00:00"]),
        (
            ["01/02/2023", "01/03/2023", "01/02/2024"],
            ["2023-02-01 00:00:00", "2023-03-01 00:00:00", "2024-02-01 00:00:00"],
        ),
        (["1.2.2024", "3.4.2024"], ["2024-02-01 00:00:00", "2024-04-03 00:00:00"]),
        (["2024Q1", "2024-Q4"], ["2024-01-01 00:00:00", "2024-10-01 00:00:00"]),
        (["2024-W05", "2024-W05-3"], ["2024-01-29 00:00:00", "2024-01-31 00:00:00"]),
        (["Jan 2024", "5 February 2024"], ["2024-01-01 00:00:00", "2024-02-05 00:00:00"]),
        (
            [datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 2, 3), "2024-01-03", np.datetime64("2024-01-04")],
            ["2024-01-01 00:00:00", "2024-01-02 03:00:00", "2024-01-03 00:00:00", "2024-01-04 00:00:00"],
        ),
    ],
)
def test_read_as_meant(written: list[Any], meant: list[str]) -> None:
    assert read(written) == meant


@pytest.mark.parametrize("dtype", ["string", "category", "datetime64[s]", "period[D]"])
def test_column_types(dtype: str) -> None:
    assert read(["2024-01-01", "2024-01-02"], dtype) == ["2024-01-01 00:00:00", "2024-01-02 00:00:00"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (["2024-01-01T00:00:00Z", "2024-01-01T10:00:00+02:00"], ["2024-01-01 00:00:00", "2024-01-01 08:00:00"]),
        (["2024-01-01T10:00:00+09:00"], ["2024-01-01 10:00:00"]),
        (["2024-03-30T00:00:00+01:00", "2024-04-01T00:00:00+02:00"], ["2024-03-30 00:00:00", "2024-04-01 00:00:00"]),
        (["2024-01-01T10:00-0330", "2024-01-01T11:00"], ["2024-01-01 13:30:00", "2024-01-01 11:00:00"]),
        (
            list(pd.date_range("2024-03-30 05:00", periods=2, tz="Europe/Berlin")),
            ["2024-03-30 04:00:00", "2024-03-31 03:00:00"],
        ),
    ],
)
def test_one_zone_keeps_the_clock_several_become_utc(written: list[Any], meant: list[str]) -> None:
    assert read(written) == meant


def test_categories_are_read_by_their_texts_and_unused_ones_not_at_all() -> None:
    column = pd.Series(
        pd.Categorical(["2024-02-01", "2024-01-31", "2024-02-01"], ["never", "2024-01-31", "2024-02-01"])
    )
    found = read_instants(column, "column 'ds'")
    assert found.instants.astype("datetime64[D]").astype(str).tolist() == ["2024-02-01", "2024-01-31", "2024-02-01"]
    assert not found.zoned.any()


def test_zones_are_marked() -> None:
    zoned = read_instants(pd.Series(["2024-01-01T10:00Z", "2024-01-02", "2024-01-03 01:00+01:00"]), WHERE).zoned
    assert zoned.tolist() == [True, False, True]


@pytest.mark.parametrize(
    "value", ["foo", "9999-12-31", "2024-06-31", "12345", "24:00", "13/13/2024", True, np.inf, 0, 1.5, b"2024"]
)
def test_what_is_no_timestamp_is_refused_with_its_row(value: object) -> None:
    assert refusal(["2024-01-01", value]) == (
        f"UserError [data]: Column 'Day' of the table holds {str(value)!a}, which cannot be read as a timestamp, "
        f"in row 2. {REMEDY}"
    )


def test_the_quoted_value_is_short_and_escaped() -> None:
    message = refusal(["\u2028" + "x" * 500])
    assert "'\\u2028" + "x" * 39 + "'" in message
    assert "x" * 40 not in message


@pytest.mark.parametrize("value", [None, np.nan, pd.NaT, "", "  "])
def test_an_empty_one_is_refused(value: object) -> None:
    expected = f"UserError [data]: Column 'Day' of the table is empty in row 2 (2 rows are like it: 2 and 3). {REMEDY}"
    assert refusal(["2024-01-01", value, value]) == expected


def test_stamps_outside_nanoseconds_are_refused() -> None:
    column = pd.Series(np.array(["2024", "9999"], "datetime64[s]"))
    with pytest.raises(DataError, match="'9999-01-01 00:00:00', which cannot be read as a timestamp, in row 2"):
        read_instants(column, WHERE)


@pytest.mark.parametrize("written", [["01/02/2024", "03/04/2024"], ["01/02/2024", "01/03/2024"]])
def test_day_or_month_first_is_not_guessed(written: list[str]) -> None:
    assert refusal(written) == (
        "UserError [data]: Column 'Day' of the table may be read day first as well as month first. "
        "Write timestamps as year-month-day, for example 2024-01-31."
    )


def test_lists_are_refused() -> None:
    assert refusal([[1], [2]]).startswith("UserError [data]: Column 'Day' of the table holds lists or objects")


FORMS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%dT%H%M%S", "%d.%m.%Y %H:%M:%S"]


@given(
    st.lists(st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)), min_size=1),
    st.sampled_from(FORMS),
)
def test_written_by_the_standard_library_and_read_back(stamps: list[datetime.datetime], form: str) -> None:
    whole = [stamp.replace(microsecond=0) for stamp in stamps]
    assert read([stamp.strftime(form) for stamp in whole]) == [str(stamp) for stamp in whole]


@given(st.lists(st.integers(10**8, 10**10 - 1), min_size=1), st.sampled_from([1, 1000, 10**6]))
def test_epochs_agree_with_the_standard_library(seconds: list[int], unit: int) -> None:
    expected = [str(datetime.datetime.fromtimestamp(value, UTC))[:19] for value in seconds if value < 9_000_000_000]
    if expected:
        assert read([value * unit for value in seconds if value < 9_000_000_000]) == expected


@given(st.lists(st.one_of(st.text(max_size=12), st.floats(), st.integers(), st.none(), st.booleans(), st.dates())))
def test_anything_is_read_or_refused(values: list[Any]) -> None:
    try:
        reading = read_instants(pd.Series(values, dtype=object), WHERE)
    except DataError as error:
        assert str(error).startswith("UserError [data]: Column 'Day' of the table ")
        return
    assert len(reading.instants) == len(values)
    assert not np.isnat(reading.instants).any()


@given(st.lists(st.datetimes(datetime.datetime(1678, 1, 1), datetime.datetime(2261, 12, 31)), min_size=1, max_size=9))
def test_plain_iso_text_is_read_as_any_other_reader_would(stamps: list[datetime.datetime]) -> None:
    plain = [stamp.isoformat(sep=" ", timespec="seconds") for stamp in stamps]
    quick = read_instants(pd.Series(plain), "column 't'")
    slow = read_instants(pd.Series([*plain, "Jan 2024"]), "column 't'")
    assert quick.instants.tolist() == slow.instants[:-1].tolist()
    assert not quick.zoned.any()


@pytest.mark.parametrize("text", ["2024-02-30", "2024-13-01", "2024-01-01 25:00", "1600-12-31", "2300-01-01"])
def test_plain_iso_text_that_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(DataError, match="in row 2"):
        read_instants(pd.Series(["2024-01-01", text]), "column 't'")
