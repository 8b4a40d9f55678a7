"""The `model` channel: an earlier job's model.tar.gz, or its files, read as an artifact."""

from __future__ import annotations

import gzip
import io
import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import BinaryIO

from convect.artifact import Artifact
from convect.errors import UserError
from convect.manifest import MANIFEST

LARGEST_RATIO = 200  # of unpacked to packed bytes; a model's Parquet and text reach a tenth of it
SMALLEST_LIMIT_BYTES = 64 << 20
MOST_MEMBERS = 1000


def read_earlier(directory: Path) -> Artifact:
    """Return the artifact in the folder of the channel, unpacked there or in one model.tar.gz.

    Raises UserError where there is none, several, or an archive that is damaged or that no training wrote, and
    PlatformError where the artifact in it is damaged or of another format version.
    """
    unpacked = sorted(path.parent for path in directory.rglob(MANIFEST))
    packed = sorted(path for path in directory.rglob("*.tar.gz") if path.is_file())
    if len(unpacked) + len(packed) != 1:
        found = len(unpacked) + len(packed)
        message = f"Channel 'model' holds {found or 'no'} {'models' if found else 'model'}."
        raise UserError(message, "Give one model.tar.gz that training wrote, or its files.", code="model")
    if unpacked:
        return Artifact.load(unpacked[0])
    with TemporaryDirectory(prefix="convect-model-") as folder:
        _unpack(packed[0], Path(folder))
        return Artifact.load(Path(folder))


def _unpack(archive: Path, folder: Path) -> None:
    """Write the regular files at the top of an archive into `folder`, and nothing anywhere else."""
    limit = max(SMALLEST_LIMIT_BYTES, LARGEST_RATIO * archive.stat().st_size)
    try:
        with gzip.open(archive) as stream, tarfile.open(fileobj=_Limited(stream, limit), mode="r|") as members:
            for number, member in enumerate(members):
                _refuse_strange(member, number)
                source = members.extractfile(member) if member.isfile() else None
                if source is not None:
                    with source, (folder / PurePosixPath(member.name).name).open("xb") as sink:
                        shutil.copyfileobj(source, sink)
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _bad("is damaged or cut short") from error
    except FileExistsError as error:
        raise _bad("has a file twice") from error


def _refuse_strange(member: tarfile.TarInfo, number: int) -> None:
    path = PurePosixPath(member.name)
    top = len(path.parts) == 1 and not path.is_absolute() and path.name != ".."
    if not (member.isfile() and top) and not (member.isdir() and not path.name):
        raise _bad("has a folder, a link or a path that leads elsewhere")
    if number >= MOST_MEMBERS:
        raise _bad(f"has more than {MOST_MEMBERS} files")


def _bad(what: str) -> UserError:
    return UserError(
        f"The archive in channel 'model' {what}.", "Give the model.tar.gz that training wrote.", code="model"
    )


class _Limited(io.RawIOBase):
    """A stream that refuses to give more than `limit` bytes, so that a small archive cannot fill disk or memory."""

    def __init__(self, stream: BinaryIO | gzip.GzipFile, limit: int) -> None:
        self._stream, self._left = stream, limit

    def read(self, size: int = -1, /) -> bytes:
        if size < 0 or size > self._left:
            raise _bad("unpacks to far more than a model is")
        content = self._stream.read(size)
        self._left -= len(content)
        return content
