"""Many series in parts: what is learnt from a sample serves all, and how they are cut changes nothing."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from convect.panel import Panel
from convect.pipeline import TrainResult, fit, setting_of
from convect.quality import QualityReport, validate
from convect.schema import Schema
from convect.training import coverage, ensemble, leaderboard, streaming
from convect.training.learning import Answers, Lesson, apply, learn
from convect.training.portfolio import Budget
from convect.training.scored import scored_of
from convect.training.streaming import in_parts, spread_sample
from tests.unit.made import fast, quiet, table

ITEMS, LEARNT, HORIZON = 30, 12, 6
CONFIG = fast()


def read(frame: pd.DataFrame) -> tuple[Panel, QualityReport, Schema]:
    schema = Schema.complete(None, frame.columns)
    return *validate(frame, schema, CONFIG), schema


def several() -> pd.DataFrame:
    """Waves, among them short, constant and gappy items."""
    frame = table(ITEMS, 60)
    place, item = frame.groupby("item_id").cumcount(), frame["item_id"]
    frame["target"] = frame["target"].where(item != "i3", 7.0)
    gaps = (item == "i5") & (place % 9 == 4)
    return frame[~gaps & ~(item.isin(["i4", "i8"]) & (place < 52))]


PANEL, QUALITY, SCHEMA = read(several())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(streaming, "LEARN_SERIES", LEARNT)
    monkeypatch.setattr(streaming, "PART_SERIES", 7)
    return monkeypatch


def parts(executor: Executor | None = None, **settings: Any) -> list[TrainResult]:
    found = in_parts(PANEL, QUALITY, SCHEMA, CONFIG, executor=executor, **{"progress": quiet, **settings})
    return list(found)


def forecasts(found: list[TrainResult]) -> pd.DataFrame:
    return pd.concat([part.forecasts for part in found], ignore_index=True)


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return learn(PANEL, setting_of(PANEL, CONFIG), executor=None, budget=Budget(), progress=quiet)


def same(one: Answers, two: Answers) -> None:
    for name, values in vars(one).items():
        np.testing.assert_array_equal(values, getattr(two, name), err_msg=name)


def test_applied_to_its_own_series_a_lesson_answers_as_it_did(lesson: Lesson) -> None:
    found = apply(PANEL, lesson.learned, lesson.weights.models)
    same(found.answers, lesson.answers)
    np.testing.assert_array_equal(found.judged.mean, lesson.judged.mean)


@pytest.mark.parametrize("size", [1, 4, 29])
def test_a_series_is_answered_the_same_in_any_company(lesson: Lesson, size: int) -> None:
    cut = [PANEL.between(first, min(first + size, ITEMS)) for first in range(0, ITEMS, size)]
    found = [apply(part, lesson.learned, lesson.weights.models).answers for part in cut]
    same(Answers.joined(found), lesson.answers)


def test_few_series_are_one_part_and_all_of_them_are_learnt_from() -> None:
    (only,) = parts()
    whole = fit(PANEL, QUALITY, SCHEMA, CONFIG, progress=quiet)
    assert_frame_equal(only.forecasts, whole.forecasts, check_exact=True)
    assert_frame_equal(only.backtest, whole.backtest, check_exact=True)


def test_series_that_are_summed_are_one_part_however_many(small: pytest.MonkeyPatch) -> None:
    groups = np.array([[f"g{place % 2}"] for place in range(ITEMS)], dtype=object)
    panel = replace(PANEL, groups=groups, group_names=("half",))
    (only,) = in_parts(panel, QUALITY, SCHEMA, CONFIG, progress=quiet)
    mean = only.forecasts.pivot_table(index="timestamp", columns="item_id", values="mean")
    np.testing.assert_allclose(mean[PANEL.item_ids].sum(axis=1), mean["total"])
    assert {"half=g0", "half=g1"} < set(mean.columns)


def test_many_series_have_a_forecast_each_in_their_order(small: pytest.MonkeyPatch) -> None:
    found = parts()
    assert [len(part.artifact.panel) for part in found] == [7, 7, 7, 7, 2]
    whole = forecasts(found)
    assert whole["item_id"].tolist() == np.repeat(PANEL.item_ids, HORIZON).tolist()
    assert np.isfinite(whole.drop(columns=["item_id", "timestamp"]).to_numpy(float)).all()


@pytest.mark.parametrize("size", [1, 1000])
def test_the_size_of_the_parts_changes_nothing(small: pytest.MonkeyPatch, size: int) -> None:
    expected = forecasts(parts())
    small.setattr(streaming, "PART_SERIES", size)
    assert_frame_equal(forecasts(parts()), expected, check_exact=True)


def test_processes_that_share_the_work_change_nothing(small: pytest.MonkeyPatch) -> None:
    expected = parts()
    with ProcessPoolExecutor(2) as executor:
        found = parts(executor)
    assert_frame_equal(forecasts(found), forecasts(expected), check_exact=True)
    for one, two in zip(found, expected, strict=True):
        assert_frame_equal(one.backtest, two.backtest, check_exact=True)


def test_the_sample_is_answered_as_it_was_learnt(small: pytest.MonkeyPatch) -> None:
    sample = spread_sample(ITEMS, LEARNT, CONFIG.seed)
    setting = setting_of(PANEL, CONFIG)
    own = learn(PANEL.take(sample), setting, executor=None, budget=Budget(), progress=quiet).answers
    found = np.concatenate([part.artifact.forecasts for part in parts()])
    np.testing.assert_array_equal(found[sample], own.forecasts)


def test_items_without_history_are_among_the_others_in_their_order(small: pytest.MonkeyPatch) -> None:
    new = [" first", "i12x", "zz"]
    asked = pd.DataFrame({"item_id": new, "timestamp": pd.Timestamp("2024-03-01"), "target": np.nan})
    panel, quality, schema = read(pd.concat([several(), asked]))
    found = list(in_parts(panel, quality, schema, CONFIG, progress=quiet))
    whole = forecasts(found)
    assert whole["item_id"].drop_duplicates().tolist() == sorted([*PANEL.item_ids, *new])
    mean = whole.pivot_table(index="timestamp", columns="item_id", values="mean")
    taught = PANEL.item_ids[spread_sample(ITEMS, LEARNT, CONFIG.seed)]
    np.testing.assert_allclose(mean[new].T, np.tile(mean[taught].median(axis=1), (3, 1)))
    rest = whole[~whole["item_id"].isin(new)].reset_index(drop=True)
    assert_frame_equal(rest, forecasts(parts()), check_exact=True)


def test_the_backtest_has_the_ensemble_for_all_and_each_model_for_the_sample(small: pytest.MonkeyPatch) -> None:
    backtest = pd.concat([part.backtest for part in parts()])
    items = backtest.groupby("model", observed=True)["item_id"].nunique()
    long_enough = int((PANEL.lengths > 30).sum())
    assert items[ensemble.NAME] == long_enough
    taught = items.drop(ensemble.NAME)
    assert (taught == taught.iloc[0]).all()
    assert taught.iloc[0] <= LEARNT
    assert not backtest.duplicated(["item_id", "cutoff", "step", "model"]).any()


def test_the_leaderboard_counts_the_cost_of_all(small: pytest.MonkeyPatch) -> None:
    found = parts()
    board = found[-1].leaderboard.set_index("model")
    single = board.drop(ensemble.NAME)["cpu_seconds"]
    assert board.loc[ensemble.NAME, "cpu_seconds"] == pytest.approx(single.sum())
    sample = PANEL.take(spread_sample(ITEMS, LEARNT, CONFIG.seed))
    own = learn(sample, setting_of(PANEL, CONFIG), executor=None, budget=Budget(), progress=quiet)
    learnt = leaderboard.table(own.backtest, own.weights, own.judged)
    assert_frame_equal(
        found[-1].leaderboard.drop(columns=["cpu_seconds", "fallbacks"]),
        learnt.drop(columns=["cpu_seconds", "fallbacks"]),
    )
    assert (board["fallbacks"] >= learnt.set_index("model")["fallbacks"]).all()


def test_the_coverage_is_that_of_the_sample(small: pytest.MonkeyPatch) -> None:
    sample = PANEL.take(spread_sample(ITEMS, LEARNT, CONFIG.seed))
    own = learn(sample, setting_of(PANEL, CONFIG), executor=None, budget=Budget(), progress=quiet)
    for part in parts():
        assert_frame_equal(part.coverage, coverage.table(sample, scored_of(own.backtest, own.judged)))


def test_a_part_that_was_passed_on_is_not_held(small: pytest.MonkeyPatch) -> None:
    found = in_parts(PANEL, QUALITY, SCHEMA, CONFIG, progress=quiet)
    first = weakref.ref(next(found).artifact)
    next(found)
    gc.collect()
    assert first() is None


class Spent(Budget):
    """Spent once a number of parts are out, by the clock or by SIGTERM."""

    over = False

    def spent(self) -> bool:
        return self.over or self.stop.is_set()


@pytest.mark.parametrize("how", ["time limit", "stop"])
def test_when_the_time_is_spent_the_rest_is_answered_without_the_slow_models(
    small: pytest.MonkeyPatch, how: str
) -> None:
    budget = Spent(stop=threading.Event())
    whole = forecasts(parts())["mean"].to_numpy()
    found = in_parts(PANEL, QUALITY, SCHEMA, CONFIG, budget=budget, progress=quiet)
    early = [next(found)]
    budget.over = True
    if how == "stop":
        budget.stop.set()
    late = list(found)
    assert_frame_equal(early[0].forecasts, parts()[0].forecasts, check_exact=True)
    rest = forecasts(late)
    assert rest["item_id"].nunique() == ITEMS - 7
    assert np.isfinite(rest["mean"]).all()
    own = rest["item_id"].isin(PANEL.item_ids[spread_sample(ITEMS, LEARNT, CONFIG.seed)])
    changed = rest["mean"] != whole[-len(rest) :]
    assert not changed[own].any()
    assert changed[~own].mean() > 0.5
    fallback = np.concatenate([part.artifact.fallback for part in late])
    assert fallback[~own.to_numpy()[::HORIZON]].all() == (how == "stop")


def test_progress_names_no_series(small: pytest.MonkeyPatch) -> None:
    lines: list[str] = []
    parts(progress=lines.append)
    assert f"learning from {LEARNT} of them" in lines
    assert lines[-1] == f"forecast {ITEMS} of {ITEMS} items"
    assert not any(item in line for item in PANEL.item_ids for line in lines if len(item) > 2)


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 9))
def test_a_sample_is_spread_over_all_items(items: int, size: int, seed: int) -> None:
    size = min(items, size)
    found = spread_sample(items, size, seed)
    assert len(found) == size
    assert (np.diff(found) > 0).all()
    assert 0 <= found[0] <= items // size
    assert np.diff(found).max(initial=0) <= 2 * (items // size + 1)
    assert found.tolist() == spread_sample(items, size, seed).tolist()
