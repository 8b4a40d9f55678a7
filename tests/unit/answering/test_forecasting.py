"""Answers from an artifact: by look-up where nothing is new, afresh where something is, and refusals in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

from convect import pipeline
from convect.answering import forecasting
from convect.answering.request import Forecast, ForecastRequest
from convect.errors import ConfigError, DataError, RequestError, UserError
from convect.intervals import LEVELS
from convect.pipeline import TrainResult
from tests.unit.made import fast, quantile_columns, quiet, table

ITEMS, ROWS, HORIZON = 4, 60, 6
NEXT = pd.Timestamp("2024-03-01")  # the step after the 60 rows


@pytest.fixture(scope="module")
def trained() -> TrainResult:
    return pipeline.train(table(ITEMS, ROWS), fast(), progress=quiet)


@pytest.fixture(scope="module")
def ask(trained: TrainResult) -> Callable[..., Forecast]:
    return lambda **request: pipeline.forecast(trained.artifact, ForecastRequest(**request))


Ask = Callable[..., Forecast]


def newer(rows: int, first: int = ROWS) -> pd.DataFrame:
    """The next rows of the same series."""
    whole = table(ITEMS, first + rows)
    return whole[whole.groupby("item_id").cumcount() >= first]


def checked(found: Forecast, items: list[str], horizon: int) -> pd.DataFrame:
    frame = found.frame
    assert frame["item_id"].tolist() == [item for item in items for _ in range(horizon)]
    assert found.origin["item_id"].tolist() == items
    assert np.isfinite(frame["mean"]).all()
    assert (np.diff(quantile_columns(frame), axis=1) >= 0).all()
    return frame


def test_a_look_up_is_what_training_left(ask: Ask, trained: TrainResult) -> None:
    found = ask()
    assert_frame_equal(checked(found, ["i0", "i1", "i2", "i3"], HORIZON), trained.forecasts, check_exact=True)
    assert (found.origin["history"] == "trained").all()
    assert (found.origin["last_timestamp"] == NEXT - pd.Timedelta("1D")).all()
    assert not found.origin["fallback"].any()
    assert (found.origin["reason"] == "").all()


def test_a_shorter_horizon_is_the_beginning(ask: Ask, trained: TrainResult) -> None:
    expected = trained.forecasts.groupby("item_id").head(2).reset_index(drop=True)
    assert_frame_equal(ask(horizon=2).frame, expected, check_exact=True)


def test_a_longer_horizon_begins_as_the_shorter_one_and_goes_on(ask: Ask, trained: TrainResult) -> None:
    found = ask(horizon=20)
    frame = checked(found, ["i0", "i1", "i2", "i3"], 20)
    first = frame.groupby("item_id").head(HORIZON).reset_index(drop=True)
    assert_frame_equal(first, trained.forecasts, check_exact=False, rtol=1e-9)
    assert (found.origin["history"] == "trained").all()
    assert frame["timestamp"].tolist() == list(pd.date_range(NEXT, periods=20)) * ITEMS
    width = (frame["0.9"] - frame["0.1"]).to_numpy().reshape(ITEMS, 20)
    assert (width[:, -1] > width[:, HORIZON - 1]).all()


@pytest.mark.parametrize("quantiles", [(0.5,), (0.9, 0.1), (0.01, 0.025, 0.95), (0.33, 0.5), (0.001, 0.999)])
def test_other_quantiles_agree_with_those_of_training(
    ask: Ask, trained: TrainResult, quantiles: tuple[float, ...]
) -> None:
    found = ask(quantiles=quantiles).frame
    assert list(found.columns[3:]) == [str(level) for level in quantiles]
    assert_frame_equal(found.iloc[:, :3], trained.forecasts.iloc[:, :3], check_exact=True)
    for level in set(quantiles) & set(trained.artifact.quantiles):
        np.testing.assert_allclose(found[str(level)], trained.forecasts[str(level)], rtol=1e-12)
    whole = quantile_columns(ask(quantiles=tuple(sorted({*LEVELS, *quantiles}))).frame)
    assert (np.diff(whole, axis=1) >= -1e-9).all()


def test_no_quantile_goes_where_the_data_cannot(ask: Ask) -> None:
    counts = table(3, 60).assign(target=lambda f: (f["target"] % 3).round())
    artifact = pipeline.train(counts, fast(), progress=quiet).artifact
    found = pipeline.forecast(artifact, ForecastRequest(quantiles=(0.0001, 0.5, 0.9999))).frame
    assert (quantile_columns(found) >= 0).all()
    assert (found["0.9999"] > found["0.5"]).all()


def test_some_items_only(ask: Ask, trained: TrainResult) -> None:
    found = ask(items=("i3", "i1", "i3"))
    expected = trained.forecasts[trained.forecasts["item_id"].isin(["i1", "i3"])].reset_index(drop=True)
    assert_frame_equal(checked(found, ["i1", "i3"], HORIZON), expected, check_exact=True)
    longer = checked(ask(items=("i2",), horizon=9), ["i2"], 9)
    np.testing.assert_allclose(longer["mean"].head(HORIZON), trained.forecasts.query("item_id == 'i2'")["mean"])


def test_no_items_are_no_rows(ask: Ask) -> None:
    assert ask(items=()).frame.empty


def test_the_trained_history_sent_again_gives_the_trained_forecast(ask: Ask, trained: TrainResult) -> None:
    found = ask(frame=table(ITEMS, ROWS))
    assert_frame_equal(found.frame, trained.forecasts, check_exact=False, rtol=1e-9)
    assert (found.origin["history"] == "request").all()


@pytest.mark.parametrize("rows", [1, 5, 30])
def test_newer_history_is_joined_to_the_kept_one(ask: Ask, rows: int) -> None:
    found = ask(frame=newer(rows))
    frame = checked(found, ["i0", "i1", "i2", "i3"], HORIZON)
    assert (found.origin["history"] == "request").all()
    assert found.origin["last_timestamp"].eq(NEXT + pd.Timedelta(days=rows - 1)).all()
    whole = ask(frame=table(ITEMS, ROWS + rows)).frame
    assert_frame_equal(frame, whole, check_exact=False, rtol=1e-6)


def test_newer_history_changes_the_forecast_of_its_item_only(ask: Ask) -> None:
    frame = newer(7)
    before = ask(frame=frame).frame
    changed = frame.assign(target=frame["target"] + 20 * (frame["item_id"] == "i1"))
    after = ask(frame=changed).frame
    own = before["item_id"] == "i1"
    np.testing.assert_allclose(after.loc[~own, "mean"], before.loc[~own, "mean"], rtol=1e-6)
    assert (after.loc[own, "mean"] > before.loc[own, "mean"] + 5).all()


def unseen(**series: Any) -> pd.DataFrame:
    parts = [
        pd.DataFrame({"item_id": item, "timestamp": pd.date_range("2024-05-01", periods=len(y)), "target": y})
        for item, y in series.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_an_unseen_item_is_forecast_from_what_it_brings(ask: Ask) -> None:
    whole = table(1, 56, level=700.0, noise=0.2).assign(item_id="new")
    found = ask(frame=whole.head(50))
    frame = checked(found, ["new"], HORIZON)
    assert found.origin["history"].tolist() == ["unseen"]
    np.testing.assert_allclose(frame["mean"], whole["target"].tail(6), atol=6)


def test_items_of_any_length_and_kind_get_an_answer_beside_each_other(ask: Ask) -> None:
    frame = unseen(
        constant=[4.0] * 20,
        long=table(1, 60)["target"],
        negative=[-3.0, -9.0] * 10,
        one=[9.0],
        short=[5.0, 7.0, 6.0],
        zero=[0.0] * 15,
    )
    found = ask(frame=frame)
    mean = checked(found, ["constant", "long", "negative", "one", "short", "zero"], HORIZON)
    by_item = mean.groupby("item_id")["mean"]
    np.testing.assert_allclose(by_item.mean()[["constant", "zero"]], [4, 0])
    assert 8 <= by_item.mean()["one"] <= 10
    assert 3 <= by_item.min()["short"] <= by_item.max()["short"] <= 9
    assert by_item.max()["negative"] < 0
    last = mean.groupby("item_id")["timestamp"].min()
    assert last["one"] == pd.Timestamp("2024-05-02")
    assert last["constant"] == pd.Timestamp("2024-05-21")


def test_an_item_seen_once_is_not_forecast_with_certainty(ask: Ask) -> None:
    frame = ask(frame=unseen(one=[9.0])).frame
    assert (frame["0.9"] > frame["0.1"]).all()


def test_an_item_without_any_value_is_left_out(ask: Ask) -> None:
    frame = unseen(empty=[np.nan] * 5, full=table(1, 40)["target"])
    checked(ask(frame=frame), ["full"], HORIZON)


def test_a_fallback_is_named(ask: Ask) -> None:
    artifact = pipeline.train(table(ITEMS, ROWS), fast(time_limit=1e-6), progress=quiet).artifact
    for request in (ForecastRequest(), ForecastRequest(horizon=9)):
        found = pipeline.forecast(artifact, request)
        assert found.origin["fallback"].all()
        assert set(found.origin["reason"]) == {"no model but seasonal naive could be fitted to this history"}


def refusal(ask: Ask, kind: type[UserError], **request: Any) -> str:
    with pytest.raises(kind) as caught:
        ask(**request)
    return str(caught.value)


def test_an_unknown_item_is_refused(ask: Ask) -> None:
    assert refusal(ask, RequestError, items=("i1", "i9999999")) == (
        "UserError [request]: 1 of the 2 items asked for were not seen in training. Send their history as data."
    )
    assert refusal(ask, RequestError, items=("I1",)).endswith("Send their history as data. Did you mean 'i1'?")


def test_items_beside_data_are_not_silently_ignored(ask: Ask) -> None:
    request = {"frame": table(ITEMS, ROWS), "items": ("i1",)}
    try:
        found = ask(**request)
    except RequestError:
        return
    checked(found, ["i1"], HORIZON)


@pytest.mark.parametrize("freq", ["W", "h", "MS", "2D"])
def test_another_frequency_is_refused(ask: Ask, freq: str) -> None:
    assert refusal(ask, RequestError, freq=freq) == (
        f"UserError [request]: freq is '{freq}', but the model was trained at 'D'."
        " Leave freq out, or train a model at that frequency."
    )


def test_the_trained_frequency_may_be_stated_in_any_spelling(ask: Ask, trained: TrainResult) -> None:
    for freq in ("D", "1D", "d"):
        assert_frame_equal(ask(freq=freq).frame, trained.forecasts, check_exact=True)


def test_data_of_another_frequency_is_refused(ask: Ask) -> None:
    assert refusal(ask, DataError, frame=table(2, 60, "h")) == (
        "UserError [data]: The model was trained at 'D', but the timestamps do not fit it, for example"
        " 2024-01-01 01:00:00. Send one row for each step of that frequency, such as 2024-01-01 00:00:00."
    )


def test_stray_stamps_are_moved_to_their_step_as_in_training(ask: Ask) -> None:
    """Also where the one stamp sent is the stray one, so that most of them are."""
    at = ["2024-03-02 09:00", "2024-03-02"]
    for before in ([], ["2024-03-01"]):
        tables = [pd.DataFrame({"item_id": "i1", "timestamp": [*before, one], "target": 70.0}) for one in at]
        found, expected = (ask(frame=table) for table in tables)
        assert_frame_equal(found.frame, expected.frame)


@pytest.mark.parametrize("horizon", [0, -3, forecasting.LONGEST_FACTOR * HORIZON + 1])
def test_a_horizon_out_of_range_is_refused(ask: Ask, horizon: int) -> None:
    assert refusal(ask, RequestError, horizon=horizon) == (
        f"UserError [request]: config.horizon is {horizon}; the model was trained for {HORIZON} steps."
        f" Ask for 1 to {forecasting.LONGEST_FACTOR * HORIZON} steps, or train with a longer horizon."
    )


def test_the_longest_horizon_is_answered(ask: Ask) -> None:
    longest = forecasting.LONGEST_FACTOR * HORIZON
    checked(ask(horizon=longest, items=("i0",)), ["i0"], longest)
    checked(ask(horizon=longest, frame=newer(3)), ["i0", "i1", "i2", "i3"], longest)


@pytest.fixture(scope="module")
def ask_priced() -> Callable[..., Forecast]:
    """A model of demand that falls by ten a unit of price, with a text attribute and other column names."""
    artifact = pipeline.train(
        priced(70),
        fast(schema={"item_id": "sku", "known_covariates": ["price"], "static": ["kind"]}),
        progress=quiet,
    ).artifact
    return lambda **request: pipeline.forecast(artifact, ForecastRequest(**request))


def priced(rows: int, future_price: float = 1.0, horizon: int = HORIZON) -> pd.DataFrame:
    frame = table(5, rows + horizon, noise=0.5).rename(columns={"item_id": "sku"})
    rng = np.random.default_rng(1)
    frame["price"] = rng.choice([1.0, 2.0, 3.0], len(frame))
    future = frame.groupby("sku").cumcount() >= rows
    frame["target"] = (100 - 10 * frame["price"] + rng.normal(0, 0.5, len(frame))).where(~future)
    frame.loc[future, "price"] = future_price
    frame["kind"] = np.where(frame["sku"] < "i2", "a", "b")
    return frame


def test_the_price_in_a_request_moves_the_forecast(ask_priced: Ask) -> None:
    cheap, dear = (ask_priced(frame=priced(70, price)).frame["mean"] for price in (1.0, 3.0))
    assert (cheap.mean() - dear.mean()) > 5


def test_a_longer_horizon_needs_no_prices(ask_priced: Ask) -> None:
    found = ask_priced(horizon=12).frame
    assert len(found) == 60 and np.isfinite(found["mean"]).all()


def test_a_schema_in_part_leaves_the_rest_as_trained(ask_priced: Ask) -> None:
    plain = ask_priced(frame=priced(70)).frame
    assert_frame_equal(ask_priced(frame=priced(70), schema={"item_id": "sku"}).frame, plain)
    renamed = priced(70).rename(columns={"price": "cost", "target": "sold"})
    schema = {"target": "sold", "known_covariates": ["cost"]}
    assert_frame_equal(ask_priced(frame=renamed, schema=schema).frame, plain)


@pytest.mark.parametrize(("names", "count"), [([], 0), (["price", "discount"], 2)])
def test_a_schema_with_other_covariates_than_the_model_s_is_refused(
    ask_priced: Ask, names: list[str], count: int
) -> None:
    frame = priced(70).assign(discount=0.0)
    assert refusal(ask_priced, RequestError, frame=frame, schema={"known_covariates": names}) == (
        f"UserError [request]: schema.known_covariates names {count} columns, but the model was trained with 1."
        " Name price, in this order, or leave known_covariates out."
    )


def test_a_request_without_the_covariate_s_column_is_refused(ask_priced: Ask) -> None:
    assert refusal(ask_priced, DataError, frame=priced(70).drop(columns="price")) == (
        "UserError [column_missing]: The table lacks column 'price'. Columns found: sku, timestamp, target, kind."
    )


def test_a_request_without_the_attributes_uses_the_kept_ones(ask_priced: Ask) -> None:
    whole = ask_priced(frame=priced(70)).frame
    assert_frame_equal(ask_priced(frame=priced(70).drop(columns="kind")).frame, whole)


def test_an_attribute_never_seen_is_not_known_rather_than_refused(ask_priced: Ask) -> None:
    found = ask_priced(frame=priced(70).assign(kind="zzz", sku=lambda f: "n" + f["sku"]))
    assert (found.origin["history"] == "unseen").all()
    assert np.isfinite(found.frame["mean"]).all()


@pytest.mark.parametrize("how", ["missing", "aggregate"])
def test_repairs_may_be_chosen_by_the_request(ask: Ask, how: str) -> None:
    frame = table(1, 60)
    if how == "missing":
        frame = frame.drop(index=range(40, 58))
        first, second = ask(frame=frame, missing="zero"), ask(frame=frame, missing="previous")
    else:
        frame = pd.concat([frame, frame])
        first, second = ask(frame=frame, aggregate="mean"), ask(frame=frame, aggregate="sum")
        np.testing.assert_allclose(second.frame["mean"], 2 * first.frame["mean"], rtol=0.05)
    assert not np.allclose(first.frame["mean"], second.frame["mean"])


def test_a_setting_that_is_none_is_refused_in_words(ask: Ask) -> None:
    assert refusal(ask, ConfigError, frame=table(1, 60), missing="nothing").startswith("UserError [config]: ")
    assert refusal(ask, ConfigError, freq="fortnightly").startswith("UserError [config]: ")
