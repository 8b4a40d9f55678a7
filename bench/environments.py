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
    folder, stamp, wanted = BUILD / "peers", BUILD / "peers.stamp", HERE / "requirements.txt"
    if not stamp.exists() or stamp.stat().st_mtime < wanted.stat().st_mtime:
        print("Installing the peers into build/bench/peers (about two minutes, once).", flush=True)
        venv.create(folder, with_pip=True)
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
