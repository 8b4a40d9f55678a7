"""What the tests of training share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from convect.platform import training


@pytest.fixture
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let training do its work in this process."""

    @contextmanager
    def alone() -> Iterator[None]:
        yield None

    monkeypatch.setattr(training, "process_pool", alone)
