"""The page beside the tables: in parts as in one, and a flaw of it costs no model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from convect import pipeline
from convect.pipeline import TrainResult
from convect.quality import validate
from convect.report import report
from convect.report.gathering import Gathered
from convect.schema import Schema
from convect.training import streaming
from convect.training.refit import Refitted
from tests.unit.made import fast, quiet, table
from tests.unit.report.made_report import data_of, trained, written

CONFIG = fast()


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> list[TrainResult]:
    """Thirty items, twelve of them learnt from, answered for seven at a time."""
    monkeypatch.setattr(streaming, "LEARN_SERIES", 12)
    monkeypatch.setattr(streaming, "PART_SERIES", 7)
    frame = table(30, 60)
    schema = Schema.complete(None, frame.columns)
    panel, quality = validate(frame, schema, CONFIG)
    return list(streaming.in_parts(panel, quality, schema, CONFIG, progress=quiet))


def test_what_comes_in_parts_is_gathered_whole(parts: list[TrainResult]) -> None:
    found = Gathered()
    for part in parts:
        found.add(part)
    told = pd.concat([part.backtest for part in parts])
    told = told[told["model"] == "Ensemble"]
    assert len(parts) > 1
    assert found.series == len(found.kept) == len(found.items) == 30
    assert found.steps[1].sum() == pytest.approx((told["actual"] - told["forecast"]).abs().sum())
    assert all(len(one.ends) and np.isfinite(one.naive).all() for one in found.kept)
    assert found.groups.groupby(level="by")["error"].sum().to_numpy() == pytest.approx(found.steps[1].sum())


def test_where_there_is_no_room_some_are_kept_and_all_are_counted(
    parts: list[TrainResult], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("convect.report.kept.MOST_SERIES", 9)
    found = Gathered()
    for part in parts:
        found.add(part)
    assert 3 <= len(found.kept) <= 9
    assert (found.series, len(found.items)) == (30, 30)
    largest = max(pd.concat([part.forecasts for part in parts])["item_id"].unique(), key=lambda item: int(item[1:]))
    assert largest in {one.item for one in found.kept}  # the waves stand at rising levels


def test_the_same_training_gives_the_same_page(tmp_path: Path) -> None:
    assert written(trained(), tmp_path) == written(trained(), tmp_path)


def test_a_refit_has_a_page_without_what_it_does_not_know(tmp_path: Path) -> None:
    result = trained()
    found = report.Report()
    again = Refitted(result.artifact, result.forecasts, result.quality)
    found.add(again)
    found.write(tmp_path, again)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "nothing was searched, so nothing was measured" in page
    assert not [section for section in ("models", "errors", "coverage") if f'id="{section}"' in page]
    assert len(data_of(page)["series"]) == 14


def test_sums_of_items_are_shown_and_counted_in_no_total(tmp_path: Path) -> None:
    frame = table(6, 60)
    frame["region"] = frame["item_id"].isin(["i0", "i1"]).map({True: "north", False: "south"})
    config = fast(schema={"hierarchy": ["region"]})
    result = pipeline.train(frame, config, progress=quiet)
    found = Gathered()
    found.add(result)
    assert (found.series, len(found.items)) == (9, 6)
    assert found.groups.loc["region", "items"].to_dict() == {"north": 2, "south": 4}
    page = written(result, tmp_path)
    series = {one["id"]: one for one in data_of(page)["series"]}
    sums = {"total", "region=north", "region=south"}
    assert {name for name, one in series.items() if "sum" in one["flags"]} == sums
    assert not any(series[name]["models"] for name in sums)
    assert "By level of the hierarchy" in page


def test_a_flaw_while_gathering_ends_the_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_gathered: Gathered, _result: object) -> None:
        raise KeyError("secret item")

    monkeypatch.setattr(Gathered, "add", fail)
    said: list[str] = []
    found = report.Report(said.append)
    found.add(trained())
    found.add(trained())
    found.write(tmp_path, trained())
    assert not list(tmp_path.iterdir())
    assert [line.partition(" in ")[0] for line in said] == ["No report.html: KeyError"]
    assert "secret" not in said[0]


def test_a_flaw_while_writing_ends_the_page_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "render", lambda *_: 1 / 0)
    said: list[str] = []
    found = report.Report(said.append)
    found.add(trained())
    found.write(tmp_path, trained())
    assert not list(tmp_path.iterdir())
    assert len(said) == 1
    assert said[0].startswith("No report.html: ZeroDivisionError in test_report.py:")
