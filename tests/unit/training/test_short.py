"""Intervals of series with few values: as wide as other series went after as few, and the wider the fewer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.intervals import LEVELS
from convect.panel import Panel
from convect.training import short
from tests.unit.made import fast, panel_of, quantile_columns, quiet, table

HORIZON, SEASON = 4, 1
LOW, MIDDLE, HIGH = (1 + LEVELS.index(level) for level in (0.1, 0.5, 0.9))


def walks(count: int, rows: int = 60) -> list[list[float]]:
    rng = np.random.default_rng(5)
    return [list(500 + np.cumsum(rng.normal(size=rows))) for _ in range(count)]


def flat(panel: Panel) -> np.ndarray:
    """Forecasts of the last value without any width."""
    last = panel.values[panel.offsets[1:] - 1]
    return np.broadcast_to(last[:, None, None], (len(panel), HORIZON, 1 + len(LEVELS))).copy()


def test_the_width_is_what_long_series_did_after_as_few_values() -> None:
    panel = panel_of(*walks(24), [500.0], [500.0, 501.0, 500.0])
    learnt = short.learn(panel, HORIZON, SEASON, LEVELS)
    found = learnt.widened(panel, flat(panel))
    width = found[..., HIGH] - found[..., LOW]
    assert (width[:24] == 0).all()  # long enough to be judged by themselves
    for item in (24, 25):  # a random walk's 80 % are 2.56 wide times the root of the steps
        np.testing.assert_allclose(width[item], 2.56 * np.sqrt(np.arange(1, 5)), rtol=0.4)
        np.testing.assert_allclose(found[item, :, MIDDLE], 500.0, atol=0.3)
    assert (np.diff(found[..., 1:], axis=-1) >= 0).all()
    np.testing.assert_array_equal(found[..., 0], flat(panel)[..., 0])


def test_where_no_series_is_long_enough_a_random_walk_is_supposed() -> None:
    panel = panel_of([10.0, 12.0], [40.0])
    learnt = short.learn(panel, HORIZON, SEASON, LEVELS)
    found = learnt.widened(panel, flat(panel))
    width = found[..., HIGH] - found[..., LOW]
    assert (np.diff(width, axis=1) > 0).all() and (width[:, 0] > 1).all()
    assert width[1, 0] > width[0, 0]  # one value of 40 says less than two about 11


def test_never_below_zero_where_nothing_was_and_a_single_zero_is_not_certain() -> None:
    panel = panel_of(*walks(6), [0.0])
    found = short.learn(panel, HORIZON, SEASON, LEVELS).widened(panel, flat(panel))
    assert (found[6] >= 0).all() and found[6, 0, HIGH] > 0


def test_it_fades_out_towards_series_that_are_judged() -> None:
    learnt = short.learn(panel_of(*walks(6)), HORIZON, SEASON, LEVELS)
    share = learnt.share(np.array([1, 3, 6, 10, 11, 50]))
    assert share[0] == 1.0 and (np.diff(share) <= 0).all()
    assert learnt.concerns(np.array([1, 10, 11, 50])).tolist() == [True, True, False, False]
    assert share[3] > 0 == share[4]


@pytest.mark.parametrize("rows", [1, 3])
def test_a_cut_series_is_covered_in_training_and_in_serving_and_says_so(rows: int) -> None:
    whole = table(42, 76, level=60.0, noise=4.0)
    peaks = [np.roll(series, k % 7) for k, series in enumerate(whole["target"].to_numpy().reshape(42, 76))]
    whole["target"] = np.concatenate(peaks) * np.repeat(np.linspace(1, 9, 42), 76)  # large series change more
    place, item = whole.groupby("item_id").cumcount(), whole["item_id"]
    cut = item.isin([f"i{k}" for k in range(21)])  # each phase three times
    known = whole[(place < 70) & (~cut | (place >= 70 - rows))]
    result = pipeline.train(known, fast(), progress=quiet)
    actual = whole[place >= 70].sort_values(["item_id", "timestamp"])["target"].to_numpy()
    frame = result.forecasts
    chosen = frame["item_id"].isin(item[cut].unique()).to_numpy()
    inside = (actual >= frame["0.1"]) & (actual <= frame["0.9"])
    assert inside[chosen].mean() >= 0.7
    answer = pipeline.forecast(result.artifact, ForecastRequest())
    told = answer.origin.set_index("item_id")["reason"].str.contains(short.REASON)
    assert sorted(told[told].index) == sorted(item[cut].unique())


def test_a_series_that_is_sent_with_one_value_is_forecast_widely() -> None:
    result = pipeline.train(table(6, 60), fast(), progress=quiet)
    new = pd.DataFrame({"item_id": ["new"], "timestamp": ["2024-03-01"], "target": [80.0]})
    found = pipeline.forecast(result.artifact, ForecastRequest(frame=new, horizon=9))
    quantiles = quantile_columns(found.frame)
    assert (quantiles[:, -1] - quantiles[:, 0] > 4).all() and (np.diff(quantiles, axis=1) >= 0).all()
    assert short.REASON in found.origin["reason"].iloc[0]
    far = pipeline.forecast(result.artifact, ForecastRequest(frame=new, quantiles=(0.5, 0.9, 0.999)))
    assert (np.diff(quantile_columns(far.frame), axis=1) > 0).all()


@pytest.mark.parametrize("rows", [8, 14])
def test_an_unseen_trend_of_one_to_two_seasons_goes_on_and_is_covered(rows: int) -> None:
    artifact = pipeline.train(table(6, 60), fast(), progress=quiet).artifact
    share = np.array([float(name in ("WindowMedian", "Theta")) for name in artifact.weights.models])
    local = replace(artifact, weights=replace(artifact.weights, group=share / share.sum(), core=share > 0))
    stamps = pd.date_range("2024-03-01", periods=rows)
    new = pd.DataFrame({"item_id": "new", "timestamp": stamps, "target": np.arange(1.0, rows + 1)})
    found = pipeline.forecast(local, ForecastRequest(frame=new, horizon=2, quantiles=(0.1, 0.9))).frame
    np.testing.assert_allclose(found["mean"], [rows + 1, rows + 2])
    assert (found["0.1"] < found["mean"]).all() and (found["0.9"] > found["mean"]).all()
