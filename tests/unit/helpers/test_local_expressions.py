"""The language of a pipeline's JSON: what is resolved, compared and refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers.local.expressions import Known, holds, needs, parsed, resolve

KNOWN = Known(
    {"Place": "s3://b", "Count": 3},
    {"s3://b/out/seen.json": '{"a": {"b": [1, 2.5]}}'}.__getitem__,
    {
        "Train": {"ModelArtifacts": {"S3ModelArtifacts": "s3://b/m.tar.gz"}, "Scores": [{"Value": 0.5}]},
        "Look": {"ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": {"S3Uri": "s3://b/out"}}]}},
    },
    {"Look.Seen": "s3://b/out/seen.json"},
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("plain", "plain"),
        ({"Get": "Parameters.Count"}, 3),
        ({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}, "s3://b/m.tar.gz"),
        ({"Get": "Steps.Train.Scores[0].Value"}, 0.5),
        ({"Get": "Steps.Look.ProcessingOutputConfig.Outputs['o'].S3Output.S3Uri"}, "s3://b/out"),
        ({"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.Place"}, "x", 1]}}, "s3://b/x/1"),
        ({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.Look.PropertyFiles.Seen"}, "Path": "a.b[1]"}}, 2.5),
        ([{"a": {"Get": "Parameters.Place"}}, 1], [{"a": "s3://b"}, 1]),
    ],
)
def test_expressions_are_resolved(value: Any, found: Any) -> None:
    assert resolve(value, KNOWN) == found


@pytest.mark.parametrize(
    ("kind", "three_and", "true"),
    [
        ("Equals", 3, True),
        ("Equals", 4, False),
        ("GreaterThan", 3, False),
        ("GreaterThanOrEqualTo", 3, True),
        ("LessThan", 4, True),
        ("LessThanOrEqualTo", 2, False),
    ],
)
def test_conditions_are_compared(kind: str, three_and: int, true: bool) -> None:
    condition = {"Type": kind, "LeftValue": {"Get": "Parameters.Count"}, "RightValue": three_and}
    assert holds(condition, KNOWN) is true
    assert holds({"Type": "Not", "Condition": condition}, KNOWN) is not true
    assert holds({"Type": "Or", "Conditions": [condition, condition]}, KNOWN) is true
    values = [{"Get": "Parameters.Count"}, 5]
    assert holds({"Type": "In", "QueryValue": three_and, "Values": values}, KNOWN) is (three_and == 3)


def test_a_step_needs_what_it_names_and_what_it_refers_to() -> None:
    step = {"Name": "Z", "DependsOn": ["A"], "Arguments": {"x": [{"Get": "Steps.B.y"}], "z": {"Get": "Parameters.C"}}}
    assert needs(step) == {"A", "B"}


def definition(*steps: dict[str, Any], **changes: Any) -> str:
    whole = {"Version": "2020-12-01", "Parameters": [{"Name": "P", "Type": "String"}], "Steps": list(steps)}
    return json.dumps({**whole, **changes})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (definition(), "must have steps"),
        (definition({"Name": "A", "Type": "Fail", "Arguments": {}}, Version="1"), "of Version 2020-12-01"),
        ("{", "Expecting property name"),
        (definition({"Name": "A", "Type": "Lambda", "Arguments": {}}), "Step A is of type Lambda; covered are"),
        (definition(*[{"Name": "A", "Type": "Fail", "Arguments": {}}] * 2), "a name of its own"),
        (
            definition({"Name": "A", "Type": "Fail", "Arguments": {"E": {"Get": "Parameters.Q"}}}),
            "refers to Parameters.Q",
        ),
        (definition({"Name": "A", "Type": "Fail", "Arguments": {"E": {"Get": "Steps.B.c"}}}), "refers to Steps.B.c"),
        (definition({"Name": "A", "Type": "Fail", "Arguments": {"E": {"Get": "Moon.B.c"}}}), "refers to Moon.B.c"),
    ],
)
def test_what_would_not_run_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parsed(text)
