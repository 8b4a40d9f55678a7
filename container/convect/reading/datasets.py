"""Amazon Forecast's datasets: what their schemas say of column names, by position, and of roles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from convect.errors import ConfigError
from convect.reading.foreign import as_object, attributes, own_schema

_SCHEMA = "Schema"
_TYPES = {"TARGET_TIME_SERIES": "train", "RELATED_TIME_SERIES": "related", "ITEM_METADATA": "static"}


@dataclass(frozen=True)
class Dataset:
    """One dataset of a group: its columns in the order in which files without a header have them, and its spacing.

    `kind` is the channel that its DatasetType belongs to, "" where it was given as a bare schema.
    """

    schema: Mapping[str, object]
    columns: tuple[str, ...]
    freq: str | None = None
    kind: str = ""

    def among(self, kinds: Iterable[str]) -> list[str]:
        """Return the columns of these attribute types, in their order."""
        return [name for name, kind in attributes(self.schema["Attributes"]) if kind in kinds]


def is_dataset(value: Mapping[str, object]) -> bool:
    """Say whether a JSON object is a schema of Amazon Forecast, or a dataset as its API takes or tells it."""
    inner = value.get(_SCHEMA)
    return "Attributes" in value or (isinstance(inner, Mapping) and "Attributes" in inner)


def dataset(value: Mapping[str, object], channel: str) -> Dataset:
    """Return the dataset that a schema, or the dictionary of CreateDataset or DescribeDataset, describes.

    Raises ConfigError where the schema is malformed, or the DatasetType belongs to another channel.
    """
    schema = as_object(_SCHEMA, value.get(_SCHEMA, value))
    stated, freq = value.get("DatasetType"), value.get("DataFrequency")
    kind = _TYPES.get(str(stated), "") if stated is not None else ""
    if stated is not None and kind != ("train" if channel == "test" else channel):
        message = f"Channel '{channel}' holds an Amazon Forecast dataset of type {str(stated)[:40]!r}."
        raise ConfigError(message, f"Put it into channel '{kind}'." if kind else f"Known: {', '.join(_TYPES)}.")
    columns = tuple(name for name, _ in attributes(schema["Attributes"]))
    return Dataset(schema, columns, None if freq is None else str(freq), kind)


def group_roles(datasets: Mapping[str, Dataset]) -> dict[str, object]:
    """Return the roles of the columns of a dataset group's target, related and metadata tables, by channel.

    Of the related table every column that is no item column or stamp is a known covariate; of the metadata every
    one that is no item column is static. Raises ConfigError for a malformed schema.
    """
    target = datasets.get("train")
    roles = dict(own_schema(target.schema)) if target else {}
    items = roles.get("item_id", ["item_id"])
    items = items if isinstance(items, list) else [items]
    if "related" in datasets:
        found = datasets["related"].among(("string", "integer", "float"))
        known = roles.get("known_covariates", [])
        own = known if isinstance(known, list) else [known]
        roles["known_covariates"] = list(dict.fromkeys([*own, *(name for name in found if name not in items)]))
    if "static" in datasets:
        roles["static"] = [name for name in datasets["static"].columns if name not in items]
    return roles
