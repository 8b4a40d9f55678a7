"""What is asked of an artifact and what it answers, whatever words the caller used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from convect.errors import UserError

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]] | pd.DataFrame


@dataclass(frozen=True, eq=False)
class Series:
    """One series as a request brings it, not yet checked against an artifact.

    `target`: (t,), NaN where missing; empty goes on from the history of `item_id` kept in training. `start` is the
    stamp of its first value, None to end where training ended. `covariates`: by the model's column name, or by the
    place among its known covariates, values at the t steps of the target and any number after it. `static`: by name or
    place.
    """

    target: Floats
    item_id: str | None = None
    start: str | int | None = None
    covariates: Mapping[str | int, Sequence[object]] = field(default_factory=dict)
    static: Mapping[str | int, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Wording:
    """How a request wants its answer put; forecasting never reads it.

    `dialect`: "table", "deepar", "chronos" or "lines"; `outputs`: of mean, quantiles and samples; `names`: quantiles as
    the caller wrote them; `single`: the one series came outside any list; `batch`: also an answer of nothing but errors
    is an answer.
    """

    dialect: str = "table"
    outputs: tuple[str, ...] = ("mean", "quantiles")
    names: Mapping[float, str] = field(default_factory=dict)
    single: bool = False
    batch: bool = False


@dataclass(frozen=True)
class ForecastRequest:
    """A request, decoded but not yet checked against an artifact; None always means "as in training".

    `frame` is the table under the caller's own column names; None asks for the series seen in training, of which
    `items` may name some. `horizon` counts steps. `freq` is only compared with the trained one.

    `series` in place of a frame are single series in the caller's order, an error where one could not be read; with
    `partial` these and others that cannot be forecast, of a frame too, are left out and told of, else the first is
    raised. `samples` is
    how many paths to draw of each. `series_limit_s` is how long one series may take before cheap models answer it.
    `explain` asks for the components of a table's forecasts.
    """

    frame: pd.DataFrame | None = None
    schema: Mapping[str, object] | None = None
    freq: str | None = None
    horizon: int | None = None
    quantiles: tuple[float, ...] | None = None
    items: tuple[str, ...] | None = None
    missing: str | None = None
    aggregate: str | None = None
    series: tuple[Series | UserError, ...] | None = None
    partial: bool = False
    samples: int = 0
    series_limit_s: float | None = None
    explain: bool = False
    wording: Wording = Wording()


@dataclass(frozen=True)
class Forecast:
    """The answer: two tables, each an array a column, or a DataFrame; who needs a DataFrame asks for `frame`, `origin`.

    `columns`: item_id, timestamp, mean and one column a quantile named like "0.1", sorted by item_id and timestamp;
    where the request held single series, these in its order. `origins`: one row an item with item_id, history
    ("trained", "request", "unseen" or "none"), last_timestamp, fallback (bool) and reason. `errors`: of the series left
    out, by their place in the request, of a table among all its items, ascending; `names` their item_id, where
    they have one. `samples`: (n, samples, h) where paths were asked for. `components`: by name an
    array as long as a column where they were asked for; they sum to the mean.
    """

    columns: Columns
    origins: Columns
    errors: Mapping[int, UserError] = field(default_factory=dict)
    samples: Floats | None = None
    components: Mapping[str, Floats] = field(default_factory=dict)
    names: Mapping[int, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many series were forecast."""
        return len(self.origins["item_id"])

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The long table of the forecasts."""
        return pd.DataFrame(self.columns)

    @cached_property
    def origin(self) -> pd.DataFrame:
        """Where the forecast of each item came from."""
        return pd.DataFrame(self.origins)
