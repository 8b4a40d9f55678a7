"""The emulator over two small programs, as processes, so that its own tests are quick and run everywhere."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.emulator import Emulator, Limits, running
from tests.image.fixtures import engine, image

__all__ = ["engine", "image"]

PROGRAMS = Path(__file__).parent / "programs"
LIMITS = Limits(train_grace_s=2, startup_s=8, invocation_s=3, payload_bytes=2000, checkpoint_sync_s=0.1, poll_s=0.02)
PATIENCE_S = 180


class Desk:
    """An emulator, boto3's clients for it, and requests with everything filled in that a test does not speak of."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self.sagemaker, self.runtime = emulator.client("sagemaker"), emulator.client("sagemaker-runtime")
        self.s3, self.logs = emulator.client("s3"), emulator.client("logs")
        self._count = 0

    def name(self, stem: str) -> str:
        self._count += 1
        return f"{stem}-{self._count}"

    def uri(self, key: str) -> str:
        return f"s3://{self.emulator.bucket}/{key}"

    def put(self, key: str, content: bytes | str) -> str:
        self.s3.put_object(Bucket=self.emulator.bucket, Key=key, Body=content)
        return self.uri(key)

    def get(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.emulator.bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"].removeprefix(prefix) for entry in found]

    def training(self, **changes: Any) -> dict[str, Any]:
        request = {
            "TrainingJobName": self.name("training"),
            "AlgorithmSpecification": {"TrainingImage": self.emulator.image, "TrainingInputMode": "File"},
            "RoleArn": self.emulator.role,
            "OutputDataConfig": {"S3OutputPath": self.uri("out")},
            "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        return {**request, **changes}

    def train(self, **changes: Any) -> dict[str, Any]:
        request = self.training(**changes)
        self.sagemaker.create_training_job(**request)
        return self.training_end(request["TrainingJobName"])

    def training_end(self, name: str) -> dict[str, Any]:
        return self.until("training_job", lambda job: job["TrainingJobStatus"] not in ("InProgress", "Stopping"), name)

    def until(self, noun: str, done: Any, name: str) -> dict[str, Any]:
        """Describe something until it is as wanted."""
        key = "".join(word.title() for word in noun.split("_")) + "Name"
        limit = time.monotonic() + PATIENCE_S
        while time.monotonic() < limit:
            description = getattr(self.sagemaker, f"describe_{noun}")(**{key: name})
            if done(description):
                return dict(description)
            time.sleep(0.03)
        pytest.fail(f"{name} is still {description}")

    def log(self, group: str, prefix: str = "") -> list[str]:
        """The lines of a log, none of one that nothing has been written to."""
        try:
            streams = self.logs.describe_log_streams(logGroupName=group)["logStreams"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        names = [stream["logStreamName"] for stream in streams if stream["logStreamName"].startswith(prefix)]
        pages = [self.logs.get_log_events(logGroupName=group, logStreamName=name)["events"] for name in names]
        return [event["message"] for page in pages for event in page]

    def logged(self, line: str, group: str, prefix: str = "") -> bool:
        """Whether a line is in a log, or comes into it soon."""
        limit = time.monotonic() + 5
        while time.monotonic() < limit and line not in self.log(group, prefix):
            time.sleep(0.05)
        return line in self.log(group, prefix)

    def model(self, **environment: str) -> str:
        """Make a model whose server sees these variables; its archive is that of a training job."""
        if not self.keys("kept/model.tar.gz"):
            job = self.train(OutputDataConfig={"S3OutputPath": self.uri("first")})
            self.put("kept/model.tar.gz", self.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
        name = self.name("model")
        container = {
            "Image": self.emulator.image,
            "ModelDataUrl": self.uri("kept/model.tar.gz"),
            "Environment": environment,
        }
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.emulator.role)
        return name


def channel(name: str, uri: str, **changes: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    source |= changes.pop("source", {})
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **changes}


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("programs")
    for name in ("train", "serve"):
        shutil.copy(PROGRAMS / f"{name}.py", folder / name)
    return folder


@pytest.fixture(scope="module")
def desk(programs: Path) -> Iterator[Desk]:
    with running("processes", programs=programs, limits=LIMITS) as emulator:
        yield Desk(emulator)


@pytest.fixture(name="channel", scope="session")
def channel_fixture() -> Any:
    return channel


@pytest.fixture
def unpacked(desk: Desk, tmp_path: Path) -> Any:
    """The content of an archive on S3, by name: JSON where it is JSON."""

    def unpack(uri: str) -> dict[str, Any]:
        archive = tmp_path / "archive.tar.gz"
        archive.write_bytes(desk.get(uri))
        shutil.unpack_archive(archive, tmp_path / "unpacked", filter="data")
        paths = (tmp_path / "unpacked").iterdir()
        return {
            path.name: json.loads(path.read_text()) if path.suffix == ".json" else path.read_text() for path in paths
        }

    return unpack
