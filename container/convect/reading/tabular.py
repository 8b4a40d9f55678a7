"""Bytes to a table: the files of a channel or the body of a request. Knows nothing of roles or series.

How columns get their types: in delimited text by the rule of `delimited.with_numbers`, which keeps "007" and leaves
dates as text; Parquet and JSON Lines bring their own. A column in `text_columns` is never numeric, in any form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

from convect.reading.delimited import header, read_csv, with_numbers
from convect.reading.source import CALLED, Source, damaged, not_utf8, refusal, refuse_twins

_INDEX = re.compile(r"__index_level_\d+__")


def read_table(sources: Sequence[Source], text_columns: Collection[str] = ()) -> pd.DataFrame:
    """Return the rows of all sources, in their order, as one frame with a plain index.

    All sources must have the same form and columns (in any order); empty ones are skipped if another is not
    empty. Raises UserError, naming the source and the remedy, for what cannot be read.
    """
    table = _whole(not_empty(sources), text_columns)
    # nothing else refers to the table, so each of its columns is freed as soon as the frame has it
    frame: pd.DataFrame = table.to_pandas(
        date_as_object=False, ignore_metadata=True, split_blocks=True, self_destruct=True
    )
    return frame


def read_columns(sources: Sequence[Source]) -> tuple[str, ...]:
    """Return the column names of the first source that is not empty; raises UserError as `read_table` does."""
    source = not_empty(sources)[0]
    try:
        names = _NAMES[source.form](source)
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    return tuple(name for name in (*names, *(key for key, _ in source.partitions if key not in names)) if name)


def _whole(full: Sequence[Source], text_columns: Collection[str]) -> pa.Table:
    tables = [_read(source, text_columns) for source in full]
    for source, table in zip(full, tables, strict=True):
        _refuse_other_columns(full[0], tables[0], source, table)
    table = _joined(full, tables)
    if not table.num_rows:
        raise refusal(full[0], "has column names but no rows.", "Provide at least one row of data.")
    return with_numbers(table, text_columns) if full[0].form == "csv" else table


def _coded(table: pa.Table, text_columns: Collection[str]) -> pa.Table:
    """Turn `text_columns` into codes and their distinct texts, a small part of the memory that a text a row takes."""
    for place, name in enumerate(table.column_names):
        if name in text_columns and pa.types.is_string(table[name].type):
            table = table.set_column(place, name, table[name].dictionary_encode())
    return table


def not_empty(sources: Sequence[Source]) -> list[Source]:
    """Return the sources that are not empty; raises UserError where none is left, or their forms differ."""
    full = [source for source in sources if source.head.strip()]
    if not full:
        raise refusal(sources[0], "is empty.", "Provide a file with a header and rows.")
    for source in full:
        if source.form != full[0].form:
            message = f"holds {CALLED[source.form]} while {full[0].label} holds {CALLED[full[0].form]}."
            raise refusal(source, message, "Use one form for all files of a channel.")
    return full


def _read_jsonl(source: Source) -> pa.Table:
    try:
        return pyarrow.json.read_json(source.open())
    except pa.ArrowInvalid as error:
        mixed = re.search(r"Column\(/([^)]+)\) changed from (\w+) to (\w+)", str(error))
        what = f"mixes {mixed[2]} and {mixed[3]} in '{mixed[1]}'." if mixed else "cannot be read as JSON Lines."
        raise refusal(source, what, "Write one flat JSON object a line, each name with one type.") from error
    except OSError as error:
        raise damaged(source, error) from error


def parquet_file(source: Source) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet source; raises UserError where it is damaged."""
    try:
        return pyarrow.parquet.ParquetFile(source.open())
    except (pa.ArrowException, OSError) as error:
        raise damaged(source, error) from error


def _read_parquet(source: Source) -> Iterator[pa.Table]:
    """Yield the columns by row group; an unnamed index that pandas saved is left out."""
    file = parquet_file(source)
    refuse_twins(source, file.schema_arrow.names)
    kept = [name for name in file.schema_arrow.names if not _INDEX.fullmatch(name)]
    yield file.schema_arrow.empty_table().select(kept)
    for number in range(file.num_row_groups):
        try:
            yield file.read_row_group(number).select(kept)
        except (pa.ArrowException, OSError) as error:
            raise damaged(source, error) from error


