"""`helpers.image` without an engine: what Docker, ECR, the registry and CodeBuild are asked, and what is said."""

from __future__ import annotations

import http.server
import io
import json
import os
import subprocess
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient
from moto import mock_aws

from helpers import image
from helpers.image import codebuild, ecr
from helpers.image import engine as building
from tests.notebooks import permissions, recorder

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = (ROOT / "container" / "build_and_push.sh").read_text("utf-8")
DOCKERFILE = (ROOT / "container" / "Dockerfile").read_text("utf-8")
V2, INDEX = ecr.MANIFESTS[0], ecr.INDEXES[1]
STUB = """#!/bin/sh
[ "$1 $2" = "buildx version" ] && exit {buildx}
[ "$1" = version ] && exit {engine}
[ "$1" = context ] && echo unix:///a.sock && exit 0
[ "$1" = image ] && echo abc-dirty && exit 0
echo "$@ config=${{DOCKER_CONFIG:+set}} host=$DOCKER_HOST" >> {log}
[ "$1" = login ] && cat >> {log}
[ "$1" = {fails} ] && echo "line one" && echo "no space left on device" >&2 && exit 1
echo "Step 1/9 : RUN apt-get"
"""


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Callable[[], list[str]]]:
    """A function that puts a stand-in for Docker's client on PATH, and gives what it was asked."""

    def install(*, engine: bool = True, buildx: bool = False, fails: str = "nothing") -> Callable[[], list[str]]:
        log, program = tmp_path / "docker.log", tmp_path / "bin" / "docker"
        program.parent.mkdir()
        program.write_text(STUB.format(engine=int(not engine), buildx=int(not buildx), log=log, fails=fails))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("DOCKER_HOST", raising=False)
        return lambda: log.read_text().splitlines()

    return install


class Shelf(http.server.BaseHTTPRequestHandler):
    """A registry of one image, behind a login."""

    media_type, architecture = V2, "amd64"

    def do_GET(self) -> None:
        if not self.headers.get("Authorization"):
            return self.send_error(401)
        config = {"os": "linux", "architecture": self.architecture}
        manifest = {"config": {"digest": "sha256:c"}, "layers": [{"size": 3}, {"size": 4}]}
        found = {
            "/v2/a/b/manifests/latest": manifest,
            "/v2/a/b/manifests/abc-dirty": manifest,
            "/v2/a/b/blobs/sha256:c": config,
        }.get(self.path)
        if found is None:
            return self.send_error(404)
        self.send_response(200)
        self.send_header("Content-Type", self.media_type)
        self.send_header("Docker-Content-Digest", "sha256:d")
        self.end_headers()
        self.wfile.write(json.dumps(found).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., image.Registry]]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Shelf)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"127.0.0.1:{server.server_port}"

    def holding(media_type: str = V2, architecture: str = "amd64") -> image.Registry:
        monkeypatch.setattr(Shelf, "media_type", media_type)
        monkeypatch.setattr(Shelf, "architecture", architecture)
        return image.Registry(f"{address}/a/b", f"http://{address}", "AWS", "secret")

    yield holding
    server.shutdown()
    server.server_close()


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="mine", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        yield


def test_an_image_that_sagemaker_can_run_is_described(shelf: Callable[..., image.Registry]) -> None:
    place = shelf()
    assert image.pushed(place) == image.Pushed(f"{place.uri}:latest", "sha256:d", V2, "linux/amd64", 7)


@pytest.mark.parametrize(
    ("held", "tag", "sentence"),
    [
        ({"media_type": INDEX}, "latest", f"is a {INDEX}, which SageMaker refuses: build with --provenance=false"),
        ({"architecture": "arm64"}, "latest", "is for linux/arm64: build with --platform linux/amd64."),
        ({}, "gone", "has no manifests/gone: the registry answered 404."),
    ],
)
def test_an_image_that_sagemaker_cannot_run_is_refused(
    shelf: Callable[..., image.Registry], held: dict[str, str], tag: str, sentence: str
) -> None:
    with pytest.raises(image.ImageError) as error:
        image.pushed(shelf(**held), tag)
    assert sentence in str(error.value)


def test_a_registry_that_is_away_is_named() -> None:
    with pytest.raises(image.ImageError, match=r"The registry http://127\.0\.0\.1:9 does not answer: "):
        image.pushed(image.Registry("127.0.0.1:9/a", "http://127.0.0.1:9", "AWS", "secret"))


