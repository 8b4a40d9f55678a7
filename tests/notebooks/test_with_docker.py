"""The notebooks with a Docker engine: the image built and pushed by one, run by the SDK's local mode and remotely."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests.emulator import running
from tests.image.engine import base_image, docker
from tests.notebooks.harness import run
from tests.notebooks.permissions import kept, needs
from tests.notebooks.recorder import calls_in, recording
from tests.notebooks.refresh import NO_ENGINE
from tests.notebooks.remote import REMOTE, forecast_in, in_bucket, left_running, notebook, outputs_of

NAME = f"convect-tests/notebook-{secrets.token_hex(4)}"
LOCAL_MODE = "name=algo-[0-9]+-"  # how the SDK calls its containers
ROUNDING = 1e-6  # the image and this machine may have other processors' routines


@pytest.fixture
def nothing_left(image: str) -> Iterator[None]:
    """Fail where a container of local mode is left, also after a failure; then remove it."""
    yield
    ours = [part for name in (image, NAME) for part in ("--filter", f"ancestor={name}")]
    left = docker("ps", "--all", "--quiet", "--filter", LOCAL_MODE, *ours).stdout.split()
    for container in left:
        docker("rm", "--force", container)
    assert not left


@pytest.fixture
def removed_afterwards() -> Iterator[None]:
    """Remove what notebook 01 names: the image here, and its name in the registry."""
    yield
    listing = subprocess.run(
        ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}"], capture_output=True, text=True, check=False
    )
    names = [name for name in listing.stdout.split() if NAME in name and "<none>" not in name]
    if names:
        docker("rmi", "--no-prune", *names)


@pytest.mark.usefixtures("nothing_left")
@pytest.mark.parametrize("stem", ["02_local_training", "04_batch_transform", "05_deploy_endpoint"])
def test_the_sdk_s_local_mode_runs_the_image(image: str, tmp_path: Path, stem: str) -> None:
    run(notebook(stem), tmp_path / "1.ipynb", {"IMAGE": image, "OUTPUT_DIR": str(tmp_path / "out")})
    said = outputs_of(tmp_path / "1.ipynb")
    assert f"Local: containers of the image {image}." in said
    assert "algo-1-" in said  # its containers' names, before each line of their logs


@pytest.mark.usefixtures("nothing_left", "removed_afterwards")
def test_an_image_is_built_pushed_and_trains_remotely(image: str, tmp_path: Path) -> None:
    """`image` is not used but for its layers: the build in the notebook finds all but the last of them there."""
    with pytest.MonkeyPatch.context() as patch, running("docker") as emulator:
        for name, value in emulator.environment.items():
            patch.setenv(name, value)
        if emulator.registry is None:
            pytest.skip("docker-registry is not installed; `make engine` installs it")
        built = {
            "NAME": NAME,
            "BASE_IMAGE": base_image(),
            "BUILD": True,
            "PUSH": True,
            "OUTPUT_DIR": str(tmp_path / "1"),
        }
        calls = recording(tmp_path / "ipython", patch)
        run(notebook("01_build_and_push"), tmp_path / "1.ipynb", built)
        assert {need.action for call in calls_in(calls) for need in needs(call)} == set(kept()["01_build_and_push"])
        said = outputs_of(tmp_path / "1.ipynb")
        assert f"Built {NAME}" in said
        assert "sha256:" in said
        out = str(tmp_path / "remote_training")
        run(notebook("03_remote_training"), tmp_path / "2.ipynb", {**REMOTE, "IMAGE": NAME, "OUTPUT_DIR": out})
        (archive,) = in_bucket(emulator, "output.tar.gz").values()
        assert left_running(emulator) == []
        patch.setenv("DOCKER_HOST", NO_ENGINE)
        here = tmp_path / "here"
        run(notebook("03_remote_training"), tmp_path / "3.ipynb", {"KEEP_FILES": True, "OUTPUT_DIR": str(here)})
    (local,) = here.glob("remote-training-*/output/output.tar.gz")
    pd.testing.assert_frame_equal(forecast_in(archive), forecast_in(local.read_bytes()), rtol=ROUNDING)
