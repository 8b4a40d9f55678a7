from __future__ import annotations

import json
from typing import Any

import pytest

from convect.config import Config
from convect.errors import ConfigError
from convect.schema import Schema

AMAZON = {
    "Attributes": [
        {"AttributeName": "store", "AttributeType": "string"},
        {"AttributeName": "timestamp", "AttributeType": "timestamp"},
        {"AttributeName": "target_value", "AttributeType": "float"},
        {"AttributeName": "price", "AttributeType": "float"},
        {"AttributeName": "item_id", "AttributeType": "string"},
    ]
}
TIME_SERIES_CONFIG = {
    "TargetAttributeName": "demand",
    "TimestampAttributeName": "when",
    "ItemIdentifierAttributeName": "sku",
    "GroupingAttributeNames": ["store", "region"],
}


def read(**raw: object) -> Config:
    return Config.from_hyperparameters(raw)


def message(**raw: object) -> str:
    with pytest.raises(ConfigError) as caught:
        read(**raw)
    return str(caught.value).removeprefix("UserError [config]: ")


# --- schemas


def test_amazon_forecast_schema() -> None:
    expected = Schema("timestamp", "target_value", item_id=("item_id", "store"), known_covariates=("price",))
    assert Schema.parse(AMAZON) == expected


def test_amazon_forecast_domain_names() -> None:
    kinds = {
        "workforce_type": "string",
        "timestamp": "timestamp",
        "workforce_demand": "integer",
        "place": "geolocation",
    }
    schema = Schema.parse({"Attributes": [{"AttributeName": k, "AttributeType": v} for k, v in kinds.items()]})
    assert schema == Schema("timestamp", "workforce_demand", item_id=("workforce_type", "place"))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("x", "The schema's Attributes must be a list of JSON objects; found 'x'. Correct its form."),
        (
            [{"AttributeName": "a", "AttributeType": "number"}],
            "A schema attribute needs an AttributeName and a known AttributeType; found {'AttributeName': 'a', "
            "'AttributeType': 'number'}. Use one of the types string, integer, float, timestamp, geolocation.",
        ),
        (
            [{"AttributeNam": "a"}],
            "A schema attribute has an unknown key 'AttributeNam'. Did you mean 'AttributeName'? "
            "Known: AttributeName, AttributeType.",
        ),
        (
            [{"AttributeName": name, "AttributeType": "timestamp"} for name in "ab"],
            "The Amazon Forecast schema has 2 timestamp attributes. Keep one.",
        ),
    ],
)
def test_amazon_forecast_refusals(attributes: object, expected: str) -> None:
    assert message(schema={"Attributes": attributes}) == expected


def test_autopilot_time_series_config() -> None:
    assert Schema.parse(TIME_SERIES_CONFIG) == Schema("when", "demand", item_id=("sku", "store", "region"))


def test_autopilot_unknown_key() -> None:
    found = message(schema={**TIME_SERIES_CONFIG, "TargetName": "y"})
    assert found.startswith("A TimeSeriesConfig has an unknown key 'TargetName'. Did you mean 'TargetAttributeName'?")


# --- fill and aggregation methods


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("middlefill", 'missing=middlefill says where, not how. Pass for example {"middlefill": "zero"}.'),
        (
            '{"y": {"middlefill": "zero", "backfill": "mean"}}',
            'missing needs one method for all gaps; found mean, zero. Pass for example {"middlefill": "zero"}.',
        ),
        ("{}", "missing is set for 0 columns; only gaps of the target are filled. Keep the target's entry alone."),
        (
            '{"y": {"middlefill": "zero"}, "price": {"middlefill": "mean"}}',
            "missing is set for 2 columns; only gaps of the target are filled. Keep the target's entry alone.",
        ),
        (
            '{"frontfill": "zero"}',
            "missing: frontfill is not done; a series starts at its first value. Remove frontfill.",
        ),
        ('{"futurefill": "zero"}', "missing: futurefill is not done; it is for covariates. Remove futurefill."),
        (
            '{"middlefill": "value", "middlefill_value": "7"}',
            "missing: gaps are not filled with a fixed value other than 0. Use zero, mean or median.",
        ),
        (
            '{"y": "zero"}',
            "missing must be a JSON object; found 'zero'. See the README's hyperparameter table.",
        ),
    ],
)
def test_fill_methods_that_do_not_map(text: str, expected: str) -> None:
    assert message(missing=text) == expected


