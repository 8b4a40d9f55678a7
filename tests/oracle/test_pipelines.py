"""Our pipelines' JSON against what the SageMaker SDK writes for the same; and its expressions, resolved by ours."""

from __future__ import annotations

import json
from typing import Any

import pytest

from helpers import jobs
from helpers.jobs.pipelines import marked
from helpers.local.expressions import Known, all_steps, holds, resolve


@pytest.fixture(scope="module")
def sdk() -> Any:
    """The SDK's words for pipelines; it wants a region when it is imported."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        pytest.importorskip("sagemaker.mlops.workflow.condition_step")
        from sagemaker.core import workflow

        return workflow


def in_json(part: Any) -> Any:
    """A step or a condition as the SDK sends it."""
    return json.loads(json.dumps(part.to_request(), default=lambda inner: inner.expr))


def test_references_are_the_sdk_s(sdk: Any) -> None:
    place, data = sdk.ParameterString("Place"), sdk.ParameterString("Data")
    assert marked(jobs.parameter("Data")) == data.expr
    assert marked(f"{jobs.parameter('Place')}/out/x") == sdk.Join(on="/", values=[place, "out/x"]).expr
    described = sdk.Properties("Train", shape_name="DescribeTrainingJobResponse")
    ours = marked(jobs.result("Train", "ModelArtifacts.S3ModelArtifacts"))
    assert ours == described.ModelArtifacts.S3ModelArtifacts.expr


def test_a_condition_and_a_file_are_the_sdk_s(sdk: Any) -> None:
    from sagemaker.mlops.workflow.condition_step import ConditionStep
    from sagemaker.mlops.workflow.fail_step import FailStep

    number = sdk.JsonGet(step_name="Look", property_file="Seen", json_path="n")
    condition = sdk.ConditionGreaterThan(left=number, right=2)
    fail = FailStep(name="Stop", error_message="no")
    branches: dict[str, Any] = {"if_steps": [fail], "else_steps": []}
    theirs = in_json(ConditionStep(name="Decide", depends_on=["Look"], conditions=[condition], **branches))
    following = [{"Name": "Stop", "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]
    assert jobs.more_than("Look", "Seen", "n", 2, following, name="Decide") == theirs
    assert [step["Name"] for step in all_steps([theirs])] == ["Decide", "Stop"]
    file = sdk.PropertyFile(name="Seen", output_name="output", path="seen.json")
    assert jobs.file_of("Seen", "seen.json") == [file.expr]


def test_what_the_sdk_writes_is_resolved(sdk: Any) -> None:
    outputs = [{"OutputName": "o", "S3Output": {"S3Uri": "s3://b/out"}}]
    described = {"ProcessingOutputConfig": {"Outputs": outputs}, "Metrics": [{"Value": 1}]}
    known = Known({"N": 3}, {"f": '{"a": [1, {"b": 7}]}'}.__getitem__, {"Look": described}, {"Look.Seen": "f"})
    look = sdk.Properties("Look", shape_name="DescribeProcessingJobResponse")
    assert resolve(look.ProcessingOutputConfig.Outputs["o"].S3Output.S3Uri.expr, known) == "s3://b/out"
    number = sdk.JsonGet(step_name="Look", property_file="Seen", json_path="a[1].b")
    assert resolve(number.expr, known) == 7
    three = sdk.ParameterInteger("N")
    conditions = [
        (sdk.ConditionEquals(left=three, right=3), True),
        (sdk.ConditionGreaterThan(left=three, right=3), False),
        (sdk.ConditionGreaterThanOrEqualTo(left=number, right=7), True),
        (sdk.ConditionLessThan(left=number, right=7), False),
        (sdk.ConditionLessThanOrEqualTo(left=three, right=2), False),
        (sdk.ConditionIn(value=three, in_values=[1, 3]), True),
        (sdk.ConditionNot(sdk.ConditionEquals(left=three, right=3)), False),
        (
            sdk.ConditionOr([sdk.ConditionEquals(left=three, right=1), sdk.ConditionIn(value=three, in_values=[3])]),
            True,
        ),
    ]
    for condition, true in conditions:
        assert holds(in_json(condition), known) is true, in_json(condition)
