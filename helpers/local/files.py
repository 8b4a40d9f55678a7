"""Files of a job: the URIs a request names, and the archives the platform writes and unpacks."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse


def path_of(uri: str) -> Path:
    """Return the path that a `file://` URI or a plain path names; raise ValueError for any other scheme."""
    scheme = urlparse(uri).scheme
    if scheme == "file":
        return Path(unquote(urlparse(uri).path))
    if scheme:
        raise ValueError(f"{uri!r} is not on this machine: local processes read and write file:// only")
    return Path(uri).resolve()


def files_under(prefix: Path) -> Iterator[tuple[Path, Path]]:
    """Yield each file of a folder, or the one file named, with its path relative to the prefix; sorted."""
    if prefix.is_file():
        yield prefix, Path(prefix.name)
    for path in sorted(prefix.rglob("*")):
        if path.is_file():
            yield path, path.relative_to(prefix)


def bring(prefix: Path, folder: Path, *, link: bool = False) -> int:
    """Put every file below `prefix` into `folder`, copied or as links, and return how many there were."""
    count = 0
    for path, relative in files_under(prefix):
        destination = folder / relative
        destination.parent.mkdir(parents=True, exist_ok=True)
        if link:
            os.symlink(path.resolve(), destination)
        else:
            shutil.copyfile(path, destination)
        count += 1
    return count


def pack(folder: Path, archive: Path) -> None:
    """Write the content of `folder` to a `.tar.gz`, names relative to the folder and sorted."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    partial = archive.with_name(archive.name + ".part")
    with tarfile.open(partial, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, arcname=path.name)
    partial.replace(archive)


def unpack(archive: Path, folder: Path) -> None:
    """Extract a `.tar.gz` below `folder`, refusing members that would leave it."""
    folder.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def last_lines(log: Path, count: int = 20) -> list[str]:
    """Return the last lines of a log file, or none if it does not exist."""
    if not log.exists():
        return []
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-count:]
