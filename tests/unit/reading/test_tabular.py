from __future__ import annotations

import datetime
import decimal
import errno
import gzip
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convect.errors import PlatformError, UserError
from convect.reading.source import Source
from convect.reading.tabular import read_columns, read_table

ROWS = "id,ds,y\n007,2024-01-01,1\n007,2024-01-02,2.5\n"
JSONL = '{"id": "007", "y": 1}\n{"id": "008", "y": 2.5}\n'


def source(name: str, content: str | bytes) -> Source:
    return Source("It", name, content.encode() if isinstance(content, str) else content)


def read(name: str, content: str | bytes, text_columns: tuple[str, ...] = ()) -> pd.DataFrame:
    return read_table([source(name, content)], text_columns)


def columns(name: str, content: str | bytes) -> tuple[str, ...]:
    return read_columns([source(name, content)])


def message(name: str, content: str | bytes) -> str:
    with pytest.raises(UserError) as caught:
        read(name, content)
    return str(caught.value).removeprefix("UserError [file]: ")


def lists(frame: pd.DataFrame) -> dict[str, list[object]]:
    return {str(name): frame[name].astype(object).where(frame[name].notna(), None).tolist() for name in frame}


def parquet(frame: pd.DataFrame) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pandas(frame), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


# --- what is read


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ROWS),
        ("a.CSV", ROWS),
        ("a", ROWS),
        ("part-0000", gzip.compress(ROWS.encode())),
        ("a.csv.gz", gzip.compress(ROWS.encode())),
        ("a.csv", b"\xef\xbb\xbf" + ROWS.encode()),
        ("a.csv", ROWS.replace("\n", "\r\n")),
        ("a.csv", ROWS.replace(",", ";")),
        ("a.tsv", ROWS.replace(",", "\t")),
        ("a.txt", "\n" + ROWS.replace(",", " , ").replace(" ,", ",", 1)),
        ("a.csv", ROWS.replace("id,ds,y", '"id", ds ,"y"')),
        ("a.csv", ROWS.rstrip("\n")),
    ],
)
def test_delimited_text(name: str, content: str | bytes) -> None:
    frame = read(name, content)
    assert [column.strip() for column in frame] == ["id", "ds", "y"]
    assert frame["y"].tolist() == [1.0, 2.5]
    assert [text.strip() for text in frame["ds"]] == ["2024-01-01", "2024-01-02"]
    assert [text.strip() for text in frame["id"]] == ["007", "007"]
    assert columns(name, content) == tuple(frame)


def test_parquet_and_its_types() -> None:
    frame = pd.DataFrame(
        {
            "id": pd.Categorical(["a", "b"]),
            "ds": pd.to_datetime(["2024-01-01", "2024-01-02"]),
            "day": [datetime.date(2024, 1, 1), None],
            "y": [decimal.Decimal("1.50"), None],
            "none": [None, None],
            "raw": [b"x", b"y"],
        },
        index=["p", "q"],
    )
    found = read("a.parquet", parquet(frame))
    assert list(found) == ["id", "ds", "day", "y", "none", "raw"]
    assert [str(kind)[:10] for kind in found.dtypes] == [
        "object",
        "datetime64",
        "datetime64",
        "float64",
        "float64",
        "object",
    ]
    assert found["id"].tolist() == ["a", "b"]
    assert found["raw"].tolist() == ["x", "y"]
    assert found["y"].tolist()[0] == 1.5
    assert found.index.tolist() == [0, 1]
    assert columns("a.parquet", parquet(frame)) == tuple(found)


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.ndjson", "a", "a.jsonl.gz"])
def test_json_lines(name: str) -> None:
    content = gzip.compress(JSONL.encode()) if name.endswith("gz") else JSONL.encode()
    found = read(name, content)
    assert lists(found) == {"id": ["007", "008"], "y": [1.0, 2.5]}
    assert columns(name, content) == ("id", "y")


