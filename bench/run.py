"""Measure the product beside its peers, and as the number of series grows: what `make bench` runs.

Everything: `python bench/run.py`. Less: `python bench/run.py accuracy --groups m3_yearly --series 10`.
Apart from these: `python bench/run.py interrupt --sizes 10000 --compare`, for what `kill -9` at half time costs.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pandas as pd

from bench import accuracy, growth, interrupt
from bench.environments import BUILD, HERE
from bench.series import GROUPS

DECIMALS = 4


def main(arguments: Sequence[str] | None = None) -> None:
    """Write accuracy.csv and growth.csv, or one of the two; each is written after every measurement."""
    options = parser().parse_args(arguments)
    options.results.mkdir(parents=True, exist_ok=True)
    if options.what in ("all", "accuracy"):
        sample = accuracy.Sample(tuple(options.groups), options.series, options.seed)
        keep(accuracy.measure(options.methods, sample), options.results / "accuracy.csv")
    if options.what in ("all", "growth"):
        keep(growth.measure(options.sizes, BUILD / "growth"), options.results / "growth.csv")
    if options.what == "interrupt":
        rows = interrupt.measure(options.sizes, BUILD / "interrupt", compare=options.compare)
        keep(rows, options.results / "interrupt.csv")


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("what", nargs="?", choices=("all", "accuracy", "growth", "interrupt"), default="all")
    found.add_argument("--groups", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    found.add_argument("--methods", nargs="+", choices=accuracy.METHODS, default=list(accuracy.METHODS))
    found.add_argument("--series", type=int, default=accuracy.Sample.series, help="series of each group")
    found.add_argument("--seed", type=int, default=accuracy.Sample.seed, help="of the draw of the series")
    found.add_argument("--sizes", nargs="+", type=int, default=list(growth.SIZES), help="numbers of made series")
    found.add_argument(
        "--compare", action="store_true", help="an uninterrupted run as well, and whether it is the same"
    )
    found.add_argument("--results", type=Path, default=HERE / "results", help="folder to write into")
    return found


def keep(rows: Iterable[dict[str, object]], path: Path) -> None:
    """Write the rows as CSV, again after each, so that a run that is cut off leaves what it has."""
    found = []
    for row in rows:
        found.append(row)
        pd.DataFrame(found).round(DECIMALS).to_csv(path, index=False)


if __name__ == "__main__":
    main()
