"""Single series in, forecasts in the same order out: the same as by a table, and one bad series spoils no other."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering import inline, paths, remarks
from convect.answering.request import Forecast, ForecastRequest, Series
from convect.artifact import Artifact
from convect.errors import DataError, PayloadTooLarge, RequestError
from convect.training import short
from tests.unit.made import fast, quantile_columns, quiet, table, wave

HORIZON = 6
NEXT = pd.Timestamp("2024-03-01")  # the step after the 60 rows


@pytest.fixture(scope="module")
def artifact() -> Artifact:
    return pipeline.train(table(4, 60), fast(), progress=quiet).artifact


@pytest.fixture(scope="module")
def priced() -> Artifact:
    """What is sold halves where the price is 2."""
    frame = table(12, 90, noise=0.1)
    price = pd.Series(1 + (np.random.default_rng(0).random(len(frame)) < 0.3))
    frame = frame.assign(price=price, target=frame["target"] / price)
    return pipeline.train(frame, fast(schema={"known_covariates": ["price"]}), progress=quiet).artifact


def ask(artifact: Artifact, *series: Any, **request: Any) -> Forecast:
    return pipeline.forecast(artifact, ForecastRequest(series=series, **request))


def one(target: Any, item_id: str | None = None, start: str | None = "2024-01-01", **parts: Any) -> Series:
    return Series(np.asarray(target, float), item_id, start, **parts)


def means(found: Forecast) -> np.ndarray:
    return found.frame["mean"].to_numpy().reshape(len(found.origin), -1)


def test_series_are_forecast_as_the_same_rows_of_a_table_are(artifact: Artifact) -> None:
    frame = table(3, 50, level=70.0)
    frame["item_id"] = "new-" + frame["item_id"]
    by_table = pipeline.forecast(artifact, ForecastRequest(frame=frame, horizon=9, quantiles=(0.3, 0.995)))
    rows = [one(part["target"], str(item)) for item, part in frame.groupby("item_id")]
    by_series = ask(artifact, *rows, horizon=9, quantiles=(0.3, 0.995))
    assert_frame_equal(by_series.frame, by_table.frame, check_dtype=False, rtol=1e-12)
    assert_frame_equal(by_series.origin, by_table.origin, check_dtype=False)


def test_newer_history_goes_on_from_the_kept_one_as_in_a_table(artifact: Artifact) -> None:
    whole = table(4, 70)
    newer = whole[(whole["item_id"] == "i2") & (whole["timestamp"] >= NEXT)]
    by_table = pipeline.forecast(artifact, ForecastRequest(frame=newer))
    by_series = ask(artifact, one(newer["target"], "i2", "2024-03-01"))
    assert_frame_equal(by_series.frame, by_table.frame, check_dtype=False, rtol=1e-12)
    assert by_series.origin["history"].tolist() == ["request"]


def test_a_short_series_is_told_of_in_the_words_of_a_table(artifact: Artifact) -> None:
    frame = table(1, 9).assign(item_id="new")
    by_table = pipeline.forecast(artifact, ForecastRequest(frame=frame))
    by_series = ask(artifact, one(frame["target"], "new"), one(wave(40, 7), "long"))
    assert by_series.origin["reason"].tolist() == [*by_table.origin["reason"], ""]
    assert by_series.origin["reason"][0] == short.REASON
    assert not by_series.origin["fallback"].any()


def test_what_no_longer_adds_up_is_told_of_in_the_words_of_a_table() -> None:
    frame = table(4, 60)
    frame["area"] = np.where(frame["item_id"].isin(["i0", "i1"]), "north", "south")
    summed = pipeline.train(frame, fast(schema={"hierarchy": ["area"]}), progress=quiet).artifact
    newer = frame[frame["item_id"] == "i1"].tail(9).drop(columns="area")
    newer["timestamp"] = pd.date_range(NEXT, periods=len(newer))
    by_table = pipeline.forecast(summed, ForecastRequest(frame=newer))
    by_series = ask(summed, one(newer["target"], "i1", str(NEXT)), one([], "i2"), one(wave(40, 7)))
    assert by_table.origin["reason"].tolist() == [remarks.APART]
    assert by_series.origin["reason"].tolist() == [remarks.APART, "", remarks.APART]
    assert not by_series.origin["fallback"].any()


def test_the_order_and_the_ids_of_the_request_are_kept(artifact: Artifact) -> None:
    found = ask(artifact, one([], "i3"), one(wave(40, 7)), one([], "i1"), one(wave(40, 7, seed=3), "i0"), one([], "i3"))
    assert found.origin["item_id"].tolist() == ["i3", "1", "i1", "i0", "i3"]
    assert found.origin["history"].tolist() == ["trained", "unseen", "trained", "request", "trained"]
    ready = artifact.forecasts[..., 0]
    np.testing.assert_allclose(means(found)[[0, 2, 4]], ready[[3, 1, 3]])
    assert found.frame["item_id"].tolist() == [item for item in found.origin["item_id"] for _ in range(HORIZON)]


def test_a_series_alone_and_among_others_is_forecast_the_same(artifact: Artifact) -> None:
    odd = [one(wave(rows, 7, seed=rows), start=f"20{rows}-01-01") for rows in (12, 25, 60)]
    together = means(ask(artifact, *odd))
    alone = np.concatenate([means(ask(artifact, series)) for series in odd])
    np.testing.assert_allclose(together, alone, rtol=1e-9)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_a_series_shorter_than_a_season_is_answered(artifact: Artifact, rows: int) -> None:
    found = ask(artifact, one(wave(rows, 7)), horizon=20)
    assert np.isfinite(quantile_columns(found.frame)).all()
    assert means(found).shape == (1, 20)


def test_missing_values_at_the_end_are_forecast_and_left_out(artifact: Artifact) -> None:
    target = wave(50, 7)
    longer = ask(artifact, one(target), horizon=HORIZON + 3)
    found = ask(artifact, one([*target, *[np.nan] * 3]), one(target))
    np.testing.assert_allclose(means(found)[0], means(longer)[0, 3:], rtol=1e-9)
    np.testing.assert_allclose(means(found)[1], means(longer)[0, :HORIZON], rtol=1e-9)
    assert found.frame["timestamp"].iloc[0] == pd.Timestamp("2024-02-23")
    assert found.frame["timestamp"].iloc[HORIZON] == pd.Timestamp("2024-02-20")


def test_what_if_the_same_item_had_other_prices(priced: Artifact) -> None:
    cheap, dear = ({"price": [float(price)] * HORIZON} for price in (1, 2))
    found = ask(priced, one([], "i3", covariates=cheap), one([], "i3", covariates=dear))
    assert found.origin["item_id"].tolist() == ["i3", "i3"]
    assert found.origin["history"].tolist() == ["trained", "trained"]
    assert (means(found)[0] > 1.2 * means(found)[1]).all()
    place = priced.position["i3"]
    history = priced.panel.series(place)
    prices = priced.panel.known[priced.panel.offsets[place] : priced.panel.offsets[place + 1], 0]
    sent = [one(history, "i3", covariates={0: [*prices, *price["price"]]}) for price in (cheap, dear)]
    np.testing.assert_allclose(means(ask(priced, *sent)), means(found), rtol=1e-9)


def test_one_bad_series_is_told_of_and_the_others_are_answered(artifact: Artifact) -> None:
    unread = RequestError("Line 1 is no object.")
    found = ask(artifact, unread, one([], "i0"), one([], "unknown"), one(wave(30, 7)), partial=True)
    assert sorted(found.errors) == [0, 2]
    assert found.errors[0] is unread
    assert "its item was not seen" in found.errors[2].message
    assert found.origin["item_id"].tolist() == ["i0", "3"]


def test_the_first_bad_series_is_raised_with_its_number(artifact: Artifact) -> None:
    with pytest.raises(DataError, match="Series 2: The target holds no number"):
        ask(artifact, one([1.0, 2.0]), one([np.nan]))


def test_nothing_but_bad_series_is_an_answer_too(artifact: Artifact) -> None:
    found = ask(artifact, one([np.nan]), partial=True, samples=3)
    assert (len(found.frame), len(found.origin), list(found.errors)) == (0, 0, [0])


def test_sample_paths_are_spread_as_the_quantiles_are(artifact: Artifact) -> None:
    count = 200
    found = ask(artifact, one([], "i1"), one(wave(40, 7)), samples=count, quantiles=(0.1, 0.5, 0.9))
    assert found.samples is not None
    assert found.samples.shape == (2, count, HORIZON)
    exact = ask(artifact, one([], "i1"), one(wave(40, 7)), quantiles=paths.levels(count))
    expected = quantile_columns(exact.frame).reshape(2, HORIZON, count).transpose(0, 2, 1)
    np.testing.assert_allclose(np.sort(found.samples, axis=1), expected)
    wanted = quantile_columns(found.frame).reshape(2, HORIZON, 3)
    for place, level in enumerate((0.1, 0.5, 0.9)):
        share = (found.samples <= wanted[..., place][:, None]).mean(axis=1)
        np.testing.assert_allclose(share, level, atol=0.02)


def test_paths_of_one_history_asked_twice_are_drawn_alike_and_others_are_not(artifact: Artifact) -> None:
    history, other = one(wave(40, 7)), one(wave(40, 7, seed=5))
    samples = ask(artifact, history, other, one(wave(40, 7), start="2024-01-08"), samples=50).samples
    assert samples is not None
    ranks = samples.argsort(axis=1)
    np.testing.assert_array_equal(ranks[0], ranks[2])
    assert (ranks[0] != ranks[1]).any()


def test_more_than_may_be_answered_is_refused(artifact: Artifact, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inline, "MOST_CELLS", 2 * 6 * 10)
    assert len(ask(artifact, one([], "i0"), one([], "i1")).origin) == 2
    with pytest.raises(PayloadTooLarge):
        ask(artifact, one([], "i0"), one([], "i1"), one([], "i2"))


@pytest.mark.parametrize("by", ["series", "frame"])
def test_a_slow_series_is_answered_without_the_slower_models_and_says_so(artifact: Artifact, by: str) -> None:
    history = table(1, 50).assign(item_id="new")
    request = {"series": (one(history["target"]),)} if by == "series" else {"frame": history}
    free = pipeline.forecast(artifact, ForecastRequest(**request))
    found = pipeline.forecast(artifact, ForecastRequest(**request, series_limit_s=1e-9))
    assert not free.origin["fallback"].any()
    assert found.origin["fallback"].tolist() == [True]
    assert found.origin["reason"].tolist() == ["the time limit for one series left out the slower models"]
    assert np.isfinite(quantile_columns(found.frame)).all()
    assert (means(found) != means(free)).any()
