"""What `kill -9` at half time costs: made daily series, `container/train` killed and run again over its checkpoints."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import made, product
from bench.growth import HORIZON_STEPS, POINTS, SEED
from bench.measure import Sampler

SETTINGS = {"horizon": HORIZON_STEPS, "freq": "D", "preset": "fast"}
BEGUN = re.compile(r"^data: ", re.MULTILINE)
TOLD = re.compile(r"^forecast (\d+) of \d+ items", re.MULTILINE)
FOUND = re.compile(r"^checkpoint: (\d+) of (\d+) units found", re.MULTILINE)
PART_SERIES = 200  # a unit of many series
LOOK_S = 0.25
TELL_SECONDS = ("leaderboard.csv", "report.html")
BYTES_PER_MB = 1024 * 1024


@dataclass(frozen=True)
class Life:
    """One run of the program: wall seconds in all and before its work began, the log, and memory of all processes."""

    wall_s: float
    read_s: float
    log: str
    tree_mb: float
    forecast_s: float  # until the first part was told; NaN where the series are one part


def measure(sizes: Sequence[int], folder: Path, *, compare: bool) -> Iterator[dict[str, object]]:
    """Yield a row for each number of series; with `compare` a job that nothing interrupts runs as well.

    Few series are one part that tells nothing on its way: for these the other job says when half the time is over.
    Raises RuntimeError where training fails.
    """
    for series in sizes:
        base = folder / f"{series}-interrupted"
        shutil.rmtree(base, ignore_errors=True)
        made.write(base / "input" / "data" / "train", series, POINTS, SEED)
        whole = finished(live(base)) if compare else None
        expected = digests(base) if compare else {}
        (base / "checkpoints").mkdir()
        killed = live(base, kill_at=series // 2, kill_s=whole.wall_s / 2 if whole and series <= 3_000 else None)
        since_s, kept_mb = newest_s(base), held_mb(base)
        resumed = finished(live(base))
        row = row_of(series, killed, resumed, since_s) | {"checkpoint_half_mb": kept_mb, "checkpoint_mb": held_mb(base)}
        if whole is not None:
            row |= {"whole_s": whole.wall_s, "whole_mb": whole.tree_mb, "same": digests(base) == expected}
        shutil.rmtree(base)
        print(row, flush=True)
        yield row


def row_of(series: int, killed: Life, resumed: Life, since_s: float) -> dict[str, object]:
    """Say what was lost: the work since the last file was written, and the units that were then under way."""
    found, units = map(int, FOUND.findall(resumed.log)[-1])
    told = [int(count) for count in TOLD.findall(killed.log)]
    parts = (told[-1] - told[0]) / PART_SERIES if told else 0.0
    unit_s = 2 * (killed.wall_s - killed.forecast_s) / parts if parts else 0.0
    work_s = killed.wall_s - killed.read_s + resumed.wall_s - resumed.read_s
    return {
        "series": series,
        "killed_s": killed.wall_s,
        "resumed_s": resumed.wall_s,
        "read_again_s": resumed.read_s,
        "series_per_wall_s": series / (killed.wall_s + resumed.wall_s),
        "units": units,
        "found": found,
        "since_last_file_s": since_s,
        "unit_s": unit_s,
        "lost_share": (since_s + unit_s) / work_s,
        "killed_mb": killed.tree_mb,
        "resumed_mb": resumed.tree_mb,
    }


def live(base: Path, kill_at: int | None = None, kill_s: float | None = None) -> Life:
    """Run the program to its end, or kill it once so many series are forecast or so many seconds over."""
    product.write_json(base / "input/config/hyperparameters.json", {k: str(v) for k, v in SETTINGS.items()})
    product.write_json(base / "input/config/inputdataconfig.json", {"train": {"TrainingInputMode": "File"}})
    for left in ("model", "output"):  # the next instance has nothing but the inputs and the checkpoints
        shutil.rmtree(base / left, ignore_errors=True)
    begun, read_s, forecast_s, log = time.monotonic(), float("nan"), float("nan"), base / "train.log"
    environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(base)}
    command = [sys.executable, str(product.TRAIN)]
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=environment)
        with Sampler(process.pid) as sampler:
            while process.poll() is None:
                time.sleep(LOOK_S)
                said, now = log.read_text(encoding="utf-8", errors="replace"), time.monotonic() - begun
                told = [int(count) for count in TOLD.findall(said)]
                read_s = now if read_s != read_s and BEGUN.search(said) else read_s
                forecast_s = now if forecast_s != forecast_s and told else forecast_s
                if (kill_at and told and told[-1] >= kill_at) or (kill_s and now > kill_s):
                    process.kill()
                    process.wait()
    said = log.read_text(encoding="utf-8", errors="replace")
    if process.returncode not in (0, -9):
        raise RuntimeError(f"container/train ended with {process.returncode}: {product.last_words(log)}")
    return Life(time.monotonic() - begun, read_s, said, sampler.tree_mb, forecast_s)


def finished(life: Life) -> Life:
    """Return a run that came to its end; raises RuntimeError for another."""
    if "metric: train:series=" not in life.log:
        raise RuntimeError("container/train was killed by somebody else.")
    return life


def newest_s(base: Path) -> float:
    """Return the seconds since a checkpoint file was last written, NaN where there is none."""
    written = [path.stat().st_mtime for path in (base / "checkpoints").glob("*.units")]
    return time.time() - max(written, default=float("nan"))


def held_mb(base: Path) -> float:
    """Return the size of the checkpoints."""
    return sum(path.stat().st_size for path in (base / "checkpoints").iterdir()) / BYTES_PER_MB


def digests(base: Path) -> dict[str, str]:
    """Return the sha256 of each file that a job left; those that tell seconds left out."""
    files = [*(base / "model").iterdir(), *(base / "output" / "data").iterdir()]
    return {file.name: hash_of(file) for file in files if file.name not in TELL_SECONDS}


def hash_of(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
