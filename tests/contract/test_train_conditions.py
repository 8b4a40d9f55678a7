"""`container/train` where the machine fails it: full disks, a full /dev/shm, files that cannot be read or written.

The conditions are real: each job runs in a mount namespace of its own, with file systems that are too small.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.jobs import LONGEST_S, PROGRAM, Job, csv
from tests.unit.made import table

CHECK = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
MAY_MOUNT = os.geteuid() == 0 and subprocess.run(CHECK, capture_output=True, check=False).returncode == 0
needs_mounts = pytest.mark.skipif(not MAY_MOUNT, reason="small file systems can be mounted by root alone")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    found = Job(tmp_path / "ml")
    found.put("train", "train.csv", csv(table(3, 50)))
    found.configure({"preset": "fast", "horizon": "5"}, "train")
    for folder in ("model", "output/data", "tmp"):
        (found.base / folder).mkdir(parents=True, exist_ok=True)
    return found


def run_where(job: Job, *conditions: str, after: str = "", **env: str) -> tuple[int, str]:
    """Run the program between these shell commands, in a mount namespace that ends with it."""
    train = f"code=0; {shlex.quote(sys.executable)} {shlex.quote(str(PROGRAM))} train || code=$?"
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-ec", "\n".join([*conditions, train, after, "exit $code"])],
        env={**os.environ, "SAGEMAKER_BASE_DIR": str(job.base), **env},
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    return done.returncode, done.stderr


def small(folder: Path | str, size_kib: int) -> str:
    return f"mount -t tmpfs -o size={size_kib}k tmpfs {folder}"


def reason(job: Job) -> str:
    return job.failure.read_text(encoding="utf-8").splitlines()[0]


FULL = "No space left on device"
DISK = "PlatformError [platform]: The disk or memory failed: "


@needs_mounts
def test_no_room_for_the_model(job: Job) -> None:
    code, err = run_where(job, small(job.base / "model", 16))
    assert code == 1
    assert reason(job).startswith(DISK)
    assert FULL in reason(job)
    assert "Use a larger instance or volume." in reason(job)
    assert reason(job) in err
    assert job.written == []


@needs_mounts
def test_a_whole_volume_that_is_full_still_tells_the_reason(job: Job, tmp_path: Path) -> None:
    kept, told = tmp_path / "kept", tmp_path / "told"
    told.mkdir()
    code, _ = run_where(
        job,
        f"cp -r {job.base} {kept}",
        small(job.base, 96),
        f"cp -r {kept}/* {job.base}",
        after=f"cp -r {job.base}/output {job.base}/model {told}",
    )
    assert code == 1
    first = (told / "output" / "failure").read_text().splitlines()[0]
    assert first.startswith(DISK)
    assert FULL in first
    assert list((told / "model").rglob("*")) == []


@needs_mounts
@pytest.mark.parametrize(
    ("condition", "told"), [(small("{0}", 4), FULL), ("mount -t tmpfs -o ro tmpfs {0}", "Read-only file system")]
)
def test_a_checkpoint_folder_that_takes_nothing_costs_one_line_and_no_job(job: Job, condition: str, told: str) -> None:
    folder = job.base / "checkpoints"
    folder.mkdir()
    copy = f"ls -A {folder} > {job.base}/left"
    code, _ = run_where(job, f"exec > {job.base}/log", condition.format(folder), after=copy)
    lines = [line for line in (job.base / "log").read_text().splitlines() if line.startswith("checkpoint:")]
    assert lines[0] == f"checkpoint: {told}; training goes on, and nothing more is kept"
    assert len(lines) == 2  # and how many units were found
    assert (code, (job.base / "left").read_text(), "manifest.json" in job.written) == (0, "", True)


@needs_mounts
def test_a_full_shared_memory(job: Job) -> None:
    code, err = run_where(job, small("/dev/shm", 4), "head -c 4096 /dev/zero > /dev/shm/full")
    assert code == 1
    assert reason(job) == (
        f"PlatformError [platform]: The processes that share the work cannot start: {FULL} (in /dev/shm)."
        " Free /dev/shm, or give the container more (docker run --shm-size)."
    )
    assert reason(job) in err
    assert job.written == []


@needs_mounts
def test_no_room_for_what_comes_through_a_pipe(job: Job) -> None:
    fifo = job.base / "input" / "data" / "train_0"
    os.mkfifo(fifo)
    config = job.base / "input" / "config" / "inputdataconfig.json"
    config.write_text('{"train": {"TrainingInputMode": "Pipe"}}')
    feed = f"(yes 'i0,2024-01-01,1' | head -c 1000000 > {fifo} 2>/dev/null || true) &"
    code, _ = run_where(job, small(job.base / "tmp", 64), feed, TMPDIR=str(job.base / "tmp"))
    assert code == 1
    assert reason(job) == f"{DISK}OSError: [Errno 28] {FULL}. Use a larger instance or volume."


@needs_mounts
def test_an_input_that_is_read_only_is_read(job: Job) -> None:
    data = job.base / "input"
    code, err = run_where(job, f"mount --bind {data} {data}", f"mount -o remount,bind,ro {data}")
    assert (code, err) == (0, "")
    assert "manifest.json" in job.written


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs /proc")
def test_a_file_that_the_system_does_not_read(job: Job) -> None:
    path = job.base / "input" / "data" / "train" / "train.csv"
    path.unlink()
    path.symlink_to("/proc/self/mem")  # opens, and fails at its first byte, for root as well
    code, _, err = job.run()
    assert code == 1
    assert reason(job) == (
        "PlatformError [platform]: File 'train.csv' of channel 'train' cannot be read: Input/output error."
        " Check its permissions and the disk."
    )
    assert reason(job) in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read(job: Job) -> None:
    (job.base / "input" / "data" / "train" / "train.csv").chmod(0)
    assert job.run()[0] == 1
    assert "File 'train.csv' of channel 'train' cannot be read: Permission denied." in reason(job)
