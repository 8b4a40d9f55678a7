"""Build and push without a Docker engine here: AWS CodeBuild runs `build_and_push.sh` of the folder."""

# ruff: noqa: ANN401 - clients of boto3, which has no types

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .ecr import ImageError, Pushed, pushed, registry
from .engine import NAME, revision

MACHINE, COMPUTE = "aws/codebuild/amazonlinux2-x86_64-standard:5.0", "BUILD_GENERAL1_MEDIUM"
TIMEOUT_MIN, POLL_S, LOG_LINES = 30, 5.0, 12
LEAVE_OUT = ("__pycache__", "local_test")
SPEC = {"version": 0.2, "phases": {"build": {"commands": ['bash build_and_push.sh "$NAME"']}}}


def build_remotely(
    context: str | Path,
    bucket: str,
    role: str,
    name: str = NAME,
    *,
    region: str | None = None,
    base_image: str | None = None,
    poll_s: float = POLL_S,
) -> Pushed:
    """Build and push the image of a folder on AWS; return what the registry then holds.

    The folder goes to `bucket` as a zip file; a project of CodeBuild is made, run to its end and deleted again, as is
    the zip file, also when this call is interrupted. `role` is the ARN of a role that codebuild.amazonaws.com may take
    and that may push to ECR, read the bucket and write logs. It costs some US cents; a build takes about five minutes.

    Raises:
        ImageError: something is missing, or the build failed; the message has the last lines of its log.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise ImageError("boto3 is not installed, and CodeBuild is asked through it: pip install boto3.") from error
    place, tag = registry(name, region), revision(context)
    project, key = f"{name.replace('/', '-')}-image", f"convect/codebuild/{name}-{tag}.zip"
    try:
        s3, client = boto3.client("s3", region_name=region), boto3.client("codebuild", region_name=region)
        s3.put_object(Bucket=bucket, Key=key, Body=packed(context))
        variables = {"NAME": name, "REVISION": tag, **({"BASE_IMAGE": base_image} if base_image else {})}
        try:
            make_project(client, project_request(project, f"{bucket}/{key}", role, variables))
            run_build(client, project, poll_s, boto3.client("logs", region_name=region))
        finally:
            client.delete_project(name=project)
            s3.delete_object(Bucket=bucket, Key=key)
    except (BotoCoreError, ClientError) as error:
        raise ImageError(f"AWS refused: {error} Check the bucket, the role and the rights in the README.") from error
    return pushed(place, tag)


def packed(context: str | Path) -> bytes:
    """Return a folder as a zip file, without what the image does not need; the same files give the same bytes."""
    memory, root = io.BytesIO(), Path(context)
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root)
            hidden = any(part.startswith(".") and part != ".dockerignore" for part in inside.parts)
            if path.is_file() and not hidden and not set(inside.parts) & set(LEAVE_OUT):
                entry = zipfile.ZipInfo(inside.as_posix())  # of a fixed date
                entry.external_attr = 0o644 << 16  # without a mode nobody may read the file
                archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return memory.getvalue()


def project_request(name: str, source: str, role: str, variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the request for a project that builds the zip file at `source`, "bucket/key"; it may run Docker."""
    given = [{"name": key, "value": value, "type": "PLAINTEXT"} for key, value in variables.items()]
    return {
        "name": name,
        "source": {"type": "S3", "location": source, "buildspec": json.dumps(SPEC)},
        "artifacts": {"type": "NO_ARTIFACTS"},
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": MACHINE,
            "computeType": COMPUTE,
            "privilegedMode": True,
            "environmentVariables": given,
        },
        "serviceRole": role,
        "timeoutInMinutes": TIMEOUT_MIN,
    }


def make_project(client: Any, request: Mapping[str, Any]) -> None:
    """Make a project; one of the same name that an earlier call has left is replaced."""
    try:
        client.create_project(**request)
    except client.exceptions.ResourceAlreadyExistsException:
        client.delete_project(name=request["name"])
        client.create_project(**request)


def run_build(client: Any, project: str, poll_s: float, logs: Any) -> None:
    """Run a project to its end; stop it if we are interrupted; raise ImageError with its log's end if it fails."""
    build = client.start_build(projectName=project)["build"]
    try:
        while build["buildStatus"] == "IN_PROGRESS":
            time.sleep(poll_s)
            build = client.batch_get_builds(ids=[build["id"]])["builds"][0]
    except BaseException:
        client.stop_build(id=build["id"])
        raise
    if build["buildStatus"] != "SUCCEEDED":
        lines = [f"The build ended as {build['buildStatus']}. The end of its log:", *tail(logs, build.get("logs", {}))]
        raise ImageError("\n".join(lines))


def tail(logs: Any, where: Mapping[str, str]) -> list[str]:
    """Return the last lines of a build's log, or a line that says that they cannot be had."""
    if not where.get("groupName") or not where.get("streamName"):
        return ["(it has none)"]
    try:
        found = logs.get_log_events(
            logGroupName=where["groupName"], logStreamName=where["streamName"], limit=LOG_LINES, startFromHead=False
        )
    except Exception as error:  # whatever it is, the build's failure is what matters
        return [f"(it cannot be read: {error})"]
    return [str(event["message"]).rstrip() for event in found["events"]]
