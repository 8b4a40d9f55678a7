"""What the local client refuses before anything runs, and that its parameters are those of boto3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from helpers.local import ClientError, LocalClient, ParamValidationError, files
from helpers.local.checks import PARAMETERS, UNSUPPORTED

Build = Callable[..., dict[str, Any]]


@pytest.mark.parametrize("operation", PARAMETERS)
def test_parameters_are_those_of_the_service(operation: str) -> None:
    session = pytest.importorskip("botocore.session").get_session()
    service = "sagemaker-runtime" if operation.startswith("Invoke") else "sagemaker"
    shape = session.get_service_model(service).operation_model(operation).input_shape
    required, optional = (set(names.split()) for names in PARAMETERS[operation])
    tokens = {name for name, member in shape.members.items() if member.metadata.get("idempotencyToken")}  # boto3's own
    assert set(shape.required_members) - tokens <= required
    assert required | optional <= set(shape.members)


def test_what_needs_aws_exists_there() -> None:
    session = pytest.importorskip("botocore.session").get_session()
    model = session.get_service_model("sagemaker")
    members = {**model.operation_model("CreateTrainingJob").input_shape.members}
    members |= model.operation_model("CreateTransformJob").input_shape.members
    members |= model.operation_model("CreateEndpointConfig").input_shape.members
    assert set(UNSUPPORTED) <= set(members)


def test_a_misspelt_parameter_is_named(client: LocalClient, request_for: Build) -> None:
    with pytest.raises(ParamValidationError, match='Unknown parameter in input: "HyperParameter", must be one of'):
        client.create_training_job(**request_for("x"), HyperParameter={})


def test_what_a_process_cannot_do_is_refused_not_ignored(client: LocalClient, request_for: Build) -> None:
    with pytest.raises(ParamValidationError, match="no notion of spot capacity"):
        client.create_training_job(**request_for("x"), EnableManagedSpotTraining=True)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("ResourceConfig", "InstanceCount"), 2, "set InstanceCount to 1"),
        (("InputDataConfig", 0, "InputMode"), "Pipe", "no Pipe mode"),
        (("InputDataConfig", 0, "DataSource", "S3DataSource", "S3DataType"), "ManifestFile", "S3Prefix only"),
        (("InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"), "s3://b/k", "read and write file:// only"),
        (("InputDataConfig", 0, "DataSource", "S3DataSource", "S3Uri"), "file:///none", "No S3 objects found"),
        (("OutputDataConfig", "S3OutputPath"), "s3://b/k", "read and write file:// only"),
        (("TrainingJobName",), "a job", "is not 1 to 63 letters"),
        (("TrainingJobName",), "x" * 64, "is not 1 to 63 letters"),
        (("HyperParameters",), {"horizon": "9" * 2501}, "longer than 2500"),
        (("HyperParameters",), {f"h{n}": "1" for n in range(101)}, "at most 100"),
    ],
)
def test_a_request_that_cannot_run_is_refused(
    client: LocalClient, request_for: Build, path: tuple[Any, ...], value: object, message: str
) -> None:
    request = request_for("x")
    inner = request
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(ClientError, match=message):
        client.create_training_job(**request)
    assert client.list_training_jobs() == {"TrainingJobSummaries": []}


def test_hyperparameters_must_be_text(client: LocalClient, request_for: Build) -> None:
    request = request_for("x")
    request["HyperParameters"]["horizon"] = 14
    with pytest.raises(ParamValidationError, match=r"HyperParameters\.horizon, value: 14, type: int, valid types: str"):
        client.create_training_job(**request)


def test_paths_and_uris_name_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "with space.csv"
    assert files.path_of(path.as_uri()) == files.path_of(str(path)) == path


def test_an_archive_cannot_leave_its_folder(tmp_path: Path) -> None:
    import tarfile

    (tmp_path / "secret").write_text("x")
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "secret", arcname="../secret")
    with pytest.raises(tarfile.OutsideDestinationError):
        files.unpack(tmp_path / "a.tar.gz", tmp_path / "inner")


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    assert files.last_lines(log) == []
    log.write_text("a\nb\nc\n")
    assert files.last_lines(log, 2) == ["b", "c"]
