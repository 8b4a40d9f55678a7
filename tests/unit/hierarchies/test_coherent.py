"""Training with a hierarchy: the forecasts add up, keep their intervals, and are judged level by level."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.hierarchies import coherent, hierarchy
from convect.intervals import LEVELS
from convect.pipeline import TrainResult
from convect.training import ensemble
from convect.training.scored import Scored
from tests.unit.made import fast, panel_of, quantile_columns, quiet, table, wave

NODES = {"area=x": ["i0", "i1", "i2"], "area=y": ["i3", "i4"], "total": ["i0", "i1", "i2", "i3", "i4"]}
SCHEMA = {"hierarchy": ["area"]}


def sparse() -> pd.DataFrame:
    """Five items in two regions; i1 hardly ever sells, i4 never changes, and i5 ended long ago."""
    frame = table(6, 60, level=40.0)
    rare = frame["item_id"] == "i1"
    frame.loc[rare, "target"] = (np.arange(60) % 9 == 0) * 1.0
    frame.loc[frame["item_id"] == "i4", "target"] = 7.0
    frame["area"] = frame["item_id"].map({"i0": "x", "i1": "x", "i2": "x"}).fillna("y")
    return frame[~((frame["item_id"] == "i5") & (frame.groupby("item_id").cumcount() >= 40))]


@pytest.fixture(scope="module")
def trained() -> TrainResult:
    return pipeline.train(sparse(), fast(schema=SCHEMA), progress=quiet)


def means(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.pivot(index="timestamp", columns="item_id", values="mean")


def test_the_means_add_up_and_nothing_is_negative(trained: TrainResult) -> None:
    found = means(trained.forecasts)
    for node, items in NODES.items():
        np.testing.assert_allclose(found[node].dropna(), found[items].dropna().sum(axis=1), rtol=0, atol=1e-9)
    assert (found.to_numpy(na_value=0.0) >= 0).all()
    quantiles = quantile_columns(trained.forecasts)
    assert (quantiles >= 0).all() and (np.diff(quantiles, axis=1) >= 0).all()


def test_a_series_that_never_changed_stays_and_one_that_ended_is_left_alone(trained: TrainResult) -> None:
    frame = trained.forecasts.set_index("item_id")
    np.testing.assert_allclose(frame.loc["i4", "mean"], 7.0)
    assert frame.loc["i5", "timestamp"].min() == pd.Timestamp("2024-02-10")
    assert trained.quality.summary()["findings"]["outside_sums"]["items"] == 1


def test_the_levels_are_judged_before_and_after(trained: TrainResult) -> None:
    levels = trained.levels
    assert levels is not None
    told = [(level, model) for level in ("total", "area", "item") for model in (ensemble.NAME, coherent.NAME)]
    assert list(zip(levels["level"], levels["model"], strict=True)) == told
    assert levels["series"].tolist() == [1, 1, 2, 2, 5, 5]
    backtest = trained.backtest
    for model in (ensemble.NAME, coherent.NAME):
        rows = backtest[(backtest["model"] == model) & backtest["item_id"].isin(["area=x", "area=y"])]
        wape = (rows["actual"] - rows["forecast"]).abs().sum() / rows["actual"].abs().sum()
        shown = levels[(levels["level"] == "area") & (levels["model"] == model)]["WAPE"]
        assert shown.iloc[0] == pytest.approx(wape)


def test_the_backtest_adds_up_too(trained: TrainResult) -> None:
    rows = trained.backtest[trained.backtest["model"] == coherent.NAME]
    found = rows.astype({"item_id": str}).pivot(index=["cutoff", "step"], columns="item_id", values="forecast")
    assert len(found) >= 6
    np.testing.assert_allclose(found["total"], found["area=x"] + found["area=y"], atol=1e-9)


def test_serving_answers_for_items_and_sums(trained: TrainResult, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("model")
    trained.artifact.save(folder)
    artifact = Artifact.load(folder)
    pd.testing.assert_frame_equal(pipeline.forecast(artifact, ForecastRequest()).frame, trained.forecasts)
    two = pipeline.forecast(artifact, ForecastRequest(items=("total", "i0")))
    assert two.frame["item_id"].unique().tolist() == ["i0", "total"]
    assert not two.origin["reason"].str.contains("adds up").any()


def test_what_is_forecast_afresh_says_that_it_does_not_add_up(trained: TrainResult) -> None:
    newer = pd.DataFrame({"item_id": "i0", "timestamp": pd.date_range("2024-03-01", periods=7), "target": 41.0})
    for request in (ForecastRequest(frame=newer), ForecastRequest(horizon=9, items=("i0", "total"))):
        found = pipeline.forecast(trained.artifact, request)
        assert np.isfinite(found.frame["mean"]).all()
        assert found.origin["reason"].str.contains("adds up").all()


def side(*series: list[float], ends: list[int], means: list[list[float]], **groups: object) -> coherent.Side:
    """Series whose forecasts and backtest (one row each, of one window) say `means`, give or take one."""
    panel = panel_of(*series, **groups)
    mean = np.array(means, float)
    quantiles = mean[..., None] + np.linspace(-1, 1, len(LEVELS))
    rows = np.arange(len(series))[: len(ends)]
    known = np.array(ends)
    actual = np.stack([panel.series(item)[end : end + 2] for item, end in zip(rows, known, strict=True)])
    scored = Scored(rows, known, actual, mean[rows], quantiles[rows], np.ones(len(rows)), LEVELS)
    return coherent.Side(panel, np.concatenate([mean[..., None], quantiles], axis=-1), scored)


def test_an_item_too_young_for_the_backtest_stands_in_with_its_last_value() -> None:
    groups = {"groups": np.array([["x"], ["x"]], dtype=object), "group_names": ("r",)}
    items = side([1.0, 2, 3, 4], [5.0, 6, 7, 8], ends=[2], means=[[3.0, 4.0], [0.0, 0.0]], **groups)
    tree = hierarchy.of(items.panel)
    nodes = side([6.0, 8, 10, 12], ends=[2], means=[[10.0, 10.0]])
    before_items, _, after_items, after_nodes = coherent.rescore(tree, items, nodes)
    assert before_items.scored.items.tolist() == [0]  # the second was not forecast, so it is not judged
    moved = (10 - np.array([3 + 6, 4 + 6])) / 3  # over three equal errors
    np.testing.assert_allclose(after_items.scored.mean, np.array([[3.0, 4.0]]) + moved)
    np.testing.assert_allclose(after_nodes.scored.mean, np.array([[9.0, 10.0]]) + 2 * moved)
    np.testing.assert_allclose(after_items.scored.quantiles[0, :, 7], after_items.scored.mean[0])


def test_without_a_backtest_the_forecasts_still_add_up() -> None:
    frame = table(3, 8, level=20.0).assign(area=lambda f: f["item_id"].map({"i0": "x"}).fillna("y"))
    result = pipeline.train(frame, fast(schema=SCHEMA), progress=quiet)
    found = means(result.forecasts)
    np.testing.assert_allclose(found["total"], found[["i0", "i1", "i2"]].sum(axis=1), atol=1e-9)
    assert result.levels is not None and result.levels["MASE"].isna().all()


def test_a_sum_has_the_season_that_its_items_are_too_noisy_to_show() -> None:
    frame = pd.concat(
        [
            table(1, 84, level=30.0).assign(
                item_id=f"n{k:02}", area="x", target=0.3 * wave(84, 7) + np.random.default_rng(k).normal(40, 9, 84)
            )
            for k in range(12)
        ]
    )
    result = pipeline.train(frame, fast(schema=SCHEMA), progress=quiet)
    total = means(result.forecasts)["total"]
    assert total.std() > 2  # the items' own forecasts are flat
