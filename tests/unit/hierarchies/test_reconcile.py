"""Reconciliation by hand, and what must hold whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from convect.hierarchies.reconcile import reconcile

PAIR = sp.csr_array(np.ones((1, 2)))


def pair(items: list[float], total: float, variance: list[float], certain: float, *, floor: bool = True) -> list[float]:
    known = np.array([[items[0]], [items[1]]])
    spread = (np.array(variance), np.array([certain]))
    found = reconcile(known, np.array([[total]]), PAIR, *spread, np.full(2, floor))
    return list(np.round(found.ravel(), 6))


def test_the_difference_goes_where_the_errors_are() -> None:
    assert pair([10, 20], 36, [1, 1], 1) == [12, 22]  # 6 over three equal errors
    assert pair([10, 20], 36, [0, 2], 1) == [10, 24]  # the first must stay
    assert pair([10, 20], 36, [1, 2], 0) == [12, 24]  # the total must stay


def test_what_would_fall_below_zero_is_zero_and_the_rest_takes_it() -> None:
    assert pair([1, 20], 9, [1, 1], 0, floor=False) == [-5, 14]
    assert pair([1, 20], 9, [1, 1], 0) == [0, 9]


def test_nothing_moves_where_all_is_certain() -> None:
    assert pair([1, 20], 9, [0, 0], 0) == [1, 20]


def test_an_item_in_no_sum_stays() -> None:
    members = sp.csr_array(np.array([[1.0, 0.0]]))
    found = reconcile(np.array([[1.0], [5.0]]), np.array([[3.0]]), members, np.ones(2), np.ones(1), np.ones(2, bool))
    assert found.ravel().tolist() == pytest.approx([2.0, 5.0])


@pytest.mark.parametrize("scale", [1e-311, 1e-100, 1e100])
def test_only_the_relations_of_variances_count(scale: float) -> None:
    members = sp.csr_array(np.ones((1, 2)))
    base, sums = np.array([[1.0], [5.0]]), np.array([[9.0]])
    found = reconcile(base, sums, members, np.array([scale, 2 * scale]), np.array([0.0]), np.ones(2, bool))
    assert found.ravel().tolist() == pytest.approx([2.0, 7.0], rel=1e-6)


@given(
    st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e4)), min_size=1, max_size=8),
    st.lists(st.floats(-1e3, 1e5), min_size=4, max_size=4),
    st.floats(0, 1e4),
)
def test_forecasts_stay_finite_and_not_negative(
    items: list[tuple[float, float]], sums: list[float], certain: float
) -> None:
    base = np.array([[value] for value, _ in items])
    group = np.arange(len(items)) % 3
    members = np.vstack([np.ones(len(items)), group == np.arange(3)[:, None]]).astype(float)
    spread = np.array([variance for _, variance in items])
    nodes = np.array(sums)[:, None]
    found = reconcile(base, nodes, sp.csr_array(members), spread, np.full(4, certain), np.ones(len(items), bool))
    assert np.isfinite(found).all() and (found >= 0).all()
    np.testing.assert_allclose(found[spread == 0], base[spread == 0], atol=1e-9)
