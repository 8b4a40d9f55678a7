"""A table of nothing but the future: known items go on from their kept history, with what is known of what comes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering.onward import with_last_rows
from convect.answering.request import Forecast, ForecastRequest, Series
from convect.artifact import Artifact
from convect.errors import DataError
from tests.unit.made import fast, quiet, table

DAYS = pd.date_range("2024-03-31", periods=6).astype(str).tolist()  # after the 90 rows


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    frame = table(12, 90, noise=0.1)
    price = pd.Series(1 + (np.random.default_rng(0).random(len(frame)) < 0.3))
    sky = np.where(frame.index % 2, "sun", "rain")
    frame = frame.assign(price=price, sky=sky, target=frame["target"] / price)
    return pipeline.train(frame, fast(schema={"known_covariates": ["price", "sky"]}), progress=quiet).artifact


def future(item: str, price: float) -> pd.DataFrame:
    return pd.DataFrame({"item_id": item, "timestamp": DAYS, "target": None, "price": price, "sky": "sun"})


def ask(artifact: Artifact, **request: Any) -> Forecast:
    return pipeline.forecast(artifact, ForecastRequest(**request))


def test_the_last_kept_row_is_put_with_the_future(artifact: Artifact) -> None:
    found = with_last_rows(future("i3", 2.0), artifact.schema, artifact)
    place = artifact.position["i3"]
    end = artifact.panel.offsets[place + 1] - 1
    row = found.iloc[-1]
    assert (row["item_id"], row["timestamp"]) == ("i3", pd.Timestamp("2024-03-30"))
    assert row["target"] == artifact.panel.values[end]
    assert row["price"] == artifact.panel.known[end, 0]
    assert row["sky"] == ("rain", "sun")[int(artifact.panel.known[end, 1])]
    assert found["price"].tolist()[:-1] == [2.0] * 6


def test_the_future_alone_is_answered_as_a_series_without_a_target_is(artifact: Artifact) -> None:
    both = pd.concat([future("i3", 2.0), future("i4", 1.0)])
    by_table = ask(artifact, frame=both)
    covariates = [{"price": [price] * 6, "sky": ["sun"] * 6} for price in (2.0, 1.0)]
    series = tuple(
        Series(np.array([]), item, covariates=part) for item, part in zip(("i3", "i4"), covariates, strict=True)
    )
    by_series = ask(artifact, series=series)
    means = [found.frame["mean"].to_numpy() for found in (by_table, by_series)]
    np.testing.assert_allclose(means[0], means[1], rtol=1e-9)
    assert by_table.frame["timestamp"].astype(str).tolist() == DAYS * 2
    cheaper = ask(artifact, frame=future("i3", 1.0)).frame["mean"].to_numpy()
    assert (cheaper > 1.2 * means[0][:6]).all()


def test_a_table_with_history_is_left_alone(artifact: Artifact) -> None:
    whole = table(2, 10).assign(price=1.0, sky="sun")
    assert_frame_equal(with_last_rows(whole, artifact.schema, artifact), whole)


def test_an_item_never_seen_needs_a_history(artifact: Artifact) -> None:
    with pytest.raises(DataError, match="No row has a target"):
        ask(artifact, frame=future("new", 1.0))
