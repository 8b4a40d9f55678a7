"""The backtest's rows: in whose order, cut from which history, and put back where they belong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect import backtest, metrics
from convect.backtest import Origins, gather, local_tasks, prepare
from convect.folds import Fold, rolling_origin
from convect.models import local, simple
from convect.models.local import forecast_chunk
from tests.unit.made import panel_of, wave


def test_origins_are_the_folds_newest_first_and_then_every_item() -> None:
    folds = [Fold(np.array([0, 2]), np.array([8, 6])), Fold(np.array([2]), np.array([4]))]
    origins = Origins.of(np.array([10, 3, 8]), folds)
    assert origins.items.tolist() == [0, 2, 2, 0, 1, 2]
    assert origins.ends.tolist() == [8, 6, 4, 10, 3, 8]
    assert origins.windows.tolist() == [1, 1, 2, 0, 0, 0]
    assert origins.past.tolist() == [0, 1, 2]
    assert origins.last.tolist() == [3, 4, 5]


def test_without_folds_only_the_future_is_left() -> None:
    panel = panel_of([1, 2, 3], [4, 5])
    found = prepare(panel, [], 3, 1)
    assert found.actual.shape == (0, 3)
    assert (len(found.scale), len(found.origins.past), found.origins.last.tolist()) == (0, 0, [0, 1])


def test_actuals_are_what_follows_the_cutoff_and_scales_are_of_what_precedes_it() -> None:
    panel = panel_of([1, 2, 4, 8, 16, 32, 64], [5, 5, 6, 9, 9, 2])
    found = prepare(panel, rolling_origin(panel.lengths, 2, 2, 3), 2, 1)
    assert found.actual.tolist() == [[32, 64], [9, 2], [8, 16]]
    assert found.scale.tolist() == [15 / 4, 4 / 3, 1.5]
    assert found.scale_squared.tolist() == pytest.approx(
        [np.sqrt((1 + 4 + 16 + 64) / 4), np.sqrt(10 / 3), np.sqrt(2.5)]
    )


def test_the_value_of_a_history_that_never_changed_is_known() -> None:
    panel = panel_of([3, 3, 3, 3, 4], [1, 2, 2, 2, 2])
    found = prepare(panel, rolling_origin(panel.lengths, 1, 1, 3), 1, 1)
    np.testing.assert_array_equal(found.still, [3, np.nan])


def test_the_scale_of_a_cutoff_is_that_of_its_history_alone() -> None:
    panel = panel_of(wave(40, 7), wave(31, 7, seed=1))
    folds = rolling_origin(panel.lengths, 5, 2, 10)
    found = prepare(panel, folds, 5, 7)
    expected = [
        metrics.seasonal_scale(panel.series(item)[:end], 7)
        for fold in folds
        for item, end in zip(fold.items, fold.ends, strict=True)
    ]
    assert found.scale.tolist() == expected


def test_a_task_holds_no_more_of_a_history_than_its_model_may_see() -> None:
    cap = local.cap_rows(())
    panel = panel_of(np.arange(cap + 100.0), np.arange(20.0))
    folds = rolling_origin(panel.lengths, 10, 2, 5)
    (task,) = local_tasks(panel, Origins.of(panel.lengths, folds), 10, (), simple.NAIVE)
    assert [len(history) for history in task.histories] == [cap + 20, 20]
    assert [list(ends) for ends in task.ends] == [[cap + 10, cap, cap + 20], [10, 20]]
    assert [task.histories[0][end - 1] for end in task.ends[0]] == [cap + 89, cap + 79, cap + 99]


@pytest.mark.parametrize(
    ("model", "sizes"), [("Theta", [2, 2, 2, 1]), (simple.NAIVE, [6, 1]), ("WindowMedian", [6, 1])]
)
def test_a_task_holds_more_series_where_nothing_is_fitted(
    model: str, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backtest, "CHUNK_SERIES", 2)
    monkeypatch.setattr(backtest, "QUICK_CHUNKS", 3)
    panel = panel_of(*[np.arange(20.0)] * 7)
    tasks = local_tasks(panel, Origins.of(panel.lengths, []), 2, (), model)
    assert [len(task.histories) for task in tasks] == sizes


@given(lengths=st.lists(st.integers(3, 12), min_size=1, max_size=9), size=st.integers(1, 4))
def test_the_size_of_the_chunks_does_not_matter(lengths: list[int], size: int) -> None:
    rng = np.random.default_rng(0)
    panel = panel_of(*[rng.normal(10, 3, length) for length in lengths])
    origins = Origins.of(panel.lengths, rolling_origin(panel.lengths, 2, 2, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backtest, "QUICK_CHUNKS", 1)
        found = []
        for chunk in (size, 100):
            patch.setattr(backtest, "CHUNK_SERIES", chunk)
            tasks = list(local_tasks(panel, origins, 2, (), simple.NAIVE))
            assert max(len(task.histories) for task in tasks) <= chunk
            found.append(gather([forecast_chunk(task) for task in tasks], origins))
    np.testing.assert_array_equal(found[0].mean, found[1].mean)
    np.testing.assert_array_equal(found[0].spread, found[1].spread)
