"""The cores and the memory that this process may use are the container's, not the machine's."""

from __future__ import annotations

from pathlib import Path

import pytest

from convect.training.machine import usable_cpus, usable_memory


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 8),
        ({"cpu.max": "max 100000\n"}, 8),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "1600000 100000\n"}, 8),
        ({"cpu.max": "nonsense"}, 8),
        ({"cpu.max": ""}, 8),
        ({"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
    ],
)
def test_cpus_are_the_containers_not_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], cpus: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_cpus(tmp_path) == cpus


@pytest.mark.parametrize(
    ("files", "memory"),
    [
        ({}, None),
        ({"meminfo": "MemTotal:  2048 kB\nMemFree: 9 kB\n"}, 2 << 20),
        ({"meminfo": "MemTotal:  2048 kB\n", "memory.max": "max\n"}, 2 << 20),
        ({"meminfo": "MemTotal:  2048 kB\n", "memory.max": "1048576\n"}, 1 << 20),
        ({"meminfo": "MemTotal:  2048 kB\n", "memory.max": "9223372036854771712\n"}, 2 << 20),
        ({"meminfo": "nonsense", "memory/memory.limit_in_bytes": "1048576\n"}, 1 << 20),
        ({"memory.max": ""}, None),
    ],
)
def test_memory_is_the_containers_not_the_machines(tmp_path: Path, files: dict[str, str], memory: int | None) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert usable_memory(tmp_path, tmp_path / "meminfo") == memory
