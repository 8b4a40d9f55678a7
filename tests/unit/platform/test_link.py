"""Messages and files over real connections, and what is refused of what comes in."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import PlatformError
from convect.platform import link
from convect.platform.link import FileHeader, Link, Lost, decoded, receive_files, send_files

WAIT_S = 5.0
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
PART = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20)


@pytest.fixture
def pair() -> Iterator[tuple[Link, Link]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        one = socket.create_connection(server.getsockname())
        other, _ = server.accept()
    with closing(Link(one, "algo-1", WAIT_S)) as first, closing(Link(other, "algo-2", WAIT_S)) as second:
        yield first, second


def in_background(work: Callable[[], object]) -> threading.Thread:
    def run() -> None:
        with suppress(PlatformError):
            work()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


# --- messages


def test_a_message_is_heard_as_it_was_said(pair: tuple[Link, Link]) -> None:
    pair[0].say({"failed": "Ünicode\n" * 100})
    assert pair[1].hear() == {"failed": "Ünicode\n" * 100}


@given(st.binary(max_size=50))
def test_any_bytes_are_an_object_or_refused(line: bytes) -> None:
    with suppress(PlatformError):
        assert isinstance(decoded(line), dict)


@given(JSON)
def test_any_json_is_an_object_or_refused(value: Any) -> None:
    line = json.dumps(value).encode() + b"\n"
    if isinstance(value, dict):
        assert decoded(line).keys() == value.keys()
    else:
        with pytest.raises(PlatformError):
            decoded(line)


@pytest.mark.parametrize(
    "line", [b'{"a": 1}', b"[" * 10_000 + b"\n", b'{"a": ' + b"9" * 5000 + b"}\n", b'{"a": "\xff"}\n']
)
def test_what_is_no_whole_message_is_refused(line: bytes) -> None:
    with pytest.raises(PlatformError, match="a message that cannot be used"):
        decoded(line)


def test_a_message_too_long_is_refused_without_being_read_to_its_end(pair: tuple[Link, Link]) -> None:
    thread = in_background(lambda: pair[0].write(b'{"a": "' + b"x" * 10**8))
    line = pair[1].line()
    assert len(line) == link.MESSAGE_BYTES + 1
    with pytest.raises(PlatformError):
        decoded(line)
    pair[1].close()
    thread.join(WAIT_S)


def test_a_host_that_is_gone_or_silent_is_lost(pair: tuple[Link, Link]) -> None:
    pair[1].patience(0.05)
    with pytest.raises(Lost, match="The connection to host 'algo-2' was lost: timed out"):
        pair[1].hear()
    pair[1].close()
    with pytest.raises(Lost, match="The connection to host 'algo-1' was lost: it closed the connection"):
        pair[0].hear()


def test_the_system_looks_after_a_silent_connection(pair: tuple[Link, Link]) -> None:
    raw = pair[0]._socket
    assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 30


# --- headers of files


@given(st.dictionaries(st.sampled_from(["channel", "name", "bytes"]), JSON | st.just("train") | st.text(), max_size=3))
def test_any_header_is_refused_or_stays_below_its_channel(message: dict[str, Any]) -> None:
    with suppress(PlatformError):
        header = FileHeader.of(message, ["train"])
        assert (header.channel, header.size) == ("train", message["bytes"])
        assert not header.name.is_absolute()
        assert ".." not in header.name.parts
        assert str(header.name) == message["name"]


@given(st.lists(PART.filter(lambda part: part not in (".", "..")), min_size=1, max_size=4), st.integers(0, 2**60))
def test_every_path_below_the_channel_is_taken(parts: list[str], size: int) -> None:
    message = decoded(json.dumps({"channel": "static", "name": "/".join(parts), "bytes": size}).encode() + b"\n")
    assert FileHeader.of(message, ["train", "static"]) == FileHeader("static", PurePosixPath(*parts), size)


GOOD = {"channel": "train", "name": "a/b.csv", "bytes": 1}


@pytest.mark.parametrize(
    "change",
    [
        *({"channel": value} for value in ("other", None, 1, ["train"])),
        *(
            {"name": value}
            for value in ("", "/a", "a/", "a//b", "../a", "a/../b", "./a", "a\0", "x" * 1025, "\ud800", 1)
        ),
        *({"bytes": value} for value in (-1, 1.5, True, "1", None)),
    ],
    ids=str,
)
def test_a_bad_header_is_refused(change: dict[str, Any]) -> None:
    assert FileHeader.of(GOOD, ["train"]).size == 1
    with pytest.raises(PlatformError, match="cannot be used"):
        FileHeader.of(GOOD | change, ["train"])


# --- files


def tree(folder: Path, files: dict[str, bytes]) -> list[tuple[str, PurePosixPath, Path]]:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return [("train", PurePosixPath(name), folder / name) for name in files]


FILES = {"a.csv": b"1", "key=value/b c.csv": b"", "ü/\udcff.csv": bytes(range(256)) * 20_000}


def test_files_arrive_as_they_are(pair: tuple[Link, Link], tmp_path: Path) -> None:
    sent = tree(tmp_path / "sent", FILES)
    thread = in_background(lambda: send_files(pair[0], sent))
    (tmp_path / "here").mkdir()
    assert receive_files(pair[1], tmp_path / "here", ["train"]) == 3
    thread.join(WAIT_S)
    assert {name: (tmp_path / "here/train" / name).read_bytes() for name in FILES} == FILES


def test_no_files_are_files_too(pair: tuple[Link, Link], tmp_path: Path) -> None:
    send_files(pair[0], [])
    assert receive_files(pair[1], tmp_path, ["train"]) == 0
    assert list(tmp_path.iterdir()) == []


def said(**change: object) -> bytes:
    return json.dumps(GOOD | change).encode() + b"\n"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (said() + b"x" + b'{"sha256": "0"}\n', "The files of host 'algo-2' arrived damaged"),
        (said() + b"x" + said() + b"x", "a file twice"),
        (said() + b"x" + said(name="a/b.csv/c"), "in the place of a folder"),
        (said() + b"x" + said(name="a"), "in the place of a folder"),
        (said(bytes=2**60), "does not fit on the disk"),
        (said(name="../b.csv") + b"x", "the name of a file that cannot be used"),
        (said(bytes=5) + b"x", "it closed the connection"),
        (b"\n", "a message that cannot be used"),
    ],
)
def test_what_arrives_otherwise_is_refused(pair: tuple[Link, Link], tmp_path: Path, content: bytes, match: str) -> None:
    pair[0].write(content)
    pair[0].close()
    folder = tmp_path / "here"
    folder.mkdir()
    with pytest.raises(PlatformError, match=match):
        receive_files(pair[1], folder, ["train"])
    assert {path for path in tmp_path.rglob("*") if path.is_file()} <= {folder / "train/a/b.csv"}


def test_a_file_that_becomes_shorter_is_told(pair: tuple[Link, Link], tmp_path: Path, monkeypatch: Any) -> None:
    (entry,) = tree(tmp_path, {"a.csv": b"12345"})
    real = Path.stat
    monkeypatch.setattr(Path, "stat", lambda path: type("Stat", (), {"st_size": real(path).st_size + 1}))
    with pytest.raises(PlatformError, match=r"File 'a\.csv' of channel 'train' ended early"):
        send_files(pair[0], [entry])
