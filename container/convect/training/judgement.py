"""The ensemble held against what happened: its forecasts in the backtest, its errors, and the intervals they allow."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from convect import metrics
from convect.backtest import Backtest
from convect.intervals import Intervals, calibrate, own_widening, ratios, typical_error, unit
from convect.models.simple import Array
from convect.select import Weights
from convect.training.ensemble import Combined, combine


@dataclass(frozen=True, eq=False)
class Judgement:
    """The ensemble in the backtest: mean (r, h), quantiles (r, h, Q) at `intervals.levels`, and the intervals.

    The quantiles of a row come from the errors of other items; `intervals` is learnt from the errors of all, whose
    scaled size is `typical`.
    """

    mean: Array
    quantiles: Array
    intervals: Intervals
    typical: float = np.nan


POWERS = (0.0, 0.5, 1.0)
WORTH = 0.995  # of the loss so far: a power that gains less is not taken
LOSS_CAP = 10.0  # scales, so that one series with a tiny scale does not choose for all


def judge(
    backtest: Backtest, weights: Weights, levels: tuple[float, ...], count: int, widening: float = 1.0
) -> Judgement:
    """Score the ensemble under the group's weights, which no single series has bent, and calibrate its intervals.

    How errors grow with what is forecast (`intervals.unit`) is chosen by the quantile loss in the backtest; widening
    is how much wider than the backtest's errors ask for the intervals are made, see `calm.widening`.
    """
    combined = combined_past(backtest, weights)
    errors = _Errors(backtest, combined, levels, count, widening)
    power, quantiles, best = 0.0, np.empty(0), np.inf
    for tried in POWERS if len(combined.mean) else POWERS[:1]:
        found = errors.out_of_sample(tried)
        loss = _loss(backtest, found, levels)
        if not len(quantiles) or loss < WORTH * best:
            power, quantiles, best = tried, found, loss
    learnt = errors.calibrated(np.ones(len(combined.mean), bool), power)
    return Judgement(combined.mean, quantiles, learnt, typical_error(_residuals(backtest, combined.mean, power)))


@dataclass(frozen=True, eq=False)
class _Errors:
    """The ensemble's errors at the past origins, and what is to be learnt of them for `count` items."""

    backtest: Backtest
    combined: Combined
    levels: tuple[float, ...]
    count: int
    widening: float

    def calibrated(self, rows: NDArray[np.bool_], power: float) -> Intervals:
        """The intervals that some of the rows teach."""
        items = self.backtest.origins.items[self.backtest.origins.past]
        residuals = _residuals(self.backtest, self.combined.mean, power)
        found = calibrate(residuals[rows], items[rows], self.count, self.levels, power)
        errors = self.widening * (self.backtest.actual - self.combined.mean)[rows]
        own = own_widening(errors, self.combined.spread[rows])
        return replace(found, offsets=found.offsets * self.widening, own=own)

    def out_of_sample(self, power: float) -> Array:
        """(r, h, Q): two halves of the items calibrate each other, so that the coverage reported was not fitted."""
        backtest, combined = self.backtest, self.combined
        half = backtest.origins.items[backtest.origins.past] % 2 == 0
        out = np.empty((*combined.mean.shape, len(self.levels)))
        for judged, others in ((half, ~half), (~half, half)):
            intervals = self.calibrated(others if others.any() else judged, power)
            mean, spread, scale, size = (
                part[judged] for part in (combined.mean, combined.spread, backtest.scale, backtest.size)
            )
            out[judged] = intervals.quantiles(mean, spread, scale, size, np.ones(int(judged.sum())))
        return out


def judge_others(backtest: Backtest, weights: Weights, judged: Judgement, count: int) -> Judgement:
    """Score the ensemble on `count` series that taught it nothing, under the intervals that others taught."""
    combined, intervals = combined_past(backtest, weights), judged.intervals
    rows = backtest.origins.past
    ones = np.ones(len(rows))
    quantiles = intervals.quantiles(combined.mean, combined.spread, backtest.scale, backtest.size, ones)
    residuals = _residuals(backtest, combined.mean, intervals.power)
    ratio = ratios(residuals, backtest.origins.items[rows], count, judged.typical)
    return Judgement(combined.mean, quantiles, replace(intervals, ratio=ratio), judged.typical)


def combined_past(backtest: Backtest, weights: Weights) -> Combined:
    """Return the ensemble at every past origin, under the group's weights.

    A history that never changed is forecast to stay, as in `units.bounded`: models miss its value by a hair, which no
    interval would hold.
    """
    rows = backtest.origins.past
    taken = {name: predicted.rows(rows) for name, predicted in backtest.predictions.items()}
    found = combine(weights, np.broadcast_to(weights.group, (len(rows), len(weights.group))), taken)
    still = backtest.still[:, None]
    return replace(found, mean=np.where(np.isnan(still), found.mean, still))


def _residuals(backtest: Backtest, mean: Array, power: float) -> Array:
    return (backtest.actual - mean) / unit(mean, backtest.scale, backtest.size, power)


def _loss(backtest: Backtest, quantiles: Array, levels: tuple[float, ...]) -> float:
    """The mean scaled quantile loss over the deciles, each value capped; infinite where nothing can be scaled."""
    known = np.isfinite(backtest.scale)
    if not known.any():
        return np.inf
    actual, scale = backtest.actual[known], backtest.scale[known, None]
    losses = [metrics.pinball(actual, quantiles[known, :, levels.index(q)], q) / scale for q in metrics.DECILES]
    return float(np.minimum(losses, LOSS_CAP).mean())


def combined_last(backtest: Backtest, weights: Weights) -> Combined:
    """Return the ensemble after the end of every history, under each series' own weights."""
    rows = backtest.origins.last
    taken = {name: predicted.rows(rows) for name, predicted in backtest.predictions.items()}
    return combine(weights, weights.series, taken)
