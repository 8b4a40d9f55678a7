"""`container/train` as the platform runs it: a process, a tree below SAGEMAKER_BASE_DIR, an exit code."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.artifact import Artifact
from convect.hyperparameters import HYPERPARAMETERS
from convect.models.local import NAIVE
from convect.platform.spec import METRICS
from convect.request import ForecastRequest
from tests.unit.made import table

PROGRAM = Path(__file__).resolve().parents[2] / "container" / "train"
LONGEST_S = 120
OUTPUTS = ["backtest.parquet", "forecasts.csv", "forecasts.parquet", "leaderboard.csv", "quality.json"]


@dataclass
class Job:
    """A tree as the platform lays it out, and the program over it."""

    base: Path

    def put(self, channel: str, name: str, content: bytes) -> None:
        path = self.base / "input" / "data" / channel / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def configure(self, hyperparameters: Mapping[str, Any] | str, *channels: str) -> None:
        folder = self.base / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        text = hyperparameters if isinstance(hyperparameters, str) else json.dumps(hyperparameters)
        (folder / "hyperparameters.json").write_text(text)
        given = {name: {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated"} for name in channels}
        (folder / "inputdataconfig.json").write_text(json.dumps(given))

    def start(self) -> subprocess.Popen[str]:
        (self.base / "model").mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "SAGEMAKER_BASE_DIR": str(self.base), "PYTHONHASHSEED": "random"}
        environment.pop("PYTHONPATH", None)
        return subprocess.Popen(
            [sys.executable, str(PROGRAM), "train"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self) -> tuple[int, str, str]:
        return finished(self.start())

    @property
    def written(self) -> list[str]:
        """All files below model/, hidden ones too."""
        return sorted(str(path.relative_to(self.base / "model")) for path in (self.base / "model").rglob("*"))

    @property
    def outputs(self) -> list[str]:
        return sorted(path.name for path in (self.base / "output" / "data").rglob("*"))

    @property
    def failure(self) -> Path:
        return self.base / "output" / "failure"

    def csv(self, name: str) -> pd.DataFrame:
        text = {"item_id": str}
        return pd.read_csv(self.base / "output" / "data" / name, dtype=text, float_precision="round_trip")


def finished(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    try:
        out, err = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, out, err


def csv(frame: pd.DataFrame) -> bytes:
    return frame.to_csv(index=False).encode()


def parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False)
    return buffer.getvalue()


SMALL = table(3, 50)


# --- a job that goes well


@dataclass
class Done:
    job: Job
    code: int
    out: str
    err: str


def promoted() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Sales that a promotion doubles, the promotions with a future, and a kind for each item."""
    frame = table(4, 61, level=40.0, noise=1.0).rename(columns={"item_id": "sku", "timestamp": "day", "target": "sold"})
    frame["sku"] = "00" + frame["sku"].str[1:]
    promotion = (np.random.default_rng(3).random(len(frame)) < 0.4).astype(int)
    place = frame.groupby("sku").cumcount()
    promotion[place >= 54] = (frame.loc[place >= 54, "sku"] < "002").astype(int)
    related = frame[["sku", "day"]].assign(promotion=promotion)
    history = frame.assign(sold=frame["sold"] * (1 + promotion))[place < 54]
    static = pd.DataFrame({"sku": sorted(set(frame["sku"])), "kind": ["x", "y", "x", "y"]})
    return history, related, static


