"""Every model of the portfolio keeps the same promises; the budget decides how many of them there are."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from typing import Any
from unittest import mock

import numpy as np
import pytest

from convect.backtest import Backtest, prepare
from convect.config import Config
from convect.folds import rolling_origin
from convect.models import catalogue
from convect.models.simple import NAIVE
from convect.models.table import series_table
from convect.panel import Panel
from convect.training import pooled, portfolio
from convect.training.portfolio import Budget, models_of
from tests.unit import made
from tests.unit.made import Array, quiet

SEASONS, HORIZON, ROWS, WINDOWS = (4, 12), 8, 60, 2
POSITIVE = np.ones(5)
MANY_ZEROS = np.array([0.0, 0.0, 1.0, 0.0, 3.0])
LOCAL = [model.name for model in catalogue.PORTFOLIO]
EVERY = [*LOCAL, *pooled.BY_NAME]
PRICE = np.random.default_rng(9).choice([1.0, 2.0, 3.0], ROWS + HORIZON)


def whole_numbers(items: int = 4, rows: int = ROWS) -> list[Array]:
    """Series whose running sums are exact, so that what does not change stays the same to the last bit."""
    rng, time_steps = np.random.default_rng(3), np.arange(rows)
    wave = 20 * np.sin(2 * np.pi * time_steps / 4) + 10 * np.sin(2 * np.pi * time_steps / 12)
    return [np.round(100.0 * (item + 1) + wave + rng.normal(0, 4, rows)) for item in range(items)]


def panel_of(series: list[Array]) -> Panel:
    """With a past covariate that follows the target, so that looking at its future would show, and a known one."""
    return made.panel_of(
        *series,
        known=np.concatenate([PRICE[: len(one)] for one in series])[:, None],
        future=np.stack([PRICE[len(one) : len(one) + HORIZON, None] for one in series]),
        past=np.concatenate(series)[:, None] % 10,
        known_names=("price",),
        past_names=("clicks",),
    )


def backtest(
    panel: Panel,
    preset: str = "balanced",
    executor: Executor | None = None,
    budget: Budget | None = None,
    progress: list[str] | None = None,
) -> Backtest:
    folds = rolling_origin(panel.lengths, HORIZON, WINDOWS, 20)
    table = series_table(panel, HORIZON, SEASONS, ())
    ready = prepare(panel, folds, HORIZON, SEASONS[0])
    settings = Config(preset=preset, horizon=HORIZON)
    say = quiet if progress is None else progress.append
    found, _ = portfolio.run(panel, ready, table, settings, executor=executor, budget=budget or Budget(), progress=say)
    return found


def of_every_model(series: list[Array], executor: Executor | None = None) -> Backtest:
    """A backtest of what every preset has together, whatever the target's sign and zeros."""
    variants = mock.patch.object(pooled, "variants_of", return_value=pooled.VARIANTS)
    with variants, mock.patch.object(portfolio, "models_of", return_value=LOCAL):
        return backtest(panel_of(series), executor=executor)


@cache
def usual() -> Backtest:
    return of_every_model(whole_numbers())


@cache
def with_another_future(items: int) -> Backtest:
    """The same, but all that follows the newest cutoff of the last `items` items is different."""
    series = whole_numbers()
    for place in range(len(series) - items, len(series)):
        series[place][-HORIZON:] = 7 * (place + 1)
    return of_every_model(series)


@cache
def reversed_order() -> Backtest:
    return of_every_model(whole_numbers()[::-1])


@cache
def shortest() -> Backtest:
    """One item that nothing but the last value can be said of, beside items that can be learnt from."""
    return of_every_model([np.array([3.0, 5.0]), *whole_numbers()])


@pytest.mark.parametrize("preset", ["fast", "balanced"])
@pytest.mark.parametrize("shift", [0.0, -1000.0])
def test_every_model_of_the_preset_is_tried(preset: str, shift: float) -> None:
    series = [one + shift for one in whole_numbers(2)]
    expected = [variant.name for variant in pooled.variants_of(preset, np.concatenate(series))]
    assert list(backtest(panel_of(series), preset).predictions) == [*expected, *models_of(preset, SEASONS, POSITIVE)]


