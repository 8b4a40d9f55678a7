"""What ECR says of a repository, and what the registry behind it holds: no Docker engine is needed for either."""

from __future__ import annotations

import base64
import json
import urllib.error
import urllib.request
from typing import Any, NamedTuple

NO_BOTO3 = "boto3 is not installed, and ECR is asked through it: pip install boto3."
MANIFESTS = (
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
)
INDEXES = (
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.index.v1+json",
)
PLATFORM = "linux/amd64"
TIMEOUT_S = 60.0


class ImageError(RuntimeError):
    """The image could not be built, pushed or used; the sentence says why and what to do."""


class Registry(NamedTuple):
    """A repository as ECR names it, and a login that is good for some hours."""

    uri: str
    endpoint: str
    user: str
    password: str


class Pushed(NamedTuple):
    """An image in a registry; `bytes` is its size there, compressed."""

    uri: str
    digest: str
    media_type: str
    platform: str
    bytes: int


def registry(name: str, region: str | None = None) -> Registry:
    """Return the repository `name`, made with scanning on push if it is not there, and a login to it.

    The host is ECR's answer, never put together here: it differs between partitions.

    Raises:
        ImageError: boto3, a region, credentials or a right is missing.
    """
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise ImageError(NO_BOTO3) from error
    try:
        client = boto3.client("ecr", region_name=region)
        token = client.get_authorization_token()["authorizationData"][0]
        uri = repository_uri(client, name)
    except (BotoCoreError, ClientError) as error:
        raise ImageError(f"ECR refused: {error} Check region, credentials and the rights in the README.") from error
    user, _, password = base64.b64decode(token["authorizationToken"]).decode().partition(":")
    return Registry(uri, token["proxyEndpoint"], user, password)


def repository_uri(client: Any, name: str) -> str:  # noqa: ANN401 - a client of boto3, which has no types
    """Return the URI of a repository, which is made if it is not there."""
    try:
        return str(client.describe_repositories(repositoryNames=[name])["repositories"][0]["repositoryUri"])
    except client.exceptions.RepositoryNotFoundException:
        made = client.create_repository(repositoryName=name, imageScanningConfiguration={"scanOnPush": True})
        return str(made["repository"]["repositoryUri"])


def pushed(place: Registry, tag: str = "latest") -> Pushed:
    """Return what the registry holds under a tag, once it is sure that SageMaker can run it.

    Raises:
        ImageError: there is no such image, it is an index of images, or it is for another processor.
    """
    headers, body = fetch(place, f"manifests/{tag}", (*MANIFESTS, *INDEXES))
    manifest, media_type = json.loads(body), headers.get("Content-Type", "").partition(";")[0]
    if media_type not in MANIFESTS:
        raise ImageError(
            f"{place.uri}:{tag} is a {media_type}, which SageMaker refuses: build with --provenance=false --sbom=false."
        )
    config = json.loads(fetch(place, f"blobs/{manifest['config']['digest']}")[1])
    platform = f"{config.get('os')}/{config.get('architecture')}"
    if platform != PLATFORM:
        raise ImageError(f"{place.uri}:{tag} is for {platform}: build with --platform {PLATFORM}.")
    size = sum(int(layer["size"]) for layer in manifest["layers"])
    return Pushed(f"{place.uri}:{tag}", headers.get("Docker-Content-Digest", ""), media_type, platform, size)


def fetch(place: Registry, what: str, accept: tuple[str, ...] = ("*/*",)) -> tuple[Any, bytes]:
    """Return headers and body of one thing in a repository; raises ImageError where the registry refuses."""
    request = urllib.request.Request(f"{place.endpoint}/v2/{place.uri.partition('/')[2]}/{what}")  # noqa: S310 - ECR's
    request.add_header("Accept", ", ".join(accept))
    login = base64.b64encode(f"{place.user}:{place.password}".encode()).decode()
    request.add_unredirected_header("Authorization", f"Basic {login}")  # blobs lie in S3, which refuses a second login
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            return answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        raise ImageError(f"{place.uri} has no {what}: the registry answered {error.code}.") from error
    except OSError as error:
        raise ImageError(f"The registry {place.endpoint} does not answer: {error}.") from error
