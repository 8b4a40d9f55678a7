"""The `serve` program: load the model once, then answer until told to stop."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from typing import TYPE_CHECKING

from convect.errors import ConvectError
from convect.serving.gunicorn_config import describe, options
from convect.serving.metrics import forget, share
from convect.serving.settings import Settings, folder_bytes
from convect.training.machine import usable_memory

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask

    from convect.serving.models import Models

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # Arrow reads the first, too


def main() -> int:
    """Serve until SIGTERM; return 1, with one line on stderr, where the model or a setting can never work."""
    one_thread(os.environ)
    try:
        settings = hosted_settings()
        logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
        app = application()
        if not settings.multi_model:
            app.extensions["convect"].load()
    except ConvectError as error:
        return _refuse(str(error))
    except Exception as error:
        return _refuse(describe("The model cannot be loaded", error))
    _run(app, options(settings))
    return 0


def one_thread(environment: MutableMapping[str, str]) -> None:
    """Keep the numeric libraries to one thread a worker; to be called before any of them is imported.

    A pool of threads that is started in the master is dead in its forked workers, and waiting for it never ends.
    """
    environment.update(dict.fromkeys(_THREAD_VARIABLES, "1"))


@functools.cache
def hosted_settings() -> Settings:
    """Return the settings that the environment asks for, with no more workers than memory holds; ConfigError."""
    from convect.platform.opt_ml import OptML

    settings = Settings.from_environment(os.environ)
    folder = OptML.from_environment(os.environ).model_dir
    size = 0 if settings.multi_model else folder_bytes(folder)
    return settings.fitting(size, usable_memory(), os.environ)


@functools.cache
def application() -> Flask:
    """Return the WSGI application over the models in the `/opt/ml` tree, the same one each time; loads nothing yet.

    Its scratch folder is made here, before any fork, so that all workers count and look into the same one.
    """
    one_thread(os.environ)
    scratch = share(os.environ)
    from convect.artifact import Artifact  # after one_thread: these bring the numeric libraries
    from convect.platform.opt_ml import OptML
    from convect.serving.server import make_app

    tree, settings = OptML.from_environment(os.environ), hosted_settings()
    models = _models(tree.models_dir, settings, scratch) if settings.multi_model else None
    return make_app(lambda: Artifact.load(tree.model_dir), settings, models=models)


def _models(root: Path, settings: Settings, scratch: Path) -> Models:
    from convect.artifact import Artifact
    from convect.pipeline import forecast
    from convect.serving.models import Models
    from convect.serving.registry import Registry
    from convect.serving.service import Service

    folder = scratch / "models"
    folder.mkdir(exist_ok=True)
    registry = Registry(folder, settings.models_budget(usable_memory()))
    return Models(registry, root, lambda model_dir: Service(lambda: Artifact.load(model_dir), forecast))


def _refuse(sentence: str) -> int:
    forget(os.environ)
    sys.stderr.write(f"{sentence}\n")
    return 1


def _run(app: Flask, settings: dict[str, object]) -> None:
    from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # it has no types
    from gunicorn.errors import HaltServer  # type: ignore[import-untyped]

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            for name, value in settings.items():
                self.cfg.set(name, value)

        def load(self) -> Callable[..., object]:
            return app

    try:
        Server().run()
    except HaltServer as halt:  # two workers that fail at once: gunicorn stops for the first and trips over the second
        raise SystemExit(halt.exit_status) from None
