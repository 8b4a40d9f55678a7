"""The backtest as windows, and the naive forecast beside them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from convect.models.simple import NAIVE
from convect.report import windows
from convect.report.part import Part
from tests.unit.made import panel_of
from tests.unit.report.made_report import HORIZON, gathered_of, trained


def backtest() -> pd.DataFrame:
    """Two windows of two steps, by two models."""
    rows = [
        ("a", "2024-01-03", 1, "Ensemble", 10.0, 12.0, 9.0, 13.0),
        ("a", "2024-01-03", 2, "Ensemble", 20.0, 17.0, 15.0, 19.0),
        ("b", "2024-01-04", 1, "Ensemble", 5.0, 5.0, 4.0, 6.0),
        ("b", "2024-01-04", 2, "Ensemble", 6.0, 5.0, 4.0, 6.0),
        ("a", "2024-01-03", 1, "Theta", 10.0, 0.0, np.nan, np.nan),
        ("a", "2024-01-03", 2, "Theta", 20.0, 0.0, np.nan, np.nan),
    ]
    columns = ["item_id", "cutoff", "step", "model", "actual", "forecast", "0.1", "0.9"]
    return pd.DataFrame(rows, columns=columns).astype({"cutoff": "datetime64[ns]", "item_id": "category"})


def test_the_windows_are_those_of_the_ensemble() -> None:
    found = windows.of(backtest())
    assert found.ids.tolist() == ["a", "b"]
    assert found.cutoffs.astype("datetime64[D]").astype(str).tolist() == ["2024-01-03", "2024-01-04"]
    assert found.errors().tolist() == [[2.0, 3.0], [0.0, 1.0]]
    assert found.inside().tolist() == [[1.0, 0.0], [1.0, 1.0]]
    assert found.promise == pytest.approx(0.8)


def test_without_an_even_pair_of_quantiles_nothing_is_said_of_the_interval() -> None:
    found = windows.of(backtest().drop(columns="0.9"))
    assert np.isnan(found.inside()).all()
    assert np.isnan(found.promise)


@pytest.mark.parametrize(
    ("names", "pair"),
    [
        (["0.1", "0.5", "0.9"], ("0.1", "0.9")),
        (["0.05", "0.1", "0.9"], ("0.1", "0.9")),
        (["0.9", "0.25", "0.75"], ("0.25", "0.75")),
        (["0.5"], None),
        ([], None),
    ],
)
def test_the_widest_even_pair(names: list[str], pair: tuple[str, str] | None) -> None:
    assert windows.widest(names) == pair


def test_the_naive_forecast_repeats_the_last_season_or_the_last_value() -> None:
    panel = panel_of([1, 2, 3, 4, 5, 6], [7, 8])
    found = windows.naive(panel, np.array([0, 0, 1]), np.array([6, 2, 1]), 4, 3)
    assert found.tolist() == [[4, 5, 6, 4], [2, 2, 2, 2], [7, 7, 7, 7]]


def test_before_the_first_value_there_is_no_naive_forecast() -> None:
    assert np.isnan(windows.naive(panel_of([1, 2]), np.array([0]), np.array([0]), 2, 1)).all()


def test_the_naive_forecast_is_that_of_the_backtest() -> None:
    result = trained()
    table = result.backtest[(result.backtest["model"] == NAIVE).to_numpy()]
    found = windows.of(result.backtest)
    items = np.array([result.artifact.position[item] for item in found.ids])
    told = table["forecast"].to_numpy().reshape(-1, HORIZON)
    np.testing.assert_array_equal(table["item_id"].to_numpy(object)[::HORIZON], found.ids)
    np.testing.assert_allclose(Part(result.artifact, found, items).naive, told)


def test_no_better_and_no_worse_than_naive_but_for_a_trifle() -> None:
    error = np.array([1.0, 1.009, 1.1, 0.9])
    assert windows.worse(error, np.ones(4), np.full(4, 10.0)).tolist() == [False, False, True, False]


def test_taken_apart_and_put_together_they_are_the_same() -> None:
    whole = windows.of(backtest())
    again = whole.take(np.array([0])).and_then(whole.take(np.array([1])))
    assert all(np.array_equal(getattr(whole, name), value) for name, value in vars(again).items())


def test_the_sums_are_those_of_the_table() -> None:
    result = trained()
    table = result.backtest[(result.backtest["model"] == "Ensemble").to_numpy()]
    off = (table["actual"] - table["forecast"]).abs()
    found = gathered_of(result)
    np.testing.assert_allclose(found.steps[1], off.groupby(table["step"]).sum())
    assert found.items["error"].sum() == pytest.approx(off.sum())
    assert found.items["actual"].sum() == pytest.approx(table["actual"].abs().sum())
