"""JSON files in a channel that describe its data: Amazon Forecast's datasets, and an Autopilot job's settings."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from convect.errors import UserError
from convect.reading.datasets import Dataset, dataset, is_dataset
from convect.reading.foreign import is_job_config

_LARGEST_BYTES = 1 << 18


def is_description(path: Path) -> bool:
    """Say whether a file is a JSON object that describes data and is none itself."""
    return _read(path) is not None


def _read(path: Path) -> Mapping[str, object] | None:
    if path.suffix != ".json" or path.stat().st_size > _LARGEST_BYTES:
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError):
        return None  # whatever is wrong with it, the reader of the data tells
    described = isinstance(found, dict) and (is_dataset(found) or is_job_config(found))
    return found if described else None


def _one(files: Iterable[Path], channel: str) -> tuple[Path, Mapping[str, object]] | None:
    found = [(path, value) for path in files if (value := _read(path)) is not None]
    if len(found) > 1:
        names = " and ".join(f"'{path.name}'" for path, _ in found[:2])
        raise UserError(f"Channel '{channel}' has two descriptions, {names}.", "Keep one.", code="file")
    return found[0] if found else None


def described(files: Mapping[str, Iterable[Path]]) -> tuple[dict[str, Dataset], Mapping[str, object] | None]:
    """Return the datasets that the files of the channels describe, by channel, and the Autopilot settings, if any.

    Raises UserError for two descriptions in one channel or two settings, ConfigError for a malformed one.
    """
    datasets: dict[str, Dataset] = {}
    settings: Mapping[str, object] | None = None
    for channel, paths in files.items():
        found = _one(paths, channel)
        if found is None:
            continue
        path, value = found
        if is_dataset(value):
            datasets[channel] = dataset(value, channel)
        elif settings is not None:
            raise UserError(f"'{path.name}' is a second Autopilot configuration.", "Keep one.", code="file")
        else:
            settings = value
    return datasets, settings