def platform_job(base: Path) -> Job:
    """Two CSV parts, Parquet for the related table; hyperparameters as the SDKs, the tuner and a console write them."""
    history, related, static = promoted()
    job = Job(base)
    job.put("train", "part-0.csv.gz", gzip.compress(csv(history[history["sku"] < "002"])))
    job.put("train", "part-1.csv.gz", gzip.compress(csv(history[history["sku"] >= "002"])))
    job.put("train", "_SUCCESS", b"")
    job.put("related", "related.parquet", parquet(related))
    job.put("static", "static.csv", csv(static))
    schema = {"item_id": "sku", "timestamp": "day", "target": "sold"}
    hyperparameters = {
        "horizon": '"7"',
        "freq": "1D",
        "schema": json.dumps({**schema, "known_covariates": ["promotion"], "static": ["kind"]}),
        "quantiles": '["p10", 0.5, "0.9"]',
        "config": json.dumps({"horizon": 3, "preset": "best", "metric": "WAPE"}),
        "preset": "fast",
        "seed": "7",
        "holidays": "US",
        "time_limit": "null",
        "sagemaker_program": '"train.py"',
        "sagemaker_container_log_level": "20",
        "_tuning_objective_metric": "validation:MASE",
    }
    job.configure(hyperparameters, "train", "related", "static")
    return job


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    job = platform_job(tmp_path_factory.mktemp("done"))
    return Done(job, *job.run())


def test_it_ends_well_and_leaves_all_outputs(done: Done) -> None:
    assert (done.code, done.err) == (0, "")
    assert done.job.outputs == OUTPUTS
    assert not done.job.failure.exists()


def test_the_model_is_usable_and_answers_with_what_training_wrote(done: Done) -> None:
    assert {Path(name).suffix for name in done.job.written} <= {".json", ".parquet", ".txt"}
    artifact = Artifact.load(done.job.base / "model")
    found = pipeline.forecast(artifact, ForecastRequest()).frame
    told = done.job.csv("forecasts.csv").assign(timestamp=lambda frame: pd.to_datetime(frame["timestamp"]))
    assert_frame_equal(told, found, check_exact=False, rtol=1e-9)
    assert_frame_equal(pd.read_parquet(done.job.base / "output" / "data" / "forecasts.parquet"), found)
    assert list(told.columns) == ["item_id", "timestamp", "mean", "0.1", "0.5", "0.9"]
    assert told["item_id"].tolist() == [item for item in ("000", "001", "002", "003") for _ in range(7)]


def test_hyperparameters_in_the_platform_s_spellings_are_those_used(done: Done) -> None:
    config = Artifact.load(done.job.base / "model").config
    assert (config.horizon, config.preset, config.metric, config.seed) == (7, "fast", "WAPE", 7)
    assert (config.quantiles, config.holidays, config.freq) == ((0.1, 0.5, 0.9), ("US",), "1D")
    assert config.time_limit is None


def test_related_and_static_tables_are_used(done: Done) -> None:
    artifact = Artifact.load(done.job.base / "model")
    assert (artifact.panel.known_names, artifact.panel.static_names) == (("promotion",), ("kind",))
    assert artifact.panel.future[:, :, 0].tolist() == [[1.0] * 7] * 2 + [[0.0] * 7] * 2
    history, _, _ = promoted()
    told = done.job.csv("forecasts.csv").groupby("item_id")["mean"].mean()
    typical = history.groupby("sku")["sold"].median()
    relative = told / typical
    assert relative[["000", "001"]].min() > relative[["002", "003"]].max()


def test_every_metric_is_told_once_as_its_regex_reads_it(done: Done) -> None:
    board = done.job.csv("leaderboard.csv").set_index("model").loc["Ensemble"]
    for metric in METRICS:
        found = re.findall(metric.regex, done.out)
        assert len(found) == 1, metric.name
        column = metric.name.removeprefix("validation:").replace("coverage80", "coverage_80")
        if metric.name.startswith("validation:"):
            assert float(found[0]) == pytest.approx(board[column], rel=1e-4)
    assert float(re.findall(r"train:series=(\d+)", done.out)[0]) == 4


def test_the_log_has_whole_lines_and_nothing_of_the_series(done: Done) -> None:
    assert "\r" not in done.out
    history, _, _ = promoted()
    for secret in ("002", f"{history['sold'].iloc[0]:.6f}"[:7]):
        assert secret not in re.sub(r"metric: .*|model .*", "", done.out)


