"""The /opt/ml tree: the paths, the settings that the platform writes there, and the failure file."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convect.errors import AlgorithmError, ConfigError, ConvectError, PlatformError, UserError

BASE_VARIABLE = "SAGEMAKER_BASE_DIR"
_FAILURE_CHARACTERS = 1024  # the platform shows this much of the failure file


@dataclass(frozen=True)
class Hosts:
    """The hosts of a training job; `rank` 0 leads."""

    current: str = "algo-1"
    names: tuple[str, ...] = ("algo-1",)

    @property
    def rank(self) -> int:
        """The position of this host among all, the same on each host."""
        return sorted(self.names).index(self.current)

    @property
    def leader(self) -> str:
        """The host of rank 0."""
        return min(self.names)


@dataclass(frozen=True)
class OptML:
    """The tree below `base`. Nothing is created or read before a method is called."""

    base: Path = Path("/opt/ml")

    @classmethod
    def from_environment(cls, env: Mapping[str, str]) -> OptML:
        """Return the tree at SAGEMAKER_BASE_DIR, or at /opt/ml where that is unset or empty."""
        return cls(Path(env[BASE_VARIABLE])) if env.get(BASE_VARIABLE) else cls()

    @property
    def model_dir(self) -> Path:
        """What is written here becomes the model archive; serving finds it here again."""
        return self.base / "model"

    @property
    def models_dir(self) -> Path:
        """Where a multi-model endpoint puts the models, each in a directory `<name>/model`."""
        return self.base / "models"

    @property
    def output_data_dir(self) -> Path:
        """What is written here becomes the output archive."""
        return self.output_dir / "data"

    @property
    def checkpoint_dir(self) -> Path:
        """What is written here is kept if a spot instance is lost."""
        return self.base / "checkpoints"

    @property
    def output_dir(self) -> Path:
        """Of all folders the one that can be written to for certain; nothing here but `data` and `failure` is kept."""
        return self.base / "output"

    @property
    def failure_path(self) -> Path:
        """The file whose first 1,024 characters become the job's failure reason."""
        return self.output_dir / "failure"

    def hyperparameters(self) -> dict[str, str]:
        """Return the job's hyperparameters; values that a hand-made file gives as numbers or lists become JSON text.

        Raises ConfigError for a file that is not a JSON object. An absent file means none.
        """
        found = self._read("hyperparameters.json", ConfigError)
        return {name: value if isinstance(value, str) else json.dumps(value) for name, value in (found or {}).items()}

    def channels(self) -> dict[str, dict[str, Any]]:
        """Return the settings of each channel by its name, sorted.

        The names are those of inputdataconfig.json, since the platform puts other files beside the channels. Only
        where that file is absent, as in a run by hand, they are the folders in input/data. Raises PlatformError.
        """
        found = self._read("inputdataconfig.json", PlatformError)
        if found is None:
            folders = sorted(path.name for path in self.channel_dir("").glob("[!._]*") if path.is_dir())
            return {name: {} for name in folders}
        return {name: value if isinstance(value, dict) else {} for name, value in sorted(found.items())}

    def channel_dir(self, channel: str) -> Path:
        """Return the folder of a channel in File and FastFile mode, whether it exists or not."""
        return self.base / "input" / "data" / channel

    def hosts(self) -> Hosts:
        """Return the hosts of the job, a single one where resourceconfig.json is absent; raises PlatformError."""
        found = self._read("resourceconfig.json", PlatformError)
        if found is None:
            return Hosts()
        current, names = found.get("current_host"), found.get("hosts")
        if not isinstance(names, list) or current not in names:
            message = "input/config/resourceconfig.json does not list current_host among hosts."
            raise PlatformError(message, "Correct or remove the file.", code="opt_ml")
        return Hosts(str(current), tuple(map(str, names)))

    def write_failure(self, error: BaseException) -> None:
        """Write `failure_text(error)` to the failure file. Never raises: the error at hand matters more."""
        try:
            self.failure_path.parent.mkdir(parents=True, exist_ok=True)
            self.failure_path.write_text(failure_text(error), encoding="utf-8", errors="replace")
        except Exception:  # noqa: S110 - a full or read-only disk must not hide the first error
            pass

    def _read(self, name: str, kind: type[ConvectError]) -> dict[str, Any] | None:
        path = self.base / "input" / "config" / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"input/config/{name} cannot be read: {error.strerror}."
            raise PlatformError(message, "Check the permissions and the disk.", code="opt_ml") from error
        except (ValueError, RecursionError) as error:
            raise kind(f"input/config/{name} is not valid JSON.", "Correct or remove the file.") from error
        if not isinstance(found, dict):
            raise kind(f"input/config/{name} does not hold a JSON object.", "Correct or remove the file.")
        return found


def failure_text(error: BaseException) -> str:
    """Return what the failure file says: one sentence within 1,024 characters, then, unless the user must act,
    the traceback.
    """
    known = error if isinstance(error, ConvectError) else _unexpected(error)
    sentence = str(known)
    if len(sentence) > _FAILURE_CHARACTERS:
        sentence = f"{sentence[: _FAILURE_CHARACTERS - 3]}..."
    if isinstance(error, UserError):
        return f"{sentence}\n"
    return f"{sentence}\n\n{''.join(traceback.format_exception(error))}"


def _unexpected(error: BaseException) -> ConvectError:
    found = re.sub(r"\s+", " ", f"{type(error).__name__}: {error}").strip(": ")
    if isinstance(error, OSError | MemoryError):
        return PlatformError(f"The disk or memory failed: {found}.", "Use a larger instance or volume.")
    return AlgorithmError(f"Unexpected {found}.", "Report it with the lines below.", code="unexpected")
