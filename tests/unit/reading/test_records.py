"""DeepAR's training form: every layout of its developer guide, by hand, and what is refused with its line."""

from __future__ import annotations

import contextlib
import gzip
import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import UserError
from convect.reading.records import is_records, read_records, record_roles
from convect.reading.source import Source

# The three lines of the guide's page on input and output formats.
GUIDE = """\
{"start": "2009-11-01 00:00:00", "target": [4.3, "NaN", 5.1], "cat": [0, 1], "dynamic_feat": [[1.1, 1.2, 0.5]]}
{"start": "2012-01-30 00:00:00", "target": [1.0, -5.0], "cat": [2, 3], "dynamic_feat": [[1.1, 2.05]]}
{"start": "1999-01-30 00:00:00", "target": [2.0, 1.0], "cat": [1, 4], "dynamic_feat": [[1.3, 0.4]]}
"""


def source(text: str | bytes, name: str = "a.json") -> Source:
    return Source(f"File '{name}' of channel 'train'", name, text if isinstance(text, bytes) else text.encode())


def read(text: str | bytes, freq: str | None = "D") -> pd.DataFrame:
    return read_records([source(text)], freq)


def message(text: str, freq: str | None = "D") -> str:
    with pytest.raises(UserError) as caught:
        read(text, freq)
    return str(caught.value)


def line(**parts: Any) -> str:
    return json.dumps({"start": "2024-01-01", "target": [1, 2], **parts}) + "\n"


def test_the_guide_s_example() -> None:
    found = read(GUIDE)
    assert found.columns.tolist() == ["item_id", "timestamp", "target", "feat_0", "cat_0", "cat_1"]
    assert found["item_id"].tolist() == ["series-0000001"] * 3 + ["series-0000002"] * 2 + ["series-0000003"] * 2
    days = ["2009-11-01", "2009-11-02", "2009-11-03", "2012-01-30", "2012-01-31", "1999-01-30", "1999-01-31"]
    assert found["timestamp"].dt.strftime("%Y-%m-%d").tolist() == days
    np.testing.assert_array_equal(found["target"], [4.3, np.nan, 5.1, 1, -5, 2, 1])
    assert found["feat_0"].tolist() == [1.1, 1.2, 0.5, 1.1, 2.05, 1.3, 0.4]
    assert found["cat_1"].tolist() == ["1", "1", "1", "3", "3", "4", "4"]
    assert record_roles(found.columns.tolist()) == {
        "item_id": ["item_id"],
        "timestamp": "timestamp",
        "target": "target",
        "known_covariates": ["feat_0"],
        "static": ["cat_0", "cat_1"],
    }


@pytest.mark.parametrize("missing", ['"NaN"', "null", "NaN", '"nan"'])
def test_the_spellings_of_a_missing_value(missing: str) -> None:
    found = read(f'{{"start": "2024-01-01", "target": [1, {missing}, 3]}}')
    np.testing.assert_array_equal(found["target"], [1, np.nan, 3])


def test_compressed_files_and_several_of_them() -> None:
    parts = [source(gzip.compress(line(target=[1]).encode()), "a.json.gz"), source(line(target=[2, 3]), "b.jsonl")]
    found = read_records(parts, "h")
    assert found["item_id"].tolist() == ["series-0000001", "series-0000002", "series-0000002"]
    assert found["target"].tolist() == [1, 2, 3]


def test_parquet_with_the_same_columns() -> None:
    table = pa.table({"start": ["2024-01-01", "2024-02-01"], "target": [[1.0, None], [3.0]], "cat": [[1], [2]]})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    made = source(sink.getvalue().to_pybytes(), "a.parquet")
    assert is_records(made)
    found = read_records([made], "D")
    np.testing.assert_array_equal(found["target"], [1, np.nan, 3])
    assert found["cat_0"].tolist() == ["1", "1", "2"]


@pytest.mark.parametrize(
    ("freq", "starts", "expected"),
    [
        ("D", ["2024-01-16"], ["2024-01-16", "2024-01-17"]),
        ("D", ["2024-01-16 09:00"], ["2024-01-16 09:00", "2024-01-17 09:00"]),
        ("D", ["2024-01-16 09:00", "2024-02-01"], ["2024-01-16", "2024-01-17", "2024-02-01", "2024-02-02"]),
        ("M", ["2024-01-31"], ["2024-01-31", "2024-02-29"]),
        ("W", ["2024-01-01", "2024-01-08"], ["2024-01-01", "2024-01-08", "2024-01-08", "2024-01-15"]),
        ("1H", ["2024-01-01 23:00:00"], ["2024-01-01 23:00", "2024-01-02 00:00"]),
        ("15min", ["2024-01-01T23:45:00Z"], ["2024-01-01 23:45", "2024-01-02 00:00"]),
    ],
)
def test_starts_of_one_phase_keep_it_and_others_lie_within_a_step(
    freq: str, starts: list[str], expected: list[str]
) -> None:
    found = read("".join(line(start=start) for start in starts), freq)
    assert found["timestamp"].tolist() == [pd.Timestamp(stamp) for stamp in expected]