def test_what_was_inferred_is_said(tmp_path: Path) -> None:
    job = Job(tmp_path)
    job.put("train", "train.csv", csv(SMALL.assign(note="x")))
    job.configure({"preset": "fast", "horizon": 5}, "train")
    code, out, _ = job.run()
    assert code == 0
    assert "Columns: item 'item_id', timestamp 'timestamp', target 'target'; not used: 'note'." in out
    assert "frequency D" in out


def test_the_quality_report_and_the_backtest_are_readable(done: Done) -> None:
    folder = done.job.base / "output" / "data"
    quality = json.loads((folder / "quality.json").read_text(encoding="utf-8"))
    assert quality
    backtest = pd.read_parquet(folder / "backtest.parquet")
    assert set(done.job.csv("leaderboard.csv")["model"]) == set(backtest["model"])


def test_the_same_job_gives_the_same_bytes(done: Done, tmp_path: Path) -> None:
    again = platform_job(tmp_path)
    assert again.run()[0] == 0
    for name in ("forecasts.csv", "forecasts.parquet", "backtest.parquet", "quality.json"):
        first, second = (job.base / "output" / "data" / name for job in (done.job, again))
        assert first.read_bytes() == second.read_bytes(), name
    assert again.written == done.job.written
    for name in again.written:
        assert (again.base / "model" / name).read_bytes() == (done.job.base / "model" / name).read_bytes(), name


# --- out of time


def big(base: Path, **hyperparameters: str) -> Job:
    """Work for minutes."""
    job = Job(base)
    job.put("train", "train.parquet", parquet(table(400, 400, "h", 24)))
    job.configure({"preset": "best", "horizon": "24", "windows": "3", **hyperparameters}, "train")
    return job


def usable(job: Job, items: int, horizon: int) -> None:
    assert job.outputs == OUTPUTS
    found = pipeline.forecast(Artifact.load(job.base / "model"), ForecastRequest()).frame
    assert len(found) == items * horizon
    assert np.isfinite(found.drop(columns=["item_id", "timestamp"])).all(axis=None)
    assert not job.failure.exists()


def test_a_tiny_time_limit_still_leaves_a_usable_model(tmp_path: Path) -> None:
    job = big(tmp_path, time_limit="0.01")
    started = time.monotonic()
    assert job.run()[0] == 0
    assert time.monotonic() - started < 40
    usable(job, 400, 24)
    assert set(job.csv("leaderboard.csv")["model"]) == {"Ensemble", NAIVE}


@pytest.mark.parametrize("moment", ["data: ", f"model {NAIVE}"], ids=["early", "late"])
def test_sigterm_leaves_the_best_model_so_far(tmp_path: Path, moment: str) -> None:
    process = big(tmp_path).start()
    assert process.stdout is not None
    seen = []
    for line in process.stdout:
        seen.append(line)
        if line.startswith(moment):
            break
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code, rest, err = finished(process)
    assert (code, err) == (0, "")
    assert time.monotonic() - started < 40
    usable(Job(tmp_path), 400, 24)
    assert "left out, the time limit is reached" in rest


# --- bad input


@dataclass
class Bad:
    """A job that must not succeed, and the sentence it ends with."""

    sentence: str
    content: bytes = b""
    name: str = "train.csv"
    hyperparameters: Any = None
    channels: tuple[str, ...] = ("train",)


def without(column: str) -> bytes:
    return csv(SMALL.drop(columns=column))


def text_in_target() -> bytes:
    return csv(SMALL.astype({"target": object}).assign(target=lambda f: f["target"].where(f.index != 4, "many")))


PLAIN = csv(SMALL)
ADD_TRAIN = "Add an input channel named 'train': the table to forecast: item, stamp, target and, if any, covariates."
RENAME = "Give it the ending of its content (.csv, .parquet, .jsonl), or write it in the named form."
WHOLE = "Correct it, or leave it out for the default: one natural span of the frequency (14 days, 12 months, 24 hours)."
FILE, CONFIG, DATA, CHANNEL = (f"UserError [{code}]: " for code in ("file", "config", "data", "channel"))
KNOWN = ", ".join(parameter.name for parameter in HYPERPARAMETERS)

