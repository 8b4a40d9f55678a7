"""The nodes above the items, by hand: who belongs where, what they are called, and the series of their sums."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convect.errors import DataError
from convect.hierarchies import hierarchy
from convect.panel import Panel
from tests.unit.made import panel_of

NAN = np.nan


def grouped(groups: list[list[str]], *series: list[float], names: tuple[str, ...] = ("r", "s"), **parts: Any) -> Panel:
    return panel_of(*series, groups=np.array(groups, dtype=object), group_names=names, **parts)


def members(tree: hierarchy.Hierarchy, panel: Panel) -> dict[str, list[str]]:
    dense = tree.members.toarray()
    return {str(node): list(panel.item_ids[row > 0]) for node, row in zip(tree.nodes, dense, strict=True)}


def test_nodes_are_named_by_the_way_down_to_them() -> None:
    panel = grouped([["x", "1"], ["x", "1"], ["x", "2"], ["y", "1"]], *[[1.0, 2.0]] * 4)
    tree = hierarchy.of(panel)
    assert tree.levels == ("total", "r", "s")
    assert members(tree, panel) == {
        "r=x": ["a", "b", "c"],
        "r=x/s=1": ["a", "b"],
        "r=x/s=2": ["c"],
        "r=y": ["d"],
        "r=y/s=1": ["d"],
        "total": ["a", "b", "c", "d"],
    }
    assert [tree.levels[place] for place in tree.level] == ["r", "s", "s", "r", "s", "total"]


def test_a_level_that_would_repeat_another_is_left_out() -> None:
    one_store_each = grouped([["x", "1"], ["x", "2"], ["y", "1"]], *[[1.0, 2.0]] * 3)
    assert hierarchy.of(one_store_each).levels == ("total", "r")
    one_region = grouped([["x", "1"], ["x", "1"], ["x", "2"]], *[[1.0, 2.0]] * 3)
    assert hierarchy.of(one_region).levels == ("total", "s")


def test_a_sum_begins_with_its_first_member_and_covariates_are_averaged() -> None:
    panel = grouped(
        [["x"], ["x"], ["y"]],
        [1.0, 2.0, 3.0],
        [10.0],
        [5.0, 5.0],
        names=("r",),
        known=[[1.0, 0.0], [2.0, 1.0], [NAN, 1.0], [4.0, 0.0], [7.0, 0.0], [7.0, 0.0]],
        future=[[[1.0, 0.0]], [[3.0, 0.0]], [[NAN, 1.0]]],
        known_names=("price", "kind"),
        categories={"kind": ("p", "q")},
    )
    panel = Panel(**{**vars(panel), "starts": panel.starts + np.array([0, 2, 1])})
    tree = hierarchy.of(panel)
    found = hierarchy.sums(panel, tree)
    assert found.item_ids.tolist() == ["r=x", "r=y", "total"]
    assert (found.starts - panel.starts[0]).tolist() == [0, 1, 0]
    assert [found.series(place).tolist() for place in range(3)] == [[1, 2, 13], [5, 5], [1, 7, 18]]
    assert found.known[:3, 0].tolist() == [1.0, 2.0, 4.0]
    assert found.future[:, 0, 0].tolist()[0] == 2.0 and np.isnan(found.future[1, 0, 0])
    assert np.isnan(found.known[:, 1]).all() and np.isnan(found.future[..., 1]).all()  # codes have no mean


def test_an_item_that_ends_elsewhere_is_in_no_sum() -> None:
    panel = grouped([["x"], ["x"], ["x"]], [1.0, 2.0], [1.0], [3.0, 4.0], names=("r",))
    tree = hierarchy.of(panel)
    assert tree.within.tolist() == [True, False, True]
    assert hierarchy.sums(panel, tree).series(0).tolist() == [4.0, 6.0]


def test_where_most_items_end_apart_there_is_nothing_to_sum() -> None:
    panel = grouped([["x"]] * 3, [1.0], [1.0, 2.0], [1.0, 2.0, 3.0], names=("r",))
    with pytest.raises(DataError, match="Only 1 of 3 items end at the same step") as caught:
        hierarchy.of(panel)
    assert "missing=zero" in caught.value.remedy


def test_a_node_that_is_named_like_an_item_is_refused() -> None:
    panel = grouped([["x"], ["y"]], [1.0], [2.0], names=("r",))
    named = Panel(**{**vars(panel), "item_ids": np.array(["a", "total"], dtype=object)})
    with pytest.raises(DataError, match="'total'"):
        hierarchy.of(named)


def test_two_nodes_of_one_name_are_refused() -> None:
    panel = grouped([["1/s=2", "3"], ["1", "2/s=3"], ["1", "2"], ["1", "2"]], *[[1.0]] * 4)
    tree = hierarchy.of(grouped([["1", "2"], ["1", "2"], ["2", "2"], ["2", "1"]], *[[1.0]] * 4))
    assert len(set(tree.nodes)) == len(tree.nodes)
    with pytest.raises(DataError, match="would both be named"):
        hierarchy.of(panel)
