"""The figures of some rows of a backtest, by hand and against the leaderboard's."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from convect.intervals import LEVELS
from convect.training.scored import Scored, scored_table, stacked
from tests.unit.made import panel_of


def scored(actual: list[list[float]], mean: list[list[float]], *, half: float = 1.0) -> Scored:
    """Quantiles spread evenly from `half` below the mean to `half` above it."""
    middle, rows = np.array(mean, float), len(actual)
    quantiles = middle[..., None] + half * np.linspace(-1, 1, len(LEVELS))
    return Scored(
        np.arange(rows), np.full(rows, 2), np.array(actual, float), middle, quantiles, np.full(rows, 2.0), LEVELS
    )


def test_the_figures_by_hand() -> None:
    found = scored([[1.0, 2.0], [5.0, 5.0]], [[1.0, 3.0], [5.0, 8.0]]).figures()
    assert found["MASE"] == pytest.approx((0.5 + 1.5) / 2 / 2)
    assert found["WAPE"] == pytest.approx(4 / 13)
    assert found["coverage_80"] == found["coverage_95"] == 0.5
    sharp = scored([[1.0, 2.0], [5.0, 5.0]], [[1.0, 3.0], [5.0, 8.0]], half=0.0).figures()
    assert sharp["SQL"] == pytest.approx(sharp["MASE"])  # a quantile loss of one number is its absolute error


def test_nothing_scored_has_no_figures() -> None:
    assert np.isnan(list(scored([[1.0, 2.0]], [[1.0, 2.0]]).take(np.array([], np.int64)).figures().values())).all()


def test_rows_and_steps_are_taken_together() -> None:
    found = scored([[1.0, 2.0], [5.0, 5.0]], [[1.0, 3.0], [5.0, 8.0]]).take(np.array([1]), slice(1, 2))
    assert (found.items.tolist(), found.actual.tolist(), found.mean.tolist()) == ([1], [[5.0]], [[8.0]])
    assert found.quantiles.shape == (1, 1, len(LEVELS))


def test_tables_are_stacked_with_their_names_as_categories() -> None:
    panel = panel_of([1.0, 2, 3, 4], [1.0, 2, 3, 4])
    one = scored_table(panel, scored([[3.0, 4.0]], [[3.0, 5.0]]), "Reconciled", (0.1, 0.5))
    assert one["cutoff"].unique().tolist() == [pd.Timestamp("2024-01-02")]
    assert one["forecast"].tolist() == one["0.5"].tolist() == [3.0, 5.0]
    both = stacked([one, one.assign(item_id="z", model="Ensemble")])
    assert list(both.columns) == ["item_id", "cutoff", "step", "model", "actual", "forecast", "0.1", "0.5"]
    assert both["item_id"].tolist() == ["a", "a", "z", "z"]
    assert str(both["item_id"].dtype) == str(both["model"].dtype) == "category"
