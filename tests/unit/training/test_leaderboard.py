"""The leaderboard: each row is what the metrics say, best first, and the ensemble is one row among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from convect import metrics
from convect.intervals import LEVELS
from convect.models.simple import NAIVE
from convect.select import choose
from convect.training import ensemble, leaderboard
from convect.training.judgement import judge
from tests.unit.made import said, tried

ITEMS, HORIZON = 12, 3
RNG = np.random.default_rng(8)
ACTUAL = RNG.normal(50, 5, (ITEMS, HORIZON))
SCALE = RNG.uniform(1, 3, ITEMS)
NOISE = {NAIVE: 4.0, "good": 1.0, "bad": 30.0}
BACKTEST = tried(ACTUAL, SCALE, **{name: ACTUAL + size * RNG.normal(size=ACTUAL.shape) for name, size in NOISE.items()})
NAIVE_WITH_WIDTH = replace(BACKTEST.predictions[NAIVE], spread=np.full((2 * ITEMS, HORIZON, 2), 4.0))
BACKTEST = replace(BACKTEST, predictions={**BACKTEST.predictions, NAIVE: NAIVE_WITH_WIDTH})
WEIGHTS = choose(BACKTEST, ITEMS, "MASE")
JUDGED = judge(BACKTEST, WEIGHTS, LEVELS, ITEMS)


@pytest.fixture
def board() -> pd.DataFrame:
    return leaderboard.table(BACKTEST, WEIGHTS, JUDGED).set_index("model")


def test_every_model_has_a_row_and_the_best_is_first(board: pd.DataFrame) -> None:
    assert sorted(board.index) == sorted([ensemble.NAME, *BACKTEST.predictions])
    assert board["MASE"].is_monotonic_increasing
    assert list(board.columns[:2]) == ["MASE", "relative_MASE"]
    assert set(leaderboard.COLUMNS) < set(board.columns)


@pytest.mark.parametrize("name", [ensemble.NAME, *NOISE])
def test_errors_are_those_of_the_metrics(board: pd.DataFrame, name: str) -> None:
    mean = JUDGED.mean if name == ensemble.NAME else BACKTEST.past(name)
    row = board.loc[name]
    assert row["MASE"] == pytest.approx(metrics.mase(ACTUAL, mean, SCALE))
    assert row["RMSSE"] == pytest.approx(metrics.rmsse(ACTUAL, mean, BACKTEST.scale_squared))
    for metric, function in metrics.UNSCALED.items():
        assert row[metric] == pytest.approx(function(ACTUAL, mean))


def test_the_ensemble_s_quantile_errors_are_over_the_deciles(board: pd.DataFrame) -> None:
    deciles = {level: JUDGED.quantiles[..., LEVELS.index(level)] for level in metrics.DECILES}
    row = board.loc[ensemble.NAME]
    assert row["SQL"] == pytest.approx(metrics.sql(ACTUAL, deciles, SCALE))
    assert row["wQL"] == pytest.approx(metrics.wql(ACTUAL, deciles))
    for column, low, high in (("coverage_80", 0.1, 0.9), ("coverage_95", 0.025, 0.975)):
        inside = metrics.coverage(
            ACTUAL, JUDGED.quantiles[..., LEVELS.index(low)], JUDGED.quantiles[..., LEVELS.index(high)]
        )
        assert row[column] == inside


def test_only_a_model_with_its_own_interval_has_a_coverage(board: pd.DataFrame) -> None:
    assert board.loc[[ensemble.NAME, NAIVE], "coverage_80"].notna().all()
    assert board.loc[["good", "bad"], ["SQL", "wQL", "coverage_80", "coverage_95"]].isna().all(axis=None)
    assert board["coverage_95"][NAIVE] >= board["coverage_80"][NAIVE]


def test_errors_are_told_relative_to_the_naive_model(board: pd.DataFrame) -> None:
    assert board.loc[NAIVE, "relative_MASE"] == 1
    np.testing.assert_allclose(board["relative_MASE"], board["MASE"] / board["MASE"][NAIVE])


def test_weights_costs_and_failures(board: pd.DataFrame) -> None:
    assert board.loc[ensemble.NAME, "weight"] == 1
    assert board.drop(ensemble.NAME)["weight"].sum() == pytest.approx(1)
    assert board.loc[ensemble.NAME, "cpu_seconds"] == pytest.approx(1.5 * len(NOISE))
    assert board["fallbacks"].tolist() == [0] * len(board)
    assert pd.api.types.is_integer_dtype(board["fallbacks"])


def test_a_failure_is_counted_by_origin() -> None:
    failed = np.zeros(2 * ITEMS, bool)
    failed[[0, 3]] = True
    predictions = {**BACKTEST.predictions, "bad": said(BACKTEST.predictions["bad"].mean, fallback=failed)}
    board = leaderboard.table(replace(BACKTEST, predictions=predictions), WEIGHTS, JUDGED).set_index("model")
    assert board["fallbacks"].to_dict() == {ensemble.NAME: 0, NAIVE: 0, "good": 0, "bad": 2}


def test_without_windows_the_errors_are_not_known() -> None:
    none = tried(np.empty((0, HORIZON)), np.empty(0), **{NAIVE: np.empty((0, HORIZON)), "a": np.empty((0, HORIZON))})
    weights = choose(none, 0, "MASE")
    board = leaderboard.table(none, weights, judge(none, weights, LEVELS, 0))
    assert board[list(leaderboard.COLUMNS)].isna().all(axis=None)
    assert sorted(board["model"]) == sorted([ensemble.NAME, NAIVE, "a"])
