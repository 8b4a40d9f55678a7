"""What an interruption cost, told from two logs."""

from __future__ import annotations

import pytest

from bench.interrupt import Life, finished, row_of

KILLED = Life(110.0, 10.0, "data: 1000 items\nforecast 200 of 1000 items\nforecast 600 of 1000 items\n", 900.0, 90.0)
RESUMED = Life(90.0, 10.0, "checkpoint: 30 of 50 units found\nmetric: train:series=1000\n", 950.0, 20.0)


def test_lost_is_what_no_file_had_and_what_was_under_way() -> None:
    row = row_of(1000, KILLED, RESUMED, since_s=4.0)
    assert row["unit_s"] == 20.0  # two cores did two parts in 20 seconds
    assert row["lost_share"] == pytest.approx((4.0 + 20.0) / 180.0)
    assert (row["found"], row["units"], row["series_per_wall_s"]) == (30, 50, 5.0)


def test_a_run_that_did_not_end_is_told() -> None:
    assert finished(RESUMED) is RESUMED
    with pytest.raises(RuntimeError, match="killed"):
        finished(KILLED)
