"""Which series are shown one by one, and how much of each."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from convect.report import kept
from convect.report.kept import chosen, history_room, numbers_of, room
from tests.unit.report.made_report import gathered_of, trained

KEYS = st.lists(st.tuples(*[st.floats(0, 1e6)] * 3), min_size=1, max_size=40, unique=True)


def test_all_are_kept_while_there_is_room() -> None:
    nothing = np.zeros(3)
    assert chosen(nothing, nothing, nothing, 3).tolist() == [True] * 3


def test_else_the_largest_those_with_most_error_and_a_draw() -> None:
    sizes, errors, draws = np.eye(5)[[0, 2, 4]]
    assert chosen(sizes, errors, draws, 3).tolist() == [True, False, True, False, True]


@given(KEYS, st.integers(1, 40), st.integers(3, 12))
def test_of_series_that_come_in_parts_the_first_by_each_key_are_kept(
    rows: list[tuple[float, float, float]], cut: int, most: int
) -> None:
    keys = np.array(rows)
    keys += np.arange(keys.size).reshape(keys.shape) * 1e-3  # without ties, which either choice may break
    both = np.vstack([keys[:cut][chosen(*keys[:cut].T, most)], keys[cut:]])
    found = {tuple(one) for one in both[chosen(*both.T, most)].tolist()}
    assert len(found) <= most
    for key in keys.T:
        assert {tuple(one) for one in keys[np.argsort(-key)[: most // 3]].tolist()} <= found


def test_the_tail_keeps_the_windows_at_their_stamps() -> None:
    whole = gathered_of(trained()).kept[0]
    cut = whole.tail(20)
    assert cut.start + cut.ends.max() == whole.start + whole.ends.max()
    assert cut.values.tolist() == whole.values[-20:].tolist()
    assert whole.tail(10_000).values.tolist() == whole.values.tolist()


def test_what_there_is_room_for_is_within_the_numbers_a_page_may_hold() -> None:
    for horizon, windows, models in ((14, 3, 12), (168, 3, 12), (1, 1, 1), (2_000, 10, 20)):
        series = room(horizon, windows, models)
        rows = history_room(series, horizon, windows, models)
        used = series * (numbers_of(horizon, windows, models) + rows)
        assert used <= kept.MOST_NUMBERS or series == 3
    assert room(14, 3, 12) == kept.MOST_SERIES
