"""The sample of competition series, and the made ones."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from bench import made, series

QUARTERLY = series.Group("M3", "quarterly", "QS", 2, 4)


def one(name: str, history: list[float], future: list[float]) -> SimpleNamespace:
    return SimpleNamespace(sn=name, x=np.array(history), xx=np.array(future), type="quarterly")


def test_a_sample_is_the_seed_s_and_in_the_order_of_the_series() -> None:
    drawn = series.sample(range(1000), 60, 7)
    assert drawn == series.sample(range(1000), 60, 7)
    assert drawn == sorted(set(drawn))
    assert len(drawn) == 60
    assert drawn != series.sample(range(1000), 60, 8)
    assert series.sample(range(5), 60, 7) == [0, 1, 2, 3, 4]


def test_a_group_is_written_with_its_horizon_apart(tmp_path: Path) -> None:
    series.write_group(tmp_path / "g", QUARTERLY, [one("A", [1, 2, 3], [4, 5]), one("B", [6], [7, 8])])
    train, test = (pd.read_parquet(tmp_path / "g" / f"{name}.parquet") for name in ("train", "test"))
    assert train.to_numpy()[:, [0, 2]].tolist() == [["A", 1.0], ["A", 2.0], ["A", 3.0], ["B", 6.0]]
    assert test["target"].tolist() == [4.0, 5.0, 7.0, 8.0]
    both = pd.concat([train, test])
    for _, rows in both.groupby("item_id"):
        assert rows["timestamp"].tolist() == pd.date_range("1950-01-01", periods=len(rows), freq="QS").tolist()
    assert json.loads((tmp_path / "g" / "group.json").read_text())["horizon"] == 2


def test_a_series_with_another_horizon_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Series A has a horizon of 3; 2 was expected"):
        series.write_group(tmp_path, QUARTERLY, [one("A", [1], [1, 2, 3])])


def test_the_groups_are_seven_with_the_competitions_horizons() -> None:
    horizons = {name: group.horizon for name, group in series.GROUPS.items()}
    assert horizons == {
        "m3_yearly": 6,
        "m3_quarterly": 8,
        "m3_monthly": 18,
        "m3_other": 8,
        "tourism_yearly": 4,
        "tourism_quarterly": 8,
        "tourism_monthly": 24,
    }


def test_made_series_are_regular_positive_and_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(made, "SERIES_PER_FILE", 4)
    made.write(tmp_path, 10, 50, seed=1)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["part-000000.parquet", "part-000004.parquet", "part-000008.parquet"]
    frame = pd.concat([pd.read_parquet(tmp_path / name) for name in files])
    assert frame["item_id"].nunique() == 10
    assert (frame.groupby("item_id", observed=True).size() == 50).all()
    assert (frame["target"] >= 0).all()
    assert frame["target"].max() > 10


def test_made_series_have_a_week_and_differ_in_size() -> None:
    values = made.values(300, 400, np.random.default_rng(1))
    levels = values.mean(axis=1)
    assert levels.max() / levels.min() > 100
    weekly = [np.corrcoef(row[7:], row[:-7])[0, 1] for row in values]
    midweek = [np.corrcoef(row[3:], row[:-3])[0, 1] for row in values]
    assert np.median(weekly) > np.median(midweek) + 0.2
    assert 0.02 < np.mean((values == 0).mean(axis=1) > 0.6) < 0.2
