"""One batch transform job: each file of the input, split and batched, through `serve`, into `<file>.out`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .files import files_under, path_of, unpack
from .job import Job
from .programs import STARTUP_TIMEOUT_S, Answer, Server

MEGABYTE = 2**20
SERVER_GRACE_S = 30.0  # between SIGTERM and SIGKILL of a model server
DEFAULTS = {"BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": 6}
REPLY_CHARACTERS = 600  # of an error answer, in the failure reason


class TransformFailed(Exception):
    """A file that could not be transformed, with the reason."""


def run_transform(job: Job, serve: Path, model: dict[str, Any]) -> None:
    """Run a transform job to its end; whatever happens is in the job's state, nothing is raised."""
    job.set(TransformStartTime=datetime.now(UTC))
    try:
        server = job.program = start_server(serve, job, model, batch_environment(job.request))
        try:
            server.wait_ready(STARTUP_TIMEOUT_S, job.stop.is_set)
            failures = transform_files(job, server)
        finally:
            server.stop(SERVER_GRACE_S)
    except Exception as error:
        failures = [f"AlgorithmError: {error}"]
    status = "Stopped" if job.stop.is_set() else "Failed" if failures else "Completed"
    reason = {"FailureReason": failures[0][:1024]} if status == "Failed" else {}
    job.set(TransformJobStatus=status, TransformEndTime=datetime.now(UTC), **reason)


def start_server(
    serve: Path, job: Job, model: dict[str, Any], environment: dict[str, str], base: Path | None = None
) -> Server:
    """Unpack the model's archive below `base`, which is the job's own unless given, and start `serve` over it."""
    container, base = model["PrimaryContainer"], base or job.base
    (base / "model").mkdir(parents=True, exist_ok=True)
    if container.get("ModelDataUrl"):
        unpack(path_of(container["ModelDataUrl"]), base / "model")
    return Server(serve, base, job.log, {**container.get("Environment", {}), **environment})


def batch_environment(request: dict[str, Any]) -> dict[str, str]:
    """Return the variables by which the platform tells a server that it serves a batch job."""
    names = {
        "MaxPayloadInMB": "SAGEMAKER_MAX_PAYLOAD_IN_MB",
        "MaxConcurrentTransforms": "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
    }
    told = {variable: str(request[key]) for key, variable in names.items() if key in request}
    if "BatchStrategy" in request:
        told["SAGEMAKER_BATCH_STRATEGY"] = strategy_name(request["BatchStrategy"])
    return {**request.get("Environment", {}), **told, "SAGEMAKER_BATCH": "true"}


def strategy_name(strategy: str) -> str:
    """Return the container's spelling of a batch strategy: `SingleRecord` is `SINGLE_RECORD`."""
    return {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}.get(strategy, strategy)


def transform_files(job: Job, server: Server) -> list[str]:
    """Transform each file and write its answer; return the reasons of those that failed, the others are kept."""
    source = path_of(job.request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"])
    target = path_of(job.request["TransformOutput"]["S3OutputPath"])
    settings = {**DEFAULTS, **execution_parameters(server), **job.request}
    failures = []
    for path, relative in files_under(source):
        if job.stop.is_set():
            break
        try:
            answer = transform_file(path.read_bytes(), server, settings)
        except TransformFailed as error:
            failures.append(f"ClientError: {relative}: {error}")
            note(job, relative, str(error))
            continue
        destination = target / f"{relative}.out"
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(answer)
    return failures


def note(job: Job, file: Path, told: str) -> None:
    """Write what became of a file into the job's log, where the platform writes it."""
    with job.log.open("a", encoding="utf-8") as log:
        log.write(f"[sagemaker logs]: {file.as_posix()}: {told}\n")


def execution_parameters(server: Server) -> dict[str, Any]:
    """Return what the server would like, or nothing where it does not say."""
    answer = server.ask("GET", "/execution-parameters", timeout_s=10)
    if answer.status == 200:
        with suppress(ValueError):
            return dict(json.loads(answer.body))
    return {}


def transform_file(content: bytes, server: Server, settings: dict[str, Any]) -> bytes:
    """Return the answers to one file's batches, assembled; raise TransformFailed at the first that is refused."""
    source, target = settings["TransformInput"], settings["TransformOutput"]
    if source.get("CompressionType") == "Gzip":
        content = gzip.decompress(content)
    limit = int(settings["MaxPayloadInMB"]) * MEGABYTE
    records = split(content, source.get("SplitType", "None"))
    headers = {"Content-Type": source.get("ContentType"), "Accept": target.get("Accept")}
    timeout_s = settings.get("ModelClientConfig", {}).get("InvocationsTimeoutInSeconds", 600)
    sent = {name: value for name, value in headers.items() if value}
    answers = [
        checked(server.ask("POST", "/invocations", batch, sent, timeout_s=timeout_s))
        for batch in batches(records, strategy_name(settings["BatchStrategy"]), limit)
    ]
    return assemble(answers, target.get("AssembleWith", "None"))


def checked(answer: Answer) -> bytes:
    """Return the body of an answer, or raise TransformFailed with its status and reason."""
    if 200 <= answer.status < 300:
        return answer.body
    reason = answer.body.decode("utf-8", errors="replace")[:REPLY_CHARACTERS]
    raise TransformFailed(f"the model server answered {answer.status}: {reason}")


def split(content: bytes, split_type: str) -> list[bytes]:
    """Return the records of a file: its lines, each with its newline, or the whole file."""
    if split_type != "Line":
        return [content]
    return [line + b"\n" for line in content.split(b"\n") if line.strip()]


def batches(records: Iterable[bytes], strategy: str, limit_bytes: int) -> Iterator[bytes]:
    """Yield request bodies: each record alone, or as many as fit in the limit (0: no limit).

    Raises:
        TransformFailed: a single record is larger than the limit.
    """
    body = b""
    for record in records:
        if limit_bytes and len(record) > limit_bytes:
            raise TransformFailed(f"a record of {len(record)} bytes is larger than MaxPayloadInMB allows")
        full = limit_bytes and len(body) + len(record) > limit_bytes
        if body and (strategy == "SINGLE_RECORD" or full):
            yield body
            body = b""
        body += record
    if body:
        yield body


def assemble(answers: list[bytes], assemble_with: str) -> bytes:
    """Join the answers of a file as they are, or each ended by one newline."""
    if assemble_with != "Line":
        return b"".join(answers)
    return b"".join(answer.rstrip(b"\n") + b"\n" for answer in answers)
