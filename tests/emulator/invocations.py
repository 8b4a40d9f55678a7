"""InvokeEndpoint and InvokeEndpointAsync: what the platform does between a caller and the model server."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import uuid
from collections.abc import Iterator, Mapping

from .errors import ServiceError
from .hosting import REPLY_CHARACTERS, Answer, ModelServer
from .registry import ENDPOINT, Resource
from .service import ACCOUNT, Service

PREFIX = "X-Amzn-SageMaker-"
FORWARDED = ("Custom-Attributes", "Inference-Id", "Target-Model", "Target-Variant", "Session-Id")
RETURNED = ("Custom-Attributes", "New-Session-Id", "Closed-Session-Id")
ASYNC_TIMEOUT_S, ASYNC_INLINE_BYTES = 900, 128_000
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container primary. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)
Reply = tuple[int, bytes, dict[str, str]]


def refused(message: str) -> ServiceError:
    return ServiceError("ValidationError", message)


def find(service: Service, name: str) -> Resource:
    """Return an endpoint that serves: in service, or being updated."""
    found = [endpoint for endpoint in service.registry.of(ENDPOINT) if endpoint.name == name]
    if not found or "variants" not in found[0].parts or found[0].status not in ("InService", "Updating"):
        raise refused(f"Endpoint {name} of account {ACCOUNT} not found.")
    return found[0]


def invoke(service: Service, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """InvokeEndpoint: status, body and headers of the answer; raise ModelError where the server refuses."""
    endpoint = find(service, name)
    if "AsyncInferenceConfig" in endpoint.parts["config"]:
        raise refused(f"Endpoint {name} is asynchronous: call InvokeEndpointAsync.")
    with claimed(endpoint, headers.get(f"{PREFIX}Target-Variant")) as (variant, server):
        check_size(service, endpoint, variant, body)
        timeout_s = service.limits.invocation_s
        answer = server.ask("POST", "/invocations", body, forwarded(headers), timeout_s=timeout_s)
    if not answer.good:
        raise model_error(service, name, answer)
    told = {
        f"{PREFIX}{word}": answer.headers[key]
        for word in RETURNED
        if (key := f"{PREFIX}{word}".lower()) in answer.headers
    }
    kind = answer.headers.get("content-type", "application/octet-stream")
    return 200, answer.body, {"Content-Type": kind, "x-Amzn-Invoked-Production-Variant": variant, **told}


@contextlib.contextmanager
def claimed(endpoint: Resource, target: str | None) -> Iterator[tuple[str, ModelServer]]:
    """A variant and its server, which is not ended by an update before it has answered."""
    with endpoint.lock:
        variant = choose(endpoint, target)
        server: ModelServer = endpoint.parts["variants"][variant]
        server.enter()
    try:
        yield variant, server
    finally:
        server.leave()


def choose(endpoint: Resource, target: str | None) -> str:
    """The variant a caller wants, or one by weight."""
    weights = {v["VariantName"]: v["CurrentWeight"] for v in endpoint.state["ProductionVariants"]}
    if target is None:
        return random.choices(
            list(weights), [weight or 0 for weight in weights.values()] if any(weights.values()) else None
        )[0]
    if target not in weights:
        raise refused(f"Variant {target} not found for endpoint {endpoint.name}.")
    return target


def check_size(service: Service, endpoint: Resource, variant: str, body: bytes) -> None:
    described = {v["VariantName"]: v for v in endpoint.parts["config"]["ProductionVariants"]}[variant]
    limits = service.limits
    limit = limits.serverless_payload_bytes if "ServerlessConfig" in described else limits.payload_bytes
    if len(body) > limit:
        raise refused(f"HTTP content length exceeded {limit} bytes.")


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    names = ("Content-Type", "Accept", *(f"{PREFIX}{word}" for word in FORWARDED))
    return {name: headers[name] for name in names if headers.get(name)}


def model_error(service: Service, name: str, answer: Answer) -> ServiceError:
    """The 424 that stands for a server's 4xx or 5xx, or, as status 0, for no answer in time."""
    told = answer.body.decode("utf-8", errors="replace") if answer.status else TIMED_OUT
    side = "client" if 400 <= answer.status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    message = (
        f'Received {side} error ({answer.status}) from primary with message "{told[:REPLY_CHARACTERS]}". '
        f"See the log group {group} in account {ACCOUNT} for more information."
    )
    arn = f"arn:aws:logs:{service.region}:{ACCOUNT}:log-group:{group}"
    return ServiceError(
        "ModelError", message, 424, OriginalStatusCode=answer.status, OriginalMessage=told[:2048], LogStreamArn=arn
    )


def invoke_async(service: Service, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
    """InvokeEndpointAsync: 202 at once; the answer, or the failure, goes to S3 later."""
    endpoint = find(service, name)
    config = endpoint.parts["config"].get("AsyncInferenceConfig")
    if config is None:
        raise refused(f"Endpoint {name} is not asynchronous: call InvokeEndpoint.")
    source = headers.get(f"{PREFIX}InputLocation")
    if bool(source) == bool(body) or len(body) > ASYNC_INLINE_BYTES:
        raise refused(f"Give either InputLocation or a Body of at most {ASYNC_INLINE_BYTES} bytes.")
    identity = str(uuid.uuid4())
    output = config["OutputConfig"]
    place = f"{output['S3OutputPath'].rstrip('/')}/{headers.get(f'{PREFIX}Filename') or identity + '.out'}"
    failure = f"{output.get('S3FailurePath', output['S3OutputPath']).rstrip('/')}/{identity}-error.out"
    service.background(
        functools.partial(answer_later, service, endpoint, dict(headers), source or body, place, failure)
    )
    told = {f"{PREFIX}OutputLocation": place, f"{PREFIX}FailureLocation": failure, "Content-Type": "application/json"}
    reply = {"InferenceId": headers.get(f"{PREFIX}Inference-Id", identity)}
    return 202, json.dumps(reply).encode(), told


def answer_later(
    service: Service, endpoint: Resource, headers: dict[str, str], source: str | bytes, place: str, failure: str
) -> None:
    """Fetch the payload, ask the server, write what it says."""
    lowered = {name.lower(): value for name, value in headers.items()}
    sent = {word: lowered[key] for word in ("Content-Type", "Accept") if (key := f"{PREFIX}{word}".lower()) in lowered}
    timeout_s = float(lowered.get(f"{PREFIX}InvocationTimeoutSeconds".lower(), ASYNC_TIMEOUT_S))
    try:
        body = source if isinstance(source, bytes) else service.storage.read(source)
        with claimed(endpoint, None) as (_, server):
            answer = server.ask("POST", "/invocations", body, sent, timeout_s=timeout_s)
    except Exception as error:
        answer = Answer(0, repr(error).encode(), {})
    if answer.good:
        service.storage.write(place, answer.body, answer.headers.get("content-type", "application/octet-stream"))
    else:
        told = f"Received error ({answer.status}) from primary with message: ".encode()
        service.storage.write(failure, told + answer.body)
