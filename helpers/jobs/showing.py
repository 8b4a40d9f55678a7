"""Requests and costs, printed before anything is sent."""

# ruff: noqa: ANN401 - a request is a dictionary of anything

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

LINE_CHARACTERS = 110
HOURS_A_DAY, DAYS_A_MONTH, MINUTES_AN_HOUR = 24, 30, 60


def show(request: Mapping[str, Any]) -> None:
    """Print a request as JSON."""
    print(pretty(request))


def pretty(value: Any, indent: str = "") -> str:
    """Return a value as JSON in which whatever fits on a line is on one line."""
    line = json.dumps(value)
    if len(indent) + len(line) <= LINE_CHARACTERS or not isinstance(value, Mapping | list) or not value:
        return line
    inner = indent + "  "
    if isinstance(value, Mapping):
        parts = [f"{inner}{json.dumps(key)}: {pretty(part, inner)}" for key, part in value.items()]
        return "{\n" + ",\n".join(parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + pretty(part, inner) for part in value) + f"\n{indent}]"


def job_cost(
    prices: Mapping[str, float], instance_type: str, minutes: float, *, count: int = 1, most_minutes: float = 0
) -> float:
    """Print what a job will take and cost, and the most it can where it is stopped; return the expected USD.

    `prices` are USD an hour by instance type; `minutes` and `most_minutes` are of billed time, start-up included.

    Raises:
        KeyError: the instance type has no price, so nobody knows what would be spent.
    """
    hourly = price_of(prices, instance_type) * count
    expected, most = (hourly * time / MINUTES_AN_HOUR for time in (minutes, most_minutes))
    limit = f"; stopped after {most_minutes:g} min, at {most:.2f} USD" if most_minutes else ""
    print(f"{instance_type} x {count}: about {minutes:g} min, {expected:.2f} USD{limit}")
    return expected


def endpoint_cost(prices: Mapping[str, float], instance_type: str, *, count: int = 1) -> float:
    """Print what an endpoint costs until it is deleted; return the USD a day.

    Raises:
        KeyError: the instance type has no price.
    """
    hourly = price_of(prices, instance_type) * count
    day = hourly * HOURS_A_DAY
    print(
        f"{instance_type} x {count}: {hourly:.2f} USD an hour, {day:.2f} a day, {day * DAYS_A_MONTH:.2f} a month, "
        "used or not, until it is deleted"
    )
    return day


def serverless_cost(price_gb_s: float, memory_mb: int, seconds: float, requests: int) -> float:
    """Print what a number of requests of some seconds each cost on a serverless endpoint; return the USD."""
    usd = price_gb_s * memory_mb / 1024 * seconds * requests
    print(f"{requests:,} requests of {seconds:g} s with {memory_mb} MB: {usd:.2f} USD; nothing while none comes")
    return usd


def price_of(prices: Mapping[str, float], instance_type: str) -> float:
    """Return the USD an hour of an instance type; raise KeyError with the remedy where the table lacks it."""
    if instance_type not in prices:
        raise KeyError(f"{instance_type!r} has no price in PRICES: add it, so that you know what you spend.")
    return float(prices[instance_type])


def job_spent(prices: Mapping[str, float], job: Mapping[str, Any]) -> float:
    """Print what a training job took and cost, by its description; return the USD.

    On spot capacity the time billed is less than the time taken. A job whose description says neither cost nothing.

    Raises:
        KeyError: the instance type has no price.
    """
    hardware: Mapping[str, Any] = job.get("ResourceConfig", {"InstanceType": "local"})
    span = (job["TrainingEndTime"] - job["TrainingStartTime"]).total_seconds() if "TrainingEndTime" in job else 0.0
    billed_s = float(job.get("BillableTimeInSeconds", span)) * hardware.get("InstanceCount", 1)
    usd: float = price_of(prices, hardware["InstanceType"]) * billed_s / MINUTES_AN_HOUR**2
    print(f"taken {span:.0f} s, billed {billed_s:.0f} s: {usd:.3f} USD")
    return usd
