"""LocalClient transforms as the platform does: split, batched, assembled, one bad record fails the job."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.local import ClientError, LocalClient
from helpers.local.transform import TransformFailed, assemble, batches, split
from tests.unit.helpers.waiting import until


def run(client: LocalClient, archive: str, folder: Path, **changes: Any) -> dict[str, Any]:
    """Transform `folder/in` into `folder/result` and return the job's description."""
    environment = changes.pop("environment", {})
    client.create_model(
        ModelName="m", PrimaryContainer={"Image": "any", "ModelDataUrl": archive, "Environment": environment}
    )
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": (folder / "in").as_uri()}}
    client.create_transform_job(
        TransformJobName="t",
        ModelName="m",
        TransformInput={"DataSource": data, "ContentType": "text/csv", **changes.pop("source", {})},
        TransformOutput={"S3OutputPath": (folder / "result").as_uri(), **changes.pop("target", {})},
        TransformResources={"InstanceType": "local", "InstanceCount": 1},
        **changes,
    )
    until(lambda: client.describe_transform_job(TransformJobName="t")["TransformJobStatus"] != "InProgress")
    return client.describe_transform_job(TransformJobName="t")


def write(folder: Path, **contents: bytes) -> None:
    for name, content in contents.items():
        path = folder / "in" / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_each_file_has_its_answer(client: LocalClient, archive: str, tmp_path: Path) -> None:
    write(tmp_path, one=b"a\nb\n", deep__two=b"c\n")
    assert run(client, archive, tmp_path)["TransformJobStatus"] == "Completed"
    assert (tmp_path / "result/one.out").read_bytes() == b"A\nB\n"
    assert (tmp_path / "result/deep/two.out").read_bytes() == b"C\n"


def test_lines_go_one_by_one_and_come_back_in_order(client: LocalClient, archive: str, tmp_path: Path) -> None:
    write(tmp_path, one=b"a\nb\n\nc")
    line = {"SplitType": "Line"}
    run(client, archive, tmp_path, source=line, target={"AssembleWith": "Line"}, BatchStrategy="SingleRecord")
    assert (tmp_path / "result/one.out").read_bytes() == b"A\nB\nC\n"


def test_the_server_is_told_of_the_batch(client: LocalClient, archive: str, tmp_path: Path) -> None:
    write(tmp_path, one=b"environment")
    run(client, archive, tmp_path, BatchStrategy="SingleRecord", MaxPayloadInMB=2, Environment={"JOB": "1"})
    environment = json.loads((tmp_path / "result/one.out").read_text())
    assert environment["SAGEMAKER_BATCH"] == "true"
    assert environment["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"
    assert environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "2"
    assert environment["JOB"] == "1"
    assert "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS" not in environment


def test_what_the_server_prefers_holds_where_the_request_is_silent(
    client: LocalClient, archive: str, tmp_path: Path
) -> None:
    write(tmp_path, one=b"x" * 2**20 + b"y")
    job = run(client, archive, tmp_path, environment={"BEHAVE": "single"})
    assert "larger than MaxPayloadInMB" in job["FailureReason"]


def test_gzip_is_undone(client: LocalClient, archive: str, tmp_path: Path) -> None:
    write(tmp_path, one=gzip.compress(b"a"))
    run(client, archive, tmp_path, source={"CompressionType": "Gzip"})
    assert (tmp_path / "result/one.out").read_bytes() == b"A"


def test_one_refused_file_fails_the_job_and_the_others_are_kept(
    client: LocalClient, archive: str, tmp_path: Path
) -> None:
    write(tmp_path, one=b"bad", two=b"good")
    job = run(client, archive, tmp_path)
    assert job["TransformJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: one: the model server answered 422:")
    assert "Ask for another." in job["FailureReason"]
    assert [path.name for path in (tmp_path / "result").iterdir()] == ["two.out"]


def test_a_server_that_dies_fails_the_job(client: LocalClient, archive: str, tmp_path: Path) -> None:
    write(tmp_path, one=b"a")
    job = run(client, archive, tmp_path, environment={"BEHAVE": "die"})
    assert job["FailureReason"] == "AlgorithmError: the server exited with code 1"


def test_an_empty_input_is_refused_at_once(client: LocalClient, archive: str, tmp_path: Path) -> None:
    with pytest.raises(ClientError, match="No S3 objects found"):
        run(client, archive, tmp_path)


def test_a_stopped_job_says_so(client: LocalClient, archive: str, tmp_path: Path) -> None:
    write(tmp_path, one=b"a")
    client.create_model(
        ModelName="m", PrimaryContainer={"ModelDataUrl": archive, "Environment": {"BEHAVE": "never"}, "Image": "any"}
    )
    data = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": (tmp_path / "in").as_uri()}}
    client.create_transform_job(
        TransformJobName="t",
        ModelName="m",
        TransformInput={"DataSource": data},
        TransformOutput={"S3OutputPath": tmp_path.as_uri()},
        TransformResources={"InstanceType": "local", "InstanceCount": 1},
    )
    client.stop_transform_job(TransformJobName="t")
    until(lambda: client.describe_transform_job(TransformJobName="t")["TransformJobStatus"] == "Stopped")


LINES = st.lists(st.binary(min_size=1, max_size=9).filter(lambda line: line.strip() and b"\n" not in line), max_size=9)


@given(LINES, st.integers(10, 30), st.sampled_from(["SINGLE_RECORD", "MULTI_RECORD"]))
def test_no_batch_is_too_large_and_none_is_lost(lines: list[bytes], limit: int, strategy: str) -> None:
    content = b"\n".join(lines)
    bodies = list(batches(split(content, "Line"), strategy, limit))
    assert all(0 < len(body) <= limit for body in bodies)
    assert b"".join(bodies).split() == content.split()
    if strategy == "SINGLE_RECORD":
        assert len(bodies) == len(lines)
    assert assemble(bodies, "Line").split() == content.split()


def test_batches_by_hand() -> None:
    records = split(b"aa\nbb\ncc\n", "Line")
    assert records == [b"aa\n", b"bb\n", b"cc\n"]
    assert list(batches(records, "MULTI_RECORD", 6)) == [b"aa\nbb\n", b"cc\n"]
    assert list(batches(records, "MULTI_RECORD", 0)) == [b"aa\nbb\ncc\n"]
    assert split(b"aa\nbb", "None") == [b"aa\nbb"]
    with pytest.raises(TransformFailed, match="3 bytes"):
        list(batches(records, "MULTI_RECORD", 2))
    assert assemble([b"a", b"b\n"], "None") == b"ab\n"
    assert assemble([b"a", b"b\n"], "Line") == b"a\nb\n"
