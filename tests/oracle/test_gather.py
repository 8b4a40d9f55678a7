"""Chunked work put back in order, against a loop that forecasts one origin after the other."""

from __future__ import annotations

import numpy as np
import pytest

from convect import backtest
from convect.backtest import Origins, gather, local_tasks
from convect.folds import rolling_origin
from convect.models.local import Task, forecast_chunk
from convect.models.simple import NAIVE
from tests.unit.made import panel_of, wave

SEASONS, HORIZON = (7,), 4


@pytest.mark.parametrize("model", [NAIVE, "MSTLTheta"])
@pytest.mark.parametrize("chunk", [1, 2, 32])
def test_each_row_is_the_forecast_of_its_own_origin(model: str, chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtest, "CHUNK_SERIES", chunk)
    monkeypatch.setattr(backtest, "QUICK_CHUNKS", 1)
    panel = panel_of(wave(40, 7), wave(9, 7, seed=1), wave(33, 7, seed=2), wave(28, 7, seed=3))
    origins = Origins.of(panel.lengths, rolling_origin(panel.lengths, HORIZON, 3, 6))
    tasks = local_tasks(panel, origins, HORIZON, SEASONS, model)
    found = gather([forecast_chunk(task) for task in tasks], origins)
    for row, (item, end) in enumerate(zip(origins.items, origins.ends, strict=True)):
        alone = forecast_chunk(Task(model, [panel.series(item)[:end]], [[int(end)]], HORIZON, SEASONS))
        np.testing.assert_array_equal(found.mean[row], alone.mean[0])
        np.testing.assert_array_equal(found.spread[row], alone.spread[0])
        assert found.fallback[row] == alone.fallback[0]
