"""What the hosts of a training job say to each other: the leader trains, the others give it their files and wait.

The platform merges the hosts' models and, in the SDK's local mode, ends all hosts with the first one, so only the
leader writes, and the others stay until it has written. They connect to it and say who they are; it may ask for the
files of channels, and at its end it says that it is done, or why it failed.
"""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from convect.errors import PlatformError
from convect.platform.channels import channel_files
from convect.platform.link import Link, Lost, receive_files, send_files
from convect.platform.opt_ml import Hosts, failure_text

PORT = 7707
PATIENCE_S = 900.0  # for a host to come up: images are pulled, and names resolve, at their own time
LATE_S = 20.0  # for the same, where the job is at its end anyway
ANSWER_S = 60.0  # for a host to go on with what it says
HELLO_S = 10.0  # for a stranger to say who it is
POLL_S = 0.5


class Crew:
    """The other hosts of the job, as the leader sees them; none where the job has one host."""

    def __init__(self, hosts: Hosts, listener: socket.socket | None, stop: threading.Event, patience_s: float) -> None:
        self._missing = {name for name in hosts.names if name != hosts.current}
        self._listener, self._stop = listener, stop
        self._until = time.monotonic() + patience_s
        self._links: dict[str, Link] = {}

    def gather(self, channels: Sequence[str], folder: Path) -> list[Path]:
        """Ask each host for its files of `channels`; return a folder a host, in the order of the hosts' names.

        In it is a folder for each channel that has files there. Raises PlatformError where a host does not come, is
        lost, or does not send what it should; OSError where the disk fails.
        """
        if not channels:
            return []
        self._meet(self._until)
        if self._missing:
            raise PlatformError(
                f"Host '{min(self._missing)}' of the job did not come, whose files are needed.",
                "Look into its log, and start the job again.",
                code="hosts",
            )
        return [self._ask(name, channels, folder / str(number)) for number, name in enumerate(sorted(self._links))]

    def _ask(self, name: str, channels: Sequence[str], folder: Path) -> Path:
        folder.mkdir()
        link = self._links[name]
        link.say({"send": list(channels)})
        print(f"host {name}: {receive_files(link, folder, channels)} files", flush=True)
        return folder

    def dismiss(self, verdict: Mapping[str, Any], until: float) -> None:
        """Tell all hosts how the job ended, and wait until each has heard it. Never raises: the job is at its end."""
        self._meet(until)
        for link in self._links.values():
            try:
                link.say(verdict)
            except Lost as error:
                print(error.message, flush=True)  # it is not needed any more
        for link in self._links.values():
            link.close(LATE_S)
        if self._missing:
            print(f"hosts that did not come: {', '.join(sorted(self._missing))}", flush=True)

    def done(self) -> None:
        """Tell all hosts, those that are yet to come too, that the model is written."""
        self.dismiss({"done": True}, max(self._until, time.monotonic() + LATE_S))

    def failed(self, error: Exception) -> None:
        """Tell the hosts why there will be no model."""
        self.dismiss({"failed": failure_text(error).splitlines()[0]}, time.monotonic() + LATE_S)

    def _meet(self, until: float) -> None:
        """Take in hosts until all are there; where the job is to stop, not for long."""
        while self._missing and self._listener and time.monotonic() < until:
            if self._stop.is_set():
                until = min(until, time.monotonic() + LATE_S)
            try:
                connection, address = self._listener.accept()
                link = Link(connection, str(address[0]), HELLO_S)
            except OSError:  # nobody yet, or one who is gone again
                continue
            self._welcome(link)

    def _welcome(self, link: Link) -> None:
        try:
            name = link.hear().get("host")
        except PlatformError:
            name = None
        if not isinstance(name, str) or name not in self._missing:
            print(f"A connection from {link.peer} was closed: it is none of the hosts that are missing.", flush=True)
            link.close()
            return
        link.peer = name
        link.patience(ANSWER_S)
        self._missing.remove(name)
        self._links[name] = link


@contextmanager
def leading(
    hosts: Hosts, stop: threading.Event, write_failure: Callable[[Exception], None], patience_s: float = PATIENCE_S
) -> Iterator[Crew]:
    """Lead the other hosts for as long as the block runs, and let them end with it, well or with its error.

    `stop` ends long waits. The error is written down before it is told, since the platform may end this host as soon
    as another ends. Raises PlatformError where the port cannot be used.
    """
    listener = _listen(hosts) if len(hosts.names) > 1 else None
    crew = Crew(hosts, listener, stop, patience_s)
    try:
        yield crew
    except Exception as error:
        write_failure(error)
        crew.failed(error)
        raise
    else:
        crew.done()
    finally:
        if listener:
            listener.close()


def _listen(hosts: Hosts) -> socket.socket:
    """Listen at all addresses, for a name may resolve to another one here than elsewhere; an address at itself."""
    try:
        place = str(ipaddress.ip_address(hosts.current))
    except ValueError:
        place = ""
    try:
        listener = socket.create_server((place, PORT), backlog=max(128, 2 * len(hosts.names)))
    except OSError as error:
        message = f"The leader cannot listen on port {PORT}: {error.strerror}."
        raise PlatformError(message, f"Keep port {PORT} free.", code="hosts") from error
    listener.settimeout(POLL_S)
    return listener


def follow(hosts: Hosts, folders: Mapping[str, Path], patience_s: float = PATIENCE_S) -> None:
    """Give the leader the files of the channels in `folders` that it asks for; return when it is done.

    Raises PlatformError: the leader cannot be reached within `patience_s`, is lost, or failed, with its reason.
    """
    print(f"host {hosts.current}: '{hosts.leader}' leads and trains, this host helps it", flush=True)
    link = _connect(hosts.leader, patience_s)
    try:
        link.say({"host": hosts.current})
        while (message := link.hear()) != {"done": True}:
            _obey(message, link, folders)
    finally:
        link.close()


def _obey(message: Mapping[str, Any], link: Link, folders: Mapping[str, Path]) -> None:
    match message:
        case {"send": [*names]} if all(isinstance(name, str) and name in folders for name in names):
            files = [(name, file, folders[name] / file) for name in names for file in channel_files(folders[name])]
            with suppress(Lost):  # the leader may have said why, which is heard next
                send_files(link, files)
        case {"failed": str(reason)}:
            raise PlatformError(f"Host '{link.peer}', which leads, failed: {reason}", code="leader")
        case _:
            unknown = f"Host '{link.peer}', which leads, said what is not known."
            raise PlatformError(unknown, "Run one image on all hosts.", code="hosts")


def _connect(leader: str, patience_s: float) -> Link:
    until = time.monotonic() + patience_s
    while True:
        try:
            return Link(socket.create_connection((leader, PORT), timeout=HELLO_S), leader)
        except OSError as error:  # its name does not resolve yet, or it does not listen yet
            if time.monotonic() > until:
                message = f"Host '{leader}', which leads, was not reached on port {PORT} in {patience_s:g} s: {error}."
                remedy = "Look into its log; in a VPC, let the hosts' security group talk to itself."
                raise PlatformError(message, remedy, code="hosts") from error
        time.sleep(POLL_S)
