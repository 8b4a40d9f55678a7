"""Runs the models of the portfolio at every origin, in the order of value per second, until the budget is spent."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, field, replace

import numpy as np

from convect.backtest import Backtest, gather, local_tasks
from convect.config import Config
from convect.models import local, simple
from convect.models.catalogue import PORTFOLIO
from convect.models.features import SeriesTable
from convect.models.local import Predictions
from convect.models.simple import Array, Seasons
from convect.panel import Panel
from convect.training import pooled
from convect.training.remembering import keeper

INTERMITTENT_SHARE = 0.2  # of zeros: more, and the models for intermittent demand are tried
POLL_S = 0.2


@dataclass
class Budget:
    """When to stop: a number of seconds (None = none), or the moment `stop` is set, as on SIGTERM."""

    time_limit_s: float | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    started: float = field(default_factory=time.monotonic)

    def spent(self) -> bool:
        """Whether no more work may begin."""
        over = self.time_limit_s is not None and time.monotonic() - self.started > self.time_limit_s
        return over or self.stop.is_set()


def models_of(preset: str, seasons: Seasons, values: Array) -> list[str]:
    """Return the local models of a preset that suit the seasons and values of a panel, the naive one first."""
    intermittent = float(np.mean(values == 0)) >= INTERMITTENT_SHARE
    suited = [model for model in PORTFOLIO if preset in model.presets and model.suits(seasons)]
    return [model.name for model in suited if intermittent or not model.intermittent]


def run(
    panel: Panel,
    backtest: Backtest,
    table: SeriesTable,
    config: Config,
    *,
    executor: Executor | None,
    budget: Budget,
    progress: Callable[[str], None],
) -> tuple[Backtest, dict[str, pooled.ByWindow]]:
    """Return the backtest with the predictions of every model that finished in time, and what the global ones learnt.

    The naive model always finishes; any other that the budget cuts off is left out as if it did not exist.
    """
    names = models_of(config.preset, table.seasons, panel.values)
    pending = _submit(panel, backtest, table.seasons, names, executor)
    learnt: dict[str, pooled.ByWindow] = {}
    predictions: dict[str, Predictions] = {}
    training = replace(pooled.TRAINING[config.preset], seed=config.seed)
    for variant in pooled.variants_of(config.preset, panel.values):
        keep = keeper(executor)
        found = None if budget.spent() else pooled.run(variant, table, backtest, training, budget.spent, keep)
        if found is not None:
            learnt[variant.name], predictions[variant.name] = found
            progress(_line(variant.name, predictions[variant.name]))
    for name in names:
        results = _collect(pending[name], budget, must_finish=name == simple.NAIVE)
        if results is None:
            progress(f"model {name}: left out, the time limit is reached")
            continue
        predictions[name] = gather(results, backtest.origins)
        progress(_line(name, predictions[name]))
    return replace(backtest, predictions=predictions), learnt


def _line(name: str, predicted: Predictions) -> str:
    return f"model {name}: {predicted.seconds:.1f} CPU-seconds, {int(predicted.fallback.sum())} fallbacks"


Work = Callable[[], Predictions] | Future[Predictions]


def _submit(
    panel: Panel, backtest: Backtest, seasons: Seasons, names: Iterable[str], executor: Executor | None
) -> Mapping[str, list[Work]]:
    pending: dict[str, list[Work]] = {}
    for name in names:
        tasks = local_tasks(panel, backtest.origins, backtest.horizon, seasons, name)
        pending[name] = [executor.submit(local.forecast_chunk, task) if executor else _later(task) for task in tasks]
    return pending


def _later(task: local.Task) -> Callable[[], Predictions]:
    return lambda: local.forecast_chunk(task)


def _collect(work: list[Work], budget: Budget, *, must_finish: bool) -> list[Predictions] | None:
    results = []
    for item in work:
        if budget.spent() and not must_finish:
            _cancel(work)
            return None
        if not isinstance(item, Future):
            results.append(item())
            continue
        while not wait([item], timeout=POLL_S).done:
            if budget.spent() and not must_finish:
                _cancel(work)
                return None
        results.append(item.result())
    return results


def _cancel(work: list[Work]) -> None:
    for item in work:
        if isinstance(item, Future):
            item.cancel()
