"""The pool of processes: as many as this container may use, ready at once, deaf to the signals meant for the parent."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from convect import workers
from convect.workers import process_pool, usable_cpus


@pytest.fixture
def eight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))


@pytest.mark.usefixtures("eight")
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max 100000", 8),
        ("200000 100000", 2),
        ("250000 100000", 2),
        ("50000 100000", 1),
        ("1600000 100000", 8),
        ("nonsense", 8),
        ("", 8),
    ],
)
def test_the_quota_of_the_container_bounds_the_cores(
    text: str, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(f"{text}\n")
    monkeypatch.setattr(workers, "CGROUP_V2", quota)
    assert usable_cpus() == expected


@pytest.mark.usefixtures("eight")
def test_without_a_quota_file_the_affinity_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CGROUP_V2", tmp_path / "absent")
    assert usable_cpus() == 8


def _terminate_self() -> str:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.05)
    return "alive"


def test_a_worker_leaves_sigterm_to_its_parent() -> None:
    with process_pool() as pool:
        assert pool.submit(_terminate_self).result(timeout=10) == "alive"
        assert pool.submit(os.getpid).result(timeout=10) != os.getpid()


def test_no_worker_is_left_when_the_block_ends_in_an_error() -> None:
    with pytest.raises(ZeroDivisionError), process_pool() as pool:
        worker = pool.submit(os.getpid).result(timeout=10)
        raise ZeroDivisionError
    with pytest.raises(ProcessLookupError):
        os.kill(worker, 0)


def test_memory_is_given_back_wherever_the_system_can_take_it() -> None:
    workers.give_back()
    workers.give_back()
