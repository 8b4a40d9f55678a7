"""How the server runs, read once from the environment that the platform sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from convect.errors import ConfigError
from convect.serving.limits import DEFAULT_LIMITS, Limits
from convect.serving.media import CSV, OFFERED
from convect.training.machine import usable_cpus

REAL_TIME_S = 60  # the platform gives up on an answer after this
BATCH_S = 3_600  # the longest that a transform job or an asynchronous endpoint may wait
ANSWER_SHARE = 0.9  # of the time-out may go by before an answer is given up
MEGABYTE = 1 << 20
MASTER_MB = 300  # the libraries, loaded once and shared by all workers
WORKER_MB = 100  # what a worker holds for itself: pages it has written to, and the request it works on
LOADED_FACTOR = 4  # times its bytes on disk is what an artifact takes in memory, LightGBM's trees among them
USED_SHARE = 0.9  # of the memory; the rest is the system's
_WORKERS = ("SAGEMAKER_MODEL_SERVER_WORKERS", "MODEL_SERVER_WORKERS")
_LEVELS = {"debug": 10, "info": 20, "warn": 30, "warning": 30, "error": 40, "critical": 50}  # `logging`'s


@dataclass(frozen=True)
class Settings:
    """`max_payload_mb` 0 means no limit; `log_level` is a number of the `logging` module.

    `default_accept` "" is the form of the request's own dialect; `inference_config` is JSON text, or "";
    `series_limit_s` is how long one series may take before cheap models answer it, 0 no limit.
    """

    port: int = 8080
    workers: int = 1
    threads: int = 4
    timeout_s: int = REAL_TIME_S
    batch: bool = False
    max_payload_mb: int = 100
    default_accept: str = ""
    batch_strategy: str = "MULTI_RECORD"
    max_concurrent_transforms: int | None = None
    log_level: int = 20
    inference_config: str = ""
    series_limit_s: int = 10
    multi_model: bool = False
    limits: Limits = DEFAULT_LIMITS

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], cpus: int | None = None) -> Settings:
        """Return the settings that the platform's variables ask for; `cpus` is what this machine grants us.

        Raises ConfigError, naming the variable, for a value that cannot be used.
        """
        batch = environment.get("SAGEMAKER_BATCH", "").strip().lower() == "true"
        timeout_s = _integer(environment, ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "MODEL_SERVER_TIMEOUT"), REAL_TIME_S, 1)
        return cls(
            port=_integer(environment, ("SAGEMAKER_BIND_TO_PORT",), cls.port, 1, 65_535),
            workers=_integer(environment, _WORKERS, cpus or usable_cpus(), 1, 1_024),
            timeout_s=max(timeout_s, BATCH_S) if batch else timeout_s,
            batch=batch,
            max_payload_mb=_integer(environment, ("SAGEMAKER_MAX_PAYLOAD_IN_MB",), cls.max_payload_mb, 0),
            default_accept=_accept(environment),
            batch_strategy=_strategy(environment),
            max_concurrent_transforms=_integer(environment, ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",), 0, 0) or None,
            log_level=_level(environment),
            inference_config=_given(environment, ("DEEPAR_INFERENCE_CONFIG", "INFERENCE_CONFIG"))[1],
            series_limit_s=_integer(environment, ("CONVECT_SERIES_TIME_LIMIT_S",), cls.series_limit_s, 0),
            multi_model=environment.get("SAGEMAKER_MULTI_MODEL", "").strip().lower() == "true",
        )

    def fitting(self, model_bytes: int, memory: int | None, environment: Mapping[str, str]) -> Settings:
        """Return these settings with no more workers than memory (bytes) holds beside a model of that size on disk.

        A number of workers that the operator chose stays as it is; at least one is left.
        """
        if memory is None or _given(environment, _WORKERS)[1]:
            return self
        free = USED_SHARE * memory - MASTER_MB * MEGABYTE - LOADED_FACTOR * model_bytes
        most = int(free // (WORKER_MB * MEGABYTE + model_bytes))
        return replace(self, workers=max(1, min(self.workers, most)))

    def models_budget(self, memory: int | None) -> int | None:
        """Return how many bytes on disk all models of a multi-model server may have together, each worker loading all.

        None where the memory (bytes) is not known.
        """
        if memory is None:
            return None
        free = USED_SHARE * memory - (MASTER_MB + self.workers * WORKER_MB) * MEGABYTE
        return max(0, int(free // (LOADED_FACTOR * self.workers)))

    @property
    def answer_s(self) -> float:
        """Seconds after which no more series is begun: what is left of the time-out is for writing and sending."""
        return ANSWER_SHARE * self.timeout_s

    @property
    def max_payload_bytes(self) -> int | None:
        """The largest body read: the platform's limit and 1 MB of margin, since it counts before it adds; 0 is none."""
        return (self.max_payload_mb + 1) * MEGABYTE if self.max_payload_mb else None

    @property
    def execution_parameters(self) -> dict[str, object]:
        """What a transform job asks for: concurrent requests times payload may not be more than 100 MB."""
        concurrent = self.max_concurrent_transforms or min(self.workers, 100)
        payload_mb = min(self.max_payload_mb, max(1, 100 // concurrent)) if self.max_payload_mb else 0
        return {
            "MaxConcurrentTransforms": concurrent,
            "BatchStrategy": self.batch_strategy,
            "MaxPayloadInMB": payload_mb,
        }


def folder_bytes(folder: Path) -> int:
    """Return the bytes of the files directly in a model directory, 0 where there is none."""
    return sum(path.stat().st_size for path in folder.iterdir() if path.is_file()) if folder.is_dir() else 0


def _given(environment: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, str]:
    return next(((name, environment[name].strip()) for name in names if environment.get(name, "").strip()), ("", ""))


def _integer(environment: Mapping[str, str], names: tuple[str, ...], default: int, low: int, high: int = 10**6) -> int:
    name, text = _given(environment, names)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9 or not low <= int(text) <= high:
        raise ConfigError(f"{name} is '{text[:40]}'.", f"Set it to a whole number from {low} to {high:,}.")
    return int(text)


def _accept(environment: Mapping[str, str]) -> str:
    name, text = _given(environment, ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT",))
    chosen = text.partition(";")[0].strip().lower() or Settings.default_accept
    if chosen in ("*/*", ""):
        return Settings.default_accept
    if chosen == "text/*":
        return CSV
    if chosen not in OFFERED:
        raise ConfigError(f"{name} is '{text[:80]}'.", f"Set it to one of {', '.join(OFFERED)}.")
    return chosen


def _strategy(environment: Mapping[str, str]) -> str:
    text = environment.get("SAGEMAKER_BATCH_STRATEGY", "").strip().upper().replace("SINGLERECORD", "SINGLE_RECORD")
    text = text.replace("MULTIRECORD", "MULTI_RECORD")
    return text if text in ("SINGLE_RECORD", "MULTI_RECORD") else Settings.batch_strategy


def _level(environment: Mapping[str, str]) -> int:
    name, text = _given(environment, ("SAGEMAKER_CONTAINER_LOG_LEVEL",))
    levels = {**_LEVELS, **{str(level): level for level in _LEVELS.values()}}
    if text and text.lower() not in levels:
        raise ConfigError(f"{name} is '{text[:40]}'.", f"Set it to one of {', '.join(levels)}.")
    return levels[text.lower() or "info"]
