"""The program of a processing job: `python -m monitor --forecasts DIR --actuals DIR --backtest DIR --output DIR`.

Each folder holds CSV or Parquet files; that of the backtest may hold the training's `output.tar.gz` as it is. What is
written is `decision.json`, `groups.csv` and `items.csv`.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from .comparing import Report, monitor

BACKTEST = "backtest.parquet"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the folders, compare, and write what was found.

    Raises:
        SystemExit: a folder holds no table, or there is nothing to compare; the message says which.
    """
    given = parse(arguments)
    try:
        needed = [table(place) for place in (given.forecasts, given.actuals, given.backtest)]
        optional = [table(place) if place else None for place in (given.history, given.groups)]
        report = monitor(*needed, *optional, season_steps=given.season_steps)
    except (KeyError, ValueError) as error:
        sys.exit(f"UserError [monitor]: {error}")
    write(report, Path(given.output))
    print(f"retrain: {report.retrain}. {report.reason}")


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the places of the tables."""
    parser = argparse.ArgumentParser(prog="monitor", description="Compare forecasts with what came.")
    for name in ("forecasts", "actuals", "backtest", "output"):
        parser.add_argument(f"--{name}", required=True, help="a folder")
    parser.add_argument("--history", help="a folder with what the model was trained on, for MASE and SQL")
    parser.add_argument("--groups", help="a folder with a table of an item a row, each further column a grouping")
    parser.add_argument("--season-steps", type=int, default=1, help="of MASE")
    return parser.parse_args(arguments)


def table(place: str) -> pd.DataFrame:
    """Return all tables of a folder as one; raise ValueError where it holds none."""
    frames = [frame for path in sorted(Path(place).rglob("*")) for frame in read(path)]
    if not frames:
        raise ValueError(f"There is no CSV or Parquet file in {place}.")
    return pd.concat(frames, ignore_index=True)


def read(path: Path) -> Iterator[pd.DataFrame]:
    """Yield the table of a file, if it is one; of a training's output archive, the backtest."""
    if path.suffix == ".csv":
        yield pd.read_csv(path, dtype={"item_id": str})
    elif path.suffix == ".parquet":
        yield pd.read_parquet(path)
    elif path.name.endswith(".tar.gz"):
        with tarfile.open(path) as archive:
            members = [member for member in archive.getmembers() if Path(member.name).name == BACKTEST]
            for file in (archive.extractfile(member) for member in members):
                if file:
                    yield pd.read_parquet(io.BytesIO(file.read()))


def write(report: Report, output: Path) -> None:
    """Write the decision, and the tables it rests on."""
    output.mkdir(parents=True, exist_ok=True)
    decision = {"retrain": report.retrain, "flags": report.flags, "reason": report.reason}
    (output / "decision.json").write_text(json.dumps(decision, indent=2), encoding="utf-8")
    report.groups.to_csv(output / "groups.csv", index=False)
    report.items.to_csv(output / "items.csv")


if __name__ == "__main__":
    main()
