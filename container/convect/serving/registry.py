"""Which models a multi-model endpoint has loaded: one small file a model, in a folder that every worker reads."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from convect.errors import PlatformError, UserError


class ModelNotFound(UserError):
    """A model that is not loaded."""

    code = "model_not_found"
    status = 404


class AlreadyLoaded(UserError):
    """A model that is loaded already."""

    code = "model_already_loaded"
    status = 409


class NoMemory(PlatformError):
    """There is no room for one more model; the platform then unloads others and asks again."""

    code = "no_memory"
    status = 507


@dataclass(frozen=True)
class Entry:
    """One loaded model: its name, its directory, that directory's bytes, and the moment it was loaded."""

    name: str
    url: str
    size: int
    loaded_ns: int


class Registry:
    """The loaded models, the same for all processes over one folder; `budget` bounds the sum of their sizes."""

    def __init__(self, folder: Path, budget: int | None = None) -> None:
        self._folder = folder
        self._budget = budget

    @property
    def version(self) -> int:
        """Another number after each change, for who keeps something by it."""
        return self._folder.stat().st_mtime_ns

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let one process load at a time, so that two do not both find room for the last free bytes."""
        with (self._folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def check_room(self, name: str, size: int) -> None:
        """Raise AlreadyLoaded, or NoMemory where a model of this size does not fit beside the others."""
        entries = self.entries()
        if any(entry.name == name for entry in entries):
            raise AlreadyLoaded("The model is already loaded.", "Unload it first, or invoke it.")
        if self._budget is not None and size + sum(entry.size for entry in entries) > self._budget:
            found = f"No memory is left for one more model beside {len(entries)}."
            raise NoMemory(found, "Unload models, or take a larger instance.")

    def add(self, entry: Entry) -> None:
        """Make a loaded model known to all workers at once, whole or not at all."""
        with tempfile.NamedTemporaryFile("w", dir=self._folder, prefix="new-", delete=False) as file:
            file.write(json.dumps(asdict(entry)))
        os.replace(file.name, self._file(entry.name))

    def find(self, name: str) -> Entry:
        """Return a loaded model. Raises ModelNotFound."""
        try:
            return Entry(**json.loads(self._file(name).read_bytes()))
        except FileNotFoundError:
            raise ModelNotFound("The model is not loaded.", "Load it with POST /models.") from None

    def remove(self, name: str) -> None:
        """Forget a model. Raises ModelNotFound."""
        try:
            self._file(name).unlink()
        except FileNotFoundError:
            raise ModelNotFound("The model is not loaded.", "GET /models lists those that are.") from None

    def entries(self) -> list[Entry]:
        """Return the loaded models, by name."""
        texts = [_read(path) for path in self._folder.glob("*.json")]
        return sorted((Entry(**json.loads(text)) for text in texts if text), key=lambda entry: entry.name)

    def _file(self, name: str) -> Path:
        # The digest is a safe file name whatever the name holds.
        return self._folder / f"{hashlib.sha256(name.encode()).hexdigest()}.json"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:  # unloaded since the folder was listed
        return b""
