"""Scales and bounds: known where a series changes, borrowed where it never did."""

from __future__ import annotations

import numpy as np
import pytest

from convect import metrics
from convect.training import ensemble, units
from tests.unit.made import panel_of, wave

MIXED = panel_of(wave(40, 7), wave(30, 7, level=500.0), np.full(20, 8.0), [6.0])


def test_a_series_that_changes_has_its_own_scale() -> None:
    found = units.scales(MIXED, 7)
    assert found[:2].tolist() == [metrics.seasonal_scale(MIXED.series(item), 7) for item in (0, 1)]


def test_a_series_that_never_changed_borrows_the_others_by_size_and_trusts_its_length() -> None:
    found = units.scales(MIXED, 7)
    own = [found[item] / np.abs(MIXED.series(item)).mean() for item in (0, 1)]
    np.testing.assert_allclose(found[2:], [np.median(own) * 8 / 20, np.median(own) * 6])
    assert units.scales(MIXED, 7, 0.5)[2:].tolist() == [0.5 * 8 / 20, 0.5 * 6]


def test_where_nothing_changes_a_share_of_the_size_is_assumed() -> None:
    found = units.scales(panel_of([4.0, 4.0], [0.0, 0.0]), 1)
    assert found.tolist() == [units.UNKNOWN_RELATIVE_SCALE * 4 / 2, 0]


def test_scales_follow_the_unit() -> None:
    larger = panel_of(*[1000 * MIXED.series(item) for item in range(4)])
    np.testing.assert_allclose(units.scales(larger, 7), 1000 * units.scales(MIXED, 7))


def test_one_value_is_told_where_there_is_one() -> None:
    np.testing.assert_array_equal(units.still(MIXED), [np.nan, np.nan, 8, 6])


def test_a_constant_series_is_forecast_to_stay_and_keeps_its_width() -> None:
    mean = np.array([[50.0], [500.0], [7.5], [6.5]])
    quantiles = mean[..., None] + np.array([-2.0, 0.0, 2.0])
    found = units.bounded(MIXED, mean, quantiles)
    np.testing.assert_allclose(found[2:, 0], [[8, 6, 8, 10], [6, 4, 6, 8]])
    np.testing.assert_allclose(found[0, 0], [50, 48, 50, 52])


@pytest.mark.parametrize("sign", [1, -1])
def test_nothing_leaves_the_bounds_of_its_history(sign: int) -> None:
    panel = panel_of(sign * wave(40, 7), sign * np.arange(9.0))
    wild = np.array([[1e9, -1e9], [-1e9, 1e9]])
    found = units.bounded(panel, wild, np.stack([wild - 1, wild, wild + 1], axis=-1))
    low, high = ensemble.bounds([panel.series(0), panel.series(1)])
    assert (found >= low[:, None, None]).all() and (found <= high[:, None, None]).all()
    assert (np.diff(found[..., 1:], axis=-1) >= 0).all()
