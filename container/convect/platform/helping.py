"""The processes that do a job's work: forked while the program is small, workers of Dask's once a leader calls."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from tempfile import TemporaryDirectory

from convect.platform.invitation import Invitation, prepare_dask
from convect.training.machine import usable_cpus
from convect.training.workers import depend_on_parent

END_S = 5.0  # for the processes to say what they did, once the leader has told them to end
TRIES = 60  # to reach the scheduler, one a second: a host whose clock is behind holds the certificate for not valid yet
SHARED = "shared"  # begins the key of what is no unit of work, but sent once to each process


class Helpers:
    """A process for each usable core of this host, which waits to be told of a leader."""

    def __init__(self, host: str, folder: str) -> None:
        prepare_dask()  # once, and not in each process
        context = multiprocessing.get_context("fork")
        self._workers: list[tuple[BaseProcess, Connection]] = []
        for number in range(usable_cpus()):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(there, f"{host}-{number}", folder), daemon=True)
            process.start()
            there.close()
            self._workers.append((process, here))

    def begin(self, invitation: Invitation, leader: str, own: str) -> None:
        """Let them work for the scheduler at address `leader` and listen at address `own`."""
        told = json.dumps({"invitation": invitation.message(), "leader": leader, "own": own}).encode()
        for _, pipe in self._workers:
            with suppress(OSError):  # it was killed, and the others go on
                pipe.send_bytes(told)

    def end(self, wait_s: float = END_S) -> int:
        """Return how many units of work they have done since, and end them, at the latest after `wait_s`."""
        until = time.monotonic() + wait_s
        done = 0
        for _, pipe in self._workers:
            with suppress(OSError, EOFError):  # it was killed
                if pipe.poll(max(0.0, until - time.monotonic())):
                    done += int(pipe.recv_bytes())
        self._kill()
        return done

    def _kill(self) -> None:
        for process, pipe in self._workers:
            process.kill()
            process.join()
            pipe.close()
        self._workers = []


@contextmanager
def helpers(host: str) -> Iterator[Helpers]:
    """Give the processes, for as long as the block runs; one that ends well says how much they did."""
    with TemporaryDirectory(prefix="convect-dask-") as folder:
        found = Helpers(host, folder)
        try:
            yield found
            print(f"host {host}: {found.end()} units", flush=True)
        finally:
            found.end(0)


def _serve(pipe: Connection, name: str, folder: str) -> None:
    depend_on_parent()
    told = json.loads(pipe.recv_bytes())
    address = f"tls://{told['leader']}:{told['invitation']['port']}"
    options = {"host": told["own"], "name": name, "local_directory": folder}
    done = asyncio.run(_helped(address, Invitation.of(told["invitation"]), options))
    pipe.send_bytes(str(done).encode())


async def _helped(address: str, invitation: Invitation, options: Mapping[str, str]) -> int:
    """Work for a scheduler until it ends; return how many units were done."""
    from distributed import Worker
    from distributed.diagnostics.plugin import WorkerPlugin

    class Counter(WorkerPlugin):  # type: ignore[misc]  # see pyproject.toml
        units = 0

        def transition(self, key: object, start: str, finish: str, **_: object) -> None:
            done = start == "executing" and finish in ("memory", "error")
            self.units += done and not str(key).startswith(SHARED)

    class Silent(Worker):  # type: ignore[misc]
        def start_http_server(self, *_: object, **__: object) -> None:
            """Tell nobody how it goes."""

    counter, security = Counter(), invitation.security()
    for _ in range(TRIES):
        with suppress(RuntimeError, OSError):
            async with Silent(
                address, nthreads=1, memory_limit=0, protocol="tls://", security=security, plugins=(counter,), **options
            ) as worker:
                await worker.finished()
            break
        await asyncio.sleep(1.0)
    return counter.units
