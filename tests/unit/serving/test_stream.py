"""Answers of one series a line, made a few series at a time."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.answering.request import Forecast, ForecastRequest, Series, Wording
from convect.errors import AlgorithmError, RequestError
from convect.serving import media, stream
from convect.serving.server import make_app
from convect.serving.settings import Settings

ONE = Series(np.arange(3.0))
LINES = {"Accept": "application/jsonlines"}
MANY = tuple(f"item-{number:04d}" for number in range(2 * stream.PART_ITEMS + 1))


@pytest.fixture
def many(artifact: Any) -> Any:
    artifact.item_ids = MANY
    return artifact


def test_parts_are_the_whole_in_its_order(two_days: Forecast) -> None:
    asked: list[tuple[str, ...]] = []

    def forecast(request: ForecastRequest) -> Forecast:
        asked.append(request.items or ())
        return two_days

    list(stream.lines(ForecastRequest(horizon=3), MANY, forecast))
    assert [len(items) for items in asked] == [stream.PART_ITEMS, stream.PART_ITEMS, 1]
    assert sum(asked, ()) == MANY


def test_single_series_stay_in_their_order(two_days: Forecast) -> None:
    sent = tuple(Series(np.arange(3.0), str(number)) for number in range(stream.PART_ITEMS + 2))
    asked: list[Any] = []

    def forecast(request: ForecastRequest) -> Forecast:
        asked.extend(request.series or ())
        return two_days

    found = [json.loads(line)["item_id"] for line in stream.lines(ForecastRequest(series=sent), (), forecast)]
    assert asked == list(sent)
    assert found == ["0", "1", str(stream.PART_ITEMS), str(stream.PART_ITEMS + 1)]  # two of each part


def test_an_unknown_item_is_told_before_the_answer_begins() -> None:
    def forecast(request: ForecastRequest) -> Forecast:
        assert request.items == (*MANY, "absent")
        raise RequestError("1 item was not seen.")

    with pytest.raises(RequestError):
        next(stream.lines(ForecastRequest(items=(*MANY, "absent")), MANY, forecast))


def test_a_table_of_the_caller_is_one_part(two_days: Forecast) -> None:
    request = ForecastRequest(frame=pd.DataFrame({"item_id": ["a"]}))
    asked: list[ForecastRequest] = []

    def forecast(part: ForecastRequest) -> Forecast:
        asked.append(part)
        return two_days

    assert len(list(stream.lines(request, MANY, forecast))) == 2
    assert asked == [request]


def test_lines_are_ended_but_for_the_last(two_days: Forecast) -> None:
    text = b"".join(stream.lines(ForecastRequest(), ("a",), lambda _: two_days))
    assert [json.loads(line)["item_id"] for line in text.split(b"\n")] == ["=cmd()", 'a,"b']


@pytest.mark.parametrize(
    ("asked", "form", "streamed"),
    [
        (ForecastRequest(), media.JSON_LINES, True),
        (ForecastRequest(), media.JSON, False),
        (ForecastRequest(samples=10), media.JSON_LINES, False),
        (ForecastRequest(wording=Wording(batch=True)), media.JSON_LINES, False),
        (ForecastRequest(series=(ONE,)), media.JSON_LINES, False),
        (ForecastRequest(series=(ONE,) * 1000), media.JSON_LINES, True),
    ],
)
def test_what_is_streamed(asked: ForecastRequest, form: str, streamed: bool) -> None:
    assert stream.fits(asked, form) == streamed


def test_each_series_is_a_chunk_of_the_answer(many: Any, forecaster: Any) -> None:
    client = make_app(lambda: many, Settings(), forecaster).test_client()
    answer = client.post("/invocations", data="{}", headers=LINES)
    chunks = list(answer.iter_encoded())
    assert answer.status_code == 200
    assert answer.mimetype == "application/jsonlines"
    assert answer.content_length is None
    assert [json.loads(chunk)["item_id"] for chunk in chunks] == list(MANY)


def test_nothing_is_done_before_it_is_read(many: Any, forecaster: Any) -> None:
    done: list[int] = []

    def counting(artifact: Any, request: ForecastRequest) -> Forecast:
        done.append(len(request.items or ()))
        forecast: Forecast = forecaster(artifact, request)
        return forecast

    answer = make_app(lambda: many, Settings(), counting).test_client().post("/invocations", data="{}", headers=LINES)
    chunks = answer.iter_encoded()
    next(chunks)
    assert done == [1, stream.PART_ITEMS]  # the proof, and the first part
    list(chunks)
    assert sum(done) == 1 + len(MANY)


def test_an_answer_that_breaks_off_says_so(many: Any, forecaster: Any, caplog: pytest.LogCaptureFixture) -> None:
    def breaking(artifact: Any, request: ForecastRequest) -> Forecast:
        if request.items == MANY[-1:]:
            raise AlgorithmError("No forecast.", "Report it.")
        forecast: Forecast = forecaster(artifact, request)
        return forecast

    answer = make_app(lambda: many, Settings(), breaking).test_client().post("/invocations", data="{}", headers=LINES)
    *lines, last = answer.text.splitlines()
    assert len(lines) == len(MANY) - 1
    error = json.loads(last)["error"]
    assert (error["code"], error["message"]) == ("algorithm", "No forecast.")
    assert error["request_id"] in caplog.text
