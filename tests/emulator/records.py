"""Files of a batch transform job: split into records, put into requests, and answers put together again."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator

from .errors import JobError

RECORDIO_MAGIC = 0xCED7230A
RECORDIO_LENGTH = (1 << 29) - 1  # the three bits above it say which part of a record this is


def split(content: bytes, split_type: str) -> list[bytes]:
    """The records of a file, each still in its own framing; the whole file where it is not to be split."""
    if split_type == "Line":
        return [line + b"\n" for line in content.split(b"\n") if line.strip()]
    if split_type == "RecordIO":
        return list(framed(content, recordio_size))
    if split_type == "TFRecord":
        return list(framed(content, tfrecord_size))
    return [content]


def framed(content: bytes, size_at: Callable[[bytes, int], int]) -> Iterator[bytes]:
    start = 0
    while start < len(content):
        try:
            end = start + size_at(content, start)
        except struct.error:
            end = len(content) + 1
        if end > len(content):
            raise JobError("a record of the input is cut short or not in the format of SplitType")
        yield content[start:end]
        start = end


def recordio_size(content: bytes, start: int) -> int:
    magic, length = struct.unpack_from("<II", content, start)
    if magic != RECORDIO_MAGIC:
        raise JobError("the input is not RecordIO")
    return 8 + -(-(length & RECORDIO_LENGTH) // 4) * 4


def tfrecord_size(content: bytes, start: int) -> int:
    return 8 + 4 + int(struct.unpack_from("<Q", content, start)[0]) + 4


def batches(records: Iterable[bytes], *, single: bool, limit_bytes: int) -> Iterator[list[bytes]]:
    """Yield the records of each request: one, or as many as fit in the limit (0: no limit).

    Raises:
        JobError: a single record is larger than the limit.
    """
    batch: list[bytes] = []
    size = 0
    for record in records:
        if limit_bytes and len(record) > limit_bytes:
            raise JobError(f"a record of {len(record)} bytes is larger than MaxPayloadInMB allows")
        if batch and (single or (limit_bytes and size + len(record) > limit_bytes)):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record)
    if batch:
        yield batch


def assemble(answers: list[bytes], assemble_with: str) -> bytes:
    """Join answers as they are, or each ended by one newline."""
    if assemble_with != "Line":
        return b"".join(answers)
    return b"".join(answer.rstrip(b"\n") + b"\n" for answer in answers)
