"""What only containers show: the registry, networks of several hosts, confinement, and that nothing is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import docker, running
from tests.emulator.conftest import Desk

TABLE = Path(__file__).resolve().parents[2] / "container/local_test/test_dir/input/data/train/daily_departures.csv"
SETTINGS = {"horizon": "7", "preset": "fast"}


@pytest.fixture(scope="module")
def desk(image: str) -> Iterator[Desk]:
    """The emulator with containers and a registry; after it, the engine has nothing of it."""
    with running("docker") as emulator:
        emulator.publish(image)
        desk = Desk(emulator)
        desk.put("data/daily.csv", TABLE.read_bytes())
        label, host = emulator.runner.label, emulator.image.partition("/")[0]  # type: ignore[attr-defined]
        yield desk
    mine = ["--filter", f"label={docker.LABEL}={label}", "--quiet"]
    assert docker.docker("ps", "--all", *mine).stdout == ""
    assert docker.docker("network", "ls", *mine).stdout == ""
    assert docker.docker("images", "--filter", f"reference={host}/*", "--quiet").stdout == ""


@pytest.fixture(scope="module")
def trained(desk: Desk, channel: Any) -> dict[str, Any]:
    """Two hosts that see nothing but each other, on an image that was just pulled, with checkpoints beside /opt/ml."""
    if desk.emulator.registry:
        docker.docker("rmi", desk.emulator.image)
    return desk.train(
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
        HyperParameters=SETTINGS,
        EnableNetworkIsolation=True,
        CheckpointConfig={"S3Uri": desk.uri("checkpoints"), "LocalPath": "/tmp/kept"},
        InputDataConfig=[channel("train", desk.uri("data/"))],
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )


def test_two_isolated_hosts_train(desk: Desk, trained: dict[str, Any]) -> None:
    assert trained["TrainingJobStatus"] == "Completed", trained.get("FailureReason")
    streams = desk.logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    hosts = {stream["logStreamName"].split("/")[1].rpartition("-")[0] for stream in streams}
    assert hosts == {"algo-1", "algo-2"}
    assert not [line for line in desk.log("/aws/sagemaker/TrainingJobs") if line.startswith("[emulator]")]


def test_a_serverless_endpoint_is_confined(desk: Desk, trained: dict[str, Any]) -> None:
    container = {"Image": desk.emulator.image, "ModelDataUrl": trained["ModelArtifacts"]["S3ModelArtifacts"]}
    desk.sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=desk.emulator.role)
    serverless = {"MemorySizeInMB": 2048, "MaxConcurrency": 1}
    variant = {"VariantName": "A", "ModelName": "m", "ServerlessConfig": serverless}
    desk.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    desk.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    described = desk.until("endpoint", lambda one: one["EndpointStatus"] != "Creating", "e")
    assert described["EndpointStatus"] == "InService", desk.log("/aws/sagemaker/Endpoints/e")
    label = desk.emulator.runner.label  # type: ignore[attr-defined]
    (name,) = docker.docker("ps", "--filter", f"label={docker.LABEL}={label}", "--format", "{{.Names}}").stdout.split()
    shape = "{{.HostConfig.ReadonlyRootfs}} {{.HostConfig.Memory}}"
    assert docker.docker("inspect", "--format", shape, name).stdout.split() == ["true", str(2048 * 2**20)]
    answer = desk.runtime.invoke_endpoint(EndpointName="e", Body=b"{}", ContentType="application/json")
    assert answer["Body"].read().startswith(b"item_id,timestamp,mean")


def test_ecr_knows_what_was_pushed(desk: Desk, trained: dict[str, Any]) -> None:
    if not desk.emulator.registry:
        pytest.skip("docker-registry is not installed")
    repository = desk.emulator.image.partition("/")[2].partition(":")[0]
    ecr = desk.emulator.client("ecr")
    (known,) = ecr.describe_images(repositoryName=repository)["imageDetails"]
    assert known["imageTags"] == ["latest"]
    digests = docker.docker("image", "inspect", "--format", "{{json .RepoDigests}}", desk.emulator.image).stdout
    assert known["imageDigest"] in digests
    (login,) = ecr.get_authorization_token()["authorizationData"]
    assert login["proxyEndpoint"] == f"http://{desk.emulator.registry.address}"
