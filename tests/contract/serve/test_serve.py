"""Requests to a running server and their answers."""

from __future__ import annotations

import json
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.pipeline import TrainResult

HORIZON = 7  # of the model in conftest.py
JSON = {"Content-Type": "application/json"}
CSV = {"Content-Type": "text/csv"}


def test_ping_has_no_body(served: Any) -> None:
    status, body, _ = served.ask("GET", "/ping")
    assert (status, body) == (200, b"")


def test_known_series_get_what_training_forecast(served: Any, trained: tuple[Path, TrainResult]) -> None:
    answer, headers = served.invoke("{}", JSON)
    expected = trained[1].forecasts
    assert headers["Content-Type"] == "text/csv; charset=utf-8"
    assert headers["X-Convect-History"] == "trained=3"
    assert list(answer.columns) == list(expected.columns)
    assert answer["item_id"].tolist() == expected["item_id"].astype(str).tolist()
    assert sorted(set(answer["item_id"])) == ["007", "=cmd()", "c"]
    np.testing.assert_allclose(answer["mean"], expected["mean"])


def test_a_request_chooses_items_horizon_and_quantiles(served: Any) -> None:
    asked = {"config": {"horizon": 3, "quantiles": [0.05, 0.5], "item_ids": ["=cmd()"]}}
    answer, _ = served.invoke(json.dumps(asked), JSON)
    assert list(answer.columns) == ["item_id", "timestamp", "mean", "0.05", "0.5"]
    assert answer["item_id"].tolist() == ["=cmd()"] * 3


@pytest.mark.parametrize("horizon", [3, HORIZON, 12])
def test_components_on_request_add_up_to_the_mean(served: Any, horizon: int) -> None:
    plain, _ = served.invoke(json.dumps({"config": {"horizon": horizon}}), JSON)
    answer, _ = served.invoke(json.dumps({"config": {"horizon": horizon, "explain": True}}), JSON)
    names = ["level", "trend", "season", "covariate:price", "other"]
    assert answer.columns.tolist() == [*plain.columns, *names]
    np.testing.assert_allclose(answer["mean"], plain["mean"])
    np.testing.assert_allclose(answer[names].sum(axis=1), answer["mean"], atol=1e-6, rtol=0)


def test_components_of_known_items_are_those_of_training(served: Any, trained: tuple[Path, TrainResult]) -> None:
    answer, _ = served.invoke(json.dumps({"config": {"explain": True, "horizon": 5}}), JSON)
    parts = trained[1].explanations
    season = parts[parts["component"] == "season"].groupby("item_id", observed=True).head(5)["value"]
    np.testing.assert_allclose(answer["season"], season, atol=1e-9)


def test_newer_history_is_explained_too(served: Any, history: Any) -> None:
    rows = history("007", 20, 100 + HORIZON)
    rows["sold"] = rows["sold"].where(rows.index < 100)
    asked = {"config": {"explain": True}, "data": rows.to_csv(index=False)}
    answer, headers = served.invoke(json.dumps(asked), JSON)
    assert headers["X-Convect-History"] == "request=1"
    names = ["level", "trend", "season", "covariate:price", "other"]
    np.testing.assert_allclose(answer[names].sum(axis=1), answer["mean"], atol=1e-6, rtol=0)
    np.testing.assert_allclose(answer["level"], 20, atol=0.5)
    np.testing.assert_allclose(answer["season"], 3 * np.sin(2 * np.pi * np.arange(100, 107) / 7), atol=0.5)


def test_newer_history_moves_the_forecast_on(served: Any, history: Any) -> None:
    newer = history("007", 20, 100)
    future = history("007", 20, 100 + HORIZON).iloc[100:].assign(sold="")
    answer, headers = served.invoke(newer.to_csv(index=False) + future.to_csv(index=False, header=False), CSV)
    assert headers["X-Convect-History"] == "request=1"
    assert headers["X-Convect-Fallbacks"] == "0"
    assert answer["item_id"].tolist() == ["007"] * HORIZON
    assert answer["timestamp"].tolist() == pd.date_range("2024-04-10", periods=HORIZON).tolist()


