"""The work of a training job on several hosts: dealt out evenly, no unit done twice, gone on with after a kill."""

from __future__ import annotations

import re
import shutil
import time
import zipfile
from pathlib import Path

import pytest

from tests.contract.hosts import Running, content, jobs_of, running, said
from tests.contract.jobs import PROGRAM, Job, csv, finished
from tests.unit.made import table

__all__ = ["running"]

SERIES = 100
TABLE = {"all.csv": csv(table(SERIES, 40, noise=1.0))}
DEALT = re.compile(r"^(\d+) units of work were dealt out$", re.MULTILINE)
DONE = re.compile(r"^host [\d.]+: (\d+) units$", re.MULTILINE)
FOUND = re.compile(r"checkpoint: (\d+) of (\d+) units found")
# The program on a host of one core, with units of one series, kept at once. All hosts share the cores of this machine,
# so for their shares to be the hand-out's doing a unit takes `unit_s`, more than it needs, and none ends before all
# `hosts` have begun one, for which each leaves a file in the folder `line`.
EVEN = """
import functools, os, sys, time
os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, {container!r})
from convect import backtest
from convect.models import local
from convect.platform import helping
from convect.training import checkpoint
checkpoint.EVERY_S, backtest.CHUNK_SERIES, helping.usable_cpus = 0.05, 1, lambda: 1

def even(work):
    @functools.wraps(work)
    def done(task):
        begun = time.monotonic()
        open(os.path.join({line!r}, str(os.getpid())), "w").close()
        while len(os.listdir({line!r})) < {hosts}:
            time.sleep(0.01)
        result = work(task)
        time.sleep(max(0.0, {unit_s} - (time.monotonic() - begun)))
        return result
    return done

local.forecast_chunk = even(local.forecast_chunk)
from convect.platform.training import main
sys.exit(main())
"""


def even(folder: Path, unit_s: float, hosts: int = 1) -> str:
    """The code for a host; without `hosts` none waits for others."""
    line = folder / "line"
    line.mkdir(exist_ok=True)
    return EVEN.format(container=str(PROGRAM.parent), line=str(line), unit_s=unit_s, hosts=hosts)


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What one host writes, undisturbed."""
    (job,) = jobs_of(tmp_path_factory.mktemp("alone"), [["all.csv"]], TABLE)
    assert job.run()[0] == 0
    return content(job)


@pytest.mark.parametrize("count", [2, 4])
def test_hosts_share_the_work_evenly_and_none_is_done_twice(
    count: int, alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    jobs = jobs_of(tmp_path, [*[[]] * (count - 1), ["all.csv"]], TABLE)
    ended = running.run(jobs, even(tmp_path, 0.1, count))
    assert [(code, err) for code, _, err in ended] == [(0, "")] * count
    assert content(jobs[-1]) == alone
    (dealt,) = map(int, DEALT.findall(ended[-1][1]))
    done = [int(number) for _, out, _ in ended for number in DONE.findall(out)]
    print(f"units of {count} hosts: {done}")
    assert sum(done) == dealt > 2 * SERIES
    assert [abs(units - dealt / count) <= 0.1 * dealt / count for units in done] == [True] * count, done


def test_a_host_that_is_killed_is_replaced_by_the_others(
    alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    other, leader = jobs_of(tmp_path, [[], ["all.csv"]], TABLE)
    helping, leading = running.start([other, leader], even(tmp_path, 0.02))
    said(leading, f"host {other.base.name}: shares the work")
    helping.kill()
    finished(helping)  # its processes, which hold its output open, end with it
    code, out, _ = finished(leading)
    assert code == 0
    assert content(leader) == alone
    assert int(*DONE.findall(out)) > 0


def test_hosts_that_are_all_killed_go_on_where_they_were(
    alone: dict[str, bytes], running: Running, tmp_path: Path
) -> None:
    jobs = jobs_of(tmp_path, [[], ["all.csv"]], TABLE)
    for job in jobs:
        (job.base / "checkpoints").mkdir()
    processes = running.start(jobs, even(tmp_path, 0.05))
    while len(units(jobs)) < SERIES:
        time.sleep(0.05)
        assert processes[-1].poll() is None
    for process in processes:
        process.kill()
    for process in processes:
        finished(process)
    kept = units(jobs)
    for job in jobs:
        begin_again(job, jobs)
    ended = running.run(jobs, even(tmp_path, 0.0))
    assert [(code, err) for code, _, err in ended] == [(0, "")] * 2
    assert content(jobs[-1]) == alone
    found, every = map(int, *FOUND.findall(ended[-1][1]))
    (dealt,) = map(int, DEALT.findall(ended[-1][1]))
    done = [int(number) for _, out, _ in ended for number in DONE.findall(out)]
    assert found == len(kept) == len(set(kept))
    assert sum(done) == dealt <= every - found  # what the leader itself does is not dealt out
    assert len(set(units(jobs))) == len(units(jobs)) == every
    print(f"{found} of {every} units found, {done} done")


def units(jobs: list[Job]) -> list[str]:
    """The units kept on all hosts, those in a file that several have once."""
    files = {path.name: path for job in jobs for path in (job.base / "checkpoints").glob("*.units")}
    return [name for path in files.values() for name in zipfile.ZipFile(path).namelist()]


def begin_again(job: Job, jobs: list[Job]) -> None:
    """Leave of a host what a new instance has: the inputs, and the checkpoints of all."""
    for left in ("model", "output"):
        shutil.rmtree(job.base / left, ignore_errors=True)
    for other in jobs:
        if other is not job:
            shutil.copytree(other.base / "checkpoints", job.base / "checkpoints", dirs_exist_ok=True)
