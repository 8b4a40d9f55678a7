"""The monitor's bounds against statsmodels' cluster-robust errors and scipy's distributions; and its false alarms."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats

from helpers import monitor
from helpers.monitor.chance import at_most, ratio_bounds, share_bounds, standard_error, t_quantile

CHANCE = 0.01


@pytest.mark.parametrize("freedom", [4, 5, 9, 34, 1000])
@pytest.mark.parametrize("chance", [0.05, 0.01, 0.001])
def test_the_quantile_of_t(freedom: int, chance: float) -> None:
    worst = 0.04 if freedom < 6 and chance < 0.01 else 0.005
    assert t_quantile(chance, freedom) == pytest.approx(stats.t.isf(chance, freedom), rel=worst)


def test_the_odds_of_a_binomial() -> None:
    for inside, values, share in [(0, 14, 0.8), (7, 14, 0.8), (14, 14, 0.8), (3, 200, 0.05)]:
        assert at_most(inside, values, share) == pytest.approx(stats.binom.cdf(inside, values, share))


def test_the_error_of_a_change_of_share_is_that_of_a_regression_clustered_by_item() -> None:
    chance = np.random.default_rng(0)
    values = chance.integers(5, 30, size=(40, 2))
    inside = chance.binomial(values, chance.uniform(0.5, 0.9, (40, 1)))
    now, before = (np.column_stack([inside[:, side], values[:, side]]).astype(float) for side in (0, 1))
    rows = [
        (item, side == 0, number < inside[item, side])
        for item in range(40)
        for side in (0, 1)
        for number in range(values[item, side])
    ]
    item, period, hit = np.array(rows, dtype=float).T
    fitted = sm.OLS(hit, sm.add_constant(period)).fit(
        cov_type="cluster", cov_kwds={"groups": item.astype(int), "use_correction": False}
    )
    change, low, high = share_bounds(now, before, CHANCE)
    assert change == pytest.approx(fitted.params[1])
    width = stats.t.isf(CHANCE, 39) * fitted.bse[1] * np.sqrt(40 / 39)
    assert (low, high) == (pytest.approx(change - width, rel=1e-4), pytest.approx(change + width, rel=1e-4))


def test_the_error_of_a_ratio_is_that_of_a_weighted_regression_through_the_origin() -> None:
    chance = np.random.default_rng(1)
    before = chance.gamma(3, size=50)
    now = 1.4 * before * chance.lognormal(sigma=0.3, size=50)
    fitted = sm.WLS(now, before, weights=1 / before).fit(cov_type="HC0")
    ratio, low, high = ratio_bounds(now, before, CHANCE)
    assert ratio == pytest.approx(fitted.params[0])
    width = stats.t.isf(CHANCE, 49) * fitted.bse[0] / ratio * np.sqrt(50 / 49)
    assert (np.log(low), np.log(high)) == (
        pytest.approx(np.log(ratio) - width, rel=1e-4),
        pytest.approx(np.log(ratio) + width, rel=1e-4),
    )


def test_a_standard_error_is_that_of_a_mean() -> None:
    values = np.random.default_rng(2).normal(size=12)
    assert standard_error((values - values.mean()) / 12) == pytest.approx(stats.sem(values))


def table(chance: np.random.Generator, items: int, sigma: float, windows: int) -> pd.DataFrame:
    """A backtest of series whose errors are normal, by chance of another size each, in a right 80 % interval."""
    size = np.repeat(chance.lognormal(sigma=0.5, size=items), windows * 10)
    stamps = np.tile(np.repeat(pd.date_range("2024-01-01", periods=windows, freq="10D"), 10), items)
    end = stats.norm.ppf(0.9) * size
    return pd.DataFrame(
        {
            "item_id": np.repeat([f"i{number:02}" for number in range(items)], windows * 10),
            "cutoff": stamps,
            "step": np.tile(np.arange(1, 11), items * windows),
            "model": "Ensemble",
            "actual": sigma * size * chance.normal(size=len(size)) + 100,
            "forecast": 100.0,
            "0.1": 100 - end,
            "0.9": 100 + end,
        }
    )


def judged(chance: np.random.Generator, sigma: float) -> monitor.Report:
    """What is said of 20 series in four groups whose errors came `sigma` times as large as in the backtest."""
    state = chance.integers(1 << 30)
    promised = table(np.random.default_rng(state), 20, 1.0, 2)
    came = table(np.random.default_rng(state), 20, 1.0, 1)
    came["actual"] = 100 + sigma * (came["0.9"] - 100) / stats.norm.ppf(0.9) * chance.normal(size=len(came))
    came["timestamp"] = pd.Timestamp("2024-03-01") + pd.to_timedelta(came["step"], unit="D")
    forecasts = came.rename(columns={"forecast": "mean"})[["item_id", "timestamp", "mean", "0.1", "0.9"]]
    actuals = came.rename(columns={"actual": "target"})[["item_id", "timestamp", "target"]]
    groups = pd.DataFrame({"item_id": forecasts["item_id"].unique()}).assign(group=lambda frame: frame.index % 4)
    return monitor.monitor(forecasts, actuals, promised, groups=groups)


def test_false_alarms_are_no_more_than_said_and_a_real_change_is_seen() -> None:
    """At most 5 % of quiet reports raise a flag; errors twice as large are flagged in all but a few."""
    chance = np.random.default_rng(3)
    quiet = [judged(chance, 1.0).retrain for _ in range(60)]
    changed = [judged(chance, 2.0).retrain for _ in range(20)]
    assert sum(quiet) <= 5
    assert sum(changed) >= 18
