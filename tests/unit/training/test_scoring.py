"""Forecasts held against what happened: by hand, with rows missing, and where nothing can be scored."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from convect import metrics, pipeline
from convect.artifact import Artifact
from convect.errors import DataError
from convect.hierarchies.joining import joined
from convect.panel import Panel
from convect.quality import validate
from convect.schema import Schema
from convect.training.scoring import read_actuals, score
from tests.unit.made import fast, panel_of, quiet, table

SCHEMA = Schema("timestamp", "target", item_id=("item_id",))
PANEL = panel_of([1, 2, 3], [4, 5, 6])  # from 2024-01-01 on, so the next day is 2024-01-04


def rows(*given: tuple[str, str, float | None]) -> pd.DataFrame:
    return pd.DataFrame(given, columns=["item_id", "timestamp", "target"])


def test_values_are_placed_by_item_and_step() -> None:
    found = read_actuals(
        rows(("b", "2024-01-05", 9), ("a", "2024-01-04", 7), ("a", "2024-01-03", 1), ("a", "2024-01-07", 1)),
        SCHEMA,
        PANEL,
        3,
        "sum",
    )
    np.testing.assert_array_equal(found.values, [[7, np.nan, np.nan], [np.nan, 9, np.nan]])
    assert (found.count, found.items) == (2, 2)


def test_rows_of_one_stamp_are_made_one_and_unknown_items_left_out() -> None:
    found = read_actuals(
        rows(("a", "2024-01-04", 7), ("a", "2024-01-04", 3), ("z", "2024-01-04", 1)), SCHEMA, PANEL, 1, "sum"
    )
    np.testing.assert_array_equal(found.values, [[10], [np.nan]])


@pytest.mark.parametrize(
    "given", [rows(("a", "2024-01-03", 1)), rows(("z", "2024-01-04", 1)), rows(("a", "2024-01-04", None))]
)
def test_nothing_to_score_is_refused(given: pd.DataFrame) -> None:
    with pytest.raises(DataError) as caught:
        read_actuals(given, SCHEMA, PANEL, 3, "sum")
    assert str(caught.value) == (
        "UserError [data]: No row of channel 'test' lies in the 3 steps after the end of a series that is trained on."
        " Give the values that follow those of channel 'train', for the same items."
    )


@pytest.fixture(scope="module")
def trained() -> tuple[Artifact, Panel, pd.DataFrame]:
    frame = table(3, 66)
    history = frame[frame.groupby("item_id").cumcount() < 60]
    panel, _ = validate(history, SCHEMA, fast())
    return pipeline.train(history, fast(), progress=quiet).artifact, panel, frame


def test_whole_series_are_scored_over_what_follows(trained: tuple[Artifact, Panel, pd.DataFrame]) -> None:
    artifact, panel, frame = trained
    found = score(artifact, read_actuals(frame, SCHEMA, panel, 6, "sum"), panel)
    actual = frame["target"].to_numpy().reshape(3, 66)[:, 60:]
    mean = artifact.forecasts[..., 0]
    scale = [np.abs(np.diff(frame["target"].to_numpy().reshape(3, 66)[i, :60])).mean() for i in range(3)]
    if artifact.season > 1:
        whole = frame["target"].to_numpy().reshape(3, 66)[:, :60]
        scale = np.abs(whole[:, artifact.season :] - whole[:, : -artifact.season]).mean(axis=1).tolist()
    assert found["MASE"] == pytest.approx(np.mean(np.abs(actual - mean).mean(axis=1) / scale))
    assert found["RMSE"] == pytest.approx(np.sqrt(np.mean((actual - mean) ** 2)))
    assert set(found) == {"MASE", "sMAPE", "WAPE", "RMSE", "RMSSE", "SQL", "wQL", "coverage80"}
    assert 0 <= found["coverage80"] <= 1


def test_what_is_not_told_changes_nothing(trained: tuple[Artifact, Panel, pd.DataFrame]) -> None:
    artifact, panel, frame = trained
    actuals = read_actuals(frame, SCHEMA, panel, 6, "sum")
    values = actuals.values.copy()
    values[1], values[2, 3:] = np.nan, np.nan
    found = score(artifact, replace(actuals, values=values), panel)
    known = np.concatenate([values[0], values[2, :3]])
    mean = np.concatenate([artifact.forecasts[0, :, 0], artifact.forecasts[2, :3, 0]])
    assert found["WAPE"] == pytest.approx(metrics.wape(known[None], mean[None]))
    assert found["RMSE"] == pytest.approx(metrics.rmse(known[None], mean[None]))
    assert found["sMAPE"] == pytest.approx(metrics.smape(known[None], mean[None]))


def test_a_perfect_forecast_scores_nothing(trained: tuple[Artifact, Panel, pd.DataFrame]) -> None:
    artifact, panel, frame = trained
    actuals = read_actuals(frame, SCHEMA, panel, 6, "sum")
    found = score(artifact, replace(actuals, values=artifact.forecasts[..., 0].copy()), panel)
    assert [found[name] for name in ("MASE", "sMAPE", "WAPE", "RMSE", "RMSSE")] == [0] * 5
    assert found["coverage80"] == 1


def test_sums_that_the_model_answers_for_as_well_are_not_scored(trained: tuple[Artifact, Panel, pd.DataFrame]) -> None:
    artifact, panel, frame = trained
    actuals = read_actuals(frame, SCHEMA, panel, 6, "sum")
    interleaved = np.repeat(artifact.forecasts, 2, axis=0)
    interleaved[1::2] *= 9  # i0, i0+, i1, i1+, i2, i2+
    more = replace(artifact, panel=joined(artifact.panel, renamed(artifact.panel)), forecasts=interleaved)
    assert score(more, actuals, panel) == score(artifact, actuals, panel)


def renamed(panel: Panel) -> Panel:
    return replace(panel, item_ids=np.array([f"{item}+" for item in panel.item_ids], dtype=object))
