"""The two things the product does, each on one screen: train on a table, and forecast from what was trained."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from convect.answering import apart, clock, cold, forecasting, inline
from convect.answering.request import Forecast, ForecastRequest
from convect.artifact import TAIL_ROWS, Artifact
from convect.config import Config
from convect.errors import ConfigError
from convect.explain import components, effects
from convect.folds import default_windows
from convect.hierarchies import coherent, hierarchy
from convect.hierarchies.hierarchy import Hierarchy
from convect.models.local import cap_rows
from convect.panel import Panel
from convect.quality import QualityReport, validate
from convect.results import backtest_table, forecast_table
from convect.schema import Schema
from convect.training import coverage, leaderboard
from convect.training.learning import Answers, Learned, Setting, learn
from convect.training.portfolio import Budget
from convect.training.scored import Scored, scored_of, scored_table, stacked
from convect.training.seasonality import find_seasons


@dataclass(frozen=True, eq=False)
class TrainResult:
    """What training leaves: the artifact, and the tables to judge it by.

    forecasts: item_id, timestamp, mean and one column a quantile; leaderboard: see `leaderboard.table`;
    backtest: item_id, cutoff, step, model, actual, forecast, and the ensemble's quantiles; quality: what was repaired;
    coverage: how honest the intervals were, see `coverage.table`; levels: with a hierarchy, the accuracy by level, see
    `coherent.levels`; effects: with known covariates, what each does to all series, see `effects.table`.
    """

    artifact: Artifact
    forecasts: pd.DataFrame
    leaderboard: pd.DataFrame
    backtest: pd.DataFrame
    quality: QualityReport
    coverage: pd.DataFrame
    levels: pd.DataFrame | None = None
    effects: pd.DataFrame | None = None

    @property
    def explanations(self) -> pd.DataFrame:
        """What each forecast is the sum of, see `components.table`; worked out when asked for."""
        return components.table(self.artifact)


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
    """Train on a panel, what `train` does once the table is read; raises ConfigError for an impossible horizon.

    Where the panel has groups, their sums are forecast too, and all are made to add up.
    """
    budget = budget or Budget(config.time_limit)

    def apart(one: Panel) -> tuple[TrainResult, Scored]:
        return _fit(one, quality, schema, config, executor, budget, progress)

    if not panel.group_names:
        return _finished(apart(panel)[0], panel)
    tree = hierarchy.of(panel)
    nodes = hierarchy.sums(panel, tree)
    progress(f"hierarchy: {len(nodes)} sums of {int(tree.within.sum())} items, levels {', '.join(tree.levels)}")
    sums = apart(nodes)  # first, and few: the time limit must not end between the two
    return _finished(_together(tree, panel, nodes, apart(panel), sums), panel)


def _finished(result: TrainResult, panel: Panel) -> TrainResult:
    """The result with the effects of covariates, and an answer for items without history."""
    result = replace(result, effects=effects.table(panel, result.artifact.seasons))
    if not len(panel.cold_ids):
        return result
    artifact = cold.joined(result.artifact, cold.answered(result.artifact, panel))
    return replace(result, artifact=artifact, forecasts=forecasts_of(artifact))


def _together(
    tree: Hierarchy, panel: Panel, nodes: Panel, items: tuple[TrainResult, Scored], sums: tuple[TrainResult, Scored]
) -> TrainResult:
    """The results of the items and of the sums as one, in which the forecasts add up."""
    result = items[0]
    below = coherent.Side(panel, result.artifact.forecasts, items[1])
    above = coherent.Side(nodes, sums[0].artifact.forecasts, sums[1])
    levels, after = coherent.table(tree, below, above)
    artifact = coherent.merged(result.artifact, sums[0].artifact, coherent.add_up(tree, below, above))
    told = [scored_table(side.panel, side.scored, coherent.NAME, artifact.quantiles) for side in after]
    return replace(
        result,
        artifact=artifact,
        forecasts=forecasts_of(artifact),
        backtest=stacked([result.backtest, sums[0].backtest, *told]),
        levels=levels,
    )


def _fit(
    panel: Panel,
    quality: QualityReport,
    schema: Schema,
    config: Config,
    executor: Executor | None,
    budget: Budget,
    progress: Callable[[str], None],
) -> tuple[TrainResult, Scored]:
    progress(f"data: {len(panel)} items, {len(panel.values)} rows, frequency {panel.frequency.alias}")
    lesson = learn(panel, setting_of(panel, config), executor=executor, budget=budget, progress=progress)
    artifact = artifact_of(panel, schema, lesson.learned, lesson.answers)
    scored = scored_of(lesson.backtest, lesson.judged)
    return TrainResult(
        artifact,
        forecasts_of(artifact),
        leaderboard.table(lesson.backtest, lesson.weights, lesson.judged),
        backtest_table(panel, lesson.backtest, lesson.judged, config.quantiles),
        quality,
        coverage.table(panel, scored),
    ), scored


def artifact_of(panel: Panel, schema: Schema, learned: Learned, answers: Answers) -> Artifact:
    """Return what was learnt and answered for the items of a panel as an artifact."""
    setting = learned.setting
    return Artifact(
        schema=schema,
        config=setting.config,
        seasons=setting.seasons,
        horizon=setting.horizon,
        panel=panel.tail(max(TAIL_ROWS, cap_rows(setting.seasons))),
        weights=replace(learned.weights, series=answers.weights),
        intervals=replace(learned.judged.intervals, ratio=answers.ratio),
        scale=answers.scale,
        forecasts=answers.forecasts,
        fallback=answers.fallback,
        states=answers.states,
        global_models={name: learnt[0] for name, learnt in learned.models.items()},
    )


def forecast(artifact: Artifact, request: ForecastRequest) -> Forecast:
    """Answer a request: look up the series seen in training, or forecast newer and unseen histories afresh.

    Raises RequestError, ConfigError or DataError where the request cannot be answered.
    """
    horizon = forecasting.horizon_of(artifact, request)
    forecasting.check_frequency(artifact, request)
    if request.series is not None:
        return inline.forecast(artifact, request, request.series, horizon)
    if request.frame is not None and request.partial:
        return apart.forecast(artifact, request, lambda part: _answered(artifact, part, horizon))
    return _answered(artifact, request, horizon)


def _answered(artifact: Artifact, request: ForecastRequest, horizon: int) -> Forecast:
    ready = _ready(artifact, request, horizon)
    answer = forecasting.told(artifact, ready, request.quantiles or artifact.quantiles)
    if request.explain:
        return replace(answer, components=components.columns(artifact, ready.panel, ready.values[..., 0]))
    return answer


def _ready(artifact: Artifact, request: ForecastRequest, horizon: int) -> forecasting.Ready:
    if request.frame is not None:
        request, note = clock.at_trained(artifact, request)
        panel = forecasting.read(artifact, request, horizon)
        known = forecasting.known_positions(artifact, panel)
        history = forecasting.histories(known)
        ready = forecasting.afresh(artifact, panel, known, horizon, history, request.series_limit_s)
        return replace(ready, note=note)
    positions = forecasting.positions_of(artifact, request)
    if horizon <= artifact.horizon:
        return forecasting.look_up(artifact, positions, horizon)
    panel = artifact.panel.take(positions)
    history = np.full(len(panel), "trained", object)
    return forecasting.afresh(artifact, panel, positions, horizon, history, request.series_limit_s)


def _check_horizon(panel: Panel, horizon: int, given: int | None) -> None:
    longest = int(panel.lengths.max())
    if longest <= horizon:
        chosen = "is" if given else "was not given, so it is"
        rows = f"{longest} row{'s' if longest > 1 else ''}"
        message = f"Hyperparameter horizon {chosen} {horizon}, but the longest series has {rows}."
        raise ConfigError(message, f"{'Lower' if given else 'Pass a lower'} horizon, or give longer series.")


def setting_of(panel: Panel, config: Config) -> Setting:
    """Return what a panel decides before anything is learnt; raises ConfigError for an impossible horizon."""
    horizon = config.horizon or panel.frequency.natural_horizon
    _check_horizon(panel, horizon, config.horizon)
    seasons = find_seasons(panel)
    covariates, season = bool(panel.known_names), seasons[0] if seasons else 1
    windows = config.windows or default_windows(panel.lengths, horizon, season, covariates=covariates)
    return Setting(config, seasons, horizon, windows)


def forecasts_of(artifact: Artifact) -> pd.DataFrame:
    """Return the table of an artifact's forecasts."""
    return forecast_table(artifact.panel, artifact.forecasts, artifact.intervals.levels, artifact.quantiles)
