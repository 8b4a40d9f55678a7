"""What only containers show: the registry, networks of several hosts, confinement, and that nothing is left."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.emulator import docker, running
from tests.emulator.conftest import Desk

TABLE = Path(__file__).resolve().parents[2] / "container/local_test/test_dir/input/data/train/daily_departures.csv"
SETTINGS = {"horizon": "7", "preset": "fast"}


def parts() -> dict[str, bytes]:
    """The table in three files, in each of which is a third of the days of every series."""
    table = pd.read_csv(TABLE)
    return {str(number): table.iloc[number::3].to_csv(index=False).encode() for number in range(3)}


@pytest.fixture(scope="module")
def desk(image: str) -> Iterator[Desk]:
    """The emulator with containers and a registry; after it, the engine has nothing of it."""
    with running("docker") as emulator:
        emulator.publish(image)
        desk = Desk(emulator)
        for name, part in parts().items():
            desk.put(f"data/{name}.csv", part)
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


@pytest.fixture(scope="module")
def one_host(desk: Desk, channel: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    job = desk.train(HyperParameters=SETTINGS, InputDataConfig=[channel("train", desk.uri("data/"))])
    return written(desk, job, tmp_path_factory.mktemp("one-host"))


def written(desk: Desk, job: dict[str, Any], folder: Path) -> dict[str, bytes]:
    """The files of a job's model, and its forecasts."""
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    place = job["ModelArtifacts"]["S3ModelArtifacts"].removesuffix("model.tar.gz")
    for name in ("model", "output"):
        (folder / f"{name}.tar.gz").write_bytes(desk.get(f"{place}{name}.tar.gz"))
        shutil.unpack_archive(folder / f"{name}.tar.gz", folder / name, filter="data")
    paths = [*(folder / "model").rglob("*"), folder / "output" / "forecasts.csv"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def test_two_hosts_that_see_all_make_the_model_of_one(
    desk: Desk, trained: dict[str, Any], one_host: dict[str, bytes], tmp_path: Path
) -> None:
    assert written(desk, trained, tmp_path) == one_host


def test_four_hosts_of_which_one_sees_nothing_make_the_model_of_one(
    desk: Desk, channel: Any, one_host: dict[str, bytes], tmp_path: Path
) -> None:
    job = desk.train(
        ResourceConfig={"InstanceType": "ml.m5.xlarge", "InstanceCount": 4, "VolumeSizeInGB": 1},
        HyperParameters=SETTINGS,
        InputDataConfig=[channel("train", desk.uri("data/"), source={"S3DataDistributionType": "ShardedByS3Key"})],
        StoppingCondition={"MaxRuntimeInSeconds": 600},
    )
    assert written(desk, job, tmp_path) == one_host
    log = desk.log("/aws/sagemaker/TrainingJobs", f"{job['TrainingJobName']}/algo-1-")
    assert {"host algo-2: 1 files", "host algo-3: 1 files", "host algo-4: 0 files"} <= set(log)


def test_two_isolated_hosts_train(desk: Desk, trained: dict[str, Any]) -> None:
    assert trained["TrainingJobStatus"] == "Completed", trained.get("FailureReason")
    streams = desk.logs.describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs")["logStreams"]
    names = [stream["logStreamName"].split("/") for stream in streams]
    hosts = {stream.rpartition("-")[0] for job, stream in names if job == trained["TrainingJobName"]}
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
