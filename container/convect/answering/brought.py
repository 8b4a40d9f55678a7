"""One series of a request, checked against an artifact and made ready to stand in a panel."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.answering.request import Series
from convect.artifact import Artifact
from convect.errors import DataError, nearest
from convect.reading.clocks import told_turned
from convect.reading.columns import LARGEST, as_text, example
from convect.reading.instants import read_instants

Floats = NDArray[np.float64]
MISSING_TEXTS = ("", "nan", "null", "na", "none")
_NO_COVARIATES = "the model was trained without covariates, so those sent were not used"
_NO_STATIC = "the model was trained without static features, so those sent were not used"
_NO_START = "no start was sent, so the series was taken to end where training ended"


@dataclass(frozen=True, eq=False)
class Brought:
    """A series on the grid of an artifact, from its first to its last known value.

    position: its place in the artifact, -1 if nowhere; start: step number of the first value; values: (t,) NaN in gaps;
    known: (t, K); future: (F, K), of the steps after the last value; past: (t, P); static: (S,); after: steps that the
    caller sent without a value after the last known one, to be forecast and left out; notes: what was not used; ready:
    nothing came that training did not know.
    """

    position: int
    start: int
    values: Floats
    observed: NDArray[np.bool_]
    known: Floats
    future: Floats
    past: Floats
    static: Floats
    after: int
    history: str
    notes: tuple[str, ...]
    ready: bool = False


def bring(artifact: Artifact, series: Series) -> Brought:
    """Return a series ready for a panel. Raises DataError where it does not fit what was trained."""
    position = artifact.position.get(series.item_id, -1) if series.item_id is not None else -1
    if not len(series.target):
        return _from_kept(artifact, series, position)
    finite = np.where(np.abs(series.target) > LARGEST, np.nan, series.target)
    there = np.flatnonzero(~np.isnan(finite))
    if not len(there):
        raise DataError("The target holds no number, so there is nothing to forecast.", "Send its history.")
    first, last = int(there[0]), int(there[-1])
    names = (artifact.schema.known_covariates, artifact.schema.past_covariates)
    known = _covariates(artifact, series, names[0], len(series.target))
    past = _covariates(artifact, series, names[1], len(series.target))[: len(series.target)]
    static = _static(artifact, series)
    history = "unseen" if position < 0 else "request"
    values = finite[first : last + 1]
    return Brought(
        position,
        _start(artifact, series) + first,
        values,
        ~np.isnan(values),
        known[first : last + 1],
        known[last + 1 :],
        past[first : last + 1],
        static,
        len(series.target) - last - 1,
        history,
        _notes(artifact, series),
    )


def _from_kept(artifact: Artifact, series: Series, position: int) -> Brought:
    """The history that training kept, with what the request knows of the steps after it."""
    if position < 0:
        found = "no target and no item_id" if series.item_id is None else "no target, and its item was not seen"
        raise DataError(f"The series has {found} in training.", "Send its history as target.")
    kept = artifact.panel
    rows = slice(int(kept.offsets[position]), int(kept.offsets[position + 1]))
    future = _covariates(artifact, series, artifact.schema.known_covariates, 0)
    if len(future):  # what was left out is as training knew it
        learnt = np.full(future.shape, np.nan)
        held = min(len(future), kept.horizon)
        learnt[:held] = kept.future[position, :held]
        future = np.where(np.isnan(future), learnt, future)
    static = _static(artifact, series)
    static = np.where(np.isnan(static), kept.static[position], static)
    return Brought(
        position,
        int(kept.starts[position]),
        kept.values[rows],
        kept.observed[rows],
        kept.known[rows],
        future,
        kept.past[rows],
        static,
        0,
        "trained",
        _notes(artifact, series),
        ready=not len(future) and np.array_equal(static, kept.static[position], equal_nan=True),
    )


def _notes(artifact: Artifact, series: Series) -> tuple[str, ...]:
    schema = artifact.schema
    covariates = bool(series.covariates) and not schema.known_covariates + schema.past_covariates
    facts = {
        _NO_COVARIATES: covariates,
        _NO_STATIC: bool(series.static) and not schema.static,
        _NO_START: series.start is None and bool(len(series.target)),
    }
    if series.start is not None and len(series.target):
        facts[_moment(series.start, artifact.panel.clock_min, artifact.frequency.of_days)[1]] = True
    return tuple(note for note, holds in facts.items() if note and holds)


def _start(artifact: Artifact, series: Series) -> int:
    """The step number of the first value sent."""
    if series.start is None:
        return int(artifact.panel.ends.max()) - len(series.target) + 1
    stamp, _ = _moment(series.start, artifact.panel.clock_min, artifact.frequency.of_days)
    first = int(artifact.frequency.ordinal(stamp))
    artifact.frequency.instants(np.array([first, first + len(series.target) + 1]))  # refuses what no stamp can hold
    return first


def instant(start: str | int, clock_min: float | None = None) -> np.datetime64:
    """Return the stamp that a text or a number means, at this clock, without its time zone. Raises DataError.

    clock_min: minutes ahead of UTC; None keeps the clock on the wall.
    """
    return _moment(start, clock_min)[0]


@lru_cache(maxsize=4096)
def _moment(start: str | int, clock_min: float | None, days: bool = False) -> tuple[np.datetime64, str]:
    """As `instant`, and a sentence where the stamp was turned to another clock; a midnight is no more than a day."""
    wall, theirs_min = _read(start)
    of_a_day = days and wall == wall.astype("datetime64[D]")
    if clock_min is None or theirs_min in (None, clock_min) or of_a_day:
        return wall, ""
    return wall + np.timedelta64(round((clock_min - theirs_min) * 60), "s"), told_turned(theirs_min, clock_min)


def _read(start: str | int) -> tuple[np.datetime64, float | None]:
    """The clock on the wall, and how far it is ahead of UTC in minutes, where that is said."""
    try:
        stamp = datetime.fromisoformat(str(start))
    except ValueError:
        stamp = None
    if stamp is not None and 1678 <= stamp.year < 2262:  # what nanoseconds hold; numpy would wrap around
        ahead = stamp.utcoffset()
        wall = np.datetime64(stamp.replace(tzinfo=None), "ns")
        return wall, None if ahead is None else ahead.total_seconds() / 60
    try:
        reading = read_instants(pd.Series([start], dtype=object), "its start")
        return np.datetime64(reading.instants[0]), reading.clock_min
    except DataError as error:
        raise DataError(re.sub(",? in row 1[.]$", ".", error.message), error.remedy, code=error.code) from None


def _covariates(artifact: Artifact, series: Series, names: tuple[str, ...], length: int) -> Floats:
    """The named columns (t + F, columns) of what came, NaN where a column or a step did not come."""
    everything = artifact.schema.known_covariates + artifact.schema.past_covariates
    if not everything or not series.covariates:
        return np.full((length, len(names)), np.nan)
    _refuse_strangers(series.covariates, everything, artifact.schema.known_covariates, "covariate")
    rows = max((len(column) for column in series.covariates.values()), default=0)
    found = np.full((max(rows, length), len(names)), np.nan)
    for name, column in series.covariates.items():
        if len(column) < length:
            found_values = f"Covariate {example(name)} has {len(column)} values for the {length} of the target."
            raise DataError(found_values, "Send one for each step, null where missing; those of the future after them.")
    for place, name in enumerate(names):
        values = series.covariates.get(name, series.covariates.get(_number(artifact, name), ()))
        if values:
            found[: len(values), place] = _coded(values, name, artifact.panel.categories)
    return found


def _number(artifact: Artifact, name: str) -> int:
    known = artifact.schema.known_covariates
    return known.index(name) if name in known else -1


def _refuse_strangers(
    sent: Mapping[str | int, object], names: tuple[str, ...], numbered: tuple[str, ...], what: str
) -> None:
    count = sum(isinstance(name, int) for name in sent)
    if count and count != len(numbered):
        found = f"The series has {count} {what}s without a name, but the model was trained with {len(numbered)}"
        raise DataError(f"{found}: {', '.join(numbered) or 'none'}.", "Send them in this order, all of them.")
    for name in sent:
        if isinstance(name, str) and name not in names:
            remedy = f"{nearest(name, names)} Known: {', '.join(names)}."
            raise DataError(f"The model was not trained with a {what} {example(name)}.", remedy)


def _static(artifact: Artifact, series: Series) -> Floats:
    names = artifact.schema.static
    found = np.full(len(names), np.nan)
    if not names or not series.static:
        return found
    _refuse_strangers(series.static, names, names, "static feature")
    for place, name in enumerate(names):
        value = series.static.get(name, series.static.get(place))
        found[place] = _coded([value], name, artifact.panel.categories)[0]
    return found


def _coded(column: Sequence[object], name: str, categories: Mapping[str, tuple[str, ...]]) -> Floats:
    """A column of numbers, or of texts that training made into codes; a text that it never saw is missing."""
    if name in categories:
        codes = {text: float(code) for code, text in enumerate(categories[name])}
        return np.array([np.nan if value is None else codes.get(as_text(value), np.nan) for value in column], float)
    values = numbers(column, f"Covariate {example(name)}")
    return np.where(np.abs(values) > LARGEST, np.nan, values)


def numbers(values: Sequence[object], what: str) -> Floats:
    """Return a list of numbers, null and "NaN" as floats (n,); true and false are 1 and 0. Raises DataError."""
    kinds = set(map(type, values))
    if kinds <= {int, float, bool, type(None)}:
        return np.array(values, np.float64)
    found = np.empty(len(values))
    for place, value in enumerate(values):
        if isinstance(value, str) and value.strip().lower() in MISSING_TEXTS:
            found[place] = np.nan
        elif value is None or isinstance(value, int | float):
            found[place] = np.nan if value is None else value
        else:
            kind = f"text, {example(value)}" if isinstance(value, str) else f"a {type(value).__name__}"
            raise DataError(
                f"{what} holds no number at place {place + 1}: {kind}.", "Send numbers, null where missing."
            )
    return found
