"""Repairs: one value a step, gaps filled within items; checked by hand and against pandas."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import DataError
from convect.reading.repair import Cells, aggregate, fill, lay_out

NAN = np.nan


def cells(
    items: list[int], ordinals: list[int], target: list[float], method: str, extra: np.ndarray | None = None
) -> Cells:
    columns = np.empty((len(items), 0)) if extra is None else extra
    coded = np.array([False, True])[: columns.shape[1]]
    return aggregate(np.array(items), np.array(ordinals), np.array(target, float), columns, coded, method)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("sum", 9.0), ("mean", 4.5), ("first", 7.0), ("last", 2.0), ("min", 2.0), ("max", 7.0)],
)
def test_duplicates_by_hand(method: str, expected: float) -> None:
    found = cells([0, 0, 0, 1, 0], [5, 5, 5, 5, 6], [NAN, 7, 2, 1, NAN], method)
    assert (found.items.tolist(), found.ordinals.tolist()) == ([0, 0, 1], [5, 6, 5])
    np.testing.assert_array_equal(found.target, [expected, NAN, 1])
    assert found.copies.tolist() == [3, 1, 1]


def test_covariates_of_duplicates_are_averaged_and_codes_are_not() -> None:
    extra = np.array([[1.0, 4.0], [2.0, 3.0], [NAN, NAN]])
    assert cells([0, 0, 0], [1, 1, 1], [1, 2, 3], "sum", extra).extra.tolist() == [[1.5, 3.0]]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.one_of(st.just(NAN), st.integers(-9, 9))), min_size=1),
    st.sampled_from(["sum", "mean", "first", "last", "min", "max"]),
)
def test_duplicates_agree_with_pandas(rows: list[tuple[int, int, float]], method: str) -> None:
    table = pd.DataFrame(rows, columns=["item", "step", "y"]).astype({"y": float})
    groups = table.groupby(["item", "step"])["y"]
    expected = groups.sum(min_count=1) if method == "sum" else groups.agg(method)
    found = cells(table["item"].tolist(), table["step"].tolist(), table["y"].tolist(), method)
    np.testing.assert_allclose(found.target, expected.to_numpy())
    assert list(zip(found.items, found.ordinals, strict=True)) == list(expected.index)


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("interpolate", [2, 4, 6, 8, 1, 3, 5]),
        ("zero", [2, 0, 0, 8, 1, 0, 5]),
        ("previous", [2, 2, 2, 8, 1, 1, 5]),
        ("mean", [2, 5, 5, 8, 1, 3, 5]),
        ("median", [2, 5, 5, 8, 1, 3, 5]),
        ("min", [2, 2, 2, 8, 1, 1, 5]),
        ("max", [2, 8, 8, 8, 1, 5, 5]),
    ],
)
def test_gaps_by_hand(method: str, expected: list[float]) -> None:
    assert fill(np.array([2, NAN, NAN, 8, 1, NAN, 5]), np.array([0, 4, 7]), method).tolist() == expected


@st.composite
def gappy(draw: st.DrawFn) -> list[list[float]]:
    inner = st.lists(st.one_of(st.just(NAN), st.integers(-99, 99).map(float)), max_size=8)
    return [[draw(st.integers(-9, 9)), *draw(inner), draw(st.integers(-9, 9))] for _ in range(draw(st.integers(1, 4)))]


@given(gappy(), st.sampled_from(["interpolate", "zero", "previous", "mean", "median", "min", "max"]))
def test_gaps_agree_with_pandas(series: list[list[float]], method: str) -> None:
    expected: list[float] = []
    for values in series:
        item = pd.Series(values, dtype=float)
        filled = {"interpolate": item.interpolate, "previous": item.ffill, "zero": lambda item=item: item.fillna(0)}
        expected += list(filled[method]() if method in filled else item.fillna(item.agg(method)))
    offsets = np.r_[0, np.cumsum([len(values) for values in series])]
    np.testing.assert_allclose(fill(np.concatenate(series), offsets, method), expected)


def test_items_span_their_known_targets() -> None:
    found = lay_out([cells([0, 0, 0, 1, 2, 2], [1, 2, 9, 5, 3, 4], [NAN, 1, NAN, NAN, 6, 7], "sum")])
    assert (found.kept.tolist(), found.starts.tolist(), found.ends.tolist()) == ([0, 2], [2, 3], [2, 4])
    assert found.offsets.tolist() == [0, 1, 3]


def test_nothing_known_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        lay_out([cells([0], [1], [NAN], "sum")])
    assert str(caught.value) == (
        "UserError [data]: No row has a target, so there is nothing to forecast. Check the target column."
    )


def test_an_explosion_of_gaps_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        lay_out([cells([0, 0], [0, 20_000_000], [1, 2], "sum")])
    assert str(caught.value) == (
        "UserError [data]: Filling the gaps between 2 rows would make 20000001. "
        "Look for a stray timestamp, or pass the hyperparameter freq with a longer step."
    )
