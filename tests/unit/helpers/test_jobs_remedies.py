"""What AWS and this machine say of a job, each with the sentence that helps; the container's own words stay alone."""

from __future__ import annotations

import pytest

from helpers.jobs.remedies import with_remedy

SAID = [
    ("Could not assume role arn:aws:iam::1:role/x. Please ensure that the role exists", "Check ROLE"),
    ("User: x is not authorized to perform: iam:PassRole on resource: y", "Check ROLE"),
    ('No S3 objects found under S3 URL "s3://b/k" given in input data source.', "Check BUCKET"),
    ("An error occurred (NoSuchBucket) when calling PutObject", "Check BUCKET"),
    ('The S3 output location "s3://b" is invalid. Please ensure that the bucket exists', "Check BUCKET"),
    ("Cannot find repository: x in registry ID: 1", "Push the image first"),
    ("Cannot find the requested image: h/x:latest.", "Push the image first"),
    ("Error response from daemon: pull access denied for x", "Push the image first"),
    ("ClientError: Cannot pull ecr image 'h/x:1'", "Push the image first"),
    ("(ResourceLimitExceeded) The account-level service limit is 0 Instances", "larger quota"),
    ("CapacityError: Unable to provision requested ML compute capacity", "Try again later"),
    ("(AccessDeniedException) User x is not authorized to perform: sagemaker:CreateModel", "the policy under"),
    ("(ExpiredTokenException) The security token included in the request is expired", "log in again"),
    ("Unable to locate credentials", "aws configure"),
    ("You must specify a region.", "AWS_DEFAULT_REGION"),
    ('Could not connect to the endpoint URL: "http://x"', "Check the network"),
    ("(ResourceInUse) Training job names must be unique", "unique_name"),
    ("Bind for 0.0.0.0:8080 failed: port is already allocated", "docker ps"),
    ("Port 8080 is taken: address already in use.", "docker ps"),
    ("write /layer.tar: no space left on device", "docker system df"),
    ("The primary container did not pass the ping health check.", "kept 'serve' from starting"),
]


@pytest.mark.parametrize(("said", "remedy"), SAID)
def test_a_known_fault_has_its_remedy(said: str, remedy: str) -> None:
    told = with_remedy(said)
    assert told.startswith(said)
    assert remedy in told.removeprefix(said)


@pytest.mark.parametrize(
    "said",
    [
        "AlgorithmError: UserError [config]: Unknown hyperparameter 'horzon'. Did you mean 'horizon'?, exit code: 1",
        "AlgorithmError: UserError [data]: The table has no rows. Send some., exit code: 1",
        "ClientError: bad.csv: the model server answered 422: {}",
    ],
)
def test_what_brings_its_own_remedy_is_left_alone(said: str) -> None:
    assert with_remedy(said) == said