@pytest.mark.parametrize("name", EVERY)
def test_a_model_forecasts_every_origin_with_finite_values_and_widths(name: str) -> None:
    found, rows = usual().predictions[name], len(usual().origins.items)
    assert found.mean.shape == (rows, HORIZON)
    assert found.spread.shape == (rows, HORIZON, 2)
    assert found.fallback.shape == (rows,) and found.fallback.dtype == np.dtype(bool)
    assert np.isfinite(found.mean).all() and not found.fallback.any()
    known = np.isfinite(found.spread)
    assert known.all() or not known.any()
    assert (found.spread[known] >= 0).all()
    assert found.seconds > 0


@pytest.mark.parametrize(
    "name", sorted(set(EVERY) - {"ETS"} - {model.name for model in catalogue.PORTFOLIO if model.intermittent})
)
def test_a_model_is_no_worse_than_forecasting_the_mean(name: str) -> None:
    found = usual()
    level = np.array([100.0, 200.0, 300.0, 400.0])[found.origins.items[found.origins.past]]
    errors = np.abs(found.actual - found.past(name)).mean()
    assert errors < np.abs(found.actual - level[:, None]).mean()


@pytest.mark.parametrize("name", EVERY)
def test_a_model_never_sees_what_follows_the_cutoff(name: str) -> None:
    # Sums of logarithms are not exact: a neighbour's future may move their last digit, and with it a split.
    before, after = usual(), with_another_future(1 if name == "GlobalLightGBMLog" else 4)
    past = before.origins.past
    assert not np.array_equal(before.actual, after.actual)
    np.testing.assert_array_equal(before.predictions[name].mean[past], after.predictions[name].mean[past])
    np.testing.assert_array_equal(before.predictions[name].spread[past], after.predictions[name].spread[past])
    assert (before.last(name)[-1] != after.last(name)[-1]).any(), "the last origin, which may see it, must differ"


@pytest.mark.parametrize("name", LOCAL)
def test_a_local_model_does_not_know_its_neighbours(name: str) -> None:
    found, turned = usual(), reversed_order()
    np.testing.assert_array_equal(found.last(name), turned.last(name)[::-1])


@pytest.mark.parametrize("name", pooled.BY_NAME)
def test_the_order_of_the_items_hardly_matters_to_a_global_model(name: str) -> None:
    found, turned = usual().last(name), reversed_order().last(name)[::-1]
    np.testing.assert_allclose(found, turned, rtol=0.05)  # other windows are drawn for the same seed


@pytest.mark.parametrize("name", EVERY)
def test_a_model_that_cannot_be_fitted_says_so(name: str) -> None:
    found = shortest()
    first = int(found.origins.last[0])
    predicted = found.predictions[name]
    if name in LOCAL:
        assert predicted.fallback[first] == (name != NAIVE)
        assert predicted.mean[first].tolist() == [5.0] * HORIZON
    else:
        assert np.isfinite(predicted.mean[first]).all() or predicted.fallback[first]


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_gives_the_same_forecasts_however_the_work_is_shared(name: str) -> None:
    with ThreadPoolExecutor(2) as executor:
        shared = _shared(executor)
    np.testing.assert_array_equal(shared.predictions[name].mean, usual().predictions[name].mean)
    np.testing.assert_array_equal(shared.predictions[name].spread, usual().predictions[name].spread)


_found: list[Backtest] = []


def _shared(executor: Executor) -> Backtest:
    if not _found:
        _found.append(of_every_model(whole_numbers(), executor))
    return _found[0]


def test_presets_only_grow() -> None:
    fast, balanced, best = (models_of(preset, SEASONS, POSITIVE) for preset in ("fast", "balanced", "best"))
    assert fast[0] == balanced[0] == best[0] == NAIVE
    assert set(fast) < set(balanced) < set(best)
    assert set(best) < set(models_of("best", SEASONS, MANY_ZEROS)) == set(LOCAL) - {"ETS"}


