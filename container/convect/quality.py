"""The single door: a user's tables go in, a Panel and the report on everything that was repaired come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.config import Config
from convect.frequency import Frequency
from convect.hierarchies.groups import read_groups
from convect.hierarchies.hierarchy import ends_together
from convect.panel import Panel
from convect.reading.blocks import BLOCK_ROWS, Chosen
from convect.reading.columns import plain
from convect.reading.covariates import Coder
from convect.reading.draft import Draft, Work
from convect.reading.findings import Findings, QualityReport
from convect.reading.finer import Steps, broken
from convect.reading.intake import (
    Covariates,
    Rows,
    find_steps,
    read_covariates,
    read_rows,
    read_static,
    refuse_unused,
)
from convect.reading.repair import Cells, Layout, aggregate, lay_out
from convect.schema import Schema

__all__ = ["QualityReport", "validate"]

_FLAGS = {
    "constant": "kept",
    "short": "kept",
    "mostly_filled": "kept",
    "future_missing": "left empty",
    "outside_sums": "forecast, in no sum: ends elsewhere than most",
}


def validate(
    frame: pd.DataFrame,
    schema: Schema,
    config: Config,
    *,
    related: pd.DataFrame | None = None,
    static: pd.DataFrame | None = None,
    frequency: Frequency | None = None,
    categories: Mapping[str, tuple[str, ...]] | None = None,
    whole: int = 0,
) -> tuple[Panel, QualityReport]:
    """Return the table as a Panel, repaired as `config` allows, and the report that counts each repair.

    frame: one row an item and stamp, under the user's column names; rows after an item's last target that carry
    known covariates are its future. related: covariates by stamp, past and future, of each item or, without an
    item column, of all. static: one row an item. frequency and categories: those learnt in training, at serving.

    whole: how many of the last rows are whole steps already, where the others may be finer than a step.

    Raises DataError where the tables cannot be used (column, count and first row named), ConfigError where a
    setting contradicts them.
    """
    refuse_unused(schema, related, static)
    frame = plain(frame)
    related = None if related is None else plain(related)
    static = None if static is None else plain(static)
    rows = replace(read_rows(frame, schema), whole=whole)
    found = Findings(rows.ids)
    steps = find_steps(rows, config.freq, frequency)
    coder = Coder(categories)
    covariates = read_covariates(frame, related, schema, steps, rows, coder, found)
    in_sums = schema.hierarchy if frequency is None else ()  # at serving nothing is summed
    draft = _draft(rows, covariates, steps, schema, config, found, together=bool(in_sums) and config.missing == "zero")
    attributes = read_static(frame, static, schema, rows, coder, found)
    found.add_table("unseen_category", sum(coder.unseen.values()), "left empty")
    vocabulary = coder.vocabulary if categories is None else categories
    panel = draft.panel(steps.frequency, rows.ids, schema, attributes[draft.layout.kept], vocabulary)
    groups = read_groups(frame, static, in_sums, rows.ids, rows.keys, rows.items)
    clock_min = rows.reading.clock_min
    panel = replace(panel, groups=groups[draft.layout.kept], group_names=in_sums, clock_min=clock_min)
    if draft.cold.any():
        panel = replace(panel, cold_ids=rows.ids[draft.cold], cold_static=attributes[draft.cold])
    _flag(found, panel, draft.layout)
    return panel, QualityReport.of(panel, found, frequency is None and config.freq is None)


def _draft(
    rows: Rows,
    covariates: Covariates,
    steps: Steps,
    schema: Schema,
    config: Config,
    found: Findings,
    *,
    together: bool,
) -> Draft:
    """Lay the rows out block by block, each read twice: what all of them need is known before the first is put down."""
    horizon, known = config.horizon or steps.frequency.natural_horizon, len(schema.known_covariates)
    cells_of = (_cells(rows, chosen, steps, covariates, config) for chosen in rows.blocks)
    layout = lay_out(cells_of, together=together)
    draft, last = Draft.empty(layout, len(rows.ids), horizon, known, covariates), int(layout.ends.max())
    for chosen in rows.blocks:
        cells = _cells(rows, chosen, steps, covariates, config)
        _note_rows(found, rows, chosen, steps, cells, config)
        at, part = layout.between(int(cells.items[0]), int(cells.items[-1]))
        work = Work(len(rows.ids), covariates.side, cells, part, last, horizon)
        _note_cells(found, work, config, known)
        draft.put(at, work, config.missing)
    return draft


def _cells(rows: Rows, chosen: Chosen, steps: Steps, covariates: Covariates, config: Config) -> Cells:
    """The rows of a block, one an item and step."""
    items, stamps = rows.items[chosen].astype(np.int64), rows.reading.instants[chosen]
    target = rows.target.values[chosen]
    if steps.reach is not None:
        target = np.where(broken(steps, items, stamps, rows.sent[chosen]), np.nan, target)
    return aggregate(
        items,
        steps.ordinals(stamps),
        target,
        covariates.own[chosen],
        covariates.coded,
        config.aggregate,
        None if steps.reach is None else stamps,
    )


def _note_rows(found: Findings, rows: Rows, chosen: Chosen, steps: Steps, cells: Cells, config: Config) -> None:
    """Note what was done to single rows: text read as numbers, infinities, zones, stamps moved, rows made one."""
    items, stamps = rows.items[chosen], rows.reading.instants[chosen]
    found.add_rows("number_as_text", items, rows.target.was_text[chosen], "read as a number")
    found.add_rows("infinite", items, rows.target.infinite[chosen], "taken as missing")
    found.add_rows("time_zone", items, rows.reading.zoned[chosen], "turned to UTC" if rows.reading.utc else "dropped")
    found.add_rows("off_grid", items, steps.strays(stamps), "moved to its step")
    if steps.reach is None:
        found.add("duplicate", np.bincount(cells.items, cells.copies - 1, len(rows.ids)), config.aggregate)
        return
    found.add("finer", np.bincount(cells.items, cells.copies, len(rows.ids)), steps.done(config.aggregate))
    found.add("finer_steps", np.bincount(cells.items, minlength=len(rows.ids)), "made of the finer rows")
    partly = broken(steps, items, stamps, rows.sent[chosen])
    found.add_rows("broken_step", items, partly, "rows not used: first or last step, not whole")


def _note_cells(found: Findings, work: Work, config: Config, known: int) -> None:
    """Note what is missing: whole items, the ends of items, values and steps between."""
    cells, layout, count = work.cells, work.layout, len(found.ids)
    place, since, after = work.places
    kept, missing = place >= 0, np.isnan(cells.target)
    lead = kept & (since < 0)
    future = kept & (after > 0)
    told = ~np.isnan(cells.extra[:, :known]).all(axis=1) if known else np.zeros(len(missing), bool)
    inside = kept & ~lead & ~future
    empty = np.r_[True, np.diff(cells.items) != 0] & ~kept
    cold = np.isin(cells.items, work.cold)
    found.add_rows("empty", cells.items, empty & ~cold, "dropped")
    found.add_rows("cold", cells.items, empty & cold, "in training, forecast from the items most like it")
    found.add_rows("leading_missing", cells.items, lead, "dropped")
    found.add_rows("trailing_missing", cells.items, future & ~told, "dropped")
    found.add_rows("missing", cells.items, inside & missing, f"filled: {config.missing}")
    gaps = np.zeros(count, np.int64)
    gaps[layout.kept] = np.diff(layout.offsets)
    gaps -= np.bincount(cells.items[inside], minlength=count)
    found.add("gap", gaps, f"filled: {config.missing}")


def _flag(found: Findings, panel: Panel, layout: Layout) -> None:
    """Note what is kept but worth knowing: items constant, short, mostly filled or in no sum, and a future not told."""
    parts = [_flags(part) for part in panel.parts(BLOCK_ROWS)]
    flags = {finding: np.concatenate([part[finding] for part in parts]) for finding in parts[0]}
    if panel.group_names:
        flags["outside_sums"] = ~ends_together(panel)
    for finding, counts in flags.items():
        spread = np.zeros(len(found.ids), np.int64)
        spread[layout.kept] = counts
        found.add(finding, spread, _FLAGS[finding])


def _flags(panel: Panel) -> dict[str, NDArray[Any]]:
    first = panel.offsets[:-1]
    seen = np.where(panel.observed, panel.values, np.nan)
    constant = np.fmin.reduceat(seen, first) == np.fmax.reduceat(seen, first)
    known = np.add.reduceat(panel.observed, first, dtype=np.int64)
    return {
        "constant": constant & (known > 1),
        "short": panel.lengths < max(3, 2 * panel.frequency.season),
        "mostly_filled": 2 * known < panel.lengths,
        "future_missing": np.isnan(panel.future).any(axis=2).sum(axis=1),
    }
