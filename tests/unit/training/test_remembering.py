"""An executor with a memory does no unit twice, and only what succeeded is remembered."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from convect.training.remembering import Remembering, keeper
from convect.training.workers import Here, Wide, sent_once

CALLS: list[int] = []


def double(number: int) -> int:
    CALLS.append(number)
    return 2 * number


def fail(_: int) -> int:
    raise ValueError("no")


class Notes(dict[str, Any]):
    def put(self, key: str, result: object) -> None:
        self[key] = result


@pytest.fixture(autouse=True)
def _no_calls() -> None:
    CALLS.clear()


def test_a_unit_is_done_once() -> None:
    notes = Notes()
    for _ in range(2):
        with ThreadPoolExecutor(2) as pool:
            assert list(Remembering(pool, notes).map(double, [1, 2, 1_000])) == [2, 4, 2_000]
    assert sorted(CALLS) == [1, 2, 1_000]
    assert sorted(notes.values()) == [2, 4, 2_000]


def test_what_fails_or_is_cancelled_is_not_remembered() -> None:
    notes = Notes()
    with pytest.raises(ValueError, match="no"):
        Remembering(Here(), notes).submit(fail, 1).result()
    waiting: Future[Any] = Future()

    class Never(Here):
        def submit(self, *_: Any, **__: Any) -> Future[Any]:
            return waiting

    assert Remembering(Never(), notes).submit(double, 1).cancel()
    assert notes == {}


def test_another_function_is_another_unit() -> None:
    notes = Notes()
    executor = Remembering(Here(), notes)
    assert executor.submit(double, 1).result() == 2
    with pytest.raises(ValueError, match="no"):
        executor.submit(fail, 1).result()


def test_work_in_this_process_is_remembered_by_what_it_depends_on() -> None:
    keep = keeper(Remembering(Here(), Notes()))
    assert [keep(lambda: double(1), "a"), keep(lambda: double(1), "a"), keep(lambda: double(2), "b")] == [2, 2, 4]
    assert CALLS == [1, 2]


def test_without_a_memory_all_work_is_done() -> None:
    for executor in (None, Here()):
        keep = keeper(executor)
        assert [keep(lambda: double(1), "a"), keep(lambda: double(1), "a")] == [2, 2]
    assert len(CALLS) == 4


class Far(Here, Wide):
    """Stands for an executor over several hosts: it sends values once, as something that stands for them."""

    ahead = 100

    def share(self, value: Any) -> Any:
        return ("sent", value)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        return super().submit(fn, *(arg[1] if isinstance(arg, tuple) else arg for arg in args), **kwargs)


def test_what_is_sent_once_is_remembered_as_what_it_stands_for() -> None:
    notes = Notes()
    near, far = Remembering(Here(), notes), Remembering(Far(), notes)
    assert far.submit(double, sent_once(far, 3)).result() == 6
    assert near.submit(double, sent_once(near, 3)).result() == 6
    assert CALLS == [3]
    assert (near.ahead, far.ahead) == (0, 100)