def test_models_for_intermittent_demand_wait_for_many_zeros() -> None:
    for preset in ("fast", "balanced", "best"):
        more = set(models_of(preset, (), MANY_ZEROS)) - set(models_of(preset, (), POSITIVE))
        assert more == {"TSB", "ADIDA", "CrostonSBA"}


def test_models_for_seasons_are_left_out_where_there_are_none() -> None:
    seasonal = {"MSTLTheta", "MSTLETS", "SeasonalNaiveLong", "SeasonalMedian", "SeasonalMean"}
    assert not seasonal & set(models_of("best", (), POSITIVE)) and seasonal < set(models_of("best", SEASONS, POSITIVE))
    assert "SeasonalNaiveLong" not in models_of("best", (7,), POSITIVE)
    assert all("ETS" in models_of(preset, (), POSITIVE) for preset in ("fast", "balanced"))
    assert "ETS" not in models_of("best", (7,), POSITIVE)
    assert "DampedETS" not in models_of("best", (catalogue.LONGEST_ETS_SEASON + 1,), POSITIVE)


def test_a_budget_is_spent_by_time_or_by_a_stop_and_never_without() -> None:
    assert not Budget().spent()
    assert not Budget(60.0).spent()
    assert Budget(60.0, started=time.monotonic() - 61).spent()
    stop = threading.Event()
    budget = Budget(None, stop)
    stop.set()
    assert budget.spent()


@contextmanager
def maybe_threads(how: str) -> Iterator[Executor | None]:
    if how == "alone":
        yield None
    else:
        with ThreadPoolExecutor(1) as executor:
            yield executor


@pytest.mark.parametrize("how", ["alone", "threads"])
def test_where_no_time_is_left_the_naive_forecast_is_still_there(how: str) -> None:
    lines: list[str] = []
    with maybe_threads(how) as executor:
        found = backtest(panel_of(whole_numbers()), executor=executor, budget=Budget(0.0), progress=lines)
    assert list(found.predictions) == [NAIVE]
    np.testing.assert_array_equal(found.predictions[NAIVE].mean, usual().predictions[NAIVE].mean)
    assert [line for line in lines if "left out" in line] == [
        f"model {name}: left out, the time limit is reached" for name in models_of("balanced", SEASONS, POSITIVE)[1:]
    ]


def test_a_stop_in_the_middle_keeps_what_is_finished() -> None:
    budget = Budget()

    class Lines(list[str]):
        def append(self, line: str) -> None:
            super().append(line)
            if line.startswith(f"model {NAIVE}:"):
                budget.stop.set()

    lines = Lines()
    found = backtest(panel_of(whole_numbers()), "fast", budget=budget, progress=lines)
    variants = [variant.name for variant in pooled.variants_of("fast", np.ones(1))]
    assert list(found.predictions) == [*variants, NAIVE]
    assert len(lines) == len(models_of("fast", SEASONS, POSITIVE)) + len(variants)


@pytest.mark.parametrize("variant", pooled.VARIANTS, ids=lambda variant: variant.name)
def test_a_stop_while_a_global_model_is_fitted_spares_its_other_windows(
    variant: pooled.Variant, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, calls = Budget(), []

    def fit(*given: Any) -> Any:
        calls.append(1)
        budget.stop.set()
        return variant.learner.fit(*given)

    stopping = replace(variant, learner=replace(variant.learner, fit=fit))
    monkeypatch.setattr(pooled, "variants_of", lambda *_: [stopping, *pooled.VARIANTS])
    found = backtest(panel_of(whole_numbers()), "fast", budget=budget)
    assert len(calls) == 1
    assert list(found.predictions) == [NAIVE]


def test_each_model_is_told_with_its_cost() -> None:
    lines: list[str] = []
    found = backtest(panel_of(whole_numbers(2)), "fast", progress=lines)
    assert len(lines) == len(found.predictions)
    assert all(" CPU-seconds, 0 fallbacks" in line for line in lines)


def test_series_too_short_to_learn_from_leave_the_global_model_out() -> None:
    found = backtest(panel_of([np.arange(1.0, 6.0), np.arange(2.0, 7.0)]), "fast")
    assert not set(pooled.BY_NAME) & set(found.predictions)
    assert NAIVE in found.predictions
