"""Work for one caller ends when nobody waits for it any more."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from convect.answering import deadline
from convect.models import local, simple


def task() -> local.Task:
    return local.Task(simple.NAIVE, [np.arange(10.0)], [[10]], 2, ())


def test_without_a_moment_work_goes_on() -> None:
    deadline.check()
    assert local.forecast_chunk(task()).mean.tolist() == [[9.0, 9.0]]


def test_no_series_is_begun_after_the_moment() -> None:
    with deadline.within(-1.0), pytest.raises(deadline.TimeLimitReached) as caught:
        local.forecast_chunk(task())
    assert (caught.value.status, caught.value.code) == (503, "time_limit")
    local.forecast_chunk(task())


def test_the_moment_is_of_one_thread() -> None:
    passed: list[bool] = []

    def other() -> None:
        deadline.check()
        passed.append(True)

    with deadline.within(-1.0):
        thread = threading.Thread(target=other)
        thread.start()
        thread.join(10)
    assert passed == [True]


def test_the_inner_of_two_moments_ends_with_its_block() -> None:
    with deadline.within(60.0):
        with deadline.within(-1.0), pytest.raises(deadline.TimeLimitReached):
            deadline.check()
        deadline.check()
