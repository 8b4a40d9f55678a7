"""What boto3 and the service check in a request before anything runs."""

from __future__ import annotations

import re
from typing import Any

from .errors import ParamValidationError, refused
from .files import files_under, path_of

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
PROCESSING, ALL_AT_ONCE = "/opt/ml/processing/", "ALL_AT_ONCE"
HYPERPARAMETERS, KEY_CHARACTERS, VALUE_CHARACTERS = 100, 256, 2500

# For each operation: the names a request must have, and those it may have. Some of the second are only recorded,
# because a process has nothing to apply them to: the role, tags, network isolation, the number of instances.
PARAMETERS: dict[str, tuple[str, str]] = {
    "CreateTrainingJob": (
        "TrainingJobName AlgorithmSpecification RoleArn OutputDataConfig ResourceConfig StoppingCondition",
        "HyperParameters InputDataConfig Environment Tags EnableNetworkIsolation",
    ),
    "DescribeTrainingJob": ("TrainingJobName", ""),
    "StopTrainingJob": ("TrainingJobName", ""),
    "ListTrainingJobs": ("", "NameContains StatusEquals MaxResults"),
    "CreateHyperParameterTuningJob": (
        "HyperParameterTuningJobName HyperParameterTuningJobConfig TrainingJobDefinition",
        "Tags",
    ),
    "DescribeHyperParameterTuningJob": ("HyperParameterTuningJobName", ""),
    "StopHyperParameterTuningJob": ("HyperParameterTuningJobName", ""),
    "ListTrainingJobsForHyperParameterTuningJob": (
        "HyperParameterTuningJobName",
        "SortBy SortOrder StatusEquals MaxResults",
    ),
    "CreateModel": ("ModelName PrimaryContainer", "ExecutionRoleArn Tags EnableNetworkIsolation"),
    "DescribeModel": ("ModelName", ""),
    "DeleteModel": ("ModelName", ""),
    "CreateTransformJob": (
        "TransformJobName ModelName TransformInput TransformOutput TransformResources",
        "MaxConcurrentTransforms ModelClientConfig MaxPayloadInMB BatchStrategy Environment Tags",
    ),
    "DescribeTransformJob": ("TransformJobName", ""),
    "StopTransformJob": ("TransformJobName", ""),
    "CreateEndpointConfig": (
        "EndpointConfigName ProductionVariants",
        "AsyncInferenceConfig Tags EnableNetworkIsolation ExecutionRoleArn",
    ),
    "DescribeEndpointConfig": ("EndpointConfigName", ""),
    "DeleteEndpointConfig": ("EndpointConfigName", ""),
    "CreateEndpoint": ("EndpointName EndpointConfigName", "Tags"),
    "DescribeEndpoint": ("EndpointName", ""),
    "UpdateEndpoint": ("EndpointName EndpointConfigName", "DeploymentConfig"),
    "DeleteEndpoint": ("EndpointName", ""),
    "InvokeEndpoint": ("EndpointName Body", "ContentType Accept CustomAttributes TargetModel InferenceId"),
    "InvokeEndpointAsync": (
        "EndpointName InputLocation",
        "ContentType Accept CustomAttributes InferenceId InvocationTimeoutSeconds",
    ),
    "CreateProcessingJob": (
        "ProcessingJobName ProcessingResources AppSpecification RoleArn",
        "ProcessingInputs ProcessingOutputConfig StoppingCondition Environment NetworkConfig Tags",
    ),
    "DescribeProcessingJob": ("ProcessingJobName", ""),
    "StopProcessingJob": ("ProcessingJobName", ""),
    "CreateModelPackageGroup": ("ModelPackageGroupName", "ModelPackageGroupDescription Tags"),
    "DescribeModelPackageGroup": ("ModelPackageGroupName", ""),
    "DeleteModelPackageGroup": ("ModelPackageGroupName", ""),
    "CreateModelPackage": (
        "ModelPackageGroupName InferenceSpecification",
        "ModelPackageDescription ModelApprovalStatus CustomerMetadataProperties ModelMetrics",
    ),
    "DescribeModelPackage": ("ModelPackageName", ""),
    "UpdateModelPackage": ("ModelPackageArn", "ModelApprovalStatus ApprovalDescription CustomerMetadataProperties"),
    "DeleteModelPackage": ("ModelPackageName", ""),
    "ListModelPackages": ("ModelPackageGroupName", "ModelApprovalStatus MaxResults SortBy SortOrder"),
    "CreatePipeline": ("PipelineName PipelineDefinition RoleArn", "PipelineDescription ClientRequestToken Tags"),
    "UpdatePipeline": ("PipelineName PipelineDefinition", "PipelineDescription RoleArn"),
    "DescribePipeline": ("PipelineName", ""),
    "DeletePipeline": ("PipelineName", "ClientRequestToken"),
    "StartPipelineExecution": ("PipelineName", "PipelineParameters ClientRequestToken"),
    "StopPipelineExecution": ("PipelineExecutionArn", "ClientRequestToken"),
    "DescribePipelineExecution": ("PipelineExecutionArn", ""),
    "ListPipelineExecutionSteps": ("PipelineExecutionArn", "SortOrder"),
}
UNSUPPORTED = {
    "EnableManagedSpotTraining": "spot capacity",
    "VpcConfig": "a VPC",
    "DataProcessing": "input and output filters",
    "CheckpointConfig": "checkpoints in S3",
    "KmsKeyId": "encryption by KMS",
}


