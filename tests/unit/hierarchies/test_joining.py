"""Two panels made one hold the same series as apart."""

from __future__ import annotations

import numpy as np
import pytest

from convect.hierarchies.joining import joined
from convect.panel import Panel
from tests.unit.made import panel_of

SERIES = [np.arange(length) + 10.0 * length for length in (3, 1, 4, 1, 5, 9, 2)]
WHOLE = panel_of(*SERIES, static=np.arange(7.0)[:, None], static_names=("size",))


def same(one: Panel, two: Panel) -> None:
    for name, values in vars(one).items():
        np.testing.assert_array_equal(values, getattr(two, name), err_msg=name)


@pytest.mark.parametrize("left", [[0], [6], [1, 4], [0, 2, 4, 6]])
def test_what_was_taken_apart_is_as_it_was(left: list[int]) -> None:
    mask = np.isin(np.arange(len(WHOLE)), left)
    same(joined(WHOLE.take(mask), WHOLE.take(~mask)), WHOLE)
