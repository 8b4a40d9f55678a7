"""The runner that starts containers of the real image, through Docker's command line."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from .runners import KILL_S, PORT, Launch, Program

ANSWER_S = 20.0
LABEL = "emulator"


def docker(*arguments: str, timeout_s: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False, timeout=timeout_s)


def engine_answers() -> bool:
    try:
        return docker("info", timeout_s=ANSWER_S).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class ContainerProgram:
    """A container in the foreground; its output is the output of `docker run`."""

    def __init__(self, launch: Launch, label: str) -> None:
        self._name = launch.name
        self.process = subprocess.Popen(
            ["docker", "run", *options(launch, label), launch.image, *words(launch)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    @property
    def address(self) -> tuple[str, int] | None:
        """Where its server is reached; None while the container is still starting."""
        found = docker("port", self._name, str(PORT)).stdout.split()
        return ("127.0.0.1", int(found[0].rpartition(":")[2])) if found else None

    def stop(self, grace_s: float) -> int:
        """SIGTERM, then after `grace_s` SIGKILL; return the exit code."""
        if self.process.poll() is None:
            docker("stop", "--time", str(round(grace_s)), self._name)
        try:
            return self.process.wait(KILL_S)
        except subprocess.TimeoutExpired:  # still starting when it was to be stopped
            docker("rm", "--force", self._name)
            return self.process.wait()


def options(launch: Launch, label: str) -> list[str]:
    """Return the options of `docker run`: hosting mounts the model read-only, training owns its tree."""
    found = ["--rm", "--name", launch.name, "--label", f"{LABEL}={label}", "--hostname", launch.hostname]
    if launch.network:
        found += ["--network", launch.network, "--network-alias", launch.hostname]
    if launch.program == "serve":
        found += ["--publish", f"127.0.0.1::{PORT}", "--volume", f"{launch.root / 'model'}:/opt/ml/model:ro"]
    else:
        found += ["--volume", f"{launch.root}:/opt/ml"]
    for place, folder in launch.mounts.items():
        found += ["--volume", f"{folder}:{place}"]
    if launch.memory_mb:
        found += ["--memory", f"{launch.memory_mb}m", "--read-only", "--tmpfs", "/tmp"]
    if launch.entrypoint:
        found += ["--entrypoint", launch.entrypoint[0]]
    for name, value in launch.environment.items():
        found += ["--env", f"{name}={value}"]
    return found


def words(launch: Launch) -> tuple[str, ...]:
    """What follows the image: `train`, unless an entrypoint of the request's own takes its place."""
    return (*launch.entrypoint[1:], *launch.arguments) if launch.entrypoint else (launch.program, *launch.arguments)


def untag(reference: str) -> None:
    """Take a pattern of names off this machine's images; layers that have other names stay."""
    names = ["--format", "{{.Repository}}:{{.Tag}}", "--filter", f"reference={reference}"]
    found = docker("images", *names).stdout.split()
    if found:
        docker("rmi", *found)


class Docker:
    """Runs containers; everything it starts bears the emulator's label, and is gone after `close`."""

    name = "docker"
    says = "containers of the image that a request names, on this machine's engine"

    def __init__(self, label: str) -> None:
        self.label = label
        self.pulls = False  # there is a registry to pull from

    def has(self, image: str) -> bool | None:
        if docker("image", "inspect", image).returncode == 0:
            return True
        return self.pulls and docker("pull", image).returncode == 0

    def hosts(self, count: int) -> list[str]:
        return [f"algo-{number}" for number in range(1, count + 1)]

    def start(self, launch: Launch) -> Program:
        return ContainerProgram(launch, self.label)

    def open_network(self, name: str, *, isolated: bool) -> None:
        done = docker("network", "create", "--label", f"{LABEL}={self.label}", *["--internal"] * isolated, name)
        if done.returncode:
            raise OSError(f"docker network create: {done.stderr.strip()}")

    def close_network(self, name: str) -> None:
        docker("network", "rm", name)

    def remove(self, folder: Path, image: str) -> None:
        """Remove a folder in which a container, as root, has left files that are not ours to remove."""
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
        if folder.exists():
            mount = f"{folder}:/removed"
            script = ["-c", "rm -rf /removed/* /removed/.[!.]*"]
            docker("run", "--rm", "--user", "0", "--volume", mount, "--entrypoint", "/bin/sh", image, *script)
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        mine = f"label={LABEL}={self.label}"
        containers = docker("ps", "--all", "--quiet", "--filter", mine).stdout.split()
        if containers:
            docker("rm", "--force", *containers)
        networks = docker("network", "ls", "--quiet", "--filter", mine).stdout.split()
        if networks:
            docker("network", "rm", *networks)
