"""The verdict and the warnings."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from convect.pipeline import TrainResult
from convect.report.gathering import Gathered
from convect.report.notices import notices, verdict
from convect.training import ensemble
from convect.training.refit import Refitted
from tests.unit.report.made_report import gathered_of, trained


def with_row(**figures: float) -> TrainResult:
    """The training, its ensemble having other figures."""
    result = trained()
    board = result.leaderboard.copy()
    board.loc[board["model"] == ensemble.NAME, list(figures)] = list(figures.values())
    return replace(result, leaderboard=board)


def told(result: TrainResult | Refitted, gathered: Gathered | None = None) -> list[str]:
    return [f"{one.level}: {one.text}" for one in notices(result, gathered or gathered_of(trained()))]


SCOPE = "14 series, 6 days ahead"


@pytest.mark.parametrize(
    ("relative", "sentence"),
    [
        (0.79, f"Over {SCOPE}, the forecast's error is 21\u00a0% lower than seasonal naive's."),
        (0.99, f"Over {SCOPE}, the forecast is about as good as seasonal naive, and no better."),
        (1.25, f"Over {SCOPE}, the forecast's error is 25\u00a0% higher than seasonal naive's."),
        (float("inf"), f"Over {SCOPE}, seasonal naive makes no error, so there was nothing to improve."),
    ],
)
def test_the_verdict_compares_with_seasonal_naive(relative: float, sentence: str) -> None:
    assert verdict(with_row(MASE=1.0, relative_MASE=relative), gathered_of(trained())) == sentence


def test_without_a_backtest_nothing_is_claimed() -> None:
    result = with_row(MASE=float("nan"))
    assert verdict(result, gathered_of(trained())) == (
        f"For {SCOPE}: the histories are too short for a backtest, so nothing says how good the forecast is."
    )
    assert "warning: No backtest was possible: give longer histories, or a lower horizon." in told(result)


def test_a_refit_says_that_nothing_was_measured() -> None:
    result = trained()
    again = Refitted(result.artifact, result.forecasts, result.quality)
    gathered = Gathered()
    gathered.add(again)
    assert verdict(again, gathered).endswith("nothing was searched, so nothing was measured.")
    assert "note: A refit has no leaderboard and no backtest. See those of the model that it refits." in told(
        again, gathered
    )


def test_warnings_come_first() -> None:
    levels = [one.level for one in notices(with_row(relative_MASE=1.1), gathered_of(trained()))]
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == "warning"


def test_a_forecast_that_beats_nothing_is_warned_of() -> None:
    text = "warning: The forecast does not beat seasonal naive. Look at the data before you rely on it."
    assert text in told(with_row(relative_MASE=1.0))
    assert text not in told(with_row(relative_MASE=0.9))


def test_narrow_intervals_are_warned_of_and_wide_ones_noted() -> None:
    narrow = told(with_row(coverage_80=0.7, coverage_95=0.85))
    text = "the 80 % intervals held 70\u00a0% and the 95 % intervals held 85\u00a0%"
    assert f"warning: In the backtest {text} of the values, so they are too narrow." in narrow
    wide = told(with_row(coverage_80=0.9, coverage_95=0.95))
    assert "note: In the backtest the 80 % intervals held 90\u00a0% of the values, so they are too wide." in wide
    assert not any("intervals" in one for one in told(with_row(coverage_80=0.78, coverage_95=0.95)))


def test_series_worse_than_naive_lead_to_their_list() -> None:
    gathered = gathered_of(trained())
    gathered._items = [pd.DataFrame({"error": [2.0, 1, 1], "naive": [1.0, 2, 2], "actual": 9.0})]
    (one,) = [one for one in notices(with_row(), gathered) if one.flag == "worse"]
    assert one.text == "1 series of 3 did worse than seasonal naive in the backtest."
    assert one.level == "warning"


def test_what_the_data_check_found_is_told_in_words() -> None:
    found = told(trained())
    assert "note: 1 constant series: they have always been the same." in found
    assert any(one.startswith("note: 1 short series:") for one in found)


def test_a_sample_says_that_it_is_one() -> None:
    gathered = gathered_of(trained())
    assert not any("To stay small" in one for one in told(trained(), gathered))
    gathered.series = 40_000
    scored = "note: The verdict, the models and the intervals were scored on 3,000 series spread over all of them."
    assert scored in told(trained(), gathered)
    assert scored not in told(trained(), gathered_of(trained()))
    text = (
        "note: To stay small, this page shows 14 of 40,000 series one by one: the largest, those with most error, and"
    )
    assert any(one.startswith(text) for one in told(trained(), gathered))
