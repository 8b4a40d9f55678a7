"""How gunicorn runs the application: options computed from the settings, and what each worker does first."""

from __future__ import annotations

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from convect.errors import AlgorithmError, ConvectError
from convect.serving import metrics
from convect.serving.settings import Settings

DRAIN_S = 25  # the platform kills 30 s after SIGTERM
KEEP_ALIVE_S = 65  # longer than the 60 s of the platform's own connections, so that it is never we who hang up first
SILENT_S = 30  # a worker that gives no sign of life for so long is replaced; forecasts are bounded by `deadline`
_BOOT_ERROR = 3  # gunicorn's own code for a worker that cannot start; the master then stops with it


def options(settings: Settings) -> dict[str, object]:
    """Return gunicorn's options by their names.

    Threads, so that `/ping` is answered within the platform's 2 s while a forecast is being made. The model is loaded
    before the workers are forked, so that they share its memory.
    """
    return {
        "bind": f"0.0.0.0:{settings.port}",
        "workers": settings.workers,
        "threads": settings.threads,
        "worker_class": "convect.serving.worker.Worker",
        "preload_app": True,
        "timeout": max(settings.timeout_s, SILENT_S),
        "graceful_timeout": DRAIN_S,
        "keepalive": KEEP_ALIVE_S,
        "worker_tmp_dir": scratch_dir(),
        "control_socket_disable": True,  # it would write to the home directory, which may be read-only
        "accesslog": None,
        "errorlog": "-",
        "loglevel": logging.getLevelName(settings.log_level).lower(),
        "post_worker_init": prove,
        "child_exit": keep_counts,
        "on_exit": clean_up,
    }


def scratch_dir(memory: Path = Path("/dev/shm")) -> str:  # noqa: S108 - a fast place if usable, never relied on
    """Return where workers keep their heartbeat: in memory where that exists and can be written, else on disk."""
    try:
        with tempfile.TemporaryFile(dir=memory):
            return str(memory)
    except OSError:
        return tempfile.gettempdir()


def keep_counts(server: Any, worker: Any) -> None:  # noqa: ANN401 - gunicorn's, which has no types
    """Keep what a dead worker counted, in the master; a failure costs counts and never the server."""
    try:
        metrics.fold(metrics.share(os.environ), worker.pid)
    except Exception as error:
        logging.getLogger("convect").warning("counts of a worker are lost: %s", type(error).__name__)


def clean_up(server: Any) -> None:  # noqa: ANN401 - as above
    """Remove the scratch folder when the master ends."""
    metrics.forget(os.environ)


def prove(worker: Any) -> None:  # noqa: ANN401 - as above
    """Forecast in a worker that has just started; where that fails, say so in one line and stop the server."""
    if worker.wsgi.extensions.get("models"):
        return  # each model of a multi-model server is proven when it is loaded
    service = worker.wsgi.extensions["convect"]
    try:
        service.prove()
        service.warm_up()
    except Exception as error:
        logging.getLogger("convect").critical("%s", describe("The model cannot forecast", error))
        raise SystemExit(_BOOT_ERROR) from None


def describe(what: str, error: Exception) -> str:
    """Return one line about a failed start: a known error's own sentence, else its class and where it came from."""
    from convect.serving.answers import trace  # not above: it brings the numeric libraries, see program.one_thread

    if isinstance(error, ConvectError):
        return str(error)
    return str(AlgorithmError(f"{what}: {trace(error)}.", "Train the model again.", code="not_served"))
