"""Read covariates and static attributes: texts become codes, side tables are joined to the items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import DataError
from convect.reading.blocks import looked_up
from convect.reading.clocks import at_clock
from convect.reading.columns import as_text, coded_ids, example, factorized, joined, read_numbers, require
from convect.reading.finer import Steps
from convect.reading.instants import read_instants
from convect.reading.repair import Cells, Mask, aggregate

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Source = tuple[pd.DataFrame, str]  # a table and its name in errors


@dataclass
class Coder:
    """Turns columns into floats; a text column becomes codes, positions in its vocabulary.

    `given` is the vocabulary learnt in training; without it one is learnt. A text that it lacks becomes NaN.
    """

    given: Mapping[str, tuple[str, ...]] | None = None
    vocabulary: dict[str, tuple[str, ...]] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)

    def read(self, name: str, sources: Sequence[Source]) -> list[Floats]:
        """Return one array (rows,) a source that has the column `name`, with one vocabulary for all.

        Raises DataError where a column that was numeric in training, or that mixes in dates, holds no numbers.
        """
        columns = [(table[name], where) for table, where in sources]
        if self.given is not None and name in self.given:
            self.vocabulary[name] = tuple(self.given[name])
        elif self.given is None and any(_is_text(column, name, where) for column, where in columns):
            self.vocabulary[name] = _learn(columns, name)
        if name in self.vocabulary:
            return [self._codes(column, name, where) for column, where in columns]
        return [_numeric(column, name, where) for column, where in columns]

    def _codes(self, column: pd.Series[Any], name: str, where: str) -> Floats:
        codes, distinct = factorized(column, name, where)
        position = {text: float(place) for place, text in enumerate(self.vocabulary[name])}
        texts = [as_text(value) for value in distinct]
        numbers = np.array([position.get(text, np.nan) for text in texts] + [np.nan])
        unseen = np.array([bool(text) and text not in position for text in texts] + [False])
        self.unseen[name] = self.unseen.get(name, 0) + int(unseen[codes].sum())
        return numbers[codes]  # an empty cell has code -1, the NaN at the end


def _is_text(column: pd.Series[Any], name: str, where: str) -> bool:
    """Whether a column holds text that is no number."""
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "iufbM":
        return False
    _, distinct = factorized(column, name, where)
    texts = pd.Series([value for value in distinct if isinstance(value, str)], dtype=object)
    if texts.empty:
        return False
    try:
        read_numbers(texts, name, where, "covariate")
    except DataError:
        return True
    return False


def _learn(columns: Sequence[tuple[pd.Series[Any], str]], name: str) -> tuple[str, ...]:
    found: set[str] = set()
    for column, where in columns:
        found.update(as_text(value) for value in factorized(column, name, where)[1])
    return tuple(sorted(found - {""}))


def _numeric(column: pd.Series[Any], name: str, where: str) -> Floats:
    """A column of numbers, true as 1 and false as 0; infinities become NaN."""
    if column.dtype == bool or str(column.dtype) == "boolean":
        return column.to_numpy(np.float64, na_value=np.nan)
    if column.dtype == object:
        column = column.map(lambda value: float(value) if isinstance(value, bool | np.bool_) else value)
    return read_numbers(column, name, where, "covariate").values


@dataclass(frozen=True)
class Keys:
    """The items' ids taken apart: `parts` (n, columns) texts under `names`; matches tables that have some of them."""

    parts: NDArray[np.object_]
    names: tuple[str, ...]

    def match(self, table: pd.DataFrame, where: str) -> tuple[Integers, Integers, int, bool]:
        """Return the key of each row of `table`, -1 where no item has it, the key of each item (n,),
        how many keys there are, and whether the table has an item column at all; without one, its rows are for all.
        """
        present = tuple(name for name in self.names if name in table.columns)
        require(table, present, where)
        chosen = self.parts[:, [self.names.index(name) for name in present]]
        own, distinct = pd.factorize(joined(chosen, present))
        codes, texts = coded_ids(table, present, where)
        rows = looked_up(pd.Index(distinct).get_indexer(pd.Index(joined(texts, present))), codes)
        return np.asarray(rows, np.int64), np.asarray(own, np.int64), len(distinct), bool(present)


