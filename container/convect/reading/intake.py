"""Take in the user's tables: items, stamps, targets, covariates and attributes, read and matched, not yet repaired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import ConfigError, DataError
from convect.frequency import Frequency
from convect.reading.blocks import Chosen, Codes, blocks, looked_up
from convect.reading.columns import Numbers, coded_ids, example, joined, read_numbers, require
from convect.reading.covariates import Coder, Keys, SideTable, side_table, static_values
from convect.reading.findings import Findings
from convect.reading.finer import Steps, spanned, steps_of
from convect.reading.instants import Reading, read_instants
from convect.schema import Schema

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
FREQUENCY_ROWS = 2_000_000  # of whole items, that tell the frequency of a larger table
_TABLE, _RELATED = "the table", "the related table"
_RELATED_FINDINGS = {
    "related_unknown_item": "not used",
    "related_duplicate": "averaged",
    "related_off_grid": "moved to its step",
}


@dataclass(frozen=True)
class Rows:
    """The user's rows, read: `ids` (n,) ascending, `items` (rows,) positions in them, `blocks` to work on in turn."""

    ids: NDArray[np.object_]
    keys: Keys
    items: Codes
    reading: Reading
    target: Numbers
    blocks: list[Chosen]
    whole: int = 0

    @property
    def sent(self) -> NDArray[np.float64]:
        """(rows,) the target, NaN in the last `whole` rows: no piece of a step, and no sign of where pieces end."""
        if not self.whole:
            return self.target.values
        last = len(self.items) - self.whole
        return np.where(np.arange(len(self.items)) < last, self.target.values, np.nan)


def refuse_unused(schema: Schema, related: pd.DataFrame | None, static: pd.DataFrame | None) -> None:
    """Raise ConfigError where a side table is given but the schema uses no column of it."""
    if related is not None and not schema.known_covariates + schema.past_covariates:
        message = "There is a related table, but the schema names no covariates."
        raise ConfigError(message, "Name its columns in known_covariates or past_covariates, or leave the table out.")
    if static is not None and not schema.static + schema.hierarchy:
        message = "There is a static table, but the schema names no static columns."
        raise ConfigError(message, "Name its columns in static or hierarchy, or leave the table out.")


def read_rows(frame: pd.DataFrame, schema: Schema) -> Rows:
    """Return the items, stamps and targets of the table. Raises DataError, naming column and row."""
    require(frame, (*schema.item_id, schema.timestamp, schema.target), _TABLE)
    if not len(frame):
        raise DataError("The table has no rows.", "Check that the right file or channel was given.")
    codes, parts = coded_ids(frame, schema.item_id, _TABLE)
    names = joined(parts, schema.item_id)
    order = np.argsort(names)
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order))
    items = codes.astype(np.int32, copy=False) if np.all(order[1:] > order[:-1]) else looked_up(rank, codes)
    reading = read_instants(frame[schema.timestamp], f"column {example(schema.timestamp)} of {_TABLE}")
    target = read_numbers(frame[schema.target], schema.target, _TABLE, "target")
    return Rows(names[order], Keys(parts[order], schema.item_id), items, reading, target, blocks(items))


def find_steps(rows: Rows, stated: str | None, frequency: Frequency | None) -> Steps:
    """Return the steps of the table: of the trained frequency at serving, else of the stated or inferred one.

    Raises DataError where the stamps do not fit; finer ones fit a frequency that is `stated`.
    """
    steps = steps_of(*telling(rows), stated, frequency)
    return spanned(steps, rows.reading.instants, rows.sent) if steps.reach else steps


