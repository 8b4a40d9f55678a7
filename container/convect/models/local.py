"""The local models: each series by itself, fitted by statsforecast."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsforecast.models import MSTL, AutoCES, AutoETS, DynamicOptimizedTheta, Naive, SeasonalNaive

Array = NDArray[np.float64]
Seasons = tuple[int, ...]
NAIVE = "SeasonalNaive"
LONGEST_ETS_SEASON = 12  # beyond it a fit costs seconds and MSTL does better
LONGEST_SINGLE_SEASON = 24  # beyond it Theta and ETS look at the level and the trend only
EXPLOSION = 3.0  # times the largest |value| of the history: nothing beyond it is believed
INTERVAL_LEVEL = 80
INTERVAL_Z = 1.2815515655446004  # the normal quantile that bounds the central 80 %


@dataclass(frozen=True)
class LocalModel:
    """One entry of the portfolio.

    build(seasons) makes the statsforecast model; needs(seasons) is the fewest rows it is fitted on; suits(seasons)
    whether it belongs in the portfolio for data with these seasons; spread whether its own intervals are used.
    """

    name: str
    build: Callable[[Seasons], Any]
    needs: Callable[[Seasons], int]
    suits: Callable[[Seasons], bool] = lambda seasons: True
    spread: bool = True


@dataclass(frozen=True)
class Predictions:
    """Forecasts of one model at w origins over h steps.

    mean: (w, h); spread: (w, h, 2), the lower and upper half-width of the model's own interval in standard
    deviations, NaN where it has none; fallback: (w,), True where the model failed and the naive forecast stands in.
    """

    mean: Array
    spread: Array
    fallback: NDArray[np.bool_]
    seconds: float = 0.0

    def rows(self, chosen: NDArray[np.int64]) -> Predictions:
        """The same at some of the origins."""
        return Predictions(self.mean[chosen], self.spread[chosen], self.fallback[chosen], self.seconds)


@dataclass(frozen=True)
class Task:
    """What one call of `forecast_chunk` does: some series, each at some of its origins, by one model.

    histories: one array a series; ends: for each series the lengths at which it is forecast.
    """

    model: str
    histories: Sequence[Array]
    ends: Sequence[Sequence[int]]
    horizon: int
    seasons: Seasons


def _short(seasons: Seasons) -> int:
    return seasons[0] if seasons else 1


def _single(seasons: Seasons) -> int:
    return _short(seasons) if _short(seasons) <= LONGEST_SINGLE_SEASON else 1


def _two_seasons(seasons: Seasons) -> int:
    return 2 * _single(seasons) + 3


def _two_longest(seasons: Seasons) -> int:
    return 2 * seasons[-1] + 1


def _naive(seasons: Seasons) -> Any:  # noqa: ANN401 - statsforecast's models have no public base class
    return SeasonalNaive(_short(seasons)) if seasons else Naive()


def _mstl(seasons: Seasons, trend: Any) -> MSTL:  # noqa: ANN401 - as above
    # Loess at every tenth point and lines between, as R's stl() does: 12 times faster on 24+168, the same to 1e-4
    jump = max(1, seasons[-1] // 10)
    return MSTL(list(seasons), trend, stl_kwargs={"low_pass_jump": jump, "trend_jump": jump})


PORTFOLIO: tuple[LocalModel, ...] = (
    LocalModel(NAIVE, _naive, lambda s: _short(s) + 1),
    LocalModel(
        "MSTLTheta",
        lambda s: _mstl(s, DynamicOptimizedTheta(season_length=1)),
        _two_longest,
        bool,
    ),
    LocalModel("Theta", lambda s: DynamicOptimizedTheta(season_length=_single(s)), _two_seasons),
    LocalModel(
        "SeasonalNaiveLong",
        lambda s: SeasonalNaive(s[-1]),
        lambda s: s[-1] + 1,
        lambda s: len(s) > 1,
    ),
    LocalModel(
        "MSTLETS",
        lambda s: _mstl(s, AutoETS(model="ZZN")),
        _two_longest,
        bool,
    ),
    LocalModel("CES", lambda s: AutoCES(season_length=_single(s)), _two_seasons, spread=False),
    LocalModel(
        "DampedETS",
        lambda s: AutoETS(season_length=_single(s), damped=True),
        _two_seasons,
        lambda s: _single(s) <= LONGEST_ETS_SEASON,
    ),
)
MODELS = {model.name: model for model in PORTFOLIO}


def cap_rows(seasons: Seasons) -> int:
    """Return how many of the newest rows a local model sees: more costs time and buys no accuracy."""
    return int(np.clip(max(10 * _short(seasons), 5 * max(seasons, default=1)), 400, 840))


def forecast_chunk(task: Task) -> Predictions:
    """Forecast every series of the task at each of its ends; rows in the order of the series, then of the ends."""
    clock = time.process_time()
    results = [
        _forecast_at(task, history[:end])
        for history, ends in zip(task.histories, task.ends, strict=True)
        for end in ends
    ]
    mean, spread, fallback = (np.array(part) for part in zip(*results, strict=True))
    return Predictions(mean, spread, fallback, time.process_time() - clock)


def _forecast_at(task: Task, history: Array) -> tuple[Array, Array, bool]:
    model = MODELS[task.model]
    history = history[-cap_rows(task.seasons) :]
    if len(history) >= model.needs(task.seasons):
        found = _fit(model, history, task.horizon, task.seasons)
        if found is not None and _believable(found[0], history):
            return found[0], found[1], False
    mean, spread = naive_forecast(history, task.horizon, _short(task.seasons))
    return mean, spread, task.model != NAIVE


def _fit(model: LocalModel, history: Array, horizon: int, seasons: Seasons) -> tuple[Array, Array] | None:
    level = [INTERVAL_LEVEL] if model.spread else None
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            answer = model.build(seasons).forecast(y=history, h=horizon, level=level)
    except Exception:  # a fit may fail in any way; the fallback is counted and named in the leaderboard
        return None
    mean = np.asarray(answer["mean"], np.float64)
    spread = np.full((horizon, 2), np.nan)
    if model.spread and np.isfinite(mean).all():
        bounds = [mean - answer[f"lo-{INTERVAL_LEVEL}"], answer[f"hi-{INTERVAL_LEVEL}"] - mean]
        found = np.maximum(np.stack(bounds, axis=-1), 0.0) / INTERVAL_Z
        spread = found if _believable(found, history) else spread
    return mean, spread


def _believable(values: Array, history: Array) -> bool:
    limit = EXPLOSION * np.abs(history).max() + 1e-9
    return bool(np.isfinite(values).all() and np.abs(values).max() <= limit)


def naive_forecast(history: Array, horizon: int, season: int) -> tuple[Array, Array]:
    """Return the seasonal naive forecast (h,) and its spread (h, 2); the last value where a season is not there.

    The spread is the root mean squared seasonal difference times the square root of the seasons ahead
    (Hyndman & Athanasopoulos, Forecasting: Principles and Practice, 5.5).
    """
    lag = season if len(history) >= season + 1 else 1
    last = history[-lag:]
    steps = np.arange(horizon)
    differences = history[lag:] - history[:-lag]
    sigma = float(np.sqrt(np.mean(differences**2))) if len(differences) else 0.0
    width = sigma * np.sqrt(steps // lag + 1.0)
    return last[steps % lag], np.stack([width, width], axis=-1)
