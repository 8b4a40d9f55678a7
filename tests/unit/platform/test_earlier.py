"""The `model` channel: how a model arrives, and archives that are not to be unpacked."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convect import pipeline
from convect.artifact import Artifact
from convect.errors import ConvectError
from convect.platform import earlier
from convect.platform.earlier import read_earlier
from tests.unit.made import fast, quiet, table

Fill = Callable[[tarfile.TarFile], None]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    pipeline.train(table(2, 40), fast(), progress=quiet).artifact.save(folder)
    return folder


def packed(model: Path, archive: Path, prefix: str = "") -> Path:
    """As SageMaker packs /opt/ml/model: with or without a leading dot."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w:gz") as members:
        for path in sorted(model.iterdir()):
            members.add(path, prefix + path.name)
    return archive


def made(tmp_path: Path, fill: Fill) -> Path:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as members:
        fill(members)
    return tmp_path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> Fill:
    def fill(members: tarfile.TarFile) -> None:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        members.addfile(info)

    return fill


def message(directory: Path) -> str:
    with pytest.raises(ConvectError) as caught:
        read_earlier(directory)
    return str(caught.value)


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("name", ["model.tar.gz", "job-1/output/model.tar.gz"])
def test_the_archive_that_training_left(model: Path, tmp_path: Path, prefix: str, name: str) -> None:
    packed(model, tmp_path / name, prefix)
    np.testing.assert_array_equal(read_earlier(tmp_path).forecasts, Artifact.load(model).forecasts)


def test_a_folder_entry_in_the_archive_is_passed_over(model: Path, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "model.tar.gz", "w:gz") as members:
        members.add(model, ".")
    assert read_earlier(tmp_path).item_ids == ("i0", "i1")


def test_its_files_unpacked(model: Path, tmp_path: Path) -> None:
    shutil.copytree(model, tmp_path / "model")
    assert read_earlier(tmp_path).item_ids == ("i0", "i1")


ASK = "Give one model.tar.gz that training wrote, or its files."
GIVE = "Give the model.tar.gz that training wrote."
ARCHIVE = "UserError [model]: The archive in channel 'model'"


def test_none_and_two(model: Path, tmp_path: Path) -> None:
    assert message(tmp_path) == f"UserError [model]: Channel 'model' holds no model. {ASK}"
    packed(model, tmp_path / "a" / "model.tar.gz")
    packed(model, tmp_path / "b" / "model.tar.gz")
    assert message(tmp_path) == f"UserError [model]: Channel 'model' holds 2 models. {ASK}"


@pytest.mark.parametrize(
    "fill",
    [
        member("../manifest.json"),
        member("/etc/passwd"),
        member(".."),
        member("sub/manifest.json"),
        member("a/../../manifest.json"),
        member("manifest.json", tarfile.SYMTYPE, "/etc/passwd"),
        member("manifest.json", tarfile.LNKTYPE, "/etc/passwd"),
        member("disk", tarfile.BLKTYPE),
        member("pipe", tarfile.FIFOTYPE),
        member("folder", tarfile.DIRTYPE),
    ],
)
def test_what_leads_elsewhere_is_refused_and_nothing_is_written(tmp_path: Path, fill: Fill) -> None:
    before = set(tmp_path.parent.rglob("*"))
    directory = made(tmp_path, fill)
    assert message(directory) == f"{ARCHIVE} has a folder, a link or a path that leads elsewhere. {GIVE}"
    assert set(tmp_path.parent.rglob("*")) - before == {tmp_path / "model.tar.gz"}


def test_a_file_twice(tmp_path: Path) -> None:
    def fill(members: tarfile.TarFile) -> None:
        member("manifest.json")(members)
        member("manifest.json")(members)

    assert message(made(tmp_path, fill)) == f"{ARCHIVE} has a file twice. {GIVE}"


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "MOST_MEMBERS", 3)

    def fill(members: tarfile.TarFile) -> None:
        for number in range(5):
            member(f"{number}.txt")(members)

    assert message(made(tmp_path, fill)) == f"{ARCHIVE} has more than 3 files. {GIVE}"


def test_a_bomb_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "SMALLEST_LIMIT_BYTES", 1 << 20)
    written: list[int] = []
    real = earlier.shutil.copyfileobj

    def counted(source: io.BufferedReader, sink: io.BufferedWriter) -> None:
        try:
            real(source, sink)
        finally:
            written.append(sink.tell())

    monkeypatch.setattr(earlier.shutil, "copyfileobj", counted)
    with gzip.open(tmp_path / "model.tar.gz", "wb") as archive:
        info = tarfile.TarInfo("history.parquet")
        info.size = 64 << 20
        archive.write(info.tobuf())
        for _ in range(64):
            archive.write(bytes(1 << 20))
    limit = max(1 << 20, earlier.LARGEST_RATIO * (tmp_path / "model.tar.gz").stat().st_size)
    assert message(tmp_path) == f"{ARCHIVE} unpacks to far more than a model is. {GIVE}"
    assert 0 < sum(written) <= limit < 64 << 20


def test_a_bomb_of_a_header_stops_at_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "SMALLEST_LIMIT_BYTES", 1 << 20)
    with gzip.open(tmp_path / "model.tar.gz", "wb") as archive:
        info = tarfile.TarInfo("x")
        info.type, info.size = tarfile.GNUTYPE_LONGNAME, 64 << 20
        archive.write(info.tobuf(tarfile.GNU_FORMAT))
        for _ in range(64):
            archive.write(b"a" * (1 << 20))
    assert message(tmp_path) == f"{ARCHIVE} unpacks to far more than a model is. {GIVE}"


@pytest.mark.parametrize("keep", [10, 500, 5000])
def test_half_an_archive(model: Path, tmp_path: Path, keep: int) -> None:
    archive = packed(model, tmp_path / "model.tar.gz")
    archive.write_bytes(archive.read_bytes()[:keep])
    assert message(tmp_path) == f"{ARCHIVE} is damaged or cut short. {GIVE}"


def test_another_archive_is_no_model(tmp_path: Path) -> None:
    found = message(made(tmp_path, member("model.pth")))
    assert found.startswith("PlatformError [platform]: There is no manifest.json in the model directory.")
