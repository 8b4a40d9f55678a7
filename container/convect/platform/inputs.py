"""A job's channels, in whatever mode and form they come, as settings, schema and tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from convect.config import Config, given
from convect.platform.channels import channel_columns, channel_files, holds_records, read_channel
from convect.platform.descriptions import described
from convect.platform.opt_ml import OptML
from convect.platform.pipes import drain, is_pipe
from convect.reading.datasets import Dataset, dataset, group_roles, is_dataset
from convect.reading.foreign import from_json
from convect.reading.records import record_roles
from convect.schema import Schema

TABLES = ("train", "related", "static", "test")
Folders = Mapping[str, Sequence[Path]]


def is_sharded(settings: Mapping[str, Any]) -> bool:
    """Say whether of a channel of inputdataconfig.json each host has a share; of any other each has all."""
    return settings.get("S3DistributionType") == "ShardedByS3Key"


def sharded(opt_ml: OptML) -> list[str]:
    """Return those of the channels of tables of which each host has a share."""
    return [name for name, settings in opt_ml.channels().items() if name in TABLES and is_sharded(settings)]


@contextmanager
def folders(opt_ml: OptML, names: Collection[str] = TABLES) -> Iterator[dict[str, list[Path]]]:
    """Give the folder of each of these channels that the job has.

    What comes through a pipe is kept in a folder that ends with the block.
    """
    found = {name: settings for name, settings in opt_ml.channels().items() if name in names}
    with TemporaryDirectory(prefix="convect-pipes-") as kept:
        for name, settings in found.items():
            if is_pipe(settings):
                drain(opt_ml.channel_dir(f"{name}_0"), name, settings, Path(kept) / name)
        yield {n: [Path(kept) / n if is_pipe(settings) else opt_ml.channel_dir(n)] for n, settings in found.items()}


def settings_of(hyperparameters: Mapping[str, object], channels: Folders) -> tuple[Config, dict[str, Dataset]]:
    """Return the settings, and the datasets of Amazon Forecast that files in the channels describe.

    Hyperparameters win over an Autopilot configuration in a channel, and that over an Amazon Forecast dataset.
    Raises ConfigError and UserError.
    """
    stated = given(hyperparameters)
    files = {
        name: [folder / file for folder in found for file in channel_files(folder)] for name, found in channels.items()
    }
    datasets, job = described(files)
    values = {**(given({"config": job}) if job else {}), **stated}
    target = _stated_dataset(hyperparameters)
    if target:
        values.pop("schema")  # it is one table's; the roles over all tables are found from the datasets
    datasets |= target
    freq = datasets["train"].freq if "train" in datasets else None
    return Config(**({"freq": freq} | values)), datasets


def _stated_dataset(hyperparameters: Mapping[str, object]) -> dict[str, Dataset]:
    """The hyperparameter `schema` where it is one of Amazon Forecast: it tells the order of the columns as well."""
    value = hyperparameters.get("schema")
    while isinstance(value, str) and value.strip()[:1] in ('"', "{"):
        value = from_json("The schema", value, "")
    return {"train": dataset(value, "train")} if isinstance(value, Mapping) and is_dataset(value) else {}


def read_inputs(
    config: Config, datasets: Mapping[str, Dataset], channels: Folders
) -> tuple[Schema, dict[str, pd.DataFrame]]:
    """Return the schema, whose roles are printed, and the table of each channel.

    Raises UserError where one cannot be read, ConfigError where its columns are not as the settings say.
    """
    names = {channel: found.columns for channel, found in datasets.items()}
    names.setdefault("test", names.get("train", ()))
    first, *rest = channels["train"]
    tables = {}
    if holds_records(first, "train", rest):
        tables["train"] = read_channel(first, "train", (), rest, freq=config.freq)
        columns = tuple(map(str, tables["train"].columns))
        roles: dict[str, object] = dict(record_roles(columns))
    else:
        columns = channel_columns(first, "train", rest, names.get("train", ()))
        roles = group_roles(datasets)
    schema = Schema.complete({**roles, **(config.schema or {})}, columns)
    print(schema.explain(columns), flush=True)
    text = (*schema.item_id, schema.timestamp, *schema.hierarchy)
    for name, (folder, *shards) in channels.items():
        if name not in tables:
            tables[name] = read_channel(folder, name, text, shards, columns=names.get(name, ()), freq=config.freq)
        print(f"channel {name}: {len(tables[name])} rows, {len(tables[name].columns)} columns", flush=True)
    return schema, tables
