"""What a training job brings, read: settings, panel, schema, an earlier model, and what happened afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from convect.artifact import Artifact
from convect.config import Config
from convect.errors import UserError
from convect.panel import Panel
from convect.platform.earlier import read_earlier
from convect.platform.inputs import TABLES, Folders, folders, is_sharded, read_inputs, settings_of
from convect.platform.opt_ml import OptML
from convect.platform.pipes import is_pipe
from convect.quality import QualityReport, validate
from convect.reading import deepar
from convect.reading.clocks import turned
from convect.reading.columns import plain
from convect.reading.datasets import Dataset
from convect.schema import Schema
from convect.training.refit import check_schema
from convect.training.scoring import Actuals, read_actuals
from convect.training.workers import give_back

MODEL = "model"  # the channel of an earlier model


@dataclass(frozen=True, eq=False)
class Work:
    """What a job brings, read: the panel and what was repaired, the schema, and what happened after its end."""

    panel: Panel
    quality: QualityReport
    schema: Schema
    actuals: Actuals | None


def read_settings(opt_ml: OptML) -> tuple[Config, dict[str, Dataset]]:
    """Return the settings, and what describes the data, of the hyperparameters and of files in the channels.

    Prints which hyperparameters of DeepAR have no effect. Raises ConfigError and UserError.
    """
    names = [name for name in opt_ml.channels() if name in TABLES]
    stated = opt_ml.hyperparameters()
    found = settings_of(stated, {name: [opt_ml.channel_dir(name)] for name in names})
    idle = ", ".join(deepar.idle(stated))
    if idle:
        print(f"hyperparameters of DeepAR's network, without effect here: {idle}", flush=True)
    return found


def earlier_model(opt_ml: OptML) -> Artifact | None:
    """Return the model of channel `model`, None where there is no such channel; raises as `read_earlier` does."""
    settings = opt_ml.channels().get(MODEL)
    if settings is None:
        return None
    if is_pipe(settings):
        message = f"Channel '{MODEL}' comes through a pipe, but a model is files."
        raise UserError(message, "Use input mode File for it.", code="channel")
    if is_sharded(settings) and len(opt_ml.hosts().names) > 1:
        message = f"Channel '{MODEL}' is dealt out among the hosts by ShardedByS3Key, but a model is needed whole."
        raise UserError(message, "Set S3DataDistributionType to FullyReplicated for it.", code="channel")
    return read_earlier(opt_ml.channel_dir(MODEL))


def read_work(
    opt_ml: OptML, config: Config, datasets: Mapping[str, Dataset], earlier: Artifact | None, shards: Folders
) -> Work:
    """Return the channels as a panel; the tables themselves, many times its size, end with this function.

    `shards` are the folders of other hosts by channel. Raises UserError, ConfigError or DataError where they cannot
    be used.
    """
    with folders(opt_ml) as own:
        channels = {name: [*found, *shards[name]] for name, found in own.items()}
        schema, tables = read_inputs(config, datasets, channels)
    give_back()  # the reader's own memory, before the check needs as much again
    if earlier is not None:
        check_schema(earlier.schema, schema)
        _to_clock(tables, ("train", "related"), schema, earlier.panel.clock_min, earlier.frequency.of_days)
    panel, quality = validate(
        tables["train"],
        schema,
        config,
        related=tables.get("related"),
        static=tables.get("static"),
        frequency=None if earlier is None else earlier.frequency,
        categories=None if earlier is None else earlier.panel.categories,
    )
    if told := quality.aggregated():
        print(f"aggregate: {told}", flush=True)
    _tell_future(panel, quality)
    actuals = None
    if "test" in tables:
        learnt = None if earlier is None else earlier.panel.clock_min
        _to_clock(tables, ("test",), schema, panel.clock_min if learnt is None else learnt, panel.frequency.of_days)
        horizon = config.horizon or panel.frequency.natural_horizon
        actuals = read_actuals(tables["test"], schema, panel, horizon, config.aggregate, stated=config.freq is not None)
        print(f"test: {actuals.count} values of {actuals.items} items to score with", flush=True)
    return Work(panel, quality, schema, actuals)


def _tell_future(panel: Panel, quality: QualityReport) -> None:
    """Print, in one line, which known covariates lack values at steps that are forecast, and how many."""
    found = quality.findings.loc[quality.findings["finding"] == "future_missing", "count"]
    if len(found):
        names = [name for place, name in enumerate(panel.known_names) if np.isnan(panel.future[..., place]).any()]
        steps = f"{int(found.sum())} of {len(panel) * panel.horizon} steps ahead, in {len(found)} of {len(panel)} items"
        print(f"known covariates without a value at {steps}: {', '.join(names)}; left empty", flush=True)


def _to_clock(
    tables: dict[str, pd.DataFrame], names: tuple[str, ...], schema: Schema, clock_min: float | None, days: bool
) -> None:
    """Turn stamps told by another clock to the one of training, and say so."""
    for name in (name for name in names if name in tables):
        table, told = turned(plain(tables[name]), schema.timestamp, clock_min, f"channel '{name}'", days=days)
        if told:
            tables[name] = table
            print(f"channel {name}: {told}", flush=True)
