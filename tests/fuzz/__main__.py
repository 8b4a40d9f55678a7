"""Throw made requests at the server and made bytes at the decoder for a while: what `make fuzz` runs.

Exit 0 where nothing was found; what was found is printed, and crashing bytes are kept in build/fuzz.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import venv
from pathlib import Path

import pandas as pd

from convect import pipeline
from convect.config import Config
from tests.contract.serve.conftest import HORIZON, SCHEMA, history, serving

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
BUILD = ROOT / "build" / "fuzz"
OPENAPI = ROOT / "container" / "convect" / "serving" / "openapi.json"
PATHS = ("/ping", "/invocations", "/execution-parameters")
CHECKS = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")


def main() -> int:
    """Run both for the seconds asked for, each half; return how many of the two found something."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=120, help="for both together")
    seconds = max(parser.parse_args().seconds // 2, 1)
    python = own_python()
    return (requests(python, seconds) != 0) + (decoder(python, seconds) != 0)


def own_python() -> Path:
    """Return the interpreter of the environment in build/fuzz, made where `requirements.txt` is newer."""
    folder, stamp, wanted = BUILD / "python", BUILD / "python.stamp", HERE / "requirements.txt"
    if not stamp.exists() or stamp.stat().st_mtime < wanted.stat().st_mtime:
        print("Installing the fuzzers into build/fuzz/python (about a minute, once).", flush=True)
        venv.create(folder, with_pip=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(wanted)], check=True)
        stamp.touch()
    return folder / "bin" / "python"


def requests(python: Path, seconds: int) -> int:
    """Send what schemathesis makes of openapi.json to a server over a small model; return its exit code."""
    items = [history(item, level, 90) for item, level in (("007", 20), ("=cmd()", 40), ("c", 60))]
    config = Config(horizon=HORIZON, preset="fast", schema=SCHEMA)
    pipeline.train(pd.concat(items), config, progress=lambda _: None).artifact.save(BUILD / "ml" / "model")
    with serving(BUILD / "ml", BUILD / "server.log") as server:
        options = ["--url", f"http://127.0.0.1:{server.port}", "--checks", ",".join(CHECKS), "--continue-on-failure"]
        options += ["--phases", "coverage,fuzzing", "--max-time", str(seconds), "--warnings", "off"]
        options += [part for path in PATHS for part in ("--include-path", path)]
        return subprocess.run([python.with_name("schemathesis"), "run", *options, OPENAPI], check=False).returncode


def decoder(python: Path, seconds: int) -> int:
    """Decode what atheris makes of a few good bodies; return its exit code."""
    corpus = BUILD / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    # Its own environment has no product: the libraries are those of this interpreter, which is of the same version.
    paths = [ROOT / "container", *filter(lambda path: path.endswith("site-packages"), sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))}
    limits = [f"-max_total_time={seconds}", "-max_len=4096", "-rss_limit_mb=4096", f"-artifact_prefix={BUILD}/"]
    command = [python, HERE / "decoding.py", *limits, corpus]
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
