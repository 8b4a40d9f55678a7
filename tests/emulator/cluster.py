"""The hosts of one training job: their `/opt/ml` trees, their containers, and how they came to an end."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path

from . import channels
from .checkpoints import DEFAULT_PATH, Checkpoints
from .logs import Log
from .registry import Resource
from .runners import Launch, Program
from .service import Service

LOG_GROUP = "/aws/sagemaker/TrainingJobs"
GROUP = "homogeneousCluster"


@dataclass
class Host:
    name: str
    root: Path
    pipes: list[channels.Pipe]
    program: Program | None = None
    log: Log | None = None
    code: int | None = None


@dataclass(frozen=True)
class Outcome:
    """`ended` by themselves, `stopped` on request, out of `time`, or `interrupted`; `bad` is the first that failed."""

    how: str
    bad: Host | None


class Cluster:
    """One try at a training job on its hosts, in a folder of its own."""

    def __init__(self, service: Service, job: Resource, folder: Path, attempt: int) -> None:
        self._service, self._job, self._name = service, job, f"{job.name}-{attempt}"
        self.count = int(job.request["ResourceConfig"].get("InstanceCount", 1))
        self.hosts = [Host(name, folder / name, []) for name in service.runner.hosts(self.count)]
        self.network = ""
        config = job.request.get("CheckpointConfig")
        self.checkpoints = (
            Checkpoints(service, config, [self.checkpoint_dir(h) for h in self.hosts]) if config else None
        )

    def checkpoint_dir(self, host: Host) -> Path:
        place = self._job.request.get("CheckpointConfig", {}).get("LocalPath", DEFAULT_PATH).rstrip("/")
        return host.root / (place.removeprefix("/opt/ml/") if place.startswith("/opt/ml/") else "outside")

    def prepare(self) -> None:
        """Lay out each host's tree, data and checkpoints included."""
        for number, host in enumerate(self.hosts):
            for folder in ("input/config", "input/data", "model", "output/data"):
                (host.root / folder).mkdir(parents=True)
            if self.checkpoints:
                self.checkpoint_dir(host).mkdir(parents=True)
            self._write_config(host)
            host.pipes = channels.bring(self._service, self._job.request, host.root / "input/data", number, self.count)
        if self.checkpoints:
            self.checkpoints.restore()

    def _write_config(self, host: Host) -> None:
        request, names = self._job.request, [other.name for other in self.hosts]
        kind = request["ResourceConfig"].get("InstanceType")
        files = {
            "hyperparameters": request.get("HyperParameters", {}),
            "inputdataconfig": {
                channel["ChannelName"]: channels.config(channel, request)
                for channel in request.get("InputDataConfig", [])
            },
            "resourceconfig": {
                "current_host": host.name,
                "current_instance_type": kind,
                "current_group_name": GROUP,
                "hosts": names,
                "instance_groups": [{"instance_group_name": GROUP, "instance_type": kind, "hosts": names}],
                "network_interface_name": "eth0",
                "topology": None,
            },
        }
        for name, content in files.items():
            (host.root / "input/config" / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")

    def start(self) -> None:
        isolated = bool(self._job.request.get("EnableNetworkIsolation"))
        if self.count > 1 or isolated:
            self.network = self._name
            self._service.runner.open_network(self.network, isolated=isolated)
        for host in self.hosts:
            host.log = self._service.log(LOG_GROUP, f"{self._job.name}/{host.name}-{time.time_ns() // 10**6}")
            host.program = self._service.runner.start(self._launch(host))
            if host.program.process.stdout:
                host.log.follow(host.program.process.stdout)
            for pipe in host.pipes:
                pipe.start()
        if self.checkpoints:
            self.checkpoints.start()

    def _launch(self, host: Host) -> Launch:
        request, algorithm = self._job.request, self._job.request["AlgorithmSpecification"]
        place = request.get("CheckpointConfig", {}).get("LocalPath", DEFAULT_PATH)
        outside = {} if place.startswith("/opt/ml/") else {place: self.checkpoint_dir(host)}
        platform = {
            "TRAINING_JOB_NAME": self._job.name,
            "TRAINING_JOB_ARN": self._job.arn,
            "AWS_REGION": self._service.region,
        }
        return Launch(
            name=f"{self._name}-{host.name}",
            image=algorithm["TrainingImage"],
            program="train",
            root=host.root,
            environment={**request.get("Environment", {}), **platform},
            hostname=host.name,
            network=self.network,
            entrypoint=tuple(algorithm.get("ContainerEntrypoint", ())),
            arguments=tuple(algorithm.get("ContainerArguments", ())),
            mounts=outside,
        )

    def wait(self, limit: float) -> Outcome:
        """Wait for all hosts, for one that fails, for a stop or for `limit`; then end what still runs."""
        how = "ended"
        while how == "ended" and self._running() and not self._bad():
            how = self._reason(limit)
            time.sleep(self._service.limits.poll_s)
        bad = self._bad() if how == "ended" else None
        self.end()
        return Outcome(how, bad or (self._bad() if how == "ended" else None))

    def _reason(self, limit: float) -> str:
        if self._job.stop.is_set():
            return "stopped"
        if self._job.interrupt.is_set():
            return "interrupted"
        return "time" if time.monotonic() > limit else "ended"

    def _running(self) -> bool:
        return any(host.program and host.program.process.poll() is None for host in self.hosts)

    def _bad(self) -> Host | None:
        return next((host for host in self.hosts if host.program and host.program.process.poll()), None)

    def end(self) -> None:
        """SIGTERM to all hosts at once, each with its grace; then the last of logs, pipes and checkpoints."""
        grace_s = self._service.limits.train_grace_s
        stops = [self._service.background(lambda host=host: self._end(host, grace_s)) for host in self.hosts]  # type: ignore[misc]
        for stop in stops:
            stop.join()
        if self.checkpoints:
            self.checkpoints.finish()
        if self.network:
            self._service.runner.close_network(self.network)

    def _end(self, host: Host, grace_s: float) -> None:
        if host.program:
            host.code = host.program.stop(grace_s)
        for pipe in host.pipes:
            pipe.stop()
        if host.log:
            host.log.join()
