"""The door: messy tables become a panel with every repair counted, or are refused by a sentence."""

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from convect.config import Config
from convect.errors import UserError
from convect.frequency import Frequency
from convect.panel import Panel
from convect.quality import QualityReport, validate
from convect.reading import blocks
from convect.schema import Schema

NAN = np.nan
SCHEMA = Schema("ds", "y", ("id",))
PRICED = Schema("ds", "y", ("id",), known_covariates=("price",))


def daily(values: list[Any], item: str = "a", start: str = "2024-01-01", **columns: Any) -> pd.DataFrame:
    stamps = pd.date_range(start, periods=len(values)).strftime("%Y-%m-%d")
    return pd.DataFrame({"id": item, "ds": stamps, "y": pd.Series(values, dtype=object), **columns})


def counts(report: QualityReport) -> dict[str, int]:
    return {name: found["count"] for name, found in report.summary()["findings"].items() if name != "short"}


def table_of(panel: Panel) -> pd.DataFrame:
    """The panel's own long table, covariates decoded."""
    table = pd.DataFrame({"id": panel.item_ids[panel.positions], "ds": panel.timestamps, "y": panel.values})
    for place, name in enumerate(panel.known_names):
        codes = panel.known[:, place]
        words = np.array([*panel.categories.get(name, ()), None], dtype=object)
        table[name] = words[np.nan_to_num(codes, nan=-1).astype(int)] if name in panel.categories else codes
    return table


