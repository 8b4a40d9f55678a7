"""The Docker engine of the tests: started if none answers, the image built by the project's own script."""

from __future__ import annotations

import functools
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
STAND_IN = "convect-tests/python:3.11-slim"
LABEL = f"convect-tests={secrets.token_hex(4)}"  # of each container and network that this run of the tests makes
BUILD_S, QUICK_S = 1200, 120


def docker(*arguments: str, check: bool = True, timeout_s: float = QUICK_S) -> subprocess.CompletedProcess[str]:
    """Run Docker's client; fail with what it said."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout_s)
    assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done


@contextmanager
def running() -> Iterator[str]:
    """Give "" while an engine answers, else why none does; one that was started here is ended."""
    done = subprocess.run([HERE / "engine.sh", "start"], capture_output=True, text=True, check=False)
    try:
        yield done.stderr.strip() if done.returncode else ""
    finally:
        if process_id := done.stdout.strip():
            subprocess.run([HERE / "engine.sh", "stop", process_id], check=False)


def base_image() -> str:
    """Return what the image is built from: BASE_IMAGE, or the stand-in where one can be made; "" is the real one."""
    if named := os.environ.get("BASE_IMAGE"):
        return named
    if shutil.which("debootstrap") is None or os.getuid():
        return ""
    subprocess.run([HERE / "base_image.sh", STAND_IN], check=True, timeout=BUILD_S)
    return STAND_IN


@functools.cache
def built() -> str:
    """Build the image once by `build_and_push.sh`, and return its name; `remove_all` removes it again."""
    name = f"convect-tests/{LABEL.partition('=')[2]}"
    environment = {**os.environ, "BUILD_ONLY": "1", "BASE_IMAGE": base_image(), "REVISION": "tested"}
    command = [ROOT / "container" / "build_and_push.sh", name]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=BUILD_S, cwd=ROOT
    )
    assert done.returncode == 0, "\n".join([*done.stdout.splitlines()[-20:], *done.stderr.splitlines()[-20:]])
    return name


def remove_all() -> None:
    """Remove the containers and networks of this run and every name of its image; base and layers are kept."""
    if containers := docker("ps", "--all", "--quiet", "--filter", f"label={LABEL}").stdout.split():
        docker("rm", "--force", "--volumes", *containers)
    if networks := docker("network", "ls", "--quiet", "--filter", f"label={LABEL}").stdout.split():
        docker("network", "rm", *networks)
    if built.cache_info().currsize:
        listing = docker("image", "inspect", built(), "--format", "{{json .RepoTags}}").stdout
        names = [name for name in listing.strip('[]\n"').split('","') if name]
        docker("rmi", "--no-prune", *names)
    built.cache_clear()
