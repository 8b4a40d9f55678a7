"""What more series cost: `container/train` with the preset `fast` on made daily series, a thousand and upwards."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from bench import made, product

SIZES = (1_000, 10_000, 100_000)
POINTS = 400
HORIZON_STEPS = 14
SEED = 2026


def measure(sizes: Sequence[int], folder: Path, points: int = POINTS) -> Iterator[dict[str, object]]:
    """Yield a row for each size: CPU-seconds, wall seconds, series a second, memory; `folder` is emptied again.

    Raises RuntimeError where training fails or a series has no forecast.
    """
    for series in sizes:
        base = folder / f"{series}-series"
        shutil.rmtree(base, ignore_errors=True)
        made.write(base / "input" / "data" / "train", series, points, SEED)
        settings = {"horizon": HORIZON_STEPS, "freq": "D", "preset": "fast"}
        cost = product.train(base, settings)
        rows = pq.read_metadata(base / "output" / "data" / "forecasts.parquet").num_rows
        if rows != series * HORIZON_STEPS:
            raise RuntimeError(f"{series} series have {rows} rows of forecasts, not {series * HORIZON_STEPS}.")
        shutil.rmtree(base)
        print(f"{series} series: {cost.cpu_s:.0f} CPU-seconds, {cost.tree_mb:.0f} MB", flush=True)
        yield {
            "series": series,
            "points": points,
            "cpu_s": cost.cpu_s,
            "cpu_s_per_series": cost.cpu_s / series,
            "wall_s": cost.wall_s,
            "series_per_cpu_s": series / cost.cpu_s,
            "series_per_wall_s": series / cost.wall_s,
            "process_mb": cost.process_mb,
            "tree_mb": cost.tree_mb,
        }
