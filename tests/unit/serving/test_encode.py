"""Forecasts with their bodies, and which form an Accept header gets."""

from __future__ import annotations

import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.answering.request import Forecast, ForecastRequest, Wording
from convect.errors import DataError, NotAcceptable
from convect.serving import wire

BATCH = ForecastRequest(partial=True, wording=Wording(batch=True))


def test_csv_is_the_answer_unless_another_form_is_asked(two_days: Forecast) -> None:
    body, content_type = wire.encode(two_days)
    assert content_type == "text/csv; charset=utf-8"
    assert body.decode().splitlines() == [
        "item_id,timestamp,mean,0.5",
        "=cmd(),2024-01-01,1.5,",
        "=cmd(),2024-01-02,1.5,",
        '"a,""b",2024-01-01,1.5,',
        '"a,""b",2024-01-02,1.5,',
    ]
    assert not body.endswith(b"\n")


def left_out(found: Forecast, *, names: dict[int, str]) -> Forecast:
    errors = {place: DataError('It holds "=1+1",\nno number.', "Write one.") for place in names}
    return replace(found, errors=errors, names=names)


def test_in_batch_an_item_left_out_is_a_row_in_its_place(two_days: Forecast) -> None:
    found = left_out(two_days, names={0: "=0", 2: "b", 3: "c"})
    body = wire.encode(found, asked=BATCH)[0].decode()
    error = '"data: It holds ""=1+1"", no number."'
    assert body.splitlines() == [
        "item_id,timestamp,mean,0.5,error",
        f"=0,,,,{error}",
        "=cmd(),2024-01-01,1.5,,",
        "=cmd(),2024-01-02,1.5,,",
        f"b,,,,{error}",
        f"c,,,,{error}",
        '"a,""b",2024-01-01,1.5,,',
        '"a,""b",2024-01-02,1.5,,',
    ]
    table = pd.read_parquet(io.BytesIO(wire.encode(found, "application/x-parquet", asked=BATCH)[0]))
    assert table["item_id"].tolist() == [line.split(",")[0] for line in body.splitlines()[1:6]] + ['a,"b'] * 2
    assert table["error"].dropna().tolist() == ['data: It holds "=1+1", no number.'] * 3
    assert table.loc[[0, 3, 4], ["timestamp", "mean"]].isna().all(axis=None)
    pd.testing.assert_frame_equal(
        table[table["error"].isna()].drop(columns="error").reset_index(drop=True), two_days.frame
    )


def test_in_batch_json_of_a_table_lists_the_items_left_out(two_days: Forecast) -> None:
    found = left_out(two_days, names={1: "b"})
    error = {"code": "data", "message": 'It holds "=1+1", no number.', "remedy": "Write one."}
    answer = json.loads(wire.encode(found, "application/json", asked=BATCH)[0])
    assert answer["errors"] == [{"item_id": "b", "error": error}]
    assert "errors" not in json.loads(wire.encode(two_days, "application/json", asked=BATCH)[0])
    lines = wire.encode(found, "application/jsonlines", asked=BATCH)[0].split(b"\n")
    assert json.loads(lines[1]) == {"item_id": "b", "error": error}
    assert [json.loads(line)["item_id"] for line in lines] == ["=cmd()", "b", 'a,"b']


def test_a_live_caller_gets_no_table_with_holes(two_days: Forecast) -> None:
    with pytest.raises(DataError, match="no number"):
        wire.encode(left_out(two_days, names={1: "b"}))


def test_a_table_of_series_names_one_without_id_by_its_place(two_days: Forecast) -> None:
    found = replace(two_days, errors={1: DataError("It is bad.")})
    body = wire.encode(found, asked=BATCH)[0].decode()
    assert body.splitlines()[3] == "1,,,,data: It is bad."


def test_json_holds_the_rows_and_where_they_came_from(two_days: Forecast) -> None:
    body, content_type = wire.encode(two_days, "application/json")
    answer = json.loads(body)
    assert content_type == "application/json"
    assert answer["forecasts"][0] == {"item_id": "=cmd()", "timestamp": "2024-01-01", "mean": 1.5, "0.5": None}
    assert answer["origin"][1] == {
        "item_id": 'a,"b',
        "history": "trained",
        "last_timestamp": "2023-12-31",
        "fallback": False,
        "reason": "",
    }


def test_hours_are_written_where_there_are_any(two_days: Forecast) -> None:
    frame = two_days.frame.assign(timestamp=two_days.frame["timestamp"] + pd.Timedelta(hours=5))
    answer = json.loads(wire.encode(Forecast(frame, two_days.origin), "application/json")[0])
    assert answer["forecasts"][0]["timestamp"] == "2024-01-01T05:00:00"


