"""Jobs and endpoints in three steps: build boto3's request, show it, send it and wait.

    request = jobs.training_request(name, {"train": "data/train.csv"}, "build", {"horizon": 14})
    job = jobs.train(client, request)
    files = jobs.download_output(job, "build/quickstart")

The requests are plain dictionaries, and the client is any with boto3's method names: boto3's own, the SageMaker SDK's
local one, or `helpers.local`. The folder can be copied as it is.
"""

from .artifacts import download_artifact, download_output, tree
from .requests import IMAGE, endpoint_requests, show, training_request, transform_requests, unique_name
from .running import InvocationFailed, JobFailed, delete, deploy, invoke, train, transform

__all__ = [
    "IMAGE",
    "InvocationFailed",
    "JobFailed",
    "delete",
    "deploy",
    "download_artifact",
    "download_output",
    "endpoint_requests",
    "invoke",
    "show",
    "train",
    "training_request",
    "transform",
    "transform_requests",
    "tree",
    "unique_name",
]
