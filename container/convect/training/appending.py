"""A Parquet file that a table is appended to part by part, so that the whole need not be held."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

GROUP_ROWS = 100_000  # a row group has at least as many, but for the last


class TableFile:
    """Collects parts until they make a row group; the first part settles the columns and their types."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._waiting: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None

    def add(self, part: pd.DataFrame) -> None:
        """Append the rows of a part, without its index."""
        table = _settled(pa.Table.from_pandas(part, preserve_index=False))
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        self._waiting.append(table.cast(self._writer.schema))
        if sum(table.num_rows for table in self._waiting) >= GROUP_ROWS:
            self._flush()

    def close(self) -> None:
        """Write what is left and end the file."""
        self._flush()
        if self._writer is not None:
            self._writer.close()

    def _flush(self) -> None:
        if self._waiting and self._writer is not None:
            self._writer.write_table(pa.concat_tables(self._waiting).unify_dictionaries())
        self._waiting = []


@contextmanager
def table_files(folder: Path, names: Iterable[str]) -> Iterator[Mapping[str, TableFile]]:
    """Give new files `<name>.parquet` to append to, by name, ended with the block; after an error, damaged."""
    files = {name: TableFile(folder / f"{name}.parquet") for name in names}
    try:
        yield files
    finally:
        for file in files.values():
            file.close()


def _settled(table: pa.Table) -> pa.Table:
    """Give categories the one type that holds any number of them."""
    for place, field in enumerate(table.schema):
        if pa.types.is_dictionary(field.type):
            column = table[field.name].cast(pa.dictionary(pa.int32(), pa.string()))
            table = table.set_column(place, field.name, column)
    return table
