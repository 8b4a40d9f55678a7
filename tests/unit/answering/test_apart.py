"""Tables of a transform job: bad items are told of one by one, the others answered as if these were not there."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering import apart, forecasting
from convect.answering.request import Forecast, ForecastRequest
from convect.artifact import Artifact
from convect.errors import ConfigError, DataError, RequestError, UserError
from tests.unit.made import fast, quiet, table

ROWS = 40
SILENT = "The target holds no number, so there is nothing to forecast."


def sold(items: int, rows: int) -> pd.DataFrame:
    frame = table(items, rows)
    return frame.assign(price=1.0 + frame.index % 3, timestamp=frame["timestamp"].astype(str))


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    config = fast(schema={"known_covariates": ["price"]})
    return pipeline.train(sold(6, 60), config, progress=quiet).artifact


@pytest.fixture
def frame() -> pd.DataFrame:
    return sold(6, ROWS).astype(object)


def ask(artifact: Artifact, frame: pd.DataFrame, *, partial: bool = True, **request: Any) -> Forecast:
    return pipeline.forecast(artifact, ForecastRequest(frame=frame, partial=partial, **request))


def spoil(frame: pd.DataFrame, item: str, column: str, value: object, rows: slice = slice(3, 4)) -> None:
    frame.loc[frame.index[frame["item_id"] == item][rows], column] = value


def told(found: Forecast) -> dict[str, str]:
    return {found.names[place]: error.message for place, error in found.errors.items()}


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("timestamp", "never", "Column 'timestamp' of the table holds 'never', which cannot be read as a timestamp,"),
        ("timestamp", None, "Column 'timestamp' of the table is empty"),
        ("timestamp", "9999-01-01", "Column 'timestamp' of the table holds '9999-01-01', which cannot be read"),
        ("target", "=cmd()", "The target column 'target' of the table has 1 row that is no number"),
        ("target", True, "The target column 'target' of the table has 1 row that is no number"),
        ("price", "dear", "The covariate column 'price' of the table has 1 row that is no number"),
    ],
)
def test_a_bad_cell_is_one_error_in_its_place(
    artifact: Artifact, frame: pd.DataFrame, column: str, value: object, message: str
) -> None:
    good = frame[frame["item_id"] != "i2"]
    spoil(frame, "i2", column, value)
    with pytest.raises(DataError):
        ask(artifact, frame, partial=False)
    found = ask(artifact, frame)
    assert (list(found.errors), dict(found.names)) == ([2], {2: "i2"})
    assert found.errors[2].message.startswith(message)
    assert f"row {2 * ROWS + 4}" in found.errors[2].message
    assert_frame_equal(found.frame, ask(artifact, good, partial=False).frame)


def test_each_bad_item_gets_the_number_of_its_own_row(artifact: Artifact, frame: pd.DataFrame) -> None:
    for item in ("i1", "i4"):
        spoil(frame, item, "target", "n.v.")
    spoil(frame, "i3", "timestamp", "soon", slice(0, 2))
    found = ask(artifact, frame.iloc[::-1])
    assert list(found.errors) == [1, 3, 4]
    rows = {"i1": 5 * ROWS - 3, "i4": 2 * ROWS - 3, "i3": 3 * ROWS - 1}
    assert all(f"row {rows[item]}" in message for item, message in told(found).items())


def test_each_bad_item_is_told_of_all_its_rows_and_of_no_others(artifact: Artifact, frame: pd.DataFrame) -> None:
    frame = frame.sort_values("timestamp", kind="stable")  # by turns: row 6 * day + item + 1
    spoil(frame, "i1", "target", "n.v.", slice(0, 3, 2))
    spoil(frame, "i3", "target", True, slice(1, 8))
    spoil(frame, "i4", "target", "x", slice(2, 3))
    spoil(frame, "i2", "timestamp", "soon", slice(0, 2))
    spoil(frame, "i2", "timestamp", "then", slice(3, 4))
    spoil(frame, "i5", "timestamp", None, slice(38, 40))
    target, stamp = "The target column 'target' of the table has", "Column 'timestamp' of the table"
    assert told(ask(artifact, frame)) == {
        "i1": f"{target} 2 rows that are no number (rows 2 and 14): row 2 holds text, 'n.v.'.",
        "i2": f"{stamp} holds 'soon', which cannot be read as a timestamp, in row 3 (3 rows are like it: 3, 9 and 21).",
        "i3": f"{target} 7 rows that are no number (rows 10, 16, 22, 28, 34 and 2 more): row 10 holds true or false.",
        "i4": f"{target} 1 row that is no number: row 17 holds text, 'x'.",
        "i5": f"{stamp} is empty in row 234 (2 rows are like it: 234 and 240).",
    }


@pytest.mark.parametrize(
    ("column", "first", "second"),
    [
        ("timestamp", "in row 1 (2 rows are like it: 1 and 3).", "in row 4 (3 rows are like it: 4, 6 and 8)."),
        ("target", "(rows 1 and 3): row 1 holds text, 'x'.", "(rows 4, 6 and 8): row 4 holds text, 'y'."),
    ],
)
def test_each_item_of_a_table_of_bad_ones_is_told_of_all_its_rows(
    artifact: Artifact, frame: pd.DataFrame, column: str, first: str, second: str
) -> None:
    frame = frame[frame["item_id"].isin(["i0", "i1"])].sort_values("timestamp", kind="stable")
    spoil(frame, "i0", column, "x", slice(0, 2))
    spoil(frame, "i1", column, "y", slice(1, 4))
    messages = told(ask(artifact, frame))
    assert messages["i0"].endswith(first)
    assert messages["i1"].endswith(second)


def test_whole_series_that_cannot_be_forecast(artifact: Artifact, frame: pd.DataFrame) -> None:
    spoil(frame, "i0", "target", None, slice(None))
    hours = pd.date_range("2024-01-01", periods=ROWS, freq="h").astype(str).tolist()
    late = pd.date_range("2261-11-20", periods=ROWS).astype(str).tolist()
    off = frame[frame["item_id"] == "i1"].assign(item_id="off")
    many = pd.concat([off.assign(item_id=f"off{k}", timestamp=hours) for k in range(20)])
    end = off.assign(item_id="end", timestamp=late)
    silent = off.assign(item_id="silent", target=np.inf)
    found = ask(artifact, pd.concat([frame, many, end, silent]))
    messages = told(found)
    assert set(messages) == {"end", "silent", *many["item_id"]}
    assert messages["silent"] == SILENT
    assert messages["end"].startswith("A timestamp lies outside the years 1678 to 2261")
    assert "do not fit it" in messages["off7"]
    assert list(dict.fromkeys(found.columns["item_id"])) == [f"i{k}" for k in range(6)]


def test_a_bad_stamp_that_spoils_how_the_column_is_read_is_found(artifact: Artifact, frame: pd.DataFrame) -> None:
    seconds = pd.to_datetime(frame["timestamp"]).astype("datetime64[s]").astype(np.int64)
    frame["timestamp"] = seconds.where(frame["item_id"] != "i5", 0)
    assert list(told(ask(artifact, frame))) == ["i5"]


def test_one_of_many_is_found_with_few_readings(
    artifact: Artifact, frame: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    stamps = pd.date_range("2261-12-28", periods=4).astype(str).tolist()
    parts = [frame[:4].assign(item_id=f"n{k:03}") for k in range(128)]
    parts[77]["timestamp"] = stamps
    reads, read = [], forecasting.read

    def counted(*given: Any) -> Any:
        reads.append(len(given[1].frame))
        return read(*given)

    monkeypatch.setattr(apart.forecasting, "read", counted)
    assert list(told(ask(artifact, pd.concat(parts)))) == ["n077"]
    assert len(reads) <= 2 + 1 + 2 * 7  # before, whole, halves of halves
    assert sum(reads) <= 6 * 128 * 4


def test_items_of_one_stray_stamp_are_moved_in_company_as_alone(artifact: Artifact) -> None:
    stamps = {"i0": "2024-03-01 00:00", "i1": "2024-03-01 10:00", "i2": "2024-03-01 11:00"}
    rows = [{"item_id": item, "timestamp": stamp, "target": 1.0, "price": 1.0} for item, stamp in stamps.items()]
    found = ask(artifact, pd.DataFrame(rows))
    assert not found.errors
    assert found.frame["item_id"].unique().tolist() == list(stamps)


def test_nothing_but_errors(artifact: Artifact, frame: pd.DataFrame) -> None:
    found = ask(artifact, frame.assign(target="x"))
    assert (len(found), len(found.frame), list(found.errors)) == (0, 0, [0, 1, 2, 3, 4, 5])
    assert "40 rows that are no number (rows 81, 82, 83, 84, 85 and 35 more): row 81 " in found.errors[2].message
    assert list(found.frame) == list(ask(artifact, frame).frame)


def test_only_what_is_asked_for_is_told_of(artifact: Artifact, frame: pd.DataFrame) -> None:
    for item in ("i1", "i4"):
        spoil(frame, item, "target", "x")
    found = ask(artifact, frame, items=("i4", "i5"))
    assert (dict(found.names), found.origins["item_id"].tolist()) == ({0: "i4"}, ["i5"])
    assert not len(ask(artifact, frame, items=("i4",)))
    with pytest.raises(RequestError, match="1 of the items asked for"):
        ask(artifact, frame, items=("i5", "stranger"))


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame.drop(columns="target"),
        lambda frame: frame.drop(columns="price"),
        lambda frame: frame.assign(item_id=frame["item_id"].where(frame.index != 7, None)),
        lambda frame: frame.assign(timestamp="01/02/2024"),
    ],
)
def test_what_is_wrong_with_the_whole_table_refuses_it(artifact: Artifact, frame: pd.DataFrame, change: Any) -> None:
    with pytest.raises((DataError, ConfigError)) as one:
        ask(artifact, change(frame))
    with pytest.raises(UserError) as other:
        ask(artifact, change(frame), partial=False)
    assert str(one.value) == str(other.value)


BAD = {"timestamp": ("never", None, "2024-13-01", 7), "target": ("x", True, "1,234"), "price": ("dear", "2024-01-01")}
CELLS = st.sampled_from([(column, value) for column, values in BAD.items() for value in values])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(spoiled=st.dictionaries(st.integers(0, 5), st.tuples(CELLS, st.integers(0, ROWS - 1)), max_size=5))
def test_the_others_are_answered_as_if_the_bad_ones_were_not_there(
    artifact: Artifact, spoiled: dict[int, tuple[tuple[str, object], int]]
) -> None:
    frame = sold(6, ROWS).astype(object)
    names = [f"i{item}" for item in sorted(spoiled)]
    good = frame[~frame["item_id"].isin(names)]
    for item, ((column, value), row) in spoiled.items():
        spoil(frame, f"i{item}", column, value, slice(row, row + 1))
    found = ask(artifact, frame)
    assert list(found.names.values()) == names
    assert_frame_equal(found.frame, ask(artifact, good, partial=False).frame)
    assert_frame_equal(found.origin, ask(artifact, good, partial=False).origin)
