"""Covariates and attributes through the door: joined, coded with one vocabulary, and laid over the future."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.config import Config
from convect.errors import ConfigError, DataError
from convect.frequency import Frequency
from convect.quality import QualityReport, validate
from convect.schema import Schema

NAN = np.nan
PRICED = Schema("ds", "y", ("id",), known_covariates=("price",))


def daily(values: list[Any], item: str = "a", start: str = "2024-01-01", **columns: Any) -> pd.DataFrame:
    stamps = pd.date_range(start, periods=len(values)).strftime("%Y-%m-%d")
    return pd.DataFrame({"id": item, "ds": stamps, "y": pd.Series(values, dtype=object), **columns})


def counts(report: QualityReport) -> dict[str, int]:
    return {name: found["count"] for name, found in report.summary()["findings"].items() if name != "short"}


def test_trailing_rows_with_covariates_are_the_future() -> None:
    table = daily([1, 2, 3, None, None, None], price=[1.0, 2.0, 3.0, 4.0, 5.0, NAN])
    panel, report = validate(table, PRICED, Config(horizon=4))
    assert panel.known[:, 0].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(panel.future[0, :, 0], [4, 5, NAN, NAN])
    assert counts(report) == {"trailing_missing": 1, "future_missing": 2}


@pytest.mark.parametrize("per_item", [True, False])
def test_a_related_table_is_joined(per_item: bool) -> None:
    prices = [{"ds": f"2024-01-{day:02}", "price": float(day)} for day in range(1, 8)]
    related = pd.DataFrame([{**row, "id": item} for row in prices for item in ("b", "a", "z")] if per_item else prices)
    table = pd.concat([daily([1, None, 3]), daily([1, 2], "b", "2024-01-03")])
    panel, report = validate(table, PRICED, Config(horizon=3), related=related)
    assert panel.known[:, 0].tolist() == [1, 2, 3, 3, 4]
    assert panel.future[:, :, 0].tolist() == [[4, 5, 6], [5, 6, 7]]
    assert counts(report) == {"related_unknown_item": 7, "missing": 1} if per_item else {"missing": 1}


def test_related_rows_without_an_item_column_must_be_one_a_stamp() -> None:
    related = pd.DataFrame({"idd": ["a", "b"], "ds": "2024-01-01", "price": 1.0})
    with pytest.raises(DataError) as caught:
        validate(daily([1, 2, 3]), PRICED, Config(), related=related)
    assert str(caught.value) == (
        "UserError [data]: The related table has no item column 'id' but several rows for one timestamp. "
        "Name the item column as in the table. Columns found: idd, ds, price."
    )


def hourly(offset: str, count: int, **columns: Any) -> pd.DataFrame:
    stamps = [f"2024-01-01T{hour:02d}:00{offset}" for hour in range(count)]
    return pd.DataFrame({"id": "a", "ds": stamps, **columns})


def test_related_stamps_by_another_clock_are_turned_to_that_of_the_table() -> None:
    table, related = hourly("Z", 4, y=[1, 2, 3, 4]), hourly("+02:00", 8, price=np.arange(8.0))
    panel, _ = validate(table, PRICED, Config(horizon=2), related=related)
    assert panel.known[:, 0].tolist() == [2, 3, 4, 5]  # two o'clock there is midnight here
    assert panel.future[0, :, 0].tolist() == [6, 7]


@pytest.mark.parametrize(("ours", "theirs"), [("Z", ""), ("", "+05:00"), ("+05:00", "+05:00"), ("Z", "+00:00")])
def test_related_stamps_of_one_clock_or_an_unknown_one_are_joined(ours: str, theirs: str) -> None:
    related = hourly(theirs, 8, price=np.arange(8.0))
    panel, _ = validate(hourly(ours, 4, y=[1, 2, 3, 4]), PRICED, Config(horizon=2), related=related)
    assert panel.known[:, 0].tolist() == [0, 1, 2, 3]


def test_text_becomes_codes_with_one_vocabulary() -> None:
    schema = Schema("ds", "y", ("id",), known_covariates=("event",), static=("region",))
    table = pd.concat([daily([1, 2, 3], event=["sale", None, "fair"]), daily([1, 2], "b", event="sale")])
    related = pd.DataFrame({"ds": ["2024-01-04"], "event": ["zoo"]})
    static = pd.DataFrame({"id": ["b", "a"], "region": ["south", "north"]})
    panel, _ = validate(table, schema, Config(horizon=1), related=related, static=static)
    assert panel.categories == {"event": ("fair", "sale", "zoo"), "region": ("north", "south")}
    np.testing.assert_array_equal(panel.known[:, 0], [1, NAN, 0, 1, 1])
    np.testing.assert_array_equal(panel.future[:, 0, 0], [2, NAN])
    assert panel.static.tolist() == [[0], [1]]
    again, report = validate(
        table.assign(event=["sale", None, "new", "sale", "sale"]),
        schema,
        Config(horizon=1),
        frequency=panel.frequency,
        categories=panel.categories,
    )
    np.testing.assert_array_equal(again.known[:, 0], [1, NAN, NAN, 1, 1])
    assert again.categories == panel.categories
    assert counts(report) == {"static_missing": 2, "unseen_category": 1, "future_missing": 2}


def test_static_columns_of_the_table_itself() -> None:
    schema = Schema("ds", "y", ("id",), static=("size",))
    panel, report = validate(daily([1, 2, 3], size=[None, 4, 5]), schema, Config())
    assert panel.static.tolist() == [[4]]
    assert counts(report) == {"static_changes": 1}


def test_static_rows_that_differ_are_refused() -> None:
    static = pd.DataFrame({"id": ["a", "a"], "size": [1, 2]})
    with pytest.raises(DataError) as caught:
        validate(daily([1, 2, 3]), Schema("ds", "y", ("id",), static=("size",)), Config(), static=static)
    assert str(caught.value) == (
        "UserError [data]: The static table has rows for one item that differ in column 'size'. Keep one row an item."
    )


def test_a_covariate_that_was_a_number_cannot_become_text() -> None:
    with pytest.raises(DataError, match="The covariate column 'price' of the table has 1 row that is no number"):
        validate(daily([1, 2], price=[1, "x"]), PRICED, Config(), frequency=Frequency("D"), categories={})


def test_static_rows_without_an_item_column_are_refused() -> None:
    schema, static = Schema("ds", "y", ("id",), static=("size",)), pd.DataFrame({"shop": ["a", "b"], "size": [1, 2]})
    with pytest.raises(DataError) as caught:
        validate(daily([1, 2, 3]), schema, Config(), static=static)
    assert str(caught.value) == (
        "UserError [data]: The static table has no item column 'id' but several rows. "
        "Name the item column as in the table. Columns found: shop, size."
    )


@pytest.mark.parametrize("tables", [{"related": daily([1])}, {"static": daily([1])}])
def test_a_side_table_that_would_be_ignored_is_refused(tables: dict[str, pd.DataFrame]) -> None:
    with pytest.raises(ConfigError, match=r"There is a (related|static) table, but the schema names no"):
        validate(daily([1, 2, 3]), Schema("ds", "y", ("id",)), Config(), **tables)
