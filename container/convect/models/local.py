"""The local models: each series by itself, fitted by statsforecast."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect.answering import deadline
from convect.models import moving
from convect.models.catalogue import MODELS, LocalModel
from convect.models.simple import NAIVE, Array, Seasons, drifting, naive_forecast

MOVING_ROWS = 100  # fitted on at least so many, parameters hardly change with a few horizons more
EXPLOSION = 3.0  # times the largest |value| of the history: nothing beyond it is believed
INTERVAL_LEVEL = 80
INTERVAL_Z = 1.2815515655446004  # the normal quantile that bounds the central 80 %


@dataclass(frozen=True)
class Predictions:
    """Forecasts of one model at w origins over h steps.

    mean: (w, h); spread: (w, h, 2), the lower and upper half-width of the model's own interval in standard
    deviations, NaN where it has none; fallback: (w,), True where the model failed and the naive forecast stands in;
    state: (w, K) what was fitted, see `moving`, NaN where nothing was, None where the model keeps nothing.
    """

    mean: Array
    spread: Array
    fallback: NDArray[np.bool_]
    seconds: float = 0.0
    state: Array | None = None

    def rows(self, chosen: NDArray[np.int64]) -> Predictions:
        """The same at some of the origins."""
        state = None if self.state is None else self.state[chosen]
        return Predictions(self.mean[chosen], self.spread[chosen], self.fallback[chosen], self.seconds, state)


@dataclass(frozen=True)
class Task:
    """What one call of `forecast_chunk` does: some series, each at some of its origins, by one model.

    histories: one array a series; ends: for each series the lengths at which it is forecast; states: for each series
    what was fitted to a history that began where this one does, to go on from without fitting; none to fit.
    """

    model: str
    histories: Sequence[Array]
    ends: Sequence[Sequence[int]]
    horizon: int
    seasons: Seasons
    states: Sequence[Array] = ()


def cap_rows(seasons: Seasons) -> int:
    """Return how many of the newest rows a local model sees: more costs time and buys no accuracy.

    Two and a half of a season longer than that, such as a week of quarter hours: no less shows it twice.
    """
    longest = max(seasons, default=1)
    rows = int(np.clip(max(10 * min(seasons, default=1), 5 * longest), 400, 840))
    return rows if 2 * longest < rows else 5 * longest // 2


def forecast_chunk(task: Task) -> Predictions:
    """Forecast every series of the task at each of its ends; rows in the order of the series, then of the ends."""
    clock = time.process_time()
    series = zip_longest(task.histories, task.ends, task.states)
    results = [found for history, ends, state in series for found in _forecast_series(task, history, ends, state)]
    mean, spread, fallback, state = (np.array(part) for part in zip(*results, strict=True))
    return Predictions(mean, spread, fallback, time.process_time() - clock, state if state.shape[1] else None)


def _forecast_series(
    task: Task, history: Array, ends: Sequence[int], state: Array | None
) -> Iterator[tuple[Array, Array, bool, Array]]:
    deadline.check()
    model, cap = MODELS[task.model], cap_rows(task.seasons)
    fitted, first = None, 0
    if state is not None:
        fitted = moving.rebuilt(model.name, model.build(task.seasons), state)
    elif model.moves and len(ends) > 1 and min(ends) >= max(MOVING_ROWS, model.needs(task.seasons)):
        first = max(0, min(ends) - cap)
        fitted = _quietly(lambda: model.build(task.seasons).fit(history[first : min(ends)]))
    nothing = np.full(moving.WIDTH.get(model.name, 0), np.nan)
    for end in ends:
        known = history[first:end] if fitted else history[max(0, end - cap) : end]
        if model.stands_back(len(known), task.seasons):
            yield *drifting(known, task.horizon, min(task.seasons, default=1)), False, nothing
            continue
        found = _forecast_at(model, task, known, fitted) if len(known) >= model.needs(task.seasons) else None
        if found is not None and _believable(found[0], known):
            yield found[0], found[1], False, nothing if found[2] is None else moving.state_of(model.name, found[2])
        else:
            naive = naive_forecast(known, task.horizon, min(task.seasons, default=1))
            yield *naive, task.model != NAIVE, nothing


def _forecast_at(model: LocalModel, task: Task, history: Array, fitted: Any) -> tuple[Array, Array, Any] | None:  # noqa: ANN401 - as above
    """The mean (h,), the spread (h, 2) and, where it can be kept, the fitted model; None where the model failed."""
    build, level = model.build(task.seasons), [INTERVAL_LEVEL] if model.spread else None
    if callable(build):
        found: tuple[Array, Array] = build(history, task.horizon)
        return *found, None
    work = _work(model.name, build, fitted)
    newest = history if fitted else history[-model.rows(task.seasons) :]
    done = _quietly(lambda: work(newest, task.horizon, level))
    if done is None:
        return None
    answer, kept = done
    mean = np.asarray(answer["mean"], np.float64)
    spread = np.full((task.horizon, 2), np.nan)
    if model.spread and np.isfinite(mean).all():
        bounds = [mean - answer[f"lo-{INTERVAL_LEVEL}"], answer[f"hi-{INTERVAL_LEVEL}"] - mean]
        width = np.maximum(np.stack(bounds, axis=-1), 0.0) / INTERVAL_Z
        spread = width if _believable(width, history) else spread
    return mean, spread, kept


def _work(name: str, unfitted: Any, fitted: Any) -> Callable[[Array, int, Any], tuple[Any, Any]]:  # noqa: ANN401 - as above
    """What gives the answer, and the fitted model where its state can be kept."""
    kept = name in moving.WIDTH
    if fitted:
        return lambda y, h, level: (fitted.forward(y=y, h=h, level=level), fitted if kept else None)
    if kept:
        return lambda y, h, level: (unfitted.fit(y).predict(h=h, level=level), unfitted)
    return lambda y, h, level: (unfitted.forecast(y=y, h=h, level=level), None)


def _quietly(work: Callable[[], Any]) -> Any:  # noqa: ANN401 - as above
    """The result of `work`, None where it fails in any way: a fallback then serves, counted and named."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return work()
    except Exception:
        return None


def _believable(values: Array, history: Array) -> bool:
    limit = EXPLOSION * np.abs(history).max() + 1e-9
    return bool(np.isfinite(values).all() and np.abs(values).max() <= limit)
