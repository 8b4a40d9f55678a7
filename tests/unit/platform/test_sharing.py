"""The work of several hosts, each a group of processes at an address of this machine, under one leader."""

from __future__ import annotations

import os
import random
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, wait
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psutil
import pytest

from convect.errors import PlatformError
from convect.platform import helping, invitation, sharing
from convect.platform.helping import Helpers, helpers
from convect.platform.invitation import Invitation
from convect.platform.opt_ml import Hosts
from convect.platform.sharing import HostsExecutor, address_of
from convect.training.workers import Here, sent_once

UNIT_S = 0.03


def asleep(number: int) -> int:
    time.sleep(UNIT_S)
    return number


class Job:
    """A leader, and hosts that can be asked to help it."""

    def __init__(self, names: list[str], executor: HostsExecutor, call: Invitation, others: dict[str, Helpers]) -> None:
        self.leader, *self.others = names
        self.executor, self.invitation, self._helpers = executor, call, others

    def invite(self, *names: str) -> None:
        for name in names:
            self._helpers[name].begin(self.invitation, self.leader, name)
        while len(self.executor._scheduler.workers) < 1 + len(names):
            time.sleep(0.01)

    def kill(self, name: str) -> None:
        for process, _ in self._helpers[name]._workers:
            process.kill()


@contextmanager
def job_of(count: int) -> Iterator[Job]:
    """A job on `count` hosts of one core each, whose helpers are forked before the leader has a thread."""
    network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    names = [f"{network}.{number}" for number in range(1, count + 1)]
    with ExitStack() as stack:
        others = {name: stack.enter_context(helpers(name)) for name in names[1:]}
        with sharing.sharing(Hosts(names[0], tuple(names))) as (executor, call):
            yield Job(names, executor, call, others)


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(helping, "usable_cpus", lambda: 1)


def units_of(text: str) -> list[int]:
    return [int(line.split()[2]) for line in text.splitlines() if line.endswith(" units")]


def test_hosts_share_equal_units_evenly_and_none_is_done_twice(capsys: pytest.CaptureFixture[str]) -> None:
    with job_of(4) as job:
        job.invite(*job.others)
        done = [job.executor.submit(asleep, number) for number in range(160)]
        assert [future.result(60) for future in done] == list(range(160))
    said = capsys.readouterr().out
    assert "160 units of work were dealt out" in said
    assert sum(units_of(said)) == 160
    assert all(36 <= units <= 44 for units in units_of(said)), said


def test_hosts_that_are_free_take_turns(capsys: pytest.CaptureFixture[str]) -> None:
    with job_of(4) as job:
        job.invite(*job.others)
        assert [job.executor.submit(divided, number).result(60) for number in range(1, 41)][-1] == 1 / 40
    assert all(9 <= units <= 11 for units in units_of(capsys.readouterr().out))


def slower_on(host: str, number: int) -> int:
    from distributed import get_worker

    time.sleep(UNIT_S if str(get_worker().name).rpartition("-")[0] != host else 3 * UNIT_S)
    return number


def test_a_host_that_is_three_times_slower_does_a_third(capsys: pytest.CaptureFixture[str]) -> None:
    with job_of(2) as job:
        job.invite(*job.others)
        done = [job.executor.submit(slower_on, job.others[0], number) for number in range(120)]
        assert [future.result(60) for future in done] == list(range(120))
    leader, other = units_of(capsys.readouterr().out)
    assert leader + other == 120
    assert 2.5 < leader / other < 3.5


def test_units_of_a_host_that_is_killed_are_done_by_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    with job_of(3) as job:
        job.invite(*job.others)
        done = [job.executor.submit(asleep, number) for number in range(90)]
        done[20].result(60)
        job.kill(job.others[0])
        assert [future.result(60) for future in done] == list(range(90))
    assert sum(units_of(capsys.readouterr().out)) < 90 + 3  # of what the lost one did nobody tells


def test_a_host_that_comes_late_helps_from_then_on(capsys: pytest.CaptureFixture[str]) -> None:
    with job_of(2) as job:
        done = [job.executor.submit(asleep, number) for number in range(60)]
        done[10].result(60)
        job.invite(*job.others)
        assert [future.result(60) for future in done] == list(range(60))
    said = capsys.readouterr().out
    leader, other = units_of(said)
    assert leader + other == 60
    assert leader > other > 10
    assert f"host {job.others[0]}: shares the work" in said