def test_a_repository_is_made_once_with_scanning(aws: None) -> None:
    first, second = image.registry("team/forecast"), image.registry("team/forecast")
    assert first.uri == second.uri
    assert first.uri.endswith("/team/forecast")
    assert first.endpoint == f"https://{first.uri.partition('/')[0]}"
    assert (first.user, bool(first.password)) == ("AWS", True)
    (made,) = boto3.client("ecr").describe_repositories()["repositories"]
    assert made["imageScanningConfiguration"] == {"scanOnPush": True}


def test_without_a_region_ecr_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    with pytest.raises(image.ImageError, match=r"ECR refused: You must specify a region\. Check region, credentials"):
        image.registry("forecast")


@pytest.mark.parametrize("buildx", [True, False])
def test_the_build_is_for_sagemaker_whatever_the_client(
    docker: Callable[..., Callable[[], list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, buildx: bool
) -> None:
    asked = docker(buildx=buildx)
    monkeypatch.setenv("PIP_INDEX_URL", "a-mirror")
    assert image.build(tmp_path, "mine", base_image="base:1", show=False) == "mine:unversioned"
    (line,) = asked()
    assert line.startswith(
        "buildx build --provenance=false --sbom=false --load " if buildx else "build --force-rm --platform"
    )
    for part in ("--platform linux/amd64", "--build-arg BASE_IMAGE=base:1", "--build-arg PIP_INDEX_URL=a-mirror"):
        assert f" {part} " in line
    assert " --label org.opencontainers.image.revision=unversioned --label org.opencontainers.image.created=20" in line
    assert f"--tag mine:unversioned --tag mine:latest {tmp_path} " in line


def test_a_failed_build_shows_its_last_lines(docker: Callable[..., Any], tmp_path: Path) -> None:
    docker(fails="build")
    with pytest.raises(image.ImageError) as error:
        image.build(tmp_path)
    assert str(error.value).splitlines() == [
        "The build failed (exit code 1). Its last lines:",
        "line one",
        "no space left on device",
    ]


@pytest.mark.parametrize("act", [lambda: image.build("."), image.push], ids=["build", "push"])
def test_without_an_engine_the_other_route_is_named(docker: Callable[..., Any], act: Callable[[], object]) -> None:
    docker(engine=False)
    with pytest.raises(image.ImageError) as error:
        act()
    assert str(error.value) == ("No Docker engine answers. Start Docker, or build without it: image.build_remotely.")


def test_a_push_logs_in_beside_the_home_directory_and_forgets(
    docker: Callable[..., Callable[[], list[str]]],
    shelf: Callable[..., image.Registry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, place = docker(), shelf()
    monkeypatch.setattr(building, "registry", lambda *_: place)
    assert image.push("mine").digest == "sha256:d"
    there = " config=set host=unix:///a.sock"
    assert asked() == [
        f"login --username AWS --password-stdin {place.endpoint}{there}",
        f"secrettag mine:latest {place.uri}:abc-dirty{there}",  # what the login read has no end of line
        f"push {place.uri}:abc-dirty{there}",
        f"tag mine:latest {place.uri}:latest{there}",
        f"push {place.uri}:latest{there}",
    ]


def test_a_tag_is_the_commit_and_says_where_the_folder_differs(tmp_path: Path) -> None:
    assert image.revision(tmp_path) == "unversioned"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "file").write_text("1")
    for step in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "one"]):
        subprocess.run([*git, *step], check=True)
    commit = image.revision(tmp_path)
    assert len(commit) == 12
    (tmp_path / "file").write_text("2")
    assert image.revision(tmp_path) == f"{commit}-dirty"


def test_script_dockerfile_and_helper_agree() -> None:
    assert f"${{1:-{image.NAME}}}" in SCRIPT
    for variable in building.OF_THE_INDEX:
        assert f"ARG {variable}\n" in DOCKERFILE
        assert variable in SCRIPT
    for option in ("--provenance=false", "--sbom=false", "--platform linux/amd64", "scanOnPush"):
        assert option in SCRIPT
    assert "build_and_push.sh" in codebuild.SPEC["phases"]["build"]["commands"][0]  # type: ignore[index]


def test_a_folder_is_packed_without_what_the_image_does_not_need(tmp_path: Path) -> None:
    for name in (
        "Dockerfile",
        ".dockerignore",
        "convect/a.py",
        "convect/__pycache__/a.pyc",
        ".cache/b",
        "local_test/c",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text(name)
    packed = codebuild.packed(tmp_path)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        assert archive.namelist() == [".dockerignore", "Dockerfile", "convect/a.py"]
        assert archive.read("convect/a.py") == b"convect/a.py"
        assert {entry.external_attr >> 16 for entry in archive.infolist()} == {0o644}
    (tmp_path / "Dockerfile").touch()
    assert codebuild.packed(tmp_path) == packed


@pytest.fixture
def remote(aws: None, shelf: Callable[..., image.Registry], monkeypatch: pytest.MonkeyPatch) -> image.Registry:
    """CodeBuild by moto, which runs nothing; the registry has the image that the build would have pushed."""
    place = shelf()
    monkeypatch.setattr(codebuild, "registry", lambda *_: place)
    monkeypatch.setattr(codebuild, "revision", lambda _: "latest")
    return place


ROLE = "arn:aws:iam::123456789012:role/service-role/builder"


def test_codebuild_builds_and_leaves_nothing(
    remote: image.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    monkeypatch.setattr(codebuild, "run_build", lambda client, name, *_: seen.append(described(client, name)))
    (tmp_path / "Dockerfile").write_text("FROM x")
    pushed = image.build_remotely(tmp_path, "mine", ROLE, "a/b", base_image="base:1", poll_s=0)
    assert pushed.digest == "sha256:d"
    ((source, environment),) = seen
    assert source["location"] == "mine/convect/codebuild/a/b-latest.zip"
    assert environment["privilegedMode"] is True
    given = {each["name"]: each["value"] for each in environment["environmentVariables"]}
    assert given == {"NAME": "a/b", "REVISION": "latest", "BASE_IMAGE": "base:1"}
    assert boto3.client("codebuild").list_projects()["projects"] == []
    assert "Contents" not in boto3.client("s3").list_objects_v2(Bucket="mine")


def described(client: Any, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    (project,) = client.batch_get_projects(names=[name])["projects"]
    return project["source"], project["environment"]


def test_a_build_by_moto_goes_through(remote: image.Registry, tmp_path: Path) -> None:
    assert image.build_remotely(tmp_path, "mine", ROLE, "forecast", poll_s=0) == image.pushed(remote)


def test_a_build_by_codebuild_asks_what_is_kept(
    remote: image.Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = recorder.recording(tmp_path / "ipython", monkeypatch)
    monkeypatch.setattr(BaseClient, "_make_api_call", recorder.sent)
    image.build_remotely(tmp_path, "mine", ROLE, "forecast", poll_s=0)
    found = {need.action for call in recorder.calls_in(file) for need in permissions.needs(call)}
    of_the_registry = set(permissions.kept()["01_build_and_push"])  # which is not asked here
    assert found | of_the_registry == set(permissions.kept()["build_remotely"])


class Builds:
    """CodeBuild with a build that goes through these states."""

    def __init__(self, *states: str) -> None:
        self.states, self.stopped = list(states), ""

    def start_build(self, projectName: str) -> dict[str, Any]:
        return {"build": {"id": f"{projectName}:1", "buildStatus": "IN_PROGRESS"}}

    def batch_get_builds(self, ids: list[str]) -> dict[str, Any]:
        if not self.states:
            raise KeyboardInterrupt
        where = {"groupName": "/aws/codebuild/p", "streamName": "1"}
        return {"builds": [{"id": ids[0], "buildStatus": self.states.pop(0), "logs": where}]}

    def stop_build(self, id: str) -> None:
        self.stopped = id


class Logs:
    def get_log_events(self, **asked: Any) -> dict[str, Any]:
        assert asked["limit"] == codebuild.LOG_LINES
        return {"events": [{"message": "no space left on device\n"}]}


def test_a_failed_remote_build_shows_the_end_of_its_log() -> None:
    builds = Builds("IN_PROGRESS", "FAILED")
    with pytest.raises(image.ImageError) as error:
        codebuild.run_build(builds, "p", 0, Logs())
    assert str(error.value) == "The build ended as FAILED. The end of its log:\nno space left on device"
    assert builds.stopped == ""


def test_an_interrupted_remote_build_is_stopped() -> None:
    builds = Builds("IN_PROGRESS")
    with pytest.raises(KeyboardInterrupt):
        codebuild.run_build(builds, "p", 0, Logs())
    assert builds.stopped == "p:1"


def test_a_missing_bucket_is_said_and_nothing_is_made(remote: image.Registry, tmp_path: Path) -> None:
    with pytest.raises(image.ImageError, match=r"AWS refused: .*NoSuchBucket.* Check the bucket, the role"):
        image.build_remotely(tmp_path, "not-there", ROLE, "forecast")
    assert boto3.client("codebuild").list_projects()["projects"] == []
