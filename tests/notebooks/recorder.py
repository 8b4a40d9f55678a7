"""Writes down each call that boto3 makes, a line of JSON each, in the kernel of a notebook or in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

FILE = "RECORDED_CALLS"
STARTUP = f"import runpy\nrunpy.run_path({__file__!r})['install']()\n"  # the kernel's own path stays as it is
SEND = BaseClient._make_api_call  # type: ignore[attr-defined]


def recording(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Let every kernel that is started from now on write its calls down; return the file they come into."""
    startup = folder / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "00-recorder.py").write_text(STARTUP)
    patch.setenv("IPYTHONDIR", str(folder))
    patch.setenv(FILE, str(folder / "calls.jsonl"))
    return folder / "calls.jsonl"


def install() -> None:
    """Write down what all clients send. A service is called by the name it has in IAM."""
    BaseClient._make_api_call = sent  # type: ignore[attr-defined]


def sent(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
    told = {key: value for key, value in parameters.items() if key not in ("Body", "Payload")}
    line = {"service": client.meta.service_model.signing_name, "operation": operation, "parameters": told}
    with Path(os.environ[FILE]).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, default=str) + "\n")
    return SEND(client, operation, parameters)


def calls_in(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