def assert_same(first: Panel, second: Panel) -> None:
    assert (first.frequency, first.item_ids.tolist()) == (second.frequency, second.item_ids.tolist())
    for name in ("starts", "offsets", "observed"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    for name in ("values", "known", "future", "past", "static"):
        np.testing.assert_allclose(getattr(first, name), getattr(second, name), rtol=1e-12)


def test_a_messy_table_by_hand() -> None:
    table = pd.concat(
        [
            daily([None, 1, "2", "", 4, np.inf, 6, None], "b"),
            daily([5, 5, 5, 5], "a").drop(index=1),
            daily([3.0], "a", "2024-01-04"),
            daily([None, None], "c"),
        ]
    )
    panel, report = validate(table, SCHEMA, Config())
    assert panel.item_ids.tolist() == ["a", "b"]
    assert panel.series(0).tolist() == [5, 5, 5, 8]
    assert panel.series(1).tolist() == [1, 2, 3, 4, 5, 6]
    assert panel.observed.tolist() == [True, False, True, True, True, True, False, True, False, True]
    assert [str(stamp)[:10] for stamp in panel.last_timestamps] == ["2024-01-04", "2024-01-07"]
    assert counts(report) == {
        "number_as_text": 1,
        "infinite": 1,
        "duplicate": 1,
        "empty": 1,
        "leading_missing": 1,
        "trailing_missing": 1,
        "missing": 2,
        "gap": 1,
    }
    duplicate = report.findings[report.findings["finding"] == "duplicate"]
    assert duplicate.to_numpy().tolist() == [["a", "duplicate", 1, "sum"]]


def test_the_report_is_json() -> None:
    _, report = validate(daily([1, 2, None, 4]), SCHEMA, Config())
    whole = json.loads(json.dumps(report.to_dict()))
    assert whole["summary"] == {
        "items": 1,
        "rows": 4,
        "observed": 3,
        "first": "2024-01-01T00:00:00",
        "last": "2024-01-04T00:00:00",
        "frequency": "D",
        "frequency_inferred": True,
        "findings": {
            "missing": {"items": 1, "count": 1, "action": "filled: interpolate"},
            "short": {"items": 1, "count": 1, "action": "kept"},
        },
    }
    assert whole["findings"][0] == {"item_id": "a", "finding": "missing", "count": 1, "action": "filled: interpolate"}
    assert list(report.findings.columns) == ["item_id", "finding", "count", "action"]


@pytest.mark.parametrize("rows", [1, 5, 12])
@pytest.mark.parametrize("shuffled", [False, True])
def test_blocks_of_rows_change_nothing(rows: int, shuffled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [
        daily([None, 1, "2", "", 4, np.inf, 6, None], "b", price=[1, 2, None, 4, 5, 6, 7, 8], shop="north"),
        daily([5, 5, 5, 5], "a", price=2.0, shop=["south", "south", "north", "south"]).drop(index=1),
        daily([3.0], "a", "2024-01-04", price=4.0, shop="south"),
        daily([None, None], "c", price=0.5, shop="north"),
        daily([1, 2, 3, None], "d", "2024-01-03 01:00", price=[1, None, 2, 3], shop="west"),
    ]
    table = pd.concat(parts, ignore_index=True).sample(frac=1.0 if shuffled else 1, random_state=0)
    table = table if shuffled else table.sort_index()
    schema = Schema("ds", "y", ("id",), known_covariates=("price",), static=("shop",))
    whole, expected = validate(table, schema, Config(freq="D"))
    monkeypatch.setattr(blocks, "BLOCK_ROWS", rows)
    panel, report = validate(table, schema, Config(freq="D"))
    assert_same(panel, whole)
    assert report.to_dict() == expected.to_dict()


def test_a_clean_table_has_no_findings() -> None:
    panel, report = validate(daily(list(range(30))), SCHEMA, Config(freq="D"))
    assert report.to_dict()["findings"] == []
    assert (report.frequency_inferred, panel.horizon, report.summary()["findings"]) == (False, 14, {})


@pytest.mark.parametrize(("missing", "filled"), [("zero", 0), ("previous", 1), ("median", 2), ("max", 3)])
def test_gaps_are_filled_as_configured(missing: str, filled: float) -> None:
    panel, _ = validate(daily([1, None, 3]), SCHEMA, Config(missing=missing))
    assert panel.values.tolist() == [1, filled, 3]


def test_flags() -> None:
    table = pd.concat([daily([7] * 20), daily([1, *[None] * 17, 3, 4], "b"), daily([1, 2], "c")])
    _, report = validate(table, SCHEMA, Config())
    flags = report.findings[report.findings["action"] == "kept"]
    assert flags[["item_id", "finding"]].to_numpy().tolist() == [
        ["a", "constant"],
        ["c", "short"],
        ["b", "mostly_filled"],
    ]


def test_a_fifth_of_a_million_rows_take_seconds() -> None:
    stamps = pd.date_range("2020-01-01", periods=100).astype(str)
    table = pd.DataFrame(
        {"id": np.repeat(np.arange(2000), 100), "ds": np.tile(stamps, 2000), "y": np.arange(200_000.0)}
    )
    begun = time.perf_counter()
    panel, _ = validate(table.drop(index=7), SCHEMA, Config())
    assert time.perf_counter() - begun < 5
    np.testing.assert_array_equal(panel.values[:10], range(10))


IDS = st.sampled_from(["a", "b", "c", 1, 1.0, "1", None])
STAMPS = st.one_of(
    st.sampled_from([f"2024-01-{day:02}" for day in range(1, 20)]),
    st.sampled_from(
        ["2024-01-05 12:00", "2024-01-05T00:00:00+02:00", "13/01/2024", "2261-01-01", None, "x", 20240110, ""]
    ),
)
TARGETS = st.one_of(st.integers(-9, 9), st.floats(), st.sampled_from(["3", "x", "", None, True, "1,000", "inf", 1e300]))
PRICES = st.one_of(st.floats(), st.none(), st.sampled_from(["low", "2", True]))
ROWS = st.lists(st.tuples(IDS, STAMPS, TARGETS, PRICES), max_size=12)
SETTINGS = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
CONFIGS = st.builds(
    Config,
    freq=st.sampled_from([None, "D", "h", "W", "M"]),
    missing=st.sampled_from(["interpolate", "zero", "median"]),
    aggregate=st.sampled_from(["sum", "mean", "min", "first"]),
    horizon=st.sampled_from([None, 3]),
)


@given(ROWS, CONFIGS)
@SETTINGS
def test_anything_becomes_a_panel_or_a_user_error(rows: list[tuple[Any, ...]], config: Config) -> None:
    table = pd.DataFrame(rows, columns=["id", "ds", "y", "price"], dtype=object)
    try:
        panel, report = validate(table, PRICED, config)
    except UserError as error:
        assert len(str(error)) < 600
        return
    panel._check()
    json.dumps(report.to_dict(), allow_nan=False)
    assert report.rows == len(panel.values) >= report.observed > 0


CLEAN = st.lists(
    st.tuples(
        st.sampled_from("abc"),
        st.integers(0, 40),
        st.one_of(st.none(), st.integers(-99, 99)),
        st.sampled_from(["x", "y", None]),
    ),
    min_size=2,
    max_size=25,
)


def clean_table(rows: list[tuple[Any, ...]], alias: str) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["id", "step", "y", "price"])
    return table.assign(ds=Frequency(alias).stamps("2020-01-01", 41)[table["step"]])


@given(CLEAN, st.sampled_from(["D", "MS", "W-TUE", "h", "B"]), st.randoms(use_true_random=False))
@SETTINGS
def test_row_order_does_not_matter(rows: list[tuple[Any, ...]], alias: str, random: Any) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    found = []
    for each in (rows, shuffled):
        try:
            found.append(validate(clean_table(each, alias), PRICED, Config(freq=alias)))
        except UserError as error:
            found.append(str(error))
    if isinstance(found[0], str):
        assert found[0] == found[1]
    else:
        assert_same(found[0][0], found[1][0])
        pd.testing.assert_frame_equal(found[0][1].findings, found[1][1].findings)


@given(CLEAN, st.sampled_from(["D", "MS", "W-TUE", "h", "B"]))
@SETTINGS
def test_a_clean_panel_passes_unchanged(rows: list[tuple[Any, ...]], alias: str) -> None:
    try:
        once, _ = validate(clean_table(rows, alias), PRICED, Config(freq=alias))
    except UserError:
        return
    twice, report = validate(table_of(once), PRICED, Config(), frequency=once.frequency, categories=once.categories)
    dropped = ("observed", "future", "cold_ids", "cold_static", "clock_min")
    whole = Panel.build(
        **{name: value for name, value in vars(once).items() if name not in dropped}, future=twice.future
    )
    assert_same(twice, whole)
    repairs = {"gap", "missing", "duplicate", "off_grid", "empty", "leading_missing", "trailing_missing"}
    assert not repairs & set(counts(report))
