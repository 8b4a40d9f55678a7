"""What the hosts of a training job say to each other: the leader trains, the others help it and give it their files.

The platform merges the hosts' models and, in the SDK's local mode, ends all hosts with the first one, so only the
leader writes, and the others stay until it has written. They connect to it and say who they are; it invites them to
share its work, may ask for the files of channels, and at its end it says that it is done, or why it failed.
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
from convect.platform.invitation import Invitation
from convect.platform.link import Link, Lost, receive_files, send_files
from convect.platform.opt_ml import Hosts, failure_text

PORT = 7707
PATIENCE_S = 900.0  # for a host to come up: images are pulled, and names resolve, at their own time
LATE_S = 20.0  # for the same, where the job is at its end anyway
ANSWER_S = 60.0  # for a host to go on with what it says
HELLO_S = 10.0  # for a stranger to say who it is
POLL_S = 0.5


class Crew:
    """The other hosts of the job, as the leader sees them, each from when it comes; none where the job has one host."""

    def __init__(
        self,
        hosts: Hosts,
        listener: socket.socket | None,
        stop: threading.Event,
        patience_s: float,
        invitation: Invitation | None = None,
    ) -> None:
        self._missing = {name for name in hosts.names if name != hosts.current}
        self._listener, self._stop, self._invitation = listener, stop, invitation
        self._until = time.monotonic() + patience_s
        self._links: dict[str, Link] = {}
        self._over = threading.Event()
        self._door = threading.Thread(target=self._take_in, daemon=True)

    def begin(self) -> None:
        """Take in the hosts from now on, until all are there or `end`."""
        if self._listener:
            self._door.start()

    def end(self) -> None:
        """Take in no more."""
        self._over.set()
        if self._door.is_alive():
            self._door.join()

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
        self.end()
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
        """Wait until all hosts are there; where the job is to stop, not for long."""
        while self._door.is_alive() and time.monotonic() < until:
            if self._stop.is_set():
                until = min(until, time.monotonic() + LATE_S)
            self._door.join(POLL_S)

    def _take_in(self) -> None:
        while self._missing and self._listener and not self._over.is_set():
            try:
                connection, address = self._listener.accept()
                link = Link(connection, str(address[0]), HELLO_S)
            except OSError:  # nobody yet, or one who is gone again
                continue
            self._welcome(link)

    def _welcome(self, link: Link) -> None:
        try:
            name = str(link.hear().get("host"))
            if name in self._missing and self._invitation and _lives_at(name, link):
                link.say({"help": self._invitation.message()})
        except PlatformError:
            name = ""
        if name not in self._missing:
            print(f"A connection from {link.peer} was closed: it is none of the hosts that are missing.", flush=True)
            link.close()
            return
        link.peer = name
        link.patience(ANSWER_S)
        self._links[name] = link
        self._missing.remove(name)


def _lives_at(name: str, link: Link) -> bool:
    """Whether a host calls from where its name leads to: the key to run code on all hosts is for no other."""
    try:
        found = {str(place[0]) for *_, place in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)}
    except OSError:
        found = set()
    if link.ends[1] not in found:
        print(f"host {name}: calls from another address than its name's, so it gets no share of the work", flush=True)
    return link.ends[1] in found


@contextmanager
def leading(
    hosts: Hosts,
    stop: threading.Event,
    write_failure: Callable[[Exception], None],
    patience_s: float = PATIENCE_S,
    invitation: Invitation | None = None,
) -> Iterator[Crew]:
    """Lead the other hosts for as long as the block runs, and let them end with it, well or with its error.

    Each that comes gets the `invitation` to share the work. `stop` ends long waits. The error is written down before it
    is told, since the platform may end this host as soon as another ends. Raises PlatformError where the port cannot be
    used.
    """
    listener = _listen(hosts) if len(hosts.names) > 1 else None
    crew = Crew(hosts, listener, stop, patience_s, invitation)
    crew.begin()
    try:
        yield crew
    except Exception as error:
        write_failure(error)
        crew.failed(error)
        raise
    else:
        crew.done()
    finally:
        crew.end()
        if listener:
            listener.close()


def _address(host: str) -> str:
    """The host's name if that is an address, else nothing."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _listen(hosts: Hosts) -> socket.socket:
    """Listen at all addresses, for a name may resolve to another one here than elsewhere; an address at itself."""
    try:
        listener = socket.create_server((_address(hosts.current), PORT), backlog=max(128, 2 * len(hosts.names)))
    except OSError as error:
        message = f"The leader cannot listen on port {PORT}: {error.strerror}."
        raise PlatformError(message, f"Keep port {PORT} free.", code="hosts") from error
    listener.settimeout(POLL_S)
    return listener


Help = Callable[[Invitation, str, str], None]  # the invitation, the leader's address, the own


def follow(hosts: Hosts, folders: Mapping[str, Path], help_: Help, patience_s: float = PATIENCE_S) -> None:
    """Give the leader the files of the channels in `folders` that it asks for; return when it is done.

    `help_` is called if it invites this host to share its work. Raises PlatformError: the leader cannot be reached
    within `patience_s`, is lost, or failed, with its reason.
    """
    print(f"host {hosts.current}: '{hosts.leader}' leads and trains, this host helps it", flush=True)
    link = _connect(hosts, patience_s)
    try:
        link.say({"host": hosts.current})
        while (message := link.hear()) != {"done": True}:
            _obey(message, link, folders, help_)
    finally:
        link.close()


def _obey(message: Mapping[str, Any], link: Link, folders: Mapping[str, Path], help_: Help) -> None:
    match message:
        case {"help": invitation}:
            own, leader = link.ends
            help_(Invitation.of(invitation), leader, own)
        case {"send": [*names]} if all(isinstance(name, str) and name in folders for name in names):
            files = [(name, file, folders[name] / file) for name in names for file in channel_files(folders[name])]
            with suppress(Lost):  # the leader may have said why, which is heard next
                send_files(link, files)
        case {"failed": str(reason)}:
            raise PlatformError(f"Host '{link.peer}', which leads, failed: {reason}", code="leader")
        case _:
            unknown = f"Host '{link.peer}', which leads, said what is not known."
            raise PlatformError(unknown, "Run one image on all hosts.", code="hosts")


def _connect(hosts: Hosts, patience_s: float) -> Link:
    until = time.monotonic() + patience_s
    own = (hosts.current, 0) if _address(hosts.current) else None  # a name may mean what only this host can reach
    leader = hosts.leader
    while True:
        try:
            return Link(socket.create_connection((leader, PORT), timeout=HELLO_S, source_address=own), leader)
        except OSError as error:  # its name does not resolve yet, or it does not listen yet
            if time.monotonic() > until:
                message = f"Host '{leader}', which leads, was not reached on port {PORT} in {patience_s:g} s: {error}."
                remedy = "Look into its log; in a VPC, let the hosts' security group talk to itself."
                raise PlatformError(message, remedy, code="hosts") from error
        time.sleep(POLL_S)
