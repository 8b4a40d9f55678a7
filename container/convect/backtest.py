"""Every model at every origin: those of the backtest and the last one, computed side by side, model after model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convect import metrics
from convect.folds import Fold
from convect.models import local
from convect.models.catalogue import MODELS
from convect.models.local import Predictions
from convect.models.simple import Array, Seasons
from convect.panel import Panel

CHUNK_SERIES = 32
QUICK_CHUNKS = 32  # in one task of a model that fits nothing, which takes as long as one of a model that does
Index = NDArray[np.int64]


@dataclass(frozen=True)
class Origins:
    """Where forecasts start: first the r rows of the backtest's folds, then one row for each of the n items.

    items, ends, windows: (r + n,); windows counts 1 for the newest fold, 2 for the one before, 0 for the last origin.
    """

    items: Index
    ends: Index
    windows: Index

    @classmethod
    def of(cls, lengths: Index, folds: list[Fold]) -> Origins:
        """Put the folds and the final origin of every item together."""
        parts = [(fold.items, fold.ends, window + 1) for window, fold in enumerate(folds)]
        parts.append((np.arange(len(lengths)), np.asarray(lengths, np.int64), 0))
        items, ends = (np.concatenate([part[k] for part in parts]).astype(np.int64) for k in (0, 1))
        return cls(items, ends, np.concatenate([np.full(len(part[0]), part[2]) for part in parts]))

    @cached_property
    def past(self) -> Index:
        """Positions of the rows that the backtest scores."""
        return np.flatnonzero(self.windows > 0)

    @cached_property
    def last(self) -> Index:
        """Positions of the rows that forecast the future, in the order of the items."""
        return np.flatnonzero(self.windows == 0)


@dataclass(frozen=True)
class Backtest:
    """What every model said at every origin, and what happened after those of the past.

    actual: (r, h); scale, scale_squared: (r,) denominators of MASE and RMSSE there; size: (r,) the mean |value|;
    still: (r,) the one value of a history that never changed, NaN of others; predictions: by model, (r + n, h) each, in
    the order of `origins`.
    """

    origins: Origins
    horizon: int
    actual: Array
    scale: Array
    scale_squared: Array
    size: Array
    still: Array
    predictions: Mapping[str, Predictions] = field(default_factory=dict)

    def past(self, model: str) -> Array:
        """The forecasts (r, h) that can be scored."""
        return self.predictions[model].mean[self.origins.past]

    def last(self, model: str) -> Array:
        """The forecasts (n, h) of the future."""
        return self.predictions[model].mean[self.origins.last]

    @property
    def states(self) -> dict[str, Array | None]:
        """What each model fitted to the whole of each history, (n, K) or None."""
        found = {name: one.state for name, one in self.predictions.items()}
        return {name: None if state is None else state[self.origins.last] for name, state in found.items()}


def prepare(panel: Panel, folds: list[Fold], horizon: int, season: int) -> Backtest:
    """Lay out the origins of a panel with the actuals and scales of the past ones; no model has run yet."""
    origins = Origins.of(panel.lengths, folds)
    items, ends = origins.items[origins.past], origins.ends[origins.past]
    base = panel.offsets[items] + ends
    actual = panel.values[base[:, None] + np.arange(horizon)]
    histories = [panel.series(item)[:end] for item, end in zip(items, ends, strict=True)]
    scale = np.array([metrics.seasonal_scale(history, season) for history in histories])
    squared = np.array([metrics.seasonal_scale_squared(history, season) for history in histories])
    size = np.array([metrics.typical_size(history) for history in histories])
    still = np.array([history[-1] if history.min() == history.max() else np.nan for history in histories])
    return Backtest(origins, horizon, actual, scale, squared, size, still)


def local_tasks(
    panel: Panel, origins: Origins, horizon: int, seasons: Seasons, model: str, size: int | None = None
) -> Iterator[local.Task]:
    """Cut the work of one model into tasks of a few series (`size`), each with only the rows that the model sees.

    Of a model that fits nothing a task has many more, for where tasks differ in length by hundreds their number says
    nothing of the work, and the small ones are but messages.
    """
    quick = callable(MODELS[model].build(seasons))
    size = size or CHUNK_SERIES * (QUICK_CHUNKS if quick else 1)
    order = np.argsort(origins.items, kind="stable")
    bounds = np.searchsorted(origins.items[order], np.arange(len(panel) + 1))
    ends_of = [origins.ends[order[bounds[i] : bounds[i + 1]]] for i in range(len(panel))]
    cap = local.cap_rows(seasons)
    for start in range(0, len(panel), size):
        chunk = range(start, min(start + size, len(panel)))
        first = [max(0, int(ends_of[i].min()) - cap) for i in chunk]
        histories = [panel.series(i)[f:] for i, f in zip(chunk, first, strict=True)]
        ends = [(ends_of[i] - f).tolist() for i, f in zip(chunk, first, strict=True)]
        yield local.Task(model, histories, ends, horizon, seasons)


def gather(results: list[Predictions], origins: Origins) -> Predictions:
    """Put the chunks of one model back into the order of the origins."""
    place = np.argsort(origins.items, kind="stable")
    back = np.argsort(place)

    def ordered(parts: list[Any]) -> Any:  # noqa: ANN401 - floats and booleans alike
        return np.concatenate(parts)[back]

    states = [r.state for r in results if r.state is not None]
    return Predictions(
        ordered([r.mean for r in results]),
        ordered([r.spread for r in results]),
        ordered([r.fallback for r in results]),
        sum(r.seconds for r in results),
        ordered(states) if len(states) == len(results) else None,
    )
