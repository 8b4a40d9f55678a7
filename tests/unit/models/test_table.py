"""The panel laid out for the global model: each item's covariates with their own future, each stamp's calendar."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.calendar import calendar_features, holiday_features
from convect.models.table import series_table
from convect.panel import Panel
from tests.unit.made import panel_of

LONG = (24, 168)  # of hours: what the calendar tells of these is not told by the values a season ago alone


def two(**parts: Any) -> Panel:
    return panel_of(
        np.arange(3.0),
        np.arange(5.0),
        known=np.arange(8.0)[:, None],
        future=np.array([[[100.0], [101.0]], [[200.0], [np.nan]]]),
        known_names=("price",),
        **parts,
    )


@pytest.mark.parametrize(
    ("horizon", "first", "second"),
    [
        (2, [100, 101], [200, np.nan]),
        (1, [100], [200]),
        (4, [100, 101, np.nan, np.nan], [200, np.nan, np.nan, np.nan]),
    ],
)
def test_covariates_are_followed_by_their_future(horizon: int, first: list[float], second: list[float]) -> None:
    found = series_table(two(), horizon, (7,), ())
    np.testing.assert_array_equal(found.covariates[:, 0], [0, 1, 2, *first, 3, 4, 5, 6, 7, *second])
    assert found.covariate_offsets.tolist() == [0, 3 + horizon, 8 + 2 * horizon]
    assert found.seasons == (7,)


def test_without_covariates_there_is_no_column() -> None:
    found = series_table(panel_of([1, 2, 3], [4, 5]), 2, (), ())
    assert found.covariates.shape == (9, 0)
    assert (found.past.shape, found.static.shape) == ((5, 0), (2, 0))


@pytest.mark.parametrize("countries", [(), ("US",), ("US", "DE")])
@pytest.mark.parametrize("freq", ["D", "MS"])
def test_the_calendar_is_that_of_the_stamp_of_each_position(freq: str, countries: tuple[str, ...]) -> None:
    panel = panel_of(np.arange(30.0), np.arange(12.0), freq=freq)
    panel = Panel.build(panel.frequency, panel.item_ids, [800, 790], panel.offsets, panel.values)
    found = series_table(panel, 4, LONG, countries)
    items, positions = np.array([[0], [1]]), np.array([[0, 7, 33], [0, 11, 15]])
    stamps = pd.DatetimeIndex(
        [
            pd.date_range(panel.frequency.from_ordinal([start])[0], periods=40, freq=freq)[place]
            for start, places in zip(panel.starts, positions, strict=True)
            for place in places
        ]
    )
    expected = [calendar_features(stamps, panel.frequency)[0]]
    if countries:
        expected.append(holiday_features(stamps, countries, panel.frequency)[0])
    np.testing.assert_array_equal(found.calendar(items, positions).reshape(6, -1), np.concatenate(expected, axis=1))


@pytest.mark.parametrize(("freq", "seasons"), [("D", ()), ("QS", (4,))])
def test_where_the_calendar_would_be_learnt_by_heart_only_holidays_are_left(freq: str, seasons: tuple[int]) -> None:
    panel = panel_of(np.arange(40.0), freq=freq)
    panel = Panel.build(panel.frequency, panel.item_ids, [100], panel.offsets, panel.values)
    items, positions = np.array([0]), np.array([5])
    assert series_table(panel, 4, seasons, ()).calendar(items, positions).shape == (1, 0)
    holidays = series_table(panel, 4, seasons, ("US",)).calendar(items, positions)
    np.testing.assert_array_equal(holidays, holiday_features(panel.timestamps[5:6], ("US",), panel.frequency)[0])


def test_two_series_a_century_apart_share_no_calendar_between_them() -> None:
    panel = panel_of(np.arange(30.0), np.arange(12.0), freq="min")
    apart = Panel.build(panel.frequency, panel.item_ids, [0, 60_000_000], panel.offsets, panel.values)
    found = series_table(apart, 4, LONG, ())
    items, positions = np.array([[0], [1]]), np.array([[0, 7, 33], [0, 11, 15]])
    stamps = panel.frequency.from_ordinal((apart.starts[items] + positions).ravel())
    expected = calendar_features(stamps, panel.frequency)[0].reshape(2, 3, -1)
    np.testing.assert_array_equal(found.calendar(items, positions), expected)
