"""Comma, semicolon or tab separated text to a table, and the rule by which a column of text is numeric."""

from __future__ import annotations

import csv
import functools
import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from convect.errors import UserError
from convect.reading.source import Source, damaged, not_utf8, refusal, refuse_twins

_MISSING = ["", "#N/A", "#NA", "-NaN", "-nan", "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"]
_CODE = r"^[+-]?(0[0-9xX]|[0-9]{19})"
_DATE = re.compile(r"[0-9]{4}[-/][0-9]{1,2}([-/].*)?|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2,4}.*")
_DATUM = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?|" + _DATE.pattern)
_WIDE_DATES = 3  # in a first line: no row holds so many
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


class Header(NamedTuple):
    """The column names ("" for one without), the delimiter, and how many lines come before the first row."""

    names: list[str]
    delimiter: str
    lines: int


def header(source: Source) -> Header:
    """Return the header of delimited text; the delimiter is the one of comma, semicolon and tab that it has most of.

    Where the source brings `columns` and the first line has none of them, they are the header and it is a row.
    Raises UserError for text that is not UTF-8, has no header, or names two columns the same.
    """
    lines = re.split(rb"\r\n|\n|\r", source.head.removeprefix(b"\xef\xbb\xbf"))
    at = next((number for number, line in enumerate(lines) if line.strip()), 0)
    try:
        names, delimiter = cells(lines[at].decode("utf-8"))
    except UnicodeDecodeError as error:
        raise not_utf8(source) from error
    if source.columns and not set(names) & set(source.columns):
        _refuse_other_count(source, names)
        return Header(list(source.columns), delimiter, at)
    _refuse_no_header(source, names)
    refuse_twins(source, names)
    return Header(names, delimiter, at + 1)


def cells(line: str) -> tuple[list[str], str]:
    """Return the cells of a line of delimited text, and its delimiter."""
    delimiter = max(",;\t", key=re.sub('"[^"]*"', "", line).count)
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])], delimiter


def is_row(names: list[str]) -> bool:
    """Say whether these cells are data and no names: a date, or numbers alone; quantiles such as 0.1 may be names."""
    named = [name for name in names if name]
    return any(map(_DATE.fullmatch, named)) or all(map(_DATUM.fullmatch, named))


def _refuse_other_count(source: Source, names: list[str]) -> None:
    if len(names) != len(source.columns):
        message = f"has no header and {len(names)} columns, where its schema names {len(source.columns)}."
        raise refusal(source, message, f"Write the columns {', '.join(source.columns)}, in this order.")


def _refuse_no_header(source: Source, names: list[str]) -> None:
    remedy = "Add a first line with the column names."
    if not any(names):
        raise refusal(source, "has no column names in its first line.", remedy)
    if sum(bool(_DATE.fullmatch(name)) for name in names) >= _WIDE_DATES:
        long = "Make it long: one row an item and timestamp, in columns item_id, timestamp and target."
        raise refusal(source, "has a column for each date.", long)
    if is_row(names):
        message = "has no header: its first line holds numbers or dates where column names are expected."
        raise refusal(source, message, remedy)


def read_csv(source: Source) -> pa.Table:
    """Return the columns, all as text, empty cells as null; one without a name, a saved index, is left out.

    Raises UserError for rows that do not fit the header, and for text that is not UTF-8.
    """
    found = header(source)
    parse = functools.partial(_parse, source, found)
    try:
        table = parse(threads=True)
    except pa.ArrowInvalid as error:
        if "Could not skip" in str(error):  # a header without a line end: no rows
            return pa.table({name: pa.array([], pa.string()) for name in found.names if name})
        raise _refused(source, error, parse) from error
    except OSError as error:
        raise damaged(source, error) from error
    named = [position for position, name in enumerate(found.names) if name]
    return table.rename_columns(found.names).select(named)


def _parse(source: Source, found: Header, *, threads: bool) -> pa.Table:
    keys = [f"c{position}" for position in range(len(found.names))]
    return pyarrow.csv.read_csv(
        source.open(),
        read_options=pyarrow.csv.ReadOptions(column_names=keys, skip_rows=found.lines, use_threads=threads),
        parse_options=pyarrow.csv.ParseOptions(delimiter=found.delimiter, newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict.fromkeys(keys, pa.string()), null_values=[""], strings_can_be_null=True
        ),
    )


def _refused(source: Source, error: Exception, parse: Callable[..., pa.Table]) -> UserError:
    """Return the sentence for a failed parse; only a second, sequential one knows the number of a ragged row."""
    if "UTF8" in str(error):
        return not_utf8(source)
    try:
        parse(threads=False)
    except pa.ArrowInvalid as again:
        ragged = _RAGGED.search(str(again))
        if ragged:
            row, expected, found = ragged.groups()
            where = f"in row {row} (the header is row 1)" if row else "in a row"
            message = f"has {found} {'column' if found == '1' else 'columns'} {where} where its header has {expected}."
            return refusal(source, message, "Correct that row, or quote values that hold the delimiter.")
    return refusal(source, "cannot be read as CSV.", "Check its quotes and line ends.")


def with_numbers(table: pa.Table, text_columns: Collection[str]) -> pa.Table:
    """Return a table of text with its numeric columns as numbers, except those in `text_columns`.

    A column is numeric if each value is a plain number without a leading zero ("007" is a code) and with fewer than
    19 whole digits, or a usual spelling of a missing value (NA, null, ...). It is int64, or float64 if it must be.
    """
    columns: dict[str, Any] = {
        name: table[name] if name in text_columns else _number_column(table[name]) for name in table.column_names
    }
    return pa.table(columns)


def _number_column(column: Any) -> Any:  # noqa: ANN401 - a chunked array, in and out
    values = pc.utf8_trim_whitespace(column)
    if pc.any(pc.match_substring_regex(values, _CODE)).as_py():
        return column
    values = pc.if_else(pc.is_in(values, value_set=pa.array(_MISSING)), None, values)
    for kind in (pa.int64(), pa.float64()):
        try:
            return values.cast(kind)
        except pa.ArrowInvalid:
            continue
    return column
