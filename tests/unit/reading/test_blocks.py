"""Blocks of rows: every row once, the rows of an item together and in their order."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.reading import blocks as module
from convect.reading.blocks import blocks, looked_up


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(1, 12), st.booleans())
def test_every_row_is_in_one_block_beside_its_item(codes: list[int], rows: int, ascending: bool) -> None:
    items = np.unique(sorted(codes) if ascending else codes, return_inverse=True)[1].astype(np.int32)
    found = [np.arange(len(items))[block] for block in blocks(items, rows)]
    np.testing.assert_array_equal(np.concatenate(found), np.argsort(items, kind="stable"))
    assert max(map(len, found)) < rows + np.bincount(items).max()
    for one, other in pairwise(found):
        assert items[one].max() < items[other].min()


def test_a_sorted_table_is_cut_where_it_lies() -> None:
    assert blocks(np.array([0, 0, 1, 1, 1, 2]), 2) == [slice(0, 2), slice(2, 6)]


def test_a_look_up_is_the_same_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCK_ROWS", 3)
    table, codes = np.array([1.5, 2.5, np.nan]), np.array([0, 1, -1, 0, 2, 1, 1, 0], np.int8)
    np.testing.assert_array_equal(looked_up(table, codes), table[codes])
