"""A refit: the same weights, everything else anew, and a job that contradicts the earlier model refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering.request import ForecastRequest
from convect.artifact import Artifact
from convect.config import Config
from convect.errors import ConfigError
from convect.quality import validate
from convect.schema import Schema
from convect.training.pooled import BY_NAME
from convect.training.portfolio import Budget
from convect.training.refit import Refitted, check_schema, refit, refit_config
from tests.unit.made import fast, quiet, table

FRAME = table(4, 80)
LATER = table(5, 100)  # the same four items, twenty days on, and one more


@pytest.fixture(scope="module")
def earlier() -> Artifact:
    return pipeline.train(FRAME, fast(), progress=quiet).artifact


def again(earlier: Artifact, frame: pd.DataFrame, config: Config | None = None, **named: object) -> Refitted:
    settings = config or refit_config(earlier, {})
    panel, quality = validate(
        frame, earlier.schema, settings, frequency=earlier.frequency, categories=earlier.panel.categories
    )
    return refit(earlier, panel, quality, settings, progress=quiet, **named)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def later(earlier: Artifact) -> Refitted:
    return again(earlier, LATER)


def test_the_weights_are_those_of_the_earlier_model(earlier: Artifact, later: Refitted) -> None:
    found = later.artifact.weights
    np.testing.assert_array_equal(found.series[:4], earlier.weights.series)
    np.testing.assert_array_equal(found.group, earlier.weights.group)
    np.testing.assert_array_equal(found.series[4], earlier.weights.group)
    np.testing.assert_array_equal(later.artifact.intervals.ratio[:4], earlier.intervals.ratio)
    assert later.artifact.intervals.ratio[4] == 1


def test_the_forecasts_follow_the_new_end(later: Refitted) -> None:
    stamps = later.forecasts["timestamp"].unique()
    assert stamps[0] == LATER["timestamp"].max() + pd.Timedelta(days=1)
    assert later.forecasts["item_id"].unique().tolist() == ["i0", "i1", "i2", "i3", "i4"]
    assert np.isfinite(later.artifact.forecasts).all()
    level = later.forecasts.groupby("item_id")["mean"].mean()
    assert level.to_numpy() == pytest.approx([50, 100, 150, 200, 250], rel=0.2)


def test_a_new_item_with_few_values_gets_the_interval_of_serving(earlier: Artifact) -> None:
    few = pd.concat([LATER, LATER[LATER["item_id"] == "i4"].tail(2).assign(item_id="new")])
    found = again(earlier, few).forecasts.set_index("item_id").loc["new"]
    served = pipeline.forecast(earlier, ForecastRequest(frame=few)).frame.set_index("item_id").loc["new"]
    for level in ("0.1", "0.9"):
        np.testing.assert_allclose(found[level] - found["mean"], served[level] - served["mean"], rtol=1e-6)
    assert (found["0.9"] - found["0.1"]).min() > 1


def test_an_item_without_history_is_forecast_and_one_whose_history_was_kept_left_out(earlier: Artifact) -> None:
    after = LATER["timestamp"].max() + pd.Timedelta(days=1)
    asked = pd.DataFrame({"item_id": ["i0", "a-new"], "timestamp": after, "target": np.nan})
    found = again(earlier, pd.concat([LATER[LATER["item_id"] != "i0"], asked])).forecasts
    assert found["item_id"].unique().tolist() == ["a-new", "i1", "i2", "i3", "i4"]
    mean = found.pivot_table(index="timestamp", columns="item_id", values="mean")
    np.testing.assert_allclose(mean["a-new"], mean.drop(columns="a-new").median(axis=1))


def test_the_global_models_are_learnt_again(earlier: Artifact, later: Refitted) -> None:
    assert earlier.global_models
    for name, learnt in earlier.global_models.items():
        to_text = BY_NAME[name].learner.to_text
        assert [to_text(one) for one in later.artifact.global_models[name]] != [to_text(one) for one in learnt]


def test_newer_rows_alone_continue_the_kept_history(earlier: Artifact, later: Refitted) -> None:
    newer = LATER[(LATER["timestamp"] > FRAME["timestamp"].max()) | (LATER["item_id"] == "i4")]
    found = again(earlier, newer)
    np.testing.assert_allclose(found.artifact.forecasts, later.artifact.forecasts, rtol=1e-9)
    np.testing.assert_allclose(found.artifact.panel.values, later.artifact.panel.values)


def test_the_same_data_give_the_same_forecasts(earlier: Artifact) -> None:
    found = again(earlier, FRAME)
    np.testing.assert_allclose(found.artifact.forecasts, earlier.forecasts, rtol=1e-9)


def test_items_that_are_gone_are_left_out(earlier: Artifact) -> None:
    lines: list[str] = []
    panel, quality = validate(LATER[LATER["item_id"] > "i2"], earlier.schema, fast(), frequency=earlier.frequency)
    found = refit(earlier, panel, quality, refit_config(earlier, {}), progress=lines.append)
    assert found.artifact.item_ids == ("i3", "i4")
    assert lines == ["refit: 1 items of the earlier model, 1 new ones, 3 left out"]


def test_an_executor_changes_nothing(earlier: Artifact, later: Refitted) -> None:
    with ThreadPoolExecutor(2) as executor:
        found = again(earlier, LATER, executor=executor)
    np.testing.assert_array_equal(found.artifact.forecasts, later.artifact.forecasts)


def test_a_spent_budget_keeps_what_was_learnt(earlier: Artifact) -> None:
    budget = Budget(None)
    budget.stop.set()
    found = again(earlier, LATER, budget=budget)
    assert found.artifact.global_models == dict(earlier.global_models)
    assert np.isfinite(found.artifact.forecasts).all()


def test_the_new_model_is_saved_served_and_refitted_again(
    later: Refitted, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("model")
    later.artifact.save(folder)
    loaded = Artifact.load(folder)
    assert_frame_equal(pipeline.forecast(loaded, ForecastRequest()).frame, later.forecasts)
    assert len(again(loaded, table(5, 110)).forecasts) == len(later.forecasts)


def test_another_horizon_and_quantiles_are_followed(earlier: Artifact, tmp_path: Path) -> None:
    config = refit_config(earlier, {"horizon": 9, "quantiles": (0.25, 0.5)})
    found = again(earlier, LATER, config)
    assert found.artifact.horizon == 9
    assert found.artifact.forecasts.shape[:2] == (5, 9)
    assert found.forecasts.columns.tolist() == ["item_id", "timestamp", "mean", "0.25", "0.5"]
    assert found.artifact.quantiles == (0.25, 0.5)
    found.artifact.save(tmp_path)
    assert_frame_equal(pipeline.forecast(Artifact.load(tmp_path), ForecastRequest()).frame, found.forecasts)


def test_covariates_and_categories_keep_their_meaning() -> None:
    def promoted(frame: pd.DataFrame, kinds: str) -> pd.DataFrame:
        on = np.random.default_rng(1).random(len(frame)) < 0.3
        names = frame["item_id"].map({f"i{place}": kind for place, kind in enumerate(kinds)})
        return frame.assign(target=frame["target"] * (1 + on), on=np.where(on, "yes", "no"), kind=names)

    config = fast(schema={"known_covariates": ["on"], "static": ["kind"]})
    earlier = pipeline.train(promoted(FRAME, "xyxy"), config, progress=quiet).artifact
    ahead = promoted(table(5, 106), "xyxyz")
    ahead.loc[ahead["timestamp"] > LATER["timestamp"].max(), "target"] = np.nan
    ahead.loc[ahead["target"].isna(), "on"] = np.where(ahead.loc[ahead["target"].isna(), "item_id"] < "i2", "yes", "no")
    found = again(earlier, ahead)
    assert found.artifact.panel.categories == earlier.panel.categories == {"on": ("no", "yes"), "kind": ("x", "y")}
    assert np.isnan(found.artifact.panel.static[4, 0])  # a kind that the earlier model never saw
    assert found.artifact.panel.future[:, :, 0].tolist() == [[1.0] * 6] * 2 + [[0.0] * 6] * 3
    level = found.forecasts.groupby("item_id")["mean"].mean() / [50, 100, 150, 200, 250]
    assert level.iloc[:2].min() > level.iloc[2:].max()


def test_settings_that_are_not_stated_are_the_earlier_ones(earlier: Artifact) -> None:
    config = refit_config(
        replace(earlier, config=fast(metric="WAPE", missing="zero", time_limit=3)), {"preset": "best"}
    )
    assert (config.metric, config.missing, config.preset, config.horizon) == ("WAPE", "zero", "fast", 6)
    assert config.time_limit is None
    assert Schema.parse(dict(config.schema or {})) == earlier.schema


REMEDY = "Give what it was trained with, or leave channel 'model' out to train afresh."
DIFFERS = "UserError [config]: The job differs from the earlier model in channel 'model': "


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"freq": "h"}, f"{DIFFERS}freq was D and is h. {REMEDY}"),
        ({"holidays": ("US", "DE")}, f"{DIFFERS}holidays was none and is US, DE. {REMEDY}"),
        (
            {"horizon": 121},
            "UserError [config]: Hyperparameter horizon is 121; the earlier model was trained for 6 steps."
            " Ask for at most 120 steps, or leave channel 'model' out.",
        ),
    ],
)
def test_settings_that_contradict_the_earlier_model(
    earlier: Artifact, stated: dict[str, object], expected: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        refit_config(earlier, stated)
    assert str(caught.value) == expected


def test_a_model_whose_forecasts_add_up_is_not_refit(earlier: Artifact) -> None:
    with pytest.raises(ConfigError) as caught:
        refit_config(replace(earlier, schema=replace(earlier.schema, hierarchy=("region",))), {})
    assert str(caught.value) == (
        "UserError [config]: The earlier model in channel 'model' has a hierarchy, and a refit makes no sums that add"
        " up. Leave channel 'model' out to train afresh."
    )


def test_a_frequency_in_another_spelling_is_the_same(earlier: Artifact) -> None:
    assert refit_config(earlier, {"freq": "1D"}).horizon == 6


def test_a_schema_that_changed_is_refused_with_its_difference() -> None:
    before = Schema("ds", "y", item_id=("sku", "store"), known_covariates=("price",))
    after = Schema("ds", "sold", item_id=("sku",), known_covariates=("price", "promo"), static=("kind",))
    check_schema(before, before)
    with pytest.raises(ConfigError) as caught:
        check_schema(before, after)
    assert str(caught.value) == (
        f"{DIFFERS}item_id was sku, store and is sku; target was y and is sold;"
        f" known_covariates was price and is price, promo; static was none and is kind. {REMEDY}"
    )


def test_the_forecasts_of_a_refit_are_explained_too(later: Refitted) -> None:
    added = later.explanations.groupby(["item_id", "timestamp"], observed=True)["value"].sum()
    np.testing.assert_allclose(added, later.forecasts["mean"], atol=1e-6, rtol=0)
    assert later.effects is None
