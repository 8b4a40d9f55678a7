"""Tables: read, split, and scored, against hand cases and numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import tables


def long(
    values: dict[str, list[float]], start: str = "2024-01-01", freq: str = "D", column: str = "target"
) -> pd.DataFrame:
    """A long table of items that all begin at `start`."""
    parts = [
        pd.DataFrame({"item_id": item, "timestamp": pd.date_range(start, periods=len(row), freq=freq), column: row})
        for item, row in values.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_a_table_is_read_with_its_columns_named_and_sorted(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("sku,day,sold,price\n02,2024-01-02,3,9\n02,2024-01-01,2,8\n01,2024-01-01,1,7\n")
    frame = tables.read_table(tmp_path / "t.csv", "sku", "day", "sold")
    assert frame.columns.tolist() == ["item_id", "timestamp", "target", "price"]
    assert frame["item_id"].tolist() == ["01", "02", "02"]  # an id is a text, its zeros stay
    assert frame["target"].tolist() == [1, 2, 3]
    assert frame["timestamp"].dt.day.tolist() == [1, 1, 2]


@pytest.mark.parametrize("name", ["deep/t.csv", "deep/t.parquet"])
def test_what_goes_to_a_channel_comes_back(tmp_path: Path, name: str) -> None:
    frame = long({"a": [1.0, 2.5], "b": [3.0]})
    path = tables.to_channel(frame, tmp_path / name)
    pd.testing.assert_frame_equal(tables.read_table(path), frame)


@pytest.mark.parametrize("name", ["f.csv", "f.parquet"])
def test_forecasts_are_read_with_quantiles_in_order(tmp_path: Path, name: str) -> None:
    text = "item_id,timestamp,mean,0.9,0.1,note\n01,2024-01-02,2,3,1,x\n01,2024-01-01,2,3,1,x\n"
    parsed = tables.parse_forecasts(text)
    assert parsed.columns.tolist() == ["item_id", "timestamp", "mean", "0.1", "0.9"]
    assert parsed["item_id"].tolist() == ["01", "01"]
    assert parsed["timestamp"].is_monotonic_increasing
    path = tables.to_channel(parsed.iloc[::-1], tmp_path / name)
    pd.testing.assert_frame_equal(tables.read_forecasts(path), parsed)


def test_the_last_timestamps_are_held_out_at_one_cutoff() -> None:
    frame = pd.concat([long({"a": [1, 2, 3, 4, 5], "short": [6, 7]}), long({"new": [8.0]}, start="2024-01-05")])
    train, test = tables.split_last(frame, 2)
    assert train["target"].tolist() == [1, 2, 3, 6, 7]
    assert test["target"].tolist() == [4, 5, 8]
    with pytest.raises(ValueError, match="The table has 5 timestamps; holding out 5 leaves nothing"):
        tables.split_last(frame, 5)


def test_seasonal_naive_by_hand() -> None:
    history = long({"a": [9, 9, 1, 2, 3], "b": [7]})
    wanted = long({"a": [0] * 4}, start="2024-01-06").drop(columns="target")
    wanted = pd.concat([wanted, long({"b": [0, 0]}, start="2024-01-02").drop(columns="target")])
    forecast = tables.seasonal_naive(history, wanted, "D", 3)
    assert forecast["mean"].tolist() == [1, 2, 3, 1, 7, 7]


def test_seasonal_naive_keeps_its_phase_over_a_gap() -> None:
    history = long({"a": [1, 2, 3, 4]}).drop(index=2)  # the third day is missing: the second stands in
    wanted = long({"a": [0, 0, 0]}, start="2024-01-06").drop(columns="target")  # and the forecast begins a day late
    assert tables.seasonal_naive(history, wanted, "D", 3)["mean"].tolist() == [2, 4, 2]


@pytest.mark.parametrize(("freq", "season"), [("D", 7), ("MS", 12), ("W-SUN", 4), ("15min", 96)])
def test_seasonal_naive_against_numpy(freq: str, season: int) -> None:
    values = np.random.default_rng(0).random(3 * season)
    whole = long({"a": [*values, *np.zeros(2 * season)]}, freq=freq)
    history, wanted = whole.iloc[: 3 * season], whole.iloc[3 * season :]
    expected = np.tile(values[-season:], 2)
    assert tables.seasonal_naive(history, wanted, freq, season)["mean"].to_numpy() == pytest.approx(expected)


def test_scores_by_hand() -> None:
    history = long({"a": [1, 2, 1, 4], "flat": [5, 5, 5, 5]})  # seasonal differences of a (2 steps): 0 and 2, mean 1
    actual = long({"a": [10, 20], "flat": [5, 5]}, start="2024-01-05")
    forecast = long({"a": [11, 17], "flat": [5, 5]}, start="2024-01-05", column="mean")
    forecast["0.1"], forecast["0.9"] = forecast["mean"] - 1, forecast["mean"] + 1
    scores = tables.score(forecast, actual, history, "D", 2)
    # errors 1 below and 3 above; losses at 0.1 (forecasts 10, 16) 0 and 0.8, at 0.9 (12, 18) 0.4 and 3.6
    expected = {"rows": 2, "MASE": 2.0, "SQL": pytest.approx(1.2), "WAPE": pytest.approx(4 / 30), "coverage_80": 0.5}
    assert scores.loc["a"].to_dict() == expected
    assert np.isnan(scores.loc["flat", "MASE"])
    assert scores.loc["flat", "coverage_80"] == 1


def test_rows_without_an_actual_are_not_scored() -> None:
    history, actual = long({"a": [1, 2, 1, 4]}), long({"a": [10.0]}, start="2024-01-05")
    forecast = long({"a": [10, 99], "unknown": [1, 1]}, start="2024-01-05", column="mean")
    scores = tables.score(forecast, actual, history, "D", 2)
    assert scores["rows"].to_dict() == {"a": 1}
    assert scores.loc["a", "WAPE"] == 0


def test_seasonal_naive_against_itself() -> None:
    history = long({"a": [1, 2, 1, 4], "b": [3, 1, 4, 1]})
    actual = long({"a": [3, 3], "b": [1, 2]}, start="2024-01-05")
    naive = tables.seasonal_naive(history, actual, "D", 2)
    beside = tables.score_beside_naive(naive, actual, history, "D", 2)
    assert beside["MASE"].tolist() == beside["MASE_naive"].tolist() == [1.5, 4.0]
    table = tables.compare({"x": naive, "seasonal_naive": naive}, actual, history, "D", 2)
    assert table.loc["x"].dropna().to_dict() == table.loc["seasonal_naive"].dropna().to_dict()
    assert table.loc["x", "items"] == 2


@given(st.lists(st.floats(1, 100), min_size=1, max_size=20), st.floats(0.5, 50))
def test_scores_do_not_depend_on_the_unit(values: list[float], factor: float) -> None:
    history, actual = long({"a": [1, 5, 2, 8]}), long({"a": values}, start="2024-01-05")
    forecast = long({"a": [3.0] * len(values)}, start="2024-01-05", column="mean")
    scaled = [
        frame.assign(**{name: frame[name] * factor})
        for frame, name in ((forecast, "mean"), (actual, "target"), (history, "target"))
    ]
    before, after = tables.score(forecast, actual, history, "D", 2), tables.score(*scaled, "D", 2)
    assert after[["MASE", "WAPE"]].to_numpy() == pytest.approx(before[["MASE", "WAPE"]].to_numpy())


def test_a_line_is_a_fan_of_no_width() -> None:
    history, actual = long({"a": [1, 2, 1, 4]}), long({"a": [10, 20]}, start="2024-01-05")
    line = long({"a": [11, 17]}, start="2024-01-05", column="mean")
    fan = line.assign(**dict.fromkeys(("0.1", "0.5", "0.9"), line["mean"]))
    alone, widened = (tables.score(frame, actual, history, "D", 2) for frame in (line, fan))
    assert alone["SQL"].tolist() == alone["MASE"].tolist() == [2.0]
    assert widened["SQL"].tolist() == pytest.approx([2.0])  # the losses at 0.1 and 0.9 add up to twice the error


def test_a_short_history_is_scaled_by_its_steps() -> None:
    assert tables.naive_error(long({"a": [1, 2, 4]}).set_index("timestamp")["target"], "D", 7) == 1.5
    assert np.isnan(tables.naive_error(long({"a": [1]}).set_index("timestamp")["target"], "D", 7))


def test_coverage_needs_quantiles() -> None:
    assert np.isnan(tables.coverage(pd.DataFrame({"actual": [1.0]})))
    assert tables.coverage(pd.DataFrame({"actual": [1.0, 5.0], "0.1": [1, 1], "0.9": [4, 4]})) == 0.5


def test_each_item_has_a_file_of_its_own(tmp_path: Path) -> None:
    frame = pd.DataFrame({"item_id": ["a/b", "a/b", "c"], "timestamp": pd.to_datetime(["2024-01-01"] * 3), "target": 1})
    paths = tables.to_records(frame, tmp_path)
    assert [path.name for path in paths] == ["a-b.csv", "c.csv"]
    assert [len(tables.read_table(path)) for path in paths] == [2, 1]


def test_items_that_would_share_a_file_are_refused(tmp_path: Path) -> None:
    frame = pd.DataFrame({"item_id": ["a/b", "a b"], "timestamp": pd.to_datetime(["2024-01-01"] * 2), "target": 1})
    with pytest.raises(ValueError, match="2 items make 1 file names: rename some of them"):
        tables.to_records(frame, tmp_path)
    assert list(tmp_path.iterdir()) == []
