"""Columns of a user's table: found, read as ids or numbers, or refused by name and row."""

import datetime
import decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import DataError
from convect.reading.columns import coded_ids, distinct_values, joined, read_numbers, require


def numbers(values: Any, dtype: Any = object) -> list[float]:
    return read_numbers(pd.Series(values, dtype=dtype), "y", "the table", "target").values.tolist()


def refusal(values: Any, dtype: Any = object) -> str:
    with pytest.raises(DataError) as caught:
        numbers(values, dtype)
    return str(caught.value)


def ids(values: Any, dtype: Any = object) -> list[str]:
    codes, parts = coded_ids(pd.DataFrame({"id": pd.Series(values, dtype=dtype)}), ["id"], "the table")
    return parts[codes, 0].tolist()


def test_a_missing_column_is_named_with_the_nearest() -> None:
    with pytest.raises(DataError) as caught:
        require(pd.DataFrame(columns=["item", "date", "sales"]), ["item", "sale"], "the table")
    assert str(caught.value) == (
        "UserError [column_missing]: The table lacks column 'sale'. Did you mean 'sales'? "
        "Columns found: item, date, sales."
    )


def test_a_column_that_is_there_twice_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        require(pd.DataFrame([[1, 2]], columns=["y", "y"]), ["y"], "the table")
    assert str(caught.value) == "UserError [data]: The table has column 'y' twice. Rename one of them."


@pytest.mark.parametrize(
    ("values", "dtype", "expected"),
    [
        ([7, 7.0, "7", "007", "a b", 7.5], object, ["7", "7", "7", "007", "a b", "7.5"]),
        ([1.0, 2.0], "float64", ["1", "2"]),
        ([1, 2], "Int64", ["1", "2"]),
        (["x", "y"], "category", ["x", "y"]),
        ([True], object, ["True"]),
        ([2**60], "int64", [str(2**60)]),
    ],
)
def test_ids_stay_what_they_look_like(values: list[Any], dtype: str, expected: list[str]) -> None:
    assert ids(values, dtype) == expected


@pytest.mark.parametrize("value", [None, np.nan, "", "  ", pd.NA])
def test_an_empty_id_is_refused(value: object) -> None:
    with pytest.raises(DataError) as caught:
        ids(["a", value, value])
    assert str(caught.value) == (
        "UserError [data]: Column 'id' of the table is empty in row 2 and 1 more, so the item is not known. "
        "Fill it in, or remove these rows."
    )


def test_several_columns_are_coded_together() -> None:
    table = pd.DataFrame({"shop": ["b", "a", "b", "a"], "sku": [1, 1, 2.0, 1], "way": ["x", "x", "x", "y"]})
    codes, parts = coded_ids(table, ["shop", "sku", "way"], "the table")
    assert parts[codes].tolist() == [["b", "1", "x"], ["a", "1", "x"], ["b", "2", "x"], ["a", "1", "y"]]
    assert len(parts) == 4
    assert coded_ids(table, [], "the table")[0].tolist() == [0, 0, 0, 0]


def test_categories_that_no_row_has_are_not_there() -> None:
    column = pd.Series(pd.Categorical(["c", None, "a"], categories=["a", "b", "c"]))
    codes, distinct = distinct_values(column)
    assert distinct.tolist() == ["a", "c"]
    assert codes.tolist() == [1, -1, 0]


def test_reading_numbers_leaves_the_table_as_it_was() -> None:
    column = pd.Series([1.0, np.inf, 1e101, np.nan])
    found = read_numbers(column, "y", "the table", "target")
    np.testing.assert_array_equal(found.values, [1, np.nan, np.nan, np.nan])
    assert found.infinite.tolist() == [False, True, True, False]
    assert column.tolist()[:3] == [1.0, np.inf, 1e101]


