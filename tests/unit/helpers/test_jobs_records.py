"""By record: the answer, or what the log says of it, in the words of AWS, of the emulator and of this machine."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import jobs
from helpers.jobs.records import NOT_TOLD, error_of

BODY = '{"code":"x","message":"No number in row 1.","remedy":"Write one."}'
AWS = [
    "2026-01-01T00:00:00.000:[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=6, BatchStrategy=MULTI_RECORD",
    "2026-01-01T00:00:01.000:[sagemaker logs]: bucket/in/bad.csv: ClientError: 422",
    "2026-01-01T00:00:01.000:[sagemaker logs]: bucket/in/bad.csv: ",
    "2026-01-01T00:00:01.000:[sagemaker logs]: bucket/in/bad.csv: Message:",
    f"2026-01-01T00:00:01.000:[sagemaker logs]: bucket/in/bad.csv: {BODY}",
    "2026-01-01T00:00:01.000:[sagemaker logs]: bucket/in/not-bad.csv: ClientError: 500",
]


def test_the_log_of_aws_is_read() -> None:
    assert error_of(AWS, "bad.csv") == "ClientError: 422 No number in row 1. Write one."
    assert error_of(AWS, "not-bad.csv") == "ClientError: 500"
    assert error_of(AWS, "other.csv") == NOT_TOLD
    assert error_of([f"s3://b/in/a.csv: Bad HTTP status: 422: {BODY}"], "a.csv").endswith(
        "422: No number in row 1. Write one."
    )
    assert error_of(["[sagemaker logs]: deep/a.csv: the model server answered 413: {"], "deep/a.csv").endswith("413: {")


@pytest.mark.parametrize("below", ["", "job/"])  # the SDK's local mode adds the job's name
def test_each_record_has_its_answer_or_its_error(tmp_path: Path, below: str) -> None:
    for name in ("in/good.csv", "in/bad.csv", f"out/{below}good.csv.out", "out/unrelated.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    client = SimpleNamespace(log=lambda name: "\n".join(AWS) if name == "job" else "")
    bad, good = jobs.records(client, "job", str(tmp_path / "in"), (tmp_path / "out").as_uri())
    assert good == jobs.Record("good.csv", f"out/{below}good.csv.out", "")
    assert (bad.name, bad.answer) == ("bad.csv", None)
    assert bad.error.startswith("ClientError: 422")


def test_the_log_is_not_asked_for_where_all_is_well(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").write_text("")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.out").write_text("x")
    client = SimpleNamespace(log=lambda _: pytest.fail("the log was read"))
    assert jobs.records(client, "job", str(tmp_path / "in"), str(tmp_path / "out")) == [jobs.Record("a", "x", "")]