def test_text_columns_are_never_numbers() -> None:
    content = parquet(pd.DataFrame({"id": [7, 8], "z": [7.0, 7.5], "d": [decimal.Decimal("7.10"), None]}))
    expected = {"id": ["7", "8"], "z": ["7", "7.5"], "d": ["7.10", None]}
    assert lists(read("a.parquet", content, ("id", "z", "d", "absent"))) == expected
    assert read("a.json", '{"id": 7}\n{"id": 8}\n', ("id",))["id"].tolist() == ["7", "8"]


def test_text_columns_leave_stamps_as_stamps() -> None:
    content = parquet(pd.DataFrame({"ds": pd.to_datetime(["2024-01-01"], utc=True)}))
    assert str(read("a.parquet", content, ("ds",))["ds"].dtype).endswith(", UTC]")


# --- what is refused

BINARY = bytes(range(256))
FORM = "Give it the ending of its content (.csv, .parquet, .jsonl), or write it in the named form."


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "", "is empty. Provide a file with a header and rows."),
        ("a.csv.gz", gzip.compress(b" \n"), "is empty. Provide a file with a header and rows."),
        ("a.csv", "id,y\n", "has column names but no rows. Provide at least one row of data."),
        ("a.csv", parquet(pd.DataFrame({"y": [1]})), f"is named as text but holds Parquet. {FORM}"),
        ("x/a.parquet", ROWS, f"is named as Parquet but holds text. {FORM}"),
        ("a.parquet", JSONL, f"is named as Parquet but holds JSON. {FORM}"),
        ("a.jsonl", ROWS, f"is named as JSON but holds text. {FORM}"),
        ("a.csv", JSONL, f"is named as text but holds JSON. {FORM}"),
        ("a.csv", BINARY, "holds binary data that is not Parquet. Write it as CSV, Parquet or JSON Lines."),
        ("a.xlsx", b"PK\x03\x04abc", "holds binary data that is not Parquet. Write it as CSV, Parquet or JSON Lines."),
        ("a.csv", gzip.compress(b"x"), "holds gzip data, which its name does not say. Add the ending .gz to its name."),
        ("a.csv.gz", ROWS, "is named .gz but is not gzip data. Drop the ending .gz, or compress it."),
        ("a.csv.gz", gzip.compress(ROWS.encode())[:-9], "is damaged or cut short. Write or upload it again."),
        ("a.csv.gz", b"\x1f\x8b" + BINARY, "is damaged or cut short. Write or upload it again."),
        ("a.parquet", b"PAR1" + BINARY, "is damaged or cut short. Write or upload it again."),
        ("a.csv", ROWS.encode("utf-16"), "is not UTF-8 text. Save it with the encoding UTF-8."),
        ("a.csv", "id,y\nM\xfcnchen,1\n".encode("latin-1"), "is not UTF-8 text. Save it with the encoding UTF-8."),
        ("a.csv", "\xfcid,y\na,1\n".encode("latin-1"), "is not UTF-8 text. Save it with the encoding UTF-8."),
        ("a.jsonl", b'{"id": "\xfc"}\n', "is not UTF-8 text. Save it with the encoding UTF-8."),
        ("a.jsonl", b'{"\xfc": 1}\n', "is not UTF-8 text. Save it with the encoding UTF-8."),
        (
            "a.csv",
            "id,y\na,1\nb,2,3\n",
            "has 3 columns in row 3 (the header is row 1) where its header has 2. "
            "Correct that row, or quote values that hold the delimiter.",
        ),
        (
            "a.csv",
            "A,2024-01-01,5\nA,2024-01-02,6\n",
            "has no header: its first line holds numbers or dates where column names are expected. "
            "Add a first line with the column names.",
        ),
        (
            "a.csv",
            "1,2\n3,4\n",
            "has no header: its first line holds numbers or dates where column names are expected. "
            "Add a first line with the column names.",
        ),
        (
            "a.csv",
            "sku,2024-01-01,2024-01-02,2024-01-03\nA,5,6,7\n",
            "has a column for each date. "
            "Make it long: one row an item and timestamp, in columns item_id, timestamp and target.",
        ),
        ("a.csv", ",,\n1,2,3\n", "has no column names in its first line. Add a first line with the column names."),
        (
            "a.csv",
            "id,y\na\n",
            "has 1 column in row 2 (the header is row 1) where its header has 2. "
            "Correct that row, or quote values that hold the delimiter.",
        ),
        ("a.csv", "y,y\n1,2\n", "has two columns named 'y'. Rename or remove one."),
        ("a.json", '[{"y": 1}]', "holds a JSON array. Write JSON Lines: one flat JSON object a line."),
        (
            "a.jsonl",
            '{"y": [1, 2]}\n',
            "holds nested values in 'y'. Keep one number, text or date a cell.",
        ),
        (
            "a.jsonl",
            '{"y": 1}\n{"y": "a"}\n',
            "mixes number and string in 'y'. Write one flat JSON object a line, each name with one type.",
        ),
        (
            "a.jsonl",
            '{"y": 1}\n{y\n',
            "cannot be read as JSON Lines. Write one flat JSON object a line, each name with one type.",
        ),
    ],
)
def test_one_file_refused(name: str, content: str | bytes, expected: str) -> None:
    assert message(name, content) == f"It {expected}"


