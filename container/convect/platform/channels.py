"""The files of a channel, read as one table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pandas as pd

from convect.errors import UserError
from convect.platform.descriptions import is_description
from convect.reading.records import is_records, read_records
from convect.reading.source import Source
from convect.reading.tabular import not_empty, read_columns, read_table

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def read_channel(
    directory: Path,
    channel: str,
    text_columns: Collection[str] = (),
    shards: Sequence[Path] = (),
    *,
    columns: tuple[str, ...] = (),
    freq: str | None = None,
) -> pd.DataFrame:
    """Return all rows of a channel: its files below `directory` in sorted order, as `tabular.read_table` reads them.

    CSV, Parquet and JSON Lines, CSV and JSON Lines also gzipped; the form is found from the content and compared
    with the name. Skipped are names that begin with "." or "_", a file that describes the data, and, beside others,
    empty files. A folder named `key=value` adds a column. `text_columns` (item identifiers, stamps) are never read
    as numbers. `shards` are folders with the files of the same channel that other hosts have; all are read as if
    they lay in one folder. `columns` name those of CSV without a header. Series in DeepAR's form need `freq`.
    Raises UserError, naming the file by its path below the channel, and the remedy.
    """
    full = not_empty(_sources([directory, *shards], channel, columns))
    return read_records(full, freq) if is_records(full[0]) else read_table(full, text_columns)


def channel_columns(
    directory: Path, channel: str, shards: Sequence[Path] = (), columns: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Return the column names of a channel's first file; raises UserError as `read_channel` does."""
    return read_columns(_sources([directory, *shards], channel, columns))


def holds_records(directory: Path, channel: str, shards: Sequence[Path] = ()) -> bool:
    """Say whether a channel holds series in DeepAR's form; raises UserError as `read_channel` does."""
    return is_records(not_empty(_sources([directory, *shards], channel))[0])


def channel_files(directory: Path) -> list[PurePosixPath]:
    """Return the paths below `directory` of the files that are read, sorted; none where it does not exist.

    Skipped are names that begin with "." or "_".
    """
    paths = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return [PurePosixPath(path) for path in paths if not any(part.startswith((".", "_")) for part in path.parts)]


def _sources(directories: Sequence[Path], channel: str, columns: tuple[str, ...] = ()) -> list[Source]:
    found = sorted((name, place) for place, folder in enumerate(directories) for name in channel_files(folder))
    kept = [(name, directories[place]) for name, place in found if not is_description(directories[place] / name)]
    if not kept:
        raise UserError(
            f"Channel '{channel}' holds no file.", "Put CSV, Parquet or JSON Lines files below its prefix.", code="file"
        )
    return [replace(_source(folder, name, channel), columns=columns) for name, folder in kept]


def _source(directory: Path, name: PurePosixPath, channel: str) -> Source:
    return Source(f"File '{name}' of channel '{channel}'", name.name, directory / name, _partitions(name))


def _partitions(name: PurePosixPath) -> tuple[tuple[str, str | None], ...]:
    pairs = [part.partition("=") for part in name.parts[:-1] if "=" in part]
    return tuple((unquote(key), None if value == _HIVE_NULL else unquote(value)) for key, _, value in pairs if key)
