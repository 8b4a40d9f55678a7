"""What some series teach about all: learnt once, from all series or a sample, and then used on any others."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect import intervals, select
from convect.backtest import Backtest, gather, local_tasks, prepare
from convect.config import Config
from convect.folds import min_train_steps, rolling_origin
from convect.models import local, moving
from convect.models.catalogue import MODELS
from convect.models.features import SeriesTable
from convect.models.local import Predictions
from convect.models.simple import NAIVE, Array
from convect.models.table import series_table
from convect.panel import Panel
from convect.select import Weights
from convect.training import calm, pooled, portfolio, short, units
from convect.training.judgement import Judgement, combined_last, judge, judge_others
from convect.training.portfolio import Budget
from convect.training.short import Short
from convect.training.watch import silent

Costs = dict[str, tuple[float, int]]  # by model: CPU-seconds, and origins at which it failed


@dataclass(frozen=True, eq=False)
class Setting:
    """What is decided before anything is learnt: the settings, the seasons, horizon and number of windows."""

    config: Config
    seasons: tuple[int, ...]
    horizon: int
    windows: int

    @property
    def season(self) -> int:
        """The shortest season in steps, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles that are worked out."""
        return tuple(sorted({*intervals.LEVELS, *self.config.quantiles}))

    def prepare(self, panel: Panel) -> tuple[Backtest, SeriesTable]:
        """Lay out the origins of a panel, and what the global models see of it."""
        folds = rolling_origin(panel.lengths, self.horizon, self.windows, min_train_steps(self.season))
        table = series_table(panel, self.horizon, self.seasons, self.config.holidays)
        return prepare(panel, folds, self.horizon, self.season), table


@dataclass(frozen=True, eq=False)
class Learned:
    """All that other series need: the group's weights and intervals (of no series), and what the global models learnt.

    relative: the typical scale of a series in units of its own size, see `units.scales`; short: the intervals of series
    too short to be judged.
    """

    setting: Setting
    weights: Weights
    judged: Judgement
    relative: float
    short: Short
    models: Mapping[str, pooled.ByWindow]


@dataclass(frozen=True, eq=False)
class Answers:
    """What is said of n items.

    weights: (n, M); ratio, scale: (n,); forecasts: (n, h, 1 + Q), the mean and the quantiles; fallback: (n,) True where
    only the naive model served; states: (n, S) what the local models fitted, see `moving.beside`.
    """

    weights: Array
    ratio: Array
    scale: Array
    forecasts: Array
    fallback: NDArray[np.bool_]
    states: Array

    def take(self, items: NDArray[Any]) -> Answers:
        """Return those of some items."""
        return Answers(**{one.name: getattr(self, one.name)[items] for one in fields(self)})

    @classmethod
    def joined(cls, parts: list[Answers], order: NDArray[np.int64] | None = None) -> Answers:
        """Return the answers of several parts one after the other, or in an order of their items."""
        whole = cls(**{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)})
        return whole if order is None else whole.take(order)


@dataclass(frozen=True, eq=False)
class Lesson:
    """What learning gives: for other series what was `learned`, for its own the answers and how they were judged."""

    learned: Learned
    answers: Answers
    backtest: Backtest
    judged: Judgement
    weights: Weights


def learn(
    panel: Panel,
    setting: Setting,
    *,
    executor: Executor | None,
    budget: Budget,
    progress: Callable[[str], None],
) -> Lesson:
    """Run every model at every origin of a panel, weigh them, and calibrate the intervals."""
    ready, table = setting.prepare(panel)
    backtest, models = portfolio.run(
        panel, ready, table, setting.config, executor=executor, budget=budget, progress=progress
    )
    weights = select.choose(backtest, len(panel), setting.config.metric)
    seen = int(backtest.origins.windows.max())
    widening = calm.widening(panel, table, setting.horizon, models, seen)
    judged = judge(backtest, weights, setting.levels, len(panel), widening)
    relative = units.typical_relative_scale(panel, setting.season)
    cut_short = short.learn(panel, setting.horizon, setting.season, setting.levels)
    nothing = judged.mean[:0]
    others = Judgement(nothing, nothing, replace(judged.intervals, ratio=np.empty(0)), judged.typical)
    done = replace(setting, windows=seen)
    learned = Learned(done, replace(weights, series=weights.series[:0]), others, relative, cut_short, models)
    return Lesson(learned, _answers(panel, learned, backtest, weights, judged), backtest, judged, weights)


@dataclass(frozen=True, eq=False)
class Applied:
    """What was learnt, applied to other series; `backtest` without the predictions of the single models."""

    answers: Answers
    backtest: Backtest
    judged: Judgement
    costs: Costs


def apply(panel: Panel, learned: Learned, models: Collection[str]) -> Applied:
    """Answer for series that may have taught nothing: each only by itself, so it is the same in any company.

    Of the learnt models only those in `models` run, if they have a weight, and the naive one.
    """
    ready, table = learned.setting.prepare(panel)
    backtest = replace(ready, predictions=_predict(panel, ready, table, learned, models))
    weights = select.tilt(learned.weights, backtest, len(panel))
    judged = judge_others(backtest, weights, learned.judged, len(panel))
    costs = {name: (p.seconds, int(p.fallback.sum())) for name, p in backtest.predictions.items() if p.seconds}
    answers = _answers(panel, learned, backtest, weights, judged)
    return Applied(answers, replace(backtest, predictions={}), judged, costs)


def _answers(panel: Panel, learned: Learned, backtest: Backtest, weights: Weights, judged: Judgement) -> Answers:
    last = combined_last(backtest, weights)
    scale = units.scales(panel, learned.setting.season, learned.relative)
    quantiles = judged.intervals.quantiles(last.mean, last.spread, scale, units.sizes(panel), judged.intervals.ratio)
    forecasts = learned.short.widened(panel, units.bounded(panel, last.mean, quantiles))
    states = moving.beside(weights.models, backtest.states, len(panel))
    return Answers(weights.series, judged.intervals.ratio, scale, forecasts, last.fallback, states)


def _predict(
    panel: Panel, ready: Backtest, table: SeriesTable, learned: Learned, models: Collection[str]
) -> dict[str, Predictions]:
    """Return what every model that counts says at every origin."""
    used = (learned.weights.group > 0) | learned.weights.core
    origins, seasons = ready.origins, learned.setting.seasons
    predictions: dict[str, Predictions] = {}
    for name, weighs in zip(learned.weights.models, used, strict=True):
        counts = weighs and name in models
        if name in learned.models and counts:
            variant = pooled.BY_NAME[name]
            predictions[name] = pooled.at_origins(variant, learned.models[name], table, origins, ready.horizon)
        elif name == NAIVE or (name in MODELS and counts):
            tasks = local_tasks(panel, origins, ready.horizon, seasons, name)
            predictions[name] = gather([local.forecast_chunk(task) for task in tasks], origins)
        else:
            predictions[name] = silent(len(origins.items), ready.horizon)
    return predictions
