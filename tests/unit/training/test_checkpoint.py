"""The folder of finished units: what was kept is found, what is damaged is done again, and nothing ends a job."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from convect.models.local import Predictions
from convect.training import checkpoint
from convect.training.checkpoint import Checkpoint, kept


def unit(number: int) -> Predictions:
    return Predictions(np.full((2, 3), float(number)), np.full((2, 3, 2), np.nan), np.zeros(2, bool), 0.5)


def key(number: int) -> str:
    return f"{number:064x}"


class Said(list[str]):
    def __call__(self, line: str) -> None:
        self.append(line)


def written(folder: Path, *files: list[int], host: str = "algo-1") -> None:
    """One file for each list of units."""
    store = Checkpoint(folder, host, Said())
    for numbers in files:
        for number in numbers:
            store.put(key(number), unit(number))
        store.flush()


def found(folder: Path, say: Said | None = None, host: str = "algo-1") -> list[int]:
    store = Checkpoint(folder, host, say if say is not None else Said())
    return [number for number in range(9) if (one := store.get(key(number))) is not None and one.mean[0, 0] == number]


def test_what_was_written_is_found_by_any_host(tmp_path: Path) -> None:
    written(tmp_path, [1, 2], [3])
    written(tmp_path, [4], host="algo-2")
    assert found(tmp_path, host="algo-3") == [1, 2, 3, 4]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "algo-1-000001.units",
        "algo-1-000002.units",
        "algo-2-000001.units",
    ]


def test_a_later_life_writes_further_files(tmp_path: Path) -> None:
    written(tmp_path, [1])
    written(tmp_path, [2])
    assert found(tmp_path) == [1, 2]


def test_nothing_new_writes_no_file(tmp_path: Path) -> None:
    Checkpoint(tmp_path, "algo-1", Said()).flush()
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_byte_anywhere_costs_units_and_never_gives_wrong_ones(tmp_path: Path) -> None:
    written(tmp_path, [1, 2], [3])
    path = tmp_path / "algo-1-000001.units"
    whole, silent = path.read_bytes(), 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        said = Said()
        left = found(tmp_path, said)
        assert left in ([3], [1, 3], [2, 3], [1, 2, 3])
        assert all(" is damaged (" in line for line in said)
        silent += left != [1, 2, 3] and not said
    assert silent * 7 <= 2 * 64 * 2  # a name that was flipped is the name of another unit: no line tells


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_file_cut_short_is_not_used_and_told_once(tmp_path: Path, size: int) -> None:
    written(tmp_path, [1, 2], [3])
    path = tmp_path / "algo-1-000001.units"
    path.write_bytes(path.read_bytes()[:size])
    said = Said()
    assert found(tmp_path, said) == [3]
    assert said == ["checkpoint: algo-1-000001.units is damaged (BadZipFile) and is not used"]


def test_what_was_left_half_written_is_removed_but_only_ones_own(tmp_path: Path) -> None:
    mine, other = (tmp_path / f"algo-{k}-000001.units.sagemaker-ignore" for k in (1, 2))
    mine.write_bytes(b"half")
    other.write_bytes(b"half")
    assert found(tmp_path) == []
    assert (mine.exists(), other.exists()) == (False, True)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_a_disk_that_takes_nothing_is_told_once(tmp_path: Path, code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, [1])
    said = Said()
    store = Checkpoint(tmp_path, "algo-1", said)

    def full(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", full)
    for number in (2, 3):
        store.put(key(number), unit(number))
        store.flush()
    assert said == [f"checkpoint: {os.strerror(code)}; training goes on, and nothing more is kept"]
    assert [path.name for path in tmp_path.iterdir()] == ["algo-1-000001.units"]
    assert store.get(key(1)) is not None


def test_without_a_folder_nothing_is_kept(tmp_path: Path) -> None:
    said = Said()
    with kept(tmp_path / "none", "algo-1", said) as store:
        assert store is None
    assert said == []
    assert list(tmp_path.iterdir()) == []


def test_what_is_done_is_written_while_the_job_runs_and_at_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY_S", 0.01)
    said = Said()
    with kept(tmp_path, "algo-1", said) as store:
        assert store is not None
        store.put(key(1), unit(1))
        while not list(tmp_path.glob("*.units")):
            pass
        monkeypatch.setattr(checkpoint, "EVERY_S", 1000.0)
        store.put(key(2), unit(2))
    assert found(tmp_path) == [1, 2]
    assert said == ["checkpoint: 0 of 2 units found"]
    with kept(tmp_path, "algo-1", said) as store:
        assert store is not None
        assert store.get(key(2)) is not None
    assert said[1:] == ["checkpoint: 2 units are kept", "checkpoint: 1 of 1 units found"]


def test_a_disk_too_slow_for_all_keeps_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MOST_WAITING", 2)
    written(tmp_path, [1, 2, 3], [4])
    assert found(tmp_path) == [1, 2, 4]
