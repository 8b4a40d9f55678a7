"""A leader and its hosts over loopback, each host at an address of its own."""

from __future__ import annotations

import random
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from convect.errors import ConfigError, PlatformError
from convect.platform import hosts
from convect.platform.hosts import Crew, follow, leading
from convect.platform.invitation import Invitation
from convect.platform.opt_ml import Hosts

PATIENCE_S = 10.0


@pytest.fixture
def names() -> tuple[str, ...]:
    """Three hosts called by addresses of this machine, which no other test uses at this time."""
    network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    return tuple(f"{network}.{number}" for number in (2, 1, 3))


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosts, "LATE_S", 0.5)
    monkeypatch.setattr(hosts, "POLL_S", 0.02)


class Job:
    """The followers on threads, and what came of them."""

    def __init__(self, names: tuple[str, ...], pool: ThreadPoolExecutor) -> None:
        self.names, self._pool = names, pool
        self.leader = Hosts(min(names), names)
        self.failures: list[Exception] = []
        self.stop = threading.Event()
        self.invitation: Invitation | None = None
        self.invited: list[tuple[Invitation, str, str]] = []

    def lead(self, patience_s: float = PATIENCE_S) -> Any:
        return leading(self.leader, self.stop, self.failures.append, patience_s, self.invitation)

    def follow(self, name: str, folders: dict[str, Path] | None = None) -> Future[None]:
        return self._pool.submit(follow, Hosts(name, self.names), folders or {}, self._help, PATIENCE_S)

    def _help(self, *invited: Any) -> None:
        self.invited.append(invited)

    def all_follow(self) -> list[Future[None]]:
        return [self.follow(name) for name in sorted(self.names)[1:]]


@pytest.fixture
def job(names: tuple[str, ...]) -> Any:
    with ThreadPoolExecutor(4) as pool:
        yield Job(names, pool)


