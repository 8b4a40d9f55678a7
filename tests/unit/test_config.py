from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect import config as module
from convect.config import HYPERPARAMETERS, Config, markdown_table
from convect.errors import ConfigError

NAMES = [parameter.name for parameter in HYPERPARAMETERS]
KNOWN = f"Known: {', '.join(NAMES)}."
SPAN = "one natural span of the frequency (14 days, 12 months, 24 hours)"
LEVELS = "0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9"
JOB_KEYS = ["ForecastHorizon", "Transformations", "TimeSeriesConfig", "HolidayConfig", "CompletionCriteria"]
CORRECT = "Correct it, or leave it out for the default:"


def read(**raw: object) -> Config:
    return Config.from_hyperparameters(raw)


def message(**raw: object) -> str:
    with pytest.raises(ConfigError) as caught:
        read(**raw)
    return str(caught.value).removeprefix("UserError [config]: ")


def test_nothing_given_is_the_defaults() -> None:
    assert read() == Config()
    assert Config().quantiles == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert Config().to_dict() == {
        "horizon": None, "freq": None, "schema": None, "quantiles": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9],
        "preset": "balanced", "metric": "MASE", "windows": None, "time_limit": None, "holidays": [],
        "missing": "interpolate", "aggregate": "sum", "seed": 0,
    }  # fmt: skip


def test_the_table_and_the_object_agree() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(Config)}
    assert {**fields, "config": None} == {parameter.name: parameter.default for parameter in HYPERPARAMETERS}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("horizon", "14", 14),
        ("horizon", '"14"', 14),
        ("horizon", " 14 ", 14),
        ("horizon", "14.0", 14),
        ("horizon", "1e3", 1000),
        ("horizon", 14, 14),
        ("horizon", "10000", 10_000),
        ("freq", "D", "D"),
        ("freq", '"15min"', "15min"),
        ("freq", "1", "1"),
        ("quantiles", "0.1,0.5,0.9", (0.1, 0.5, 0.9)),
        ("quantiles", "[0.1, 0.5]", (0.1, 0.5)),
        ("quantiles", '"[0.9, 0.5, 0.5]"', (0.5, 0.9)),
        ("quantiles", "0.5", (0.5,)),
        ("quantiles", ".25, p75", (0.25, 0.75)),
        ("quantiles", '["p10", "p7"]', (0.07, 0.1)),
        ("preset", "Fast", "fast"),
        ("metric", "mase", "MASE"),
        ("metric", "smape", "sMAPE"),
        ("metric", "AverageWeightedQuantileLoss", "wQL"),
        ("windows", "3", 3),
        ("time_limit", "0.5", 0.5),
        ("time_limit", "600", 600.0),
        ("holidays", "US", ("US",)),
        ("holidays", "us, DE,us", ("US", "DE")),
        ("holidays", '["US", "NO"]', ("US", "NO")),
        ("holidays", "[]", ()),
        ("missing", "zero", "zero"),
        ("missing", "ffill", "previous"),
        ("missing", "linear", "interpolate"),
        ("missing", '{"middlefill": "median"}', "median"),
        ("missing", '{"target": {"middlefill": "zero", "backfill": "zero", "frontfill": "none"}}', "zero"),
        ("missing", '{"y": {"middlefill": "value", "middlefill_value": "0"}}', "zero"),
        ("aggregate", "avg", "mean"),
        ("aggregate", '{"target": "avg"}', "mean"),
        ("aggregate", "last", "last"),
        ("seed", "2147483647", 2_147_483_647),
        ("schema", '{"target": "y"}', {"target": "y"}),
        ("schema", '{"target": "y", "item_id": "sku", "static": null}', {"target": "y", "item_id": ["sku"]}),
        ("schema", '{"TargetAttributeName": "y"}', {"target": "y"}),
        ("schema", json.dumps('{"target": "y"}'), {"target": "y"}),
    ],
)
def test_values(name: str, text: object, expected: object) -> None:
    found = getattr(read(**{name: text}), name)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", " ", '""', "null", "None", '"null"', None])
