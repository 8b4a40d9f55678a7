"""What SageMaker's API is told, held against botocore's own model of that API and against the parser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator

import convect
from convect.config import HYPERPARAMETERS, Config
from convect.errors import ConfigError
from convect.platform.algorithm import algorithm, document, model_package, tuning_ranges
from convect.platform.spec import CHANNELS, CONTENT_TYPES, METRICS, OBJECTIVES
from convect.serving import decode, media

MODEL = botocore.session.get_session().get_service_model("sagemaker")
EVERY_LETTER = re.compile(r"\[(\\p\{\w\})+\]")  # a class that Python's expressions do not have
SPECIFICATION = algorithm()["TrainingSpecification"]
DECLARED = {entry["Name"]: entry for entry in SPECIFICATION["SupportedHyperParameters"]}


def complaints(shape: Any, value: Any, where: str = "") -> list[str]:
    """What botocore's validator leaves out: enumerations, patterns and longest lengths of texts and lists."""
    most = shape.metadata.get("max")
    found = [f"{where} longer than {most}"] if most is not None and len(value) > most else []
    if shape.type_name == "structure":
        for name, part in value.items():
            found += complaints(shape.members[name], part, f"{where}.{name}")
    if shape.type_name == "list":
        for place, part in enumerate(value):
            found += complaints(shape.member, part, f"{where}[{place}]")
    if shape.type_name == "string":
        pattern = EVERY_LETTER.sub(".", shape.metadata.get("pattern", ".*"))
        if (shape.enum and value not in shape.enum) or not re.fullmatch(pattern, value, re.DOTALL):
            found.append(f"{where} is {value}")
    return found


def validated(operation: str, request: dict[str, Any]) -> list[str]:
    shape = MODEL.operation_model(operation).input_shape
    assert shape is not None
    report = ParamValidator().validate(request, shape)
    return [report.generate_report()] * report.has_errors() + complaints(shape, request)


def test_the_requests_are_what_the_api_takes() -> None:
    assert validated("CreateAlgorithm", algorithm()) == []
    assert validated("CreateModelPackage", model_package()) == []


def test_the_ranges_and_metrics_are_what_a_tuning_job_takes() -> None:
    shape = MODEL.shape_for("ParameterRanges")
    assert not ParamValidator().validate(tuning_ranges(), shape).has_errors()
    assert complaints(shape, tuning_ranges()) == []
    assert complaints(MODEL.shape_for("MetricDefinitionList"), document()["metric_definitions"]) == []


@pytest.mark.parametrize(
    ("operation", "path", "value"),
    [
        ("CreateAlgorithm", "AlgorithmName", "a b"),
        ("CreateAlgorithm", "AlgorithmDescription", "x" * 1025),
        ("CreateModelPackage", "ModelApprovalStatus", "Perhaps"),
        ("CreateModelPackage", "InferenceSpecification", {}),
    ],
)
def test_the_check_itself(operation: str, path: str, value: object) -> None:
    request = algorithm() if operation == "CreateAlgorithm" else model_package()
    assert validated(operation, request | {path: value})


def test_every_declared_default_and_bound_is_what_the_parser_takes() -> None:
    assert list(DECLARED) == [parameter.name for parameter in HYPERPARAMETERS]
    for name, entry in DECLARED.items():
        default = entry.get("DefaultValue")
        if default is not None:
            assert Config.from_hyperparameters({name: default}) == Config()
        for bounds in entry.get("Range", {}).values():
            for value in bounds.get("Values") or bounds.values():
                Config.from_hyperparameters({name: value})
        if "Integer" in entry["Type"]:
            (bounds,) = entry["Range"].values()
            for value in (int(bounds["MinValue"]) - 1, int(bounds["MaxValue"]) + 1):
                with pytest.raises(ConfigError):
                    Config.from_hyperparameters({name: str(value)})


def test_what_is_tuned_is_tunable() -> None:
    tuned = {entry["Name"] for ranges in tuning_ranges().values() for entry in ranges}
    assert tuned == {name for name, entry in DECLARED.items() if entry["IsTunable"]}
    assert tuned


def test_channels_metrics_and_content_types_are_the_declared_ones() -> None:
    assert [entry["Name"] for entry in SPECIFICATION["TrainingChannels"]] == [channel.name for channel in CHANNELS]
    assert [entry["Name"] for entry in SPECIFICATION["MetricDefinitions"]] == [metric.name for metric in METRICS]
    objectives = [entry["MetricName"] for entry in SPECIFICATION["SupportedTuningJobObjectiveMetrics"]]
    assert objectives == list(OBJECTIVES)
    serving = algorithm()["InferenceSpecification"]
    assert set(serving["SupportedContentTypes"]) == set(CONTENT_TYPES["request"]) == set(decode.READERS)
    assert tuple(serving["SupportedResponseMIMETypes"]) == CONTENT_TYPES["answer"] == media.OFFERED


def test_the_program_prints_the_document_for_an_image() -> None:
    container = Path(convect.__file__).parents[1]
    image = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/mine:1"
    command = [sys.executable, "-m", "convect.platform.spec", "--name", "mine", "--image", image]
    done = subprocess.run(command, cwd=container, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == json.loads(json.dumps(document("mine", image)))
    assert json.loads(done.stdout)["create_algorithm"]["TrainingSpecification"]["TrainingImage"] == image
