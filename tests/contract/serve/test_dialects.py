"""Each dialect over HTTP: the same series in any words gets the same forecast, in order, count and ids."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.pipeline import TrainResult

HORIZON = 7  # of the model in conftest.py
JSON, LINES = {"Content-Type": "application/json"}, {"Content-Type": "application/jsonlines"}


@pytest.fixture(name="new")
def new_series(history: Any) -> dict[str, Any]:
    """An unseen series of 60 days with its own future price, as DeepAR has it."""
    table = history("new", 30, 60)
    price = history("new", 30, 60 + HORIZON)["price"]
    return {"start": "2024-01-01", "target": table["sold"].tolist(), "dynamic_feat": [price.tolist()]}


@pytest.fixture(scope="module")
def batch(trained: tuple[Path, TrainResult], tmp_path_factory: Any, serving: Any) -> Iterator[Any]:
    """The server as a transform job runs it, with DeepAR's configuration."""
    config = json.dumps({"num_samples": 4, "output_types": ["mean", "samples"]})
    variables = {"SAGEMAKER_BATCH": "True", "DEEPAR_INFERENCE_CONFIG": config, "MODEL_SERVER_WORKERS": "1"}
    with serving(trained[0], tmp_path_factory.mktemp("batch") / "log", **variables) as server:
        yield server


def ask(served: Any, document: Any, headers: dict[str, str] = JSON, status: int = 200) -> Any:
    body = document if isinstance(document, str | bytes) else json.dumps(document)
    found, answer, _ = served.ask("POST", "/invocations", body, headers)
    assert found == status, answer
    if headers.get("Accept", headers["Content-Type"]) == "application/jsonlines" and status == 200:
        return [json.loads(line) for line in answer.split(b"\n")]
    return json.loads(answer)


def as_lines(*series: object) -> str:
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in series)


@pytest.fixture
def mean(served: Any, new: dict[str, Any], history: Any) -> Any:
    """What the same history and future get as a table."""
    table = history("new", 30, 60 + HORIZON)
    text = table.assign(sold=table["sold"].where(table.index < 60)).to_csv(index=False)
    return served.invoke(text, {"Content-Type": "text/csv"})[0]["mean"]


def test_every_dialect_gives_the_forecast_of_the_table(served: Any, new: dict[str, Any], mean: Any) -> None:
    price = new["dynamic_feat"][0]
    named = {"start": new["start"], "target": new["target"], "past_covariates": {"price": price[:60]}}
    named["future_covariates"] = {"price": price[60:]}
    answers = [
        ask(served, {"instances": [new]})["predictions"][0],
        ask(served, {"inputs": [named]})["predictions"][0],
        ask(served, as_lines(new, named), LINES)[0],
        ask(served, as_lines(new, named), LINES)[1],
        ask(served, new),
        ask(served, {"instances": [new]}, {**JSON, "Accept": "application/jsonlines"})[0],
    ]
    for answer in answers:
        np.testing.assert_allclose(answer["mean"], mean)


def test_deepar(served: Any, new: dict[str, Any]) -> None:
    configuration = {"num_samples": 5, "output_types": ["mean", "quantiles", "samples"], "quantiles": ["0.1", "0.50"]}
    gaps = {**new, "target": ["NaN", None, *new["target"][2:]]}
    answer = ask(served, {"instances": [new, gaps, new], "configuration": configuration})["predictions"]
    assert [set(one) for one in answer] == [{"mean", "quantiles", "samples"}] * 3
    assert [list(one["quantiles"]) for one in answer] == [["0.1", "0.50"]] * 3
    assert np.shape(answer[0]["samples"]) == (5, HORIZON)
    np.testing.assert_allclose(answer[0]["samples"], answer[2]["samples"])
    assert np.shape(answer[1]["quantiles"]["0.1"]) == (HORIZON,)


def test_chronos(served: Any, new: dict[str, Any]) -> None:
    series = {"item_id": "n/1", "start": new["start"], "target": new["target"]}
    parameters = {"prediction_length": 3, "quantile_levels": [0.1, 0.5, 0.9], "freq": "1D"}
    (answer,) = ask(served, {"inputs": [series], "parameters": parameters})["predictions"]
    assert answer["item_id"] == "n/1"
    assert answer["start"] == "2024-03-01T00:00:00"
    assert {name: np.shape(answer[name]) for name in ("mean", "0.1", "0.5", "0.9")} == dict.fromkeys(
        ("mean", "0.1", "0.5", "0.9"), (3,)
    )
    assert np.shape(ask(served, {"inputs": [{"target": [3, 1, 4]}]})["predictions"][0]["mean"]) == (HORIZON,)


def test_what_if_of_items_that_the_model_knows(served: Any) -> None:
    prices = ([10.0] * HORIZON, [12.0] * HORIZON, [10.0] * HORIZON)
    asked = [{"item_id": "c", "future_covariates": {"price": price}} for price in prices]
    first, second, third = ask(served, as_lines(*asked), LINES)
    assert [one["item_id"] for one in (first, second, third)] == ["c"] * 3
    assert first["history"] == "trained"
    assert first == third
    assert np.shape(second["mean"]) == (HORIZON,)


