"""Newer history joined to the kept one: the request wins, gaps are bridged, strangers stay as they came."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convect.answering import continuing
from convect.answering.continuing import continued
from convect.frequency import Frequency
from convect.panel import Panel


def panel(**series: tuple[int, list[float]]) -> Panel:
    """Items by name, each with its first step and values; the covariate `k` is ten times the value."""
    values = [np.array(found, float) for _, found in series.values()]
    whole = np.concatenate(values)
    return Panel.build(
        Frequency("D"),
        list(series),
        [start for start, _ in series.values()],
        np.r_[0, np.cumsum([len(found) for found in values])],
        whole,
        known=10 * whole[:, None],
        known_names=("k",),
        static=np.full((len(series), 1), np.nan),
        static_names=("kind",),
    )


KEPT = panel(a=(100, [1, 2, 3, 4, 5]), b=(100, [7, 8, 9]))


def joined(**series: tuple[int, list[float]]) -> Panel:
    found = continued(panel(**series), KEPT)
    found._check()
    return found


def test_the_drawing_of_the_docstring() -> None:
    found = joined(a=(104, [50, 6, 7]))
    assert found.starts.tolist() == [100]
    assert found.values.tolist() == [1, 2, 3, 4, 50, 6, 7]
    assert found.observed.all()
    assert found.known[:, 0].tolist() == [10, 20, 30, 40, 500, 60, 70]


def test_what_follows_at_once_is_appended() -> None:
    assert joined(a=(105, [6.0]), b=(103, [10.0])).values.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]


def test_a_gap_is_bridged_and_not_observed() -> None:
    found = joined(a=(107, [8.0, 9.0]))
    assert found.values.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert found.observed.tolist() == [True] * 5 + [False] * 2 + [True] * 2
    assert np.isnan(found.known[5:7]).all()


def test_gaps_of_several_items_are_bridged_by_their_own_ends() -> None:
    found = joined(a=(107, [11.0]), b=(105, [15.0]))
    assert found.series(0).tolist() == [1, 2, 3, 4, 5, 7, 9, 11]
    assert found.series(1).tolist() == [7, 8, 9, 11, 13, 15]


@pytest.mark.parametrize("start", [90, 100])
def test_a_history_that_reaches_further_back_stays_as_it_came(start: int) -> None:
    found = joined(a=(start, [4.0, 4.0]))
    assert found.values.tolist() == [4, 4]
    assert found.starts.tolist() == [start]


def test_a_stranger_and_a_series_broken_in_two_stay_as_they_came() -> None:
    broken = 105 + continuing.LARGEST_GAP_STEPS + 1
    found = joined(a=(broken, [6.0]), x=(105, [3.0]), z=(50, [2.0, 2.0]))
    assert found.values.tolist() == [6, 3, 2, 2]
    assert len(joined(a=(broken - 1, [6.0])).values) == 5 + continuing.LARGEST_GAP_STEPS + 1


def test_static_attributes_left_out_are_the_kept_ones() -> None:
    kept = Panel.build(
        KEPT.frequency,
        KEPT.item_ids,
        KEPT.starts,
        KEPT.offsets,
        KEPT.values,
        static=[[4.0], [5.0]],
        static_names=("kind",),
    )
    plain: dict[str, Any] = {"static_names": ("kind",)}
    ids, starts, values = ["a", "b", "c"], [90, 103, 7], [1.0, 2.0, 3.0]
    new = Panel.build(KEPT.frequency, ids, starts, [0, 1, 2, 3], values, static=[[np.nan], [6.0], [np.nan]], **plain)
    np.testing.assert_array_equal(continued(new, kept).static[:, 0], [4, 6, np.nan])


def test_only_the_items_asked_for_come_back() -> None:
    assert joined(b=(103, [10.0])).item_ids.tolist() == ["b"]
