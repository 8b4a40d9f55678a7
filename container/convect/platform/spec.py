"""What the platform is told about this algorithm: hyperparameters, channels, metric lines, content types."""

from __future__ import annotations

import re
from dataclasses import dataclass

from convect.errors import AlgorithmError
from convect.serving import media

_NUMBER = r"([-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)"
TABLE_TYPES = ("text/csv", "application/x-parquet", "application/jsonlines")


@dataclass(frozen=True)
class Channel:
    """An input of training; `modes` and `compressions` are in the words of SageMaker's API."""

    name: str
    meaning: str
    required: bool = False
    content_types: tuple[str, ...] = TABLE_TYPES
    modes: tuple[str, ...] = ("File", "FastFile", "Pipe")
    compressions: tuple[str, ...] = ("None", "Gzip")


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
    Channel("test", "what happened after the end of `train`, to score the forecasts with; whole series are fine"),
    Channel(
        "model",
        "the `model.tar.gz` of an earlier job: fitted anew to `train`, without a search",
        content_types=("application/x-gzip", "application/x-sagemaker-model"),
        modes=("File", "FastFile"),
        compressions=("None",),
    ),
)
_SCORES = {
    "MASE": "mean absolute scaled error",
    "sMAPE": "symmetric mean absolute percentage error",
    "WAPE": "weighted absolute percentage error",
    "RMSE": "root mean squared error",
    "RMSSE": "root mean squared scaled error",
    "SQL": "scaled quantile loss",
    "wQL": "weighted quantile loss",
    "coverage80": "share of actuals between the quantiles 0.1 and 0.9",
}
METRICS = (
    *(Metric(f"validation:{name}", f"{meaning} in the backtest") for name, meaning in _SCORES.items()),
    *(Metric(f"test:{name}", f"{meaning} on channel `test`") for name, meaning in _SCORES.items()),
    Metric("train:seconds", "time spent in training, seconds"),
    Metric("train:series", "number of series trained on"),
)
OBJECTIVES = tuple(f"{split}:{name}" for split in ("validation", "test") for name in _SCORES if name != "coverage80")
CONTENT_TYPES = {
    "training": TABLE_TYPES,
    "request": (media.CSV, media.JSON, media.JSON_LINES, media.PARQUET),
    "answer": media.OFFERED,
}
NAMES = frozenset(metric.name for metric in METRICS)


def metric_line(name: str, value: float) -> str:
    """Print and return the line of a metric, flushed; a value that is not finite is printed, but no regex finds it.

    Raises AlgorithmError for a name that METRICS does not declare, since nobody would ever find its line.
    """
    if name not in NAMES:
        raise AlgorithmError(f"Metric '{name}' is not declared.", "Declare it in METRICS.")
    line = f"metric: {name}={value:.6g}"
    print(line, flush=True)
    return line


def metric_definitions() -> list[dict[str, str]]:
    """Return the metrics as a training job's `MetricDefinitions`."""
    return [{"Name": metric.name, "Regex": metric.regex} for metric in METRICS]


def channel_table() -> str:
    """Return the README's table of channels: a header, a rule and one row each, without a final newline."""
    rows = ["| channel | what | modes |", "|---|---|---|"]
    for channel in CHANNELS:
        needed = " (required)" if channel.required else ""
        rows.append(f"| `{channel.name}`{needed} | {channel.meaning} | {', '.join(channel.modes)} |")
    return "\n".join(rows)


def metric_table() -> str:
    """Return the README's table of metrics; one row for what is told of the backtest and of channel `test` alike."""
    rows = [f"| `validation:{name}`, `test:{name}` | {meaning} |" for name, meaning in _SCORES.items()]
    rows += [f"| `{metric.name}` | {metric.meaning} |" for metric in METRICS if metric.name.startswith("train:")]
    return "\n".join(["| metric | what |", "|---|---|", *rows])


if __name__ == "__main__":
    from convect.platform.algorithm import main

    main()
