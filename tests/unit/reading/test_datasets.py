"""Amazon Forecast's dataset groups: what the schemas of the three tables say together."""

from __future__ import annotations

from typing import Any

import pytest

from convect.errors import ConfigError
from convect.reading.datasets import dataset, group_roles, is_dataset


def schema(**kinds: str) -> dict[str, Any]:
    return {"Attributes": [{"AttributeName": name, "AttributeType": kind} for name, kind in kinds.items()]}


TARGET = schema(item_id="string", timestamp="timestamp", target_value="float", store="string")
RELATED = schema(item_id="string", timestamp="timestamp", store="string", price="float", promotion="string")
METADATA = schema(item_id="string", category="string", brand="string")
DESCRIBED = {
    "DatasetArn": "arn:aws:forecast:us-east-1:123456789012:dataset/sales",
    "DatasetName": "sales",
    "Domain": "RETAIL",
    "DatasetType": "TARGET_TIME_SERIES",
    "DataFrequency": "D",
    "Schema": TARGET,
    "Status": "ACTIVE",
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [(TARGET, True), (DESCRIBED, True), ({"Schema": {}}, False), ({"item_id": "sku"}, False), ({}, False)],
)
def test_what_is_a_dataset(value: dict[str, Any], expected: bool) -> None:
    assert is_dataset(value) is expected


def test_a_dataset_as_the_api_tells_it() -> None:
    found = dataset(DESCRIBED, "train")
    assert found.columns == ("item_id", "timestamp", "target_value", "store")
    assert (found.freq, dataset(TARGET, "train").freq) == ("D", None)


def test_the_roles_of_a_whole_group() -> None:
    given = {"train": TARGET, "related": RELATED, "static": METADATA}
    assert group_roles({channel: dataset(value, channel) for channel, value in given.items()}) == {
        "item_id": ["item_id", "store"],
        "timestamp": "timestamp",
        "target": "target_value",
        "known_covariates": ["price", "promotion"],
        "static": ["category", "brand"],
    }


def test_a_number_beside_the_target_and_one_in_the_related_table_are_both_known() -> None:
    target = schema(item_id="string", timestamp="timestamp", demand="integer", price="float")
    given = {"train": dataset(target, "train"), "related": dataset(RELATED, "related")}
    assert group_roles(given)["known_covariates"] == ["price", "store", "promotion"]


def test_nothing_described_says_nothing() -> None:
    assert group_roles({}) == {}


def test_a_dataset_in_the_channel_of_another_type() -> None:
    with pytest.raises(ConfigError) as caught:
        dataset(DESCRIBED, "related")
    assert str(caught.value) == (
        "UserError [config]: Channel 'related' holds an Amazon Forecast dataset of type 'TARGET_TIME_SERIES'."
        " Put it into channel 'train'."
    )
    assert dataset(DESCRIBED, "test").freq == "D"


def test_a_dataset_of_no_known_type() -> None:
    with pytest.raises(ConfigError, match="of type 'OTHER'"):
        dataset({**DESCRIBED, "DatasetType": "OTHER"}, "train")
