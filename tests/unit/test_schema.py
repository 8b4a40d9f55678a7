from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from convect.errors import ConfigError
from convect.schema import ROLES, Schema, read_partial

EXAMPLE = 'Pass for example {"item_id": "unique_id", "timestamp": "ds", "target": "y"}.'
KNOWN = "Known: item_id, timestamp, target, known_covariates, past_covariates, static, hierarchy."
LISTS = "The schema's static must be a column name or a list of them; found"


def message(value: object, columns: list[str] | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        Schema.parse(value) if columns is None else Schema.complete(value, columns)  # type: ignore[arg-type]
    return str(caught.value).removeprefix("UserError [config]: ")


# --- parse: the product's own form


def test_parse_own_form() -> None:
    value = {"timestamp": "ds", "target": "y", "item_id": "id", "known_covariates": ["price", "promo"]}
    expected = Schema(timestamp="ds", target="y", item_id=("id",), known_covariates=("price", "promo"))
    assert Schema.parse(value) == expected
    assert Schema.parse(json.dumps(value)) == expected


def test_null_means_not_named() -> None:
    assert Schema.parse({"timestamp": "ds", "target": "y", "item_id": None, "static": None}) == Schema("ds", "y")


def test_several_item_columns_keep_their_order() -> None:
    assert Schema.parse({"timestamp": "t", "target": "y", "item_id": ["b", "a"]}).item_id == ("b", "a")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (
            '{"timestamp": ',
            f"The schema is not valid JSON: Expecting value at character 15. {EXAMPLE}",
        ),
        ("[" * 100_000, f"The schema is not JSON that can be read. {EXAMPLE}"),
        ("[1]", f"The schema must be a JSON object; found [1]. {EXAMPLE}"),
        ({"timestmp": "ds"}, f"The schema has an unknown key 'timestmp'. Did you mean 'timestamp'? {KNOWN}"),
        ({"target": 3}, f"The schema's target must be one column name; found 3. {EXAMPLE}"),
        ({"target": " "}, f"The schema's target must be one column name; found ' '. {EXAMPLE}"),
        ({"target": ["y"]}, f"The schema's target must be one column name; found ['y']. {EXAMPLE}"),
        ({"static": {"a": 1}}, f"{LISTS} {{'a': 1}}. {EXAMPLE}"),
        ({"static": ["a", 1]}, f"{LISTS} ['a', 1]. {EXAMPLE}"),
        (
            {"timestamp": "ds", "target": "y", "known_covariates": ["x", "y"]},
            "The schema names column 'y' as both target and known_covariates. Give each column one role.",
        ),
        (
            {"timestamp": "ds", "target": "y", "static": ["a", "a"]},
            "The schema names column 'a' twice in static. Give each column one role.",
        ),
        ({"timestamp": "ds"}, 'The schema names no target column. Add it, for example {"item_id": "unique_id", '
         '"timestamp": "ds", "target": "y"}.'),
    ],
)  # fmt: skip
def test_parse_refuses(value: object, expected: str) -> None:
    assert message(value) == expected


def test_long_values_are_cut_in_the_sentence() -> None:
    found = message({"target": ["y" * 500]})
    assert len(found) < 250
    assert "..." in found


def test_two_roles_are_refused_by_the_constructor_too() -> None:
    with pytest.raises(ConfigError, match="'y' as both timestamp and target"):
        Schema(timestamp="y", target="y")


def test_a_level_of_the_hierarchy_may_be_an_item_column_or_static() -> None:
    schema = Schema("ds", "y", item_id=("region", "store"), static=("country",), hierarchy=("country", "region"))
    assert schema.columns == ("region", "store", "ds", "y", "country")
    with pytest.raises(ConfigError, match="'y' as both target and hierarchy"):
        Schema("ds", "y", hierarchy=("y",))


