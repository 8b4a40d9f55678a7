"""A training job on several hosts: a process and an `/opt/ml` each, at addresses of this machine of their own."""

from __future__ import annotations

import json
import random
import re
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pandas as pd
import pytest

from tests.contract.jobs import Job, csv, finished
from tests.unit.made import table

TELL_SECONDS = ("leaderboard.csv", "report.html")
SETTINGS = {"preset": "fast", "horizon": 5}
MANY = 400  # series
Shares = list[list[str]]  # for each host the names of its files


def files() -> dict[str, bytes]:
    """Three series, of which each lies in two or three files, some rows twice, in folders that are a column."""
    frame = table(3, 50, noise=1.0)
    parts = [frame.iloc[number::4] for number in range(4)]
    parts[0] = pd.concat([parts[0], parts[1].iloc[:9]])
    return {f"part={number % 2}/{number}.csv": csv(part) for number, part in enumerate(parts)}


def many_series() -> dict[str, bytes]:
    """Enough series for hundreds of units of work."""
    return {"all.csv": csv(table(MANY, 40, noise=1.0))}


def jobs_of(base: Path, shares: Shares, content: dict[str, bytes] | None = None) -> list[Job]:
    """Lay out a host for each share; the last is the leader, by its address."""
    network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    names = [f"{network}.{number}" for number in range(len(shares), 0, -1)]
    content = content or files()
    return [
        host_of(base / name, names, {file: content[file] for file in share})
        for name, share in zip(names, shares, strict=True)
    ]


def host_of(base: Path, names: list[str], files: dict[str, bytes]) -> Job:
    job = Job(base)
    job.configure(SETTINGS, "train")
    for file, content in files.items():
        job.put("train", file, content)
    config = base / "input" / "config"
    sharded = {"train": {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key"}}
    (config / "inputdataconfig.json").write_text(json.dumps(sharded))
    (config / "resourceconfig.json").write_text(json.dumps({"current_host": base.name, "hosts": names}))
    return job


class Running:
    """The hosts' processes; none is left behind."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, jobs: list[Job]) -> list[subprocess.Popen[str]]:
        started = [job.start() for job in jobs]
        self.processes += started
        return started

    def run(self, jobs: list[Job]) -> list[tuple[int, str, str]]:
        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(finished, self.start(jobs)))


@pytest.fixture
def running() -> Iterator[Running]:
    found = Running()
    yield found
    for process in found.processes:
        process.kill()
        process.wait()


def said(process: subprocess.Popen[str], line: str) -> None:
    """Wait for a line of a host's output that begins so."""
    assert process.stdout is not None
    assert any(text.startswith(line) for text in process.stdout)


def content(job: Job) -> dict[str, bytes]:
    """All that a job has written but what tells its time."""
    folders = (job.base / "model", job.base / "output")
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(job.base)): path.read_bytes() for path in paths if path.name not in TELL_SECONDS}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one host writes that has all files."""
    (job,) = jobs_of(tmp_path_factory.mktemp("alone"), [sorted(files())])
    assert job.run()[0] == 0
    return content(job)


@pytest.mark.parametrize("deal", ["a host without files", "a leader without files"])
def test_several_hosts_make_the_model_of_one(
    deal: str, alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    names = sorted(files())
    shares: Shares = [names[::2], [], names[1::2]] if deal == "a host without files" else [names, []]
    *others, leader = jobs_of(tmp_path, shares)
    ended = running.run([*others, leader])
    assert [code for code, _, _ in ended] == [0] * len(shares), ended
    assert content(leader) == alone
    assert all(content(job) == {} for job in others)
    assert [out.count("metric: ") for _, out, _ in ended[:-1]] == [0] * len(others)
    assert not list(tmp_path.rglob(".hosts-*"))


@pytest.fixture(scope="module")
def many_alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one host writes that has many series."""
    (job,) = jobs_of(tmp_path_factory.mktemp("alone"), [["all.csv"]], many_series())
    assert job.run()[0] == 0
    return content(job)


def units(out: str) -> int:
    """How many units of work a host says it did."""
    (found,) = re.findall(r"^host [\d.]+: (\d+) units$", out, re.MULTILINE)
    return int(found)


@pytest.mark.parametrize("count", [2, 4])
def test_hosts_share_the_work_and_none_is_done_twice(
    count: int, many_alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    jobs = jobs_of(tmp_path, [*[[]] * (count - 1), ["all.csv"]], many_series())
    ended = running.run(jobs)
    assert [code for code, _, _ in ended] == [0] * count, ended
    assert content(jobs[-1]) == many_alone
    (dealt,) = re.findall(r"^(\d+) units of work were dealt out$", ended[-1][1], re.MULTILINE)
    done = [units(out) for _, out, _ in ended]
    assert min(done) >= 0.5 * max(done)  # evenly, as far as this machine's cores are; see unit/platform/test_sharing.py
    assert sum(done) == int(dealt) > 70
    assert [err for _, _, err in ended] == [""] * count


def test_a_host_that_is_killed_is_replaced_by_the_others(
    many_alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    other, leader = jobs_of(tmp_path, [[], ["all.csv"]], many_series())
    helping, leading = running.start([other, leader])
    said(leading, f"host {other.base.name}: shares the work")
    helping.kill()
    finished(helping)  # its processes, which hold its output open, end with it
    code, out, _ = finished(leading)
    assert code == 0
    assert content(leader) == many_alone
    assert units(out) > 0


def test_a_leader_that_fails_takes_its_reason_to_all(running: Running, tmp_path: Path) -> None:
    other, leader = jobs_of(tmp_path, [[], sorted(files())])
    leader.configure({**SETTINGS, "horizn": 3}, "train")
    ended = running.run([other, leader])
    assert [code for code, _, _ in ended] == [1, 1]
    reason = leader.failure.read_text().splitlines()[0]
    assert reason.startswith("UserError [config]: ")
    told = other.failure.read_text().splitlines()[0]
    assert told == f"PlatformError [leader]: Host '{leader.base.name}', which leads, failed: {reason}"
    assert [other.written, leader.written] == [[], []]


def test_a_leader_that_is_killed_fails_the_others(running: Running, tmp_path: Path) -> None:
    other, leader = jobs_of(tmp_path, [sorted(files()), []])
    waiting, leading = running.start([other, leader])
    said(leading, "data: ")
    leading.kill()
    finished(leading)  # its processes, which hold its output open, end with it
    assert finished(waiting)[0] == 1
    first = other.failure.read_text().splitlines()[0]
    assert first.startswith(f"PlatformError [hosts]: The connection to host '{leader.base.name}' was lost")


def test_sigterm_to_all_leaves_the_best_model_so_far(running: Running, tmp_path: Path) -> None:
    other, leader = jobs_of(tmp_path, [sorted(files()), []])
    processes = running.start([other, leader])
    said(processes[1], "data: ")
    for process in processes:
        process.send_signal(signal.SIGTERM)
    assert [finished(process)[0] for process in processes] == [0, 0]
    assert not other.failure.exists()
    assert other.written == []
    assert "manifest.json" in leader.written


def test_sigterm_ends_a_host_that_waits_for_its_leader(running: Running, tmp_path: Path) -> None:
    other, _ = jobs_of(tmp_path, [sorted(files()), []])
    (waiting,) = running.start([other])
    said(waiting, "host ")
    waiting.send_signal(signal.SIGTERM)
    assert finished(waiting)[0] == 0
