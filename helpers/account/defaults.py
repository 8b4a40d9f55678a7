"""What a job needs beside its client, each with a default that works: the role, the place for files, the image.

On this machine all three are trivial. For an `ml.…` instance type they are what the account of the credentials has.
"""

# ruff: noqa: ANN401 - a client of boto3 has no type

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .errors import AccountError, code_of, told
from .session import IMAGE, session_of

LOCAL_ROLE = "arn:aws:iam::000000000000:role/local"  # a request must name one, and nothing here looks at it
SERVICE = "sagemaker.amazonaws.com"
FOLDER = "convect"  # of the bucket, so that nothing else is touched
PERMISSIONS = "see 'Permissions' in README.md"


def role(instance_type: str, name: str = "", region: str | None = None) -> str:
    """Return the ARN of the role that a job runs under: the one named, or one that SageMaker may assume.

    Without a name that is the role of these credentials, as in Studio, else the first in the account.

    Raises:
        AccountError: the role named does not exist, or none was named and none found.
    """
    if not instance_type.startswith("ml."):
        return name or LOCAL_ROLE
    if name.startswith("arn:"):
        return name
    with told("Looking for the execution role"):
        iam = session_of(region).client("iam")
        if name:
            return named_role(iam, name)
        found = next(usable_roles(iam, own_role(session_of(region).client("sts"))), "")
    if not found:
        raise AccountError(f"No role was found that SageMaker may assume: make one ({PERMISSIONS}) and set ROLE.")
    return found


def named_role(iam: Any, name: str) -> str:
    """Return the ARN of a role of this account; raise AccountError if there is none of that name."""
    try:
        return str(iam.get_role(RoleName=name)["Role"]["Arn"])
    except iam.exceptions.NoSuchEntityException as error:
        raise AccountError(f"The role {name!r} does not exist in this account: make it ({PERMISSIONS}).") from error


def own_role(sts: Any) -> str:
    """Return the name of the role that these credentials are of, or "" for those of a user."""
    parts = str(sts.get_caller_identity()["Arn"]).split("/")
    return parts[1] if parts[0].endswith(":assumed-role") else ""


def usable_roles(iam: Any, first: str) -> Iterator[str]:
    """Yield the ARNs of roles that SageMaker may assume: the one named `first`, then the account's by name."""
    if first:
        described = iam.get_role(RoleName=first)["Role"]
        if trusts_sagemaker(described):
            yield str(described["Arn"])
    pages = iam.get_paginator("list_roles").paginate()
    roles = [described for page in pages for described in page["Roles"] if trusts_sagemaker(described)]
    yield from (str(described["Arn"]) for described in sorted(roles, key=lambda described: str(described["RoleName"])))


def trusts_sagemaker(described: dict[str, Any]) -> bool:
    """Return whether a role's trust policy names SageMaker."""
    policy = described.get("AssumeRolePolicyDocument", {})
    return SERVICE in (policy if isinstance(policy, str) else json.dumps(policy))


def place(instance_type: str, bucket: str, folder: str | Path, region: str | None = None) -> str:
    """Return where a job's files go: `folder` on this machine, or a prefix of its name in S3.

    Without a bucket that is the account's default one for SageMaker, which is made where it is missing.

    Raises:
        AccountError: the bucket named does not exist or belongs to somebody else.
    """
    if not instance_type.startswith("ml."):
        return str(folder)
    session = session_of(region)
    with told("Looking for the bucket"):
        account = str(session.client("sts").get_caller_identity()["Account"])
        name = bucket or f"sagemaker-{session.region_name}-{account}"
        find_bucket(session.client("s3"), name, "" if bucket else account)
    return f"s3://{name}/{FOLDER}/{Path(folder).name}"


def find_bucket(s3: Any, name: str, owner: str) -> None:
    """Raise AccountError unless a bucket is there; one that must be of `owner` is made where it is missing."""
    try:
        s3.head_bucket(Bucket=name, **({"ExpectedBucketOwner": owner} if owner else {}))
    except s3.exceptions.ClientError as error:
        if code_of(error) in ("403", "AccessDenied"):
            raise AccountError(f"The bucket {name!r} is not yours to read: set BUCKET to one that is.") from error
        if code_of(error) not in ("404", "NoSuchBucket"):
            raise
        if not owner:
            raise AccountError(f"The bucket {name!r} does not exist: make it, or leave BUCKET empty.") from error
        region = s3.meta.region_name
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=name, **where)


def image(instance_type: str, name: str = IMAGE, tag: str = "latest", region: str | None = None) -> str:
    """Return the image as a request names it: a name on this machine, the URI that ECR gives for it on AWS.

    A full URI is returned as it is.

    Raises:
        AccountError: this account has no repository of that name.
    """
    if not instance_type.startswith("ml.") or has_host(name):
        return name
    ecr = session_of(region).client("ecr")
    with told("Looking for the image"):
        try:
            (found,) = ecr.describe_repositories(repositoryNames=[name])["repositories"]
        except ecr.exceptions.RepositoryNotFoundException as error:
            raise AccountError(f"ECR has no repository {name!r}: run 01_build_and_push with BUILD=True.") from error
    return f"{found['repositoryUri']}:{tag}"


def has_host(name: str) -> bool:
    """Return whether an image's name begins with a registry's; a repository's own name may have a slash, too."""
    host, slash, _ = name.partition("/")
    return bool(slash) and ("." in host or ":" in host)
