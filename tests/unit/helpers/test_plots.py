"""Figures: what is drawn is what was given."""

from __future__ import annotations

from collections.abc import Iterator

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from helpers import plots


@pytest.fixture(autouse=True)
def no_window() -> Iterator[None]:
    mpl.use("agg")
    yield
    plt.close("all")


def history() -> pd.DataFrame:
    stamps = pd.date_range("2024-01-01", periods=90)
    parts = [pd.DataFrame({"item_id": item, "timestamp": stamps, "target": np.arange(90.0)}) for item in ("a", "b")]
    return pd.concat(parts)


def forecast() -> pd.DataFrame:
    stamps = pd.date_range("2024-03-31", periods=7)
    frame = pd.DataFrame({"item_id": "a", "timestamp": stamps, "mean": 50.0})
    return frame.assign(**{"0.1": 40.0, "0.25": 45.0, "0.5": 50.0, "0.75": 55.0, "0.9": 60.0})


def labels(ax: plt.Axes) -> list[str]:
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_a_forecast_is_drawn_with_all_that_judges_it() -> None:
    actual = forecast().rename(columns={"mean": "target"})
    ax = plots.plot_forecast(history(), forecast(), "a", actual, forecast(), history_steps=30)
    assert labels(ax) == ["history", "80% interval", "forecast", "seasonal naive", "what came"]
    assert ax.get_title(loc="left") == "a"
    past, ahead, naive, came = ax.lines
    assert list(past.get_ydata()) == list(range(60, 90))
    assert set(ahead.get_ydata()) == set(naive.get_ydata()) == {50}
    assert len(came.get_xdata()) == 7
    wide, narrow = (band.get_paths()[0].get_extents() for band in ax.collections)
    assert (wide.y0, wide.y1, narrow.y0, narrow.y1) == (40, 60, 45, 55)


def test_what_is_not_given_is_not_drawn() -> None:
    bare = forecast()[["item_id", "timestamp", "mean"]]
    ax = plots.plot_forecast(history(), bare, "a")
    assert labels(ax) == ["history", "forecast"]
    assert not ax.collections


def test_an_unknown_item_is_named() -> None:
    with pytest.raises(KeyError, match="'c' is not among the items"):
        plots.plot_forecast(history(), forecast(), "c")


@pytest.mark.parametrize(
    ("columns", "pairs"),
    [
        (["mean", "0.1", "0.5", "0.9"], [("0.1", "0.9")]),
        (["0.05", "0.25", "0.75", "0.95"], [("0.05", "0.95"), ("0.25", "0.75")]),
        (["0.1", "0.5"], []),
        (["mean", "target"], []),
    ],
)
def test_intervals_are_symmetric_and_the_widest_first(columns: list[str], pairs: list[tuple[str, str]]) -> None:
    assert plots.intervals(columns) == pairs


def test_series_differ_in_more_than_colour() -> None:
    ax = plots.plot_series(history(), ["a", "b"])
    assert labels(ax) == ["a", "b"]
    assert len({line.get_linestyle() for line in ax.lines}) == 2


def test_the_best_of_the_leaderboard_is_on_top() -> None:
    table = pd.DataFrame({"model": ["SeasonalNaive", "Ensemble", "broken"], "MASE": [1.0, 0.8, np.nan]})
    ax = plots.plot_leaderboard(table)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["SeasonalNaive", "Ensemble"]
    assert ax.lines[0].get_xdata()[0] == 1.0
    again = plots.plot_leaderboard(table.set_index("model"), baseline="none")
    assert not again.lines


def test_coverage_is_the_share_at_or_below_each_quantile() -> None:
    joined = pd.DataFrame({"actual": [1.0, 2.0, 3.0, 4.0], "0.9": 3.5, "0.5": 2.0, "mean": 2.0})
    ax = plots.plot_coverage(joined)
    diagonal, kept = ax.lines
    assert list(kept.get_xdata()) == [0.5, 0.9]
    assert list(kept.get_ydata()) == [0.5, 0.75]
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata())


def test_axes_given_are_used() -> None:
    _, ax = plt.subplots()
    assert plots.plot_series(history(), ["a"], ax) is ax


def test_tuning_jobs_are_drawn_the_best_on_top() -> None:
    table = pd.DataFrame(
        {
            "preset": ["fast", "balanced", "best"],
            "missing": ["zero", "zero", "mean"],
            "seconds": [3.0, 12.4, np.nan],
            "test:wQL": [0.25, 0.125, np.nan],
        }
    )
    ax = plots.plot_tuning(table, ["preset", "missing"], "test:wQL", baseline=0.5)
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["fast · zero", "balanced · zero"]
    assert ax.collections[0].get_offsets().tolist() == [[0.25, 0], [0.125, 1]]
    assert [text.get_text() for text in ax.texts] == ["0.2500   3 s", "0.1250   12 s", "seasonal naive"]
    assert ax.lines[0].get_xdata() == [0.5, 0.5]
