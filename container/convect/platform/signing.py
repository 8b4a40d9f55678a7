"""Signature Version 4: who asks an AWS service, proved by a keyed hash of what is asked.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlsplit

from convect.errors import PlatformError

_ALGORITHM = "AWS4-HMAC-SHA256"
_ROLE_HOST = "http://169.254.170.2"  # where a container asks for its role's credentials
_TIMEOUT_S = 5


@dataclass(frozen=True)
class Credentials:
    """A key, and the token that a role's keys come with."""

    key: str
    secret: str
    token: str = ""


def credentials(env: Mapping[str, str]) -> Credentials:
    """Return the container's credentials: its variables', else its role's.

    Raises PlatformError where it has none, as under network isolation.
    """
    if env.get("AWS_ACCESS_KEY_ID") and env.get("AWS_SECRET_ACCESS_KEY"):
        return Credentials(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN", ""))
    path = env.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "")
    if not path.startswith("/"):
        raise PlatformError("The container has no AWS credentials.", "Run the job without network isolation.")
    with urllib.request.urlopen(f"{_ROLE_HOST}{path}", timeout=_TIMEOUT_S) as answer:  # noqa: S310 - http, as written
        found = json.load(answer)
    return Credentials(found["AccessKeyId"], found["SecretAccessKey"], found["Token"])


def signed(
    method: str,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    who: Credentials,
    region: str,
    service: str,
    now: datetime,
) -> dict[str, str]:
    """Return the headers of a request with those that prove who asks; `now` is in UTC, `url` already quoted."""
    parts, digest = urlsplit(url), hashlib.sha256(body).hexdigest()
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    added = {"X-Amz-Date": stamp, "X-Amz-Content-SHA256": digest}
    added |= {"X-Amz-Security-Token": who.token} if who.token else {}
    every = {
        name.lower(): " ".join(value.split()) for name, value in {**headers, **added, "Host": parts.netloc}.items()
    }
    names = ";".join(sorted(every))
    query = "&".join(sorted(f"{_quoted(k)}={_quoted(v)}" for k, v in parse_qsl(parts.query, keep_blank_values=True)))
    lines = [method, quote(parts.path or "/", safe="/-_.~"), query]
    lines += [*(f"{name}:{every[name]}" for name in sorted(every)), "", names, digest]
    scope = f"{day}/{region}/{service}/aws4_request"
    asked = "\n".join([_ALGORITHM, stamp, scope, hashlib.sha256("\n".join(lines).encode()).hexdigest()])
    key = f"AWS4{who.secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    proof = hmac.new(key, asked.encode(), hashlib.sha256).hexdigest()
    proven = f"{_ALGORITHM} Credential={who.key}/{scope}, SignedHeaders={names}, Signature={proof}"
    return {**headers, **added, "Authorization": proven}


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
