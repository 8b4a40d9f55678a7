"""One connection between two hosts of a job: messages of bounded size, and files with a checksum behind them.

A message is a JSON object on a line. What comes in is not trusted before it is checked: its size, its form, and the
path of a file, which must lie below the folder that waits for it.
"""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from convect.errors import PlatformError

MESSAGE_BYTES = 1 << 14
_CHUNK_BYTES = 1 << 20
_NAME_BYTES = 1024  # of a key in S3
# A host that vanishes without a word is noticed after a minute and a half.
_KEEPALIVE = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 10, "TCP_KEEPCNT": 6}
_LOOK = "Look into the log of that host, and start the job again."


class Lost(PlatformError):
    """The other host is gone, or says nothing where it should."""

    code = "hosts"


class Link:
    """A connection to the host `peer`. Every method raises Lost where the connection breaks or `timeout_s` passes."""

    def __init__(self, connection: socket.socket, peer: str, timeout_s: float | None = None) -> None:
        self.peer = peer
        self._socket = connection
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE.items():
            if hasattr(socket, name):  # macOS calls the first of them otherwise
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self.patience(timeout_s)
        self._stream = connection.makefile("rb")

    @property
    def ends(self) -> tuple[str, str]:
        """The addresses of this host and of the other one."""
        return str(self._socket.getsockname()[0]), str(self._socket.getpeername()[0])

    def patience(self, timeout_s: float | None) -> None:
        """Set how long the other host may say nothing; None is for ever, as long as it lives."""
        self._socket.settimeout(timeout_s)

    def say(self, message: Mapping[str, Any]) -> bytes:
        """Send a message, and return it as it was sent."""
        line = json.dumps(message).encode() + b"\n"
        self.write(line)
        return line

    def write(self, content: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.sendall(content)
        except OSError as error:
            raise self._lost(error) from error

    def line(self) -> bytes:
        """Return the next line, which `decoded` reads; it is cut where it is longer than a message may be."""
        try:
            found = self._stream.readline(MESSAGE_BYTES + 1)
        except OSError as error:
            raise self._lost(error) from error
        if not found:
            raise self._lost("it closed the connection")
        return found

    def hear(self) -> dict[str, Any]:
        """Return the next message; raises PlatformError where it is none."""
        return decoded(self.line())

    def chunks(self, count: int) -> Iterator[bytes]:
        """Yield the next `count` bytes in pieces."""
        while count:
            try:
                found = self._stream.read1(min(count, _CHUNK_BYTES))
            except OSError as error:
                raise self._lost(error) from error
            if not found:
                raise self._lost("it closed the connection")
            count -= len(found)
            yield found

    def close(self, wait_s: float = 0.0) -> None:
        """Say nothing more, wait until the other host has closed its side, or `wait_s`, and close. Never raises."""
        until = time.monotonic() + wait_s
        try:
            self._socket.shutdown(socket.SHUT_WR)
            while (left_s := until - time.monotonic()) > 0:
                self._socket.settimeout(left_s)
                if not self._socket.recv(_CHUNK_BYTES):
                    break
        except OSError:
            pass  # closed by the other host, which is what is waited for
        finally:
            self._stream.close()
            self._socket.close()

    def _lost(self, why: object) -> Lost:
        return Lost(f"The connection to host '{self.peer}' was lost: {why}.", _LOOK)


def decoded(line: bytes) -> dict[str, Any]:
    """Return the message of a line; raises PlatformError for anything but a whole JSON object."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise _not_understood("a message")
    return found


@dataclass(frozen=True)
class FileHeader:
    """What is said before the bytes of a file: its channel, its path below the channel's folder, and its size."""

    channel: str
    name: PurePosixPath
    size: int  # bytes

    @classmethod
    def of(cls, message: Mapping[str, Any], channels: Collection[str]) -> FileHeader:
        """Return a checked header; raises PlatformError for another channel, a path that leaves it, or no size."""
        channel, name, size = (message.get(key) for key in ("channel", "name", "bytes"))
        if not (isinstance(channel, str) and channel in channels):
            raise _not_understood("a channel")
        if not (isinstance(name, str) and _safe(name)):
            raise _not_understood("the name of a file")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise _not_understood("the size of a file")
        return cls(channel, PurePosixPath(name), size)


def _safe(name: str) -> bool:
    try:
        short = len(name.encode(errors="surrogateescape")) <= _NAME_BYTES
    except UnicodeEncodeError:
        return False
    return short and "\0" not in name and not {"", ".", ".."} & set(name.split("/"))


def _not_understood(what: str) -> PlatformError:
    return PlatformError(f"Another host sent {what} that cannot be used.", "Run one image on all hosts.", code="hosts")


def send_files(link: Link, files: Iterable[tuple[str, PurePosixPath, Path]]) -> None:
    """Send (channel, name, file) one after the other, and the sha256 of it all.

    Raises Lost, and PlatformError where a file becomes shorter meanwhile; OSError where one cannot be read.
    """
    digest = sha256()
    for channel, name, path in files:
        size = path.stat().st_size
        digest.update(link.say({"channel": channel, "name": str(name), "bytes": size}))
        with path.open("rb") as content:
            while chunk := content.read(min(size, _CHUNK_BYTES)):
                link.write(chunk)
                digest.update(chunk)
                size -= len(chunk)
        if size:
            raise PlatformError(f"File '{name}' of channel '{channel}' ended early.", "Check the disk.", code="hosts")
    link.say({"sha256": digest.hexdigest()})


def receive_files(link: Link, folder: Path, channels: Collection[str]) -> int:
    """Write the files that `send_files` sends into a folder for each channel below `folder`; return their number.

    Raises Lost; PlatformError where a header is not as it must be, a name comes twice, the content is not what was
    sent, or the disk has no room; OSError where the disk fails.
    """
    digest, count = sha256(), 0
    while "sha256" not in (message := decoded(line := link.line())):
        header = FileHeader.of(message, channels)
        digest.update(line)
        for chunk in _write(link, header, folder):
            digest.update(chunk)
        count += 1
    if message["sha256"] != digest.hexdigest():
        raise PlatformError(f"The files of host '{link.peer}' arrived damaged.", "Start the job again.", code="hosts")
    return count


def _write(link: Link, header: FileHeader, folder: Path) -> Iterator[bytes]:
    free = shutil.disk_usage(folder).free
    if header.size > free:
        message = f"A file of {header.size} bytes of host '{link.peer}' does not fit on the disk with {free} free."
        raise PlatformError(message, "Use a larger volume.", code="hosts")
    target = folder / header.channel / header.name
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        content = target.open("xb")
    except (FileExistsError, NotADirectoryError) as error:
        raise _not_understood("a file twice, or in the place of a folder,") from error
    with content:
        for chunk in link.chunks(header.size):
            content.write(chunk)
            yield chunk
