"""Tables of the notebooks: read, hold out the end, hand over, and score against seasonal naive.

A table is long: one row an item and timestamp, in the columns `item_id`, `timestamp` and `target`. A forecast has
`item_id`, `timestamp`, `mean` and one column a quantile, named "0.1", "0.5" and so on.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

ITEM, TIME, TARGET = "item_id", "timestamp", "target"
LOWER, UPPER = "0.1", "0.9"  # the ends of the 80 % interval
KEYS = [ITEM, TIME]
SCORES = ("MASE", "SQL", "WAPE", "coverage_80")


def read_table(path: str | Path, item_id: str = ITEM, timestamp: str = TIME, target: str = TARGET) -> pd.DataFrame:
    """Return a long table from CSV or Parquet, its three columns named as here, sorted; other columns stay."""
    path = Path(path)
    frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, dtype={item_id: str})
    frame = frame.rename(columns={item_id: ITEM, timestamp: TIME, target: TARGET})
    frame[TIME] = pd.to_datetime(frame[TIME])
    return frame.sort_values(KEYS, ignore_index=True)


def read_forecasts(path: str | Path) -> pd.DataFrame:
    """Return a forecast from CSV or Parquet, sorted by item and time, quantile columns in ascending order."""
    path = Path(path)
    if path.suffix == ".parquet":
        return in_order(pd.read_parquet(path))
    return parse_forecasts(path.read_text(encoding="utf-8"))


def parse_forecasts(text: str) -> pd.DataFrame:
    """Return a forecast from CSV text, as an endpoint answers, in the order of `read_forecasts`."""
    return in_order(pd.read_csv(io.StringIO(text), dtype={ITEM: str}))


def in_order(forecasts: pd.DataFrame) -> pd.DataFrame:
    """Return a forecast sorted by item and time, quantile columns ascending, other columns left out."""
    frame = forecasts.assign(**{TIME: pd.to_datetime(forecasts[TIME])}).sort_values(KEYS, ignore_index=True)
    return frame[[*KEYS, "mean", *quantile_columns(frame)]]


def quantile_columns(forecasts: pd.DataFrame) -> list[str]:
    """Return the names of the columns that are quantiles, ascending."""
    numbers = [
        name for name in map(str, forecasts.columns) if name.replace(".", "", 1).isdigit() and 0 < float(name) < 1
    ]
    return sorted(numbers, key=float)


def to_channel(frame: pd.DataFrame, path: str | Path) -> Path:
    """Write a table where a training channel finds it, as CSV or Parquet by the name's end; return the path."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        frame.to_csv(path, index=False, date_format="%Y-%m-%dT%H:%M:%S")
    return path


