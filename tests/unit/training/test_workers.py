"""The pool of processes: ready at once, deaf to the signals meant for the parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convect.training import workers
from convect.training.workers import Here, process_pool

CONTAINER = Path(__file__).resolve().parents[3] / "container"


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


POOL_OF_A_KILLED_PARENT = """
import os, signal, sys
from convect.training.workers import process_pool
with process_pool() as pool:
    print("started", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_no_worker_is_left_when_the_parent_is_killed() -> None:
    program = [sys.executable, "-c", POOL_OF_A_KILLED_PARENT]
    environment = {**os.environ, "PYTHONPATH": str(CONTAINER)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == -signal.SIGKILL
    # The workers hold the pipe of its output, too: that this came to an end says that they are gone.
    assert done.stdout == "started\n"


def test_without_processes_the_work_is_done_at_once() -> None:
    assert Here().submit(divmod, 7, 2).result() == (3, 1)
    with pytest.raises(ZeroDivisionError):
        Here().submit(divmod, 7, 0).result()


def test_memory_is_given_back_wherever_the_system_can_take_it() -> None:
    workers.give_back()
    workers.give_back()
