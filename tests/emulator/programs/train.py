"""A training program that writes down what it is given, and does what the hyperparameter `do` says."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

BASE = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))


def read(name: str) -> dict:
    return json.loads((BASE / "input/config" / f"{name}.json").read_text())


def save_and_leave(*_: object) -> None:
    (BASE / "model/saved").write_text("on SIGTERM")
    sys.exit(0)


def wait() -> None:
    print("waiting", flush=True)
    while True:
        time.sleep(0.02)


def fail(host: str) -> None:
    (BASE / "output/failure").write_text(f"UserError: {host} was told to fail. Do not tell it." + " " * 2000)
    sys.exit(3)


def step() -> None:
    """Each try adds a line; the third ends well."""
    place = BASE / "checkpoints/steps"
    steps = place.read_text() if place.exists() else ""
    place.write_text(steps + "step\n")
    (BASE / "checkpoints/never.sagemaker-ignore").write_text("")
    if steps.count("step") < 2:
        wait()


def drain(channel: str) -> list[str]:
    """Two epochs of a pipe."""
    return [(BASE / f"input/data/{channel}_{epoch}").read_text() for epoch in (0, 1)]


def main() -> None:
    told, host = read("hyperparameters"), read("resourceconfig")["current_host"]
    number = host.replace(".", "-").rpartition("-")[2]
    signal.signal(signal.SIGTERM, signal.SIG_IGN if told.get("do") == "ignore" else save_and_leave)
    do = told.get("do", "") if told.get("on", number) == number else ""
    channels = read("inputdataconfig")
    data = BASE / "input/data"
    seen = {
        "hyperparameters": told,
        "channels": channels,
        "resources": read("resourceconfig"),
        "environment": dict(os.environ),
        "files": sorted(path.relative_to(data).as_posix() for path in data.rglob("*") if path.is_file()),
        "pipes": {name: drain(name) for name, kind in channels.items() if kind["TrainingInputMode"] == "Pipe"},
    }
    (BASE / f"model/{host}.json").write_text(json.dumps(seen))
    (BASE / f"output/data/{host}.txt").write_text("told")
    print(f"loss=9.5 on {host}\nloss={told.get('loss', '1.5')};\nloss=nan;", flush=True)
    if do == "fail":
        fail(host)
    if do in ("wait", "ignore"):
        wait()
    if do == "step":
        step()


if __name__ == "__main__":
    main()
