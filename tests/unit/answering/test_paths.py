"""Sample paths: at each step the quantiles themselves, from step to step as correlated as is said."""

from __future__ import annotations

import numpy as np
import pytest

from convect.answering import paths


def spread(count: int, horizon: int, items: int = 1) -> np.ndarray:
    """Quantiles (items, horizon, count) that ascend, widen with the step and differ by item."""
    level = np.array(paths.levels(count))
    width = np.arange(1, horizon + 1)[:, None] * np.arange(1, items + 1)[:, None, None]
    return 10 + width * (level - 0.5)


def test_the_levels_are_the_midpoints_of_equal_strata() -> None:
    assert paths.levels(4) == (0.125, 0.375, 0.625, 0.875)
    assert paths.levels(1) == (0.5,)


@pytest.mark.parametrize("count", [1, 2, 100])
def test_at_every_step_the_paths_take_each_quantile_once(count: int) -> None:
    values = spread(count, 5, items=3)
    found = paths.draw(values, ["a", "b", "c"], 0)
    assert found.shape == (3, count, 5)
    np.testing.assert_array_equal(np.sort(found, axis=1), values.transpose(0, 2, 1))


def test_a_path_that_runs_high_tends_to_go_on_running_high() -> None:
    found = paths.draw(spread(1_000, 12), ["a"], 0)[0]
    ranks = found.argsort(axis=0).argsort(axis=0)
    near = [np.corrcoef(ranks[:, step], ranks[:, step + 1])[0, 1] for step in range(11)]
    spearman = 6 / np.pi * np.arcsin(paths.STEP_CORRELATION / 2)  # of a Gaussian copula (Kruskal 1958)
    np.testing.assert_allclose(near, spearman, atol=0.06)
    assert abs(np.corrcoef(ranks[:, 0], ranks[:, -1])[0, 1]) < 0.2


def test_equal_keys_draw_alike_and_others_do_not() -> None:
    values = np.repeat(spread(50, 4), 3, axis=0)
    first, again, other = paths.draw(values, ["a", "a", "b"], 7)
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    np.testing.assert_array_equal(paths.draw(values[:1], ["b"], 7)[0], other)
    assert (paths.draw(values[:1], ["a"], 8)[0] != first).any()
