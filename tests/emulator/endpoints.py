"""Endpoints: their configurations, one model server a variant, updates without a gap, and deletion."""

from __future__ import annotations

import functools
import time
import traceback
from typing import Any

from .errors import JobError, invalid, not_emulated
from .hosting import ModelServer
from .registry import CONFIG, ENDPOINT, MODEL, Resource
from .rules import check_output
from .service import Service

LOG_GROUP = "/aws/sagemaker/Endpoints/"
SERVERLESS_STARTUP_S = 180.0
UNHEALTHY = (
    "The primary container for production variant {variant} did not pass the ping health check: {told}. "
    "Please check CloudWatch logs for this endpoint."
)
Variants = dict[str, ModelServer]


def create_config(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpointConfig."""
    for member in ("ShadowProductionVariants", "ExplainerConfig", "DataCaptureConfig"):
        if member in request:
            raise not_emulated(member)
    names = [variant["VariantName"] for variant in request["ProductionVariants"]]
    if len(set(names)) != len(names):
        raise invalid("Production variant names must be unique within an endpoint configuration.")
    for variant in request["ProductionVariants"]:
        check_variant(service, variant)
    output = request.get("AsyncInferenceConfig", {}).get("OutputConfig", {}).get("S3OutputPath")
    if output:
        model = service.registry.find(MODEL, request["ProductionVariants"][0]["ModelName"])
        check_output(service, output, model.request["ExecutionRoleArn"])
    return {"EndpointConfigArn": service.registry.make(CONFIG, request).arn}


def check_variant(service: Service, variant: dict[str, Any]) -> None:
    if "ModelName" not in variant:
        raise not_emulated("A variant of inference components")
    service.registry.find(MODEL, variant["ModelName"])
    serverless = variant.get("ServerlessConfig")
    if serverless and ("InstanceType" in variant or serverless["MemorySizeInMB"] % 1024):
        raise invalid("A serverless variant has no instance type, and a memory size of a multiple of 1024 MB.")
    if not serverless and ("InstanceType" not in variant or variant.get("InitialInstanceCount", 0) < 1):
        raise invalid(f"Variant {variant['VariantName']} must have an InstanceType and an InitialInstanceCount.")


def create(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """CreateEndpoint: returns at once, `InService` follows the first good /ping of each variant."""
    config = service.registry.find(CONFIG, request["EndpointConfigName"])
    endpoint = service.registry.make(ENDPOINT, request, EndpointStatus="Creating")
    service.background(functools.partial(bring_up, service, endpoint, config.request))
    return {"EndpointArn": endpoint.arn}


def update(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateEndpoint: the new servers come up beside the old ones, which serve until then, or on if that fails."""
    check_deployment(request)
    endpoint = find_settled(service, request, "update")
    config = service.registry.find(CONFIG, request["EndpointConfigName"])
    told = {"LastDeploymentConfig": request["DeploymentConfig"]} if "DeploymentConfig" in request else {}
    endpoint.set_status("Updating", **told)
    service.background(functools.partial(bring_up, service, endpoint, config.request))
    return {"EndpointArn": endpoint.arn}


def check_deployment(request: dict[str, Any]) -> None:
    """Refuse an update that is not blue/green with all requests moved at once; its waiting times pass at once here."""
    for member in ("RetainAllVariantProperties", "RetainDeploymentConfig", "ExcludeRetainedVariantProperties"):
        if request.get(member):
            raise not_emulated(member)
    config = request.get("DeploymentConfig", {})
    routing = config.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    if "RollingUpdatePolicy" in config or "AutoRollbackConfiguration" in config:
        raise not_emulated("A rolling update, or going back on an alarm")
    if routing.get("Type", "ALL_AT_ONCE") != "ALL_AT_ONCE":
        raise not_emulated(f"Traffic routing of type {routing['Type']}")


def update_weights(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """UpdateEndpointWeightsAndCapacities: weights steer who is asked, counts are only told back."""
    endpoint = find_settled(service, request, "update")
    wanted = {change["VariantName"]: change for change in request["DesiredWeightsAndCapacities"]}
    variants = [dict(variant) for variant in endpoint.state["ProductionVariants"]]
    if unknown := wanted.keys() - {variant["VariantName"] for variant in variants}:
        raise invalid(f'The endpoint has no variant "{sorted(unknown)[0]}".')
    for variant in variants:
        change = wanted.get(variant["VariantName"], {})
        for member, told in (("DesiredWeight", "Weight"), ("DesiredInstanceCount", "InstanceCount")):
            if member in change:
                variant[f"Desired{told}"] = variant[f"Current{told}"] = change[member]
    endpoint.set(ProductionVariants=variants)
    return {"EndpointArn": endpoint.arn}


def delete(service: Service, request: dict[str, Any]) -> dict[str, Any]:
    """DeleteEndpoint: `Deleting` until its servers have ended, then gone; to ask twice is no error."""
    endpoint = service.registry.find(ENDPOINT, request["EndpointName"])
    if endpoint.status in ("Creating", "Updating"):
        raise invalid(f'Cannot update in-progress endpoint "{endpoint.arn}".')
    if endpoint.status != "Deleting":
        endpoint.set_status("Deleting")
        endpoint.stop.set()
        service.background(functools.partial(tear_down, service, endpoint))
    return {}


def find_settled(service: Service, request: dict[str, Any], verb: str) -> Resource:
    endpoint = service.registry.find(ENDPOINT, request["EndpointName"])
    if endpoint.status != "InService":
        raise invalid(f'Cannot {verb} in-progress endpoint "{endpoint.arn}".')
    return endpoint


def tear_down(service: Service, endpoint: Resource) -> None:
    for server in endpoint.parts.get("servers", []):
        server.stop()
    service.registry.forget(endpoint)


def bring_up(service: Service, endpoint: Resource, config: dict[str, Any]) -> None:
    """Start all variants of a configuration and swap them in; on failure keep what there was."""
    before: list[ModelServer] = endpoint.parts.get("servers", [])
    variants: Variants = {}
    try:
        for variant in config["ProductionVariants"]:
            start_variant(service, endpoint, variant, variants)
    except Exception as error:
        reason = str(error) if isinstance(error, JobError) else f"InternalServerError: {error!r}"
        if not isinstance(error, JobError):
            traceback.print_exc()
        for server in variants.values():
            server.stop()
        endpoint.set_status("InService" if before else "Failed", FailureReason=reason)
        return
    told = [describe_variant(variant, service) for variant in config["ProductionVariants"]]
    with endpoint.lock:
        endpoint.parts.update(variants=variants, servers=list(variants.values()), config=config)
        endpoint.state.pop("FailureReason", None)
        endpoint.set_status("InService", EndpointConfigName=config["EndpointConfigName"], ProductionVariants=told)
    for server in before:
        server.drain()
        server.stop()


def start_variant(service: Service, endpoint: Resource, variant: dict[str, Any], variants: Variants) -> None:
    model, name = service.registry.find(MODEL, variant["ModelName"]), variant["VariantName"]
    log = service.log(f"{LOG_GROUP}{endpoint.name}", f"{name}/i-{time.time_ns():x}")
    server = ModelServer(service, model.request, f"{endpoint.name}-{name}-{time.time_ns() // 10**6}", log)
    variants[name] = server
    serverless = variant.get("ServerlessConfig", {})
    timeout_s = SERVERLESS_STARTUP_S if serverless else variant.get("ContainerStartupHealthCheckTimeoutInSeconds")
    server.start(serverless.get("MemorySizeInMB", 0))
    try:
        server.wait_ready(endpoint.stop.is_set, timeout_s)
    except JobError as error:
        raise JobError(UNHEALTHY.format(variant=name, told=error)) from error


def describe_variant(variant: dict[str, Any], service: Service) -> dict[str, Any]:
    image = service.registry.find(MODEL, variant["ModelName"]).request["PrimaryContainer"]["Image"]
    weight, count = variant.get("InitialVariantWeight", 1.0), variant.get("InitialInstanceCount", 0)
    told = {"CurrentServerlessConfig": variant["ServerlessConfig"]} if "ServerlessConfig" in variant else {}
    return {
        "VariantName": variant["VariantName"],
        "DeployedImages": [{"SpecifiedImage": image, "ResolvedImage": image}],
        "CurrentWeight": weight,
        "DesiredWeight": weight,
        "CurrentInstanceCount": count,
        "DesiredInstanceCount": count,
        **told,
    }
