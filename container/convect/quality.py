"""The single door: a user's tables go in, a Panel and the report on everything that was repaired come out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.columns import plain
from convect.config import Config
from convect.covariates import Coder
from convect.findings import Findings, QualityReport
from convect.frequency import Frequency
from convect.intake import Covariates, Rows, find_frequency, read_covariates, read_rows, read_static, refuse_unused
from convect.panel import Panel
from convect.repair import Cells, Layout, aggregate, fill, lay_out
from convect.schema import Schema

__all__ = ["QualityReport", "validate"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def validate(
    frame: pd.DataFrame,
    schema: Schema,
    config: Config,
    *,
    related: pd.DataFrame | None = None,
    static: pd.DataFrame | None = None,
    frequency: Frequency | None = None,
    categories: Mapping[str, tuple[str, ...]] | None = None,
) -> tuple[Panel, QualityReport]:
    """Return the table as a Panel, repaired as `config` allows, and the report that counts each repair.

    frame: one row an item and stamp, under the user's column names; rows after an item's last target that carry
    known covariates are its future. related: covariates by stamp, past and future, of each item or, without an
    item column, of all. static: one row an item. frequency and categories: those learnt in training, at serving.

    Raises DataError where the tables cannot be used (column, count and first row named), ConfigError where a
    setting contradicts them.
    """
    refuse_unused(schema, related, static)
    frame = plain(frame)
    related = None if related is None else plain(related)
    static = None if static is None else plain(static)
    rows = read_rows(frame, schema)
    found = Findings(rows.ids)
    step = find_frequency(rows, config, frequency)
    coder = Coder(categories)
    covariates = read_covariates(frame, related, schema, step, rows, coder, found)
    stamps = step.ordinal(rows.reading.instants)
    cells = aggregate(rows.items, stamps, rows.target.values, covariates.own, covariates.coded, config.aggregate)
    _note_rows(found, rows, step, cells, config)
    work = _Work(rows, covariates, cells, lay_out(cells), config.horizon or step.natural_horizon)
    _note_cells(found, work, config, len(schema.known_covariates))
    attributes = read_static(frame, static, schema, rows, coder, found)
    found.add_table("unseen_category", sum(coder.unseen.values()), "left empty")
    panel = _assemble(work, step, schema, config, attributes, coder.vocabulary if categories is None else categories)
    _flag(found, panel, work.layout)
    return panel, QualityReport.of(panel, found, frequency is None and config.freq is None)


@dataclass(frozen=True)
class _Work:
    """The rows on their way to a panel."""

    rows: Rows
    covariates: Covariates
    cells: Cells
    layout: Layout
    horizon: int

    @property
    def places(self) -> tuple[Integers, Integers]:
        """For each cell the place of its item in the panel (-1 where dropped), and its step after the last value."""
        return self.layout.places(self.cells, len(self.rows.ids))


def _note_rows(found: Findings, rows: Rows, step: Frequency, cells: Cells, config: Config) -> None:
    """Note what was done to single rows: text read as numbers, infinities, zones, stamps moved, rows made one."""
    found.add_rows("number_as_text", rows.items, rows.target.was_text, "read as a number")
    found.add_rows("infinite", rows.items, rows.target.infinite, "taken as missing")
    found.add_rows("time_zone", rows.items, rows.reading.zoned, "dropped")
    found.add_rows("off_grid", rows.items, ~step.on_grid(rows.reading.instants), "moved to its step")
    extra_rows = np.bincount(cells.items, cells.copies - 1, len(rows.ids))
    found.add("duplicate", extra_rows, config.aggregate)


def _note_cells(found: Findings, work: _Work, config: Config, known: int) -> None:
    """Note what is missing: whole items, the ends of items, values and steps between."""
    cells, layout, count = work.cells, work.layout, len(found.ids)
    place, step = work.places
    kept, missing = place >= 0, np.isnan(cells.target)
    lead = kept & (cells.ordinals < layout.starts[place])
    future = kept & (step > 0)
    told = ~np.isnan(cells.extra[:, :known]).all(axis=1) if known else np.zeros(len(missing), bool)
    inside = kept & ~lead & ~future
    found.add_rows("empty", cells.items, np.r_[True, np.diff(cells.items) != 0] & ~kept, "dropped")
    found.add_rows("leading_missing", cells.items, lead, "dropped")
    found.add_rows("trailing_missing", cells.items, future & ~told, "dropped")
    found.add_rows("missing", cells.items, inside & missing, f"filled: {config.missing}")
    gaps = np.zeros(count, np.int64)
    gaps[layout.kept] = np.diff(layout.offsets)
    gaps -= np.bincount(cells.items[inside], minlength=count)
    found.add("gap", gaps, f"filled: {config.missing}")


def _assemble(
    work: _Work,
    step: Frequency,
    schema: Schema,
    config: Config,
    attributes: Floats,
    vocabulary: Mapping[str, tuple[str, ...]],
) -> Panel:
    layout, known = work.layout, len(schema.known_covariates)
    history, values = _history(work)
    return Panel.build(
        step,
        work.rows.ids[layout.kept],
        layout.starts,
        layout.offsets,
        fill(values, layout.offsets, config.missing),
        observed=~np.isnan(values),
        known=history[:, :known],
        future=_future(work, known),
        past=history[:, known:],
        static=attributes[layout.kept],
        known_names=schema.known_covariates,
        past_names=schema.past_covariates,
        static_names=schema.static,
        categories=vocabulary,
    )


def _history(work: _Work) -> tuple[Floats, Floats]:
    """Covariates (rows, K + P) and values (rows,) of every step of every item, NaN where not known."""
    cells, layout, side = work.cells, work.layout, work.covariates.side
    place, step = work.places
    inside = (place >= 0) & (step <= 0) & (cells.ordinals >= layout.starts[place])
    row = (layout.offsets[place] + cells.ordinals - layout.starts[place])[inside]
    values = np.full(layout.offsets[-1], np.nan)
    values[row] = cells.target[inside]
    history = np.full((len(values), cells.extra.shape[1]), np.nan)
    history[row] = cells.extra[inside]
    if side is not None:
        place, ordinals = layout.row_keys()
        history = np.where(np.isnan(history), side.look_up(layout.kept[place], ordinals), history)
    return history, values


def _future(work: _Work, known: int) -> Floats:
    """(n, horizon, K): the known covariates after each item's last value, NaN where not given."""
    layout, side = work.layout, work.covariates.side
    future = np.full((len(layout.kept), work.horizon, known), np.nan)
    place, step = work.places
    after = (place >= 0) & (step >= 1) & (step <= work.horizon)
    future[place[after], step[after] - 1] = work.cells.extra[after, :known]
    if side is not None and known:
        ordinals = layout.ends[:, None] + 1 + np.arange(work.horizon)
        items = np.broadcast_to(layout.kept[:, None], ordinals.shape)
        future = np.where(np.isnan(future), side.look_up(items, ordinals)[..., :known], future)
    return future


def _flag(found: Findings, panel: Panel, layout: Layout) -> None:
    """Note what is kept but worth knowing: constant, short and mostly filled items, and an incomplete future."""
    first = panel.offsets[:-1]
    seen = np.where(panel.observed, panel.values, np.nan)
    constant = np.fmin.reduceat(seen, first) == np.fmax.reduceat(seen, first)
    known = np.add.reduceat(panel.observed, first, dtype=np.int64)
    flags = {
        "constant": (constant & (known > 1), "kept"),
        "short": (panel.lengths < max(3, 2 * panel.frequency.season), "kept"),
        "mostly_filled": (2 * known < panel.lengths, "kept"),
        "future_missing": (np.isnan(panel.future).any(axis=2).sum(axis=1), "left empty"),
    }
    for finding, (counts, action) in flags.items():
        spread = np.zeros(len(found.ids), np.int64)
        spread[layout.kept] = counts
        found.add(finding, spread, action)
