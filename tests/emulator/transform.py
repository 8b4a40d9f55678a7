"""Batch transform jobs: each object of the input, split and batched, through a model server, into `<object>.out`."""

from __future__ import annotations

import functools
import gzip
import json
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from . import records
from .errors import JobError, invalid
from .filters import Processing
from .hosting import REPLY_CHARACTERS, Answer, ModelServer
from .registry import MODEL, TRANSFORM, Resource
from .rules import check_output, check_source
from .service import MEGABYTE, Service

LOG_GROUP = "/aws/sagemaker/TransformJobs"
DEFAULTS = {"MaxConcurrentTransforms": 1, "BatchStrategy": "MultiRecord", "MaxPayloadInMB": 6}
MOST_MB = 100  # concurrent requests times payload
STRATEGIES = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
REASON = "ClientError: See job logs for more information"


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateTransformJob: returns at once, the job runs on a thread."""
    model = service.registry.find(MODEL, request["ModelName"])
    check(service, request, model.request["ExecutionRoleArn"])
    job = service.registry.make(TRANSFORM, request, TransformJobStatus="InProgress")
    service.background(functools.partial(run, service, job, model.request))
    return {"TransformJobArn": job.arn}


def check(service: Service, request: dict[str, Any], role: str) -> None:
    concurrent, payload_mb = request.get("MaxConcurrentTransforms", 0), request.get("MaxPayloadInMB", 0)
    if concurrent * payload_mb > MOST_MB:
        raise invalid(f"MaxConcurrentTransforms times MaxPayloadInMB must be at most {MOST_MB} MB.")
    split, data = request["TransformInput"].get("SplitType", "None"), processing(request)
    if data.active and split not in ("Line", "None"):
        raise invalid("Data processing needs SplitType Line or None.")
    if request.get("BatchStrategy") == "MultiRecord" and data.active and split == "None" and data.join:
        raise invalid("JoinSource Input needs input that is split into records.")
    check_source(service, request["TransformInput"]["DataSource"]["S3DataSource"], role)
    check_output(service, request["TransformOutput"]["S3OutputPath"], role)


def processing(request: dict[str, Any]) -> Processing:
    kind = request["TransformInput"].get("ContentType", "")
    return Processing(request.get("DataProcessing", {}), kind, request["TransformOutput"].get("Accept", kind))


def run(service: Service, job: Resource, model: dict[str, Any]) -> None:
    """Run a job to its end; whatever happens is in its state, nothing is raised."""
    job.set(TransformStartTime=time.time())
    log = service.log(LOG_GROUP, f"{job.name}/i-{time.time_ns():x}")
    server = ModelServer(service, model, f"{job.name}-serve", log, environment(job.request))
    job.parts["servers"] = [server]
    try:
        server.start()
        server.wait_ready(job.stop.is_set)
        reason = transform_files(service, job, server)
    except JobError as error:
        reason = f"AlgorithmError: The container did not answer /ping with 200: {error}. {REASON}"
    except Exception as error:
        traceback.print_exc()
        reason = f"InternalServerError: {error!r}"
    finally:
        server.stop()
    status = "Stopped" if job.stop.is_set() else "Failed" if reason else "Completed"
    told = {"FailureReason": reason[:REPLY_CHARACTERS]} if status == "Failed" else {}
    job.set_status(status, TransformEndTime=time.time(), **told)


def environment(request: dict[str, Any]) -> dict[str, str]:
    """The variables by which the platform tells a server that it serves a batch job."""
    names = {
        "MaxPayloadInMB": "SAGEMAKER_MAX_PAYLOAD_IN_MB",
        "MaxConcurrentTransforms": "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS",
        "BatchStrategy": "SAGEMAKER_BATCH_STRATEGY",
    }
    told = {
        variable: str(STRATEGIES.get(request[key], request[key])) for key, variable in names.items() if key in request
    }
    return {**request.get("Environment", {}), **told, "SAGEMAKER_BATCH": "true"}


def transform_files(service: Service, job: Resource, server: ModelServer) -> str:
    """Transform each object and write its answer; return why the first one failed; the others are kept."""
    storage, source = service.storage, job.request["TransformInput"]["DataSource"]["S3DataSource"]
    target = job.request["TransformOutput"]["S3OutputPath"].rstrip("/")
    settings = {**DEFAULTS, **execution_parameters(server), **job.request}
    reason = ""
    for uri, name in storage.sources(source):
        if job.stop.is_set():
            break
        try:
            answer = transform_file(storage.read(uri), server, settings, job)
        except JobError as error:
            server.note(f"{uri}: {error}")
            reason = reason or f"{REASON}: {name}: {error}"
            continue
        storage.write(f"{target}/{name}.out", answer)
    return reason


def execution_parameters(server: ModelServer) -> dict[str, Any]:
    """What the server would like, or nothing where it does not say."""
    answer = server.ask("GET", "/execution-parameters", timeout_s=10)
    with suppress(ValueError, TypeError):
        return dict(json.loads(answer.body)) if answer.status == 200 else {}
    return {}


def transform_file(content: bytes, server: ModelServer, settings: dict[str, Any], job: Resource) -> bytes:
    """Return the answers to one object's requests, assembled; raise JobError at the first that is refused."""
    source, target = settings["TransformInput"], settings["TransformOutput"]
    if source.get("CompressionType") == "Gzip":
        content = gzip.decompress(content)
    data = processing(settings)
    single = STRATEGIES.get(settings["BatchStrategy"], settings["BatchStrategy"]) == "SINGLE_RECORD"
    found = records.split(content, source.get("SplitType", "None"))
    batches = list(records.batches(found, single=single, limit_bytes=int(settings["MaxPayloadInMB"]) * MEGABYTE))
    ask = functools.partial(transform_batch, server=server, settings=settings, data=data, job=job)
    with ThreadPoolExecutor(max(1, int(settings["MaxConcurrentTransforms"]))) as executor:
        answers = list(executor.map(ask, batches))
    return records.assemble(answers, target.get("AssembleWith", "None"))


