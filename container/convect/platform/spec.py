"""What the platform is told about this algorithm: hyperparameters, channels, metric lines, content types."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Any

from convect.config import HYPERPARAMETERS
from convect.errors import AlgorithmError

_NUMBER = r"([-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
_TABLES = ("text/csv", "application/x-parquet", "application/jsonlines")


@dataclass(frozen=True)
class Channel:
    """An input of training."""

    name: str
    meaning: str
    required: bool = False
    content_types: tuple[str, ...] = _TABLES


@dataclass(frozen=True)
class Metric:
    """A number that training prints on a line of its own, found there by `regex`."""

    name: str
    meaning: str

    @property
    def regex(self) -> str:
        """The pattern that finds this metric's line and no other; its one group is the value."""
        return f"metric: {re.escape(self.name)}={_NUMBER}(?![0-9.eE])"


CHANNELS = (
    Channel("train", "the table to forecast: item, stamp, target and, if any, covariates", required=True),
    Channel("related", "covariates by item and stamp, past and future"),
    Channel("static", "attributes that do not change, one row an item"),
)
METRICS = (
    Metric("validation:MASE", "mean absolute scaled error of the chosen forecast in the backtest"),
    Metric("validation:sMAPE", "symmetric mean absolute percentage error"),
    Metric("validation:WAPE", "weighted absolute percentage error"),
    Metric("validation:RMSE", "root mean squared error"),
    Metric("validation:RMSSE", "root mean squared scaled error"),
    Metric("validation:SQL", "scaled quantile loss"),
    Metric("validation:wQL", "weighted quantile loss"),
    Metric("validation:coverage80", "share of actuals between the quantiles 0.1 and 0.9"),
    Metric("train:seconds", "time spent in training, seconds"),
    Metric("train:series", "number of series trained on"),
)
CONTENT_TYPES = {
    "training": _TABLES,
    "request": ("application/json", "text/csv"),
    "answer": ("text/csv",),
}
_NAMES = frozenset(metric.name for metric in METRICS)


def metric_line(name: str, value: float) -> str:
    """Print and return the line of a metric, flushed; a value that is not finite is printed, but no regex finds it.

    Raises AlgorithmError for a name that METRICS does not declare, since nobody would ever find its line.
    """
    if name not in _NAMES:
        raise AlgorithmError(f"Metric '{name}' is not declared.", "Declare it in METRICS.")
    line = f"metric: {name}={value:.6g}"
    print(line, flush=True)
    return line


def metric_definitions() -> list[dict[str, str]]:
    """Return the metrics as a training job's `MetricDefinitions`."""
    return [{"Name": metric.name, "Regex": metric.regex} for metric in METRICS]


def document() -> dict[str, Any]:
    """Return all of it, fit for JSON."""
    return {
        "hyperparameters": [asdict(parameter) for parameter in HYPERPARAMETERS],
        "channels": [asdict(channel) for channel in CHANNELS],
        "metrics": [{**asdict(metric), "regex": metric.regex} for metric in METRICS],
        "content_types": CONTENT_TYPES,
    }


if __name__ == "__main__":
    print(json.dumps(document(), indent=2))
