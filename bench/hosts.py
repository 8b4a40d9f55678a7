"""What more hosts gain, on paper: the leader's own share of a job, counted in one process, and arithmetic from there.

`python bench/hosts.py measure` writes results/hosts.csv; `python bench/hosts.py` prints the estimate, and `make readme`
puts it into bench/README.md.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import ParamSpec, TypeVar
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "container")]

from bench import made  # noqa: E402
from convect.platform import training  # noqa: E402
from convect.platform.opt_ml import OptML  # noqa: E402
from convect.report.report import Report  # noqa: E402
from convect.training import streaming  # noqa: E402
from convect.training.learning import apply  # noqa: E402
from convect.training.streaming import LEARN_SERIES  # noqa: E402
from convect.training.workers import Here, Wide  # noqa: E402

RESULTS = ROOT / "bench" / "results"
SERIES, LEARNT_FROM, POINTS, HORIZON_STEPS, SEED = 1_000, 600, 400, 14, 2026  # small: costs are a series' own
PRESETS = ("fast", "balanced")
ASKED = 100_000  # series of the estimate
HOSTS = (1, 8, 32)
CORES = 16  # of ml.m5.4xlarge, each taken for one of the machine that measured; hyper-threads are less than that
WRITE: Callable[..., None] = Report.write
P = ParamSpec("P")
T = TypeVar("T")


class Counting(Wide):
    """Does the work at once, and counts for learning (first) and answering (second) its seconds, units and bytes.

    serial_s: what the leader alone spends on learning, on answering, and on the page.
    """

    def __init__(self) -> None:
        self.seconds, self.units, self.bytes, self.serial_s = [0.0, 0.0], [0, 0], [0, 0], [0.0, 0.0, 0.0]
        self._clock = time.process_time()
        self.shared_bytes = 0
        self.reading_s: float | None = None

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Return a call's result, done here."""
        kind = int(fn is apply)
        sent = 0 if fn is apply else len(ForkingPickler.dumps(args))
        sent += len(ForkingPickler.dumps(args[0])) if fn is apply else 0
        self.lap(kind)
        done = Here().submit(fn, *args, **kwargs)
        spent = time.process_time() - self._clock
        self.bytes[kind] += sent + len(ForkingPickler.dumps(done.result()))
        self.seconds[kind] += spent
        self.units[kind] += 1
        self._clock = time.process_time()
        return done

    def start(self) -> None:
        """Count from now on; until the first unit it is reading."""
        self._clock = time.process_time()

    def lap(self, kind: int) -> None:
        """Count what was spent since the last unit as the leader's own."""
        now = time.process_time()
        if self.reading_s is None:
            self.reading_s = now - self._clock
        else:
            self.serial_s[kind] += now - self._clock
        self._clock = now

    def page(self, report: Report, *args: object) -> None:
        """Count what the report costs: it shows the same number of series of any more."""
        self.lap(1)
        WRITE(report, *args)
        self.lap(2)

    def share(self, value: T) -> T:
        """Count what is sent once to each process; what came before was learning."""
        self.lap(0)
        self.shared_bytes = len(ForkingPickler.dumps(value))
        return value

    @property
    def ahead(self) -> int:
        """One at a time."""
        return 1


def measure(preset: str) -> dict[str, object]:
    """Return a row of results/hosts.csv for a preset: CPU-seconds of the leader and of the units, units, bytes."""
    counting = Counting()

    @contextmanager
    def alone(_: object) -> Iterator[tuple[Counting, None]]:
        yield counting, None

    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder, patch.object(training, "_workers", alone):
        stack.enter_context(patch.object(streaming, "LEARN_SERIES", LEARNT_FROM))
        stack.enter_context(patch.object(Report, "write", lambda *args: counting.page(*args)))
        made.write(Path(folder) / "input" / "data" / "train", SERIES, POINTS, SEED)
        config = Path(folder) / "input" / "config"
        config.mkdir(parents=True)
        text = f'{{"horizon": "{HORIZON_STEPS}", "freq": "D", "preset": "{preset}"}}'
        (config / "hyperparameters.json").write_text(text)
        counting.start()
        training.run(OptML(Path(folder)))
        counting.lap(1)
    return {
        "preset": preset,
        "series": SERIES,
        "points": POINTS,
        "learnt_from": LEARNT_FROM,
        "serial_reading_s": round(counting.reading_s or 0.0, 3),
        "serial_learning_s": round(counting.serial_s[0], 3),
        "serial_answering_s": round(counting.serial_s[1], 3),
        "serial_page_s": round(counting.serial_s[2], 3),
        "units_learning_s": round(counting.seconds[0], 3),
        "units_answering_s": round(counting.seconds[1], 3),
        "units_learning": counting.units[0],
        "units_answering": counting.units[1],
        "bytes_learning": counting.bytes[0],
        "bytes_answering": counting.bytes[1],
        "bytes_shared": counting.shared_bytes,
    }


