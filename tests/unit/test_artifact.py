"""The artifact: what is loaded forecasts to the bit what was saved, and what is damaged is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import artifact as module
from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.config import Config
from convect.errors import PlatformError
from convect.manifest import FORMAT_VERSION, MANIFEST
from convect.select import Weights
from convect.training import pooled
from tests.unit.made import fast, quiet, table

COPY = "Copy model.tar.gz again."


def with_covariates() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Items with a known covariate (and its future), a past one and a static text one, one item of one row."""
    frame = table(4, 66)
    rng = np.random.default_rng(0)
    frame["price"], frame["clicks"] = rng.choice([1.0, 2.0, np.nan], len(frame)), rng.random(len(frame))
    frame.loc[frame.groupby("item_id").cumcount() >= 60, ["target", "clicks"]] = np.nan
    frame = pd.concat([frame, pd.DataFrame({"item_id": ["007"], "timestamp": ["2024-02-20"], "target": [3.0]})])
    frame["timestamp"] = pd.to_datetime(frame["timestamp"])
    return frame, pd.DataFrame({"item_id": ["i0", "i1", "i2", "i3"], "shop: kind": ["a", "b", "é", "a"]})


@pytest.fixture(scope="module")
def trained() -> Artifact:
    frame, static = with_covariates()
    schema = {"known_covariates": ["price"], "past_covariates": ["clicks"], "static": ["shop: kind"]}
    config = fast(schema=schema, preset="balanced", holidays=["US"], quantiles=[0.05, 0.5, 0.77], time_limit=300)
    return pipeline.train(frame, config, static=static, progress=quiet).artifact


@pytest.fixture
def saved(trained: Artifact, tmp_path: Path) -> Path:
    trained.save(tmp_path / "model")
    return tmp_path / "model"


def test_the_clock_of_its_stamps_is_kept_and_an_older_model_has_none(tmp_path: Path) -> None:
    frame = table(2, 72, "h", 24).assign(timestamp=lambda frame: frame["timestamp"].dt.tz_localize("Asia/Karachi"))
    pipeline.train(frame, fast(), progress=quiet).artifact.save(tmp_path)
    assert Artifact.load(tmp_path).panel.clock_min == 300
    path = tmp_path / MANIFEST
    manifest = json.loads(path.read_text())
    del manifest["clock_min"]
    path.write_text(json.dumps(manifest))
    assert Artifact.load(tmp_path).panel.clock_min is None


def test_it_says_what_it_is(trained: Artifact) -> None:
    assert trained.item_ids == ("007", "i0", "i1", "i2", "i3")
    assert trained.position == {item: place for place, item in enumerate(trained.item_ids)}
    assert (trained.horizon, trained.frequency.alias, trained.season) == (6, "D", 7)
    assert trained.quantiles == (0.05, 0.5, 0.77)
    assert trained.forecasts.shape == (5, 6, 1 + len(trained.intervals.levels))


def test_what_is_loaded_is_what_was_saved(trained: Artifact, saved: Path) -> None:
    loaded = Artifact.load(saved)
    for name in ("schema", "config", "seasons", "horizon", "frequency", "item_ids", "quantiles", "season"):
        assert getattr(loaded, name) == getattr(trained, name)
    for name in ("scale", "forecasts", "fallback"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(trained, name), strict=True)
    for name in ("group", "series", "core"):
        np.testing.assert_array_equal(getattr(loaded.weights, name), getattr(trained.weights, name), strict=True)
    for name in ("starts", "offsets", "values", "observed", "known", "future", "past", "static"):
        np.testing.assert_array_equal(getattr(loaded.panel, name), getattr(trained.panel, name), strict=True)
    assert loaded.panel.categories == trained.panel.categories
    assert loaded.weights.models == trained.weights.models
    np.testing.assert_array_equal(loaded.intervals.offsets, trained.intervals.offsets)
    assert loaded.intervals.power == trained.intervals.power
    assert written(loaded) == written(trained)


def written(artifact: Artifact) -> dict[str, list[str]]:
    """The global models as text."""
    learners = {name: pooled.BY_NAME[name].learner for name in artifact.global_models}
    return {name: [learners[name].to_text(one) for one in found] for name, found in artifact.global_models.items()}