def telling(rows: Rows) -> tuple[NDArray[np.datetime64], Codes]:
    """Return the stamps and items, ascending by both, of enough whole items to tell the steps of a table."""
    every = -(-len(rows.items) // FREQUENCY_ROWS)
    chosen = np.flatnonzero(rows.items[: len(rows.items) - rows.whole] % every == 0)
    chosen = chosen[np.lexsort((rows.reading.instants[chosen], rows.items[chosen]))]
    return rows.reading.instants[chosen], rows.items[chosen]


@dataclass(frozen=True)
class Covariates:
    """Known, then past covariates: `own` (rows, K + P) from the table, `coded` (K + P,) which are codes, `side`."""

    own: Floats
    coded: NDArray[np.bool_]
    side: SideTable | None


def read_covariates(
    frame: pd.DataFrame,
    related: pd.DataFrame | None,
    schema: Schema,
    steps: Steps,
    rows: Rows,
    coder: Coder,
    found: Findings,
) -> Covariates:
    """Return the covariates of the table and of the related table. Raises DataError for a column in neither."""
    names = schema.known_covariates + schema.past_covariates
    tables = {_TABLE: frame} if related is None else {_TABLE: frame, _RELATED: related}
    if related is not None:
        require(related, (schema.timestamp,), _RELATED)
    read = {name: _read_covariate(name, tables, coder) for name in names}
    own = _stack([read[name].get(_TABLE) for name in names], len(frame))
    coded = np.array([name in coder.vocabulary for name in names], bool)
    if related is None:
        return Covariates(own, coded, None)
    aside = _stack([read[name].get(_RELATED) for name in names], len(related))
    side, counts = side_table(related, schema.timestamp, steps, rows.keys, aside, coded, rows.reading.clock_min)
    for finding, action in _RELATED_FINDINGS.items():
        found.add_table(finding, counts[finding], action)
    return Covariates(own, coded, side)


def _read_covariate(name: str, tables: dict[str, pd.DataFrame], coder: Coder) -> dict[str, Floats]:
    holders = {where: table for where, table in tables.items() if name in table.columns}
    for where in holders or list(tables)[-1:]:
        require(tables[where], (name,), where)
    columns = coder.read(name, [(table, where) for where, table in holders.items()])
    return dict(zip(holders, columns, strict=True))


def _stack(columns: list[Floats | None], rows: int) -> Floats:
    out = np.full((rows, len(columns)), np.nan)
    for place, column in enumerate(columns):
        if column is not None:
            out[:, place] = column
    return out


def read_static(
    frame: pd.DataFrame, static: pd.DataFrame | None, schema: Schema, rows: Rows, coder: Coder, found: Findings
) -> Floats:
    """Return (items, S) attributes, of the static table or else of the table itself, NaN where not given.

    Raises DataError for a column in neither; at serving, where attributes may be unknown, it is left empty.
    """
    values = np.full((len(rows.ids), len(schema.static)), np.nan)
    aside = [] if static is None else [name for name in schema.static if name in static.columns]
    if static is not None and aside:
        places = [schema.static.index(name) for name in aside]
        values[:, places], unknown = static_values(static, aside, rows.keys, coder)
        found.add_table("static_unknown_item", unknown, "not used")
    for place, name in enumerate(schema.static):
        if name in aside or (coder.given is not None and name not in frame.columns):
            continue
        where = _TABLE if static is None or name in frame.columns else "the static table"
        require(static if static is not None and name not in frame.columns else frame, (name,), where)
        values[:, place] = _first_of_item(coder.read(name, [(frame, _TABLE)])[0], rows, found)
    if schema.static:
        found.add("static_missing", np.isnan(values).any(axis=1), "left empty")
    return values


def _first_of_item(column: Floats, rows: Rows, found: Findings) -> Floats:
    """Each item's earliest known value (n,); items whose value changes are noted."""
    values = np.full(len(rows.ids), np.nan)
    changed = np.zeros(len(rows.ids))
    for block in rows.blocks:
        known = ~np.isnan(column[block])
        told, stamps, items = (part[block][known] for part in (column, rows.reading.instants, rows.items))
        order = np.lexsort((told, stamps, items))
        first = order[np.unique(items[order], return_index=True)[1]]
        values[items[first]] = told[first]
        changed += np.bincount(items, told != values[items], len(rows.ids))
    found.add("static_changes", changed > 0, "earliest used")
    return values
