"""What AWS checks of a request beyond its shape: the role, the image, the buckets and the objects it names."""

from __future__ import annotations

import re
from typing import Any

from botocore.exceptions import ClientError

from .errors import invalid
from .service import ACCOUNT, Service

PRINCIPAL = "sagemaker.amazonaws.com"
PULL = "ecr:BatchCheckLayerAvailability, ecr:BatchGetImage, ecr:GetDownloadUrlForLayer"
IMAGE = re.compile(
    r"(?P<host>[^/]+)/(?P<repository>[a-z0-9][a-z0-9._/-]*?)(:(?P<tag>[\w.-]+))?(@(?P<digest>sha256:\w+))?"
)
ECR_HOST = re.compile(r"\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com(\.cn)?|(localhost|127\.0\.0\.1):\d+")


def check_role(service: Service, role: str) -> None:
    """A role must exist and trust SageMaker; what it may do is not looked at."""
    try:
        found = service.iam.get_role(RoleName=role.rpartition("/")[2])["Role"]
    except ClientError:
        found = {}
    if found.get("Arn") != role or PRINCIPAL not in str(found.get("AssumeRolePolicyDocument")):
        raise invalid(
            f"Could not assume role {role}. Please ensure that the role exists and allows principal "
            f"'{PRINCIPAL}' to assume the role."
        )


def check_image(service: Service, image: str, role: str, refusal: str) -> None:
    """An image must be in a repository of ECR, and there must be such an image."""
    found = IMAGE.fullmatch(image)
    if not found or not ECR_HOST.fullmatch(found["host"]):
        raise invalid(refusal)
    try:
        service.ecr.describe_repositories(repositoryNames=[found["repository"]])
    except ClientError:
        raise invalid(
            f"Cannot find repository: {found['repository']} in registry ID: {ACCOUNT} Please check if your ECR "
            f"repository exists and role {role} has proper pull permissions for SageMaker: {PULL}"
        ) from None
    there = service.runner.has(image)
    if not (in_repository(service, found) if there is None else there):
        raise invalid(f"Cannot find the requested image: {image}. Please check that it exists in the repository.")


def in_repository(service: Service, image: re.Match[str]) -> bool:
    """Whether ECR knows the image by its digest or tag; a runner without images has nothing else to ask."""
    wanted = {"imageDigest": image["digest"]} if image["digest"] else {"imageTag": image["tag"] or "latest"}
    try:
        service.ecr.describe_images(repositoryName=image["repository"], imageIds=[wanted])
    except ClientError:
        return False
    return True


def check_source(service: Service, source: dict[str, Any], role: str) -> None:
    """An input must have objects at the time of the request."""
    uri = source["S3Uri"]
    if not uri.startswith("s3://") or not service.storage.keys(uri):
        bucket = uri.removeprefix("s3://").partition("/")[0]
        raise invalid(
            f'No S3 objects found under S3 URL "{uri}" given in input data source. Please ensure that the bucket '
            f"exists in the selected region ({service.region}), that objects exist under that S3 prefix, and that the "
            f'role "{role}" has "s3:ListBucket" permissions on bucket "{bucket}".'
        )


def check_output(service: Service, uri: str, role: str) -> None:
    if not uri.startswith("s3://") or not service.storage.has_bucket(uri):
        raise invalid(
            f'The S3 output location "{uri}" is invalid. Please ensure that the bucket exists in the selected region '
            f'({service.region}) and that the role "{role}" has "s3:PutObject" permissions on it.'
        )
