"""Coverage by group and step, counted by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.intervals import LEVELS
from convect.training import coverage, ensemble
from convect.training.scored import Scored
from tests.unit.made import fast, panel_of, quiet, table


def scored(actual: list[list[float]], items: list[int], half: float = 1.0) -> Scored:
    """Forecasts of zero whose quantiles spread evenly from -half to half."""
    happened, rows = np.array(actual, float), len(items)
    quantiles = np.broadcast_to(half * np.linspace(-1, 1, len(LEVELS)), (*happened.shape, len(LEVELS)))
    places, ends = np.array(items), np.full(rows, 3)
    return Scored(places, ends, happened, np.zeros(happened.shape), quantiles, np.full(rows, 2.0), LEVELS)


def test_coverage_by_hand() -> None:
    panel = panel_of(
        [1.0] * 60,
        [0.0] * 9,
        [1.0, 0.0] * 5,
        groups=np.array([["x"], ["x"], ["y"]], dtype=object),
        group_names=("region",),
        static=[[0.0], [1.0], [np.nan]],
        static_names=("kind",),
        categories={"kind": ("p", "q")},
    )
    actual = [[0, 0, 0, 0, 9], [0, 0, 9, 9, 9], [9, 9, 9, 9, 9], [0, 0, 0, 0, 0]]
    found = coverage.table(panel, scored(actual, [0, 1, 1, 2]))
    assert list(found.columns) == list(coverage.COLUMNS)
    assert found["by"].unique().tolist() == ["all", "history", "zeros", "region", "kind"]
    assert found["steps"].unique().tolist() == ["1-5", "1-2", "3-3", "4-4", "5-5"]
    rows = found.set_index(["by", "group", "steps"])
    every = rows.loc[("all", "all", "1-5")]
    assert (every["items"], every["values"], round(every["coverage_80"], 9)) == (3, 20, 0.55)
    assert rows.loc[("all", "all", "1-2"), "coverage_95"] == 0.75
    assert rows.loc[("region", "x", "1-5"), "coverage_80"] == pytest.approx(6 / 15)
    assert rows.loc[("history", "50-99 rows", "1-5"), "values"] == 5
    assert rows.loc[("zeros", "more than half", "1-5"), "coverage_80"] == pytest.approx(2 / 10)
    assert rows.loc[("zeros", "up to half", "5-5"), "coverage_80"] == 1.0
    assert rows.loc[("kind", "", "1-5"), "items"] == 1  # an item without the attribute
    assert rows.loc[("all", "all", "1-5"), "SQL"] > rows.loc[("region", "y", "1-5"), "SQL"] > 0


def test_many_groups_are_told_together() -> None:
    labels = np.array([[f"g{k:02}"] for k in range(24)] + [["g23"]], dtype=object)
    panel = panel_of(*[[1.0] * 4] * 25, groups=labels, group_names=("region",))
    found = coverage.table(panel, scored([[0.0]] * 25, list(range(25))))
    groups = found[(found["by"] == "region") & (found["steps"] == "1-1")]["group"].tolist()
    assert len(groups) == coverage.MOST_GROUPS
    assert groups[-1] == coverage.OTHER and "g23" in groups


def test_without_a_backtest_the_table_is_empty() -> None:
    nothing = scored([[0.0]], [0]).take(np.array([], np.int64))
    assert coverage.table(panel_of([1.0, 2.0]), nothing).empty


def test_the_whole_agrees_with_the_leaderboard() -> None:
    result = pipeline.train(table(4, 60), fast(), progress=quiet)
    whole: pd.Series = result.coverage.set_index("by").loc["all"].iloc[0]
    board = result.leaderboard.set_index("model").loc[ensemble.NAME]
    for name in ("coverage_80", "coverage_95", "SQL"):
        assert whole[name] == pytest.approx(board[name])
