"""A series of a request beside a model with covariates: what is read, what is missing, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering.brought import bring, instant, numbers
from convect.answering.request import Series
from convect.artifact import Artifact
from convect.errors import DataError
from tests.unit.made import fast, quiet, table

NAN = float("nan")
LAST = pd.Timestamp("2024-02-29")  # of the 60 rows


def trained_on(frame: pd.DataFrame, **schema: Any) -> Artifact:
    return pipeline.train(frame, fast(schema=schema), progress=quiet).artifact


@pytest.fixture(scope="module")
def rich() -> Artifact:
    """Known price and weather (text), past visits, and a kind (text) and size of each item."""
    frame = table(3, 60)
    step = frame.groupby("item_id").cumcount()
    frame = frame.assign(price=step % 5, sky=np.where(step % 2, "sun", "rain"), visits=step, size=frame["target"] // 50)
    frame["kind"] = np.where(frame["item_id"] == "i0", "x", "y")
    roles = {"known_covariates": ["price", "sky"], "past_covariates": ["visits"], "static": ["kind", "size"]}
    return trained_on(frame, **roles)


@pytest.fixture(scope="module")
def poor() -> Artifact:
    return trained_on(table(2, 60))


def series(target: Any = (1.0, 2.0, 3.0), start: Any = "2024-03-05", **parts: Any) -> Series:
    return Series(np.array(target, float), start=start, **parts)


def test_leading_gaps_are_dropped_inner_ones_kept_and_those_at_the_end_counted(poor: Artifact) -> None:
    found = bring(poor, series([NAN, 1, NAN, 3, NAN, NAN]))
    assert found.start == poor.frequency.ordinal(np.datetime64("2024-03-06"))
    np.testing.assert_array_equal(found.values, [1, NAN, 3])
    assert found.observed.tolist() == [True, False, True]
    assert (found.after, found.position, found.history, found.notes) == (2, -1, "unseen", ())


@pytest.mark.parametrize(
    ("start", "clock_min", "stamp"),
    [
        ("2024-03-05T01:00:00+05:00", 0.0, "2024-03-04T20:00"),
        ("2024-03-05T01:00:00Z", -210.0, "2024-03-04T21:30"),
        ("2024-03-05 00:00:00+05:00", 60.0, "2024-03-04T20:00"),
        ("March 5, 2024", 60.0, "2024-03-05T00:00"),
        ("2024-03-05T01:00:00", 60.0, "2024-03-05T01:00"),
        ("2024-03-05T01:00:00+05:00", None, "2024-03-05T01:00"),
    ],
)
def test_a_start_is_turned_to_the_clock_of_training(start: str, clock_min: float | None, stamp: str) -> None:
    assert instant(start, clock_min) == np.datetime64(stamp)


def test_covariates_by_place_and_by_name_are_the_same(rich: Artifact) -> None:
    by_place = bring(rich, series(covariates={0: [1, 2, 3, 4], 1: ["sun", "rain", None, "hail"]}))
    by_name = bring(rich, series(covariates={"sky": ["sun", "rain", None, "hail"], "price": [1, 2, 3, 4]}))
    for found in (by_place, by_name):
        np.testing.assert_array_equal(found.known, [[1, 1], [2, 0], [3, NAN]])
        np.testing.assert_array_equal(found.future, [[4, NAN]])  # hail was never seen
        assert np.isnan(found.past).all()


def test_what_follows_the_last_known_value_is_future(rich: Artifact) -> None:
    found = bring(rich, series([1, 2, NAN], covariates={"price": [1, 2, 3, 4], "visits": [7, 8, 9]}))
    np.testing.assert_array_equal(found.known[:, 0], [1, 2])
    np.testing.assert_array_equal(found.future[:, 0], [3, 4])
    np.testing.assert_array_equal(found.past, [[7], [8]])


def test_static_features_by_place_and_by_name(rich: Artifact) -> None:
    np.testing.assert_array_equal(bring(rich, series(static={0: "y", 1: 3})).static, [1, 3])
    np.testing.assert_array_equal(bring(rich, series(static={"size": 2})).static, [NAN, 2])
    np.testing.assert_array_equal(bring(rich, series()).static, [NAN, NAN])


def test_a_known_item_without_a_target_goes_on_from_the_kept_history(rich: Artifact) -> None:
    found = bring(rich, series([], item_id="i1"))
    assert (found.history, found.position, found.ready) == ("trained", 1, True)
    np.testing.assert_array_equal(found.values, rich.panel.series(1))
    asked = bring(rich, series([], item_id="i1", covariates={"price": [1, 2]}))
    assert not asked.ready
    np.testing.assert_array_equal(asked.future[:, 0], [1, 2])
    assert not bring(rich, series([], item_id="i1", static={"size": 9})).ready


def test_a_model_without_features_says_that_it_did_not_use_them(poor: Artifact) -> None:
    found = bring(poor, series(covariates={0: [1, 2, 3]}, static={0: 7}))
    assert found.known.shape == (3, 0)
    assert [note.split(",")[0] for note in found.notes] == [
        "the model was trained without covariates",
        "the model was trained without static features",
    ]


def test_without_a_start_it_ends_where_training_ended(poor: Artifact) -> None:
    found = bring(poor, series(start=None))
    assert found.start + 2 == poor.frequency.ordinal(np.datetime64(LAST))
    assert found.notes[0].startswith("no start was sent")


def test_a_start_within_a_step_is_that_step() -> None:
    months = trained_on(table(2, 60, freq="MS", season=12))
    assert bring(months, series(start="2024-03-05 17:00")).start == months.frequency.ordinal(
        np.datetime64("2024-03-01")
    )


@pytest.mark.parametrize(
    ("start", "stamp"),
    [
        ("2024-01-31", "2024-01-31"),
        ("2024-01-31 18:00:00", "2024-01-31T18"),
        ("2024-01-31T18:00:00+02:00", "2024-01-31T18"),
        ("31.01.2024", "2024-01-31"),
        (20240131, "2024-01-31"),
    ],
)
def test_starts_are_read_as_stamps_of_tables_are(start: Any, stamp: str) -> None:
    assert instant(start) == np.datetime64(stamp)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"target": [NAN]}, "The target holds no number"),
        ({"target": []}, "no target and no item_id"),
        ({"target": [], "item_id": "new"}, "its item was not seen"),
        ({"start": "someday"}, "Its start holds 'someday', which cannot be read as a timestamp. Write"),
        ({"start": "0001-01-01"}, "between the years 1678 and 2261"),
        ({"start": "2261-12-31", "target": [1.0] * 10}, "outside the years 1678 to 2261"),
        ({"covariates": {"prise": [1, 2, 3]}}, "Did you mean 'price'?"),
        ({"covariates": {0: [1, 2, 3]}}, "1 covariates without a name, but the model was trained with 2: price, sky."),
        ({"covariates": {"price": [1]}}, "'price' has 1 values for the 3 of the target"),
        ({"covariates": {"price": [1, "a", 3]}}, "Covariate 'price' holds no number at place 2: text, 'a'."),
        ({"static": {0: 1}}, "1 static features without a name, but the model was trained with 2: kind, size."),
        ({"static": {"weight": 1}}, "not trained with a static feature 'weight'"),
    ],
)
def test_what_a_bad_series_is_told(rich: Artifact, parts: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as caught:
        bring(rich, series(**parts))
    assert said in str(caught.value)


def test_numbers_beyond_belief_are_missing(poor: Artifact) -> None:
    np.testing.assert_array_equal(bring(poor, series([1, 1e200, 3])).values, [1, NAN, 3])


def test_numbers_with_null_and_nan_written_as_text() -> None:
    np.testing.assert_array_equal(numbers([1, None, "NaN", "nan", 2.5], "The target"), [1, NAN, NAN, NAN, 2.5])
    for wrong in ("1,5", "1", [1], {}):
        with pytest.raises(DataError, match="The target holds no number at place 2"):
            numbers([1, wrong], "The target")