@pytest.mark.parametrize("horizon", [6, 4, 15])
def test_forecasts_after_loading_are_the_same_to_the_bit(trained: Artifact, saved: Path, horizon: int) -> None:
    request = ForecastRequest(horizon=horizon, quantiles=(0.001, 0.4, 0.5))
    before, after = (pipeline.forecast(one, request) for one in (trained, Artifact.load(saved)))
    assert_frame_equal(after.frame, before.frame, check_exact=True)
    assert_frame_equal(after.origin, before.origin)


def test_newer_history_after_loading_gives_the_same_to_the_bit(trained: Artifact, saved: Path) -> None:
    frame = with_covariates()[0].drop(columns="clicks").assign(clicks=0.5)
    before, after = (pipeline.forecast(one, ForecastRequest(frame=frame)) for one in (trained, Artifact.load(saved)))
    assert_frame_equal(after.frame, before.frame, check_exact=True)


def alone(artifact: Artifact, name: str) -> Artifact:
    """The same with all the weight on one model."""
    models = (*artifact.global_models, "SeasonalNaive")
    one = np.array([float(model == name) for model in models])
    weights = Weights(models, one, np.tile(one, (len(artifact.panel), 1)), one > 0)
    return replace(artifact, weights=weights)


@pytest.mark.parametrize("name", [variant.name for variant in pooled.variants_of("balanced", np.ones(1))])
@pytest.mark.parametrize("horizon", [6, 15])
def test_each_global_model_answers_planned_prices_after_loading_to_the_bit(
    trained: Artifact, saved: Path, name: str, horizon: int
) -> None:
    assert name in trained.global_models
    frame = with_covariates()[0]
    planned = frame["target"].isna() & frame["timestamp"].ge("2024-03-01")
    answers = []
    for price in (1.0, 2.0):
        request = ForecastRequest(frame=frame.assign(price=frame["price"].mask(planned, price)), horizon=horizon)
        before, after = (pipeline.forecast(alone(one, name), request) for one in (trained, Artifact.load(saved)))
        assert_frame_equal(after.frame, before.frame, check_exact=True)
        assert not after.origin.query("item_id != '007'")["fallback"].any()
        answers.append(after.frame["mean"].to_numpy())
    assert np.array_equal(*answers) == (pooled.BY_NAME[name].learner is pooled.LINEAR), "it alone sees no covariate"


def test_only_data_formats_are_written(saved: Path) -> None:
    assert {path.suffix for path in saved.iterdir()} <= {".parquet", ".json", ".txt"}
    for path in saved.iterdir():
        head = path.read_bytes()[:4]
        assert head == b"PAR1" if path.suffix == ".parquet" else path.read_text(encoding="utf-8")


def test_the_manifest_lists_every_other_file_and_says_with_what_it_was_made(saved: Path) -> None:
    manifest = json.loads((saved / MANIFEST).read_text())
    assert sorted(manifest["files"]) == sorted(path.name for path in saved.iterdir() if path.name != MANIFEST)
    assert manifest["format_version"] == FORMAT_VERSION
    assert manifest["libraries"].keys() == set(module.LIBRARIES)
    assert manifest["items"] == 5


def test_the_same_artifact_is_the_same_bytes(trained: Artifact, saved: Path, tmp_path: Path) -> None:
    trained.save(tmp_path / "again")
    for path in saved.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()


def test_what_lies_in_the_directory_does_not_become_part_of_it(trained: Artifact, tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "GlobalLightGBM-7.txt").write_text("not a model")
    trained.save(tmp_path)
    loaded = Artifact.load(tmp_path)
    assert loaded.global_models.keys() == trained.global_models.keys()


def test_more_than_ten_boosters_keep_their_order(trained: Artifact, tmp_path: Path) -> None:
    (name, (booster, *_)), *_ = trained.global_models.items()
    many = tuple(booster for _ in range(11))
    replace(trained, global_models={name: many}).save(tmp_path)
    assert len(Artifact.load(tmp_path).global_models[name]) == 11


def refused(directory: Path) -> str:
    with pytest.raises(PlatformError) as caught:
        Artifact.load(directory)
    return str(caught.value)


def test_an_empty_directory_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == (
        "PlatformError [platform]: There is no manifest.json in the model directory."
        " Give the model.tar.gz that training wrote."
    )


