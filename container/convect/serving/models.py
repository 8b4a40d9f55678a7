"""Several models behind one server: loaded and unloaded by name, each worker with its own copies of them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

from convect.errors import RequestError
from convect.serving.registry import Entry, NoMemory, Registry
from convect.serving.service import Service
from convect.serving.settings import folder_bytes

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,255}")


class Models:
    """The models of the registry as this process holds them, loaded when first asked for; safe for threads.

    `root` is the folder that all model directories must lie in; `serve` makes the service over one directory.
    """

    def __init__(self, registry: Registry, root: Path, serve: Callable[[Path], Service]) -> None:
        self._registry = registry
        self._root = root
        self._serve = serve
        self._copies: dict[Entry, Service] = {}
        self._seen = 0
        self._lock = threading.Lock()

    def load(self, name: object, url: object) -> None:
        """Load a model, prove it by a forecast, and make it known to all workers.

        Raises RequestError for a name or a directory that cannot be one, AlreadyLoaded, NoMemory, and what loading
        and forecasting raise.
        """
        name, folder = model_name(name), self._inside(url)
        size = folder_bytes(folder)
        with self._registry.alone():
            self._registry.check_room(name, size)
            entry = Entry(name, str(folder), size, time.time_ns())
            service = self._proven(entry)
            self._registry.add(entry)
        with self._lock:
            self._copies[entry] = service

    def unload(self, name: str) -> None:
        """Forget a model; each worker frees its copy with the next request it gets. Raises ModelNotFound."""
        self._registry.remove(name)
        self.sweep()

    def find(self, name: str) -> Entry:
        """Return where a loaded model is. Raises ModelNotFound."""
        return self._registry.find(name)

    def page(self, after: str, limit: int) -> tuple[list[Entry], str | None]:
        """Return up to `limit` loaded models whose names come after `after`, and the last name if there are more."""
        later = [entry for entry in self._registry.entries() if entry.name > after]
        return later[:limit], later[limit - 1].name if len(later) > limit else None

    def service(self, name: str) -> Service:
        """Return the service of a loaded model. Raises ModelNotFound, NoMemory, and what loading raises."""
        entry = self._registry.find(name)
        if entry not in self._copies:
            with self._lock:  # a model is loaded once, however many threads ask for it
                if entry not in self._copies:
                    self._copies[entry] = self._proven(entry)
        return self._copies[entry]

    def sweep(self) -> None:
        """Free the copies of models that are no longer loaded, wherever they were unloaded."""
        version = self._registry.version
        if version == self._seen:
            return
        with self._lock:
            kept = set(self._registry.entries())
            self._copies = {entry: service for entry, service in self._copies.items() if entry in kept}
            self._seen = version

    def _proven(self, entry: Entry) -> Service:
        service = self._serve(Path(entry.url))
        try:
            service.prove()
        except MemoryError:
            raise NoMemory("The model does not fit into memory.", "Unload models.") from None
        return service

    def _inside(self, url: object) -> Path:
        """The directory that a caller names, which must be one below the root, links followed."""
        refused = RequestError("The url is no model directory.", "Give the directory that the platform made.")
        if not isinstance(url, str) or "\0" in url or not Path(url).is_absolute() or len(url) > 4096:
            raise refused
        try:
            folder, root = Path(url).resolve(), self._root.resolve()
            if root not in folder.parents or not folder.is_dir():
                raise refused
        except OSError:
            raise refused from None
        return folder


def model_name(name: object) -> str:
    """Return a model's name. Raises RequestError for what is no name."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise RequestError("The model_name cannot be one.", "Use up to 256 letters, digits, '.', '_' and '-'.")
