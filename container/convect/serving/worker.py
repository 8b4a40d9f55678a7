"""gunicorn's worker of threads, with an end that keeps every promise made to a client."""

from __future__ import annotations

import select
import selectors
from concurrent.futures import Future
from functools import partial
from typing import Any

from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]  # it has no types


class Worker(ThreadWorker):  # type: ignore[misc]
    """Stops in order: takes in who already waits at the door, closes it, and answers whoever was told to stay.

    gunicorn itself resets the connections that wait, and closes those whose last answer said "keep-alive" while their
    next request may be on its way.
    """

    def set_accept_enabled(self, enabled: bool) -> None:
        """At the end, accept what is waiting and let the system refuse what comes later."""
        super().set_accept_enabled(enabled)
        if enabled or self.alive:
            return
        for listener in self.sockets:
            while select.select([listener], [], [], 0)[0]:
                self.accept(listener)
            listener.close()

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:  # noqa: ANN401 - a connection of gunicorn's
        """At the end, wait for the next request of a connection that was kept; its answer will say "close"."""
        if self.alive or fs.cancelled() or fs.exception() is not None or fs.result() is not True:
            super().finish_request(conn, fs)
            return
        conn.sock.setblocking(False)
        conn.set_timeout()
        self.keepalived_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_client_socket_readable, conn))
