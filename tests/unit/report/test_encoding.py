"""Series as the page's script reads them."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.frequency import Frequency
from convect.report.encoding import axis, decimals, embedded, encoded, rounded, runs
from tests.unit.report.made_report import HORIZON, HOSTILE, gathered_of, trained


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none(), st.lists))
def test_embedded_json_reads_back_and_neither_ends_the_script_nor_begins_a_comment(value: object) -> None:
    text = embedded(value)
    assert json.loads(text) == value
    assert not set(text) & set("<>&\u2028\u2029")


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_embed(text: str) -> None:
    assert "<" not in embedded([text])
    assert json.loads(embedded([text])) == [text]


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        embedded([float("nan")])


@pytest.mark.parametrize(
    ("values", "places", "found"),
    [
        ([1234567.0, 12.0], -3, [1235000, 0]),
        ([12.3456, 0.01234], 2, [12.35, 0.01]),
        ([0.00123456], 6, [0.001235]),
        ([3.0, 4.0], 3, [3, 4]),
        ([0.0], 0, [0]),
    ],
)
def test_four_digits_of_the_largest_are_kept(values: list[float], places: int, found: list[float]) -> None:
    assert decimals(np.array(values)) == places
    assert rounded(np.array(values), places) == found


def test_missing_numbers_become_none() -> None:
    assert rounded(np.array([np.nan, 1.0]), 1) == [None, 1]
    assert rounded(np.array([np.nan, 1.0]), 0) == [None, 1]
    assert decimals(np.array([np.nan])) == 0


@pytest.mark.parametrize("alias", ["D", "h", "MS", "B", "W-SUN", "15min", "QE-DEC", "YS-JAN"])
def test_the_axis_has_the_stamps_of_the_steps(alias: str) -> None:
    frequency = Frequency(alias)
    first = int(frequency.ordinal([np.datetime64("2024-01-31")])[0])
    found = axis(frequency, first, first + 30)
    steps = found["step"] if isinstance(found["step"], list) else [found["step"]] * 30
    stamps = pd.to_datetime(found["first"] + np.r_[0, np.cumsum(steps)], unit="s")
    assert stamps.tolist() == frequency.from_ordinal(first + np.arange(31)).tolist()
    assert found["count"] == 31
    assert isinstance(found["step"], list) == (alias in ("MS", "B", "QE-DEC", "YS-JAN"))


@given(st.lists(st.booleans(), min_size=1))
def test_runs_are_where_the_mask_is_true(mask: list[bool]) -> None:
    found = np.zeros(len(mask), bool)
    for begin, length in runs(np.array(mask)):
        assert length > 0
        found[begin : begin + length] = True
    assert found.tolist() == mask


def test_a_series_says_what_was_gathered_of_it() -> None:
    one = gathered_of(trained()).kept[0]
    first = one.start - 5
    found = encoded(one, first, ["gap"], {"level": np.array([1.0, 2.0])})
    assert (found["id"], found["at"], found["end"]) == (one.item, 5, 5 + len(one.values))
    np.testing.assert_allclose(found["y"], one.values, rtol=1e-3)
    np.testing.assert_allclose(np.array(found["fan"]).T, one.fan, rtol=2e-3)
    assert [window["end"] for window in found["windows"]] == one.ends.tolist()
    assert all(len(window[name]) == HORIZON for window in found["windows"] for name in ("f", "low", "high", "naive"))
    error, actual = one.windows.errors().sum(), np.abs(one.windows.actual).sum()
    assert found["error"] == pytest.approx(error / actual, abs=1e-4)
    assert sum(share for _, share in found["models"]) == pytest.approx(1, abs=0.01)
    assert found["parts"] == {"level": [1, 2]}
