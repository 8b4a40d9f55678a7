"""The work of a job shared among its hosts: Dask's scheduler beside the leader, and an executor in front of it."""

from __future__ import annotations

import ipaddress
import socket
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from convect.errors import PlatformError
from convect.platform.helping import SHARED, helpers
from convect.platform.invitation import Invitation, certificate_and_key
from convect.platform.opt_ml import Hosts
from convect.training.workers import Wide

if TYPE_CHECKING:
    from distributed import Client, Scheduler

AHEAD = 4  # units for each process: at work, waiting, or done before their turn
P = ParamSpec("P")
T = TypeVar("T")


class HostsExecutor(Wide):
    """An executor over the processes of all hosts of a job, those that come later too."""

    def __init__(self, client: Client, scheduler: Scheduler) -> None:
        self._client, self._scheduler = client, scheduler
        self._executor = client.get_executor(pure=False)
        self.units = 0

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return the result of a call on some host; a host that is lost meanwhile is replaced by another."""
        self.units += 1
        return cast(Future[T], self._executor.submit(fn, *args, **kwargs))

    def share(self, value: T) -> T:
        """Return what stands for a value in calls: it is sent to a process once, and passed on among them."""
        key = f"{SHARED}-{uuid.uuid4().hex}"
        return cast(T, self._client.submit(_same, value, key=key, pure=False))

    @property
    def ahead(self) -> int:
        """How many units should be at work or waiting."""
        return AHEAD * int(self._scheduler.total_nthreads)


def _same(value: T) -> T:
    return value


@contextmanager
def sharing(hosts: Hosts) -> Iterator[tuple[HostsExecutor, Invitation]]:
    """Give an executor over this host, which leads, and all others that are invited; it ends with the block.

    To be called while there is no thread and no socket yet. Raises PlatformError where no host is left to work.
    """
    with helpers(hosts.current) as own:
        place = address_of(hosts.current)
        with _scheduled(place, *certificate_and_key()) as (executor, invitation):
            own.begin(invitation, place, place)
            with _explained():
                yield executor, invitation
            print(f"{executor.units} units of work were dealt out", flush=True)


@contextmanager
def _scheduled(place: str, certificate: str, key: str) -> Iterator[tuple[HostsExecutor, Invitation]]:
    """Run a scheduler in a thread, and a client of it."""
    from distributed import Client, Scheduler
    from distributed.diagnostics.plugin import SchedulerPlugin
    from distributed.utils import LoopRunner

    class Dealer(Scheduler):  # type: ignore[misc]
        def start_http_server(self, *_: object, **__: object) -> None:
            """Tell nobody how it goes."""

        def is_rootish(self, ts: object) -> bool:
            """Keep every unit here until a process is free; few would all go to the process that has what is shared."""
            return True

        def decide_worker_rootish_queuing_enabled(self) -> object:
            """Return, of the processes that are free, the one that got the fewest units; None where none is."""
            found = min(self.idle_task_count, key=lambda worker: dealt[worker.address], default=None)
            dealt.update([found.address] if found else [])
            return found

    dealt: Counter[str] = Counter()  # units by process
    security = Invitation(0, certificate, key).security()
    runner = LoopRunner()
    runner.start()

    class Roll(SchedulerPlugin):  # type: ignore[misc]
        def __init__(self) -> None:
            self.hosts: set[str] = set()

        def add_worker(self, scheduler: Scheduler, worker: str) -> None:
            host = str(scheduler.workers[worker].name).rpartition("-")[0]
            if host not in self.hosts:
                self.hosts.add(host)
                print(f"host {host}: shares the work", flush=True)

    async def started() -> Scheduler:
        found = Dealer(host=place, port=0, protocol="tls://", security=security, dashboard=False, plugins=[Roll()])
        return await found

    scheduler = runner.run_sync(started)
    client = Client(
        scheduler.address, security=security, loop=runner.loop, direct_to_workers=True, set_as_default=False
    )
    try:
        yield HostsExecutor(client, scheduler), Invitation(scheduler.port, certificate, key)
    finally:
        client.close()
        runner.run_sync(scheduler.close)
        runner.stop()


@contextmanager
def _explained() -> Iterator[None]:
    from distributed.scheduler import KilledWorker, NoValidWorkerError, NoWorkerError

    try:
        yield
    except (KilledWorker, NoValidWorkerError, NoWorkerError) as error:
        message = "The processes of the hosts that share the work were killed, most likely for want of memory."
        raise PlatformError(message, "Use instances with more memory.", code="hosts") from error


def address_of(host: str) -> str:
    """Return the address of this host that the others reach; names of its own may resolve to itself alone."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        found = socket.gethostbyname(host)
    except OSError:
        found = "127.0.0.1"
    if not ipaddress.ip_address(found).is_loopback:
        return found
    from distributed.utils import get_ip

    return str(get_ip())
