"""Jobs and endpoints in three steps: build boto3's request, show it, send it and wait.

    request = jobs.training_request(name, {"train": "data/train.csv"}, "build", {"horizon": 14})
    job = jobs.train(client, request)
    files = jobs.download_output(job, "build/quickstart")

The requests are plain dictionaries, and the client is any with boto3's method names: boto3's own, the SageMaker SDK's
local one, or `helpers.local`. The folder can be copied as it is.
"""

from .artifacts import artifact_uri, download_artifact, download_output, tree
from .deleting import delete
from .endpoints import autoscaling_requests, blue_green, endpoint_requests, update_requests
from .invoking import InvocationFailed, invoke, invoke_file
from .kinds import JobFailed, training_log
from .pipelines import (
    file_of,
    more_than,
    parameter,
    pipeline_request,
    result,
    run_pipeline,
    schedule_request,
    step,
)
from .processing import processing_request
from .records import Record, records
from .registering import approved, data_of, delete_group, delete_pipeline, package_request
from .requests import (
    IMAGE,
    Security,
    on_hosts,
    on_spot,
    training_request,
    transform_requests,
    unique_name,
)
from .running import deploy, process, send_all, train, transform, update
from .showing import endpoint_cost, job_cost, job_spent, serverless_cost, show
from .storage import fetch, listing, put, remove
from .tuning import combinations, tune, tuned, tuning_request

__all__ = [
    "IMAGE",
    "InvocationFailed",
    "JobFailed",
    "Record",
    "Security",
    "approved",
    "artifact_uri",
    "autoscaling_requests",
    "blue_green",
    "combinations",
    "data_of",
    "delete",
    "delete_group",
    "delete_pipeline",
    "deploy",
    "download_artifact",
    "download_output",
    "endpoint_cost",
    "endpoint_requests",
    "fetch",
    "file_of",
    "invoke",
    "invoke_file",
    "job_cost",
    "job_spent",
    "listing",
    "more_than",
    "on_hosts",
    "on_spot",
    "package_request",
    "parameter",
    "pipeline_request",
    "process",
    "processing_request",
    "put",
    "records",
    "remove",
    "result",
    "run_pipeline",
    "schedule_request",
    "send_all",
    "serverless_cost",
    "show",
    "step",
    "train",
    "training_log",
    "training_request",
    "transform",
    "transform_requests",
    "tree",
    "tune",
    "tuned",
    "tuning_request",
    "unique_name",
    "update",
    "update_requests",
]
