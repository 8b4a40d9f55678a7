"""Checkpoints: what S3 has, down to each host when it starts; what hosts write, up to S3 while they run."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

from .service import Service

DEFAULT_PATH = "/opt/ml/checkpoints"
NOT_SYNCED = ".sagemaker-ignore"


class Checkpoints:
    """Keeps the checkpoint folders of a job's hosts and one S3 prefix the same, in the platform's way."""

    def __init__(self, service: Service, config: dict[str, Any], folders: list[Path]) -> None:
        self._service, self._uri, self._folders = service, config["S3Uri"].rstrip("/"), folders
        self._known: dict[str, tuple[int, int]] = {}  # name: size, time of change
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    def restore(self) -> None:
        source = {"S3Uri": f"{self._uri}/"}
        for folder in self._folders:
            self._service.storage.fetch(self._service.storage.sources(source), folder)
        self._known = self._state()

    def start(self) -> None:
        self._thread = self._service.background(self._watch)

    def finish(self) -> None:
        """Stop watching, and send what the hosts have left."""
        self._done.set()
        if self._thread:
            self._thread.join()
        self.sync()

    def sync(self) -> None:
        """Upload what is new or changed since the last time, and delete on S3 what is gone."""
        now = self._state()
        for name, state in now.items():
            if self._known.get(name) != state:
                newest = max((folder / name for folder in self._folders if (folder / name).exists()), key=changed)
                self._service.storage.write(f"{self._uri}/{name}", newest.read_bytes())
        for name in self._known.keys() - now.keys():
            self._service.storage.delete(f"{self._uri}/{name}")
        self._known = now

    def _watch(self) -> None:
        while not self._done.wait(self._service.limits.checkpoint_sync_s):
            try:
                self.sync()
            except OSError:
                continue  # a file went away between being seen and being read: next time

    def _state(self) -> dict[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = {}
        for folder in self._folders:
            for path in folder.rglob("*"):
                if path.is_file() and not path.name.endswith(NOT_SYNCED):
                    name = path.relative_to(folder).as_posix()
                    state = path.stat()
                    found[name] = max(found.get(name, (0, 0)), (state.st_size, state.st_mtime_ns), key=lambda s: s[1])
        return found


def changed(path: Path) -> int:
    return path.stat().st_mtime_ns
