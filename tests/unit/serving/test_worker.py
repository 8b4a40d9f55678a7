"""How a worker takes connections and how it ends, with gunicorn's own part replaced by lists."""

from __future__ import annotations

import socket
from collections import deque
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker

from convect.serving.worker import LINGER_S, YIELD_S, Worker


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Any:
    made = Worker.__new__(Worker)
    made.alive, made.nr_conns, made._accepting = True, 0, True
    made.cfg = SimpleNamespace(workers=2, keepalive=65)
    monkeypatch.setattr("time.monotonic", lambda: 1000.0)
    made.taken, made.left, made.finished = [], [], []
    made.keepalived_conns, made.pending_conns = deque(), deque()
    made.poller = SimpleNamespace(register=lambda *given: made.left.append(given), unregister=lambda *_: None)
    monkeypatch.setattr(ThreadWorker, "accept", lambda self, listener: self.taken.append(listener.accept()[0]))
    monkeypatch.setattr(ThreadWorker, "finish_request", lambda self, conn, fs: self.finished.append(conn))
    return made


@pytest.mark.parametrize(
    ("connections", "workers", "slept"), [(0, 2, 0), (5, 2, 5 * YIELD_S), (10_000, 2, 0.004), (5, 1, None)]
)
def test_a_busy_worker_lets_the_others_go_first(
    worker: Any, monkeypatch: pytest.MonkeyPatch, connections: int, workers: int, slept: float | None
) -> None:
    naps: list[float] = []
    monkeypatch.setattr("time.sleep", naps.append)
    worker.nr_conns, worker.cfg.workers = connections, workers
    worker.accept(SimpleNamespace(accept=lambda: ("client", "address")))
    assert worker.taken == ["client"]
    assert naps == ([] if slept is None else [slept])


def test_at_the_end_who_waits_is_taken_in_and_who_comes_later_refused(worker: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    waiting = [socket.create_connection(address) for _ in range(3)]
    worker.sockets, worker.alive = [listener], False
    worker.set_accept_enabled(False)
    assert len(worker.taken) == 3
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    for line in (*waiting, *worker.taken):
        line.close()


def test_while_it_lives_the_door_is_only_shut(worker: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        worker.sockets = [listener]
        worker.set_accept_enabled(False)
        socket.create_connection(listener.getsockname()).close()


@pytest.mark.parametrize(
    ("alive", "promised", "kept"), [(False, True, True), (False, False, False), (True, True, False)]
)
def test_a_connection_that_was_told_to_stay_may_ask_once_more(
    worker: Any, alive: bool, promised: bool, kept: bool
) -> None:
    line = SimpleNamespace(setblocking=lambda _: None)
    connection = SimpleNamespace(sock=line, timeout=None)
    worker.alive = alive
    done: Future[bool] = Future()
    done.set_result(promised)
    worker.finish_request(connection, done)
    assert list(worker.keepalived_conns) == ([connection] if kept else [])
    assert [given[0] for given in worker.left] == ([line] if kept else [])
    assert worker.finished == ([] if kept else [connection])  # gunicorn's own part does the rest
    assert connection.timeout == (1000 + LINGER_S if kept else None)


def test_at_the_end_who_was_silent_for_a_moment_is_let_go_and_who_just_asked_may_ask_again(worker: Any) -> None:
    now = 1000.0
    silent, fresh, mute = (SimpleNamespace(timeout=now + left) for left in (3, 64.9, 50))
    worker.keepalived_conns += [silent, fresh]
    worker.pending_conns.append(mute)
    worker.sockets, worker.alive = [], False
    worker.set_accept_enabled(False)
    assert silent.timeout < now
    assert fresh.timeout == pytest.approx(now + LINGER_S - 0.1)
    assert mute.timeout == now


@pytest.mark.parametrize(
    ("alive", "ends", "waited"), [(True, [2], 25), (False, [], 25), (False, [2, 3], 2), (False, [-9], 0)]
)
def test_at_the_end_it_waits_no_longer_than_a_kept_connection_may_stay(
    worker: Any, monkeypatch: pytest.MonkeyPatch, alive: bool, ends: list[int], waited: int
) -> None:
    found: list[float] = []
    monkeypatch.setattr(ThreadWorker, "wait_for_and_dispatch_events", lambda self, timeout: found.append(timeout))
    worker.alive = alive
    worker.keepalived_conns += [SimpleNamespace(timeout=1000 + end) for end in ends]
    worker.wait_for_and_dispatch_events(25)
    assert found == [waited]
