"""What a job leaves: fetched, unpacked safely, listed."""

from __future__ import annotations

import tarfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from helpers import jobs


def archive_of(folder: Path, name: str, **contents: str) -> Path:
    """Pack files (`data__x` is `data/x`) into an archive."""
    for file, text in contents.items():
        path = folder / "packed" / file.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with tarfile.open(folder / name, "w:gz") as tar:
        for path in sorted((folder / "packed").iterdir()):
            tar.add(path, arcname=path.name)
    return folder / name


def job_with(model: str) -> dict[str, dict[str, str]]:
    return {"ModelArtifacts": {"S3ModelArtifacts": model}}


@pytest.mark.parametrize("contents", [{"forecasts": "f"}, {"data__forecasts": "f"}])
def test_outputs_are_named_alike_from_the_platform_and_from_the_sdk(tmp_path: Path, contents: dict[str, str]) -> None:
    archive_of(tmp_path, "output.tar.gz", **contents)
    files = jobs.download_output(job_with((tmp_path / "model.tar.gz").as_uri()), tmp_path / "out")
    assert {name: path.read_text() for name, path in files.items()} == {"forecasts": "f"}


def test_an_archive_cannot_leave_its_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "secret", arcname="../secret")
    with pytest.raises(tarfile.OutsideDestinationError):
        jobs.download_artifact(job_with((tmp_path / "model.tar.gz").as_uri()), tmp_path / "out")


def test_a_job_without_a_model_says_so() -> None:
    with pytest.raises(FileNotFoundError, match="The job one has left no model"):
        jobs.download_artifact({"TrainingJobName": "one", **job_with("")}, "anywhere")


def test_an_s3_archive_is_downloaded_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = archive_of(tmp_path, "source.tar.gz", manifest="m")

    def download(bucket: str, key: str, local: str) -> None:
        assert (bucket, key) == ("bucket", "a/b/model.tar.gz")
        Path(local).write_bytes(source.read_bytes())

    s3 = SimpleNamespace(download_file=download)
    monkeypatch.setitem(__import__("sys").modules, "boto3", SimpleNamespace(client=lambda _: s3))
    files = jobs.download_artifact(job_with("s3://bucket/a/b/model.tar.gz"), tmp_path / "out")
    assert files["manifest"].read_text() == "m"


def test_a_tree_by_hand(tmp_path: Path) -> None:
    (tmp_path / "b/c/d").mkdir(parents=True)
    (tmp_path / "b/x").write_text("")
    (tmp_path / "a").write_text("")
    assert jobs.tree(tmp_path).splitlines() == ["b/", "    c/", "        d/", "    x", "a"]
    assert jobs.tree(tmp_path, depth=1).splitlines() == ["b/", "a"]