# --- infer


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (["unique_id", "ds", "y"], Schema("ds", "y", ("unique_id",))),
        (["Item ID", "TimeStamp", "Target Value"], Schema("TimeStamp", "Target Value", ("Item ID",))),
        (["DATE", "Sales"], Schema("DATE", "Sales")),
        (["date", "store", "item", "sales", "price"], Schema("date", "sales", ("store", "item"))),
        (["id", "month", "value"], Schema("month", "value", ("id",))),
        (["id", "sku", "date", "qty"], Schema("date", "qty", ("sku",))),
        (["series", "region", "ds", "y"], Schema("ds", "y", ("series",))),
        (["year", "month", "timestamp", "value"], Schema("timestamp", "value")),
        (["y", "sales", "ds"], Schema("ds", "y")),
        (["sku", "ts", "day", "qty"], Schema("ts", "qty", ("sku",))),
    ],
)
def test_infer(columns: list[str], expected: Schema) -> None:
    assert Schema.infer(columns) == expected


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            ["a", "b"],
            "No timestamp and no target column was recognised. Columns found: a, b. "
            'Pass hyperparameter schema={"timestamp": "<column>", "target": "<column>"}.',
        ),
        (
            ["ds", "departures"],
            "No target column was recognised. Columns found: ds, departures. "
            'Pass hyperparameter schema={"target": "<column>"}.',
        ),
        (
            [],
            "No timestamp and no target column was recognised. Columns found: none. "
            'Pass hyperparameter schema={"timestamp": "<column>", "target": "<column>"}.',
        ),
        (
            ["date", "sales", "revenue"],
            "Columns 'sales' and 'revenue' could each be the target. "
            'Pass hyperparameter schema={"target": "<column>"}.',
        ),
        (
            ["year", "month", "y"],
            "Columns 'year' and 'month' could each be the timestamp. "
            'Pass hyperparameter schema={"timestamp": "<column>"}.',
        ),
    ],
)
def test_infer_refuses_rather_than_guesses(columns: list[str], expected: str) -> None:
    assert message({}, columns) == expected


def test_many_columns_are_counted_not_listed() -> None:
    found = message({}, [f"c{number}" for number in range(30)])
    assert "c19 and 10 more." in found
    assert "c20" not in found


def test_other_columns_get_no_role_but_are_named() -> None:
    columns = ["ds", "y", "price", "unique_id"]
    schema = Schema.infer(columns)
    assert schema.unused(columns) == ("price",)
    assert schema.explain(columns) == "Columns: item 'unique_id', timestamp 'ds', target 'y'; not used: 'price'."
    assert Schema("ds", "y").explain(["ds", "y"]) == (
        "Columns: item none (one series), timestamp 'ds', target 'y'; not used: none."
    )


# --- complete


def test_complete_fills_what_is_not_named() -> None:
    assert Schema.complete({"target": "price"}, ["ds", "y", "price", "sku"]) == Schema("ds", "price", ("sku",))


def test_complete_does_not_take_a_named_column_twice() -> None:
    schema = Schema.complete({"static": "region", "hierarchy": ["store"]}, ["ds", "y", "store", "region"])
    assert schema == Schema("ds", "y", ("store",), static=("region",), hierarchy=("store",))


def test_an_empty_item_list_means_one_series() -> None:
    assert Schema.complete({"item_id": []}, ["ds", "y", "sku"]).item_id == ()


def test_complete_of_nothing_is_inference() -> None:
    assert Schema.complete(None, ["ds", "y"]) == Schema.infer(["ds", "y"])


def test_complete_names_the_nearest_column() -> None:
    assert message({"target": "saels"}, ["ds", "sales"]) == (
        "The schema names target column 'saels', which the table lacks. Did you mean 'sales'? Columns found: ds, sales."
    )


def test_covariates_may_come_from_another_table() -> None:
    assert Schema.complete({"known_covariates": "promo"}, ["ds", "y"]).known_covariates == ("promo",)


# --- properties

names = st.text(min_size=1, max_size=8).filter(str.strip)


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    columns = draw(st.lists(names, min_size=2, max_size=9, unique=True))
    cuts = sorted(draw(st.lists(st.integers(2, len(columns)), min_size=5, max_size=5)))
    lists = [tuple(columns[low:high]) for low, high in zip([2, *cuts], cuts, strict=False)]
    return Schema(columns[0], columns[1], *lists)


@given(schemas())
def test_round_trip(schema: Schema) -> None:
    assert Schema.parse(schema.to_dict()) == schema
    assert Schema.parse(json.dumps(schema.to_dict())) == schema
    assert Schema.complete(schema.to_dict(), schema.columns) == schema


@given(st.text() | st.dictionaries(st.sampled_from(ROLES) | st.text(), st.none() | st.text() | st.lists(st.text())))
def test_any_value_is_read_or_refused(value: str | dict[str, object]) -> None:
    try:
        partial = read_partial(value)
    except ConfigError:
        return
    assert read_partial(partial) == partial


@given(st.lists(st.text()))
def test_inference_gives_distinct_columns_of_the_table_or_refuses(columns: list[str]) -> None:
    try:
        schema = Schema.infer(columns)
    except ConfigError:
        return
    assert set(schema.columns) <= set(columns)
