"""Measure the server beside its peers, and whether load, killed workers and SIGTERM cost a request.

`python bench/serving.py speed` is what `make bench-serving` runs; `soak` (15 minutes) and `drain` (30 s) put one server
under load. All load comes from wrk.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import endurance, speed
from bench.environments import BUILD, HERE
from bench.run import keep

FOLDER = BUILD / "serving"


def main(arguments: Sequence[str] | None = None) -> None:
    """Write serving.csv, or print what a soak or a drain found; exit 1 where a request was lost."""
    options = parser().parse_args(arguments)
    if options.what == "speed":
        options.results.mkdir(parents=True, exist_ok=True)
        keep(speed.measure(FOLDER, options.seconds or 10), options.results / "serving.csv")
        return
    watched = endurance.soak if options.what == "soak" else endurance.drain
    found = watched(FOLDER, options.seconds or {"soak": 900, "drain": 30}[options.what])
    print(json.dumps(found, indent=1))
    if not found["passed"]:
        sys.exit(1)


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("what", nargs="?", choices=("speed", "soak", "drain"), default="speed")
    found.add_argument("--seconds", type=int, help="of each load; 10 for speed, 900 for soak, 30 for drain")
    found.add_argument("--results", type=Path, default=HERE / "results", help="folder to write into")
    return found


if __name__ == "__main__":
    main()
