"""Several hosts in the SageMaker SDK's own local mode, where the first container that ends takes the others with it."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from helpers import account, jobs
from tests.image.conftest import SAMPLE
from tests.image.engine import docker

LOCAL_MODE = "name=algo-[0-9]+-"  # how the SDK calls its containers


@pytest.fixture
def client(image: str, capsys: pytest.CaptureFixture[str]) -> Iterator[Any]:
    """Local mode's client; after the test no container of it is left."""
    found, _ = account.clients("local", image=image)
    assert capsys.readouterr().out == f"Local: containers of the image {image}.\n"
    yield found
    mine = ["--filter", f"ancestor={image}", "--filter", LOCAL_MODE]
    left = docker("ps", "--all", "--quiet", *mine).stdout.split()
    for container in left:
        docker("rm", "--force", container)
    assert not left


def two_hosts(image: str, output: Path, hyperparameters: dict[str, str]) -> dict[str, Any]:
    name = jobs.unique_name("two-hosts")
    places = {"train": SAMPLE / "input/data/train"}
    return jobs.on_hosts(jobs.training_request(name, places, output, hyperparameters, image=image), 2)


def test_two_hosts_make_the_model_of_one(client: Any, image: str, trained: Path, tmp_path: Path) -> None:
    settings = json.loads((SAMPLE / "input/config/hyperparameters.json").read_text("utf-8"))
    job = jobs.train(client, two_hosts(image, tmp_path / "out", settings))
    forecasts = jobs.download_output(job, tmp_path / "unpacked")["forecasts.csv"]
    told = pd.read_csv(trained / "output/data/forecasts.csv")
    pd.testing.assert_frame_equal(pd.read_csv(forecasts), told, rtol=1e-9)
    with tarfile.open(job["ModelArtifacts"]["S3ModelArtifacts"].removeprefix("file://")) as archive:
        files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        content = {name: file.read() for name, file in files.items() if file}
    assert content == {path.name: path.read_bytes() for path in (trained / "model").iterdir()}


def test_a_leader_that_fails_fails_the_job(
    client: Any, image: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(jobs.JobFailed):
        jobs.train(client, two_hosts(image, tmp_path / "out", {"horizn": "7"}))
    said = capsys.readouterr().out
    assert said.count("UserError [config]: Unknown hyperparameter 'horizn'.") >= 2  # by the leader and by the other
