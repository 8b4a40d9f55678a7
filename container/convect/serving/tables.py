"""Bytes of CSV or Parquet, or parsed JSON, to one table with the caller's own column names.

CSV is read by the reader that reads the training channels, so that an id means the same in both. A column named in
`text` (ids and stamps) is never read as numbers.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from convect.errors import DataError, PayloadTooLarge, RequestError, UnsupportedMediaType
from convect.reading.source import Source
from convect.reading.tabular import read_columns, read_table
from convect.serving.limits import Limits

_LONGEST_HEADER = 100_000  # bytes; a name is read before columns can be counted
_INDEX = re.compile(r"__index_level_\d+__")  # what pandas calls an unnamed index that it saves


def check_size(rows: int, columns: int, limits: Limits) -> None:
    """Raise PayloadTooLarge for a table larger than the limits, DataError for an empty one."""
    if rows <= 0 or columns <= 0:
        raise DataError("The table has no row.", "Send history, or leave the data out to forecast what was trained.")
    for found, most, what in (
        (rows, limits.rows, "rows"),
        (columns, limits.columns, "columns"),
        (rows * columns, limits.cells, "cells"),
    ):
        if found > most:
            message = f"The table has {found:,} {what}; at most {most:,} are read."
            raise PayloadTooLarge(message, "Send fewer at a time.")


def from_csv(body: bytes, limits: Limits, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a UTF-8 CSV table with a header row; numbers become numbers, everything else stays text.

    Raises UserError: 400 for broken CSV, 413 and 422 by its size, 415 for what is not CSV.
    """
    stripped = body.strip()
    if b"\0" in body or stripped[:1] in (b"{", b"[", b"\x1f") or stripped.startswith(b"PAR1"):
        raise UnsupportedMediaType("The body is not CSV.", "Name its form in Content-Type; send it unpacked.")
    lines = max(stripped.count(b"\n"), stripped.count(b"\r"))
    if len(re.split(rb"[\r\n]", stripped[: _LONGEST_HEADER + 1], maxsplit=1)[0]) > _LONGEST_HEADER:
        raise PayloadTooLarge("The CSV's header row is too long.", "Send fewer columns.")
    _refuse_open_quote(stripped)
    source = Source("The request's table", "", body)
    check_size(lines, len(read_columns([source])), limits)
    return read_table([source], text)


def _refuse_open_quote(body: bytes) -> None:
    # A quote that is never closed takes all the rows after it into one cell, which would pass for a table.
    last = body.rfind(b'"')
    if body.count(b'"') % 2 and body[max(last - 1, 0) : last] in (b"", b",", b";", b"\t", b"\n", b"\r"):
        raise RequestError("The CSV ends within quotes.", "Send all of it, and close each quote.")


def from_parquet(body: bytes, limits: Limits, text: Collection[str] = ()) -> pd.DataFrame:
    """Read a flat Parquet table; its size is judged by the footer before a page is unpacked.

    Raises RequestError for a broken or nested file, PayloadTooLarge and DataError by its size.
    """
    try:
        footer = pq.read_metadata(pa.BufferReader(body))
        unpacked = sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        if unpacked > limits.decoded_bytes:
            raise PayloadTooLarge(f"The Parquet file unpacks to {unpacked:,} bytes.", "Send fewer rows at a time.")
        check_size(footer.num_rows, footer.num_columns, limits)
        return _parquet_frame(body, footer.schema.to_arrow_schema(), text)
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        found = f"The Parquet file cannot be read ({type(error).__name__})."
        raise RequestError(found, "Send a complete, flat Parquet table.") from None


def _parquet_frame(body: bytes, schema: pa.Schema, text: Collection[str]) -> pd.DataFrame:
    if len(set(schema.names)) < len(schema.names):
        raise RequestError("The Parquet file has two columns of one name.", "Give each column its own name.")
    # A short file may repeat one long text over millions of rows; as a dictionary it stays short.
    long_texts = [field.name for field in schema if _is_text(field.type)]
    table = pq.ParquetFile(pa.BufferReader(body), read_dictionary=long_texts).read(use_threads=False)
    names = [name for name in table.column_names if not _INDEX.fullmatch(name)]
    return pd.DataFrame({name: _parquet_column(name, table.column(name), name in text) for name in names})


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_binary(kind))


