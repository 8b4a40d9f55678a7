"""A folder that keeps finished units of work, so that a job that is interrupted goes on where it was."""

from __future__ import annotations

import os
import threading
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from convect.training.written import from_bytes, to_bytes

EVERY_S = 10.0  # what is finished is written: a process that is killed loses no more
ENDING = ".units"  # a zip archive, in it one npz a unit
NOT_SYNCED = ".sagemaker-ignore"  # the platform leaves such files alone
MOST_WAITING = 500  # units; a disk too slow for them gets the next ones only


class Checkpoint:
    """The units in a folder, read by need; new ones go into files named after this host, one every few seconds.

    What cannot be read is done again, what cannot be written is not kept, each with a line: never is it an error.
    """

    def __init__(self, folder: Path, host: str, say: Callable[[str], None]) -> None:
        self.found = self.done = 0
        self._folder, self._host, self._say = folder, host, say
        self._waiting: dict[str, object] = {}
        self._lock = threading.Lock()
        self._writable = True
        self._clean()
        self._place = {key: path for path in sorted(folder.glob(f"*{ENDING}")) for key in self._keys(path)}
        numbers = [path.stem.rpartition("-")[2] for path in folder.glob(f"{host}-*{ENDING}")]
        self._next = 1 + max((int(number) for number in numbers if number.isdecimal()), default=0)

    def __len__(self) -> int:
        """How many units the folder held at first."""
        return len(self._place)

    def get(self, key: str) -> Any | None:  # noqa: ANN401 - what the unit returned
        """Return a unit's result, None where it is not kept or damaged."""
        path = self._place.get(key)
        if path is None:
            return None
        try:
            with zipfile.ZipFile(path) as archive:
                result = from_bytes(archive.read(key))  # compares the checksum
        except Exception as error:  # there are as many as there are ways to be damaged
            self._say(f"checkpoint: a unit in {path.name} is damaged ({type(error).__name__}) and is done again")
            return None
        self.found += 1
        return result

    def put(self, key: str, result: object) -> None:
        """Keep a result from the next time on that `flush` is called; from any thread."""
        with self._lock:
            self.done += 1
            if self._writable and len(self._waiting) < MOST_WAITING:
                self._waiting[key] = result

    def flush(self) -> None:
        """Write what waits into a file of its own, which appears whole or not at all. From one thread only."""
        with self._lock:
            units, self._waiting = self._waiting, {}
        if not units:
            return
        path = self._folder / f"{self._host}-{self._next:06}{ENDING}"
        try:
            _write(path, units)
        except OSError as error:
            self._writable = False
            self._say(f"checkpoint: {error.strerror}; training goes on, and nothing more is kept")
            self._clean()
        self._next += 1

    def _clean(self) -> None:
        """Remove what this host left half-written."""
        try:
            for path in self._folder.glob(f"{self._host}-*{ENDING}{NOT_SYNCED}"):
                path.unlink()
        except OSError:
            return  # read-only: the first write will tell

    def _keys(self, path: Path) -> Sequence[str]:
        try:
            with zipfile.ZipFile(path) as archive:
                return archive.namelist()
        except Exception as error:  # as in `get`
            self._say(f"checkpoint: {path.name} is damaged ({type(error).__name__}) and is not used")
            return []


def _write(path: Path, units: dict[str, object]) -> None:
    beside = path.with_name(path.name + NOT_SYNCED)
    with beside.open("wb") as file:
        with zipfile.ZipFile(file, "w") as archive:
            for key, result in units.items():
                archive.writestr(key, to_bytes(result))
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def kept(folder: Path, host: str, say: Callable[[str], None]) -> Iterator[Checkpoint | None]:
    """Give the checkpoint in a folder, None where there is no such folder; written every few seconds and at the end.

    A thread does it, so processes must be forked before.
    """
    if not folder.is_dir():
        yield None
        return
    store, ended = Checkpoint(folder, host, say), threading.Event()
    if len(store):
        say(f"checkpoint: {len(store)} units are kept")
    writer = threading.Thread(target=_keep_writing, args=(store, ended), name="checkpoint", daemon=True)
    writer.start()
    try:
        yield store
    finally:
        ended.set()
        writer.join()
        say(f"checkpoint: {store.found} of {store.found + store.done} units found")


def _keep_writing(store: Checkpoint, ended: threading.Event) -> None:
    while not ended.wait(EVERY_S):
        store.flush()
    store.flush()
