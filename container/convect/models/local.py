"""The local models: each series by itself, fitted by statsforecast."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from statsforecast.models import MSTL, AutoCES, AutoETS, DynamicOptimizedTheta

Array = NDArray[np.float64]
Seasons = tuple[int, ...]
NAIVE = "SeasonalNaive"
LONGEST_ETS_SEASON = 12  # beyond it a fit costs seconds and MSTL does better
LONGEST_SINGLE_SEASON = 24  # beyond it Theta and ETS look at the level and the trend only
MOVING_ROWS = 100  # fitted on at least so many, parameters hardly change with a few horizons more
EXPLOSION = 3.0  # times the largest |value| of the history: nothing beyond it is believed
WINDOW_STEPS = 26  # that a window's median is taken over, two seasons at least
SEASONS_AVERAGED = 6  # the newest, by the models that average what was at the same point of the season
INTERVAL_LEVEL = 80
INTERVAL_Z = 1.2815515655446004  # the normal quantile that bounds the central 80 %


@dataclass(frozen=True)
class LocalModel:
    """One entry of the portfolio.

    build(seasons) makes the statsforecast model, or a function of history and horizon where nothing is to be fitted;
    needs(seasons) is the fewest rows it is fitted on; suits(seasons) whether it belongs in the portfolio for data with
    these seasons; spread whether its own intervals are used; moves whether parameters fitted at one origin serve the
    later ones too.
    """

    name: str
    build: Callable[[Seasons], Any]
    needs: Callable[[Seasons], int]
    suits: Callable[[Seasons], bool] = lambda seasons: True
    spread: bool = True
    moves: bool = False


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


def _mstl(seasons: Seasons, trend: Any) -> MSTL:  # noqa: ANN401 - statsforecast's models have no public base class
    # Loess at every tenth point and lines between, as R's stl() does: 12 times faster on 24+168, the same to 1e-4
    jump = max(1, seasons[-1] // 10)
    return MSTL(list(seasons), trend, stl_kwargs={"low_pass_jump": jump, "trend_jump": jump})


def _repeat(season: int) -> Callable[[Array, int], tuple[Array, Array]]:
    return lambda history, horizon: naive_forecast(history, horizon, season)


def _average(season: int, rows: int, average: Callable[..., Any]) -> Callable[[Array, int], tuple[Array, Array]]:
    """A function that averages the newest rows by their place in the season; robust where a median is taken."""

    def forecast(history: Array, horizon: int) -> tuple[Array, Array]:
        newest = history[-rows:]
        padded = np.full(-(-len(newest) // season) * season, np.nan)
        padded[len(padded) - len(newest) :] = newest
        return average(padded.reshape(-1, season), axis=0)[np.arange(horizon) % season], np.full((horizon, 2), np.nan)

    return forecast


PORTFOLIO: tuple[LocalModel, ...] = (
    LocalModel(NAIVE, lambda s: _repeat(_short(s)), lambda s: _short(s) + 1),
    LocalModel(
        "WindowMedian",
        lambda s: _average(1, max(WINDOW_STEPS, 2 * _short(s)), np.nanmedian),
        lambda s: 6,
        spread=False,
    ),
    LocalModel(
        "SeasonalMedian",
        lambda s: _average(s[-1], SEASONS_AVERAGED * s[-1], np.nanmedian),
        _two_longest,
        bool,
        spread=False,
    ),
    LocalModel(
        "SeasonalMean",
        lambda s: _average(s[-1], SEASONS_AVERAGED * s[-1], np.nanmean),
        _two_longest,
        bool,
        spread=False,
    ),
    LocalModel(
        "MSTLTheta",
        lambda s: _mstl(s, DynamicOptimizedTheta(season_length=1)),
        _two_longest,
        bool,
        moves=True,
    ),
    LocalModel("Theta", lambda s: DynamicOptimizedTheta(season_length=_single(s)), _two_seasons, moves=True),
    LocalModel("SeasonalNaiveLong", lambda s: _repeat(s[-1]), lambda s: s[-1] + 1, lambda s: len(s) > 1),
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
    """Return how many of the newest rows a local model sees: more costs time and buys no accuracy.

    Two and a half of a season longer than that, such as a week of quarter hours: no less shows it twice.
    """
    longest = max(seasons, default=1)
    rows = int(np.clip(max(10 * _short(seasons), 5 * longest), 400, 840))
    return rows if 2 * longest < rows else 5 * longest // 2


def forecast_chunk(task: Task) -> Predictions:
    """Forecast every series of the task at each of its ends; rows in the order of the series, then of the ends."""
    clock = time.process_time()
    series = zip(task.histories, task.ends, strict=True)
    results = [found for history, ends in series for found in _forecast_series(task, history, ends)]
    mean, spread, fallback = (np.array(part) for part in zip(*results, strict=True))
    return Predictions(mean, spread, fallback, time.process_time() - clock)


def _forecast_series(task: Task, history: Array, ends: Sequence[int]) -> Iterator[tuple[Array, Array, bool]]:
    model, cap = MODELS[task.model], cap_rows(task.seasons)
    fitted, first = None, 0
    if model.moves and len(ends) > 1 and min(ends) >= max(MOVING_ROWS, model.needs(task.seasons)):
        first = max(0, min(ends) - cap)
        fitted = _quietly(lambda: model.build(task.seasons).fit(history[first : min(ends)]))
    for end in ends:
        known = history[first:end] if fitted else history[max(0, end - cap) : end]
        found = _forecast_at(model, task, known, fitted) if len(known) >= model.needs(task.seasons) else None
        if found is not None and _believable(found[0], known):
            yield *found, False
        else:
            yield *naive_forecast(known, task.horizon, _short(task.seasons)), task.model != NAIVE


def _forecast_at(model: LocalModel, task: Task, history: Array, fitted: Any) -> tuple[Array, Array] | None:  # noqa: ANN401 - as above
    build, level = model.build(task.seasons), [INTERVAL_LEVEL] if model.spread else None
    if callable(build):
        found: tuple[Array, Array] = build(history, task.horizon)
        return found
    work = fitted.forward if fitted else build.forecast
    answer = _quietly(lambda: work(y=history, h=task.horizon, level=level))
    if answer is None:
        return None
    mean = np.asarray(answer["mean"], np.float64)
    spread = np.full((task.horizon, 2), np.nan)
    if model.spread and np.isfinite(mean).all():
        bounds = [mean - answer[f"lo-{INTERVAL_LEVEL}"], answer[f"hi-{INTERVAL_LEVEL}"] - mean]
        width = np.maximum(np.stack(bounds, axis=-1), 0.0) / INTERVAL_Z
        spread = width if _believable(width, history) else spread
    return mean, spread


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