def test_aggregation_of_covariates_is_refused() -> None:
    assert message(aggregate='{"y": "sum", "x": "sum"}') == (
        "aggregate is set for 2 columns; only the target is aggregated. Keep the target's entry alone."
    )


# --- a whole job config

AUTOPILOT: dict[str, Any] = {
    "ForecastFrequency": "1D",
    "ForecastHorizon": 30,
    "ForecastQuantiles": ["p10", "p50", "p90"],
    "Transformations": {
        "Filling": {"demand": {"middlefill": "zero", "backfill": "zero"}},
        "Aggregation": {"demand": "avg"},
    },
    "TimeSeriesConfig": {
        "TargetAttributeName": "demand",
        "TimestampAttributeName": "ts",
        "ItemIdentifierAttributeName": "sku",
    },
    "HolidayConfig": [{"CountryCode": "US"}],
    "CompletionCriteria": {"MaxAutoMLJobRuntimeInSeconds": 600},
}  # fmt: skip


@pytest.mark.parametrize("value", [AUTOPILOT, {"TimeSeriesForecastingJobConfig": AUTOPILOT}])
def test_a_whole_autopilot_job_config(value: dict[str, Any]) -> None:
    assert read(config=json.dumps(value)) == Config(
        horizon=30,
        freq="1D",
        schema={"item_id": ["sku"], "timestamp": "ts", "target": "demand"},
        quantiles=(0.1, 0.5, 0.9),
        time_limit=600.0,
        holidays=("US",),
        missing="zero",
        aggregate="mean",
    )


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        (
            {"CandidateGenerationConfig": {}},
            "CandidateGenerationConfig has no counterpart here. Remove it; the models are chosen by backtest, and "
            "preset says how many are tried.",
        ),
        (
            {"FeatureSpecificationS3Uri": "s3://b/k"},
            "FeatureSpecificationS3Uri has no counterpart here. Name the covariates in the schema instead.",
        ),
        (
            {"CompletionCriteria": {"MaxCandidates": 3}},
            "MaxCandidates has no counterpart here. Remove it; preset says how many models are tried.",
        ),
        (
            {"CompletionCriteria": {"MaxRuntimePerTrainingJobInSeconds": 3}},
            "MaxRuntimePerTrainingJobInSeconds has no counterpart here. Use MaxAutoMLJobRuntimeInSeconds, which "
            "becomes time_limit.",
        ),
        (
            {"Transformations": {"Fill": {}}},
            "Transformations has an unknown key 'Fill'. Did you mean 'Filling'? Known: Filling, Aggregation.",
        ),
        (
            {"Transformations": {"Filling": {"price": {"middlefill": "zero"}}}},
            "Transformations name column 'price', but only the target 'demand' is filled. Remove that entry; gaps of "
            "covariates are left empty.",
        ),
        (
            {"Transformations": {"Aggregation": {"demand": "sum", "price": "avg"}}},
            "Transformations name column 'price', but only the target 'demand' is aggregated. Remove that entry; "
            "gaps of covariates are left empty.",
        ),
        (
            {"HolidayConfig": {"CountryCode": "US"}},
            "HolidayConfig must be a list of JSON objects; found {'CountryCode': 'US'}. Correct its form.",
        ),
    ],
)
def test_parts_of_autopilot_that_do_not_map(extra: dict[str, Any], expected: str) -> None:
    assert message(config=json.dumps({**AUTOPILOT, **extra})) == expected


def test_autopilot_and_own_names_do_not_mix() -> None:
    found = message(config=json.dumps({**AUTOPILOT, "horizon": 3}))
    assert found.startswith("A TimeSeriesForecastingJobConfig has an unknown key 'horizon'.")