def scales(row: Mapping[str, float]) -> tuple[float, float, float]:
    """Return how many times the series of a row are read, learnt from, and answered for besides in the estimate."""
    others = (ASKED - LEARN_SERIES) / (row["series"] - row["learnt_from"])
    return ASKED / row["series"], LEARN_SERIES / row["learnt_from"], others


def estimate(row: Mapping[str, float], hosts: int) -> dict[str, float]:
    """Return seconds of a job of ASKED series: what is serial, what is shared, and both together; and GB sent.

    Everything but the page is scaled by the series it is done for, learning by LEARN_SERIES, reading and answering by
    all. It makes too much of the global models, whose sample of windows does not grow with the series.
    """
    whole, learnt, others = scales(row)
    serial = (row["serial_reading_s"] + row["serial_answering_s"]) * whole
    serial += row["serial_learning_s"] * learnt + row["serial_page_s"]
    shared = row["units_learning_s"] * learnt + row["units_answering_s"] * others
    sent = row["bytes_learning"] * learnt + row["bytes_answering"] * others + row["bytes_shared"] * hosts * CORES
    wide = shared / (hosts * CORES)
    return {"serial": serial, "shared": shared, "wide": wide, "wall": serial + wide, "gb": sent / 1e9}


HEAD = """\
| preset | hosts | shared, CPU-s | over all cores, s | leader, s | together, s | times one host | sent, GB |
|---|---|---|---|---|---|---|---|"""


def line(preset: str, row: Mapping[str, float], hosts: int) -> str:
    """Return the estimate for a number of hosts as a row of the table."""
    found, gain = estimate(row, hosts), estimate(row, 1)["wall"] / estimate(row, hosts)["wall"]
    return (
        f"| `{preset}` | {hosts} | {found['shared']:,.0f} | {found['wide']:,.0f} | {found['serial']:,.0f} |"
        f" {found['wall']:,.0f} | {gain:.1f} | {found['gb']:.1f} |"
    )


def arithmetic(preset: str, row: Mapping[str, float]) -> str:
    """Return the estimate's own sums, from what was measured."""
    (whole, learnt, others), found = scales(row), estimate(row, 1)
    serial = f"{row['serial_reading_s']:g} · {whole:g} (reading) + {row['serial_learning_s']:g} · {learnt:g} (learning)"
    serial += f" + {row['serial_answering_s']:g} · {whole:g} (writing) + {row['serial_page_s']:g} (the page)"
    shared = (
        f"{row['units_learning_s']:g} · {learnt:g} (learning) + {row['units_answering_s']:g} · {others:g} (the rest)"
    )
    mb = {name: f"{row[f'bytes_{name}'] / 1e6:.2f}" for name in ("learning", "answering", "shared")}
    return (
        f"* `{preset}`: the leader {serial} = {found['serial']:,.0f} s;\n"
        f"  shared {shared} = {found['shared']:,.0f} CPU-s, over {CORES} cores a host;\n"
        f"  sent {mb['learning']} · {learnt:g} + {mb['answering']} · {others:g} MB, and {mb['shared']} MB to each core."
    )


def markdown() -> str:
    """Return the estimate as a table, and its arithmetic."""
    with (RESULTS / "hosts.csv").open() as file:
        read = list(csv.DictReader(file))
    rows = {row.pop("preset"): {name: float(value) for name, value in row.items()} for row in read}
    table = [line(preset, row, hosts) for preset, row in rows.items() for hosts in HOSTS]
    return "\n".join([HEAD, *table, "", *(arithmetic(preset, row) for preset, row in rows.items())])


def main() -> None:
    """Measure, or print the estimate."""
    if sys.argv[1:] == ["measure"]:
        rows = [measure(preset) for preset in PRESETS]
        with (RESULTS / "hosts.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
    else:
        print(markdown())


if __name__ == "__main__":
    main()
