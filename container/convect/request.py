"""What is asked of an artifact and what it answers, whatever words the caller used."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd


@dataclass(frozen=True)
class ForecastRequest:
    """A request, decoded but not yet checked against an artifact; None always means "as in training".

    `frame` is the table under the caller's own column names; None asks for the series seen in training, of which
    `items` may name some. `horizon` counts steps. `freq` is only compared with the trained one.
    """

    frame: pd.DataFrame | None = None
    schema: Mapping[str, object] | None = None
    freq: str | None = None
    horizon: int | None = None
    quantiles: tuple[float, ...] | None = None
    items: tuple[str, ...] | None = None
    missing: str | None = None
    aggregate: str | None = None


@dataclass(frozen=True)
class Forecast:
    """The answer.

    `frame`: item_id, timestamp, mean and one column a quantile named like "0.1", sorted by item_id and timestamp.
    `origin`: one row an item with item_id, history ("trained", "request" or "unseen"), last_timestamp, fallback
    (bool) and reason.
    """

    frame: pd.DataFrame
    origin: pd.DataFrame
