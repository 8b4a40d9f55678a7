"""A Parquet file written part by part is the file of the whole."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pandas.testing import assert_frame_equal

from convect.training import appending
from convect.training.appending import table_files


def frame(first: int, rows: int) -> pd.DataFrame:
    numbers = range(first, first + rows)
    names = [f"item {number}" for number in numbers]
    return pd.DataFrame({"item_id": pd.Categorical(names), "name": names, "y": [0.1 * number for number in numbers]})


@pytest.mark.parametrize("group_rows", [1, 4, 1000])
def test_parts_make_the_whole(tmp_path: Path, group_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appending, "GROUP_ROWS", group_rows)
    with table_files(tmp_path, ["a"]) as files:
        for first in range(0, 300, 3):
            files["a"].add(frame(first, 3))
    found = pd.read_parquet(tmp_path / "a.parquet")
    assert found["item_id"].dtype == "category"
    assert_frame_equal(found.astype({"item_id": object}), frame(0, 300).astype({"item_id": object}))
    groups = pq.read_metadata(tmp_path / "a.parquet").num_row_groups
    assert groups == -(-300 // (3 * -(-group_rows // 3)))


def test_a_part_may_bring_texts_where_the_first_had_categories(tmp_path: Path) -> None:
    with table_files(tmp_path, ["a"]) as files:
        files["a"].add(frame(0, 2))
        files["a"].add(frame(2, 2).astype({"item_id": object}))
    assert pd.read_parquet(tmp_path / "a.parquet")["item_id"].tolist() == [f"item {number}" for number in range(4)]


def test_a_table_without_columns_is_still_a_file(tmp_path: Path) -> None:
    with table_files(tmp_path, ["a"]) as files:
        files["a"].add(pd.DataFrame())
        files["a"].add(pd.DataFrame())
    assert pd.read_parquet(tmp_path / "a.parquet").shape == (0, 0)