BAD: dict[str, Bad] = {
    "no channel": Bad(f"{CHANNEL}There is no channel 'train'; found none. {ADD_TRAIN}", PLAIN, channels=()),
    "no train channel": Bad(
        f"{CHANNEL}There is no channel 'train'; found training. {ADD_TRAIN}", PLAIN, channels=("training",)
    ),
    "unknown channel": Bad(
        f"{CHANNEL}Channel 'statics' is not known. Did you mean 'static'? The channels are train, related, static.",
        PLAIN,
        channels=("train", "statics"),
    ),
    "no file": Bad(
        f"{FILE}Channel 'train' holds no file. Put CSV, Parquet or JSON Lines files below its prefix.", name=""
    ),
    "empty file": Bad(f"{FILE}File 'train.csv' of channel 'train' is empty. Provide a file with a header and rows."),
    "only a header": Bad(
        f"{FILE}File 'train.csv' of channel 'train' has column names but no rows. Provide at least one row of data.",
        b"item_id,timestamp,target\n",
    ),
    "parquet called csv": Bad(
        f"{FILE}File 'train.csv' of channel 'train' is named as text but holds Parquet. {RENAME}", parquet(SMALL)
    ),
    "csv called parquet": Bad(
        f"{FILE}File 'train.parquet' of channel 'train' is named as Parquet but holds text. {RENAME}",
        PLAIN,
        "train.parquet",
    ),
    "csv called gz": Bad(
        f"{FILE}File 'train.csv.gz' of channel 'train' is named .gz but is not gzip data."
        " Drop the ending .gz, or compress it.",
        PLAIN,
        "train.csv.gz",
    ),
    "a picture called csv": Bad(
        f"{FILE}File 'train.csv' of channel 'train' holds binary data that is not Parquet."
        " Write it as CSV, Parquet or JSON Lines.",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)),
    ),
    "half a parquet": Bad(
        f"{FILE}File 'train.parquet' of channel 'train' is damaged or cut short. Write or upload it again.",
        parquet(SMALL)[:-200],
        "train.parquet",
    ),
    "target missing": Bad(
        f"{CONFIG}No target column was recognised. Columns found: item_id, timestamp."
        ' Pass hyperparameter schema={"target": "<column>"}.',
        without("target"),
    ),
    "timestamp missing": Bad(
        f"{CONFIG}No timestamp column was recognised. Columns found: item_id, target."
        ' Pass hyperparameter schema={"timestamp": "<column>"}.',
        without("timestamp"),
    ),
    "target misspelt": Bad(
        f"{CONFIG}The schema names target column 'targt', which the table lacks."
        " Did you mean 'target'? Columns found: item_id, timestamp, target.",
        PLAIN,
        hyperparameters={"schema": '{"target": "targt"}'},
    ),
    "covariate missing": Bad(
        "UserError [column_missing]: The table lacks column 'price'. Columns found: item_id, timestamp, target.",
        PLAIN,
        hyperparameters={"schema": '{"known_covariates": ["price"]}'},
    ),
    "text in the target": Bad(
        "UserError [not_a_number]: The target column 'target' of the table has 1 row that is no number:"
        " row 5 holds text, 'many'. Write a number such as 1234.5, or leave the cell empty where it is not known.",
        text_in_target(),
    ),
    "text in the stamp": Bad(
        f"{DATA}Column 'timestamp' of the table holds 'soon', which cannot be read as a timestamp,"
        " in row 5 (3 rows are like it)."
        " Write timestamps between the years 1678 and 2261 as 2024-01-31 or 2024-01-31 18:00:00.",
        csv(SMALL.astype(str).replace({"timestamp": {"2024-01-05": "soon"}})),
    ),
    "frequency does not fit": Bad(
        f"{DATA}freq is 'W', but the timestamps do not fit it, for example 2024-01-02 00:00:00. They look like D."
        " Pass freq=D, leave freq out, or aggregate the table to the frequency you want.",
        PLAIN,
        hyperparameters={"freq": "W"},
    ),
    "no frequency": Bad(
        f"{CONFIG}freq is 'fortnightly', which is no frequency."
        " Use one like h, 15min, D, B, W-SUN, MS, ME, QS-JAN, YS-JAN.",
        PLAIN,
        hyperparameters={"freq": "fortnightly"},
    ),
    "horizon too long": Bad(
        f"{CONFIG}Hyperparameter horizon is 50, but the longest series has 50 rows."
        " Lower horizon, or give longer series.",
        PLAIN,
        hyperparameters={"horizon": "50"},
    ),
    "unknown hyperparameter": Bad(
        f"{CONFIG}Unknown hyperparameter 'horzon'. Did you mean 'horizon'? Known: {KNOWN}.",
        PLAIN,
        hyperparameters={"horzon": "7"},
    ),
    "value out of range": Bad(
        f"{CONFIG}Hyperparameter horizon must be a whole number from 1 to 10000; found '0'. {WHOLE}",
        PLAIN,
        hyperparameters={"horizon": "0"},
    ),
    "value of another kind": Bad(
        f"{CONFIG}Hyperparameter horizon must be a whole number from 1 to 10000; found 'seven'. {WHOLE}",
        PLAIN,
        hyperparameters={"horizon": "seven"},
    ),
    "quantile out of range": Bad(
        f"{CONFIG}Hyperparameter quantiles must be 1 to 99 numbers between 0 and 1 such as 0.1,0.5,0.9;"
        " found '0.1,1.5'. Correct it, or leave it out for the default: 0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9.",
        PLAIN,
        hyperparameters={"quantiles": "0.1,1.5"},
    ),
    "unknown preset": Bad(
        f"{CONFIG}Hyperparameter preset must be one of fast, balanced, best; found 'fastest'."
        " Correct it, or leave it out for the default: balanced.",
        PLAIN,
        hyperparameters={"preset": "fastest"},
    ),
    "unknown country": Bad(
        f"{CONFIG}holidays names 'XX', which is no country with known holidays."
        " Did you mean 'XK' or 'SX' or 'MX'? Use two-letter codes such as US or DE.",
        PLAIN,
        hyperparameters={"holidays": "XX"},
    ),
    "hyperparameters are no json": Bad(
        f"{CONFIG}input/config/hyperparameters.json is not valid JSON. Correct or remove the file.",
        PLAIN,
        hyperparameters='{"horizon": ',
    ),
    "nothing but empty targets": Bad(
        f"{DATA}No row has a target, so there is nothing to forecast. Check the target column.",
        csv(SMALL.assign(target=np.nan)),
    ),
}


