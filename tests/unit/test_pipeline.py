"""The whole way: a table in, a judged forecast out, the same each time, whatever the series look like."""

from __future__ import annotations

import threading
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.errors import ConfigError
from convect.models.simple import NAIVE
from convect.pipeline import TrainResult
from convect.training import ensemble
from convect.training.portfolio import Budget
from tests.unit.made import fast, quantile_columns, quiet, table


def train(frame: pd.DataFrame, *, static: Any = None, related: Any = None, **settings: Any) -> TrainResult:
    return pipeline.train(frame, fast(**settings), static=static, related=related, progress=quiet)


def usable(result: TrainResult, items: int, horizon: int = 6) -> pd.DataFrame:
    """The forecasts, after what holds of every training."""
    frame = result.forecasts
    assert len(frame) == items * horizon
    assert frame[["item_id", "timestamp"]].equals(
        frame[["item_id", "timestamp"]].sort_values(["item_id", "timestamp"], ignore_index=True)
    )
    quantiles = quantile_columns(frame)
    assert np.isfinite(frame["mean"]).all() and np.isfinite(quantiles).all()
    assert (np.diff(quantiles, axis=1) >= 0).all()
    weights = result.artifact.weights
    assert weights.group.sum() == pytest.approx(1)
    np.testing.assert_allclose(weights.series.sum(axis=1), 1)
    assert ensemble.NAME in set(result.leaderboard["model"])
    return frame


@pytest.mark.parametrize(
    ("freq", "season", "rows", "horizon"),
    [("D", 7, 70, 14), ("W-SUN", 52, 120, 13), ("MS", 12, 60, 12), ("h", 24, 100, 24), ("YS", 4, 25, 6)],
    ids=["daily", "weekly", "monthly", "hourly", "yearly"],
)
def test_each_frequency_end_to_end(freq: str, season: int, rows: int, horizon: int) -> None:
    whole = table(5, rows + horizon, freq, season)
    known = whole.groupby("item_id").cumcount() < rows
    result = train(whole[known], horizon=None)
    found = usable(result, 5, horizon)
    expected = whole[~known].reset_index(drop=True)
    assert found["timestamp"].tolist() == expected["timestamp"].tolist()
    board = result.leaderboard.set_index("model")
    assert board["MASE"][ensemble.NAME] <= 1.05 * board["MASE"][NAIVE]
    assert np.abs(found["mean"] - expected["target"]).mean() < 8  # the wave's own mean absolute value is 6.4


def test_the_forecast_is_near_a_wave_without_noise() -> None:
    whole = table(4, 76, noise=0.05)
    known = whole.groupby("item_id").cumcount() < 70
    found = usable(train(whole[known]), 4)
    np.testing.assert_allclose(found["mean"], whole.loc[~known, "target"], atol=1.5)


def test_the_tables_of_a_training_agree() -> None:
    result = train(table(3, 60))
    backtest = result.backtest
    assert set(backtest["model"]) == set(result.leaderboard["model"])
    board = result.leaderboard.set_index("model")
    errors = (backtest["actual"] - backtest["forecast"]).abs()
    for model, rows in backtest.groupby("model", observed=True):
        assert np.sqrt((errors[rows.index] ** 2).mean()) == pytest.approx(board["RMSE"][str(model)])
    inside = backtest[backtest["model"] == ensemble.NAME]
    covered = ((inside["actual"] >= inside["0.1"]) & (inside["actual"] <= inside["0.9"])).mean()
    assert covered == pytest.approx(board.loc[ensemble.NAME, "coverage_80"])
    np.testing.assert_array_equal(result.forecasts["mean"], result.artifact.forecasts[..., 0].ravel())


def test_the_backtest_compares_with_what_the_table_holds() -> None:
    frame = table(3, 60)
    backtest = train(frame, windows=2).backtest
    stamps = backtest["cutoff"] + pd.to_timedelta(backtest["step"], "D")
    keys = pd.MultiIndex.from_arrays([backtest["item_id"].astype(str), stamps])
    np.testing.assert_array_equal(frame.set_index(["item_id", "timestamp"])["target"].loc[keys], backtest["actual"])
    assert backtest["cutoff"].nunique() == 2


@pytest.fixture(scope="module")
def twice() -> TrainResult:
    return train(table(3, 60), preset="balanced")


def same(one: TrainResult, two: TrainResult) -> None:
    assert_frame_equal(one.forecasts, two.forecasts, check_exact=True)
    assert_frame_equal(one.backtest, two.backtest, check_exact=True)
    first, second = (result.leaderboard.drop(columns="cpu_seconds") for result in (one, two))
    assert_frame_equal(first, second, check_exact=True)


