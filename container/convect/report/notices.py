"""What the page says in words: the verdict in one sentence, and the warnings that come before everything else."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from convect.pipeline import TrainResult
from convect.report import tables, windows
from convect.report.gathering import Gathered
from convect.report.words import FINDINGS, count, percent, step_name
from convect.training import ensemble
from convect.training.refit import Refitted
from convect.training.streaming import LEARN_SERIES

ABOUT_AS_GOOD = 0.02
OFF_PROMISE = 0.05
MANY_FILLED = 0.05
MANY_WORSE = 0.1
PROMISES = (80, 95)  # percent that an interval is to hold
WORTH_A_WORD = ("empty", "cold", "short", "mostly_filled", "constant", "future_missing", "outside_sums")


@dataclass(frozen=True)
class Notice:
    """level: "warning" or "note"; flag: by which the list of series shows those meant, "" where it cannot."""

    level: str
    text: str
    flag: str = ""


def ensemble_row(result: TrainResult | Refitted) -> dict[str, Any]:
    """Return the ensemble's row of the leaderboard, empty where nothing was scored."""
    if isinstance(result, Refitted):
        return {}
    row = tables.records(result.leaderboard[result.leaderboard["model"] == ensemble.NAME])[0]
    return row if math.isfinite(row["MASE"]) else {}


def verdict(result: TrainResult | Refitted, gathered: Gathered) -> str:
    """Return what a person should know who reads one sentence."""
    artifact = result.artifact
    steps = count(artifact.horizon, step_name(artifact.frequency.family, artifact.frequency.alias))
    scope = f"{count(gathered.series, 'series')}, {steps} ahead"
    if isinstance(result, Refitted):
        return f"An earlier model was fitted to new data for {scope}: nothing was searched, so nothing was measured."
    row = ensemble_row(result)
    relative = row.get("relative_MASE", math.nan)
    if not row:
        return f"For {scope}: the histories are too short for a backtest, so nothing says how good the forecast is."
    if not math.isfinite(relative):
        return f"Over {scope}, seasonal naive makes no error, so there was nothing to improve."
    if relative > 1 + ABOUT_AS_GOOD:
        return f"Over {scope}, the forecast's error is {percent(relative - 1)} higher than seasonal naive's."
    if relative > 1 - ABOUT_AS_GOOD:
        return f"Over {scope}, the forecast is about as good as seasonal naive, and no better."
    return f"Over {scope}, the forecast's error is {percent(1 - relative)} lower than seasonal naive's."


def notices(result: TrainResult | Refitted, gathered: Gathered) -> list[Notice]:
    """Return the warnings, then the notes."""
    summary = result.quality.summary()
    found = [*_accuracy(result, gathered), *_honesty(result), *_data(summary, gathered), *_sample(result, gathered)]
    return sorted(found, key=lambda notice: notice.level == "note")


def _accuracy(result: TrainResult | Refitted, gathered: Gathered) -> Iterator[Notice]:
    if isinstance(result, Refitted):
        yield Notice("note", "A refit has no leaderboard and no backtest. See those of the model that it refits.")
        return
    row = ensemble_row(result)
    if not row:
        yield Notice("warning", "No backtest was possible: give longer histories, or a lower horizon.")
    elif row["relative_MASE"] > 1 - ABOUT_AS_GOOD:
        yield Notice("warning", "The forecast does not beat seasonal naive. Look at the data before you rely on it.")
    items = gathered.items
    worse = int(windows.worse(*(items[name].to_numpy() for name in ("error", "naive", "actual"))).sum())
    if worse > MANY_WORSE * len(items):
        text = f"{count(worse, 'series')} of {len(items):,} did worse than seasonal naive in the backtest."
        yield Notice("warning", text, "worse")
    elif worse:
        yield Notice("note", f"{count(worse, 'series')} did worse than seasonal naive in the backtest.", "worse")
    if gathered.fallbacks:
        text = f"{count(gathered.fallbacks, 'series')} could be forecast by nothing but the naive model."
        yield Notice("warning", text, "fallback")


def _honesty(result: TrainResult | Refitted) -> Iterator[Notice]:
    row = ensemble_row(result)
    held = {promise: row.get(f"coverage_{promise}", math.nan) - promise / 100 for promise in PROMISES}
    told = {promise: f"the {promise} % intervals held {percent(promise / 100 + off)}" for promise, off in held.items()}
    for word, way in (("narrow", -1), ("wide", 1)):
        meant = [told[promise] for promise, off in held.items() if way * off > OFF_PROMISE]
        if meant:
            text = f"In the backtest {' and '.join(meant)} of the values, so they are too {word}."
            yield Notice("warning" if way < 0 else "note", text)


def _data(summary: Mapping[str, Any], gathered: Gathered) -> Iterator[Notice]:
    filled = 1 - summary["observed"] / max(1, summary["rows"])
    if filled > MANY_FILLED:
        yield Notice("warning", f"{percent(filled)} of all values were missing and had to be filled in.", "gap")
    for name in WORTH_A_WORD:
        if finding := summary["findings"].get(name):
            label, meaning = FINDINGS[name]
            level = "warning" if name in ("empty", "future_missing") else "note"
            yield Notice(level, f"{finding['items']:,} {label}: {meaning}.", name)


def _sample(result: TrainResult | Refitted, gathered: Gathered) -> Iterator[Notice]:
    in_parts = isinstance(result, TrainResult) and not result.artifact.panel.group_names
    if in_parts and gathered.series > LEARN_SERIES:
        text = (
            f"The verdict, the models and the intervals were scored on {LEARN_SERIES:,} series spread over all of them."
        )
        yield Notice("note", text)
    if len(gathered.kept) < gathered.series:
        shown, all_of = f"{len(gathered.kept):,}", count(gathered.series, "series")
        text = f"To stay small, this page shows {shown} of {all_of} one by one: the largest, those with most error, and"
        yield Notice(
            "note", f"{text} some drawn at random. Where the error is, all count; forecasts.csv has every series."
        )


def flags_of(quality: pd.DataFrame) -> dict[str, list[str]]:
    """Return what the data check found of each item."""
    found = quality[quality["item_id"] != ""].groupby("item_id", sort=False)["finding"]
    return {str(item): list(dict.fromkeys(findings)) for item, findings in found}
