"""gunicorn's worker of threads, with a fair share of the connections and an end that keeps every promise."""

from __future__ import annotations

import select
import selectors
import time
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # it has no types

LINGER_S = 1.0  # at the end a kept connection is closed once it has been silent for so long
YIELD_S = 0.0002  # for each connection that a worker has, it lets the others go first
_LONGEST_YIELD_S = 0.004


class Worker(ThreadWorker):  # type: ignore[misc]
    """Shares connections evenly, which gunicorn's workers do not: whoever wakes first takes all that come at once.

    Kept connections stay with their worker, so that one of two would do all the work. And it stops in order: it takes
    in who already waits at the door, closes it, and answers whoever was told to stay. gunicorn itself resets the
    connections that wait, and closes those whose last answer said "keep-alive" while their next request may be on its
    way; or, where nothing comes, waits for them until its time is over.
    """

    def accept(self, listener: Any) -> None:  # noqa: ANN401 - a socket of gunicorn's
        """Take a connection, unless a worker with fewer has taken it in the meantime."""
        if self.alive and self.cfg.workers > 1:
            time.sleep(min(self.nr_conns * YIELD_S, _LONGEST_YIELD_S))
        super().accept(listener)

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the end, accept what is waiting, let the system refuse what comes later, and let the idle ones go."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for conn in self.keepalived_conns:
            conn.timeout += LINGER_S - self.cfg.keepalive  # it counts from the last answer
        for conn in self.pending_conns:  # who never sent a byte
            conn.timeout = time.monotonic()
        for listener in self.sockets:
            while select.select([listener], [], [], 0)[0]:
                self.accept(listener)
            listener.close()

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """At the end, wait no longer than until the next kept connection is to be closed."""
        if not self.alive:
            ends = [conn.timeout for conns in (self.keepalived_conns, self.pending_conns) for conn in list(conns)[:1]]
            timeout = max(min([timeout, *(end - time.monotonic() for end in ends)]), 0.0)
        super().wait_for_and_dispatch_events(timeout)

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:  # noqa: ANN401 - a connection of gunicorn's
        """At the end, wait a moment for the next request of a connection that was kept; its answer will say "close"."""
        if self.alive or fs.cancelled() or fs.exception() is not None or fs.result() is not True:
            super().finish_request(conn, fs)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + LINGER_S
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))