@dataclass(frozen=True)
class SideTable:
    """A table of covariates by key and step, ready to be looked up."""

    cells: Cells
    key_of_item: Integers  # (n,)

    def look_up(self, items: Integers, ordinals: Integers) -> Floats:
        """Return (shape of items, columns): the covariates of these items at these steps, NaN where not given."""
        cells = self.cells
        if not len(cells.items):
            return np.full((*items.shape, cells.extra.shape[1]), np.nan)
        low, high = cells.ordinals.min(), cells.ordinals.max()
        span = high - low + 1
        own = cells.items * span + cells.ordinals - low
        wanted = self.key_of_item[items] * span + ordinals - low
        place = np.minimum(np.searchsorted(own, wanted), len(own) - 1)
        hit = (own[place] == wanted) & (ordinals >= low) & (ordinals <= high)
        return np.where(hit[..., None], cells.extra[place], np.nan)


def side_table(
    table: pd.DataFrame,
    timestamp: str,
    steps: Steps,
    keys: Keys,
    extra: Floats,
    coded: Mask,
    clock_min: float | None = None,
) -> tuple[SideTable, dict[str, int]]:
    """Return the related table, `extra` (rows, columns) already read, by key and step; and counts of what was found.

    clock_min: see `Reading`, of the table it belongs to, to which other stamps are turned. Raises DataError for
    unreadable stamps, and where rows that are for all items repeat a stamp.
    """
    where = "the related table"
    rows, key_of_item, _, per_item = keys.match(table, where)
    reading = read_instants(table[timestamp], f"column {example(timestamp)} of {where}")
    instants, known = at_clock(reading, clock_min), rows >= 0
    stamps = instants[known]
    cells = aggregate(
        rows[known],
        steps.ordinals(stamps),
        np.zeros(int(known.sum())),
        extra[known],
        coded,
        "first",
        None if steps.reach is None else stamps,
    )
    many = cells.copies > 1 if steps.reach is None else np.diff(np.sort(stamps)) == np.timedelta64(0)
    if keys.names and not per_item and many.any():
        raise _no_item_column(table, where, keys, "several rows for one timestamp")
    counts = {"related_unknown_item": int((~known).sum()), "related_duplicate": int((cells.copies - 1).sum())}
    return SideTable(cells, key_of_item), counts | {"related_off_grid": int(steps.strays(instants).sum())}


def _no_item_column(table: pd.DataFrame, where: str, keys: Keys, but: str) -> DataError:
    found = ", ".join(str(column)[:40] for column in table.columns[:20])
    message = f"T{where[1:]} has no item column {example(keys.names[0])} but {but}."
    return DataError(message, f"Name the item column as in the table. Columns found: {found}.")


def static_values(table: pd.DataFrame, names: Sequence[str], keys: Keys, coder: Coder) -> tuple[Floats, int]:
    """Return (items, len(names)) attributes from a static table, NaN where it has none, and rows of no known item.

    Raises DataError where an item has two rows that differ, and where several rows do not say whose they are.
    """
    require(table, names, "the static table")
    rows, key_of_item, count, per_item = keys.match(table, "the static table")
    if keys.names and not per_item and len(table) > 1:
        raise _no_item_column(table, "the static table", keys, "several rows")
    values = np.full((count, len(names)), np.nan)
    known = rows >= 0
    for place, name in enumerate(names):
        column = coder.read(name, [(table, "the static table")])[0]
        filled = known & ~np.isnan(column)
        values[rows[filled], place] = column[filled]
        if (values[rows[filled], place] != column[filled]).any():
            message = f"The static table has rows for one item that differ in column {example(name)}."
            raise DataError(message, "Keep one row an item.")
    return values[key_of_item], int((~known).sum())
