"""The monitor: figures by hand, flags that need all three of their grounds, and the program over folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from helpers import monitor
from helpers.monitor.__main__ import main

HELPERS = Path(__file__).resolve().parents[3] / "helpers"
STEPS = 4
CUTOFFS = ("2024-01-04", "2024-01-08")


def backtest_of(errors: dict[str, tuple[float, float]], width: float = 2.0) -> pd.DataFrame:
    """Two windows an item: each forecast is 10, each actual is off it by the window's error, up and down in turn."""
    rows = [
        (item, pd.Timestamp(cutoff), step, "Ensemble", 10 + error * (-1) ** step, 10.0, 10 - width, 10 + width)
        for item, own in errors.items()
        for cutoff, error in zip(CUTOFFS, own, strict=True)
        for step in range(1, STEPS + 1)
    ]
    columns = ["item_id", "cutoff", "step", "model", "actual", "forecast", "0.1", "0.9"]
    table = pd.DataFrame(rows, columns=columns)
    other = table.assign(model="SeasonalNaive", forecast=0.0)  # which nobody asks about
    return pd.concat([table, other], ignore_index=True).astype({"item_id": "category", "model": "category"})


def later(errors: dict[str, float], width: float = 2.0, steps: int = STEPS) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A forecast of 10 from 2024-01-13 on, and what came, as far as it came."""
    stamps = pd.date_range("2024-01-13", periods=STEPS)
    rows = [(item, stamp, 10.0, 10 - width, 10 + width) for item in errors for stamp in stamps]
    forecasts = pd.DataFrame(rows, columns=["item_id", "timestamp", "mean", "0.1", "0.9"])
    came = [
        (item, stamp, 10 + error * (-1) ** step)
        for item, error in errors.items()
        for step, stamp in enumerate(stamps[:steps], 1)
    ]
    return forecasts, pd.DataFrame(came, columns=["item_id", "timestamp", "target"])


ITEMS = [f"item {number}" for number in range(8)]
QUIET = {item: (1.0 + 0.1 * number, 1.0) for number, item in enumerate(ITEMS)}


def report(now: dict[str, float], promised: dict[str, tuple[float, float]] = QUIET) -> monitor.Report:
    return monitor.monitor(*later(now), backtest_of(promised))


def test_the_figures_of_one_item_by_hand() -> None:
    history = pd.DataFrame(
        {"item_id": "a", "timestamp": pd.date_range("2024-01-01", periods=4), "target": [0, 2, 2, 6]}
    )
    found = monitor.monitor(*later({"a": 3.0}), backtest_of({"a": (1.0, 2.0)}), history, season_steps=1)
    (row,) = found.groups.to_dict("records")
    assert (row["items"], row["values"]) == (1, 4)
    assert row["MASE"] == pytest.approx(3 / 2)  # the history changes by 2 on the mean
    assert row["MASE_promised"] == pytest.approx(1.5 / 2)
    assert row["ratio"] == pytest.approx(2.0)
    assert row["WAPE"] == pytest.approx(12 / 40)
    assert row["bias"] == 0
    # twice the pinball loss, outside by 1: 0.1 weighs what is below by 1.8, what is above by 0.2; so both ends alike
    assert row["SQL"] == pytest.approx(((1.8 * 1 + 0.2 * 5) / 2) / 2)
    assert (row["coverage_80"], row["coverage_80_promised"]) == (0.0, 1.0)
    assert np.isnan(row["ratio_at_least"])
    assert not found.retrain
    assert found.reason.endswith("Of fewer than 5 series it is not said what is chance: look yourself.")


def test_nothing_changed_raises_no_flag() -> None:
    found = report(dict.fromkeys(ITEMS, 1.0))
    assert not found.retrain
    assert found.flags == 0
    assert found.reason.startswith("All series: the error is 0.85 times that of the backtest (at least ")
    assert "100% of values are in an interval that held 100%" in found.reason
    assert "MASE" not in found.groups  # without a history nobody knows its unit


def test_a_larger_error_is_flagged_with_its_reason() -> None:
    found = report(dict.fromkeys(ITEMS, 3.0))
    assert found.retrain
    assert found.flags == 2
    assert found.groups["error_flag"].tolist() == found.groups["coverage_flag"].tolist() == [True]
    assert "All series: the error is 2.55 times that of the backtest (at least " in found.reason
    assert "0% of values are in an interval that held 100%" in found.reason


def test_what_is_not_enough_to_matter_is_no_flag() -> None:
    assert report({item: 1.2 * sum(QUIET[item]) / 2 for item in ITEMS}).flags == 0  # by chance it cannot be


def test_what_is_not_beyond_chance_is_no_flag() -> None:
    found = report({item: 8.0 if number == 0 else 1.0 for number, item in enumerate(ITEMS)})
    assert found.groups.loc[0, "ratio"] > 1.25
    assert found.groups.loc[0, "ratio_at_least"] < 1
    assert found.flags == 0
    assert found.items.index[0] == "item 0"  # it is the first to look at, by itself
    assert found.items.loc["item 0", ["worse", "missed"]].tolist() == [True, True]
    assert not found.items.loc[ITEMS[1:], ["worse", "missed"]].to_numpy().any()


def test_what_a_window_of_the_backtest_was_as_bad_as_is_no_flag() -> None:
    before = {item: (0.5 + 0.05 * number, 1.9) for number, item in enumerate(ITEMS)}
    found = report(dict.fromkeys(ITEMS, 1.8), before)
    assert found.groups.loc[0, "ratio_at_least"] > 1.25
    assert found.flags == 0
    assert report(dict.fromkeys(ITEMS, 1.96), before).groups.loc[0, "error_flag"]


def test_groups_are_judged_by_themselves() -> None:
    groups = pd.DataFrame({"item_id": [*ITEMS, "gone"], "colour": ["red"] * 5 + ["blue"] * 4})
    groups.loc[5, "colour"] = None
    now = {item: 3.0 if number < 5 else 1.0 for number, item in enumerate(ITEMS)}
    found = monitor.monitor(*later(now), backtest_of(QUIET), groups=groups)
    table = found.groups.set_index(["by", "group"])
    assert table.index.tolist() == [("all", "all"), ("colour", "blue"), ("colour", "red")]
    assert table["items"].tolist() == [8, 2, 5]
    assert table.loc[("colour", "red"), "error_flag"]
    assert not table.loc[("colour", "blue"), "error_flag"]
    assert "colour red: the error is" in found.reason


def test_only_the_steps_that_came_are_compared() -> None:
    frame = backtest_of(QUIET)
    frame.loc[frame["step"] > 2, "actual"] = 1000.0  # far steps are hard, and have not come yet
    found = monitor.monitor(*later(dict.fromkeys(ITEMS, 1.0), steps=2), frame)
    assert found.groups.loc[0, "values"] == 2 * len(ITEMS)
    assert found.groups.loc[0, "ratio"] == pytest.approx(8 / sum(sum(own) / 2 for own in QUIET.values()))


def test_several_forecasts_are_told_apart_by_their_cutoff() -> None:
    forecasts, actuals = later(dict.fromkeys(ITEMS, 1.0))
    again = forecasts.assign(timestamp=forecasts["timestamp"] + pd.Timedelta(days=STEPS))
    both = pd.concat([forecasts.assign(cutoff=CUTOFFS[0]), again.assign(cutoff=CUTOFFS[1])])
    came = pd.concat([actuals, actuals.assign(timestamp=actuals["timestamp"] + pd.Timedelta(days=STEPS))])
    found = monitor.monitor(both, came, backtest_of(QUIET))
    assert found.groups.loc[0, "values"] == 2 * STEPS * len(ITEMS)


def test_the_unit_and_the_order_of_rows_change_nothing() -> None:
    now = {item: 1.0 + 0.3 * number for number, item in enumerate(ITEMS)}
    forecasts, actuals = later(now)
    frame = backtest_of(QUIET)
    plain = monitor.monitor(forecasts, actuals, frame)
    times = lambda table, names: table.assign(**{name: table[name] * 7 for name in names})  # noqa: E731
    other = monitor.monitor(
        times(forecasts, ["mean", "0.1", "0.9"]).sample(frac=1, random_state=1),
        times(actuals, ["target"]).sample(frac=1, random_state=2),
        times(frame, ["actual", "forecast", "0.1", "0.9"]).sample(frac=1, random_state=3),
    )
    pd.testing.assert_frame_equal(other.groups, plain.groups)
    pd.testing.assert_frame_equal(other.items, plain.items)
    assert other.reason == plain.reason


def test_a_forecast_without_quantiles_has_no_coverage() -> None:
    forecasts, actuals = later(dict.fromkeys(ITEMS, 3.0))
    found = monitor.monitor(forecasts.drop(columns=["0.1", "0.9"]), actuals, backtest_of(QUIET))
    assert found.groups["coverage_80"].isna().all()
    assert found.flags == 1
    assert "interval" not in found.reason


def test_nothing_to_compare_is_said() -> None:
    forecasts, actuals = later({"a": 1.0})
    with pytest.raises(
        ValueError, match="4 of 4 forecasts have an actual, and 64 rows of Ensemble a backtest, none for"
    ):
        monitor.monitor(forecasts, actuals, backtest_of(QUIET))
    with pytest.raises(ValueError, match="0 of 4 forecasts have an actual"):
        monitor.monitor(forecasts, actuals.assign(timestamp="2030-01-01"), backtest_of({"a": (1.0, 1.0)}))


@pytest.fixture
def folders(tmp_path: Path) -> list[str]:
    """The arguments of the program: a table a folder, the backtest within the archive of a training job."""
    forecasts, actuals = later(dict.fromkeys(ITEMS, 3.0))
    for name in ("forecasts", "actuals", "backtest", "history", "groups"):
        (tmp_path / name).mkdir()
    forecasts.to_csv(tmp_path / "forecasts/one.csv", index=False)
    actuals.head(16).to_parquet(tmp_path / "actuals/early.parquet")
    actuals.tail(-16).to_csv(tmp_path / "actuals/late.csv", index=False)
    actuals.to_csv(tmp_path / "history/all.csv", index=False)
    pd.DataFrame({"item_id": ITEMS, "half": [0, 1] * 4}).to_csv(tmp_path / "groups/all.csv", index=False)
    backtest_of(QUIET).to_parquet(tmp_path / "backtest.parquet")
    with tarfile.open(tmp_path / "backtest/output.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "backtest.parquet", "backtest.parquet")
    names = ("forecasts", "actuals", "backtest", "history", "groups", "output")
    return [part for name in names for part in (f"--{name}", str(tmp_path / name))]


def test_the_program_writes_what_the_function_returns(
    folders: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(folders)
    decision = json.loads((tmp_path / "output/decision.json").read_text())
    forecasts, actuals = later(dict.fromkeys(ITEMS, 3.0))
    groups = pd.DataFrame({"item_id": ITEMS, "half": [0, 1] * 4})
    found = monitor.monitor(forecasts, actuals, backtest_of(QUIET), actuals, groups)
    assert decision == {"retrain": True, "flags": found.flags, "reason": found.reason}
    assert capsys.readouterr().out == f"retrain: True. {found.reason}\n"
    read = pd.read_csv(tmp_path / "output/groups.csv", dtype={"group": str})
    pd.testing.assert_frame_equal(read, found.groups)
    assert pd.read_csv(tmp_path / "output/items.csv")["item_id"].tolist() == found.items.index.tolist()


def test_the_folder_runs_by_itself(folders: list[str], tmp_path: Path) -> None:
    """As in a processing job: nothing of this project on the path but the folder."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "code")}
    (tmp_path / "code").mkdir()
    (tmp_path / "code/monitor").symlink_to(HELPERS / "monitor")
    command = [sys.executable, "-m", "monitor", *folders]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("retrain: True. All series: ")


def test_a_folder_without_a_table_ends_the_program_with_a_sentence(folders: list[str], tmp_path: Path) -> None:
    (tmp_path / "forecasts/one.csv").unlink()
    with pytest.raises(SystemExit, match=r"UserError \[monitor\]: There is no CSV or Parquet file in .*forecasts"):
        main(folders)
