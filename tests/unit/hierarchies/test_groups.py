"""The levels of the hierarchy read from either table, and refused where an item has not exactly one."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from convect.config import Config
from convect.errors import ConfigError, DataError
from convect.panel import Panel
from convect.quality import validate
from convect.schema import Schema
from tests.unit.made import table


def read(frame: pd.DataFrame, hierarchy: list[str], static: pd.DataFrame | None = None, **schema: Any) -> Panel:
    whole = {"item_id": ["item_id"], "timestamp": "timestamp", "target": "target", "hierarchy": hierarchy, **schema}
    return validate(frame, Schema.parse(whole), Config(horizon=2), static=static)[0]


def test_columns_come_from_the_table_the_static_table_and_the_item_itself() -> None:
    frame = table(3, 9).assign(shop="s", region=7.0)
    frame["region"] = frame["item_id"].map({"i0": 7.0, "i1": 7.0, "i2": 8.0})
    static = pd.DataFrame({"item_id": ["i2", "i0", "i1", "other"], "land": ["de", "fr", "fr", ""]})
    found = read(frame, ["land", "region", "item_id"], static)
    assert found.group_names == ("land", "region", "item_id")
    assert found.groups.tolist() == [["fr", "7", "i0"], ["fr", "7", "i1"], ["de", "8", "i2"]]


def test_a_static_table_may_be_keyed_by_a_part_of_the_item() -> None:
    frame = table(2, 9).assign(shop="s")
    static = pd.DataFrame({"shop": ["s"], "region": ["north"]})
    assert read(frame, ["region"], static, item_id=["item_id", "shop"]).groups.tolist() == [["north"], ["north"]]


def test_an_empty_cell_is_no_second_value() -> None:
    frame = table(2, 9).assign(region="x")
    frame.loc[3, "region"] = None
    assert read(frame, ["region"]).groups.tolist() == [["x"], ["x"]]


@pytest.mark.parametrize(
    ("values", "said"),
    [({0: "y"}, "several values for item 'i0'"), (dict.fromkeys(range(9)), "no value for item 'i0'")],
    ids=["two", "none"],
)
def test_an_item_has_exactly_one_group(values: dict[int, str | None], said: str) -> None:
    frame = table(2, 9).assign(region="x")
    for row, value in values.items():
        frame.loc[row, "region"] = value
    with pytest.raises(DataError, match=said):
        read(frame, ["region"])


def test_an_item_that_the_static_table_lacks_is_refused() -> None:
    static = pd.DataFrame({"item_id": ["i0"], "region": ["x"]})
    with pytest.raises(DataError, match="of the static table has no value for item 'i1'"):
        read(table(2, 9), ["region"], static)


def test_a_column_in_neither_table_is_refused() -> None:
    with pytest.raises(DataError, match="lacks column 'region'"):
        read(table(2, 9), ["region"])


def test_a_static_table_without_a_role_is_still_refused() -> None:
    with pytest.raises(ConfigError, match="hierarchy"):
        read(table(2, 9), [], pd.DataFrame({"item_id": ["i0"], "region": ["x"]}))


def test_where_no_row_means_none_all_items_last_until_the_end() -> None:
    frame = table(2, 9).assign(region="x").drop(index=[7, 8])
    schema = Schema.parse({"item_id": "item_id", "timestamp": "timestamp", "target": "target", "hierarchy": "region"})
    found, report = validate(frame, schema, Config(horizon=2, missing="zero"))
    assert found.lengths.tolist() == [9, 9] and found.series(0)[-2:].tolist() == [0.0, 0.0]
    assert "outside_sums" not in report.summary()["findings"]
    apart, report = validate(frame, schema, Config(horizon=2))
    assert apart.lengths.tolist() == [7, 9]
    assert report.summary()["findings"]["outside_sums"]["items"] == 1
