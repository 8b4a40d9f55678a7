"""Bodies with their requests, by hand."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from convect.answering.request import ForecastRequest
from convect.errors import (
    DataError,
    PayloadTooLarge,
    RequestError,
    UnsupportedMediaType,
    UserError,
)
from convect.serving import wire
from convect.serving.limits import Limits

ROWS: list[dict[str, Any]] = [
    {"item_id": "a", "timestamp": "2024-01-01", "target": 3},
    {"item_id": "a", "timestamp": "2024-01-02", "target": None},
]
CSV = "item_id,timestamp,target\na,2024-01-01,3\na,2024-01-02,\n"


def native(**keys: object) -> bytes:
    return json.dumps(keys).encode()


def frame_of(body: bytes, content_type: str | None = None) -> pd.DataFrame:
    frame = wire.decode(body, content_type).frame
    assert frame is not None
    return frame


def refusal(body: bytes, content_type: str | None = None) -> UserError:
    with pytest.raises(UserError) as caught:
        wire.decode(body, content_type)
    return caught.value


def test_an_empty_object_asks_for_what_was_trained() -> None:
    assert wire.decode(b"{}") == ForecastRequest()


def test_every_key_and_setting_is_read() -> None:
    config = {"horizon": 7, "quantiles": [0.9, 0.1], "item_ids": ["b", 7, "b"], "missing": "zero", "aggregate": "avg"}
    asked = wire.decode(native(schema={"target": "y"}, config=config | {"explain": True}, freq="D"))
    assert asked == ForecastRequest(
        schema={"target": "y"},
        freq="D",
        horizon=7,
        quantiles=(0.1, 0.9),
        items=("b", "7"),
        missing="zero",
        aggregate="mean",
        explain=True,
    )


COLUMNS = {name: [row[name] for row in ROWS] for name in ROWS[0]}


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (native(data=ROWS), "application/json"),
        (native(data=COLUMNS), "application/json; charset=UTF-8"),
        (native(data=CSV), None),
        (native(data=ROWS).decode().encode("utf-16"), "application/json; charset=utf-16"),
        (CSV.encode(), "text/csv"),
        (CSV.encode(), "TEXT/CSV; header=present"),
        (b"\xef\xbb\xbf" + CSV.encode(), None),
        (CSV.replace("\n", "\r\n").encode(), "text/plain"),
        (CSV.replace(",", ";").encode(), "application/octet-stream"),
        (native(data=ROWS), "application/x-www-form-urlencoded"),
        ("\n".join(map(json.dumps, ROWS)).encode(), "application/jsonlines"),
        ("\n".join(map(json.dumps, ROWS)).encode() + b"\r\n\n", None),
        (pd.DataFrame(ROWS).to_parquet(), "application/x-parquet"),
        (pd.DataFrame(ROWS).to_parquet(), None),
    ],
)
def test_one_table_in_every_form(body: bytes, content_type: str | None) -> None:
    pd.testing.assert_frame_equal(frame_of(body, content_type), pd.DataFrame(ROWS))


def test_ids_are_text_whatever_they_look_like() -> None:
    body = b"item_id,price,target\n1.10,1.10,1\n=cmd(),2,2\n"
    frame = wire.decode(body, "text/csv", text_columns=("item_id",)).frame
    assert frame is not None
    assert frame["item_id"].tolist() == ["1.10", "=cmd()"]
    rows = native(data=[{"sku": 7, "y": 1}, {"y": 2}], schema={"item_id": "sku"})
    assert frame_of(rows)["sku"].tolist() == ["7", None]


def test_numbers_beyond_64_bits_are_floats() -> None:
    body = b'{"data": {"y": [1, 123456789012345678901, -1' + b"0" * 5000 + b"]}}"
    assert frame_of(body)["y"].tolist() == [1.0, 123456789012345678901.0, float("-inf")]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            native(dta=[]),
            "unknown key 'dta'. Did you mean 'data'? Known: schema, config, freq, data.",
        ),
        (native(config={"horzon": 1}), "unknown key 'horzon'. Did you mean 'horizon'?"),
        (native(config={"horizon": 0}), "The request's horizon must be a whole number from 1 to 10000; found 0."),
        (native(config={"quantiles": [0.5, 1]}), "The request's quantiles must be 1 to 99 numbers between 0 and 1"),
        (native(config={"quantiles": []}), "leave it out for what was trained."),
        (native(config={"item_ids": "a"}), "The request's item_ids is not a list of ids."),
        (native(config={"item_ids": [True]}), "The request's item_ids is not a list of ids."),
        (native(config={"explain": "yes"}), "The request's explain is neither true nor false."),
        (native(config={"explain": 1}), 'Send {"config": {"explain": true}}.'),
        (native(config=[]), "The request's config is not an object."),
        (native(config={"missing": {"a": [[[[[[[[[1]]]]]]]]]}}), "The config: The JSON is nested too deeply."),
        (native(freq=7), "The request's freq must be a text; found 7."),
        (native(schema={"tarket": "y"}), "Did you mean 'target'?"),
        (native(data=7), "The request's data is no table."),
        (native(data=[1]), "Row 1 of the data is not an object."),
        (native(data=[{"a": 1}, {"a": [1]}]), "Row 2, column 'a' of the data holds a list or an object."),
        (native(data={"a": 1}), "Column 'a' of the data is not a list."),
        (native(data={"a": [1], "b": [1, 2]}), "The columns of the data have 1 to 2 values."),
        (b'{"freq": "D", "freq": "h"}', "The JSON has the name 'freq' twice in one object."),
        (b'{"data": [{"a": "\\ud800"}]}', "lone surrogate"),
        (b'{"data": [', "The body is not valid JSON: Expecting value at line 1, column 11."),
        (b"[" * 100_000, "nested too deeply"),
        (b"[1]", "The JSON body is not an object."),
        (b" \n", "The body is empty. Send {} to forecast the series seen in training."),
        (b"a,b\n1,2\n3\n", "in row 3 (the header is row 1) where its header has 2"),
        (b'a,b\n1,"2\n3,4\n', "The CSV ends within quotes."),
        (b"\xff,b\n1,2", "not UTF-8"),
        (b'{"a": 1}\n{"a": \n', "Line 2 is not valid JSON"),
        (b"PAR1 and no more PAR1", "The Parquet file cannot be read"),
    ],
)
def test_what_a_bad_request_is_told(body: bytes, said: str) -> None:
    error = refusal(body)
    assert error.status == 400
    assert said in str(error)


@pytest.mark.parametrize(
    ("body", "content_type", "kind"),
    [
        (b"a", "image/png", UnsupportedMediaType),
        (b"a,b", "text/csv; charset=ebcdic", UnsupportedMediaType),
        (b"\x1f\x8b\x08\x00", "text/csv", UnsupportedMediaType),
        (b"\x00\x01", None, UnsupportedMediaType),
        (b"{}", "text/csv", UnsupportedMediaType),
        (b"a,b\n", "text/csv", DataError),
        (b'{"data": []}', None, DataError),
        (b'{"data": {}}', None, DataError),
        (b"\xe9,b\n1,2", "text/csv; charset=utf-8", UserError),
        (CSV.encode("utf-16"), "application/json", RequestError),
    ],
)
def test_the_class_of_a_refusal_gives_its_status(body: bytes, content_type: str | None, kind: type[UserError]) -> None:
    assert isinstance(refusal(body, content_type), kind)


SMALL = Limits(rows=3, columns=3, cells=6, decoded_bytes=1_000)


@pytest.mark.parametrize(
    "body",
    [
        b"a\n1\n2\n3\n4\n",
        b"a,b,c,d\n1,2,3,4\n",
        b"a,b,c\n1,2,3\n1,2,3\n1,2,3\n",
        native(data=[{"a": 1}] * 4),
        native(data=[{"a": 1}, {"b": 1}, {"c": 1}]),
        native(data={"a": [1, 2, 3, 4]}),
        b'{"data": [' + b"[]," * 9 + b"[]]}",
        pd.DataFrame({"a": range(4)}).to_parquet(),
        pd.DataFrame({"a": ["x" * 2_000]}).to_parquet(),
        b"a" * 200_000,
    ],
)
def test_more_than_the_limits_is_refused(body: bytes) -> None:
    with pytest.raises(PayloadTooLarge) as caught:
        wire.decode(body, None, SMALL)
    assert caught.value.status == 413


def test_a_text_repeated_in_parquet_is_held_once() -> None:
    rows = 20_000  # two gigabytes if each had its own
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), pa.array(["x" * 100_000]))
    sink = io.BytesIO()
    pq.write_table(pa.table({"item_id": text, "target": [1.0] * rows}), sink, store_schema=False)
    texts = frame_of(sink.getvalue())["item_id"].tolist()
    assert texts[0] is texts[-1]
