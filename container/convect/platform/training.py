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

from convect.artifact import Artifact
from convect.config import Config, given
from convect.errors import UserError, nearest
from convect.pipeline import TrainResult
from convect.platform.helping import helpers
from convect.platform.hosts import Crew, follow, leading
from convect.platform.inputs import folders, sharded
from convect.platform.invitation import Invitation
from convect.platform.opt_ml import Hosts, OptML, failure_text
from convect.platform.sharing import sharing
from convect.platform.spec import CHANNELS, NAMES, metric_line
from convect.platform.tracking import log_run
from convect.platform.work import Work, earlier_model, read_settings, read_work
from convect.reading.datasets import Dataset
from convect.report.report import Report
from convect.training.appending import table_files
from convect.training.checkpoint import kept
from convect.training.ensemble import NAME as ENSEMBLE
from convect.training.portfolio import Budget
from convect.training.refit import SEARCH, Refitted, refit, refit_config
from convect.training.remembering import Remembering
from convect.training.scoring import score
from convect.training.streaming import in_parts
from convect.training.workers import give_back, process_pool

FLOAT_FORMAT = "%.10g"
Result = TrainResult | Refitted
TABLES = ("forecasts", "explanations", "backtest")  # written as Parquet, part by part
REFIT_TABLES = ("forecasts", "explanations")


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
        with _on_sigterm(sys.exit), helpers(hosts.current) as own, folders(opt_ml, sharded(opt_ml)) as found:
            follow(hosts, {name: folder for name, (folder,) in found.items()}, own.begin)


def _lead(opt_ml: OptML, hosts: Hosts) -> None:
    started, stop = time.monotonic(), threading.Event()
    # Until its end SIGTERM ends the search, not the program: what is finished by then becomes the model.
    with _on_sigterm(stop.set), ExitStack() as to_the_end:
        with _workers(hosts) as (workers, invitation):  # forked while there is no socket that they would keep open
            crew = to_the_end.enter_context(leading(hosts, stop, opt_ml.write_failure, invitation=invitation))
            config, datasets = read_settings(opt_ml)
            _check_channels(opt_ml)
            earlier = earlier_model(opt_ml)
            if earlier is not None:
                config = _as_refit(earlier, opt_ml)
            work = _read(opt_ml, config, datasets, earlier, crew)
            executor = to_the_end.enter_context(_remembering(workers, opt_ml, hosts))
            first = _write(opt_ml, _train(work, config, earlier, executor, Budget(config.time_limit, stop)), earlier)
        found = _metrics(first, work, opt_ml, time.monotonic() - started)
        for name, value in found.items():
            metric_line(name, value)
        log_run(os.environ, first.artifact.config.to_dict(), found)


@contextmanager
def _remembering(executor: Executor, opt_ml: OptML, hosts: Hosts) -> Iterator[Executor]:
    """Give the executor with a memory in the folder of checkpoints, where the job has one."""
    with kept(opt_ml.checkpoint_dir, hosts.current, partial(print, flush=True)) as checkpoint:
        yield executor if checkpoint is None else Remembering(executor, checkpoint)


@contextmanager
def _workers(hosts: Hosts) -> Iterator[tuple[Executor, Invitation | None]]:
    """Give the processes of this host or, where the job has more, of all of them."""
    if len(hosts.names) > 1:
        with sharing(hosts) as found:
            yield found
    else:
        with process_pool() as pool:
            yield pool, None


def _as_refit(earlier: Artifact, opt_ml: OptML) -> Config:
    stated = given(opt_ml.hyperparameters())
    idle = ", ".join(name for name in SEARCH if name in stated)
    if idle:
        print(f"A refit searches nothing: {idle} have no effect.", flush=True)
    return refit_config(earlier, stated)


def _write(opt_ml: OptML, parts: Iterator[Result], earlier: Artifact | None) -> Result:
    """Write all parts as they come and return the first, whose leaderboard is complete then."""
    with (
        _all_or_nothing(opt_ml.model_dir, last="manifest.json") as model,
        _all_or_nothing(opt_ml.output_data_dir) as outputs,
    ):
        written = write_outputs(parts, outputs, TABLES if earlier is None else REFIT_TABLES)
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


def _read(opt_ml: OptML, config: Config, datasets: Mapping[str, Dataset], earlier: Artifact | None, crew: Crew) -> Work:
    opt_ml.output_dir.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".hosts-", dir=opt_ml.output_dir) as folder:
        hosts = crew.gather(sharded(opt_ml), Path(folder))
        shards = {name: [host / name for host in hosts] for name in opt_ml.channels()}
        work = read_work(opt_ml, config, datasets, earlier, shards)
    give_back()
    return work


def _train(
    work: Work, config: Config, earlier: Artifact | None, executor: Executor, budget: Budget
) -> Iterator[Result]:
    say = partial(print, flush=True)
    if earlier is None:
        return in_parts(work.panel, work.quality, work.schema, config, executor=executor, budget=budget, progress=say)
    return iter([refit(earlier, work.panel, work.quality, config, executor=executor, budget=budget, progress=say)])


def write_outputs(parts: Iterable[Result], folder: Path, tables: Sequence[str]) -> Iterator[Result]:
    """Write the tables and the page a person looks at into `folder`, part by part as they come, and hand each part on.

    A refit, which searches nothing, has no backtest among its `tables` and no leaderboard.
    """
    report = Report(partial(print, flush=True))
    with table_files(folder, tables) as files:
        for number, part in enumerate(parts):
            with (folder / "forecasts.csv").open("a", encoding="utf-8", newline="") as file:
                part.forecasts.to_csv(file, index=False, header=not number, float_format=FLOAT_FORMAT)
            for name in tables:
                files[name].add(getattr(part, name))
            report.add(part)
            yield part
    if isinstance(part, TrainResult):
        part.leaderboard.to_csv(folder / "leaderboard.csv", index=False, float_format=FLOAT_FORMAT)
        part.coverage.to_csv(folder / "coverage.csv", index=False, float_format=FLOAT_FORMAT)
        if part.levels is not None:
            part.levels.to_csv(folder / "hierarchy.csv", index=False, float_format=FLOAT_FORMAT)
    if part.effects is not None:
        part.effects.to_csv(folder / "effects.csv", index=False, float_format=FLOAT_FORMAT)
    (folder / "quality.json").write_text(json.dumps(part.quality.to_dict(), indent=1) + "\n", encoding="utf-8")
    report.write(folder, part)


def _metrics(result: Result, work: Work, opt_ml: OptML, seconds: float) -> dict[str, float]:
    """Each declared metric that this job has."""
    whole = work.panel if isinstance(result, TrainResult) else result.artifact.panel
    found = {"train:seconds": seconds, "train:series": float(len(work.panel))}
    if isinstance(result, TrainResult):
        row = result.leaderboard.set_index("model").loc[ENSEMBLE].rename({"coverage_80": "coverage80"})
        scores = {f"validation:{name}": float(value) for name, value in row.items()}
        found |= {name: value for name, value in scores.items() if name in NAMES}
    if work.actuals is not None:  # the artifact of many series is whole only where it was written
        scores = score(Artifact.load(opt_ml.model_dir), work.actuals, whole)
        found |= {f"test:{name}": value for name, value in scores.items()}
    return found


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
