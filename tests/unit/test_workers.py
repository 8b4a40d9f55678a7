"""The pool of processes: ready at once, deaf to the signals meant for the parent."""

from __future__ import annotations

import os
import signal
import time

import pytest

from convect import workers
from convect.workers import process_pool


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
