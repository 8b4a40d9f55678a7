"""Tables finer than the stated frequency: what they become, which ends are left out, and what stays refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convect.config import Config
from convect.errors import DataError
from convect.panel import Panel
from convect.quality import QualityReport, validate
from convect.reading import blocks
from convect.schema import Schema

SCHEMA = Schema("ds", "y", ("id",))
DAILY = Config(freq="D", horizon=2)


def rows(stamps: Any, values: Any = 1.0, item: str = "a", **columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"id": item, "ds": pd.DatetimeIndex(stamps), "y": values, **columns})


def hours(start: str, count: int) -> pd.DatetimeIndex:
    return pd.date_range(start, periods=count, freq="h")


def counts(report: QualityReport) -> dict[str, int]:
    flags = ("short", "constant", "future_missing")
    return {name: found["count"] for name, found in report.summary()["findings"].items() if name not in flags}


def series(panel: Panel, place: int = 0) -> dict[str, float]:
    stamps = panel.frequency.from_ordinal(panel.starts[place] + np.arange(panel.lengths[place]))
    return dict(zip(stamps.strftime("%Y-%m-%d").tolist(), panel.series(place).tolist(), strict=True))


def test_hours_become_days_and_the_report_tells() -> None:
    panel, report = validate(rows(hours("2024-01-01", 72), np.arange(72.0)), SCHEMA, DAILY)
    assert panel.frequency.alias == "D"
    assert series(panel) == {"2024-01-01": 276, "2024-01-02": 852, "2024-01-03": 1428}
    assert counts(report) == {"finer": 72, "finer_steps": 3}
    assert report.summary()["findings"]["finer"]["action"] == "made steps of D: sum"
    assert report.aggregated() == "72 rows became 3 steps (made steps of D: sum)"


@pytest.mark.parametrize(("method", "day"), [("sum", 276.0), ("mean", 11.5), ("first", 0), ("last", 23), ("max", 23)])
def test_the_method_is_the_user_s_and_first_and_last_go_by_the_clock(method: str, day: float) -> None:
    table = rows(hours("2024-01-01", 48), np.arange(48.0)).sample(frac=1, random_state=1)
    panel, _ = validate(table, SCHEMA, replace(DAILY, aggregate=method))
    assert panel.series(0)[0] == day


def test_a_first_and_a_last_day_that_break_off_are_left_out() -> None:
    panel, report = validate(rows(hours("2024-01-01 20:00", 4 + 72 + 3)), SCHEMA, DAILY)
    assert series(panel) == {"2024-01-02": 24, "2024-01-03": 24, "2024-01-04": 24}
    assert counts(report) == {
        "finer": 79,
        "finer_steps": 5,
        "broken_step": 7,
        "leading_missing": 1,
        "trailing_missing": 1,
    }
    assert report.aggregated().endswith("7 rows of first or last steps that are not whole are not used")


def test_a_shop_that_closes_at_five_has_whole_days() -> None:
    stamps = [day + pd.Timedelta(hours=hour) for day in pd.date_range("2024-01-01", periods=8) for hour in range(9, 18)]
    panel, report = validate(rows(stamps), SCHEMA, DAILY)
    assert panel.series(0).tolist() == [9] * 8
    assert "broken_step" not in counts(report)
    panel, report = validate(rows(stamps[:-3]), SCHEMA, DAILY)
    assert (panel.series(0).tolist(), counts(report)["broken_step"]) == ([9] * 7, 6)


def test_sparse_transactions_keep_their_ends_and_it_is_said() -> None:
    random = np.random.default_rng(0)
    stamps = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.sort(random.integers(0, 60 * 86400, 150)), unit="s")
    panel, report = validate(rows(stamps), SCHEMA, replace(DAILY, missing="zero"))
    assert panel.series(0).sum() == 150
    assert report.summary()["findings"]["finer"]["action"].endswith("an end that is not whole may be kept")


def test_single_sales_end_where_the_table_does() -> None:
    random = np.random.default_rng(0)
    seconds = np.sort(random.integers(0, 20 * 86_400 + 10_000, 4000))  # not three hours of the last day
    table = rows(pd.Timestamp("2024-01-01") + pd.to_timedelta(seconds, unit="s"))
    table["id"] = random.choice(["a", "b", "c"], 4000)
    early = (table["id"] == "c") & (seconds >= 10.1 * 86_400)  # its last sale comes early in a day that is whole
    panel, report = validate(table[~early], SCHEMA, DAILY)
    assert panel.lengths.tolist() == [20, 20, 11]
    assert counts(report)["broken_step"] == ((seconds >= 20 * 86_400) & ~early).sum()


def test_a_day_that_only_a_covariate_ends_is_the_first_of_the_future() -> None:
    stamps, schema = hours("2024-01-01", 24 * 5), replace(SCHEMA, known_covariates=("price", "sign"))
    values = np.where(np.arange(120) < 75, 1.0, np.nan)  # until two in the morning of the fourth day
    table = rows(stamps, values, price=np.arange(120.0), sign=np.where(np.arange(120) % 24 < 7, "night", "day"))
    panel, report = validate(table, schema, DAILY)
    assert series(panel) == {"2024-01-01": 24, "2024-01-02": 24, "2024-01-03": 24}
    assert panel.future[0, :, 0].tolist() == [83.5, 107.5]
    assert [panel.categories["sign"][int(code)] for code in panel.future[0, :, 1]] == ["night", "night"]
    assert counts(report)["broken_step"] == 3


def test_a_related_table_of_hours_for_all_items() -> None:
    schema, stamps = replace(SCHEMA, known_covariates=("heat",)), hours("2024-01-01", 24 * 5)
    related = pd.DataFrame({"ds": stamps, "heat": np.arange(120.0)})
    panel, _ = validate(rows(stamps[:72]), schema, DAILY, related=related)
    assert panel.known[:, 0].tolist() == [11.5, 35.5, 59.5]
    assert panel.future[0, :, 0].tolist() == [83.5, 107.5]
    with pytest.raises(DataError, match="several rows for one timestamp"):
        validate(rows(stamps[:72]), schema, DAILY, related=pd.concat([related, related[:1]]))


@pytest.mark.parametrize(
    ("alias", "fine", "rule", "options"),
    [
        *(("D", "h", "D", {}), ("h", "min", "h", {}), ("3h", "20min", "3h", {})),
        *(("W", "D", "W-SUN", {"label": "right", "closed": "right"}), ("W-MON", "8h", "7D", {"origin": "2024-01-01"})),
        *(
            ("MS", "D", "MS", {}),
            ("M", "D", "MS", {}),
            ("ME", "12h", "ME", {}),
            ("QS-FEB", "D", "QS-FEB", {}),
            ("B", "h", "B", {}),
        ),
    ],
)
def test_as_pandas_resamples(alias: str, fine: str, rule: str, options: dict[str, Any]) -> None:
    stamps = pd.date_range("2023-12-03 01:00", periods=1000, freq=fine)
    values = np.random.default_rng(1).gamma(2.0, 5.0, len(stamps)).round(3)
    panel, report = validate(rows(stamps, values), SCHEMA, Config(freq=alias, horizon=2))
    expected = pd.Series(values, stamps).resample(rule, **options).sum().to_numpy()
    found = panel.series(0)
    assert counts(report)["finer_steps"] == len(expected)
    cut = int(np.flatnonzero(np.isclose(expected, found[0]))[0])
    np.testing.assert_allclose(found, expected[cut : cut + len(found)])
    assert len(expected) - 2 <= len(found) <= len(expected)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 28 * 86_400 - 2), st.integers(-5, 50)),
        min_size=40,
        max_size=120,
        unique_by=lambda row: row[1],
    ),
    st.sampled_from([3, 1_000_000]),
)
def test_no_target_is_lost_or_made(given: list[tuple[str, int, int]], block: int) -> None:
    ends = [(item, second, 1) for item in "abc" for second in (0, 28 * 86_400 - 1)]  # every item begins and ends whole
    items, seconds, values = zip(*given, *ends, strict=True)
    table = rows(pd.Timestamp("2024-01-01") + pd.to_timedelta(list(seconds), unit="s"), values, "")
    table["id"] = items
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "BLOCK_ROWS", block)
        panel, report = validate(table, SCHEMA, Config(freq="W", horizon=1, missing="zero"))
    sums = table["y"].groupby(table["id"]).sum()
    assert [panel.series(place).sum() for place in range(3)] == sums.tolist()
    assert counts(report)["finer"] == len(table)


@pytest.mark.parametrize(
    ("stamps", "freq"),
    [
        (pd.date_range("2024-01-03", periods=30, freq="W-WED"), "W-MON"),
        (pd.date_range("2024-01-31", periods=30, freq="ME"), "MS"),
        (pd.date_range("2024-01-01", periods=30, freq="MS"), "W"),
        (hours("2024-01-01", 72), None),
    ],
)
def test_another_phase_and_what_is_inferred_are_not_aggregated(stamps: pd.DatetimeIndex, freq: str | None) -> None:
    try:
        panel, report = validate(rows(stamps), SCHEMA, Config(freq=freq, horizon=2))
    except DataError as error:
        assert "do not fit it" in str(error)
        return
    assert (freq, panel.frequency.alias) == (None, "h")
    assert "finer" not in counts(report)


def test_a_few_strays_stay_off_grid() -> None:
    stamps = [*pd.date_range("2024-01-01", periods=20), pd.Timestamp("2024-01-05 13:00")]
    panel, report = validate(rows(stamps), SCHEMA, DAILY)
    assert counts(report) == {"off_grid": 1, "duplicate": 1}
    assert len(panel.values) == 20


@pytest.mark.parametrize(("freq", "fine"), [("D", True), (None, False)])
def test_newer_history_is_aggregated_only_where_the_frequency_was_stated(freq: str | None, fine: bool) -> None:
    trained, _ = validate(rows(pd.date_range("2024-01-01", periods=30)), SCHEMA, Config(freq=freq))
    newer = rows(hours("2024-01-31", 27))
    if not fine:
        with pytest.raises(DataError, match="do not fit it"):
            validate(newer, SCHEMA, Config(horizon=2), frequency=trained.frequency)
        return
    panel, _ = validate(newer, SCHEMA, DAILY, frequency=trained.frequency)
    assert series(panel) == {"2024-01-31": 24}


def test_rows_that_are_whole_steps_already_break_off_nowhere_and_bend_no_ends() -> None:
    newer, kept = rows(hours("2024-02-01", 50), item="b"), rows(["2024-01-31"], 24.0, "a")
    trained, _ = validate(rows(pd.date_range("2024-01-01", periods=30)), SCHEMA, DAILY)
    alone, _ = validate(newer, SCHEMA, DAILY, frequency=trained.frequency)
    both, _ = validate(pd.concat([newer, kept], ignore_index=True), SCHEMA, DAILY, frequency=trained.frequency, whole=1)
    assert series(both, 0) == {"2024-01-31": 24}
    assert series(both, 1) == series(alone) == {"2024-02-01": 24, "2024-02-02": 24}
