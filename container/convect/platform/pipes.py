"""Pipe mode: a channel that is a FIFO, read once from its start to its end and kept as a file."""

from __future__ import annotations

import gzip
import mmap
import re
import time
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from convect.errors import PlatformError, UserError
from convect.reading.delimited import cells, is_row

_BLOCK_BYTES = 1 << 20
_POLL_S = 0.05
_BOM = b"\xef\xbb\xbf"
_GZIP = b"\x1f\x8b"
_FILE = "pipe"


def is_pipe(settings: Mapping[str, Any]) -> bool:
    """Say whether a channel of inputdataconfig.json comes as a FIFO."""
    return settings.get("TrainingInputMode") == "Pipe"


def drain(fifo: Path, channel: str, settings: Mapping[str, Any], folder: Path, wait_s: float = 600) -> None:
    """Write what comes through `fifo` into one file in the new `folder`; wait for the FIFO to be made.

    The objects of the channel come one after another, without a mark between them: the header of CSV, which each
    of them brings, is kept once. Raises UserError for RecordIO and for several Parquet files, PlatformError where
    no FIFO is made in time.
    """
    if settings.get("RecordWrapperType", "None") != "None":
        message = f"Channel '{channel}' is wrapped as {settings['RecordWrapperType']}, which is not read."
        raise UserError(message, "Leave RecordWrapperType out.", code="channel")
    folder.mkdir(parents=True)
    with _opened(fifo, channel, wait_s) as source, (folder / _FILE).open("wb") as sink:
        _copy(source, sink)
    _unpack(folder / _FILE, channel)
    _refuse_several_parquet(folder / _FILE, channel)


def _opened(fifo: Path, channel: str, wait_s: float) -> BinaryIO:
    """The FIFO, opened once it exists; the platform makes it when it has something to give."""
    until = time.monotonic() + wait_s
    while not fifo.exists():
        if time.monotonic() > until:
            message = f"Channel '{channel}' has no pipe '{fifo.name}' after {wait_s:.0f} s."
            raise PlatformError(message, "Run the job again, or use input mode File.", code="channel")
        time.sleep(_POLL_S)
    return fifo.open("rb", buffering=0)


def _copy(source: BinaryIO | gzip.GzipFile, sink: BinaryIO) -> None:
    rest = _first_lines(source)
    again = _again(rest)
    if again is not None:
        header, newline, rest = rest.partition(b"\n")
        sink.write(header + newline)
    while block := source.read(_BLOCK_BYTES):
        whole, newline, rest = (rest + block).rpartition(b"\n") if again else (rest + block, b"", b"")
        sink.write(_without(again, whole + newline))
    sink.write(_without(again, rest))


def _without(again: re.Pattern[bytes] | None, lines: bytes) -> bytes:
    return again.sub(b"", lines) if again else lines


def _first_lines(source: BinaryIO | gzip.GzipFile) -> bytes:
    read = b""
    while b"\n" not in read and len(read) < _BLOCK_BYTES and (block := source.read(_BLOCK_BYTES)):
        read += block
    return read


def _again(start: bytes) -> re.Pattern[bytes] | None:
    """What finds a repeated header; None for a stream that has none: JSON, Parquet, compressed, or only rows."""
    line, newline, _ = start.partition(b"\n")
    header = line.removeprefix(_BOM).rstrip(b"\r")
    text = header.decode("utf-8", errors="replace")
    if not newline or header.startswith((b"{", b"PAR1", _GZIP)) or "\0" in text or is_row(cells(text)[0]):
        return None
    return re.compile(b"^(?:" + _BOM + b")?" + re.escape(header) + rb"\r?(?:\n|\Z)", re.MULTILINE)


def _unpack(path: Path, channel: str) -> None:
    """Decompress a file of gzip members, whose headers only now can be seen."""
    with path.open("rb") as file:
        if file.read(2) != _GZIP:
            return
    packed = path.rename(path.with_name(f".{path.name}"))
    try:
        with gzip.open(packed) as source, path.open("wb") as sink:
            _copy(source, sink)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        message = f"What comes through the pipe of channel '{channel}' is damaged or cut short."
        raise UserError(message, "Upload it again.", code="file") from error
    packed.unlink()


def _refuse_several_parquet(path: Path, channel: str) -> None:
    """One file ends and the next begins with the same four letters."""
    if not path.stat().st_size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        if content[:4] == b"PAR1" and content.find(b"PAR1PAR1") >= 0:
            message = f"Channel '{channel}' sends several Parquet files through one pipe, which does not part them."
            raise UserError(message, "Use input mode File or FastFile, or one Parquet file.", code="file")
