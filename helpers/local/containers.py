"""The containers that the SageMaker SDK's local mode starts and leaves lying about."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator

NAMED = "name=algo-[0-9]+-"  # how it calls them


@contextlib.contextmanager
def cleared(image: str) -> Iterator[None]:
    """Remove the containers of an image that come up meanwhile: those that have ended, or all after an error."""
    before = containers(image)
    try:
        yield
    except BaseException:
        remove(containers(image) - before)
        raise
    remove(containers(image, "exited") - before)


def containers(image: str, status: str = "") -> set[str]:
    """Return the ids of local mode's containers of an image, or of those in a state."""
    wanted = ["--filter", NAMED, "--filter", f"ancestor={image}", *(["--filter", f"status={status}"] if status else [])]
    done = subprocess.run(["docker", "ps", "--all", "--quiet", *wanted], capture_output=True, text=True, check=False)
    return set(done.stdout.split())


def remove(ids: set[str]) -> None:
    """Remove containers, those that run still as well."""
    if ids:
        subprocess.run(["docker", "rm", "--force", *sorted(ids)], capture_output=True, check=False)
