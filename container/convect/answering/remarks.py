"""What an answer's reason must say of a forecast besides which models served."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from convect.answering import cold
from convect.artifact import Artifact
from convect.models.features import Index
from convect.models.simple import Array
from convect.panel import Panel
from convect.training import short

APART = "forecast by itself; only what training left ready adds up along the hierarchy"
Texts = NDArray[np.object_]


def added(artifact: Artifact, panel: Panel, known: Index, values: Array, reason: Texts, note: str = "") -> Texts:
    """Return reason (n,) and what else there is to say of forecasts (n, h, 1 + Q), parted by semicolons.

    known: (n,) where each item stands in the artifact, -1 if nowhere; note: what there is to say of all.
    """
    seen = cold.seen(panel)
    brief = artifact.short.concerns(panel.lengths) & seen
    said = {short.REASON: brief, APART: _apart(artifact, known, values), note: np.ones(len(known), bool)}
    parts = [
        np.where(seen, reason, cold.REASON),
        *(np.where(holds, text, "").astype(object) for text, holds in said.items()),
        _bridged(artifact.panel, panel, known),
    ]
    return np.array(["; ".join(filter(None, one)) for one in zip(*parts, strict=True)], dtype=object)


def _apart(artifact: Artifact, known: Index, values: Array) -> NDArray[np.bool_]:
    """(n,) True where there is a hierarchy and a forecast is not the one that training made to add up."""
    if not artifact.schema.hierarchy:
        return np.zeros(len(known), bool)
    horizon = values.shape[1]
    if horizon > artifact.horizon:
        return np.ones(len(known), bool)
    return np.asarray((known < 0) | (artifact.forecasts[known, :horizon] != values).any(axis=(1, 2)))


def _bridged(kept: Panel, panel: Panel, known: Index) -> Texts:
    """(n,) what to say of steps that nobody observed between the history of training and a newer one."""
    after = np.where(known >= 0, kept.ends[known] + 1 - panel.starts, 0)  # steps of the panel that training knew
    newer = np.flatnonzero((after > 0) & (after < panel.lengths))
    texts = np.full(len(panel), "", dtype=object)
    for item in newer[~panel.observed[panel.offsets[newer] + after[newer]]]:
        steps = int(np.argmax(panel.observed[panel.offsets[item] + after[item] : panel.offsets[item + 1]]))
        filled = "1 step is" if steps == 1 else f"{steps} steps are"
        texts[item] = f"{filled} filled between the end of training and the next value sent"
    return texts
