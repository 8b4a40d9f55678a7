"""The decoder under atheris: whatever the bytes, a request or a user's error, and nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["convect.serving"]):
    from convect.errors import UserError
    from convect.serving import wire
    from convect.serving.limits import Limits

TYPES = (
    None,
    "application/json",
    "application/jsonlines",
    "text/csv",
    "application/x-parquet",
    "text/csv; charset=utf-16",
)
LIMITS = Limits(rows=5_000, columns=100, cells=50_000, decoded_bytes=1 << 20)
SEEDS = (
    {"instances": [{"start": "2024-01-01", "target": [1, None, "NaN"], "cat": [0], "dynamic_feat": [[1, 2, 3, 4]]}]},
    {
        "instances": [{"target": [1]}],
        "configuration": {"num_samples": 2, "output_types": ["samples"], "quantiles": ["0.1"]},
    },
    {"inputs": [{"target": [1], "past_covariates": {"p": [1]}}], "parameters": {"prediction_length": 3, "freq": "D"}},
    {"config": {"horizon": 3, "item_ids": ["a"]}, "freq": "D", "schema": {"target": "y"}, "data": [{"y": 1}]},
    {"item_id": "a", "start": "2024-01-01", "target": [1, 2]},
)


def one(data: bytes) -> None:
    """Decode one body; the first byte says with which content type, and whether in batch."""
    kind = data[0] if data else 0
    try:
        wire.decode(data[1:], TYPES[kind % len(TYPES)], LIMITS, ("item_id",), batch=kind > 127)
    except UserError as error:
        if not 400 <= error.status < 500 or "\n" in str(error):
            raise AssertionError(str(error)) from error


def seed(corpus: Path) -> None:
    """Put good bodies where the fuzzer begins."""
    for place, document in enumerate(SEEDS):
        (corpus / f"seed-{place}").write_bytes(bytes([1 + place % 2]) + json.dumps(document).encode())
    (corpus / "seed-csv").write_bytes(b"\x03item_id,timestamp,target\na,2024-01-01,1\n")


if __name__ == "__main__":
    seed(Path(sys.argv[-1]))
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
