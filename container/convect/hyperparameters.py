"""The declared table of hyperparameters: what the parser, its errors, the README and the platform read."""

from __future__ import annotations

import math
from dataclasses import dataclass

_FORMS = {
    "text": "a text",
    "quantiles": "1 to 99 numbers between 0 and 1 such as 0.1,0.5,0.9",
    "countries": "two-letter country codes such as US or US,DE",
    "schema": "a JSON object",
    "config": "a JSON object",
}


@dataclass(frozen=True)
class Hyperparameter:
    """One setting: `kind` names its reader; bounds are inclusive unless `open_range`; `unset` says what None means."""

    name: str
    kind: str
    default: object
    meaning: str
    unset: str = ""
    minimum: float | None = None
    maximum: float | None = None
    open_range: bool = False
    choices: tuple[str, ...] = ()
    tunable: bool = False

    def admits(self, number: float) -> bool:
        """Say whether a number is within the bounds."""
        low = -math.inf if self.minimum is None else self.minimum
        high = math.inf if self.maximum is None else self.maximum
        return low < number < high if self.open_range else low <= number <= high

    @property
    def expected(self) -> str:
        """What a value must be, as an error sentence and the README say it."""
        if self.choices:
            return f"one of {', '.join(self.choices)}"
        if self.kind not in ("integer", "number"):
            return _FORMS[self.kind]
        noun = "a whole number" if self.kind == "integer" else "a number"
        if self.maximum is None:
            return f"{noun} greater than {self.minimum}" if self.open_range else f"{noun} from {self.minimum}"
        return f"{noun} from {self.minimum} to {self.maximum}"

    @property
    def default_text(self) -> str:
        """The default as a person reads it."""
        if self.default is None or self.default == ():
            return self.unset
        if isinstance(self.default, tuple):
            return ",".join(map(str, self.default))
        return str(self.default)


HYPERPARAMETERS: tuple[Hyperparameter, ...] = (
    Hyperparameter(
        "horizon",
        "integer",
        None,
        "steps to forecast",
        unset="one natural span of the frequency (14 days, 12 months, 24 hours)",
        minimum=1,
        maximum=10_000,
    ),
    Hyperparameter(
        "freq",
        "text",
        None,
        "spacing of the stamps: a pandas alias (`D`, `W-SUN`, `MS`, `15min`) or Autopilot's (`1D`, `1M`)",
        unset="inferred, and said so",
    ),
    Hyperparameter(
        "schema",
        "schema",
        None,
        "the columns by role, each a name or a list: `item_id`, `timestamp`, `target`, `known_covariates`,"
        " `past_covariates`, `static`, `hierarchy`; an Amazon Forecast schema or an Autopilot `TimeSeriesConfig`"
        " is read as it is",
        unset="inferred from usual names, and said so",
    ),
    Hyperparameter(
        "quantiles",
        "quantiles",
        (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        "quantiles to forecast beside the mean; `p10` is read as 0.1",
        minimum=0,
        maximum=1,
        open_range=True,
    ),
    Hyperparameter(
        "preset",
        "choice",
        "balanced",
        "how much is tried",
        choices=("fast", "balanced", "best"),
        tunable=True,
    ),
    Hyperparameter(
        "metric",
        "choice",
        "MASE",
        "what the choice of models minimises",
        choices=("MASE", "sMAPE", "WAPE", "RMSE", "RMSSE", "SQL", "wQL"),
    ),
    Hyperparameter("windows", "integer", None, "backtest windows", unset="from the data", minimum=1, maximum=10),
    Hyperparameter(
        "time_limit",
        "number",
        None,
        "seconds for training; the best answer so far is kept",
        unset="none",
        minimum=0,
        open_range=True,
    ),
    Hyperparameter("holidays", "countries", (), "countries whose public holidays are used, offline", unset="none"),
    Hyperparameter(
        "missing",
        "choice",
        "interpolate",
        'how gaps are filled; Amazon Forecast\'s and Autopilot\'s `{"target": {"middlefill": "zero"}}` is read',
        choices=("interpolate", "zero", "previous", "mean", "median", "min", "max"),
        tunable=True,
    ),
    Hyperparameter(
        "aggregate",
        "choice",
        "sum",
        "how rows of one item and stamp are made one, and rows finer than a stated `freq`; `avg` is read as mean",
        choices=("sum", "mean", "first", "last", "min", "max"),
    ),
    Hyperparameter(
        "seed",
        "integer",
        0,
        "same input and seed, same bytes out",
        minimum=0,
        maximum=2_147_483_647,
    ),
    Hyperparameter(
        "config",
        "config",
        None,
        "any of the above in one JSON object, or an Autopilot `TimeSeriesForecastingJobConfig`; explicit names win",
        unset="none",
    ),
)


def markdown_table() -> str:
    """Return the README's table of hyperparameters: a header, a rule and one row each, without a final newline."""
    rows = ["| name | value | default | meaning |", "|---|---|---|---|"]
    rows += [f"| `{p.name}` | {p.expected} | {p.default_text} | {p.meaning} |" for p in HYPERPARAMETERS]
    return "\n".join(rows)
