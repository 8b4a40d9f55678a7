"""`container/train` with a hierarchy: what it writes, what adds up, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd

from tests.contract.jobs import Job, csv
from tests.unit.made import table


def job_of(base: Path, frame: pd.DataFrame, static: pd.DataFrame) -> Job:
    job = Job(base)
    job.put("train", "sales.csv", csv(frame))
    job.put("static", "stores.csv", csv(static))
    schema = {"item_id": "item_id", "hierarchy": ["region", "store"]}
    job.configure({"horizon": "4", "preset": "fast", "schema": json.dumps(schema)}, "train", "static")
    return job


def stores() -> pd.DataFrame:
    items = [f"i{k}" for k in range(5)]
    return pd.DataFrame({"item_id": items, "region": list("xxxyy"), "store": ["01", "01", "02", "01", "01"]})


def test_the_aggregates_are_written_among_the_items_and_add_up(tmp_path: Path) -> None:
    job = job_of(tmp_path, table(5, 50), stores())
    assert job.run()[0] == 0
    assert "hierarchy.csv" in job.outputs
    found = job.csv("forecasts.csv").pivot(index="timestamp", columns="item_id", values="mean")
    nodes = ["region=x", "region=x/store=01", "region=x/store=02", "region=y", "region=y/store=01", "total"]
    assert list(found.columns) == ["i0", "i1", "i2", "i3", "i4", *nodes]
    np.testing.assert_allclose(found["total"], found[[f"i{k}" for k in range(5)]].sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(found["region=x"], found["region=x/store=01"] + found["i2"], rtol=1e-9)
    levels = job.csv("hierarchy.csv")
    assert levels["level"].unique().tolist() == ["total", "region", "store", "item"]
    assert levels["model"].unique().tolist() == ["Ensemble", "Reconciled"]
    assert np.isfinite(levels.drop(columns=["level", "model"])).all(axis=None)


def test_an_item_without_a_group_is_refused_with_the_remedy(tmp_path: Path) -> None:
    job = job_of(tmp_path, table(5, 50), stores().drop(index=3))
    code, _, err = job.run()
    assert code == 1
    assert "Hierarchy column 'region' of the static table has no value for item 'i3'" in err
    assert "leave the column out of hierarchy" in job.failure.read_text()
    assert job.written == []
