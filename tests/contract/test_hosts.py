"""A training job on several hosts: whose files and whose errors are whose, and how all end together."""

from __future__ import annotations

import signal
from pathlib import Path

import pandas as pd
import pytest

from tests.contract.hosts import SETTINGS, Running, Shares, content, jobs_of, running, said
from tests.contract.jobs import csv, finished
from tests.unit.made import table

__all__ = ["running"]


def files() -> dict[str, bytes]:
    """Three series, of which each lies in two or three files, some rows twice, in folders that are a column."""
    frame = table(3, 50, noise=1.0)
    parts = [frame.iloc[number::4] for number in range(4)]
    parts[0] = pd.concat([parts[0], parts[1].iloc[:9]])
    return {f"part={number % 2}/{number}.csv": csv(part) for number, part in enumerate(parts)}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one host writes that has all files."""
    (job,) = jobs_of(tmp_path_factory.mktemp("alone"), [sorted(files())], files())
    assert job.run()[0] == 0
    return content(job)


@pytest.mark.parametrize("deal", ["a host without files", "a leader without files"])
def test_several_hosts_make_the_model_of_one(
    deal: str, alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    names = sorted(files())
    shares: Shares = [names[::2], [], names[1::2]] if deal == "a host without files" else [names, []]
    *others, leader = jobs_of(tmp_path, shares, files())
    ended = running.run([*others, leader])
    assert [code for code, _, _ in ended] == [0] * len(shares), ended
    assert content(leader) == alone
    assert all(content(job) == {} for job in others)
    assert [out.count("metric: ") for _, out, _ in ended[:-1]] == [0] * len(others)
    assert not list(tmp_path.rglob(".hosts-*"))


def test_a_leader_that_fails_takes_its_reason_to_all(running: Running, tmp_path: Path) -> None:
    other, leader = jobs_of(tmp_path, [[], sorted(files())], files())
    leader.configure({**SETTINGS, "horizn": 3}, "train")
    ended = running.run([other, leader])
    assert [code for code, _, _ in ended] == [1, 1]
    reason = leader.failure.read_text().splitlines()[0]
    assert reason.startswith("UserError [config]: ")
    told = other.failure.read_text().splitlines()[0]
    assert told == f"PlatformError [leader]: Host '{leader.base.name}', which leads, failed: {reason}"
    assert [other.written, leader.written] == [[], []]


def test_a_leader_that_is_killed_fails_the_others(running: Running, tmp_path: Path) -> None:
    other, leader = jobs_of(tmp_path, [sorted(files()), []], files())
    waiting, leading = running.start([other, leader])
    said(leading, "data: ")
    leading.kill()
    finished(leading)  # its processes, which hold its output open, end with it
    assert finished(waiting)[0] == 1
    first = other.failure.read_text().splitlines()[0]
    assert first.startswith(f"PlatformError [hosts]: The connection to host '{leader.base.name}' was lost")


def test_sigterm_to_all_leaves_the_best_model_so_far(running: Running, tmp_path: Path) -> None:
    other, leader = jobs_of(tmp_path, [sorted(files()), []], files())
    processes = running.start([other, leader])
    said(processes[1], "data: ")
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [finished(process)[0] for process in processes] == [0, 0]
    assert not other.failure.exists()
    assert other.written == []
    assert "manifest.json" in leader.written


def test_sigterm_ends_a_host_that_waits_for_its_leader(running: Running, tmp_path: Path) -> None:
    other, _ = jobs_of(tmp_path, [sorted(files()), []], files())
    (waiting,) = running.start([other])
    said(waiting, "host ")
    waiting.send_signal(signal.SIGTERM)
    assert finished(waiting)[0] == 0
