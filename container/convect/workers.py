"""The processes that share the work over series, and the memory that this one holds while they do it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

import pyarrow as pa

from convect.machine import usable_cpus


@contextmanager
def process_pool() -> Iterator[Executor]:
    """Give a pool with a process for each usable core, started at once and ended with the block.

    Forked before any thread exists, so that the libraries loaded here need not be loaded again in each.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(usable_cpus(), mp_context=context, initializer=_leave_signals_to_parent) as pool:
        pool.submit(os.getpid).result()
        yield pool


def _leave_signals_to_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def give_back() -> None:
    """Return freed memory to the system: reading a table frees several times what the panel needs; malloc keeps it."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)
