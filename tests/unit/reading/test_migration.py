"""The table of what becomes what, held against the services' own API models and against the readers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import botocore.session
import pytest

from convect.config import DEFAULTS, Config
from convect.errors import ConfigError
from convect.platform.spec import CHANNELS
from convect.reading.datasets import dataset, group_roles
from convect.reading.migration import AUTOPILOT, DEEPAR, FORECAST, PARTS, markdown_table
from convect.reading.records import record_roles
from convect.schema import ROLES

SESSION = botocore.session.get_session()
BY_NAME = {(part.service, part.theirs): part for part in PARTS}
AUTOPILOT_EXAMPLES: dict[str, Any] = {
    "ForecastFrequency": "1D",
    "ForecastHorizon": 3,
    "ForecastQuantiles": ["p10"],
    "TimeSeriesConfig.TargetAttributeName": "y",
    "TimeSeriesConfig.TimestampAttributeName": "ds",
    "TimeSeriesConfig.ItemIdentifierAttributeName": "sku",
    "TimeSeriesConfig.GroupingAttributeNames": ["store"],
    "Transformations.Filling": {"y": {"middlefill": "zero", "backfill": "zero"}},
    "Transformations.Aggregation": {"y": "avg"},
    "HolidayConfig.CountryCode": [{"CountryCode": "US"}],
    "CompletionCriteria.MaxAutoMLJobRuntimeInSeconds": 60,
    "CompletionCriteria.MaxCandidates": 3,
    "CompletionCriteria.MaxRuntimePerTrainingJobInSeconds": 3,
    "FeatureSpecificationS3Uri": "s3://bucket/key",
    "CandidateGenerationConfig.AlgorithmsConfig.AutoMLAlgorithms": {},
}

DEEPAR_JOB = {  # every hyperparameter of its developer guide
    "context_length": "30",
    "epochs": "20",
    "prediction_length": "7",
    "time_freq": "D",
    "cardinality": "auto",
    "dropout_rate": "0.1",
    "early_stopping_patience": "10",
    "embedding_dimension": "10",
    "learning_rate": "0.001",
    "likelihood": "student-T",
    "mini_batch_size": "128",
    "num_cells": "40",
    "num_dynamic_feat": "auto",
    "num_eval_samples": "100",
    "num_layers": "2",
    "test_quantiles": "[0.5, 0.9]",
}


def leaves(shape: Any, path: str = "") -> Iterator[str]:
    if shape.type_name == "list" and shape.member.type_name == "structure":
        yield from leaves(shape.member, path)
    elif shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from leaves(member, f"{path}.{name}".lstrip("."))
    else:
        yield path


def example(path: str) -> dict[str, Any]:
    """A job configuration of this one part."""
    first, *rest = path.split(".")
    value = AUTOPILOT_EXAMPLES[path]
    if not rest or (isinstance(value, list) and isinstance(value[0], dict)) or len(rest) > 1:
        return {first: value}
    return {first: {rest[0]: value}}


def test_every_part_of_an_autopilot_configuration_is_in_the_table() -> None:
    shape = SESSION.get_service_model("sagemaker").shape_for("TimeSeriesForecastingJobConfig")
    assert {part.theirs for part in PARTS if part.service == AUTOPILOT} == set(leaves(shape))


@pytest.mark.parametrize("path", AUTOPILOT_EXAMPLES)
def test_autopilot_is_read_or_refused_as_the_table_says(path: str) -> None:
    ours = BY_NAME[AUTOPILOT, path].ours
    if not ours:
        with pytest.raises(ConfigError, match="has no counterpart here"):
            Config.from_hyperparameters({"config": example(path)})
        return
    config = Config.from_hyperparameters({"config": json.dumps(example(path))})
    changed = {name for name, value in DEFAULTS.items() if name != "config" and getattr(config, name) != value}
    assert changed == ({"schema"} if ours in ROLES else {ours})
    if ours in ROLES:
        assert list(config.schema or {}) == [ours]


def test_every_type_of_amazon_forecast_is_in_the_table() -> None:
    model = SESSION.get_service_model("forecast")
    known = {part.theirs for part in PARTS if part.service == FORECAST}
    assert {*model.shape_for("AttributeType").enum, *model.shape_for("DatasetType").enum} <= known
    assert known - {*model.shape_for("AttributeType").enum, *model.shape_for("DatasetType").enum} <= set(
        model.shape_for("CreateDatasetRequest").members
    )


@pytest.mark.parametrize("kind", ["string", "geolocation", "timestamp", "integer", "float"])
def test_an_attribute_has_the_role_that_the_table_says(kind: str) -> None:
    attributes = [
        {"AttributeName": "target_value", "AttributeType": "float"},
        {"AttributeName": "x", "AttributeType": kind},
    ]
    roles = group_roles({"train": dataset({"Attributes": attributes}, "train")})
    held = {role for role, names in roles.items() if "x" in (names if isinstance(names, list) else [names])}
    assert held == {BY_NAME[FORECAST, kind].ours}


@pytest.mark.parametrize("kind", ["TARGET_TIME_SERIES", "RELATED_TIME_SERIES", "ITEM_METADATA"])
def test_a_dataset_belongs_to_the_channel_that_the_table_says(kind: str) -> None:
    value = {"DatasetType": kind, "Schema": {"Attributes": []}}
    for channel in (channel.name for channel in CHANNELS if channel.name in ("train", "related", "static")):
        if channel == BY_NAME[FORECAST, kind].ours:
            assert dataset(value, channel).kind == channel
        else:
            with pytest.raises(ConfigError):
                dataset(value, channel)


def test_deepar_s_fields_have_the_roles_that_the_table_says() -> None:
    roles = record_roles(["item_id", "timestamp", "target", "feat_0", "cat_0"])
    found = {name: next(role for role, names in roles.items() if column in names) for name, column in
             (("start", "timestamp"), ("target", "target"), ("cat", "cat_0"), ("dynamic_feat", "feat_0"))}  # fmt: skip
    assert found == {name: BY_NAME[DEEPAR, name].ours for name in found}


def test_deepar_s_hyperparameters_are_those_of_its_guide() -> None:
    """Hyperparameters are texts in a job; each of DeepAR's becomes what the table says, or nothing."""
    rows = {part.theirs: part.ours for part in PARTS if part.service == DEEPAR and part.note.startswith("as hyper")}
    (idle,) = (part.theirs.split(", ") for part in PARTS if part.ours is None)
    assert {*rows, *idle} == set(DEEPAR_JOB)
    config = Config.from_hyperparameters(DEEPAR_JOB)
    changed = {name for name, value in DEFAULTS.items() if name != "config" and getattr(config, name) != value}
    assert changed == set(rows.values())


def test_the_table_has_a_row_for_each_part() -> None:
    rows = markdown_table().splitlines()
    assert len(rows) == len(PARTS) + 2
    assert {row.count("|") for row in rows} == {5}
