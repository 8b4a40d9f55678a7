"""The panel: invariants checked at its one door, and cuts that never show a series its own future."""

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.frequency import Frequency
from convect.panel import Panel


def small(**changes: Any) -> Panel:
    """Two items of 4 and 2 days with one known covariate, two known days ahead."""
    parts: dict[str, Any] = {
        "frequency": Frequency("D"),
        "item_ids": ["a", "b"],
        "starts": Frequency("D").ordinal(["2024-01-01", "2024-03-01"]),
        "offsets": [0, 4, 6],
        "values": [1.0, 2.0, 3.0, 4.0, 10.0, 20.0],
        "known": [[1.0], [2.0], [3.0], [4.0], [7.0], [8.0]],
        "future": [[[5.0], [6.0]], [[9.0], [np.nan]]],
        "static": [[0.0], [1.0]],
        "known_names": ("price",),
        "static_names": ("shop",),
        "categories": {"shop": ("north", "south")},
    }
    return Panel.build(**{**parts, **changes})


def long_table(panel: Panel) -> pd.DataFrame:
    """The panel as pandas sees it, an independent reading of its arrays."""
    pieces = []
    for place, item in enumerate(panel.item_ids):
        rows = slice(panel.offsets[place], panel.offsets[place + 1])
        start = panel.frequency.from_ordinal(panel.starts[place : place + 1])[0]
        values = panel.values[rows]
        stamps = pd.date_range(start, periods=len(values), freq=panel.frequency.alias)
        pieces.append(pd.DataFrame({"item": item, "stamp": stamps, "value": values}))
    return pd.concat(pieces, ignore_index=True)


@st.composite
def panels(draw: st.DrawFn) -> Panel:
    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=5))
    horizon, rows, n = draw(st.integers(0, 4)), sum(lengths), len(lengths)
    return Panel.build(
        Frequency(draw(st.sampled_from(["D", "MS", "B", "h"]))),
        [f"item {place}" for place in range(n)],
        draw(st.lists(st.integers(-50, 500), min_size=n, max_size=n)),
        np.r_[0, np.cumsum(lengths)],
        np.arange(rows) * 1.5,
        known=np.arange(rows, dtype=float)[:, None],
        future=-np.arange(n * horizon, dtype=float).reshape(n, horizon, 1),
        past=np.arange(rows, dtype=float)[:, None] * 10,
        known_names=("k",),
        past_names=("p",),
    )


def test_reads_by_hand() -> None:
    panel = small()
    assert len(panel) == 2
    assert panel.lengths.tolist() == [4, 2]
    assert panel.series(1).tolist() == [10.0, 20.0]
    assert panel.horizon == 2
    assert [str(stamp)[:10] for stamp in panel.last_timestamps] == ["2024-01-04", "2024-03-02"]
    assert panel.future_timestamps(2).astype("datetime64[D]").astype(str).tolist() == [
        ["2024-01-05", "2024-01-06"],
        ["2024-03-03", "2024-03-04"],
    ]
    assert panel.positions.tolist() == [0, 0, 0, 0, 1, 1]
    assert np.shares_memory(panel.series(0), panel.values)


def test_until_fills_the_future_from_what_was_cut() -> None:
    panel = small().until([3, 1])
    assert panel.values.tolist() == [1.0, 2.0, 3.0, 10.0]
    assert panel.known[:, 0].tolist() == [1.0, 2.0, 3.0, 7.0]
    assert panel.future[:, :, 0].tolist() == [[4.0, 5.0], [8.0, 9.0]]
    deep = small().until([1, 2])
    np.testing.assert_array_equal(deep.future[:, :, 0], [[2.0, 3.0], [9.0, np.nan]])


def test_take_and_tail_by_hand() -> None:
    assert small().take([1]).item_ids.tolist() == ["b"]
    assert small().take(np.array([True, False])).values.tolist() == [1.0, 2.0, 3.0, 4.0]
    tail = small().tail(3)
    assert tail.values.tolist() == [2.0, 3.0, 4.0, 10.0, 20.0]
    assert tail.last_timestamps.tolist() == small().last_timestamps.tolist()
    assert small().take([]).offsets.tolist() == [0]


@pytest.mark.parametrize("indices", [[1, 0], [0, 0], [2], [-1]])
def test_take_refuses_what_would_break_the_order(indices: list[int]) -> None:
    with pytest.raises(ValueError, match=r"take\(\) needs ascending positions of items, each once\."):
        small().take(indices)


@pytest.mark.parametrize("ends", [[0, 1], [5, 1], [1, 3]])
def test_until_refuses_rows_that_are_not_there(ends: list[int]) -> None:
    with pytest.raises(ValueError, match="at least one row and at most all its rows"):
        small().until(ends)


def test_tail_refuses_nothing_left() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        small().tail(0)


