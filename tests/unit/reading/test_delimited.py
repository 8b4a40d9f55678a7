from __future__ import annotations

import csv

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.reading.source import Source
from convect.reading.tabular import read_table


def source(name: str, content: str | bytes) -> Source:
    return Source("It", name, content.encode() if isinstance(content, str) else content)


def read(name: str, content: str | bytes, text_columns: tuple[str, ...] = ()) -> pd.DataFrame:
    return read_table([source(name, content)], text_columns)


def lists(frame: pd.DataFrame) -> dict[str, list[object]]:
    return {str(name): frame[name].tolist() for name in frame}


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1", "2"], [1, 2]),
        (["1", "2.5"], [1.0, 2.5]),
        ([" 1 ", "-2e3"], [1.0, -2000.0]),
        (["0", "-0.5"], [0.0, -0.5]),
        (["9007199254740993", "1"], [9007199254740993, 1]),
        (["007", "8"], ["007", "8"]),
        (["0x10", "1"], ["0x10", "1"]),
        (["12345678901234567890", "1"], ["12345678901234567890", "1"]),
        (["a", "1"], ["a", "1"]),
        (["NA", "b"], ["NA", "b"]),
        (["1_0", "1"], ["1_0", "1"]),
        (["true", "false"], ["true", "false"]),
        (["2024-01-01", "2024-01-02"], ["2024-01-01", "2024-01-02"]),
    ],
)
def test_when_a_column_of_text_is_numeric(cells: list[str], expected: list[object]) -> None:
    found = read("a.csv", "k,x\n" + "".join(f"k,{cell}\n" for cell in cells))
    assert found["x"].tolist() == expected
    assert [type(value) for value in found["x"].tolist()] == [type(value) for value in expected]


@pytest.mark.parametrize("gap", ["", "NA", "null", "NaN", "nan", "n/a", "None"])
def test_missing_numbers(gap: str) -> None:
    found = read("a.csv", f"k,x\na,1.5\nb,{gap}\n")
    assert found["x"].isna().tolist() == [False, True]
    assert found["x"].dtype == float


def test_text_columns_are_never_numbers() -> None:
    found = read("a.csv", "id,y\n1,1\nNA,2\n,3\n", ("id", "absent"))["id"]
    assert (found.tolist()[:2], found.isna().tolist()) == (["1", "NA"], [False, False, True])


def test_quoted_cells() -> None:
    found = read("a.csv", 'id,"a, b"\n"x, ""y""\nz",1\n')
    assert lists(found) == {"id": ['x, "y"\nz'], "a, b": [1]}


def test_a_saved_index_without_a_name_is_left_out() -> None:
    found = read("a.csv", ",id,y\n0,a,1\n")
    assert lists(found) == {"id": ["a"], "y": [1]}


def test_a_quantile_is_a_column_name() -> None:
    assert list(read("a.csv", "id,0.1,0.9\na,1,2\n")) == ["id", "0.1", "0.9"]


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6)


@given(st.lists(st.tuples(cells.filter(str.strip), st.floats(allow_nan=False, allow_infinity=False)), min_size=1))
def test_a_frame_written_by_pandas_is_read_back(rows: list[tuple[str, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["id", "y"])
    content = frame.to_csv(index=False, quoting=csv.QUOTE_NONNUMERIC).encode()
    found = read_table([Source("It", "a.csv", content)], ("id",))
    assert found["id"].tolist() == frame["id"].tolist()
    assert found["y"].tolist() == frame["y"].tolist()
