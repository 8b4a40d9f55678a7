"""Whether the server loses requests: mixed load while workers are killed, and SIGTERM under load."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from bench import requests
from bench.hosted import DRAIN_S, Hosted, ours
from bench.load import Found, Load

CLIENTS = 8
KILL_EVERY_S = 30
WARM_S = 20  # memory settles before it is watched
MEMORY_GROWTH = 0.10
SERIES = 60


def soak(folder: Path, seconds: int) -> dict[str, object]:
    """Load one server with everything it answers and kill a worker every 30 s.

    A killed worker takes what it had in hand, at most one request a client; any more is a request lost. Memory at the
    end is compared with memory after the first seconds.
    """
    base = requests.trained(folder, SERIES, "balanced")
    with ours(base, folder / "soak.log") as server:
        asked = requests.mixed(base, folder)
        with Load(server.port, asked, folder / "load", CLIENTS, min(WARM_S, seconds)) as load:
            load.found()
        before_mb, kills, held = server.resident_mb(), 0, 0
        with Load(server.port, asked, folder / "load", CLIENTS, seconds) as load:
            following = time.monotonic() + KILL_EVERY_S
            while load.running():
                time.sleep(0.2)
                if time.monotonic() > following:
                    held += _kill(server, kills)
                    kills, following = kills + 1, time.monotonic() + KILL_EVERY_S
            found = load.found()
        time.sleep(2)
        growth = server.resident_mb() / before_mb - 1
    lost = found.read + found.write + found.timeout + found.connect
    passed = lost <= held and growth <= MEMORY_GROWTH
    return {"passed": passed, "kills": kills, "lost": lost, "in_hand": held, "memory_growth": growth, **found.row}


def _kill(server: Hosted, number: int) -> int:
    """Kill a worker, each in its turn, and return how many connections it held; each may lose one request."""
    pids = sorted(server.worker_pids())
    pid = pids[number % len(pids)]
    held = _connections(pid, server.port)
    os.kill(pid, signal.SIGKILL)
    return held


def _connections(pid: int, port: int) -> int:
    """Count the accepted connections of a process: its sockets that /proc/net/tcp lists as established on the port."""
    sockets = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            sockets.add(os.readlink(link))
        except OSError:  # closed since the folder was listed
            continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    local, established = f":{port:04X}", "01"
    return sum(row[1].endswith(local) and row[3] == established and f"socket:[{row[9]}]" in sockets for row in rows)


def drain(folder: Path, seconds: int) -> dict[str, object]:
    """Load one server, send SIGTERM in the middle, and compare what it answered with what the clients got.

    A connection that is refused afterwards is no loss (wrk counts it as "write"); one that was accepted and then broke
    off is ("read").
    """
    base = requests.trained(folder, SERIES, "balanced")
    with ours(base, folder / "drain.log") as server:
        asked = requests.mixed(base, folder)
        with Load(server.port, asked, folder / "load", CLIENTS, seconds) as load:
            time.sleep(seconds / 2)
            started = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            code = server.process.wait(DRAIN_S)
            took = time.monotonic() - started
            found = load.found()
    answered = _logged(folder / "drain.log")
    passed = code == 0 and took <= DRAIN_S and answered == found.requests and not found.read + found.timeout
    return {"passed": passed, "drain_s": took, "exit_code": code, "answered_by_server": answered, **_counts(found)}


def _counts(found: Found) -> dict[str, object]:
    return {name: found.row[name] for name in ("requests", "connect", "read", "write", "timeout", "status")}


def _logged(log: Path) -> int:
    return sum(" /invocations " in line for line in log.read_text(encoding="utf-8", errors="replace").splitlines())
