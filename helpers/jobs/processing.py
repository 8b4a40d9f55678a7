"""The dictionary of a processing job: a program of yours, run in the image over files of S3."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .requests import IMAGE, LOCAL_ROLE, OPEN, Request, Security, uri

INPUT, OUTPUT = "/opt/ml/processing/input", "/opt/ml/processing/output"
OUTPUT_NAME = "output"


def processing_request(
    name: str,
    code: str | Path,
    module: str,
    inputs: Mapping[str, str | Path],
    output: str | Path,
    arguments: Sequence[str] = (),
    *,
    image: str = IMAGE,
    role: str = LOCAL_ROLE,
    instance_type: str = "local",
    volume_gb: int = 30,
    max_runtime_s: int = 3600,
    security: Security = OPEN,
) -> Request:
    """Return the dictionary of `create_processing_job` that runs `python3 -m module`.

    `code` is a folder that holds the module. Each of the `inputs` is brought to a folder, which the program is told by
    an argument of its name (`--actuals FOLDER`); what it writes to the folder told by `--output` goes to `output`.
    """
    told = [word for key in inputs for word in (f"--{key}", f"{INPUT}/{key}")]
    hardware = {"InstanceType": instance_type, "InstanceCount": 1, "VolumeSizeInGB": volume_gb}
    result = {"S3Uri": uri(output), "LocalPath": OUTPUT, "S3UploadMode": "EndOfJob"}
    return {
        "ProcessingJobName": name,
        "AppSpecification": {
            "ImageUri": image,
            "ContainerEntrypoint": ["python3", "-m", module],
            "ContainerArguments": [*told, "--output", OUTPUT, *arguments],
        },
        "Environment": {"PYTHONPATH": f"{INPUT}/code"},
        "ProcessingInputs": [brought("code", code), *(brought(key, place) for key, place in inputs.items())],
        "ProcessingOutputConfig": {
            "Outputs": [{"OutputName": OUTPUT_NAME, "S3Output": result}],
            **security.key("KmsKeyId"),
        },
        "ProcessingResources": {"ClusterConfig": {**hardware, **security.key("VolumeKmsKeyId")}},
        "RoleArn": role,
        "StoppingCondition": {"MaxRuntimeInSeconds": max_runtime_s},
        **({"NetworkConfig": security.network} if security.network else {}),
    }


def brought(name: str, place: str | Path) -> Request:
    """Return one of the `ProcessingInputs`: a file or a folder, copied before the program starts."""
    source = {"S3Uri": uri(place), "LocalPath": f"{INPUT}/{name}", "S3DataType": "S3Prefix", "S3InputMode": "File"}
    return {"InputName": name, "S3Input": source}