def test_a_longer_feature_tells_of_the_future() -> None:
    found = read(line(dynamic_feat=[[5, 6, 7]]))
    np.testing.assert_array_equal(found["target"], [1, 2, np.nan])
    assert found["feat_0"].tolist() == [5, 6, 7]


def test_names_are_kept_and_missing_ones_made() -> None:
    found = read(line(item_id="007") + line() + line(id=7))
    assert found["item_id"].unique().tolist() == ["007", "series-0000002", "7"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"start": "2024-01-01", "target": 3}', False),
        ('{"start": "2024-01-01", "y": [3]}', False),
        ('{"target" : [' + "1, " * 200_000 + '1], "start": "2024-01-01"}', True),
        ('{"dynamic_feat": [[' + "1, " * 200_000 + '1]], "start": "2024-01-01", "target": [1]}', True),
        ('{"item_id": "a", "timestamp": "2024-01-01", "target": 3}', False),
        ('  \n{"target": [3], "start": "2024-01-01"}', True),
    ],
)
def test_what_is_taken_for_the_form(text: str, expected: bool) -> None:
    assert is_records(source(text)) is expected


ASK = 'Write one series a line, like {"start": "2024-01-31", "target": [1, 2, null]}.'
LINE = "UserError [file]: Line {} of file 'a.json' of channel 'train'"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (line() + "[1]\n", f"{LINE.format(2)} is not a JSON object. {ASK}"),
        (line() + '{"start": ', f"{LINE.format(2)} is not a JSON object. {ASK}"),
        (line(target=[]), f"{LINE.format(1)} has a target that is no list of numbers. {ASK}"),
        (line(target=["many"]), f"{LINE.format(1)} has a target with a value that is no number. {ASK}"),
        (line(target=[[1]]), f"{LINE.format(1)} has a target with a value that is no number. {ASK}"),
        (line(start="soon"), f"{LINE.format(1)} has no start that is a timestamp. {ASK}"),
        ('{"target": [1]}', f"{LINE.format(1)} has no start that is a timestamp. {ASK}"),
        (line(start=3), f"{LINE.format(1)} has no start that is a timestamp. {ASK}"),
        (line(dynamic_feat=[[1]]), f"{LINE.format(1)} has a dynamic_feat of 1 values for a target of 2. {ASK}"),
        (line(dynamic_feat=3), f"{LINE.format(1)} has a dynamic_feat that is no list of lists. {ASK}"),
        (
            line(cat=[1]) + line(),
            f"{LINE.format(2)} has 0 entries in cat where the first series has 1. Give each series the same number.",
        ),
        (line(item_id=1) + line(item_id="1"), f"{LINE.format(2)} repeats an item_id. Write each series on one line."),
    ],
)
def test_what_is_refused(text: str, expected: str) -> None:
    assert message(text) == expected


def test_without_a_frequency_nothing_has_a_stamp() -> None:
    assert message(line(), None) == (
        "UserError [config]: File 'a.json' of channel 'train' has series in DeepAR's form, which name only their start."
        " Pass hyperparameter freq (DeepAR's time_freq), for example D."
    )


values = st.lists(st.one_of(st.none(), st.just("NaN"), st.floats(-1e6, 1e6)), min_size=1, max_size=8)


@given(st.lists(st.tuples(values, st.dates(pd.Timestamp("1990-01-01").date())), min_size=1, max_size=5))
def test_what_is_written_is_read(series: list[tuple[list[Any], Any]]) -> None:
    text = "".join(line(start=str(start), target=target) for target, start in series if start.year < 2200)
    if not text:
        return
    found = read(text)
    expected = [
        (pd.Timestamp(start) + pd.Timedelta(days=step), np.nan if value in (None, "NaN") else value)
        for target, start in series
        if start.year < 2200
        for step, value in enumerate(target)
    ]
    assert found["timestamp"].tolist() == [stamp for stamp, _ in expected]
    np.testing.assert_array_equal(found["target"], [value for _, value in expected])


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_as_the_user_s(text: str) -> None:
    with contextlib.suppress(UserError):
        read('{"start": "2024-01-01", "target": [1]}\n' + text)
