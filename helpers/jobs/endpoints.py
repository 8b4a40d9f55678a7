"""The dictionaries of endpoints: persistent, serverless, asynchronous, updated and scaled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .requests import IMAGE, LOCAL_ROLE, OPEN, Request, Security, model_request, uri

VARIANT = "AllTraffic"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
COOL_S = 300  # scaling in too soon costs a start-up again


def endpoint_requests(
    name: str,
    model_data: str,
    *,
    image: str = IMAGE,
    role: str = LOCAL_ROLE,
    instance_type: str = "local",
    instance_count: int = 1,
    serverless: Mapping[str, int] | None = None,
    asynchronous: str | Path = "",
    environment: Mapping[str, str] | None = None,
    security: Security = OPEN,
) -> dict[str, Request]:
    """Return the three dictionaries that make an endpoint, by the method that takes each; all bear `name`.

    * `serverless` (`MemorySizeInMB`, `MaxConcurrency`) takes the place of the instances; it knows no isolation, no KMS.
    * `asynchronous` is the place for the answers: requests then name a file, and so do answers.
    """
    hardware = {"InstanceType": instance_type, "InitialInstanceCount": instance_count}
    power: Request = {"ServerlessConfig": dict(serverless)} if serverless else hardware
    config: Request = {
        "EndpointConfigName": name,
        "ProductionVariants": [{"VariantName": VARIANT, "ModelName": name, **power}],
        **({} if serverless else security.key("KmsKeyId")),
        **({"AsyncInferenceConfig": answers_in(asynchronous, security)} if asynchronous else {}),
    }
    shut_in = OPEN if serverless else security
    return {
        "create_model": model_request(name, model_data, image, role, environment, shut_in),
        "create_endpoint_config": config,
        "create_endpoint": {"EndpointName": name, "EndpointConfigName": name},
    }


def answers_in(place: str | Path, security: Security) -> Request:
    """Return the part of a configuration that says where an asynchronous endpoint writes."""
    output = {"S3OutputPath": f"{uri(place)}/answers", "S3FailurePath": f"{uri(place)}/failures"}
    return {"OutputConfig": {**output, **security.key("KmsKeyId")}}


def update_requests(
    endpoint: str, requests: Mapping[str, Request], deployment: Request | None = None
) -> dict[str, Request]:
    """Return the requests of `endpoint_requests` as an update of an endpoint that runs: the model and the configuration
    keep their new name, the endpoint keeps its old one; `deployment` is such as `blue_green` returns."""
    config = requests["create_endpoint_config"]["EndpointConfigName"]
    made = {method: requests[method] for method in ("create_model", "create_endpoint_config")}
    how = {"DeploymentConfig": deployment} if deployment else {}
    return {**made, "update_endpoint": {"EndpointName": endpoint, "EndpointConfigName": config, **how}}


def blue_green(keep_s: int = 600, *, canary_percent: int = 0, watch_s: int = 0, alarms: Sequence[str] = ()) -> Request:
    """Return a `DeploymentConfig`: the new servers (green) take over from the old (blue), which stay `keep_s` longer.

    With `canary_percent`, which needs two instances or more, that share of them takes requests first, for `watch_s`.
    Where one of the CloudWatch `alarms` goes off meanwhile, all goes back to blue.
    """
    kind: Request = {"Type": "CANARY" if canary_percent else "ALL_AT_ONCE", "WaitIntervalInSeconds": watch_s}
    if canary_percent:
        kind["CanarySize"] = {"Type": "CAPACITY_PERCENT", "Value": canary_percent}
    back = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}} if alarms else {}
    return {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": kind, "TerminationWaitInSeconds": keep_s},
        **back,
    }


def autoscaling_requests(
    endpoint: str, *, lowest: int = 1, highest: int = 4, invocations_a_minute: float = 600
) -> dict[str, Request]:
    """Return the two dictionaries of the client `application-autoscaling` that let an endpoint grow and shrink.

    One more instance is started when each has more than so many invocations a minute. Endpoints on burstable
    (`ml.t2`) instances and serverless ones cannot be scaled so.
    """
    target: dict[str, Any] = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/{VARIANT}",
        "ScalableDimension": DIMENSION,
    }
    metric = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    tracking = {"TargetValue": invocations_a_minute, "PredefinedMetricSpecification": metric}
    cooling = {"ScaleInCooldown": COOL_S, "ScaleOutCooldown": COOL_S // 5}
    return {
        "register_scalable_target": {**target, "MinCapacity": lowest, "MaxCapacity": highest},
        "put_scaling_policy": {
            **target,
            "PolicyName": f"{endpoint}-invocations",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": {**tracking, **cooling},
        },
    }