def test_lines_keep_their_order_and_a_bad_one_spoils_no_other(served: Any, new: dict[str, Any]) -> None:
    lines = as_lines({"item_id": "c"}, "{bad", new, {"item_id": "absent"}, {"item_id": "007"}, {"item_id": "c"})
    answer = ask(served, lines, LINES)
    assert [one.get("item_id") for one in answer] == ["c", None, None, "absent", "007", "c"]
    assert ["error" in one for one in answer] == [False, True, False, True, False, False]
    assert set(answer[1]["error"]) == {"code", "message", "remedy"}
    assert answer[0] == answer[5]


def test_in_real_time_a_bad_instance_refuses_the_request(served: Any, new: dict[str, Any]) -> None:
    told = ask(served, {"instances": [new, {**new, "target": [None]}]}, status=422)
    assert told["message"].startswith("Series 2: ")
    assert ask(served, as_lines({"target": [None]}), LINES, status=422)["code"] == "data"


def test_in_batch_it_is_an_error_in_its_place(batch: Any, new: dict[str, Any]) -> None:
    bad = {**new, "target": [None]}
    answer = ask(batch, {"instances": [new, bad]})["predictions"]
    assert ["error" in one for one in answer] == [False, True]
    answer = ask(batch, as_lines(bad, new), LINES)
    assert ["error" in one for one in answer] == [True, False]
    assert np.shape(answer[1]["samples"]) == (4, HORIZON)
    assert "quantiles" not in answer[1]
    for alone in (as_lines(bad), "{bad"):
        assert set(ask(batch, alone, LINES)[0]["error"]) == {"code", "message", "remedy"}


@pytest.mark.parametrize("form", ["text/csv", "application/x-parquet"])
def test_in_batch_a_bad_item_of_a_table_is_a_row_with_an_error(batch: Any, history: Any, form: str) -> None:
    good = [history(item, level, 60) for item, level in (("a", 20), ("c", 60))]
    bad = history("=b()", 40, 60).astype({"sold": object})
    bad.loc[3, "sold"] = '=1+1,"x"\n'
    whole = pd.concat([good[0], bad.astype({"sold": str}), good[1]]).astype({"sold": str})
    sink = io.BytesIO()
    whole.to_csv(sink, index=False) if form == "text/csv" else whole.to_parquet(sink, index=False)
    found = answered(batch, sink.getvalue(), form)
    alone = answered(batch, pd.concat(good).to_csv(index=False).encode(), "text/csv")
    told = found[found["error"].notna()]
    assert (told.index.tolist(), told["item_id"].tolist()) == ([0], ["=b()"])
    assert told["error"][0].startswith(
        "not_a_number: The target column 'sold' of the table has 1 row that is no number: "
    )
    assert told.drop(columns=["item_id", "error"]).isna().all(axis=None)
    kept = found[found["error"].isna()].drop(columns="error").reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, alone, rtol=1e-12)


def answered(served: Any, body: bytes, form: str) -> pd.DataFrame:
    status, answer, _ = served.ask("POST", "/invocations", body, {"Content-Type": form, "Accept": form})
    assert status == 200, answer
    if form == "text/csv":
        return pd.read_csv(io.BytesIO(answer), dtype={"item_id": str}, parse_dates=["timestamp"])
    return pd.read_parquet(io.BytesIO(answer))


def test_in_batch_the_errors_of_a_table_are_told_in_json_too(batch: Any, served: Any, history: Any) -> None:
    rows = pd.concat([history("a", 20, 30), history("b", 20, 30)]).astype({"day": str}).to_dict("records")
    rows[3]["day"] = "never"
    document = {"data": rows}
    assert ask(served, document, status=422)["code"] == "data"
    table = ask(batch, document, {**JSON, "Accept": "application/json"})
    assert [one["item_id"] for one in table["errors"]] == ["a"]
    assert set(table["errors"][0]["error"]) == {"code", "message", "remedy"}
    assert {row["item_id"] for row in table["forecasts"]} == {"b"}
    headers = {**JSON, "Accept": "application/jsonlines"}
    assert ["error" in one for one in ask(batch, document, headers)] == [True, False]
    assert ask(batch, {"data": [{"sku": "a"}]}, status=400)["code"] == "config"


def test_any_dialect_is_answered_as_a_table_where_that_is_accepted(served: Any, new: dict[str, Any]) -> None:
    for body, headers in (
        (json.dumps({"instances": [new, new]}), JSON),
        (json.dumps({"inputs": [new, {**new, "item_id": "1"}]}), JSON),
        (as_lines(new, new), LINES),
    ):
        answer, _ = served.invoke(body, {**headers, "Accept": "application/xml, text/csv;q=0.3"})
        assert answer["item_id"].tolist() == ["0"] * HORIZON + ["1"] * HORIZON


def test_a_body_without_a_content_type_is_recognised(served: Any, new: dict[str, Any]) -> None:
    status, body, _ = served.ask("POST", "/invocations", as_lines(new, new), {})
    assert status == 200
    assert len(body.split(b"\n")) == 2
    status, body, _ = served.ask("POST", "/invocations", json.dumps({"instances": [new]}), {})
    assert list(json.loads(body)) == ["predictions"]
