"""The processes that share the work over series, and the memory that this one holds while they do it."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
from abc import abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

import pyarrow as pa

from convect.errors import PlatformError
from convect.training.machine import usable_cpus

_SET_PARENT_DEATH_SIGNAL = 1  # of prctl
P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def process_pool() -> Iterator[Executor]:
    """Give a pool with a process for each usable core, started at once and ended with the block.

    Forked before any thread exists, so that the libraries loaded here need not be loaded again in each.
    Raises PlatformError where the system has no room for what they share.
    """
    with _pool() as pool:
        pool.submit(os.getpid).result()
        yield pool


class Wide(Executor):
    """An executor over more than this machine, to which sending costs time."""

    @abstractmethod
    def share(self, value: T) -> T:
        """Return what stands for a value in calls, so that it is not sent with each of them."""

    @property
    @abstractmethod
    def ahead(self) -> int:
        """How many units of work should be at work or waiting."""


def sent_once(executor: Executor, value: T) -> T:
    """Return what stands for a value in many calls: where sending costs time it is sent once."""
    return executor.share(value) if isinstance(executor, Wide) else value


class Here(Executor):
    """An executor without processes: it does the work at once, in this one."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the result of a call, or what it raised, as a future that is done."""
        future: Future[T] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def _pool() -> ProcessPoolExecutor:
    context = multiprocessing.get_context("fork")
    try:
        return ProcessPoolExecutor(usable_cpus(), mp_context=context, initializer=depend_on_parent)
    except OSError as error:
        message = f"The processes that share the work cannot start: {error.strerror} (in /dev/shm)."
        raise PlatformError(message, "Free /dev/shm, or give the container more (docker run --shm-size).") from error


def depend_on_parent() -> None:
    """Leave signals to the parent, and end with it, also where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux alone has it
    if prctl is not None:
        prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def give_back() -> None:
    """Return freed memory to the system: reading a table frees several times what the panel needs; malloc keeps it."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc alone has it
    if trim is not None:
        trim(0)
