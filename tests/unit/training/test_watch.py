"""The time limit of one series: looked at before each model, never for the naive one, told by `late`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from convect.models import simple
from convect.training.watch import Watch
from tests.unit.made import panel_of, wave

PANEL = panel_of(wave(40, 7), wave(50, 7, seed=1))
SEASONS = (7,)


def ticking(*seconds: float) -> Callable[[], float]:
    """A clock on which the calls of `forecast_chunk` take these seconds, one after the other."""
    times: Iterator[float] = iter(np.repeat(np.cumsum([0.0, *seconds]), 2)[1:-1])
    return lambda: float(next(times))


def test_without_a_limit_the_work_is_done_in_chunks() -> None:
    watch = Watch(len(PANEL), None, ticking())
    said = watch.run(PANEL, 3, SEASONS, "Theta")
    assert not said.fallback.any()
    assert not watch.late.any()


def test_a_series_that_took_too_long_gets_no_further_model_but_the_naive_one() -> None:
    watch = Watch(len(PANEL), 2.0, ticking(1.0, 3.0, 1.0, 1.0, 1.0))
    free = Watch(len(PANEL), None)
    first = watch.run(PANEL, 3, SEASONS, "Theta")  # 1 s and 3 s
    np.testing.assert_array_equal(first.mean, free.run(PANEL, 3, SEASONS, "Theta").mean)
    second = watch.run(PANEL, 3, SEASONS, "CES")  # only the first series runs
    assert second.fallback.tolist() == [False, True]
    assert np.isnan(second.mean[1]).all()
    assert watch.late.tolist() == [False, True]
    naive = watch.run(PANEL, 3, SEASONS, simple.NAIVE)
    assert not naive.fallback.any()
    assert np.isfinite(naive.mean).all()
