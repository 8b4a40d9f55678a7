"""What covariates do to all series: found where it is known, and no row where it cannot be told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from convect.explain import effects
from convect.panel import Panel
from convect.quality import validate
from convect.schema import Schema
from tests.unit.explain.known_effects import ELASTICITY, PER_PRICE, PER_PROMO, UPLIFT, config, made
from tests.unit.made import Array, panel_of


def panel(**shape: Any) -> Panel:
    frame, _ = made(**shape)
    return validate(frame, Schema.complete(config().schema, frame.columns), config())[0]


def with_covariates(known: Array, *series: Array, names: tuple[str, ...], **parts: Any) -> Panel:
    return panel_of(*series, known=known, known_names=names, future=np.empty((len(series), 0, len(names))), **parts)


def found(one: Panel, seasons: tuple[int, ...] = (7,)) -> pd.DataFrame:
    told = effects.table(one, seasons)
    assert told is not None
    return told.set_index("covariate")


@pytest.mark.parametrize("items", [4, 40])
def test_effects_on_the_logarithm_are_in_percent(items: int) -> None:
    told = found(panel(multiplied=True, items=items))
    assert told.columns.tolist() == list(effects.COLUMNS[1:])
    assert told["unit"].tolist() == ["% per 1 % of price", "% per 1 of promo"]
    assert told["items"].tolist() == [items, items]
    truth = np.array([ELASTICITY, 100 * (UPLIFT - 1)])
    np.testing.assert_allclose(told["effect"], truth, rtol=0.05)
    assert ((told["low_95"] < truth) & (truth < told["high_95"])).all()
    assert ((told["high_95"] - told["low_95"]) < 0.2 * np.abs(truth)).all()


def test_effects_that_add_are_in_units_of_the_target() -> None:
    one = panel(multiplied=False, items=40)
    values = one.values - 150.0  # below zero no logarithm is taken
    told = found(Panel(**{**vars(one), "values": values}))
    assert told["unit"].tolist() == ["units of the target per 1 of price", "units of the target per 1 of promo"]
    np.testing.assert_allclose(told["effect"], [PER_PRICE, PER_PROMO], rtol=0.05)


def test_a_text_is_held_against_the_most_frequent_one() -> None:
    rng = np.random.default_rng(1)
    kind = rng.choice([0.0, 1.0, 2.0], 200, p=[0.2, 0.6, 0.2])
    series = 100.0 * np.array([1.5, 1.0, 0.8])[kind.astype(int)] * np.exp(0.01 * rng.normal(size=200))
    texts = {"kind": ("flyer", "none", "radio")}
    told = found(with_covariates(kind[:, None], series, names=("kind",), categories=texts), ())
    assert told.index.tolist() == ["kind=flyer", "kind=radio"]
    np.testing.assert_allclose(told["effect"], [50.0, -20.0], atol=1.0)
    assert set(told["unit"]) == {"% against 'none'"}


def test_what_cannot_be_told_has_no_row() -> None:
    rng, step = np.random.default_rng(2), np.arange(140)
    week, half = (step % 7 == 5).astype(float), np.where(step < 100, np.nan, 1.0 * step)
    price = rng.normal(size=140)
    known = np.column_stack([week, np.ones(140), step, half, price, 2 * price])
    names = ("weekend", "constant", "time", "unknown", "price", "twice")
    told = found(with_covariates(known, 50 - 3 * price + rng.normal(size=140), names=names))
    assert told.index.tolist() == ["price"]


def test_without_covariates_there_is_no_table_and_with_no_evidence_an_empty_one() -> None:
    assert effects.table(panel_of(np.ones(50)), ()) is None
    empty = effects.table(with_covariates(np.ones((3, 1)), np.ones(3), names=("price",)), (7,))
    assert empty is not None
    assert (len(empty), tuple(empty.columns)) == (0, effects.COLUMNS)


def test_rows_without_a_target_or_a_covariate_do_not_count() -> None:
    rng = np.random.default_rng(3)
    price = rng.normal(size=100)
    series, observed = 50 + 2 * price, np.ones(100, bool)
    series[:9], observed[:9] = 1e6, False
    price[20:30] = np.nan
    told = found(with_covariates(price[:, None], series, names=("price",), observed=observed), ())
    np.testing.assert_allclose(told.loc["price", "effect"], 100 * np.expm1(0.04), rtol=0.05)


def test_many_items_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "MOST_ITEMS", 5)
    assert found(panel(multiplied=True, items=12))["items"].tolist() == [5, 5]
