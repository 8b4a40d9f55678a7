"""The measurements of the server: what is sent, what wrk says of it, and what a worker had in hand."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pandas as pd
import pytest

from bench import endurance, requests
from bench.load import Load, Request

WRK = """#!{python}
import sys, pathlib
lines = pathlib.Path(sys.argv[-1]).read_text().splitlines()
path, kind, accept, body = lines[0].split("\\t")
assert (len(lines), path, kind, accept) == (2, "/invocations", "text/csv", "application/json")
assert pathlib.Path(body).read_bytes() == b"a,b\\n1,2\\n"
assert sys.argv[1:4] == ["-t1", "-c8", "-d5s"]
print("Running 5s test", flush=True)
print('{{"requests":500,"seconds":5.0,"connect":1,"read":2,"write":3,"status":4,"timeout":5,'
      '"p50_ms":1.5,"p99_ms":6.0,"max_ms":7.0}}', file=sys.stderr)
sys.exit({code})
"""
ASKED = [Request("/invocations", "text/csv", "application/json", b"a,b\n1,2\n")] * 2


def with_wrk(folder: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    program = folder / "bin" / "wrk"
    program.parent.mkdir()
    program.write_text(WRK.format(python=sys.executable, code=code))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


def test_wrk_is_given_the_requests_and_its_numbers_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_wrk(tmp_path, monkeypatch, code=0)
    with Load(1, ASKED, tmp_path / "load", clients=8, seconds=5) as load:
        found = load.found()
    assert not load.running()
    assert (found.read, found.status, found.p99_ms) == (2, 4, 6.0)
    assert found.row["requests_per_s"] == 100


def test_a_wrk_that_fails_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_wrk(tmp_path, monkeypatch, code=1)
    with Load(1, ASKED, tmp_path / "load", clients=8, seconds=5) as load, pytest.raises(RuntimeError, match="with 1"):
        load.found()


def test_without_wrk_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SystemExit, match="apt-get install wrk"):
        Load(1, ASKED, tmp_path, clients=1, seconds=1)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_a_process_holds_is_its_accepted_connections() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert endurance._connections(os.getpid(), port) == 0
        with socket.create_connection(("127.0.0.1", port)) as client, listener.accept()[0]:
            assert endurance._connections(os.getpid(), port) == 1
            assert client


def test_requests_are_what_they_say(tmp_path: Path) -> None:
    sent = requests.unseen(3, tmp_path)
    tables = [pd.read_csv(tmp_path.joinpath("b").write_bytes(one.body) and tmp_path / "b") for one in sent]
    assert [set(table["item_id"]) for table in tables] == [{"new-0"}, {"new-1"}, {"new-2"}]
    assert {len(table) for table in tables} == {requests.POINTS}
    assert len(requests.lines(25, 10).splitlines()) == 25
    assert requests.lines(25, 10).splitlines()[-1] == b'{"item_id": "item_000004"}'
    assert 1 << 20 <= len(requests.large(1, tmp_path)) < 2 << 20
