"""Training that is killed without a word goes on from its checkpoints, and ends as if nothing had happened."""

from __future__ import annotations

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.contract.jobs import PROGRAM, Job, csv, finished
from tests.unit.made import table

ITEMS, SEED = 60, 20
KILLS = int(os.environ.get("KILLS", "4"))
FRESH_SHARE = 0.2  # of the lives that find nothing, so that none of many kills has only finished work to hit
TELL_SECONDS = ("leaderboard.csv", "report.html")
SETTINGS = {"horizon": "6", "freq": "D", "preset": "fast"}
FOUND = re.compile(r"checkpoint: (\d+) of (\d+) units found")
KEPT = re.compile(r"checkpoint: (\d+) units are kept")
# The program, in a hurry to write what is done; where `learnt` is less than the items, in parts of seven.
HURRIED = """
import os, sys
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, {container!r})
from convect import backtest
from convect.training import checkpoint, streaming
checkpoint.EVERY_S, streaming.LEARN_SERIES, streaming.PART_SERIES, backtest.CHUNK_SERIES = 0.05, {learnt}, 7, 4
from convect.platform.training import main
sys.exit(main())
"""


def prepared(base: Path, *, checkpoints: bool = True) -> Job:
    job = Job(base)
    job.put("train", "data.csv", csv(table(ITEMS, 90)))
    job.configure(SETTINGS, "train")
    if checkpoints:
        (base / "checkpoints").mkdir()
    return job


def start(job: Job, learnt: int) -> subprocess.Popen[str]:
    """Start the program on an instance that has nothing but the inputs and the checkpoints."""
    for left in ("model", "output"):
        shutil.rmtree(job.base / left, ignore_errors=True)
    program = HURRIED.format(container=str(PROGRAM.parent), learnt=learnt)
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(job.base), "PYTHONHASHSEED": "random"}
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=pipe, stderr=pipe, text=True)


def at_work(process: subprocess.Popen[str]) -> None:
    """Wait until all is read and the work begins, of which units are kept."""
    assert process.stdout is not None
    assert any(line.startswith("data:") for line in process.stdout)


def ended(job: Job, learnt: int) -> str:
    code, out, err = finished(start(job, learnt))
    assert code == 0, err
    return out


def digests(job: Job) -> dict[str, str]:
    """What the job left, by file; the times that models took are no two jobs the same."""
    files = [path for part in ("model", "output/data") for path in sorted((job.base / part).iterdir())]
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.name not in TELL_SECONDS}


def units(job: Job) -> list[str]:
    """The units kept, each checked against its checksum."""
    found = []
    for path in (job.base / "checkpoints").glob("*.units"):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            found += archive.namelist()
    return found


@pytest.fixture(scope="module", params=[ITEMS, 20], ids=["learnt from all", "in parts"])
def learnt(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, learnt: int) -> tuple[dict[str, str], float]:
    """What a job without checkpoints leaves, and the seconds that its work takes."""
    job = prepared(tmp_path_factory.mktemp("undisturbed"), checkpoints=False)
    process = start(job, learnt)
    at_work(process)
    begun = time.monotonic()
    code, out, err = finished(process)
    assert (code, "checkpoint" in out) == (0, False), err
    return digests(job), time.monotonic() - begun


def test_killed_at_any_moment_it_ends_the_same_and_does_nothing_twice(
    tmp_path: Path, learnt: int, undisturbed: tuple[dict[str, str], float]
) -> None:
    expected, work_s = undisturbed
    job, moments = prepared(tmp_path), random.Random(SEED)
    for number in range(KILLS):
        if moments.random() < FRESH_SHARE and number < KILLS - 1:
            shutil.rmtree(job.base / "checkpoints")
            (job.base / "checkpoints").mkdir()
        process = start(job, learnt)
        at_work(process)
        time.sleep(moments.uniform(0.0, 1.0) * work_s)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kept = units(job)
        assert len(kept) == len(set(kept))
    assert kept, "No moment was late enough for a unit to be kept."
    out = ended(job, learnt)
    found, all_units = map(int, FOUND.findall(out)[-1])
    assert [int(count) for count in KEPT.findall(out)] == [len(kept)] == [found]
    assert len(set(units(job))) == len(units(job)) == all_units
    assert digests(job) == expected
    assert not list((job.base / "checkpoints").glob("*.sagemaker-ignore"))


def test_on_sigterm_what_is_done_is_kept(tmp_path: Path) -> None:
    job = prepared(tmp_path)
    process = start(job, ITEMS)
    at_work(process)
    process.terminate()
    code, out, err = finished(process)
    assert code == 0, err
    assert [int(done) for _, done in FOUND.findall(out)] == [len(units(job))]
    assert "manifest.json" in job.written
