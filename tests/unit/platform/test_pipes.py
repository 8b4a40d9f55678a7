"""Pipe mode: FIFOs fed as the platform feeds them, late, slowly, one object after another."""

from __future__ import annotations

import gzip
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convect.errors import ConvectError
from convect.platform.channels import read_channel
from convect.platform.pipes import drain, is_pipe

PIPE = {"TrainingInputMode": "Pipe", "RecordWrapperType": "None"}
Feed = Callable[[Sequence[bytes]], pd.DataFrame]


def feed(fifo: Path, objects: Sequence[bytes], late_s: float = 0, block: int = 1 << 16) -> threading.Thread:
    """Make the FIFO after a while and write the objects through it, a block at a time."""

    def write() -> None:
        time.sleep(late_s)
        os.mkfifo(fifo)
        with fifo.open("wb", buffering=0) as sink:
            content = b"".join(objects)
            for start in range(0, len(content), block):
                sink.write(content[start : start + block])

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def through(tmp_path: Path, objects: Sequence[bytes], late_s: float = 0, block: int = 1 << 16) -> Path:
    thread = feed(tmp_path / "train_0", objects, late_s, block)
    drain(tmp_path / "train_0", "train", PIPE, tmp_path / "kept", wait_s=10)
    thread.join(timeout=10)
    return tmp_path / "kept"


def message(tmp_path: Path, objects: Sequence[bytes]) -> str:
    with pytest.raises(ConvectError) as caught:
        read_channel(through(tmp_path, objects), "train")
    return str(caught.value)


def test_which_channels_are_pipes() -> None:
    assert is_pipe(PIPE)
    assert not is_pipe({"TrainingInputMode": "FastFile"})
    assert not is_pipe({})


@pytest.mark.parametrize("block", [1, 7, 1 << 16])
def test_csv_objects_one_after_another_with_their_headers(tmp_path: Path, block: int) -> None:
    objects = [b"id,y\na,1\n", b"\xef\xbb\xbfid,y\r\nb,2\n", b"id,y\n", b"id,y\nc,3"]
    found = read_channel(through(tmp_path, objects, block=block), "train")
    assert found.to_dict("list") == {"id": ["a", "b", "c"], "y": [1, 2, 3]}


def test_a_fifo_that_is_made_late_is_waited_for(tmp_path: Path) -> None:
    found = read_channel(through(tmp_path, [b"id,y\na,1\n"], late_s=0.3), "train")
    assert found["y"].tolist() == [1]


def test_rows_without_a_header_are_all_kept(tmp_path: Path) -> None:
    rows = b"a,2024-01-01,1\na,2024-01-01,1\n"
    found = read_channel(through(tmp_path, [rows, rows]), "train", columns=("item_id", "timestamp", "target_value"))
    assert found["target_value"].tolist() == [1] * 4


def test_compressed_objects_one_after_another_with_their_headers(tmp_path: Path) -> None:
    objects = [gzip.compress(text) for text in (b"id,y\na,1\n", b"id,y\nb,2\n")]
    found = read_channel(through(tmp_path, objects), "train")
    assert found.to_dict("list") == {"id": ["a", "b"], "y": [1, 2]}


def test_half_a_compressed_object_is_told_as_damaged(tmp_path: Path) -> None:
    content = gzip.compress(b"id,y\n" + b"a,1\n" * 1000)
    assert message(tmp_path, [content[:-20]]) == (
        "UserError [file]: What comes through the pipe of channel 'train' is damaged or cut short. Upload it again."
    )


def test_json_lines_are_passed_on_as_they_are(tmp_path: Path) -> None:
    line = b'{"id": "a", "y": 1}\n'
    assert read_channel(through(tmp_path, [line, line + line]), "train")["y"].tolist() == [1] * 3


def test_one_parquet_file(tmp_path: Path) -> None:
    found = read_channel(through(tmp_path, [pd.DataFrame({"y": [1, 2]}).to_parquet(index=False)]), "train")
    assert found["y"].tolist() == [1, 2]


def test_two_parquet_files_are_not_parted(tmp_path: Path) -> None:
    content = pd.DataFrame({"y": [1, 2]}).to_parquet(index=False)
    assert message(tmp_path, [content, content]) == (
        "UserError [file]: Channel 'train' sends several Parquet files through one pipe, which does not part them."
        " Use input mode File or FastFile, or one Parquet file."
    )


def test_nothing_comes_through(tmp_path: Path) -> None:
    assert message(tmp_path, []).startswith("UserError [file]: File 'pipe' of channel 'train' is empty.")


def test_recordio_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConvectError, match="is wrapped as RecordIO, which is not read"):
        drain(tmp_path / "train_0", "train", PIPE | {"RecordWrapperType": "RecordIO"}, tmp_path / "kept")


def test_a_fifo_that_never_comes(tmp_path: Path) -> None:
    with pytest.raises(ConvectError) as caught:
        drain(tmp_path / "train_0", "train", PIPE, tmp_path / "kept", wait_s=0.1)
    assert str(caught.value) == (
        "PlatformError [channel]: Channel 'train' has no pipe 'train_0' after 0 s."
        " Run the job again, or use input mode File."
    )


rows = st.lists(st.tuples(st.text('abc,\n"x', max_size=6), st.integers(-99, 99)), min_size=1, max_size=6)


@given(files=st.lists(rows, min_size=1, max_size=4), block=st.integers(1, 50))
@settings(max_examples=25, deadline=None)
def test_a_pipe_gives_what_the_files_give(
    files: list[list[tuple[str, int]]], block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pipe")
    frames = [pd.DataFrame(rows, columns=["id", "y"]).assign(id=lambda frame: "i" + frame["id"]) for rows in files]
    objects = [frame.to_csv(index=False).encode() for frame in frames]
    found = read_channel(through(folder, objects, block=block), "train", ("id",))
    expected = pd.concat(frames, ignore_index=True)
    assert found["id"].tolist() == expected["id"].tolist()
    assert found["y"].tolist() == expected["y"].tolist()