@pytest.mark.parametrize(("name", "row"), [("a.csv.gz", "{},{}\n"), ("a.jsonl.gz", '{{"a": {}, "b": {}}}\n')])
def test_damage_far_behind_the_first_bytes(name: str, row: str) -> None:
    whole = gzip.compress(("a,b\n" * ("csv" in name) + "".join(row.format(n, n) for n in range(100_000))).encode())
    assert len(read(name, whole)) == 100_000
    assert message(name, whole[:-9]) == "It is damaged or cut short. Write or upload it again."


def test_a_quote_that_never_ends() -> None:
    content = 'id,y\n"a,1\n' + "b,2\n" * 600_000
    assert message("a.csv", content) == "It cannot be read as CSV. Check its quotes and line ends."


def test_a_file_that_cannot_be_opened_is_the_platforms(tmp_path: Path) -> None:
    source = Source("File 'a.csv' of channel 'train'", "a.csv", tmp_path / "gone.csv")
    with pytest.raises(PlatformError) as caught:
        read_table([source])
    assert str(caught.value) == (
        "PlatformError [platform]: File 'a.csv' of channel 'train' cannot be read: No such file or directory. "
        "Check its permissions and the disk."
    )


@pytest.mark.parametrize("content", [ROWS.encode(), JSONL.encode(), parquet(pd.DataFrame({"y": [1]}))])
def test_a_disk_that_fails_within_a_file_is_the_platforms(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = Source("It", "", content)
    assert source.head and source.form

    def fail(_: Source) -> None:
        raise OSError(errno.EIO, "[errno 5] Error reading bytes from file")

    monkeypatch.setattr(Source, "open", fail)
    with pytest.raises(PlatformError, match=r"It cannot be read: Input/output error\."):
        read_table([source])


def test_no_sentence_quotes_a_cell() -> None:
    found = message("a.csv", "id,y\nsecret,1\nsecret,secret,2\n")
    assert "secret" not in found


# --- properties

VALID = [ROWS.encode(), JSONL.encode(), parquet(pd.DataFrame({"id": ["a", "b"], "y": [1, 2.5]}))]


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(VALID), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=3))
def test_damage_to_good_files_gives_a_table_or_a_sentence(content: bytes, damage: list[tuple[int, int]]) -> None:
    broken = bytearray(content)
    for position, value in damage:
        broken[position % len(broken)] = value
    for reader in (read_table, read_columns):
        try:
            found = reader([Source("It", "", bytes(broken))])
        except UserError:
            continue
        assert len(found) > 0


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(["", "a.csv", "a.parquet", "a.jsonl", "a.gz"]),
    st.sampled_from([b"", b"a,b\n", b"{", b'{"a":', b"PAR1", b"\x1f\x8b", b"\xef\xbb\xbf"]),
    st.binary() | st.text().map(str.encode) | st.text('",;\n\r\tab1{}:[]').map(str.encode),
)
def test_any_bytes_are_a_table_or_a_sentence(name: str, start: bytes, rest: bytes) -> None:
    for content in (start + rest, gzip.compress(start + rest)):
        try:
            frame = read_table([Source("It", name, content)])
        except UserError:
            continue
        assert len(frame) > 0
