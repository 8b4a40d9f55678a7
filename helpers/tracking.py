"""An MLflow tracking server on this machine, for as long as a notebook needs one.

    server = tracking.start_server("../build/mlflow")
    ...  # jobs with MLFLOW_TRACKING_URI=server.uri in their environment
    tracking.stop_server(server)

On AWS a managed server takes its place, and its ARN the place of the address.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import warnings
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

STARTUP_TIMEOUT_S, GRACE_S, POLL_S = 180.0, 10.0, 0.2
LOG_LINES = 10  # of a server that did not start
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


@dataclass(frozen=True)
class Server:
    """A server that runs: its address, and its process."""

    uri: str
    process: subprocess.Popen[bytes]


def start_server(folder: str | Path) -> Server | None:
    """Start a server that keeps its runs below `folder`, and return it once it answers.

    Where MLflow is not installed, say so and return None: nothing else depends on it.

    Raises:
        RuntimeError: it ended, or did not answer in time; the message has the end of its log.
    """
    if importlib.util.find_spec("mlflow") is None:
        print("MLflow is not installed (pip install mlflow): the jobs are not tracked.")
        return None
    folder = Path(folder).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            command(folder, port), env={**os.environ, **QUIET}, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(f"http://127.0.0.1:{port}", process)
    atexit.register(stop_server, server)
    wait_ready(server, folder / "server.log")
    return server


def command(folder: Path, port: int) -> list[str]:
    """Return the command of a server with one worker, its runs in SQLite."""
    places = ["--backend-store-uri", f"sqlite:///{folder}/runs.db", "--artifacts-destination", f"{folder}/artifacts"]
    return [*(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)), *places]


def free_port() -> int:
    """Return a TCP port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_ready(server: Server, log: Path) -> None:
    """Return once a server answers; stop it and raise RuntimeError where it ends or takes too long."""
    limit = time.monotonic() + STARTUP_TIMEOUT_S
    while time.monotonic() < limit and server.process.poll() is None:
        if answers(server.uri):
            return
        time.sleep(POLL_S)
    stop_server(server)
    told = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    raise RuntimeError("\n".join(["The MLflow server did not start. The end of its log:", *told]))


def answers(uri: str) -> bool:
    """Return whether a server says that it is well."""
    try:
        with urllib.request.urlopen(f"{uri}/health", timeout=2) as answer:  # noqa: S310 - of this machine
            return bool(answer.status == 200)
    except OSError:
        return False


def stop_server(server: Server | None) -> None:
    """Stop a server and what it has started; its runs stay in its folder. It may be called twice, and without one."""
    if server is None or server.process.poll() is not None:
        return
    server.process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        server.process.wait(GRACE_S)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(server.process.pid, signal.SIGKILL)
    server.process.wait()


def runs(uri: str, experiment: str) -> pd.DataFrame:
    """Return the runs of an experiment: a row each, named as the job, with its settings and its metrics as columns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its progress bars, which are not used here
        import mlflow
    logging.getLogger("mlflow").setLevel(logging.ERROR)  # its plug-in for SageMaker warns of any other server
    mlflow.set_tracking_uri(uri)
    found = mlflow.search_runs(experiment_names=[experiment], order_by=["attributes.start_time"])
    kept = [name for name in map(str, found) if name.startswith(("params.", "metrics."))]
    table = found.set_index("tags.mlflow.runName")[kept].rename_axis("run")
    return table.rename(columns=lambda name: name.partition(".")[2])
