"""Run a program and say what it cost: CPU-seconds, wall seconds and memory of it and of all it started."""

from __future__ import annotations

import os
import resource
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_S = 0.25
KILOBYTES_PER_MB = 1024  # `ps` and Linux' rusage count in kilobytes


@dataclass(frozen=True)
class Cost:
    """What one run of a program took.

    cpu_s: user and system, of the program and of every process it waited for; process_mb: the largest of these
    processes; tree_mb: the most that all of them held at one time, memory that two share counted twice.
    """

    exit_code: int
    cpu_s: float
    wall_s: float
    process_mb: float
    tree_mb: float


def run(command: Sequence[str], log: Path, env: Mapping[str, str] | None = None) -> Cost:
    """Run a program to its end, with what it prints in `log`, and return its cost. Never raises for its failure."""
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command), stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(env or {})}
        )
        with Sampler(process.pid) as sampler:
            _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)  # it has been waited for: Popen must not try again
    largest = largest_mb(usage.ru_maxrss, sampler.process_mb)
    return Cost(
        process.returncode,
        usage.ru_utime + usage.ru_stime,
        time.monotonic() - started,
        largest,
        max(sampler.tree_mb, largest),
    )


def largest_mb(kilobytes: int, sampled_mb: float) -> float:
    """Return the exact peak that the system gives, or the sampled one where it is only what this process passed on.

    A process begins as a copy of the one that starts it, and the system counts that copy, too.
    """
    passed_on = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes / KILOBYTES_PER_MB if kilobytes > passed_on else sampled_mb


class Sampler:
    """Looks at the memory of a process and its descendants every quarter of a second, while the block runs."""

    def __init__(self, pid: int) -> None:
        self.process_mb = self.tree_mb = 0.0
        self._pid = pid
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Sampler:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._end.wait(SAMPLE_S):
            held = family_mb(process_table(), self._pid)
            self.process_mb = max(self.process_mb, *held, 0.0)
            self.tree_mb = max(self.tree_mb, sum(held))


def process_table() -> str:
    """Return one line a process of this machine: its number, its parent's, its resident kilobytes."""
    command = ["ps", "-A", "-o", "pid=,ppid=,rss="]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def family_mb(table: str, root: int) -> list[float]:
    """Return the MB that a process and each of its descendants hold, by a table as `process_table` gives it."""
    rows = [tuple(map(int, line.split())) for line in table.splitlines()]
    children: dict[int, list[int]] = {}
    for pid, parent, _ in rows:
        children.setdefault(parent, []).append(pid)
    family, waiting = {root}, [root]
    while waiting:
        found = children.get(waiting.pop(), [])
        family.update(found)
        waiting += found
    return [kilobytes / KILOBYTES_PER_MB for pid, _, kilobytes in rows if pid in family]