def check(operation: str, request: dict[str, Any]) -> None:
    """Raise ParamValidationError for a name that is missing or unknown, ClientError for a malformed resource name."""
    required, optional = (names.split() for names in PARAMETERS[operation])
    missing = [f'Missing required parameter in input: "{name}"' for name in required if name not in request]
    unknown = [unknown_name(name, required + optional) for name in request if name not in required + optional]
    if missing or unknown:
        raise ParamValidationError("\n".join(missing + unknown))
    resource = request[required[0]] if required else "any"
    if operation.startswith("Create") and not NAME.fullmatch(resource):
        raise refused(operation, f"{required[0]} '{resource}' is not 1 to 63 letters, digits and single hyphens.")


def unknown_name(name: str, known: list[str]) -> str:
    """Return what is said of a parameter that this client does not take."""
    if name in UNSUPPORTED:
        return f'"{name}" needs AWS: local processes have no notion of {UNSUPPORTED[name]}'
    return f'Unknown parameter in input: "{name}", must be one of: {", ".join(known)}'


def check_training(request: dict[str, Any]) -> None:
    """Check the parts of a training request that the service, or a process, would refuse."""
    check_hyperparameters(request.get("HyperParameters", {}))
    if request["ResourceConfig"].get("InstanceCount", 1) != 1:
        raise refused("CreateTrainingJob", "Local processes train on one host: set InstanceCount to 1.")
    for channel in request.get("InputDataConfig", []):
        if channel.get("InputMode") == "Pipe":
            raise refused("CreateTrainingJob", "Local processes have no Pipe mode: use File or FastFile.")
        check_source("CreateTrainingJob", channel["DataSource"]["S3DataSource"])
    check_path("CreateTrainingJob", request["OutputDataConfig"]["S3OutputPath"])


def check_processing(request: dict[str, Any]) -> None:
    """Check the parts of a processing request that the service, or a process, would refuse."""
    operation = "CreateProcessingJob"
    if request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1) != 1:
        raise refused(operation, "Local processes work on one host: set InstanceCount to 1.")
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise refused(operation, "Local processes have no image to start: give a ContainerEntrypoint.")
    outputs = request.get("ProcessingOutputConfig", {}).get("Outputs", [])
    places = [*(entry["S3Input"] for entry in request.get("ProcessingInputs", []))]
    for place in [*places, *(output["S3Output"] for output in outputs)]:
        if not place["LocalPath"].startswith(PROCESSING):
            raise refused(operation, f"LocalPath {place['LocalPath']} must be below {PROCESSING} without containers.")
        check_path(operation, place["S3Uri"])
    for source in places:
        check_source(operation, source)


def check_deployment(request: dict[str, Any]) -> None:
    """Check that an update moves all requests at once, which is all that one process can do."""
    config = request.get("DeploymentConfig", {"BlueGreenUpdatePolicy": {}})
    kind = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {}).get("Type", ALL_AT_ONCE)
    if "RollingUpdatePolicy" in config or kind != ALL_AT_ONCE or "AutoRollbackConfiguration" in config:
        raise refused("UpdateEndpoint", f"Local processes know no alarms, and no update but blue/green, {ALL_AT_ONCE}.")


def check_hyperparameters(values: dict[str, Any]) -> None:
    """Check that hyperparameters are strings within the platform's limits."""
    for name, value in values.items():
        if not isinstance(value, str):
            kind = type(value).__name__
            raise ParamValidationError(
                f"Invalid type for parameter HyperParameters.{name}, value: {value}, type: {kind}, valid types: str"
            )
        if len(name) > KEY_CHARACTERS or len(value) > VALUE_CHARACTERS:
            raise refused("CreateTrainingJob", f"Hyperparameter '{name[:40]}' is longer than {VALUE_CHARACTERS}.")
    if len(values) > HYPERPARAMETERS:
        raise refused("CreateTrainingJob", f"{len(values)} hyperparameters; at most {HYPERPARAMETERS} are allowed.")


def check_source(operation: str, source: dict[str, Any]) -> None:
    """Check that an input is a prefix on this machine with at least one file."""
    if source.get("S3DataType", "S3Prefix") != "S3Prefix":
        raise refused(operation, f"Local processes read S3Prefix only, not {source['S3DataType']}.")
    uri = source["S3Uri"]
    check_path(operation, uri)
    if not any(files_under(path_of(uri))):
        raise refused(operation, f'No S3 objects found under S3 URL "{uri}" given in input data source.')


def check_path(operation: str, uri: str) -> None:
    """Check that a URI is on this machine."""
    try:
        path_of(uri)
    except ValueError as error:
        raise refused(operation, f"{error}.") from error
