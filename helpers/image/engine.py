"""Build and push by the Docker engine of this machine."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from .ecr import PLATFORM, ImageError, Pushed, Registry, pushed, registry

NAME = "algoflow-sagemaker"
OF_THE_INDEX = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_CERT", "PIP_DEFAULT_TIMEOUT")
LOG_LINES = 12


def build(context: str | Path, name: str = NAME, *, base_image: str | None = None, show: bool = True) -> str:
    """Build the image of a folder for SageMaker's processors; return its full name.

    It is tagged `latest` and with the commit. `base_image` and the PIP_… variables of this machine are handed to the
    Dockerfile as build arguments. With `show`, each step is printed as it begins.

    Raises:
        ImageError: no engine answers, or the build failed; the message has its last lines.
    """
    if obstacle := engine_obstacle():
        raise ImageError(f"{obstacle} Start Docker, or build without it: image.build_remotely.")
    tag = revision(context)
    # buildx would add attestations, which make an index of the manifest; SageMaker refuses an index
    way = (
        ["buildx", "build", "--provenance=false", "--sbom=false", "--load"] if has_buildx() else ["build", "--force-rm"]
    )
    command = ["docker", *way, "--platform", PLATFORM]
    for argument, value in build_arguments(base_image, os.environ).items():
        command += ["--build-arg", f"{argument}={value}"]
    for label, value in labels(tag).items():
        command += ["--label", f"org.opencontainers.image.{label}={value}"]
    run([*command, "--tag", f"{name}:{tag}", "--tag", f"{name}:latest", str(context)], "The build", show=show)
    return f"{name}:{tag}"


def push(name: str = NAME, region: str | None = None, *, tag: str | None = None) -> Pushed:
    """Push an image that was built here to the ECR repository of its name; return what the registry then holds.

    It is what `name:latest` is here. `tag` is the name it gets beside `latest`; without it that is the commit which the
    image is labelled with. No credential is left on this machine.

    Raises:
        ImageError: no engine, region, credentials or right; the push failed; or SageMaker could not run what arrived.
    """
    if obstacle := engine_obstacle():
        raise ImageError(f"{obstacle} Start Docker, or build without it: image.build_remotely.")
    place = registry(name, region)
    tags = [*filter(None, [tag or labelled(name)]), "latest"]
    with logged_in(place) as environment:
        for each in tags:
            run(["docker", "tag", f"{name}:latest", f"{place.uri}:{each}"], "Naming the image", environment)
            run(["docker", "push", f"{place.uri}:{each}"], f"The push to {place.uri}", environment)
    return pushed(place, tags[0])


def labelled(name: str) -> str:
    """Return the commit that an image of this machine was made from, or "" where it bears none."""
    label = '{{index .Config.Labels "org.opencontainers.image.revision"}}'
    found = subprocess.run(
        ["docker", "image", "inspect", f"{name}:latest", "--format", label], capture_output=True, text=True, check=False
    )
    said = found.stdout.strip()
    return "" if said == "<no value>" else said


def engine_obstacle() -> str:
    """Return why no image can be built on this machine, as a sentence, or ""."""
    if shutil.which("docker") is None:
        return "Docker is not installed."
    done = subprocess.run(["docker", "version"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "No Docker engine answers."


def has_buildx() -> bool:
    """Return whether the client has the plugin that adds attestations unless told not to."""
    return subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0


def build_arguments(base_image: str | None, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the Dockerfile's arguments; those of the package index are taken from the environment where set."""
    index = {name: environment[name] for name in OF_THE_INDEX if environment.get(name)}
    return {**({"BASE_IMAGE": base_image} if base_image else {}), **index}


def labels(tag: str) -> dict[str, str]:
    """Return what an image says of its making: the commit, and when."""
    return {"revision": tag, "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}


def revision(folder: str | Path) -> str:
    """Return the commit that a folder is at, with "-dirty" where it differs; "unversioned" outside git."""
    git = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
        changes = subprocess.run([*git, "status", "--porcelain", "--", "."], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unversioned"
    return head.stdout.strip() + ("-dirty" if changes.stdout else "")


@contextlib.contextmanager
def logged_in(place: Registry) -> Iterator[dict[str, str]]:
    """Give the environment in which `docker` is logged in to a registry; the login is gone afterwards.

    It goes into a folder of its own and not into the home directory. The engine in use stays the one in use, though
    its name is kept in the folder that is left aside.
    """
    context = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    found = subprocess.run(context, capture_output=True, text=True, check=False)
    host = os.environ.get("DOCKER_HOST") or found.stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, **({"DOCKER_HOST": host} if host else {}), "DOCKER_CONFIG": folder}
        login = ["docker", "login", "--username", place.user, "--password-stdin", place.endpoint]
        run(login, f"The login to {place.endpoint}", environment, entered=place.password)
        yield environment


def run(
    command: Sequence[str],
    what: str,
    environment: Mapping[str, str] | None = None,
    *,
    entered: str | None = None,
    show: bool = False,
) -> None:
    """Run a command to its end; raise ImageError with its last lines where it fails. It is ended if we are."""
    stdin = subprocess.DEVNULL if entered is None else subprocess.PIPE
    lines: list[str] = []
    with subprocess.Popen(
        command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            if process.stdin and entered is not None:
                process.stdin.write(entered)
                process.stdin.close()
            for line in process.stdout or ():
                lines = [*lines[1 - LOG_LINES :], line.rstrip()]
                if show and line.startswith(("Step ", "#")) and " RUN " in line:
                    print(line.rstrip())
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise ImageError("\n".join([f"{what} failed (exit code {process.returncode}). Its last lines:", *lines]))
