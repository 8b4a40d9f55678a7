"""The estimate of what hosts gain, by hand."""

from __future__ import annotations

import pytest

from bench import hosts

ROW = {
    **{"series": 1_000.0, "learnt_from": 600.0},
    **{"serial_reading_s": 0.1, "serial_learning_s": 2.0, "serial_answering_s": 0.2, "serial_page_s": 3.0},
    **{"units_learning_s": 16.0, "units_answering_s": 4.0},
    **{"bytes_learning": 1e6, "bytes_answering": 2e6, "bytes_shared": 1e5},
}


@pytest.mark.parametrize("count", [1, 8])
def test_the_leaders_time_is_not_shared(count: int) -> None:
    found = hosts.estimate(ROW, count)  # read 100 times as much, learn 5 times, answer 97,000 / 400 = 242.5 times
    assert found["serial"] == pytest.approx(0.1 * 100 + 2 * 5 + 0.2 * 100 + 3)
    assert found["shared"] == pytest.approx(16 * 5 + 4 * 242.5)
    assert found["wall"] == pytest.approx(43 + 1050 / (16 * count))
    assert found["gb"] == pytest.approx((5 + 485 + 1.6 * count) / 1000)


def test_the_arithmetic_is_that_of_the_estimate() -> None:
    assert hosts.arithmetic("fast", ROW).splitlines() == [
        "* `fast`: the leader 0.1 · 100 (reading) + 2 · 5 (learning) + 0.2 · 100 (writing) + 3 (the page) = 43 s;",
        "  shared 16 · 5 (learning) + 4 · 242.5 (the rest) = 1,050 CPU-s, over 16 cores a host;",
        "  sent 1.00 · 5 + 2.00 · 242.5 MB, and 0.10 MB to each core.",
    ]