def test_parquet_holds_the_table(two_days: Forecast) -> None:
    body, content_type = wire.encode(two_days, "application/x-parquet")
    assert content_type == "application/x-parquet"
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(body)), two_days.frame)


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        (None, "text/csv"),
        ("", "text/csv"),
        ("*/*", "text/csv"),
        ("text/*", "text/csv"),
        ("text/plain", "text/plain"),
        ("APPLICATION/JSON; charset=utf-8", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("application/json;q=0.5, text/csv;q=0.4", "application/json"),
        ("text/html, */*;q=0.1", "text/csv"),
        ("*/*, application/json;q=0.2", "text/csv"),
        ("text/csv;q=0, */*;q=0.5", "text/plain"),
        ("application/vnd.apache.parquet", "application/x-parquet"),
        ("application/json;q=nonsense", "application/json"),
    ],
)
def test_the_form_that_accept_likes_best(accept: str | None, chosen: str) -> None:
    assert wire.negotiate(accept) == chosen


def test_the_default_form_can_be_set() -> None:
    assert wire.negotiate("*/*", "application/json") == "application/json"
    assert wire.negotiate("text/*", "application/json") == "text/csv"


@pytest.mark.parametrize("accept", ["image/png", "text/csv;q=0", "application/json;q=0.0"])
def test_a_form_that_is_not_written(accept: str) -> None:
    with pytest.raises(NotAcceptable, match="No answer is written as"):
        wire.negotiate(accept)


IDS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
ROWS = st.lists(st.tuples(IDS, st.floats(allow_infinity=False), st.booleans()), max_size=5)


@given(ROWS, st.sampled_from(["2024-02-29", "2024-02-29T05:06:07"]))
def test_csv_and_json_are_what_pandas_would_write(rows: list[tuple[str, float, bool]], first: str) -> None:
    table = {
        "item_id": np.array([item for item, _, _ in rows], object),
        "timestamp": np.datetime64(first, "ns") + np.arange(len(rows)) * np.timedelta64(1, "D"),
        "mean": np.array([mean for _, mean, _ in rows], float),
    }
    origin = {"item_id": table["item_id"], "fallback": np.array([flag for _, _, flag in rows], bool)}
    forecast = Forecast(table, origin)
    assert wire.encode(forecast)[0].decode() == forecast.frame.to_csv(index=False, lineterminator="\n").removesuffix(
        "\n"
    )
    answer = json.loads(wire.encode(forecast, "application/json")[0])
    read = pd.DataFrame(answer["forecasts"], columns=list(table)).astype({"timestamp": "datetime64[ns]", "mean": float})
    pd.testing.assert_frame_equal(read, forecast.frame)
    assert [row["fallback"] for row in answer["origin"]] == [flag for _, _, flag in rows]


def explained(forecast: Forecast) -> Forecast:
    parts = {"level": [1.0, 1.0, 2.0, 2.0], "covariate:price": [0.5, 0.0, -0.5, -0.5], "other": [0.0, 0.5, 0.0, 0.0]}
    return replace(forecast, components={name: np.array(values) for name, values in parts.items()})


@pytest.mark.parametrize("form", ["text/csv", "text/plain", "application/x-parquet", "application/json"])
def test_components_stand_beside_the_quantiles_in_every_table(two_days: Forecast, form: str) -> None:
    body, _ = wire.encode(explained(two_days), form)
    table = {
        "application/json": lambda: pd.DataFrame(json.loads(body)["forecasts"]),
        "application/x-parquet": lambda: pd.read_parquet(io.BytesIO(body)),
    }.get(form, lambda: pd.read_csv(io.BytesIO(body)))()
    assert table.columns.tolist() == ["item_id", "timestamp", "mean", "0.5", "level", "covariate:price", "other"]
    assert table["covariate:price"].tolist() == [0.5, 0.0, -0.5, -0.5]


def test_components_of_a_series_stand_in_its_line(two_days: Forecast) -> None:
    body, _ = wire.encode(explained(two_days), "application/jsonlines")
    first, second = map(json.loads, body.splitlines())
    assert first["components"] == {"level": [1.0, 1.0], "covariate:price": [0.5, 0.0], "other": [0.0, 0.5]}
    assert second["components"]["level"] == [2.0, 2.0]
    assert first["quantiles"] == {"0.5": [None, None]}
