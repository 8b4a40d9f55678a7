"""The tables of the page."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from convect.report import tables
from convect.training import coverage as coverages


def test_the_error_by_step_in_units_of_what_happened_and_of_the_naive_error() -> None:
    first, second = tables.by_step(np.array([[10.0, 20.0], [1.0, 4.0], [2.0, 2.0]]))
    assert (first.name, first.error, first.naive, first.share) == ("1", 0.1, 0.5, 0.2)
    assert (second.name, second.error, second.naive, second.share) == ("2", 0.2, 2.0, 0.8)


def test_many_steps_are_told_in_blocks_that_leave_none_out() -> None:
    found = tables.by_step(np.ones((3, 24)))
    assert len(found) == tables.STEP_BLOCKS
    assert (found[0].name, found[-1].name) == ("1 to 4", "22 to 24")
    assert sum(row.share for row in found) == pytest.approx(1)


def test_nothing_is_divided_by_zero() -> None:
    (row,) = tables.by_step(np.zeros((3, 1)))
    assert np.isnan([row.error, row.naive, row.share]).all()


def items(count: int) -> pd.DataFrame:
    return pd.DataFrame({name: np.ones(count) for name in ("items", "actual", "error", "naive")}).assign(
        size=np.arange(count)[::-1]
    )


def test_the_error_by_size_is_that_of_quarters() -> None:
    found = tables.by_size(items(8).assign(error=[5.0, 5, 1, 1, 1, 1, 1, 1]))
    assert [row.items for row in found] == [2, 2, 2, 2]
    assert [row.error for row in found] == [5, 1, 1, 1]
    assert tables.by_size(items(7)) == []


def groups(by: str, count: int) -> pd.DataFrame:
    index = pd.MultiIndex.from_product([[by], [f"g{k}" for k in range(count)]], names=["by", "group"])
    return pd.DataFrame({"items": 1, "actual": 10.0, "error": np.arange(count) + 1.0, "naive": 5.0}, index=index)


def test_the_error_by_group_begins_with_the_most() -> None:
    found = tables.by_group(groups("region", 3))["region"]
    assert [(row.name, row.error) for row in found] == [("g2", 0.3), ("g1", 0.2), ("g0", 0.1)]


def test_of_many_groups_the_least_are_told_together_and_one_group_is_not_told() -> None:
    found = tables.by_group(groups("region", 30))["region"]
    assert len(found) == tables.MOST_GROUPS
    assert (found[-1].name, found[-1].items) == ("19 others", 19)
    assert sum(row.share for row in found) == pytest.approx(1)
    assert tables.by_group(groups("region", 1)) == {}
    assert tables.by_group(pd.DataFrame()) == {}


def test_coverage_is_told_over_all_by_step_and_by_groups_that_are_more_than_one() -> None:
    rows = [
        ("all", "all", "1-4", 0.8),
        ("all", "all", "1-2", 0.9),
        ("history", "50-99 rows", "1-4", 0.8),
        ("zeros", "none", "1-4", 0.7),
        ("zeros", "none", "1-2", 0.6),
        ("zeros", "up to half", "1-4", 0.9),
    ]
    table = pd.DataFrame(rows, columns=["by", "group", "steps", "coverage_80"])
    found = [(row["kind"], row["name"], row["coverage_80"]) for row in tables.coverage(table)]
    assert found == [
        ("all series", "all steps", 0.8),
        ("steps ahead", "1-2", 0.9),
        ("zeros", "none", 0.7),
        ("zeros", "up to half", 0.9),
    ]
    assert tables.coverage(pd.DataFrame(columns=list(coverages.COLUMNS))) == []


def test_an_effect_says_whether_its_interval_leaves_zero_out() -> None:
    table = pd.DataFrame(
        {"covariate": list("abcd"), "effect": [2, -2, 1, np.nan], "low_95": [1, -4, -1, 0], "high_95": [4, -1, 3, 0]}
    )
    found = tables.effects(table)
    assert [row["word"] for row in found] == ["raises", "lowers", "may not matter"]
    assert found[0]["places"] == {"effect": 0.5, "low_95": 0.25, "high_95": 1.0}
    assert tables.effects(None) == []