def test_the_same_seed_gives_identical_tables(twice: TrainResult) -> None:
    same(twice, train(table(3, 60), preset="balanced"))


def test_processes_that_share_the_work_change_nothing(twice: TrainResult) -> None:
    with ProcessPoolExecutor(2) as executor:
        config = fast(preset="balanced")
        same(twice, pipeline.train(table(3, 60), config, executor=executor, progress=quiet))


def test_the_order_of_the_rows_does_not_matter(twice: TrainResult) -> None:
    shuffled = table(3, 60).sample(frac=1, random_state=0)
    same(twice, train(shuffled, preset="balanced"))


@pytest.mark.parametrize("how", ["time_limit", "stop"])
def test_without_time_there_is_still_a_valid_answer(how: str) -> None:
    stop = threading.Event()
    stop.set()
    budget = Budget(None, stop) if how == "stop" else None
    config = fast(time_limit=1e-6) if how == "time_limit" else fast()
    lines: list[str] = []
    result = pipeline.train(table(3, 60), config, budget=budget, progress=lines.append)
    found = usable(result, 3)
    naive = table(3, 60).groupby("item_id")["target"].apply(lambda values: values.iloc[-7:-1])
    np.testing.assert_allclose(found["mean"], naive)
    assert set(result.leaderboard["model"]) == {ensemble.NAME, NAIVE}
    assert any("left out, the time limit is reached" in line for line in lines)
    assert result.artifact.fallback.all()


def test_no_line_of_progress_names_a_series_or_a_value() -> None:
    lines: list[str] = []
    frame = table(3, 60).replace({"item_id": {"i1": "secret customer"}})
    pipeline.train(frame, fast(), progress=lines.append)
    assert lines
    assert not any("secret" in line or "customer" in line for line in lines)


def test_the_unit_of_the_target_does_not_matter() -> None:
    frame = table(3, 60)
    plain, larger = train(frame), train(frame.assign(target=1024 * frame["target"]))
    for column in plain.forecasts.columns[2:]:
        np.testing.assert_allclose(larger.forecasts[column], 1024 * plain.forecasts[column], rtol=0.01)
    np.testing.assert_allclose(larger.artifact.weights.series, plain.artifact.weights.series, atol=0.02)


ODD: dict[str, Any] = {
    "one item": lambda f: f[f["item_id"] == "i0"],
    "constant item": lambda f: f.assign(target=f["target"].where(f["item_id"] != "i1", 9.0)),
    "all constant": lambda f: f.assign(target=5.0),
    "all zero": lambda f: f.assign(target=0.0),
    "zero item": lambda f: f.assign(target=f["target"].where(f["item_id"] != "i1", 0.0)),
    "negative": lambda f: f.assign(target=-f["target"]),
    "around zero": lambda f: f.assign(target=f["target"] - 100),
    "ends in zeros": lambda f: f.assign(target=f["target"].where(f.groupby("item_id").cumcount() < 40, 0.0)),
    "huge item": lambda f: f.assign(target=f["target"].where(f["item_id"] != "i0", 1e50 * f["target"])),
    "tiny": lambda f: f.assign(target=1e-12 * f["target"]),
    "counts": lambda f: f.assign(target=(f["target"] % 4).round()),
}


@pytest.mark.parametrize("metric", ["MASE", "WAPE", "RMSE"])
@pytest.mark.parametrize("kind", ODD)
def test_odd_series_still_get_a_valid_answer(kind: str, metric: str) -> None:
    frame = ODD[kind](table(3, 60))
    usable(train(frame, metric=metric), frame["item_id"].nunique())


def test_a_constant_item_is_forecast_to_stay_and_zeros_stay_zeros() -> None:
    found = train(ODD["constant item"](table(3, 60))).forecasts
    np.testing.assert_allclose(found.loc[found["item_id"] == "i1", "mean"], 9)
    zeros = train(ODD["all zero"](table(3, 60))).forecasts
    assert (zeros["mean"] == 0).all()


def test_a_series_that_was_never_negative_is_not_forecast_to_be() -> None:
    frame = table(3, 60).assign(target=lambda f: (f["target"] % 3).round())
    assert (quantile_columns(usable(train(frame, quantiles=[0.001, 0.5]), 3)) >= 0).all()


def test_short_items_are_carried_by_the_others() -> None:
    frame = table(4, 60)
    place = frame.groupby("item_id").cumcount()
    keep = {"i0": 60, "i1": 5, "i2": 1, "i3": 60}
    frame = frame[place < frame["item_id"].map(keep)]
    found = usable(train(frame), 4)
    one_row = found[found["item_id"] == "i2"]
    last = float(frame.loc[frame["item_id"] == "i2", "target"].iloc[0])
    assert one_row["mean"].between(0.5 * last, 1.5 * last).all()
    assert (one_row["0.9"] > one_row["0.1"]).all(), "nobody is certain of a series seen once"


