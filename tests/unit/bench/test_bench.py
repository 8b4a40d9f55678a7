"""The benchmark itself: who runs, what is skipped, what is kept, and what its tables say."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from bench import accuracy, environments, growth, peers, plots, product, results_table, run, series

mpl.use("Agg")
ROOT = Path(__file__).resolve().parents[3]
RESULTS = ROOT / "bench" / "results"


def rows() -> pd.DataFrame:
    """Two groups; B was run on one of them only, C has no quantiles on one."""
    table = pd.DataFrame(
        [
            ("A", "x", 0.8, 1.0),
            ("A", "y", 0.6, 2.0),
            ("B", "x", 0.1, 1.0),
            ("C", "x", 0.9, 1.0),
            ("C", "y", 0.7, np.nan),
        ],
        columns=["method", "group", "OWA", "SQL"],
    )
    costs = {"cpu_s_per_series": [0.1, 0.3, 9, 1, 1], "peak_mb": [300, 400, 9, 100, 50]}
    return table.assign(coverage_80=0.8, coverage_95=0.95, wall_s=1.0, **costs)


def test_means_count_each_group_once_and_leave_out_who_did_not_run_everywhere() -> None:
    found = results_table.means(rows())
    assert found.index.tolist() == ["A", "C"]
    assert found.loc["A", ["OWA", "SQL", "cpu_s_per_series", "peak_mb"]].tolist() == pytest.approx([0.7, 1.5, 0.2, 400])
    assert np.isnan(found.loc["C", "SQL"])


def test_the_table_of_the_readme_has_the_means_and_a_dash_where_there_is_none() -> None:
    assert results_table.readme_table(rows()).splitlines()[2:] == [
        "| A | 0.700 | 1.500 | 80 % | 0.20 |",
        "| C | 0.800 | - | 80 % | 1.00 |",
    ]


def test_the_server_stands_beside_the_peers_that_were_asked_the_same() -> None:
    nothing = dict.fromkeys(("p50_ms", "p99_ms", "requests_per_s", "max_ms"), np.nan)
    known = {"what": "known series", "clients": 1.0, **nothing}
    table = pd.DataFrame(
        [
            {"server": "Convect", **known, "p50_ms": 1.04, "p99_ms": 2.0},
            {"server": "B", **known, "p50_ms": 3.0, "p99_ms": 4.0},
            {"server": "Convect", **known, "clients": 8.0, "requests_per_s": 2000.4},
            {"server": "Convect", **known, "what": "unseen series, first call", "clients": np.nan, "max_ms": 70.0},
            {"server": "C", **known, "what": "unseen series, first call", "clients": np.nan, "max_ms": 5000.0},
            {"server": "Convect", **known, "what": "unseen series", "p50_ms": 30.0, "p99_ms": 60.0},
        ]
    )
    assert results_table.server_table(table).splitlines()[2:] == [
        "| known series, 1 client | median, 99 of 100 within | 1.0 ms, 2.0 ms | 3.0 ms, 4.0 ms (B) |",
        "| known series, 8 clients | rate | 2,000 requests/s |  |",
        "| unseen series, first call | time | 70 ms | 5,000 ms (C) |",
        "| unseen series, 1 client | median, 99 of 100 within | 30 ms, 60 ms |  |",
    ]


def test_growth_has_a_row_a_size() -> None:
    table = pd.DataFrame(
        {"series": [1000], "cpu_s": [25.4], "series_per_cpu_s": [39.3], "process_mb": [356.1], "tree_mb": [670.9]}
    )
    assert results_table.growth_table(table).splitlines()[2:] == ["| 1,000 | 25 | 39 | 356 | 671 |"]


def test_a_method_stands_beside_each_peer_on_the_groups_they_share() -> None:
    found = results_table.beside(rows(), "A")
    assert found["groups"].to_dict() == {"B": 1, "C": 2}
    assert found["OWA"].tolist() == pytest.approx([8.0, 0.875])
    assert found.loc["B", "SQL"] == pytest.approx(1.0)
    assert np.isnan(found.loc["C", "SQL"])


def test_a_score_by_group_keeps_the_order_and_shows_what_was_not_run() -> None:
    wide = results_table.by_group(rows(), "OWA")
    assert wide.index.tolist() == ["A", "B", "C"]
    assert wide.loc["A"].tolist() == [0.8, 0.6]
    assert np.isnan(wide.loc["B", "y"])


def test_the_pictures_show_every_method_and_size() -> None:
    ax = plots.plot_accuracy_and_cost(results_table.means(rows()))
    assert {text.get_text() for text in ax.texts} == {"A", "C"}
    table = pd.DataFrame({"series": [10, 100], "series_per_cpu_s": [5, 6], "process_mb": [1, 2], "tree_mb": [3, 4]})
    speed, memory = plots.plot_growth(table)
    assert speed.lines[0].get_ydata().tolist() == [5, 6]
    assert [line.get_ydata().tolist() for line in memory.lines] == [[1, 2], [3, 4]]


def test_an_absent_table_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=re.escape("There is no growth.csv. Run `make bench`")):
        results_table.read(tmp_path, "growth")


def test_what_is_measured_is_kept_after_each_row(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    lengths = []

    def measured() -> object:
        yield {"a": 1.23456}
        lengths.append(len(pd.read_csv(path)))
        yield {"a": 2.0}

    run.keep(measured(), path)  # type: ignore[arg-type]
    assert lengths == [1]
    assert pd.read_csv(path)["a"].tolist() == [1.2346, 2.0]


def test_a_peer_that_is_not_installed_is_skipped_with_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(accuracy, "autogluon_python", lambda: None)
    monkeypatch.setattr(accuracy, "peers_python", lambda: Path("python"))
    monkeypatch.setattr(accuracy.subprocess, "run", lambda *_, **__: None)
    monkeypatch.setattr(accuracy, "measured", lambda method, folder, *_: {"method": method, "group": folder.name})
    sample = accuracy.Sample(("m3_yearly", "m3_monthly"), 5)
    found = list(accuracy.measure(["Convect fast", "Prophet", "AutoGluon"], sample))
    assert [tuple(row.values()) for row in found] == [
        ("Convect fast", "m3_yearly"),
        ("Convect fast", "m3_monthly"),
        ("Prophet", "m3_monthly"),
    ]
    assert "AutoGluon: skipped, it is not installed" in capsys.readouterr().out


def test_autogluon_is_found_only_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "BUILD", tmp_path)
    assert environments.autogluon_python() is None
    python = environments.python_of(tmp_path / "autogluon")
    python.parent.mkdir(parents=True)
    for answer, expected in ((1, None), (0, python)):
        python.write_text(f"#!/bin/sh\nexit {answer}\n")
        python.chmod(0o755)
        assert environments.autogluon_python() == expected


def test_the_median_of_the_models_is_taken_quantile_by_quantile() -> None:
    found = pd.DataFrame({"unique_id": ["a"], "ds": [pd.Timestamp("2020")]})
    for model, middle in (("X", 10.0), ("Y", 20.0), ("Z", 60.0)):
        found[model] = middle
        for level in peers.LEVELS:
            found[f"{model}-lo-{level}"], found[f"{model}-hi-{level}"] = middle - level, middle + level
    table = peers.by_level(found)
    expected = [20 - 95, 20 - 80, 20 - 60, 20 - 40, 20 - 20, 20, 20 + 20, 20 + 40, 20 + 60, 20 + 80, 20 + 95]
    assert table[[str(q) for q in peers.QUANTILES]].iloc[0].tolist() == expected
    assert peers.by_level(found[["unique_id", "ds", "X"]]).columns.tolist() == ["item_id", "timestamp", "0.5"]


def test_seasonal_naive_repeats_the_last_season() -> None:
    stamps = pd.date_range("2020", periods=12, freq="QS")
    train = pd.DataFrame({"item_id": "a", "timestamp": stamps, "target": np.r_[np.zeros(8), 1.0, 2, 3, 4]})
    found = peers.seasonal_naive(train, SimpleNamespace(freq="QS", horizon=6, season=4))
    assert found["0.5"].tolist() == [1, 2, 3, 4, 1, 2]
    assert found["timestamp"].iloc[0] == pd.Timestamp("2023-01-01")
    assert (found["0.025"] < found["0.1"]).all()


def test_growth_trains_the_product_and_leaves_nothing(tmp_path: Path) -> None:
    (row,) = growth.measure([5], tmp_path, points=60)
    assert row["series"] == 5
    assert row["cpu_s_per_series"] == pytest.approx(row["cpu_s"] / 5)
    assert row["tree_mb"] >= row["process_mb"] > 50
    assert not list(tmp_path.iterdir())


def test_a_training_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"container/train ended with 1: .*horizon"):
        product.train(tmp_path, {"horizon": "soon"})


def test_a_peer_that_fails_says_why(tmp_path: Path) -> None:
    (tmp_path / "m3_yearly").mkdir()
    with pytest.raises(RuntimeError, match=r"AutoETS ended with 1 on m3_yearly: .*group\.json"):
        accuracy.by_peer("AutoETS", Path(sys.executable), tmp_path / "m3_yearly", tmp_path)


def test_the_committed_tables_are_whole() -> None:
    found = results_table.read(RESULTS, "accuracy")
    assert set(found["method"]) == set(accuracy.METHODS)
    assert set(found["group"]) == set(series.GROUPS)
    assert found.groupby(["method", "group"]).size().max() == 1
    assert found["version"].notna().all()
    assert found["seed"].nunique() == found.groupby("group")["series"].nunique().max() == 1
    assert results_table.read(RESULTS, "growth")["series"].is_monotonic_increasing
