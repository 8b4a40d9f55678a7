"""Files by URI: the same calls on this machine and in S3, by the same results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from helpers import jobs
from helpers.jobs.storage import fetch, read_text

moto = pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")


@pytest.fixture(params=["path", "file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A place that does not hold anything yet."""
    if request.param != "s3":
        yield str(tmp_path / "a place") if request.param == "path" else (tmp_path / "a place").as_uri()
        return
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws():
        boto3.client("s3").create_bucket(Bucket="a-bucket")
        yield "s3://a-bucket/a place"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "source/deep").mkdir(parents=True)
    (tmp_path / "source/one.csv").write_text("1")
    (tmp_path / "source/deep/two.csv").write_text("2")
    return tmp_path / "source"


def test_a_folder_goes_and_comes_back(place: str, folder: Path, tmp_path: Path) -> None:
    assert jobs.put(folder, f"{place}/in/") == f"{place}/in/"
    found = jobs.listing(f"{place}/in")
    assert list(found) == ["deep/two.csv", "one.csv"]
    assert {name: read_text(uri) for name, uri in found.items()} == {"deep/two.csv": "2", "one.csv": "1"}
    assert fetch(found["one.csv"], tmp_path / "back").read_text() == "1"


def test_a_file_goes_under_the_name_given(place: str, folder: Path) -> None:
    jobs.put(folder / "one.csv", f"{place}/other.csv")
    assert list(jobs.listing(place)) == ["other.csv"]


def test_what_is_not_there_is_said_or_none(place: str, tmp_path: Path) -> None:
    assert jobs.listing(place) == {}
    assert read_text(f"{place}/none") is None
    with pytest.raises(FileNotFoundError, match="There is no file or folder"):
        jobs.put(tmp_path / "none", place)


def test_only_what_lies_below_is_removed_and_twice_is_no_error(place: str, folder: Path) -> None:
    jobs.put(folder, f"{place}/in")
    jobs.put(folder, f"{place}/in-other")
    assert jobs.remove(f"{place}/in") == 2
    assert jobs.remove(f"{place}/in") == 0
    assert list(jobs.listing(place)) == ["in-other/deep/two.csv", "in-other/one.csv"]


@pytest.mark.parametrize("uri", ["s3://b", "s3://b/", "s3://b//"])
def test_a_whole_bucket_is_never_removed(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("helpers.jobs.storage.listing", lambda _: {"x": "s3://b/x"})
    with pytest.raises(ValueError, match="is a whole bucket"):
        jobs.remove(uri)


def test_a_file_put_where_it_is_stays_whole(folder: Path) -> None:
    jobs.put(folder / "one.csv", str(folder / "one.csv"))
    assert (folder / "one.csv").read_text() == "1"


def test_a_thousand_objects_and_one_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with moto.mock_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket="a-bucket")
        for number in range(1001):
            s3.put_object(Bucket="a-bucket", Key=f"in/{number}", Body=b"")
        assert jobs.remove("s3://a-bucket/in") == 1001
        assert "Contents" not in s3.list_objects_v2(Bucket="a-bucket")


def test_what_python_has_compiled_stays_at_home(place: str, folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__/one.pyc").write_text("x")
    jobs.put(folder, place)
    assert list(jobs.listing(place)) == ["deep/two.csv", "one.csv"]
