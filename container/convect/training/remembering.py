"""An executor that does no unit of work twice: what it finds kept is not done, what is done is kept."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import partial
from typing import Any, ParamSpec, Protocol, TypeVar

from convect.training.fingerprint import fingerprint
from convect.training.workers import Wide, sent_once

P = ParamSpec("P")
T = TypeVar("T")


class Memory(Protocol):
    """What keeps the results of finished units under names that tell all that they depend on."""

    def get(self, key: str) -> Any | None:  # noqa: ANN401 - what the unit returned
        """Return a result, None where there is none."""

    def put(self, key: str, result: object) -> None:
        """Keep a result; called from any thread."""


class Remembering(Wide):
    """Another executor with a memory; a unit is a function of a module, and its name is that with its arguments."""

    def __init__(self, executor: Executor, memory: Memory) -> None:
        self._executor, self._memory = executor, memory
        self._shared: list[tuple[object, object]] = []  # what stands for a value, and the value

    def share(self, value: T) -> T:
        """Return what stands for a value in calls, itself where the executor is on one host."""
        sent = sent_once(self._executor, value)
        self._shared.append((sent, value))
        return sent

    @property
    def ahead(self) -> int:
        """How many units should be at work or waiting; 0 where that does not matter."""
        return self._executor.ahead if isinstance(self._executor, Wide) else 0

    def _meant(self, argument: object) -> object:
        return next((value for sent, value in self._shared if sent is argument), argument)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the kept result as a future that is done, or have the work done and keep what comes of it."""
        key = fingerprint(fn.__module__, fn.__qualname__, tuple(map(self._meant, args)), kwargs)
        found = self._memory.get(key)
        if found is not None:
            ready: Future[T] = Future()
            ready.set_result(found)
            return ready
        future = self._executor.submit(fn, *args, **kwargs)
        future.add_done_callback(partial(self._keep, key))
        return future

    def remembered(self, work: Callable[[], T], *depends: object) -> T:
        """Return the result of work done in this process, which depends on these values and nothing else."""
        key = fingerprint(*depends)
        found: T | None = self._memory.get(key)
        if found is None:
            found = work()
            self._memory.put(key, found)
        return found

    def _keep(self, key: str, future: Future[Any]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._memory.put(key, future.result())


class Keep(Protocol):
    """Does work that depends on these values and nothing else, or knows its result."""

    def __call__(self, work: Callable[[], T], *depends: object) -> T:
        """Return the result."""


def at_once(work: Callable[[], T], *_depends: object) -> T:
    """Do the work and keep nothing."""
    return work()


def keeper(executor: Executor | None) -> Keep:
    """Return how work in this process is done beside an executor: remembered where that remembers."""
    return executor.remembered if isinstance(executor, Remembering) else at_once