def _parquet_column(name: str, column: pa.ChunkedArray, as_text: bool) -> pd.Series:
    kind = column.type
    if pa.types.is_dictionary(kind) and _is_text(kind.value_type):
        return _texts(column)
    if pa.types.is_decimal(kind):
        column = pc.cast(column, pa.float64())
    elif not (pa.types.is_primitive(kind) or pa.types.is_null(kind)) or pa.types.is_duration(kind):
        raise RequestError(f"Column '{name[:80]}' of the Parquet file is {kind}.", "Send text, numbers or timestamps.")
    if as_text and pa.types.is_integer(kind):
        column = pc.cast(column, pa.string())
    return pd.Series(column.to_pandas(date_as_object=False))


def _texts(column: pa.ChunkedArray) -> pd.Series:
    whole = column.unify_dictionaries().combine_chunks()
    names = pd.Series(pc.cast(whole.dictionary, pa.string()).to_pandas(), dtype=object)
    codes = pc.fill_null(whole.indices, len(names)).to_numpy(zero_copy_only=False)
    taken: pd.Series = pd.Series([*names, None], dtype=object).iloc[codes].reset_index(drop=True)
    return taken


def from_records(rows: Sequence[object], limits: Limits, text: Collection[str] = ()) -> pd.DataFrame:
    """Make a table of objects, one a row; a name that a row leaves out is missing there.

    Raises RequestError where a row is no object or a cell no plain value, PayloadTooLarge and DataError by the size.
    """
    names: dict[str, None] = {}
    objects: list[Mapping[str, object]] = [row for row in rows if isinstance(row, Mapping)]
    if len(objects) < len(rows):
        number = next(place for place, row in enumerate(rows, 1) if not isinstance(row, Mapping))
        message = f"Row {number} of the data is not an object."
        raise RequestError(message, 'Send rows like {"timestamp": "2024-01-31", "target": 1}.')
    for row in objects:
        names.update(dict.fromkeys(row))
        check_size(len(rows), len(names) or 1, limits)  # after each row: rows may each bring a name of their own
    check_size(len(rows), len(names), limits)
    return _plain({name: [row.get(name) for row in objects] for name in names}, text)


def from_columns(columns: Mapping[str, object], limits: Limits, text: Collection[str] = ()) -> pd.DataFrame:
    """Make a table of lists, one a column, all of one length.

    Raises RequestError where they are not, PayloadTooLarge and DataError by the size.
    """
    lists = {name: values for name, values in columns.items() if isinstance(values, list)}
    for name in columns:
        if name not in lists:
            raise RequestError(f"Column '{name[:80]}' of the data is not a list.", "Send each column as one list.")
    lengths = {len(values) for values in lists.values()}
    if len(lengths) > 1:
        found = f"The columns of the data have {min(lengths):,} to {max(lengths):,} values."
        raise RequestError(found, "Send columns of one length, null where a value is missing.")
    check_size(max(lengths, default=0), len(lists), limits)
    return _plain(lists, text)


def _plain(columns: Mapping[str, list[object]], text: Collection[str]) -> pd.DataFrame:
    for name, values in columns.items():
        kinds = set(map(type, values))
        if not kinds <= {str, int, float, bool, type(None)}:
            number = next(place for place, value in enumerate(values, 1) if isinstance(value, list | dict))
            found = f"Row {number}, column '{name[:80]}' of the data holds a list or an object."
            raise RequestError(found, "Send text, numbers, true, false or null.")
    return pd.DataFrame({name: _names(values) if name in text else values for name, values in columns.items()})


def _names(values: list[object]) -> pd.Series:
    # With a null among them pandas would make the ids 7 and 8 into 7.0 and 8.0.
    return pd.Series([str(value) if type(value) is int else value for value in values], dtype=object)
