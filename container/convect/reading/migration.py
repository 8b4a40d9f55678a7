"""What of Amazon Forecast, Autopilot and DeepAR becomes what here, and what is refused: one declared table."""

from __future__ import annotations

from dataclasses import dataclass

from convect.reading import deepar

FORECAST, AUTOPILOT, DEEPAR = "Amazon Forecast", "Autopilot", "DeepAR"


@dataclass(frozen=True)
class Part:
    """A part of another service's input; `ours` is the setting, role or channel it becomes.

    It is "" where the part is refused, None where it is read and has no effect.
    """

    service: str
    theirs: str
    ours: str | None
    note: str = ""


PARTS = (
    Part(FORECAST, "Schema", "schema", "as hyperparameter, or a JSON file beside the data; then files need no header"),
    Part(FORECAST, "TARGET_TIME_SERIES", "train"),
    Part(FORECAST, "RELATED_TIME_SERIES", "related", "each column beside item and stamp is a known covariate"),
    Part(FORECAST, "ITEM_METADATA", "static", "each column beside the item is static"),
    Part(FORECAST, "string", "item_id", "of the target table: all together are the item, joined with `/`"),
    Part(FORECAST, "geolocation", "item_id", "as a string; no weather is looked up"),
    Part(FORECAST, "timestamp", "timestamp"),
    Part(FORECAST, "integer", "known_covariates", "but for the target: `target_value` or its domain's name"),
    Part(FORECAST, "float", "known_covariates", "as integer"),
    Part(FORECAST, "DataFrequency", "freq", "of a dataset as CreateDataset takes or DescribeDataset tells it"),
    Part(AUTOPILOT, "ForecastFrequency", "freq"),
    Part(AUTOPILOT, "ForecastHorizon", "horizon"),
    Part(AUTOPILOT, "ForecastQuantiles", "quantiles", "`p10` is 0.1; the mean is always there"),
    Part(AUTOPILOT, "TimeSeriesConfig.TargetAttributeName", "target"),
    Part(AUTOPILOT, "TimeSeriesConfig.TimestampAttributeName", "timestamp"),
    Part(AUTOPILOT, "TimeSeriesConfig.ItemIdentifierAttributeName", "item_id"),
    Part(AUTOPILOT, "TimeSeriesConfig.GroupingAttributeNames", "item_id", "joined to the item with `/`"),
    Part(
        AUTOPILOT,
        "Transformations.Filling",
        "missing",
        "of the target, one method for `middlefill` and `backfill`; `frontfill`, `futurefill`, fixed values but 0 and"
        " covariates are refused",
    ),
    Part(
        AUTOPILOT,
        "Transformations.Aggregation",
        "aggregate",
        "of the target, `avg` is mean; also of a table finer than `ForecastFrequency`; covariates are refused",
    ),
    Part(AUTOPILOT, "HolidayConfig.CountryCode", "holidays"),
    Part(AUTOPILOT, "CompletionCriteria.MaxAutoMLJobRuntimeInSeconds", "time_limit"),
    Part(AUTOPILOT, "CompletionCriteria.MaxCandidates", "", "`preset` says how many models are tried"),
    Part(AUTOPILOT, "CompletionCriteria.MaxRuntimePerTrainingJobInSeconds", "", "use the limit of the whole job"),
    Part(AUTOPILOT, "FeatureSpecificationS3Uri", "", "name the covariates in `schema`; unnamed columns are not used"),
    Part(AUTOPILOT, "CandidateGenerationConfig.AlgorithmsConfig.AutoMLAlgorithms", "", "models are chosen by backtest"),
    Part(DEEPAR, "start", "timestamp", "its first; `time_freq` says the step"),
    Part(DEEPAR, "target", "target", '`null` and `"NaN"` are missing'),
    Part(DEEPAR, "cat", "static", "as columns `cat_0`, `cat_1`, …"),
    Part(
        DEEPAR,
        "dynamic_feat",
        "known_covariates",
        "as columns `feat_0`, `feat_1`, …; what is longer than `target` is the future",
    ),
    *(Part(DEEPAR, theirs, ours, "as hyperparameter") for theirs, ours in deepar.OURS.items()),
    Part(
        DEEPAR,
        ", ".join(deepar.IDLE),
        None,
        "hyperparameters of its network, named in the log; `cat` and `dynamic_feat` are used even with `ignore`",
    ),
)


def markdown_table() -> str:
    """Return the README's table: a header, a rule and one row a part, without a final newline."""
    rows = ["| service | theirs | here | |", "|---|---|---|---|"]
    for part in PARTS:
        here = "no effect" if part.ours is None else f"`{part.ours}`" if part.ours else "refused"
        rows.append(f"| {part.service} | `{part.theirs}` | {here} | {part.note} |")
    return "\n".join(rows)
