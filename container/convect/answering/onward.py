"""Rows that tell only the future of items that training knew: their history is the kept one."""

from __future__ import annotations

import numpy as np
import pandas as pd

from convect.artifact import Artifact
from convect.panel import Floats, Panel
from convect.reading.columns import coded_ids, joined, plain, read_numbers
from convect.schema import Schema

_TABLE = "the table"


def with_last_rows(frame: pd.DataFrame, schema: Schema, artifact: Artifact) -> pd.DataFrame:
    """Return the table with the last kept row of each known item that has no target in it, so that it has a history.

    Its other rows then follow that one as the future does; the kept rows come last, so that each row of the caller's
    keeps its number. Raises DataError as reading the table does.
    """
    names = {*schema.item_id, schema.timestamp, schema.target}
    if not schema.known_covariates or not names <= set(map(str, frame.columns)):
        return frame
    frame = plain(frame)
    codes, parts = coded_ids(frame, schema.item_id, _TABLE)
    ids = joined(parts, schema.item_id)[codes]
    told = ~np.isnan(read_numbers(frame[schema.target], schema.target, _TABLE, "target").values)
    silent, first = np.unique(ids, return_index=True)
    mute = ~np.isin(silent, np.unique(ids[told])) & np.isin(silent, artifact.panel.item_ids)
    if not mute.any():
        return frame
    last = _last_rows(artifact.panel, [artifact.position[item] for item in silent[mute]], schema)
    columns: dict[str, list[object]] = {}
    for name, column in frame.items():
        values = column.astype(object).tolist()
        columns[str(name)] = [*values, *last.get(str(name), [values[row] for row in first[mute]])]
    return pd.DataFrame(columns, dtype=object)


def _last_rows(kept: Panel, places: list[int], schema: Schema) -> dict[str, list[object]]:
    ends = kept.offsets[1:][places] - 1
    columns: dict[str, list[object]] = {
        schema.timestamp: list(pd.to_datetime(kept.last_timestamps[places])),
        schema.target: kept.values[ends].tolist(),
    }
    for names, values, trained in (
        (schema.known_covariates, kept.known[ends], kept.known_names),
        (schema.past_covariates, kept.past[ends], kept.past_names),
    ):
        for place, name in enumerate(names):
            columns[name] = _spelled(values[:, place], kept.categories.get(trained[place]))
    return columns


def _spelled(values: Floats, vocabulary: tuple[str, ...] | None) -> list[object]:
    if vocabulary is None:
        return [None if np.isnan(value) else float(value) for value in values]
    return [None if np.isnan(value) else vocabulary[int(value)] for value in values]
