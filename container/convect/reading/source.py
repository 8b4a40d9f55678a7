"""One file or body of bytes: what its name promises, what its content is, and the refusal where they differ."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from convect.errors import ConvectError, PlatformError, UserError

_HEAD_BYTES = 1 << 18
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_PROMISES = {
    "csv": "csv",
    "tsv": "csv",
    "txt": "csv",
    "parquet": "parquet",
    "pq": "parquet",
    "json": "jsonl",
    "jsonl": "jsonl",
    "jsonlines": "jsonl",
    "ndjson": "jsonl",
}
CALLED = {"csv": "text", "jsonl": "JSON", "parquet": "Parquet"}


@dataclass(frozen=True)
class Source:
    """Bytes to be read as a table.

    `label` begins each sentence about it ("File 'a.csv' of channel 'train'"); `name` is the file name, whose ending
    is a promise about the content ("" or an unknown ending promises nothing); `partitions` are columns from its path;
    `columns` name those of delimited text that has no header, () where the first line must name them.
    """

    label: str
    name: str
    data: Path | bytes
    partitions: tuple[tuple[str, str | None], ...] = ()
    columns: tuple[str, ...] = ()

    @cached_property
    def head(self) -> bytes:
        """The first 256 KiB of the content, decompressed. Raises UserError where gzip data is damaged."""
        try:
            with self.open() as stream:
                return bytes(stream.read(_HEAD_BYTES))
        except OSError as error:
            raise damaged(self, error) from error

    @cached_property
    def form(self) -> str:
        """What the content is: "csv", "jsonl" or "parquet". Raises UserError where it is none, or not as promised."""
        self._refuse_other_compression()
        form = self._sniffed()
        promised = _PROMISES.get(_ending(self.name.removesuffix(".gz")))
        if promised and promised != form:
            remedy = "Give it the ending of its content (.csv, .parquet, .jsonl), or write it in the named form."
            raise refusal(self, f"is named as {CALLED[promised]} but holds {CALLED[form]}.", remedy)
        return form

    def open(self) -> pa.NativeFile:
        """Return the content as a stream, decompressed; raises PlatformError where the file cannot be opened."""
        compression = "gzip" if self._compressed else None
        data = pa.py_buffer(self.data) if isinstance(self.data, bytes) else str(self.data)
        return pa.input_stream(data, compression=compression)

    @cached_property
    def _compressed(self) -> bool:
        if isinstance(self.data, bytes):
            return self.data.startswith(_GZIP)
        try:
            with self.data.open("rb") as stream:
                return stream.read(2) == _GZIP
        except OSError as error:
            raise damaged(self, error) from error

    def _refuse_other_compression(self) -> None:
        if self.name.endswith(".gz") and not self._compressed:
            raise refusal(self, "is named .gz but is not gzip data.", "Drop the ending .gz, or compress it.")
        if self._compressed and _ending(self.name) in _PROMISES:
            raise refusal(self, "holds gzip data, which its name does not say.", "Add the ending .gz to its name.")

    def _sniffed(self) -> str:
        if self.head.startswith(_UTF16):
            raise not_utf8(self)
        if self.head.startswith(b"PAR1"):
            return "parquet"
        if b"\0" in self.head or self.head.startswith(b"PK\x03\x04"):
            raise refusal(self, "holds binary data that is not Parquet.", "Write it as CSV, Parquet or JSON Lines.")
        text = self.head.removeprefix(_BOM).lstrip()
        if text.startswith(b"["):
            raise refusal(self, "holds a JSON array.", "Write JSON Lines: one flat JSON object a line.")
        return "jsonl" if text.startswith(b"{") else "csv"


def _ending(name: str) -> str:
    found = re.search(r"\.([^.]+)$", name)
    return found[1].lower() if found else ""


def refusal(source: Source, message: str, remedy: str) -> UserError:
    """Return the error that says what is wrong with a source."""
    return UserError(f"{source.label} {message}", remedy, code="file")


def not_utf8(source: Source) -> UserError:
    """Return the error for text in another encoding."""
    return refusal(source, "is not UTF-8 text.", "Save it with the encoding UTF-8.")


def damaged(source: Source, error: Exception) -> ConvectError:
    """Return the error for a file that the system does not read, or data that ends early or does not decode."""
    number = getattr(error, "errno", None)  # libraries raise OSError for bad data, too, but without a number
    if number is None:
        return refusal(source, "is damaged or cut short.", "Write or upload it again.")
    message = f"{source.label} cannot be read: {os.strerror(number)}."
    return PlatformError(message, "Check its permissions and the disk.")


def refuse_twins(source: Source, names: list[str]) -> None:
    """Raise UserError where two columns have the same name."""
    twin = next((name for name in names if name and names.count(name) > 1), None)
    if twin is not None:
        raise refusal(source, f"has two columns named '{twin}'.", "Rename or remove one.")
