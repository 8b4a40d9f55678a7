"""The image in a registry: pushed by the script and by the helper, judged there, pulled back, and the same.

The registry is Debian's, on loopback; ECR's API is moto's, whose answers name that registry.
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers import image as helper
from tests.emulator import Emulator, running
from tests.image.engine import ROOT, base_image, docker

SCRIPT = ROOT / "container" / "build_and_push.sh"
MISSING = {
    "region": ({"AWS_DEFAULT_REGION": "", "AWS_REGION": ""}, "No AWS region is set: set AWS_REGION, or run"),
    "credentials": ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "ECR refused; the lines above say why."),
}


@pytest.fixture(scope="module")
def account(engine: None) -> Iterator[Emulator]:
    with running("docker") as emulator:
        assert emulator.registry, "Debian's docker-registry is not installed: make engine"
        yield emulator


@pytest.fixture
def environment(account: Emulator, tmp_path: Path, variables: dict[str, str]) -> dict[str, str]:
    """That of a user whose home is empty and whose AWS is the emulator; the layers are built already."""
    home = tmp_path / "home"
    home.mkdir()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    places = {"HOME": str(home), "PATH": path, "REVISION": "tested"}
    base = {"BASE_IMAGE": base_image()} if base_image() else {}
    return {**variables, **account.environment, **places, **base}


@pytest.fixture
def name(account: Emulator) -> Iterator[str]:
    """The name of a repository; whatever the engine has of it afterwards is removed."""
    name = f"convect-tests-{secrets.token_hex(4)}"
    yield name
    listing = docker("images", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    if found := [each for each in listing if name in each]:
        docker("rmi", "--no-prune", *found)


@pytest.fixture
def without_cli(tmp_path: Path) -> str:
    """A folder that hides the AWS CLI when it is first on PATH."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "aws").write_text("#!/bin/sh\nexit 127\n")
    (hidden / "aws").chmod(0o755)
    return str(hidden)


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("cli", [True, False], ids=["aws-cli", "boto3"])
def test_the_script_builds_pushes_and_prints_the_digest(
    account: Emulator, environment: dict[str, str], name: str, without_cli: str, cli: bool
) -> None:
    if cli and subprocess.run(["aws", "--version"], env=environment, capture_output=True, check=False).returncode:
        pytest.skip("the AWS CLI is not installed; the other route is tested")
    if not cli:
        environment["PATH"] = f"{without_cli}{os.pathsep}{environment['PATH']}"
    images = set(docker("images", "--quiet", "--no-trunc").stdout.split())
    done = run(environment, name)
    assert done.returncode == 0, done.stderr
    uri, digest = done.stdout.splitlines()[-2:]
    described = account.client("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]
    assert described["imageScanningConfiguration"] == {"scanOnPush": True}
    assert uri == f"{described['repositoryUri']}:tested"
    repository, _, sha = digest.partition("@")
    assert repository == described["repositoryUri"]
    assert list(Path(environment["HOME"]).rglob("config.json")) == []
    pulled_back(repository, sha, images)


def pulled_back(repository: str, sha: str, images: set[str]) -> None:
    """Remove an image and pull it by its digest: it is the one that was pushed, and `latest` is the same."""
    pushed = docker("image", "inspect", f"{repository}:latest", "--format", "{{.Id}}").stdout.strip()
    assert pushed not in images
    docker("rmi", "--no-prune", "--force", pushed)
    docker("pull", f"{repository}@{sha}")
    assert docker("image", "inspect", f"{repository}@{sha}", "--format", "{{.Id}}").stdout.strip() == pushed
    docker("pull", f"{repository}:latest")
    digests = docker("image", "inspect", f"{repository}:latest", "--format", "{{json .RepoDigests}}").stdout
    assert f"{repository}@{sha}" in digests


def test_the_helper_pushes_the_same(
    environment: dict[str, str], image: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    docker("tag", f"{image}:latest", f"{name}:latest")
    pushed = helper.push(name)
    assert pushed.uri.endswith(f"/{name}:tested")  # the label's word
    assert pushed.platform == "linux/amd64"
    assert pushed.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    assert pushed.bytes < int(docker("image", "inspect", image, "--format", "{{.Size}}").stdout)
    known = docker("image", "inspect", f"{name}:latest", "--format", "{{json .RepoDigests}}").stdout
    assert f"@{pushed.digest}" in known
    assert list(Path(environment["HOME"]).rglob("config.json")) == []


def test_the_helper_builds_what_the_script_builds(
    environment: dict[str, str], image: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in helper.engine.OF_THE_INDEX:
        if variable in os.environ:
            monkeypatch.setenv(variable, os.environ[variable])
    built = helper.build(ROOT / "container", name, base_image=environment.get("BASE_IMAGE"), show=False)
    layers = [docker("image", "inspect", each, "--format", "{{json .RootFS.Layers}}").stdout for each in (image, built)]
    assert layers[0] == layers[1]


@pytest.mark.parametrize(("without", "sentence"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_said_in_a_sentence(
    environment: dict[str, str], name: str, without: dict[str, str], sentence: str
) -> None:
    done = run({**environment, **without}, name)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert name not in docker("images", "--format", "{{.Repository}}").stdout  # said before the minutes of building


def test_a_name_that_ecr_refuses_is_refused_before_anything_is_built(environment: dict[str, str]) -> None:
    done = run(environment, "My Image")
    assert done.returncode == 1
    assert done.stderr.startswith("'My Image' is no name for a repository")


def test_what_codebuild_would_do(
    account: Emulator, environment: dict[str, str], name: str, tmp_path: Path, unpack: Callable[[bytes], Path]
) -> None:
    """CodeBuild itself is not to be had here; its command is run on its zip file, as on its machine, outside git."""
    folder = unpack(helper.codebuild.packed(ROOT / "container"))
    (command,) = helper.codebuild.SPEC["phases"]["build"]["commands"]  # type: ignore[index]
    remote = {**environment, "NAME": name, "REVISION": "zipped"}
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=remote, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    place = account.client("ecr").describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryUri"]
    assert f"{place}:zipped" in done.stdout.splitlines()


@pytest.fixture
def unpack(tmp_path: Path) -> Callable[[bytes], Path]:
    """Unpack a zip file as CodeBuild's machine does, modes and all."""

    def unpacked(content: bytes) -> Path:
        (tmp_path / "source.zip").write_bytes(content)
        subprocess.run([sys.executable, "-m", "zipfile", "-e", "source.zip", "source"], cwd=tmp_path, check=True)
        return tmp_path / "source"

    return unpacked
