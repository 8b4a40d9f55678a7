"""DataProcessing of batch transform: the JSONPath filters and the join of input and output, for CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from typing import Any

from .errors import JobError, invalid

STEP = re.compile(r"\.(?P<name>[A-Za-z_][\w-]*)|\[(?P<inside>[^\]]*)\]")
WHOLE = "$"
Step = str | slice | list[str] | list[int]


def parse(path: str) -> list[Step]:
    """Return the steps of a JSONPath; raise ValidationException for what batch transform does not know."""
    steps, at = [], 1
    while at < len(path) and path.startswith("$"):
        found = STEP.match(path, at)
        if not found:
            break
        steps.append(found["name"] or inside(found["inside"], path))
        at = found.end()
    if at != len(path) or not path.startswith("$"):
        raise invalid(f"Invalid JSONPath expression: {path}")
    return steps


def inside(text: str, path: str) -> Step:
    words = [word.strip() for word in text.split(",")]
    if text.strip() == "*":
        return slice(None)
    if all(re.fullmatch(r"'[^']*'|\"[^\"]*\"", word) for word in words):
        return [word[1:-1] for word in words]
    if all(re.fullmatch(r"-?\d+", word) for word in words):
        return [int(word) for word in words]
    if re.fullmatch(r"-?\d*:-?\d*", text.strip()):
        low, high = text.strip().split(":")
        return slice(int(low) if low else None, int(high) if high else None)
    raise invalid(f"Invalid JSONPath expression: {path}")


def select(value: Any, steps: list[Step]) -> Any:
    """What the steps find; a single name or position gives its value, several give an object or a list of them."""
    for step in steps:
        try:
            value = take(value, step)
        except (KeyError, IndexError, TypeError) as error:
            raise JobError(f"the filter finds nothing in a record: {error!r}") from error
    return value


def take(value: Any, step: Step) -> Any:
    if isinstance(step, str | slice):
        return value[step]
    if len(step) == 1:
        return value[step[0]]
    return {key: value[key] for key in step} if isinstance(step[0], str) else [value[key] for key in step]


class Processing:
    """The three settings of DataProcessing, applied to records of one content type."""

    def __init__(self, settings: dict[str, str], content_type: str, accept: str) -> None:
        self.input, self.output = settings.get("InputFilter", WHOLE), settings.get("OutputFilter", WHOLE)
        self.join = settings.get("JoinSource", "None") == "Input"
        self.active = self.join or self.input != WHOLE or self.output != WHOLE
        self._read, self._write = reader(content_type), writer(content_type)
        self._read_answer = reader(accept)
        self._steps = parse(self.input), parse(self.output)

    def before(self, record: bytes) -> bytes:
        """What is sent of a record."""
        if self.input == WHOLE:
            return record
        return self._write(select(self._read(record), self._steps[0])) + b"\n"

    def after(self, record: bytes, answer: bytes) -> bytes:
        """What is kept of a record's answer, joined with the record it came from where that is asked for."""
        told = self._read_answer(answer)
        if self.join:
            told = joined(self._read(record), told)
        return self._write(select(told, self._steps[1])) + b"\n"


def joined(record: Any, told: Any) -> Any:
    if isinstance(record, dict):
        return {**record, "SageMakerOutput": told}
    if isinstance(record, list) and isinstance(told, list) and not any(isinstance(cell, dict) for cell in told):
        return record + told  # two rows of CSV
    return {"SageMakerInput": record, "SageMakerOutput": told}


def reader(content_type: str) -> Any:
    if content_type.partition(";")[0] == "text/csv":
        return lambda record: next(csv.reader(io.StringIO(record.decode())), [])
    return lambda record: json.loads(record)


def writer(content_type: str) -> Any:
    return csv_row if content_type.partition(";")[0] == "text/csv" else lambda value: json.dumps(value).encode()


def csv_row(value: Any) -> bytes:
    sink = io.StringIO()
    csv.writer(sink, lineterminator="").writerow(value if isinstance(value, list) else [value])
    return sink.getvalue().encode()
