"""The registry of models: the version that is approved, and a group taken away with all its versions."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from .deleting import missing
from .requests import OPEN, Request, Security


def package_request(
    described: Request, model_data: str, noted: Mapping[str, str], security: Security = OPEN
) -> Request:
    """Return the dictionary of `create_model_package` for an archive, with notes of your own (names and texts).

    `described` is what `python -m convect.platform.spec` says under that name.
    """
    request: Request = copy.deepcopy(described)
    request["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] = model_data
    shut_in = {"SecurityConfig": security.key("KmsKeyId")} if security.kms_key else {}
    return {**request, "CustomerMetadataProperties": dict(noted), **shut_in}


def approved(client: Any, group: str) -> Request:
    """Return the description of the newest version of a group that is approved.

    Raises:
        LookupError: none is.
    """
    wanted = {"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved", "MaxResults": 1}
    order = {"SortBy": "CreationTime", "SortOrder": "Descending"}
    found = client.list_model_packages(**wanted, **order)["ModelPackageSummaryList"]
    if not found:
        raise LookupError(f"No version of {group} is approved: look at one, and update_model_package.")
    described: Request = client.describe_model_package(ModelPackageName=found[0]["ModelPackageArn"])
    return described


def data_of(package: Request) -> str:
    """Return where the archive of a version lies."""
    return str(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])


def delete_group(client: Any, group: str) -> int:
    """Delete a group with all its versions; return how many there were. May be called twice."""
    try:
        found = client.list_model_packages(ModelPackageGroupName=group, MaxResults=100)["ModelPackageSummaryList"]
        for version in found:
            client.delete_model_package(ModelPackageName=version["ModelPackageArn"])
        client.delete_model_package_group(ModelPackageGroupName=group)
    except Exception as error:
        if not missing(error):
            raise
        return 0
    return len(found)


def delete_pipeline(client: Any, name: str) -> bool:
    """Delete a pipeline; return whether there was one. May be called twice."""
    try:
        client.delete_pipeline(PipelineName=name)
    except Exception as error:
        if not missing(error):
            raise
        return False
    return True
