"""What became of each record of a batch transform job: its answer, or the error that it got."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .kinds import TRANSFORM, log_of
from .storage import listing, read_text

ENDING = ".out"
NOT_TOLD = "no answer, and nothing about it in the job's log"


class Record(NamedTuple):
    """One file of the input: its name, its answer as text or None, and its error or ""."""

    name: str
    answer: str | None
    error: str


def records(client: Any, name: str, source: str, output: str) -> list[Record]:
    """Return each file below `source` with its answer below `output`, or with what the log of the job says of it."""
    answers = {found.removesuffix(ENDING): place for found, place in listing(output).items() if found.endswith(ENDING)}
    answers |= {found.removeprefix(f"{name}/"): place for found, place in answers.items()}  # the SDK's local mode
    sent = list(listing(source))
    lines = log_of(client, TRANSFORM, name) if set(sent) - set(answers) else []
    return [
        Record(file, read_text(answers[file]), "") if file in answers else Record(file, None, error_of(lines, file))
        for file in sent
    ]


def error_of(lines: Sequence[str], file: str) -> str:
    """Return what a job's log says of a file, as one line; the platform writes `[sagemaker logs]: bucket/file: …`."""
    said = re.compile(rf"(?:^|[\s/]){re.escape(file)}: (.*)")
    parts = [found.group(1).strip() for line in lines for found in [said.search(line)] if found]
    return readable(" ".join(part for part in parts if part and part != "Message:")) or NOT_TOLD


def readable(told: str) -> str:
    """Return an error with the JSON of the container's answer replaced by its message and remedy."""
    start = told.find("{")
    try:
        answer = json.loads(told[start:]) if start >= 0 else {}
    except ValueError:
        return told
    spoken = " ".join(str(answer[key]) for key in ("message", "remedy") if answer.get(key))
    return f"{told[:start]}{spoken}" if spoken else told
