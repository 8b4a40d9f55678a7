"""Training on any number of series: learn from a sample of them, then answer for the others part by part."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.answering import cold
from convect.config import Config
from convect.models.simple import NAIVE
from convect.panel import Panel
from convect.pipeline import TrainResult, artifact_of, fit, forecasts_of, setting_of
from convect.quality import QualityReport
from convect.results import backtest_table
from convect.schema import Schema
from convect.training import coverage, ensemble, leaderboard
from convect.training.learning import Answers, Applied, Costs, Learned, apply, learn
from convect.training.portfolio import POLL_S, Budget
from convect.training.scored import scored_of
from convect.training.workers import Here

Integers = NDArray[np.int64]

LEARN_SERIES = 3_000  # more teach no better weights, and have nothing new to say of the intervals
PART_SERIES = 200  # answered for at once by one process
PARTS_AHEAD = 64  # at work or waiting for it at one time
TOLD_EVERY = 0.05  # of the series


def in_parts(
    panel: Panel,
    quality: QualityReport,
    schema: Schema,
    config: Config,
    *,
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: Callable[[str], None] = print,
) -> Iterator[TrainResult]:
    """Train on a panel and yield the result, that of many series in parts, ascending by item.

    Up to LEARN_SERIES, and with groups, whose sums need all items, it is one part. Of more, a sample is learnt from,
    and the leaderboard and the coverage are of the sample, the former with the costs of all, complete in the last part;
    the backtest has every model for the sample, the ensemble for all. Items without history are forecast as
    one of the sample. Raises ConfigError for an impossible horizon.
    """
    budget = budget or Budget(config.time_limit)
    if len(panel) <= LEARN_SERIES or panel.group_names:
        yield fit(panel, quality, schema, config, executor=executor, budget=budget, progress=progress)
        return
    progress(f"data: {len(panel)} items, {len(panel.values)} rows, frequency {panel.frequency.alias}")
    sample = spread_sample(len(panel), LEARN_SERIES, config.seed)
    progress(f"learning from {len(sample)} of them")
    taught = panel.take(sample)
    lesson = learn(taught, setting_of(panel, config), executor=executor, budget=budget, progress=progress)
    board = leaderboard.table(lesson.backtest, lesson.weights, lesson.judged)
    honest = coverage.table(taught, scored_of(lesson.backtest, lesson.judged))
    tables = [backtest_table(taught, lesson.backtest, lesson.judged, config.quantiles)]
    learned, own, nothing = lesson.learned, lesson.answers, tables[0].head(0).copy()
    new = cold.answered(artifact_of(taught, schema, learned, own), panel) if len(panel.cold_ids) else None
    del taught, lesson  # the rest of it is many times as large
    panel = replace(panel, cold_ids=panel.cold_ids[:0], cold_static=None)
    parts = [_Part.of(panel, first, sample) for first in range(0, len(panel), PART_SERIES)]
    told = _Told(len(panel), progress)
    for part, applied in _applied(panel, parts, learned, executor, budget):
        answers = part.whole(applied, own)
        artifact = artifact_of(part.all_of(panel), schema, learned, answers)
        artifact = cold.joined(artifact, new.take(part.among(panel, new.panel))) if new else artifact
        if applied is not None:
            tables.append(backtest_table(part.others_of(panel), applied.backtest, applied.judged, config.quantiles))
            _add_costs(board, applied.costs)
        told.add(len(part.own))
        backtest = pd.concat(tables, ignore_index=True) if tables else nothing
        yield TrainResult(artifact, forecasts_of(artifact), board, backtest, quality, honest)
        tables = []


def spread_sample(items: int, size: int, seed: int) -> Integers:
    """Return positions (size,), ascending: one drawn from each of `size` equal stretches of the items."""
    edges = np.linspace(0, items, size + 1).astype(np.int64)
    return np.random.default_rng(seed).integers(edges[:-1], edges[1:])


@dataclass(frozen=True)
class _Part:
    """Neighbouring items from position `first` on; own: (m,) True for those of the sample, in it from `place` on."""

    first: int
    own: NDArray[np.bool_]
    place: int

    @classmethod
    def of(cls, panel: Panel, first: int, sample: Integers) -> _Part:
        """Return the part that begins at a position."""
        last = min(first + PART_SERIES, len(panel))
        low, high = np.searchsorted(sample, [first, last]).tolist()
        own = np.zeros(last - first, bool)
        own[sample[low:high] - first] = True
        return cls(first, own, low)

    def all_of(self, panel: Panel) -> Panel:
        """Return its items, as views."""
        return panel.between(self.first, self.first + len(self.own))

    def others_of(self, panel: Panel) -> Panel:
        """Return those of its items that were not in the sample."""
        items = self.all_of(panel)
        return items.take(~self.own) if self.own.any() else items

    def among(self, panel: Panel, new: Panel) -> NDArray[np.bool_]:
        """Return which of the new items (c,) stand among its own, the first and the last part being open."""
        last, ids = self.first + len(self.own), new.item_ids.astype(str)
        found = np.ones(len(new), bool) if not self.first else ids >= str(panel.item_ids[self.first])
        return found if last == len(panel) else found & (ids < str(panel.item_ids[last]))

    def whole(self, applied: Applied | None, own: Answers) -> Answers:
        """Return the answers for all its items, those of the sample as they were when it was learnt from."""
        known = own.take(self.place + np.arange(self.own.sum()))
        if applied is None:
            return known
        return Answers.joined([applied.answers, known], np.argsort(self.own, kind="stable").argsort())


def _applied(
    panel: Panel, parts: Sequence[_Part], learned: Learned, executor: Executor | None, budget: Budget
) -> Iterator[tuple[_Part, Applied | None]]:
    """Yield the parts in their order, each with what was learnt applied to it; None where the sample is all of it."""
    workers = executor or Here()
    models = _models(learned, budget)
    waiting: deque[tuple[_Part, Future[Applied] | None]] = deque()
    left = deque(parts)

    def begin(part: _Part) -> tuple[_Part, Future[Applied] | None]:
        return part, None if part.own.all() else workers.submit(apply, part.others_of(panel), learned, models)

    while left or waiting:
        if models != (models := _models(learned, budget)):
            waiting = deque(begin(part) if job and job.cancel() else (part, job) for part, job in waiting)
        while left and len(waiting) < (PARTS_AHEAD if executor else 1):
            waiting.append(begin(left.popleft()))
            if (begun := waiting[-1][1]) and begun.done():  # kept by a checkpoint: memory is for few of them
                break
        part, job = waiting[0]
        if job is None or wait([job], timeout=POLL_S).done:
            waiting.popleft()
            yield part, job.result() if job else None


def _models(learned: Learned, budget: Budget) -> frozenset[str]:
    """What may still run: everything; once the time is spent no local model but the cheapest; at SIGTERM that alone."""
    if not budget.spent():
        return frozenset(learned.weights.models)
    return frozenset([NAIVE] if budget.stop.is_set() else [NAIVE, *learned.models])


def _add_costs(board: pd.DataFrame, costs: Costs) -> None:
    """Add to the leaderboard what the models cost and how often they failed on further series."""
    for name, (seconds, fallbacks) in costs.items():
        board.loc[board["model"].isin([name, ensemble.NAME]), "cpu_seconds"] += seconds
        board.loc[board["model"] == name, "fallbacks"] += fallbacks


class _Told:
    """Says now and then how many series are done."""

    def __init__(self, items: int, progress: Callable[[str], None]) -> None:
        self._items, self._progress = items, progress
        self._done = self._said = 0

    def add(self, items: int) -> None:
        """Count series; says so at every twentieth of all."""
        self._done += items
        if self._done - self._said >= TOLD_EVERY * self._items or self._done == self._items:
            self._said = self._done
            self._progress(f"forecast {self._done} of {self._items} items")
