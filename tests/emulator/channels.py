"""A training job's input: the objects of each channel for each host, as folders or as pipes."""

from __future__ import annotations

import errno
import gzip
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

from .errors import JobError, invalid, not_emulated
from .rules import check_source
from .service import Service

PIPE_POLL_S = 0.02
EPOCHS = 1000


def mode(channel: dict[str, Any], job: dict[str, Any]) -> str:
    return str(channel.get("InputMode", job["AlgorithmSpecification"]["TrainingInputMode"]))


def check_channels(service: Service, request: dict[str, Any]) -> None:
    """Raise AWS's error for a channel that names no object, and our own for a source that is not covered."""
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig", [])]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Duplicate channel name {name} in input data configuration.")
    for channel in request.get("InputDataConfig", []):
        source = channel["DataSource"].get("S3DataSource")
        if source is None or source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
            raise not_emulated(f"The data source of channel {channel['ChannelName']}")
        if mode(channel, request) == "FastFile" and source["S3DataType"] != "S3Prefix":
            raise invalid("FastFile input mode supports S3Prefix only.")
        if channel.get("CompressionType") == "Gzip" and mode(channel, request) != "Pipe":
            raise invalid(f"CompressionType Gzip of channel {channel['ChannelName']} needs input mode Pipe.")
        check_source(service, source, request["RoleArn"])


def config(channel: dict[str, Any], job: dict[str, Any]) -> dict[str, str]:
    """A channel's entry in `inputdataconfig.json`."""
    source = channel["DataSource"]["S3DataSource"]
    entry = {
        "TrainingInputMode": mode(channel, job),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel.get("RecordWrapperType", "None"),
    }
    return {**entry, **({"ContentType": channel["ContentType"]} if channel.get("ContentType") else {})}


def objects_of(service: Service, channel: dict[str, Any], host: int, hosts: int) -> list[tuple[str, str]]:
    """The objects a host gets: all of them, or every n-th."""
    source = channel["DataSource"]["S3DataSource"]
    objects = service.storage.sources(source)
    if not objects:
        raise JobError(f'ClientError: Data download failed:No S3 objects found under S3 URL "{source["S3Uri"]}"')
    return objects[host::hosts] if source.get("S3DataDistributionType") == "ShardedByS3Key" else objects


def bring(service: Service, job: dict[str, Any], data: Path, host: int, hosts: int) -> list[Pipe]:
    """Fill `input/data` of a host; return the pipes that are to be fed while its program runs."""
    pipes = []
    for channel in job.get("InputDataConfig", []):
        objects = objects_of(service, channel, host, hosts)
        name = channel["ChannelName"]
        if mode(channel, job) == "Pipe":
            pipes.append(Pipe(service, data / name, objects, unzip=channel.get("CompressionType") == "Gzip"))
        else:
            service.storage.fetch(objects, data / name)
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            (data / f"{name}-manifest").write_text(json.dumps([{"prefix": uri}]), encoding="utf-8")
    return pipes


class Pipe:
    """FIFOs `<channel>_0`, `<channel>_1`, …: each gives all objects one after another, the next once it is read."""

    def __init__(self, service: Service, path: Path, objects: list[tuple[str, str]], *, unzip: bool) -> None:
        self._service, self._path, self._objects, self._unzip = service, path, objects, unzip
        self._stop = threading.Event()
        os.mkfifo(self._name(0))

    def start(self) -> None:
        self._service.background(self._feed)

    def stop(self) -> None:
        self._stop.set()

    def _name(self, epoch: int) -> Path:
        return self._path.with_name(f"{self._path.name}_{epoch}")

    def _feed(self) -> None:
        for epoch in range(EPOCHS):
            sink = self._open(self._name(epoch))
            if sink is None:
                return
            os.mkfifo(self._name(epoch + 1))  # there before the end of this one is seen
            try:
                for uri, _ in self._objects:
                    content = self._service.storage.read(uri)
                    self._write(sink, gzip.decompress(content) if self._unzip else content)
            except BrokenPipeError:
                pass  # a reader may close early
            finally:
                os.close(sink)

    def _open(self, path: Path) -> int | None:
        """Open a FIFO for writing once it has a reader; None when the job has ended before."""
        while not self._stop.is_set():
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # other than: no reader yet
                    return None
            time.sleep(PIPE_POLL_S)
        return None

    def _write(self, sink: int, content: bytes) -> None:
        view = memoryview(content)
        while view and not self._stop.is_set():
            try:
                view = view[os.write(sink, view) :]
            except BlockingIOError:
                time.sleep(PIPE_POLL_S)
