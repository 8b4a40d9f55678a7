"""What the program `train` does: read the job, train, and leave either a usable model or the reason why not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from types import FrameType

from convect.appending import table_files
from convect.config import Config
from convect.ensemble import NAME as ENSEMBLE
from convect.errors import UserError, nearest
from convect.panel import Panel
from convect.pipeline import TrainResult
from convect.platform.channels import channel_columns, read_channel
from convect.platform.hosts import Crew, follow, leading
from convect.platform.opt_ml import Hosts, OptML, failure_text
from convect.platform.spec import CHANNELS, METRICS, metric_line
from convect.portfolio import Budget
from convect.quality import QualityReport, validate
from convect.schema import Schema
from convect.streaming import in_parts
from convect.workers import give_back, process_pool

FLOAT_FORMAT = "%.10g"
DISTRIBUTION = "S3DistributionType"  # of a channel in inputdataconfig.json


def main() -> int:
    """Train in the tree that the environment names; return the exit code, 0 only with a usable model."""
    opt_ml = OptML.from_environment(os.environ)
    try:
        opt_ml.failure_path.unlink(missing_ok=True)
        run(opt_ml)
    except Exception as error:  # whatever it is, the job's owner must read the reason
        opt_ml.write_failure(error)
        print(failure_text(error), file=sys.stderr, flush=True)
        return 1
    return 0


def run(opt_ml: OptML) -> None:
    """Train on the job's channels and write all outputs, or help the host that does.

    Raises before anything is left in `model/`.
    """
    hosts = opt_ml.hosts()
    if hosts.rank == 0:
        _lead(opt_ml, hosts)
    else:
        with _on_sigterm(sys.exit):
            follow(hosts, {name: opt_ml.channel_dir(name) for name in _sharded(opt_ml)})


def _lead(opt_ml: OptML, hosts: Hosts) -> None:
    started, stop = time.monotonic(), threading.Event()
    # Until its end SIGTERM ends the search, not the program: what is finished by then becomes the model.
    with _on_sigterm(stop.set), ExitStack() as to_the_end:
        with process_pool() as executor:  # forked while there is no socket that the processes would keep open
            crew = to_the_end.enter_context(leading(hosts, stop, opt_ml.write_failure))
            config = Config.from_hyperparameters(opt_ml.hyperparameters())
            _check_channels(opt_ml)
            first = _write(opt_ml, _train(opt_ml, config, crew, executor, Budget(config.time_limit, stop)))
        _print_metrics(first, time.monotonic() - started)


def _write(opt_ml: OptML, parts: Iterator[TrainResult]) -> TrainResult:
    """Write all parts as they come and return the first, whose leaderboard is complete then."""
    with (
        _all_or_nothing(opt_ml.model_dir, last="manifest.json") as model,
        _all_or_nothing(opt_ml.output_data_dir) as outputs,
    ):
        written = write_outputs(parts, outputs)
        first = next(written)
        first.artifact.save(model, (part.artifact for part in written))
    return first


def _check_channels(opt_ml: OptML) -> None:
    given, known = opt_ml.channels(), [channel.name for channel in CHANNELS]
    for channel in CHANNELS:
        if channel.required and channel.name not in given:
            raise UserError(
                f"There is no channel '{channel.name}'; found {', '.join(given) or 'none'}.",
                f"Add an input channel named '{channel.name}': {channel.meaning}.",
                code="channel",
            )
    for name in given:
        if name not in known:
            raise UserError(
                f"Channel '{name}' is not known.",
                f"{nearest(name, known)} The channels are {', '.join(known)}.",
                code="channel",
            )


def _sharded(opt_ml: OptML) -> list[str]:
    """Return the channels of which each host has a share; of any other each has all."""
    return [name for name, settings in opt_ml.channels().items() if settings.get(DISTRIBUTION) == "ShardedByS3Key"]


def _train(opt_ml: OptML, config: Config, crew: Crew, executor: Executor, budget: Budget) -> Iterator[TrainResult]:
    opt_ml.output_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".hosts-", dir=opt_ml.output_dir) as folder:
        hosts = crew.gather(_sharded(opt_ml), Path(folder))
        shards = {name: [host / name for host in hosts] for name in opt_ml.channels()}
        panel, quality, schema = _read(opt_ml, config, shards)
    give_back()
    say = partial(print, flush=True)
    return in_parts(panel, quality, schema, config, executor=executor, budget=budget, progress=say)


def _read(opt_ml: OptML, config: Config, shards: Mapping[str, Sequence[Path]]) -> tuple[Panel, QualityReport, Schema]:
    """Return the channels as a panel; the tables themselves, many times its size, end with this function.

    `shards` are the folders of other hosts by channel.
    """
    columns = channel_columns(opt_ml.channel_dir("train"), "train", shards["train"])
    schema = Schema.complete(config.schema, columns)
    print(schema.explain(columns), flush=True)
    text = (*schema.item_id, schema.timestamp)
    tables = {name: read_channel(opt_ml.channel_dir(name), name, text, shards[name]) for name in opt_ml.channels()}
    for name, table in tables.items():
        print(f"channel {name}: {len(table)} rows, {len(table.columns)} columns", flush=True)
    give_back()
    panel, quality = validate(
        tables["train"], schema, config, related=tables.get("related"), static=tables.get("static")
    )
    return panel, quality, schema


def write_outputs(parts: Iterable[TrainResult], folder: Path) -> Iterator[TrainResult]:
    """Write the tables a person looks at into `folder`, part by part as they come, and hand each part on."""
    with table_files(folder, ("forecasts", "backtest")) as files:
        for number, part in enumerate(parts):
            with (folder / "forecasts.csv").open("a", encoding="utf-8", newline="") as file:
                part.forecasts.to_csv(file, index=False, header=not number, float_format=FLOAT_FORMAT)
            files["forecasts"].add(part.forecasts)
            files["backtest"].add(part.backtest)
            yield part
    part.leaderboard.to_csv(folder / "leaderboard.csv", index=False, float_format=FLOAT_FORMAT)
    (folder / "quality.json").write_text(json.dumps(part.quality.to_dict(), indent=1) + "\n", encoding="utf-8")


def _print_metrics(result: TrainResult, seconds: float) -> None:
    board = result.leaderboard.set_index("model")
    row = {str(name): float(value) for name, value in board.loc[ENSEMBLE].items()}
    found = {"train:seconds": seconds, "train:series": float(result.quality.items)}
    found |= {f"validation:{name}": value for name, value in row.items() if f"validation:{name}" in _NAMES}
    found["validation:coverage80"] = row["coverage_80"]
    for name, value in found.items():
        metric_line(name, value)


_NAMES = frozenset(metric.name for metric in METRICS)


@contextmanager
def _all_or_nothing(folder: Path, last: str = "") -> Iterator[Path]:
    """Give a folder to write into, whose files appear in `folder` only once all are written; the file `last` last."""
    folder.mkdir(parents=True, exist_ok=True)
    partial = Path(mkdtemp(prefix=".partial-", dir=folder))
    try:
        yield partial
        for path in sorted(partial.iterdir(), key=lambda path: (path.name == last, path.name)):
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _on_sigterm(act: Callable[[], object]) -> Iterator[None]:
    """Do this on SIGTERM, and nothing else, for as long as the block runs."""

    def handle(_signal: int, _frame: FrameType | None) -> None:
        act()

    before: Callable[[int, FrameType | None], object] | int | None = signal.signal(signal.SIGTERM, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