def to_records(frame: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write each item of a table to a CSV file of its own, named after the item; return the paths.

    Raises:
        ValueError: two items would have the same file.
    """
    names = {str(item): re.sub(r"[^\w.-]+", "-", str(item)) + ".csv" for item in frame[ITEM].unique()}
    if len(set(names.values())) < len(names):
        raise ValueError(f"{len(names)} items make {len(set(names.values()))} file names: rename some of them.")
    return [to_channel(rows, Path(folder) / names[str(item)]) for item, rows in frame.groupby(ITEM)]


def split_last(frame: pd.DataFrame, horizon_steps: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return (train, test): test is what falls on the last timestamps of the whole table, at one cutoff for all items.

    | x x x x x x | y y |   an item to the end
    | x x x       |     |   one that stops early: nothing to test

    Raises:
        ValueError: the table has no more timestamps than the horizon.
    """
    stamps = np.sort(frame[TIME].unique())
    if len(stamps) <= horizon_steps:
        raise ValueError(
            f"The table has {len(stamps)} timestamps; holding out {horizon_steps} leaves nothing to train on."
        )
    late = frame[TIME] > stamps[-horizon_steps - 1]
    return frame[~late].reset_index(drop=True), frame[late].reset_index(drop=True)


def seasonal_naive(history: pd.DataFrame, forecasts: pd.DataFrame, freq: str, season_steps: int) -> pd.DataFrame:
    """Return the seasonal naive forecast (the value one season ago) for the rows of `forecasts`, as column `mean`.

    | a b c d | a b c d a …   with a season of 4
    """
    parts = [
        rows.assign(mean=repeat_season(values, rows[TIME], freq, season_steps))
        for _, rows, values in align(forecasts[KEYS], history)
    ]
    return pd.concat(parts, ignore_index=True)


def align(rows: pd.DataFrame, history: pd.DataFrame) -> list[tuple[str, pd.DataFrame, pd.Series[float]]]:
    """Return (item, its rows, its history by time) for each item of `rows` that has a history."""
    known = {str(item): group.set_index(TIME)[TARGET] for item, group in history.groupby(ITEM)}
    groups = {str(item): group for item, group in rows.groupby(ITEM)}
    return [(item, group, known[item]) for item, group in groups.items() if item in known]


def on_grid(values: pd.Series[float], freq: str) -> pd.Series[float]:
    """Return a series on a regular grid, duplicate stamps summed, each gap filled with the value before it."""
    return values.groupby(level=0).sum().asfreq(freq).ffill()


def repeat_season(
    values: pd.Series[float], stamps: pd.Series[pd.Timestamp], freq: str, season_steps: int
) -> np.ndarray:
    """Return the last season of a series, repeated over the stamps that come after its end."""
    regular = on_grid(values, freq)
    last = regular.to_numpy(dtype=float)[-season_steps:]
    steps = pd.date_range(regular.index[-1], stamps.max(), freq=freq).get_indexer(pd.DatetimeIndex(stamps)) - 1
    return last[steps % len(last)]


def join_actuals(forecasts: pd.DataFrame, actuals: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that were both forecast and observed, with the observed value as column `actual`."""
    observed = actuals[[*KEYS, TARGET]].rename(columns={TARGET: "actual"})
    return forecasts.merge(observed, on=KEYS, how="inner")


def naive_error(values: pd.Series[float], freq: str, season_steps: int) -> float:
    """Return the mean absolute seasonal difference of a series, the unit of MASE; NaN where it is zero or undefined."""
    regular = on_grid(values, freq).to_numpy(dtype=float)
    lag = season_steps if len(regular) > season_steps + 1 else 1
    change = np.abs(regular[lag:] - regular[:-lag])
    return float(change.mean()) if change.size and change.mean() > 0 else float("nan")


def quantile_loss(rows: pd.DataFrame) -> float:
    """Return the mean over the quantiles of twice the pinball loss; a forecast without quantiles is a fan of no width.

    For a single line that is its mean absolute error, so a line and a fan can be compared.
    """
    levels = {float(name): rows[name] for name in quantile_columns(rows)} or {0.5: rows["mean"]}
    errors = {level: rows["actual"] - values for level, values in levels.items()}
    losses = [2 * np.maximum(level * error, (level - 1) * error).mean() for level, error in errors.items()]
    return float(np.mean(losses))


def score(
    forecasts: pd.DataFrame, actuals: pd.DataFrame, history: pd.DataFrame, freq: str, season_steps: int
) -> pd.DataFrame:
    """Return one row an item: `rows` compared, MASE and WAPE of the mean, SQL of the whole fan, 80 % coverage.

    MASE and SQL are in units of the history's naive error, NaN where that never changes; SQL is the scaled quantile
    loss, and equals MASE for a forecast without quantiles, whose coverage is NaN.
    """
    records = [
        {ITEM: item, "rows": len(rows), **score_item(rows, naive_error(values, freq, season_steps))}
        for item, rows, values in align(join_actuals(forecasts, actuals), history)
    ]
    return pd.DataFrame(records, columns=[ITEM, "rows", *SCORES]).set_index(ITEM)


def score_item(rows: pd.DataFrame, scale: float) -> dict[str, float]:
    """Return the scores of one item's rows, which have a column `actual`; `scale` is the item's naive error."""
    error, size = (rows["mean"] - rows["actual"]).abs(), rows["actual"].abs().sum()
    return {
        "MASE": float(error.mean()) / scale,
        "SQL": quantile_loss(rows) / scale,
        "WAPE": float(error.sum() / size) if size else float("nan"),
        "coverage_80": coverage(rows),
    }


def score_beside_naive(
    forecasts: pd.DataFrame, actuals: pd.DataFrame, history: pd.DataFrame, freq: str, season_steps: int
) -> pd.DataFrame:
    """Return what `score` gives, with the errors of seasonal naive on the same rows beside it."""
    naive = seasonal_naive(history, forecasts, freq, season_steps)
    scored = score(naive, actuals, history, freq, season_steps)[["MASE", "SQL", "WAPE"]]
    return score(forecasts, actuals, history, freq, season_steps).join(scored, rsuffix="_naive")


def coverage(joined: pd.DataFrame, lower: str = LOWER, upper: str = UPPER) -> float:
    """Return the share of actuals between two quantiles, ends included; NaN where the forecast has none."""
    if lower not in joined or upper not in joined:
        return float("nan")
    return float(joined["actual"].between(joined[lower], joined[upper]).mean())


def compare(
    forecasts: Mapping[str, pd.DataFrame], actuals: pd.DataFrame, history: pd.DataFrame, freq: str, season_steps: int
) -> pd.DataFrame:
    """Return one row a forecast: the mean over items of what `score` gives, and the number of items."""
    rows = {}
    for name, frame in forecasts.items():
        scored = score(frame, actuals, history, freq, season_steps)
        rows[name] = {"items": len(scored), **scored[list(SCORES)].mean().to_dict()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