def put(folder: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return folder


def test_one_host_needs_no_port(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket, "create_server", None)
    with leading(Hosts(), threading.Event(), print) as crew:
        assert crew.gather(["train"], tmp_path) == []


def test_the_hosts_stay_until_the_leader_is_done(job: Job) -> None:
    with job.lead():
        waiting = job.all_follow()
        time.sleep(0.3)
        assert not any(future.done() for future in waiting)
    assert [future.result(1) for future in waiting] == [None, None]
    assert job.failures == []


def test_a_host_may_be_there_before_the_leader_listens(job: Job) -> None:
    waiting = job.all_follow()
    time.sleep(0.2)
    with job.lead():
        pass
    assert [future.result(1) for future in waiting] == [None, None]


def test_a_name_may_resolve_late(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    real, tries = socket.create_connection, []

    def late(*given: Any, **named: Any) -> socket.socket:
        tries.append(given)
        if len(tries) < 4:
            raise socket.gaierror(-2, "Name or service not known")
        return real(*given, **named)

    monkeypatch.setattr(socket, "create_connection", late)
    with job.lead():
        waiting = job.all_follow()
    assert [future.result(1) for future in waiting] == [None, None]
    assert len(tries) > 4


def test_the_leader_waits_at_its_end_for_a_host_that_comes_late(job: Job) -> None:
    late: list[Future[None]] = []
    timer = threading.Timer(0.8, lambda: late.extend(job.all_follow()))
    timer.start()
    with job.lead():
        pass
    assert [future.result(1) for future in late] == [None, None]


def test_hosts_that_never_come_do_not_undo_a_model(job: Job, capsys: pytest.CaptureFixture[str]) -> None:
    with job.lead(0.0):
        pass
    _, *others = sorted(job.names)
    assert f"hosts that did not come: {', '.join(others)}" in capsys.readouterr().out


def test_a_host_that_is_lost_does_not_undo_a_model(job: Job) -> None:
    _, first, second = sorted(job.names)
    with job.lead():
        with socket.create_connection((job.leader.current, hosts.PORT)) as gone:
            gone.sendall(f'{{"host": "{first}"}}\n'.encode())
        waiting = job.follow(second)
    assert waiting.result(1) is None


def test_a_stop_ends_the_wait_for_hosts(job: Job) -> None:
    started = time.monotonic()
    with job.lead(60.0):
        job.stop.set()
    assert time.monotonic() - started < 30


# --- a leader that fails, and one that is gone


def test_the_reason_of_the_leader_is_told_after_it_is_written(job: Job) -> None:
    error, heard = ConfigError("Unknown 'horizn'.", "Did you mean 'horizon'?"), []

    def write(failure: Exception) -> None:
        heard.append((failure, [future.done() for future in waiting]))

    with pytest.raises(ConfigError), leading(job.leader, job.stop, write, PATIENCE_S):
        waiting = job.all_follow()
        raise error
    assert heard == [(error, [False, False])]
    for future in waiting:
        with pytest.raises(PlatformError) as caught:
            future.result(1)
        assert str(caught.value) == (
            f"PlatformError [leader]: Host '{job.leader.current}', which leads, failed: "
            "UserError [config]: Unknown 'horizn'. Did you mean 'horizon'?"
        )


def test_a_leader_that_goes_without_a_word_is_told(job: Job) -> None:
    with socket.create_server((job.leader.current, hosts.PORT)) as server:
        waiting = job.all_follow()
        for _ in waiting:
            server.accept()[0].close()
    for future in waiting:
        with pytest.raises(PlatformError, match=f"The connection to host '{job.leader.current}' was lost"):
            future.result(1)


def test_a_leader_that_does_not_come_is_told(job: Job) -> None:
    host = Hosts(max(job.names), job.names)
    with pytest.raises(PlatformError, match=r"was not reached on port 7707 in 0.1 s: .*Connection refused"):
        follow(host, {}, print, 0.1)


def test_a_port_that_is_taken_is_told(job: Job) -> None:
    refusal = pytest.raises(PlatformError, match="The leader cannot listen on port 7707: Address already in use")
    with socket.create_server((job.leader.current, hosts.PORT)), refusal, job.lead():
        pytest.fail("no port, no leader")


# --- files


def test_the_files_of_all_hosts_come_to_the_leader(job: Job, tmp_path: Path) -> None:
    _, first, second = sorted(job.names)
    train = put(tmp_path / "b/train", {"k=v/x.csv": "1", "_skipped": "2", ".hidden": "3"})
    static = put(tmp_path / "b/static", {"s.csv": "4"})
    (tmp_path / "here").mkdir()
    with job.lead() as crew:
        waiting = [
            job.follow(second, {"train": train, "static": static}),
            job.follow(first, {"train": tmp_path / "no"}),
        ]
        folders = crew.gather(["train"], tmp_path / "here")
    assert [future.result(1) for future in waiting] == [None, None]
    found = {str(path.relative_to(folders[1])): path.read_text() for path in folders[1].rglob("*") if path.is_file()}
    assert found == {"train/k=v/x.csv": "1"}
    assert list(folders[0].iterdir()) == []


def gathered(job: Job, folder: Path, patience_s: float = PATIENCE_S) -> None:
    with job.lead(patience_s) as crew:
        crew.gather(["train"], folder)


def test_files_of_a_host_that_does_not_come_are_missed(job: Job, tmp_path: Path) -> None:
    _, first, second = sorted(job.names)
    waiting = job.follow(first, {"train": tmp_path})
    with pytest.raises(PlatformError, match=f"Host '{second}' of the job did not come, whose files are needed"):
        gathered(job, tmp_path, 0.5)
    with pytest.raises(PlatformError, match="whose files are needed"):
        waiting.result(1)


def test_a_host_that_is_lost_while_it_sends_fails_the_job(job: Job, tmp_path: Path) -> None:
    _, first, second = sorted(job.names)

    def dies() -> None:
        with socket.create_connection((job.leader.current, hosts.PORT)) as gone:
            gone.sendall(f'{{"host": "{second}"}}\n{{"channel": "train", "name": "a", "bytes": 9}}\n1234'.encode())
            time.sleep(0.2)

    put(tmp_path / "first", {"a.csv": "x" * 10})
    (tmp_path / "here").mkdir()
    waiting = job.follow(first, {"train": tmp_path / "first"})
    with job.lead() as crew, ThreadPoolExecutor(1) as pool:
        pool.submit(dies)
        with pytest.raises(PlatformError, match=f"The connection to host '{second}' was lost"):
            crew.gather(["train"], tmp_path / "here")
    assert waiting.result(1) is None  # the block above has caught the error, so that the leader ends well


def test_the_reason_reaches_a_host_in_the_midst_of_sending(
    job: Job, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(hosts, "receive_files", full)
    put(tmp_path / "sent", {"a.csv": "x" * 50_000_000})
    waiting = [job.follow(name, {"train": tmp_path / "sent"}) for name in sorted(job.names)[1:]]
    with pytest.raises(OSError, match="No space left"):
        gathered(job, tmp_path)
    for future in waiting:
        with pytest.raises(PlatformError, match=r"failed: PlatformError .*No space left on device"):
            future.result(5)


# --- strangers


@pytest.mark.parametrize("hello", [b"GET / HTTP/1.1\r\n\r\n", b'{"host": "algo-9"}\n', b'{"host": ["a"]}\n', b""])
def test_a_stranger_is_sent_away(job: Job, hello: bytes, capsys: pytest.CaptureFixture[str]) -> None:
    with job.lead():
        with socket.create_connection((job.leader.current, hosts.PORT)) as stranger:
            stranger.sendall(hello)
        waiting = job.all_follow()
    assert [future.result(1) for future in waiting] == [None, None]
    assert "it is none of the hosts that are missing" in capsys.readouterr().out


def test_a_host_gives_nothing_but_its_sharded_channels(job: Job, tmp_path: Path) -> None:
    with socket.create_server((job.leader.current, hosts.PORT)) as server:
        waiting = job.follow(max(job.names), {"train": tmp_path})
        connection, _ = server.accept()
        connection.sendall(b'{"send": ["../../etc"]}\n')
        with pytest.raises(PlatformError, match="which leads, said what is not known"):
            waiting.result(5)
        connection.close()


def test_a_name_listens_at_every_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("", 0)) as probe:
        monkeypatch.setattr(hosts, "PORT", probe.getsockname()[1])
    names = ("algo-2-x", "algo-1-x")
    with leading(Hosts("algo-1-x", names), threading.Event(), print, 0.0) as crew:
        assert isinstance(crew, Crew)
        socket.create_connection(("127.3.2.1", hosts.PORT)).close()
