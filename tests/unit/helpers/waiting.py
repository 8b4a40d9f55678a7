"""Waiting for what a thread or a process does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from helpers.local import LocalClient


def until(done: Callable[[], object], timeout_s: float = 20) -> None:
    """Wait for something to become true; fail if it does not."""
    limit = time.monotonic() + timeout_s
    while not done():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.02)


def ended(client: LocalClient, name: str) -> dict[str, Any]:
    """The description of a training job that has ended."""
    until(
        lambda: (
            client.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] not in ("InProgress", "Stopping")
        )
    )
    return client.describe_training_job(TrainingJobName=name)