@dataclass
class Refused:
    job: Job
    code: int
    out: str
    err: str


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Refused]]:
    """All of them, some at a time since most of each is the start of Python."""
    found: dict[str, Refused] = {}
    waiting = list(BAD)
    while waiting:
        batch, waiting = waiting[:4], waiting[4:]
        running = {kind: _start(BAD[kind], tmp_path_factory.mktemp("bad")) for kind in batch}
        for kind, (job, process) in running.items():
            found[kind] = Refused(job, *finished(process))
    yield found


def _start(bad: Bad, base: Path) -> tuple[Job, subprocess.Popen[str]]:
    job = Job(base)
    if bad.name:
        job.put("train", bad.name, bad.content)
    job.configure(bad.hyperparameters or {}, *bad.channels)
    return job, job.start()


@pytest.mark.parametrize("kind", BAD)
def test_bad_input_ends_with_one_sentence_and_nothing_written(refused: dict[str, Refused], kind: str) -> None:
    found = refused[kind]
    assert found.code == 1
    assert found.job.failure.read_text(encoding="utf-8") == f"{BAD[kind].sentence}\n"
    assert found.err == f"{BAD[kind].sentence}\n\n"
    assert len(BAD[kind].sentence) <= 1024
    assert found.job.written == []
    assert "Traceback" not in found.out + found.err
