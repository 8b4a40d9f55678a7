"""Read the levels of the hierarchy: for each item one text a column, from the table or the static table."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import DataError
from convect.reading.columns import as_text, example, factorized, require
from convect.reading.covariates import Keys

Texts = NDArray[np.object_]
Integers = NDArray[np.int64]


def read_groups(
    frame: pd.DataFrame,
    static: pd.DataFrame | None,
    names: tuple[str, ...],
    ids: Texts,
    keys: Keys,
    items: Integers,
) -> Texts:
    """Return (n, len(names)) texts, the groups of the items `ids` (n,); `items` (rows,) says whose each row is.

    A column is read from the static table where it is there, else from the table. Raises DataError where it is in
    neither, where an item has two values or none, naming the item.
    """
    columns = [_read(frame, static, name, ids, keys, items) for name in names]
    return np.stack(columns, axis=1) if columns else np.empty((len(ids), 0), dtype=object)


def _read(
    frame: pd.DataFrame, static: pd.DataFrame | None, name: str, ids: Texts, keys: Keys, items: Integers
) -> Texts:
    if static is not None and name in static.columns:
        where = "the static table"
        rows, key_of_item, count, _ = keys.match(static, where)
        return _one_each(static[name], name, where, rows, count, ids, key_of_item)
    where = "the table"
    require(frame, (name,), where)
    return _one_each(frame[name], name, where, items, len(ids), ids, np.arange(len(ids)))


def _one_each(
    column: pd.Series, name: str, where: str, rows: Integers, count: int, ids: Texts, key_of_item: Integers
) -> Texts:
    """The one text that the rows of each of `count` keys hold, then of each item."""
    codes, distinct = factorized(column, name, where)
    texts, place = np.unique(np.array([as_text(value) for value in distinct], dtype=str), return_inverse=True)
    told = (rows >= 0) & (codes >= 0)
    told[told] = texts[place[codes[told]]] != ""
    found = np.full(count, -1)
    found[rows[told]] = place[codes[told]]
    torn = rows[told][found[rows[told]] != place[codes[told]]]
    _refuse(np.isin(key_of_item, torn), ids, name, where, "several values")
    _refuse(found[key_of_item] < 0, ids, name, where, "no value")
    return np.asarray(texts[found[key_of_item]].astype(object))


def _refuse(bad: NDArray[np.bool_], ids: Texts, name: str, where: str, what: str) -> None:
    if bad.any():
        message = f"Hierarchy column {example(name)} of {where} has {what} for item {example(ids[bad][0])}"
        more = f" and {int(bad.sum()) - 1} more" if bad.sum() > 1 else ""
        remedy = "Give each item one group in every column of hierarchy, or leave the column out of hierarchy."
        raise DataError(f"{message}{more}.", remedy, code="hierarchy")
