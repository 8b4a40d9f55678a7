"""One request in each dialect, as the README shows them: what is sent, and with which Content-Type."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

DECIMALS = 1  # of the numbers shown; the server sends all of them


@dataclass(frozen=True)
class Example:
    """Who speaks like this, and a request."""

    speakers: str
    content_type: str
    request: str

    def row(self, answer: str) -> str:
        """A row of the README's table."""
        return f"| {self.speakers} | {_code(self.request)} | {_code(shortened(answer))} |"


_DAYS = [62, 64, 64, 43, 60, 64, 62, 62, 63, 64, 70, 71, 73, 60, 49, 76, 78, 70, 72, 74, 62]  # to the end of 2013
_CSV = "item_id,timestamp,target\nnew,2013-12-28,70\nnew,2013-12-29,72\nnew,2013-12-30,74\nnew,2013-12-31,62"
_LEVELS = ["0.1", "0.9"]

EXAMPLES = (
    Example(
        "ours: items of the training",
        "application/json",
        '{"config": {"item_ids": ["EWR/UA"], "horizon": 2, "quantiles": [0.1, 0.9]}}',
    ),
    Example("Autopilot, Amazon Forecast: a long table, CSV or Parquet", "text/csv", _CSV),
    Example(
        "DeepAR, GluonTS, Clarify",
        "application/json",
        json.dumps(
            {
                "instances": [{"start": "2013-12-11", "target": [*_DAYS[:-2], None, "NaN"]}],
                "configuration": {"quantiles": _LEVELS, "prediction_length": 2},
            }
        ),
    ),
    Example(
        "JumpStart's Chronos",
        "application/json",
        json.dumps(
            {
                "inputs": [{"item_id": "new", "start": "2013-12-11", "target": _DAYS}],
                "parameters": {"prediction_length": 2, "quantile_levels": [0.1, 0.9]},
            }
        ),
    ),
    Example(
        "batch transform: JSON Lines, one series a line",
        "application/jsonlines",
        '{"item_id": "LGA/DL"}\n{"start": "2013-12-22", "target": [62, 64]}\n{"start": "never", "target": [1]}',
    ),
)


def shortened(answer: str) -> str:
    """The answer with its numbers rounded; of a list or a table only the beginning."""
    if not answer.startswith("{"):
        rows = [",".join(_rounded(cell) for cell in row.split(",")[:4]) for row in answer.splitlines()[:3]]
        return "\n".join(f"{row},…" for row in rows)
    return "\n".join(json.dumps(_short(json.loads(line)), ensure_ascii=False) for line in answer.splitlines())


def _rounded(cell: str) -> str:
    try:
        return str(round(float(cell), DECIMALS))
    except ValueError:
        return cell


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        kept = dict(list(value.items())[:2]) if len(value) > 6 else value
        return {name: _short(inner) for name, inner in kept.items()} | ({"…": "…"} if len(value) > 6 else {})
    if isinstance(value, list):
        return [_short(inner) for inner in value[:2]] + (["…"] if len(value) > 2 else [])
    return round(value, DECIMALS) if isinstance(value, float) else value


def _code(text: str) -> str:
    return "<br>".join(f"`{line}`" for line in text.splitlines())