def test_not_given(name: str, text: str | None) -> None:
    assert read(**{name: text}) == Config()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("horizon", "0", f"a whole number from 1 to 10000; found '0'. {CORRECT} {SPAN}."),
        ("horizon", "10001", f"a whole number from 1 to 10000; found '10001'. {CORRECT} {SPAN}."),
        ("horizon", "1.5", f"a whole number from 1 to 10000; found '1.5'. {CORRECT} {SPAN}."),
        ("horizon", "two", f"a whole number from 1 to 10000; found 'two'. {CORRECT} {SPAN}."),
        ("horizon", "true", f"a whole number from 1 to 10000; found 'true'. {CORRECT} {SPAN}."),
        ("horizon", True, f"a whole number from 1 to 10000; found True. {CORRECT} {SPAN}."),
        ("horizon", "[14]", f"a whole number from 1 to 10000; found [14]. {CORRECT} {SPAN}."),
        ("horizon", "1_0", f"a whole number from 1 to 10000; found '1_0'. {CORRECT} {SPAN}."),
        ("horizon", "\u0661", f"a whole number from 1 to 10000; found '\u0661'. {CORRECT} {SPAN}."),
        ("windows", "11", f"a whole number from 1 to 10; found '11'. {CORRECT} from the data."),
        ("time_limit", "0", f"a number greater than 0; found '0'. {CORRECT} none."),
        ("time_limit", "inf", f"a number greater than 0; found 'inf'. {CORRECT} none."),
        ("time_limit", float("nan"), f"a number greater than 0; found nan. {CORRECT} none."),
        ("time_limit", 10**400, f"a number greater than 0; found {str(10**400)[:57]}.... {CORRECT} none."),
        ("seed", "-1", f"a whole number from 0 to 2147483647; found '-1'. {CORRECT} 0."),
        ("freq", ["D"], f"a text; found ['D']. {CORRECT} inferred, and said so."),
        (
            "preset",
            "good",
            f"one of fast, balanced, best; found 'good'. {CORRECT} balanced.",
        ),
        (
            "metric",
            "MAPE",
            f"one of MASE, sMAPE, WAPE, RMSE, RMSSE, SQL, wQL; found 'MAPE'. {CORRECT} MASE.",
        ),
        (
            "quantiles",
            "0.1,1",
            f"1 to 99 numbers between 0 and 1 such as 0.1,0.5,0.9; found '0.1,1'. {CORRECT} {LEVELS}.",
        ),
        (
            "quantiles",
            "[]",
            f"1 to 99 numbers between 0 and 1 such as 0.1,0.5,0.9; found []. {CORRECT} {LEVELS}.",
        ),
        (
            "quantiles",
            "p100",
            f"1 to 99 numbers between 0 and 1 such as 0.1,0.5,0.9; found 'p100'. {CORRECT} {LEVELS}.",
        ),
        (
            "holidays",
            "USA",
            f"two-letter country codes such as US or US,DE; found 'USA'. {CORRECT} none.",
        ),
        (
            "missing",
            "drop",
            f"one of interpolate, zero, previous, mean, median, min, max; found 'drop'. {CORRECT} interpolate.",
        ),
        (
            "aggregate",
            "median",
            f"one of sum, mean, first, last, min, max; found 'median'. {CORRECT} sum.",
        ),
        ("config", "[1]", f"a JSON object; found [1]. {CORRECT} none."),
    ],
)
def test_refusals(name: str, text: object, expected: str) -> None:
    assert message(**{name: text}) == f"Hyperparameter {name} must be {expected}"


def test_at_most_99_quantiles() -> None:
    levels = [number / 100 for number in range(1, 100)]
    assert len(read(quantiles=json.dumps(levels)).quantiles) == 99
    assert message(quantiles=json.dumps([*levels, 0.005])).startswith("Hyperparameter quantiles must be 1 to 99")


def test_a_bad_schema_is_refused_here_already() -> None:
    assert message(schema='{"targt": "y"}').startswith("The schema has an unknown key 'targt'. Did you mean 'target'?")
    assert message(schema="{y}").startswith("The schema is not valid JSON: ")


# --- names


@pytest.mark.parametrize(
    ("name", "hint"),
    [("horzon", "horizon"), ("Horizon", "horizon"), ("test_quantiles", "quantiles"), ("quantile_levels", "quantiles")],
)
def test_unknown_names_get_the_nearest(name: str, hint: str) -> None:
    assert message(**{name: "1"}) == f"Unknown hyperparameter '{name}'. Did you mean '{hint}'? {KNOWN}"


def test_unknown_name_with_nothing_near() -> None:
    assert message(banana="1") == f"Unknown hyperparameter 'banana'. {KNOWN}"


def test_unknown_names_are_told_all_at_once() -> None:
    foreign = {"forecast_horizon": "7", "seed": "1", "epochs": "20", "country": "US"}
    assert message(**foreign) == (
        "Unknown hyperparameters 'forecast_horizon', 'epochs', 'country'."
        f" Did you mean 'horizon' for 'forecast_horizon', 'holidays' for 'country'? {KNOWN}"
    )
    assert message(banana="1", apple="2") == f"Unknown hyperparameters 'banana', 'apple'. {KNOWN}"


