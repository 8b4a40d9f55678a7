"""The requests: valid for boto3, the same for every client, and shown as JSON."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.platform import spec
from helpers import jobs
from helpers.jobs.requests import METRICS, metric_definitions, text_of, uri
from helpers.jobs.showing import pretty

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def all_requests() -> dict[str, dict[str, Any]]:
    """One request of every kind, by the method that takes it."""
    return {
        "create_training_job": jobs.training_request("n", {"train": "s3://b/train.csv"}, "s3://b/out", {"horizon": 14}),
        **jobs.endpoint_requests("n", "s3://b/model.tar.gz"),
        **jobs.transform_requests("n", "s3://b/model.tar.gz", "s3://b/in", "s3://b/out", content_type="text/csv"),
    }


@pytest.mark.parametrize("method", all_requests())
def test_a_request_is_valid_for_boto3(method: str) -> None:
    session = pytest.importorskip("botocore.session").get_session()
    validate = pytest.importorskip("botocore.validate").ParamValidator().validate
    operation = "".join(word.capitalize() for word in method.split("_"))
    shape = session.get_service_model("sagemaker").operation_model(operation).input_shape
    assert validate(all_requests()[method], shape).generate_report() == ""


def test_a_training_request_by_hand(tmp_path: Path) -> None:
    request = jobs.training_request(
        "n", {"train": tmp_path / "a.csv", "related": "s3://b/k/"}, "s3://b/out", {"horizon": 14}
    )
    train, related = request["InputDataConfig"]
    assert train["DataSource"]["S3DataSource"]["S3Uri"] == (tmp_path / "a.csv").as_uri()
    assert train["ContentType"] == "text/csv"
    assert related["DataSource"]["S3DataSource"]["S3Uri"] == "s3://b/k/"
    assert "ContentType" not in related
    assert request["HyperParameters"] == {"horizon": "14"}
    assert request["ResourceConfig"]["InstanceType"] == "local"


def test_only_these_differ_on_aws() -> None:
    local = jobs.training_request("n", {"train": "s3://b/t"}, "s3://b/o")
    remote = jobs.training_request(
        "n", {"train": "s3://b/t"}, "s3://b/o", instance_type="ml.m5.xlarge", image="1.ecr/convect:1", role="arn:r"
    )
    assert {key for key in local if local[key] != remote[key]} == {
        "AlgorithmSpecification",
        "ResourceConfig",
        "RoleArn",
    }


def test_the_environment_is_never_left_out() -> None:
    # the SDK's local mode reads it without asking whether it is there
    assert jobs.endpoint_requests("n", "s3://b/m")["create_model"]["PrimaryContainer"]["Environment"] == {}


@pytest.mark.parametrize(
    ("value", "text"), [("D", "D"), (14, "14"), ([0.1, 0.9], "[0.1, 0.9]"), ({"a": 1}, '{"a": 1}')]
)
def test_hyperparameters_become_text(value: object, text: str) -> None:
    assert text_of(value) == text


@pytest.mark.parametrize("text", ["0.83", "-1.5e-05", "12", "1e+20"])
def test_the_regular_expressions_read_a_printed_metric(text: str) -> None:
    (definition,) = metric_definitions(["MASE"])
    found = re.search(definition["Regex"], f"metric: validation:MASE={text}\n")
    assert found is not None
    assert float(found.group(1)) == float(text)


def test_no_regular_expression_reads_another_metric() -> None:
    printed = "\n".join(f"metric: validation:{name}={number}" for number, name in enumerate(METRICS))
    for number, definition in enumerate(metric_definitions()):
        assert re.findall(definition["Regex"], printed) == [str(number)]


def test_the_definitions_name_what_the_container_declares() -> None:
    declared = {metric.name: metric.regex for metric in spec.METRICS}
    given = metric_definitions() + metric_definitions(split="test")
    assert {definition["Name"] for definition in given} == set(spec.OBJECTIVES) <= set(declared)
    for definition in given:
        line = f"metric: {definition['Name']}=0.83"
        assert re.findall(definition["Regex"], line) == re.findall(declared[definition["Name"]], line) == ["0.83"]


def test_a_test_channel_brings_its_scores() -> None:
    for channels, splits in (({"train": "a"}, {"validation"}), ({"train": "a", "test": "b"}, {"validation", "test"})):
        request = jobs.training_request("x", channels, "out")
        found = {one["Name"].split(":")[0] for one in request["AlgorithmSpecification"]["MetricDefinitions"]}
        assert found == splits


def test_names_are_unique_and_allowed() -> None:
    names = {jobs.unique_name("quickstart") for _ in range(20)}
    assert len(names) == 20
    assert all(re.fullmatch("[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}", name) for name in names)


def test_a_path_becomes_a_uri(tmp_path: Path) -> None:
    assert uri(tmp_path) == tmp_path.as_uri()
    assert uri("s3://b/k") == "s3://b/k"


@given(JSON)
def test_what_is_shown_is_the_request(value: object) -> None:
    assert json.loads(pretty(value)) == value


def test_short_parts_are_shown_on_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    jobs.show({"a": {"b": 1}, "c": ["x" * 60, "y" * 60]})
    assert capsys.readouterr().out.splitlines() == [
        "{",
        '  "a": {"b": 1},',
        '  "c": [',
        f'    "{"x" * 60}",',
        f'    "{"y" * 60}"',
        "  ]",
        "}",
    ]