def test_several_columns_are_joined() -> None:
    parts = np.array([["north", "1"], ["south", "1"]], dtype=object)
    assert joined(parts, ["shop", "sku"]).tolist() == ["north/1", "south/1"]
    assert joined(parts[:, :0], []).tolist() == ["series", "series"]
    assert joined(np.array([["a/b", "c"], ["a/b", "d"]], dtype=object), ["x", "y"]).tolist() == ["a/b/c", "a/b/d"]


def test_two_items_never_become_one() -> None:
    with pytest.raises(DataError) as caught:
        joined(np.array([["a/b", "c"], ["a", "b/c"]], dtype=object), ["x", "y"])
    assert str(caught.value) == (
        "UserError [data]: Columns 'x' and 'y' joined with '/' give two items the same name. "
        "Write another character for '/' in these columns."
    )


def test_numbers_as_people_write_them() -> None:
    column = pd.Series(
        [1, "2.5", " -3e2 ", None, "", "NA", np.inf, "inf", decimal.Decimal("0.5"), 10**400], dtype=object
    )
    read = read_numbers(column, "y", "the table", "target")
    np.testing.assert_array_equal(read.values, [1, 2.5, -300, np.nan, np.nan, np.nan, np.nan, np.nan, 0.5, np.nan])
    assert np.flatnonzero(read.was_text).tolist() == [1, 2, 7]
    assert np.flatnonzero(read.infinite).tolist() == [6, 7, 9]


@pytest.mark.parametrize(("values", "dtype"), [([1, None], "Int64"), ([1.0, None], "Float64"), (["1", None], "string")])
def test_column_types(values: list[Any], dtype: str) -> None:
    np.testing.assert_array_equal(numbers(values, dtype), [1, np.nan])


@pytest.mark.parametrize(
    ("value", "kind", "remedy"),
    [
        ("closed", "text, 'closed'", "Write a number such as 1234.5, or leave the cell empty where it is not known."),
        (
            "1,234.50",
            "a number with separators, '1,234.50'",
            "Write it without thousands separators and with a decimal point, for example 1234.5.",
        ),
        (
            "3,5",
            "a number with separators, '3,5'",
            "Write it without thousands separators and with a decimal point, for example 1234.5.",
        ),
        (True, "true or false", "Write 1 and 0."),
        (
            datetime.date(2024, 1, 1),
            "a date",
            "Write a number such as 1234.5, or leave the cell empty where it is not known.",
        ),
    ],
)
def test_what_is_no_number_is_refused(value: object, kind: str, remedy: str) -> None:
    assert refusal([5, value, value, "6"]) == (
        f"UserError [not_a_number]: The target column 'y' of the table has 2 rows that are no number (rows 2 and 3): "
        f"row 2 holds {kind}. {remedy}"
    )


def test_many_that_are_no_number_are_counted_and_the_first_five_named() -> None:
    assert "5 rows that are no number (rows 1, 2, 4, 5 and 6): row 1 holds" in refusal(["x", "y", 0, "x", "x", "z"])
    assert "6 rows that are no number (rows 1, 2, 3, 4, 5 and 1 more): row 1 holds" in refusal(["x"] * 6)


def test_columns_of_booleans_and_dates_are_refused() -> None:
    assert "1 row that is no number: row 1 holds true or false" in refusal([True], "bool")
    assert "row 1 holds a date" in refusal(["2024-01-01"], "datetime64[ns]")
    assert refusal([[1, 2]]) == (
        "UserError [data]: Column 'y' of the table holds lists or objects. Write one text or number a row."
    )


@given(st.lists(st.floats(-1e90, 1e90)))
def test_numbers_written_by_python_are_read_back(values: list[float]) -> None:
    assert numbers([repr(value) for value in values]) == values
    assert numbers(values) == values


@given(
    st.lists(
        st.one_of(st.text(max_size=8), st.floats(), st.integers(), st.none(), st.booleans(), st.binary(max_size=3))
    )
)
def test_anything_is_read_or_refused(values: list[Any]) -> None:
    for read in (numbers, ids):
        try:
            assert len(read(values)) == len(values)
        except DataError as error:
            assert len(str(error)) < 400
