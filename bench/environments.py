"""The environments that the peers run in: theirs is made when it is missing, AutoGluon's is only looked for."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent / "build" / "bench"


def peers_python() -> Path:
    """Return the interpreter of the peers' environment; made and filled from `requirements.txt` where that is newer."""
    return _made("peers", HERE / "requirements.txt")


def gluonts_python() -> Path | None:
    """Return the interpreter that has GluonTS's server, made where it can be; None, said with a word, where not."""
    try:
        return _made("gluonts", HERE / "requirements-gluonts.txt")
    except subprocess.CalledProcessError as error:
        print(f"GluonTS is left out: pip ended with {error.returncode}.", flush=True)
        return None


def _made(name: str, wanted: Path) -> Path:
    folder, stamp = BUILD / name, BUILD / f"{name}.stamp"
    if not stamp.exists() or stamp.stat().st_mtime < wanted.stat().st_mtime:
        print(f"Installing into build/bench/{name} (about two minutes, once).", flush=True)
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(python_of(folder)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", str(wanted)], check=True)
        stamp.touch()
    return python_of(folder)


def autogluon_python() -> Path | None:
    """Return the interpreter that has AutoGluon, None where nobody has installed it."""
    found = python_of(BUILD / "autogluon")
    if not found.exists():
        return None
    probe = [str(found), "-c", "import importlib.metadata as m; m.version('autogluon.timeseries')"]
    return found if subprocess.run(probe, capture_output=True, check=False).returncode == 0 else None


def python_of(folder: Path) -> Path:
    """Return where an environment keeps its interpreter."""
    return folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
