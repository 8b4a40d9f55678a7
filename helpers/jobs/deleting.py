"""Deleting: endpoints, configurations and models by name, as often as one likes."""

# ruff: noqa: ANN401 - a client is of one of three libraries, two of which need not be installed

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from .requests import Request

NOUNS = {"endpoint": "EndpointName", "endpoint_config": "EndpointConfigName", "model": "ModelName"}
POLL_S = 1.0
SETTLING_S = 900.0  # an endpoint in the making cannot be deleted, and one that goes takes a while


def delete(client: Any, *names: str, nouns: Sequence[str] = tuple(NOUNS)) -> list[str]:
    """Delete the endpoint, its configuration and the model of each name; return what there was to delete.

    Of a transform job there is the model alone: with `nouns=["model"]` no right to endpoints is needed. It may be
    called twice, and on a name of which only some exist. It returns once no endpoint is left: that is what costs money.
    """
    return [noun for name in names for noun in nouns if delete_one(client, noun, name)]


def delete_one(client: Any, noun: str, name: str) -> bool:
    """Delete one thing and return whether there was anything to delete; an endpoint is waited for."""
    if noun == "endpoint" and not settled(client, name):
        return False
    try:
        getattr(client, f"delete_{noun}")(**{NOUNS[noun]: name})
    except Exception as error:
        if not missing(error):
            raise
        return False
    if noun == "endpoint":
        settled(client, name, gone=True)
    return True


def settled(client: Any, name: str, *, gone: bool = False) -> bool:
    """Wait until an endpoint may be deleted, or, with `gone`, until it is; return whether it is there.

    Raises:
        TimeoutError: it did not settle; delete it later, it may cost money until then.
    """
    limit = time.monotonic() + SETTLING_S
    while time.monotonic() < limit:
        status = status_of(client, name)
        if not status or (status not in ("Creating", "Updating", "Deleting", "SystemUpdating") and not gone):
            return bool(status)
        time.sleep(POLL_S)
    raise TimeoutError(f"The endpoint {name} is still {status}: delete it again in a while, it may cost money.")


def status_of(client: Any, name: str) -> str:
    """Return the state of an endpoint, or "" where there is none."""
    try:
        described: Request = client.describe_endpoint(EndpointName=name)
    except Exception as error:
        if not missing(error):
            raise
        return ""
    return str(described.get("EndpointStatus", ""))


def missing(error: Exception) -> bool:
    """Return whether an error says that the thing is not there."""
    told = getattr(error, "response", {}).get("Error", {})
    said = str(told.get("Message", "")).lower()
    return told.get("Code") == "ResourceNotFound" or "could not find" in said or "does not exist" in said
