"""What vouches for an artifact: its format version, what was decided, and the checksum of each of its files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from convect.errors import PlatformError

FORMAT_VERSION = 2
MANIFEST = "manifest.json"
TABLES = ("items", "history", "future", "forecasts")


def write_manifest(model_dir: Path, content: Mapping[str, Any], files: Iterable[str]) -> None:
    """Write `content` and the checksums of these files of the directory."""
    manifest = {**content, "files": {name: _sha256(model_dir / name) for name in sorted(files)}}
    (model_dir / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")


def read_manifest(model_dir: Path) -> dict[str, Any]:
    """Return the manifest; raises PlatformError where it is absent, of another version, or does not fit the files."""
    path = model_dir / MANIFEST
    if not path.is_file():
        raise PlatformError(
            f"There is no {MANIFEST} in the model directory.", "Give the model.tar.gz that training wrote."
        )
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        listed = {name for name, _ in manifest["files"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlatformError(f"The artifact's {MANIFEST} is damaged.", "Copy model.tar.gz again.") from error
    if manifest.get("format_version") != FORMAT_VERSION:
        raise PlatformError(
            f"The artifact has format version {manifest.get('format_version')!r}, expected {FORMAT_VERSION}.",
            "Serve it with the image that trained it, or train again.",
        )
    if not {f"{name}.parquet" for name in TABLES} <= listed:
        raise PlatformError(f"The artifact's {MANIFEST} does not list its tables.", "Copy model.tar.gz again.")
    for name, digest in manifest["files"].items():
        if Path(name).name != name or not (model_dir / name).is_file() or _sha256(model_dir / name) != digest:
            raise PlatformError(f"The artifact's file {name!r} is absent or damaged.", "Copy model.tar.gz again.")
    return manifest


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
