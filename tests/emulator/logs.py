"""What a program prints, line by line into CloudWatch Logs, and into memory for metrics and messages."""

from __future__ import annotations

import os
import select
import threading
import time
from collections import deque
from typing import IO, Any

from .errors import already

FLUSH_S = 0.2
TAKEN = "ResourceAlreadyExistsException"
REMEMBERED_LINES = 100_000


class Log:
    """One log stream; `lines` are those written so far, the oldest forgotten first."""

    def __init__(self, client: Any, group: str, stream: str) -> None:
        self._client, self._place = client, {"logGroupName": group, "logStreamName": stream}
        self._thread: threading.Thread | None = None
        self.lines: deque[str] = deque(maxlen=REMEMBERED_LINES)
        with already(TAKEN):
            client.create_log_group(logGroupName=group)
        with already(TAKEN):
            client.create_log_stream(**self._place)

    def write(self, lines: list[str]) -> None:
        self.lines.extend(lines)
        now = int(time.time() * 1000)
        events = [{"timestamp": now, "message": line or " "} for line in lines]  # an empty message is refused
        if events:
            self._client.put_log_events(**self._place, logEvents=events)

    def follow(self, pipe: IO[bytes]) -> None:
        """Write each line of a program's output as it comes, on a thread of its own."""
        self._thread = threading.Thread(target=self._pump, args=(pipe,), daemon=True)
        self._thread.start()

    def join(self, timeout_s: float = 10) -> None:
        """Wait until the last line is written."""
        if self._thread:
            self._thread.join(timeout_s)

    def _pump(self, pipe: IO[bytes]) -> None:
        rest, pending, last = b"", [], time.monotonic()
        with pipe:
            while True:
                ready = select.select([pipe], [], [], FLUSH_S)[0]
                chunk = os.read(pipe.fileno(), 1 << 16) if ready else b""
                *lines, rest = (rest + chunk).split(b"\n")
                pending += [line.decode(errors="replace").rstrip("\r") for line in lines]
                if ready and not chunk:
                    break
                if time.monotonic() - last > FLUSH_S:
                    self.write(pending)
                    pending, last = [], time.monotonic()
        self.write(pending + ([rest.decode(errors="replace")] if rest else []))
