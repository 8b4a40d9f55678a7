"""A SageMaker client for this machine: it runs the container's `train` and `serve` as processes.

    client = LocalClient(programs="../container")
    runtime = LocalRuntimeClient(client)

Method names, request dictionaries and error answers are boto3's, so the cell that works here works on AWS. Each job
has an `/opt/ml` of its own under a temporary folder, which `SAGEMAKER_BASE_DIR` names to the programs. What the
platform has and a process has not: several hosts, Pipe mode, network isolation, an image (its name is only recorded).
The registry of models and the pipelines last as long as the client; pipelines run their steps one at a time.
"""

from .client import LocalClient
from .errors import ClientError, ModelError, ParamValidationError, ResourceInUse
from .runtime import LocalRuntimeClient
from .sdk import SdkClient, SdkRuntime

__all__ = [
    "ClientError",
    "LocalClient",
    "LocalRuntimeClient",
    "ModelError",
    "ParamValidationError",
    "ResourceInUse",
    "SdkClient",
    "SdkRuntime",
]
