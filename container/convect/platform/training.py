"""What the program `train` does: read the job, train, and leave either a usable model or the reason why not."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from types import FrameType

from convect.config import Config
from convect.ensemble import NAME as ENSEMBLE
from convect.errors import UserError, nearest
from convect.panel import Panel
from convect.pipeline import TrainResult, fit
from convect.platform.channels import channel_columns, read_channel
from convect.platform.opt_ml import OptML, failure_text
from convect.platform.spec import CHANNELS, METRICS, metric_line
from convect.portfolio import Budget
from convect.quality import QualityReport, validate
from convect.schema import Schema
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
    """Train on the job's channels and write all outputs; raises before anything is left in `model/`."""
    started = time.monotonic()
    config = Config.from_hyperparameters(opt_ml.hyperparameters())
    _check_channels(opt_ml)
    budget = Budget(config.time_limit)
    with _stop_on_sigterm(budget):
        with process_pool() as executor:
            result = _train(opt_ml, config, executor, budget)
        with _all_or_nothing(opt_ml.output_data_dir) as folder:
            write_outputs(result, folder)
        with _all_or_nothing(opt_ml.model_dir, last="manifest.json") as folder:
            result.artifact.save(folder)
    _print_metrics(result, time.monotonic() - started)


def _check_channels(opt_ml: OptML) -> None:
    given, known = opt_ml.channels(), [channel.name for channel in CHANNELS]
    for channel in CHANNELS:
        if channel.required and channel.name not in given:
            raise UserError(
                f"There is no channel '{channel.name}'; found {', '.join(given) or 'none'}.",
                f"Add an input channel named '{channel.name}': {channel.meaning}.",
                code="channel",
            )
    _refuse_shards(opt_ml)
    for name in given:
        if name not in known:
            raise UserError(
                f"Channel '{name}' is not known.",
                f"{nearest(name, known)} The channels are {', '.join(known)}.",
                code="channel",
            )


def _refuse_shards(opt_ml: OptML) -> None:
    """Each host trains on all that it sees, so on several hosts each must see everything."""
    sharded = [name for name, settings in opt_ml.channels().items() if settings.get(DISTRIBUTION) == "ShardedByS3Key"]
    hosts = len(opt_ml.hosts().names)
    if sharded and hosts > 1:
        raise UserError(
            f"Channel '{sharded[0]}' is dealt out among {hosts} hosts, but a model is trained on one host.",
            "Use one instance, or S3DataDistributionType FullyReplicated.",
            code="channel",
        )


def _train(opt_ml: OptML, config: Config, executor: Executor, budget: Budget) -> TrainResult:
    panel, quality, schema = _read(opt_ml, config)
    give_back()
    say = partial(print, flush=True)
    return fit(panel, quality, schema, config, executor=executor, budget=budget, progress=say)


def _read(opt_ml: OptML, config: Config) -> tuple[Panel, QualityReport, Schema]:
    """Return the channels as a panel; the tables themselves, many times its size, end with this function."""
    columns = channel_columns(opt_ml.channel_dir("train"), "train")
    schema = Schema.complete(config.schema, columns)
    print(schema.explain(columns), flush=True)
    text = (*schema.item_id, schema.timestamp)
    tables = {name: read_channel(opt_ml.channel_dir(name), name, text) for name in opt_ml.channels()}
    for name, table in tables.items():
        print(f"channel {name}: {len(table)} rows, {len(table.columns)} columns", flush=True)
    panel, quality = validate(
        tables["train"], schema, config, related=tables.get("related"), static=tables.get("static")
    )
    return panel, quality, schema


def write_outputs(result: TrainResult, folder: Path) -> None:
    """Write the tables a person looks at into `folder`."""
    result.forecasts.to_csv(folder / "forecasts.csv", index=False, float_format=FLOAT_FORMAT)
    result.forecasts.to_parquet(folder / "forecasts.parquet", index=False)
    result.leaderboard.to_csv(folder / "leaderboard.csv", index=False, float_format=FLOAT_FORMAT)
    result.backtest.to_parquet(folder / "backtest.parquet", index=False)
    (folder / "quality.json").write_text(json.dumps(result.quality.to_dict(), indent=1) + "\n", encoding="utf-8")


def _print_metrics(result: TrainResult, seconds: float) -> None:
    board = result.leaderboard.set_index("model")
    row = {str(name): float(value) for name, value in board.loc[ENSEMBLE].items()}
    found = {"train:seconds": seconds, "train:series": float(len(result.artifact.panel))}
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
def _stop_on_sigterm(budget: Budget) -> Iterator[None]:
    """Let SIGTERM end the search, not the program: what is finished by then becomes the model."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        budget.stop.set()

    before: Callable[[int, FrameType | None], object] | int | None = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
