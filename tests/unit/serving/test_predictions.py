"""Forecasts as one object a series: each dialect's words, errors in their places, every form that is accepted."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.answering.request import Forecast, ForecastRequest, Series, Wording
from convect.errors import DataError, NotAcceptable
from convect.serving import wire

BAD = DataError("The target holds no number.", "Send its history.")
ERROR = {"code": "data", "message": "The target holds no number.", "remedy": "Send its history."}
TWO_DAYS = ["2024-01-01", "2024-01-02"]


def forecast(reasons: tuple[str, ...] = ("", ""), samples: Any = None) -> Forecast:
    """Two series, "a" and one without an id in the third place; the second place of the request is bad."""
    frame = {
        "item_id": ["a", "a", "2", "2"],
        "timestamp": pd.to_datetime(TWO_DAYS * 2),
        "mean": [1.0, 2.0, 3.0, 4.0],
        "0.1": [0.5, 1.5, 2.5, float("nan")],
        "0.9": [1.5, 2.5, 3.5, 4.5],
    }
    origin = {
        "item_id": ["a", "2"],
        "history": ["request", "unseen"],
        "last_timestamp": pd.to_datetime(["2023-12-31"] * 2),
        "fallback": [False, bool(reasons[1])],
        "reason": list(reasons),
    }
    return Forecast(pd.DataFrame(frame), pd.DataFrame(origin), {1: BAD}, samples)


def asked(dialect: str, outputs: tuple[str, ...] = ("mean", "quantiles"), **wording: Any) -> ForecastRequest:
    series = (Series(np.ones(1), "a"), BAD, Series(np.ones(1)))
    names = {0.1: "0.10", 0.9: "0.9"}
    return ForecastRequest(series=series, partial=True, wording=Wording(dialect, outputs, names, **wording))


def told(dialect: str, accept: str | None = None, **options: Any) -> tuple[Any, str]:
    body, content_type = wire.encode(forecast(**options), accept, "", asked(dialect))
    return body, content_type


def test_deepar() -> None:
    body, content_type = told("deepar")
    assert content_type == "application/json"
    assert json.loads(body) == {
        "predictions": [
            {"item_id": "a", "mean": [1.0, 2.0], "quantiles": {"0.10": [0.5, 1.5], "0.9": [1.5, 2.5]}},
            {"error": ERROR},
            {"mean": [3.0, 4.0], "quantiles": {"0.10": [2.5, None], "0.9": [3.5, 4.5]}},
        ]
    }


def test_chronos() -> None:
    answer = json.loads(told("chronos")[0])["predictions"]
    start = "2024-01-01T00:00:00"
    assert answer[0] == {"item_id": "a", "start": start, "mean": [1.0, 2.0], "0.10": [0.5, 1.5], "0.9": [1.5, 2.5]}
    assert answer[1] == {"error": ERROR}
    assert "item_id" not in answer[2]


def test_lines_are_one_a_series_without_a_last_line_end() -> None:
    body, content_type = told("lines", reasons=("no start was sent", "too slow"))
    assert content_type == "application/jsonlines"
    assert not body.endswith(b"\n")
    first, second, third = map(json.loads, body.split(b"\n"))
    assert list(first) == ["item_id", "start", "mean", "quantiles", "history", "reason"]
    assert second == {"error": ERROR}
    assert (third["history"], third["fallback"], third["reason"]) == ("unseen", True, "too slow")


@pytest.mark.parametrize(
    ("outputs", "keys"),
    [
        (("mean",), {"mean"}),
        (("quantiles",), {"quantiles"}),
        (("samples",), {"samples"}),
        (("mean", "quantiles", "samples"), {"mean", "quantiles", "samples"}),
    ],
)
def test_only_what_was_asked_for(outputs: tuple[str, ...], keys: set[str]) -> None:
    samples = np.arange(12.0).reshape(2, 3, 2) if "samples" in outputs else None
    body, _ = wire.encode(forecast(samples=samples), None, "", asked("deepar", outputs))
    answer = json.loads(body)["predictions"]
    assert set(answer[2]) == keys
    if samples is not None:
        assert answer[2]["samples"] == [[6, 7], [8, 9], [10, 11]]


def test_a_single_series_is_answered_by_a_single_object() -> None:
    alone = replace(forecast(), errors={})
    request = replace(asked("lines", single=True), series=(Series(np.ones(1), "a"), Series(np.ones(1))))
    body, content_type = wire.encode(alone, "application/json", "", request)
    assert content_type == "application/json"
    assert json.loads(body)["item_id"] == "a"


@pytest.mark.parametrize("dialect", ["deepar", "chronos", "lines"])
def test_the_other_forms_of_json(dialect: str) -> None:
    body, content_type = told(dialect, "text/html, application/jsonlines;q=0.5")
    assert content_type == "application/jsonlines"
    one_a_line = [json.loads(line) for line in body.split(b"\n")]
    assert {"predictions": one_a_line} == json.loads(told(dialect, "application/json")[0])


@pytest.mark.parametrize("dialect", ["deepar", "chronos", "lines"])
@pytest.mark.parametrize("accept", ["text/csv", "application/x-parquet"])
def test_a_table_holds_the_series_in_their_order_and_cannot_hold_an_error(dialect: str, accept: str) -> None:
    with pytest.raises(DataError, match="holds no number"):
        told(dialect, accept)
    body, _ = wire.encode(replace(forecast(), errors={}), accept, "", asked(dialect, ("mean",)))
    read = pd.read_csv if accept == "text/csv" else pd.read_parquet
    assert read(io.BytesIO(body)).columns.tolist() == ["item_id", "timestamp", "mean"]
    body, _ = wire.encode(replace(forecast(), errors={}), accept, "", asked(dialect, ("quantiles",)))
    assert read(io.BytesIO(body)).columns.tolist() == ["item_id", "timestamp", "0.1", "0.9"]
    with pytest.raises(NotAcceptable, match="holds no sample paths"):
        wire.encode(replace(forecast(), errors={}), accept, "", asked(dialect, ("samples",)))


def test_the_default_form_of_the_server_holds_in_every_dialect() -> None:
    for dialect in ("deepar", "chronos", "lines"):
        assert wire.encode(forecast(), "*/*", "application/jsonlines", asked(dialect))[1] == "application/jsonlines"


def test_nothing_but_errors_is_an_answer_in_batch_and_an_error_elsewhere() -> None:
    nothing = forecast()
    nothing = Forecast(nothing.frame.iloc[:0], nothing.origin.iloc[:0], {0: BAD}, names={0: "a"})
    with pytest.raises(DataError):
        wire.encode(nothing, None, "", asked("lines"))
    body, _ = wire.encode(nothing, None, "", asked("lines", batch=True))
    assert json.loads(body) == {"item_id": "a", "error": ERROR}


def test_a_table_too_may_be_answered_one_series_a_line(two_days: Forecast) -> None:
    body, content_type = wire.encode(two_days, "application/jsonlines")
    assert content_type == "application/jsonlines"
    answer = [json.loads(line) for line in body.split(b"\n")]
    assert [one["item_id"] for one in answer] == ["=cmd()", 'a,"b']
    assert answer[0]["start"] == "2024-01-01T00:00:00"
    assert answer[0]["quantiles"] == {"0.5": [None, None]}
