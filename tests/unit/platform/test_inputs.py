"""Channels of every layout that the guides show, as schema and tables."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.config import Config
from convect.errors import UserError
from convect.platform.inputs import folders, read_inputs, settings_of
from convect.platform.opt_ml import OptML
from convect.quality import validate
from convect.schema import Schema
from tests.unit.platform.test_pipes import feed
from tests.unit.reading.test_datasets import DESCRIBED, METADATA, RELATED, TARGET

AUTOPILOT = {
    "ForecastFrequency": "1D",
    "ForecastHorizon": 3,
    "ForecastQuantiles": ["p10", "p50"],
    "TimeSeriesConfig": {
        "TargetAttributeName": "demand",
        "TimestampAttributeName": "ts",
        "ItemIdentifierAttributeName": "sku",
    },
}
HISTORY = "00{i},2024-01-0{d} 00:00:00,{v},north\n"


def put(base: Path, files: Mapping[str, Any]) -> OptML:
    for name, content in files.items():
        path = base / "input" / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    channels = sorted({name.split("/")[0] for name in files if "/" in name})
    config = base / "input" / "config" / "inputdataconfig.json"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(json.dumps({name: {"TrainingInputMode": "File"} for name in channels}))
    return OptML(base)


def read(opt_ml: OptML, **hyperparameters: Any) -> tuple[Config, Schema, dict[str, pd.DataFrame]]:
    with folders(opt_ml) as channels:
        config, datasets = settings_of(hyperparameters, channels)
        return config, *read_inputs(config, datasets, channels)


def history() -> str:
    return "".join(HISTORY.format(i=i, d=d, v=10 * i + d) for i in (1, 2) for d in range(1, 6))


def related() -> str:
    return "".join(f"00{i},2024-01-0{d},north,{d}.5,{'yes' if d == 3 else 'no'}\n" for i in (1, 2) for d in range(1, 9))


def group() -> dict[str, Any]:
    """An Amazon Forecast dataset group as it is exported: three tables without headers, three schemas."""
    return {
        "train/sales.csv": history(),
        "train/schema.json": DESCRIBED,
        "related/prices.csv": related(),
        "related/schema.json": RELATED,
        "static/items.csv": "001,food,acme\n002,toys,acme\n",
        "static/schema.json": METADATA,
    }


def test_an_amazon_forecast_dataset_group_as_it_is(tmp_path: Path) -> None:
    config, schema, tables = read(put(tmp_path, group()), horizon="3")
    assert config == Config(horizon=3, freq="D")
    assert schema == Schema(
        "timestamp",
        "target_value",
        item_id=("item_id", "store"),
        known_covariates=("price", "promotion"),
        static=("category", "brand"),
    )
    assert tables["train"]["item_id"].unique().tolist() == ["001", "002"]
    panel, _ = validate(tables["train"], schema, config, related=tables["related"], static=tables["static"])
    assert list(panel.item_ids) == ["001/north", "002/north"]
    assert panel.future[0].tolist() == [[6.5, 0.0], [7.5, 0.0], [8.5, 0.0]]
    assert panel.categories == {"promotion": ("no", "yes"), "category": ("food", "toys"), "brand": ("acme",)}


def test_tables_of_the_group_that_have_a_header(tmp_path: Path) -> None:
    files = group() | {"train/sales.csv": "item_id,timestamp,target_value,store\n" + history()}
    _, schema, tables = read(put(tmp_path, files))
    assert len(tables["train"]) == 10
    assert schema.target == "target_value"


def test_a_schema_hyperparameter_names_the_columns_of_a_table_without_a_header(tmp_path: Path) -> None:
    opt_ml = put(tmp_path, {"train/sales.csv": history()})
    for value in (json.dumps(TARGET), json.dumps(json.dumps(TARGET)), TARGET):
        _, schema, tables = read(opt_ml, schema=value)
        assert tables["train"].columns.tolist() == ["item_id", "timestamp", "target_value", "store"]
        assert schema == Schema("timestamp", "target_value", item_id=("item_id", "store"))


def test_hyperparameters_win_over_what_the_channel_says(tmp_path: Path) -> None:
    opt_ml = put(tmp_path, group())
    config, schema, _ = read(opt_ml, freq="h", schema='{"known_covariates": ["price"], "item_id": "item_id"}')
    assert config.freq == "h"
    assert (schema.known_covariates, schema.item_id) == (("price",), ("item_id",))


def test_more_columns_than_the_schema_names(tmp_path: Path) -> None:
    opt_ml = put(tmp_path, group() | {"train/sales.csv": "1,2024-01-01,3\n"})
    with pytest.raises(UserError) as caught:
        read(opt_ml)
    assert str(caught.value) == (
        "UserError [file]: File 'sales.csv' of channel 'train' has no header and 3 columns, where its schema names 4."
        " Write the columns item_id, timestamp, target_value, store, in this order."
    )


@pytest.mark.parametrize("value", [AUTOPILOT, {"TimeSeriesForecastingJobConfig": AUTOPILOT}])
def test_an_autopilot_configuration_beside_the_data(tmp_path: Path, value: dict[str, Any]) -> None:
    table = "sku,ts,demand,price\n" + "".join(f"a,2024-01-0{d},{d},1\n" for d in range(1, 6))
    config, schema, tables = read(put(tmp_path, {"train/part.csv": table, "train/config.json": value}), horizon="2")
    assert (config.horizon, config.freq, config.quantiles) == (2, "1D", (0.1, 0.5))
    assert schema == Schema("ts", "demand", item_id=("sku",))
    assert len(tables["train"]) == 5


def test_two_descriptions_in_a_channel(tmp_path: Path) -> None:
    opt_ml = put(tmp_path, group() | {"train/also.json": TARGET})
    with pytest.raises(UserError, match=r"Channel 'train' has two descriptions, 'also.json' and 'schema.json'. Keep"):
        read(opt_ml)


def test_a_json_file_of_rows_is_data_and_not_a_description(tmp_path: Path) -> None:
    _, _, tables = read(put(tmp_path, {"train/a.json": '{"id": "a", "ds": "2024-01-01", "y": 1}\n'}))
    assert tables["train"]["y"].tolist() == [1]


def test_deepar_channels(tmp_path: Path) -> None:
    record = {"start": "2024-01-01", "target": [1, "NaN", 3], "cat": [4], "dynamic_feat": [[1, 0, 1, 0, 1]]}
    longer = {**record, "target": [1, "NaN", 3, 4, 5]}
    files = {"train/a.json": json.dumps(record), "test/a.json": json.dumps(longer), "train-manifest": "[]"}
    config, schema, tables = read(put(tmp_path, files), freq="D", horizon="2")
    assert schema == Schema(
        "timestamp", "target", item_id=("item_id",), known_covariates=("feat_0",), static=("cat_0",)
    )
    panel, _ = validate(tables["train"], schema, config)
    assert panel.values.tolist() == [1, 2, 3]
    assert panel.future[0, :, 0].tolist() == [0, 1]
    np.testing.assert_array_equal(tables["test"]["target"], [1, np.nan, 3, 4, 5])


def test_a_file_beside_the_channels_is_none(tmp_path: Path) -> None:
    opt_ml = put(tmp_path, {"train/a.csv": "id,ds,y\na,2024-01-01,1\n", "train-manifest": '[{"prefix": "s3://b/k"}]'})
    assert list(opt_ml.channels()) == ["train"]
    (tmp_path / "input" / "config" / "inputdataconfig.json").unlink()
    assert list(opt_ml.channels()) == ["train"]
    _, _, tables = read(opt_ml)
    assert list(tables) == ["train"]


def test_two_channels_through_pipes_that_are_gone_afterwards(tmp_path: Path) -> None:
    opt_ml = put(tmp_path, {})
    data = tmp_path / "input" / "data"
    data.mkdir()
    modes = {name: {"TrainingInputMode": "Pipe"} for name in ("train", "static")}
    (tmp_path / "input" / "config" / "inputdataconfig.json").write_text(json.dumps(modes))
    table = "sku,ds,y\n" + "".join(f"00{i},2024-01-0{d},{d}\n" for i in (1, 2) for d in range(1, 6))
    feed(data / "train_0", [table.encode()])
    feed(data / "static_0", [b"sku,kind\n001,x\n002,y\n"], late_s=0.2)
    with folders(opt_ml) as channels:
        config, datasets = settings_of({"schema": '{"static": "kind"}'}, channels)
        schema, tables = read_inputs(config, datasets, channels)
        kept = channels["train"][0]
    assert not kept.exists()
    assert tables["train"]["sku"].unique().tolist() == ["001", "002"]
    assert tables["static"]["kind"].tolist() == ["x", "y"]
    assert schema.static == ("kind",)
