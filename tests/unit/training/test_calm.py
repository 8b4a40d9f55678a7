"""Intervals learnt in calm windows are widened, in rough ones narrowed, by what cheap forecasts saw before them."""

from __future__ import annotations

import numpy as np
import pytest

from convect.models.table import series_table
from convect.panel import Panel
from convect.training import calm
from tests.unit.made import panel_of

HORIZON = 5


def walks(newest: float, count: int = 25, rows: int = 200) -> Panel:
    """Random walks whose newest horizon moves `newest` times as much as what went before."""
    rng = np.random.default_rng(4)
    sizes = np.r_[np.ones(rows - HORIZON), np.full(HORIZON, newest)]
    return panel_of(*(1000 + np.cumsum(sizes * rng.normal(size=rows)) for _ in range(count)))


def found(panel: Panel, seen: int = 1) -> float:
    return calm.widening(panel, series_table(panel, HORIZON, (), ()), HORIZON, {}, seen)


def test_by_hand_from_the_errors_of_the_windows() -> None:
    errors = np.array([[1.0, 1.0, 1.0, 9.0], [2.0, 3.0, np.nan, np.nan], [4.0, 3.0, 3.0, np.nan]])
    believed = 3 / (3 + calm.DOUBT_ITEMS)
    assert calm._older_to_newest(errors / 2, 1) == pytest.approx(calm.LARGEST * believed), "three times is too much"
    errors[0] *= 2
    assert calm._older_to_newest(errors, 1) == pytest.approx(np.log(1.5) * believed), "the last has no older window"
    assert calm._older_to_newest(errors, 2) == 0.0, "one older window tells nothing"
    assert calm._older_to_newest(errors[:, :2], 1) == 0.0, "nor do two items"


def test_calm_windows_widen_and_rough_ones_narrow() -> None:
    assert found(walks(0.5)) > 1.1 > found(walks(1.0)) > 0.9 > found(walks(3.0))


@pytest.mark.parametrize("newest", [0.0, 1e-6, 1e6])
def test_what_is_believed_has_a_bound(newest: float) -> None:
    bound = np.exp(calm.TRUST * calm.LARGEST)
    assert 1 / bound - 1e-9 <= found(walks(newest)) <= bound + 1e-9


@pytest.mark.parametrize(("rows", "seen"), [(200, 0), (200, calm.WINDOWS), (17, 1)])
def test_nothing_is_known_without_a_window_or_older_ones(rows: int, seen: int) -> None:
    assert found(walks(0.1, rows=rows), seen) == 1.0


def test_series_that_never_change_tell_nothing() -> None:
    assert found(panel_of(*([5.0] * 60 for _ in range(5)))) == 1.0


def test_the_unit_does_not_matter() -> None:
    panel = walks(0.5)
    larger = panel_of(*(1e4 * panel.series(item) for item in range(len(panel))))
    assert found(larger) == pytest.approx(found(panel))
