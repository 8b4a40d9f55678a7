"""What the page tells: the facts for its template and the series for its script, from what was gathered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from convect import __version__
from convect.pipeline import TrainResult
from convect.report import notices, tables, windows
from convect.report.encoding import axis, encoded
from convect.report.gathering import Gathered
from convect.report.kept import Kept, history_room
from convect.report.windows import Floats
from convect.report.words import FINDINGS, FLAGS, count, percent, step_name
from convect.training.refit import Refitted

Result = TrainResult | Refitted
EFFECTS, EXPLANATIONS = "effects.csv", "explanations.parquet"


def facts_of(result: Result, gathered: Gathered, folder: Path) -> dict[str, Any]:
    """Return the facts for the template; `folder` holds the tables that training has written, effects among them."""
    searched = result if isinstance(result, TrainResult) else None
    judged = bool(notices.ensemble_row(result))
    frequency = result.artifact.frequency
    effects = pd.read_csv(folder / EFFECTS) if (folder / EFFECTS).exists() else None
    return {
        "verdict": notices.verdict(result, gathered),
        "notices": notices.notices(result, gathered),
        "tiles": _tiles(result),
        "findings": _findings(result),
        "models": tables.models(searched.leaderboard) if searched and judged else [],
        "steps": tables.by_step(gathered.steps) if judged else [],
        "sizes": tables.by_size(gathered.items),
        "groups": tables.by_group(gathered.groups),
        "coverage": tables.coverage(searched.coverage) if searched else [],
        "levels": tables.records(searched.levels) if searched else [],
        "effects": tables.effects(effects),
        "step": step_name(frequency.family, frequency.alias),
        "settings": _settings(result),
        "version": __version__,
    }


def _tiles(result: Result) -> list[tuple[str, str]]:
    summary, artifact = result.quality.summary(), result.artifact
    name = step_name(artifact.frequency.family, artifact.frequency.alias)
    inferred = ", found in the data" if summary["frequency_inferred"] else ""
    filled = summary["rows"] - summary["observed"]
    return [
        ("read", count(summary["items"], "series")),
        ("of", f"{summary['rows']:,} values"),
        ("from", f"{_day(summary['first'])} to {_day(summary['last'])}"),
        ("one value each", f"{name}{inferred}"),
        ("filled in", f"{filled:,} ({percent(filled / max(1, summary['rows']), 1)})"),
        ("forecast", count(artifact.horizon, name)),
    ]


def _day(stamp: str) -> str:
    return stamp.removesuffix("T00:00:00").replace("T", " ")


def _findings(result: Result) -> list[dict[str, Any]]:
    found = result.quality.summary()["findings"]
    return [
        {"name": name, "label": FINDINGS.get(name, (name, ""))[0], "meaning": FINDINGS.get(name, ("", ""))[1], **row}
        for name, row in found.items()
    ]


def _settings(result: Result) -> list[tuple[str, str]]:
    config = result.artifact.config.to_dict()
    seasons = ", ".join(str(one) for one in result.artifact.seasons) or "none"
    told = {name: value for name, value in config.items() if name != "schema" and value not in (None, [], ())}
    return [("seasons in steps", seasons), *((name, _plain(value)) for name, value in told.items())]


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def series_of(result: Result, gathered: Gathered, folder: Path) -> dict[str, Any]:
    """Return the kept series as the script reads them, those with most error first."""
    artifact = result.artifact
    most = max((len(one.ends) for one in gathered.kept), default=0)
    rows = history_room(len(gathered.kept), artifact.horizon, most, len(artifact.weights.models))
    kept = sorted((one.tail(rows) for one in gathered.kept), key=lambda one: (-one.error, one.item))
    first = min(one.start for one in kept)
    last = max(one.start + len(one.values) for one in kept) + artifact.horizon - 1
    parts, flags = _parts(folder / EXPLANATIONS, kept), _flags(result, kept)
    used = Counter(flag for one in flags.values() for flag in one)
    frequency = artifact.frequency
    return {
        "axis": axis(frequency, first, last),
        "daily": frequency.family not in ("s", "min", "h"),
        "step": step_name(frequency.family, frequency.alias),
        "horizon": artifact.horizon,
        "season": artifact.season,
        "promise": None if pd.isna(gathered.promise) else round(gathered.promise, 4),
        "models": list(artifact.weights.models),
        "flags": {name: {"label": label, "count": used[name]} for name, label in FLAGS.items() if used[name]},
        "series": [encoded(one, first, flags[one.item], parts.get(one.item, {})) for one in kept],
    }


def _flags(result: Result, kept: list[Kept]) -> dict[str, list[str]]:
    quality = result.quality.findings
    mine = notices.flags_of(quality[quality["item_id"].isin({one.item for one in kept})])
    return {one.item: [name for name in FLAGS if name in {*mine.get(one.item, ()), *_own(one)}] for one in kept}


def _own(one: Kept) -> list[str]:
    naive, actual = (np.nansum(np.abs(part)) for part in (one.windows.actual - one.naive, one.windows.actual))
    found = {
        "worse": bool(windows.worse(*(np.asarray(part) for part in (one.error, naive, actual)))),
        "fallback": one.fallback and not one.cold,
        "cold": one.cold,
        "sum": one.weights is None,
    }
    return [name for name, holds in found.items() if holds]


def _parts(path: Path, kept: list[Kept]) -> Mapping[str, Mapping[str, Floats]]:
    """The components of each series' forecast, where training has explained them."""
    if not path.exists():
        return {}
    names = [one.item for one in kept]
    table = pq.read_table(path, filters=[("item_id", "in", names)]).to_pandas()
    table = table.sort_values("timestamp", kind="stable")
    found: dict[str, dict[str, Floats]] = {}
    for (item, component), rows in table.groupby(["item_id", "component"], sort=False, observed=True):
        found.setdefault(str(item), {})[str(component)] = rows["value"].to_numpy(float)
    return found