_READERS: dict[str, Callable[[Source], Iterator[pa.Table]]] = {
    "csv": lambda source: iter([read_csv(source)]),
    "jsonl": lambda source: iter([_read_jsonl(source)]),
    "parquet": _read_parquet,
}
_NAMES: dict[str, Callable[[Source], list[str]]] = {
    "csv": lambda source: header(source).names,
    "jsonl": lambda source: list(_read_jsonl(source).column_names),
    "parquet": lambda source: [name for name in parquet_file(source).schema_arrow.names if not _INDEX.fullmatch(name)],
}


def _read(source: Source, text_columns: Collection[str]) -> pa.Table:
    """Return a source with its columns as they stay, those of delimited text still all text."""
    try:
        parts = [_part(source, table, text_columns) for table in _READERS[source.form](source)]
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    pa.default_memory_pool().release_unused()  # what decoding took, before the next source takes as much again
    return pa.concat_tables(parts)


def _part(source: Source, table: pa.Table, text_columns: Collection[str]) -> pa.Table:
    table = table.select(table.column_names)  # names of columns are decoded only when they are asked for
    table = _partitioned(source, table)
    return _coded(table if source.form == "csv" else _plain(source, table, text_columns), text_columns)


def _partitioned(source: Source, table: pa.Table) -> pa.Table:
    """Add the columns that the path names, as in `region=EU/part-0.parquet`, unless the file has them."""
    for name, value in source.partitions:
        if name not in table.column_names:
            table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
    return table


def _refuse_other_columns(first: Source, expected: pa.Table, source: Source, table: pa.Table) -> None:
    lacks = [name for name in expected.column_names if name not in table.column_names]
    adds = [name for name in table.column_names if name not in expected.column_names]
    parts = [f"{verb} {', '.join(map(repr, names))}" for verb, names in (("lacks", lacks), ("adds", adds)) if names]
    if parts:
        message = f"{' and '.join(parts)}, compared with {first.label}."
        raise refusal(source, message, "Give all files of a channel the same columns.")


def _joined(sources: Sequence[Source], tables: Sequence[pa.Table]) -> pa.Table:
    names = tables[0].column_names
    try:
        return pa.concat_tables([table.select(names) for table in tables], promote_options="permissive")
    except pa.ArrowException as error:
        kinds = {name: {str(table.schema.field(name).type) for table in tables} for name in names}
        bad = next((name for name in names if len(kinds[name]) > 1), names[0])
        message = f"and others of its channel differ in the type of '{bad}': {', '.join(sorted(kinds[bad]))}."
        raise refusal(sources[0], message, "Write that column with one type.") from error


def _plain(source: Source, table: pa.Table, text_columns: Collection[str]) -> pa.Table:
    for field in table.schema:
        if pa.types.is_nested(field.type):
            message = f"holds nested values in '{field.name}'."
            raise refusal(source, message, "Keep one number, text or date a cell.")
    try:
        table.validate(full=True)
        return pa.table({name: _plain_column(table[name], name in text_columns) for name in table.column_names})
    except pa.ArrowInvalid as error:
        raise not_utf8(source) from error


def _plain_column(column: Any, as_text: bool) -> Any:  # noqa: ANN401 - a chunked array, in and out
    """Return the column as number, text, boolean or stamp; for `as_text` a number becomes its shortest text."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain_column(column.cast(kind.value_type), as_text)
    if pa.types.is_decimal(kind) and as_text:
        return column.cast(pa.string())
    if pa.types.is_decimal(kind) or pa.types.is_null(kind):
        return column.cast(pa.string() if as_text else pa.float64())
    if pa.types.is_binary(kind) or (as_text and (pa.types.is_integer(kind) or pa.types.is_floating(kind))):
        return column.cast(pa.string())
    return column
