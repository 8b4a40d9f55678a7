"""Every local model: how it is built, what it needs, and which data and presets it is for."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from statsforecast.models import (
    ADIDA,
    MSTL,
    TSB,
    AutoARIMA,
    AutoCES,
    AutoETS,
    CrostonSBA,
    DynamicOptimizedTheta,
)

from convect.models.simple import NAIVE, Array, Seasons, average, brief, repeat

LONGEST_ETS_SEASON = 12  # beyond it a fit costs seconds and MSTL does better
LONGEST_SINGLE_SEASON = 24  # beyond it Theta and ETS look at the level and the trend only
WINDOW_STEPS = 26  # that a window's median is taken over, two seasons at least
SEASONS_AVERAGED = 6  # the newest, by the models that average what was at the same point of the season
THETA_ROWS = 150  # the newest rows, or six seasons, tell Theta all: its cost follows them
ETS_ROWS, ETS_SEASONS = 200, 24  # the newest that a seasonal fit sees: half the cost of 400 rows and no less accurate
TSB_SMOOTHING = 0.1
ARIMA_TRIES = 30  # forms that are tried at most
MOST_ROWS = sys.maxsize

EVERY = ("fast", "balanced", "best")
UPPER = ("balanced", "best")


@dataclass(frozen=True)
class LocalModel:
    """One entry of the portfolio.

    build(seasons) makes the statsforecast model, or a function of history and horizon where nothing is to be fitted;
    needs(seasons) is the fewest rows it is fitted on; suits(seasons) whether it belongs in the portfolio for data with
    these seasons; presets those that run it; spread whether its own intervals are used; moves whether parameters fitted
    at one origin serve the later ones too; intermittent whether it is for series with many zeros only; drifts whether a
    history that shows one season and not two is forecast by `simple.drifting` in its place; rows(seasons) how many of
    the newest rows a model that does not move sees.
    """

    name: str
    build: Callable[[Seasons], Any]
    needs: Callable[[Seasons], int]
    suits: Callable[[Seasons], bool] = lambda seasons: True
    presets: tuple[str, ...] = EVERY
    spread: bool = True
    moves: bool = False
    intermittent: bool = False
    drifts: bool = False
    rows: Callable[[Seasons], int] = lambda seasons: MOST_ROWS

    def stands_back(self, rows: int, seasons: Seasons) -> bool:
        """Return whether a history of so many rows is forecast by `simple.drifting` in its place."""
        return self.drifts and brief(rows, min(seasons, default=1))


class _RecentTheta(DynamicOptimizedTheta):
    """The dynamic optimised theta method on the newest rows only."""

    def _recent(self, y: Array) -> Array:
        return y[-max(THETA_ROWS, SEASONS_AVERAGED * self.season_length) :]

    def fit(self, y: Array, X: Any = None) -> Any:  # noqa: ANN401 - as it is where it is overridden
        return super().fit(self._recent(y), X)

    def forecast(self, y: Array, h: int, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        return super().forecast(self._recent(y), h, *rest, **options)

    def forward(self, y: Array, h: int, *rest: Any, **options: Any) -> Any:  # noqa: ANN401
        return super().forward(self._recent(y), h, *rest, **options)


def _short(seasons: Seasons) -> int:
    return seasons[0] if seasons else 1


def _single(seasons: Seasons) -> int:
    return _short(seasons) if _short(seasons) <= LONGEST_SINGLE_SEASON else 1


def _ets_rows(seasons: Seasons) -> int:
    return max(ETS_ROWS, ETS_SEASONS * _single(seasons)) if _single(seasons) > 1 else MOST_ROWS


def _two_seasons(seasons: Seasons) -> int:
    return 2 * _single(seasons) + 3


def _two_longest(seasons: Seasons) -> int:
    return 2 * seasons[-1] + 1


def _mstl(seasons: Seasons, trend: Any) -> MSTL:  # noqa: ANN401 - statsforecast's models have no public base class
    # Loess at every tenth point and lines between, as R's stl() does: 12 times faster on 24+168, the same to 1e-4
    jump = max(1, seasons[-1] // 10)
    return MSTL(list(seasons), trend, stl_kwargs={"low_pass_jump": jump, "trend_jump": jump})


def _up_to_season(steps: int) -> Callable[[Seasons], bool]:
    return lambda seasons: _single(seasons) <= steps


def _seasonal(name: str, take: Callable[..., Any]) -> LocalModel:
    return LocalModel(name, lambda s: average(s[-1], SEASONS_AVERAGED * s[-1], take), _two_longest, bool, spread=False)


PORTFOLIO: tuple[LocalModel, ...] = (
    LocalModel(NAIVE, lambda s: repeat(_short(s)), lambda s: _short(s) + 1),
    LocalModel(
        "WindowMedian",
        lambda s: average(1, max(WINDOW_STEPS, 2 * _short(s)), np.nanmedian),
        lambda s: 6,
        spread=False,
        drifts=True,
    ),
    _seasonal("SeasonalMedian", np.nanmedian),
    _seasonal("SeasonalMean", np.nanmean),
    LocalModel("SeasonalNaiveLong", lambda s: repeat(s[-1]), lambda s: s[-1] + 1, lambda s: len(s) > 1),
    LocalModel(
        "MSTLTheta", lambda s: _mstl(s, _RecentTheta(season_length=1)), _two_longest, bool, moves=True, drifts=True
    ),
    LocalModel("Theta", lambda s: _RecentTheta(season_length=_single(s)), _two_seasons, moves=True, drifts=True),
    LocalModel(
        # Additive errors only: multiplicative ones take three times as long, and the ensemble is no better for them
        "DampedETS",
        lambda s: AutoETS(season_length=_single(s), model="AZZ", damped=True),
        _two_seasons,
        _up_to_season(LONGEST_ETS_SEASON),
        UPPER,
        drifts=True,
        rows=_ets_rows,
    ),
    LocalModel("ETS", lambda s: AutoETS(season_length=1), _two_seasons, lambda s: not s),
    LocalModel("TSB", lambda s: TSB(TSB_SMOOTHING, TSB_SMOOTHING), lambda s: 6, spread=False, intermittent=True),
    LocalModel("ADIDA", lambda s: ADIDA(), lambda s: 6, spread=False, intermittent=True),
    LocalModel("CrostonSBA", lambda s: CrostonSBA(), lambda s: 6, spread=False, intermittent=True),
    LocalModel(
        "MSTLETS", lambda s: _mstl(s, AutoETS(model="ZZN")), _two_longest, lambda s: len(s) > 1, UPPER, drifts=True
    ),
    LocalModel(
        "CES", lambda s: AutoCES(season_length=_single(s)), _two_seasons, bool, UPPER, spread=False, drifts=True
    ),
    LocalModel(
        "AutoARIMA",
        lambda s: AutoARIMA(season_length=_single(s), nmodels=ARIMA_TRIES, approximation=True),
        _two_seasons,
        _up_to_season(LONGEST_ETS_SEASON),
        ("best",),
        drifts=True,
    ),
)
MODELS = {model.name: model for model in PORTFOLIO}