def test_items_that_are_all_too_short_for_a_window_are_still_forecast() -> None:
    result = train(table(3, 8))
    usable(result, 3)
    assert result.leaderboard["MASE"].isna().all()
    assert result.backtest.empty


def test_a_horizon_longer_than_the_history_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        train(table(3, 30), horizon=30)
    assert str(caught.value) == (
        "UserError [config]: Hyperparameter horizon is 30, but the longest series has 30 rows."
        " Lower horizon, or give longer series."
    )


def test_a_horizon_that_nobody_gave_is_said_to_be_so() -> None:
    with pytest.raises(ConfigError) as caught:
        train(table(3, 5), horizon=None)
    assert str(caught.value) == (
        "UserError [config]: Hyperparameter horizon was not given, so it is 14, but the longest series has 5 rows."
        " Pass a lower horizon, or give longer series."
    )


def priced(items: int = 5, rows: int = 80, horizon: int = 6) -> pd.DataFrame:
    """Demand that falls by ten a unit of price; the future price of item i0 is 3, of the others 1."""
    frame = table(items, rows + horizon, noise=0.5, level=100.0)
    rng = np.random.default_rng(1)
    frame["price"] = rng.choice([1.0, 2.0, 3.0], len(frame))
    future = frame.groupby("item_id").cumcount() >= rows
    frame["target"] = (100 - 10 * frame["price"] + rng.normal(0, 0.5, len(frame))).where(~future)
    frame.loc[future, "price"] = np.where(frame.loc[future, "item_id"] == "i0", 3.0, 1.0)
    return frame


KNOWN = {"known_covariates": ["price"]}


def gain(result: TrainResult) -> float:
    """By how much the items that will be cheap are forecast above the one that will be dear."""
    mean = usable(result, 5).groupby("item_id")["mean"].mean()
    return float(mean.drop("i0").mean() - mean["i0"])


def test_a_price_known_in_the_future_moves_the_forecast_the_right_way() -> None:
    assert gain(train(priced(), schema=KNOWN)) > 5
    blind = priced().dropna().drop(columns="price")
    assert abs(gain(train(blind))) < 5


def test_the_same_prices_from_the_related_table_give_the_same_forecast() -> None:
    frame = priced()
    inside = train(frame, schema=KNOWN)
    history = frame.dropna(subset="target").drop(columns="price")
    beside = train(history, related=frame.drop(columns="target"), schema=KNOWN)
    assert_frame_equal(beside.forecasts, inside.forecasts, check_exact=True)


@pytest.mark.parametrize("known", ["some items", "some steps", "never", "past gaps"])
def test_covariates_that_are_known_in_part_are_used_as_far_as_they_go(known: str) -> None:
    frame = priced()
    future = frame["target"].isna()
    spared = {
        "some items": future & frame["item_id"].isin(["i3", "i4"]),
        "some steps": future & (frame.groupby("item_id").cumcount() > 82),
        "never": future,
        "past gaps": ~future & (frame.index % 5 == 0),
    }[known]
    frame["price"] = frame["price"].mask(spared)
    result = train(frame, schema=KNOWN)
    usable(result, 5)
    if known != "never":
        mean = result.forecasts.groupby("item_id")["mean"].first()
        assert mean["i1"] > mean["i0"]


def test_static_attributes_reach_the_model() -> None:
    static = pd.DataFrame({"item_id": ["i0", "i1", "i2"], "shop": ["north", "south", "north"]})
    result = train(table(3, 60), static=static, schema={"static": ["shop"]})
    usable(result, 3)
    panel = result.artifact.panel
    assert panel.static_names == ("shop",)
    assert panel.static[0, 0] == panel.static[2, 0] != panel.static[1, 0]
    (booster,) = result.artifact.global_models["GlobalLightGBM"]
    plain = train(table(3, 60)).artifact.global_models["GlobalLightGBM"][0]
    assert booster.num_feature() == plain.num_feature() + 1


def test_metrics_and_windows_asked_for_are_those_used() -> None:
    one, two = (train(table(3, 90), windows=count).backtest["cutoff"].nunique() for count in (1, 2))
    assert (one, two) == (1, 2)
    assert train(table(3, 60), metric="RMSE").artifact.config.metric == "RMSE"


def test_quantiles_asked_for_are_the_columns() -> None:
    found = train(table(2, 60), quantiles=[0.03, 0.5, 0.975]).forecasts
    assert list(found.columns) == ["item_id", "timestamp", "mean", "0.03", "0.5", "0.975"]
    np.testing.assert_allclose(found["0.5"], found["mean"])