@pytest.mark.parametrize(
    ("changes", "fact"),
    [
        ({"item_ids": ["b", "a"]}, "item_ids ascend and are distinct"),
        ({"item_ids": ["a", "a"]}, "item_ids ascend and are distinct"),
        ({"item_ids": ["a", 1]}, "item_ids are text"),
        ({"starts": [0]}, "starts are (n,)"),
        ({"offsets": [0, 6]}, "offsets are (n + 1,) from 0 to rows"),
        ({"offsets": [0, 4, 5]}, "offsets are (n + 1,) from 0 to rows"),
        ({"offsets": [0, 6, 6]}, "every item has a value"),
        ({"values": [1.0, np.nan, 3.0, 4.0, 10.0, 20.0]}, "values are (rows,) and finite"),
        ({"values": [1.0, np.inf, 3.0, 4.0, 10.0, 20.0]}, "values are (rows,) and finite"),
        ({"observed": [True]}, "observed is (rows,)"),
        ({"known": np.zeros((6, 2))}, "known is (rows, K)"),
        ({"known": np.full((6, 1), np.inf)}, "covariates are not infinite"),
        ({"future": np.zeros((2, 3))}, "future is (n, H, K)"),
        ({"future": np.zeros((1, 2, 1))}, "future is (n, H, K)"),
        ({"past": np.zeros((6, 1))}, "past is (rows, P)"),
        ({"static": np.zeros((2, 2))}, "static is (n, S)"),
    ],
)
def test_build_refuses(changes: dict[str, Any], fact: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"Not a panel: it does not hold that {fact}.")):
        small(**changes)


def test_left_out_covariates_have_no_columns() -> None:
    panel = Panel.build(Frequency("D"), ["a"], [0], [0, 2], [1, 2])
    assert (panel.known.shape, panel.future.shape, panel.past.shape, panel.static.shape) == (
        (2, 0),
        (1, 0, 0),
        (2, 0),
        (1, 0),
    )
    assert panel.observed.tolist() == [True, True]


@given(panels(), st.data())
def test_until_agrees_with_pandas_and_stays_a_panel(panel: Panel, data: st.DataObject) -> None:
    ends = np.array([data.draw(st.integers(1, int(length))) for length in panel.lengths])
    cut = panel.until(ends)
    cut._check()
    table = long_table(panel)
    expected = table[table.groupby("item").cumcount() < table["item"].map(dict(zip(panel.item_ids, ends, strict=True)))]
    pd.testing.assert_frame_equal(long_table(cut), expected.reset_index(drop=True))
    for place, end in enumerate(ends):
        rows = slice(panel.offsets[place], panel.offsets[place + 1])
        whole = np.r_[panel.known[rows, 0], panel.future[place, :, 0], np.full(panel.horizon, np.nan)]
        np.testing.assert_array_equal(cut.future[place, :, 0], whole[end : end + panel.horizon])


@given(panels(), st.data())
def test_take_agrees_with_pandas_and_stays_a_panel(panel: Panel, data: st.DataObject) -> None:
    mask = np.array([data.draw(st.booleans()) for _ in range(len(panel))])
    taken = panel.take(mask)
    taken._check()
    if mask.any():
        table = long_table(panel)
        expected = table[table["item"].isin(panel.item_ids[mask])].reset_index(drop=True)
        pd.testing.assert_frame_equal(long_table(taken), expected)
    np.testing.assert_array_equal(taken.future, panel.future[mask])


@given(panels(), st.integers(1, 10))
def test_tail_agrees_with_pandas_and_stays_a_panel(panel: Panel, rows: int) -> None:
    tail = panel.tail(rows)
    tail._check()
    expected = long_table(panel).groupby("item").tail(rows).reset_index(drop=True)
    pd.testing.assert_frame_equal(long_table(tail), expected)
    assert list(tail.timestamps) == list(expected["stamp"])
    np.testing.assert_array_equal(tail.future, panel.future)
    assert (tail.past[:, 0] == tail.known[:, 0] * 10).all()


@given(panels(), st.integers(1, 12))
def test_parts_are_views_that_make_the_whole(panel: Panel, rows: int) -> None:
    found = list(panel.parts(rows))
    assert all(len(part) == 1 or len(part.values) <= rows for part in found)
    assert all(np.shares_memory(part.values, panel.values) for part in found)
    for name in ("item_ids", "starts", "lengths", "values", "observed", "known", "future", "past", "static"):
        joined = np.concatenate([getattr(part, name) for part in found])
        np.testing.assert_array_equal(joined, getattr(panel, name))
    for part in found:
        part._check()


def test_a_part_is_what_take_takes() -> None:
    panel = small()
    assert long_table(panel.between(1, 2)).equals(long_table(panel.take([1])))
    assert panel.between(1, 2).known.tolist() == [[7.0], [8.0]]
    grouped = replace(panel, groups=np.array([["x"], ["y"]], dtype=object), group_names=("region",))
    assert grouped.between(1, 2).groups.tolist() == grouped.take([1]).groups.tolist() == [["y"]]
