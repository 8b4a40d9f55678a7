"""The files of a channel, read as one table."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

import pandas as pd

from convect.errors import UserError
from convect.source import Source
from convect.tabular import read_columns, read_table

_HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"


def read_channel(
    directory: Path, channel: str, text_columns: Collection[str] = (), shards: Sequence[Path] = ()
) -> pd.DataFrame:
    """Return all rows of a channel: its files below `directory` in sorted order, as `tabular.read_table` reads them.

    CSV, Parquet and JSON Lines, CSV and JSON Lines also gzipped; the form is found from the content and compared
    with the name. Skipped are names that begin with "." or "_" and, beside others, empty files. A folder named
    `key=value` adds a column. `text_columns` (item identifiers, stamps) are never read as numbers. `shards` are
    folders with the files of the same channel that other hosts have; all are read as if they lay in one folder.
    Raises UserError, naming the file by its path below the channel, and the remedy.
    """
    return read_table(_sources([directory, *shards], channel), text_columns)


def channel_columns(directory: Path, channel: str, shards: Sequence[Path] = ()) -> tuple[str, ...]:
    """Return the column names of a channel's first file; raises UserError as `read_channel` does."""
    return read_columns(_sources([directory, *shards], channel))


def channel_files(directory: Path) -> list[PurePosixPath]:
    """Return the paths below `directory` of the files that are read, sorted; none where it does not exist."""
    paths = sorted(path.relative_to(directory) for path in directory.rglob("*") if path.is_file())
    return [PurePosixPath(path) for path in paths if not any(part.startswith((".", "_")) for part in path.parts)]


def _sources(directories: Sequence[Path], channel: str) -> list[Source]:
    found = sorted((name, place) for place, folder in enumerate(directories) for name in channel_files(folder))
    if not found:
        raise UserError(
            f"Channel '{channel}' holds no file.", "Put CSV, Parquet or JSON Lines files below its prefix.", code="file"
        )
    return [_source(directories[place], name, channel) for name, place in found]


def _source(directory: Path, name: PurePosixPath, channel: str) -> Source:
    return Source(f"File '{name}' of channel '{channel}'", name.name, directory / name, _partitions(name))


def _partitions(name: PurePosixPath) -> tuple[tuple[str, str | None], ...]:
    pairs = [part.partition("=") for part in name.parts[:-1] if "=" in part]
    return tuple((unquote(key), None if value == _HIVE_NULL else unquote(value)) for key, _, value in pairs if key)
