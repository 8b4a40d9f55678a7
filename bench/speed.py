"""How fast the server is: known, newer and unseen series, batch, a large request, the start; and its peers."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from bench import requests
from bench.environments import HERE, autogluon_python, gluonts_python
from bench.hosted import Hosted, free_port, hosted, ours
from bench.load import Load, Request

SERIES, BALANCED_SERIES = 1_000, 60
BATCH_LINES = 10_000
LARGE_MB = 20
SETTLE_S = 3  # after a load, before memory is read
ACCEPTED = {"Content-Type": requests.CSV, "Accept": requests.CSV}
Rows = Iterator[dict[str, object]]


def measure(folder: Path, seconds: int) -> Rows:
    """Yield a row for each measurement, `target` saying what was promised. Raises RuntimeError where one fails."""
    known = requests.trained(folder, SERIES, "fast")
    balanced = requests.trained(folder, BALANCED_SERIES, "balanced")
    common = {"cpus": os.cpu_count(), "python": platform.python_version(), "load": f"wrk {_wrk()}"}
    versions = " ".join(f"{name} {version(name)}" for name in ("gunicorn", "flask", "pandas", "statsforecast"))
    for row in (*_known(known, folder, seconds), *_unseen(balanced, folder, seconds), *_whole(known, folder)):
        yield {"server": "Convect", **row, **common, "versions": versions}
    for peer in (_gluonts(folder, seconds), _autogluon(balanced, folder, seconds)):
        yield from ({**row, **common} for row in peer)


def _known(base: Path, folder: Path, seconds: int) -> Rows:
    with ours(base, folder / "known.log") as server:
        yield _told("start to 200 of /ping, 1,000 series", "<= 3 s", seconds=server.start_s)
        asked = requests.known(SERIES)
        yield from _loaded(server, "known series", asked, folder, seconds, "p50 <= 1.5 ms, p99 <= 6 ms", ">= 1000/s")


def _unseen(base: Path, folder: Path, seconds: int) -> Rows:
    with ours(base, folder / "unseen.log") as server:
        asked = requests.unseen(200, folder)
        first_ms = _seconds(server, asked[0].body, ACCEPTED) * 1e3
        yield _told("unseen series, first call", "<= 120 ms", max_ms=first_ms)
        yield _load(server, "unseen series", asked, folder, 1, seconds, "p50 <= 40 ms, p99 <= 120 ms")
        newer = requests.newer(BALANCED_SERIES, base)
        yield _load(server, "known series, newer history", newer, folder, 1, seconds, "")


def _whole(base: Path, folder: Path) -> Rows:
    with ours(base, folder / "batch.log", SAGEMAKER_BATCH="true") as server:
        lines = {"Content-Type": requests.LINES, "Accept": requests.LINES}
        body = requests.lines(BATCH_LINES, SERIES)
        took = min(_seconds(server, body, lines) for _ in range(3))
        yield _told("batch, JSON Lines", ">= 2000 series/s", seconds=took, requests_per_s=BATCH_LINES / took)
    with ours(base, folder / "large.log", MODEL_SERVER_WORKERS="1", MODEL_SERVER_TIMEOUT="600") as server:
        small = requests.unseen(1, folder)[0].body
        _seconds(server, small, ACCEPTED)
        before = server.resident_mb()
        took = _seconds(server, requests.large(LARGE_MB, folder), ACCEPTED)
        time.sleep(SETTLE_S)
        grown = server.resident_mb() / before - 1
        yield _told(f"{LARGE_MB} MB of CSV", "memory back within 10 %", seconds=took, memory_growth=grown)


def _gluonts(folder: Path, seconds: int) -> Rows:
    python = gluonts_python()
    if python is None:
        return
    port, sizes = free_port(), [str(requests.HORIZON), str(requests.SEASON)]
    command = [str(python), str(HERE / "gluonts_server.py"), str(folder / "gluonts"), str(port), *sizes]
    with hosted(command, port, folder / "gluonts.log", {}) as server:
        asked = requests.gluonts(SERIES, folder)
        found = version_in(python, "gluonts")
        for row in _loaded(server, "known series", asked, folder, seconds, "", ""):
            yield {"server": "GluonTS, seasonal naive", **row, "versions": f"gluonts {found}"}


def _autogluon(base: Path, folder: Path, seconds: int) -> Rows:
    python = autogluon_python()
    if python is None:
        print("AutoGluon is left out: bench/requirements-autogluon.txt says how to install it.", flush=True)
        return
    port, table = free_port(), base / "input" / "data" / "train" / "part-0.parquet"
    command = [str(python), str(HERE / "autogluon_server.py"), str(folder / "autogluon"), str(table), str(port)]
    with hosted([*command, str(requests.HORIZON)], port, folder / "autogluon.log", {}) as server:
        asked = requests.unseen(200, folder)
        first_ms = _seconds(server, asked[0].body, ACCEPTED) * 1e3
        told = {"server": "AutoGluon, medium_quality", "versions": version_in(python, "autogluon.timeseries")}
        yield {**told, **_told("unseen series, first call", "", max_ms=first_ms)}
        yield {**told, **_load(server, "unseen series", asked, folder, 1, seconds, "")}


def _loaded(
    server: Hosted, what: str, asked: list[Request], folder: Path, seconds: int, latency: str, throughput: str
) -> Rows:
    _load(server, what, asked, folder, 1, 2, "")  # the first seconds are the caches'
    yield _load(server, what, asked, folder, 1, seconds, latency)
    yield _load(server, what, asked, folder, 8, seconds, throughput)


def _load(
    server: Hosted, what: str, asked: list[Request], folder: Path, clients: int, seconds: int, target: str
) -> dict[str, object]:
    with Load(server.port, asked, folder / "load", clients, seconds) as load:
        found = load.found()
    if found.status or found.connect or found.read or found.write or found.timeout:
        raise RuntimeError(f"{what}: {found}")
    return _told(what, target, clients=clients, **found.row)


def _told(what: str, target: str, **numbers: object) -> dict[str, object]:
    names = ("clients", "requests", "requests_per_s", "p50_ms", "p99_ms", "max_ms", "seconds", "memory_growth")
    row = {"what": what, "target": target, **{name: numbers.get(name) for name in names}}
    print(", ".join(f"{name} {value}" for name, value in row.items() if value not in (None, "")), flush=True)
    return row


def _seconds(server: Hosted, body: bytes, headers: dict[str, str]) -> float:
    started = time.perf_counter()
    server.ask("POST", requests.INVOCATIONS, body, headers)
    return time.perf_counter() - started


def _wrk() -> str:
    told = subprocess.run(["wrk", "-v"], capture_output=True, text=True, check=False).stdout  # noqa: S607 - on PATH
    return told.split()[1] if len(told.split()) > 1 else "unknown"


def version_in(python: Path, package: str) -> str:
    """Return a package's version in another environment."""
    script = f"import importlib.metadata as m; print(m.version('{package}'))"
    return subprocess.run([str(python), "-c", script], capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit("Run bench/serving.py.")
