"""Splitting, batching and assembling files; the JSONPath filters and the join."""

from __future__ import annotations

import itertools
import json
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.emulator.errors import JobError, ServiceError
from tests.emulator.filters import Processing, parse, select
from tests.emulator.records import RECORDIO_MAGIC, assemble, batches, split


def recordio(payload: bytes) -> bytes:
    return struct.pack("<II", RECORDIO_MAGIC, len(payload)) + payload + b"\0" * (-len(payload) % 4)


def tfrecord(payload: bytes) -> bytes:
    return struct.pack("<Q", len(payload)) + b"crc1" + payload + b"crc2"


@pytest.mark.parametrize(
    ("kind", "records"),
    [
        ("None", [b"a\nb\n"]),
        ("Line", [b"a\n", b"b\n"]),
        ("RecordIO", [recordio(b"abcde"), recordio(b""), recordio(b"abcd")]),
        ("TFRecord", [tfrecord(b"abc"), tfrecord(b"")]),
    ],
)
def test_a_file_is_split_into_its_records(kind: str, records: list[bytes]) -> None:
    assert split(b"".join(records), kind) == records


def test_blank_lines_are_no_records_and_a_last_line_needs_no_end() -> None:
    assert split(b"a\n\n  \nb", "Line") == [b"a\n", b"b\n"]


@pytest.mark.parametrize("kind", ["RecordIO", "TFRecord"])
def test_a_record_cut_short_is_refused(kind: str) -> None:
    with pytest.raises(JobError, match=r"cut short|not RecordIO"):
        split((recordio if kind == "RecordIO" else tfrecord)(b"abcdefgh")[:-9], kind)


@given(st.lists(st.binary(min_size=1, max_size=9)), st.integers(9, 30))
def test_batches_hold_all_records_in_order_within_the_limit(records: list[bytes], limit: int) -> None:
    found = list(batches(records, single=False, limit_bytes=limit))
    assert [record for batch in found for record in batch] == records
    assert all(sum(map(len, batch)) <= limit for batch in found)
    assert all(sum(map(len, a)) + len(b[0]) > limit for a, b in itertools.pairwise(found))


def test_single_records_and_no_limit() -> None:
    assert list(batches([b"a", b"b"], single=True, limit_bytes=0)) == [[b"a"], [b"b"]]
    assert list(batches([b"a" * 99, b"b"], single=False, limit_bytes=0)) == [[b"a" * 99, b"b"]]
    with pytest.raises(JobError, match="a record of 99 bytes is larger"):
        list(batches([b"a" * 99], single=False, limit_bytes=9))


def test_answers_end_in_one_newline_each_where_lines_are_asked_for() -> None:
    assert assemble([b"a\n", b"b"], "Line") == b"a\nb\n"
    assert assemble([b"a\n", b"b"], "None") == b"a\nb"


RECORD = {"id": 7, "features": [1, 2, 3], "deep": {"name": "x"}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("$", RECORD),
        ("$.id", 7),
        ("$['id']", 7),
        ("$.deep.name", "x"),
        ("$['id','deep']", {"id": 7, "deep": {"name": "x"}}),
        ("$.features[0]", 1),
        ("$.features[-1]", 3),
        ("$.features[0,2]", [1, 3]),
        ("$.features[1:]", [2, 3]),
        ("$.features[:-1]", [1, 2]),
        ("$.features[*]", [1, 2, 3]),
    ],
)
def test_a_path_selects(path: str, found: Any) -> None:
    assert select(RECORD, parse(path)) == found


@pytest.mark.parametrize("path", ["", "id", "$..id", "$.features[?(@ > 1)]", "$[id]", "$.", "$[0"])
def test_an_unknown_path_is_refused(path: str) -> None:
    with pytest.raises(ServiceError, match="Invalid JSONPath expression"):
        parse(path)


def test_json_records_are_joined_with_their_answers() -> None:
    settings = {"InputFilter": "$.features", "JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"}
    data = Processing(settings, "application/jsonlines", "application/jsonlines")
    record = json.dumps(RECORD).encode()
    assert json.loads(data.before(record)) == [1, 2, 3]
    assert json.loads(data.after(record, b'{"mean": 2}')) == {"id": 7, "SageMakerOutput": {"mean": 2}}


def test_rows_of_csv_are_joined_with_their_answers() -> None:
    data = Processing({"InputFilter": "$[1:]", "JoinSource": "Input"}, "text/csv", "text/csv")
    assert data.before(b'7,"a, b",3\n') == b'"a, b",3\n'
    assert data.after(b'7,"a, b",3\n', b"0.5\n") == b'7,"a, b",3,0.5\n'


def test_a_record_without_what_the_filter_asks_for_fails_the_job() -> None:
    with pytest.raises(JobError, match="the filter finds nothing in a record"):
        Processing({"InputFilter": "$.absent"}, "application/json", "application/json").before(b"{}")
