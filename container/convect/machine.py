"""How many of the machine's cores are ours: the container's share."""

from __future__ import annotations

import math
import os
from pathlib import Path


def usable_cpus(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Return how many cores this process may use: its affinity, or less where the container's quota is lower.

    A part of a core counts as one, so that a quota of 1.5 keeps two processes busy; at least 1.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _quota(cgroup / "cpu.max") or _quota(cgroup / "cpu/cpu.cfs_quota_us", cgroup / "cpu/cpu.cfs_period_us")
    return max(1, min(allowed, math.ceil(quota or allowed)))


def _quota(*files: Path) -> float | None:
    """Cores granted by "200000 100000" (in one file, or quota and period in two); None where there is no bound."""
    try:
        quota, period = " ".join(file.read_text() for file in files).split()
        return int(quota) / int(period) if int(quota) > 0 and int(period) > 0 else None
    except (OSError, ValueError):  # no such file, or "max 100000": no bound
        return None
