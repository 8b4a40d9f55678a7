"""The ensemble held against what happened: its forecasts in the backtest, its errors, and the intervals they allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from convect.backtest import Backtest
from convect.ensemble import Combined, combine
from convect.intervals import Intervals, calibrate
from convect.models.local import Array
from convect.select import Weights


@dataclass(frozen=True, eq=False)
class Judgement:
    """The ensemble in the backtest: mean (r, h), quantiles (r, h, Q) at `intervals.levels`, and the intervals.

    The quantiles of a row come from the errors of other items; `intervals` is learnt from the errors of all.
    """

    mean: Array
    quantiles: Array
    intervals: Intervals


def judge(backtest: Backtest, weights: Weights, levels: tuple[float, ...], count: int) -> Judgement:
    """Score the ensemble under the group's weights, which no single series has bent, and calibrate its intervals."""
    rows = backtest.origins.past
    taken = {name: predicted.rows(rows) for name, predicted in backtest.predictions.items()}
    combined = combine(weights, np.broadcast_to(weights.group, (len(rows), len(weights.group))), taken)
    items = backtest.origins.items[rows]
    residuals = (backtest.actual - combined.mean) / backtest.scale[:, None]
    quantiles = _out_of_sample(backtest, combined, residuals, levels, count)
    return Judgement(combined.mean, quantiles, calibrate(residuals, items, count, levels))


def combined_last(backtest: Backtest, weights: Weights) -> Combined:
    """Return the ensemble after the end of every history, under each series' own weights."""
    rows = backtest.origins.last
    taken = {name: predicted.rows(rows) for name, predicted in backtest.predictions.items()}
    return combine(weights, weights.series, taken)


def _out_of_sample(
    backtest: Backtest, combined: Combined, residuals: Array, levels: tuple[float, ...], count: int
) -> Array:
    """(r, h, Q): two halves of the items calibrate each other, so that the coverage reported was not fitted."""
    items = backtest.origins.items[backtest.origins.past]
    out = np.empty((*combined.mean.shape, len(levels)))
    half = items % 2 == 0
    for judged, others in ((half, ~half), (~half, half)):
        used = others if others.any() else judged
        intervals = calibrate(residuals[used], items[used], count, levels)
        ones = np.ones(int(judged.sum()))
        out[judged] = intervals.quantiles(combined.mean[judged], combined.spread[judged], backtest.scale[judged], ones)
    return out
