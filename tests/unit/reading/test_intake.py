"""What the door refuses and what it puts right while it reads: rows, stamps, zones and ids."""

from typing import Any

import pandas as pd
import pytest

from convect.config import Config
from convect.errors import DataError
from convect.frequency import Frequency
from convect.quality import QualityReport, validate
from convect.schema import Schema

SCHEMA = Schema("ds", "y", ("id",))


def daily(values: list[Any], item: str = "a", start: str = "2024-01-01", **columns: Any) -> pd.DataFrame:
    stamps = pd.date_range(start, periods=len(values)).strftime("%Y-%m-%d")
    return pd.DataFrame({"id": item, "ds": stamps, "y": pd.Series(values, dtype=object), **columns})


def counts(report: QualityReport) -> dict[str, int]:
    return {name: found["count"] for name, found in report.summary()["findings"].items() if name != "short"}


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            daily([1, 2]).rename(columns={"y": "yy"}),
            "UserError [column_missing]: The table lacks column 'y'. Did you mean 'yy'? Columns found: id, ds, yy.",
        ),
        (daily([]), "UserError [data]: The table has no rows. Check that the right file or channel was given."),
        (
            daily([None, None]),
            "UserError [data]: No row has a target, so there is nothing to forecast. Check the target column.",
        ),
        (
            daily([1, "many", "more"]),
            "UserError [not_a_number]: The target column 'y' of the table has 2 rows that are no number "
            "(rows 2 and 3): row 2 holds text, 'many'. Write a number such as 1234.5, or leave the cell empty where it "
            "is not known.",
        ),
    ],
)
def test_refusals(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(DataError) as caught:
        validate(table, SCHEMA, Config())
    assert str(caught.value) == message


def test_stamps_must_fit_the_trained_frequency() -> None:
    with pytest.raises(DataError) as caught:
        validate(daily([1] * 20), SCHEMA, Config(), frequency=Frequency("W-MON"))
    assert str(caught.value) == (
        "UserError [data]: The model was trained at 'W-MON', but the timestamps do not fit it, for example 2024-01-02 "
        "00:00:00. Send one row for each step of that frequency, such as 2024-01-01 00:00:00."
    )


def test_stray_stamps_move_to_their_step() -> None:
    table = daily([1] * 20)
    table.loc[3, "ds"] = "2024-01-04 13:00"
    panel, report = validate(table, SCHEMA, Config())
    assert len(panel.values) == 20
    assert counts(report) == {"off_grid": 1, "constant": 1}


def test_zones_numeric_ids_and_columns_that_are_no_text() -> None:
    table = pd.DataFrame({0: [7.0, 7.0], 1: ["2024-01-01T00:00Z", "2024-01-02T00:00Z"], 2: [1, 2]})
    panel, report = validate(table, Schema("1", "2", ("0",)), Config())
    assert panel.item_ids.tolist() == ["7"]
    assert counts(report) == {"time_zone": 2}


@pytest.mark.parametrize(
    ("stamps", "done"),
    [
        (["2024-01-01T08:00+01:00", "2024-01-01T09:00+01:00"], "dropped"),
        (["2024-01-01T08:00+01:00", "2024-01-01T08:00Z"], "turned to UTC"),
    ],
)
def test_what_was_done_with_time_zones_is_told(stamps: list[str], done: str) -> None:
    panel, report = validate(pd.DataFrame({"id": "a", "ds": stamps, "y": [1, 2]}), SCHEMA, Config())
    assert report.summary()["findings"]["time_zone"]["action"] == done
    assert len(panel.values) == 2