@pytest.mark.parametrize("form", ["records", "columns", "csv", "jsonlines", "parquet"])
def test_an_unseen_series_in_every_form(served: Any, form: str, history: Any) -> None:
    table = history("new", 30, 60)
    text = table.assign(day=table["day"].astype(str))
    body: object = {
        "records": json.dumps({"data": text.to_dict("records")}),
        "columns": json.dumps({"data": text.to_dict("list")}),
        "csv": json.dumps({"data": table.to_csv(index=False)}),
        "jsonlines": text.to_json(orient="records", lines=True),
        "parquet": table.to_parquet(index=False),
    }[form]
    headers = {"jsonlines": {"Content-Type": "application/jsonlines"}, "parquet": {}}.get(form, JSON)
    answer, received = served.invoke(body, headers)
    assert received["X-Convect-History"] == "unseen=1"
    assert len(answer) == HORIZON
    assert answer["mean"].between(20, 40).all()


def test_json_says_where_each_forecast_came_from(served: Any, history: Any) -> None:
    headers = {**CSV, "Accept": "application/json, */*;q=0.1"}
    status, body, _ = served.ask("POST", "/invocations", history("new", 30, 60).to_csv(index=False), headers)
    answer = json.loads(body)
    assert status == 200
    assert len(answer["forecasts"]) == HORIZON
    assert [(row["item_id"], row["history"]) for row in answer["origin"]] == [("new", "unseen")]


def test_a_chunked_body_is_read_to_its_end(served: Any, history: Any) -> None:
    text = history("new", 30, 60).to_csv(index=False).encode()
    answer, _ = served.invoke(iter([text[:700], text[700:]]), CSV)  # without a length the client sends chunks
    assert len(answer) == HORIZON


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_413(served: Any, chunked: bool) -> None:
    megabyte = b" " * 1024 * 1024
    body: object = iter([megabyte] * 3) if chunked else megabyte * 3
    status, answer, _ = served.ask("POST", "/invocations", body, JSON)
    assert status == 413
    assert "SAGEMAKER_MAX_PAYLOAD_IN_MB" in json.loads(answer)["remedy"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", JSON, 400),
        (b'{"config": {"horzon": 3}}', JSON, 400),
        (b'{"config": {"item_ids": ["absent"]}}', JSON, 400),
        (b'{"freq": "h"}', JSON, 400),
        (b'{"config": {"missing": "guess"}}', JSON, 400),
        (b"sku,day\nc,2024-01-01\n", CSV, 400),
        (b"sku,day,sold,price\nc,2024-01-01,many,1\n", CSV, 422),
        (b"sku,day,sold,price\nc,someday,1,1\n", CSV, 422),
        (b"{}", {"Content-Type": "image/png"}, 415),
        (b"{}", {**JSON, "Accept": "image/png"}, 406),
        (b"", JSON, 400),
    ],
)
def test_a_bad_request_is_the_callers(served: Any, body: bytes, headers: dict[str, str], status: int) -> None:
    found, answer, received = served.ask("POST", "/invocations", body, headers)
    assert found == status, answer
    assert received["Content-Type"] == "application/json"
    assert set(json.loads(answer)) == {"code", "message", "remedy"}


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nnonsense\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{}",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_broken_off_request_costs_no_worker(served: Any, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
        assert b" 500 " not in line.recv(1000).split(b"\r\n")[0]
    assert served.ask("POST", "/invocations", "{}", JSON)[0] == 200
    assert "Worker exiting" not in served.log.read_text()


def test_forked_workers_forecast_at_the_same_time(served: Any, history: Any) -> None:
    bodies = [history(f"new-{number}", 30 + number, 60).to_csv(index=False) for number in range(16)]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda body: served.invoke(body, CSV)[0], bodies))
    assert [set(answer["item_id"]) for answer in answers] == [{f"new-{number}"} for number in range(16)]


def test_the_log_holds_no_customer_data(served: Any, history: Any) -> None:
    served.invoke(history("secret-4711", 30, 60).to_csv(index=False), CSV)
    served.ask("POST", "/secret-4711", "secret-4711", {**JSON, "X-Secret": "secret-4711"})
    served.ask("POST", "/invocations", '{"secret-4711": 1}', JSON)
    assert "/invocations 400" in served.log.read_text()
    assert "secret" not in served.log.read_text()
