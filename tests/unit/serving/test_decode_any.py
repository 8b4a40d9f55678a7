"""Whatever arrives, decoding gives a request or an error that says what the caller must do."""

from __future__ import annotations

import io
import json
from typing import Any

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from convect.answering.request import ForecastRequest
from convect.errors import UserError
from convect.serving import wire
from convect.serving.limits import Limits
from convect.serving.media import READ

SMALL = Limits(rows=50, columns=8, cells=200, decoded_bytes=100_000, depth=4)
TYPES = st.sampled_from([None, "", "text/plain", "application/octet-stream", *READ])
TYPES |= st.sampled_from(["text/csv; charset=utf-16", "application/json; charset=latin-1", "image/png", "text/csv;;=;"])
CELLS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
JSON = st.recursive(
    CELLS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
)
RECORDS = st.lists(st.dictionaries(st.sampled_from(["item_id", "timestamp", "target", ""]), CELLS), max_size=6)
NATIVE = st.fixed_dictionaries(
    {},
    optional={
        "schema": JSON | st.fixed_dictionaries({}, optional={"target": JSON, "item_id": JSON, "timestamp": JSON}),
        "config": JSON
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("horizon", "quantiles", "item_ids", "missing", "aggregate", "explain"), JSON),
        ),
        "freq": JSON,
        "data": JSON | RECORDS | st.dictionaries(st.text(max_size=4), st.lists(CELLS, max_size=3), max_size=3),
        "date": JSON,
    },
)
SERIES = st.fixed_dictionaries(
    {},
    optional={
        "target": JSON | st.lists(CELLS, max_size=6),
        "start": JSON | st.dates().map(str),
        "item_id": JSON,
        "cat": JSON,
        "dynamic_feat": JSON | st.lists(st.lists(CELLS, max_size=6), max_size=3),
        "past_covariates": JSON | st.dictionaries(st.text(max_size=3), st.lists(CELLS, max_size=6), max_size=2),
        "future_covariates": JSON | st.dictionaries(st.text(max_size=3), st.lists(CELLS, max_size=6), max_size=2),
        "static_features": JSON,
    },
)
SETTING_NAMES = ("num_samples", "output_types", "quantiles", "quantile_levels", "prediction_length", "freq", "other")
SETTINGS = st.fixed_dictionaries({}, optional=dict.fromkeys(SETTING_NAMES, JSON))
SERIES_LISTS = st.lists(SERIES | JSON, max_size=4) | SERIES | JSON
DIALECTS = st.fixed_dictionaries({"instances": SERIES_LISTS}, optional={"configuration": SETTINGS | JSON})
DIALECTS |= st.fixed_dictionaries({"inputs": SERIES_LISTS}, optional={"parameters": SETTINGS | JSON})
CSV = st.lists(st.text(alphabet='a1,;"\n\r\t.-= \x00é', max_size=20), max_size=8).map("\n".join)
IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12) | st.sampled_from(
    ["=cmd()", "007", "1.10", "1e5", 'a"b', "a,b", "two\nlines", "-0", "99999999999999999999", "é", "2024-01-01"]
)
TABLES = st.lists(
    st.tuples(IDS, st.dates().map(str), st.none() | st.floats(allow_nan=False, allow_infinity=False)), min_size=1
)


def check(body: bytes, content_type: str | None) -> None:
    outcome = decoded(body, content_type)
    if isinstance(outcome, UserError):
        assert 400 <= outcome.status < 500
        assert "\n" not in str(outcome)


def decoded(body: bytes, content_type: str | None) -> ForecastRequest | UserError:
    try:
        return wire.decode(body, content_type, SMALL, ("item_id", "timestamp"))
    except UserError as error:
        return error


@given(st.binary(max_size=200) | st.binary(max_size=100).map(lambda tail: b"PAR1" + tail + b"PAR1"), TYPES)
def test_any_bytes(body: bytes, content_type: str | None) -> None:
    check(body, content_type)


@given(CSV, TYPES)
def test_any_text(text: str, content_type: str | None) -> None:
    check(text.encode(), content_type)


@given(NATIVE | JSON, TYPES)
def test_any_json(document: Any, content_type: str | None) -> None:
    check(json.dumps(document).encode(), content_type)


@given(DIALECTS | SERIES, TYPES)
def test_any_request_of_series(document: Any, content_type: str | None) -> None:
    check(json.dumps(document).encode(), content_type)


@given(st.lists(SERIES | JSON, min_size=1, max_size=5), st.booleans())
def test_series_keep_their_count_and_each_is_read_or_refused(series: list[Any], batch: bool) -> None:
    body = json.dumps({"instances": series}).encode()
    request = wire.decode(body, "application/json", batch=batch)
    assert request.series is not None
    assert len(request.series) == len(series)


@given(st.lists(JSON | SERIES, min_size=1, max_size=5))
def test_any_json_lines(lines: list[Any]) -> None:
    check("\n".join(map(json.dumps, lines)).encode(), "application/jsonlines")


@given(st.data())
def test_a_parquet_file_with_any_byte_changed(data: st.DataObject) -> None:
    whole = io.BytesIO()
    pd.DataFrame({"item_id": ["a", "b"], "target": [1.0, None]}).to_parquet(whole)
    body = bytearray(whole.getvalue())
    place = data.draw(st.integers(0, len(body) - 1))
    body[place] = data.draw(st.integers(0, 255))
    check(bytes(body), "application/x-parquet")


def written(table: pd.DataFrame, form: str) -> bytes:
    if form == "application/x-parquet":
        return table.to_parquet()
    if form == "text/csv":
        return table.to_csv(index=False).encode()
    rows = [
        {name: None if value != value else value for name, value in row.items()} for row in table.to_dict("records")
    ]
    if form == "application/jsonlines":
        return "\n".join(map(json.dumps, rows)).encode()
    return json.dumps({"data": rows}).encode()


@given(TABLES, st.sampled_from(["text/csv", "application/json", "application/jsonlines", "application/x-parquet"]))
def test_a_table_arrives_as_it_was_sent(rows: list[tuple[str, str, float | None]], form: str) -> None:
    sent = pd.DataFrame(rows, columns=["item_id", "timestamp", "target"]).astype({"target": float})
    request = wire.decode(written(sent, form), form, text_columns=("item_id", "timestamp"))
    assert request.frame is not None
    assert request.frame["item_id"].tolist() == sent["item_id"].tolist()
    assert request.frame["timestamp"].tolist() == sent["timestamp"].tolist()
    pd.testing.assert_series_equal(request.frame["target"].astype(float), sent["target"])
