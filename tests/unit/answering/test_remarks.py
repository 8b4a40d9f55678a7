"""What an answer's reason says of a gap between the history of training and a newer one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering.request import Forecast, ForecastRequest, Series
from convect.artifact import Artifact
from tests.unit.made import fast, quiet, table

ROWS = 60  # to 2024-02-29
FILLED = "{} filled between the end of training and the next value sent"


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return pipeline.train(table(3, ROWS), fast(), progress=quiet).artifact


def rows(item: str, first: int, last: int) -> pd.DataFrame:
    frame = table(3, 2 * ROWS)
    place = frame.groupby("item_id").cumcount()
    return frame[(frame["item_id"] == item) & (place >= first) & (place < last)]


def ask(artifact: Artifact, **request: Any) -> Forecast:
    return pipeline.forecast(artifact, ForecastRequest(**request))


@pytest.mark.parametrize(("gap", "filled"), [(0, ""), (1, "1 step is"), (5, "5 steps are")])
def test_a_gap_that_is_filled_is_said_by_item(artifact: Artifact, gap: int, filled: str) -> None:
    frame = pd.concat([rows("i0", ROWS + gap, ROWS + gap + 10), rows("i1", ROWS, ROWS + 10)])
    reason = FILLED.format(filled) if filled else ""
    assert ask(artifact, frame=frame).origin["reason"].tolist() == [reason, ""]
    series = tuple(
        Series(part["target"].to_numpy(), item, str(part["timestamp"].iloc[0]))
        for item, part in frame.groupby("item_id")
    )
    assert ask(artifact, series=series).origin["reason"].tolist() == [reason, ""]


def test_a_history_sent_again_with_a_gap_after_the_end_of_training(artifact: Artifact) -> None:
    frame = pd.concat([rows("i2", ROWS - 5, ROWS), rows("i2", ROWS + 3, ROWS + 9)])
    assert ask(artifact, frame=frame).origin["reason"].tolist() == [FILLED.format("3 steps are")]


def test_gaps_elsewhere_items_never_seen_and_what_training_left_ready_are_not_told(artifact: Artifact) -> None:
    inside = pd.concat([rows("i0", 0, 40), rows("i0", 43, ROWS + 4), rows("i0", ROWS + 6, ROWS + 9)])
    new = pd.concat([rows("i1", 0, 50), rows("i1", ROWS + 9, ROWS + 20)]).assign(item_id="new")
    for frame in (inside, new):
        assert ask(artifact, frame=frame).origin["reason"].tolist() == [""]
    assert set(np.asarray(ask(artifact).origin["reason"])) == {""}
