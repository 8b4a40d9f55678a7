"""Every bad request is told whose fault it is: in this process, where an error shows itself, and over HTTP."""

from __future__ import annotations

import http.client
import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from convect.pipeline import TrainResult
from convect.serving.server import make_app
from convect.serving.settings import Settings
from tests.contract.bad_requests import FAMILIES, RAW, Bad, bad_requests

MEGABYTE = 1 << 20
LASTING_MB = 100  # what a worker may hold more after them all: allocators do not give everything back


def judged(status: int, body: bytes) -> str:
    """What is wrong with the answer to a bad request, "" where nothing is."""
    if not 400 <= status < 500:
        return f"status {status}"
    try:
        told = json.loads(body)
    except ValueError:
        return "no JSON"
    if set(told) != {"code", "message", "remedy"} or not all(told.values()):
        return f"says {sorted(told)}"
    return "a traceback" if "Traceback" in told["message"] or "\n" in told["message"] else ""


def test_there_are_enough_of_them() -> None:
    assert len(bad_requests()) >= 200


@pytest.fixture(scope="module")
def client(trained: tuple[Path, TrainResult]) -> Any:
    return make_app(lambda: trained[1].artifact, Settings()).test_client()


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: str(family.__name__))
def test_in_this_process(client: Any, family: Any) -> None:
    wrong = {}
    for name, bad in bad_requests(family).items():
        answer = client.post("/invocations", data=bad.body, headers=bad.all_headers)
        if fault := judged(answer.status_code, answer.data):
            wrong[name] = fault
    assert wrong == {}


def test_none_is_our_fault_in_a_transform_job(trained: tuple[Path, TrainResult]) -> None:
    client = make_app(lambda: trained[1].artifact, Settings(batch=True)).test_client()
    wrong = {}
    for name, bad in bad_requests().items():
        answer = client.post("/invocations", data=bad.body, headers=bad.all_headers)
        if answer.status_code != 200 and (fault := judged(answer.status_code, answer.data)):
            wrong[name] = fault
    assert wrong == {}


def resident_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / MEGABYTE


def workers(master: int) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{master}/task/{master}/children").read_text().split()]


def both_workers(served: Any) -> list[int]:
    """The two workers, the second of which starts when the first has."""
    until = time.monotonic() + 30
    while len(found := workers(served.process.pid)) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    return found


def send(served: Any, bad: Bad) -> tuple[int, bytes]:
    status, body, _ = served.ask("POST", "/invocations", bad.body, bad.all_headers)
    return status, body


def test_over_http_no_worker_is_lost_and_memory_comes_back(served: Any) -> None:
    before = both_workers(served)
    wrong = {}
    for family in FAMILIES:
        for name, bad in bad_requests(family).items():
            if fault := judged(*send(served, bad)):
                wrong[name] = fault
        if family is FAMILIES[0]:
            held = sum(map(resident_mb, before))
    assert wrong == {}
    assert workers(served.process.pid) == before
    assert sum(map(resident_mb, before)) < held + LASTING_MB * len(before)
    assert "Traceback" not in served.log.read_text()
    assert served.ask("POST", "/invocations", "{}", {"Content-Type": "application/json"})[0] == 200


@pytest.mark.parametrize("name", RAW)
def test_what_no_library_sends(served: Any, name: str) -> None:
    before = both_workers(served)
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as line:
        try:
            line.sendall(RAW[name])
            line.shutdown(socket.SHUT_WR)
            answer = line.recv(4_000)
        except OSError:  # hung up on in the middle of its megabyte
            answer = b""
    assert answer == b"" or answer.split(b" ")[1].startswith(b"4"), answer[:200]
    assert b"Set-Cookie" not in answer
    assert served.ask("POST", "/invocations", "{}", {"Content-Type": "application/json"})[0] == 200
    assert both_workers(served) == before
    assert "Traceback" not in served.log.read_text()


def test_a_refusal_before_the_body_is_read_leaves_the_connection_to_the_next_request(served: Any) -> None:
    line = http.client.HTTPConnection("127.0.0.1", served.port, timeout=10)
    asked = [("POST", {"Accept": "image/png"}, 406), ("OPTIONS", {}, 200), ("GET", {}, 405), ("POST", {}, 200)]
    for _ in range(100):  # whether the two are read together is chance
        for method, headers, status in asked:
            line.request(method, "/invocations", b"{}", {"Content-Type": "application/json", **headers})
            answer = line.getresponse()
            answer.read()
            assert answer.status == status
    line.close()