@pytest.mark.parametrize(
    "name", ["items.parquet", "history.parquet", "future.parquet", "forecasts.parquet", "GlobalLightGBM-0.txt"]
)
@pytest.mark.parametrize("how", ["absent", "cut", "flipped", "folder"])
def test_a_damaged_file_is_refused(saved: Path, name: str, how: str) -> None:
    path = saved / name
    content = path.read_bytes()
    path.unlink()
    if how == "cut":
        path.write_bytes(content[:-1])
    elif how == "flipped":
        path.write_bytes(content[:-9] + bytes([content[-9] ^ 1]) + content[-8:])
    elif how == "folder":
        path.mkdir()
    assert refused(saved) == f"PlatformError [platform]: The artifact's file '{name}' is absent or damaged. {COPY}"


@pytest.mark.parametrize("version", [0, FORMAT_VERSION + 1, "1", None])
def test_another_format_version_is_refused(saved: Path, version: object) -> None:
    rewrite(saved, lambda manifest: manifest.update(format_version=version))
    assert refused(saved) == (
        f"PlatformError [platform]: The artifact has format version {version!r}, expected {FORMAT_VERSION}."
        " Serve it with the image that trained it, or train again."
    )


@pytest.mark.parametrize("name", ["../items.parquet", "/etc/passwd", "a/b.parquet", "..", "."])
def test_a_path_in_the_manifest_is_refused_even_with_the_right_sum(saved: Path, name: str) -> None:
    (saved.parent / "items.parquet").write_bytes((saved / "items.parquet").read_bytes())
    digest = json.loads((saved / MANIFEST).read_text())["files"]["items.parquet"]
    rewrite(saved, lambda manifest: manifest["files"].update({name: digest}))
    assert refused(saved) == f"PlatformError [platform]: The artifact's file {name!r} is absent or damaged. {COPY}"


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "7", '{"format_version": 1}', '{"format_version": 1, "files": []}', "\0\1"]
)
def test_a_damaged_manifest_is_refused(saved: Path, text: str) -> None:
    (saved / MANIFEST).write_text(text)
    assert refused(saved) == f"PlatformError [platform]: The artifact's manifest.json is damaged. {COPY}"


def test_a_manifest_that_is_not_text_is_refused(saved: Path) -> None:
    (saved / MANIFEST).write_bytes(b"\xff\xfe\xfd")
    assert refused(saved) == f"PlatformError [platform]: The artifact's manifest.json is damaged. {COPY}"


@pytest.mark.parametrize("missing", ["items.parquet", "history.parquet", "future.parquet", "forecasts.parquet"])
def test_a_table_that_the_manifest_does_not_vouch_for_is_not_read(saved: Path, missing: str) -> None:
    rewrite(saved, lambda manifest: manifest["files"].pop(missing))
    assert refused(saved) == f"PlatformError [platform]: The artifact's manifest.json does not list its tables. {COPY}"


@pytest.mark.parametrize("key", ["weights", "intervals", "schema", "config", "frequency", "seasons", "horizon"])
def test_a_manifest_with_a_part_missing_is_refused(saved: Path, key: str) -> None:
    rewrite(saved, lambda manifest: manifest.pop(key))
    assert refused(saved).startswith("PlatformError [platform]: The artifact's manifest.json")


def rewrite(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((directory / MANIFEST).read_text())
    change(manifest)
    (directory / MANIFEST).write_text(json.dumps(manifest))


def test_only_the_tail_of_a_long_history_is_kept(tmp_path: Path) -> None:
    frame = table(2, module.TAIL_ROWS + 60)
    trained = pipeline.train(frame, fast(), progress=quiet).artifact
    assert trained.panel.lengths.tolist() == [module.TAIL_ROWS] * 2
    trained.save(tmp_path)
    loaded = Artifact.load(tmp_path)
    np.testing.assert_array_equal(loaded.panel.last_timestamps, np.array(["2026-06-18"] * 2, "datetime64[ns]"))
    short, long = (pipeline.forecast(loaded, ForecastRequest(horizon=h)).frame for h in (6, 9))
    first = long.groupby("item_id").head(6).reset_index(drop=True)
    # A series long enough keeps parameters fitted at an earlier origin in training, so the two are near, not equal.
    assert_frame_equal(first, short, check_exact=False, rtol=0, atol=0.5)


def test_the_config_that_was_loaded_is_valid(saved: Path) -> None:
    config = Artifact.load(saved).config
    assert isinstance(config, Config)
    assert config.schema == {
        "known_covariates": ["price"],
        "past_covariates": ["clicks"],
        "static": ["shop: kind"],
    }