def transform_batch(
    batch: list[bytes], server: ModelServer, settings: dict[str, Any], data: Processing, job: Resource
) -> bytes:
    """Send one request, again where the server fails; return what is kept of the answer."""
    body = b"".join(data.before(record) for record in batch)
    answer = send(body, server, settings, job)
    if not answer.good:
        told = answer.body.decode("utf-8", errors="replace")[:REPLY_CHARACTERS]
        raise JobError(f"Bad HTTP status received from algorithm: {answer.status}: {told}")
    if not data.active:
        return answer.body
    answers = [answer.body] if len(batch) == 1 else [line for line in answer.body.split(b"\n") if line.strip()]
    if len(answers) != len(batch):
        raise JobError(f"{len(batch)} records were sent and {len(answers)} came back, so they cannot be joined")
    return b"".join(data.after(record, told) for record, told in zip(batch, answers, strict=True))


def send(body: bytes, server: ModelServer, settings: dict[str, Any], job: Resource) -> Answer:
    client = settings.get("ModelClientConfig", {})
    headers = {
        "Content-Type": settings["TransformInput"].get("ContentType"),
        "Accept": settings["TransformOutput"].get("Accept"),
    }
    sent = {name: value for name, value in headers.items() if value}
    answer = Answer(0, b"the job was stopped", {})
    for _ in range(1 + client.get("InvocationsMaxRetries", 3)):
        if job.stop.is_set():
            break
        timeout_s = client.get("InvocationsTimeoutInSeconds", 600)
        chunked = int(settings["MaxPayloadInMB"]) == 0
        answer = server.ask("POST", "/invocations", body, sent, timeout_s=timeout_s, chunked=chunked)
        if 200 <= answer.status < 500:
            break
    return answer
