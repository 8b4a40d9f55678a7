"""The two things the product does, each on one screen: train on a table, and forecast from what was trained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import pandas as pd

from convect import forecasting, inline, intervals, leaderboard, portfolio, select, units
from convect.artifact import TAIL_ROWS, Artifact
from convect.backtest import prepare
from convect.config import Config
from convect.errors import ConfigError
from convect.folds import Fold, default_windows, min_train_steps, rolling_origin
from convect.judgement import combined_last, judge
from convect.models.local import cap_rows
from convect.models.table import series_table
from convect.panel import Panel
from convect.portfolio import Budget
from convect.quality import QualityReport, validate
from convect.request import Forecast, ForecastRequest
from convect.results import backtest_table, forecast_table
from convect.schema import Schema
from convect.seasonality import find_seasons


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What training leaves: the artifact, and four tables to judge it by.

    forecasts: item_id, timestamp, mean and one column a quantile; leaderboard: see `leaderboard.table`;
    backtest: item_id, cutoff, step, model, actual, forecast, and the ensemble's quantiles; quality: what was repaired.
    """

    artifact: Artifact
    forecasts: pd.DataFrame
    leaderboard: pd.DataFrame
    backtest: pd.DataFrame
    quality: QualityReport


def train(
    frame: pd.DataFrame,
    config: Config,
    *,
    related: pd.DataFrame | None = None,
    static: pd.DataFrame | None = None,
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: Callable[[str], None] = print,
) -> TrainResult:
    """Train on a table under the user's own column names; see `Config` for what may be chosen.

    related: covariates by item and time; static: one row an item. Without an executor all work is done here.
    Raises ConfigError or DataError where the settings or the table cannot be used.
    """
    schema = Schema.complete(config.schema, frame.columns)
    panel, quality = validate(frame, schema, config, related=related, static=static)
    return fit(panel, quality, schema, config, executor=executor, budget=budget, progress=progress)


def fit(
    panel: Panel,
    quality: QualityReport,
    schema: Schema,
    config: Config,
    *,
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: Callable[[str], None] = print,
) -> TrainResult:
    """Train on a panel, what `train` does once the table is read; raises ConfigError for an impossible horizon."""
    progress(f"data: {len(panel)} items, {len(panel.values)} rows, frequency {panel.frequency.alias}")
    horizon = config.horizon or panel.frequency.natural_horizon
    _check_horizon(panel, horizon)
    seasons = find_seasons(panel)
    table = series_table(panel, horizon, seasons, config.holidays)
    backtest, global_models = portfolio.run(
        panel,
        prepare(panel, _folds(panel, horizon, table.season, config), horizon, table.season),
        table,
        config,
        executor=executor,
        budget=budget or Budget(config.time_limit),
        progress=progress,
    )
    weights = select.choose(backtest, len(panel), config.metric)
    judged = judge(backtest, weights, _levels(config), len(panel))
    last = combined_last(backtest, weights)
    scale = units.scales(panel, table.season)
    quantiles = judged.intervals.quantiles(last.mean, last.spread, scale, units.sizes(panel), judged.intervals.ratio)
    artifact = Artifact(
        schema=schema,
        config=config,
        seasons=seasons,
        horizon=horizon,
        panel=panel.tail(max(TAIL_ROWS, cap_rows(seasons))),
        weights=weights,
        intervals=judged.intervals,
        scale=scale,
        forecasts=units.bounded(panel, last.mean, quantiles),
        fallback=last.fallback,
        global_models=global_models,
    )
    return TrainResult(
        artifact,
        _forecasts(artifact),
        leaderboard.table(backtest, weights, judged),
        backtest_table(panel, backtest, judged, config.quantiles),
        quality,
    )


def forecast(artifact: Artifact, request: ForecastRequest) -> Forecast:
    """Answer a request: look up the series seen in training, or forecast newer and unseen histories afresh.

    Raises RequestError, ConfigError or DataError where the request cannot be answered.
    """
    horizon = forecasting.horizon_of(artifact, request)
    forecasting.check_frequency(artifact, request)
    if request.series is not None:
        return inline.forecast(artifact, request, request.series, horizon)
    quantiles = request.quantiles or artifact.quantiles
    if request.frame is not None:
        panel = forecasting.read(artifact, request, horizon)
        known = forecasting.known_positions(artifact, panel)
        history = forecasting.histories(known)
        ready = forecasting.afresh(artifact, panel, known, horizon, history, request.series_limit_s)
        return forecasting.told(artifact, ready, quantiles)
    positions = forecasting.positions_of(artifact, request)
    if horizon <= artifact.horizon:
        return forecasting.told(artifact, forecasting.look_up(artifact, positions, horizon), quantiles)
    panel = artifact.panel.take(positions)
    history = np.full(len(panel), "trained", object)
    ready = forecasting.afresh(artifact, panel, positions, horizon, history, request.series_limit_s)
    return forecasting.told(artifact, ready, quantiles)


def _check_horizon(panel: Panel, horizon: int) -> None:
    longest = int(panel.lengths.max())
    if longest <= horizon:
        raise ConfigError(
            f"Hyperparameter horizon is {horizon}, but the longest series has {longest} rows.",
            "Lower horizon, or give longer series.",
        )


def _folds(panel: Panel, horizon: int, season: int, config: Config) -> list[Fold]:
    covariates = bool(panel.known_names)
    windows = config.windows or default_windows(panel.lengths, horizon, season, covariates=covariates)
    return rolling_origin(panel.lengths, horizon, windows, min_train_steps(season))


def _levels(config: Config) -> tuple[float, ...]:
    return tuple(sorted({*intervals.LEVELS, *config.quantiles}))


def _forecasts(artifact: Artifact) -> pd.DataFrame:
    return forecast_table(artifact.panel, artifact.forecasts, artifact.intervals.levels, artifact.quantiles)