def test_of_many_unknown_names_some_are_told() -> None:
    told = message(**{f"x{place}": "1" for place in range(20)})
    assert told.startswith("Unknown hyperparameters 'x0', 'x1',") and "'x14' and 5 more." in told


def test_platform_names_are_ignored() -> None:
    raw = {"_tuning_objective_metric": "x", "sagemaker_program": '"train.py"', "seed": "3"}
    assert Config.from_hyperparameters(raw) == Config(seed=3)


# --- config


def test_config_holds_several_and_explicit_names_win() -> None:
    inner = {"horizon": 7, "freq": "D", "schema": {"target": "y"}, "quantiles": [0.5]}
    found = read(config=json.dumps(inner), horizon="9", freq="")
    assert found == Config(horizon=9, freq="D", schema={"target": "y"}, quantiles=(0.5,))


def test_an_explicit_name_wins_even_over_a_bad_value() -> None:
    assert read(config='{"horizon": -1}', horizon="9").horizon == 9


def test_config_refusals() -> None:
    assert message(config='{"horzon": 1}') == f"Unknown hyperparameter 'horzon'. Did you mean 'horizon'? {KNOWN}"
    assert message(config='{"config": {}}') == (
        "Hyperparameter config holds a config again. Put its entries one level higher."
    )
    assert message(config='{"horizon": 1') == (
        "Hyperparameter config is not valid JSON: Expecting ',' delimiter at character 14. "
        'Pass for example {"horizon": 14, "freq": "D"}.'
    )


# --- the object


def test_the_constructor_types_and_checks_too() -> None:
    assert Config(horizon="7", quantiles=[0.9, 0.1]) == Config(horizon=7, quantiles=(0.1, 0.9))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="horizon must be a whole number"):
        Config(horizon=0)


def test_given_says_only_what_was_given() -> None:
    assert module.given({"config": {"horizon": 3, "seed": None}, "preset": "fast", "freq": ""}) == {
        "horizon": 3,
        "preset": "fast",
    }


# --- properties

columns = st.text(min_size=1, max_size=5).filter(str.strip)
schemas = st.fixed_dictionaries({"target": columns}, optional={"item_id": st.just([])})
configs = st.builds(
    Config,
    horizon=st.none() | st.integers(1, 10_000),
    freq=st.none() | st.sampled_from(["D", "15min", "1M"]),
    schema=st.none() | schemas,
    quantiles=st.sets(st.floats(0, 1, exclude_min=True, exclude_max=True), min_size=1, max_size=99).map(tuple),
    preset=st.sampled_from(["fast", "balanced", "best"]),
    metric=st.sampled_from(["MASE", "sMAPE", "WAPE", "RMSE", "RMSSE", "SQL", "wQL"]),
    windows=st.none() | st.integers(1, 10),
    time_limit=st.none() | st.floats(0, 1e9, exclude_min=True),
    holidays=st.lists(st.sampled_from(["US", "DE", "NO"])).map(tuple),
    missing=st.sampled_from(["interpolate", "zero", "previous", "mean", "median", "min", "max"]),
    aggregate=st.sampled_from(["sum", "mean", "first", "last", "min", "max"]),
    seed=st.integers(0, 2**31 - 1),
)


@given(configs)
def test_round_trip(config: Config) -> None:
    assert Config.from_hyperparameters({"config": json.dumps(config.to_dict())}) == config
    assert Config.from_hyperparameters({name: json.dumps(value) for name, value in config.to_dict().items()}) == config


json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NAMES, *JOB_KEYS, "x"]), inner),
    max_leaves=8,
).map(json.dumps)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(), st.text() | json_texts, max_size=4))
def test_any_hyperparameters_are_read_or_refused(raw: dict[str, str]) -> None:
    try:
        config = Config.from_hyperparameters(raw)
    except ConfigError:
        return
    assert Config.from_hyperparameters({"config": json.dumps(config.to_dict())}) == config


# --- the README's table


def test_markdown_table_has_a_row_for_each_in_order() -> None:
    lines = markdown_table().splitlines()
    assert lines[:2] == ["| name | value | default | meaning |", "|---|---|---|---|"]
    assert [line.split("`")[1] for line in lines[2:]] == NAMES
    assert all(line.count(" | ") == 3 for line in lines[2:])
    assert lines[9] == (
        "| `time_limit` | a number greater than 0 | none | seconds for training; the best answer so far is kept |"
    )


def test_each_default_is_admitted_and_explained() -> None:
    for parameter in HYPERPARAMETERS:
        assert parameter.default_text
        assert parameter.meaning
        if parameter.default is not None:
            assert getattr(read(**{parameter.name: json.dumps(parameter.default)}), parameter.name) == parameter.default
