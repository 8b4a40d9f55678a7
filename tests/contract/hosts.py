"""The hosts of a training job as processes, each with an `/opt/ml` at an address of this machine of its own."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.contract.jobs import Job, finished

TELL_SECONDS = ("leaderboard.csv", "report.html")
SETTINGS = {"preset": "fast", "horizon": 5}
Shares = list[list[str]]  # for each host the names of its files


def jobs_of(base: Path, shares: Shares, content: Mapping[str, bytes]) -> list[Job]:
    """Lay out a host for each share; the last is the leader, by its address."""
    network = f"127.{random.randint(1, 250)}.{random.randint(1, 250)}"
    names = [f"{network}.{number}" for number in range(len(shares), 0, -1)]
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

    def start(self, jobs: list[Job], code: str = "") -> list[subprocess.Popen[str]]:
        """Start the program on each host, or this code in its place."""
        started = [job.start(code) for job in jobs]
        self.processes += started
        return started

    def run(self, jobs: list[Job], code: str = "") -> list[tuple[int, str, str]]:
        """Return each host's exit code, output and errors."""
        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(finished, self.start(jobs, code)))


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
