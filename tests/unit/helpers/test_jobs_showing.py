"""What is said of money before and after a job."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from helpers import jobs

PRICES = {"local": 0.0, "ml.m5.xlarge": 0.23}


def test_a_job_s_cost_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert jobs.job_cost(PRICES, "ml.m5.xlarge", 30, count=2, most_minutes=60) == pytest.approx(0.23)
    assert capsys.readouterr().out == "ml.m5.xlarge x 2: about 30 min, 0.23 USD; stopped after 60 min, at 0.46 USD\n"
    jobs.job_cost(PRICES, "local", 1)
    assert capsys.readouterr().out == "local x 1: about 1 min, 0.00 USD\n"


def test_an_endpoint_s_cost_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert jobs.endpoint_cost(PRICES, "ml.m5.xlarge") == pytest.approx(5.52)
    assert "0.23 USD an hour, 5.52 a day, 165.60 a month, used or not" in capsys.readouterr().out


def test_serverless_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert jobs.serverless_cost(0.00002, 2048, 0.5, 1_000_000) == pytest.approx(20)
    assert capsys.readouterr().out.startswith("1,000,000 requests of 0.5 s with 2048 MB: 20.00 USD")


@pytest.mark.parametrize("ask", [lambda p: jobs.job_cost(p, "ml.x", 1), lambda p: jobs.endpoint_cost(p, "ml.x")])
def test_without_a_price_nothing_is_promised(ask: object) -> None:
    with pytest.raises(KeyError, match=r"'ml\.x' has no price in PRICES: add it"):
        ask(PRICES)  # type: ignore[operator]


def test_what_was_spent_is_what_was_billed(capsys: pytest.CaptureFixture[str]) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    job = {
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2},
        "TrainingStartTime": start,
        "TrainingEndTime": start + timedelta(seconds=900),
    }
    assert jobs.job_spent(PRICES, job) == pytest.approx(0.23 / 2)
    assert jobs.job_spent(PRICES, {**job, "BillableTimeInSeconds": 90}) == pytest.approx(0.23 / 20)  # spot
    assert capsys.readouterr().out.splitlines() == [
        "taken 900 s, billed 1800 s: 0.115 USD",
        "taken 900 s, billed 180 s: 0.011 USD",
    ]
    assert jobs.job_spent(PRICES, {}) == 0  # the SDK's local mode tells neither
