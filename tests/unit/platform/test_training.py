"""The program `train` in this process: what it writes, what it says, and what it leaves where it fails."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.platform import inputs, training
from convect.platform.channels import read_channel
from convect.platform.opt_ml import OptML
from convect.training import streaming
from tests.contract.bad_jobs import BAD
from tests.contract.jobs import Job, csv
from tests.unit.made import fast, quiet, table

SETTINGS = {"preset": "fast", "horizon": "5"}


pytestmark = pytest.mark.usefixtures("no_processes")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Job:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    found = Job(tmp_path)
    found.put("train", "train.csv", csv(table(3, 50)))
    found.configure(SETTINGS, "train")
    return found


def broken(*_: Any, **__: Any) -> None:
    raise RuntimeError("the disk\nis gone")


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_ends_with_one_sentence_and_nothing_written(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    job = BAD[kind].put(tmp_path)
    assert training.main() == 1
    assert job.failure.read_text(encoding="utf-8") == f"{BAD[kind].sentence}\n"
    assert len(BAD[kind].sentence) <= 1024
    assert (job.written, job.outputs) == ([], [])
    out, err = capsys.readouterr()
    assert err.strip() == BAD[kind].sentence
    assert "Traceback" not in out


def test_a_good_job_is_what_the_pipeline_makes(job: Job) -> None:
    assert training.main() == 0
    result = pipeline.train(table(3, 50), fast(horizon=5), progress=quiet)
    folder = job.base / "output" / "data"
    assert_frame_equal(pd.read_parquet(folder / "forecasts.parquet"), result.forecasts)
    told = job.csv("forecasts.csv").assign(timestamp=lambda frame: pd.to_datetime(frame["timestamp"]))
    assert_frame_equal(told, result.forecasts, check_exact=False, rtol=1e-9)
    board = job.csv("leaderboard.csv").drop(columns="cpu_seconds")
    assert_frame_equal(board, result.leaderboard.drop(columns="cpu_seconds"), check_exact=False, rtol=1e-9)
    assert json.loads((folder / "quality.json").read_text()) == json.loads(json.dumps(result.quality.to_dict()))
    backtest = pd.read_parquet(folder / "backtest.parquet")
    assert_frame_equal(backtest, result.backtest, check_categorical=False)
    np.testing.assert_array_equal(Artifact.load(job.base / "model").forecasts, result.artifact.forecasts)


def test_many_series_are_written_part_by_part_and_served_as_one(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "LEARN_SERIES", 4)
    monkeypatch.setattr(streaming, "PART_SERIES", 3)
    frame = table(8, 50)
    job.put("train", "train.csv", csv(frame))
    assert training.main() == 0
    artifact = Artifact.load(job.base / "model")
    assert artifact.item_ids == tuple(sorted(frame["item_id"].unique()))
    np.testing.assert_array_equal(artifact.panel.values, frame.sort_values(["item_id", "timestamp"])["target"])
    written = pd.read_parquet(job.base / "output" / "data" / "forecasts.parquet")
    answer = pipeline.forecast(artifact, ForecastRequest()).frame
    assert_frame_equal(written, answer, check_exact=True)
    told = job.csv("forecasts.csv").assign(timestamp=lambda read: pd.to_datetime(read["timestamp"]))
    assert_frame_equal(told, written, check_exact=False, rtol=1e-9)
    backtest = pd.read_parquet(job.base / "output" / "data" / "backtest.parquet")
    assert backtest.loc[backtest["model"] == "Ensemble", "item_id"].nunique() == 8
    parts = pd.read_parquet(job.base / "output" / "data" / "explanations.parquet")
    added = parts.groupby(["item_id", "timestamp"], observed=True)["value"].sum()
    np.testing.assert_allclose(added, written.set_index(["item_id", "timestamp"])["mean"], atol=1e-6, rtol=0)


def test_nothing_hidden_is_left_beside_the_outputs(job: Job) -> None:
    assert training.main() == 0
    assert not list(job.base.rglob(".*"))


def test_an_unexpected_error_is_told_with_its_traceback(
    job: Job, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(inputs, "read_channel", broken)
    assert training.main() == 1
    first, *rest = job.failure.read_text().splitlines()
    assert first == (
        "AlgorithmError [unexpected]: Unexpected RuntimeError: the disk is gone. Report it with the lines below."
    )
    assert any("Traceback" in line for line in rest)
    assert first in capsys.readouterr().err
    assert job.written == []


@pytest.mark.parametrize("part", ["write_outputs", "save"])
def test_a_failure_while_writing_leaves_no_model(job: Job, part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training if part == "write_outputs" else Artifact, part, broken)
    assert training.main() == 1
    assert job.written == []
    assert not list(job.base.rglob(".*"))


def test_an_earlier_model_stays_whole_where_a_later_job_fails(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    assert training.main() == 0
    before = {name: (job.base / "model" / name).read_bytes() for name in job.written}
    real = Artifact.save

    def half(artifact: Artifact, folder: Path, more: Iterable[Artifact]) -> None:
        real(artifact, folder, more)
        broken()

    monkeypatch.setattr(Artifact, "save", half)
    job.put("train", "train.csv", csv(table(5, 50)))
    assert training.main() == 1
    assert {name: (job.base / "model" / name).read_bytes() for name in job.written} == before


def test_a_second_job_replaces_the_first(job: Job) -> None:
    assert training.main() == 0
    job.put("train", "train.csv", csv(table(5, 50)))
    assert training.main() == 0
    assert len(Artifact.load(job.base / "model").item_ids) == 5


def test_the_handler_of_sigterm_is_put_back(job: Job) -> None:
    def mine(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, mine)
    try:
        assert training.main() == 0
        assert signal.getsignal(signal.SIGTERM) is mine
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sigterm_at_any_moment_ends_the_search_and_not_the_program(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    real = read_channel

    def interrupted(*given: Any, **named: Any) -> pd.DataFrame:
        signal.raise_signal(signal.SIGTERM)
        return real(*given, **named)

    monkeypatch.setattr(inputs, "read_channel", interrupted)
    assert training.main() == 0
    assert job.csv("leaderboard.csv")["model"].tolist().count("GlobalLightGBM") == 0
    assert len(Artifact.load(job.base / "model").item_ids) == 3


def test_ids_that_look_like_numbers_stay_as_they_are(job: Job) -> None:
    frame = table(3, 50)
    frame["item_id"] = frame["item_id"].map({"i0": "007", "i1": "7", "i2": "7.0"})
    job.put("train", "train.csv", csv(frame))
    assert training.main() == 0
    assert set(job.csv("forecasts.csv")["item_id"]) == {"007", "7", "7.0"}


def test_without_inputdataconfig_the_folders_are_the_channels(job: Job) -> None:
    (job.base / "input" / "config" / "inputdataconfig.json").unlink()
    assert training.main() == 0


def test_output_folders_need_not_exist(job: Job) -> None:
    opt_ml = OptML(job.base)
    assert not opt_ml.model_dir.exists() and not opt_ml.output_data_dir.exists()
    training.run(opt_ml)
    assert (opt_ml.model_dir / "manifest.json").is_file()
