"""The declared tables in the words of SageMaker's API: algorithm, model package, metrics and tuning ranges."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from typing import Any

from convect.config import HYPERPARAMETERS
from convect.hyperparameters import Hyperparameter
from convect.platform.spec import CHANNELS, CONTENT_TYPES, OBJECTIVES, Channel, metric_definitions

NAME = "convect"
IMAGE = "ACCOUNT.dkr.ecr.REGION.amazonaws.com/algoflow-sagemaker:latest"
DESCRIPTION = "Forecasts of many time series with quantiles, each judged by backtest against the naive forecast."
_SIZES = {"m5": ("", "2", "4", "12", "24"), "c5": ("", "2", "4", "9", "18"), "r5": ("", "2", "4", "12", "24")}
DISTRIBUTED = True  # a job may have several hosts; one leads, on the files of all, and they share the work
INSTANCES = ("ml.m5.large", *(f"ml.{family}.{size}xlarge" for family, sizes in _SIZES.items() for size in sizes))
TRANSFORM_INSTANCES = tuple(name for name in INSTANCES if ".r5." not in name)  # batch transform has no r5


def algorithm(name: str = NAME, image: str = IMAGE) -> dict[str, Any]:
    """Return the request of CreateAlgorithm."""
    return {
        "AlgorithmName": name,
        "AlgorithmDescription": DESCRIPTION,
        "TrainingSpecification": {
            "TrainingImage": image,
            "SupportedHyperParameters": [_hyperparameter(parameter) for parameter in HYPERPARAMETERS],
            "SupportedTrainingInstanceTypes": list(INSTANCES),
            "SupportsDistributedTraining": DISTRIBUTED,
            "MetricDefinitions": metric_definitions(),
            "TrainingChannels": [_channel(channel) for channel in CHANNELS],
            "SupportedTuningJobObjectiveMetrics": [
                {"Type": "Minimize", "MetricName": objective} for objective in OBJECTIVES
            ],
        },
        "InferenceSpecification": inference(image),
    }


def inference(image: str = IMAGE) -> dict[str, Any]:
    """Return what serving the image can do, as algorithm and model package say it."""
    return {
        "Containers": [{"Image": image}],
        "SupportedTransformInstanceTypes": list(TRANSFORM_INSTANCES),
        "SupportedRealtimeInferenceInstanceTypes": list(INSTANCES),
        "SupportedContentTypes": list(CONTENT_TYPES["request"]),
        "SupportedResponseMIMETypes": list(CONTENT_TYPES["answer"]),
    }


def model_package(
    group: str = NAME, image: str = IMAGE, model_data: str = "s3://BUCKET/model.tar.gz"
) -> dict[str, Any]:
    """Return the request of CreateModelPackage for one trained model, as a new version in a group."""
    specification = inference(image)
    specification["Containers"][0]["ModelDataUrl"] = model_data
    return {
        "ModelPackageGroupName": group,
        "ModelPackageDescription": DESCRIPTION,
        "InferenceSpecification": specification,
        "ModelApprovalStatus": "PendingManualApproval",
    }


def _channel(channel: Channel) -> dict[str, Any]:
    return {
        "Name": channel.name,
        "Description": channel.meaning,
        "IsRequired": channel.required,
        "SupportedContentTypes": list(channel.content_types),
        "SupportedCompressionTypes": list(channel.compressions),
        "SupportedInputModes": list(channel.modes),
    }


def _hyperparameter(parameter: Hyperparameter) -> dict[str, Any]:
    found: dict[str, Any] = {
        "Name": parameter.name,
        "Description": f"{parameter.meaning}; {parameter.expected}",
        "Type": _kind(parameter),
        "IsTunable": parameter.tunable,
        "IsRequired": False,
    }
    if found["Type"] != "FreeText":
        found["Range"] = _range(parameter)
    if parameter.default not in (None, ()):
        found["DefaultValue"] = parameter.default_text
    return found


def _kind(parameter: Hyperparameter) -> str:
    """The API's type; a range open at an end has no counterpart, so such a number is free text."""
    if parameter.choices:
        return "Categorical"
    bounded = parameter.minimum is not None and parameter.maximum is not None and not parameter.open_range
    types = {"integer": "Integer", "number": "Continuous"} if bounded else {}
    return types.get(parameter.kind, "FreeText")


def _range(parameter: Hyperparameter) -> dict[str, Any]:
    if parameter.choices:
        return {"CategoricalParameterRangeSpecification": {"Values": list(parameter.choices)}}
    bounds = {"MinValue": str(parameter.minimum), "MaxValue": str(parameter.maximum)}
    return {f"{_kind(parameter)}ParameterRangeSpecification": bounds}


def tuning_ranges() -> dict[str, Any]:
    """Return the `ParameterRanges` of a tuning job: every tunable hyperparameter over all that it admits."""
    ranges: dict[str, list[dict[str, Any]]] = {}
    for parameter in (parameter for parameter in HYPERPARAMETERS if parameter.tunable):
        kind, bounds = _kind(parameter), _range(parameter)
        (found,) = bounds.values()
        ranges.setdefault(f"{kind}ParameterRanges", []).append({"Name": parameter.name, **found})
    return ranges


def document(name: str = NAME, image: str = IMAGE) -> dict[str, Any]:
    """Return all of it, fit for JSON: requests for boto3 and parts for the SDK."""
    return {
        "create_algorithm": algorithm(name, image),
        "create_model_package": model_package(name, image),
        "metric_definitions": metric_definitions(),
        "parameter_ranges": tuning_ranges(),
        "objectives": list(OBJECTIVES),
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the document for an image."""
    parser = argparse.ArgumentParser(description="What SageMaker's API is told about this algorithm, as JSON.")
    parser.add_argument("--name", default=NAME, help="of the algorithm and of the model package group")
    parser.add_argument("--image", default=IMAGE, help="URI of the image in ECR")
    given = parser.parse_args(arguments)
    print(json.dumps(document(given.name, given.image), indent=2))