def divided(number: int) -> float:
    return 1 / number


def test_what_a_unit_raises_comes_back_and_what_is_not_begun_can_be_cancelled() -> None:
    with job_of(1) as job:
        with pytest.raises(ZeroDivisionError):
            job.executor.submit(divided, 0).result(60)
        done = [job.executor.submit(asleep, number) for number in range(40)]
        assert done[-1].cancel()
        with pytest.raises(CancelledError):
            done[-1].result(60)
        assert wait(done[:5], timeout=60).done == set(done[:5])


class Counted:
    """Counts how often this process sends it."""

    sent = 0

    def __reduce__(self) -> tuple[Callable[[], object], tuple[()]]:
        Counted.sent += 1
        return dict, ()


def size_of(value: dict[str, int], number: int) -> int:
    return len(value) + number


def test_what_is_shared_is_sent_once_and_outlives_a_host() -> None:
    with job_of(2) as job:
        job.invite(*job.others)
        value: Any = sent_once(job.executor, Counted())
        done = [job.executor.submit(size_of, value, number) for number in range(20)]
        assert [future.result(60) for future in done] == list(range(20))
        sent = Counted.sent
        job.kill(job.others[0])
        again = [job.executor.submit(size_of, value, number) for number in range(20)]
        assert [future.result(60) for future in again] == list(range(20))
        assert Counted.sent == sent < 5
        assert job.executor.ahead > 0
    assert sent_once(Here(), done) is done


def long_after(value: bytes, number: int) -> int:
    time.sleep(10 * UNIT_S)
    return len(value) + number


def test_few_units_are_not_all_done_by_the_host_that_has_what_is_shared(capsys: pytest.CaptureFixture[str]) -> None:
    with job_of(4) as job:
        job.invite(*job.others)
        value = sent_once(job.executor, bytes(3_000_000))
        done = [job.executor.submit(long_after, value, number) for number in range(8)]
        assert [future.result(60) - 3_000_000 for future in done] == list(range(8))
    said = capsys.readouterr().out
    assert all(1 <= units <= 3 for units in units_of(said)), said


def suicide() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_work_that_nobody_is_left_to_do_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(invitation._SETTINGS, "distributed.scheduler.no-workers-timeout", "1s")
    with pytest.raises(PlatformError, match="were killed, most likely for want of memory"), job_of(1) as job:
        job.executor.submit(suicide).result(60)


# --- who may come in


def test_a_stranger_without_the_certificate_is_not_heard() -> None:
    with job_of(1) as job:
        place = (job.leader, job.invitation.port)
        context = ssl.create_default_context(cadata=job.invitation.certificate)
        context.check_hostname = False
        assert heard(socket.create_connection(place, timeout=10)) == b""
        with suppress(OSError):  # refused with the handshake, or with the first word after it
            secret = context.wrap_socket(socket.create_connection(place, timeout=10))
            assert heard(secret) == b""
        assert job.executor.submit(divided, 2).result(60) == 0.5


def heard(stranger: socket.socket) -> bytes:
    """What a stranger hears who speaks before he is known."""
    with stranger, suppress(OSError):
        stranger.sendall(b"\x01" + bytes(7) + b"hello")
        return stranger.recv(100)
    return b""


def test_only_the_jobs_address_listens() -> None:
    before = {one.laddr for one in psutil.Process().net_connections() if one.status == psutil.CONN_LISTEN}
    with job_of(1) as job:
        job.executor.submit(divided, 2).result(60)
        mine = [psutil.Process(), *psutil.Process().children()]
        found = [one.laddr for process in mine for one in process.net_connections() if one.status == "LISTEN"]
        assert {place.ip for place in set(found) - before} == {job.leader}
        assert len(set(found) - before) == 2  # the scheduler and one process


# --- small things


def test_a_host_called_by_its_address_listens_there() -> None:
    assert address_of("127.3.2.1") == "127.3.2.1"


def test_a_name_that_leads_to_itself_alone_is_no_address_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostbyname", {"algo-1": "127.0.1.1", "algo-2": "10.0.0.7"}.__getitem__)
    monkeypatch.setattr("distributed.utils.get_ip", lambda: "10.0.0.6")
    assert address_of("algo-1") == "10.0.0.6"
    assert address_of("algo-2") == "10.0.0.7"
