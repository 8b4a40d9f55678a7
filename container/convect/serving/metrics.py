"""What the server counts, over all its workers and those that died, as Prometheus' text."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own; read when it is first imported
_PREFIX = "convect-metrics-"
DEAD = 0  # the number of the process that never was, which keeps what dead workers counted
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3600.0)


def share(environment: MutableMapping[str, str]) -> Path:
    """Return the folder where each worker keeps its counts, made where none is named; to be called before any fork."""
    if not environment.get(FOLDER_VARIABLE):
        environment[FOLDER_VARIABLE] = tempfile.mkdtemp(prefix=_PREFIX)
    return Path(environment[FOLDER_VARIABLE])


def forget(environment: Mapping[str, str]) -> None:
    """Remove the folder that `share` made, at the end of the server; one that the operator named stays."""
    folder = Path(environment.get(FOLDER_VARIABLE, ""))
    if folder.name.startswith(_PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


class Metrics:
    """The counts of one application; with a folder, those of all processes that were given the same one."""

    def __init__(self) -> None:
        from prometheus_client import CollectorRegistry, Counter, Histogram  # not above: see FOLDER_VARIABLE

        self._own = own = CollectorRegistry()
        self._requests = Counter("convect_requests", "Requests answered.", ["route", "status"], registry=own)
        self._seconds = Histogram(
            "convect_request_seconds", "Seconds from request to answer.", ["route"], registry=own, buckets=_SECONDS
        )
        self._errors = Counter("convect_errors", "Errors by who must act.", ["error_class"], registry=own)
        self._series = Counter("convect_series_forecast", "Series forecast.", ["history"], registry=own)
        self._fallbacks = Counter("convect_fallbacks", "Series answered by a fallback.", registry=own)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count one answer; `route` is the address as declared, never as sent."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def failed(self, error_class: str) -> None:
        """Count one error: UserError, AlgorithmError or PlatformError."""
        self._errors.labels(error_class).inc()

    def forecast(self, histories: Iterable[str], fallbacks: int) -> None:
        """Count the series of one answer by the history they were forecast from."""
        counted: dict[str, int] = {}
        for history in histories:
            counted[history] = counted.get(history, 0) + 1
        for history, count in counted.items():
            self._series.labels(history).inc(count)
        self._fallbacks.inc(fallbacks)

    def text(self) -> tuple[bytes, str]:
        """Return what all workers counted in Prometheus' text form, and its content type."""
        from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, CollectorRegistry, generate_latest
        from prometheus_client.multiprocess import MultiProcessCollector

        folder = os.environ.get(FOLDER_VARIABLE)
        if not folder:
            return generate_latest(self._own), CONTENT_TYPE_PLAIN_0_0_4
        with _locked(Path(folder), fcntl.LOCK_SH):
            every = CollectorRegistry()
            MultiProcessCollector(every, path=folder)  # type: ignore[no-untyped-call]  # it has none
            return generate_latest(every), CONTENT_TYPE_PLAIN_0_0_4


def fold(folder: Path, pid: int) -> None:
    """Add what a dead worker counted to one file for all the dead, so that each death does not leave files behind.

    The library itself keeps two files of a megabyte for each worker that ever lived.
    """
    from prometheus_client.mmap_dict import MmapedDict

    with _locked(folder, fcntl.LOCK_EX):
        for path in folder.glob(f"*_{pid}.db"):
            kept = MmapedDict(str(path.with_name(f"{path.stem.rpartition('_')[0]}_{DEAD}.db")))  # type: ignore[no-untyped-call]
            for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):  # type: ignore[no-untyped-call]
                kept.write_value(key, kept.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
            kept.close()  # type: ignore[no-untyped-call]
            path.unlink()


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    # Without it a scrape in the middle of `fold` would see a worker's counts twice.
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, how)
        yield
