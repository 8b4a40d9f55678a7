"""What the remote runs of the notebooks share: an environment without Docker, the emulator, and how outputs compare."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd

from tests.emulator import Emulator
from tests.notebooks.harness import NOTEBOOKS

REMOTE = {"INSTANCE_TYPE": "ml.m5.xlarge", "KEEP_FILES": True}


def outputs_of(path: Path) -> str:
    """All that an executed notebook printed."""
    cells = nbformat.read(path, as_version=4)["cells"]
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def in_bucket(emulator: Emulator, ending: str) -> dict[str, bytes]:
    """The objects of the default bucket whose keys have an ending, by key."""
    s3: Any = emulator.client("s3")
    found = s3.list_objects_v2(Bucket=emulator.bucket).get("Contents", [])
    keys = [item["Key"] for item in found if item["Key"].endswith(ending)]
    return {key: s3.get_object(Bucket=emulator.bucket, Key=key)["Body"].read() for key in keys}


def forecast_in(archive: bytes) -> pd.DataFrame:
    """The forecast in an `output.tar.gz`."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        (name,) = [member for member in tar.getnames() if member.endswith("forecasts.csv")]
        file = tar.extractfile(name)
        assert file is not None
        return pd.read_csv(file)


def left_running(emulator: Emulator) -> list[str]:
    """The endpoints, and the jobs in progress, that are there."""
    client: Any = emulator.client("sagemaker")
    endpoints = [endpoint["EndpointName"] for endpoint in client.list_endpoints()["Endpoints"]]
    jobs = client.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
    return endpoints + [job["TrainingJobName"] for job in jobs]


def notebook(stem: str) -> Path:
    return NOTEBOOKS / f"{stem}.ipynb"
