"""How many of the machine's cores and how much of its memory are ours: the container's share."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path


def usable_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many cores this process may use: its affinity, or less where the container's quota is lower.

    A part of a core counts as one, so that a quota of 1.5 keeps two processes busy; at least 1.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup / "cpu.max") or _quota(cgroup / "cpu/cpu.cfs_quota_us", cgroup / "cpu/cpu.cfs_period_us")
    return max(1, min(allowed, math.ceil(quota or allowed)))


def usable_memory(cgroup: Path = Path("/sys/fs/cgroup"), meminfo: Path = Path("/proc/meminfo")) -> int | None:
    """Return how many bytes this container may hold: the machine's, or less by its limit; None where nobody says."""
    limits = (cgroup / "memory.max", cgroup / "memory/memory.limit_in_bytes")
    found = [_number(limit, 1) for limit in limits] + [_number(meminfo, 1024)]
    return min((bytes_ for bytes_ in found if bytes_), default=None)


def _number(file: Path, unit: int) -> int | None:
    """The first number of a file, times its unit; None where there is none ("max")."""
    try:
        first = re.search(r"\d+", file.read_text())
        return int(first.group()) * unit if first else None
    except OSError:
        return None


def _quota(*files: Path) -> float | None:
    """Cores granted by "200000 100000" (in one file, or quota and period in two); None where there is no bound."""
    try:
        quota, period = " ".join(file.read_text() for file in files).split()
        return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else None
    except (OSError, ValueError):  # no such file, or "max 100000": no bound
        return None
